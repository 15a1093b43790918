//! Readings and curves over dose and over time.

use super::curves::{Model, Predicted, middle};
use crate::Result;
use crate::report::document::{Chart, CurvePoint, Point, Series};
use crate::study::design::{Request, When};
use crate::study::problem::Term;
use crate::study::{Datum, ReadAt, Seen, Study};

/// Steps of a curve over the doses tested.
const DOSE_STEPS: usize = 60;
/// Steps of a curve over time.
const TIME_STEPS: usize = 96;
/// More lines than this in one picture cannot be told apart.
const MOST_SERIES: usize = 8;
/// More pictures of one kind than this are not looked at.
const MOST_CHARTS: usize = 4;

/// A curve over dose with its derivatives: what effective concentrations are read from.
pub struct Trace {
    /// Which picture, and which of its series.
    pub chart: usize,
    pub series: usize,
    pub label: String,
    /// In the study's unit; of a parameter its fitted value.
    pub time: f64,
    pub observable: usize,
    pub compound: usize,
    pub doses: Vec<f64>,
    pub predicted: Vec<Predicted>,
}

/// Rows that one line belongs to.
struct Line<'s> {
    condition: usize,
    /// Of the other compounds; 0 for the one on the axis.
    doses: Vec<f64>,
    data: Vec<&'s Datum>,
}

/// One picture for each observable and time, with the curves for further use.
pub fn over_dose(study: &Study, model: &Model) -> Result<(Vec<Chart>, Vec<Trace>)> {
    let (mut charts, mut traces) = (Vec::new(), Vec::new());
    let Some(compound) = main_compound(study) else { return Ok((charts, traces)) };
    for observable in 0..study.observables.len() {
        let data = || study.data.iter().filter(move |d| d.observable == observable && !d.blank);
        let mut times: Vec<ReadAt> = Vec::new();
        for datum in data().filter(|d| !matches!(d.time, ReadAt::Between(..))) {
            if !times.contains(&datum.time) {
                times.push(datum.time);
            }
        }
        times.sort_by(|a, b| hours(*a, model, study).total_cmp(&hours(*b, model, study)));
        times.retain(|&time| distinct(data().filter(|d| d.time == time).map(|d| d.doses[compound])).len() > 1);
        for time in spread(times, MOST_CHARTS) {
            let rows: Vec<&Datum> = data().filter(|d| d.time == time).collect();
            let lines = spread(lines(&rows, |doses| doses[compound] = 0.0), MOST_SERIES);
            let mut series = Vec::new();
            for line in &lines {
                let doses = dose_grid(&line.data.iter().map(|d| d.doses[compound]).collect::<Vec<_>>());
                let requests: Vec<Request> = doses
                    .iter()
                    .map(|&dose| {
                        let mut all = line.doses.clone();
                        all[compound] = dose;
                        like(line.data[0], study, model, all, None)
                    })
                    .collect();
                let predicted = model.predict(&requests)?.unwrap_or_default();
                let label = label(study, line, lines.len());
                series.push(Series {
                    label: label.clone(),
                    rank: None,
                    points: points(&line.data, |datum| datum.doses[compound]),
                    curve: curve(&doses, &predicted),
                    mark: None,
                });
                if !predicted.is_empty() {
                    let time = hours(time, model, study);
                    let (chart, series) = (charts.len(), series.len() - 1);
                    traces.push(Trace { chart, series, label, time, observable, compound, doses, predicted });
                }
            }
            let at = format!("{} {}", short(hours(time, model, study)), study.time_unit);
            let reading = reading(study, observable);
            let when = match time {
                ReadAt::Parameter(_) => format!("at the read-out time (fitted: {at})"),
                _ => format!("at {at}"),
            };
            charts.push(Chart {
                title: capital(&format!("{reading} {when}")),
                x_label: study.compounds[compound].name.clone(),
                x_unit: study.compounds[compound].unit.clone(),
                x_is_dose: true,
                y_label: reading,
                y_unit: String::new(),
                caption: dose_caption(&series),
                series,
            });
        }
    }
    Ok((charts, traces))
}

