//! The pictures of a [`SynergyReport`].

use super::document::{Cell, Data, Drug, Measure, Surface, SynergyReport};
use crate::report::number::{interval_text, shown};
use crate::report::plot::{Colour, DoseMap, Figure, Key, Mark, Ramp, Scale, Series};

/// A share with two digits.
fn share(value: f64) -> String {
    // Rounded to nothing it has no sign.
    let text = format!("{:.2}", (value * 100.0).round() / 100.0 + 0.0);
    text.replace('-', "−")
}

/// The same with its sign.
fn signed(value: f64) -> String {
    let text = format!("{value:+.2}");
    if text.trim_start_matches(['+', '-']).parse() == Ok(0.0) { "0".into() } else { text.replace('-', "−") }
}

pub fn axis(drug: &Drug) -> String {
    format!("{} ({})", drug.name, drug.unit)
}

fn doses(list: &[f64]) -> Vec<String> {
    list.iter().map(|dose| shown(*dose)).collect()
}

fn ends(measure: &Measure, text: fn(f64) -> String) -> String {
    measure.interval.map_or(String::new(), |(low, high)| format!(", 95 % {} to {}", text(low), text(high)))
}

fn pair(report: &SynergyReport, [a, b]: [f64; 2]) -> String {
    let told = |at: usize, dose: f64| format!("{} {} {}", report.drugs[at].name, shown(dose), report.drugs[at].unit);
    format!("{}, {}", told(0, a), told(1, b))
}

/// The arms of a diverging scale: as long as the largest excess and no shorter than what could be seen.
fn arms<'m>(measures: impl Iterator<Item = &'m Measure>) -> (f64, f64) {
    let most = measures.filter_map(|m| m.value).fold(0.0, |most: f64, value| most.max(value.abs()));
    let arm = (most.clamp(0.1, 0.6) * 20.0).ceil() / 20.0;
    (-arm, arm)
}

/// Mean viability on the doses that were read.
pub fn matrix(report: &SynergyReport, data: &Data) -> DoseMap {
    let tip = |cell: &Cell| {
        let value = cell.viability.value.map_or("not read".into(), share);
        format!("{}: {value}{}, n = {}", pair(report, cell.doses), ends(&cell.viability, share), cell.count)
    };
    DoseMap {
        columns: doses(&data.doses[0]),
        rows: doses(&data.doses[1]),
        values: data.cells.iter().map(|cell| cell.viability.value).collect(),
        marked: Vec::new(),
        ramp: Ramp::Sequential,
        range: (0.0, 1.0),
        text: share,
        tips: data.cells.iter().map(tip).collect(),
        x_label: axis(&report.drugs[0]),
        y_label: axis(&report.drugs[1]),
        mark: String::new(),
        missing: "not read".into(),
        title: format!("Viability at {} {}", shown(report.time), report.time_unit),
        caption: "Means of the readings relative to the vehicle.".into(),
    }
}

/// The excess over one reference, on the combinations; `None` where it is not given.
pub fn excess(report: &SynergyReport, data: &Data, reference: usize) -> Option<DoseMap> {
    let about = &data.references[reference];
    about.mean.value?;
    let both: Vec<&Cell> = data.cells.iter().filter(|cell| !cell.references.is_empty()).collect();
    let own = |cell: &Cell| cell.references[reference].clone();
    let tip = |cell: &&Cell| {
        let against = own(cell);
        let value = against.excess.value.map_or("not given".into(), signed);
        let expected =
            against.expected_viability.map_or(String::new(), |v| format!(", expected viability {}", share(v)));
        format!("{}: excess {value}{}{expected}", pair(report, cell.doses), ends(&against.excess, signed))
    };
    let name = &about.name;
    let count = about.above + about.below;
    Some(DoseMap {
        columns: doses(positive(&data.doses[0])),
        rows: doses(positive(&data.doses[1])),
        values: both.iter().map(|cell| own(cell).excess.value).collect(),
        marked: both.iter().map(|cell| own(cell).excess.differs()).collect(),
        ramp: Ramp::Diverging,
        // One scale for all references, so that they can be compared.
        range: arms(both.iter().flat_map(|cell| cell.references.iter().map(|against| &against.excess))),
        text: signed,
        tips: both.iter().map(tip).collect(),
        x_label: axis(&report.drugs[0]),
        y_label: axis(&report.drugs[1]),
        mark: "the 95 % interval leaves 0 out".into(),
        missing: "not given".into(),
        title: format!("Excess over {name}"),
        caption: format!(
            "Above 0: synergy; below 0: antagonism. Mean {}{}. {count} of {} cells are framed; one in twenty would be by \
             chance alone. {}",
            about.mean.value.map_or(String::new(), signed),
            ends(&about.mean, signed),
            about.given,
            about.note
        ),
    })
}

