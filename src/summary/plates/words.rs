//! What a report says in sentences.

use super::is_even;
use crate::curve::{Analysis, Curve, PooledNoise, Reading, Verdict, picture};
use crate::plate::{Assay, Layout, Limit, Readings, Role};
use crate::report::document::{Headline, Severity, Warning};
use crate::report::plates::PlateReport;
use crate::report::shown;

/// Percentiles over fewer experiments than this are said to be too narrow.
const ENOUGH_TO_RESAMPLE: usize = 8;

pub fn about(readings: &Readings, analysis: &Analysis) -> String {
    let layout = match readings.layout {
        Layout::Tidy => "tidy table",
        Layout::Wide => "wide table",
        Layout::Grid => "plate grid with a map",
    };
    let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let mut text = format!(
        "{}: a {layout} with {} on {} in {}, assay {}, read as {}.",
        readings.file,
        count(readings.readings.len(), "reading"),
        count(readings.plates.len(), "plate"),
        count(readings.experiments.len(), "independent experiment"),
        analysis.settings.assay.name(),
        analysis.settings.reading.name(),
    );
    for compound in readings.compounds.iter().filter(|c| c.basis.is_some()) {
        text += &format!(" Doses of {} are of {}.", compound.name, compound.basis.as_deref().unwrap_or_default());
    }
    if let Some(medium) = &readings.medium {
        text += &format!(" Medium: {medium}.");
    }
    text
}

pub fn noise(analysis: &Analysis) -> String {
    let percent = |variance: f64| shown((1000.0 * variance.sqrt()).round() / 10.0);
    match analysis.noise {
        PooledNoise::Overdispersion(phi) if phi > 0.0 => {
            format!("Counts scatter as binomial with overdispersion {} (Williams), pooled over all wells.", shown(phi))
        }
        PooledNoise::Overdispersion(_) => "Counts scatter no more than binomial.".into(),
        PooledNoise::Function(f) if f.proportional == 0.0 => {
            format!(
                "Wells scatter alike, by {} % of the vehicle; pooled over all groups of wells.",
                percent(f.additive)
            )
        }
        PooledNoise::Function(f) => format!(
            "Wells scatter by {} % of the vehicle at no signal and by {} % at the vehicle; one function of the mean, \
             pooled over all groups of wells.",
            percent(f.at(0.0)),
            percent(f.at(1.0))
        ),
    }
}

/// What limits one curve.
pub fn curve_notes(readings: &Readings, analysis: &Analysis, curve: &Curve) -> Vec<String> {
    let mut notes = Vec::new();
    if curve.verdict == Verdict::NoEffect
        && let Some(smallest) = curve.smallest_effect
    {
        let least = shown((1000.0 * smallest).ceil() / 10.0);
        notes.push(format!("an effect of less than {least} % at a single dose would not be seen"));
    }
    let bare = curve.series.doses_without_blank();
    if !bare.is_empty() {
        let list: Vec<String> = bare.iter().map(|dose| shown(*dose)).collect();
        notes.push(format!("no blank with the compound at {}", list.join(", ")));
    }
    if !curve.outliers.is_empty() {
        let lines: Vec<String> =
            curve.outliers.iter().take(6).map(|at| readings.readings[*at].line.to_string()).collect();
        let count = curve.outliers.len();
        let wells = if count == 1 { "1 well lies" } else { &format!("{count} wells lie") };
        notes.push(format!("{wells} far off the curve (line {})", lines.join(", ")));
    }
    let rises = curve.fit.as_ref().is_some_and(|fit| picture::parameters(fit)[2] > 1.0);
    if curve.verdict == Verdict::Effect && rises && analysis.settings.reading != Reading::GrowthRate {
        notes.push(
            "the signal rises with dose: no loss, or no measure of living cells (inhibition, a dead dye)?".into(),
        );
    }
    notes
}

