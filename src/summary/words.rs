//! What is told in sentences.

use super::charts::short;
use super::lack::lack_of_fit;
use super::{edges, endless, optima};
use crate::inference::{self, Basis, Ended, FitResult, Verdict};
use crate::report::document::{
    Effect, FitFacts, Headline, ParameterResult, Prediction, Quantity, RunFacts, Severity, Starts, Statements, Warning,
};
use crate::report::interval_text;
use crate::study::Study;
use crate::study::problem::{Estimated, Problem};

pub fn about(study: &Study) -> String {
    let text = study.description.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() { study.source.clone() } else { text }
}

pub fn synthetic(command: &str) -> String {
    format!(
        "Nobody measured these data: a computer made them ({command}). They show how the program works and support no \
         statement about cells."
    )
}

pub fn ended(ended: Ended) -> &'static str {
    match ended {
        Ended::Complete => "complete",
        Ended::Time => "at the time limit, with the best so far",
        Ended::Evaluations => "at the limit of evaluations, with the best so far",
        Ended::Interrupted => "interrupted, with the best so far",
    }
}

/// What intervals hold for.
pub fn scope(study: &Study, problem: &Problem) -> String {
    match (&stated(study)[..], problem.between.is_empty()) {
        ([], _) => "within these data".into(),
        ([_], _) => "within this experiment".into(),
        (many, false) => format!("{} experiments", many.len()),
        (many, true) => format!("{} experiments taken as alike", many.len()),
    }
}

/// The experiments that the data name.
fn stated(study: &Study) -> Vec<&str> {
    study.experiments().into_iter().filter(|name| !name.is_empty()).collect()
}

/// What the study makes of its experiments.
fn experiments(study: &Study, problem: &Problem, fit: &FitResult) -> Option<Warning> {
    let count = stated(study).len();
    let (severity, title, text) = if count < 2 && !study.between.is_empty() {
        let text = "The study lets parameters differ between experiments and its data name fewer than two, so that nothing \
                    is known of the difference. Intervals hold within this experiment.";
        (Severity::Caution, "One experiment", text.to_string())
    } else if count == 1 {
        let text = "Intervals hold within this experiment. How far another day would be from it these data cannot say.";
        (Severity::Note, "One experiment", text.to_string())
    } else if count > 1 && problem.between.is_empty() {
        let text = format!(
            "The data name {count} experiments and the study takes their wells as of one: if days differ, intervals are too \
             narrow. Say in which parameter of the model they may, for instance [experiments] spread = {{ NAME = 0.2 }}."
        );
        (Severity::Caution, "Experiments are taken as alike", text)
    } else if problem.between.iter().zip(&fit.spreads).any(|(b, &sd)| b.bounds.is_some_and(|(_, upper)| sd >= upper)) {
        let text = "The spread between experiments is at its upper bound. They differ by more than the study allows, or in \
                    another parameter.";
        (Severity::Caution, "Experiments differ by more than allowed", text.to_string())
    } else {
        return None;
    };
    Some(Warning { severity, title: title.into(), text })
}

pub fn at_bounds(names: &[&str]) -> String {
    format!("{} at {}", names.join(", "), if names.len() == 1 { "its bound" } else { "their bounds" })
}

/// Parameters whose intervals rest on bounds of others, by those bounds.
fn leaning(fit: &FitResult) -> Vec<(Vec<&str>, Vec<&str>)> {
    let mut groups: Vec<(Vec<&str>, &[usize])> = Vec::new();
    for p in fit.identification.parameters.iter().filter(|p| p.interval.is_some() && !p.leans.is_empty()) {
        match groups.iter_mut().find(|group| group.1 == p.leans) {
            Some(group) => group.0.push(&p.name),
            None => groups.push((vec![&p.name], &p.leans)),
        }
    }
    let named = |dimensions: &[usize]| dimensions.iter().map(|&i| fit.names[i].as_str()).collect();
    groups.into_iter().map(|(names, bounds)| (names, named(bounds))).collect()
}

