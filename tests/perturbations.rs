//! The catalogue of perturbations and the lines of cells: each entry accounted for, and studies that name them mean the
//! same as studies that spell them out.

#[path = "common/memory.rs"]
mod memory;
#[path = "common/outputs.rs"]
mod outputs;

use fenton::expr::Symbol;
use fenton::model::System;
use fenton::study::catalogue::{Acts, Catalogue, Death, Effect, Kind};
use fenton::study::cell_lines::CellLine;
use fenton::study::problem::Problem;
use fenton::study::{Quantity, Study, embedded};
use fenton::{Diagnostic, Error};
use memory::Memory;
use outputs::outputs;
use std::collections::BTreeSet;

/// Names that the full models agree on; those of embedded models count too.
const INTERFACE: &str = "
FAC erastin BSO RSL3 ML162 ML210 Fer1 Lip1 DFO oleate H2O2_added vitamin_K tocopherol_added brequinar methotrexate iFSP1
polyamine_added carrier_iron carrier_copper CuCl2 elesclomol disulfiram TTM AKT1i lactate
cystine_medium glutamate_medium transferrin Cu_medium albumin
xCT EAAT3 GCL GSR PPP TXNRD1 GPX4_expression USP8 zDHHC8 ACC FADS2 HSD17B4 ACSL4 LPCAT3 ACSL3 LOX POR FSP1 DHODH GCH1 DHFR
GSTP1 SMURF2 PRDX1 TFR1_expression STEAP3 DMT1 FTH1 NCOA4 FPN MCU MFRN VDAC FTMT TP53 MYC ODC1
CTR1 STEAP ATOX1 ATP7A ATP7B MT_expression CCS COX17 SLC25A3 FDX1 AKT1 LIAS LIPT1 DLD DLAT HSP70_expression growth";

fn known() -> BTreeSet<String> {
    let mut known: BTreeSet<String> = INTERFACE.split_whitespace().map(str::to_string).collect();
    for file in embedded::MODELS {
        let system = fenton::model::antimony::read(file.text, file.name).unwrap().system().unwrap();
        known.extend(system.parameters.into_iter().map(|p| p.name));
    }
    known
}

#[test]
fn every_entry_is_accounted_for() {
    let catalogue = Catalogue::embedded().unwrap_or_else(|e| panic!("{e}"));
    let known = known();
    assert!(catalogue.entries.len() > 150);
    for entry in &catalogue.entries {
        let name = &entry.name;
        for text in [&entry.target, &entry.mechanism, &entry.source] {
            assert!(text.trim().len() > 2, "{name}: an empty text");
        }
        assert!(!entry.effects.is_empty(), "{name}: no sign");
        assert!(entry.mechanism.ends_with('.') && entry.mechanism.len() < 240, "{name}: a mechanism is one sentence");
        for parameter in entry.ways.iter().flat_map(|way| way.parameters()) {
            assert!(known.contains(parameter), "{name}: no model has `{parameter}`");
        }
        let gene = entry.kind == Kind::Gene;
        for way in &entry.ways {
            assert_eq!(matches!(way.acts, Acts::Fold(_)), gene, "{name}: genes have factors, and only genes");
            if entry.has_numbers(way) {
                assert!(entry.basis.starts_with("assumed: "), "{name}: {}", entry.basis);
            }
        }
    }
}

#[test]
fn what_the_review_and_others_say_is_told_with_its_doubts() {
    let catalogue = Catalogue::embedded().unwrap();
    let sign = |name: &str| catalogue.find(name).unwrap_or_else(|| panic!("no {name}")).effects.clone();
    // Table 1 of the review lists it among the inhibitors of ferroptosis.
    assert_eq!(sign("ML162"), [(Death::Ferroptosis, Effect::Induces)]);
    assert_eq!(sign("Tan IIA"), [(Death::Ferroptosis, Effect::Dual)]);
    assert_eq!(sign("sorafenib"), [(Death::Ferroptosis, Effect::Contested)]);
    for name in ["RSL3", "ML162"] {
        let entry = catalogue.find(name).unwrap();
        assert!(entry.target.contains("contested") && entry.source.contains("TXNRD1"), "{name}");
    }
    // Names as people write them.
    for (written, name) in
        [("ferrostatin-1", "Fer1"), ("α-hederin", "alpha-hederin"), ("ctr1", "SLC31A1"), ("u2os", "")]
    {
        assert_eq!(catalogue.find(written).map_or("", |entry| &entry.name), name);
    }
}

