//! Sparse LU without pivoting in Markowitz order, as a list of operations on matrix entries.
//!
//! The matrix is `A = I/(h gamma) - J`. Entries live in numbered places: first those of the pattern of A, then fill.
//! Places of the diagonal end up holding the inverse pivot.

use std::collections::HashMap;

/// The plan of one factorisation and its solves.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// Number of rows.
    pub size: usize,
    /// `(row, column)` of each place, in the rows and columns of the states. The first `pattern` places are entries
    /// of A (each Jacobian entry and each diagonal element), the rest is fill and starts as 0.
    pub places: Vec<(u32, u32)>,
    pub pattern: usize,
    /// The state that is eliminated first, second, …: row and column of the pivots.
    pub order: Vec<u32>,
    /// The factorisation, in order.
    pub factor: Vec<Step>,
    /// The forward substitution `x[row] -= place * x[column]`, in order.
    pub forward: Vec<Update>,
    /// The back substitution: for each row `x[row] -= place * x[column]`, then `x[row] *= inverse pivot`.
    pub backward: Vec<Row>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step {
    /// `place = 1 / place`, floored away from 0.
    Invert { place: u32 },
    /// `place *= pivot`
    Scale { place: u32, pivot: u32 },
    /// `place -= left * right`
    Update { place: u32, left: u32, right: u32 },
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Update {
    pub row: u32,
    pub place: u32,
    pub column: u32,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub row: u32,
    pub updates: Vec<Update>,
    /// The place of the inverse pivot.
    pub pivot: u32,
}

impl Plan {
    /// Plans the elimination for a matrix of `size` rows whose entries off the diagonal lie at `pattern`.
    ///
    /// Pivots are taken from the diagonal, each time the one with the least `(row count - 1) * (column count - 1)`
    /// (Markowitz 1957), the earliest of equals.
    pub fn new(size: usize, pattern: &[(u32, u32)]) -> Plan {
        let mut places: Vec<(u32, u32)> = pattern.to_vec();
        places.extend((0..size as u32).map(|i| (i, i)));
        places.sort_unstable();
        places.dedup();
        let mut plan = Plan { size, pattern: places.len(), places, ..Plan::default() };
        let mut at: HashMap<(u32, u32), u32> =
            plan.places.iter().enumerate().map(|(place, &entry)| (entry, place as u32)).collect();
        let mut left: Vec<u32> = (0..size as u32).collect();
        while !left.is_empty() {
            let count = |entry: &dyn Fn(u32) -> (u32, u32)| {
                left.iter().filter(|&&other| at.contains_key(&entry(other))).count() - 1
            };
            let pivot = *left
                .iter()
                .min_by_key(|&&p| (count(&|other| (p, other)) * count(&|other| (other, p)), p))
                .expect("not empty");
            left.retain(|&row| row != pivot);
            plan.order.push(pivot);
            let pivot_place = at[&(pivot, pivot)];
            plan.factor.push(Step::Invert { place: pivot_place });
            let columns: Vec<u32> = left.iter().copied().filter(|&c| at.contains_key(&(pivot, c))).collect();
            for &row in &left {
                let Some(&factor) = at.get(&(row, pivot)) else { continue };
                plan.factor.push(Step::Scale { place: factor, pivot: pivot_place });
                for &column in &columns {
                    let place = *at.entry((row, column)).or_insert_with(|| {
                        plan.places.push((row, column));
                        plan.places.len() as u32 - 1
                    });
                    let right = plan.places.iter().position(|&e| e == (pivot, column)).expect("in the row") as u32;
                    plan.factor.push(Step::Update { place, left: factor, right });
                }
            }
        }
        for (step, &column) in plan.order.iter().enumerate() {
            for &row in &plan.order[step + 1..] {
                if let Some(&place) = at.get(&(row, column)) {
                    plan.forward.push(Update { row, place, column });
                }
            }
        }
        for (step, &row) in plan.order.iter().enumerate().rev() {
            let updates = plan.order[step + 1..]
                .iter()
                .filter_map(|&column| at.get(&(row, column)).map(|&place| Update { row, place, column }))
                .collect();
            plan.backward.push(Row { row, updates, pivot: at[&(row, row)] });
        }
        plan
    }

    /// The place of an entry, if it has one.
    pub fn place(&self, row: u32, column: u32) -> Option<u32> {
        self.places.iter().position(|&entry| entry == (row, column)).map(|place| place as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{DMatrix, DVector};

    fn solve(plan: &Plan, matrix: &DMatrix<f64>, b: &DVector<f64>) -> DVector<f64> {
        let mut value: Vec<f64> = plan.places.iter().map(|&(r, c)| matrix[(r as usize, c as usize)]).collect();
        for &step in &plan.factor {
            match step {
                Step::Invert { place } => value[place as usize] = 1.0 / value[place as usize],
                Step::Scale { place, pivot } => value[place as usize] *= value[pivot as usize],
                Step::Update { place, left, right } => {
                    value[place as usize] -= value[left as usize] * value[right as usize];
                }
            }
        }
        let mut x = b.clone();
        for u in &plan.forward {
            x[u.row as usize] -= value[u.place as usize] * x[u.column as usize];
        }
        for row in &plan.backward {
            for u in &row.updates {
                x[u.row as usize] -= value[u.place as usize] * x[u.column as usize];
            }
            x[row.row as usize] *= value[row.pivot as usize];
        }
        x
    }

    #[test]
    fn solves_like_a_dense_solver() {
        let pattern = [(0, 3), (1, 0), (2, 1), (3, 2), (4, 0), (0, 4), (2, 4), (5, 5), (1, 5)];
        let mut matrix = DMatrix::from_diagonal(&DVector::from_fn(6, |i, _| 5.0 + i as f64));
        for (k, &(r, c)) in pattern.iter().enumerate() {
            matrix[(r, c)] += 1.0 / (1.0 + k as f64);
        }
        let pattern: Vec<(u32, u32)> = pattern.iter().map(|&(r, c)| (r as u32, c as u32)).collect();
        let b = DVector::from_fn(6, |i, _| (i as f64).sin() + 0.3);
        let expected = matrix.clone().lu().solve(&b).unwrap();
        let found = solve(&Plan::new(6, &pattern), &matrix, &b);
        assert!((expected - found).amax() < 1e-14);
    }

    /// An arrow that would fill completely in its natural order stays sparse in Markowitz order.
    #[test]
    fn an_arrow_matrix_does_not_fill() {
        let pattern: Vec<(u32, u32)> = (1..20).flat_map(|i| [(0, i), (i, 0)]).collect();
        let plan = Plan::new(20, &pattern);
        assert_eq!(plan.places.len(), plan.pattern);
        assert_eq!(plan.pattern, 20 + 38);
    }
}
