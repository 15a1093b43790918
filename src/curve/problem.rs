//! The observations of one curve and how each is predicted from raw signals.
//!
//! A *unit* is one plate at one time: it has a scale of its own and, where wells without cells were read, blanks. Wells
//! with the same prediction are one [`Group`]: their mean and their scatter say all that the wells do.

use super::shape::{Shape, Theta};
use crate::study::special::{HALF_LN_TWO_PI, ln_normal_cdf};

/// What stands between the share `f` and the reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// `blank + s f`: light, absorbance or counts of live cells; `s` is the vehicle.
    Signal,
    /// `blank + s (1 - v f)`: a dead dye with lysed wells, which read `blank + s`; `v` is the live share of the vehicle.
    Dead,
    /// `v f`: live cells among all that were counted.
    Share,
    /// `blank + s (1 + f)^n`: live cells against those at the start, `s`; the vehicle doubles `n` times. Here `f` is
    /// the normalised growth rate GR.
    Growth,
}

impl Link {
    /// Parameters of a unit besides its blanks.
    pub fn scales(self) -> usize {
        match self {
            Link::Signal | Link::Share => 1,
            Link::Dead | Link::Growth => 2,
        }
    }

    /// The lowest plateau that means anything: no share is negative, nothing dies faster than at once (GR of -1). Signals
    /// may lie below their blanks.
    pub fn least(self) -> f64 {
        match self {
            Link::Signal | Link::Dead => f64::NEG_INFINITY,
            Link::Share => 0.0,
            Link::Growth => -1.0,
        }
    }

    /// Whether readings are shares of counts, with binomial errors.
    pub fn is_share(self) -> bool {
        self == Link::Share
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spot {
    /// Treated, or vehicle at `x` of minus infinity (time courses: before the onset).
    Curve,
    /// Without cells.
    Blank,
    /// Lysed: all cells dead.
    Full,
    /// When the compounds were added.
    Start,
}

#[derive(Debug, Clone)]
pub struct Group {
    pub unit: usize,
    /// What is left out together when intervals are scaled: an experiment or, within one, a well.
    pub cluster: usize,
    pub spot: Spot,
    /// Logarithm of the dose, or time.
    pub x: f64,
    /// Level of the blank that it sits on, if blanks were read.
    pub blank: Option<usize>,
    /// Number of wells; for shares, cells over their overdispersion.
    pub n: f64,
    pub mean: f64,
    /// Sum of squared deviations of the wells from `mean`, each weighted as in `n`.
    pub scatter: f64,
    /// Degrees of freedom of the scatter.
    pub scatter_df: f64,
    /// Variance of a well; unused for shares.
    pub variance: f64,
}

/// Wells that read beyond the range of the instrument: `mean` of the group is the limit.
#[derive(Debug, Clone)]
pub struct Bound {
    pub group: Group,
    /// The true value is at least the limit; otherwise at most.
    pub above: bool,
}

/// What a bound adds to the objective, and to the normal equations of its prediction.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pull {
    pub cost: f64,
    pub force: f64,
    pub weight: f64,
}

impl Bound {
    /// At a predicted `mean`. Where the error is known (`scaled`) it is minus twice the log probability of a reading beyond
    /// the limit (J. Tobin, Econometrica 26:24, 1958); before that only a prediction on the wrong side costs its square.
    pub fn pull(&self, mean: f64, scaled: bool) -> Pull {
        let Group { n, variance, mean: limit, .. } = self.group;
        let sign = if self.above { 1.0 } else { -1.0 };
        let inside = sign * (mean - limit);
        if !scaled {
            let missing = (-inside).max(0.0);
            let weight = if missing > 0.0 { n / variance } else { 0.0 };
            return Pull { cost: weight * missing * missing, force: sign * weight * missing, weight };
        }
        let sd = variance.sqrt();
        let z = inside / sd;
        let log_mass = ln_normal_cdf(z);
        let hazard = (-0.5 * z * z - HALF_LN_TWO_PI - log_mass).exp();
        let weight = n * hazard * (hazard + z).max(0.0) / variance;
        Pull { cost: -2.0 * n * log_mass, force: sign * n * hazard / sd, weight }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    pub experiment: usize,
    /// Levels of blanks.
    pub blanks: usize,
}

#[derive(Debug, Clone)]
pub struct Problem {
    pub shape: Shape,
    pub link: Link,
    pub experiments: usize,
    pub clusters: usize,
    pub units: Vec<Unit>,
    /// Those of a unit are neighbours.
    pub groups: Vec<Group>,
    /// Readings at a limit.
    pub bounds: Vec<Bound>,
    /// Variances are those of wells, not only in proportion to them.
    pub scaled: bool,
    /// Smallest and largest `x` of what was treated.
    pub range: (f64, f64),
    /// Distinct `x`, in order.
    pub levels: Vec<f64>,
    /// The lower plateau is zero.
    pub no_floor: bool,
}

/// A predicted reading and its derivatives by the share, by the scales of the unit and by the blank.
pub struct Prediction {
    pub mean: f64,
    pub by_share: f64,
    pub by_scale: [f64; 2],
    pub by_blank: f64,
}

impl Problem {
    /// Parameters of all units.
    pub fn unit_parameters(&self) -> usize {
        self.units.iter().map(|unit| self.link.scales() + unit.blanks).sum()
    }

