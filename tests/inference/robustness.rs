//! Failing regions, stop rules, and the same bytes however a fit is run.

use super::objectives::*;
use super::{run, settings};
use fenton::Error;
use fenton::engine::Status;
use fenton::inference::*;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The result without its wall time; floating-point numbers print with all their digits.
fn bytes(result: &FitResult) -> String {
    format!("{:?}", FitResult { wall: Duration::ZERO, ..result.clone() })
}

#[test]
fn regions_that_cannot_be_integrated_are_walked_around_and_counted() {
    for method in Method::ALL {
        // Most of the box, with the optimum (1, 1) close to the edge of what is left.
        let objective = LeastSquares { fails: |x| x[0] < 0.9 || x[1] > 1.3, ..rosenbrock(2, (-2.0, 2.0)) };
        let result = run(&objective, &FitSettings { method, ..settings() });
        approx::assert_abs_diff_eq!(result.point[..], [1.0; 2], epsilon = 1e-3);
        assert!(result.scored() < 120 && result.failed_points > 150, "{} scored", result.scored());
        let [(Status::StepLimit, count)] = result.failures[..] else { panic!("{:?}", result.failures) };
        assert_eq!(count, result.failed_points);
        assert!(result.starts.iter().all(|start| start.last_value.is_finite()));
    }
}

#[test]
fn a_fit_in_which_everything_fails_says_why() {
    let objective = LeastSquares { fails: |_| true, ..rosenbrock(2, (-2.0, 2.0)) };
    let Err(Error::Run(text)) = fit(&objective, &settings(), &mut ()) else { panic!() };
    assert!(text.contains("none of 256 starts") && text.contains("256 lanes: reached the step limit"), "{text}");
}

#[test]
fn what_is_reported_is_exact_though_the_search_is_not() {
    let objective = LeastSquares { error: 0.02, ..decays(&[0.5, 5.0], &[1.0, 2.0], 0.01) };
    let result = run(&objective, &settings());
    approx::assert_relative_eq!(result.value, 7.751265762137846, max_relative = 1e-8);
    let evaluated = objective.evaluate_exactly(&result.starts.iter().map(|s| s.last_point.clone()).collect::<Vec<_>>());
    for (start, evaluation) in result.starts.iter().zip(evaluated.unwrap()) {
        assert_eq!(start.last_value, evaluation.value);
    }
    assert!(result.reached(0.05) >= 55, "{} of 64", result.reached(0.05));
}

#[test]
fn threads_and_cuts_do_not_change_a_byte() {
    for method in Method::ALL {
        let settings = FitSettings { method, width: 16, ..settings() };
        let results = [(1, 7), (2, 64), (5, 1000)].map(|(threads, cut)| {
            let objective = LeastSquares { cut, ..decays(&[0.5, 5.0], &[1.0, 2.0], 0.01) };
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            bytes(&pool.install(|| run(&objective, &settings)))
        });
        assert!(results.iter().all(|other| *other == results[0]), "{}", method.name());
    }
}

/// Keeps a copy of the checkpoint as it stood at each report.
struct Copies {
    from: PathBuf,
    to: PathBuf,
    count: usize,
    stages: Vec<Stage>,
}

impl Progress for Copies {
    fn update(&mut self, update: &Update) {
        assert!(update.total.is_none_or(|total| update.done <= total));
        if self.from.exists() {
            std::fs::copy(&self.from, self.to.join(self.count.to_string())).unwrap();
            self.count += 1;
            self.stages.push(update.stage);
        }
    }
}

fn kept(path: &Path, study: &str) -> Option<CheckpointSettings> {
    Some(CheckpointSettings { path: path.to_path_buf(), interval: Duration::ZERO, study: study.to_string() })
}

/// Reads a checkpoint that is there, but writes none for an hour.
fn never(path: &Path, study: &str) -> Option<CheckpointSettings> {
    kept(path, study).map(|kept| CheckpointSettings { interval: Duration::from_secs(3600), ..kept })
}

