//! Reference problems, written out by hand so that they do not depend on a reader.
#![allow(dead_code, reason = "each test file uses some of them")]

use fenton::engine::Precision;
use fenton::engine::gpu::GpuEngine;
use fenton::expr::{Graph, Id, Symbol};
use fenton::model::{Parameter, State, System};
use fenton::program::{Lowering, Program};

/// A problem with its solution at `end`, to at least 12 digits.
pub struct Problem {
    pub system: System,
    pub end: f64,
    pub solution: Vec<f64>,
    /// Typical sizes of the states, for absolute tolerances and for the error.
    pub scale: Vec<f64>,
}

/// Builds a system from closures over the states and parameters.
pub fn system(
    name: &str,
    initial: &[f64],
    parameters: &[(&str, f64)],
    f: impl Fn(&mut Graph, &[Id], &[Id], Id) -> Vec<Id>,
) -> System {
    let mut graph = Graph::new();
    let y: Vec<Id> = (0..initial.len()).map(|i| graph.symbol(Symbol::State(i as u32))).collect();
    let p: Vec<Id> = (0..parameters.len()).map(|i| graph.symbol(Symbol::Parameter(i as u32))).collect();
    let time = graph.symbol(Symbol::Time);
    let derivative = f(&mut graph, &y, &p, time);
    let states = initial
        .iter()
        .zip(derivative)
        .enumerate()
        .map(|(i, (&value, derivative))| State {
            name: format!("y{i}"),
            initial: graph.constant(value),
            derivative,
            unit: String::new(),
        })
        .collect();
    let parameters =
        parameters.iter().map(|&(name, value)| Parameter { name: name.into(), value, unit: String::new() }).collect();
    System { name: name.into(), graph, states, parameters, ..System::default() }
}

/// `sum of coefficient * product of factors`
pub fn poly(g: &mut Graph, terms: &[(f64, &[Id])]) -> Id {
    let terms: Vec<(f64, Id)> = terms
        .iter()
        .map(|(c, factors)| {
            let factors: Vec<(Id, i32)> = factors.iter().map(|&id| (id, 1)).collect();
            (*c, g.product(&factors))
        })
        .collect();
    g.sum(0.0, &terms)
}

/// `y0' = -k y0`, `y1' = k y0 - y1`: the solution is known in closed form.
pub fn decay(k: f64) -> Problem {
    let system = system("decay", &[1.0, 0.0], &[("k", k)], |g, y, p, _| {
        vec![poly(g, &[(-1.0, &[p[0], y[0]])]), poly(g, &[(1.0, &[p[0], y[0]]), (-1.0, &[y[1]])])]
    });
    let end = 3.0_f64;
    let first = (-k * end).exp();
    let second = k / (1.0 - k) * ((-k * end).exp() - (-end).exp());
    Problem { system, end, solution: vec![first, second], scale: vec![1.0, 1.0] }
}

/// Robertson's autocatalysis (Hairer & Wanner II, section IV.1).
/// Reference: SciPy 1.16 `solve_ivp` with Radau at rtol 3e-14, which agrees with rtol 1e-12 to 1e-13.
pub fn robertson() -> Problem {
    let parameters = [("k1", 0.04), ("k2", 3e7), ("k3", 1e4)];
    let system = system("robertson", &[1.0, 0.0, 0.0], &parameters, |g, y, p, _| {
        let (a, b, c) = ([p[0], y[0]], [p[1], y[1], y[1]], [p[2], y[1], y[2]]);
        vec![poly(g, &[(-1.0, &a), (1.0, &c)]), poly(g, &[(1.0, &a), (-1.0, &c), (-1.0, &b)]), poly(g, &[(1.0, &b)])]
    });
    Problem {
        system,
        end: 1e4,
        solution: vec![0.107_300_428_537_804, 4.800_166_972_571_69e-7, 0.892_699_091_445_496],
        scale: vec![1.0, 1e-5, 1.0],
    }
}

