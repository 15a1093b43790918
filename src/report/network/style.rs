//! Colours of the picture, for a light page and a dark one.

use crate::report::plot::Theme;
use std::fmt::Write;

/// Of the parts. They keep away from the green and the red of influences, which mean something.
const PARTS: [(&str, &str); 8] = [
    ("#2563a8", "#7db4f0"),
    ("#8a5a00", "#e0b25c"),
    ("#7a4a9e", "#c8a0ea"),
    ("#0f7683", "#5cc8d6"),
    ("#a3407c", "#ee9acb"),
    ("#5b6b1f", "#b9c970"),
    ("#4a5568", "#aab4c4"),
    ("#5147b5", "#a8a2f5"),
];
const ROLES: [(&str, &str, &str); 7] = [
    ("up", "#12824c", "#4cc98a"),
    ("down", "#c0321f", "#ff8673"),
    ("either", "#77808d", "#949dab"),
    ("flow", "#1d2430", "#e8ebf0"),
    ("link", "#77808d", "#949dab"),
    ("dose", "#1f2a44", "#dfe6f5"),
    ("gene", "#5b6472", "#a3acb9"),
];

pub fn part(section: usize) -> String {
    format!("p{}", section % PARTS.len())
}

/// The rules that give the picture's classes their colours, beside those of [`crate::report::plot::stylesheet`].
pub fn stylesheet(theme: Theme) -> String {
    let pick = |light, dark| if theme == Theme::Light { light } else { dark };
    let mut css = String::new();
    for (at, (light, dark)) in PARTS.iter().enumerate() {
        let _ = write!(css, ".network .p{at}{{color:{}}}", pick(light, dark));
    }
    for (role, light, dark) in &ROLES {
        let _ = write!(css, ".network .{role}{{color:{}}}", pick(light, dark));
    }
    let _ = write!(css, ".plot .on-dose{{fill:{}}}", pick(&"#ffffff", &"#161b23"));
    css
}
