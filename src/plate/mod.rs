//! What a plate reader, a counter or a microscope wrote: readings of wells with their roles, before any curve.
//!
//! [`read`] takes a tidy table, a wide table, a plate grid with its map, or a sheet of a workbook, and gives the same
//! [`Readings`] for all of them. What each role means for the mathematics is in `docs/measurements.md`.

mod basis;
mod build;
mod grid;
mod map;
mod names;
mod number;
mod sheet;
mod tidy;
mod wide;
mod workbook;

use crate::study::table::decode;
use crate::{Diagnostic, Error, Result};
use build::Builder;
use sheet::Sheet;
use std::path::{Path, PathBuf};

pub use basis::{Basis, option as basis_option, read as read_basis};

/// What a user says beside the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Options {
    /// The plate map of a grid.
    pub map: Option<PathBuf>,
    /// Of a workbook, the sheet to be read.
    pub sheet: Option<String>,
    /// What the doses of a compound count; without a name, of the only compound or of iron citrate.
    pub basis: Vec<(Option<String>, String)>,
    pub medium: Option<String>,
    pub assay: Option<Assay>,
}

/// Reads a file of readings, and its plate map if the options name one.
pub fn read(path: &Path, options: &Options) -> Result<Readings> {
    let bytes = |path: &Path| std::fs::read(path).map_err(|source| Error::file(path, source));
    let map = match &options.map {
        Some(map) => Some((map.display().to_string(), bytes(map)?)),
        None => None,
    };
    let map = map.as_ref().map(|(name, bytes)| (name.as_str(), bytes.clone()));
    read_bytes(&path.display().to_string(), bytes(path)?, map, options)
}

/// The same from bytes; `name` and the name of the map are what messages show.
pub fn read_bytes(name: &str, bytes: Vec<u8>, map: Option<(&str, Vec<u8>)>, options: &Options) -> Result<Readings> {
    let mut notes = Vec::new();
    let (mut map_text, mut text) = (String::new(), String::new());
    let map = match map {
        Some((name, bytes)) => Some(sheet_of(name, bytes, None, &mut map_text, &mut notes)?),
        None => None,
    };
    let sheet = sheet_of(name, bytes, options.sheet.as_deref(), &mut text, &mut notes)?;
    let mut readings = read_sheet(&sheet, map.as_ref(), options)?;
    readings.notes.splice(0..0, notes);
    Ok(readings)
}

/// A file as a sheet; `text` keeps what its cells point into.
fn sheet_of<'s>(
    name: &str,
    bytes: Vec<u8>,
    wanted: Option<&str>,
    text: &'s mut String,
    notes: &mut Vec<String>,
) -> Result<Sheet<'s>> {
    if workbook::is_workbook(&bytes) {
        return workbook::read(name, &bytes, wanted, notes);
    }
    if workbook::is_old_workbook(&bytes) {
        let message = "the file is a workbook of the old kind (.xls)";
        return Err(Diagnostic::new(message).in_file(name).hint("save it as .xlsx or as \"CSV UTF-8\"").into());
    }
    *text = decode(name, bytes)?;
    let sheet = sheet::split(name, text);
    sheet.failed()?;
    Ok(sheet)
}

fn read_sheet(sheet: &Sheet, map: Option<&Sheet>, options: &Options) -> Result<Readings> {
    let mut builder = Builder::new(options);
    let Some(header) = sheet.rows.first() else {
        sheet.say(&sheet.start(), "the file has comments alone", "a header, then readings");
        return Err(Error::Input(sheet.take()));
    };
    let layout = match () {
        _ if grid::fits(sheet) => Layout::Grid,
        _ if wide::fits(header) && !tidy::fits(header) => Layout::Wide,
        _ => Layout::Tidy,
    };
    match (layout, map) {
        (Layout::Grid, map_sheet) => {
            let map = map_sheet.map(|map| map::read(map, &mut builder));
            map_sheet.map_or(Ok(()), Sheet::failed)?;
            grid::read(sheet, map.as_ref(), &mut builder);
        }
        (_, Some(map)) => {
            let hint =
                format!("leave out --map {}, or give the plate with its rows A to H and columns 1 to 12", map.file());
            sheet.say(&sheet.start(), "there is a plate map, and no plate in the file", hint);
        }
        (Layout::Wide, None) => wide::read(sheet, &mut builder),
        (Layout::Tidy, None) => tidy::read(sheet, &mut builder),
    }
    let readings = builder.finish(sheet, layout);
    sheet.failed()?;
    Ok(readings)
}

