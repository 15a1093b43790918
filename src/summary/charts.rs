//! Readings and curves over dose and over time.

use super::curves::{Middle, Model, Predicted, middle};
use super::gains::Gains;
use crate::Result;
use crate::report::document::{Chart, CurvePoint, Point, Series};
use crate::study::design::{Request, When};
use crate::study::problem::Term;
use crate::study::{Datum, Kind, ReadAt, Seen, Study};
use std::cmp::Ordering;

/// Steps of a curve over the doses tested.
const DOSE_STEPS: usize = 60;
/// Steps of a curve over time.
const TIME_STEPS: usize = 96;
/// More lines than this in one picture cannot be told apart.
const MOST_SERIES: usize = 8;
/// More pictures of one kind than this are not looked at.
const MOST_CHARTS: usize = 6;

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
    /// Of a raw signal relative to the control.
    pub predicted: Vec<Predicted>,
}

/// Rows that one line belongs to.
struct Line<'s> {
    condition: usize,
    /// Of the other compounds; 0 for the one on the axis.
    doses: Vec<f64>,
    data: Vec<&'s Datum>,
}

/// One picture for each observable and time, with the curves for further use. What is not drawn is told in `hidden`, or
/// in the caption of the picture that it is missing from.
pub fn over_dose(study: &Study, model: &Model, hidden: &mut Vec<String>) -> Result<(Vec<Chart>, Vec<Trace>)> {
    let (mut charts, mut traces) = (Vec::new(), Vec::new());
    let Some(compound) = main_compound(study) else { return Ok((charts, traces)) };
    let gains = Gains::of(study, model);
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
        let reading = reading(study, observable);
        let count = times.len();
        let times = spread(times, MOST_CHARTS);
        if times.len() < count {
            let rest = "whose effective concentrations are not given either";
            hidden.push(format!("{} of {count} times of {reading} over dose, {rest}", count - times.len()));
        }
        for time in times {
            let rows: Vec<&Datum> = data().filter(|d| d.time == time).collect();
            let mut all = lines(&rows, |doses| doses[compound] = 0.0);
            all.sort_by(|a, b| a.condition.cmp(&b.condition).then(by_doses(&a.doses, &b.doses)));
            let one_condition = all.iter().all(|line| line.condition == all[0].condition);
            let count = all.len();
            let lines = spread(all, MOST_SERIES);
            // Lines that differ by the dose of one other compound are named by it and coloured in its order.
            let other = the_other(&lines, compound).filter(|_| one_condition);
            let mut series = Vec::new();
            for (at, line) in lines.iter().enumerate() {
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
                let label = match other {
                    Some(c) => {
                        format!("{} {} {}", study.compounds[c].name, short(line.doses[c]), study.compounds[c].unit)
                    }
                    None => label(study, line, lines.len()),
                };
                series.push(Series {
                    label: label.clone(),
                    rank: other.map(|_| at as f64 / (lines.len() - 1) as f64),
                    points: points(&line.data, &gains, |datum| datum.doses[compound]),
                    curve: curve(&doses, &predicted),
                    mark: None,
                });
                let predicted = match study.observables[observable].reading {
                    Kind::Signal => relative(model, requests, &doses)?,
                    _ => predicted,
                };
                if !predicted.is_empty() {
                    let time = hours(time, model, study);
                    let (chart, series) = (charts.len(), series.len() - 1);
                    traces.push(Trace { chart, series, label, time, observable, compound, doses, predicted });
                }
            }
            let at = format!("{} {}", short(hours(time, model, study)), study.time_unit);
            let when = match time {
                ReadAt::Parameter(_) if model.middle == Middle::Statements => {
                    "at the read-out time, which is not stated".to_string()
                }
                ReadAt::Parameter(_) => format!("at the read-out time (fitted: {at})"),
                _ => format!("at {at}"),
            };
            let name = &study.conditions[lines[0].condition].name;
            let of = if other.is_some() && !name.is_empty() { format!(", {name}") } else { String::new() };
            charts.push(Chart {
                title: capital(&format!("{reading} {when}{of}")),
                x_label: study.compounds[compound].name.clone(),
                x_unit: study.compounds[compound].unit.clone(),
                x_is_dose: true,
                y_label: reading.clone(),
                y_unit: String::new(),
                caption: dose_caption(&series, model.middle)
                    + &brought(&gains, &lines)
                    + &not_drawn(lines.len(), count, model.middle),
                series,
            });
        }
    }
    Ok((charts, traces))
}