#[allow(clippy::too_many_arguments)]
pub fn warnings(
    study: &Study,
    problem: &Problem,
    fit: &FitResult,
    starts: &Starts,
    predictions: &[Prediction],
    effects: &[Effect],
    hidden: &[String],
    notes: &[String],
) -> Vec<Warning> {
    let endless = endless::at(problem, &fit.point);
    let mut warnings: Vec<Warning> =
        [edges::warning(&fit.names, &fit.edges), endless::warning(&endless)].into_iter().flatten().collect();
    let mut say = |severity, title: String, text: String| warnings.push(Warning { severity, title, text });
    if fit.ended != Ended::Complete {
        let text = "The same command without the limit goes on from here. Take nothing below as final.";
        say(Severity::Serious, format!("The fit ended {}", ended(fit.ended)), text.into());
    }
    let found = fit.optima.as_ref().filter(|_| endless.is_empty());
    if let Some(several) = optima::warning(&fit.names, found, "Curves are those of the first.") {
        say(several.severity, several.title, several.text);
    }
    let named = |verdict: Verdict| -> Vec<&str> {
        let parameters = fit.identification.parameters.iter();
        parameters.filter(|p| p.verdict == verdict).map(|p| p.name.as_str()).collect()
    };
    let open = named(Verdict::NotIdentified);
    if !open.is_empty() {
        let mut text = format!("{} can move without the data noticing.", open.join(", "));
        for direction in fit.identification.directions.iter().take(3) {
            text += &format!(" Free direction: {}.", direction.text.trim_end_matches('.'));
        }
        let title = format!("{} of {} parameters are not identified", open.len(), fit.estimated());
        say(Severity::Caution, title, text);
    }
    let prior = named(Verdict::Prior);
    if !prior.is_empty() {
        let title = format!("{} of {} parameters are known from their priors alone", prior.len(), fit.estimated());
        say(Severity::Note, title, format!("For {} the data say hardly more than the prior did.", prior.join(", ")));
    }
    let floor: Vec<&str> =
        problem.errors_at_floor(&problem.values(&fit.point)).into_iter().map(|at| fit.names[at].as_str()).collect();
    if !floor.is_empty() {
        let text = "The readings scatter by less than this error may be. If the bound is what the instrument justifies, it is a \
                    stated floor and all is well. If not, state an sd, lower the bound, or give it a prior.";
        say(Severity::Caution, format!("An error at its floor: {}", floor.join(", ")), text.into());
    }
    let bound: Vec<&str> = named(Verdict::AtBound)
        .into_iter()
        .filter(|name| !endless.iter().any(|own| own == name) && !floor.contains(name))
        .collect();
    if !bound.is_empty() {
        let text = "The optimum may lie outside. Widen the bounds if that is possible, or ask whether the model can \
                    explain the data at all.";
        say(Severity::Caution, format!("At a bound: {}", bound.join(", ")), text.into());
    }
    for (names, bounds) in leaning(fit) {
        let text = format!("In a wider box they would be others: {}.", names.join(", "));
        say(Severity::Caution, format!("Intervals that hold for {}", at_bounds(&bounds)), text);
    }
    if starts.refined == 1 && fit.ended == Ended::Complete {
        let text = "Only ends of several searches tell whether other optima explain the data as well; --method multistart has them.";
        say(Severity::Note, "One search: nothing is known of other optima".into(), text.into());
    }
    if starts.refined > 3 && starts.reached_best == 1 {
        let text = "No second start ended there, so a better optimum may exist. More starts (--starts) would tell.";
        say(Severity::Caution, "Only one start reached the best value".into(), text.into());
    }
    let residuals: Vec<f64> = predictions.iter().filter_map(|row| row.residual).collect();
    let far = residuals.iter().filter(|r| r.abs() > 3.0).count();
    if residuals.len() >= 10 && far * 20 > residuals.len() {
        let text = "More than 5 % of the readings lie over 3 standard deviations from the fit. Either the model is wrong \
                    or the noise is underestimated; intervals are then too narrow.";
        say(Severity::Serious, "The model does not describe the data".into(), text.into());
    }
    if let Some(ratio) = lack_of_fit(&study.data, predictions, fit.estimated()) {
        let text = format!(
            "Means of replicates lie further from the fit than replicates from one another (mean squares {} to 1). Noise that is \
             estimated hides this; no interval does. Another parameter or another model is needed{}.",
            short(ratio),
            if study.cells.is_none() {
                ", or cells that differ ([cells] spread), which grade a dose curve"
            } else {
                ""
            }
        );
        say(Severity::Serious, "The model misses the means of replicates".into(), text);
    }
    if fit.failed_points > 0 {
        let share = 100.0 * fit.failed_points as f64 / fit.evaluations.max(1) as f64;
        let severity = if share > 5.0 { Severity::Caution } else { Severity::Note };
        let title = format!("{} of {} evaluations failed ({share:.2} %)", fit.failed_points, fit.evaluations);
        say(severity, title, "They count as infinitely bad; the causes stand below.".into());
    }
    let beyond: Vec<String> = effects
        .iter()
        .filter(|e| e.measure == "EC50, absolute" && matches!(e.value, Quantity::Above { .. }))
        .map(|e| format!("{} at {} {}", e.condition, short(e.time), study.time_unit))
        .collect();
    if !beyond.is_empty() {
        let text = format!("{}: the fitted value stays above 0.5 at all doses tested.", beyond.join(", "));
        say(Severity::Note, "An EC50 lies beyond the highest dose".into(), text);
    }
    if !hidden.is_empty() {
        let text = format!("Left out: {}. All readings and fitted values are in predictions.csv.", hidden.join("; "));
        say(Severity::Note, "More was measured than is drawn".into(), text);
    }
    warnings.extend(experiments(study, problem, fit));
    warnings.extend(assumed(study, notes));
    warnings
}

