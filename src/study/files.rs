//! Where models and data come from: a folder, or what is embedded in the program.

use super::declared::Study;
use super::embedded;
use super::read::Sources;
use crate::expr::Id;
use crate::model::{Network, System, antimony, formula};
use crate::{Diagnostic, Error, Result};
use std::path::{Path, PathBuf};

/// Files beside a study, and the embedded models.
pub struct Folder(pub PathBuf);

/// The embedded models and studies alone.
pub struct Embedded;

impl Study {
    /// Opens the study in the file `path`; its model and data are found beside it.
    pub fn open(path: &Path) -> Result<Study> {
        let bytes = std::fs::read(path).map_err(|source| Error::file(path, source))?;
        let name = path.display().to_string();
        let text = super::table::decode(&name, bytes)?;
        let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
        Study::read(&name, &text, &Folder(folder))
    }

    /// Opens an embedded study; see [`embedded::STUDIES`].
    pub fn embedded(name: &str) -> Result<Study> {
        let Some(file) = embedded::study(name) else {
            let known = embedded::STUDIES.iter().map(|f| f.name);
            let hint = super::document::suggest(name, known);
            return Err(Diagnostic::new(format!("no embedded study `{name}`")).hint(hint).into());
        };
        Study::read(&format!("{name}.toml"), file.text, &Embedded)
    }
}

impl Folder {
    /// Why a file cannot be read, and which of the same kind stand in its place.
    fn missing(&self, name: &str, path: &Path, source: std::io::Error) -> Error {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let there: Vec<String> = std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.path().file_name()?.to_str().map(str::to_string))
            .filter(|file| Path::new(file).extension() == path.extension())
            .collect();
        let wanted = Path::new(name).file_name().and_then(|file| file.to_str()).unwrap_or(name);
        if source.kind() != std::io::ErrorKind::NotFound || there.is_empty() {
            return Error::file(path, source);
        }
        let near = super::document::suggest(wanted, there.iter().map(String::as_str));
        Error::Run(format!("{} is not there; {near}", path.display()))
    }
}

impl Sources for Folder {
    fn model(&self, name: &str) -> Result<Network> {
        if let Some(model) = embedded::model(name) {
            return antimony::read(model.text, name);
        }
        let path = self.0.join(name);
        if !path.exists() && !name.ends_with(".ant") {
            return Embedded.model(name);
        }
        let bytes = std::fs::read(&path).map_err(|source| self.missing(name, &path, source))?;
        let file = path.display().to_string();
        antimony::read(&super::table::decode(&file, bytes)?, &file)
    }

    fn data(&self, name: &str) -> Result<Vec<u8>> {
        let path = self.0.join(name);
        std::fs::read(&path).map_err(|source| self.missing(name, &path, source))
    }

    fn formula(&self, system: &mut System, text: &str) -> Result<Id> {
        formula::resolve(system, &formula::parse(text)?)
    }
}

impl Sources for Embedded {
    fn model(&self, name: &str) -> Result<Network> {
        match embedded::model(name) {
            Some(model) => antimony::read(model.text, name),
            None => {
                let hint = super::document::suggest(name, embedded::MODELS.iter().map(|f| f.name));
                Err(Error::Run(format!("{hint}; a file of yours ends in .ant")))
            }
        }
    }

    fn data(&self, name: &str) -> Result<Vec<u8>> {
        embedded::data(name)
            .map(|file| file.text.as_bytes().to_vec())
            .ok_or_else(|| Error::Run(format!("no embedded data `{name}`")))
    }

    fn formula(&self, system: &mut System, text: &str) -> Result<Id> {
        Folder(PathBuf::new()).formula(system, text)
    }
}
