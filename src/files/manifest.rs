//! The mark of a report's folder: which version and command wrote it, and which of the files are its own.

use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version that wrote it.
    pub fenton: String,
    pub format: u32,
    /// The command, as "fit".
    pub report: String,
    /// Names of its files, without the manifest's own.
    pub files: Vec<String>,
}

pub const NAME: &str = "fenton.json";
const FORMAT: u32 = 1;

impl Manifest {
    pub fn new(report: &str, files: Vec<String>) -> Self {
        Manifest { fenton: env!("CARGO_PKG_VERSION").into(), format: FORMAT, report: report.into(), files }
    }

    /// The manifest in `folder`; none where there is no file of that name, or it is nothing that this version wrote.
    pub fn read(folder: &Path) -> io::Result<Option<Manifest>> {
        let text = match fs::read(folder.join(NAME)) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let found: Option<Manifest> = serde_json::from_slice(&text).ok();
        Ok(found.filter(|found| found.format == FORMAT && found.files.iter().all(|name| is_plain(name))))
    }

    pub fn text(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(self).unwrap_or_default();
        text.push(b'\n');
        text
    }

    /// Whether `name` is a file of the report's.
    pub fn owns(&self, name: &str) -> bool {
        name == NAME || self.files.iter().any(|file| file == name)
    }
}

/// A file of a report stands in its folder and nowhere else, whatever a manifest says.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0', ':'])
}
