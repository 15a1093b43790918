//! From profile likelihoods to a report.

use super::{SEVERAL, edges, endless, optima, references, words};
use crate::Result;
use crate::inference::{Ended, Label, PathEnd, Profile, Profiles, Side, StudyObjective};
use crate::report::document::{Headline, RunFacts, Severity, Warning};
use crate::report::profiles::{Facts, Point, Profiled, ProfilesReport};
use crate::report::{interval_text, shown};
use crate::study::problem::{Estimated, Problem};
use crate::study::{Prior, Study};
use std::collections::BTreeSet;

/// Learned less than this: the prior determines it.
const TAUGHT: f64 = 0.1;
/// A standard error is given if its interval's ends are as near as this to the profile's, in half-widths.
const AGREES: f64 = 0.2;
/// Points of a curve that has a formula.
const GRID: usize = 96;

const IDENTIFIABLE: &str = "practically identifiable";
const PRIOR: &str = "known from the prior";
const ONE_SIDED: &str = "one-sided";
const NOT_IDENTIFIABLE: &str = "not identifiable";
const UNDECIDED: &str = "undecided";
/// What of several optima is shown.
const FROM_EACH: &str =
    "Profiles were followed from each: a profile is the lowest over them, and an interval may be in pieces.";
const NOT_JUDGED: &str = "not judged";

/// The report on the `profiles` of `objective`. `study` has the priors, which an objective for the likelihood alone has not
/// (`likelihood`); `run` says how, and `notes` are what the engine has to tell.
///
/// # Errors
/// Those of the engine.
pub fn document(
    study: &Study,
    objective: &StudyObjective,
    profiles: &Profiles,
    likelihood: bool,
    run: RunFacts,
    notes: &[String],
) -> Result<ProfilesReport> {
    let problem = objective.problem();
    let priors = study.problem().priors(&profiles.spreads);
    let scope = words::scope(study, problem);
    let no_maximum = endless::at(problem, &profiles.point);
    let mut parameters: Vec<Profiled> = profiles
        .profiles
        .iter()
        .map(|profile| profiled(objective, profiles, profile, priors[profile.parameter], likelihood))
        .collect();
    if !no_maximum.is_empty() {
        parameters.iter_mut().for_each(not_judged);
    }
    // Without a maximum there are no optima either.
    let found = profiles.optima.as_ref().filter(|_| no_maximum.is_empty());
    let ties = ties(profiles);
    let facts = facts(problem, profiles, &parameters);
    Ok(ProfilesReport {
        title: study.title.clone(),
        study: words::about(study),
        model: study.model.clone(),
        synthetic: study.synthetic.as_ref().map(|command| words::synthetic(command)),
        failures_decide: edges::edges(&profiles.names, &profiles.edges),
        warnings: (endless::warning(&no_maximum).into_iter())
            .chain(optima::warning(&profiles.names, found, FROM_EACH))
            .chain(warnings(profiles, &parameters, &ties, notes))
            .collect(),
        headlines: if no_maximum.is_empty() { headlines(&parameters) } else { Vec::new() },
        no_maximum,
        complete: profiles.ended == Ended::Complete,
        of: if likelihood { "likelihood" } else { "posterior" }.into(),
        objective: profiles.value,
        methods: methods(study, problem, profiles, likelihood, &facts, &run),
        scope,
        ties,
        optima: optima::optima(problem, found),
        better: profiles.better.clone(),
        references: references(study),
        names: profiles.names.clone(),
        logarithmic: problem.parameters.iter().map(|p| p.scale == crate::study::Scale::Log10).collect(),
        bounds: problem.parameters.iter().map(|p| (p.lower, p.upper)).collect(),
        parameters,
        facts,
        run,
    })
}

