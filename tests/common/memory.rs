//! A study whose model and data are given as text, without files.

use fenton::Result;
use fenton::expr::Id;
use fenton::model::{Network, System, antimony, formula};
use fenton::study::Sources;

pub struct Memory {
    model: String,
    plate: Vec<u8>,
}

impl Memory {
    pub fn of(model: impl Into<String>, plate: impl AsRef<[u8]>) -> Self {
        Memory { model: model.into(), plate: plate.as_ref().to_vec() }
    }
}

impl Sources for Memory {
    fn model(&self, _: &str) -> Result<Network> {
        antimony::read(&self.model, "killing.ant")
    }
    fn data(&self, _: &str) -> Result<Vec<u8>> {
        Ok(self.plate.clone())
    }
    fn formula(&self, system: &mut System, text: &str) -> Result<Id> {
        formula::resolve(system, &formula::parse(text)?)
    }
}
