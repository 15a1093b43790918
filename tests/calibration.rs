//! Simulation-based calibration of `fenton sample`'s default sampler: parameters from their prior, cut at its bounds, data
//! from them, a posterior from these. Then the ranks of the true parameters, and of their likelihood, among about independent
//! draws are uniform (S. Talts et al., arXiv:1804.06788, 2018). Both tests of `common/ranks.rs` together are to find no fault
//! with any of a study's quantities, at 1 % for the whole study.
//!
//! A parabola with normal priors runs always, with 40 repeats. The two studies run when they are asked for, to 200 repeats or
//! as many as SBC says:
//!
//!     cargo test --release --test calibration -- --ignored --nocapture
//!
//! They go on from the repeats on record in `tests/reference/calibration-*.csv`: each is added to a copy in
//! target/tmp/calibration, so that a run that was stopped goes on too. Pictures of the distributions of the ranks come to lie
//! beside them. After a change of the sampler begin again, by deleting the files in both places. `docs/README.md` says what
//! was found.

#[path = "common/ranks.rs"]
mod ranks;

use fenton::Result;
use fenton::engine::Precision;
use fenton::engine::cpu::CpuEngine;
use fenton::inference::{
    Choice, Diagnosis, Evaluation, Sample, SampleSettings, StudyObjective, StudyTarget, Target, sample,
};
use fenton::random::Stream;
use fenton::report::plot::{Colour, Figure, Key, Layout, Mark, Scale as Axis, Series};
use fenton::study::problem::{Observation, Problem};
use fenton::study::{Prior, Scale, Study};
use nalgebra::{DMatrix, DVector};
use ranks::{AMONG, Bands, by_bins, cumulated, rank};
use rayon::prelude::*;
use std::io::Write;
use std::path::{Path, PathBuf};

const PARTICLES: usize = 512;
/// Of false alarms over all quantities of a study and both tests.
const FAMILY: f64 = 0.01;
/// Streams of the parameters and of the noise.
const TRUTH: u64 = 30_000;
const NOISE: u64 = 30_001;

/// The ranks of one repeat, those of the parameters first and that of the log-likelihood last.
struct Repeat {
    ranks: Vec<usize>,
    /// How many independent draws the posterior is worth in the quantity for which it is worth least.
    effective: f64,
}

/// Repeats that were asked for.
fn wanted(usual: u64) -> u64 {
    std::env::var("SBC").map_or(usual, |repeats| repeats.parse().expect("SBC is a number of repeats"))
}

fn from_prior(target: &dyn Target, repeat: u64) -> Vec<f64> {
    let mut stream = Stream::new(TRUTH, repeat);
    let shares: Vec<f64> = target.names().iter().map(|_| stream.uniform()).collect();
    target.prior_point(&shares)
}

fn drawn(target: &dyn Target, seed: u64) -> Sample {
    let settings = SampleSettings { draws: PARTICLES, seed, ..SampleSettings::default() };
    sample(target, &settings, &mut ()).expect("a run").expect("an end of its own")
}

fn ranked(target: &dyn Target, truth: &[f64], found: &Sample) -> Repeat {
    let likelihood = target.likelihoods(&[truth.to_vec()], true).expect("a likelihood")[0].value;
    let likelihoods = found.chains.iter().map(|chain| chain.iter().map(|draw| -draw.likelihood).collect()).collect();
    let mut quantities: Vec<(f64, Vec<Vec<f64>>)> =
        truth.iter().enumerate().map(|(i, truth)| (*truth, found.of(i))).collect();
    quantities.push((-likelihood, likelihoods));
    Repeat {
        ranks: quantities.iter().map(|(truth, chains)| rank(*truth, &chains.concat())).collect(),
        effective: quantities.iter().map(|(_, chains)| Diagnosis::of(chains).bulk).fold(f64::INFINITY, f64::min),
    }
}

/// Prints what both tests say of each quantity; the quantities that are not calibrated.
fn uncalibrated(names: &[String], repeats: &[Repeat]) -> Vec<String> {
    let bands = Bands::new(repeats.len());
    let level = FAMILY / (2 * names.len()) as f64;
    let test = |(i, name): (usize, &String)| {
        let ranks: Vec<usize> = repeats.iter().map(|repeat| repeat.ranks[i]).collect();
        let (bins, shape) = (by_bins(&ranks), bands.by_shape(&ranks));
        println!("{name:<20} p = {bins:.4} by bins, {shape:.4} by the distribution function");
        (bins < level || shape < level).then(|| format!("{name}: {bins:.2e} by bins, {shape:.2e} by shape"))
    };
    names.iter().enumerate().filter_map(test).collect()
}

fn quantities(target: &dyn Target) -> Vec<String> {
    target.names().iter().cloned().chain(["log-likelihood".to_string()]).collect()
}