fn profiled(
    objective: &StudyObjective,
    profiles: &Profiles,
    profile: &Profile,
    prior: Prior,
    likelihood: bool,
) -> Profiled {
    let problem = objective.problem();
    let at = profile.parameter;
    let parameter = &problem.parameters[at];
    let &Estimated { scale, lower, upper, .. } = parameter;
    let (low, high) = (scale.estimate(lower), scale.estimate(upper));
    let ends = profile.ends();
    let quantile = |share: f64| prior.quantile_within(share, scale, lower, upper);
    let (before, after) = (quantile(0.975) - quantile(0.025), ends[1].unwrap_or(high) - ends[0].unwrap_or(low));
    let whole = profile.label() != Label::Undecided;
    let shrinkage = (prior != Prior::Flat && !likelihood && whole).then(|| 1.0 - after / before);
    let [from, to] = ends.map(|end| end.map(|end| scale.value(end)));
    let pieces: Vec<[Option<f64>; 2]> =
        profile.pieces().into_iter().map(|piece| piece.map(|end| end.map(|end| scale.value(end)))).collect();
    let several = profiles.optima.as_ref().is_some_and(|found| found.differ.contains(&at)) || pieces.len() > 1;
    let label = match profile.label() {
        Label::Undecided => UNDECIDED,
        _ if several => SEVERAL,
        Label::Identifiable if shrinkage.is_some_and(|shrinkage| shrinkage < TAUGHT) => PRIOR,
        Label::Identifiable => IDENTIFIABLE,
        Label::AtLeast | Label::AtMost => ONE_SIDED,
        Label::NotIdentifiable => NOT_IDENTIFIABLE,
    };
    let known = match (from, to, whole) {
        _ if pieces.len() > 1 => in_pieces(&pieces, whole),
        (Some(from), Some(to), _) => interval_text((from, to)),
        (Some(from), None, true) => format!("at least {}", shown(from)),
        (None, Some(to), true) => format!("at most {}", shown(to)),
        (None, None, true) => "anywhere within its bounds".into(),
        (Some(from), None, false) => format!("at least {}, upper side unknown", shown(from)),
        (None, Some(to), false) => format!("at most {}, lower side unknown", shown(to)),
        (None, None, false) => "unknown".into(),
    };
    let wald = match several {
        true => Err("it differs between optima".to_string()),
        false => wald(profiles, profile, (low, high)),
    };
    let points = points(objective, profiles, profile);
    let estimates: Vec<f64> = profile.branches().flatten().flat_map(|s| &s.points).map(|p| p.point[at]).collect();
    let (first, last) = estimates.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(*x), h.max(*x)));
    let grid = |from: f64, to: f64| (0..=GRID).map(move |i| from + (to - from) * i as f64 / GRID as f64);
    let estimate = profiles.point[at];
    let parabola = wald.as_ref().map_or(Vec::new(), |error| {
        let curve = grid(first, last).map(|x| (scale.value(x), 0.5 * ((x - estimate) / error).powi(2)));
        curve.collect()
    });
    // Its lowest place within the bounds is where it begins to rise.
    let prior_of = |x: f64| prior.negative_log(x, scale).0;
    let least = grid(low, high).map(prior_of).fold(f64::INFINITY, f64::min);
    let flat = prior == Prior::Flat || grid(low, high).all(|x| prior_of(x) - least < 1e-9);
    Profiled {
        name: parameter.name.clone(),
        unit: parameter.unit.clone(),
        scale: scale.name().into(),
        value: scale.value(estimate),
        bounds: (lower, upper),
        label: label.into(),
        known,
        lower: from,
        upper: to,
        pieces,
        ends: [end(profiles, profile, 0), end(profiles, profile, 1)],
        limit: profile.limit,
        standard_error: wald.as_ref().ok().copied(),
        wald: wald.as_ref().ok().map(|error| {
            let reach = profiles.identification.parameters[at].reach * error;
            (scale.value((estimate - reach).max(low)), scale.value((estimate + reach).min(high)))
        }),
        no_wald: wald.err().unwrap_or_default(),
        prior: prior.describe(),
        prior_interval: (scale.value(quantile(0.025)), scale.value(quantile(0.975))),
        shrinkage,
        unsettled: points.iter().filter(|point| !point.optimised).count(),
        source: parameter.source.clone(),
        points,
        parabola,
        prior_curve: match flat || first >= last {
            true => Vec::new(),
            false => grid(first, last).map(|x| (scale.value(x), prior_of(x) - least)).collect(),
        },
    }
}

