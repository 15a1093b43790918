//! `fenton bench`: what each engine does with a model or a study, and how well.

use super::engines::{MethodChoice, check_tolerances, precision_name};
use super::failure::Failure;
use super::inputs::read_model;
use super::{check, output, terminal};
use clap::Args;
use fenton::engine::cpu::CpuEngine;
use fenton::engine::gpu::{GpuEngine, devices};
use fenton::engine::{
    Batch, Engine, Lane, Method, Outcomes, Precision, Protocol, Race, Segment, Settings, Status, choose, magnitudes,
    stiff_method,
};
use fenton::expr::Symbol;
use fenton::model::System;
use fenton::program::{Lowering, Program};
use fenton::random::Stream;
use fenton::study::embedded;
use fenton::study::problem::Estimated;
use fenton::{Diagnostic, Error};
use serde::Serialize;
use std::ops::Range;
use std::time::Instant;

#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  fenton bench                                   the embedded model crosstalk-minimal, dosed with iron and copper
  fenton bench study.toml --instances 1024,65536
  fenton bench model.ant --until 100 --json
  fenton bench --rtol 1e-3 --integrator rodas5p  every engine and precision at the same tolerance

Each instance has its own parameters: those that are not 0 times exp(0.2 z), z normal. The error is that of the final
states against the CPU in f64 at a relative tolerance of 1e-10, for the first 256 instances: the difference over
(what counts as small for the state + its size), the median and the worst. The crossover is the smallest number of instances measured from which
on an adapter is faster than the CPU in the same precision.")]
pub struct BenchArgs {
    /// A study file, a model file, or the name of an embedded study or model
    #[arg(value_name = "STUDY or MODEL", default_value = "crosstalk-minimal", hide_default_value = true)]
    what: String,
    /// Numbers of instances
    #[arg(long, value_name = "N,N,...", value_delimiter = ',', default_value = "1024,4096,16384")]
    instances: Vec<usize>,
    /// The end of a model's run, in its unit of time
    #[arg(long, value_name = "T", default_value_t = 48.0)]
    until: f64,
    /// Relative tolerance of all that is measured [default: 1e-6 in f64 and 1e-4 in f32]; in f32, rounding
    /// limits what is reached
    #[arg(long, value_name = "X", help_heading = "Integration")]
    rtol: Option<f64>,
    /// Absolute tolerance as a part of each state's magnitude [default: as --rtol]
    #[arg(long, value_name = "X", help_heading = "Integration")]
    atol: Option<f64>,
    /// Integration method of all that is measured [default: for each precision a race of rodas5p, or rodas4p, and tsit5]
    #[arg(long, value_enum, value_name = "METHOD", help_heading = "Integration")]
    integrator: Option<MethodChoice>,
    /// How often each is measured; the best counts
    #[arg(long, value_name = "N", default_value_t = 3)]
    repeats: usize,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// More instances than this tell nothing that fewer do not, and take hours.
const MOST_INSTANCES: usize = 100_000_000;
/// Instances in memory at a time: enough to fill any device, and few enough for any machine.
const AT_ONCE: usize = 1 << 18;
/// Instances whose result is compared with the reference.
const COMPARED: usize = 256;
/// Standard deviation of the natural logarithm of the parameters.
const SPREAD: f64 = 0.2;

/// What is integrated.
struct Workload {
    name: String,
    program: Program,
    protocols: Vec<Protocol>,
    /// The inputs of an instance.
    row: Box<dyn Fn(usize) -> Vec<f64>>,
    magnitudes: Vec<f64>,
}

#[derive(Debug, Serialize)]
struct Measured {
    engine: String,
    detail: String,
    software: bool,
    precision: &'static str,
    method: &'static str,
    rtol: f64,
    /// As a part of each state's magnitude.
    atol: f64,
    instances: usize,
    seconds: f64,
    instances_per_second: f64,
    steps_per_second: f64,
    failed: usize,
    median_error: Option<f64>,
    worst_error: Option<f64>,
}

pub fn run(args: &BenchArgs) -> Result<(), Failure> {
    if args.instances.is_empty() || args.instances.contains(&0) {
        return Err(Failure::Usage("--instances are numbers of at least 1, such as 1024,16384".into()));
    }
    if let Some(many) = args.instances.iter().find(|&&count| count > MOST_INSTANCES) {
        return Err(Failure::Usage(format!(
            "--instances {many} is more than the {MOST_INSTANCES} that can be measured"
        )));
    }
    check_tolerances(args.rtol, args.atol)?;
    if !(args.until.is_finite() && args.until > 0.0) || args.repeats == 0 {
        return Err(Failure::Usage("--until has to be above 0, and --repeats at least 1".into()));
    }
    let mut sizes = args.instances.clone();
    sizes.sort_unstable();
    sizes.dedup();
    let workload = workload(args)?;
    let reference = workload.reference(COMPARED.min(sizes[0]))?;
    // The reference is of one method: whether another agrees is told, whichever are measured.
    let race = workload.race(Precision::F64, 1e-6, 1e-6, sizes[0])?;
    race.doubt.iter().for_each(|doubt| terminal::warn(doubt));
    let lost = reference.reports.iter().filter(|report| report.status != Status::Finished).count();
    if lost > 0 {
        terminal::warn(&format!(
            "{lost} of {} instances could not be integrated for the reference: nothing is compared with them",
            reference.reports.len()
        ));
    }

    let bench = Bench { workload: &workload, reference: &reference, sizes: &sizes, args };
    let mut measured = Vec::new();
    for precision in [Precision::F64, Precision::F32] {
        bench.measure(&CpuEngine::new(precision), false, &mut measured)?;
        for device in devices().into_iter().filter(|d| precision == Precision::F32 || d.f64) {
            match GpuEngine::open(Some(&device.name), precision) {
                Ok(engine) => bench.measure(&engine, device.software, &mut measured)?,
                Err(error) => terminal::warn(&format!("{}: {error}", device.name)),
            }
        }
    }
    let crossovers = crossovers(&measured);
    if args.json {
        return output::print_json(&serde_json::json!({
            "fenton": env!("CARGO_PKG_VERSION"),
            "workload": workload.name,
            "states": workload.program.states.len(),
            "measured": measured,
            "crossover": crossovers.iter().map(|(engine, precision, size)| serde_json::json!({
                "engine": engine, "precision": precision, "instances": size,
            })).collect::<Vec<_>>(),
        }));
    }
    output::print(&table(&workload, &measured, &crossovers))
}

fn workload(args: &BenchArgs) -> Result<Workload, Failure> {
    let name = args.what.as_str();
    if let Some(file) = embedded::model(name) {
        let mut system = fenton::model::antimony::read(file.text, file.name)?.system()?;
        for (dose, value) in [("FAC", 2000.0), ("CuCl2", 20.0)] {
            if let Some(at) = system.parameter(dose) {
                system.parameters[at as usize].value = value;
            }
        }
        return Ok(of_model(system, args.until));
    }
    if name.ends_with(".ant") {
        return Ok(of_model(read_model(name, &[])?, args.until));
    }
    let study = check::open(name)?;
    let problem = study.problem();
    if problem.layout.runs.is_empty() {
        return Err(Diagnostic::new(format!("{name}: the study simulates nothing")).into());
    }
    let mut program = problem.program.clone();
    program.outputs = states(&mut program);
    let only_the_end =
        |p: &Protocol| Protocol { outputs: p.outputs.last().copied().into_iter().collect(), ..p.clone() };
    let protocols = problem.layout.protocols.iter().map(only_the_end).collect();
    let magnitudes = problem.solver.magnitudes.clone();
    let row = move |instance: usize| {
        let mut stream = Stream::new(1, instance as u64);
        let drawn = |p: &Estimated| (p.start * (SPREAD * stream.normal()).exp()).clamp(p.lower, p.upper);
        let values: Vec<f64> = problem.parameters.iter().map(drawn).collect();
        let runs = &problem.layout.runs;
        let background = &problem.backgrounds[runs[instance % runs.len()].condition];
        background.iter().map(|term| term.value(&values)).collect()
    };
    Ok(Workload { name: study.title, program, protocols, row: Box::new(row), magnitudes })
}

/// The states as outputs, in a program that is no longer the one with this id.
fn states(program: &mut Program) -> Vec<fenton::expr::Id> {
    program.id = program.id.wrapping_add(1);
    (0..program.states.len() as u32).map(|at| program.graph.symbol(Symbol::State(at))).collect()
}

fn of_model(mut system: System, until: f64) -> Workload {
    let inputs: Vec<u32> =
        (0..system.parameters.len() as u32).filter(|&at| system.parameters[at as usize].value != 0.0).collect();
    let outputs = (0..system.states.len() as u32).map(|at| system.graph.symbol(Symbol::State(at))).collect();
    let centre: Vec<f64> = inputs.iter().map(|&at| system.parameters[at as usize].value).collect();
    let program = Program::new(&system, &Lowering { inputs, fixed: Vec::new(), outputs });
    let segments = vec![Segment { until, ..Segment::default() }];
    let protocol = Protocol { start: 0.0, segments, outputs: vec![until] };
    let magnitudes = magnitudes(&program, &[(&centre, &protocol)], 1e-2);
    let row = move |instance: usize| {
        let mut stream = Stream::new(1, instance as u64);
        centre.iter().map(|value| value * (SPREAD * stream.normal()).exp()).collect()
    };
    Workload { name: system.name, protocols: vec![protocol], magnitudes, program, row: Box::new(row) }
}

impl Workload {
    fn settings(&self, method: Method, rtol: f64, atol: f64) -> Settings {
        let atol = self.magnitudes.iter().map(|magnitude| atol * magnitude).collect();
        Settings { method, rtol, atol, max_steps: 100_000, caution: 1.0 }
    }

