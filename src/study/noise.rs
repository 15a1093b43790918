//! Error models: the log-likelihood of one observation, its derivatives and its information.

use super::special;

/// How readings scatter around predictions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Noise {
    Normal,
    /// The logarithm of a reading scatters normally around the logarithm of the prediction; sd is that of the natural
    /// logarithm.
    LogNormal,
    /// Robust against outliers. `sd` is the scale of the distribution (its standard deviation only for `df` to
    /// infinity).
    StudentT {
        df: f64,
    },
    /// Robust too. Its scale is `sd / sqrt(2)`, so that `sd` is its standard deviation.
    Laplace,
}

/// A log-likelihood with its derivatives by the prediction and by the sd.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Score {
    pub value: f64,
    pub by_mean: f64,
    pub by_sd: f64,
    /// Information on (mean, mean), (mean, sd), (sd, sd); positive semi-definite.
    pub information: [f64; 3],
}

/// Log-normal predictions below this are taken as this: an integrator may return a count of -1e-15.
const SMALLEST: f64 = 1e-12;

/// An interval narrower than this (in sd) is its density times its width; the error is of the order of its square.
const NARROW: f64 = 1e-4;

impl Noise {
    /// The log density of reading `y`. Information is the expected one.
    pub fn reading(self, y: f64, mean: f64, sd: f64) -> Score {
        let half_log_two_pi = special::HALF_LN_TWO_PI;
        match self {
            Noise::Normal => {
                let r = (y - mean) / sd;
                Score {
                    value: -0.5 * r * r - sd.ln() - half_log_two_pi,
                    by_mean: r / sd,
                    by_sd: (r * r - 1.0) / sd,
                    information: [1.0 / (sd * sd), 0.0, 2.0 / (sd * sd)],
                }
            }
            Noise::LogNormal => {
                if y <= 0.0 {
                    return Score { value: f64::NEG_INFINITY, ..Score::default() };
                }
                let (log_mean, slope) = logarithm(mean);
                let mut score = Noise::Normal.reading(y.ln(), log_mean, sd);
                score.value -= y.ln();
                score.chained(slope)
            }
            Noise::StudentT { df } => {
                let r = (y - mean) / sd;
                let weight = (df + 1.0) / (df + r * r);
                Score {
                    value: special::ln_student_density(r, df) - sd.ln(),
                    by_mean: weight * r / sd,
                    by_sd: (weight * r * r - 1.0) / sd,
                    information: [(df + 1.0) / (df + 3.0) / (sd * sd), 0.0, 2.0 * df / (df + 3.0) / (sd * sd)],
                }
            }
            Noise::Laplace => {
                let scale = sd / std::f64::consts::SQRT_2;
                let r = (y - mean) / scale;
                Score {
                    value: -(2.0 * scale).ln() - r.abs(),
                    by_mean: if r == 0.0 { 0.0 } else { r.signum() / scale },
                    by_sd: (r.abs() - 1.0) / sd,
                    information: [1.0 / (scale * scale), 0.0, 1.0 / (sd * sd)],
                }
            }
        }
    }

    /// The log probability of a reading between `lower` and `upper` (infinite for censored readings).
    ///
    /// The information on the mean is the curvature of the log probability, which is not negative where the density
    /// is log-concave (and never below the expected information of the event, which takes its place for Student's t).
    pub fn interval(self, lower: f64, upper: f64, mean: f64, sd: f64) -> Score {
        if self == Noise::LogNormal {
            let (log_mean, slope) = logarithm(mean);
            let lower = if lower > 0.0 { lower.ln() } else { f64::NEG_INFINITY };
            let upper = if upper > 0.0 { upper.ln() } else { f64::NEG_INFINITY };
            return Noise::Normal.interval(lower, upper, log_mean, sd).chained(slope);
        }
        if upper <= lower {
            return Score { value: f64::NEG_INFINITY, ..Score::default() };
        }
        let scale = self.scale(sd);
        let (a, b) = ((lower - mean) / scale, (upper - mean) / scale);
        if b - a < NARROW {
            let mut score = self.reading(0.5 * (lower + upper), mean, sd);
            score.value += (upper - lower).ln();
            score.information[0] = self.curvature(0.5 * (a + b)).max(0.0) / (scale * scale);
            return score;
        }
        let log_mass = self.log_mass(a, b);
        if log_mass == f64::NEG_INFINITY {
            return Score { value: log_mass, ..Score::default() };
        }
        // Densities at the bounds relative to the mass, and their derivatives.
        let relative = |x: f64| if x.is_finite() { (self.ln_density(x) - log_mass).exp() } else { 0.0 };
        let (at_a, at_b) = (relative(a), relative(b));
        let moment = |x: f64, density: f64| if x.is_finite() { x * density } else { 0.0 };
        let by_mean = (at_a - at_b) / scale;
        let by_sd = (moment(a, at_a) - moment(b, at_b)) / sd;
        let slope = |x: f64, density: f64| if x.is_finite() { self.ln_density_slope(x) * density } else { 0.0 };
        let second = (slope(b, at_b) - slope(a, at_a)) / (scale * scale);
        let odds = log_mass.exp() / -log_mass.exp_m1();
        let expected = |score: f64| if odds.is_finite() { score * score * odds } else { 0.0 };
        Score {
            value: log_mass,
            by_mean,
            by_sd,
            information: [(by_mean * by_mean - second).max(expected(by_mean)), 0.0, expected(by_sd)],
        }
    }