#[test]
fn lines_of_cells_have_few_factors_and_say_why() {
    let lines = CellLine::embedded().unwrap_or_else(|e| panic!("{e}"));
    let known = known();
    for name in ["HT-1080", "HEK293T", "HEK293T-SLC31A1", "HAP1", "U2OS", "RPE-1"] {
        let line = CellLine::find(&lines, name).unwrap_or_else(|| panic!("no {name}"));
        assert!(line.factors.len() <= 6);
        for factor in &line.factors {
            assert!(known.contains(&factor.parameter), "{name}: {}", factor.parameter);
            assert!(["assumed: ", "derived: "].iter().any(|start| factor.source.starts_with(start)), "{name}");
        }
    }
    assert!(CellLine::find(&lines, "HT-1080").unwrap().factors.is_empty(), "the reference");
    let seven: String = (0..7).map(|i| format!("[factors.p{i}]\nvalue = 1\nsource = \"x\"\n")).collect();
    assert!(CellLine::read("x.toml", &format!("name = \"x\"\norigin = \"y\"\n{seven}")).is_err());
}

const CROSSTALK: &str = include_str!("../data/models/crosstalk-minimal.ant");
const FERROPTOSIS: &str = include_str!("../data/models/ferroptosis-minimal.ant");

/// A study with these lines between its head and its data, and these conditions in the data.
fn study(middle: &str) -> String {
    format!(
        "model = \"crosstalk-minimal\"\n{middle}\n[time]\nunit = \"h\"\n[assay]\nkind = \"atp\"\nlive = \"live\"\n\
         dead = \"dead\"\n[settle]\nset = {{ counting = 0 }}\nlongest = 5000\n[data]\nfile = \"plate.csv\"\n\
         values = \"fraction\"\n[noise]\nsd = 0.1\n"
    )
}

const PLATE: &str = "condition,time,viability\ncontrol,24,1\nA,24,0.5\nA,48,0.3\nB,24,0.5\n";