/// What the study and the engine have to say themselves. The banner says already whether the data are synthetic.
fn assumed(study: &Study, notes: &[String]) -> Vec<Warning> {
    let note =
        |title: &str, text: &String| Warning { severity: Severity::Note, title: title.into(), text: text.clone() };
    let own =
        study.notes.iter().filter(|note| !note.contains("synthetic")).map(|text| note("Assumed on the way", text));
    own.chain(notes.iter().map(|text| note("From the engine", text))).collect()
}

/// Why statements in words have no figures of merit.
pub const NO_FIT: &str = "nothing was fitted: the data are statements in words";

/// The warnings for statements in words.
pub fn cautions(study: &Study, parameters: &[ParameterResult], notes: &[String]) -> Vec<Warning> {
    let text = "The data are statements in words, each one joint observation of bounds. What they teach is the difference \
                between prior and result below. There is no best fit, no standard error, no effective concentration and no \
                goodness of fit.";
    let mut warnings =
        vec![Warning { severity: Severity::Caution, title: "Nothing was fitted".into(), text: text.into() }];
    let untaught: Vec<&str> =
        (parameters.iter().filter(|p| p.verdict == "known from the prior")).map(|p| p.name.as_str()).collect();
    if !untaught.is_empty() {
        let title = format!("{} of {} results are the prior again", untaught.len(), estimated(parameters));
        let text = format!("The statement alone teaches hardly anything of {}.", untaught.join(", "));
        warnings.push(Warning { severity: Severity::Note, title, text });
    }
    warnings.extend(assumed(study, notes));
    warnings
}

fn estimated(parameters: &[ParameterResult]) -> usize {
    parameters.iter().filter(|p| p.estimated).count()
}

