//! What an engine may make of a batch where it was computed, so that only that comes back.

/// How the lanes of a batch belong together. They lie as `[point][run][cell]`: a point is a parameter vector, and its
/// runs have the protocols, one each, that the first point's have.
///
/// A *slot* is an output of a run at one of its times, averaged over cells; the slots of a point lie as
/// `[run][time][output]`.
#[derive(Debug, Clone, Copy)]
pub struct Reduction<'a> {
    /// Runs of a point; each has an output at least.
    pub runs: usize,
    /// Cells of a run.
    pub cells: usize,
    /// The slots themselves are wanted where there is none.
    pub misfit: Option<Misfit<'a>>,
}

/// How far the predictions of a point are from what was read: one number for each point.
///
/// It is the negative log-likelihood without what does not depend on the slots, so that single precision suffices for
/// the sum: with `r = (value - prediction) / total`, where `total^2 = sd^2 + (relative * prediction)^2`, each residual
/// adds what its [`Law`] says and `ln(total / sd)`.
#[derive(Debug, Clone, Copy)]
pub struct Misfit<'a> {
    pub residuals: &'a [Residual],
    /// What each point brings along: `numbers[point * count + number]`.
    pub numbers: &'a [f64],
    /// Numbers of a point.
    pub count: usize,
}

/// One reading with its prediction, `offset + scale * sum(above) / sum(below)`. The sums are of coefficients times
/// slots; the quotient is left out where `below` is empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Residual {
    pub law: Law,
    pub value: f64,
    pub offset: Number,
    pub scale: Number,
    pub sd: Number,
    pub relative: Option<Number>,
    pub above: Vec<(f64, usize)>,
    pub below: Vec<(f64, usize)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// The same for all points.
    Constant(f64),
    /// Index among the numbers of a point.
    OfPoint(usize),
}

/// How readings scatter around predictions, and what a residual adds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Law {
    /// `r^2 / 2`
    Normal,
    /// The same with the logarithms of value (above 0) and prediction (at least 1e-12) in their place.
    LogNormal,
    /// `(df + 1) / 2 * ln(1 + r^2 / df)`
    StudentT { df: f64 },
    /// `sqrt(2) * |r|`
    Laplace,
}

/// What came of the points.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reduced {
    /// The slots of each point, or its misfit.
    pub values: Vec<f64>,
    /// For each point whether a lane did not finish or a number was not finite; its values then mean nothing.
    pub failed: Vec<bool>,
}