/// Where the likelihood has no maximum a path is one from where the search happened to stop.
fn not_judged(profiled: &mut Profiled) {
    profiled.label = NOT_JUDGED.into();
    profiled.known = "no interval: the likelihood has no maximum".into();
    profiled.no_wald = "there is no optimum".into();
    (profiled.lower, profiled.upper, profiled.standard_error, profiled.wald) = (None, None, None, None);
    profiled.shrinkage = None;
    profiled.pieces.clear();
    profiled.parabola.clear();
}

/// "0.12 to 0.18 or 0.8 to 1.1"; a side without an end goes to its bound.
fn in_pieces(pieces: &[[Option<f64>; 2]], whole: bool) -> String {
    let text = |piece: &[Option<f64>; 2]| match *piece {
        [Some(from), Some(to)] => interval_text((from, to)),
        [Some(from), None] => format!("at least {}", shown(from)),
        [None, Some(to)] => format!("at most {}", shown(to)),
        [None, None] => "anywhere".into(),
    };
    let text = pieces.iter().map(text).collect::<Vec<_>>().join(" or ");
    if whole { text } else { format!("{text}, not all sides known") }
}

/// From the lowest value to the highest, the optimum once; of several optima those that are lowest.
fn points(objective: &StudyObjective, profiles: &Profiles, profile: &Profile) -> Vec<Point> {
    let stretches = profile.envelope().into_iter().enumerate();
    let all = stretches.flat_map(|(stretch, points)| points.into_iter().map(move |point| (stretch, point)));
    all.map(|(stretch, point)| {
        let values = objective.problem().values(&point.point);
        Point {
            own: values[profile.parameter],
            values,
            objective: point.value,
            delta: point.value - profiles.value,
            nllh: point.value - objective.prior(&point.point).0,
            optimised: point.settled,
            stretch,
        }
    })
    .collect()
}

/// The standard error, if its interval is nearly that of the profile; else why not.
fn wald(profiles: &Profiles, profile: &Profile, (low, high): (f64, f64)) -> Result<f64, String> {
    let result = &profiles.identification.parameters[profile.parameter];
    let [Some(from), Some(to)] = profile.ends() else {
        let why = if profile.label() == Label::Undecided {
            "a side was not followed to its end"
        } else {
            "the profile has an open side"
        };
        return Err(why.into());
    };
    let Some(error) = result.standard_error else {
        return Err("the information at the optimum is flat or the optimum stands on a bound".into());
    };
    let reach = result.reach * error;
    let half = 0.5 * (to - from);
    let off = |own: f64, end: f64| (own.clamp(low, high) - end).abs() / half;
    let worst = off(result.value - reach, from).max(off(result.value + reach, to));
    match worst <= AGREES {
        true => Ok(error),
        false => Err(format!("its interval would miss an end by {:.0} % of the half-width", 100.0 * worst)),
    }
}

/// Why a side ended.
fn end(profiles: &Profiles, profile: &Profile, side: usize) -> String {
    let Side { end, settled, points, leans, .. } = profile.outermost(side);
    let bound = ["lower bound", "upper bound"][side];
    match end {
        PathEnd::Crossed if *settled && !leans.is_empty() => {
            let names: Vec<&str> = leans.iter().map(|&i| profiles.names[i].as_str()).collect();
            format!("crossed, for {}", words::at_bounds(&names))
        }
        PathEnd::Crossed if *settled => "crossed".into(),
        PathEnd::Crossed => "crossed, beside points that were not optimised".into(),
        PathEnd::Bound if points.len() == 1 => format!("the optimum stands on the {bound}"),
        PathEnd::Bound => format!("open to the {bound}"),
        PathEnd::Held => {
            let last = points.last().map_or(&profiles.point, |point| &point.point);
            let first = &profiles.point;
            // What the path ran into: parameters that no longer move at its end and did before.
            let before = points.len().checked_sub(2).map_or(first, |at| &points[at].point);
            let stuck =
                (0..last.len()).filter(|&i| i != profile.parameter && last[i] == before[i] && last[i] != first[i]);
            let names: Vec<&str> = stuck.map(|i| profiles.names[i].as_str()).collect();
            match names.is_empty() {
                true => "open: only bounds of others end it".into(),
                false => format!("open: only the bound of {} ends it", names.join(", ")),
            }
        }
        PathEnd::Failed => "not known: evaluations fail there".into(),
        PathEnd::Lost => "could not be followed further".into(),
        PathEnd::Stopped => "not followed to its end".into(),
    }
}

