//! The embedded studies open, say what they are, and mean what their files say.

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
