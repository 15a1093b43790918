//! Reads the rows of a data file against a study.

use super::declared::{Datum, Kind, ReadAt, Sd, Seen, Study};
use super::document::{Findings, suggest};
use super::read::DataSection;
use super::table::{Field, Table, number};
use super::units::{self, Unit};
use std::collections::{BTreeMap, BTreeSet};

/// Roles of columns beside compounds and those that parameters are `per`.
const ROLES: [&str; 18] = [
    "time",
    "value",
    "sd",
    "replicate",
    "condition",
    "observable",
    "lower",
    "upper",
    "joint",
    "well",
    "compound",
    "dose",
    "dose_unit",
    "from",
    "until",
    "count",
    "live",
    "dead",
];

/// Other names for the column of values.
const VALUES: [&str; 7] =
    ["viability", "relative_viability", "fractional_viability", "lethal_fraction", "inhibition", "signal", "reading"];

/// Columns, by role.
pub struct Columns<'t> {
    of: BTreeMap<String, usize>,
    header: &'t [Field],
    /// `(%)` stands in the header of the values.
    pub percent: bool,
    /// Roles of columns whose header states a unit.
    with_unit: BTreeSet<String>,
}

impl<'t> Columns<'t> {
    pub fn get<'r>(&self, row: &'r [Field], role: &str) -> Option<&'r Field> {
        self.of.get(role).map(|&i| &row[i])
    }

    /// Whether there is such a column and its header leaves the unit to the study.
    pub fn has_no_unit(&self, role: &str) -> bool {
        self.of.contains_key(role) && !self.with_unit.contains(role)
    }

    pub fn place(&self, role: &str) -> std::ops::Range<usize> {
        self.of.get(role).map_or(self.header.first().map_or(0..0, |f| f.span.clone()), |&i| self.header[i].span.clone())
    }
}

/// A row and its place, for checks.
pub struct Rows<'t> {
    pub data: Vec<Datum>,
    pub fields: Vec<&'t [Field]>,
    pub columns: Columns<'t>,
}

pub fn read<'t>(study: &Study, section: &DataSection, findings: &Findings, table: &'t Table) -> Rows<'t> {
    let columns = assign(study, section, findings, table);
    let mut rows = Rows { data: Vec::new(), fields: Vec::new(), columns };
    if !findings.is_clean() {
        // Rows under a header that is not understood would say the same thing over and over.
        return rows;
    }
    if table.rows.is_empty() {
        findings.say(&(0..1), "the file has a header and no readings", "one reading a line");
        return rows;
    }
    let (mut line, mut counted) = (1, 0);
    for row in &table.rows {
        let start = row[0].span.start;
        line += findings.source[counted..start].matches('\n').count();
        counted = start;
        if let Some(datum) = datum(study, &rows.columns, findings, line, row) {
            rows.data.push(datum);
            rows.fields.push(row);
        }
    }
    rows
}

fn per_columns(study: &Study) -> Vec<String> {
    let mut columns: Vec<String> = study.parameters.iter().filter_map(|p| p.per.clone()).collect();
    columns.sort();
    columns.dedup();
    columns
}

