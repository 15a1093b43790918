//! What a device makes of its lanes by itself, against the host's work on the same lanes.

mod common;
#[path = "common/memory.rs"]
mod memory;

use fenton::engine::{
    Batch, Engine, EngineError, Law, Misfit, Number, Outcomes, Precision, Reduced, Reduction, Residual, Status,
};
use fenton::inference::{Choice, FitSettings, Objective, Simulator, StudyObjective, Wanted, fit};
use fenton::program::Program;
use fenton::study::Study;
use fenton::study::problem::Problem;
use memory::Memory;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A device that gives the outputs of every lane only, and counts how it is asked.
struct Watched<'a> {
    device: &'a dyn Engine,
    reduces: bool,
    runs: AtomicUsize,
}

fn watched(device: &dyn Engine, reduces: bool) -> Watched<'_> {
    Watched { device, reduces, runs: AtomicUsize::new(0) }
}

impl Engine for Watched<'_> {
    fn name(&self) -> String {
        self.device.name()
    }
    fn detail(&self) -> String {
        self.device.detail()
    }
    fn precision(&self) -> Precision {
        self.device.precision()
    }
    fn declines(&self, program: &Program, tangents: bool) -> Option<String> {
        self.device.declines(program, tangents)
    }
    fn run(&self, batch: &Batch) -> Result<Outcomes, EngineError> {
        self.runs.fetch_add(1, Ordering::Relaxed);
        self.device.run(batch)
    }
    fn reduce(&self, batch: &Batch, reduction: &Reduction) -> Result<Option<Reduced>, EngineError> {
        if self.reduces { self.device.reduce(batch, reduction) } else { Ok(None) }
    }
}

fn embedded(name: &str) -> Problem {
    let folder = if name == "population" { "tests/studies" } else { "data/studies" };
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder).join(format!("{name}.toml"));
    Study::open(&path).unwrap_or_else(|error| panic!("{name}: {error}")).problem()
}

/// Parameters at the start and `count` times on the way to one bound or the other.
fn values(problem: &Problem, count: usize) -> Vec<Vec<f64>> {
    let share = |i: usize, p: usize| 0.6 * ((i * 7 + p * 3) as f64 * 0.618).fract() - 0.3;
    (0..=count)
        .map(|i| {
            let point = problem.parameters.iter().enumerate().map(|(p, parameter)| {
                let [low, start, high] =
                    [parameter.lower, parameter.start, parameter.upper].map(|v| parameter.scale.estimate(v));
                let share = if i == 0 { 0.0 } else { share(i, p) };
                parameter.scale.value(start + share * if share < 0.0 { start - low } else { high - start })
            });
            point.collect()
        })
        .collect()
}

/// Slots and likelihoods of a problem on a device in both ways. At the start, which is near where a fit ends up, the
/// difference of likelihoods has a bound; elsewhere they may be large, and it may grow with them.
fn check(name: &str, problem: &Problem, device: &dyn Engine, on_device: bool) {
    let precision = device.precision();
    let reference = fenton::engine::cpu::CpuEngine::new(Precision::F64);
    let (by_itself, lanes) = (watched(device, true), watched(device, false));
    let simulator = |engine| Simulator::new(problem, engine, &reference, Choice::default());
    let (reducing, plain) = (simulator(&by_itself), simulator(&lanes));
    let values = values(problem, 2);
    let found = reducing.run(&values, Wanted::default(), false).unwrap();
    let expected = plain.run(&values, Wanted::default(), false).unwrap();
    let likelihoods = reducing.likelihoods(&values, false).unwrap();
    assert!(expected.iter().all(|simulated| simulated.failures.is_empty()), "{name}");
    assert_eq!((by_itself.runs.load(Ordering::Relaxed), lanes.runs.load(Ordering::Relaxed)), (0, 1), "{name}");
    let (slot, near, far) = if precision == Precision::F64 { (1e-12, 1e-9, 1e-12) } else { (2e-6, 1e-3, 2e-6) };
    for (point, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert_eq!(found.slots.len(), problem.layout.slots);
        for (a, b) in found.slots.iter().zip(&expected.slots) {
            assert!((a - b).abs() <= slot * b.abs().max(1e-6), "{name} {precision:?}: {a} {b}");
        }
        let (likelihood, failures) = &likelihoods[point];
        let host = problem.negative_log_likelihood(&values[point], &found.slots);
        let difference = (likelihood - host).abs();
        println!("{name} {precision:?} point {point}: {likelihood} on the device, {difference:.1e} from the host's");
        assert!(failures.is_empty());
        assert!(difference <= if point == 0 { near } else { near + far * host.abs() }, "{name}: {likelihood} {host}");
        // What is left to the host is the host's to the last bit.
        assert!(on_device || *likelihood == host, "{name}");
    }
}

