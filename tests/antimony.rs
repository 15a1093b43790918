//! The Antimony reader and what the systems mean that come of it.

use fenton::expr::{Id, Symbol};
use fenton::model::{System, antimony, formula};
use fenton::{Error, Result};

fn system(text: &str) -> Result<System> {
    antimony::read(text, "m.ant")?.system()
}

fn read(text: &str) -> System {
    system(text).unwrap_or_else(|error| panic!("{error}"))
}

/// The message of the only error in `text`.
fn error(text: &str) -> String {
    match system(text) {
        Err(Error::Input(found)) if found.len() == 1 => found[0].to_string(),
        other => panic!("expected one error, found {other:?}"),
    }
}

/// `id` at time `t`, with the states at `y` and the parameters at their nominal values.
fn at(system: &System, id: Id, t: f64, y: &[f64]) -> f64 {
    let symbol = |symbol: Symbol| match symbol {
        Symbol::Time => t,
        Symbol::State(i) => y[i as usize],
        Symbol::Parameter(i) => system.parameters[i as usize].value,
        Symbol::Switch(i) => {
            let switch = &system.switches[i as usize];
            let value = at(system, switch.indicator, t, y);
            f64::from(value > 0.0 || switch.inclusive && value == 0.0)
        }
        other => panic!("{other:?}"),
    };
    system.graph.evaluate(&[id], &symbol)[0]
}

fn initial(system: &System) -> Vec<f64> {
    system.states.iter().map(|s| at(system, s.initial, 0.0, &[])).collect()
}

fn derivative(system: &System, t: f64, y: &[f64]) -> Vec<f64> {
    system.states.iter().map(|s| at(system, s.derivative, t, y)).collect()
}

fn value(system: &System, name: &str, t: f64, y: &[f64]) -> f64 {
    let variable = system.variable(name).unwrap_or_else(|| panic!("no variable {name}"));
    at(system, variable.value, t, y)
}

#[test]
fn a_model_without_a_block_has_states_and_parameters() {
    let s = read("J0: 2 A -> B; k*A*A\nA = 10; B = 1; k = 0.5");
    assert_eq!(s.states.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["A", "B"]);
    assert_eq!(initial(&s), [10.0, 1.0]);
    assert_eq!(derivative(&s, 0.0, &[10.0, 1.0]), [-100.0, 50.0]);
    assert_eq!(s.parameters.len(), 1);
    assert_eq!(value(&s, "J0", 0.0, &[10.0, 1.0]), 50.0);
}

#[test]
fn a_concentration_moves_by_the_amount_over_the_size() {
    let s = read(
        "compartment c = 4; species S in c, $P in c; substanceOnly species N in c
         J: S + P -> N; c*k*S
         S = 2; P = 1; N = 8; k = 3",
    );
    assert_eq!(initial(&s), [2.0, 8.0]);
    assert_eq!(derivative(&s, 0.0, &[2.0, 8.0]), [-6.0, 24.0]);
    let species = |name: &str| s.variable(name).and_then(|v| v.species).unwrap();
    assert_eq!(at(&s, species("S").amount, 0.0, &[2.0, 8.0]), 8.0);
    assert_eq!(at(&s, species("N").concentration, 0.0, &[2.0, 8.0]), 2.0);
}

#[test]
fn initial_assignments_may_stand_in_any_order() {
    let s = read("a = 2*b; b = c + S; c := 3*S; species $S; S = 5; S' = -a*S");
    assert_eq!(["a", "b", "c"].map(|name| value(&s, name, 0.0, &[5.0])), [40.0, 20.0, 15.0]);
    // a and b keep the values of the start, c follows.
    assert_eq!(["a", "b", "c"].map(|name| value(&s, name, 0.0, &[1.0])), [40.0, 20.0, 3.0]);
}

#[test]
fn a_formula_resolves_against_the_names_of_a_system() {
    let mut s = read("S' = -k*S; S = 4; k = 0.5; R := S^2");
    let formula = formula::parse("100 * R / (k + piecewise(1, S > 3, 0))").unwrap();
    assert_eq!(formula.names(), ["R", "k", "S"]);
    let id = formula::resolve(&mut s, &formula).unwrap();
    assert!((at(&s, id, 0.0, &[4.0]) - 1600.0 / 1.5).abs() < 1e-9);
    let unknown = formula::parse("R + viabilty").unwrap();
    let text = formula::resolve(&mut s, &unknown).unwrap_err().to_string();
    assert!(text.starts_with("line 1, column 5: the model has no 'viabilty'"), "{text}");
    let open = formula::parse("(R + 1").unwrap_err().to_string();
    assert!(open.contains("column 7") && open.contains("')'"), "{open}");
}

#[test]
fn a_cycle_is_named() {
    let text = error("a := b + 1\nb := 2*a");
    assert!(text.contains("'a' depends on itself: a -> b -> a"), "{text}");
}

/// Units as the models of this field have them: micromolar, hours, picolitres.
const UNITS: &str = "unit uM = 1e-6 mole/litre; unit nM = 1e-9 mole/litre; unit per_h = 1/3600 second
unit time_unit = 3600 second; unit pL = 1e-12 litre; unit uM_per_h = 1e-6 mole/(litre*3600 second)\n";

#[test]
fn units_that_agree_pass_and_label_the_system() {
    let text = format!(
        "{UNITS}compartment c = 2; c has pL; species S in c; S = 3; S has uM
         J: S -> ; c*(k*S + v*S/(K + S)); k = 0.1 per_h; v = 2; v has uM_per_h; K = 5 uM
         R := 100*S/K; at time > 24: S = 3 uM"
    );
    let s = read(&text);
    assert_eq!((s.time_unit.as_str(), s.states[0].unit.as_str()), ("h", "uM"));
    assert_eq!(s.parameters.iter().map(|p| p.unit.as_str()).collect::<Vec<_>>(), ["pL", "per_h", "uM_per_h", "uM"]);
}

#[test]
fn a_sum_of_two_scales_is_an_error_with_the_factor() {
    let text = error(&format!("{UNITS}a = 1 uM; b = 2 nM\nc := a + b"));
    assert!(text.contains("m.ant:4:10: units do not agree: 'a' is in uM, 'b' in nM"), "{text}");
    assert!(text.contains("hint: multiply it by 0.001"), "{text}");
}

#[test]
fn a_ratio_of_two_scales_beside_a_number_is_an_error() {
    let text = error(&format!("{UNITS}S = 1 uM; K = 2 nM\nf := 1/(1 + S/K)"));
    assert!(text.contains("'S/K' is a ratio of two different units: one is 1000 of the other"), "{text}");
}

#[test]
fn a_rate_law_in_concentration_per_time_is_an_error() {
    let species = "compartment c = 2; c has pL; species S in c; S = 3; S has uM; k = 0.1 per_h\n";
    let text = error(&format!("{UNITS}{species}J: S -> ; k*S"));
    assert!(text.contains("multiply a rate in concentration per time by the compartment"), "{text}");
    assert!(text.contains("  4 | J: S -> ; k*S\n    |           ^^^"), "{text}");
    read(&format!("{UNITS}{species}J: S -> ; c*k*S"));
}

#[test]
fn an_unknown_unit_is_an_error() {
    let text = error("unit uM = 1e-6 mol/litre; S has uM; S = 2");
    assert!(text.contains("there is no unit 'mol'") && text.contains("did you mean 'mole'?"), "{text}");
    let text = error("k = 3 per_hour; x := k");
    assert!(text.contains("there is no unit 'per_hour'"), "{text}");
}
