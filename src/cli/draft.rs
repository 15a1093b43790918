//! A starting study for raw readings of plates: its TOML file, and the table that goes with it.

use super::plate::is_table;
use fenton::model::System;
use fenton::model::math::closest;
use fenton::plate::{Assay, Limit, Reading, Readings, Role, Seen};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

pub struct Draft<'r> {
    pub readings: &'r Readings,
    pub model: &'r str,
    pub system: &'r System,
}

pub fn is_workbook(path: &Path) -> bool {
    let name = path.display().to_string().to_lowercase();
    is_table(&name) && name.ends_with(".xlsx")
}

/// Whether a table holds what instruments read rather than viabilities: it says so in its header, or has none.
pub fn is_raw(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let header = lines.next().unwrap_or_default().to_lowercase();
    let words: Vec<&str> = header.split([',', ';', '\t']).map(|w| w.trim().trim_matches('"')).collect();
    let has =
        |names: &[&str]| words.iter().any(|word| names.contains(&word.split([' ', '(']).next().unwrap_or_default()));
    let normalised = [
        "viability",
        "value",
        "lower",
        "upper",
        "relative_viability",
        "fractional_viability",
        "lethal_fraction",
        "inhibition",
    ];
    !has(&normalised) && !header.is_empty() || has(&["role"])
}

/// Which cells, and in what; two studies are compared where these agree.
pub fn cells(line: Option<&str>, medium: Option<&str>) -> String {
    let stated = |key: &str, value: Option<&str>, example: &str| match value {
        Some(value) => format!("{key} = {value:?}\n"),
        None => format!("# {key} = {example:?}    # check: 'fenton compare' needs it\n"),
    };
    stated("line", line, "HT-1080") + &stated("medium", medium, "DMEM, 10 % FBS")
}

/// Parameters of the model that the readings may speak of.
pub fn suggestions(system: &System, names: &[&str]) -> String {
    let mut toml = String::new();
    for name in names {
        if let Some(parameter) = system.parameter(name).map(|at| &system.parameters[at as usize]) {
            let _ = write!(
                toml,
                "\n[parameters.{name}]                # check: which parameters do your data speak of?\nbounds = [{}, {}]\n\
                 prior = {{ kind = \"log-normal\", median = {}, sd = 1.0 }}\nsource = \"assumed\"\n",
                plain(parameter.value / 100.0),
                plain(parameter.value * 100.0),
                parameter.value
            );
        }
    }
    toml
}

/// The parameter that stands for a time that nobody states.
const READ_OUT: &str = "read_out";

