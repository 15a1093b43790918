//! The full models and baselines: what is conserved is conserved, what two models share is word for word the same, and
//! published steady states are met.

#[path = "common/arms.rs"]
mod arms;

use fenton::engine::cpu::CpuEngine;
use fenton::engine::{Batch, Engine, Lane, Method, Precision, Protocol, Segment, Settings, Status};
use fenton::expr::Symbol;
use fenton::model::{System, antimony};
use fenton::program::{Lowering, Program};
use fenton::random::Stream;
use fenton::study::embedded;
use std::collections::HashMap;

const FERROPTOSIS: &str = include_str!("../data/models/ferroptosis.ant");
const CUPROPTOSIS: &str = include_str!("../data/models/cuproptosis.ant");
const CROSSTALK: &str = include_str!("../data/models/crosstalk.ant");
const TRIGGER_WAVE: &str = include_str!("../data/models/trigger-wave.ant");

/// What may differ between crosstalk and the model of one death: the couplings, and sums over both.
const COUPLED: [&str; 7] =
    ["initiation", "ATP_supply", "GSH_synthesis", "FeS_assembly", "hazard", "V_GSH", "GSH_export"];

fn system(text: &str) -> System {
    antimony::read(text, "model").and_then(|network| network.system()).expect("a model")
}

/// The values of `names` (variables, or `name'` for the derivative of a state) at a state and parameters.
fn values(system: &System, state: &[f64], parameters: &[f64], names: &[String]) -> Vec<f64> {
    let ids: Vec<_> = names
        .iter()
        .map(|name| match name.strip_suffix('\'') {
            Some(state) => system.states[system.state(state).expect("a state") as usize].derivative,
            None => system.variable(name).unwrap_or_else(|| panic!("no {name}")).value,
        })
        .collect();
    system.graph.evaluate(&ids, &|symbol| match symbol {
        Symbol::State(at) => state[at as usize],
        Symbol::Parameter(at) => parameters[at as usize],
        _ => 0.0,
    })
}

/// A moiety: how much of it each state holds, and how much each process brings in (or takes away).
struct Moiety {
    name: &'static str,
    held: &'static [(f64, &'static str)],
    flows: &'static [(f64, &'static str)],
}

