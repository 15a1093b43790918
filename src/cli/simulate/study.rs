//! Trajectories of a study: every condition and dose of its data, settled and dosed as the study says.

use super::columns::columns;
use super::{SimulateArgs, assignments, csv_error, tell, times};
use crate::cli::engines::{describe, precision_name};
use crate::cli::failure::Failure;
use crate::cli::inputs::{read_table, settable};
use crate::cli::output::{self, WriteError};
use crate::cli::{cells, check, progress, terminal};
use fenton::engine::cpu::CpuEngine;
use fenton::engine::{Precision, Status};
use fenton::inference::{Choice, Simulated, Simulator, Wanted};
use fenton::model::math::closest;
use fenton::random::Stream;
use fenton::report::number;
use fenton::study::problem::Problem;
use fenton::study::{Kind, ReadAt, Schedule, Study};
use fenton::{Diagnostic, Error};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// One table of times: a condition under its doses.
struct Treated {
    condition: usize,
    doses: Vec<f64>,
    /// In the layout of the problem.
    run: usize,
    first_prediction: usize,
}

struct Job<'a> {
    args: &'a SimulateArgs,
    study: &'a Study,
    problem: &'a Problem,
    simulator: Simulator<'a>,
    times: Vec<f64>,
    treated: Vec<Treated>,
    /// Names, and where among the outputs of the program each is found.
    states: Vec<(String, usize)>,
    observables: Vec<String>,
    instances: Vectors,
}

pub fn run(args: &SimulateArgs) -> Result<(), Failure> {
    if args.start.is_some() {
        return Err(Failure::Usage("--start is for models: in a study, time 0 is when the compound is added".into()));
    }
    let mut study = check::open(&args.what)?;
    set(&mut study, &assignments(&args.set)?)?;
    let times = times_of(args, &study)?;
    let shown: Vec<usize> = (0..study.observables.len())
        .filter(|&o| args.columns.is_none() && study.observables[o].reading != Kind::DeathTime)
        .collect();
    let mut states = Vec::new();
    for (name, value) in columns(args, &study.system)? {
        states.push((name, study.outputs.len()));
        study.outputs.push(value);
    }
    let reference = CpuEngine::new(Precision::F64);
    let choice = Choice { method: args.method.map(Into::into), rtol: args.rtol, atol: args.atol };
    cells::raise(&mut study, &reference, choice).iter().for_each(|note| terminal::warn(note));
    let mut problem = study.problem();
    problem.solver.max_steps = args.max_steps.or(problem.solver.max_steps);
    let mut treated = lay_out(&study, &mut problem, &shown, &times);
    let instances = instances(args, &problem)?;
    let engine = args.engine.open(&problem.program, instances.count * problem.layout.runs.len())?;
    for treated in &mut treated {
        let is_it =
            |run: &fenton::study::problem::Run| run.condition == treated.condition && run.doses == treated.doses;
        treated.run = problem.layout.runs.iter().position(is_it).unwrap_or_default();
    }
    let job = Job {
        args,
        simulator: Simulator::new(&problem, &engine, &reference, choice),
        study: &study,
        problem: &problem,
        times,
        treated,
        states,
        observables: shown.iter().map(|&o| observable_name(&study, o)).collect(),
        instances,
    };
    let done = if args.json { job.write_json() } else { job.write_csv() };
    job.simulator.doubts.iter().for_each(|doubt| terminal::warn(doubt));
    engine.notes().iter().for_each(|note| terminal::warn(note));
    done
}

fn observable_name(study: &Study, observable: usize) -> String {
    let observable = &study.observables[observable];
    if observable.name.is_empty() { observable.reading.name().to_string() } else { observable.name.clone() }
}

