//! Thresholds and kinetics of draws against what can be written down, and against the truth of the synthetic studies.

use fenton::engine::Precision;
use fenton::engine::cpu::CpuEngine;
use fenton::inference::threshold::{Answer, Answers, Dose, What};
use fenton::inference::{Choice, Ensemble, SampleSettings, StudyObjective, StudyTarget, sample};
use fenton::study::Study;
use fenton::summary::thresholds::{Asked, Engines, Wanted, ask};
use std::collections::BTreeMap;
use std::fs;

/// A study of a model in a folder of its own; `more` are further tables.
fn study(model: &str, more: &str, data: &str) -> Study {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("model.ant"), model).unwrap();
    fs::write(place.path().join("data.csv"), data).unwrap();
    let text = format!(
        "title = \"T\"\nsource = \"made up for a test\"\nmodel = \"model.ant\"\n[time]\nunit = \"h\"\n\
         [compounds.drug]\nunit = \"uM\"\n[assay]\nkind = \"atp\"\nlive = \"live\"\ndead = \"dead\"\n\
         [data]\nfile = \"data.csv\"\nvalues = \"fraction\"\n[noise]\nkind = \"normal\"\nsd = 0.1\n{more}"
    );
    let path = place.path().join("study.toml");
    fs::write(&path, text).unwrap();
    Study::open(&path).unwrap()
}

/// What `draws` answer; the prior is not asked.
fn answers(study: &Study, draws: Vec<Vec<f64>>, wanted: &Wanted) -> Asked {
    let cpu = CpuEngine::new(Precision::F64);
    let engines = Engines { engine: &cpu, reference: &cpu, choice: Choice::default() };
    let ensemble = Ensemble { draws, chains: 1 };
    ask(study, engines, (&ensemble, &Ensemble::default()), wanted, &mut |_| true).unwrap().unwrap()
}

fn of(asked: &Asked, what: What) -> &[Answer] {
    let found = asked.posterior[0].iter().find(|answers: &&Answers| answers.what == what);
    &found.unwrap_or_else(|| panic!("{what:?} is not among the answers")).of
}

fn close(found: Answer, wanted: f64, relative: f64) {
    let value = found.value().unwrap_or_else(|| panic!("{found:?} instead of {wanted}"));
    assert!((value / wanted - 1.0).abs() < relative, "{value} instead of {wanted}");
}

/// The parameters that made the data of a synthetic study.
fn truth(path: &str) -> BTreeMap<String, f64> {
    let text = fs::read_to_string(path).unwrap();
    let row = |line: &str| {
        let mut fields = line.split(',');
        Some((fields.next()?.to_string(), fields.next()?.parse().ok()?))
    };
    text.lines().filter_map(row).collect()
}

fn usual() -> Wanted {
    Wanted { effect: 0.1, wider: 1.0, ..Wanted::default() }
}

/// Cells die at the rate `k drug` and nothing else happens: everything asked has a closed form.
#[test]
fn a_constant_hazard_has_the_thresholds_and_kinetics_of_its_formula() {
    let model = "model kill\n  unit time_unit = h;\n  unit h = 3600 second;\n  unit uM = 1e-6 mole / litre;\n  drug = 0; drug has uM;\n\
                 k = 0.02; k has 1/(uM*h);\n  live = 1; live has dimensionless;\n  dead = 0; dead has dimensionless;\n\
                 live' = -k*drug*live;\n  dead' = k*drug*live;\nend\n";
    let rows: String = [12.0, 24.0, 48.0]
        .iter()
        .flat_map(|t| [0.0, 0.02, 1.0, 5.0].map(|d: f64| format!("{d},{t},{}\n", (-0.02 * d * t).exp())))
        .collect();
    let study = study(
        model,
        "[parameters.k]\nbounds = [0.001, 1]\nsource = \"assumed\"\n",
        &format!("drug (uM),time (h),viability\n{rows}"),
    );
    let rates = [0.004, 0.02, 0.05, 0.0003, 0.5];
    let asked = answers(&study, rates.iter().map(|&k| vec![k]).collect(), &usual());
    let (ten, half, last) = (-(0.9_f64.ln()), 2_f64.ln(), 48.0);
    for (at, k) in rates.into_iter().enumerate() {
        let ec50 = What::Effective { share: 0.5, relative: false };
        match k {
            // 10 % die of 7.3 uM, which is beyond the doses tested; or of 0.0044 uM, which is below them.
            0.0003 => {
                assert_eq!(of(&asked, What::Benchmark)[at], Answer::Above);
                assert_eq!(of(&asked, What::Lag(Dose::Stated))[at], Answer::Never);
                continue;
            }
            0.5 => {
                assert_eq!(of(&asked, What::Benchmark)[at], Answer::Below);
                continue;
            }
            _ => close(of(&asked, What::Benchmark)[at], ten / (k * last), 3e-3),
        }
        close(of(&asked, ec50)[at], half / (k * last), 3e-3);
        let hazard = 5.0 * k;
        close(of(&asked, What::TimeToEffect(Dose::Stated))[at], ten / hazard, 0.02);
        close(of(&asked, What::Hazard(Dose::Stated))[at], hazard, 0.01);
        close(of(&asked, What::Rate(Dose::Stated))[at], hazard, 0.02);
        assert!(of(&asked, What::Lag(Dose::Stated))[at].value().unwrap() < 0.1);
        // Half of 1 - exp(-hazard 48 h) is there at the wash-out, and afterwards nobody dies.
        let died = 1.0 - (-hazard * last).exp();
        close(of(&asked, What::NoReturn(Dose::Stated))[at], -(1.0 - 0.5 * died).ln() / hazard, 0.02);
        // At each draw's own EC50 the hazard is that which leaves a half.
        close(of(&asked, What::Hazard(Dose::Matched))[at], half / last, 0.01);
    }
}