const IRON: Moiety = Moiety {
    name: "iron",
    held: &[
        (1.0, "iron_endosome"),
        (1.0, "labile_iron"),
        (1.0, "ferritin_iron"),
        (1.0, "iron_mito"),
        (1.0, "FtMt_iron"),
    ],
    flows: &[
        (1.0, "transferrin_endocytosis"),
        (1.0, "FAC_import"),
        (1.0, "carrier_iron_release"),
        (-1.0, "endosome_recycling"),
        (-1.0, "iron_export"),
        (-1.0, "mito_use"),
        (-1.0, "DFO_chelation"),
        (-1.0, "iron_dilution"),
        (-1.0, "ferritin_dilution"),
        (-1.0, "FTMT_dilution"),
    ],
};
const LIPID: Moiety = Moiety {
    name: "polyunsaturated lipid",
    held: &[(1.0, "PUFA_CoA"), (1.0, "PUFA_PL"), (1.0, "PLOOH")],
    flows: &[
        (1.0, "PUFA_activation"),
        (-1.0, "PUFA_CoA_use"),
        (-1.0, "PL_turnover"),
        (-1.0, "GPX4_reduction"),
        (-1.0, "GSTP1_reduction"),
        (-1.0, "PLOOH_removal"),
    ],
};
const GPX4: Moiety = Moiety {
    name: "GPX4",
    held: &[(1.0, "GPX4"), (1.0, "GPX4_bound")],
    flows: &[(1.0, "GPX4_synthesis"), (-1.0, "GPX4_degradation"), (-1.0, "GPX4_bound_degradation")],
};
const COPPER: Moiety = Moiety {
    name: "copper, with 10 uM of lipoyl groups",
    held: &[
        (1.0, "Cu_cytosol"),
        (1.0, "ATOX1_Cu"),
        (1.0, "SOD1_Cu"),
        (1.0, "COX17_Cu"),
        (1.0, "ionophore_mito"),
        (1.0, "Cu_matrix"),
        (10.0, "DLAT_Cu"),
        (10.0, "oligomers"),
    ],
    flows: &[
        (1.0, "CTR1_import"),
        (1.0, "DMT1_import"),
        (1.0, "low_affinity_import"),
        (1.0, "carrier_copper_release"),
        (1.0, "ionophore_import"),
        (-1.0, "ionophore_export"),
        (-1.0, "ATOX1_export"),
        (-1.0, "bypass_export"),
        (-1.0, "copper_dilution"),
        (-1.0, "matrix_dilution"),
    ],
};
const LIPOYL: Moiety = Moiety {
    name: "lipoylated protein",
    held: &[(1.0, "lipoylated"), (1.0, "DLAT_Cu"), (1.0, "oligomers")],
    flows: &[(1.0, "lipoylation"), (-1.0, "lipoylated_loss"), (-1.0, "oligomer_clearance")],
};
const SULFUR: Moiety = Moiety {
    name: "cysteine and what is made of it",
    held: &[(1.0, "cysteine"), (1.0, "GluCys"), (1.0, "GSH"), (2.0, "GSSG")],
    flows: &[
        (2.0, "cystine_import"),
        (1.0, "cysteine_import"),
        (-1.0, "cysteine_use"),
        (-1.0, "GluCys_loss"),
        (-1.0, "GSH_export"),
        (-2.0, "GSSG_export"),
        (-1.0, "GSTP1_reduction"),
        (-1.0, "aldehyde_conjugation"),
        (-1.0, "GSH_by_copper"),
    ],
};
#[test]
fn what_is_conserved_is_conserved() {
    let pairs: [(&str, &[&Moiety]); 3] = [
        (FERROPTOSIS, &[&IRON, &LIPID, &GPX4, &SULFUR]),
        (CUPROPTOSIS, &[&COPPER, &LIPOYL]),
        (CROSSTALK, &[&IRON, &LIPID, &GPX4, &SULFUR, &COPPER, &LIPOYL]),
    ];
    let mut checked = 0;
    for (text, moieties) in pairs {
        let system = system(text);
        for (seed, moiety) in (0..50).flat_map(|seed| moieties.iter().map(move |m| (seed, m))) {
            let mut stream = Stream::new(seed, 0);
            let state: Vec<f64> = system.states.iter().map(|_| (2.0 * stream.normal()).exp()).collect();
            let mut parameters: Vec<f64> = system.parameters.iter().map(|p| p.value.max(0.1)).collect();
            parameters[system.parameter("DLAT_sites").map_or(0, |at| at as usize)] = 10.0;
            let held: Vec<String> = moiety.held.iter().map(|(_, name)| format!("{name}'")).collect();
            // A process that only the other model has takes no part; a wrong name would break the balance.
            let part = |flow: &&(f64, &str)| system.variable(flow.1).is_some();
            let flowing: Vec<&(f64, &str)> = moiety.flows.iter().filter(part).collect();
            let flows: Vec<String> = flowing.iter().map(|(_, name)| (*name).to_string()).collect();
            let rates = values(&system, &state, &parameters, &held);
            let brought = values(&system, &state, &parameters, &flows);
            let change: f64 = rates.iter().zip(moiety.held).map(|(rate, (share, _))| share * rate).sum();
            let expected: f64 = brought.iter().zip(flowing).map(|(rate, (share, _))| share * rate).sum();
            let size: f64 = rates.iter().chain(&brought).map(|x| x.abs()).sum();
            assert!(
                (change - expected).abs() <= 1e-9 * size,
                "{} of {}: {change:e} held, {expected:e} brought",
                moiety.name,
                system.name
            );
            checked += 1;
        }
    }
    println!("{checked} balances hold");
}

