//! Each perturbation that a model has moves it the way the catalogue says.

#[path = "common/outputs.rs"]
mod outputs;

use fenton::Result;
use fenton::expr::Id;
use fenton::model::{Network, System};
use fenton::study::catalogue::{Acts, Catalogue, Death, Effect, Entry, Kind};
use fenton::study::{Embedded, Sources, Study};
use outputs::outputs;

/// A model, what rises in it before cells die of ferroptosis, and of cuproptosis.
const MODELS: [(&str, &str, &str); 2] =
    [("crosstalk-minimal", "PLOOH", "aggregates"), ("crosstalk", "PLOOH", "oligomers")];

/// Embedded models, and one reading for each of the two conditions of a study.
struct Files;

impl Sources for Files {
    fn model(&self, name: &str) -> Result<Network> {
        Embedded.model(name)
    }
    fn data(&self, _: &str) -> Result<Vec<u8>> {
        Ok(b"condition,observable,time,value\nwithout,damage,12,1\nwith,damage,12,1\n".to_vec())
    }
    fn formula(&self, system: &mut System, text: &str) -> Result<Id> {
        Embedded.formula(system, text)
    }
}

/// More than enough of it.
fn amount(entry: &Entry) -> &'static str {
    match entry.ways.first().map(|way| &way.acts) {
        Some(Acts::Fold(_)) => "x3",
        Some(Acts::Throughout(_)) => "on",
        Some(Acts::Level(_)) if entry.name.starts_with("low") => "10 uM",
        Some(Acts::Level(_)) => "1 mM",
        Some(Acts::Dose { half: Some(half), .. }) if half.unit == "ug/mL" => "500 ug/mL",
        _ if entry.kind == Kind::Condition => "20 mM",
        _ => "10 uM",
    }
}

/// By what the damage is multiplied; `None` where the model lacks the perturbation.
fn change(entry: &Entry, model: &str, damage: &str, stress: &str) -> Option<f64> {
    let study = format!(
        "model = \"{model}\"\n[observables.damage]\nformula = \"{damage}\"\n[observables.damage.noise]\nsd = 1\n\
         [compounds.stress]\ntarget = \"{stress}\"\nunit = \"uM\"\n[conditions.without]\ndoses = {{ stress = 30 }}\n\
         [conditions.with]\ndoses = {{ stress = 30 }}\nperturb = {{ {:?} = {:?} }}\n\
         [settle]\nset = {{ counting = 0 }}\nlongest = 20000\n[data]\nfile = \"x\"\n",
        entry.name,
        amount(entry)
    );
    match Study::read("signs.toml", &study, &Files) {
        Ok(study) => {
            let seen = outputs(&study.problem());
            Some(seen[1] / seen[0])
        }
        Err(error) => {
            assert!(error.to_string().contains("lacks"), "{}: {error}", entry.name);
            None
        }
    }
}

#[test]
fn perturbations_move_models_as_the_catalogue_says() {
    let catalogue = Catalogue::embedded().unwrap();
    for (model, peroxides, clumps) in MODELS {
        let mut seen = 0;
        let mut wrong = Vec::new();
        for entry in catalogue.entries.iter().filter(|entry| entry.out_of_scope.is_none()) {
            for (death, effect) in &entry.effects {
                let (damage, stress) = match death {
                    Death::Ferroptosis => (peroxides, "FAC"),
                    Death::Cuproptosis => (clumps, "CuCl2"),
                };
                // What the cells are under already is no perturbation of it.
                if entry.name == stress {
                    continue;
                }
                let Some(change) = change(entry, model, damage, stress) else { continue };
                seen += 1;
                let as_said = match effect {
                    Effect::Induces => change > 1.0001,
                    Effect::Protects => change < 0.9999,
                    Effect::Dual | Effect::Contested => change.is_finite(),
                };
                if !as_said {
                    wrong.push(format!("{} {}: x{change}", entry.name, entry.effect()));
                }
            }
        }
        assert!(seen > 35, "{model}: only {seen}");
        assert!(wrong.is_empty(), "{model}: {wrong:#?}");
    }
}
