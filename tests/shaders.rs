//! Every module that goes to a device is read and validated here without one, and searched for functions that
//! compilers accept in 64 bits although no device has them.

mod common;

use fenton::engine::gpu::{integration, reduction};
use fenton::engine::{Method, Precision};
use fenton::program::Program;
use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{Expression, MathFunction as M, Scalar, TypeInner};

const MODELS: [(&str, &str); 3] = [
    ("ferroptosis-minimal.ant", include_str!("../data/models/ferroptosis-minimal.ant")),
    ("cuproptosis-minimal.ant", include_str!("../data/models/cuproptosis-minimal.ant")),
    ("crosstalk-minimal.ant", include_str!("../data/models/crosstalk-minimal.ant")),
];

fn check(source: &str) -> Result<(), String> {
    let module = naga::front::wgsl::parse_str(source).map_err(|e| e.emit_to_string(source))?;
    let info = Validator::new(ValidationFlags::all(), Capabilities::FLOAT64 | Capabilities::SHADER_INT64)
        .validate(&module)
        .map_err(|e| e.emit_to_string(source))?;
    let functions = module.functions.iter().map(|(handle, function)| (function, &info[handle]));
    let entries = module.entry_points.iter().enumerate().map(|(i, e)| (&e.function, info.get_entry_point(i)));
    for (function, function_info) in functions.chain(entries) {
        for (handle, expression) in function.expressions.iter() {
            let Expression::Math { fun, arg, .. } = *expression else { continue };
            let inner = function_info[arg].ty.inner_with(&module.types);
            let wide = matches!(inner, TypeInner::Scalar(s) | TypeInner::Vector { scalar: s, .. } if *s == Scalar::F64);
            let there = matches!(
                fun,
                M::Abs
                    | M::Min
                    | M::Max
                    | M::Clamp
                    | M::Sqrt
                    | M::Floor
                    | M::Ceil
                    | M::Round
                    | M::Trunc
                    | M::Sign
                    | M::Fma
            );
            if wide && !there {
                let line = function.expressions.get_span(handle).location(source).line_number;
                return Err(format!("{fun:?} in 64 bits at line {line}"));
            }
        }
    }
    Ok(())
}

#[test]
fn the_guard_finds_functions_that_devices_lack() {
    let module = |expression: &str| {
        format!(
            "@group(0) @binding(0) var<storage, read_write> y: array<f64>;\n\
             @compute @workgroup_size(1) fn main() {{ y[0] = {expression}; }}"
        )
    };
    assert_eq!(check(&module("sqrt(y[1])")), Ok(()));
    for bad in ["exp(y[1])", "pow(y[1], y[2])", "tanh(y[1])", "log(y[1])"] {
        assert!(check(&module(bad)).is_err_and(|e| e.contains("64 bits")), "{bad}");
    }
}

#[test]
fn generated_modules_are_valid() {
    let problems = [common::decay(0.7), common::robertson(), common::hires(), common::prothero_robinson()];
    let mut programs: Vec<Program> = problems.iter().map(|problem| common::program(&problem.system)).collect();
    for (name, source) in MODELS {
        let system =
            fenton::model::antimony::read(source, name).and_then(|network| network.system()).expect("it reads");
        programs.push(common::program(&system));
    }
    for program in &programs {
        for method in [Method::Rodas4P, Method::Rodas5P, Method::Tsit5] {
            for precision in [Precision::F32, Precision::F64] {
                let source = integration(program, method, precision).unwrap();
                check(&source).unwrap_or_else(|e| panic!("{} {method:?} {precision:?}: {e}", program.name));
            }
        }
    }
}

#[test]
fn the_reducing_module_is_valid() {
    for precision in [Precision::F32, Precision::F64] {
        check(&reduction(precision)).unwrap_or_else(|e| panic!("{precision:?}: {e}"));
    }
}
