//! Which parameters the outputs of a study depend on, over its priors or over an ensemble.

mod outputs;

pub use outputs::Of;

use super::{references, words};
use crate::inference::sensitivity::{Bounded, Design, FEWEST_ROWS, Indices, rank_correlations};
use crate::inference::{Ended, Ensemble, Simulator, StudyObjective, StudyTarget, Wanted, mean_and_sd};
use crate::report::document::{Headline, RunFacts, Severity, Warning};
use crate::report::sensitivity::{Dependence, Facts, Group, Output, SensitivityReport};
use crate::study::Study;
use crate::study::problem::Problem;
use crate::{Diagnostic, Error, Result};
use outputs::Outputs;
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// Points simulated between two looks at whether to stop.
const BATCH: usize = 4096;
/// An output that is undefined at more than this share of the points is told apart.
const UNDEFINED: f64 = 0.1;
/// Points of rank correlations over the priors: more make no interval that anybody needs narrower.
const RANKED: usize = 4096;

#[derive(Debug, Clone)]
pub struct SensitivitySettings {
    /// Rows of the base sample, or the most draws of an ensemble.
    pub points: usize,
    /// A folder of draws; the priors without one.
    pub ensemble: Option<PathBuf>,
    pub of: Vec<Of>,
    pub seed: u64,
}

/// The report on the sensitivities of `study`, whose objective this is; `run` says how points are simulated and `notes` are
/// what the engine has to tell. `watch` is told how many points of how many are done, and says whether to stop.
///
/// # Errors
/// [`Error::Input`] where there is nothing to be sensitive or the ensemble is not of this study; [`Error::Run`] where too few
/// points can be integrated; those of the engine.
pub fn document(
    study: &Study,
    objective: &StudyObjective,
    settings: &SensitivitySettings,
    run: RunFacts,
    notes: &[String],
    watch: &mut dyn FnMut(usize, usize) -> bool,
) -> Result<std::result::Result<SensitivityReport, Ended>> {
    let problem = objective.problem();
    let outputs = Outputs::of(study, &settings.of);
    let involved = outputs.involved(problem);
    if involved.is_empty() || outputs.named.is_empty() {
        let found = Diagnostic::new(match outputs.named.is_empty() {
            true => "the study has no output of the kind that is asked for",
            false => "no output depends on an estimated parameter",
        });
        return Err(Error::input(
            found.hint("sensitivities are of readings at a time, and of EC50s of curves over dose"),
        ));
    }
    let (design, values) = match &settings.ensemble {
        Some(folder) => (None, drawn(folder, study, objective, settings.points)?),
        None => {
            let design = Design::new(involved.len(), settings.points, settings.seed);
            let points: Vec<Vec<f64>> =
                design.points().iter().map(|shares| of_priors(problem, &involved, shares)).collect();
            (Some(design), points)
        }
    };
    let laid_out = problem.with_layout(problem.design.lay_out(&outputs.requests));
    let fitted = &objective.simulator;
    let simulator = Simulator::new(&laid_out, fitted.engine, fitted.reference, fitted.choice);
    let mut read: Vec<Option<Vec<Option<f64>>>> = Vec::with_capacity(values.len());
    for chunk in values.chunks(simulator.chunk(Wanted::default()).min(BATCH)) {
        for (values, simulated) in chunk.iter().zip(simulator.run(chunk, Wanted::default(), false)?) {
            let whole = simulated.failures.is_empty();
            read.push(whole.then(|| outputs.read(&laid_out.predict(values, &simulated.slots))));
        }
        if watch(read.len(), values.len()) {
            return Ok(Err(Ended::Interrupted));
        }
    }
    let failed = read.iter().filter(|one| one.is_none()).count();
    if read.len() - failed < FEWEST_ROWS {
        return Err(Error::Run(format!(
            "of {} points {failed} cannot be integrated, which leaves too few",
            read.len()
        )));
    }
    let columns: Vec<Vec<Option<f64>>> = (0..outputs.named.len())
        .map(|output| read.iter().map(|one| one.as_ref().and_then(|one| one[output])).collect())
        .collect();
    let start: Vec<f64> = problem.parameters.iter().map(|p| p.start).collect();
    let nominal = simulator.run(std::slice::from_ref(&start), Wanted::default(), true)?.remove(0);
    let nominal = match nominal.failures.is_empty() {
        true => outputs.read(&laid_out.predict(&start, &nominal.slots)),
        false => vec![None; outputs.named.len()],
    };
    // Rank correlations are over independent points alone: A and B of the base sample, or all draws.
    let ranked: Vec<usize> = match design {
        Some(_) => {
            let width = involved.len() + 2;
            (0..settings.points).flat_map(|row| [row * width, row * width + 1]).take(RANKED).collect()
        }
        None => (0..values.len()).collect(),
    };
    let inputs: Vec<Vec<f64>> = values.iter().map(|values| involved.iter().map(|&i| values[i]).collect()).collect();
    let names: Vec<String> = involved.iter().map(|&i| problem.parameters[i].name.clone()).collect();
    let dependences = |sobol: Option<Vec<Indices>>, prcc: Option<Vec<Option<Bounded>>>| -> Vec<Dependence> {
        let one = |(at, name): (usize, &String)| Dependence {
            parameter: name.clone(),
            sobol: sobol.as_ref().map(|all| all[at]),
            prcc: prcc.as_ref().and_then(|all| all[at]),
        };
        names.iter().enumerate().map(one).collect()
    };
    let output = |at: usize| -> Output {
        let (named, column) = (&outputs.named[at], &columns[at]);
        let defined: Vec<(usize, f64)> = ranked.iter().filter_map(|&point| Some((point, column[point]?))).collect();
        let rows: Vec<&[f64]> = defined.iter().map(|(point, _)| &inputs[*point][..]).collect();
        let seen: Vec<f64> = defined.iter().map(|(_, value)| *value).collect();
        let moments = (seen.len() > 1).then(|| mean_and_sd(&seen));
        let sobol = design.as_ref().and_then(|design| design.indices(&[&column[..]]));
        Output {
            kind: kind(named.of).into(),
            observable: named.observable.clone(),
            condition: named.condition.clone(),
            dose: named.dose,
            dose_unit: named.dose_unit.clone(),
            time: named.time,
            nominal: nominal[at],
            mean: moments.map(|m| m.0),
            sd: moments.map(|m| m.1),
            undefined: column.iter().filter(|value| value.is_none()).count() as f64 / column.len() as f64,
            of: dependences(sobol, (seen.len() >= FEWEST_ROWS).then(|| rank_correlations(&rows, &seen))),
        }
    };
    let all: Vec<Output> = (0..outputs.named.len()).into_par_iter().map(output).collect();
    let groups = groups(study, &all, |chosen| {
        let columns: Vec<&[Option<f64>]> = chosen.iter().map(|&at| &columns[at][..]).collect();
        design.as_ref().and_then(|design| design.indices(&columns))
    });
    let facts = Facts {
        over: match &settings.ensemble {
            Some(folder) => format!("the draws in {}", folder.display()),
            None => "the priors, cut at the bounds".into(),
        },
        sobol: design.is_some(),
        points: values.len(),
        rows: design.as_ref().map_or(0, |design| design.rows),
        ranked: ranked.len(),
        failed,
    };
    Ok(Ok(SensitivityReport {
        title: study.title.clone(),
        study: words::about(study),
        model: study.model.clone(),
        synthetic: study.synthetic.as_ref().map(|command| words::synthetic(command)),
        warnings: warnings(problem, &all, &facts, notes),
        headlines: headlines(&groups),
        uninvolved: (0..problem.parameters.len())
            .filter(|i| !involved.contains(i))
            .map(|i| problem.parameters[i].name.clone())
            .collect(),
        parameters: names,
        groups,
        outputs: all,
        methods: methods(study, &facts, &run),
        facts,
        run,
        references: references(study),
        time_unit: study.time_unit.clone(),
    }))
}