/// `x' = c + drug + x - x^3` loses its lower rest where `c + drug` is 2 / sqrt(27).
#[test]
fn the_saddle_node_of_a_cubic_is_found_and_a_line_has_none() {
    let model = |right: &str| {
        format!(
            "model bistable\n  unit time_unit = h;\n  unit h = 3600 second;\n  unit uM = 1e-6 mole / litre;\n  drug = 0; drug has uM;\n\
             c = -1; c has dimensionless;\n  scale = 1; scale has 1/uM;\n  per_time = 1; per_time has 1/h;\n  counting = 1; counting has dimensionless;\n\
             x = -1.3; x has dimensionless;\n  live = 1; live has dimensionless;\n  dead = 0; dead has dimensionless;\n\
             x' = per_time*({right});\n  live' = -counting*0.01*per_time*x^2*live;\n  dead' = counting*0.01*per_time*x^2*live;\nend\n"
        )
    };
    let more = "[settle]\nset = { counting = 0 }\nlongest = 2000\n[parameters.c]\nscale = \"lin\"\nbounds = [-2, 0]\nsource = \"assumed\"\n";
    let data = "drug (uM),time (h),viability\n0,24,1\n0.2,24,0.9\n1,24,0.9\n5,24,0.2\n";
    let draws = || vec![vec![-1.0], vec![-0.8], vec![-1.5], vec![0.3]];
    let found = answers(&study(&model("c + scale*drug + x - x^3"), more, data), draws(), &usual());
    let end = 2.0 / 27_f64.sqrt();
    for (at, c) in [-1.0, -0.8, -1.5].into_iter().enumerate() {
        close(of(&found, What::Fold)[at], end - c, 2e-3);
    }
    // Its fold lies at 0.085, below the doses tested.
    assert_eq!(of(&found, What::Fold)[3], Answer::Absent);
    let found = answers(&study(&model("c + scale*drug - x"), more, data), draws(), &usual());
    assert!(of(&found, What::Fold).iter().all(|answer| *answer == Answer::Absent));
}

/// The thresholds at the parameters that made the data lie within 95 % of the posterior of the thresholds.
#[test]
fn true_thresholds_of_the_synthetic_studies_are_covered() {
    for name in ["fac-ht1080", "cucl2-slc31a1-hek293t"] {
        let studies = concat!(env!("CARGO_MANIFEST_DIR"), "/data/studies/");
        let study = Study::open(format!("{studies}{name}.toml").as_ref()).unwrap();
        let truth = truth(&format!("{studies}{name}.truth.csv"));
        let problem = study.problem();
        let cpu = CpuEngine::new(Precision::F64);
        let objective = StudyObjective::new(&problem, &cpu, &cpu, Choice::default()).unwrap();
        let target = StudyTarget::new(&objective);
        let settings = SampleSettings { draws: 256, ..SampleSettings::default() };
        let drawn = sample(&target, &settings, &mut ()).unwrap().unwrap();
        let posterior = Ensemble::of_sample(&target, &drawn).thinned(60);
        let at_truth: Vec<f64> =
            problem.parameters.iter().map(|p| truth.get(&p.name).copied().unwrap_or(p.start)).collect();
        let known = answers(&study, vec![at_truth], &usual());
        let found = answers(&study, posterior.draws, &usual());
        let mut checked = 0;
        for (curve, (known, found)) in known.posterior.iter().zip(&found.posterior).enumerate() {
            for (known, found) in known.iter().zip(found) {
                let dose = matches!(known.what, What::Benchmark | What::Effective { .. } | What::Fold);
                let rank = known.of[0].rank();
                if !dose || rank.is_nan() {
                    continue;
                }
                checked += 1;
                let share = |is: &dyn Fn(f64) -> bool| {
                    found.of.iter().filter(|a| is(a.rank())).count() as f64 / found.of.len() as f64
                };
                let (below, above) = (share(&|x| x < rank), share(&|x| x > rank));
                assert!(below <= 0.975 && above <= 0.975, "{name}, curve {curve}: {:?}", known.what);
            }
        }
        assert!(checked >= 7, "{name}: only {checked} thresholds have a true value");
    }
}