/// Other values for parameters of the study or the model.
fn set(study: &mut Study, values: &[(String, f64)]) -> Result<(), Failure> {
    for (name, value) in values {
        if let Some(compound) = study.compounds.iter().find(|c| study.system.parameter(name) == Some(c.target)) {
            let message = format!("--set: '{name}' is the dose of {}, which the study's data state", compound.name);
            return Err(Diagnostic::new(message).hint("simulate the model itself to choose a dose").into());
        }
        let declared = study.parameters.iter().position(|p| p.name == *name);
        if let Some(declared) = declared {
            study.parameters[declared].value = *value;
        }
        match settable(&mut study.system, name) {
            Ok(target) => study.system.parameters[target as usize].value = *value,
            Err(_) if declared.is_some() => {}
            Err(near) => return Err(unknown("--set", name, near)),
        }
    }
    Ok(())
}

fn unknown(option: &str, name: &str, near: Option<String>) -> Failure {
    let problem = Diagnostic::new(format!("{option}: the study has no parameter '{name}'"));
    match near {
        Some(near) => problem.hint(format!("did you mean '{near}'?")).into(),
        None => problem.hint("'fenton check' lists what is estimated, the model holds the rest").into(),
    }
}

/// In the study's unit. A pre-treatment begins before 0.
fn times_of(args: &SimulateArgs, study: &Study) -> Result<Vec<f64>, Failure> {
    let read = |at: ReadAt| match at {
        ReadAt::Time(time) => time,
        ReadAt::Parameter(at) => study.parameters[at].upper.max(study.parameters[at].value),
        ReadAt::Between(_, until) => until,
    };
    let last = study.data.iter().map(|datum| read(datum.time)).fold(0.0, f64::max);
    let earliest = study.conditions.iter().flat_map(|c| &c.schedule).map(Schedule::first).fold(0.0, f64::min);
    if args.times.as_ref().and_then(|times| times.first()).is_some_and(|&first| first < earliest) {
        return Err(Failure::Usage(format!(
            "the first of --times lies before {} {}, when the first compound is added",
            number(earliest),
            study.time_unit
        )));
    }
    let start = if args.times.is_some() { earliest } else { 0.0 };
    times(args, start, if last > 0.0 { last } else { 48.0 })
}

/// Lays the distinct treatments of the data out over all times, in the order of the data.
fn lay_out(study: &Study, problem: &mut Problem, shown: &[usize], times: &[f64]) -> Vec<Treated> {
    let mut treated: Vec<Treated> = Vec::new();
    for datum in study.data.iter().filter(|datum| !datum.blank) {
        if !treated.iter().any(|t| t.condition == datum.condition && t.doses == datum.doses) {
            let (condition, doses) = (datum.condition, datum.doses.clone());
            treated.push(Treated { condition, doses, run: 0, first_prediction: 0 });
        }
    }
    // Without an observable to show, any makes the runs.
    let requested = if shown.is_empty() { &[0][..] } else { shown };
    let mut requests = Vec::new();
    for treated in &mut treated {
        treated.first_prediction = requests.len();
        for &observable in requested {
            for &time in times {
                let doses = treated.doses.clone();
                requests.push(study.request(treated.condition, doses, observable, time * study.time_factor));
            }
        }
    }
    *problem = problem.with_layout(problem.design.lay_out(&requests));
    treated
}

/// The parameter vectors: the values the study starts from, draws about them, or rows of a table. Draws are made when
/// they are needed, as a million of them would fill the memory.
struct Vectors {
    count: usize,
    start: Vec<f64>,
    /// Which of the values differ between instances.
    varied: Vec<u32>,
    source: Source,
}

enum Source {
    /// Row by row.
    Table(Vec<f64>),
    Drawn {
        bounds: Vec<(f64, f64)>,
        spread: f64,
        seed: u64,
    },
}

impl Vectors {
    fn get(&self, instance: usize) -> Vec<f64> {
        let mut vector = self.start.clone();
        let width = self.varied.len();
        match &self.source {
            Source::Table(values) => {
                let row = &values[instance * width..(instance + 1) * width];
                self.varied.iter().zip(row).for_each(|(&at, &value)| vector[at as usize] = value);
            }
            Source::Drawn { bounds, spread, seed } => {
                let mut stream = Stream::new(*seed, instance as u64);
                for &at in &self.varied {
                    let (lower, upper) = bounds[at as usize];
                    let drawn = self.start[at as usize] * (spread * stream.normal()).exp();
                    vector[at as usize] = drawn.clamp(lower, upper);
                }
            }
        }
        vector
    }
}

