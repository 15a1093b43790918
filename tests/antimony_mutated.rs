//! Damaged model files: never a panic, always an error with a place or a model.

use fenton::Error;
use fenton::model::antimony;
use proptest::prelude::*;

const MODELS: [&str; 3] = [
    include_str!("../data/models/ferroptosis-minimal.ant"),
    include_str!("../data/models/crosstalk-minimal.ant"),
    r#"// every statement there is
model *everything(a, b)
  import_free = 1; compartment c = 4, d; c has pL
  species S in c, $B in c = 3; substanceOnly species N in d
  const k = 0.1, big = 1e300; var p = 2
  unit pL = 1e-12 litre; unit per_s = 1/second; unit time_unit = second
  J0: 2 S + B -> n N; c*k*S^2*B; n = 3
  J1 in c: => S; piecewise(k, time < 3, p*sin(time), 1 < p <= 2, 0)
  d' = 0.1*rateOf(S) + hill(S, 2)
  p' = -p; q := S + N/d; r = q*2
  N.conversionFactor = k; model.conversionFactor = k
  E1: at S > 1 && !(time >= 2), t0=false: S = 1, p = q % 3;
  E2: at 2*k after S > 2, priority = p + 1, persistent=false, fromTrigger=false: S = 3
  var alg, w; 0 = alg - S - big; z: 0 = 2*w + alg
  at time > 5: c = 2 /* a
  comment */; J0 is "a name"; S identity "http://a", "http://b"
end
function hill(x, h)
  x^h/(1 + x^h) + quotient(7, 2)*xor(true, false) - log(2, 8)
end
everything is "everything""#,
];

/// Pieces that mean something to the reader.
const PIECES: [&str; 54] = [
    "(",
    ")",
    ";",
    "\n",
    ":=",
    "'=",
    "=",
    "->",
    "=>",
    "at ",
    "model ",
    "end",
    "function ",
    "$",
    "in ",
    "has ",
    "is ",
    "\"",
    "\"\"\"",
    "/*",
    "*/",
    "//",
    "^",
    "-",
    "!",
    "&&",
    "||",
    "<",
    ">=",
    "piecewise(",
    "rateOf(",
    "time",
    ",",
    ":",
    "1e999",
    "0",
    "unit ",
    "species ",
    "delay(",
    "é",
    "\r",
    "1e308*1e308",
    "99999999999999999999",
    "2^3^4^5^6^7",
    "x^-99999999999",
    "((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((",
    "a_very_long_name_that_goes_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on_and_on",
    "factorial(",
    "after ",
    "0 = ",
    "var ",
    ", priority = ",
    ", persistent=false",
    ", fromTrigger=",
];

fn check(text: &str) -> Result<(), TestCaseError> {
    let found = antimony::read(text, "m.ant").and_then(|network| network.system());
    match found {
        Ok(_) => Ok(()),
        Err(Error::Input(errors)) => {
            prop_assert!(!errors.is_empty());
            for error in errors {
                let place = error.place.clone();
                prop_assert!(place.is_some(), "no place: {error}");
                prop_assert_eq!(error.file.as_str(), "m.ant");
                prop_assert!(place.is_some_and(|p| p.line >= 1 && p.line <= text.lines().count().max(1) + 1));
                let _ = error.to_string();
            }
            Ok(())
        }
        Err(other) => Err(TestCaseError::fail(other.to_string())),
    }
}

/// Bytes `at..at + length` replaced, at the nearest letters.
fn splice(text: &str, at: usize, length: usize, piece: &str) -> String {
    let floor = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let (start, end) = (floor(at), floor(at + length));
    format!("{}{piece}{}", &text[..start], &text[end..])
}

/// PROPTEST_CASES asks for more.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(2000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_model_is_read_or_refused_with_a_place(
        model in 0..MODELS.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0usize..12, 0..PIECES.len()), 1..6),
    ) {
        let mut text = MODELS[model].to_string();
        for (at, length, piece) in changes {
            let at = at.index(text.len() + 1);
            text = splice(&text, at, length, PIECES[piece]);
        }
        check(&text)?;
    }

    #[test]
    fn pieces_in_any_order_are_refused_with_a_place(pieces in prop::collection::vec(0..PIECES.len(), 0..60)) {
        let text: String = pieces.iter().map(|&piece| format!("{} x", PIECES[piece])).collect();
        check(&text)?;
    }

    #[test]
    fn any_text_is_refused_with_a_place(text in "\\PC{0,200}") {
        check(&text)?;
    }
}

#[test]
fn deep_and_long_formulas_end_in_an_error_or_a_model() {
    for formula in [
        "(".repeat(100_000),
        "-".repeat(100_000) + "1",
        "2^".repeat(100_000) + "2",
        "1/".repeat(100_000) + "2",
        "1+".repeat(20_000) + "2",
        "1-".repeat(20_000) + "2",
        "2*".repeat(20_000) + "2",
        "1<".repeat(20_000) + "2",
        "f(".repeat(100_000),
        "x.".repeat(20_000) + "y",
        "true&&".repeat(20_000) + "true",
        "time>1&&".repeat(100_000) + "true",
        "time>1||".repeat(100_000) + "true",
        "!".repeat(100_000) + "true",
        "piecewise(".repeat(100_000),
        "x".repeat(1_000_000),
        "9".repeat(1_000_000),
        format!("1e{}", "9".repeat(100_000)),
        "time^".repeat(90) + "2",
        "x[".repeat(100_000),
    ] {
        assert!(check(&format!("y := {formula}")).is_ok());
    }
    // Names that depend on each other in a long row, from either end.
    let forward: String = (0..5000).map(|i| format!("x{} := x{i} + 1\n", i + 1)).collect();
    let backward: String = (0..5000).rev().map(|i| format!("x{} := x{i} + 1\n", i + 1)).collect();
    for rows in [forward, backward] {
        assert!(check(&format!("{rows}x0 = 1")).is_ok());
    }
    let calls: String = (0..5000).map(|i| format!("function f{}(x) f{i}(x) + f{i}(x); end\n", i + 1)).collect();
    assert!(check(&format!("{calls}function f0(x) x; end\ny := f5000(1)")).is_ok());
    let cubed: String = (0..40).map(|i| format!("function f{}(x) f{i}(x)*f{i}(f{i}(x)); end\n", i + 1)).collect();
    assert!(check(&format!("{cubed}function f0(x) x + 1; end\ny := f40(time)")).is_ok());
    // Algebraic rules that all hold each other.
    let held: String = (0..40)
        .map(|i| {
            format!(
                "var x{i}; 0 = {}\n",
                (0..40).map(|k| format!("{}*x{k}", i * k % 7 + 1)).collect::<Vec<_>>().join(" + ")
            )
        })
        .collect();
    assert!(check(&held).is_ok());
    let squares: String = (0..100).map(|i| format!("x{} := x{i}*x{i}\n", i + 1)).collect();
    assert!(check(&format!("{squares}x0 := sqr(time)")).is_ok());
    assert!(check("function f(x) g(x); end\nfunction g(x) f(x); end\ny := f(1)").is_ok());
}
