//! The models, studies, perturbations and lines of cells that come with the program.

/// A text file in the binary.
#[derive(Debug, Clone, Copy)]
pub struct File {
    pub name: &'static str,
    pub text: &'static str,
}

macro_rules! files {
    ($folder:literal, $end:literal, $($name:literal),* $(,)?) => {
        &[$(File {
            name: $name,
            text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/", $folder, "/", $name, $end)),
        }),*]
    };
}

pub const MODELS: &[File] = files!(
    "models",
    ".ant",
    "ferroptosis",
    "cuproptosis",
    "crosstalk",
    "ferroptosis-minimal",
    "cuproptosis-minimal",
    "crosstalk-minimal",
    "trigger-wave",
    "logistic",
    "lag-exponential",
    "gompertz",
);

/// Where the numbers of the models come from; [`evidence`] says which table is whose.
const EVIDENCE: &[File] = files!("models", ".csv", "parameters", "parameters-minimal", "parameters-baselines");

pub const STUDIES: &[File] = files!(
    "studies",
    ".toml",
    "fac-ht1080",
    "cucl2-slc31a1-hek293t",
    "constraints-fac",
    "constraints-copper",
    "erastin-gsh-ht1080",
    "erastin-gsh-lines",
    "ml162-medians",
    "ml210-medians",
    "synthetic-crosstalk",
);

pub const DATA: &[File] = files!(
    "studies",
    "",
    "fac-ht1080.csv",
    "cucl2-slc31a1-hek293t.csv",
    "constraints-fac.csv",
    "constraints-copper.csv",
    "erastin-gsh-ht1080.csv",
    "erastin-gsh-lines.csv",
    "ml162-medians.csv",
    "ml210-medians.csv",
    "synthetic-crosstalk.csv",
);

pub const PERTURBATIONS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/perturbations.toml"));

pub const CELLS: &[File] = files!("cells", ".toml", "HT-1080", "HEK293T", "HEK293T-SLC31A1", "HAP1", "U-2-OS", "RPE-1");

pub fn model(name: &str) -> Option<File> {
    find(MODELS, name)
}

/// The table of evidence for the parameters of an embedded model.
pub fn evidence(model: &str) -> Option<File> {
    self::model(model)?;
    let table = match model {
        "ferroptosis" | "cuproptosis" | "crosstalk" => "parameters",
        _ if model.ends_with("-minimal") => "parameters-minimal",
        _ => "parameters-baselines",
    };
    find(EVIDENCE, table)
}

pub fn study(name: &str) -> Option<File> {
    find(STUDIES, name)
}

/// A data file, by its name with the end.
pub fn data(name: &str) -> Option<File> {
    find(DATA, name)
}

fn find(files: &[File], name: &str) -> Option<File> {
    files.iter().find(|file| file.name == name).copied()
}
