//! Opens studies: reads the file, its model and its data, and checks them against one another.

use super::compile::{can_be_joint, level};
use super::declared::{Kind, Parameter, Quantity, Sd, Seen, Study};
use super::document::Findings;
use super::endless::Copies;
use super::noise::Noise;
use super::prior::Prior;
use super::read::{self, Sources, fail};
use super::{data, plausible, table};
use crate::Result;
use std::collections::BTreeSet;

impl Study {
    /// Reads a study from its text. `file` is its name as messages show it; model and data come from `sources`.
    ///
    /// All that is wrong with the study, or else all that is wrong with its data, comes back at once.
    pub fn read(file: &str, text: &str, sources: &dyn Sources) -> Result<Study> {
        let text = table::decode(file, text.as_bytes().to_vec())?;
        let findings = Findings::new(file, &text);
        let stem = file.rsplit(['/', '\\']).next().unwrap_or(file);
        let (mut study, section) = read::read(&findings, sources, stem.trim_end_matches(".toml"))?;
        // What could not be read would make parameters look idle.
        if findings.is_clean() {
            study.check_parameters(&findings);
        }
        let Some(section) = section else { return fail(&findings) };
        let bytes = match sources.data(&section.file.value) {
            Ok(bytes) => bytes,
            Err(error) => {
                let message = format!("the data cannot be read: {error}");
                findings.say(&section.file.span, message, "the path counts from the folder of the study");
                return fail(&findings);
            }
        };
        if !findings.is_clean() {
            return fail(&findings);
        }
        let csv = table::decode(&section.file.value, bytes)?;
        let csv_findings = Findings::new(&section.file.value, &csv);
        let parsed = table::read(&csv_findings, section.separator);
        let mut rows = data::read(&study, &section, &csv_findings, &parsed);
        if !csv_findings.is_clean() {
            return fail(&csv_findings);
        }
        let notes = plausible::check(&study, &section, &csv_findings, &mut rows);
        study.notes.extend(notes);
        let fields = std::mem::take(&mut rows.fields);
        study.data = rows.data;
        study.check_replicates(&csv_findings, &fields);
        for (datum, fields) in study.data.iter().zip(fields) {
            study.check_datum(&csv_findings, datum, &fields[0].span);
        }
        if !csv_findings.is_clean() {
            return fail(&csv_findings);
        }
        study.check_levels(&findings);
        study.notes.extend(study.system.warnings.iter().map(|warning| match &warning.place {
            Some(place) => format!("line {} of the model: {}", place.line, warning.message),
            None => warning.message.clone(),
        }));
        if !findings.is_clean() {
            return fail(&findings);
        }
        study.remark_on_control();
        study.remark_on_what_is_idle();
        study.remark_on_noise();
        Ok(study)
    }

    /// Every parameter has to do something.
    fn check_parameters(&mut self, findings: &Findings) {
        let used = self.used_parameters();
        let mut named: BTreeSet<usize> = BTreeSet::new();
        let mut name = |quantity: &Quantity| {
            if let Quantity::Parameter(i) = quantity {
                named.insert(*i);
            }
        };
        for condition in &self.conditions {
            condition.set.iter().chain(&condition.fold).for_each(|(_, q)| name(q));
        }
        for observable in &self.observables {
            observable.quantities().for_each(&mut name);
        }
        self.cells.iter().flat_map(|c| &c.of).for_each(|(_, q)| name(q));
        for (_, sd) in &self.between {
            if let Quantity::Parameter(i) = sd
                && (named.contains(i) || used.contains(&self.parameters[*i].target))
            {
                let message =
                    format!("`{}` is the sd between experiments and something else too", self.parameters[*i].name);
                findings.say(&self.parameters[*i].place.span, message, "give each a parameter of its own");
            }
        }
        named.extend(self.between.iter().filter_map(|(_, sd)| match sd {
            Quantity::Parameter(i) => Some(*i),
            Quantity::Number(_) => None,
        }));
        for (i, parameter) in self.parameters.iter().enumerate().filter(|(_, p)| p.estimated) {
            let replaced = |c: &super::declared::Condition| c.set.iter().any(|(p, _)| *p == parameter.target);
            let by_name = named.contains(&i);
            let in_model = used.contains(&parameter.target) && !self.conditions.iter().all(replaced);
            // A time of the data may bear its name; that is seen when the data are read.
            let may_be_time = parameter.own && parameter.per.is_none();
            if parameter.per.is_some() && in_model {
                let message = format!("`{}` is one per level and stands in a formula", parameter.name);
                findings.say(&parameter.place.span, message, "use it as scale, offset or sd");
            } else if !by_name && !in_model && !may_be_time {
                let message = format!("`{}` is in no equation", parameter.name);
                let hint = if parameter.own { "name it where it belongs, or delete it" } else { "fix it or delete it" };
                findings.say(&parameter.place.span, message, hint);
            }
        }
    }