fn instances(args: &SimulateArgs, problem: &Problem) -> Result<Vectors, Failure> {
    let start: Vec<f64> = problem.parameters.iter().map(|p| p.start).collect();
    let find = |name: &str| {
        let names = problem.parameters.iter().map(|p| p.name.as_str());
        match problem.parameters.iter().position(|p| p.name == name) {
            Some(at) => Ok(at as u32),
            None => Err(closest(name, names).map(str::to_string)),
        }
    };
    if let Some(path) = &args.parameters {
        let (varied, values) = read_table(path, "estimated parameter", find)?;
        let count = values.len() / varied.len();
        return Ok(Vectors { count, start, varied, source: Source::Table(values) });
    }
    let Some(count) = args.instances else {
        return Ok(Vectors { count: 1, start, varied: Vec::new(), source: Source::Table(Vec::new()) });
    };
    let varied: Vec<u32> = match &args.vary {
        Some(names) => {
            names.iter().map(|n| find(n).map_err(|near| unknown("--vary", n, near))).collect::<Result<_, _>>()?
        }
        None => (0..start.len() as u32).collect(),
    };
    let bounds = problem.parameters.iter().map(|p| (p.lower, p.upper)).collect();
    let source = Source::Drawn { bounds, spread: args.spread, seed: args.seed };
    Ok(Vectors { count, start, varied, source })
}