    /// Readings of a unit at a limit, without those of a cluster.
    pub fn bounds_of(&self, unit: usize, without: Option<usize>) -> impl Iterator<Item = &Bound> {
        self.bounds.iter().filter(move |b| b.group.unit == unit && without != Some(b.group.cluster))
    }

    /// Predicts a group from the share and the parameters of its unit (scales, then blanks).
    pub fn predict(&self, group: &Group, share: f64, unit: &[f64]) -> Prediction {
        let blank = group.blank.map_or(0.0, |level| unit[self.link.scales() + level]);
        let by_blank = if group.blank.is_some() { 1.0 } else { 0.0 };
        let of = |mean: f64, by_share: f64, by_scale: [f64; 2]| Prediction { mean, by_share, by_scale, by_blank };
        if group.spot == Spot::Blank {
            return of(blank, 0.0, [0.0; 2]);
        }
        let s = unit[0];
        match self.link {
            Link::Signal => of(blank + s * share, s, [share, 0.0]),
            Link::Share => of(s * share, s, [share, 0.0]),
            Link::Dead if group.spot == Spot::Full => of(blank + s, 0.0, [1.0, 0.0]),
            Link::Dead => {
                let v = unit[1];
                of(blank + s * (1.0 - v * share), -s * v, [1.0 - v * share, -s * share])
            }
            Link::Growth if group.spot == Spot::Start => of(blank + s, 0.0, [1.0, 0.0]),
            Link::Growth => {
                let (n, base) = (unit[1], (1.0 + share).max(1e-6));
                let power = base.powf(n);
                of(blank + s * power, s * n * power / base, [power, s * power * base.ln()])
            }
        }
    }

    /// The signal of unaffected cells above the blank.
    pub fn reference(&self, unit: &[f64]) -> f64 {
        match self.link {
            Link::Signal | Link::Dead | Link::Share => unit[0].abs(),
            Link::Growth => unit[0].abs() * 2f64.powf(unit[1]),
        }
    }

    /// Degrees of freedom of scatter within groups.
    pub fn scatter_df(&self) -> f64 {
        self.groups.iter().map(|group| group.scatter_df).sum()
    }

    /// The variance of a reading relative to its stated one that a group's scatter gives: its sum.
    pub fn scatter(&self, mean_of: impl Fn(usize) -> f64) -> f64 {
        let each = |(at, group): (usize, &Group)| group.scatter / self.variance(group, mean_of(at));
        self.groups.iter().enumerate().map(each).sum()
    }

    /// The variance of one well (one count) around `mean`.
    pub fn variance(&self, group: &Group, mean: f64) -> f64 {
        if self.link.is_share() {
            let p = mean.clamp(1e-6, 1.0 - 1e-6);
            p * (1.0 - p)
        } else {
            group.variance
        }
    }

    /// The curve's share at a group, shifted by its experiment.
    pub fn share(&self, group: &Group, theta: &Theta, shift: f64) -> (f64, Theta) {
        if group.spot != Spot::Curve {
            return (1.0, [0.0; 3]);
        }
        self.shape.value(group.x, &[theta[0] + shift, theta[1], theta[2]])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_pulls_as_its_cost_falls() {
        let group = Group {
            unit: 0,
            cluster: 0,
            spot: Spot::Curve,
            x: 0.0,
            blank: None,
            n: 2.0,
            mean: 1.0,
            scatter: 0.0,
            scatter_df: 1.0,
            variance: 0.04,
        };
        for above in [false, true] {
            for (mean, scaled) in [(0.7, true), (1.1, true), (1.6, true), (0.8, false), (1.3, false)] {
                let bound = Bound { group: group.clone(), above };
                let at = |mean: f64| bound.pull(mean, scaled);
                let h = 1e-5;
                let slope = (at(mean + h).cost - at(mean - h).cost) / (2.0 * h);
                assert!((at(mean).force + 0.5 * slope).abs() < 1e-5 * (1.0 + slope.abs()), "{above} {mean} {scaled}");
                let curvature = (at(mean + h).force - at(mean - h).force) / (2.0 * h);
                assert!(
                    (at(mean).weight + curvature).abs() < 1e-4 * (1.0 + curvature.abs()),
                    "{above} {mean} {scaled}"
                );
            }
        }
    }
}
