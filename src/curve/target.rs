//! What is read off a curve, each as a function of the curve's parameters that can be held at a value.
//!
//! A profile holds one of them. Each names the parameter that it determines once the others are given (its pivot), so
//! that a profile is a fit of the others with no constraint left.

use super::shape::{Shape, Theta};

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target {
    /// A parameter itself: the logarithm of the EC50 or the onset, the logarithm of the Hill exponent or the rate, the
    /// lower plateau.
    Parameter(usize),
    /// The logarithm of the dose at which the share is this.
    DoseAt(f64),
    /// The mean share between two logarithms of doses.
    Area(f64, f64),
    /// The rate at the onset, `k (1 - E)`, as a logarithm.
    FastestLoss,
}

impl Target {
    /// The parameter that is determined by the others and the target.
    pub fn pivot(self) -> usize {
        match self {
            Target::Parameter(index) => index,
            Target::DoseAt(_) => 0,
            Target::Area(..) => 2,
            Target::FastestLoss => 1,
        }
    }

    /// Its value; `None` where the curve never gets there.
    pub fn value(self, theta: &Theta) -> Option<f64> {
        let [location, log_shape, floor] = *theta;
        match self {
            Target::Parameter(index) => Some(theta[index]),
            Target::DoseAt(share) => Some(location + reach(share, floor)?.ln() / log_shape.exp()),
            Target::Area(from, to) => {
                let alive = unit_area(location, log_shape.exp(), from, to);
                Some(floor + (1.0 - floor) * alive)
            }
            Target::FastestLoss => (floor < 1.0).then(|| log_shape + (1.0 - floor).ln()),
        }
    }

    /// Its gradient where it has a value.
    pub fn gradient(self, theta: &Theta) -> Theta {
        let [location, log_shape, floor] = *theta;
        let shape = log_shape.exp();
        match self {
            Target::Parameter(index) => std::array::from_fn(|i| f64::from(u8::from(i == index))),
            Target::DoseAt(share) => {
                let Some(odds) = reach(share, floor) else { return [1.0, 0.0, 0.0] };
                [1.0, -odds.ln() / shape, 1.0 / (shape * (share - floor))]
            }
            Target::Area(from, to) => {
                let alive = unit_area(location, shape, from, to);
                let width = to - from;
                let at = |x: f64| 1.0 / (1.0 + (-shape * (x - location)).exp());
                let by_location = (at(to) - at(from)) / width;
                let lost = 1.0 - alive;
                let moment = ((to - location) * at(to) - (from - location) * at(from)) / width;
                [(1.0 - floor) * by_location, -(1.0 - floor) * (moment - lost), lost]
            }
            Target::FastestLoss => [0.0, 1.0, -1.0 / (1.0 - floor)],
        }
    }

    /// Sets the pivot so that the target has `value`; `false` where no pivot does.
    pub fn hold(self, theta: &mut Theta, value: f64) -> bool {
        let [location, log_shape, floor] = *theta;
        let found = match self {
            Target::Parameter(_) => Some(value),
            Target::DoseAt(share) => reach(share, floor).map(|odds| value - odds.ln() / log_shape.exp()),
            Target::Area(from, to) => {
                let alive = unit_area(location, log_shape.exp(), from, to);
                (alive < 1.0 - 1e-12).then(|| (value - alive) / (1.0 - alive))
            }
            Target::FastestLoss => (floor < 1.0).then(|| value - (1.0 - floor).ln()),
        };
        let Some(found) = found.filter(|found| found.is_finite()) else { return false };
        theta[self.pivot()] = found;
        true
    }

    /// Of which curve this is read.
    pub fn shape(self) -> Option<Shape> {
        match self {
            Target::Parameter(_) => None,
            Target::DoseAt(_) | Target::Area(..) => Some(Shape::Dose),
            Target::FastestLoss => Some(Shape::Lag),
        }
    }
}

/// `(1 - share) / (share - floor)`: the odds at which a dose curve crosses a share.
fn reach(share: f64, floor: f64) -> Option<f64> {
    let odds = (1.0 - share) / (share - floor);
    (odds > 0.0 && odds.is_finite()).then_some(odds)
}

/// The mean of `1 / (1 + exp(h (x - m)))` between two x.
fn unit_area(location: f64, shape: f64, from: f64, to: f64) -> f64 {
    let softplus = |z: f64| if z > 0.0 { z + (-z).exp().ln_1p() } else { z.exp().ln_1p() };
    let lost = (softplus(shape * (to - location)) - softplus(shape * (from - location))) / (shape * (to - from));
    1.0 - lost
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn held_targets_have_their_value_and_the_right_gradient() {
        let theta = [0.4, 0.6, 0.15];
        for target in [
            Target::Parameter(1),
            Target::DoseAt(0.9),
            Target::Area(-2.0, 3.0),
            Target::FastestLoss,
            Target::DoseAt(0.5),
        ] {
            let value = target.value(&theta).unwrap();
            let gradient = target.gradient(&theta);
            for i in 0..3 {
                let (mut up, mut down) = (theta, theta);
                up[i] += 1e-5;
                down[i] -= 1e-5;
                let difference = (target.value(&up).unwrap() - target.value(&down).unwrap()) / 2e-5;
                assert!((gradient[i] - difference).abs() < 1e-8, "{target:?} {i}");
            }
            let mut held = [0.1, 0.3, 0.2];
            assert!(target.hold(&mut held, value));
            assert!((target.value(&held).unwrap() - value).abs() < 1e-12, "{target:?}");
        }
        assert_eq!(Target::DoseAt(0.1).value(&theta), None);
    }
}