/// One picture for each observable and condition.
pub fn over_time(study: &Study, model: &Model) -> Result<Vec<Chart>> {
    let mut charts = Vec::new();
    let compound = main_compound(study);
    for observable in 0..study.observables.len() {
        let mut shown = 0;
        for (condition, described) in study.conditions.iter().enumerate() {
            let timed = |d: &&Datum| matches!(d.time, ReadAt::Time(_)) && !d.blank;
            let rows: Vec<&Datum> = study
                .data
                .iter()
                .filter(|d| d.observable == observable && d.condition == condition)
                .filter(timed)
                .collect();
            let times = distinct(rows.iter().map(|d| hours(d.time, model, study)));
            if times.len() < 3 || shown == MOST_CHARTS {
                continue;
            }
            shown += 1;
            let mut all = lines(&rows, |_| ());
            if let Some(compound) = compound {
                all.sort_by(|a, b| a.doses[compound].total_cmp(&b.doses[compound]));
            }
            let ordered = compound.is_some_and(|c| all.windows(2).all(|pair| pair[0].doses[c] < pair[1].doses[c]));
            let lines = spread(all, MOST_SERIES);
            let first = times[0].min(0.0);
            let last = times[times.len() - 1];
            let grid: Vec<f64> =
                (0..=TIME_STEPS).map(|i| first + (last - first) * i as f64 / TIME_STEPS as f64).collect();
            let mut series = Vec::new();
            for (at, line) in lines.iter().enumerate() {
                let requests: Vec<Request> =
                    grid.iter().map(|&time| like(line.data[0], study, model, line.doses.clone(), Some(time))).collect();
                let predicted = model.predict(&requests)?.unwrap_or_default();
                series.push(Series {
                    label: match compound {
                        Some(c) if ordered => format!("{} {}", short(line.doses[c]), study.compounds[c].unit),
                        _ => study.describe(condition, &line.doses),
                    },
                    rank: ordered.then(|| at as f64 / (lines.len() - 1).max(1) as f64),
                    points: points(&line.data, |datum| hours(datum.time, model, study)),
                    curve: curve(&grid, &predicted),
                    mark: None,
                });
            }
            let reading = reading(study, observable);
            let name = if described.name.is_empty() { String::new() } else { format!(", {}", described.name) };
            let of = compound
                .filter(|_| ordered)
                .map(|c| format!(" One line for each dose of {}.", study.compounds[c].name));
            charts.push(Chart {
                title: capital(&format!("{reading} over time{name}")),
                x_label: "time".into(),
                x_unit: study.time_unit.clone(),
                x_is_dose: false,
                y_label: reading,
                y_unit: String::new(),
                caption: format!("Readings and fitted model with its 95 % band.{}", of.unwrap_or_default()),
                series,
            });
        }
    }
    Ok(charts)
}

/// The compound with the most doses.
pub fn main_compound(study: &Study) -> Option<usize> {
    let count = |c: usize| distinct(study.data.iter().map(|d| d.doses[c]).filter(|&dose| dose > 0.0)).len();
    let best = (0..study.compounds.len()).max_by_key(|&c| (count(c), std::cmp::Reverse(c)))?;
    (count(best) > 0).then_some(best)
}

/// The time of a reading in the study's unit.
pub fn hours(time: ReadAt, model: &Model, study: &Study) -> f64 {
    match time {
        ReadAt::Time(time) => time,
        ReadAt::Between(_, until) => until,
        ReadAt::Parameter(i) => {
            let parameter = &study.parameters[i];
            let fitted = model.problem.parameters.iter().position(|p| p.name == parameter.name);
            fitted.map_or(parameter.value, |at| model.values[at])
        }
    }
}

/// The name of what is read, for axes.
pub fn reading(study: &Study, observable: usize) -> String {
    let observable = &study.observables[observable];
    match observable.reading {
        crate::study::Kind::Other => observable.name.clone(),
        kind => kind.name().to_string(),
    }
}

/// A request like the one that a row of the data made, at another dose or time.
fn like(datum: &Datum, study: &Study, model: &Model, doses: Vec<f64>, time: Option<f64>) -> Request {
    let row = study.data.iter().position(|d| std::ptr::eq(d, datum));
    let terms = row.and_then(|row| model.problem.layout.predictions.get(row));
    let (offset, scale) =
        terms.map_or((Term::number(0.0), Term::number(1.0)), |terms| (terms.offset.clone(), terms.scale.clone()));
    let time = time.unwrap_or_else(|| hours(datum.time, model, study)) * study.time_factor;
    Request { condition: datum.condition, doses, observable: datum.observable, time: When::At(time), offset, scale }
}

