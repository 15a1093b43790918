//! What a fit or a sampler writes down so that a killed run goes on to the same result.
//!
//! The file is a line with a checksum, then JSON. Numbers keep all their bits; a value that is not finite is `null` and reads
//! as `+inf`. What the checksum does not agree with is refused: a number that has changed on the disk would be believed.

use super::bridge::Spent;
use super::optima::{End, Optima};
use super::profile;
use super::result::StartRecord;
use super::settings::CheckpointSettings;
use super::watch::Underway;
use crate::files;
use crate::{Diagnostic, Error, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const FORMAT: u32 = 2;
/// The first line up to the checksum.
const HEAD: &str = "fenton checkpoint, format ";

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Checkpoint<P = Phase> {
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
        Checkpoint { identity, seconds, spent, phase }
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
        let bytes = match std::fs::read(&self.path) {
            Ok(bytes) => bytes,
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
        let checkpoint: Checkpoint<P> = match unsealed(&bytes) {
            Err(message) => return refuse(message),
            Ok(body) => match serde_json::from_slice(body) {
                Ok(checkpoint) => checkpoint,
                Err(error) => return refuse(format!("this is no checkpoint that can be read: {error}")),
            },
        };
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

    /// Whole or not at all: to a file beside it, to the disk, and then in its place. Where it fails it is tried again after
    /// the next interval.
    pub fn write<P: Serialize>(&mut self, checkpoint: &Checkpoint<P>) -> Result<()> {
        self.written = Instant::now();
        let body = serde_json::to_vec(checkpoint)
            .map_err(|error| Error::Run(format!("the checkpoint cannot be written: {error}")))?;
        files::replace(&self.path, &sealed(&body)).map_err(|error| Error::file(&self.path, error))
    }
}

impl CheckpointSettings {
    /// For the fit that other work begins with.
    pub fn of_fit(&self) -> Self {
        CheckpointSettings { path: self.path.with_extension("fit-checkpoint"), ..self.clone() }
    }

    /// Removes the checkpoint, and that of the fit before it: to be called when what came of the work is in its place.
    ///
    /// # Errors
    /// [`Error::File`] if it is there and cannot be removed.
    pub fn remove(&self) -> Result<()> {
        for path in [self.path.clone(), self.of_fit().path] {
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(Error::file(path, error)),
                _ => {}
            }
        }
        Ok(())
    }
}

fn sealed(body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{HEAD}{FORMAT}, checksum {:016x}\n", files::checksum(body)).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// What [`sealed`] was given, or why it is not to be trusted.
fn unsealed(bytes: &[u8]) -> std::result::Result<&[u8], String> {
    let end = bytes.iter().position(|&byte| byte == b'\n').unwrap_or(bytes.len());
    let head = std::str::from_utf8(&bytes[..end]).ok().and_then(|head| head.strip_prefix(HEAD));
    let Some((format, checksum)) = head.and_then(|head| head.split_once(", checksum ")) else {
        return Err("this is no checkpoint, or one of an earlier version".into());
    };
    if format != FORMAT.to_string() {
        return Err(format!("the checkpoint has format {format}, this version reads {FORMAT}"));
    }
    let body = bytes.get(end + 1..).unwrap_or_default();
    match u64::from_str_radix(checksum, 16) {
        Ok(told) if told == files::checksum(body) => Ok(body),
        _ => Err("the checkpoint is damaged: its checksum is another".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every byte of a small checkpoint changed, lost or doubled.
    #[test]
    fn damage_is_seen() {
        let body = br#"{"identity":{"starts":"20"},"seconds":1.5,"phase":[-12.25,null]}"#;
        let whole = sealed(body);
        assert_eq!(unsealed(&whole), Ok(&body[..]));
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut changed = whole.clone();
                changed[at] ^= 1 << bit;
                // Capital letters of the checksum mean the same.
                if !changed.eq_ignore_ascii_case(&whole) || at > HEAD.len() + 28 {
                    assert!(unsealed(&changed).is_err(), "bit {bit} of byte {at}");
                }
            }
            let (mut lost, mut doubled) = (whole.clone(), whole.clone());
            lost.remove(at);
            doubled.insert(at, whole[at]);
            assert!(unsealed(&lost).is_err() && unsealed(&doubled).is_err(), "byte {at}");
            assert!(unsealed(&whole[..at]).is_err(), "cut at {at}");
        }
    }
}
