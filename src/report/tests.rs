//! A whole report of made-up data.

use super::document::*;
use std::fs;

/// A synthetic plate as a study of iron would give it.
pub fn example() -> Document {
    let doses = [0.0, 100.0, 300.0, 1000.0, 2000.0, 3000.0, 4000.0, 5000.0, 7000.0, 10000.0];
    let hill = |dose: f64, ec50: f64, time: f64| {
        let top = 1.0 - (1.0 - (-(time / 30.0f64).powi(3)).exp()) * dose.powi(5) / (dose.powi(5) + ec50.powi(5));
        top.max(0.02)
    };
    let wobble = |i: usize| ((i * 7919 + 13) % 101) as f64 / 101.0 - 0.5;
    let lines = [("vehicle", 3400.0), ("DFO 40 µM", 7900.0), ("Fer-1 1 µM", 40000.0)];
    let series = |(at, (label, ec50)): (usize, (&str, f64))| Series {
        label: label.into(),
        rank: None,
        points: doses
            .iter()
            .enumerate()
            .map(|(i, &x)| {
                let replicates: Vec<f64> =
                    (0..3).map(|r| hill(x, ec50, 48.0) + 0.12 * wobble(at * 100 + i * 3 + r)).collect();
                let mean = replicates.iter().sum::<f64>() / 3.0;
                Point { x, value: Some(mean), sd: Some(0.05), replicates, ..Point::default() }
            })
            .collect(),
        curve: std::iter::once(0.0)
            .chain((0..=80).map(|i| 100.0 * 10f64.powf(i as f64 / 40.0)))
            .map(|x| {
                let value = hill(x, ec50, 48.0);
                CurvePoint {
                    x,
                    value,
                    band: Some((hill(x, ec50 * 0.9, 48.0) - 0.02, hill(x, ec50 * 1.1, 48.0) + 0.02)),
                }
            })
            .collect(),
        mark: (ec50 < 10000.0).then_some(ec50),
    };
    let course = |(at, &dose): (usize, &f64)| Series {
        label: if dose == 0.0 { "0 mM".into() } else { format!("{} mM", dose / 1000.0) },
        rank: Some(at as f64 / 5.0),
        points: [6.0, 12.0, 24.0, 36.0, 48.0]
            .iter()
            .enumerate()
            .map(|(i, &x)| Point {
                x,
                value: Some(hill(dose, 3400.0, x) + 0.06 * wobble(i * 11 + at)),
                sd: Some(0.04),
                ..Point::default()
            })
            .collect(),
        curve: (0..=96)
            .map(|i| i as f64 / 2.0)
            .map(|x| CurvePoint { x, value: hill(dose, 3400.0, x), band: None })
            .collect(),
        mark: None,
    };
    let parameter = |name: &str,
                     meaning: &str,
                     unit: &str,
                     value: f64,
                     interval: Option<(f64, f64)>,
                     prior: (f64, f64),
                     source: &str| {
        ParameterResult {
            name: name.into(),
            meaning: meaning.into(),
            unit: unit.into(),
            value,
            scale: "log10".into(),
            estimated: true,
            verdict: if interval.is_some() { "identified" } else { "not identified" }.into(),
            standard_error: interval.map(|(a, b)| (b / a).log10() / 3.92),
            interval,
            interval_from: interval.map_or(String::new(), |_| "profile".into()),
            known: String::new(),
            bounds: Some((value / 1000.0, value * 300.0)),
            at_bound: None,
            prior: Some(format!("log-normal({value}, ×3)")),
            prior_interval: Some(prior),
            result_interval: None,
            shrinkage: interval.map(|_| 0.78).or(Some(0.04)),
            source: source.into(),
        }
    };
    let mut at_bound = parameter("k_lag", "rate of leaving commitment", "1/h", 0.9, None, (0.1, 4.0), "assumed");
    at_bound.bounds = Some((0.001, 0.9));
    at_bound.at_bound = Some(Side::Upper);
    at_bound.verdict = "at a bound".into();
    Document {
        title: "Ferric ammonium citrate on HT-1080: viability at 48 h".into(),
        study: "HT-1080 cells, FAC 0 to 10 mM for 48 h, with deferoxamine or ferrostatin-1; ATP read-out, 3 wells a dose.".into(),
        model: "ferroptosis-minimal".into(),
        failures_decide: Vec::new(),
        no_maximum: Vec::new(),
        optima: Vec::new(),
        synthetic: Some("These readings were made by a computer with 'fenton simulate … --seed 11', shaped by one sentence of a \
                         review. They are no measurement and support no statement about cells.".into()),
        warnings: vec![
            Warning { severity: Severity::Caution, title: "2 of 6 parameters are not identified".into(),
                text: "k_store and k_lag can move freely without changing the fit. Their values are whatever the prior \
                       says; a time course would help.".into() },
            Warning { severity: Severity::Note, title: "The EC50 with Fer-1 lies above the highest dose".into(),
                text: "It is reported as “> 10 mM”.".into() },
        ],
        headlines: vec![
            Headline { label: "EC50, vehicle, 48 h".into(), value: "3.4 mM".into(), note: "95 % interval 3.1 to 3.7 mM".into() },
            Headline { label: "EC50, DFO".into(), value: "7.9 mM".into(), note: "95 % interval 7.0 to 8.9 mM".into() },
            Headline { label: "EC50, Fer-1".into(), value: "> 10 mM".into(), note: "highest dose tested".into() },
            Headline { label: "Identified".into(), value: "4 of 6".into(), note: "estimated parameters".into() },
        ],
        dose_responses: vec![Chart {
            title: "Viability after 48 h".into(), x_label: "FAC".into(), x_unit: "µM".into(), x_is_dose: true,
            y_label: "viability (of vehicle)".into(), y_unit: String::new(),
            series: lines.into_iter().enumerate().map(series).collect(),
            caption: "Means with standard deviation, single wells as small dots, the fitted model with its 95 % band. \
                      Triangles mark the EC50. Zero has its own place left of the break.".into(),
        }],
        time_courses: vec![Chart {
            title: "Viability over time, vehicle".into(), x_label: "time".into(), x_unit: "h".into(), x_is_dose: false,
            y_label: "viability (of vehicle)".into(), y_unit: String::new(),
            series: [0.0, 1000.0, 3000.0, 4000.0, 5000.0, 10000.0].iter().enumerate().map(course).collect(),
            caption: "One line for each dose of FAC.".into(),
        }],
        effects: [("vehicle", 3400.0), ("DFO 40 µM", 7900.0)].iter().flat_map(|&(condition, ec50)| {
            [("EC50, relative", 1.0), ("EC50, absolute", 1.02), ("EC90, relative", 1.55)].map(|(measure, factor)| Effect {
                condition: condition.into(), time: 48.0, measure: measure.into(), unit: "µM".into(), note: String::new(),
                value: if ec50 * factor > 1e4 { Quantity::Above { limit: 1e4 } } else {
                    Quantity::Value { value: ec50 * factor, interval: Some((ec50 * factor * 0.92, ec50 * factor * 1.09)) }
                },
            })
        }).chain([Effect { condition: "Fer-1 1 µM".into(), time: 48.0, measure: "EC50, absolute".into(), unit: "µM".into(),
            note: String::new(), value: Quantity::Above { limit: 10000.0 } }]).collect(),
        parameters: vec![
            parameter("V_nt", "uptake of citrate-bound iron", "µM/h", 42.0, Some((35.0, 51.0)), (4.0, 400.0), "assumed"),
            parameter("K_nt", "half-saturation of that uptake", "µM", 1900.0, Some((1500.0, 2400.0)), (200.0, 20000.0), "assumed"),
            parameter("k_d", "branching of lipid peroxides by iron", "1/(µM h)", 0.031, Some((0.021, 0.045)), (0.002, 0.5), "Co 2024, model file"),
            parameter("k_store", "storage in ferritin", "1/h", 1.2, None, (0.2, 7.0), "assumed"),
            parameter("n_h", "steepness of the hazard", "1", 4.1, Some((2.2, 7.6)), (1.0, 10.0), "assumed"),
            at_bound,
            ParameterResult { name: "GSH0".into(), meaning: "glutathione at rest".into(), unit: "µM".into(), value: 6600.0,
                scale: "lin".into(), source: "liver; Meister 1988".into(), ..ParameterResult::default() },
        ],
        predictions: (0..60).map(|i| { let fitted = hill(doses[i / 6], 3400.0, 48.0); Prediction {
            condition: if i % 2 == 0 { "vehicle".into() } else { "DFO 40 µM".into() }, observable: "viability".into(),
            dose: Some(doses[i / 6]), time: 48.0, replicate: (i % 3 + 1).to_string(), fitted: Some(fitted), sd: 0.05,
            measured: Some(fitted + 0.2 * wobble(i)), residual: Some(4.0 * wobble(i)), ..Prediction::default() } }).collect(),
        starts: Starts {
            scored: 1024, refined: 40, finished: 38, reached_best: 17,
            list: (0..38).map(|i| Start { number: i + 1, iterations: 20 + i,
                objective: Some(-61.24 + if i < 17 { 1e-5 * i as f64 } else { 1.8f64.powi(i as i32 - 16) - 1.0 }),
                stopped: "converged".into(), parameters: vec![1.0; 6] }).collect(),
            failures: vec![Failure { cause: "step limit reached".into(), count: 41,
                example: "time 11.8 h, state L".into() }],
        },
        fit: FitFacts { objective: Some(-61.2413), scope: "3 experiments".into(), parts: vec![("viability".into(), -70.1), ("priors".into(), 8.86)],
            observations: 90, estimated: 6, aic: Some(-128.2), bic: Some(-113.2), no_criteria: String::new(),
            ended: "no start improved any more".into() },
        run: RunFacts { command: "fenton fit fac-ht1080 --starts 1024 --seed 1 --output fac".into(), study: "0123456789abcdef".into(), version: "0.1.0".into(),
            method: "multistart".into(), integrator: "Rodas5P".into(), rtol: 1e-6, atol: 1e-9, engine: "cpu (AVX-512)".into(),
            adapter: String::new(), precision: "f64".into(), nodes: None, seed: 1, seconds: 8.42, evaluations: 48210,
            date: "2026-09-30".into() },
        statements: None,
        methods: "The model ferroptosis-minimal (6 states) was fitted to 90 readings by maximum a posteriori estimation with \
                  fenton 0.1.0. Of 1,024 Sobol starts the best 40 were refined by a bounded trust region; 17 reached the best \
                  value.".into(),
        references: vec!["Co HKC et al., Nature 2024.".into()],
        time_unit: "h".into(),
        diagram: None,
        evidence: Vec::new(),
    }
}