/// Statements of an Antimony text by what they define, without comments and spaces.
fn statements(text: &str) -> HashMap<String, String> {
    let mut found = HashMap::new();
    let plain: String = text.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n");
    let mut rest = plain.as_str();
    while let Some(end) = rest.find(';') {
        let mut statement: String = rest[..end].split_whitespace().collect();
        rest = &rest[end + 1..];
        // The rate law of a reaction stands behind a semicolon.
        if statement.contains("->") {
            let law = rest.find(';').expect("a rate law");
            statement += ";";
            statement.extend(rest[..law].split_whitespace());
            rest = &rest[law + 1..];
        }
        let end = statement.find([':', '=', '\'']).unwrap_or(statement.len());
        if end < statement.len() && !["compartment", "unit", "model"].iter().any(|word| statement.starts_with(word)) {
            found.insert(statement[..end].to_string(), statement.clone());
        }
    }
    found
}

#[test]
fn crosstalk_is_word_for_word_the_two_models_and_their_couplings() {
    let both = statements(CROSSTALK);
    let mut shared = 0;
    for part in [FERROPTOSIS, CUPROPTOSIS].map(statements) {
        for (name, statement) in part {
            match both.get(&name) {
                Some(other) if *other == statement => shared += 1,
                Some(other) => {
                    assert!(COUPLED.contains(&name.as_str()), "{name} differs:\n{statement}\n{other}");
                }
                None => assert!(COUPLED.contains(&name.as_str()), "crosstalk lacks {name}"),
            }
        }
    }
    println!("{shared} definitions are shared");
    assert!(shared > 500, "only {shared} definitions are shared");
}

/// `tests/reference/make_library.py` has libRoadRunner integrate the same files.
#[test]
fn trajectories_agree_with_libroadrunner() {
    let reference = arms::table(include_str!("reference/library.csv"));
    let mut worst: (f64, String) = (0.0, String::new());
    for file in embedded::MODELS {
        let rows: Vec<_> = reference.iter().filter(|row| row["model"] == file.name).collect();
        let mut runs: Vec<(&str, f64)> =
            rows.iter().map(|r| (r["set"].as_str(), arms::number(r, "time (h)"))).collect();
        runs.dedup();
        for (set, end) in runs {
            let mut network = antimony::read(file.text, file.name).expect("a model");
            for item in set.split_whitespace() {
                let (name, value) = item.split_once('=').expect("name=value");
                network.set(name, value.parse().expect("a number")).expect("a name of the model");
            }
            let mut system = network.system().expect("a model");
            let outputs = (0..system.states.len() as u32).map(|i| system.graph.symbol(Symbol::State(i))).collect();
            let program = Program::new(&system, &Lowering { inputs: vec![], outputs, fixed: vec![] });
            let settings = Settings {
                method: Method::Rodas5P,
                rtol: 1e-9,
                atol: vec![1e-12; program.states.len()],
                max_steps: 1_000_000,
                caution: 1.0,
            };
            let protocols = [Protocol {
                start: 0.0,
                segments: vec![Segment { until: end, ..Segment::default() }],
                outputs: vec![end],
            }];
            let lanes = [Lane { row: 0, protocol: 0 }];
            let batch = Batch {
                program: &program,
                lanes: &lanes,
                rows: &[],
                protocols: &protocols,
                tangents: &[],
                settings: &settings,
            };
            let found = CpuEngine::new(Precision::F64).run(&batch).expect("the engine runs");
            assert_eq!(found.reports[0].status, Status::Finished, "{} {set}", file.name);
            for row in rows.iter().filter(|row| row["set"] == set) {
                let exact = arms::number(row, "value");
                let at = program.states.iter().position(|s| *s == row["state"]).expect("a state");
                let error = (found.outputs[at] - exact).abs() / exact.abs().max(1e-3);
                if error > worst.0 {
                    worst = (error, format!("{} {set} {}", file.name, row["state"]));
                }
            }
        }
    }
    println!("largest difference from libRoadRunner: {:.1e} ({})", worst.0, worst.1);
    assert!(worst.0 < 1e-6, "{} differs by {:e}", worst.1, worst.0);
}