fn read(model: &'static str, text: &str, plate: &str) -> Study {
    Study::read("study.toml", text, &Memory::of(model, plate)).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

/// What engines are given: inputs, rows and protocols.
fn means(problem: &Problem) -> String {
    format!(
        "{:#?}\n{:#?}\n{:#?}\n{:#?}",
        problem.program.inputs, problem.backgrounds, problem.layout.runs, problem.layout.protocols
    )
}

#[test]
fn names_mean_what_is_spelt_out() {
    let by_name = study(
        r#"
[conditions.control]
[conditions.A]
cell = "U-2 OS"
perturb = { erastin = "10 uM", SLC31A1 = "x10", FDX1 = "knock-out", AIFM2 = "x0.3", BSO = { dose = "100 uM", from = -24 } }
[conditions.B]
perturb = { elesclomol = { dose = "0.04 uM", from = 0, until = 2 }, CTR1 = "fold", ferrostatin-1 = "500 nM", erastin = "1000 nM" }
[parameters.fold]
value = 10
bounds = [1, 100]"#,
    );
    let by_hand = study(
        r#"
[compounds.erastin]
unit = "uM"
[compounds.BSO]
unit = "uM"
[compounds.elesclomol]
unit = "uM"
[compounds.ferrostatin-1]
target = "Fer1"
unit = "nM"
[conditions.control]
[conditions.A]
fold = { xCT = 2, growth = 0.8, CTR1 = 10, FDX1 = 0, FSP1 = 0.3 }
doses = { erastin = 10, BSO = 100 }
schedule = { BSO = { from = -24 } }
[conditions.B]
fold = { CTR1 = "fold" }
doses = { elesclomol = 0.04, ferrostatin-1 = 500, erastin = 1 }
schedule = { elesclomol = { from = 0, until = 2 } }
[parameters.fold]
value = 10
bounds = [1, 100]"#,
    );
    let (named, spelt) = (read(CROSSTALK, &by_name, PLATE), read(CROSSTALK, &by_hand, PLATE));
    assert_eq!(format!("{:?}", named.compounds), format!("{:?}", spelt.compounds));
    assert_eq!(means(&named.problem()), means(&spelt.problem()));
}

#[test]
fn a_line_belongs_to_all_conditions_that_name_no_other() {
    let named = study(
        "cell = \"RPE-1\"\n[conditions.control]\n[conditions.A]\nfold = { xCT = 3 }\n[conditions.B]\ncell = \"HAP1\"",
    );
    let spelt = study(
        "[conditions.control]\nfold = { xCT = 0.6 }\n[conditions.A]\nfold = { xCT = 1.7999999999999998 }\n\
         [conditions.B]\nfold = { growth = 1.6 }",
    );
    let untreated = "condition,time,viability\ncontrol,24,1\nA,24,1\nB,24,1\n";
    let (named, spelt) = (read(CROSSTALK, &named, untreated), read(CROSSTALK, &spelt, untreated));
    assert_eq!(means(&named.problem()), means(&spelt.problem()));
    // Without conditions, too.
    let alone = read(CROSSTALK, &study("cell = \"RPE-1\""), "time,viability\n24,1\n48,0.9\n");
    assert_eq!(alone.conditions[0].factors.len(), 1);
    // A factor that the model does not have is told.
    let killing = study("cell = \"U-2 OS\"").replace("[settle]\nset = { counting = 0 }\nlongest = 5000\n", "");
    let told = read(KILLING, &killing, "time,viability\n24,1\n48,0.9\n");
    assert!(
        told.notes.iter().any(|note| note.contains("growth") && note.contains("does not have")),
        "{:?}",
        told.notes
    );
}

/// A condition in other cells means what a study means that names those cells.
#[test]
fn another_line_takes_the_place_of_that_of_a_condition() {
    let lines = CellLine::embedded().unwrap();
    let open = |head: &str| {
        let text = study(&format!("{head}\n[parameters.xCT]\nvalue = 1.3\nbounds = [0.1, 10]\n"));
        read(CROSSTALK, &text, "time,viability\n24,1\n48,0.9\n")
    };
    let row =
        |problem: &Problem| -> Vec<f64> { problem.backgrounds[0].iter().map(|term| term.value(&[1.3])).collect() };
    let moved = |head: &str, name: &str| {
        let mut study = open(head);
        let line = CellLine::find(&lines, name).unwrap();
        let found = study.on_line(0, line, &lines).unwrap_or_else(|why| panic!("{name}: {why}"));
        study.conditions[0] = found.condition;
        (study.problem(), found.rests_on.join("; "))
    };
    let named = open("cell = \"U-2 OS\"").problem();
    // From the reference line, and from a line with a factor of its own: the estimate is multiplied, not replaced.
    for head in ["", "cell = \"RPE-1\"", "line = \"of no name\""] {
        let (there, _) = moved(head, "U2OS");
        assert_eq!((there.program.inputs.clone(), row(&there)), (named.program.inputs.clone(), row(&named)), "{head}");
    }
    // Where the values are those of RPE-1, by how much the two differ.
    let (there, rests_on) = moved("line = \"hTERT RPE-1\"", "U-2 OS");
    let value = |name: &str| row(&there)[there.program.inputs.iter().position(|input| input == name).unwrap()];
    approx::assert_relative_eq!(value("xCT"), 1.3 * 2.0 / 0.6, max_relative = 1e-12);
    approx::assert_relative_eq!(value("growth"), 0.03 * 0.8, max_relative = 1e-12);
    for words in ["xCT of U-2 OS is x2 (derived: half", "growth of U-2 OS is x0.8 (assumed", "xCT of RPE-1 is x0.6"] {
        assert!(rests_on.contains(words), "{words} in {rests_on}");
    }
}

#[test]
fn a_line_that_teaches_nothing_new_is_left_out_with_the_reason() {
    let lines = CellLine::embedded().unwrap();
    let plate = "condition,time,viability\nplain,24,1\nother,24,1\n";
    let asked = |model: &'static str, text: &str, name: &str| {
        let second = if text.contains("SLC31A1") { "SLC31A1" } else { "other" };
        let study = read(model, text, &plate.replace("other", second));
        let found = study.on_line(0, CellLine::find(&lines, name).unwrap(), &lines);
        found.map_or_else(|why| why, |found| format!("offered: {}", found.rests_on.len()))
    };
    let with = |head: &str, plain: &str, other: &str| {
        study(&format!("{head}\n[conditions.plain]\n{plain}\n[conditions.other]\n{other}"))
    };
    let killing = with("", "", "").replace("[settle]\nset = { counting = 0 }\nlongest = 5000\n", "");
    let cases = [
        (CROSSTALK, with("line = \"HT1080\"", "", ""), "HT-1080", "the study has it"),
        (CROSSTALK, with("", "cell = \"HAP1\"", ""), "HAP1", "the study has it"),
        (CROSSTALK, with("", "", "cell = \"HAP1\""), "HAP1", "the study has it"),
        // Protected there, so that it is another experiment.
        (CROSSTALK, with("", "", "cell = \"HAP1\"\nperturb = { Fer-1 = \"1 uM\" }"), "HAP1", "offered: 1"),
        // The same line under two names.
        (
            CROSSTALK,
            with("line = \"HEK293T\"", "", "set = { CTR1 = 10 }").replace("other", "SLC31A1"),
            "HEK293T-SLC31A1",
            "the study has it",
        ),
        (CROSSTALK, with("line = \"HEK293T\"", "", ""), "HEK293T-SLC31A1", "offered: 1"),
        (CROSSTALK, with("", "", ""), "HT-1080", "does not differ"),
        (CROSSTALK, with("", "set = { xCT = 2 }", ""), "RPE-1", "the study sets xCT itself"),
        (CROSSTALK, with("", "fold = { xCT = 0 }", ""), "RPE-1", "does not differ"),
        (CROSSTALK, with("", "fold = { xCT = 0 }", ""), "U-2 OS", "offered: 1"),
        (KILLING, killing.clone(), "U-2 OS", "has no growth"),
        (KILLING, killing, "RPE-1", "offered: 1"),
    ];
    for (model, text, name, words) in cases {
        let found = asked(model, &text, name);
        assert!(found.contains(words), "{name}: {words} in {found}\n{text}");
    }
}

