//! Puts readings together: names become indices, doses and times one unit each, and what cannot be is reported.

use super::names::{self, Names};
use super::number::{well, well_name};
use super::sheet::{Cell, Sheet};
use super::{Compound, Layout, Limit, Options, Plate, Reading, Readings, Role, Seen};
use crate::Diagnostic;
use crate::study::units::Unit;
use std::collections::HashMap;

/// One reading as a file has it.
pub struct Draft<'c, 's> {
    /// Where the value stands.
    pub cell: &'c Cell<'s>,
    pub experiment: Option<&'c str>,
    pub plate: Option<&'c str>,
    pub well: Option<&'c str>,
    /// Names a well among those of the same treatment, where wells have no names.
    pub replicate: Option<&'c str>,
    pub cell_line: Option<&'c str>,
    pub doses: Vec<(usize, f64)>,
    pub time: Option<f64>,
    pub seen: Seen,
    pub role: Role,
    pub limit: Limit,
}

pub struct Builder<'o> {
    pub options: &'o Options,
    pub notes: Vec<String>,
    pub time_unit: String,
    compounds: Names,
    known: Vec<Compound>,
    experiments: Names,
    plates: Names,
    /// Of each plate: its experiment, and the line that says so.
    belongs: Vec<(usize, u32)>,
    cell_lines: Names,
    medium: Option<String>,
    readings: Vec<Reading>,
    wells: HashMap<String, u32>,
    /// How many readings say which experiment they belong to, and how many do not.
    stated: (usize, usize),
}

const UNNAMED: &str = "1";

impl<'o> Builder<'o> {
    pub fn new(options: &'o Options) -> Self {
        Builder {
            options,
            notes: Vec::new(),
            time_unit: String::new(),
            compounds: Names::default(),
            known: Vec::new(),
            experiments: Names::default(),
            plates: Names::default(),
            belongs: Vec::new(),
            cell_lines: Names::default(),
            medium: None,
            readings: Vec::new(),
            wells: HashMap::new(),
            stated: (0, 0),
        }
    }

