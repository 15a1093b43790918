//! What a fit or a sampler writes down so that a killed run goes on to the same result.
//!
//! The file is JSON. Numbers keep all their bits; a value that is not finite is `null` and reads as `+inf`.

use super::bridge::Spent;
use super::optima::{End, Optima};
use super::profile;
use super::result::StartRecord;
use super::settings::CheckpointSettings;
use super::watch::Underway;
use crate::{Diagnostic, Error, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const FORMAT: u32 = 1;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Checkpoint<P = Phase> {
    format: u32,
    identity: BTreeMap<String, String>,
    pub seconds: f64,
    pub spent: Spent,
    /// How far the work has come.
    pub phase: P,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Phase {
    /// The values of the first starts.
    Scoring {
        #[serde(deserialize_with = "infinities")]
        scores: Vec<f64>,
    },
    Searching {
        #[serde(deserialize_with = "infinities")]
        scores: Vec<f64>,
        search: Underway,
    },
    /// The spreads between experiments are being settled; begins again from what was found for these.
    Spreading {
        spreads: Vec<f64>,
        found: Found,
    },
    Polishing {
        spreads: Vec<f64>,
        found: Found,
        search: Underway,
    },
    /// The ends are being compared; begins again.
    Comparing {
        spreads: Vec<f64>,
        found: Found,
    },
    /// The ends of intervals are being followed.
    Following {
        spreads: Vec<f64>,
        found: Found,
        optima: Option<Optima>,
        paths: Vec<profile::Path>,
    },
}

/// The ends of a search, with their exact values for given spreads between experiments.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Found {
    #[serde(deserialize_with = "infinities")]
    pub scores: Vec<f64>,
    pub records: Vec<StartRecord>,
    /// How often the way to an end of an interval led to a better optimum.
    pub renewals: usize,
    /// The optima from which it did.
    pub left: Vec<End>,
}

impl Found {
    pub fn best(&self) -> Option<&StartRecord> {
        self.records.iter().min_by(|a, b| a.last_value.total_cmp(&b.last_value).then(a.start.cmp(&b.start)))
    }

    /// Puts a record in the place of the one of the same start.
    pub fn replace(&mut self, by: StartRecord) {
        if let Some(record) = self.records.iter_mut().find(|record| record.start == by.start) {
            *record = by;
        }
    }
}

/// For a value that may be `+inf`.
pub fn infinite<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(f64::INFINITY))
}

fn infinities<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
    let values = Vec::<Option<f64>>::deserialize(from)?;
    Ok(values.into_iter().map(|value| value.unwrap_or(f64::INFINITY)).collect())
}

impl<P> Checkpoint<P> {
    pub fn new(identity: BTreeMap<String, String>, seconds: f64, spent: Spent, phase: P) -> Self {
        Checkpoint { format: FORMAT, identity, seconds, spent, phase }
    }
}

/// Reads and writes the checkpoint of one fit or sampler.
pub struct Keeper {
    path: PathBuf,
    interval: Duration,
    written: Instant,
    pub identity: BTreeMap<String, String>,
}

impl Keeper {
    pub fn new(settings: &CheckpointSettings, identity: BTreeMap<String, String>) -> Self {
        Keeper { path: settings.path.clone(), interval: settings.interval, written: Instant::now(), identity }
    }

    pub fn due(&self) -> bool {
        self.written.elapsed() >= self.interval
    }

    /// The checkpoint that is there, if one is; an error if it is not one of this fit.
    pub fn read<P: DeserializeOwned>(&self) -> Result<Option<Checkpoint<P>>> {
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::file(&self.path, error)),
        };
        let refuse = |message: String| {
            let diagnostic = Diagnostic::new(message)
                .in_file(self.path.display().to_string())
                .expected("the checkpoint of this study with these settings")
                .hint("repeat the command that wrote it, choose another output folder, or delete the file");
            Err(Error::input(diagnostic))
        };
        let checkpoint: Checkpoint<P> = match serde_json::from_str(&text) {
            Ok(checkpoint) => checkpoint,
            Err(error) => return refuse(format!("this is no checkpoint that can be read: {error}")),
        };
        if checkpoint.format != FORMAT {
            return refuse(format!("the checkpoint has format {}, this version reads {FORMAT}", checkpoint.format));
        }
        let other: Vec<String> = self
            .identity
            .iter()
            .filter(|(name, value)| checkpoint.identity.get(*name) != Some(value))
            .map(|(name, value)| {
                let there = checkpoint.identity.get(name).map_or("nothing", String::as_str);
                format!("{name}: {there} there, {value} here")
            })
            .collect();
        if !other.is_empty() {
            return refuse(format!("the checkpoint belongs to other work ({})", other.join("; ")));
        }
        Ok(Some(checkpoint))
    }

    /// Whole or not at all: to a file beside it, to the disk, and then in its place.
    pub fn write<P: Serialize>(&mut self, checkpoint: &Checkpoint<P>) -> Result<()> {
        let text = serde_json::to_vec(checkpoint)
            .map_err(|error| Error::Run(format!("the checkpoint cannot be written: {error}")))?;
        let beside = self.path.with_extension("partial");
        replace(&beside, &self.path, &text).map_err(|error| Error::file(&self.path, error))?;
        self.written = Instant::now();
        Ok(())
    }

    /// A complete fit leaves no checkpoint.
    pub fn remove(&self) -> Result<()> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::file(&self.path, error)),
            _ => Ok(()),
        }
    }
}

fn replace(beside: &Path, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::File::create(beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    std::fs::rename(beside, path)?;
    // Makes the new name itself last, where a folder can be opened as a file.
    if let Some(folder) = path.parent()
        && let Ok(folder) = std::fs::File::open(folder)
    {
        folder.sync_all()?;
    }
    Ok(())
}