const KILLING: &str = "
model killing
  unit time_unit = 3600 second;
  unit uM = 1e-6 mole / litre;
  erastin = 0;  erastin has uM;
  GPX4_expression = 1; ACSL3 = 1; xCT = 1; FSP1 = 1;
  cystine_medium = 200; cystine_medium has uM;
  k = 0.05;
  live = 1; dead = 0;
  hazard := k * (1 + erastin / (1 + erastin)) * 200 / cystine_medium / GPX4_expression / (xCT * FSP1);
  live' = -hazard * live;
  dead' = hazard * live;
end
";

/// As KILLING, with a dose of each of two compounds of the catalogue written in by hand.
const KILLING_BY_HAND: &str = "
model killing
  unit time_unit = 3600 second;
  unit uM = 1e-6 mole / litre;
  unit nM = 1e-9 mole / litre;
  erastin = 0;  erastin has uM;
  GPX4_expression = 1; ACSL3 = 1; xCT = 1; FSP1 = 1;
  cystine_medium = 200; cystine_medium has uM;
  k = 0.05;
  erianin = 0; erianin has nM;
  sorafenib = 0; sorafenib has uM;
  live = 1; dead = 0;
  GPX4_now := GPX4_expression * (1 - 0.8 * erianin / (50 + erianin));
  FSP1_now := FSP1 * (1 - 0.7 * sorafenib / (5 + sorafenib));
  E := erastin + 0.02 * sorafenib;
  hazard := k * (1 + E / (1 + E)) * 200 / cystine_medium / GPX4_now / (xCT * FSP1_now);
  live' = -hazard * live;
  dead' = hazard * live;
end
";

