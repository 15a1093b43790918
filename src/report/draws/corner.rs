//! All pairs of parameters in one picture: marginals on the diagonal, draws below it.

use super::document::DrawsReport;
use crate::report::number::shown;
use crate::report::plot::{Theme, escape, stylesheet};
use std::fmt::Write;

/// More parameters than this make panels that nobody can read: then the most strongly tied ones are shown.
const MOST: usize = 8;
/// Draws in a panel.
const DOTS: usize = 400;
const PANEL: f64 = 104.0;
const GAP: f64 = 8.0;
const LEFT: f64 = 64.0;
const BOTTOM: f64 = 58.0;
const BARS: usize = 24;

pub fn standalone(report: &DrawsReport) -> String {
    draw(report, &format!("<style>{}.plot{{background:#fff}}</style>", stylesheet(Theme::Light)))
}

pub fn inline(report: &DrawsReport) -> String {
    draw(report, "")
}

/// Which parameters: all, or those with the strongest ties.
fn shown_parameters(report: &DrawsReport) -> Vec<usize> {
    let count = report.parameters.len();
    if count <= MOST {
        return (0..count).collect();
    }
    let place = |name: &str| report.parameters.iter().position(|p| p.name == name);
    let mut chosen: Vec<usize> = Vec::new();
    for at in report.ties.iter().flat_map(|(a, b, _)| [place(a), place(b)]).flatten().chain(0..count) {
        if chosen.len() < MOST && !chosen.contains(&at) {
            chosen.push(at);
        }
    }
    chosen.sort_unstable();
    chosen
}

fn draw(report: &DrawsReport, head: &str) -> String {
    let chosen = shown_parameters(report);
    let n = chosen.len() as f64;
    let (width, height) = (LEFT + n * (PANEL + GAP), n * (PANEL + GAP) + BOTTOM);
    let mut svg = format!(
        "<svg class=\"plot\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" \
         height=\"{height:.0}\" role=\"img\"><title>Pairs of parameters</title><desc>Draws of each pair of parameters, with \
         histograms of each on the diagonal.</desc>{head}"
    );
    let axes: Vec<Axis> = chosen.iter().map(|&at| Axis::of(report, at)).collect();
    for (row, y_axis) in axes.iter().enumerate() {
        let top = row as f64 * (PANEL + GAP) + GAP;
        for (column, x_axis) in axes.iter().enumerate().take(row + 1) {
            let left = LEFT + column as f64 * (PANEL + GAP);
            let _ = write!(
                svg,
                "<rect class=\"grid\" x=\"{left}\" y=\"{top}\" width=\"{PANEL}\" height=\"{PANEL}\" fill=\"none\"/>"
            );
            if row == column {
                histogram(&mut svg, x_axis, left, top);
            } else {
                dots(&mut svg, x_axis, y_axis, left, top);
            }
        }
        if row > 0 {
            let middle = top + PANEL / 2.0;
            let _ = write!(
                svg,
                "<text x=\"14\" y=\"{middle}\" font-size=\"12\" text-anchor=\"middle\" transform=\"rotate(-90 14 {middle})\">{}</text>",
                escape(&y_axis.name)
            );
            for (at, label) in &y_axis.ends {
                let y = top + PANEL * (1.0 - at);
                let _ = write!(
                    svg,
                    "<text class=\"soft\" x=\"{}\" y=\"{:.1}\" font-size=\"10\" text-anchor=\"end\">{label}</text>",
                    LEFT - 5.0,
                    y + if *at > 0.5 { 9.0 } else { 0.0 }
                );
            }
        }
    }
    let foot = n * (PANEL + GAP);
    for (column, axis) in axes.iter().enumerate() {
        let left = LEFT + column as f64 * (PANEL + GAP);
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"12\" text-anchor=\"middle\">{}</text>",
            left + PANEL / 2.0,
            foot + 36.0,
            escape(&axis.name)
        );
        for (at, label) in &axis.ends {
            let anchor = if *at > 0.5 { "end" } else { "start" };
            let _ = write!(
                svg,
                "<text class=\"soft\" x=\"{:.1}\" y=\"{:.1}\" font-size=\"10\" text-anchor=\"{anchor}\">{label}</text>",
                left + PANEL * at,
                foot + 14.0
            );
        }
    }
    svg + "</svg>"
}

/// One parameter's draws, 0 to 1 along its axis.
struct Axis {
    name: String,
    places: Vec<f64>,
    ends: [(f64, String); 2],
}

impl Axis {
    fn of(report: &DrawsReport, parameter: usize) -> Axis {
        let marginal = &report.parameters[parameter];
        let logarithmic = marginal.scale == "log10";
        let scaled = |x: f64| if logarithmic { x.log10() } else { x };
        let all: Vec<f64> = report.chains.iter().flatten().map(|draw| scaled(draw[parameter])).collect();
        let (low, high) = all.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(*x), h.max(*x)));
        let (low, high) = if low < high { (low, high) } else { (low - 0.5, low + 0.5) };
        let back = |x: f64| shown(if logarithmic { 10f64.powf(x) } else { x });
        let name = if marginal.name.chars().count() > 15 {
            marginal.name.chars().take(14).chain(['…']).collect()
        } else {
            marginal.name.clone()
        };
        Axis {
            name,
            places: all.iter().map(|x| (x - low) / (high - low)).collect(),
            ends: [(0.0, back(low)), (1.0, back(high))],
        }
    }
}

fn histogram(svg: &mut String, axis: &Axis, left: f64, top: f64) {
    let mut counts = [0usize; BARS];
    axis.places.iter().for_each(|place| counts[((place * BARS as f64) as usize).min(BARS - 1)] += 1);
    let most = counts.iter().max().copied().unwrap_or(1).max(1) as f64;
    let wide = PANEL / BARS as f64;
    svg.push_str("<g class=\"n0\">");
    for (at, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let tall = *count as f64 / most * (PANEL - 6.0);
        let _ = write!(
            svg,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{tall:.1}\" fill=\"currentColor\" opacity=\"0.55\"/>",
            left + at as f64 * wide,
            top + PANEL - tall,
            wide - 0.5
        );
    }
    svg.push_str("</g>");
}

fn dots(svg: &mut String, x: &Axis, y: &Axis, left: f64, top: f64) {
    svg.push_str("<g class=\"n0\" fill=\"currentColor\" opacity=\"0.35\">");
    let every = x.places.len().div_ceil(DOTS);
    for (x, y) in x.places.iter().zip(&y.places).step_by(every) {
        let _ = write!(svg, "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"1.5\"/>", left + x * PANEL, top + (1.0 - y) * PANEL);
    }
    svg.push_str("</g>");
}
