//! The two curves: how the share of what is alive falls with dose, and how it falls with time.
//!
//! Both give the share `f` relative to no effect, with their gradient. Their parameters are `[location, shape, floor]`:
//!
//! - [`Shape::Dose`]: `f = E + (1 - E) / (1 + (d / EC50)^h)`, with `ln EC50`, `ln h`, `E` over `x = ln d`;
//! - [`Shape::Lag`]: `f = 1` before the onset `D0`, then `E + (1 - E) exp(-k (t - D0))`, with `D0`, `ln k`, `E` over
//!   `x = t` (lag-exponential death: Forcina et al. 2017, Cell Systems 4:600).

/// Parameters of a curve.
pub type Theta = [f64; 3];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Dose,
    Lag,
}

/// Largest Hill exponent and its inverse: a steeper curve is a step between two doses.
pub const LOG_STEEPEST: f64 = 7.0;

impl Shape {
    /// The share at `x`, and its derivatives.
    pub fn value(self, x: f64, theta: &Theta) -> (f64, Theta) {
        let [location, log_shape, floor] = *theta;
        let shape = log_shape.exp();
        match self {
            Shape::Dose => {
                if x == f64::NEG_INFINITY {
                    return (1.0, [0.0; 3]);
                }
                let z = shape * (x - location);
                let alive = 1.0 / (1.0 + z.exp());
                let slope = alive * (1.0 - alive);
                let span = 1.0 - floor;
                (floor + span * alive, [span * slope * shape, -span * slope * z, 1.0 - alive])
            }
            Shape::Lag => {
                let since = x - location;
                if since <= 0.0 {
                    return (1.0, [0.0; 3]);
                }
                let alive = (-shape * since).exp();
                let span = 1.0 - floor;
                (floor + span * alive, [span * alive * shape, -span * alive * shape * since, 1.0 - alive])
            }
        }
    }

    /// Keeps parameters where the curve has a meaning; `range` is that of `x` in the data.
    pub fn clamp(self, theta: &mut Theta, range: (f64, f64)) {
        let width = (range.1 - range.0).max(1e-3);
        match self {
            Shape::Dose => {
                theta[0] = theta[0].clamp(range.0 - 30.0 - width, range.1 + 30.0 + width);
                theta[1] = theta[1].clamp(-LOG_STEEPEST, LOG_STEEPEST);
                theta[2] = theta[2].clamp(-2.0, 10.0);
            }
            Shape::Lag => {
                theta[0] = theta[0].clamp(range.0 - 2.0 * width, range.1);
                theta[1] = theta[1].clamp((1e-4 / width).ln(), (1e4 / width).ln());
                theta[2] = theta[2].clamp(-0.5, 2.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gradients_are_those_of_differences() {
        for (shape, x, theta) in [
            (Shape::Dose, 0.7, [0.2, 0.5, 0.1]),
            (Shape::Dose, -2.0, [0.2, -0.4, 1.3]),
            (Shape::Lag, 12.0, [7.0, -2.0, 0.2]),
        ] {
            let (_, gradient) = shape.value(x, &theta);
            for i in 0..3 {
                let step = 1e-5;
                let (mut up, mut down) = (theta, theta);
                up[i] += step;
                down[i] -= step;
                let difference = (shape.value(x, &up).0 - shape.value(x, &down).0) / (2.0 * step);
                assert!((gradient[i] - difference).abs() < 1e-8, "{shape:?} {i}: {} {difference}", gradient[i]);
            }
        }
    }
}
