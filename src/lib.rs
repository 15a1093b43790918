//! fenton fits mechanistic models of metal-driven cell death to viability data.
//!
//! The data go one way through the modules; `ARCHITECTURE.md` lists them in that order and has the reasons.
//!
//! # Fit a study
//!
//! Four things do it: a [`study::Study`] (model, readings, doses and priors, each in the unit that it declares), its
//! [`study::problem::Problem`], an engine, and an [`inference::StudyObjective`] of these. Points of an objective lie on
//! the estimation scale, one number for each parameter: log10 of the value, or the value itself, as
//! [`study::Scale`] says.
//!
//! ```
//! use fenton::engine::{Precision, cpu::CpuEngine};
//! use fenton::inference::{Choice, FitSettings, StudyObjective, fit};
//! use fenton::study::Study;
//!
//! // Glutathione of HT-1080 cells after 5 h of erastin: five published means. `Study::open` reads a file instead.
//! let study = Study::embedded("erastin-gsh-ht1080")?;
//! let problem = study.problem();
//! let engine = CpuEngine::new(Precision::F64);
//! let objective = StudyObjective::new(&problem, &engine, &engine, Choice::default())?;
//!
//! // Simulate: one prediction for each reading, here at the values that the study starts from.
//! let start: Vec<f64> = problem.parameters.iter().map(|p| p.scale.estimate(p.start)).collect();
//! let before = objective.predict(&start)?;
//! assert_eq!(before.len(), study.data.len());
//!
//! // Fit from 20 starts; `()` shows no progress.
//! let result = fit(&objective, &FitSettings { starts: 20, ..FitSettings::default() }, &mut ())?;
//! for (parameter, found) in problem.parameters.iter().zip(&result.identification.parameters) {
//!     let value = |estimate| parameter.scale.value(estimate);
//!     match found.interval {
//!         Some((low, high)) => println!("{} {:.3} to {:.3} {}", found.name, value(low), value(high), parameter.unit),
//!         None => println!("{}: {:?}", found.name, found.verdict),
//!     }
//! }
//! let worst = |rows: &[fenton::inference::Predicted]| rows.iter().map(|row| row.residual.abs()).fold(0.0, f64::max);
//! assert!(worst(&objective.predict(&result.point)?) < worst(&before));
//! # Ok::<(), fenton::Error>(())
//! ```
//!
//! [`summary::document`] makes of this what a report shows, and [`report::write`] the report.
//!
//! # Integrate a model
//!
//! A [`program::Program`] is a model with some parameters left open, its inputs. A batch runs it for any number of lanes,
//! each with a row of inputs and a protocol; a lane that fails says why in its report and spoils no other.
//!
//! ```
//! use fenton::engine::{Batch, Engine, Lane, Method, Precision, Protocol, Segment, Settings, cpu::CpuEngine};
//! use fenton::expr::Symbol;
//! use fenton::program::{Lowering, Program};
//!
//! let mut system = fenton::model::antimony::read("S' = -k*S\nS = 10\nk = 0.5\n", "decay")?.system()?;
//! let outputs = vec![system.graph.symbol(Symbol::State(0))];
//! let inputs = system.parameter("k").into_iter().collect();
//! let program = Program::new(&system, &Lowering { inputs, fixed: Vec::new(), outputs });
//!
//! // Two lanes with a k each, read at t = 2.
//! let segments = vec![Segment { until: 2.0, ..Segment::default() }];
//! let batch = Batch {
//!     program: &program,
//!     lanes: &[Lane { row: 0, protocol: 0 }, Lane { row: 1, protocol: 0 }],
//!     rows: &[0.5, 1.0],
//!     protocols: &[Protocol { start: 0.0, segments, outputs: vec![2.0] }],
//!     tangents: &[],
//!     settings: &Settings { method: Method::Tsit5, rtol: 1e-8, atol: vec![1e-10], max_steps: 10_000, caution: 1.0 },
//! };
//! let outcomes = CpuEngine::new(Precision::F64).run(&batch).expect("the CPU has no device to lose");
//! for (k, found) in [0.5f64, 1.0].into_iter().zip(&outcomes.outputs) {
//!     assert!((found - 10.0 * (-2.0 * k).exp()).abs() < 1e-6);
//! }
//! # Ok::<(), fenton::Error>(())
//! ```

pub mod error;

pub mod curve;
pub mod engine;
pub mod expr;
pub mod files;
pub mod inference;
pub mod model;
pub mod plate;
pub mod program;
pub mod random;
pub mod report;
pub mod study;
pub mod summary;
pub mod synergy;

pub use error::{Diagnostic, Error, Result};