    /// Runs some of the instances, and says how many seconds that took.
    fn run(
        &self,
        engine: &dyn Engine,
        instances: Range<usize>,
        settings: &Settings,
    ) -> Result<(Outcomes, f64), Failure> {
        let rows: Vec<f64> = instances.clone().flat_map(|instance| (self.row)(instance)).collect();
        let protocols = self.protocols.len();
        let lane = |(row, instance)| Lane { row, protocol: (instance % protocols) as u32 };
        let lanes: Vec<Lane> = (0..).zip(instances).map(lane).collect();
        let batch = self.batch(&lanes, &rows, settings);
        let start = Instant::now();
        let outcomes = engine.run(&batch).map_err(|error| Error::Engine(error.to_string()))?;
        Ok((outcomes, start.elapsed().as_secs_f64()))
    }

    fn batch<'a>(&'a self, lanes: &'a [Lane], rows: &'a [f64], settings: &'a Settings) -> Batch<'a> {
        Batch { program: &self.program, lanes, rows, protocols: &self.protocols, tangents: &[], settings }
    }

    fn reference(&self, count: usize) -> Result<Outcomes, Failure> {
        let settings = self.settings(Method::Rodas5P, 1e-10, 1e-10);
        Ok(self.run(&CpuEngine::new(Precision::F64), 0..count, &settings)?.0)
    }

