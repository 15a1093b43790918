//! What a posterior costs on the CPU engine: likelihoods of `fac-ht1080` in batches and one at a time, and a run of SMC on
//! the study of copper.
//!
//!     cargo bench --bench posterior
//!     cargo bench --bench posterior -- --serve       # for benches/posterior.py
//!
//! With `--serve` it reads a JSON array of points a line, on the estimation scale, and answers with a JSON array of their log
//! posteriors, `null` for minus infinity; the first line it writes says what the parameters are and where a run may begin.

use fenton::Result;
use fenton::engine::Precision;
use fenton::engine::cpu::CpuEngine;
use fenton::inference::{Choice, SampleSettings, StudyObjective, StudyTarget, Target, sample, settle_nodes};
use fenton::random::Stream;
use fenton::study::{CellSpread, Quantity, Study};
use std::io::{BufRead, Write};
use std::time::Instant;

const LIKELIHOODS: usize = 100_000;
const SINGLE: usize = 2000;
const PARTICLES: usize = 1024;
/// Points that a walker of another program may begin at.
const STARTS: usize = 256;

fn main() -> Result<()> {
    if std::env::args().any(|arg| arg == "--serve") {
        return serve();
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    println!("{threads} cores, f64");
    let mut study = Study::embedded("fac-ht1080")?;
    likelihoods(&study)?;
    // The same plate on cells whose import of iron differs, with as many of them as the program takes of its own accord.
    let problem = study.problem();
    let at = study.system.parameter("V_iron").expect("a parameter of the model");
    study.cells = Some(CellSpread { nodes: 16, of: vec![(at, Quantity::Number(0.3))] });
    let start: Vec<f64> = problem.parameters.iter().map(|p| p.start).collect();
    settle_nodes(&mut study, &CpuEngine::new(Precision::F64), Choice::default(), &start)?;
    likelihoods(&study)?;
    copper()
}

/// Draws of the prior.
fn points(target: &dyn Target, count: usize) -> Vec<Vec<f64>> {
    let point = |at: usize| {
        let mut stream = Stream::new(1, at as u64);
        let shares: Vec<f64> = target.names().iter().map(|_| stream.uniform()).collect();
        target.prior_point(&shares)
    };
    (0..count).map(point).collect()
}

fn likelihoods(study: &Study) -> Result<()> {
    let problem = study.problem();
    let engine = CpuEngine::new(Precision::F64);
    let objective = StudyObjective::new(&problem, &engine, &engine, Choice::default())?;
    let target = StudyTarget::new(&objective);
    let (cells, runs) = (problem.cell_count(), problem.layout.runs.len());
    println!("{}: {runs} runs of {cells} cells a likelihood, {} readings", study.name, problem.observations.len());
    let all = points(&target, LIKELIHOODS);
    let few = (SINGLE / cells).max(100);
    target.likelihoods(&all[..few], false)?;
    let began = Instant::now();
    for point in &all[..few] {
        target.likelihoods(std::slice::from_ref(point), false)?;
    }
    let single = few as f64 / began.elapsed().as_secs_f64();
    println!("  one at a time: {single:.0} likelihoods/s");
    // Of a population, and in small batches, some say as much as all.
    let some = LIKELIHOODS / 10 / cells;
    for (batch, count) in [(32, some), (512, some.max(512)), (LIKELIHOODS, LIKELIHOODS / cells)] {
        let began = Instant::now();
        let mut failed = 0;
        for batch in all[..count].chunks(batch) {
            failed += target.likelihoods(batch, false)?.iter().filter(|found| !found.value.is_finite()).count();
        }
        let seconds = began.elapsed().as_secs_f64();
        let rate = count as f64 / seconds;
        println!(
            "  {count} in batches of {}: {seconds:.2} s, {rate:.0} likelihoods/s, {:.0} lanes/s, {:.1} times one at a \
             time, {failed} failed",
            batch.min(count),
            rate * (runs * cells) as f64,
            rate / single
        );
    }
    Ok(())
}

fn copper() -> Result<()> {
    let study = Study::embedded("cucl2-slc31a1-hek293t")?;
    let problem = study.problem();
    let engine = CpuEngine::new(Precision::F64);
    let objective = StudyObjective::new(&problem, &engine, &engine, Choice::default())?;
    let settings = SampleSettings { draws: PARTICLES, ..SampleSettings::default() };
    let Ok(found) = sample(&StudyTarget::new(&objective), &settings, &mut ())? else {
        unreachable!("no rule ends the run before its end")
    };
    let seconds = found.wall.as_secs_f64();
    let least = found.diagnoses.iter().map(|d| d.bulk).fold(f64::INFINITY, f64::min);
    println!(
        "{}: SMC with {PARTICLES} particles: {seconds:.1} s, {} likelihoods ({:.0}/s), {} exponents, {least:.0} effective draws \
         at least",
        study.name,
        found.evaluations,
        found.evaluations as f64 / seconds,
        found.ladder.len()
    );
    Ok(())
}

fn serve() -> Result<()> {
    let study = Study::embedded("fac-ht1080")?;
    let problem = study.problem();
    let engine = CpuEngine::new(Precision::F64);
    let objective = StudyObjective::new(&problem, &engine, &engine, Choice::default())?;
    let target = StudyTarget::new(&objective);
    let broken = |error: std::io::Error| fenton::Error::Run(format!("the pipe is broken: {error}"));
    let mut out = std::io::stdout().lock();
    let hello = serde_json::json!({ "names": target.names(), "starts": points(&target, STARTS) });
    writeln!(out, "{hello}").and_then(|()| out.flush()).map_err(broken)?;
    for line in std::io::stdin().lock().lines() {
        let points: Vec<Vec<f64>> = serde_json::from_str(&line.map_err(broken)?)
            .map_err(|error| fenton::Error::Run(format!("points as a JSON array a line, please: {error}")))?;
        let priors: Vec<f64> = points.iter().map(|point| target.prior(point)).collect();
        let inside: Vec<Vec<f64>> =
            points.into_iter().zip(&priors).filter(|(_, prior)| prior.is_finite()).map(|(point, _)| point).collect();
        let mut likelihoods = target.likelihoods(&inside, false)?.into_iter();
        let posterior = |prior: &f64| {
            let likelihood = if prior.is_finite() { likelihoods.next() } else { None };
            likelihood.map(|found| -(found.value + prior)).filter(|value| value.is_finite())
        };
        let answer: Vec<Option<f64>> = priors.iter().map(posterior).collect();
        writeln!(out, "{}", serde_json::json!(answer)).and_then(|()| out.flush()).map_err(broken)?;
    }
    Ok(())
}