    pub fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) && self.notes.len() < 60 {
            self.notes.push(note);
        }
    }

    pub fn compound(&mut self, name: &str) -> usize {
        let at = self.compounds.index(name, names::compound_key);
        if at == self.known.len() {
            self.known.push(Compound { name: name.to_string(), ..Compound::default() });
        }
        at
    }

    /// By what a dose in `unit` is multiplied to be in the compound's unit. `unit` may say what the dose counts.
    pub fn unit(&mut self, sheet: &Sheet, cell: &Cell, compound: usize, unit: &str) -> Option<f64> {
        let (unit, basis) = super::basis::split(unit);
        if let Some(basis) = basis {
            self.basis(sheet, cell, compound, &basis.text);
        }
        let parsed = Unit::parse(unit);
        let name = self.known[compound].name.clone();
        if self.known[compound].unit.is_empty() {
            match parsed {
                None if !unit.is_empty() => {
                    let micro = ["um", "μm", "µm", "mm", "nm", "UM", "MM", "NM"].contains(&unit);
                    let hint = if micro {
                        "molar is written with a capital M: uM, mM, nM"
                    } else {
                        "write M, mM, uM, nM, or ug/mL"
                    };
                    self.known[compound].unit = unit.to_string();
                    sheet.say(cell, format!("`{unit}` is no unit of doses of {name}"), hint);
                }
                Some(parsed) if parsed.is_time() => {
                    sheet.say(
                        cell,
                        format!("`{unit}` is a unit of time, not of doses of {name}"),
                        "write mM, uM, nM, or ug/mL",
                    );
                }
                _ => self.known[compound].unit = unit.to_string(),
            }
            return Some(1.0);
        }
        let known = &self.known[compound].unit;
        if known == unit || unit.is_empty() {
            return Some(1.0);
        }
        match (parsed, Unit::parse(known)) {
            (Some(from), Some(to)) if from.to(to).is_some() => {
                let note = format!("doses of {name} in {unit} are converted to {known}");
                self.note(note);
                from.to(to)
            }
            _ => {
                let message = format!("doses of {name} in {unit} here, in {known} before");
                sheet.say(cell, message, "one of them cannot be converted into the other: give all in one unit");
                None
            }
        }
    }

    pub fn basis(&mut self, sheet: &Sheet, cell: &Cell, compound: usize, text: &str) {
        let name = self.known[compound].name.clone();
        let Some(basis) = super::basis::read(text) else {
            sheet.add(
                cell,
                Diagnostic::new(format!("`{text}` says not what a dose of {name} counts"))
                    .expected("\"Fe\", \"Cu\" or \"FAC 16.5 % Fe\""),
            );
            return;
        };
        if let Some(note) = basis.note {
            self.note(note);
        }
        match &self.known[compound].basis {
            Some(before) if *before != basis.text => {
                let message = format!("doses of {name} count {} here and {before} before", basis.text);
                sheet.say(cell, message, "convert the doses, or name them as two compounds");
            }
            _ => self.known[compound].basis = Some(basis.text),
        }
    }

    /// A time in the unit of all times.
    pub fn time(&mut self, sheet: &Sheet, cell: &Cell, time: f64, unit: Option<&str>) -> f64 {
        let Some(unit) = unit.filter(|unit| !unit.is_empty()) else { return time };
        let parsed = Unit::parse(unit).filter(|unit| unit.is_time());
        let Some(from) = parsed else {
            let hint = "write s, min, h or d";
            sheet.say(cell, format!("`{unit}` is no unit of time"), hint);
            return time;
        };
        if self.time_unit.is_empty() {
            self.time_unit = unit.to_string();
        }
        let factor = Unit::parse(&self.time_unit).and_then(|to| from.to(to)).unwrap_or(1.0);
        if factor == 1.0 { time } else { time * factor }
    }

    pub fn medium(&mut self, sheet: &Sheet, cell: &Cell, text: &str) {
        match &self.medium {
            Some(before) if before != text => {
                let hint = "what binds the metal changes its doses: one file for each medium";
                sheet.say(cell, format!("the medium is `{text}` here and `{before}` before"), hint);
            }
            Some(_) => {}
            None => self.medium = Some(text.to_string()),
        }
    }

    pub fn add(&mut self, sheet: &Sheet, mut draft: Draft) {
        let cell = draft.cell;
        let experiment_name = draft.experiment.unwrap_or(UNNAMED);
        let plate = match draft.plate {
            Some(name) => self.plates.index(name, str::to_string),
            // Without plates each experiment is taken as one.
            None => self.plates.index(experiment_name, str::to_string),
        };
        // A map or a label may have named the plate's experiment once for all its wells.
        let experiment = match (draft.experiment, self.belongs.get(plate)) {
            (None, Some(&(experiment, _))) => experiment,
            (stated, _) => {
                let count = if stated.is_some() { &mut self.stated.0 } else { &mut self.stated.1 };
                *count += 1;
                self.experiments.index(experiment_name, str::to_string)
            }
        };
        match self.belongs.get(plate) {
            None => self.belongs.push((experiment, cell.line)),
            Some(&(before, line)) if before != experiment => {
                let (name, before) = (&self.plates.list[plate], &self.experiments.list[before]);
                let message =
                    format!("plate `{name}` is in experiment {experiment_name} here and in {before} (line {line})");
                let hint =
                    format!("a plate belongs to one experiment: name it, for instance, `{experiment_name}-{name}`");
                sheet.say(cell, message, hint);
                return;
            }
            Some(_) => {}
        }
        let cell_line = match draft.cell_line {
            Some(name) => self.cell_lines.index(name, names::key),
            None if draft.role == Role::Blank => 0,
            None => self.cell_lines.index("cells", names::key),
        };
        draft.doses.retain(|(_, dose)| *dose != 0.0);
        // A number that fits on the page may not fit in the unit of its compound.
        if draft.doses.iter().any(|(_, dose)| !dose.is_finite()) || draft.time.is_some_and(|time| !time.is_finite()) {
            sheet.say(cell, "a dose or a time of this reading is beyond double precision", "check it and its unit");
            return;
        }
        draft.doses.sort_by_key(|(compound, _)| *compound);
        if let Some(pair) = draft.doses.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            let name = &self.known[pair[0].0].name;
            sheet.say(cell, format!("two doses of {name} in one well"), "give their sum");
            return;
        }
        if draft.role == Role::Sample && draft.doses.is_empty() {
            draft.role = Role::Vehicle;
        } else if draft.role == Role::Vehicle && !draft.doses.is_empty() {
            let (compound, dose) = draft.doses[0];
            let Compound { name, unit, .. } = &self.known[compound];
            let hint = "a well that got a compound is a sample; the dose of a vehicle well is 0";
            sheet.say(cell, format!("a vehicle well with {dose} {unit} of {name}"), hint);
            return;
        }
        let position = draft.well.and_then(well);
        let name = match position {
            Some(position) => Some(well_name(position)),
            None => draft.well.or(draft.replicate).map(str::to_string),
        };
        if let Some(name) = &name {
            let time = draft.time.unwrap_or(0.0).to_bits();
            let key = match draft.well {
                Some(_) => format!("{plate}\0{name}\0{time}"),
                None => format!("{plate}\0{name}\0{time}\0{cell_line}\0{:?}\0{:?}", draft.role, draft.doses),
            };
            if let Some(line) = self.wells.insert(key, cell.line) {
                let (what, hint) = match draft.well {
                    Some(_) => ("well", "give each plate its own name, or each reading its own time"),
                    None => ("replicate", "number the replicates of a dose, or leave the column out"),
                };
                let message = format!(
                    "{what} {name} of plate {} is read twice at the same time; before: line {line}",
                    self.plates.list[plate]
                );
                sheet.say(cell, message, hint);
                return;
            }
        }
        self.readings.push(Reading {
            line: cell.line as usize,
            column: cell.column as usize,
            plate,
            well: position,
            well_name: name,
            cell_line,
            doses: draft.doses,
            time: draft.time,
            seen: draft.seen,
            role: draft.role,
            limit: draft.limit,
        });
    }

    pub fn finish(mut self, sheet: &Sheet, layout: Layout) -> Readings {
        let before = sheet.count();
        if self.readings.is_empty() && before == 0 {
            sheet.say(&sheet.start(), "the file has no readings", "one reading a line under the header");
        }
        self.bases(sheet);
        if self.cell_lines.list.is_empty() {
            self.cell_lines.list.push("cells".into());
        }
        for (names, what) in [(&self.compounds, "compound"), (&self.cell_lines, "cell line")] {
            for (other, at) in &names.merged {
                self.notes.push(format!("`{other}` is taken as the {what} `{}`", names.list[*at]));
            }
        }
        if self.stated.0 > 0 && self.stated.1 > 0 && self.experiments.list.len() > 1 {
            let hint = "say for each reading which experiment it belongs to";
            sheet.say(&sheet.start(), format!("{} readings have no experiment", self.stated.1), hint);
        }
        if self.experiments.list.is_empty() {
            self.experiments.list.push(UNNAMED.into());
        }
        if self.stated.0 == 0 {
            self.notes.push(
                "nothing says which experiment a reading belongs to: all are taken as one experiment, whose wells say \
                 nothing about repeats on another day"
                    .into(),
            );
        }
        if !self.readings.iter().any(|r| r.role == Role::Vehicle) && !self.readings.is_empty() {
            self.notes.push("there is not a single vehicle well: nothing says what untreated cells read".into());
        }
        for compound in &self.known {
            if compound.unit.is_empty() {
                self.notes.push(format!("nothing says in which unit the doses of {} are", compound.name));
            }
        }
        if !self.readings.iter().any(|r| r.time.is_some()) {
            self.notes.push("nothing says when the wells were read".into());
        }
        if self.time_unit.is_empty() && self.readings.iter().any(|r| r.time.is_some()) {
            self.notes.push("nothing says in which unit the times are".into());
        }
        let synthetic = sheet.comments.iter().find(|c| c.to_lowercase().starts_with("synthetic"));
        let synthetic = synthetic.map(|comment| match comment.split_once(':') {
            Some((_, command)) if !command.trim().is_empty() => command.trim().to_string(),
            _ => comment.clone(),
        });
        if synthetic.is_some() {
            self.notes.insert(0, "the file says that its numbers are synthetic: nobody measured them".into());
        }
        Readings {
            file: sheet.file().to_string(),
            layout,
            experiments: self.experiments.list,
            plates: (self.plates.list.into_iter().zip(self.belongs))
                .map(|(name, (experiment, _))| Plate { name, experiment })
                .collect(),
            cell_lines: self.cell_lines.list,
            compounds: self.known,
            time_unit: self.time_unit,
            medium: self.options.medium.clone().or(self.medium),
            experiments_stated: self.stated.0 > 0,
            readings: self.readings,
            notes: self.notes,
            synthetic,
        }
    }

    /// Bases from the options; iron citrate has to have one.
    fn bases(&mut self, sheet: &Sheet) {
        let start = sheet.start();
        for (compound, text) in &self.options.basis {
            let chosen: Vec<usize> = match compound {
                Some(name) => {
                    let key = names::compound_key(name);
                    (0..self.known.len()).filter(|&at| names::compound_key(&self.known[at].name) == key).collect()
                }
                None if self.known.len() == 1 => vec![0],
                None => {
                    (0..self.known.len()).filter(|&at| super::basis::is_iron_citrate(&self.known[at].name)).collect()
                }
            };
            if chosen.is_empty() && !self.known.is_empty() {
                let list: Vec<&str> = self.known.iter().map(|c| c.name.as_str()).collect();
                let whose = compound.as_deref().unwrap_or("no compound in particular");
                let message = format!("the basis `{text}` is given for {whose}, which the file does not have");
                sheet.add(&start, Diagnostic::new(message).expected(list.join(", ")).hint("--basis \"COMPOUND=Fe\""));
            }
            for at in chosen {
                self.basis(sheet, &start, at, text);
            }
        }
        for compound in &self.known {
            if compound.basis.is_none() && super::basis::is_iron_citrate(&compound.name) {
                let name = &compound.name;
                let message = format!("nothing says what a dose of {name} counts, the iron or the salt");
                let reason = format!(
                    "a basis: {name} holds {} to {} % iron by grade, so that a dose of it is not a dose of iron",
                    super::basis::FAC_IRON.start(),
                    super::basis::FAC_IRON.end()
                );
                let unit = if compound.unit.is_empty() { "mM" } else { &compound.unit };
                let hint = format!(
                    "--basis \"{name}=FAC 16.5 % Fe\" with the content on the label, or --basis \"{name}=Fe\" if doses \
                     count iron; a header such as `{name} ({unit} Fe)` or a column `basis` says it as well"
                );
                sheet.add(&start, Diagnostic::new(message).expected(reason).hint(hint));
            }
        }
    }
}
