//! The objective of a study on the CPU engine: against the analytic solution, and its derivatives against differences.

#[path = "common/memory.rs"]
mod memory;

use fenton::engine::Precision;
use fenton::engine::cpu::CpuEngine;
use fenton::inference::{Choice, Objective, StudyObjective};
use fenton::study::Study;
use memory::Memory;

const MODEL: &str = "
model killing
  Drug = 0; K = 10; k_death = 0.1; growth = 0.02;
  hazard := k_death * Drug / (K + Drug);
  live = 1; dead = 0;
  live' = (growth - hazard) * live;
  dead' = hazard * live;
end
";

const HEAD: &str = r#"
model = "killing"
[compounds.Drug]
unit = "uM"
target_unit = "uM"
"#;

const PARAMETERS: &str = r#"
[parameters.k_death]
bounds = [0.001, 10]
[parameters.K]
bounds = [0.1, 1000]
prior = { kind = "log-normal", median = 8, sd = 1 }
"#;

fn study(rest: &str, plate: &str) -> Study {
    Study::read("study.toml", &format!("{HEAD}{rest}{PARAMETERS}"), &Memory::of(MODEL, plate))
        .unwrap_or_else(|e| panic!("{e}"))
}

/// Runs `check` on the objective of a study on the CPU in f64.
fn with_objective<T>(study: &Study, check: impl FnOnce(&StudyObjective) -> T) -> T {
    let problem = study.problem();
    let engine = CpuEngine::new(Precision::F64);
    let choice = Choice { rtol: Some(1e-12), ..Choice::default() };
    check(&StudyObjective::new(&problem, &engine, &engine, choice).unwrap())
}

/// Gradients against central differences of the value, to `tolerance`.
fn check_gradient(objective: &StudyObjective, point: &[f64], tolerance: f64) {
    let expansion = objective.expand(&[point.to_vec()]).unwrap().remove(0);
    let value = objective.evaluate(&[point.to_vec()]).unwrap()[0].value;
    assert!((expansion.value - value).abs() < 1e-7 * (1.0 + value.abs()), "{} {value}", expansion.value);
    for i in 0..point.len() {
        let at = |by: f64| {
            let mut moved = point.to_vec();
            moved[i] += by;
            objective.evaluate(&[moved]).unwrap()[0].value
        };
        let difference = (8.0 * (at(4e-4) - at(-4e-4)) - (at(8e-4) - at(-8e-4))) / 48e-4;
        let exact = expansion.gradient[i];
        let name = &objective.names()[i];
        assert!((exact - difference).abs() < tolerance * (1.0 + difference.abs()), "{name}: {exact} {difference}");
    }
    let eigenvalues = expansion.fisher.clone().symmetric_eigenvalues();
    let largest = eigenvalues.max();
    assert!(eigenvalues.iter().all(|&e| e > -1e-9 * largest), "{eigenvalues}");
}

const PLATE: &str = "Drug,time,viability,sd\n0,24,1.01,0.05\n3,24,0.6,0.05\n30,24,0.2,0.05\n30,12,0.41,0.05\n";

#[test]
fn the_likelihood_is_the_analytic_one() {
    let assay = "[assay]\nkind = \"atp\"\nlive = \"live\"\n[data]\nfile = \"plate.csv\"\n[noise]\nsd = \"column\"\n";
    let study = study(assay, PLATE);
    with_objective(&study, |objective| {
        let (k, half) = (0.08f64, 12.0f64);
        let relative = |dose: f64, time: f64| (-k * dose / (half + dose) * time).exp();
        let data: [(f64, f64, f64); 4] = [(0.0, 24.0, 1.01), (3.0, 24.0, 0.6), (30.0, 24.0, 0.2), (30.0, 12.0, 0.41)];
        let ln_two_pi = (2.0 * std::f64::consts::PI).ln();
        let expected: f64 = data
            .iter()
            .map(|&(dose, time, y)| 0.5 * ((y - relative(dose, time)) / 0.05).powi(2) + 0.05f64.ln() + 0.5 * ln_two_pi)
            .sum();
        let point = [k.log10(), half.log10()];
        let found = objective.likelihood_exactly(&point).unwrap();
        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        let tight = objective.evaluate(&[point.to_vec()]).unwrap()[0].value - objective.prior(&point).0;
        assert!((tight - expected).abs() < 1e-7, "{tight} {expected}");
        let z = (half / 8.0).ln();
        let prior = 0.5 * z * z + 0.5 * ln_two_pi - std::f64::consts::LN_10.ln();
        assert!((objective.prior(&point).0 - prior).abs() < 1e-12);
        check_gradient(objective, &point, 1e-6);
    });
}