/// The draws in a folder, evenly thinned to at most `most`.
fn drawn(folder: &Path, study: &Study, objective: &StudyObjective, most: usize) -> Result<Vec<Vec<f64>>> {
    let chains = super::earlier::draws_in(folder, study, &StudyTarget::new(objective))?.chains;
    Ok(Ensemble { chains: chains.len(), draws: chains.concat() }.thinned(most).draws)
}

fn kind(of: Of) -> &'static str {
    match of {
        Of::Readings => "reading",
        Of::Ec50 => "log10 EC50",
    }
}

/// The parameters below which their priors have `shares` of their mass; those that nothing depends on stay.
fn of_priors(problem: &Problem, involved: &[usize], shares: &[f64]) -> Vec<f64> {
    let mut values: Vec<f64> = problem.parameters.iter().map(|p| p.start).collect();
    for (&at, &share) in involved.iter().zip(shares) {
        let p = &problem.parameters[at];
        values[at] = p.scale.value(p.prior.quantile_within(share, p.scale, p.lower, p.upper));
    }
    values
}

/// Each observable over all its readings, then each EC50. Rank correlations do not add up: those of an observable are of the
/// reading that varies most.
fn groups(study: &Study, all: &[Output], sobol: impl Fn(&[usize]) -> Option<Vec<Indices>>) -> Vec<Group> {
    let mut observables: Vec<&str> = Vec::new();
    let readings = || all.iter().enumerate().filter(|(_, output)| output.kind == kind(Of::Readings));
    for (_, output) in readings() {
        if !observables.contains(&output.observable.as_str()) {
            observables.push(&output.observable);
        }
    }
    let place = |output: &Output| {
        let dose =
            output.dose.map_or(String::new(), |dose| format!("{} {}, ", super::charts::short(dose), output.dose_unit));
        let condition = if output.condition.is_empty() { String::new() } else { format!("{}, ", output.condition) };
        format!("{condition}{dose}{} {}", super::charts::short(output.time), study.time_unit)
    };
    let mut groups = Vec::new();
    for observable in observables {
        let chosen: Vec<usize> = readings().filter(|(_, o)| o.observable == observable).map(|(at, _)| at).collect();
        let sd = |at: usize| all[at].sd.unwrap_or(0.0);
        let Some(most) = chosen.iter().copied().max_by(|&a, &b| sd(a).total_cmp(&sd(b))) else { continue };
        let indices = sobol(&chosen);
        let note = match indices {
            Some(_) => format!(
                "Sobol indices over all {} readings, weighted by their variance; rank correlations of the reading that varies \
                 most ({}).",
                chosen.len(),
                place(&all[most])
            ),
            None => format!("Rank correlations of the reading that varies most ({}).", place(&all[most])),
        };
        let of = all[most]
            .of
            .iter()
            .enumerate()
            .map(|(at, of)| Dependence { sobol: indices.as_ref().map(|indices| indices[at]), ..of.clone() });
        groups.push(Group { title: observable.to_string(), note, of: of.collect() });
    }
    for output in all.iter().filter(|output| output.kind == kind(Of::Ec50)) {
        let share = 100.0 * output.undefined;
        groups.push(Group {
            title: format!("EC50 of {}, {}", output.observable, place(output)),
            note: format!(
                "Of its logarithm. It lies outside the doses tested, and is left out, at {share:.0} % of the points."
            ),
            of: output.of.clone(),
        });
    }
    groups
}