impl Job<'_> {
    fn listed(&self) -> bool {
        self.args.instances.is_some() || self.args.parameters.is_some()
    }

    /// Hands each instance that finished to `sink`, in order. Returns the time that integration took.
    fn run(
        &self,
        mut sink: impl FnMut(usize, &[f64], &Simulated) -> Result<(), WriteError>,
    ) -> Result<Duration, WriteError> {
        let count = self.instances.count;
        let chunk = self.simulator.chunk(Wanted::default());
        let bar = (count > chunk).then(|| progress::bar(count as u64, "instances"));
        let _listening = (count > chunk).then(terminal::listen);
        let mut failed: Vec<(usize, Status)> = Vec::new();
        let mut integration = Duration::ZERO;
        for done in (0..count).step_by(chunk.max(1)) {
            if terminal::is_interrupted() {
                return Err(Failure::Interrupted(format!("stopped after {done} of {count} instances")).into());
            }
            let vectors: Vec<Vec<f64>> = (done..count.min(done + chunk)).map(|i| self.instances.get(i)).collect();
            let start = Instant::now();
            let all = self.simulator.run(&vectors, Wanted::default(), false)?;
            integration += start.elapsed();
            for (i, simulated) in all.iter().enumerate() {
                match simulated.failures.first() {
                    None => sink(done + i, &vectors[i], simulated)?,
                    Some(&(status, _)) => failed.push((done + i, status)),
                }
            }
            if let Some(bar) = &bar {
                bar.inc(vectors.len() as u64);
            }
        }
        if let Some(bar) = bar {
            bar.finish_and_clear();
        }
        let Some(&(first, status)) = failed.first() else { return Ok(integration) };
        let place = self.simulator.failures(&self.instances.get(first))?;
        let place = place.first().map_or(String::new(), |failure| format!(" at time {}", number(failure.time)));
        if failed.len() == count {
            return Err(Error::Run(format!("all {count} instances failed{place}: {}", status.advice())).into());
        }
        terminal::warn(&format!(
            "{} of {count} instances failed and have no rows; the first is instance {}{place}: {}",
            failed.len(),
            first + 1,
            status.advice()
        ));
        Ok(integration)
    }

    /// The values of one row: states, then observables.
    fn row(&self, treated: &Treated, time: usize, simulated: &Simulated, predictions: &[f64]) -> Vec<f64> {
        let layout = &self.problem.layout;
        let run = &layout.runs[treated.run];
        // Outputs stand once for each time, and the layout may have times of its own.
        let at =
            layout.protocols[treated.run].outputs.partition_point(|&t| t < self.times[time] * self.study.time_factor);
        let first = run.first_slot + at * self.problem.program.outputs.len();
        let states = self.states.iter().map(|(_, output)| simulated.slots[first + output]);
        let prediction = |o: usize| predictions[treated.first_prediction + o * self.times.len() + time];
        states.chain((0..self.observables.len()).map(prediction)).collect()
    }

    fn condition(&self, treated: &Treated) -> &str {
        &self.study.conditions[treated.condition].name
    }

    fn write_csv(&self) -> Result<(), Failure> {
        let study = self.study;
        let conditions = study.conditions.len() > 1;
        output::to_file_or_stdout(self.args.output.as_deref(), |out| {
            let mut table = csv::Writer::from_writer(out);
            let mut header: Vec<String> = Vec::new();
            header.extend(self.listed().then(|| "instance".into()));
            header.extend(conditions.then(|| "condition".into()));
            header.extend(study.compounds.iter().map(|c| format!("{} ({})", c.name, c.unit)));
            header.push(format!("time ({})", study.time_unit));
            header.extend(self.states.iter().map(|(name, _)| name.clone()));
            header.extend(self.observables.iter().cloned());
            table.write_record(&header).map_err(csv_error)?;
            let integration = self.run(|instance, values, simulated| {
                let predictions = self.problem.predict(values, &simulated.slots);
                for treated in &self.treated {
                    for (at, &time) in self.times.iter().enumerate() {
                        let mut record: Vec<String> = Vec::with_capacity(header.len());
                        record.extend(self.listed().then(|| (instance + 1).to_string()));
                        record.extend(conditions.then(|| self.condition(treated).to_string()));
                        record.extend(treated.doses.iter().chain([&time]).map(|&x| number(x)));
                        record.extend(self.row(treated, at, simulated, &predictions).into_iter().map(number));
                        table.write_record(&record).map_err(csv_error)?;
                    }
                }
                Ok(())
            })?;
            table.flush()?;
            if self.args.output.is_some() {
                let settings = self.simulator.settings(self.simulator.engine, false);
                tell(self.instances.count, integration, &settings, self.simulator.engine);
            }
            Ok(())
        })
    }

    fn write_json(&self) -> Result<(), Failure> {
        let study = self.study;
        let settings = self.simulator.settings(self.simulator.engine, false);
        let compounds = study.compounds.iter().map(|c| json!({ "name": c.name, "unit": c.unit }));
        let head = json!({
            "fenton": env!("CARGO_PKG_VERSION"),
            "study": study.name,
            "title": study.title,
            "model": study.model,
            "time_unit": study.time_unit,
            "compounds": compounds.collect::<Vec<_>>(),
            "engine": describe(self.simulator.engine),
            "precision": precision_name(self.simulator.engine.precision()),
            "method": settings.method.name(),
            "rtol": settings.rtol,
            "seed": self.args.instances.map(|_| self.args.seed),
            "times": self.times,
            "columns": self.states.iter().map(|(name, _)| name).chain(&self.observables).collect::<Vec<_>>(),
        });
        output::print_json_list(&head, "instances", |add| {
            self.run(|instance, values, simulated| add(&self.instance(instance, values, simulated)))?;
            Ok(json!({}))
        })
    }

    fn instance(&self, instance: usize, values: &[f64], simulated: &Simulated) -> Value {
        let predictions = self.problem.predict(values, &simulated.slots);
        let rows = |treated: &Treated| -> Vec<Vec<f64>> {
            (0..self.times.len()).map(|time| self.row(treated, time, simulated, &predictions)).collect()
        };
        let runs = self.treated.iter().map(
            |treated| json!({ "condition": self.condition(treated), "doses": treated.doses, "rows": rows(treated) }),
        );
        let runs: Vec<Value> = runs.collect();
        let named = self.problem.parameters.iter().map(|p| p.name.clone());
        let named: serde_json::Map<String, Value> = named.zip(values.iter().map(|v| json!(v))).collect();
        json!({ "instance": instance + 1, "parameters": named, "runs": runs })
    }
}