pub(super) fn needs_no_network(page: &str) {
    let outside = page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    for word in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!outside.contains(word), "the page refers to something outside: {word}");
    }
}

#[test]
fn the_folder_holds_every_file_and_the_page_needs_no_network() {
    let place = tempfile::tempdir().unwrap();
    let folder = std::env::var_os("FENTON_EXAMPLE_REPORT").map_or(place.path().join("out"), Into::into);
    let files = super::write(&example(), &folder).unwrap();
    for name in [
        "report.html",
        "summary.json",
        "parameters.csv",
        "optima.csv",
        "starts.csv",
        "predictions.csv",
        "simulations.csv",
    ] {
        assert!(files.iter().any(|file| file == name), "{name}");
        assert!(folder.join(name).metadata().unwrap().len() > 100, "{name}");
    }
    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    needs_no_network(&page);
    assert!(page.contains("Synthetic data") && page.contains("<title>[synthetic data] "));
    assert!(!text(&page).contains("NaN") && !page.contains(">inf<"));
    let svg = fs::read_to_string(folder.join("dose-response-1.svg")).unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("<style>") && !svg.contains("NaN"));
}

#[test]
fn a_report_replaces_its_own_files_and_nothing_else() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("out");
    super::write(&example(), &folder).unwrap();
    fs::write(folder.join("notes.csv"), "x").unwrap();
    super::write(&example(), &folder).unwrap();
    assert_eq!(fs::read_to_string(folder.join("notes.csv")).unwrap(), "x");

    let other = place.path().join("mine");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("thesis.tex"), "years of work").unwrap();
    let error = super::write(&example(), &other).unwrap_err().to_string();
    assert!(error.contains("no fenton report"), "{error}");
    assert_eq!(fs::read_to_string(other.join("thesis.tex")).unwrap(), "years of work");
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2, "nothing half-written is left");
}