fn headlines(groups: &[Group]) -> Vec<Headline> {
    let Some(group) = groups.first() else { return Vec::new() };
    let weight = |of: &Dependence| of.sobol.map(|s| s.total).or(of.prcc);
    let size = |of: &Dependence| weight(of).map_or(0.0, |b| b.value.abs());
    let mut order: Vec<&Dependence> = group.of.iter().collect();
    order.sort_by(|a, b| size(b).total_cmp(&size(a)));
    let card = |of: &&Dependence| {
        let found = weight(of)?;
        let what = if of.sobol.is_some() { "total index" } else { "rank correlation" };
        let two = |x: f64| format!("{x:.2}").replace('-', "−");
        Some(Headline {
            label: of.parameter.clone(),
            value: two(found.value),
            note: format!("{what} for {}, 95 % {} to {}", group.title, two(found.lower), two(found.upper)),
        })
    };
    order.iter().take(4).filter_map(card).collect()
}

fn warnings(problem: &Problem, all: &[Output], facts: &Facts, notes: &[String]) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut say = |severity, title: &str, text: String| warnings.push(Warning { severity, title: title.into(), text });
    if facts.sobol {
        let text = "Parameters are taken as independent and as wide as their priors: what the data have taught is not in it. \
                    Over draws of a posterior (--ensemble) parameters depend on one another, and rank correlations alone are given.";
        say(Severity::Note, "Over the priors", text.into());
    } else {
        let text = "The parameters of draws depend on one another, so that Sobol indices would mean nothing. Intervals take the \
                    draws for independent ones; those of a chain that mixes slowly are too narrow.";
        say(Severity::Note, "Over an ensemble: rank correlations alone", text.into());
    }
    if facts.failed * 100 > facts.points {
        let share = 100.0 * facts.failed as f64 / facts.points as f64;
        let text = format!(
            "{share:.1} % of the points could not be integrated. They are left out, with their rows of the base sample."
        );
        say(Severity::Caution, "Points that failed", text);
    }
    let open = all.iter().filter(|output| output.undefined > UNDEFINED).count();
    if open > 0 {
        let text = format!(
            "{open} of {} outputs are undefined at more than a tenth of the points, most often an EC50 outside the doses tested. \
             Their numbers hold where they are defined, and there parameters are no longer independent.",
            all.len()
        );
        say(Severity::Caution, "Outputs that are not always defined", text);
    }
    let unsure = |of: &Dependence| of.sobol.is_some_and(|s| s.total.upper - s.total.lower > 0.2);
    if all.iter().any(|output| output.of.iter().any(unsure)) {
        let text = "Some total indices have intervals wider than 0.2. More --points narrow them by the square root.";
        say(Severity::Note, "Wide intervals", text.into());
    }
    if !problem.between.is_empty() {
        say(Severity::Note, "Of the typical experiment", "Shifts of experiments have no part in the outputs.".into());
    }
    for note in notes {
        say(Severity::Note, "Note", note.clone());
    }
    warnings
}

fn methods(study: &Study, facts: &Facts, run: &RunFacts) -> String {
    let sobol = match facts.sobol {
        true => format!(
            "First-order (Saltelli et al. 2010) and total (Jansen 1999) Sobol indices were estimated from {} rows of a scrambled \
             Sobol sequence, with 95 % intervals from 400 resamples of the rows. ",
            facts.rows
        ),
        false => String::new(),
    };
    format!(
        "Sensitivities of {} were computed over {} with fenton {} ({}, rtol {:e}; seed {}). {sobol}Partial rank correlation \
         coefficients (Marino et al. 2008) are over {} points, with intervals by Fisher's z.",
        study.title, facts.over, run.version, run.integrator, run.rtol, run.seed, facts.ranked
    )
}