fn assign<'t>(study: &Study, section: &DataSection, findings: &Findings, table: &'t Table) -> Columns<'t> {
    let per = per_columns(study);
    let roles: Vec<&str> = ROLES
        .into_iter()
        .chain(study.compounds.iter().map(|c| c.name.as_str()))
        .chain(per.iter().map(String::as_str))
        .chain(["plate", "experiment"])
        .collect();
    let mut columns =
        Columns { of: BTreeMap::new(), header: &table.header, percent: false, with_unit: BTreeSet::new() };
    if let [only] = &table.header[..]
        && only.text.contains([';', '\t'])
    {
        let separator = if only.text.contains(';') { ";" } else { "\\t" };
        let hint = format!("add separator = \"{separator}\" to [data]");
        findings.say(&only.span, "fields are not separated by commas", hint);
        return columns;
    }
    for (index, field) in table.header.iter().enumerate() {
        let (bare, unit) = split_unit(&field.text, &roles);
        let named = section.columns.iter().find(|(_, c)| c.value == field.text || c.value == bare);
        let lower = bare.to_lowercase().replace(' ', "_");
        let role = match named {
            Some((role, _)) => roles.iter().find(|r| *r == role).copied(),
            None => roles.iter().find(|r| r.eq_ignore_ascii_case(&bare) || **r == lower).copied(),
        };
        let role = role.or(VALUES.contains(&lower.as_str()).then_some("value"));
        let Some(role) = role else {
            if !section.ignored.contains(&field.text) {
                let hint = suggest(&bare, roles.iter().copied().chain(VALUES));
                let hint = format!("{hint}; or name it in [data] ignore = [\"{}\"]", field.text);
                findings.say(&field.span, format!("unknown column `{}`", field.text), hint);
            }
            continue;
        };
        check_header_unit(study, findings, field, role, unit.as_deref(), &mut columns.percent);
        if unit.is_some() {
            columns.with_unit.insert(role.to_string());
        }
        if columns.of.insert(role.to_string(), index).is_some() {
            findings.say(
                &field.span,
                format!("a second column for `{role}`"),
                "keep one, or name the other in `ignore`",
            );
        }
    }
    for (role, column) in &section.columns {
        if !table.header.iter().any(|f| f.text == column.value || split_unit(&f.text, &roles).0 == column.value) {
            let hint = suggest(&column.value, table.header.iter().map(|f| f.text.as_str()));
            findings.say(&(0..1), format!("no column `{}`, which [data] names as `{role}`", column.value), hint);
        }
    }
    let has = |role: &str| columns.of.contains_key(role);
    let deaths = study.observables.iter().any(|o| o.reading == Kind::DeathTime);
    let whole = table.header.first().map_or(0..1, |f| f.span.start..table.header[table.header.len() - 1].span.end);
    if !(has("time") || deaths && has("from") && has("until")) {
        findings.say(&whole, "no column of times", "name it in [data] columns = { time = \"…\" }");
    } else if !["value", "count", "lower", "upper", "live"].into_iter().any(has) {
        findings.say(&whole, "no column of values", "name it in [data] columns = { value = \"…\" }");
    }
    columns
}

/// "FAC (mM)", "time [h]" and "FAC_mM" into name and unit.
fn split_unit(text: &str, roles: &[&str]) -> (String, Option<String>) {
    let known = |name: &str| roles.iter().any(|r| r.eq_ignore_ascii_case(name)) || VALUES.contains(&name);
    for (open, close) in [('(', ')'), ('[', ']')] {
        if let (Some(start), true) = (text.find(open), text.ends_with(close)) {
            return (text[..start].trim().to_string(), Some(text[start + 1..text.len() - 1].trim().to_string()));
        }
    }
    if let Some((name, unit)) = text.rsplit_once('_')
        && known(name)
        && Unit::parse(unit).is_some()
    {
        return (name.to_string(), Some(unit.to_string()));
    }
    (text.to_string(), None)
}

fn check_header_unit(
    study: &Study,
    findings: &Findings,
    field: &Field,
    role: &str,
    unit: Option<&str>,
    percent: &mut bool,
) {
    let Some(unit) = unit else { return };
    let expected = match role {
        "time" | "from" | "until" => study.time_unit.as_str(),
        "value" | "sd" | "lower" | "upper" => {
            *percent |= unit == "%" || unit == "percent";
            return;
        }
        "dose" if study.compounds.len() == 1 => &study.compounds[0].unit,
        role => match study.compounds.iter().find(|c| c.name == role) {
            Some(compound) => &compound.unit,
            None => return,
        },
    };
    if unit != expected && units::same(unit, expected) != Some(true) {
        let message = format!("units do not agree: {unit} here, {expected} in the study");
        findings.say(&field.span, message, "make them the same, in the header or in the study");
    }
}