/// The headlines for statements in words.
pub fn agreement(found: &Statements, parameters: &[ParameterResult]) -> Vec<Headline> {
    let bounded = parameters.iter().filter(|p| p.verdict == "bounded by the statement").count();
    vec![
        Headline {
            label: "The priors alone agree".into(),
            value: format!("{} %", short(100.0 * found.agreement)),
            note: "probability of the statement under priors and model".into(),
        },
        Headline {
            label: "Bounded by the statement".into(),
            value: format!("{bounded} of {}", estimated(parameters)),
            note: "parameters; the others are as their priors say".into(),
        },
    ]
}

pub fn methods_of_statements(study: &Study, problem: &Problem, found: &Statements, run: &RunFacts) -> String {
    format!(
        "No data were fitted. With fenton {}, {} in words (each one joint observation of bounds with one shared error) {} set \
         against the model {} ({} states) and priors of {} parameters: {} points of a scrambled Sobol sequence were drawn from \
         the priors within their bounds and weighted by the likelihood of the statements, which left the worth of {:.0} points of \
         equal weight; a share of {} of the prior agrees with the statements. Results are weighted 2.5 %, 50 % and 97.5 % \
         quantiles, to be read beside those of the priors. Trajectories were integrated by {} at a relative tolerance of {:e} in \
         double precision. Seed {}.",
        run.version,
        if found.count == 1 { "one statement".to_string() } else { format!("{} statements", found.count) },
        if found.count == 1 { "was" } else { "were" },
        study.model,
        problem.program.states.len(),
        problem.parameters.len(),
        found.drawn,
        found.effective,
        short(found.agreement),
        run.integrator,
        run.rtol,
        run.seed,
    )
}

pub fn headlines(effects: &[Effect], fit: &FitResult, study: &Study, problem: &Problem, scope: &str) -> Vec<Headline> {
    let time_unit = &study.time_unit;
    let last = effects.iter().map(|effect| effect.time).fold(f64::NEG_INFINITY, f64::max);
    let mut headlines: Vec<Headline> = effects
        .iter()
        .filter(|effect| effect.measure == "EC50, absolute" && effect.time == last)
        .filter_map(|effect| {
            let unit = &effect.unit;
            let (value, note) = match &effect.value {
                Quantity::Value { value, interval } => (
                    format!("{} {unit}", short(*value)),
                    interval
                        .map_or(effect.note.clone(), |i| format!("95 % interval {} {unit}, {scope}", interval_text(i))),
                ),
                Quantity::Above { limit } => (format!("> {} {unit}", short(*limit)), "the highest dose tested".into()),
                Quantity::Below { limit } => (format!("< {} {unit}", short(*limit)), "the lowest dose tested".into()),
                Quantity::Several { .. } => ("several values".into(), effect.note.clone()),
                Quantity::Undefined => return None,
            };
            let label = format!("EC50, {}, {} {time_unit}", effect.condition, short(effect.time));
            Some(Headline { label, value, note })
        })
        .take(3)
        .collect();
    let endless = endless::at(problem, &fit.point);
    if let Some(found) = fit.optima.as_ref().filter(|found| found.several() && endless.is_empty()) {
        headlines.push(Headline {
            label: "Optima".into(),
            value: found.places.len().to_string(),
            note: "explain the data alike".into(),
        });
    }
    let identified = |p: &&inference::ParameterResult| p.verdict == Verdict::Identified && endless.is_empty();
    let identified = fit.identification.parameters.iter().filter(identified).count();
    headlines.push(Headline {
        label: "Identified".into(),
        value: format!("{identified} of {}", fit.estimated()),
        note: if problem.intervals_only() {
            "parameters, from bounds alone".into()
        } else {
            "estimated parameters".into()
        },
    });
    headlines
}