pub fn warnings(
    readings: &Readings,
    analyses: &[Analysis],
    onsets: Option<&Analysis>,
    report: &PlateReport,
) -> Vec<Warning> {
    let mut out = Vec::new();
    let mut say = |severity: Severity, title: &str, text: String| {
        out.push(Warning { severity, title: title.into(), text });
    };
    let failures: Vec<String> = report
        .plates
        .iter()
        .flat_map(|plate| plate.failures.iter().map(move |failure| format!("plate {}: {failure}", plate.plate)))
        .collect();
    if !failures.is_empty() {
        let more = failures.len().saturating_sub(5);
        let rest = if more > 0 { format!("; and {more} more in the table of plates") } else { String::new() };
        let text = format!("{}{rest}.", failures[..failures.len() - more].join("; "));
        say(Severity::Serious, "Controls failed", text);
    }
    let Some(main) = analyses.first() else { return out };
    let coloured: Vec<&str> = without_colour_blanks(readings, main).collect();
    if !coloured.is_empty() {
        let text = format!(
            "{} absorbs and quenches light. Without wells that hold the compound and no cells at each dose, its colour \
             is taken for viability. Add such wells with the role blank and their dose.",
            coloured.join(", ")
        );
        say(Severity::Serious, "A coloured compound has no blanks of its own", text);
    }
    let limited = readings.readings.iter().filter(|r| r.limit != Limit::None).count();
    if limited > 0 {
        let text = format!(
            "{limited} readings at a limit of the instrument count as bounds: the curve has to lie beyond them. They are not drawn."
        );
        say(Severity::Note, "Readings at a limit", text);
    }
    if readings.experiments.len() == 1 {
        let why = if readings.experiments_stated {
            ""
        } else {
            " The file does not say which wells were repeated on another day; a column 'experiment' does."
        };
        let text = format!(
            "Intervals speak of the wells of this experiment. How far another day would differ cannot be told from one.{why}"
        );
        say(Severity::Caution, "One experiment", text);
    } else if readings.experiments.len() == 2 {
        let text =
            "With two experiments the difference between days rests on one degree of freedom; intervals are wide \
                    and a third experiment narrows them most."
                .into();
        say(Severity::Note, "Two experiments", text);
    }
    match main.settings.assay {
        Assay::Atp | Assay::Resazurin => {
            let text = "The signal is what living cells make, so a loss may be death, arrest, or less of it per cell. \
                        Growth of the vehicle counts as well: relative viability falls when cells merely stop dividing."
                .into();
            say(Severity::Note, "Metabolic activity, not death", text);
        }
        Assay::LiveCount => {
            let text = "Relative to a growing vehicle, arrest and death look alike.".into();
            say(Severity::Note, "Live cells alone do not show death", text);
        }
        _ => {}
    }
    let (draws, experiments) = (main.settings.resampling.draws, readings.experiments.len());
    if draws > 0 && experiments < ENOUGH_TO_RESAMPLE {
        let text = format!(
            "Percentiles over so few experiments are narrower than they say, because the same few days are drawn again and \
             again. Trust the intervals by profiles, which count the {experiments}."
        );
        say(Severity::Note, "Bootstrap of few experiments", text);
    }
    let outliers: usize = analyses.iter().chain(onsets).flat_map(|a| &a.curves).map(|c| c.outliers.len()).sum();
    if outliers > 0 {
        let wells = if outliers == 1 { "1 well lies".to_string() } else { format!("{outliers} wells lie") };
        let text = format!(
            "{wells} further off than chance allows. They are part of every number; the numbers without them stand beside."
        );
        say(Severity::Note, "Outlying wells", text);
    }
    for note in readings.notes.iter().filter(|note| !note.contains("synthetic")) {
        say(Severity::Note, "How the file was understood", note.clone());
    }
    out.sort_by_key(|warning| match warning.severity {
        Severity::Serious => 0,
        Severity::Caution => 1,
        Severity::Note => 2,
    });
    out
}

/// Compounds that colour the medium and were read without cells at no dose.
fn without_colour_blanks<'r>(readings: &'r Readings, analysis: &Analysis) -> impl Iterator<Item = &'r str> {
    const COLOURED: [&str; 8] =
        ["fac", "ferric", "iron citrate", "fecl3", "methylene blue", "phenazine", "doxorubicin", "resazurin"];
    let shares = analysis.settings.reading == Reading::FractionalViability;
    readings.compounds.iter().enumerate().filter_map(move |(at, compound)| {
        let name = compound.name.to_lowercase();
        let coloured = COLOURED.iter().any(|c| name == *c || c.len() > 3 && name.contains(c));
        let blank = |role: Role, doses: &[(usize, f64)]| role == Role::Blank && doses.iter().any(|(c, _)| *c == at);
        let has_blank = readings.readings.iter().any(|r| blank(r.role, &r.doses));
        (coloured && !has_blank && !shares).then_some(compound.name.as_str())
    })
}