#[test]
fn single_cells_agree_with_the_host() {
    let problem = embedded("synthetic-crosstalk");
    assert_eq!(problem.observation_count(), 1680.0);
    for precision in [Precision::F64, Precision::F32] {
        let Some(device) = common::gpu(precision) else { return };
        check("synthetic-crosstalk", &problem, &device, true);
    }
}

#[test]
fn populations_agree_with_the_host() {
    let problem = embedded("population");
    assert_eq!(problem.cell_count(), 64);
    for precision in [Precision::F64, Precision::F32] {
        let Some(device) = common::gpu(precision) else { return };
        // The time of reading is a parameter: slots come back, and the host goes on.
        check("population", &problem, &device, false);
    }
}

#[test]
fn joint_intervals_are_left_to_the_host() {
    let Some(device) = common::gpu(Precision::F64) else { return };
    check("constraints-copper", &embedded("constraints-copper"), &device, false);
}

const MODEL: &str = "
model killing
  Drug = 0; K = 10; k_death = 0.1; growth = 0.02; k_blow = 0.001;
  hazard := k_death * Drug / (K + Drug);
  live = 1; dead = 0; fuse = 1;
  live' = (growth - hazard) * live;
  dead' = hazard * live;
  fuse' = k_blow * fuse * fuse;
end
";

fn study(rest: &str, plate: &str) -> Study {
    let text = format!(
        "model = \"killing\"\n[compounds.Drug]\nunit = \"uM\"\ntarget_unit = \"uM\"\n[data]\nfile = \"p.csv\"\n{rest}\n\
         [parameters.k_death]\nbounds = [0.001, 10]\n[parameters.K]\nbounds = [0.1, 1000]\n"
    );
    Study::read("study.toml", &text, &Memory::of(MODEL, plate)).unwrap_or_else(|e| panic!("{e}"))
}

const RELATIVE: &str = "kind = \"atp\"\nlive = \"live\"\n";
const RATIO: &str = "kind = \"live_dead\"\nlive = \"live\"\ndead = \"dead\"\n";
const SIGNAL: &str =
    "kind = \"atp\"\nreading = \"signal\"\nlive = \"live\"\nscale = [\"gain\", \"batch\"]\noffset = \"blank\"\n";

const PLATE_PARAMETERS: &str = "
[parameters.gain]
per = \"plate\"
value = 1000
bounds = [100, 10000]
[parameters.batch]
per = \"experiment\"
value = 1
bounds = [0.5, 2]
[parameters.blank]
value = 20
bounds = [1, 100]
";

const SHARES: &str =
    "Drug,time,value,sd\n0,24,1.01,0.05\n1,24,0.9,0.1\n3,24,0.6,0.06\n30,24,0.2,0.07\n30,12,0.41,0.08\n";