pub fn methods(study: &Study, problem: &Problem, fit: &FitResult, facts: &FitFacts, run: &RunFacts) -> String {
    let search = match fit.method {
        inference::Method::Multistart => format!(
            "From {} points of a scrambled Sobol sequence the best {} were refined together by a bounded trust region with \
             Fisher scoring on forward sensitivities; {} ended within {} of the best value",
            fit.scores.len(),
            fit.starts.len(),
            fit.reached(super::REACHED),
            super::REACHED
        ),
        inference::Method::Lbfgs => format!(
            "From {} points of a scrambled Sobol sequence the best {} were refined by a bounded limited-memory BFGS; {} ended \
             within {} of the best value",
            fit.scores.len(),
            fit.starts.len(),
            fit.reached(super::REACHED),
            super::REACHED
        ),
        inference::Method::Swarm => "The search was a particle swarm".into(),
        inference::Method::Cmaes => "The search was CMA-ES with restarts in growing populations".into(),
    };
    let cells = problem.cells.as_ref().map_or(String::new(), |cells| {
        format!(" Cell-to-cell spread was averaged over {} quasi-Monte Carlo nodes.", cells.count)
    });
    let cells = cells + &between(problem, fit);
    let synthetic = if study.synthetic.is_some() { " The data are synthetic." } else { "" };
    let optima = optima::methods(fit.optima.as_ref());
    format!(
        "The model {} ({} states) was fitted to {} observations by maximum a posteriori estimation of {} parameters with \
         fenton {}.{synthetic} {search}. Trajectories were integrated by {} at a relative tolerance of {:e} ({}, {}); reported \
         values were evaluated in double precision.{cells} {optima}Standard errors come from the Fisher information at the optimum \
         and are given, like intervals, only where its eigenvalues allow; 95 % intervals end where the profile likelihood \
         has risen by 1.92{}; bands and intervals of effective concentrations are quantiles of simulations at points drawn \
         from that information. Seed {}.",
        study.model,
        problem.program.states.len(),
        facts.observations,
        facts.estimated,
        run.version,
        run.integrator,
        run.rtol,
        run.engine,
        run.precision,
        open_ends(problem, fit) + &by_errors(fit),
        run.seed,
    )
}

/// How experiments were let differ.
fn between(problem: &Problem, fit: &FitResult) -> String {
    let one = |(between, sd): (&crate::study::problem::Between, &f64)| {
        let how = match between.bounds {
            Some(_) => "by restricted maximum likelihood",
            None => "as stated",
        };
        format!(
            " {} differed between {} experiments with a standard deviation of its logarithm of {} ({how}); in its interval \
             what differs between them has {} degrees of freedom (Student's t, Welch and Satterthwaite).",
            between.of,
            between.shifts.len(),
            short(*sd),
            between.shifts.len() - 1
        )
    };
    problem.between.iter().zip(&fit.spreads).map(one).collect()
}

/// Which intervals do not come from the likelihood.
fn by_errors(fit: &FitResult) -> String {
    let names: Vec<&str> = (fit.identification.parameters.iter())
        .filter(|p| p.interval.is_some() && p.basis == Basis::Normal)
        .map(|p| p.name.as_str())
        .collect();
    if names.is_empty() {
        return String::new();
    }
    let why = if fit.ended == Ended::Complete { "could not be followed" } else { "was not followed to its ends" };
    format!(" (1.96 standard errors either way for {}, whose likelihood {why})", names.join(", "))
}

/// Which intervals end on a bound because the likelihood gives that side no end.
fn open_ends(problem: &Problem, fit: &FitResult) -> String {
    let open = |(estimated, result): (&Estimated, &inference::ParameterResult)| {
        let (low, high) = result.interval.filter(|_| result.basis == Basis::Likelihood)?;
        let bounds = [estimated.lower, estimated.upper].map(|bound| estimated.scale.estimate(bound));
        let side = match [low <= bounds[0], high >= bounds[1]] {
            [true, true] => "both bounds",
            [true, false] => "the lower bound",
            [false, true] => "the upper bound",
            [false, false] => return None,
        };
        Some(format!("{side} of {}", estimated.name))
    };
    let open: Vec<String> = problem.parameters.iter().zip(&fit.identification.parameters).filter_map(open).collect();
    if open.is_empty() {
        return String::new();
    }
    format!(", or at {} where it does not", open.join(", "))
}
