//! From a study to a report on two of its compounds: the matrix of the data first, then the surface of the model.

mod isobole;
mod model;
mod select;
mod words;

pub use model::{Behind, default_doses, surface};
pub use select::{Question, Selection, select};

use super::words as common;
use crate::report::document::RunFacts;
use crate::report::shown;
use crate::report::synergy::{
    Against, Alone, Cell, Data, Drug, Measure, Reference, Shift, ShiftPoint, Surface, SynergyReport,
};
use crate::study::Study;
use crate::synergy::{self, Analysis, Basis, Intervals, LEAST, spaced};

/// Points of a drawn curve.
const POINTS: usize = 80;

/// The report on `selection`; `found` is what was computed from its wells, `run` says how the model was asked, and `notes`
/// are what the engine has to tell.
pub fn document(
    study: &Study,
    selection: &Selection,
    found: Option<(&Analysis, &Intervals)>,
    surface: Option<Surface>,
    run: RunFacts,
    notes: &[String],
) -> SynergyReport {
    let drugs = selection
        .drugs
        .map(|drug| Drug { name: study.compounds[drug].name.clone(), unit: study.compounds[drug].unit.clone() });
    let data = found.map(|(analysis, intervals)| data(&drugs, selection, analysis, intervals));
    let mut report = SynergyReport {
        title: study.title.clone(),
        study: common::about(study),
        model: study.model.clone(),
        synthetic: study.synthetic.as_ref().map(|command| common::synthetic(command)),
        condition: condition(study, selection),
        time: selection.time,
        time_unit: study.time_unit.clone(),
        reading: super::charts::reading(study, selection.observable),
        definitions: words::definitions(&drugs),
        references: words::references(study),
        drugs,
        data,
        surface,
        run,
        ..SynergyReport::default()
    };
    report.warnings = words::warnings(&report, found, &selection.notes, notes);
    report.headlines = words::headlines(&report);
    report.methods = words::methods(&report, found);
    report
}

fn condition(study: &Study, selection: &Selection) -> String {
    let name = &study.conditions[selection.condition].name;
    if name.is_empty() && selection.others.iter().all(|dose| *dose == 0.0) {
        return String::new();
    }
    study.describe(selection.condition, &selection.others)
}

/// An estimate and half the width of its interval.
fn measure(value: Option<f64>, half: f64) -> Measure {
    let value = value.filter(|value| value.is_finite());
    Measure { value, interval: value.filter(|_| half.is_finite()).map(|value| (value - half, value + half)) }
}

/// The same where the half width is one of the logarithm.
fn logarithmic(value: Option<f64>, half: f64) -> Measure {
    let value = value.filter(|value| value.is_finite());
    let factor = half.exp();
    Measure { value, interval: value.filter(|_| factor.is_finite()).map(|value| (value / factor, value * factor)) }
}

fn data(drugs: &[Drug; 2], selection: &Selection, analysis: &Analysis, intervals: &Intervals) -> Data {
    let matrix = &analysis.matrix;
    let half = &intervals.half;
    let columns = matrix.doses[1].len();
    let cell = |at: usize| {
        let doses = [matrix.doses[0][at / columns], matrix.doses[1][at % columns]];
        let against = |reference: usize| Against {
            expected_viability: analysis.expected[reference][at],
            excess: measure(analysis.excess[reference][at], half.excess[reference][at]),
        };
        let both = doses.iter().all(|dose| *dose > 0.0);
        Cell {
            doses,
            count: matrix.counts[at],
            viability: measure(matrix.cells[at], half.viability[at]),
            references: if both { [0, 1, 2, 3].map(against).into() } else { Vec::new() },
        }
    };
    let cells: Vec<Cell> = (0..matrix.cells.len()).map(cell).collect();
    let read = matrix.combinations().filter(|&(i, j)| matrix.at(i, j).is_some()).count();
    let reference = |(at, kind): (usize, synergy::Reference)| {
        let own = |test: &dyn Fn(&Measure) -> bool| {
            cells.iter().filter_map(|cell| cell.references.get(at)).filter(|against| test(&against.excess)).count()
        };
        let given = own(&|excess| excess.value.is_some());
        Reference {
            name: kind.name().into(),
            mean: measure(analysis.mean[at], half.mean[at]),
            given,
            of: read,
            above: own(&|excess| excess.differs() && excess.value.is_some_and(|value| value > 0.0)),
            below: own(&|excess| excess.differs() && excess.value.is_some_and(|value| value < 0.0)),
            note: words::reference_note(kind, drugs, analysis, given, read),
        }
    };
    Data {
        references: synergy::Reference::ALL.into_iter().enumerate().map(reference).collect(),
        alone: [alone(analysis, intervals, 0), alone(analysis, intervals, 1)],
        shift: shift(drugs, analysis, intervals),
        isobole: isobole::isobole(analysis),
        missing: missing(drugs, analysis),
        wells: selection.wells.wells.len(),
        experiments: selection.wells.experiments().len(),
        basis: words::basis(intervals.basis).into(),
        doses: matrix.doses.clone(),
        cells,
    }
}