/// A killed process leaves nothing but the last checkpoint: begin again from each that was ever written.
#[test]
fn a_run_killed_at_any_time_resumes_to_the_same_bytes() {
    for method in Method::ALL {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fit.checkpoint");
        // Failures, so that infinities go through the file too.
        let objective = LeastSquares { fails: |x| x[0] > 2.0, error: 0.01, ..decays_in_order() };
        let settings = FitSettings {
            method,
            max_iterations: 25,
            tolerance: 1e-3,
            starts: 96,
            refine: Some(12),
            width: 8,
            checkpoint: kept(&path, "decays"),
            ..settings()
        };
        let mut copies = Copies { from: path.clone(), to: folder.path().to_path_buf(), count: 0, stages: Vec::new() };
        let whole = fit(&objective, &settings, &mut copies).unwrap();
        assert!(path.exists(), "the checkpoint goes when the result is in its place");
        settings.checkpoint.as_ref().unwrap().remove().unwrap();
        assert!(!path.exists());
        assert_eq!(whole.ended, Ended::Complete);
        for stage in [Stage::Scoring, Stage::Searching, Stage::Intervals] {
            assert!(copies.stages.contains(&stage), "{stage:?} in {:?}", copies.stages);
        }
        let stride = (copies.count / 8).max(1);
        let settings = FitSettings { checkpoint: never(&path, "decays"), ..settings };
        for copy in (0..copies.count).filter(|copy| copy % stride == 0 || copy + 2 > copies.count) {
            std::fs::copy(folder.path().join(copy.to_string()), &path).unwrap();
            let resumed = run(&objective, &settings);
            assert!(bytes(&resumed) == bytes(&whole), "{}, checkpoint {copy} of {}", method.name(), copies.count);
        }
    }
}

/// Counts checkpoints that could not be written.
struct Unkept(usize);

impl Progress for Unkept {
    fn update(&mut self, _update: &Update) {}

    fn unkept(&mut self, _error: &Error) {
        self.0 += 1;
    }
}

#[test]
fn a_checkpoint_that_cannot_be_written_is_told_and_the_fit_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let objective = decays(&[0.5, 5.0], &[1.0, 2.0], 0.01);
    let whole = run(&objective, &settings());
    let path = folder.path().join("no folder/fit.checkpoint");
    let settings = FitSettings { checkpoint: kept(&path, "decays"), ..settings() };
    let mut unkept = Unkept(0);
    assert_eq!(bytes(&fit(&objective, &settings, &mut unkept).unwrap()), bytes(&whole));
    assert!(unkept.0 > 1, "{}", unkept.0);
    // What is stopped is lost without one: that is an error.
    let stopped = FitSettings { max_evaluations: Some(100), ..settings };
    assert!(matches!(fit(&objective, &stopped, &mut ()), Err(Error::File { .. })));
}

#[test]
fn a_stopped_fit_gives_its_best_and_goes_on_when_asked_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fit.checkpoint");
    let objective = decays(&[0.5, 5.0], &[1.0, 2.0], 0.01);
    let whole = run(&objective, &settings());
    let limited = |most| FitSettings { checkpoint: kept(&path, "decays"), max_evaluations: most, ..settings() };
    let mut last = f64::INFINITY;
    for most in [100, 900, 3000] {
        let result = run(&objective, &limited(Some(most)));
        assert_eq!(result.ended, Ended::Evaluations);
        assert!(result.value <= last && result.value.is_finite());
        last = result.value;
    }
    assert_eq!(bytes(&run(&objective, &limited(None))), bytes(&whole));

    let time = run(&objective, &FitSettings { max_time: Some(Duration::ZERO), ..settings() });
    assert_eq!((time.ended, time.finished()), (Ended::Time, 0));
    let stop = Arc::new(AtomicBool::new(false));
    let pressed = FitSettings { stop: Some(stop.clone()), ..settings() };
    let stopped = fit(&objective, &pressed, &mut Press { stop, stage: Stage::Searching, done: 4 }).unwrap();
    assert_eq!(stopped.ended, Ended::Interrupted);
    assert!(stopped.finished() > 3 && stopped.finished() < 64);
}