/// The page that a biologist checks against the review names what is really there.
#[test]
fn the_page_of_mechanisms_names_what_the_models_have() {
    let page = include_str!("../data/models/README.md");
    let start = page.find("## The review's mechanisms").expect("the section");
    let rows = page[start..].lines().skip(1).take_while(|line| !line.starts_with("## ")).filter(|l| l.starts_with('|'));
    let system = system(CROSSTALK);
    let mut found = 0;
    for row in rows {
        for name in row.split('`').skip(1).step_by(2).filter(|name| !name.contains([' ', '/', '.'])) {
            assert!(system.variable(name).is_some(), "no '{name}' in the models: {row}");
            found += 1;
        }
    }
    assert!(found > 60, "only {found} names");
}

/// The model of Co et al. 2024 at `erastin`: dROS/dt as a function of ROS.
fn wave(system: &System, erastin: f64) -> impl Fn(f64) -> f64 + '_ {
    let mut parameters: Vec<f64> = system.parameters.iter().map(|p| p.value).collect();
    parameters[system.parameter("erastin").expect("erastin") as usize] = erastin;
    move |ros| values(system, &[ros], &parameters, &["ROS'".to_string()])[0]
}

/// Where `f` changes its sign between 0 and 8.
fn roots(f: impl Fn(f64) -> f64) -> Vec<f64> {
    // Fine enough for the two roots that meet at a saddle-node.
    let grid = |i: usize| 8.0 * i as f64 / 40_000.0;
    let crossings = (0..40_000).filter(|i| f(grid(*i)) * f(grid(i + 1)) < 0.0);
    crossings
        .map(|i| {
            let (mut low, mut high) = (grid(i), grid(i + 1));
            for _ in 0..60 {
                let middle = (low + high) / 2.0;
                if f(low) * f(middle) <= 0.0 { high = middle } else { low = middle }
            }
            (low + high) / 2.0
        })
        .collect()
}

/// Steady states and saddle-nodes computed from the published code of Co et al., Nature 2024.
#[test]
fn the_trigger_wave_has_its_published_steady_states_and_saddle_nodes() {
    let system = system(TRIGGER_WAVE);
    let published: [(f64, &[f64]); 8] = [
        (0.0, &[0.05695]),
        (0.15, &[0.07883]),
        (0.3, &[0.09667]),
        (0.6, &[0.1244, 1.23272, 3.9396]),
        (1.25, &[0.16445, 0.77295, 4.39125]),
        (2.5, &[0.20913, 0.60232, 4.58747]),
        (5.0, &[0.25764, 0.49412, 4.68667]),
        (10.0, &[0.31857, 0.40349, 4.73691]),
    ];
    for (erastin, expected) in published {
        let found = roots(wave(&system, erastin));
        assert_eq!(found.len(), expected.len(), "steady states at {erastin} uM: {found:?}");
        for (x, y) in found.iter().zip(expected) {
            assert!((x - y).abs() <= 0.5e-4 * y.max(0.1), "at {erastin} uM: {x}, published {y}");
        }
    }
    // SciPy's fsolve on f = 0 and f' = 0; 0.392 and 11.75 in an account of the published code, read off a grid of doses.
    for (node, [few, many]) in [(0.39141013, [0.3, 0.6]), (11.7364939, [14.0, 10.0])] {
        let (mut one, mut three) = (few, many);
        for _ in 0..50 {
            let middle = (one + three) / 2.0;
            if roots(wave(&system, middle)).len() == 1 { one = middle } else { three = middle }
        }
        println!("saddle-node at {one:.5} uM erastin, by another method {node}");
        assert!((one - node).abs() <= 5e-5 * node, "saddle-node at {one}, by another method {node}");
    }
}
