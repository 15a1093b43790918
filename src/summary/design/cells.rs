//! Lines of cells that an experiment could be done in, besides those of the study.

use super::recommended;
use crate::Result;
use crate::report::designs::Experiment;
use crate::report::document::{Severity, Warning};
use crate::study::Study;
use crate::study::cell_lines::{CellLine, Elsewhere};

pub struct Cells {
    /// All that the program knows.
    known: Vec<CellLine>,
    home: bool,
    /// The condition asked about, in each line that could teach something.
    pub elsewhere: Vec<Elsewhere>,
    /// Names of the other ones, and why.
    left_out: Vec<String>,
}

impl Cells {
    /// What becomes of `condition` in each of the lines named.
    pub fn of(study: &Study, condition: usize, names: &[String]) -> Result<Cells> {
        let known = CellLine::embedded()?;
        let home = study.line_of(&study.conditions[condition], &known).is_some();
        let (mut elsewhere, mut left_out) = (Vec::new(), Vec::new());
        for line in known.iter().filter(|line| names.contains(&line.name)) {
            match study.on_line(condition, line, &known) {
                Ok(found) => elsewhere.push(found),
                Err(why) => left_out.push(format!("{} ({why})", line.name)),
            }
        }
        Ok(Cells { known, home, elsewhere, left_out })
    }

    /// What the line of a condition is called; `wide` is the study with the conditions of other lines.
    pub fn line(&self, wide: &Study, condition: usize) -> String {
        match wide.line_of(&wide.conditions[condition], &self.known) {
            Some(line) => line.name.clone(),
            None if wide.line.is_empty() && !self.elsewhere.is_empty() => "as in the study".into(),
            None => wide.line.clone(),
        }
    }

    /// What has to be known beside a list of experiments, the best one first.
    pub fn warnings(&self, study: &Study, experiments: &[Experiment]) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let mut say = |severity, title: String, text| warnings.push(Warning { severity, title, text });
        let is_in = |e: &Experiment, found: &Elsewhere| e.line == found.condition.cell;
        let best = recommended(experiments);
        for found in self.elsewhere.iter().filter(|found| best.iter().any(|e| is_in(e, found))) {
            let text = format!(
                "An experiment recommended here is in other cells than those asked about and rests on: {}. These factors are \
                 taken as exact; if they are off, it teaches less. Measure or estimate them in {} too.",
                found.rests_on.join("; "),
                found.condition.cell
            );
            say(Severity::Caution, format!("{}: factors taken as exact", found.condition.cell), text);
        }
        if !self.home && !self.elsewhere.is_empty() {
            let named = if study.line.is_empty() { "no line of cells" } else { study.line.as_str() };
            let text = format!(
                "The study names {named}, of which the program knows nothing; its values are taken as those of the line that the \
                 models stand for."
            );
            say(Severity::Note, "The cells of the study".into(), text);
        }
        let idle = |found: &&Elsewhere| !best.is_empty() && !experiments.iter().any(|e| is_in(e, found));
        let idle = self.elsewhere.iter().filter(idle);
        let idle = idle.map(|found| format!("{} (no reading differs there)", found.condition.cell));
        let left_out: Vec<String> = self.left_out.iter().cloned().chain(idle).collect();
        if !left_out.is_empty() {
            say(Severity::Note, "Lines of cells left out".into(), format!("{}.", left_out.join("; ")));
        }
        warnings
    }
}