/// A parabola through eight readings with known noise, which has its posterior in closed form.
struct Parabola {
    names: Vec<String>,
    readings: DVector<f64>,
}

const PRIORS: [(f64, f64); 3] = [(1.0, 1.0), (-0.5, 0.5), (0.3, 0.2)];
const PARABOLA_NOISE: f64 = 0.7;

impl Parabola {
    fn design() -> DMatrix<f64> {
        DMatrix::from_fn(8, 3, |row, column| (0.5 + 0.4 * row as f64).powi(column as i32))
    }

    fn of(truth: &[f64], stream: &mut Stream) -> Parabola {
        let mut readings = Parabola::design() * DVector::from_column_slice(truth);
        readings.iter_mut().for_each(|reading| *reading += PARABOLA_NOISE * stream.normal());
        Parabola { names: ["a", "b", "c"].map(String::from).to_vec(), readings }
    }

    fn prior(at: usize) -> (Prior, f64, f64) {
        let (mean, sd) = PRIORS[at];
        (Prior::Normal { mean, sd }, mean - 8.0 * sd, mean + 8.0 * sd)
    }

    /// Mean and covariance of the posterior (the cut at eight standard deviations counts for nothing), and the log evidence.
    fn posterior(&self) -> (DVector<f64>, DMatrix<f64>, f64) {
        let design = Parabola::design();
        let spread = DMatrix::from_diagonal(&DVector::from_iterator(3, PRIORS.iter().map(|(_, sd)| sd * sd)));
        let centre = DVector::from_iterator(3, PRIORS.iter().map(|(mean, _)| *mean));
        let readings =
            &design * &spread * design.transpose() + DMatrix::identity(8, 8) * (PARABOLA_NOISE * PARABOLA_NOISE);
        let root = readings.cholesky().expect("a covariance");
        let gain = &spread * design.transpose() * root.inverse();
        let off = &self.readings - &design * &centre;
        let evidence = -0.5 * (off.dot(&root.solve(&off)) + root.ln_determinant() + 8.0 * std::f64::consts::TAU.ln());
        (centre + &gain * off, &spread - &gain * design * &spread, evidence)
    }
}

impl Target for Parabola {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn prior(&self, point: &[f64]) -> f64 {
        let of = |(at, x): (usize, &f64)| {
            let (prior, lower, upper) = Parabola::prior(at);
            prior.negative_log_within(*x, Scale::Lin, lower, upper)
        };
        point.iter().enumerate().map(of).sum()
    }

    fn prior_point(&self, shares: &[f64]) -> Vec<f64> {
        let of = |(at, share): (usize, &f64)| {
            let (prior, lower, upper) = Parabola::prior(at);
            prior.quantile_within(*share, Scale::Lin, lower, upper)
        };
        shares.iter().enumerate().map(of).collect()
    }

    fn likelihoods(&self, points: &[Vec<f64>], _exact: bool) -> Result<Vec<Evaluation>> {
        let design = Parabola::design();
        let constant = 8.0 * (PARABOLA_NOISE.ln() + 0.5 * std::f64::consts::TAU.ln());
        let value = |point: &Vec<f64>| {
            let off = &self.readings - &design * DVector::from_column_slice(point);
            Evaluation { value: 0.5 * off.norm_squared() / PARABOLA_NOISE.powi(2) + constant, failures: vec![] }
        };
        Ok(points.iter().map(value).collect())
    }
}

