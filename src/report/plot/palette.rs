//! Colours. Marks are drawn in `currentColor`; which colour that is, the style sheet of the page says, so that one
//! picture serves a light page, a dark page and paper.

use std::fmt::Write;

/// Okabe and Ito's colours for those who see fewer, in an order in which neighbours differ in lightness too
/// (<https://jfly.uni-koeln.de/color/>), and lighter relatives for a dark page.
const NOMINAL: [(&str, &str); 7] = [
    ("#0072b2", "#58aee8"),
    ("#d55e00", "#ff8f4d"),
    ("#009e73", "#35c99c"),
    ("#b45a92", "#e39bc9"),
    ("#b47b00", "#f0b93a"),
    ("#3a97c9", "#8fd0f5"),
    ("#5c6470", "#b6bec9"),
];

/// Lightness runs one way along the ranks: viridis, sampled away from the end that the page swallows.
const RANKED: [(&str, &str); 9] = [
    ("#a9b82b", "#8f78c9"),
    ("#74a93a", "#7a8fd8"),
    ("#45984f", "#63a6d8"),
    ("#248a66", "#4fbdc9"),
    ("#1f7a80", "#45cfae"),
    ("#2a678c", "#64dc8b"),
    ("#37528b", "#93e56a"),
    ("#443a83", "#c3e95a"),
    ("#48186a", "#f4ea5c"),
];

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Colour {
    /// The n-th of things without an order.
    Nominal(usize),
    /// A place between 0 and 1 in an order, such as that of doses.
    Ranked(f64),
    /// For what stands back.
    Muted,
    /// That of text: for what stands above all series.
    Ink,
}

impl Colour {
    pub(super) fn class(self) -> String {
        match self {
            Colour::Nominal(at) => format!("n{}", at % NOMINAL.len()),
            Colour::Ranked(rank) => {
                format!("r{}", (rank.clamp(0.0, 1.0) * (RANKED.len() - 1) as f64).round() as usize)
            }
            Colour::Muted => "nm".into(),
            Colour::Ink => "ni".into(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    Light,
    Dark,
}

/// The rules that give a figure's classes their colours.
pub fn stylesheet(theme: Theme) -> String {
    let pick = |pair: (&'static str, &'static str)| if theme == Theme::Light { pair.0 } else { pair.1 };
    let mut css = String::new();
    for (at, &pair) in NOMINAL.iter().enumerate() {
        let _ = write!(css, ".n{at}{{color:{}}}", pick(pair));
    }
    for (at, &pair) in RANKED.iter().enumerate() {
        let _ = write!(css, ".r{at}{{color:{}}}", pick(pair));
    }
    let ink = pick(("#1d2430", "#e8ebf0"));
    let _ = write!(
        css,
        ".nm{{color:{}}}.ni{{color:{ink}}}.plot text{{fill:{ink};font-family:system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}}\
         .plot .soft{{fill:{}}}.plot .own{{fill:currentColor}}.plot .grid{{stroke:{}}}.plot .axis{{stroke:{}}}.plot .hole{{fill:{}}}",
        pick(("#8a929e", "#7f8894")),
        pick(("#5b6472", "#a3acb9")),
        pick(("#e6e9ee", "#2b323d")),
        pick(("#6b7482", "#8b95a3")),
        pick(("#ffffff", "#161b23")),
    );
    css
}