fn datum(study: &Study, columns: &Columns, findings: &Findings, line: usize, row: &[Field]) -> Option<Datum> {
    let before = findings.count();
    let text = |role: &str| columns.get(row, role).map(|f| f.text.clone()).unwrap_or_default();
    let condition = condition(study, columns, findings, row);
    let observable = observable(study, columns, findings, row);
    let doses = doses(study, columns, findings, row, condition);
    let kind = study.observables.get(observable).map_or(Kind::Other, |o| o.reading);
    let time = if kind == Kind::DeathTime {
        let bound = |role: &str| columns.get(row, role).and_then(|f| time_number(findings, f, role));
        let (from, until) = (bound("from").unwrap_or(0.0), bound("until").unwrap_or(0.0));
        if let (Some(field), true) = (columns.get(row, "until"), until <= from) {
            findings.say(&field.span, "the reading ends before it begins", "`until` is later than `from`");
        }
        ReadAt::Between(from, until)
    } else {
        read_time(study, columns, findings, row)
    };
    let counted = study.observables.get(observable).is_some_and(|o| o.error.counts.is_some());
    let value = if counted { share(columns, findings, row, kind) } else { value(columns, findings, row, kind) };
    let sd = columns.get(row, "sd").filter(|f| !f.text.is_empty()).and_then(|field| {
        let sd = number(findings, field, "the sd")?;
        if sd <= 0.0 {
            let hint = "leave it out where one replicate alone was read; sd = \"replicates\" pools them";
            findings.say(&field.span, format!("an sd of {sd}"), hint);
        }
        Some(sd)
    });
    let sd_wanted = study.observables.get(observable).is_some_and(|o| o.error.sd == Sd::Column);
    let blank = match text("well").to_lowercase().as_str() {
        "blank" => true,
        "" | "sample" | "vehicle" | "control" => false,
        other => {
            let field = columns.get(row, "well")?;
            findings.say(&field.span, format!("no kind of well `{other}`"), "write sample, vehicle or blank");
            false
        }
    };
    if sd_wanted && sd.is_none() && !counted && kind != Kind::DeathTime && findings.count() == before {
        let hint = "add a column `sd`, or say in [noise] sd = a number, a parameter, or \"replicates\"";
        findings.say(&row[0].span, "nothing is known about the error of this reading", hint);
    }
    let levels = per_columns(study)
        .into_iter()
        .filter_map(|column| match columns.get(row, &column) {
            Some(field) if !field.text.is_empty() => Some((column, field.text.clone())),
            _ => {
                let hint = format!("parameters are per {column}: every row needs one");
                findings.say(&row[0].span, format!("no `{column}` for this row"), hint);
                None
            }
        })
        .collect();
    let joint = Some(text("joint")).filter(|name| !name.is_empty());
    if let (Some(_), Some(Seen::Value(_)), Some(field)) = (&joint, value, columns.get(row, "joint")) {
        findings.say(&field.span, "a joint reading has bounds", "fill in `lower` and `upper` in place of the value");
    }
    if findings.count() > before {
        return None;
    }
    Some(Datum {
        line,
        condition: condition?,
        doses,
        observable,
        time,
        value: value?,
        sd,
        replicate: text("replicate"),
        plate: text("plate"),
        experiment: text("experiment"),
        joint,
        blank,
        levels,
    })
}

fn condition(study: &Study, columns: &Columns, findings: &Findings, row: &[Field]) -> Option<usize> {
    let Some(field) = columns.get(row, "condition").filter(|f| !f.text.is_empty()) else {
        if study.conditions.len() == 1 {
            return Some(0);
        }
        let hint = suggest("", study.conditions.iter().map(|c| c.name.as_str()));
        findings.say(
            &row[0].span,
            "which condition is this? the study has several",
            format!("column `condition`; {hint}"),
        );
        return None;
    };
    let found = study.conditions.iter().position(|c| c.name == field.text);
    if found.is_none() {
        let hint = format!(
            "{}; or add [conditions.{}]",
            suggest(&field.text, study.conditions.iter().map(|c| c.name.as_str())),
            field.text
        );
        findings.say(&field.span, format!("no condition `{}` in the study", field.text), hint);
    }
    found
}