#[test]
fn compounds_without_a_dose_in_the_model_act_by_their_factors() {
    let unsettled = |text: &str| text.replace("[settle]\nset = { counting = 0 }\nlongest = 5000\n", "");
    // One in a column of the data, one in a condition, as a pulse; a parameter that it changes is estimated.
    let rest = "[parameters.FSP1]\nbounds = [0.1, 10]";
    let named = unsettled(&study(&format!(
        "[compounds.erianin]\nunit = \"nM\"\n[conditions.control]\n[conditions.A]\n\
         perturb = {{ sorafenib = {{ dose = \"10 uM\", from = 0, until = 6 }}, GPX4 = \"x0.5\", cystine = \"0.1 mM\" }}\n{rest}"
    )));
    let spelt = unsettled(&study(&format!(
        "[compounds.erianin]\nunit = \"nM\"\n[compounds.sorafenib]\nunit = \"uM\"\n[conditions.control]\n[conditions.A]\n\
         doses = {{ sorafenib = 10 }}\nschedule = {{ sorafenib = {{ until = 6 }} }}\nfold = {{ GPX4_expression = 0.5 }}\n\
         set = {{ cystine_medium = 100 }}\n{rest}"
    )));
    let plate =
        "condition,erianin,time,viability\ncontrol,0,24,1\ncontrol,20,24,0.9\nA,0,24,0.5\nA,100,24,0.2\nA,100,48,0.1\n";
    let (named, spelt) = (read(KILLING, &named, plate), read(KILLING_BY_HAND, &spelt, plate));
    assert!(
        named.notes.iter().any(|n| n.contains("erianin: GPX4_expression x0.2") && n.contains("assumed")),
        "{:?}",
        named.notes
    );
    let (system, named, spelt) = (named.system.clone(), named.problem(), spelt.problem());
    let (a, b) = (outputs(&named), outputs(&spelt));
    assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-6), "{a:?}\n{b:?}");
    assert!(a.windows(2).any(|pair| (pair[0] - pair[1]).abs() > 0.05), "{a:?}");
    // Without compounds it is the model, to the last bit.
    assert_eq!(
        hazard(&system),
        hazard(&read(KILLING, &unsettled(&study("")), "time,viability\n24,1\n48,0.9\n").system)
    );
}

fn hazard(system: &System) -> u64 {
    let value = |symbol| match symbol {
        Symbol::Parameter(i) => system.parameters[i as usize].value,
        _ => 1.0,
    };
    system.graph.evaluate(&[system.variable("hazard").unwrap().value], &value)[0].to_bits()
}

#[track_caller]
fn refused(model: &'static str, middle: &str, words: &[&str]) -> Diagnostic {
    let text = study(middle);
    let found = match Study::read("study.toml", &text, &Memory::of(model, PLATE)) {
        Err(Error::Input(found)) => found,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("accepted:\n{text}"),
    };
    let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found.len(), 1, "{texts:#?}");
    let helps = found[0].hint.is_some() || found[0].expected.is_some();
    assert!(found[0].place.is_some() && helps, "{texts:?}");
    words.iter().for_each(|words| assert!(texts[0].contains(words), "{words}: {}", texts[0]));
    found.into_iter().next().unwrap()
}

