//! The figures of a [`Document`].

use super::document::{Chart, Document, ParameterResult, Series as Data};
use super::number::{interval_text, shown};
use super::plot::{Colour, Figure, Key, Mark, Scale, Series};

/// A chart of measurements and model.
pub fn chart(chart: &Chart) -> Figure {
    let points = chart.series.iter().flat_map(|series| &series.points);
    let curves = chart.series.iter().flat_map(|series| &series.curve);
    let xs: Vec<f64> = points.clone().map(|point| point.x).chain(curves.clone().map(|point| point.x)).collect();
    let bands = curves.flat_map(|point| point.band.map_or([point.value; 2], |(low, high)| [low, high]));
    let readings = points.flat_map(|point| {
        let sd = point.sd.unwrap_or(0.0);
        let mean = point.value.into_iter().flat_map(move |value| [value - sd, value + sd]);
        mean.chain(point.replicates.iter().copied())
            .chain(point.interval.into_iter().flat_map(|(low, high)| [low, high]))
    });
    // Observables of this field start at nothing: an axis that does not is easily misread.
    let y = Scale::linear(bands.chain(readings).chain([0.0]));
    Figure {
        title: chart.title.clone(),
        description: chart.caption.clone(),
        x_label: with_unit(&chart.x_label, &chart.x_unit),
        y_label: with_unit(&chart.y_label, &chart.y_unit),
        x: Some(if chart.x_is_dose { Scale::log(xs) } else { Scale::exact(xs, chart.x_unit == "h") }),
        y: Some(y),
        series: chart.series.iter().enumerate().map(|(at, series)| marks(chart, at, series)).collect(),
        levels: Vec::new(),
    }
}

fn marks(chart: &Chart, at: usize, data: &Data) -> Series {
    let mut marks = Vec::new();
    let band: Vec<_> = data.curve.iter().filter_map(|p| p.band.map(|(low, high)| (p.x, low, high))).collect();
    if !band.is_empty() {
        marks.push(Mark::Band(band));
    }
    if !data.curve.is_empty() {
        marks.push(Mark::Line(data.curve.iter().map(|point| (point.x, point.value)).collect()));
    }
    for point in &data.points {
        let place = format!("{} {} {}", chart.x_label, shown(point.x), chart.x_unit);
        if let Some((lower, upper)) = point.interval {
            let known = if point.open {
                format!("above {}", shown(lower))
            } else {
                format!("between {} and {}", shown(lower), shown(upper))
            };
            let tip = format!("{}: {place}: {known}", data.label);
            marks.push(Mark::Interval { x: point.x, lower, upper, open: point.open, tip });
        }
        let Some(y) = point.value else { continue };
        if point.replicates.len() > 1 {
            marks.extend(point.replicates.iter().map(|&y| Mark::Speck { x: point.x, y }));
        }
        if let Some(sd) = point.sd.filter(|&sd| sd > 0.0) {
            marks.push(Mark::Error { x: point.x, lower: y - sd, upper: y + sd });
        }
        let spread = point.sd.map_or(String::new(), |sd| format!(" ± {}", shown(sd)));
        marks.push(Mark::Dot { x: point.x, y, tip: format!("{}: {place}: {}{spread}", data.label, shown(y)) });
    }
    if let Some(x) = data.mark {
        let y = data.curve.iter().min_by(|a, b| (a.x - x).abs().total_cmp(&(b.x - x).abs())).map_or(0.5, |p| p.value);
        marks.push(Mark::Pin { x, y, tip: format!("{}: EC50 {} {}", data.label, shown(x), chart.x_unit) });
    }
    let colour = data.rank.map_or(Colour::Nominal(at), Colour::Ranked);
    // A line that is alone needs no name: the axes have said what it is.
    let label = if chart.series.len() > 1 { data.label.clone() } else { String::new() };
    Series { label, colour, key: Key::default(), marks }
}