/// Every law, with an error that is constant, of the reading's own, a parameter, or relative to the prediction, for
/// shares of the control, shares of all cells, and raw signals of several plates with blanks.
#[test]
fn every_noise_and_reading_agrees_with_the_host() {
    let signals = "Drug,time,signal,plate,experiment,well,sd\n0,24,1700,a,1,vehicle,90\n30,24,300,a,1,sample,50\n\
                   0,24,900,b,2,,80\n3,24,700,b,2,,70\n0,24,22,a,1,blank,9\n0,24,18,b,2,blank,8\n";
    let devices: Vec<_> = [Precision::F64, Precision::F32].into_iter().filter_map(common::gpu).collect();
    for (reading, plate, extra, size) in
        [(RELATIVE, SHARES, "", 1.0), (RATIO, SHARES, "", 1.0), (SIGNAL, signals, PLATE_PARAMETERS, 300.0)]
    {
        // One program for all, which is compiled once.
        let mut program: Option<Program> = None;
        for law in ["\"normal\"", "\"log-normal\"", "\"student-t\"\ndf = 3.5", "\"laplace\""] {
            for (sd, relative) in [("\"column\"", false), ("\"sigma\"", false), ("\"sigma\"", true)] {
                let relative = if relative { "relative = \"share\"" } else { "" };
                let of = |name: &str, value: f64| {
                    format!("[parameters.{name}]\nvalue = {value}\nbounds = [{}, {}]\n", value / 10.0, value * 10.0)
                };
                let sigma = if sd.contains("sigma") { of("sigma", 0.1 * size) } else { String::new() };
                let share = if relative.is_empty() { String::new() } else { of("share", 0.2) };
                let values = if extra.is_empty() { "values = \"fraction\"" } else { "" };
                let text = format!(
                    "{values}\n[assay]\n{reading}[noise]\nkind = {law}\nsd = {sd}\n{relative}\n{extra}{sigma}{share}"
                );
                let problem = study(&text, plate).problem();
                let program = program.get_or_insert_with(|| problem.program.clone()).clone();
                let problem = Problem { program, ..problem };
                for device in &devices {
                    check(&format!("{reading}{law} {sd} {relative}").replace('\n', " "), &problem, device, true);
                }
            }
        }
    }
}

const FUSED: &str = "
values = \"fraction\"
[assay]
kind = \"atp\"
live = \"live\"
[noise]
sd = 0.1
[parameters.k_blow]
bounds = [0.0001, 1]
";

/// A fuse burns down at `1 / k_blow`: points where that is before the last reading fail, also when they are tried
/// again. Others need more steps than are allowed at first.
#[test]
fn failed_points_are_tried_again_and_counted_as_without_reduction() {
    let plate = "Drug,time,value\n0,24,1.01\n3,24,0.6\n30,24,0.2\n30,12,0.41\n";
    let problem = study(&format!("{FUSED}[solver]\nmax_steps = 16\n"), plate).problem();
    let Some(device) = common::gpu(Precision::F64) else { return };
    let reference = fenton::engine::cpu::CpuEngine::new(Precision::F64);
    let (by_itself, lanes) = (watched(&device, true), watched(&device, false));
    let objective = |engine| StudyObjective::new(&problem, engine, &reference, Choice::default()).unwrap();
    let (reducing, plain) = (objective(&by_itself), objective(&lanes));
    let at = |blow: f64| {
        let of = |p: &fenton::study::problem::Estimated| if p.name == "k_blow" { blow } else { p.start };
        problem.parameters.iter().map(|p| p.scale.estimate(of(p))).collect::<Vec<f64>>()
    };
    let points: Vec<Vec<f64>> = [1e-3, 0.5, 0.038, 0.01, 0.06, 2e-4].map(at).to_vec();
    let (found, expected) = (reducing.evaluate(&points).unwrap(), plain.evaluate(&points).unwrap());
    println!("{found:?}");
    let mut retried = 0;
    for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert_eq!(found.failures, expected.failures, "point {i}");
        assert!((found.value - expected.value).abs() < 1e-10 || found.value == expected.value, "point {i}");
        assert_eq!(found.failures.is_empty(), found.value.is_finite(), "point {i}");
        retried += usize::from(found.value == expected.value && found.value.is_finite());
    }
    // All lanes of these two fail: whatever the dose, the fuse is there.
    for i in [1, 4] {
        assert_eq!(found[i].failures.iter().map(|f| f.1).sum::<u32>(), problem.layout.runs.len() as u32, "point {i}");
    }
    assert_eq!(found.iter().filter(|e| e.failures.is_empty()).count(), 4);
    assert!(retried >= 1, "no point needed a retry");
    // The failed points alone were run with all their lanes: no run on the device for those that were well.
    let runs = by_itself.runs.load(Ordering::Relaxed);
    assert!((1..=3).contains(&runs), "{runs} runs");
}

/// Points together, one by one, and among others.
#[test]
fn a_point_does_not_depend_on_the_others() {
    for precision in [Precision::F32, Precision::F64] {
        let Some(device) = common::gpu(precision) else { return };
        let reference = fenton::engine::cpu::CpuEngine::new(Precision::F64);
        for name in ["fac-ht1080", "population"] {
            let problem = embedded(name);
            let simulator = Simulator::new(&problem, &device, &reference, Choice::default());
            let values = values(&problem, 3);
            let together = simulator.likelihoods(&values, false).unwrap();
            let slots = simulator.run(&values, Wanted::default(), false).unwrap();
            for (i, value) in values.iter().enumerate() {
                let alone = simulator.likelihoods(std::slice::from_ref(value), false).unwrap().remove(0);
                assert_eq!(alone.0.to_bits(), together[i].0.to_bits(), "{name} {precision:?}");
                let alone = simulator.run(std::slice::from_ref(value), Wanted::default(), false).unwrap().remove(0);
                assert!(alone.slots == slots[i].slots, "{name} {precision:?}");
            }
        }
    }
}