#[test]
fn every_assay_has_its_formula() {
    let (k, half, growth) = (0.1f64, 10.0f64, 0.02f64);
    let hazard = k * 30.0 / (half + 30.0);
    let live = ((growth - hazard) * 24.0).exp();
    let dead = hazard / (growth - hazard) * (live - 1.0);
    let control = (growth * 24.0).exp();
    for (assay, expected) in [
        ("kind = \"atp\"", live / control),
        ("kind = \"live_dead\"", live / (live + dead)),
        ("kind = \"dead_dye\"", dead / (live + dead)),
        ("kind = \"resazurin\"\nreading = \"inhibition\"", 1.0 - live / control),
        ("kind = \"live_count\"\nreading = \"signal\"\nscale = 3\noffset = 0.5", 0.5 + 3.0 * live),
        ("kind = \"dead_dye\"\nreading = \"signal\"", dead),
    ] {
        let text = format!(
            "[assay]\n{assay}\nlive = \"live\"\ndead = \"dead\"\n[data]\nfile = \"p.csv\"\nvalues = \"fraction\"\nwithout_control = \"one well\"\n[noise]\nsd = 0.1\n"
        );
        let study = study(&text, "Drug,time,value\n30,24,0.5\n");
        with_objective(&study, |objective| {
            let values = vec![k, half];
            let simulated =
                objective.simulator.run(std::slice::from_ref(&values), Default::default(), false).unwrap().remove(0);
            let found = objective.problem().predict(&values, &simulated.slots)[0];
            assert!((found - expected).abs() < 1e-8, "{assay}: {found} {expected}");
        });
    }
}

#[test]
fn raw_signals_have_a_gain_for_each_plate_and_a_blank() {
    let text = r#"
[assay]
kind = "atp"
reading = "signal"
live = "live"
scale = ["gain", "batch"]
offset = "blank"
[data]
file = "p.csv"
[noise]
kind = "student-t"
sd = "sigma"
relative = "share"
[parameters.gain]
per = "plate"
value = 1000
bounds = [100, 10000]
[parameters.batch]
per = "experiment"
prior = { kind = "log-normal", median = 1, sd = 0.1 }
[parameters.blank]
value = 20
bounds = [0, 100]
[parameters.sigma]
value = 10
bounds = [0.1, 100]
[parameters.share]
value = 0.05
bounds = [0.01, 0.5]
"#;
    let plate = "Drug,time,signal,plate,experiment,well\n0,24,1700,a,1,vehicle\n30,24,300,a,1,sample\n0,24,900,b,2,\n\
                 3,24,700,b,2,\n0,24,22,a,1,blank\n0,24,18,b,2,blank\n";
    let study = study(text, plate);
    with_objective(&study, |objective| {
        let names: Vec<&str> = objective.names().iter().map(String::as_str).collect();
        let expected = ["gain[a]", "gain[b]", "batch[1]", "batch[2]", "blank", "sigma", "share", "k_death", "K"];
        assert_eq!(names, expected);
        let point: Vec<f64> = objective.nominal().unwrap().iter().map(|x| x + 0.02).collect();
        check_gradient(objective, &point, 2e-6);
    });
}

#[test]
fn intervals_joint_readings_and_unknown_times_have_gradients() {
    let text = r#"
[assay]
kind = "live_count"
live = "live"
[data]
file = "p.csv"
values = "fraction"
without_control = "statements"
[noise]
sd = 0.1
[parameters.read_time]
bounds = [12, 72]
value = 30
"#;
    let plate = "Drug,time,value,lower,upper,joint\n1,24,,0.7,1.1,\n30,24,,,0.3,\n3,read_time,,0.5,0.9,s\n\
                 100,read_time,,,0.3,s\n10,read_time,0.4,,,\n";
    let study = study(text, plate);
    with_objective(&study, |objective| {
        assert_eq!(objective.problem().observation_count(), 4.0);
        for point in [[30.0f64.log10(), -1.0, 1.0], [1.2, -1.3, 0.7], [1.8, -0.8, 1.6]] {
            check_gradient(objective, &point, 5e-6);
        }
        // Interpolation between nodes against the analytic value.
        let values = vec![37.3, 0.1, 10.0];
        let simulated =
            objective.simulator.run(std::slice::from_ref(&values), Default::default(), false).unwrap().remove(0);
        let found = objective.problem().predict(&values, &simulated.slots)[4];
        assert!((found - (-0.1f64 * 0.5 * 37.3).exp()).abs() < 2e-5, "{found}");
    });
}