impl Draft<'_> {
    /// Whether the table has raw signals; counts of live and dead cells need no gain.
    fn of_signals(&self) -> bool {
        self.readings.readings.iter().any(|r| matches!(r.seen, Seen::Signal(_)))
    }

    fn of_counts(&self) -> bool {
        !self.of_signals() && !self.of_deaths()
    }

    fn of_deaths(&self) -> bool {
        self.readings.readings.iter().any(|r| matches!(r.seen, Seen::Deaths(_)))
    }

    /// What the study has a place for: no killed well, no coloured medium, no plate of wells at the start alone.
    fn belongs(&self, reading: &Reading) -> bool {
        match reading.role {
            Role::Sample | Role::Vehicle => true,
            Role::Blank => reading.doses.is_empty() && self.of_signals(),
            Role::Start => {
                let beside = |r: &Reading| r.plate == reading.plate && r.role == Role::Vehicle;
                !self.of_deaths() && self.readings.readings.iter().any(beside)
            }
            Role::Positive => false,
        }
    }

    /// The mark that readings of one well share, where the file says which they are.
    fn well(&self, reading: &Reading) -> Option<String> {
        let plate = &self.readings.plates[reading.plate].name;
        reading.well_name.as_ref().map(|well| format!("{plate} {well}"))
    }

    /// Whether wells are read more than once: frames of a well are no replicates.
    fn over_time(&self) -> bool {
        let belonging = || self.readings.readings.iter().filter(|r| self.belongs(r) && r.role != Role::Blank);
        let mut wells: Vec<Option<String>> = belonging().map(|r| self.well(r)).collect();
        wells.sort();
        !wells.contains(&None) && wells.windows(2).any(|pair| pair[0] == pair[1]) && !self.of_deaths()
    }

    /// The sd of blanks around the mean of their plate: what the instrument scatters by where there is no signal.
    fn scatter_of_blanks(&self) -> Option<f64> {
        let mut plates: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        for reading in self.readings.readings.iter().filter(|r| r.role == Role::Blank && self.belongs(r)) {
            if let Seen::Signal(value) = reading.seen {
                plates.entry(reading.plate).or_default().push(value);
            }
        }
        let (mut squares, mut freedom) = (0.0, 0.0);
        for values in plates.values() {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            squares += values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
            freedom += values.len() as f64 - 1.0;
        }
        let sd = (squares / freedom).sqrt();
        (freedom >= 3.0 && sd > 0.0).then_some(sd)
    }

    /// How readings scatter.
    fn noise(&self, typical: f64) -> String {
        let mut toml = String::new();
        if self.of_counts() {
            toml += "\n[noise]\nkind = \"binomial\"\noverdispersion = \"phi\"\n";
            if self.over_time() {
                toml += "well_memory = \"memory\"            # frames of a well are no replicates\n";
            }
            toml += "\n[parameters.phi]\nvalue = 0.02\nbounds = [0.0001, 0.5]\nsource = \"estimated\"\n";
            if self.over_time() {
                let (shortest, longest) = self.span();
                let (low, high) = (plain(shortest / 10.0), plain(longest * 10.0));
                let _ = write!(
                    toml,
                    "\n[parameters.memory]\nvalue = {longest}\nbounds = [{low}, {high}]\nsource = \"estimated\"\n"
                );
            }
            return toml;
        }
        let blanks = self.scatter_of_blanks();
        let sd = blanks.map_or("\"sigma\"".into(), |sd| format!("{}               # of the blanks", plain(sd)));
        let _ = write!(toml, "\n[noise]\nkind = \"normal\"\nsd = {sd}\nrelative = \"cv\"\n");
        if self.over_time() {
            toml += "well_correlation = \"rho\"          # frames of a well are no replicates\n";
        }
        toml += "\n[parameters.cv]\nvalue = 0.08\nbounds = [0.005, 0.5]\nsource = \"estimated\"\n";
        if blanks.is_none() {
            let sd = 0.02 * typical;
            let (low, high) = (sd / 50.0, sd * 20.0);
            let _ =
                write!(toml, "\n[parameters.sigma]\nvalue = {sd}\nbounds = [{low}, {high}]\nsource = \"estimated\"\n");
        }
        if self.over_time() {
            toml += "\n[parameters.rho]\nvalue = 0.5\nbounds = [0, 0.95]\nscale = \"lin\"\nsource = \"estimated\"\n";
        }
        toml
    }

    /// From one frame to the next at least, and from the first to the last.
    fn span(&self) -> (f64, f64) {
        let mut times: Vec<f64> = self.readings.readings.iter().filter_map(|r| r.time).collect();
        times.sort_by(f64::total_cmp);
        times.dedup();
        let shortest = times.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min);
        (shortest, times.last().zip(times.first()).map_or(1.0, |(last, first)| last - first))
    }

    /// How experiments differ: in the parameter that viability says most about.
    fn experiments(&self, suggested: &[&str]) -> String {
        let known = suggested.iter().find(|name| self.system.parameter(name).is_some());
        let (Some(name), true) = (known, self.readings.experiments.len() > 1) else { return String::new() };
        format!(
            "\n[experiments]\nspread = {{ {name} = \"between\" }}       # check: in which parameter do experiments differ?\n\
             \n[parameters.between]\nvalue = 0.2\nbounds = [0.01, 1.5]\nsource = \"estimated\"\n"
        )
    }

    /// Of the readings with a role the median signal.
    fn median(&self, role: Role) -> Option<f64> {
        let mut values: Vec<f64> = Vec::new();
        for reading in self.readings.readings.iter().filter(|r| r.role == role && self.belongs(r)) {
            if let Seen::Signal(value) = reading.seen {
                values.push(value);
            }
        }
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }

    pub fn study(&self, assay: Option<Assay>, suggested: &[&str]) -> String {
        let (signals, deaths) = (self.of_signals(), self.of_deaths());
        let assay_name = assay.map_or(
            if signals {
                "atp"
            } else if deaths {
                "death_time"
            } else {
                "live_dead"
            },
            Assay::name,
        );
        let mut toml = String::from("title = \"What was done, in one line\"          # check\n");
        let medium = self.readings.medium.as_ref().map_or(String::new(), |medium| format!("Medium: {medium}. "));
        let bases = self
            .readings
            .compounds
            .iter()
            .filter_map(|c| Some(format!("Doses of {} count {}. ", c.name, c.basis.as_ref()?)));
        let _ = writeln!(toml, "description = {:?}", format!("{medium}{}", bases.collect::<String>()).trim());
        toml += "source = \"who measured it\"                    # check\n";
        let line = match self.readings.cell_lines.as_slice() {
            // What readings without a name are called.
            [line] if line != "cells" => Some(line.as_str()),
            _ => None,
        };
        toml += &cells(line, self.readings.medium.as_deref());
        if let Some(comment) = &self.readings.synthetic {
            let _ = writeln!(toml, "synthetic = {:?}", comment);
        }
        let unit = &self.readings.time_unit;
        let unit =
            if unit.is_empty() { "h\"               # check: the file does not say" } else { &format!("{unit}\"") };
        let _ = writeln!(toml, "model = {:?}\n\n[time]\nunit = \"{unit}\n", self.model);
        for compound in &self.readings.compounds {
            let names = || self.system.parameters.iter().map(|p| p.name.as_str());
            let target =
                names().find(|p| p.eq_ignore_ascii_case(&compound.name)).or_else(|| closest(&compound.name, names()));
            let mark = if target == Some(&compound.name) { "" } else { "      # check: a parameter of the model" };
            let unit = if compound.unit.is_empty() {
                "uM\"          # check: the file does not say"
            } else {
                &format!("{}\"", compound.unit)
            };
            let target = target.unwrap_or(&compound.name);
            let _ = writeln!(toml, "[compounds.{:?}]\ntarget = {target:?}{mark}\nunit = \"{unit}\n", compound.name);
        }
        let mark = if assay.is_some() { "" } else { "                  # check" };
        let _ = writeln!(toml, "[assay]\nkind = \"{assay_name}\"{mark}\nlive = \"live\"\ndead = \"dead\"");
        if signals {
            toml += "reading = \"signal\"\nscale = \"gain\"\noffset = \"background\"\n";
        }
        if self.readings.cell_lines.len() > 1 {
            toml += "\n# check: in which parameters do the cell lines differ? set = { … } or fold = { … }\n";
            for line in &self.readings.cell_lines {
                let _ = writeln!(toml, "[conditions.{line:?}]");
            }
        }
        toml += "\n[settle]\nset = { counting = 0 }\nlongest = 5000\n\n[data]\nfile = \"readings.csv\"\n";
        // `check` of a study wants a control; what raw signals have none of is said.
        if !deaths && !self.readings.readings.iter().any(|r| r.role == Role::Vehicle) {
            toml += "without_control = \"the file has no vehicle wells\"          # check\n";
        }
        let typical = self.median(Role::Vehicle).or(self.median(Role::Sample)).unwrap_or(1.0).abs().max(1e-9);
        let blank = self.median(Role::Blank);
        if !deaths {
            toml += &self.noise(typical);
            toml += &self.experiments(suggested);
        }
        if signals {
            let gain = (typical - blank.unwrap_or(0.0)).abs().max(1e-9 * typical);
            let _ = write!(
                toml,
                "\n[parameters.gain]\nper = \"plate\"\nvalue = {}\nbounds = [{}, {}]\nsource = \"estimated\"\n",
                plain(gain),
                plain(gain / 20.0),
                plain(gain * 20.0)
            );
            match blank.filter(|b| *b > 0.0) {
                Some(blank) => {
                    let _ = write!(
                        toml,
                        "\n[parameters.background]\nper = \"plate\"\nvalue = {blank}\nbounds = [{}, {}]\nsource = \"estimated from the blanks\"\n",
                        plain(blank / 20.0),
                        plain(blank * 20.0)
                    );
                }
                None => {
                    toml += "\n[parameters.background]\nvalue = 0                   # check: no blanks in the file\nsource = \"assumed\"\n"
                }
            }
        }
        if !deaths && self.readings.readings.iter().any(|r| r.time.is_none() && self.belongs(r)) {
            let _ = write!(
                toml,
                "\n[parameters.{READ_OUT}]\nvalue = 24                  # check: the file does not say when it was read\n\
                 source = \"assumed\"\n"
            );
        }
        toml + &suggestions(self.system, suggested)
    }

    /// One reading a row, as studies read them.
    pub fn table(&self) -> String {
        let read = self.readings;
        let mut text = String::new();
        if let Some(comment) = &read.synthetic {
            let _ = writeln!(text, "# synthetic: {comment}");
        }
        let left = read.readings.iter().filter(|r| !self.belongs(r)).count();
        if left > 0 {
            let _ = writeln!(
                text,
                "# {left} readings left out: killed wells, wells without cells but with compound, plates of the start alone"
            );
        }
        let several = read.cell_lines.len() > 1;
        let mut header: Vec<String> = Vec::new();
        if several {
            header.push("condition".into());
        }
        for compound in &read.compounds {
            header.push(match compound.unit.is_empty() {
                true => compound.name.clone(),
                false => format!("{} ({})", compound.name, compound.unit),
            });
        }
        let values: &[&str] = match (self.of_deaths(), self.of_counts()) {
            (true, _) => &["from", "until", "count"],
            (_, true) => &["time", "live", "dead"],
            _ => &["time", "value", "lower", "upper"],
        };
        header.extend(values.iter().map(|name| name.to_string()));
        header.extend(["plate", "experiment", "well", "replicate"].map(String::from));
        let _ = writeln!(text, "{}", header.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(","));
        let (frames, wells) = (self.frames(), self.over_time());
        // Otherwise a name of its own for each: wells of different plates and doses share theirs.
        for (number, reading) in read.readings.iter().enumerate().filter(|(_, r)| self.belongs(r)) {
            let Some(values) = self.values(reading, &frames) else { continue };
            let mut row: Vec<String> = Vec::new();
            if several {
                row.push(quoted(&read.cell_lines[reading.cell_line]));
            }
            let dose = |at| reading.doses.iter().find(|(c, _)| *c == at).map_or(0.0, |(_, dose)| *dose);
            row.extend((0..read.compounds.len()).map(|at| dose(at).to_string()));
            row.extend(values);
            let plate = &read.plates[reading.plate];
            row.push(quoted(&plate.name));
            row.push(quoted(&read.experiments[plate.experiment]));
            row.push(if reading.role == Role::Blank { "blank".into() } else { "sample".into() });
            let own = self.well(reading).filter(|_| wells && reading.role != Role::Blank);
            row.push(quoted(&own.unwrap_or_else(|| (number + 1).to_string())));
            let _ = writeln!(text, "{}", row.join(","));
        }
        text
    }

    /// Of each time the one before it: cells that are counted dead at a time died since then.
    fn frames(&self) -> BTreeMap<u64, f64> {
        let mut times: Vec<f64> = self.readings.readings.iter().filter_map(|r| r.time).collect();
        times.sort_by(f64::total_cmp);
        times.dedup();
        let before = std::iter::once(0.0).chain(times.iter().copied()).collect::<Vec<_>>();
        times.iter().zip(before).map(|(time, before)| (time.to_bits(), before)).collect()
    }

    /// `None` for what has no value: a well without cells, cells that were alive when watching ended.
    fn values(&self, reading: &Reading, frames: &BTreeMap<u64, f64>) -> Option<Vec<String>> {
        let start = reading.role == Role::Start;
        let time = if start { "0".into() } else { reading.time.map_or(READ_OUT.to_string(), |time| time.to_string()) };
        let value = match reading.seen {
            Seen::Deaths(count) => {
                let from = frames.get(&reading.time?.to_bits())?;
                return (reading.limit == Limit::None).then(|| vec![from.to_string(), time, count.to_string()]);
            }
            Seen::Counts { live, dead } => return Some(vec![time, live.to_string(), dead.to_string()]),
            Seen::Signal(value) => value,
        };
        let value = value.to_string();
        let none = String::new;
        Some(match reading.limit {
            Limit::None => vec![time, value, none(), none()],
            Limit::Below => vec![time, none(), none(), value],
            Limit::Above => vec![time, none(), value, none()],
        })
    }
}

/// Four digits are enough for a bound.
fn plain(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '#']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_string() }
}