/// Presses Ctrl-C when so much of a stage is done.
struct Press {
    stop: Arc<AtomicBool>,
    stage: Stage,
    done: usize,
}

impl Progress for Press {
    fn update(&mut self, update: &Update) {
        self.stop.store(update.stage == self.stage && update.done >= self.done, Ordering::Relaxed);
    }
}

#[test]
fn a_fit_stopped_among_its_intervals_has_those_that_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fit.checkpoint");
    let objective = decays_in_order();
    let whole = run(&objective, &settings());
    let followed = |result: &FitResult| {
        let parameters = &result.identification.parameters;
        assert!(parameters.iter().all(|parameter| parameter.interval.is_some()));
        parameters.iter().filter(|parameter| parameter.basis == Basis::Likelihood).count()
    };
    assert_eq!(followed(&whole), 4);
    for done in [0, 2, 4] {
        let stop = Arc::new(AtomicBool::new(false));
        let mut press = Press { stop: stop.clone(), stage: Stage::Intervals, done };
        let settings = FitSettings { checkpoint: never(&path, "decays"), stop: Some(stop), ..settings() };
        let stopped = fit(&objective, &settings, &mut press).unwrap();
        assert_eq!((stopped.ended, &stopped.point), (Ended::Interrupted, &whole.point));
        assert!(followed(&stopped) < 4 && (done > 0 || followed(&stopped) == 0), "{}", followed(&stopped));
        let resumed = run(&objective, &FitSettings { stop: None, ..settings.clone() });
        assert_eq!(bytes(&resumed), bytes(&whole));
        settings.checkpoint.unwrap().remove().unwrap();
    }
}

#[test]
fn a_checkpoint_of_another_fit_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fit.checkpoint");
    let objective = decays(&[0.5, 5.0], &[1.0, 2.0], 0.01);
    let first = FitSettings { checkpoint: kept(&path, "one"), max_evaluations: Some(100), ..settings() };
    run(&objective, &first);
    let written = std::fs::read(&path).unwrap();
    let refused = |settings: FitSettings, word: &str| {
        let Err(Error::Input(found)) = fit(&objective, &settings, &mut ()) else { panic!("not refused: {word}") };
        assert!(found[0].message.contains(word), "{}", found[0]);
        assert!(found[0].file.ends_with("fit.checkpoint") && found[0].hint.is_some());
    };
    refused(FitSettings { seed: 2, ..first.clone() }, "seed: 1 there, 2 here");
    refused(FitSettings { checkpoint: kept(&path, "two"), ..first.clone() }, "study: one there, two here");
    assert_eq!(std::fs::read(&path).unwrap(), written);
    std::fs::write(&path, &written[..written.len() / 2]).unwrap();
    refused(first, "the checkpoint is damaged");
}

#[test]
fn senseless_settings_are_refused_with_what_to_do() {
    let mut objective = rosenbrock(2, (-2.0, 2.0));
    objective.upper[1] = f64::INFINITY;
    objective.nominal = Some(vec![3.0, 0.0]);
    let Err(Error::Input(found)) = fit(&objective, &FitSettings { starts: 0, ..settings() }, &mut ()) else { panic!() };
    assert_eq!(found.len(), 3);
    assert!(found[1].message.contains("'x1' has bounds -2 to inf") && found[2].message.contains("'x0' lies outside"));
}

#[test]
fn the_users_guess_is_always_refined() {
    let objective = LeastSquares { nominal: Some(vec![-1.9, -1.9]), ..rosenbrock(2, (-2.0, 2.0)) };
    let result = run(&objective, &FitSettings { refine: Some(3), ..settings() });
    assert_eq!((result.starts[0].start, &result.starts[0].first_point), (0, &vec![-1.9, -1.9]));
    assert!(result.starts[0].first_value > result.starts[1].first_value);
}
