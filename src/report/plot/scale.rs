//! From values to places on an axis, and the ticks that people expect there.

/// Share of the axis that zero and the break beside it take on a logarithmic axis.
const ZERO_PART: f64 = 0.12;
const ZERO_AT: f64 = 0.03;

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scale {
    Linear {
        min: f64,
        max: f64,
    },
    /// Linear in hours, with ticks at parts and multiples of a day.
    Hours {
        min: f64,
        max: f64,
    },
    /// Logarithmic; with `zero`, the value 0 stands left of a break.
    Log {
        min: f64,
        max: f64,
        zero: bool,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// 0 to 1 along the axis.
    pub at: f64,
    /// Empty for a minor tick.
    pub label: String,
}

impl Scale {
    /// A linear scale with a little room around `values`; it begins at 0 if they do.
    pub fn linear(values: impl IntoIterator<Item = f64>) -> Scale {
        let (min, max) = extent(values).unwrap_or((0.0, 1.0));
        let room = if min == max { 0.5 } else { 0.04 * (max - min) };
        Scale::Linear { min: if min == 0.0 { 0.0 } else { min - room }, max: max + room }
    }

    /// From the smallest to the largest of `values` and no farther, as for a time.
    pub fn exact(values: impl IntoIterator<Item = f64>, hours: bool) -> Scale {
        let (min, max) = extent(values).filter(|(min, max)| min < max).unwrap_or((0.0, 1.0));
        if hours && max - min > 10.0 { Scale::Hours { min, max } } else { Scale::Linear { min, max } }
    }

    /// A logarithmic scale around the positive of `values`; zero gets a place if it is among them.
    pub fn log(values: impl IntoIterator<Item = f64> + Clone) -> Scale {
        let zero = values.clone().into_iter().any(|value| value == 0.0);
        let (min, max) = extent(values.into_iter().filter(|&value| value > 0.0)).unwrap_or((1.0, 10.0));
        let (min, max) = if max / min < 1.5 { (min / 2.0, max * 2.0) } else { (min, max) };
        // A little room, so that the outermost points do not sit on the frame.
        let room = (max / min).powf(0.03);
        Scale::Log { min: min / room, max: max * room, zero }
    }

    /// 0 to 1 along the axis, if the value has a place.
    pub fn place(&self, value: f64) -> Option<f64> {
        match *self {
            Scale::Linear { min, max } | Scale::Hours { min, max } => Some((value - min) / (max - min)),
            Scale::Log { zero: true, .. } if value == 0.0 => Some(ZERO_AT),
            Scale::Log { .. } if value <= 0.0 => None,
            Scale::Log { min, max, zero } => {
                let place = (value / min).ln() / (max / min).ln();
                Some(if zero { ZERO_PART + (1.0 - ZERO_PART) * place } else { place })
            }
        }
        .filter(|place| place.is_finite())
    }

    /// Where the axis is broken, if it is.
    pub fn gap(&self) -> Option<f64> {
        matches!(self, Scale::Log { zero: true, .. }).then_some((ZERO_AT + ZERO_PART) / 2.0)
    }

    /// Ticks for an axis that has room for about `room` labels.
    pub fn ticks(&self, room: f64) -> Vec<Tick> {
        match *self {
            Scale::Linear { min, max } | Scale::Hours { min, max } => {
                let step = match self {
                    Scale::Hours { .. } => hours_step(max - min, room),
                    _ => step(max - min, room),
                };
                let first = (min / step - 1e-9).ceil() as i64;
                let last = (max / step + 1e-9).floor() as i64;
                let digits = (-(step.log10() + 1e-9).floor()).max(0.0) as usize;
                // A step of 2.5 needs one digit more than one of 2.
                let digits = digits + usize::from((step / 10f64.powf(step.log10().floor()) - 2.5).abs() < 1e-9);
                (first..=last)
                    .map(|at| Tick {
                        at: (at as f64 * step - min) / (max - min),
                        label: grouped(&format!("{:.digits$}", at as f64 * step)),
                    })
                    .collect()
            }
            Scale::Log { min, max, .. } => self.log_ticks(min, max, room),
        }
    }

    fn log_ticks(&self, min: f64, max: f64, room: f64) -> Vec<Tick> {
        let (first, last) = (min.log10().floor() as i32, max.log10().ceil() as i32);
        let decades = (max / min).log10();
        let every = (decades / room).ceil().max(1.0) as i32;
        let mut ticks = Vec::new();
        if self.gap().is_some() {
            ticks.push(Tick { at: ZERO_AT, label: "0".into() });
        }
        for exponent in first..=last {
            for digit in 1..10 {
                let value = f64::from(digit) * 10f64.powi(exponent);
                let Some(at) = self.place(value).filter(|_| (min..=max * (1.0 + 1e-9)).contains(&value)) else {
                    continue;
                };
                let labelled = match digit {
                    1 => exponent.rem_euclid(every) == 0,
                    2 | 5 => decades * 3.0 <= room + 1.0 || decades < 1.3,
                    _ => false,
                };
                let minor = every == 1;
                if labelled || minor {
                    ticks.push(Tick { at, label: if labelled { power_label(digit, exponent) } else { String::new() } });
                }
            }
        }
        ticks
    }
}

fn extent(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    values.into_iter().filter(|value| value.is_finite()).fold(None, |extent, value| {
        Some(extent.map_or((value, value), |(min, max): (f64, f64)| (min.min(value), max.max(value))))
    })
}

/// A step of 1, 2, 2.5 or 5 times a power of ten that gives about `count` steps.
fn step(range: f64, count: f64) -> f64 {
    let raw = range / count.max(1.0);
    let power = 10f64.powf(raw.log10().floor());
    let factor = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().find(|factor| factor * power >= raw * 0.999).unwrap_or(10.0);
    factor * power
}

/// The same in parts and multiples of a day.
fn hours_step(range: f64, count: f64) -> f64 {
    let raw = range / count.max(1.0);
    let steps = [1.0, 2.0, 3.0, 6.0, 12.0, 24.0, 48.0, 72.0, 168.0];
    steps.into_iter().find(|&step| step >= raw * 0.999).unwrap_or_else(|| (raw / 168.0).ceil() * 168.0)
}

fn power_label(digit: i32, exponent: i32) -> String {
    if (-3..=4).contains(&exponent) {
        let digits = (-exponent).max(0) as usize;
        return grouped(&format!("{:.digits$}", f64::from(digit) * 10f64.powi(exponent)));
    }
    let superscript: String = exponent
        .to_string()
        .chars()
        .map(|c| match c {
            '-' => '⁻',
            '1' => '¹',
            '2' => '²',
            '3' => '³',
            c => char::from_u32('⁰' as u32 + c as u32 - '0' as u32).unwrap_or(c),
        })
        .collect();
    if digit == 1 { format!("10{superscript}") } else { format!("{digit}·10{superscript}") }
}

/// With thin spaces between groups of three digits from 10,000 on, and a proper minus sign.
fn grouped(text: &str) -> String {
    let (sign, rest) = text.strip_prefix('-').map_or(("", text), |rest| ("−", rest));
    let (whole, fraction) = rest.split_once('.').map_or((rest, String::new()), |(w, f)| (w, format!(".{f}")));
    if rest.chars().all(|c| c == '0' || c == '.') {
        return rest.to_string();
    }
    let mut out = String::new();
    for (at, c) in whole.chars().enumerate() {
        if at > 0 && whole.len() > 4 && (whole.len() - at).is_multiple_of(3) {
            out.push('\u{2009}');
        }
        out.push(c);
    }
    format!("{sign}{out}{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale, room: f64) -> Vec<String> {
        scale.ticks(room).into_iter().map(|tick| tick.label).filter(|label| !label.is_empty()).collect()
    }

    #[test]
    fn linear_ticks_are_round_and_hours_go_by_days() {
        let text = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(labels(Scale::linear([0.0, 1.08]), 5.0), text(&["0.00", "0.25", "0.50", "0.75", "1.00"]));
        assert_eq!(labels(Scale::Linear { min: -2.0, max: 2.0 }, 4.0), text(&["−2", "−1", "0", "1", "2"]));
        assert_eq!(labels(Scale::exact([0.0, 48.0], true), 5.0), text(&["0", "12", "24", "36", "48"]));
        assert_eq!(labels(Scale::exact([0.0, 48.0], false), 5.0), text(&["0", "10", "20", "30", "40"]));
    }

    #[test]
    fn a_logarithmic_axis_gives_zero_a_place_left_of_the_break() {
        let scale = Scale::log([0.0, 10.0, 5000.0]);
        let (zero, gap, first) = (scale.place(0.0).unwrap(), scale.gap().unwrap(), scale.place(10.0).unwrap());
        assert!(zero < gap && gap < first);
        assert_eq!(labels(scale, 6.0), ["0", "10", "100", "1000"].map(String::from));
        assert_eq!(scale.place(-1.0), None);
        assert_eq!(Scale::log([1.0, 2.0]).gap(), None);
    }

    #[test]
    fn a_short_logarithmic_axis_has_labels_between_the_decades() {
        assert_eq!(labels(Scale::log([2.0, 20.0]), 6.0), ["2", "5", "10", "20"].map(String::from));
        assert_eq!(
            labels(Scale::log([1e-9, 1e6]), 6.0),
            ["10⁻⁹", "10⁻⁶", "0.001", "1", "1000", "10⁶"].map(String::from)
        );
    }
}
