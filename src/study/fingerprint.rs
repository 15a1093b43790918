//! What a study is made of, as one short text: what was drawn or fitted for another is not asked for this one.

use super::Study;
use crate::files::checksum;

impl Study {
    /// The same for the same model, parameters with their bounds and priors, readings and rows of the data; not for how
    /// finely it is integrated, nor for how many cells stand for a population.
    pub fn fingerprint(&self) -> String {
        let mut problem = self.problem();
        if let Some(cells) = &mut problem.cells {
            (cells.count, cells.nodes) = (0, Vec::new());
        }
        let text = format!(
            "{} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            problem.program.id,
            problem.parameters,
            problem.observations,
            problem.layout,
            problem.backgrounds,
            problem.cells,
            problem.between,
            self.data
        );
        format!("{:016x}", checksum(text.as_bytes()))
    }
}
