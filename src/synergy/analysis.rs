//! Everything that is read off one matrix.

use super::zip::{self, Lines};
use super::{Curve, Matrix, Shift, bliss, hsa, loewe};

/// What is expected of a combination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    Bliss,
    Loewe,
    Hsa,
    Zip,
}

impl Reference {
    pub const ALL: [Reference; 4] = [Reference::Bliss, Reference::Loewe, Reference::Hsa, Reference::Zip];

    pub fn name(self) -> &'static str {
        match self {
            Reference::Bliss => "Bliss",
            Reference::Loewe => "Loewe",
            Reference::Hsa => "HSA",
            Reference::Zip => "ZIP",
        }
    }
}

/// A drug that lowers viability by less than this at its highest dose is inactive alone.
pub const INACTIVE: f64 = 0.1;

/// Why a reference is not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unavailable {
    /// The drug with this number does nothing alone.
    Inactive(usize),
    /// The drug with this number was read alone at fewer than three doses.
    FewDoses(usize),
    /// The drug with this number was not read alone.
    NotAlone(usize),
    /// No row and column of three doses cross at a combination.
    FewCombinations,
}

/// What one drug does by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Alone {
    /// `None` with fewer than three doses.
    pub curve: Option<Curve>,
    /// 1 - viability at the highest dose: of the curve, or as read; `None` if it was not read.
    pub effect: Option<f64>,
}

/// What is decided once, on all readings, and kept in the repeats of a bootstrap.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub active: [bool; 2],
    /// The drug whose EC50 is followed over the doses of the other.
    pub followed: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    pub matrix: Matrix,
    pub plan: Plan,
    pub alone: [Alone; 2],
    pub lines: Lines,
    /// Expected viabilities, by reference and cell; those of combinations alone.
    pub expected: [Vec<Option<f64>>; 4],
    /// Observed effect less the expected one. For ZIP observed is what the fitted rows and columns say.
    pub excess: [Vec<Option<f64>>; 4],
    /// The mean excess over the combinations that have one.
    pub mean: [Option<f64>; 4],
    pub shift: Shift,
    pub unavailable: [Option<Unavailable>; 4],
}

/// Numbers with errors, NaN where there is none: estimates, or half the widths of their intervals.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbers {
    pub viability: Vec<f64>,
    pub excess: [Vec<f64>; 4],
    pub mean: [f64; 4],
    /// Of each drug alone: `ln EC50`, `ln h`, lower plateau, effect at the highest dose.
    pub alone: [[f64; 4]; 2],
    /// Logarithms.
    pub ec50: Vec<f64>,
    pub factors: Vec<f64>,
}

impl Matrix {
    /// All of it. `near` is an analysis of similar readings, whose plan is kept and whose curves are begun from.
    pub fn analyse(&self, near: Option<&Analysis>) -> Analysis {
        let alone = [0, 1].map(|drug| self.single(drug, near.and_then(|near| near.alone[drug].curve)));
        let plan = near.map_or_else(|| Plan::of(&alone), |near| near.plan.clone());
        let top = |drug: usize, dose: usize| match alone[drug].curve {
            Some(curve) => Some(curve.value(self.doses[drug][dose])),
            None if self.doses[drug][dose] == 0.0 => Some(1.0),
            None => self.alone(drug, dose),
        };
        let tops = [0, 1].map(|drug| (0..self.doses[drug].len()).map(|dose| top(drug, dose)).collect());
        let lines = Lines::fit(self, &tops, near.map(|near| &near.lines));
        let curves = alone[0].curve.zip(alone[1].curve).map(|(a, b)| [a, b]);

        let size = self.cells.len();
        let (mut expected, mut excess) = ([(); 4].map(|_| vec![None; size]), [(); 4].map(|_| vec![None; size]));
        let both = plan.active == [true; 2];
        for (i, j) in self.combinations() {
            let (cell, doses) = (i * self.doses[1].len() + j, [self.doses[0][i], self.doses[1][j]]);
            let read = self.alone(0, i).zip(self.alone(1, j)).map(|(a, b)| [a, b]);
            let fitted = curves.filter(|_| both);
            let observed = self.at(i, j);
            let by_lines = observed.and_then(|_| lines.observed(self, i, j));
            let pairs = [
                (read.map(bliss::expected), observed),
                (fitted.and_then(|[a, b]| additive(doses, a, b)), observed),
                (read.map(hsa::expected), observed),
                (fitted.map(|curves| zip::expected(&curves, doses)), by_lines),
            ];
            for (reference, (wanted, observed)) in pairs.into_iter().enumerate() {
                expected[reference][cell] = wanted;
                excess[reference][cell] = wanted.zip(observed).map(|(wanted, observed)| wanted - observed);
            }
        }
        let mean = [0, 1, 2, 3].map(|reference| mean(&excess[reference]));
        let unavailable = Reference::ALL.map(|reference| match mean[reference as usize] {
            Some(_) => None,
            None => Some(self.why_not(reference, &alone, &plan)),
        });
        let shift = Shift::of(self, plan.followed, &lines.of[plan.followed]);
        Analysis { matrix: self.clone(), plan, alone, lines, expected, excess, mean, shift, unavailable }
    }

