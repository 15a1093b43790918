//! The figures of a report on draws.

use super::document::{DrawsReport, Marginal};
use crate::report::number::interval_text;
use crate::report::plot::{Colour, Figure, Key, Mark, Scale, Series};

/// Bars of a rank plot.
const BINS: usize = 20;
/// Points of a trace.
const STEPS: usize = 400;

/// The posterior of one parameter over its prior.
pub fn marginal(marginal: &Marginal) -> Figure {
    let unit = if marginal.unit.is_empty() || marginal.unit == "dimensionless" {
        String::new()
    } else {
        format!(" ({})", marginal.unit)
    };
    let xs: Vec<f64> = marginal.density.iter().chain(&marginal.prior_density).map(|p| p.0).collect();
    let top = marginal.density.iter().chain(&marginal.prior_density).map(|p| p.1).fold(0.0, f64::max);
    let logarithmic = marginal.scale == "log10";
    let area = marginal.density.iter().map(|&(x, y)| (x, 0.0, y)).collect();
    Figure {
        title: marginal.name.clone(),
        description: format!(
            "{}: median {}, 95 % from {}; 95 % of the prior from {}.",
            marginal.name,
            marginal.middle(),
            interval_text(marginal.interval),
            interval_text(marginal.prior_interval)
        ),
        x_label: format!("{}{unit}", marginal.name),
        y_label: if logarithmic { "density per decade".into() } else { "density".into() },
        x: Some(if logarithmic { Scale::log(xs) } else { Scale::exact(xs, false) }),
        y: Some(Scale::linear([0.0, top])),
        series: vec![
            Series {
                label: "prior".into(),
                colour: Colour::Muted,
                key: Key::Line,
                marks: vec![Mark::Thin(marginal.prior_density.clone())],
            },
            Series {
                label: "posterior".into(),
                colour: Colour::Nominal(0),
                key: Key::Line,
                marks: vec![
                    Mark::Band(area),
                    Mark::Line(marginal.density.clone()),
                    Mark::Across { y: -0.0, lower: marginal.interval.0, upper: marginal.interval.1 },
                ],
            },
        ],
        levels: Vec::new(),
    }
}

/// How often the draws of each chain fall into each twentieth of all draws: level where chains agree.
pub fn ranks(report: &DrawsReport, parameter: usize) -> Figure {
    let mut all: Vec<f64> = report.chains.iter().flatten().map(|draw| draw[parameter]).collect();
    all.sort_by(f64::total_cmp);
    let series = report.chains.iter().enumerate().map(|(chain, draws)| {
        let mut counts = [0.0; BINS];
        for draw in draws {
            // Equal draws share their places: the middle of them.
            let low = all.partition_point(|x| *x < draw[parameter]);
            let high = all.partition_point(|x| *x <= draw[parameter]);
            counts[((low + high) / 2 * BINS / all.len()).min(BINS - 1)] += 1.0;
        }
        let step = |(bin, count): (usize, &f64)| {
            let y = count * BINS as f64 / draws.len() as f64;
            [(bin as f64 / BINS as f64, y), ((bin + 1) as f64 / BINS as f64, y)]
        };
        Series {
            label: format!("chain {}", chain + 1),
            colour: Colour::Nominal(chain),
            key: Key::Line,
            marks: vec![Mark::Line(counts.iter().enumerate().flat_map(step).collect())],
        }
    });
    let series: Vec<Series> = series.collect();
    let top = series.iter().flat_map(|s| &s.marks).filter_map(|mark| match mark {
        Mark::Line(points) => points.iter().map(|p| p.1).max_by(f64::total_cmp),
        _ => None,
    });
    let name = &report.parameters[parameter].name;
    Figure {
        title: format!("Ranks of {name}"),
        description: format!(
            "How the draws of {name} in each chain rank among all draws. Each line is level at 1 where the chains agree."
        ),
        x_label: "rank among all draws".into(),
        y_label: "draws, relative to even".into(),
        x: Some(Scale::Linear { min: 0.0, max: 1.0 }),
        y: Some(Scale::linear(top.chain([0.0, 1.5]))),
        series,
        levels: vec![(1.0, String::new())],
    }
}

/// The draws of each chain in the order in which they stand.
pub fn trace(report: &DrawsReport, parameter: usize) -> Figure {
    let marginal = &report.parameters[parameter];
    let values = || report.chains.iter().flatten().map(|draw| draw[parameter]);
    // Within less than a decade a logarithmic axis has hardly a tick.
    let wide = values().fold(0.0, f64::max) > 10.0 * values().fold(f64::INFINITY, f64::min);
    let line = |draws: &Vec<Vec<f64>>| {
        let every = draws.len().div_ceil(STEPS);
        draws.iter().enumerate().step_by(every).map(|(at, draw)| (at as f64, draw[parameter])).collect()
    };
    Figure {
        title: format!("Trace of {}", marginal.name),
        description: format!(
            "The draws of {} in the order in which they stand in each chain. Lines that drift or keep apart have not converged.",
            marginal.name
        ),
        x_label: "draw".into(),
        y_label: marginal.name.clone(),
        x: Some(Scale::exact([0.0, report.chains.first().map_or(1, Vec::len) as f64], false)),
        y: Some(if marginal.scale == "log10" && wide {
            Scale::log(values().collect::<Vec<_>>())
        } else {
            Scale::linear(values())
        }),
        series: report
            .chains
            .iter()
            .enumerate()
            .map(|(chain, draws)| Series {
                label: format!("chain {}", chain + 1),
                colour: Colour::Nominal(chain),
                key: Key::Line,
                marks: vec![Mark::Thin(line(draws))],
            })
            .collect(),
        levels: Vec::new(),
    }
}
