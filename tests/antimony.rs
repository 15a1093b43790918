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

/// The only fault of units in `text`, which can be read all the same and is warned about.
fn unit_fault(text: &str) -> String {
    let system = read(text);
    assert_eq!(system.unit_faults.len(), 1, "{:?}", system.unit_faults);
    let fault = system.unit_faults[0].to_string();
    let warnings: Vec<String> = system.warnings.iter().map(|w| w.message.clone()).collect();
    let told =
        format!("{}; the numbers are taken as they stand, and nothing is converted", system.unit_faults[0].message);
    assert!(warnings.contains(&told), "{fault}: {warnings:?}");
    fault
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
fn a_sum_of_two_scales_is_a_fault_with_the_factor() {
    let text = unit_fault(&format!("{UNITS}a = 1 uM; b = 2 nM\nc := a + b"));
    assert!(text.contains("m.ant:4:10: units do not agree: 'a' is in uM, 'b' in nM"), "{text}");
    assert!(text.contains("hint: multiply it by 0.001"), "{text}");
}

#[test]
fn a_ratio_of_two_scales_beside_a_number_is_a_fault() {
    let text = unit_fault(&format!("{UNITS}S = 1 uM; K = 2 nM\nf := 1/(1 + S/K)"));
    assert!(text.contains("'S/K' is a ratio of two different units: one is 1000 of the other"), "{text}");
}

#[test]
fn a_rate_law_in_concentration_per_time_is_a_fault() {
    let species = "compartment c = 2; c has pL; species S in c; S = 3; S has uM; k = 0.1 per_h\n";
    let text = unit_fault(&format!("{UNITS}{species}J: S -> ; k*S"));
    assert!(text.contains("multiply a rate in concentration per time by the compartment"), "{text}");
    assert!(text.contains("  4 | J: S -> ; k*S\n    |           ^^^"), "{text}");
    read(&format!("{UNITS}{species}J: S -> ; c*k*S"));
}

#[test]
fn an_unknown_unit_is_a_fault() {
    let text = unit_fault("unit uM = 1e-6 mol/litre; S has uM; S = 2");
    assert!(text.contains("there is no unit 'mol'") && text.contains("did you mean 'mole'?"), "{text}");
    let text = unit_fault("k = 3 per_hour; x := k");
    assert!(text.contains("there is no unit 'per_hour'"), "{text}");
}

#[test]
fn in_a_growing_compartment_the_amount_is_the_state() {
    // n = c V: a species without reactions is diluted, one with a rate rule for c keeps n' = c' V + c V'.
    let s = read(
        "compartment V = 2; V' = 0.5; species $A in V = 3, $B in V = 4; B' = 0.1
         species C in V = 1; J: -> C; 6; at time > 3: B = 10*A",
    );
    let y = initial(&s);
    let of = |name: &str, of: &dyn Fn(usize) -> f64| of(s.states.iter().position(|s| s.name == name).unwrap());
    assert_eq!(["V", "A", "B", "C"].map(|name| of(name, &|i| y[i])), [2.0, 6.0, 8.0, 2.0]);
    let f = derivative(&s, 0.0, &y);
    assert_eq!(["V", "A", "B", "C"].map(|name| of(name, &|i| f[i])), [0.5, 0.0, 0.1 * 2.0 + 4.0 * 0.5, 6.0]);
    assert_eq!(value(&s, "A", 0.0, &y.iter().map(|y| 2.0 * y).collect::<Vec<_>>()), 3.0);
    // 10 A is 30, and B's amount follows with the size of now.
    let assignment = s.events[0].assignments[0];
    assert_eq!(at(&s, assignment.value, 0.0, &y), 30.0);
    assert_eq!(at(&s, assignment.size.unwrap(), 0.0, &y), 2.0);
}

#[test]
fn the_rate_of_a_name_is_its_derivative_along_the_run() {
    let s = read("S' = -2*S; S = 3; T := S^2; r := rateOf(T) + rateOf(time); x = rateOf(S)");
    assert_eq!(value(&s, "r", 0.0, &[3.0]), 2.0 * 3.0 * -6.0 + 1.0);
    assert_eq!(value(&s, "x", 0.0, &[1.0]), -6.0);
}

#[test]
fn conditions_become_switches_and_times_are_solved() {
    let s = read(
        "a = 3; b = 2; S' = piecewise(1, b*time - a >= 1, S > 2, 5, -1); S = 0
         z := piecewise(1, S <= 2, 0); w := piecewise(1, a > b, 0); at time < 1: S = 9",
    );
    let texts: Vec<&str> = s.switches.iter().map(|s| s.text.as_str()).collect();
    // S <= 2 is the opposite of S > 2, and a > b never changes during a run.
    assert_eq!(texts, ["b*time - a >= 1", "S > 2", "time < 1"]);
    let times: Vec<Option<f64>> = s.switches.iter().map(|s_| s_.time.map(|time| at(&s, time, 0.0, &[0.0]))).collect();
    assert_eq!(times, [Some(2.0), None, Some(1.0)]);
    assert!(s.switches[0].inclusive && !s.switches[1].inclusive);
    assert_eq!(value(&s, "w", 0.0, &[0.0]), 1.0);
    assert_eq!((value(&s, "z", 0.0, &[2.0]), value(&s, "z", 0.0, &[2.1])), (1.0, 0.0));
}

#[test]
fn precedence_is_that_of_libantimony() {
    // Each as antimony 3.3.0 converts it to MathML.
    for (formula, expected) in [
        ("-2^2", -4.0),
        ("2^3^2", 512.0),
        ("2^-1", 0.5),
        ("12/3/2*5", 10.0),
        ("7 - 2 - -1", 6.0),
        ("!0 == 1", 1.0),
        ("1 < 2 < 3", 1.0),
        ("3 > 2 > 2", 0.0),
        ("log(exponentiale)", 1.0),
        ("log10(1000)", 3.0),
        ("log(2, 8)", 3.0),
        ("root(3, 27)", 3.0),
        ("-7 % 3", -1.0),
        ("rem(-7, 3)", -1.0),
        ("quotient(-7, 3)", -2.0),
        ("implies(true, false)", 0.0),
        ("xor(true, true, true)", 1.0),
        ("max(1, 5, 3) - min(4, 2)", 3.0),
        ("factorial(5)", 120.0),
        ("arccot(1)*4 - pi", 0.0),
        ("piecewise(1, false, 2, true, 3)", 2.0),
        ("1.5e-3*1e3 + .5", 2.0),
        ("sec(0) + csch(arcsinh(1))", 2.0),
    ] {
        let found = value(&read(&format!("x := {formula}")), "x", 0.0, &[]);
        assert!((found - expected).abs() < 1e-12, "{formula} = {found}, not {expected}");
    }
}

#[test]
fn what_is_not_supported_is_refused_by_name_with_its_place() {
    for (text, place, message) in [
        ("var x; y = 2; 0 = x^2 - y", "1:19", "an algebraic rule that is not linear in 'x'"),
        ("var x, y; 0 = x - y; x = 1; y = 1", "1:15", "an algebraic rule that may decide 'x' or 'y'"),
        ("x = 1; y = 2; 0 = x + y", "1:19", "an algebraic rule that decides nothing"),
        ("var x; S' = 0*x; S = 1; 0 = x - rateOf(x)", "1:5", "an algebraic rule with the rate of 'x'"),
        ("y := delay(x, 2); x := time", "1:6", "delay() is not supported"),
        ("y := normal(1, 2)", "1:6", "the random function normal() is not supported"),
        ("import \"other.ant\"", "1:1", "imports are not supported"),
        ("model a\nA: b()\nend", "2:1", "submodels ('name: model(…)') are not supported"),
        ("x = 1\ndelete x", "2:1", "deletions ('delete') are not supported"),
        ("y := a || b && c; a = 1; b = 0; c = 0", "1:6", "'&&' after '||' without parentheses"),
    ] {
        let found = error(text);
        assert!(found.starts_with(&format!("m.ant:{place}: {message}")), "{found}");
    }
}

#[test]
fn errors_say_what_was_found_and_what_to_do() {
    for (text, place, parts) in [
        ("J0: A -> B\nk = 1", "1:11", ["the end of the line", "';' and the rate law"]),
        ("x = 3 +", "1:8", ["the end of the text", "a number, a name or '('"]),
        ("x = (1 + 2", "1:11", ["the end of the text", "an operator or ')'"]),
        ("x := kk*2; k1 = 1", "1:6", ["unknown name 'kk'", "did you mean 'k1'?"]),
        ("x := sine(time)", "1:6", ["no function 'sine'", "did you mean 'sin'?"]),
        ("x := sin(time, 2)", "1:6", ["sin() has 2 arguments", "1 argument"]),
        ("A <-> B; 1", "1:3", ["'<->'", "A -> B; forward - backward"]),
        ("x = 2**3", "1:6", ["'**'", "a^b"]),
        ("x' = x", "1:1", ["'x' has no value", "x = 1"]),
        ("x' = 1\nx = 2; x := 2", "2:8", ["an assignment rule beside its rate rule in line 1", "keep one of them"]),
        ("3 = x + y", "1:1", ["'3'", "0 = formula"]),
        ("x = 1; at -2 after time > 1: x = 2", "1:11", ["a delay of -2", "0 or more"]),
        ("S -> ; 1; S' = 2", "1:1", ["changed by a reaction and by a rule", "$S"]),
        ("model a\nx = 1", "1:7", ["no 'end'", "'end'"]),
        ("pi = 3", "1:1", ["'pi' has a fixed meaning", "another name"]),
        ("µ = 3", "1:1", ["'µ'", "is \"real name\""]),
        ("x = \"abc", "1:5", ["this text has no end", "\""]),
        ("const k = 1; k' = 2", "1:7", ["declared constant", "var"]),
        ("at x = 3: y = 1; x = 1; y = 2", "1:6", ["'='", "a == b"]),
    ] {
        let found = error(text);
        assert!(found.starts_with(&format!("m.ant:{place}: ")), "{text}: {found}");
        assert!(parts.iter().all(|part| found.contains(part)), "{text}: {found}");
    }
}

#[test]
fn every_error_of_a_file_is_reported_at_once() {
    let Err(Error::Input(errors)) = system("x = = 1\ny = 2\nz := )\nw := 3 4") else { panic!("errors expected") };
    assert_eq!(errors.iter().map(|e| e.place.as_ref().unwrap().line).collect::<Vec<_>>(), [1, 3, 4]);
}

#[test]
fn another_start_is_followed_by_what_depends_on_it() {
    let mut network = antimony::read("S' = -S; S = 2; x = 10*S; y := 3*x", "m.ant").unwrap();
    network.set("S", 5.0).unwrap();
    let s = network.system().unwrap();
    assert_eq!((initial(&s), value(&s, "y", 0.0, &[5.0])), (vec![5.0], 150.0));
    let error = network.set("s1", 1.0).unwrap_err().to_string();
    assert!(error.contains("no 's1'") && error.contains("did you mean 'S'?"), "{error}");
    assert!(network.set("y", 1.0).unwrap_err().to_string().contains("this rule decides its value"));
}

#[test]
fn names_given_twice_and_numbers_without_end_are_refused() {
    let text = error("function f(x) x; end\nfunction f(x) 2*x; end\ny = 0; y' = f(2)");
    assert!(text.starts_with("m.ant:2:10: a second function with the name 'f'"), "{text}");
    let text = error("model a\n x = 1; x' = 1; end\nmodel a\n y = 1; end");
    assert!(text.starts_with("m.ant:3:7: a second model with the name 'a'"), "{text}");
    let text = error("x = 1e400; x' = 1");
    assert!(text.starts_with("m.ant:1:5: this number is too large") && text.contains("inf"), "{text}");
    let text = error("x = 1,5; x' = 1");
    assert!(text.contains("decimals are written with a point"), "{text}");
}

#[test]
fn a_letter_is_not_a_slip_for_any_other_letter() {
    let text = error("S -> P; k*S; S = 1; P = 0");
    assert!(text.contains("unknown name 'k'") && text.contains("give it a value"), "{text}");
}

#[test]
fn a_reaction_that_does_not_run_is_told_by_the_system() {
    let system = read("S1 -> S2; ; S1 = 1; S2 = 0");
    assert_eq!(system.warnings.len(), 1);
    assert!(system.warnings[0].to_string().starts_with("m.ant:1:1: the reaction '_J0' has no rate law"));
}

#[test]
fn of_two_values_the_last_counts_with_a_warning() {
    let s = read("x = 1; y = x\nx = 2; y' = 1; z := 1; z := y");
    assert_eq!((value(&s, "x", 0.0, &[2.0]), initial(&s), value(&s, "z", 0.0, &[2.0])), (2.0, vec![2.0], 2.0));
    let warnings: Vec<String> = s.warnings.iter().map(|w| w.to_string()).collect();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].starts_with("m.ant:2:1: a second initial value for 'x': it counts, the one in line 1"));
    assert!(warnings[1].contains("a second rule for 'z': it counts, the one in line 2"), "{warnings:?}");
}

