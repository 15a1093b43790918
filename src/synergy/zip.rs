//! Zero interaction potency: a drug shifts neither the potency nor the steepness of the other (B. Yadav, K. Wennerberg, T.
//! Aittokallio, J. Tang, Comput. Struct. Biotechnol. J. 13:504, 2015).
//!
//! Expected is the product of the fitted curves of the drugs alone. It is compared with fitted curves and not with the
//! cells: along each row and each column a curve of the one drug starts where the other has brought viability by itself,
//! and the mean of the two is what is observed. As in later versions of the method (S. Zheng et al., Genomics Proteomics
//! Bioinformatics 20:587, 2022) curves have lower plateaus.

use super::{Curve, Matrix};

/// The curves of one drug beside each dose of the other.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lines {
    /// `of[drug][k]`: that of `drug` at the k-th dose of the other; `None` where too few doses were read.
    pub of: [Vec<Option<Curve>>; 2],
}

impl Lines {
    /// Fits all rows and columns. `tops[drug][k]` is the viability under the k-th dose of `drug` alone, `near` are curves to
    /// begin from.
    pub fn fit(matrix: &Matrix, tops: &[Vec<Option<f64>>; 2], near: Option<&Lines>) -> Lines {
        let line = |drug: usize, other: usize| {
            let top = tops[1 - drug][other]?;
            let (doses, values) = matrix.line(drug, other);
            match near.and_then(|near| near.of[drug][other]) {
                Some(near) => near.refit(top, &doses, &values),
                None => Curve::fit(top, &doses, &values),
            }
        };
        Lines { of: [0, 1].map(|drug| (0..matrix.doses[1 - drug].len()).map(|other| line(drug, other)).collect()) }
    }

    /// The viability that the curves of row and column say was observed.
    pub fn observed(&self, matrix: &Matrix, i: usize, j: usize) -> Option<f64> {
        let (first, second) = (self.of[0][j]?, self.of[1][i]?);
        Some(0.5 * (first.value(matrix.doses[0][i]) + second.value(matrix.doses[1][j])))
    }
}

/// The viability expected under both from the fitted curves of each alone.
pub fn expected(alone: &[Curve; 2], doses: [f64; 2]) -> f64 {
    alone[0].value(doses[0]) * alone[1].value(doses[1])
}