/// A raw signal without its background, relative to the control; empty without one, and for a signal that rises.
fn relative(model: &Model, mut requests: Vec<Request>, doses: &[f64]) -> Result<Vec<Predicted>> {
    if doses.first() != Some(&0.0) {
        return Ok(Vec::new());
    }
    for request in &mut requests {
        (request.offset, request.scale) = (Term::number(0.0), Term::number(1.0));
    }
    let bare = model.predict(&requests)?.unwrap_or_default();
    let Some((control, highest)) = bare.first().zip(bare.last()).filter(|(control, _)| control.value > 0.0) else {
        return Ok(Vec::new());
    };
    if highest.value > control.value {
        return Ok(Vec::new());
    }
    let over_control = |p: &Predicted| Predicted {
        value: p.value / control.value,
        draws: p.draws.iter().zip(&control.draws).map(|(own, control)| own / control).collect(),
    };
    Ok(bare.iter().map(over_control).collect())
}

/// One picture for each observable, condition and dose of the compounds that are not on the axis of doses.
pub fn over_time(study: &Study, model: &Model, hidden: &mut Vec<String>) -> Result<Vec<Chart>> {
    let mut charts = Vec::new();
    let gains = Gains::of(study, model);
    let compound = main_compound(study);
    for observable in 0..study.observables.len() {
        let timed = |d: &&Datum| d.observable == observable && matches!(d.time, ReadAt::Time(_)) && !d.blank;
        let rows: Vec<&Datum> = study.data.iter().filter(timed).collect();
        // Without the dose of the main compound a line of readings is a picture.
        let mut pictures = lines(&rows, |doses| compound.into_iter().for_each(|c| doses[c] = 0.0));
        pictures.retain(|picture| distinct(picture.data.iter().map(|d| hours(d.time, model, study))).len() > 2);
        pictures.sort_by(|a, b| a.condition.cmp(&b.condition).then(by_doses(&a.doses, &b.doses)));
        let reading = reading(study, observable);
        let count = pictures.len();
        let pictures = spread(pictures, MOST_CHARTS);
        if pictures.len() < count {
            hidden.push(format!("{} of {count} courses of {reading} over time", count - pictures.len()));
        }
        for picture in pictures {
            let times = distinct(picture.data.iter().map(|d| hours(d.time, model, study)));
            let mut all = lines(&picture.data, |_| ());
            all.sort_by(|a, b| by_doses(&a.doses, &b.doses));
            let count = all.len();
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
                        Some(c) => format!("{} {}", short(line.doses[c]), study.compounds[c].unit),
                        None => study.describe(picture.condition, &line.doses),
                    },
                    rank: Some(at as f64 / (lines.len() - 1).max(1) as f64),
                    points: points(&line.data, &gains, |datum| hours(datum.time, model, study)),
                    curve: curve(&grid, &predicted),
                    mark: None,
                });
            }
            let named = !study.conditions[picture.condition].name.is_empty();
            let alone = !named && picture.doses.iter().all(|&dose| dose == 0.0);
            let of =
                if alone { String::new() } else { format!(", {}", study.describe(picture.condition, &picture.doses)) };
            let main =
                compound.map_or(String::new(), |c| format!(" One line for each dose of {}.", study.compounds[c].name));
            charts.push(Chart {
                title: capital(&format!("{reading} over time{of}")),
                x_label: "time".into(),
                x_unit: study.time_unit.clone(),
                x_is_dose: false,
                y_label: reading.clone(),
                y_unit: String::new(),
                caption: format!(
                    "Readings and {} with its 95 % band.{main}{}{}",
                    if model.middle == Middle::Posterior { "median of the posterior" } else { "fitted model" },
                    brought(&gains, &lines),
                    not_drawn(lines.len(), count, model.middle)
                ),
                series,
            });
        }
    }
    Ok(charts)
}