/// Ranks of three parameters and the likelihood; and against the posterior in closed form the means within their own Monte
/// Carlo errors, which are to be neither too large nor too small, and likewise the evidence.
///
/// 200 repeats found p of at least 0.18 for each quantity and test, and errors of which the sd was 0.86 to 0.99 times what was
/// expected (means -0.05 to 0.14); at least 311 of 512 draws were effective.
#[test]
fn a_parabola_is_calibrated_and_its_posterior_is_that_in_closed_form() {
    let repeat = |at: u64| {
        let nothing = Parabola::of(&[0.0; 3], &mut Stream::new(NOISE, at));
        let truth = from_prior(&nothing, at);
        let target = Parabola::of(&truth, &mut Stream::new(NOISE, at));
        let found = drawn(&target, at);
        let (mean, _, evidence) = target.posterior();
        let mut off: Vec<f64> = (0..3)
            .map(|i| {
                let all = found.of(i).concat();
                (all.iter().sum::<f64>() / all.len() as f64 - mean[i]) / found.diagnoses[i].mean_error
            })
            .collect();
        let of_smc = found.evidence.expect("SMC gives it");
        off.push((of_smc.log - evidence) / of_smc.error);
        (ranked(&target, &truth, &found), off)
    };
    let (repeats, off): (Vec<Repeat>, Vec<Vec<f64>>) =
        (0..wanted(40)).into_par_iter().map(repeat).collect::<Vec<_>>().into_iter().unzip();
    let names = quantities(&Parabola::of(&[0.0; 3], &mut Stream::new(NOISE, 0)));
    let least = repeats.iter().map(|repeat| repeat.effective).fold(f64::INFINITY, f64::min);
    println!("{} repeats, at least {least:.0} effective draws", repeats.len());
    let wrong = uncalibrated(&names, &repeats);
    let n = off.len() as f64;
    let moments: Vec<(f64, f64)> = (0..4)
        .map(|i| {
            let mean = off.iter().map(|off| off[i]).sum::<f64>() / n;
            (mean, (off.iter().map(|off| (off[i] - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt())
        })
        .collect();
    println!("means and evidence, errors in standard errors (mean, sd): {moments:.2?}");
    assert!(least > AMONG as f64, "{least}");
    assert!(wrong.is_empty(), "{wrong:?}");
    for (mean, sd) in moments {
        assert!(mean.abs() < 3.3 * sd / n.sqrt() && (0.7..1.4).contains(&sd), "{mean} +- {sd}");
    }
}

/// Posteriors in closed form, right and wrong: both tests together pass the one and find out the others. What 200 ranks
/// cannot tell at this level is a posterior that is a fifth too narrow.
#[test]
fn a_posterior_that_is_a_third_too_narrow_or_half_a_deviation_off_is_found_out() {
    let ranks_of = |width: f64, shift: f64| -> Vec<Repeat> {
        (0..200)
            .map(|at| {
                let truth = from_prior(&Parabola::of(&[0.0; 3], &mut Stream::new(NOISE, at)), at);
                let mut stream = Stream::new(NOISE, at);
                let (mean, covariance, _) = Parabola::of(&truth, &mut stream).posterior();
                let root = covariance.clone().cholesky().expect("a covariance").l() * width;
                let draws: Vec<DVector<f64>> =
                    (0..AMONG).map(|_| &mean + &root * DVector::from_fn(3, |_, _| stream.normal())).collect();
                let of = |i: usize| {
                    let off = shift * covariance[(i, i)].sqrt();
                    rank(truth[i], &draws.iter().map(|draw| draw[i] + off).collect::<Vec<_>>())
                };
                Repeat { ranks: (0..3).map(of).collect(), effective: AMONG as f64 }
            })
            .collect()
    };
    let names = ["a", "b", "c"].map(String::from);
    assert!(uncalibrated(&names, &ranks_of(1.0, 0.0)).is_empty());
    assert!(!uncalibrated(&names, &ranks_of(0.65, 0.0)).is_empty());
    assert!(!uncalibrated(&names, &ranks_of(1.5, 0.0)).is_empty());
    assert!(!uncalibrated(&names, &ranks_of(1.0, 0.5)).is_empty());
}

/// A dose-response curve of 14 readings whose noise is estimated.
#[test]
#[ignore = "six minutes, in release"]
fn a_dose_response_with_its_noise_estimated_is_calibrated() {
    calibrate("logistic", 4, (7, 1), Precision::F64);
}

/// Iron and copper on 16 cells that differ, the same ones for the data and the fit, under eight conditions. Draws are made in
/// f32 and weighed anew in f64; the data are made in f64.
#[test]
#[ignore = "an hour, in release"]
fn a_population_of_cells_under_iron_and_copper_is_calibrated() {
    calibrate("crosstalk", 4, (8, 16), Precision::F32);
}

fn calibrate(name: &str, parameters: usize, runs: (usize, usize), drawn_in: Precision) {
    let path = format!("{}/tests/studies/calibration-{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let study = Study::open(Path::new(&path)).unwrap_or_else(|error| panic!("{error}"));
    let problem = study.problem();
    assert_eq!(problem.parameters.len(), parameters);
    assert_eq!((problem.layout.runs.len(), problem.cell_count()), runs);
    let (engine, reference) = (CpuEngine::new(drawn_in), CpuEngine::new(Precision::F64));
    let objective = StudyObjective::new(&problem, &engine, &reference, Choice::default()).expect("an objective");
    let target = StudyTarget::new(&objective);
    let names = quantities(&target);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("calibration");
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut kept = Kept::open(folder.join(format!("calibration-{name}.csv")), &names);
    for at in kept.repeats.len() as u64..wanted(200) {
        let truth = from_prior(&target, at);
        let drawn_data = simulated(&problem, &objective, &truth, at);
        let objective = StudyObjective::new(&drawn_data, &engine, &reference, Choice::default()).expect("an objective");
        let target = StudyTarget::new(&objective);
        kept.add(ranked(&target, &truth, &drawn(&target, at)));
    }
    let few = kept.repeats.iter().filter(|repeat| repeat.effective < AMONG as f64).count();
    println!("{name}: {} repeats, {few} of them worth fewer than {AMONG} draws", kept.repeats.len());
    let wrong = uncalibrated(&names, &kept.repeats);
    let picture = picture(name, &names, &kept.repeats);
    std::fs::write(folder.join(format!("calibration-{name}.svg")), picture).expect("a picture");
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(few, 0);
}

/// The study's readings drawn anew at `truth`.
fn simulated(problem: &Problem, objective: &StudyObjective, truth: &[f64], repeat: u64) -> Problem {
    let mut drawn = problem.clone();
    let values = problem.values(truth);
    let means = objective.predict(truth).expect("predictions");
    let mut stream = Stream::new(NOISE, repeat);
    for observation in &mut drawn.observations {
        let Observation::Value { prediction, value, error } = observation else { panic!("single values only") };
        let mean = means[*prediction].prediction;
        *value = mean + problem.sd(error, &values, mean) * stream.normal();
    }
    drawn
}

/// Repeats that are done, in a file.
struct Kept {
    path: PathBuf,
    repeats: Vec<Repeat>,
}

impl Kept {
    fn open(path: PathBuf, names: &[String]) -> Kept {
        let header = format!("effective,{}\n", names.join(","));
        let file = path.file_name().expect("a name");
        let record = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference").join(file);
        let known = [&path, &record].into_iter().find_map(|path| std::fs::read_to_string(path).ok());
        let text = known.unwrap_or_else(|| header.clone());
        assert!(text.starts_with(&header), "{} is of other parameters: delete it", path.display());
        let repeat = |line: &str| {
            let mut fields = line.split(',');
            let effective = fields.next()?.parse().ok()?;
            let ranks: Vec<usize> = fields.map_while(|field| field.parse().ok()).collect();
            (ranks.len() == names.len()).then_some(Repeat { ranks, effective })
        };
        // A line that a stopped run left unfinished goes.
        let repeats: Vec<Repeat> = text.lines().skip(1).map_while(repeat).collect();
        let whole: String = text.lines().take(1 + repeats.len()).flat_map(|line| [line, "\n"]).collect();
        std::fs::write(&path, whole).expect("a file for the ranks");
        Kept { path, repeats }
    }

    fn add(&mut self, repeat: Repeat) {
        let ranks: Vec<String> = repeat.ranks.iter().map(ToString::to_string).collect();
        let mut file = std::fs::OpenOptions::new().append(true).open(&self.path).expect("the file of ranks");
        // One write a line, so that a stop leaves whole lines.
        file.write_all(format!("{:.0},{}\n", repeat.effective, ranks.join(",")).as_bytes()).expect("a line written");
        self.repeats.push(repeat);
    }
}

/// How far the distribution function of each quantity's ranks is from the uniform one, and the band for all of them.
fn picture(study: &str, names: &[String], repeats: &[Repeat]) -> String {
    let n = repeats.len() as f64;
    let share = |at: usize| (at + 1) as f64 / (AMONG + 1) as f64;
    let off = |at: usize, count: usize| (share(at), count as f64 / n - share(at));
    let limits = Bands::new(repeats.len()).limits(FAMILY / names.len() as f64);
    let ends = [(0.0, 0.0), (1.0, 0.0)];
    let mut band = vec![(0.0, 0.0, 0.0)];
    band.extend(limits.iter().enumerate().map(|(at, (low, high))| (share(at), off(at, *low).1, off(at, *high).1)));
    band.push((1.0, 0.0, 0.0));
    let line = |(i, name): (usize, &String)| {
        let ranks: Vec<usize> = repeats.iter().map(|repeat| repeat.ranks[i]).collect();
        let mut points = vec![ends[0]];
        points.extend(cumulated(&ranks).into_iter().enumerate().map(|(at, count)| off(at, count)));
        points.push(ends[1]);
        Series { label: name.clone(), colour: Colour::Nominal(i), key: Key::Line, marks: vec![Mark::Line(points)] }
    };
    let mut series = vec![Series {
        label: String::new(),
        colour: Colour::Muted,
        key: Key::Line,
        marks: vec![Mark::Band(band.clone())],
    }];
    series.extend(names.iter().enumerate().map(line));
    let figure = Figure {
        x_label: "rank of the truth, as a share".into(),
        y_label: "distribution function less the uniform one".into(),
        x: Some(Axis::linear([0.0, 1.0])),
        y: Some(Axis::linear(band.iter().flat_map(|(_, low, high)| [1.1 * low, 1.1 * high]))),
        series,
        title: format!("Calibration of {study}, {} repeats", repeats.len()),
        description: "Lines within the band are those of ranks that are uniform, at 1 % for all of them together"
            .into(),
        ..Figure::default()
    };
    figure.standalone(Layout::WIDE)
}