/// Standardised residuals over the fitted value.
pub fn residuals(document: &Document) -> Option<Figure> {
    let mut names: Vec<&str> = Vec::new();
    let mut series: Vec<Series> = Vec::new();
    for row in &document.predictions {
        let Some((residual, fitted)) = row.residual.filter(|residual| residual.is_finite()).zip(row.fitted) else {
            continue;
        };
        let at = names.iter().position(|name| *name == row.condition).unwrap_or_else(|| {
            names.push(&row.condition);
            series.push(Series {
                label: row.condition.clone(),
                colour: Colour::Nominal(names.len() - 1),
                key: Key::default(),
                marks: Vec::new(),
            });
            names.len() - 1
        });
        let tip = format!(
            "{}, time {}: measured {}, fitted {}",
            row.condition,
            shown(row.time),
            row.measured.map_or(String::new(), shown),
            shown(fitted)
        );
        series[at].marks.push(Mark::Ring { x: fitted, y: residual, tip });
    }
    if series.is_empty() {
        return None;
    }
    // A condition that is alone needs no name, and more than a few cannot be told apart.
    if series.len() == 1 || series.len() > 6 {
        for one in &mut series {
            one.label.clear();
            one.colour = Colour::Nominal(0);
        }
    }
    let all = || document.predictions.iter().filter_map(|row| row.fitted.zip(row.residual));
    Some(Figure {
        title: "Residuals".into(),
        description:
            "Standardised residuals over the fitted value. If model and noise are right, about 95 % lie between \
                      −2 and 2 and no trend is left."
                .into(),
        x_label: "fitted value".into(),
        y_label: "residual / sd".into(),
        x: Some(Scale::linear(all().map(|(x, _)| x))),
        y: Some(Scale::linear(all().map(|(_, y)| y).chain([-2.5, 2.5]))),
        series,
        levels: vec![(2.0, "2 sd".into()), (0.0, String::new()), (-2.0, "−2 sd".into())],
    })
}

/// Refined starts in order of their objective: a floor that many reach speaks for a global optimum.
pub fn waterfall(document: &Document) -> Option<Figure> {
    let values: Vec<f64> =
        document.starts.list.iter().filter_map(|start| start.objective).filter(|value| value.is_finite()).collect();
    let best = values.iter().copied().reduce(f64::min)?;
    let above = |value: f64| value - best + 1.0;
    let reached = document.starts.reached_best;
    let series = |label: &str, colour, part: &[f64], first: usize| Series {
        label: label.into(),
        colour,
        key: Key::default(),
        marks: part
            .iter()
            .enumerate()
            .map(|(at, &value)| {
                let tip = format!("start {}: objective {}", first + at + 1, shown(value));
                Mark::Dot { x: (first + at + 1) as f64, y: above(value), tip }
            })
            .collect(),
    };
    let reached = reached.min(values.len());
    Some(Figure {
        title: "Waterfall of starts".into(),
        description: format!(
            "Final objective of {} refined starts above the best, plus 1; {reached} reached it.",
            values.len()
        ),
        x_label: "start, best first".into(),
        y_label: "objective − best + 1".into(),
        x: Some(Scale::linear([0.0, values.len() as f64])),
        y: Some(Scale::log(values.iter().map(|&value| above(value)).chain([1.0, 10.0]).collect::<Vec<_>>())),
        series: vec![
            series("reached the best value", Colour::Nominal(2), &values[..reached], 0),
            series("ended above it", Colour::Nominal(1), &values[reached..], reached),
        ]
        .into_iter()
        .filter(|series| !series.marks.is_empty())
        .collect(),
        levels: Vec::new(),
    })
}

/// Where a parameter's value, its interval and its prior lie between its bounds, as shares of the way.
#[derive(Debug, Clone, PartialEq)]
pub struct Track {
    pub value: f64,
    pub interval: Option<(f64, f64)>,
    pub prior: Option<(f64, f64)>,
    pub description: String,
}

pub fn track(parameter: &ParameterResult) -> Option<Track> {
    let (lower, upper) = parameter.bounds.filter(|_| parameter.estimated)?;
    let log = parameter.scale.starts_with("log");
    if log && lower <= 0.0 || upper <= lower {
        return None;
    }
    let place = |value: f64| {
        let place = if log { (value / lower).ln() / (upper / lower).ln() } else { (value - lower) / (upper - lower) };
        if place.is_nan() { 0.0 } else { place.clamp(0.0, 1.0) }
    };
    let both = |(a, b): (f64, f64)| (place(a), place(b));
    Some(Track {
        value: place(parameter.value),
        interval: parameter.interval.or(parameter.result_interval).map(both),
        prior: parameter.prior_interval.map(both),
        description: format!(
            "{} between its bounds {}; 95 % interval {}",
            shown(parameter.value),
            interval_text((lower, upper)),
            parameter.result_interval.map_or_else(|| parameter.told(), interval_text)
        ),
    })
}

fn with_unit(label: &str, unit: &str) -> String {
    if unit.is_empty() || unit == "1" || unit == "dimensionless" {
        label.to_string()
    } else {
        format!("{label} ({unit})")
    }
}
