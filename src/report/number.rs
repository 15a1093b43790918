//! Numbers as text.

/// The shortest decimal that reads back as the same `f64`; empty for a NaN, so that tables stay tables.
pub fn number(value: f64) -> String {
    if value.is_nan() {
        return String::new();
    }
    if plain(value.abs()) { format!("{value}") } else { format!("{value:e}") }
}

/// The shortest decimal that reads back as the same `f32`: what a single-precision engine has to say.
pub fn number32(value: f64) -> String {
    let value = value as f32;
    if value.is_nan() {
        return String::new();
    }
    if plain(f64::from(value.abs())) { format!("{value}") } else { format!("{value:e}") }
}

/// Three significant digits for people: "0.0312", "5000", "1.2e−7".
pub fn shown(value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            "–".into()
        } else if value > 0.0 {
            "∞".into()
        } else {
            "−∞".into()
        };
    }
    if value == 0.0 {
        return "0".into();
    }
    let rounded: f64 = format!("{value:.2e}").parse().unwrap_or(value);
    let exponent = rounded.abs().log10().floor() as i32;
    let text = if (-4..6).contains(&exponent) {
        // A number of four digits or more keeps those before the point.
        let digits = (2 - exponent).max(0) as usize;
        let source = if exponent > 2 { value } else { rounded };
        let text = format!("{source:.digits$}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text }
    } else {
        let mantissa = format!("{:.2}", rounded / 10f64.powi(exponent));
        format!("{}e{exponent}", mantissa.trim_end_matches('0').trim_end_matches('.'))
    };
    text.replace('-', "−")
}

/// "0.1 to 30"
pub fn interval_text((lower, upper): (f64, f64)) -> String {
    format!("{} to {}", shown(lower), shown(upper))
}

/// Whether a magnitude is read more easily without an exponent.
fn plain(magnitude: f64) -> bool {
    magnitude == 0.0 || (1e-5..1e16).contains(&magnitude) || magnitude.is_infinite()
}

/// An interval in words, whose ends may be open.
pub fn limits_text(lower: Option<f64>, upper: Option<f64>) -> String {
    match (lower, upper) {
        (Some(low), Some(high)) => interval_text((low, high)),
        (Some(low), None) => format!("above {}", shown(low)),
        (None, Some(high)) => format!("below {}", shown(high)),
        (None, None) => "not bounded by these data".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back_as_themselves() {
        for value in [0.1, 1.0 / 3.0, 1e-300, 123456.789, 5e-324, 1e16, -2.5e-7, f64::MAX] {
            assert_eq!(number(value).parse::<f64>().unwrap(), value);
        }
        assert_eq!(number(1e-300), "1e-300");
        assert_eq!(number(24.0), "24");
        assert_eq!(number32(f64::from(0.1f32)), "0.1");
        assert_eq!(number(f64::NAN), "");
    }

    #[test]
    fn people_get_three_digits() {
        let cases = [
            (0.031249, "0.0312"),
            (5000.0, "5000"),
            (1.25e-7, "1.25e−7"),
            (-2.0, "−2"),
            (12345.6, "12346"),
            (0.9996, "1"),
            (99.96, "100"),
            (3.2e9, "3.2e9"),
        ];
        for (value, text) in cases {
            assert_eq!(shown(value), text);
        }
        assert_eq!(interval_text((0.1, 30.0)), "0.1 to 30");
    }
}