/// Doses between which curves are drawn, with a 0 in front.
fn drawn(doses: &[f64]) -> Vec<f64> {
    let positive: Vec<f64> = doses.iter().copied().filter(|dose| *dose > 0.0).collect();
    let (Some(low), Some(high)) = (positive.first(), positive.last()) else { return Vec::new() };
    std::iter::once(0.0).chain(spaced(*low, *high, POINTS)).collect()
}

fn alone(analysis: &Analysis, intervals: &Intervals, drug: usize) -> Alone {
    let (single, half) = (&analysis.alone[drug], &intervals.half.alone[drug]);
    let active = analysis.plan.active[drug];
    // The parameters of a flat line are those of no curve.
    let curve = single.curve.filter(|_| active);
    Alone {
        active,
        ec50: logarithmic(curve.map(|c| c.ec50), half[0]),
        hill: logarithmic(curve.map(|c| c.hill), half[1]),
        // A plateau that was taken to be 0 has no error.
        bottom: measure(curve.map(|c| c.bottom), if half[2] > 0.0 { half[2] } else { f64::NAN }),
        effect: measure(single.effect, half[3]),
        line: single.curve.map_or(Vec::new(), |curve| {
            drawn(&analysis.matrix.doses[drug]).into_iter().map(|dose| (dose, curve.value(dose))).collect()
        }),
    }
}

fn shift(drugs: &[Drug; 2], analysis: &Analysis, intervals: &Intervals) -> Shift {
    let (drug, matrix) = (analysis.shift.drug, &analysis.matrix);
    let unit = &drugs[drug].unit;
    let tested = &matrix.doses[drug][matrix.dosed(drug)];
    let (low, high) = (tested.first().copied().unwrap_or(0.0), tested.last().copied().unwrap_or(0.0));
    let within = |ec50: f64| (low..=high).contains(&ec50);
    let point = |(at, dose): (usize, &f64)| {
        let ec50 = analysis.shift.ec50[at];
        let reached = ec50.filter(|ec50| within(*ec50));
        // A factor between an EC50 and what lies beyond the doses would rest on the curve's shape alone.
        let reference = matrix.zero(1 - drug).and_then(|zero| analysis.shift.ec50[zero]).filter(|ec50| within(*ec50));
        let factor = analysis.shift.factors[at].filter(|_| reached.is_some() && reference.is_some() && *dose > 0.0);
        let line = analysis.lines.of[drug][at];
        ShiftPoint {
            dose: *dose,
            ec50: logarithmic(reached, intervals.half.ec50[at]),
            factor: logarithmic(factor, intervals.half.factors[at]),
            note: match ec50 {
                _ if line.is_none() => "too few doses".into(),
                _ if line.is_some_and(|line| line.top < LEAST) => {
                    format!("{} alone leaves too little", drugs[1 - drug].name)
                }
                Some(ec50) if ec50 < low => format!("< {} {unit}", shown(low)),
                Some(ec50) if ec50 <= high => String::new(),
                _ => format!("> {} {unit}", shown(high)),
            },
        }
    };
    Shift { drug, partner: 1 - drug, points: matrix.doses[1 - drug].iter().enumerate().map(point).collect() }
}

/// What a full matrix would have and this one has not.
fn missing(drugs: &[Drug; 2], analysis: &Analysis) -> Vec<String> {
    let matrix = &analysis.matrix;
    let told = |drug: usize, dose: f64| format!("{} {} {}", drugs[drug].name, shown(dose), drugs[drug].unit);
    let single = |drug: usize| {
        let absent = move |dose: &usize| matrix.alone(drug, *dose).is_none();
        matrix.dosed(drug).filter(absent).map(move |dose| format!("{} alone", told(drug, matrix.doses[drug][dose])))
    };
    let pairs = matrix.combinations().filter(|&(i, j)| matrix.at(i, j).is_none());
    let pairs = pairs.map(|(i, j)| format!("{} with {}", told(0, matrix.doses[0][i]), told(1, matrix.doses[1][j])));
    single(0).chain(single(1)).chain(pairs).collect()
}

/// Whether intervals rest on experiments.
fn over_experiments(basis: Basis) -> bool {
    matches!(basis, Basis::Experiments(_))
}