    /// A race of the methods on the first instances.
    fn race(&self, precision: Precision, rtol: f64, atol: f64, most: usize) -> Result<Race, Failure> {
        let count = self.protocols.len().min(8).min(most);
        let rows: Vec<f64> = (0..count).flat_map(|instance| (self.row)(instance)).collect();
        let lanes: Vec<Lane> = (0..count as u32).map(|i| Lane { row: i, protocol: i }).collect();
        let settings = self.settings(stiff_method(precision), rtol, atol);
        let batch = self.batch(&lanes, &rows, &settings);
        choose(&batch, precision).map_err(|error| Error::Engine(error.to_string()).into())
    }
}

/// What is measured, and against what.
struct Bench<'a> {
    workload: &'a Workload,
    reference: &'a Outcomes,
    sizes: &'a [usize],
    args: &'a BenchArgs,
}

impl Bench<'_> {
    fn measure(&self, engine: &dyn Engine, software: bool, into: &mut Vec<Measured>) -> Result<(), Failure> {
        let (workload, args) = (self.workload, self.args);
        let precision = engine.precision();
        if let Some(why) = engine.declines(&workload.program, false) {
            terminal::warn(&format!("{} in {}: {why}", engine.name(), precision_name(precision)));
            return Ok(());
        }
        let rtol = args.rtol.unwrap_or(if precision == Precision::F64 { 1e-6 } else { 1e-4 });
        let atol = args.atol.unwrap_or(rtol);
        let method = match args.integrator {
            Some(method) => method.into(),
            None => workload.race(precision, rtol, atol, self.sizes[0])?.method,
        };
        let settings = workload.settings(method, rtol, atol);
        // Compiling counts for nothing here.
        workload.run(engine, 0..self.sizes[0].min(64), &settings)?;
        for &count in self.sizes {
            let mut best = f64::INFINITY;
            let (mut steps, mut failed, mut errors) = (0, 0, Vec::new());
            for _ in 0..args.repeats {
                let mut seconds = 0.0;
                (steps, failed) = (0, 0);
                for first in (0..count).step_by(AT_ONCE) {
                    let (outcomes, took) = workload.run(engine, first..count.min(first + AT_ONCE), &settings)?;
                    seconds += took;
                    steps += outcomes.reports.iter().map(|r| u64::from(r.steps) + u64::from(r.rejected)).sum::<u64>();
                    failed += outcomes.reports.iter().filter(|r| r.status != Status::Finished).count();
                    if first == 0 {
                        errors = self::errors(&outcomes, self.reference, &workload.magnitudes);
                    }
                }
                best = best.min(seconds);
            }
            into.push(Measured {
                engine: engine.name(),
                detail: engine.detail(),
                software,
                precision: precision_name(precision),
                method: method.name(),
                rtol,
                atol,
                instances: count,
                seconds: best,
                instances_per_second: count as f64 / best,
                steps_per_second: steps as f64 / best,
                failed,
                median_error: errors.get(errors.len() / 2).copied(),
                worst_error: errors.last().copied(),
            });
        }
        Ok(())
    }
}