#[test]
fn what_is_wrong_is_told_with_a_fix() {
    let conditions =
        |perturb: &str| format!("[conditions.control]\n[conditions.B]\n[conditions.A]\nperturb = {{ {perturb} }}");
    let wrong = |perturb: &str, words: &[&str]| refused(FERROPTOSIS, &conditions(perturb), words);
    let first = wrong("erastine = \"10 uM\"", &["no perturbation `erastine`", "did you mean `erastin`?"]);
    let place = first.place.unwrap();
    assert_eq!((place.line, place.column, place.length), (5, 13, 8));
    wrong("erastin = \"10 lb\"", &["the unit `lb` is not known"]);
    wrong("erastin = \"10 h\"", &["units do not agree"]);
    wrong("erastin = \"10\"", &["has a dose", "\"10 uM\""]);
    wrong("erastin = 10", &["the number 10", "a dose with its unit"]);
    wrong("erastin = \"x10\"", &["`erastin` is a compound and has a dose", "\"10 uM\""]);
    wrong("erastin = \"-1 uM\"", &["has a dose"]);
    wrong("erastin = { from = 2 }", &["lacks `dose`"]);
    wrong("erastin = { dose = \"1 uM\", from = 2, until = 1 }", &["wash-out"]);
    wrong("erastin = { dose = \"1 uM\", form = 2 }", &["did you mean `from`?"]);
    wrong("ACSL4 = \"10 uM\"", &["is a gene and has no dose", "knock-out"]);
    wrong("ACSL4 = \"ten\"", &["is a gene and has a factor", "knock-out"]);
    wrong("ACSL4 = \"x-1\"", &["is a gene and has a factor"]);
    wrong("ACSL4 = { dose = \"x2\", from = 3 }", &["there from the beginning"]);
    wrong("TRIM54 = \"knock-out\"", &["no bound", "x0.1"]);
    wrong("FDX1 = \"knock-out\"", &["`FDX1` acts through FDX1", "cuproptosis-minimal, crosstalk-minimal"]);
    wrong("LPCAT3 = \"x2\"", &["acts through LPCAT3, which crosstalk-minimal lacks"]);
    wrong("fucoxanthin = \"1 uM\"", &["out of the scope", "HMOX1"]);
    wrong("ferrostatin-1 = \"1 uM\", Fer1 = \"1 uM\"", &["stated twice"]);
    wrong("k_store = \"10 uM\"", &["has no dose"]);
    wrong("smoking = \"on\"", &["EAAT3"]);
    refused(KILLING_SETTLED, &conditions("cystine = \"x2\""), &["has a concentration"]);
    refused(KILLING_SETTLED, &conditions("radiotherapy = \"x2\""), &["there or not", "\"on\""]);
    refused(KILLING_SETTLED, "[compounds.GPX4]\nunit = \"uM\"", &["is a gene and has no dose", "perturb = {"]);
    refused(FERROPTOSIS, "[compounds.erianine]\nunit = \"uM\"", &["no such compound", "did you mean `erianin`?"]);
    let both = "[compounds.erastin]\nunit = \"uM\"\n[conditions.control]\n[conditions.B]\n[conditions.A]\n\
                perturb = { erastin = { dose = \"1 uM\", until = 2 } }\n";
    refused(FERROPTOSIS, &format!("{both}doses = {{ erastin = 2 }}"), &["under `perturb` too"]);
    refused(FERROPTOSIS, &format!("{both}schedule = {{ erastin = {{ from = 2 }} }}"), &["its times under `perturb`"]);
    let dosed = "[compounds.lipids]\ntarget = \"ACSL4\"\nunit = \"dimensionless\"\n";
    refused(FERROPTOSIS, &format!("{dosed}{}", conditions("ACSL4 = \"x2\"")), &["is a dose here"]);
    refused(FERROPTOSIS, "cell = \"HT1081\"", &["no line of cells `HT1081`", "did you mean `HT1080`?"]);
}

const KILLING_SETTLED: &str = "
model killing
  unit time_unit = 3600 second;
  unit uM = 1e-6 mole / litre;
  GPX4_expression = 1; xCT = 1; counting = 1;
  cystine_medium = 200; cystine_medium has uM;
  live = 1; dead = 0;
  live' = -counting * xCT * GPX4_expression * live / cystine_medium;
  dead' = counting * live / cystine_medium;
end
";

#[test]
fn a_models_own_names_come_first() {
    let model = "
model killing
  unit time_unit = 3600 second;
  unit uM = 1e-6 mole / litre;
  erianin = 0; erianin has uM; fucoxanthin = 0; fucoxanthin has uM; TMEM160 = 1; myown = 1; counting = 1;
  live = 1; dead = 0;
  live' = -counting * (erianin + fucoxanthin) * TMEM160 * myown * live;
  dead' = 0;
end
";
    let text = study(
        "[conditions.control]\n[conditions.B]\n[conditions.A]\n\
         perturb = { erianin = \"10 nM\", fucoxanthin = \"1 uM\", TMEM160 = \"x2\", myown = \"KO\" }",
    );
    let study = read(model, &text, PLATE);
    let targets: Vec<&str> =
        study.compounds.iter().map(|c| study.system.parameters[c.target as usize].name.as_str()).collect();
    assert_eq!(targets, ["erianin", "fucoxanthin"]);
    assert_eq!(study.compounds[0].factor, 1e-3);
    let folds: Vec<Quantity> = study.conditions[2].fold.iter().map(|(_, q)| *q).collect();
    assert_eq!(folds, [Quantity::Number(2.0), Quantity::Number(0.0)]);
}
