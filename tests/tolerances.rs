//! Default tolerances follow the sizes of states: femtolitre amounts and molar concentrations, by `simulate` and in a study.

use fenton::engine::{Protocol, Segment, magnitudes};
use fenton::model::antimony;
use fenton::program::{Lowering, Program};
use std::process::Command;

const OSCILLATOR: &str = "model osc\ncompartment cell = 1e-15\nspecies X in cell = 2e-9, Y in cell = 1e-9\n\
    grow: -> X; cell*a*X\neat: X -> Y; cell*b*X*Y\ndie: Y -> ; cell*c*Y\na = 1.1; b = 0.4e9; c = 0.4\nend\n";

fn simulate(text: &str, more: &[&str]) -> (Vec<f64>, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.ant");
    std::fs::write(&path, text).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_fenton"))
        .args(["simulate", path.to_str().unwrap(), "--points", "2", "--engine", "cpu"])
        .args(more)
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{told}");
    let table = String::from_utf8(output.stdout).unwrap();
    (table.lines().last().unwrap().split(',').skip(1).map(|x| x.parse().unwrap()).collect(), told)
}

#[test]
fn an_oscillator_in_a_femtolitre_cell_is_right_by_default() {
    let (found, told) = simulate(OSCILLATOR, &["--until", "80"]);
    for (found, wanted) in found.iter().zip([4.53571e-10, 5.98155e-9]) {
        approx::assert_relative_eq!(*found, wanted, max_relative = 1e-4);
    }
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.contains("from the sizes of the states"), "{told}");
    // What is asked for wins, and is not told again.
    let (loose, told) = simulate(OSCILLATOR, &["--until", "80", "--atol", "1e-12"]);
    assert!((loose[0] / 4.53571e-10 - 1.0).abs() > 0.01, "{loose:?}");
    assert!(!told.contains("sizes of the states"), "{told}");
}

/// The same model in units a thousand, a million, … times as large gives the same numbers in those units.
#[test]
fn units_do_not_matter() {
    let model = |unit: f64| {
        format!(
            "A = {}; B = 0; C = 0; A' = -A; B' = A - 5*B; C' = 5*B - 0.01*C; D = 0; D' = {}*C/(C + {})",
            unit,
            unit,
            0.1 * unit
        )
    };
    let (usual, _) = simulate(&model(1.0), &["--until", "20", "--rtol", "1e-8"]);
    for unit in [1e-24, 1e-15, 1e-9, 1e-3, 1e6, 1e15] {
        let (found, _) = simulate(&model(unit), &["--until", "20", "--rtol", "1e-8"]);
        for (found, usual) in found.iter().zip(&usual) {
            approx::assert_relative_eq!(found / unit, *usual, max_relative = 1e-6);
        }
    }
}

/// Twenty orders of size in one model, one fed by the other: B(t) = 1e-20 (1 - exp(-t)).
#[test]
fn sizes_may_differ_by_twenty_orders() {
    let (found, _) = simulate("A = 1; A' = 0*A; B = 0; B' = k*A - B; k = 1e-20", &["--until", "2", "--columns", "B"]);
    approx::assert_relative_eq!(found[0], 1e-20 * -(-2.0_f64).exp_m1(), max_relative = 1e-5);
}

#[test]
fn a_dose_alone_may_set_a_size() {
    let system = antimony::read("const drug = 0\nX = 0\nX' = drug - X\n", "m").unwrap().system().unwrap();
    let inputs = vec![system.parameter("drug").unwrap()];
    let program = Program::new(&system, &Lowering { inputs, ..Lowering::default() });
    let segments = vec![
        Segment { until: 5.0, ..Segment::default() },
        Segment { set: vec![(0, 3e-22)], until: 50.0, ..Segment::default() },
    ];
    let protocol = Protocol { start: 0.0, segments, outputs: vec![50.0] };
    let found = magnitudes(&program, &[(&[0.0], &protocol)], 1e-2)[0];
    assert!((1e-28..1e-27).contains(&found), "{found:e}");
}