/// Of all states of the instances that both have finished, ascending.
fn errors(outcomes: &Outcomes, reference: &Outcomes, magnitudes: &[f64]) -> Vec<f64> {
    let mut errors = Vec::new();
    for lane in 0..reference.reports.len().min(outcomes.reports.len()) {
        if reference.reports[lane].status != Status::Finished || outcomes.reports[lane].status != Status::Finished {
            continue;
        }
        let of = |o: &'_ Outcomes| o.offsets[lane]..o.offsets[lane + 1];
        let pairs = outcomes.outputs[of(outcomes)].iter().zip(&reference.outputs[of(reference)]);
        // Outputs are the states, in their order.
        for ((value, wanted), magnitude) in pairs.zip(magnitudes.iter().cycle()) {
            errors.push((value - wanted).abs() / (magnitude + wanted.abs()));
        }
    }
    errors.sort_by(f64::total_cmp);
    errors
}

/// For each adapter and precision the size from which on it is faster than the CPU.
fn crossovers(measured: &[Measured]) -> Vec<(String, &'static str, Option<usize>)> {
    let mut found: Vec<(String, &'static str, Option<usize>)> = Vec::new();
    for m in measured.iter().filter(|m| m.engine != "cpu") {
        let cpu =
            measured.iter().find(|c| c.engine == "cpu" && c.precision == m.precision && c.instances == m.instances);
        let faster = cpu.is_some_and(|cpu| m.seconds < cpu.seconds);
        let at = found.iter().position(|(engine, precision, _)| *engine == m.engine && *precision == m.precision);
        let entry = match at {
            Some(at) => &mut found[at].2,
            None => {
                found.push((m.engine.clone(), m.precision, None));
                let last = found.len() - 1;
                &mut found[last].2
            }
        };
        *entry = if faster { entry.or(Some(m.instances)) } else { None };
    }
    found
}

fn table(workload: &Workload, measured: &[Measured], crossovers: &[(String, &'static str, Option<usize>)]) -> String {
    let mut text = format!(
        "{}: {} states\n\n{:<44} {:>4} {:<8} {:>7} {:>9} {:>12} {:>12} {:>7} {:>9} {:>9}\n",
        workload.name,
        workload.program.states.len(),
        "engine",
        "",
        "method",
        "rtol",
        "instances",
        "instances/s",
        "steps/s",
        "failed",
        "median e.",
        "worst e."
    );
    for m in measured {
        let mark = if m.software { " [software]" } else { "" };
        let name: String = format!("{}{mark}", m.engine).chars().take(44).collect();
        let error = |error: Option<f64>| error.map_or("-".into(), |error| format!("{error:.1e}"));
        text += &format!(
            "{name:<44} {:>4} {:<8} {:>7} {:>9} {:>12.0} {:>12.3e} {:>7} {:>9} {:>9}\n",
            m.precision,
            m.method,
            format!("{:e}", m.rtol),
            m.instances,
            m.instances_per_second,
            m.steps_per_second,
            m.failed,
            error(m.median_error),
            error(m.worst_error)
        );
    }
    if crossovers.is_empty() {
        text += "\nThere is no adapter: nothing to compare the CPU with.\n";
    }
    for (engine, precision, size) in crossovers {
        text += &match size {
            Some(size) => format!("\n{engine}, {precision}: faster than the CPU from {size} instances on\n"),
            None => format!("\n{engine}, {precision}: not faster than the CPU at the largest size measured\n"),
        };
    }
    text
}