fn lines<'s>(rows: &[&'s Datum], without: impl Fn(&mut Vec<f64>)) -> Vec<Line<'s>> {
    let mut lines: Vec<Line> = Vec::new();
    for &datum in rows {
        let mut doses = datum.doses.clone();
        without(&mut doses);
        match lines.iter_mut().find(|line| line.condition == datum.condition && line.doses == doses) {
            Some(line) => line.data.push(datum),
            None => lines.push(Line { condition: datum.condition, doses, data: vec![datum] }),
        }
    }
    lines
}

fn label(study: &Study, line: &Line, lines: usize) -> String {
    let name = &study.conditions[line.condition].name;
    if lines == 1 && line.doses.iter().all(|&dose| dose == 0.0) && name.is_empty() {
        return main_compound(study).map_or("fit".into(), |compound| study.compounds[compound].name.clone());
    }
    study.describe(line.condition, &line.doses)
}

/// Means of the rows at the same x.
fn points(data: &[&Datum], x: impl Fn(&Datum) -> f64) -> Vec<Point> {
    distinct(data.iter().map(|d| x(d)))
        .into_iter()
        .flat_map(|place| {
            let here: Vec<&&Datum> = data.iter().filter(|d| x(d) == place).collect();
            let values: Vec<f64> =
                here.iter().filter_map(|d| if let Seen::Value(v) = d.value { Some(v) } else { None }).collect();
            let mut points: Vec<Point> = here
                .iter()
                .filter_map(|d| if let Seen::Interval(low, high) = d.value { Some((low, high)) } else { None })
                .map(|(low, high)| Point {
                    x: place,
                    interval: Some((low.max(0.0), if high.is_finite() { high } else { low.max(1.2) })),
                    ..Point::default()
                })
                .collect();
            if !values.is_empty() {
                let mean = values.iter().sum::<f64>() / values.len() as f64;
                let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
                let sd = if values.len() > 1 {
                    Some((squares / (values.len() - 1) as f64).sqrt())
                } else {
                    here.iter().find_map(|d| d.sd)
                };
                points.push(Point { x: place, value: Some(mean), sd, replicates: values, interval: None });
            }
            points
        })
        .collect()
}

fn curve(xs: &[f64], predicted: &[Predicted]) -> Vec<CurvePoint> {
    let points = xs.iter().zip(predicted);
    points.map(|(&x, p)| CurvePoint { x, value: p.value, band: middle(&p.draws) }).collect()
}

/// Zero if it was tested, then logarithmic steps from the lowest to the highest dose.
fn dose_grid(tested: &[f64]) -> Vec<f64> {
    let tested = distinct(tested.iter().copied());
    let positive: Vec<f64> = tested.iter().copied().filter(|&dose| dose > 0.0).collect();
    let mut grid: Vec<f64> = tested.first().copied().filter(|&dose| dose == 0.0).into_iter().collect();
    if let (Some(&low), Some(&high)) = (positive.first(), positive.last()) {
        grid.extend((0..DOSE_STEPS).map(|i| low * (high / low).powf(i as f64 / DOSE_STEPS as f64)));
        grid.push(high);
    }
    grid
}

fn dose_caption(series: &[Series]) -> String {
    let mut caption = String::from("Fitted model with its 95 % band");
    let points = || series.iter().flat_map(|s| &s.points);
    if points().any(|p| p.replicates.len() > 1) {
        caption += "; means with standard deviation, single readings as small dots";
    }
    if points().any(|p| p.interval.is_some()) {
        caption += "; bars are what is known: the value lies between their ends";
    }
    if points().any(|p| p.x == 0.0) {
        caption += ". Zero has its own place left of the break";
    }
    caption + "."
}

/// Ascending, each once.
pub fn distinct(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    values
}

/// At most `most` of `list`, evenly over it, with the first and the last.
fn spread<T>(list: Vec<T>, most: usize) -> Vec<T> {
    let count = list.len();
    if count <= most {
        return list;
    }
    let wanted: Vec<usize> = (0..most).map(|i| (i * (count - 1) + (most - 1) / 2) / (most - 1)).collect();
    list.into_iter().enumerate().filter(|(at, _)| wanted.contains(at)).map(|(_, item)| item).collect()
}

/// Three significant digits.
pub fn short(value: f64) -> String {
    crate::report::shown(value)
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().collect::<String>() + letters.as_str())
}