#[test]
fn algebraic_rules_are_solved_for_what_nothing_else_decides() {
    // Conservation: S2 is what S1 leaves.
    let s = read("species S1, S2; J: S1 -> ; k*S2; 0 = S1 + S2 - total; S1 = 3; S2 = 9; total = 10; k = 1");
    assert_eq!((initial(&s), value(&s, "S2", 0.0, &[4.0])), (vec![3.0], 6.0));
    assert_eq!(derivative(&s, 0.0, &[4.0]), [-6.0]);
    // The start value that the rule does not leave is told.
    assert!(s.warnings.iter().any(|w| w.message.contains("the start value of 'S2' is not used")), "{:?}", s.warnings);

    // By way of a rule of another name, and of a function.
    let s = read("function f(u) 2*u; end\nx' = 1; x = 2; var y; z := y + x; 0 = z + f(y) - 11");
    assert_eq!(value(&s, "y", 0.0, &[2.0]), 3.0);
    assert_eq!(value(&s, "z", 0.0, &[2.0]), 5.0);

    // Two that hold each other: a + b = x, a - b = 1.
    let s = read("x' = 1; x = 5; var a, b; 0 = a + b - x; 0 = a - b - c; c = 1; const c; a = 0; var d; 0 = d - a");
    assert_eq!(["a", "b", "d"].map(|name| value(&s, name, 0.0, &[5.0])), [3.0, 2.0, 3.0]);

    // What no event changes, what has no value yet, and what is no boundary species come first.
    let s = read("var x, y; x = 1; y = 1; at time > 1: x = 5; 0 = x - y");
    assert_eq!((s.states.len(), value(&s, "y", 0.0, &[5.0])), (1, 5.0));
    let s = read("species $B, F; B = 4; F = 1; 0 = B - F");
    assert_eq!(value(&s, "F", 0.0, &[]), 4.0);

    // Through one reciprocal and one logarithm, in a compartment that grows.
    let s = read("compartment V = 2; V' = 1; species S in V; S = 1; var p; 0 = 1/p - S - time; 0 = ln(S) - 1/V");
    let root = 0.5_f64.exp();
    assert!((value(&s, "S", 3.0, &[2.0]) - root).abs() < 1e-15);
    assert!((value(&s, "p", 3.0, &[2.0]) - 1.0 / (root + 3.0)).abs() < 1e-15);
    assert_eq!(s.variable("S").and_then(|v| v.species).map(|f| at(&s, f.amount, 0.0, &[2.0])), Some(2.0 * root));
}