    fn single(&self, drug: usize, near: Option<Curve>) -> Alone {
        let Some(zero) = self.zero(1 - drug) else { return Alone { curve: None, effect: None } };
        let (doses, values) = self.line(drug, zero);
        let curve = match near {
            Some(near) => near.refit(1.0, &doses, &values),
            None => Curve::fit(1.0, &doses, &values),
        };
        let effect = doses.last().map(|&dose| 1.0 - curve.map_or(values[values.len() - 1], |c| c.value(dose)));
        Alone { curve, effect }
    }

    fn why_not(&self, reference: Reference, alone: &[Alone; 2], plan: &Plan) -> Unavailable {
        let first = |test: &dyn Fn(usize) -> bool| (0..2).find(|&drug| test(drug));
        if let Some(drug) = first(&|drug| alone[drug].effect.is_none()) {
            return Unavailable::NotAlone(drug);
        }
        if matches!(reference, Reference::Bliss | Reference::Hsa) {
            return Unavailable::FewCombinations;
        }
        if let Some(drug) = first(&|drug| !plan.active[drug]) {
            return Unavailable::Inactive(drug);
        }
        match first(&|drug| alone[drug].curve.is_none()) {
            Some(drug) => Unavailable::FewDoses(drug),
            None => Unavailable::FewCombinations,
        }
    }
}

/// The viability expected by Loewe additivity from two fitted curves; `None` beyond the weaker drug's plateau.
pub fn additive(doses: [f64; 2], a: Curve, b: Curve) -> Option<f64> {
    loewe::combined(doses, [a.bottom, b.bottom], [&|v| a.dose(v), &|v| b.dose(v)])
}

impl Plan {
    fn of(alone: &[Alone; 2]) -> Plan {
        let active = [0, 1].map(|drug| alone[drug].effect.is_some_and(|effect| effect >= INACTIVE));
        Plan { active, followed: usize::from(!active[0] && active[1]) }
    }
}

fn mean(values: &[Option<f64>]) -> Option<f64> {
    let given: Vec<f64> = values.iter().flatten().copied().collect();
    (!given.is_empty()).then(|| given.iter().sum::<f64>() / given.len() as f64)
}

impl Analysis {
    pub fn numbers(&self) -> Numbers {
        let gaps = |list: &[Option<f64>]| list.iter().map(|x| x.unwrap_or(f64::NAN)).collect::<Vec<f64>>();
        let log = |list: &[Option<f64>]| list.iter().map(|x| x.map_or(f64::NAN, f64::ln)).collect();
        let single = |alone: &Alone| {
            let [location, hill, bottom] = alone.curve.map_or([f64::NAN; 3], |c| [c.ec50.ln(), c.hill.ln(), c.bottom]);
            [location, hill, bottom, alone.effect.unwrap_or(f64::NAN)]
        };
        Numbers {
            viability: gaps(&self.matrix.cells),
            excess: [0, 1, 2, 3].map(|reference| gaps(&self.excess[reference])),
            mean: self.mean.map(|mean| mean.unwrap_or(f64::NAN)),
            alone: [single(&self.alone[0]), single(&self.alone[1])],
            ec50: log(&self.shift.ec50),
            factors: log(&self.shift.factors),
        }
    }
}

impl Numbers {
    fn parts(&mut self) -> [&mut [f64]; 10] {
        let [bliss, loewe, hsa, zip] = &mut self.excess;
        let [first, second] = &mut self.alone;
        [&mut self.viability, bliss, loewe, hsa, zip, &mut self.mean, first, second, &mut self.ec50, &mut self.factors]
    }

    /// All of them in one row.
    pub(super) fn row(mut self) -> Vec<f64> {
        self.parts().into_iter().flat_map(|part| part.iter().copied()).collect()
    }

    /// The same shape with other numbers.
    pub(super) fn filled(mut self, row: &[f64]) -> Numbers {
        let mut rest = row;
        for part in self.parts() {
            let (own, others) = rest.split_at(part.len());
            part.copy_from_slice(own);
            rest = others;
        }
        self
    }
}