/// What paths show, and what the information shows beside it.
fn ties(profiles: &Profiles) -> Vec<String> {
    let mut texts: Vec<String> = profiles.ties.iter().map(|tie| tie.text.clone()).collect();
    for direction in &profiles.identification.directions {
        let dimensions = |changes: &[(usize, f64)]| changes.iter().map(|change| change.0).collect::<Vec<_>>();
        let known = dimensions(&direction.changes);
        if !profiles.ties.iter().any(|tie| dimensions(&tie.changes) == known) && !texts.contains(&direction.text) {
            texts.push(direction.text.clone());
        }
    }
    texts
}

fn facts(problem: &Problem, profiles: &Profiles, parameters: &[Profiled]) -> Facts {
    let lanes =
        (profiles.evaluations + profiles.expansions) * (problem.layout.runs.len() * problem.cell_count()) as u64;
    Facts {
        optimum: match profiles.starts {
            Some([scored, refined, reached]) => {
                format!("{scored} starts scored, {refined} refined, {reached} reached the best value")
            }
            None => "that of an earlier fit, refined".into(),
        },
        points: parameters.iter().map(|p| p.points.len()).sum(),
        expansions: profiles.expansions,
        lanes,
        seconds: profiles.seconds,
        lanes_per_second: if profiles.seconds > 0.0 { lanes as f64 / profiles.seconds } else { 0.0 },
        failed_points: profiles.failed_points,
        failures: profiles.failures.iter().map(|(status, count)| (status.advice().to_string(), *count)).collect(),
    }
}

fn headlines(parameters: &[Profiled]) -> Vec<Headline> {
    let notes = [
        (IDENTIFIABLE, "both ends within the bounds, under this model and this noise"),
        (PRIOR, "the data say hardly more than the prior did"),
        (ONE_SIDED, "a lower or an upper end alone"),
        (SEVERAL, "another value, or another interval, at each of them"),
        (NOT_IDENTIFIABLE, "no end within the bounds, under this model and this noise"),
        (UNDECIDED, "a side was not followed to its end"),
        (NOT_JUDGED, "the likelihood has no maximum"),
    ];
    let card = |(label, note): (&str, &str)| {
        let count = parameters.iter().filter(|p| p.label == label).count();
        let mut name = label.to_string();
        name[..1].make_ascii_uppercase();
        let wanted = count > 0 || label == IDENTIFIABLE;
        wanted.then(|| Headline { label: name, value: format!("{count} of {}", parameters.len()), note: note.into() })
    };
    notes.into_iter().filter_map(card).collect()
}