fn by_doses(a: &[f64], b: &[f64]) -> Ordering {
    a.iter().zip(b).map(|(a, b)| a.total_cmp(b)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// What a caption says of readings that were brought to the scale of the first plate.
fn brought(gains: &Gains, lines: &[Line]) -> String {
    let differ = lines.iter().any(|line| gains.differ(line.data[0], line.data.iter().copied()));
    let plate = &lines[0].data[0].plate;
    match (differ, plate.is_empty()) {
        (false, _) => String::new(),
        (true, false) => format!(" Readings of other plates are brought to the fitted gain and background of {plate}."),
        (true, true) => " Readings are brought to the fitted scale of the first one.".into(),
    }
}

/// What a caption says of lines that were left out.
fn not_drawn(drawn: usize, of: usize, middle: Middle) -> String {
    if drawn == of {
        return String::new();
    }
    let rest = match middle {
        Middle::Posterior => "",
        _ => "; the readings and fitted values of the others are in predictions.csv",
    };
    format!(" {drawn} of {of} lines are drawn{rest}.")
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
        Kind::Other => observable.name.clone(),
        kind => kind.name().to_string(),
    }
}

/// A request like the one that a row of the data made, at another dose or time.
fn like(datum: &Datum, study: &Study, model: &Model, doses: Vec<f64>, time: Option<f64>) -> Request {
    let row = study.data.iter().position(|d| std::ptr::eq(d, datum));
    let terms = row.and_then(|row| model.problem.layout.predictions.get(row));
    let (offset, scale) =
        terms.map_or((Term::number(0.0), Term::number(1.0)), |terms| (terms.offset.clone(), terms.scale.clone()));
    // A fitted time of reading is as uncertain as any parameter, and its band with it.
    let floating = match datum.time {
        ReadAt::Parameter(i) if time.is_none() => {
            let fitted = model.problem.parameters.iter().position(|p| p.name == study.parameters[i].name);
            fitted.map(|at| (at, &model.problem.parameters[at]))
        }
        _ => None,
    };
    let factor = study.time_factor;
    let time = match floating {
        Some((at, p)) => When::Floating {
            time: Term { constant: factor, factors: vec![at] },
            from: p.lower * factor,
            until: p.upper * factor,
        },
        None => When::At(time.unwrap_or_else(|| hours(datum.time, model, study)) * factor),
    };
    Request { condition: datum.condition, doses, observable: datum.observable, time, offset, scale }
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

/// The compound beside `compound` by whose dose alone the lines differ.
fn the_other(lines: &[Line], compound: usize) -> Option<usize> {
    let differs = |&c: &usize| lines.iter().any(|line| line.doses[c] != lines[0].doses[c]);
    let mut others = (0..lines.first()?.doses.len()).filter(|&c| c != compound).filter(differs);
    others.next().filter(|_| others.next().is_none())
}

fn label(study: &Study, line: &Line, lines: usize) -> String {
    let name = &study.conditions[line.condition].name;
    if lines == 1 && line.doses.iter().all(|&dose| dose == 0.0) && name.is_empty() {
        return main_compound(study).map_or("fit".into(), |compound| study.compounds[compound].name.clone());
    }
    study.describe(line.condition, &line.doses)
}

/// Means of the rows at the same x.
fn points(data: &[&Datum], gains: &Gains, x: impl Fn(&Datum) -> f64) -> Vec<Point> {
    let onto = |datum: &Datum, value: f64| gains.onto(data[0], datum, value);
    distinct(data.iter().map(|d| x(d)))
        .into_iter()
        .flat_map(|place| {
            let here: Vec<&&Datum> = data.iter().filter(|d| x(d) == place).collect();
            let values: Vec<f64> = here.iter().filter_map(|d| Some(onto(d, d.value.number()?))).collect();
            let mut points: Vec<Point> = here
                .iter()
                .filter_map(|d| match d.value {
                    Seen::Interval(low, high) => Some((onto(d, low), onto(d, high))),
                    _ => None,
                })
                .map(|(low, high)| Point {
                    x: place,
                    interval: Some((low.max(0.0), if high.is_finite() { high } else { low.max(1.2) })),
                    open: high.is_infinite(),
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
                points.push(Point { x: place, value: Some(mean), sd, replicates: values, ..Point::default() });
            }
            points
        })
        .collect()
}

pub fn curve(xs: &[f64], predicted: &[Predicted]) -> Vec<CurvePoint> {
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

fn dose_caption(series: &[Series], middle: Middle) -> String {
    let mut caption = String::from(match middle {
        Middle::Fit => "Fitted model with its 95 % band",
        Middle::Statements => {
            "Nothing was fitted: the line is the median of what the prior and the statement leave, the band 95 % of it"
        }
        Middle::Posterior => "Median of the posterior with its 95 % band",
    });
    let points = || series.iter().flat_map(|s| &s.points);
    if points().any(|p| p.replicates.len() > 1) {
        caption += "; means with standard deviation, single readings as small dots";
    }
    if points().any(|p| p.interval.is_some()) {
        caption += "; bars are what is known: the value lies between their ends";
        if points().any(|p| p.open) {
            caption += ", and an end without a line is open";
        }
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

pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().collect::<String>() + letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_lies_between_the_first_and_the_last_and_is_told() {
        assert_eq!(spread((0..35).collect(), 8), [0, 5, 10, 15, 19, 24, 29, 34]);
        assert_eq!(spread(vec![1, 2], 8), [1, 2]);
        assert_eq!(not_drawn(7, 7, Middle::Fit), "");
        let told = not_drawn(8, 35, Middle::Fit);
        assert!(told.contains("8 of 35 lines") && told.contains("predictions.csv"));
    }

    #[test]
    fn lines_are_named_by_the_one_compound_that_tells_them_apart() {
        let line = |doses: &[f64]| Line { condition: 0, doses: doses.to_vec(), data: Vec::new() };
        let one = [line(&[0.0, 1.0, 5.0]), line(&[0.0, 2.0, 5.0])];
        assert_eq!(the_other(&one, 0), Some(1));
        let two = [line(&[0.0, 1.0, 5.0]), line(&[0.0, 2.0, 6.0])];
        assert_eq!(the_other(&two, 0), None);
        assert_eq!(the_other(&one[..1], 0), None);
        assert_eq!(by_doses(&one[0].doses, &one[1].doses), Ordering::Less);
    }
}
