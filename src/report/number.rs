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

/// Whether a magnitude is read more easily without an exponent.
fn plain(magnitude: f64) -> bool {
    magnitude == 0.0 || (1e-5..1e16).contains(&magnitude) || magnitude.is_infinite()
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
}