fn warnings(profiles: &Profiles, parameters: &[Profiled], ties: &[String], notes: &[String]) -> Vec<Warning> {
    let mut warnings: Vec<Warning> = edges::warning(&profiles.names, &profiles.edges).into_iter().collect();
    let mut say = |severity, title: String, text: String| warnings.push(Warning { severity, title, text });
    if profiles.ended != Ended::Complete {
        let sides = || profiles.profiles.iter().flat_map(|profile| profile.branches().flatten());
        let whole = sides().filter(|side| side.end != PathEnd::Stopped).count();
        let text = format!(
            "{whole} of {} sides were followed to their ends, the others as far as drawn. The same command without the limit \
             goes on from here.",
            sides().count()
        );
        say(Severity::Serious, "The profiles are partial".into(), text);
    }
    if let (Some((first, _)), Some((_, last))) = (profiles.better.first(), profiles.better.last()) {
        let text = format!(
            "A profile met a lower value than the fit had found: the search went on from there, and all profiles begin at the \
             better optimum (objective {last:.4}, before {first:.4}). The fit had too few starts; more of them may find a better \
             one still."
        );
        say(Severity::Caution, "A better optimum than that of the fit was found".into(), text.replace('-', "−"));
    }
    let named = |label: &str| -> Vec<&str> {
        parameters.iter().filter(|p| p.label == label).map(|p| p.name.as_str()).collect()
    };
    let open = named(NOT_IDENTIFIABLE);
    if !open.is_empty() {
        let mut text =
            format!("{} can go anywhere within the bounds, under this model and this noise.", open.join(", "));
        for tie in ties.iter().take(3) {
            text += &format!(" Free direction: {tie}.");
        }
        say(Severity::Caution, format!("{} of {} are not identifiable", open.len(), parameters.len()), text);
    }
    for p in parameters.iter().filter(|p| p.label == ONE_SIDED) {
        let [lower, upper] = &p.ends;
        let text = format!(
            "Under this model and this noise {} is {}; lower side {lower}, upper side {upper}.",
            p.name, p.known
        );
        say(Severity::Note, format!("{} has one end", p.name), text);
    }
    let prior = named(PRIOR);
    if !prior.is_empty() {
        let text = format!(
            "For {} the data say hardly more than the prior did. --likelihood shows what they say alone.",
            prior.join(", ")
        );
        say(Severity::Note, format!("{} of {} are known from the prior", prior.len(), parameters.len()), text);
    }
    for p in parameters.iter().filter(|p| p.label == UNDECIDED && profiles.ended == Ended::Complete) {
        let text = format!(
            "Lower side {}, upper side {}. Nothing is claimed beyond the points that are drawn.",
            p.ends[0], p.ends[1]
        );
        say(Severity::Caution, format!("{} is undecided", p.name), text);
    }
    let estimate = edges::of_estimate(&profiles.edges);
    let leaning: Vec<&str> = (profiles.profiles.iter().zip(parameters))
        .filter(|(profile, _)| profile.branches().flatten().any(|side| !side.leans.is_empty() && !estimate))
        .map(|(_, p)| p.name.as_str())
        .collect();
    if !leaning.is_empty() {
        let bounds: BTreeSet<usize> = profiles
            .profiles
            .iter()
            .flat_map(|p| p.branches().flatten())
            .flat_map(|s| s.leans.iter().copied())
            .collect();
        let bounds: Vec<&str> = bounds.into_iter().map(|i| profiles.names[i].as_str()).collect();
        let text = format!("In a wider box they would be others: {}.", leaning.join(", "));
        say(Severity::Caution, format!("Intervals that hold for {}", words::at_bounds(&bounds)), text);
    }
    let unsettled: Vec<String> =
        parameters.iter().filter(|p| p.unsettled > 0).map(|p| format!("{} ({})", p.name, p.unsettled)).collect();
    if !unsettled.is_empty() {
        let text = format!(
            "At some points of {} the other parameters could not be brought to their best, other places tried as well. The \
             profile may run lower there, and the interval be wider.",
            unsettled.join(", ")
        );
        say(Severity::Caution, "Points that were not optimised".into(), text);
    }
    for note in notes {
        say(Severity::Note, "From the engine".into(), note.clone());
    }
    warnings
}

fn methods(
    study: &Study,
    problem: &Problem,
    profiles: &Profiles,
    likelihood: bool,
    facts: &Facts,
    run: &RunFacts,
) -> String {
    format!(
        "Profile likelihoods (Raue et al. 2009) of {} of the {} parameters of {} were followed with fenton {} from {} of \
         {}: each parameter was moved outwards in steps that raise the objective by a tenth to a half, predicted along the tangent \
         of the path, and the others were re-optimised by damped Gauss-Newton steps at each of {} points. 95 % intervals end where \
         the objective has risen by half the 95 % quantile of chi-squared with one degree of freedom (1.92){}. Trajectories were \
         integrated by {} in double precision at a relative tolerance of {:e}. Seed {}.",
        profiles.profiles.len(),
        profiles.names.len(),
        study.model,
        run.version,
        if profiles.optima.as_ref().is_some_and(|found| found.several()) { "each optimum" } else { "the optimum" },
        if likelihood {
            "the likelihood without the priors, within the bounds"
        } else {
            "the likelihood and the priors"
        },
        facts.points,
        match problem.between.is_empty() {
            true => "",
            false => ", or half the square of Student's t where few experiments differ",
        },
        run.integrator,
        run.rtol,
        run.seed
    )
}