fn observable(study: &Study, columns: &Columns, findings: &Findings, row: &[Field]) -> usize {
    let name = columns.get(row, "observable").map(|f| f.text.as_str()).unwrap_or_default();
    let found = study
        .observables
        .iter()
        .position(|o| o.name == name)
        .or((study.observables.len() == 1 && name.is_empty()).then_some(0));
    found.unwrap_or_else(|| {
        let hint = match study.observables.iter().all(|o| o.name.is_empty()) {
            true => format!("add [observables.{name}] to the study, or leave the column empty for the assay"),
            false => suggest(name, study.observables.iter().map(|o| o.name.as_str())),
        };
        let field = columns.get(row, "observable").unwrap_or(&row[0]);
        findings.say(&field.span, format!("no observable `{name}` in the study"), hint);
        0
    })
}

fn doses(study: &Study, columns: &Columns, findings: &Findings, row: &[Field], condition: Option<usize>) -> Vec<f64> {
    let stated = condition.map(|c| &study.conditions[c].doses);
    let mut doses: Vec<f64> = (0..study.compounds.len()).map(|i| stated.and_then(|s| s[i]).unwrap_or(0.0)).collect();
    let mut set = |i: usize, field: &Field, factor: f64| {
        let Some(dose) = number(findings, field, "a dose") else { return };
        if dose < 0.0 {
            findings.say(
                &field.span,
                format!("a dose of {dose}"),
                "doses are not negative; the log of a dose is not a dose",
            );
        }
        if stated.and_then(|s| s[i]).is_some_and(|stated| stated != dose * factor) {
            findings.say(&field.span, "the study states another dose for this condition", "state it in one place");
        }
        doses[i] = dose * factor;
    };
    for (i, compound) in study.compounds.iter().enumerate() {
        if let Some(field) = columns.get(row, &compound.name) {
            set(i, field, 1.0);
        }
    }
    if let Some(field) = columns.get(row, "dose") {
        let name = columns.get(row, "compound").map(|f| f.text.as_str()).unwrap_or_default();
        let vehicle = ["", "vehicle", "control", "dmso", "none"].contains(&name.to_lowercase().as_str());
        let zero = field.text.parse() == Ok(0.0);
        match study.compounds.iter().position(|c| c.name == name) {
            Some(i) => set(i, field, dose_unit(study, columns, findings, row, i)),
            None if name.is_empty() && study.compounds.len() == 1 => {
                set(0, field, dose_unit(study, columns, findings, row, 0))
            }
            None if vehicle && zero => {}
            None => {
                let hint = suggest(name, study.compounds.iter().map(|c| c.name.as_str()));
                let place = columns.get(row, "compound").unwrap_or(field);
                findings.say(&place.span, format!("which compound is `{name}`?"), hint);
            }
        }
    }
    doses
}

/// From the row's unit to the study's.
fn dose_unit(study: &Study, columns: &Columns, findings: &Findings, row: &[Field], compound: usize) -> f64 {
    let Some(field) = columns.get(row, "dose_unit").filter(|f| !f.text.is_empty()) else { return 1.0 };
    let unit = &study.compounds[compound].unit;
    let factor = Unit::parse(&field.text).zip(Unit::parse(unit)).and_then(|(from, to)| from.to(to));
    factor.unwrap_or_else(|| {
        let message = format!("units do not agree: {} here, {unit} in the study", field.text);
        findings.say(&field.span, message, format!("give this dose in {unit} or a multiple of it"));
        1.0
    })
}