/// What is asked for wrongly is not offered, rather than answered wrongly.
#[test]
fn what_does_not_fit_is_not_offered() {
    let Some(device) = common::gpu(Precision::F32) else { return };
    let problem = common::decay(0.5);
    let program = common::program(&problem.system);
    let lanes: Vec<_> = (0..6).map(|row| fenton::engine::Lane { row, protocol: 0 }).collect();
    let segments = vec![fenton::engine::Segment { until: 3.0, ..Default::default() }];
    let protocols = [fenton::engine::Protocol { start: 0.0, segments, outputs: vec![1.0, 3.0] }];
    let settings = fenton::engine::Settings {
        method: fenton::engine::Method::Rodas4P,
        rtol: 1e-5,
        atol: vec![1e-8; 2],
        max_steps: 1000,
        caution: 1.0,
    };
    let rows: Vec<f64> = (1..=6).map(|i| 0.2 * f64::from(i)).collect();
    let batch = Batch {
        program: &program,
        lanes: &lanes,
        rows: &rows,
        protocols: &protocols,
        tangents: &[],
        settings: &settings,
    };
    let residual = |slot| Residual {
        law: Law::Normal,
        value: 0.0,
        offset: Number::Constant(0.0),
        scale: Number::OfPoint(0),
        sd: Number::Constant(1.0),
        relative: None,
        above: vec![(1.0, slot)],
        below: vec![],
    };
    let reduce = |runs, cells, slot: Option<usize>, numbers: &[f64]| {
        let residuals: Vec<Residual> = slot.into_iter().map(residual).collect();
        let misfit = slot.map(|_| Misfit { residuals: &residuals, numbers, count: 1 });
        device.reduce(&batch, &Reduction { runs, cells, misfit }).unwrap()
    };
    // The mean of three cells, and half the square of twice the first slot.
    let exact = |row: usize| (-rows[row]).exp();
    let slots = reduce(1, 3, None, &[]).expect("two points of three cells");
    assert_eq!((slots.values.len(), &slots.failed[..]), (8, &[false; 2][..]));
    assert!((slots.values[0] - (exact(0) + exact(1) + exact(2)) / 3.0).abs() < 1e-4);
    let misfits = reduce(2, 1, Some(0), &[2.0, 2.0, 2.0]).expect("three points of two runs");
    assert!((misfits.values[1] - 2.0 * exact(2).powi(2)).abs() < 1e-4);
    for wrong in [reduce(4, 1, None, &[]), reduce(0, 3, None, &[]), reduce(2, 1, Some(8), &[2.0; 3])] {
        assert_eq!(wrong, None);
    }
    assert_eq!(reduce(2, 1, Some(0), &[2.0]), None);
}

/// From a population of starts to the optimum: the CPU finds the same.
#[test]
fn a_fit_ends_where_it_does_on_the_cpu() {
    let Some(device) = common::gpu(Precision::F32) else { return };
    let text = format!("values = \"fraction\"\n[assay]\n{RELATIVE}[noise]\nsd = \"column\"\n");
    let problem = study(&text, SHARES).problem();
    let reference = fenton::engine::cpu::CpuEngine::new(Precision::F64);
    let settings = FitSettings { starts: 32, refine: Some(4), polish: 1, seed: 3, ..FitSettings::default() };
    let run = |engine: &dyn Engine| {
        let objective = StudyObjective::new(&problem, engine, &reference, Choice::default()).unwrap();
        fit(&objective, &settings, &mut ()).unwrap()
    };
    let device = watched(&device, true);
    let (found, expected) = (run(&device), run(&reference));
    println!("{} on the device, {} on the CPU", found.value, expected.value);
    assert!((found.value - expected.value).abs() < 1e-3);
    assert!(found.failures.iter().all(|&(status, _)| status != Status::Finished));
}