fn positive(doses: &[f64]) -> &[f64] {
    &doses[doses.iter().take_while(|dose| **dose == 0.0).count()..]
}

/// Readings under one drug alone and its curve.
pub fn alone(report: &SynergyReport, data: &Data, drug: usize) -> Figure {
    let about = &data.alone[drug];
    let own: Vec<&Cell> =
        data.cells.iter().filter(|cell| cell.doses[1 - drug] == 0.0 && cell.viability.value.is_some()).collect();
    let mut marks = Vec::new();
    if !about.line.is_empty() {
        marks.push(Mark::Line(about.line.clone()));
    }
    for cell in &own {
        let (x, y) = (cell.doses[drug], cell.viability.value.unwrap_or(f64::NAN));
        if let Some((lower, upper)) = cell.viability.interval {
            marks.push(Mark::Error { x, lower, upper });
        }
        marks.push(Mark::Dot { x, y, tip: format!("{}: {}", shown(x), share(y)) });
    }
    let bounds = own.iter().flat_map(|cell| cell.viability.interval.map(|(low, high)| [low, high]).unwrap_or_default());
    let values = own.iter().filter_map(|cell| cell.viability.value).chain(bounds).map(|v| v.clamp(-0.2, 1.6));
    let name = &report.drugs[drug].name;
    let caption = match (about.active, about.ec50.value) {
        (false, _) => format!("{name} alone does next to nothing: no EC50 is given."),
        (true, Some(ec50)) => {
            let interval =
                about.ec50.interval.map_or(String::new(), |i| format!(", 95 % interval {}", interval_text(i)));
            format!("EC50 {} {}{interval}: half way to the lower plateau.", shown(ec50), report.drugs[drug].unit)
        }
        (true, None) => "Too few doses for a curve.".into(),
    };
    Figure {
        title: format!("{name} alone"),
        description: caption,
        x_label: axis(&report.drugs[drug]),
        y_label: "viability".into(),
        x: Some(Scale::log(own.iter().map(|cell| cell.doses[drug]).chain([0.0]).collect::<Vec<f64>>())),
        y: Some(Scale::linear(values.chain([0.0, 1.0]).collect::<Vec<f64>>())),
        series: vec![Series { label: String::new(), colour: Colour::Nominal(drug), key: Key::LineAndDot, marks }],
        levels: Vec::new(),
    }
}

/// Doses that together leave the same viability.
pub fn isobole(report: &SynergyReport, data: &Data) -> Option<Figure> {
    let isobole = data.isobole.as_ref()?;
    let dots = isobole.points.iter().map(|&(x, y)| Mark::Dot { x, y, tip: pair(report, [x, y]) });
    let found = dots.chain(isobole.line.iter().map(|&(x, y)| Mark::Ring { x, y, tip: pair(report, [x, y]) }));
    let all = || isobole.points.iter().chain(&isobole.line);
    let percent = shown(100.0 * isobole.viability);
    Some(Figure {
        title: format!("Isobologram at {percent} % viability"),
        description: format!(
            "Pairs of doses that leave {percent} % of the vehicle, read from curves along rows and columns. Below the line: \
             synergy; above it: antagonism. Rings: each drug alone."
        ),
        x_label: axis(&report.drugs[0]),
        y_label: axis(&report.drugs[1]),
        x: Some(Scale::linear(all().map(|point| point.0).chain([0.0]).collect::<Vec<f64>>())),
        y: Some(Scale::linear(all().map(|point| point.1).chain([0.0]).collect::<Vec<f64>>())),
        series: vec![
            Series {
                label: "Loewe additivity".into(),
                colour: Colour::Muted,
                key: Key::Line,
                marks: vec![Mark::Line(isobole.line.clone())],
            },
            Series {
                label: "observed".into(),
                colour: Colour::Nominal(0),
                key: Key::Symbol(crate::report::plot::Shape::Circle),
                marks: found.collect(),
            },
        ],
        levels: Vec::new(),
    })
}