pub fn headlines(report: &PlateReport) -> Vec<Headline> {
    let card = |label: String, value: String, note: String| Headline { label, value, note };
    let with_unit = |shown: &str, unit: &str| {
        if shown.contains(|c: char| c.is_ascii_digit()) {
            format!("{shown} {unit}").trim().to_string()
        } else {
            shown.to_string()
        }
    };
    // Further readings of the same wells stand in the table.
    let curves: Vec<_> = report.curves.iter().filter(|row| row.reading == report.reading).collect();
    let effects: Vec<_> = curves.iter().filter(|row| row.verdict == "effect").collect();
    if let [row] = &curves[..] {
        if row.verdict != "effect" {
            let p = row.p_value.map(|p| format!("p = {}", shown(p))).unwrap_or_default();
            return vec![card(format!("{} on {}", row.compound, row.cell_line), row.verdict.clone(), p)];
        }
        let percent = shown(100.0 * report.effect);
        return vec![
            card("EC50, relative".into(), with_unit(&row.ec50.shown, &row.unit), row.ec50.note.clone()),
            card(
                format!("Minimum effective dose ({percent} % effect)"),
                with_unit(&row.benchmark_dose.shown, &row.unit),
                row.benchmark_dose.note.clone(),
            ),
            card("Lower plateau".into(), row.floor.shown.clone(), row.floor.note.clone()),
            card("Experiments".into(), row.experiments.to_string(), format!("{} wells", row.wells)),
        ];
    }
    let mut cards = vec![card(
        "Curves with an effect".into(),
        format!("{} of {}", effects.len(), curves.len()),
        "at a false discovery rate of 5 %".into(),
    )];
    for row in effects.iter().take(3) {
        let label = format!("EC50 {} {} {}", row.compound, row.cell_line, row.background);
        cards.push(card(label.trim().into(), with_unit(&row.ec50.shown, &row.unit), row.ec50.note.clone()));
    }
    cards
}

pub fn methods(readings: &Readings, analyses: &[Analysis], onsets: bool) -> String {
    let Some(main) = analyses.first() else { return String::new() };
    let settings = &main.settings;
    let curve = if settings.no_floor { "three-parameter (lower plateau zero)" } else { "four-parameter" };
    let signal = match settings.reading {
        Reading::RelativeViability => {
            "Raw signals were modelled as blank + scale × f(dose), with a scale and, where blanks were read, a blank for each plate; blank and vehicle wells entered the likelihood as observations, so that no well was normalised beforehand."
        }
        Reading::FractionalViability => {
            "Live cells among all counted cells were modelled as v × f(dose) with v the live fraction of the vehicle of each plate, with binomial errors and overdispersion."
        }
        Reading::DeadShare => {
            "Dead-dye signals were modelled as blank + scale × (1 − v f(dose)); lysed wells (blank + scale) and vehicles entered the likelihood as observations."
        }
        Reading::GrowthRate => {
            "Signals were modelled as blank + scale × (1 + GR(dose))^n with the signal at the start and n doublings of the vehicle for each plate."
        }
    };
    let scatter = match main.noise {
        PooledNoise::Overdispersion(_) => "",
        _ if is_even(main) => " Wells were weighted equally.",
        _ => {
            " Wells were weighted by a variance function with an additive and a proportional part, pooled over all wells."
        }
    };
    let experiments = match readings.experiments.len() {
        1 => "All wells are of one experiment: intervals are 95 % profile likelihood intervals over wells.".to_string(),
        count => format!(
            "The location of the curve varied between the n = {count} independent experiments (restricted maximum \
             likelihood). Intervals are 95 % profile likelihood intervals whose threshold is scaled by a jackknife over \
             experiments and taken from Student's t with n − 1 degrees of freedom."
        ),
    };
    let resampling = match settings.resampling.draws {
        0 => String::new(),
        draws => {
            let what = if readings.experiments.len() > 1 { "experiments and, within them, of wells" } else { "wells" };
            format!(
                " Beside them stand percentile intervals of {draws} bootstrap draws of {what} (seed {}).",
                settings.resampling.seed
            )
        }
    };
    let onset = if onsets {
        " Lag-exponential death, LF(t) = LF0 + (P − LF0)(1 − exp(−k (t − D0))), was fitted to the readings over time of each dose."
    } else {
        ""
    };
    format!(
        "Dose-response curves were {curve} log-logistic functions f(d) = E + (1 − E)/(1 + (d/EC50)^h), fitted with fenton {} by \
         weighted least squares. {signal}{scatter} {experiments}{resampling} Curves were tested against a flat line by the best of a \
         family of contrasts with its simulated null distribution; p values were adjusted for the number of curves \
         (Benjamini-Hochberg). The minimum effective dose is the benchmark dose of a {} % extra effect over the vehicle.{onset}",
        env!("CARGO_PKG_VERSION"),
        shown(100.0 * settings.effect),
    )
}

pub fn references(onsets: bool) -> Vec<String> {
    let mut out = vec![
        "Ritz C, Baty F, Streibig JC, Gerhard D (2015) Dose-response analysis using R. PLoS ONE 10:e0146021".to_string(),
        "Bretz F, Pinheiro JC, Branson M (2005) Combining multiple comparisons and modeling techniques in dose-response studies. Biometrics 61:738".into(),
        "Zhang JH, Chung TDY, Oldenburg KR (1999) A simple statistical parameter for use in evaluation and validation of high throughput screening assays. J Biomol Screen 4:67".into(),
    ];
    if onsets {
        out.push("Forcina GC, Conlon M, Wells A, Cao JY, Dixon SJ (2017) Systematic quantification of population cell death kinetics in mammalian cells. Cell Systems 4:600".into());
    }
    out
}