/// HIRES, eight states (Hairer & Wanner II, section IV.10).
/// Reference: Mazzia & Magherini, Test Set for Initial Value Problem Solvers, release 2.4, problem HIRES.
pub fn hires() -> Problem {
    let mut initial = [0.0; 8];
    (initial[0], initial[7]) = (1.0, 0.0057);
    let system = system("hires", &initial, &[("k", 280.0)], |g, y, p, _| {
        let bind = [p[0], y[5], y[7]];
        let mut f = vec![
            poly(g, &[(-1.71, &[y[0]]), (0.43, &[y[1]]), (8.32, &[y[2]])]),
            poly(g, &[(1.71, &[y[0]]), (-8.75, &[y[1]])]),
            poly(g, &[(-10.03, &[y[2]]), (0.43, &[y[3]]), (0.035, &[y[4]])]),
            poly(g, &[(8.32, &[y[1]]), (1.71, &[y[2]]), (-1.12, &[y[3]])]),
            poly(g, &[(-1.745, &[y[4]]), (0.43, &[y[5]]), (0.43, &[y[6]])]),
            poly(g, &[(-1.0, &bind), (0.69, &[y[3]]), (1.71, &[y[4]]), (-0.43, &[y[5]]), (0.69, &[y[6]])]),
            poly(g, &[(1.0, &bind), (-1.81, &[y[6]])]),
            poly(g, &[(-1.0, &bind), (1.81, &[y[6]])]),
        ];
        f[0] = g.sum(0.0007, &[(1.0, f[0])]);
        f
    });
    Problem {
        system,
        end: 321.8122,
        solution: vec![
            0.7371312573325668e-3,
            0.1442485726316185e-3,
            0.5888729740967575e-4,
            0.1175651343283149e-2,
            0.2386356198831331e-2,
            0.6238968252742796e-2,
            0.2849998395185769e-2,
            0.2850001604814231e-2,
        ],
        scale: vec![1e-3; 8],
    }
}

/// Van der Pol's oscillator at mu = 1000, to the middle of a slow phase.
/// Reference: Mazzia & Magherini, Test Set for Initial Value Problem Solvers, release 2.4, problem VDPOL.
pub fn van_der_pol() -> Problem {
    let system = system("van der pol", &[2.0, 0.0], &[("mu", 1000.0)], |g, y, p, _| {
        vec![y[1], poly(g, &[(1.0, &[p[0], y[1]]), (-1.0, &[p[0], y[0], y[0], y[1]]), (-1.0, &[y[0]])])]
    });
    Problem {
        system,
        end: 2000.0,
        solution: vec![1.706_167_732_170_483, -0.892_809_701_024_797_5e-3],
        scale: vec![1.0, 1e-3],
    }
}

/// Lorenz' equations to t = 1.
/// Reference: Taylor series at 25 digits (mpmath 1.3 `odefun`).
pub fn lorenz() -> Problem {
    let parameters = [("sigma", 10.0), ("rho", 28.0), ("beta", 8.0 / 3.0)];
    let system = system("lorenz", &[1.0, 0.0, 0.0], &parameters, |g, y, p, _| {
        vec![
            poly(g, &[(1.0, &[p[0], y[1]]), (-1.0, &[p[0], y[0]])]),
            poly(g, &[(1.0, &[p[1], y[0]]), (-1.0, &[y[0], y[2]]), (-1.0, &[y[1]])]),
            poly(g, &[(1.0, &[y[0], y[1]]), (-1.0, &[p[2], y[2]])]),
        ]
    });
    Problem {
        system,
        end: 1.0,
        solution: vec![-9.408450567056036, -9.096_199_071_186_48, 28.58162762439234],
        scale: vec![10.0; 3],
    }
}

/// `y' = -1000 (y - cos t) - sin t` with `y(0) = 1`: stiff, explicit in time, solved by `cos t`.
pub fn prothero_robinson() -> Problem {
    let system = system("prothero-robinson", &[1.0], &[("lambda", 1000.0)], |g, y, p, t| {
        let (sine, cosine) = (g.call(fenton::expr::Function::Sin, t), g.call(fenton::expr::Function::Cos, t));
        vec![poly(g, &[(-1.0, &[p[0], y[0]]), (1.0, &[p[0], cosine]), (-1.0, &[sine])])]
    });
    Problem { system, end: 2.0, solution: vec![2.0_f64.cos()], scale: vec![1.0] }
}

/// The program of a system with all parameters as inputs and all states as outputs.
pub fn program(system: &System) -> Program {
    let mut system = system.clone();
    let outputs = (0..system.states.len() as u32).map(|i| system.graph.symbol(Symbol::State(i))).collect();
    let inputs = (0..system.parameters.len() as u32).collect();
    Program::new(&system, &Lowering { outputs, inputs, fixed: vec![] })
}

/// The GPU engine on the first adapter, software too; `None` where there is no adapter with that precision. With
/// FENTON_REQUIRE_GPU=1 that is a failure: otherwise tests that nobody ran would look like tests that passed.
pub fn gpu(precision: Precision) -> Option<GpuEngine> {
    match GpuEngine::open(Some(""), precision) {
        Ok(engine) => Some(engine),
        Err(error) if std::env::var("FENTON_REQUIRE_GPU").is_ok_and(|v| v == "1") => panic!("{error}"),
        Err(error) => {
            println!("not run on a GPU: {error}");
            None
        }
    }
}