#[test]
fn death_times_are_shares_of_the_dead() {
    let text = "[assay]\nkind = \"death_time\"\ndead = \"dead\"\n[data]\nfile = \"p.csv\"\n";
    let study = study(text, "Drug,from,until,count\n30,0,6,40\n30,6,12,25\n30,12,24,20\n");
    with_objective(&study, |objective| {
        let values = vec![0.1f64, 10.0];
        let rate = 0.1 * 0.75 - 0.02;
        let dead = |t: f64| 1.0 - (-rate * t).exp();
        let share = |from: f64, until: f64| (dead(until) - dead(from)) / dead(24.0);
        let expected = -(40.0 * share(0.0, 6.0).ln() + 25.0 * share(6.0, 12.0).ln() + 20.0 * share(12.0, 24.0).ln());
        let simulated =
            objective.simulator.run(std::slice::from_ref(&values), Default::default(), false).unwrap().remove(0);
        let found = objective.problem().negative_log_likelihood(&values, &simulated.slots);
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        check_gradient(objective, &[-1.0, 1.1], 1e-6);
    });
}

const CELLS: &str = r#"
[assay]
kind = "atp"
live = "live"
[data]
file = "p.csv"
[noise]
sd = "column"
[cells]
nodes = NODES
spread = { k_death = "spread" }
[parameters.spread]
bounds = [0.1, 1.5]
value = 0.5
"#;

/// The mean over cells against numerical integration; gradients of slots against those at many nodes.
#[test]
fn cells_are_averaged_and_differentiated_by_scores() {
    let at = |nodes: usize| study(&CELLS.replace("NODES", &nodes.to_string()), PLATE);
    let point = [0.6f64.log10(), -1.0, 1.0];
    let value = |dose: f64, time: f64, median: f64, sd: f64| {
        // Midpoint rule over z, far into the tails.
        let h = 1e-3;
        (-8000..8000)
            .map(|i| {
                let z = (f64::from(i) + 0.5) * h;
                let weight = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt() * h;
                weight * (-median * (sd * z).exp() * dose / (10.0 + dose) * time).exp()
            })
            .sum::<f64>()
    };
    with_objective(&at(256), |objective| {
        let values = objective.problem().values(&point);
        let simulated =
            objective.simulator.run(std::slice::from_ref(&values), Default::default(), false).unwrap().remove(0);
        let found = objective.problem().predict(&values, &simulated.slots);
        for (found, (dose, time)) in found.iter().zip([(0.0, 24.0), (3.0, 24.0), (30.0, 24.0), (30.0, 12.0)]) {
            let exact = value(dose, time, 0.1, 0.6);
            assert!((found - exact).abs() < 1e-3, "{found} {exact}");
        }
        let (simulated, jacobian) = objective.linearise(&[point.to_vec()], false).unwrap().remove(0);
        let linear = fenton::study::Linear { slots: &simulated.slots, jacobian: &jacobian };
        let (_, by_point) = objective.problem().predict_linear(&values, &linear);
        let ln_10 = std::f64::consts::LN_10;
        let h = 1e-4;
        let by_spread = (value(30.0, 24.0, 0.1, 0.6 * (1.0 + h)) - value(30.0, 24.0, 0.1, 0.6 * (1.0 - h))) / (2.0 * h);
        let by_median = (value(30.0, 24.0, 0.1 * (1.0 + h), 0.6) - value(30.0, 24.0, 0.1 * (1.0 - h), 0.6)) / (2.0 * h);
        for (parameter, exact) in [(0, by_spread * ln_10), (1, by_median * ln_10)] {
            let found = by_point[(parameter, 2)];
            assert!((found - exact).abs() < 0.05 * exact.abs(), "{parameter}: {found} {exact}");
        }
    });
}

#[test]
fn expansions_do_not_depend_on_how_points_are_batched() {
    let study = study(&CELLS.replace("NODES", "16"), PLATE);
    with_objective(&study, |objective| {
        let points: Vec<Vec<f64>> =
            (0..7).map(|i| vec![-0.3 + 0.05 * f64::from(i), -1.1 + 0.1 * f64::from(i), 0.9]).collect();
        let together = objective.expand(&points).unwrap();
        for (point, expansion) in points.iter().zip(&together) {
            let alone = objective.expand(std::slice::from_ref(point)).unwrap().remove(0);
            assert_eq!(alone.value.to_bits(), expansion.value.to_bits());
            assert_eq!(alone.gradient, expansion.gradient);
            assert_eq!(alone.fisher, expansion.fisher);
        }
    });
}

#[test]
fn residuals_are_the_analytic_ones() {
    let text = "[assay]\nkind = \"atp\"\nlive = \"live\"\n[data]\nfile = \"p.csv\"\n[noise]\nsd = \"column\"\n";
    let study = study(text, &PLATE.replace("30,24", "300,24"));
    with_objective(&study, |objective| {
        let predicted = objective.predict(&[-1.0, 1.0]).unwrap();
        let expected = (0.6 - (-2.4f64 * 3.0 / 13.0).exp()) / 0.05;
        assert!((predicted[1].residual - expected).abs() < 1e-6);
    });
}
