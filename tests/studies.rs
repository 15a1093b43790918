//! The embedded studies open, say what they are, and mean what their files say.

use fenton::engine::Precision;
use fenton::engine::cpu::CpuEngine;
use fenton::inference::{Choice, Objective, StudyObjective};
use fenton::study::{Study, embedded};
use std::path::PathBuf;

fn open(name: &str) -> Study {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/studies").join(format!("{name}.toml"));
    Study::open(&path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Nothing in the folder is left out of the binary, and what is embedded opens there too.
#[test]
fn every_study_of_the_folder_is_embedded() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/studies");
    let mut there: Vec<String> = std::fs::read_dir(folder)
        .expect("the folder")
        .filter_map(|entry| entry.expect("an entry").file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".toml").map(str::to_string))
        .collect();
    there.sort();
    let mut embedded: Vec<String> = embedded::STUDIES.iter().map(|file| file.name.to_string()).collect();
    embedded.sort();
    assert_eq!(there, embedded);
    for name in embedded {
        let study = Study::embedded(&name).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(study.data.len(), open(&name).data.len());
    }
}

#[test]
fn each_study_opens_and_names_its_source() {
    for name in embedded::STUDIES.iter().map(|file| file.name) {
        let study = open(name);
        assert!(!study.source.is_empty(), "{name} has no source");
        assert!(!study.description.is_empty(), "{name} has no description");
        for parameter in study.parameters.iter().filter(|p| p.estimated) {
            assert!(!parameter.source.is_empty(), "{name}: an estimated parameter without a source");
        }
    }
}

#[test]
fn synthetic_plates_say_so_in_title_header_and_file() {
    for name in embedded::STUDIES.iter().map(|file| file.name) {
        let study = open(name);
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/studies");
        let data = std::fs::read_to_string(folder.join(format!("{name}.csv"))).expect("the data");
        let made = data.contains("make.py");
        assert_eq!(made, study.synthetic.is_some(), "{name}");
        assert_eq!(made, study.title.starts_with("SYNTHETIC"), "{name}");
        assert_eq!(made, data.starts_with("# SYNTHETIC"), "{name}");
        assert_eq!(made, folder.join(format!("{name}.truth.csv")).exists(), "{name}");
    }
}

#[test]
fn a_sentence_is_one_joint_observation() {
    for name in ["constraints-fac", "constraints-copper"] {
        let study = open(name);
        let joint: Vec<_> = study.data.iter().map(|datum| datum.joint.clone()).collect();
        assert!(joint[0].is_some() && joint.iter().all(|j| *j == joint[0]), "{name}: {joint:?}");
    }
}

/// The plates are made by another simulator (`data/studies/make.py`, libRoadRunner), and so is their Fisher
/// information: both have to agree with what this program makes of the study, its settling, doses and readings.
#[test]
fn synthetic_plates_scatter_about_their_truth_as_declared() {
    for (name, sd) in [("fac-ht1080", 0.05), ("cucl2-slc31a1-hek293t", 0.05), ("synthetic-crosstalk", 0.04)] {
        let problem = open(name).problem();
        let truth = truth(name);
        let point: Vec<f64> = problem
            .parameters
            .iter()
            .map(|p| {
                let value = truth.iter().find(|t| t.name == p.name).map_or(sd, |t| t.value);
                p.scale.estimate(value)
            })
            .collect();
        let engine = CpuEngine::new(Precision::F64);
        let choice = Choice { rtol: Some(1e-8), ..Choice::default() };
        let objective = StudyObjective::new(&problem, &engine, &engine, choice).expect("an objective");

        let n = problem.observation_count();
        let at_truth = objective.likelihood_exactly(&point).expect("a likelihood");
        let scatter = 2.0 * (at_truth - 0.5 * n * (2.0 * std::f64::consts::PI * sd * sd).ln());
        assert!((scatter - n).abs() < 4.0 * (2.0 * n).sqrt(), "{name}: chi^2 {scatter:.0} of {n} readings");

        let expansion = objective.expand(std::slice::from_ref(&point)).expect("an expansion").remove(0);
        let mut fisher = expansion.fisher;
        for (i, curvature) in objective.prior(&point).2.iter().enumerate() {
            fisher[(i, i)] -= curvature;
        }
        let covariance = fisher.try_inverse().expect("an invertible Fisher information");
        for (i, parameter) in problem.parameters.iter().enumerate() {
            let Some(declared) = truth.iter().find(|t| t.name == parameter.name) else { continue };
            let found = covariance[(i, i)].sqrt() * std::f64::consts::LN_10;
            let ratio = found / declared.se_log;
            assert!((ratio - 1.0).abs() < 0.02, "{name} {}: {found:.4}, not {}", declared.name, declared.se_log);
            assert_eq!(declared.identifiable, declared.se_log < 0.5);
        }
    }
}

struct Truth {
    name: String,
    value: f64,
    se_log: f64,
    identifiable: bool,
}

fn truth(study: &str) -> Vec<Truth> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("data/studies");
    let mut reader = csv::Reader::from_path(folder.join(format!("{study}.truth.csv"))).expect("the truth");
    let number = |text: &str| text.parse().expect("a number");
    reader
        .records()
        .map(|row| row.expect("a row"))
        .map(|row| Truth {
            name: row[0].to_string(),
            value: number(&row[1]),
            se_log: number(&row[2]),
            identifiable: &row[3] == "yes",
        })
        .collect()
}
