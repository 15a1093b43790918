//! Sparse LU without pivoting in Markowitz order, as a list of operations on matrix entries.
//!
//! The matrix is `A = I/(h gamma) - J`. Entries live in numbered places: first those of the pattern of A, then fill.
//! Places of the diagonal end up holding the inverse pivot.

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