fn time_number(findings: &Findings, field: &Field, role: &str) -> Option<f64> {
    let time = number(findings, field, &format!("`{role}`"))?;
    if time < 0.0 {
        let hint = "0 is when the compound is added; what comes before stands in the condition's schedule";
        findings.say(&field.span, format!("a time of {time}"), hint);
    }
    Some(time)
}

fn read_time(study: &Study, columns: &Columns, findings: &Findings, row: &[Field]) -> ReadAt {
    let Some(field) = columns.get(row, "time") else { return ReadAt::Time(0.0) };
    match study.parameter(&field.text) {
        Some(i) if study.parameters[i].own && study.parameters[i].per.is_none() => {
            let parameter = &study.parameters[i];
            if parameter.estimated && parameter.lower < 0.0 {
                findings.say(
                    &field.span,
                    format!("the time `{}` may be negative", parameter.name),
                    "raise its lower bound",
                );
            }
            if parameter.estimated { ReadAt::Parameter(i) } else { ReadAt::Time(parameter.value) }
        }
        _ => ReadAt::Time(time_number(findings, field, "time").unwrap_or(0.0)),
    }
}

/// Live and dead cells of a well.
fn share(columns: &Columns, findings: &Findings, row: &[Field], kind: Kind) -> Option<Seen> {
    let cells = |role: &str| {
        let Some(field) = columns.get(row, role).filter(|f| !f.text.is_empty()) else {
            let hint = "binomial noise is that of counts: a column `live` and a column `dead`";
            findings.say(&row[0].span, format!("no count of {role} cells"), hint);
            return None;
        };
        let count = number(findings, field, "a count")?;
        if count < 0.0 || count.fract() != 0.0 {
            findings.say(&field.span, format!("a count of {count}"), "cells are counted in whole numbers");
        }
        Some(count)
    };
    let (live, dead) = (cells("live")?, cells("dead")?);
    let hits = if kind == Kind::LethalFraction { dead } else { live };
    Some(Seen::Share { hits, total: live + dead })
}

fn value(columns: &Columns, findings: &Findings, row: &[Field], kind: Kind) -> Option<Seen> {
    let filled = |role: &str| columns.get(row, role).filter(|f| !f.text.is_empty());
    if let (Some(field), false) = (filled("live"), kind == Kind::DeathTime) {
        let hint = "[noise] kind = \"binomial\"; or name the columns in [data] ignore";
        findings.say(&field.span, "counts of live and dead cells have binomial noise", hint);
        return None;
    }
    if kind == Kind::DeathTime {
        let Some(field) = filled("count") else {
            findings.say(&row[0].span, "no count of dead cells", "death times need a column `count`");
            return None;
        };
        let count = number(findings, field, "a count")?;
        if count < 0.0 || count.fract() != 0.0 {
            findings.say(&field.span, format!("a count of {count}"), "cells are counted in whole numbers");
        }
        return Some(Seen::Count(count));
    }
    match (filled("value"), filled("lower"), filled("upper")) {
        (Some(field), None, None) => number(findings, field, "a value").map(Seen::Value),
        (Some(field), ..) => {
            findings.say(&field.span, "a value and bounds in one row", "leave one of them empty");
            None
        }
        (None, None, None) => {
            let field = columns.get(row, "value").unwrap_or(&row[0]);
            number(findings, &Field { text: String::new(), span: field.span.clone() }, "the value");
            None
        }
        (None, lower, upper) => {
            let read = |field: Option<&Field>, what: &str, open: f64| match field {
                Some(field) => number(findings, field, what),
                None => Some(open),
            };
            let low = read(lower, "`lower`", f64::NEG_INFINITY)?;
            let high = read(upper, "`upper`", f64::INFINITY)?;
            if low >= high {
                let field = upper.or(lower).unwrap_or(&row[0]);
                findings.say(&field.span, "`upper` is not above `lower`", "exchange them, or give a value instead");
            }
            Some(Seen::Interval(low, high))
        }
    }
}