    /// Where the sd is that of replicates there have to be some.
    fn check_replicates(&self, findings: &Findings, fields: &[&[table::Field]]) {
        for (at, observable) in self.observables.iter().enumerate() {
            let wanted = observable.error.sd == Sd::Replicates && observable.reading != Kind::DeathTime;
            let first = self.data.iter().position(|datum| datum.observable == at);
            let (Some(first), true) = (first, wanted) else { continue };
            if Copies::of(self, at).all() {
                let message =
                    "the replicates of every dose and time are the same number: copies say nothing of an error";
                let hint = "give the readings of the single wells, or state an sd in [noise]";
                findings.say(&fields[first][0].span, message, hint);
            } else if plausible::pooled_sd(self, &self.data, at).is_none() {
                let message = "no dose and time was read more than once: there are no replicates to take an sd from";
                let hint = "state an sd in [noise], or estimate it as a parameter";
                findings.say(&fields[first][0].span, message, hint);
            }
        }
    }

    fn check_datum(&self, findings: &Findings, datum: &super::Datum, place: &std::ops::Range<usize>) {
        let observable = &self.observables[datum.observable];
        let error = &observable.error;
        if let (Noise::LogNormal, Seen::Value(value)) = (error.noise, datum.value)
            && value <= 0.0
        {
            let hint = "give it as censored (`upper` alone), or take normal noise";
            findings.say(place, format!("a reading of {value} under log-normal noise"), hint);
        }
        let stated = || self.data.iter().any(|other| !other.experiment.is_empty());
        if !self.between.is_empty() && datum.experiment.is_empty() && stated() {
            let hint = "fill in the column `experiment`: parameters differ between them";
            findings.say(place, "no experiment for this row", hint);
        }
        if error.correlation.is_some() && datum.replicate.is_empty() {
            let hint = "fill in the column `replicate` with the name of the well, the same at all its times";
            findings.say(place, "readings of a well are correlated, and this one names no well", hint);
        }
        if datum.joint.is_some() {
            let estimated = match error.sd {
                Sd::Is(Quantity::Parameter(i)) => self.parameters[i].estimated,
                _ => false,
            };
            if !can_be_joint(error.noise) || error.relative.is_some() {
                findings.say(place, "a joint reading has normal noise with one sd", "kind = \"normal\", no `relative`");
            } else if estimated && datum.sd.is_none() {
                let hint = "estimated, it would collapse to zero: state it in [noise] or in the column `sd`";
                findings.say(place, "the sd of a joint reading is estimated", hint);
            }
        }
    }

    /// Parameters that exist once per level, and those that only a time could have named.
    fn check_levels(&self, findings: &Findings) {
        let used = self.used_parameters();
        for (i, parameter) in self.parameters.iter().enumerate().filter(|(_, p)| p.estimated && p.own) {
            if let Some(column) = &parameter.per {
                if !self.data.iter().any(|datum| level(datum, column).is_some()) {
                    let message = format!("no column `{column}`, which `{}` is per", parameter.name);
                    findings.say(&parameter.place.span, message, "add the column to the data");
                }
                continue;
            }
            let is = |q: &Quantity| *q == Quantity::Parameter(i);
            let named = used.contains(&parameter.target)
                || self.conditions.iter().any(|c| c.set.iter().chain(&c.fold).any(|(_, q)| is(q)))
                || self.cells.iter().flat_map(|c| &c.of).chain(&self.between).any(|(_, q)| is(q))
                || self.observables.iter().any(|o| o.quantities().any(is))
                || self.data.iter().any(|d| d.time == super::ReadAt::Parameter(i));
            if !named {
                let message = format!("`{}` is in no equation", parameter.name);
                findings.say(&parameter.place.span, message, "name it where it belongs, or delete it");
            }
        }
    }

    /// What was declared and is not used, which is a slip as often as not.
    fn remark_on_what_is_idle(&mut self) {
        if !self.parameters.iter().any(|p| p.estimated) {
            self.notes.push("no parameter has bounds or a prior: there is nothing to fit".into());
        }
        for (at, condition) in self.conditions.iter().enumerate() {
            if !self.data.iter().any(|datum| datum.condition == at) {
                self.notes.push(format!("no reading belongs to the condition {}", condition.name));
            }
        }
        for (at, compound) in self.compounds.iter().enumerate() {
            if !self.data.iter().any(|datum| datum.doses[at] != 0.0) {
                self.notes.push(format!("no reading has a dose of {} other than 0", compound.name));
            }
        }
        for parameter in self.parameters.iter().filter(|p| p.estimated) {
            let centre = match parameter.prior {
                Prior::Normal { mean, .. } => mean,
                Prior::LogNormal { median, .. } => median,
                _ => continue,
            };
            if !(parameter.lower..=parameter.upper).contains(&centre) {
                let Parameter { name, lower, upper, .. } = parameter;
                self.notes.push(format!(
                    "the prior of {name} has its centre, {centre}, outside the bounds [{lower}, {upper}]"
                ));
            }
        }
    }

    fn remark_on_control(&mut self) {
        if let Some(reason) = &self.without_control {
            self.notes.push(format!("the data have no vehicle control: {reason}"));
        }
        if let Some(command) = &self.synthetic {
            self.notes.push(format!("the data are synthetic; they were made by: {command}"));
        }
    }
}