/// EC50 of one drug beside each dose of the other: readings, and the model where it was asked.
pub fn shift(report: &SynergyReport) -> Option<Figure> {
    let drug = report.data.as_ref().map(|data| data.shift.drug).or(report.surface.as_ref().map(|s| s.drug))?;
    let partner = 1 - drug;
    let mut series = Vec::new();
    let (mut xs, mut ys) = (vec![0.0], Vec::new());
    if let Some(surface) = &report.surface {
        let rows =
            || surface.doses[partner].iter().zip(&surface.ec50).filter_map(|(x, m)| Some((*x, m.value?, m.interval)));
        let line: Vec<(f64, f64)> = rows().map(|(x, y, _)| (x, y)).collect();
        let band: Vec<(f64, f64, f64)> = rows().filter_map(|(x, _, i)| i.map(|(low, high)| (x, low, high))).collect();
        xs.extend(line.iter().map(|point| point.0));
        ys.extend(line.iter().map(|point| point.1).chain(band.iter().flat_map(|b| [b.1, b.2])));
        if !line.is_empty() {
            let marks = vec![Mark::Band(band), Mark::Line(line)];
            series.push(Series { label: "model, 95 % band".into(), colour: Colour::Nominal(1), key: Key::Line, marks });
        }
    }
    if let Some(data) = &report.data {
        let mut marks = Vec::new();
        for point in &data.shift.points {
            let Some(y) = point.ec50.value else { continue };
            xs.push(point.dose);
            ys.push(y);
            if let Some((lower, upper)) = point.ec50.interval {
                // An interval over many decades must not flatten the rest.
                let (lower, upper) = (lower.max(y / 100.0), upper.min(y * 100.0));
                ys.extend([lower, upper]);
                marks.push(Mark::Error { x: point.dose, lower, upper });
            }
            marks.push(Mark::Dot { x: point.dose, y, tip: format!("{}: {}", shown(point.dose), shown(y)) });
        }
        if !marks.is_empty() {
            let key = Key::Symbol(crate::report::plot::Shape::Circle);
            series.push(Series { label: "readings, 95 % interval".into(), colour: Colour::Nominal(0), key, marks });
        }
    }
    if ys.is_empty() {
        return None;
    }
    let [name, other] = [&report.drugs[drug].name, &report.drugs[partner].name];
    Some(Figure {
        title: format!("EC50 of {name} beside {other}"),
        description: format!(
            "The dose of {name} at which viability is half of what {other} alone leaves. A falling line: {other} makes {name} \
             more potent."
        ),
        x_label: axis(&report.drugs[partner]),
        y_label: format!("EC50 of {}", axis(&report.drugs[drug])),
        x: Some(Scale::log(xs)),
        y: Some(Scale::log(ys)),
        series,
        levels: Vec::new(),
    })
}

/// The viability of the model.
pub fn surface(report: &SynergyReport, surface: &Surface) -> DoseMap {
    let mut map = map(report, surface, 0, &surface.viability, Ramp::Sequential, (0.0, 1.0));
    map.title = "Viability of the model".into();
    map.caption = format!("Relative to the vehicle at {} {}.", shown(report.time), report.time_unit);
    map
}

/// The model's excess over one reference; `None` where there is none.
pub fn surface_excess(report: &SynergyReport, surface: &Surface, reference: usize) -> Option<DoseMap> {
    let about = &surface.references[reference];
    about.mean.value?;
    let all = surface.references.iter().flat_map(|reference| &reference.excess);
    let mut map = map(report, surface, 1, &about.excess, Ramp::Diverging, arms(all));
    map.title = format!("Excess of the model over {}", about.name);
    map.mark = "at least 0.01, and the 95 % band leaves 0 out".into();
    let absent = if map.values.contains(&None) {
        " Hatched: beyond what the weaker drug does at ten times its highest dose."
    } else {
        ""
    };
    map.caption = format!(
        "Above 0: synergy; below 0: antagonism. Mean over the grid {}{}.{absent}",
        about.mean.value.map_or(String::new(), signed),
        ends(&about.mean, signed)
    );
    Some(map)
}

/// A map of what lies on a surface, without the first `from` doses of each drug.
fn map(
    report: &SynergyReport,
    surface: &Surface,
    from: usize,
    measures: &[Measure],
    ramp: Ramp,
    range: (f64, f64),
) -> DoseMap {
    let [a, b] = &surface.doses;
    let cells: Vec<([f64; 2], &Measure)> = (from..a.len())
        .flat_map(|i| (from..b.len()).map(move |j| ([a[i], b[j]], &measures[i * b.len() + j])))
        .collect();
    let diverging = ramp == Ramp::Diverging;
    let text = if diverging { signed } else { share };
    let tip = |(doses, measure): &([f64; 2], &Measure)| {
        format!("{}: {}{}", pair(report, *doses), measure.value.map_or("not given".into(), text), ends(measure, text))
    };
    DoseMap {
        columns: doses(&a[from..]),
        rows: doses(&b[from..]),
        values: cells.iter().map(|(_, measure)| measure.value).collect(),
        // Without noise the smallest excess is told from 0.
        marked: cells
            .iter()
            .map(|(_, measure)| diverging && measure.differs() && measure.value.is_some_and(|v| v.abs() >= 0.01))
            .collect(),
        ramp,
        range,
        text,
        tips: cells.iter().map(tip).collect(),
        x_label: axis(&report.drugs[0]),
        y_label: axis(&report.drugs[1]),
        mark: String::new(),
        missing: "not given".into(),
        title: String::new(),
        caption: String::new(),
    }
}