    fn scale(self, sd: f64) -> f64 {
        if self == Noise::Laplace { sd / std::f64::consts::SQRT_2 } else { sd }
    }

    /// Of the standard distribution, as are the functions below.
    fn ln_density(self, x: f64) -> f64 {
        match self {
            Noise::Normal | Noise::LogNormal => -0.5 * x * x - special::HALF_LN_TWO_PI,
            Noise::StudentT { df } => special::ln_student_density(x, df),
            Noise::Laplace => -std::f64::consts::LN_2 - x.abs(),
        }
    }

    fn ln_density_slope(self, x: f64) -> f64 {
        match self {
            Noise::Normal | Noise::LogNormal => -x,
            Noise::StudentT { df } => -(df + 1.0) * x / (df + x * x),
            Noise::Laplace => -x.signum(),
        }
    }

    fn curvature(self, x: f64) -> f64 {
        match self {
            Noise::Normal | Noise::LogNormal => 1.0,
            Noise::StudentT { df } => (df + 1.0) * (df - x * x) / (df + x * x).powi(2),
            Noise::Laplace => 0.0,
        }
    }

    fn log_mass(self, a: f64, b: f64) -> f64 {
        match self {
            Noise::Normal | Noise::LogNormal => special::ln_normal_mass(a, b),
            Noise::StudentT { df } => special::ln_student_mass(a, b, df),
            Noise::Laplace => special::ln_laplace_mass(a, b),
        }
    }

    /// As written in a study file.
    pub fn name(self) -> &'static str {
        match self {
            Noise::Normal => "normal",
            Noise::LogNormal => "log-normal",
            Noise::StudentT { .. } => "student-t",
            Noise::Laplace => "laplace",
        }
    }
}

impl Score {
    /// From the logarithm of the prediction back to the prediction.
    fn chained(mut self, slope: f64) -> Score {
        self.by_mean *= slope;
        self.information[0] *= slope * slope;
        self.information[1] *= slope;
        self
    }
}

pub(super) fn logarithm(mean: f64) -> (f64, f64) {
    if mean > SMALLEST { (mean.ln(), 1.0 / mean) } else { (SMALLEST.ln(), 0.0) }
}

/// A window for the shared error that is narrower than this (in sd) is scored as explained at [`joint`].
pub const NARROWEST_WINDOW: f64 = 0.05;

/// What a joint interval says, by the two predictions that limit the shared error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JointScore {
    pub value: f64,
    /// The observation whose lower bound limits the error from below, and the one whose upper bound does from above.
    pub limits: [Option<usize>; 2],
    /// By these two predictions.
    pub gradient: [f64; 2],
    /// (first, first), (first, second), (second, second)
    pub information: [f64; 3],
    /// Some error explains all bounds.
    pub possible: bool,
}

/// The log probability that **one** normal error with this `sd`, added to every prediction, puts each of them between
/// its bounds `(lower, upper)`.
///
/// Where no error does, the probability is 0 and has no slope that would lead a search out. Windows narrower than
/// [`NARROWEST_WINDOW`] therefore go on as a function of the window with the slope it has there, down to negative
/// widths; `possible` says whether a result is to be believed.
pub fn joint(bounds: &[(f64, f64)], predictions: &[f64], sd: f64) -> JointScore {
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    let mut limits = [None; 2];
    for (i, (&(lower, upper), &prediction)) in bounds.iter().zip(predictions).enumerate() {
        if lower - prediction > low {
            (low, limits[0]) = (lower - prediction, Some(i));
        }
        if upper - prediction < high {
            (high, limits[1]) = (upper - prediction, Some(i));
        }
    }
    let (a, b) = (low / sd, high / sd);
    let gap = b - a;
    // Derivatives by a and b; both are -1/sd times those by the predictions.
    let (value, [by_a, by_b], [aa, ab, bb]) = if gap >= NARROWEST_WINDOW {
        let value = special::ln_normal_mass(a, b);
        let relative = |x: f64| if x.is_finite() { (Noise::Normal.ln_density(x) - value).exp() } else { 0.0 };
        let (at_a, at_b) = (relative(a), relative(b));
        let moment = |x: f64, density: f64| if x.is_finite() { x * density } else { 0.0 };
        let curvature =
            [(at_a * at_a - moment(a, at_a)).max(0.0), -at_a * at_b, (at_b * at_b + moment(b, at_b)).max(0.0)];
        (value, [-at_a, at_b], curvature)
    } else {
        let middle = 0.5 * (a + b);
        let missing = NARROWEST_WINDOW - gap;
        let steepness = 1.0 / NARROWEST_WINDOW;
        let value =
            Noise::Normal.ln_density(middle) + NARROWEST_WINDOW.ln() - missing * steepness - 0.5 * missing * missing;
        let slope = steepness + missing;
        // A Newton step on this curvature opens the window.
        let stiffness = slope / (missing + NARROWEST_WINDOW);
        let by = [-0.5 * middle - slope, -0.5 * middle + slope];
        (value, by, [0.25 + stiffness, 0.25 - stiffness, 0.25 + stiffness])
    };
    JointScore {
        value,
        limits,
        gradient: [-by_a / sd, -by_b / sd],
        information: [aa / (sd * sd), ab / (sd * sd), bb / (sd * sd)],
        possible: gap > 0.0,
    }
}
