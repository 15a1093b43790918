//! The embedded models: each number accounted for, right against an independent integration, and behaving as the
//! statements they were tuned to.

#[path = "common/arms.rs"]
mod arms;

use arms::{Row, table};
use fenton::engine::cpu::CpuEngine;
use fenton::engine::{Batch, Engine, Lane, Method, Precision, Protocol, Segment, Settings, Status};
use fenton::expr::Symbol;
use fenton::model::{System, antimony};
use fenton::program::{Lowering, Program};
use fenton::study::embedded;
use std::collections::HashMap;

const MODELS: [(&str, &str); 3] = [
    ("ferroptosis-minimal", include_str!("../data/models/ferroptosis-minimal.ant")),
    ("cuproptosis-minimal", include_str!("../data/models/cuproptosis-minimal.ant")),
    ("crosstalk-minimal", include_str!("../data/models/crosstalk-minimal.ant")),
];
const PARAMETERS: &str = include_str!("../data/models/parameters-minimal.csv");
const TARGETS: &str = include_str!("../data/models/targets-minimal.csv");
const REFERENCE: &str = include_str!("reference/models.csv");

fn system(name: &str) -> System {
    let (_, text) = MODELS.iter().find(|m| m.0 == name).expect("an embedded model");
    let network = antimony::read(text, name).unwrap_or_else(|error| panic!("{name}: {error}"));
    network.system().unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// What is missing or wrong in a table of parameters, for a model.
fn unaccounted(system: &System, rows: &[Row]) -> Vec<String> {
    let mut found = Vec::new();
    for parameter in &system.parameters {
        let name = &parameter.name;
        let Some(row) = rows.iter().find(|row| row["name"] == *name) else {
            found.push(format!("{name}: no row"));
            continue;
        };
        let mut complain = |fault: &str| found.push(format!("{name}: {fault}"));
        if row["value"].parse() != Ok(parameter.value) {
            complain("another value");
        }
        if row["unit"].is_empty() || row["unit"] != parameter.unit {
            complain("another unit");
        }
        if row["meaning"].is_empty() || row["source"].is_empty() {
            complain("no meaning or no source");
        }
        let positive = |key: &str| row[key].parse::<f64>().is_ok_and(|x| x > 0.0);
        match row["status"].as_str() {
            // A dose, a genotype or a medium; a scale that something is measured in; something that is switched on.
            "input" | "definition" | "switch" => {
                if !row["prior"].is_empty() {
                    complain("an input with a prior");
                }
                continue;
            }
            "stated" | "derived" | "contested" => {
                if row["source"].starts_with("assumed") {
                    complain("a source that assumes");
                }
            }
            "assumed" | "calibrated" => {
                // A number that nobody published must say so where its source stands.
                if !["assumed", "no ", "order"].iter().any(|word| row["source"].starts_with(word)) {
                    complain("a source that does not say it is assumed");
                }
            }
            _ => complain("no status"),
        }
        if !["log-normal", "logit-normal"].contains(&row["prior"].as_str()) || !positive("median") || !positive("sd") {
            complain("no prior");
        }
    }
    found
}

/// Faults of units are warnings for models of others; in ours there are none.
#[test]
fn the_units_of_embedded_models_agree() {
    for file in embedded::MODELS {
        let system = antimony::read(file.text, file.name).and_then(|network| network.system()).expect("a model");
        assert!(system.unit_faults.is_empty(), "{}: {:?}", file.name, system.unit_faults);
    }
}

#[test]
fn each_parameter_has_a_unit_a_prior_and_a_source() {
    let mut unused: HashMap<(&str, String), bool> = HashMap::new();
    for file in embedded::MODELS {
        let evidence = embedded::evidence(file.name).unwrap_or_else(|| panic!("{} has no evidence", file.name));
        let rows = table(evidence.text);
        let system = antimony::read(file.text, file.name).and_then(|n| n.system()).expect("a model");
        assert_eq!(unaccounted(&system, &rows), Vec::<String>::new(), "{}", file.name);
        for row in &rows {
            let used = system.parameter(&row["name"]).is_some();
            *unused.entry((evidence.name, row["name"].clone())).or_insert(true) &= !used;
        }
    }
    let unused: Vec<_> = unused.iter().filter(|(_, unused)| **unused).map(|(name, _)| name).collect();
    assert!(unused.is_empty(), "in no model: {unused:?}");
}

#[test]
fn a_parameter_that_is_not_accounted_for_is_found() {
    let system = system("crosstalk-minimal");
    let missing: Vec<Row> = table(PARAMETERS).into_iter().filter(|row| row["name"] != "K_GSH").collect();
    assert_eq!(unaccounted(&system, &missing), ["K_GSH: no row"]);
    let mut doctored = table(PARAMETERS);
    let row = doctored.iter_mut().find(|row| row["name"] == "k_trap").expect("a row");
    row.insert("prior".into(), String::new());
    row.insert("unit".into(), "1/h".into());
    assert_eq!(unaccounted(&system, &doctored), ["k_trap: another unit", "k_trap: no prior"]);
}

/// A model with inputs by name, ready for the CPU.
struct Model {
    program: Program,
    row: Vec<f64>,
    inputs: HashMap<String, usize>,
}

impl Model {
    fn new(name: &str) -> Model {
        let mut system = system(name);
        let outputs = (0..system.states.len() as u32).map(|i| system.graph.symbol(Symbol::State(i))).collect();
        let inputs: Vec<u32> = (0..system.parameters.len() as u32).collect();
        let program = Program::new(&system, &Lowering { inputs, outputs, fixed: vec![] });
        Model {
            program,
            row: system.parameters.iter().map(|p| p.value).collect(),
            inputs: system.parameters.iter().enumerate().map(|(i, p)| (p.name.clone(), i)).collect(),
        }
    }

    fn state(&self, name: &str) -> usize {
        self.program.states.iter().position(|s| s == name).unwrap_or_else(|| panic!("no state {name}"))
    }

    /// The states at the last of `segments`.
    fn run(&self, row: &[f64], segments: Vec<Segment>, rtol: f64) -> Vec<f64> {
        let end = segments.last().expect("a segment").until;
        let protocol = Protocol { start: 0.0, segments, outputs: vec![end] };
        let settings = Settings {
            method: Method::Rodas5P,
            rtol,
            atol: vec![1e-9_f64.min(rtol * 1e-3); self.program.states.len()],
            max_steps: 1_000_000,
            caution: 1.0,
        };
        let outcomes = CpuEngine::new(Precision::F64)
            .run(&Batch {
                program: &self.program,
                lanes: &[Lane { row: 0, protocol: 0 }],
                rows: row,
                protocols: &[protocol],
                tangents: &[],
                settings: &settings,
            })
            .expect("the engine runs");
        assert_eq!(outcomes.reports[0].status, Status::Finished);
        outcomes.outputs
    }
}

/// `name=value name=value`
fn assignments(text: &str) -> Vec<(String, f64)> {
    text.split_whitespace()
        .map(|item| {
            let (name, value) = item.split_once('=').expect("name=value");
            (name.to_string(), value.parse().expect("a number"))
        })
        .collect()
}

/// `tests/reference/make.py` integrates the text of the models in 80-bit floats by another method.
#[test]
fn trajectories_agree_with_an_independent_integration() {
    let rows = table(REFERENCE);
    let mut runs: Vec<(&str, &str, f64)> = Vec::new();
    for row in &rows {
        let run = (row["model"].as_str(), row["set"].as_str(), row["time (h)"].parse().expect("a time"));
        if !runs.contains(&run) {
            runs.push(run);
        }
    }
    for (name, set, end) in runs {
        let model = Model::new(name);
        let mut row = model.row.clone();
        for (parameter, value) in assignments(set) {
            row[model.inputs[&parameter]] = value;
        }
        for exponent in [-3, -5, -7, -9] {
            let rtol = 10f64.powi(exponent);
            let found = model.run(&row, vec![Segment { until: end, ..Segment::default() }], rtol);
            for reference in rows.iter().filter(|r| r["model"] == name && r["set"] == set) {
                let exact: f64 = reference["value"].parse().expect("a number");
                // Numbers of cells are measured against those at the start: what is left of them at the end of a
                // collapse is as uncertain as the moment of the collapse.
                let counts = ["live", "committed", "dead", "ferroptotic"].contains(&reference["state"].as_str());
                let size = exact.abs().max(if counts { 1.0 } else { 1e-3 });
                let error = (found[model.state(&reference["state"])] - exact).abs() / size;
                assert!(error <= 10.0 * rtol, "{name} {set} {}: {error:.1e} at rtol {rtol:.0e}", reference["state"]);
            }
        }
    }
}

/// What the models were tuned to, seen through this reader and this engine. It proves nothing about cells.
#[test]
fn the_models_do_what_they_were_tuned_to() {
    let mut models: HashMap<String, Model> = HashMap::new();
    let mut checked = 0;
    for target in table(TARGETS) {
        if target["quantity"] != "hazard" || !target["pulse"].is_empty() || target["basis"].contains("not met") {
            continue;
        }
        let model = models.entry(target["model"].clone()).or_insert_with(|| Model::new(&target["model"]));
        let mut row = model.row.clone();
        let mut doses = vec![(model.inputs["counting"] as u32, 1.0)];
        for (name, value) in assignments(&target["settings"]) {
            match name.as_str() {
                "CTR1" | "FDX1" => row[model.inputs[&name]] = value,
                _ => doses.push((model.inputs[&name] as u32, value)),
            }
        }
        let time: f64 = target["time"].parse().expect("a time");
        let rest = vec![(model.inputs["counting"] as u32, 0.0)];
        let segments = vec![
            Segment { set: rest, until: 0.0, settle: Some(5000.0), ..Segment::default() },
            Segment { set: doses, until: time, ..Segment::default() },
        ];
        let growth = model.row[model.inputs["growth"]];
        let live = model.run(&row, segments, 1e-7)[model.state("live")].max(1e-30);
        let hazard = (growth * time - live.ln()).max(1e-6);
        let value: f64 = target["value"].parse().expect("a number");
        let sd: f64 = target["sd"].parse().expect("a number");
        let off = (hazard / value).log10() / sd;
        let met = match target["kind"].as_str() {
            "below" => off < 1.5,
            "above" => off > -1.5,
            _ => off.abs() < 1.5,
        };
        assert!(met, "{}: accumulated hazard {hazard:.3}, {} {value}", target["name"], target["kind"]);
        checked += 1;
    }
    assert!(checked >= 25, "only {checked} targets were checked");
}
