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

/// Parameters of the model that the readings may speak of.
pub fn suggestions(system: &System, names: &[&str]) -> String {
    let mut toml = String::new();
    for name in names {
        if let Some(parameter) = system.parameter(name).map(|at| &system.parameters[at as usize]) {
            let _ = write!(
                toml,
                "\n[parameters.{name}]                # check: which parameters do your data speak of?\nbounds = [{}, {}]\n\
                 prior = {{ kind = \"log-normal\", median = {}, sd = 1.0 }}\nsource = \"assumed\"\n",
                parameter.value / 100.0,
                parameter.value * 100.0,
                parameter.value
            );
        }
    }
    toml
}

/// The parameter that stands for a time that nobody states.
const READ_OUT: &str = "read_out";

impl Draft<'_> {
    /// Whether the table has raw signals; counts of live and dead cells become shares, which need no gain.
    fn of_signals(&self) -> bool {
        self.readings.readings.iter().any(|r| matches!(r.seen, Seen::Signal(_)))
    }

    fn of_deaths(&self) -> bool {
        self.readings.readings.iter().any(|r| matches!(r.seen, Seen::Deaths(_)))
    }

    /// What the study has a place for: no well at the start, no killed one, no coloured medium.
    fn belongs(&self, reading: &Reading) -> bool {
        match reading.role {
            Role::Sample | Role::Vehicle => true,
            Role::Blank => reading.doses.is_empty() && self.of_signals(),
            Role::Start | Role::Positive => false,
        }
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
        if !signals && !deaths {
            toml += "values = \"fraction\"\n";
        }
        // `check` of a study wants a control; what raw signals have none of is said.
        if !deaths && !self.readings.readings.iter().any(|r| r.role == Role::Vehicle) {
            toml += "without_control = \"the file has no vehicle wells\"          # check\n";
        }
        let typical = self.median(Role::Vehicle).or(self.median(Role::Sample)).unwrap_or(1.0).abs().max(1e-9);
        let blank = self.median(Role::Blank);
        if !deaths {
            let sd = if signals { 0.02 * typical } else { 0.05 };
            let _ = write!(toml, "\n[noise]\nkind = \"normal\"\nsd = \"sigma\"\n");
            if signals {
                toml += "relative = \"cv\"\n\n[parameters.cv]\nvalue = 0.08\nbounds = [0.005, 0.5]\nsource = \"estimated\"\n";
            }
            let _ = write!(
                toml,
                "\n[parameters.sigma]\nvalue = {sd}\nbounds = [{}, {}]\nsource = \"estimated\"\n",
                sd / 50.0,
                sd * 20.0
            );
        }
        if signals {
            let gain = (typical - blank.unwrap_or(0.0)).abs().max(1e-9 * typical);
            let _ = write!(
                toml,
                "\n[parameters.gain]\nper = \"plate\"\nvalue = {gain}\nbounds = [{}, {}]\nsource = \"estimated\"\n",
                gain / 20.0,
                gain * 20.0
            );
            match blank.filter(|b| *b > 0.0) {
                Some(blank) => {
                    let _ = write!(
                        toml,
                        "\n[parameters.background]\nper = \"plate\"\nvalue = {blank}\nbounds = [{}, {}]\nsource = \"estimated from the blanks\"\n",
                        blank / 20.0,
                        blank * 20.0
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
                "# {left} readings left out: wells at the start, killed ones, and wells without cells but with compound"
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
        let values =
            if self.of_deaths() { ["from", "until", "count"].as_slice() } else { &["time", "value", "lower", "upper"] };
        header.extend(values.iter().map(|name| name.to_string()));
        header.extend(["plate", "experiment", "well", "replicate"].map(String::from));
        let _ = writeln!(text, "{}", header.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(","));
        let frames = self.frames();
        // A name of its own for each: wells of different plates and doses share theirs.
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
            row.push((number + 1).to_string());
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
        let time = reading.time.map_or(READ_OUT.to_string(), |time| time.to_string());
        let value = match reading.seen {
            Seen::Deaths(count) => {
                let from = frames.get(&reading.time?.to_bits())?;
                return (reading.limit == Limit::None).then(|| vec![from.to_string(), time, count.to_string()]);
            }
            Seen::Counts { live, dead } if live + dead > 0.0 => live / (live + dead),
            Seen::Counts { .. } => return None,
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

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '#']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_string() }
}