#[test]
fn what_a_user_wrote_is_text_on_the_page_and_never_markup() {
    let mut document = example();
    document.title = "<script>alert(1)</script>".into();
    document.dose_responses[0].series[0].label = "a<b & \"c\"".into();
    let page = super::html::page(&document).unwrap();
    assert!(!page.contains("<script>alert"));
    assert!(page.contains("a&lt;b &amp; &quot;c&quot;"));
}

#[test]
fn an_empty_document_still_makes_a_page() {
    let page = super::html::page(&Document::default()).unwrap();
    assert!(page.contains("</html>") && !text(&page).contains("NaN"));
}

/// The page without its script.
pub(super) fn text(page: &str) -> &str {
    page.split("<script>").next().unwrap_or_default()
}

#[test]
fn the_model_is_drawn_once_if_there_is_a_diagram() {
    let mut document = example();
    assert!(!super::html::page(&document).unwrap().contains("The model</h2>"));
    let file = crate::study::embedded::model("ferroptosis-minimal").unwrap();
    let network = crate::model::antimony::read(file.text, file.name).unwrap();
    document.diagram = crate::model::Diagram::of(&network).ok();
    let page = super::html::page(&document).unwrap();
    assert_eq!(page.matches("<svg class=\"plot network\"").count(), 1);
    assert!(page.contains("The model</h2>") && page.contains(".network .up{color:"));
}