/// Everything that one file (and its plate map) says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Readings {
    /// As the user named it.
    pub file: String,
    pub layout: Layout,
    /// Independent repeats: what happened on another day with other cells. Never empty.
    pub experiments: Vec<String>,
    pub plates: Vec<Plate>,
    pub cell_lines: Vec<String>,
    pub compounds: Vec<Compound>,
    /// Of all times; empty if the file has none.
    pub time_unit: String,
    /// What was added besides: serum, albumin, citrate.
    pub medium: Option<String>,
    /// Whether a column or the map says which experiment each reading belongs to.
    pub experiments_stated: bool,
    /// In the order of the file.
    pub readings: Vec<Reading>,
    /// What was assumed on the way, in plain words.
    pub notes: Vec<String>,
    /// Where a comment `# synthetic: COMMAND` says that nobody measured the numbers: what made them.
    pub synthetic: Option<String>,
}

/// How the file was laid out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Layout {
    /// One reading a line.
    #[default]
    Tidy,
    /// Doses down, replicates or times across.
    Wide,
    /// The plate itself, 8 x 12 or 16 x 24, with a map of the same shape.
    Grid,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plate {
    pub name: String,
    /// Index into the experiments.
    pub experiment: usize,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Compound {
    pub name: String,
    /// Of its doses; empty if the file does not say.
    pub unit: String,
    /// What a dose counts: "Fe", "FAC 16.5 % Fe", "Cu".
    pub basis: Option<String>,
}

/// One number, or one pair of counts, of one well at one time.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Where it stands: line and column from 1, in the file or in the sheet.
    pub line: usize,
    pub column: usize,
    pub plate: usize,
    /// Row and column on the plate from 0, where the file says so.
    pub well: Option<(usize, usize)>,
    /// The well's name, or another mark that tells repeated reads of one well from reads of several.
    pub well_name: Option<String>,
    pub cell_line: usize,
    /// Compound and dose, doses above zero only, in the order of the compounds.
    pub doses: Vec<(usize, f64)>,
    pub time: Option<f64>,
    pub seen: Seen,
    pub role: Role,
    pub limit: Limit,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Seen {
    /// Whatever the instrument counts: light, absorbance, dead or live cells alone.
    Signal(f64),
    /// Cells.
    Counts { live: f64, dead: f64 },
    /// Cells that died in the frame that ends at `time`; with [`Limit::Above`], that were alive when watching ended.
    Deaths(f64),
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Role {
    #[default]
    Sample,
    /// Treated with the solvent alone. A sample with no dose is one.
    Vehicle,
    /// No cells. With a dose it shows the colour or the fluorescence of the compound.
    Blank,
    /// Read when the compounds were added.
    Start,
    /// All cells killed or lysed: the full signal of a dead dye, the empty signal of a live one.
    Positive,
}

/// Whether a reading is a bound: the instrument's range ended there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Limit {
    #[default]
    None,
    /// The true value is at most this.
    Below,
    /// The true value is at least this.
    Above,
}

impl Readings {
    /// The experiment of a reading.
    pub fn experiment(&self, reading: &Reading) -> usize {
        self.plates[reading.plate].experiment
    }
}

impl Role {
    pub const ALL: [Role; 5] = [Role::Sample, Role::Vehicle, Role::Blank, Role::Start, Role::Positive];

    pub fn name(self) -> &'static str {
        match self {
            Role::Sample => "sample",
            Role::Vehicle => "vehicle",
            Role::Blank => "blank",
            Role::Start => "t0",
            Role::Positive => "positive",
        }
    }
}

/// What the instrument saw; it decides the formula.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Assay {
    Atp,
    Resazurin,
    LiveCount,
    DeadDye,
    LiveDead,
    DeathTime,
}

impl Assay {
    pub const ALL: [Assay; 6] =
        [Assay::Atp, Assay::Resazurin, Assay::LiveCount, Assay::DeadDye, Assay::LiveDead, Assay::DeathTime];

    /// As it is written in studies and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Assay::Atp => "atp",
            Assay::Resazurin => "resazurin",
            Assay::LiveCount => "live_count",
            Assay::DeadDye => "dead_dye",
            Assay::LiveDead => "live_dead",
            Assay::DeathTime => "death_time",
        }
    }

    /// The assay that a name means, in any usual spelling: `live_dead`, `live-dead`.
    pub fn parse(text: &str) -> Option<Assay> {
        names::assay(text)
    }
}
