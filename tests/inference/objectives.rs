//! Analytic objectives: residuals over their standard deviation, with exact Jacobians.

use fenton::Result;
use fenton::engine::Status;
use fenton::inference::{Dimension, Evaluation, Expansion, Objective};
use nalgebra::{DMatrix, DVector};

/// Residuals at a point, and their derivatives by the coordinates, one row a residual.
pub type Model = Box<dyn Fn(&[f64]) -> (Vec<f64>, Vec<Vec<f64>>) + Send + Sync>;

/// Half the sum of squared residuals.
pub struct LeastSquares {
    pub names: Vec<String>,
    pub lower: Vec<f64>,
    pub upper: Vec<f64>,
    pub nominal: Option<Vec<f64>>,
    pub logarithmic: bool,
    /// Normal priors on the estimation scale: centre and standard deviation.
    pub priors: Vec<Option<(f64, f64)>>,
    pub model: Model,
    /// Points for which this holds cannot be integrated.
    pub fails: fn(&[f64]) -> bool,
    /// Batches are cut up into pieces of this size.
    pub cut: usize,
    /// What plain evaluations are off by, as single precision would be.
    pub error: f64,
}

impl LeastSquares {
    pub fn new(names: &[&str], bounds: &[(f64, f64)], model: Model) -> Self {
        LeastSquares {
            names: names.iter().map(ToString::to_string).collect(),
            lower: bounds.iter().map(|b| b.0).collect(),
            upper: bounds.iter().map(|b| b.1).collect(),
            nominal: None,
            logarithmic: false,
            priors: vec![None; names.len()],
            model,
            fails: |_| false,
            cut: usize::MAX,
            error: 0.0,
        }
    }

    /// Log parameters are estimated as log10: `model` is given them on their own scale, and its derivatives chained.
    fn at(&self, point: &[f64]) -> (Vec<f64>, Vec<Vec<f64>>) {
        if !self.logarithmic {
            return (self.model)(point);
        }
        let own: Vec<f64> = point.iter().map(|p| 10_f64.powf(*p)).collect();
        let (residuals, mut rows) = (self.model)(&own);
        for row in &mut rows {
            row.iter_mut().zip(&own).for_each(|(d, p)| *d *= p * std::f64::consts::LN_10);
        }
        (residuals, rows)
    }

    fn prior(&self, point: &[f64]) -> f64 {
        let part = |(p, prior): (&f64, &Option<(f64, f64)>)| prior.map_or(0.0, |(m, s)| 0.5 * ((p - m) / s).powi(2));
        point.iter().zip(&self.priors).map(part).sum()
    }

    fn value(&self, point: &[f64]) -> f64 {
        if (self.fails)(point) {
            return f64::INFINITY;
        }
        0.5 * self.at(point).0.iter().map(|r| r * r).sum::<f64>() + self.prior(point)
    }

    fn evaluations(&self, points: &[Vec<f64>], error: f64) -> Vec<Evaluation> {
        let one = |point: &Vec<f64>| {
            let value = self.value(point);
            let failures = if value.is_finite() { Vec::new() } else { vec![(Status::StepLimit, 1)] };
            // A smooth function of the point would only shift the optimum: hash its bits instead.
            let hash = point.iter().fold(0_u64, |h, p| (h ^ p.to_bits()).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let noise = (hash >> 40) as f64 / (1_u64 << 24) as f64 - 0.5;
            Evaluation { value: value + error * noise, failures }
        };
        points.chunks(self.cut).flat_map(|piece| piece.iter().map(one).collect::<Vec<_>>()).collect()
    }
}

impl Objective for LeastSquares {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn lower(&self) -> &[f64] {
        &self.lower
    }

    fn upper(&self) -> &[f64] {
        &self.upper
    }

    fn nominal(&self) -> Option<&[f64]> {
        self.nominal.as_deref()
    }

    fn dimension(&self, index: usize) -> Dimension {
        Dimension { logarithmic: self.logarithmic, prior_deviation: self.priors[index].map(|p| p.1) }
    }

    fn evaluate(&self, points: &[Vec<f64>]) -> Result<Vec<Evaluation>> {
        Ok(self.evaluations(points, self.error))
    }

    fn evaluate_exactly(&self, points: &[Vec<f64>]) -> Result<Vec<Evaluation>> {
        Ok(self.evaluations(points, 0.0))
    }

    fn expand(&self, points: &[Vec<f64>]) -> Result<Vec<Expansion>> {
        let n = self.names.len();
        let one = |point: &Vec<f64>| {
            let (residuals, rows) = self.at(point);
            let jacobian = DMatrix::from_fn(rows.len(), n, |r, c| rows[r][c]);
            let mut gradient = jacobian.transpose() * DVector::from_vec(residuals);
            let mut fisher = jacobian.transpose() * &jacobian;
            for (i, prior) in self.priors.iter().enumerate() {
                if let Some((centre, deviation)) = prior {
                    gradient[i] += (point[i] - centre) / deviation.powi(2);
                    fisher[(i, i)] += 1.0 / deviation.powi(2);
                }
            }
            Expansion { value: self.value(point), gradient, fisher }
        };
        Ok(points.iter().map(one).collect())
    }
}

/// A model y(x; b) fitted to data with one standard deviation; `curve` gives the value and its derivatives by b.
pub fn curve(data: Vec<(f64, f64)>, deviation: f64, curve: fn(f64, &[f64]) -> (f64, Vec<f64>)) -> Model {
    Box::new(move |b| {
        data.iter()
            .map(|&(x, y)| {
                let (value, slopes) = curve(x, b);
                ((value - y) / deviation, slopes.into_iter().map(|s| s / deviation).collect::<Vec<f64>>())
            })
            .unzip()
    })
}

/// 100 (y - x^2)^2 + (1 - x)^2, halved, in each pair of coordinates one after the other.
pub fn rosenbrock(dimensions: usize, bounds: (f64, f64)) -> LeastSquares {
    let model: Model = Box::new(move |x| {
        (0..dimensions - 1)
            .flat_map(|i| {
                let (mut bend, mut line) = (vec![0.0; dimensions], vec![0.0; dimensions]);
                (bend[i], bend[i + 1], line[i]) = (-20.0 * x[i], 10.0, -1.0);
                [(10.0 * (x[i + 1] - x[i] * x[i]), bend), (1.0 - x[i], line)]
            })
            .unzip()
    });
    let names: Vec<String> = (0..dimensions).map(|i| format!("x{i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    LeastSquares::new(&names, &vec![bounds; dimensions], model)
}

/// NIST StRD "BoxBOD": b1 (1 - exp(-b2 x)); higher difficulty.
pub fn box_bod(deviation: f64) -> LeastSquares {
    let data = vec![(1.0, 109.0), (2.0, 149.0), (3.0, 149.0), (5.0, 191.0), (7.0, 213.0), (10.0, 224.0)];
    let model = curve(data, deviation, |x, b| {
        let decay = (-b[1] * x).exp();
        (b[0] * (1.0 - decay), vec![1.0 - decay, b[0] * x * decay])
    });
    LeastSquares { logarithmic: true, ..LeastSquares::new(&["b1", "b2"], &[(0.0, 4.0), (-3.0, 2.0)], model) }
}

/// NIST StRD "MGH09" (Kowalik and Osborne): b1 (x^2 + x b2) / (x^2 + x b3 + b4); higher difficulty.
pub fn mgh09(deviation: f64) -> LeastSquares {
    let y = [0.1957, 0.1947, 0.1735, 0.1600, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246];
    let x = [4.0, 2.0, 1.0, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625];
    let model = curve(x.into_iter().zip(y).collect(), deviation, |x, b| {
        let (top, bottom) = (x * x + x * b[1], x * x + x * b[2] + b[3]);
        let value = b[0] * top / bottom;
        (value, vec![top / bottom, b[0] * x / bottom, -value * x / bottom, -value / bottom])
    });
    let names = ["b1", "b2", "b3", "b4"];
    LeastSquares { logarithmic: true, ..LeastSquares::new(&names, &[(-4.0, 2.0); 4], model) }
}

/// NIST StRD "MGH10" (Meyer): b1 exp(b2 / (x + b3)); higher difficulty, extremely ill-conditioned.
pub fn mgh10(deviation: f64) -> LeastSquares {
    let y = [
        34780.0, 28610.0, 23650.0, 19630.0, 16370.0, 13720.0, 11540.0, 9744.0, 8261.0, 7030.0, 6005.0, 5147.0, 4427.0,
        3820.0, 3307.0, 2872.0,
    ];
    let data = (0..16).map(|i| 50.0 + 5.0 * f64::from(i)).zip(y).collect();
    let model = curve(data, deviation, |x, b| {
        let rise = (b[1] / (x + b[2])).exp();
        (b[0] * rise, vec![rise, b[0] * rise / (x + b[2]), -b[0] * rise * b[1] / (x + b[2]).powi(2)])
    });
    let bounds = [(-4.0, 0.0), (2.0, 5.0), (1.0, 4.0)];
    LeastSquares { logarithmic: true, ..LeastSquares::new(&["b1", "b2", "b3"], &bounds, model) }
}

/// Two sine waves in noise: a valley for each period that fits into the data.
pub fn waves() -> LeastSquares {
    let wave = |x: f64, b: &[f64]| {
        let (a, c) = (b[0] * x, b[1] * x);
        (a.sin() + 0.5 * c.sin(), vec![x * a.cos(), 0.5 * x * c.cos()])
    };
    let data = (0..60).map(|i| 0.2 * f64::from(i)).map(|x| (x, wave(x, &[2.3, 5.1]).0)).collect();
    LeastSquares::new(&["slow", "fast"], &[(0.1, 10.0); 2], curve(data, 0.1, wave))
}

/// `terms` exponentials of which rates and sizes are estimated, on log scales: sloppy, with as many equal optima as the
/// terms have orders.
pub fn decays(rates: &[f64], sizes: &[f64], deviation: f64) -> LeastSquares {
    let terms = rates.len();
    let sum = |x: f64, b: &[f64]| {
        let half = b.len() / 2;
        let parts: Vec<f64> = (0..half).map(|i| b[half + i] * (-b[i] * x).exp()).collect();
        let by_rate = (0..half).map(|i| -x * parts[i]);
        let by_size = (0..half).map(|i| parts[i] / b[half + i]);
        (parts.iter().sum(), by_rate.chain(by_size).collect())
    };
    let truth: Vec<f64> = rates.iter().chain(sizes).copied().collect();
    // A fixed disturbance in place of drawn noise.
    let disturbed = |i: i32, x: f64| sum(x, &truth).0 + deviation * (12.9898 * f64::from(i)).sin();
    let data = (0..40).map(|i| (i, 0.1 * f64::from(i))).map(|(i, x)| (x, disturbed(i, x))).collect();
    let names: Vec<String> = ["k", "a"].iter().flat_map(|p| (0..terms).map(move |i| format!("{p}{i}"))).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let model = curve(data, deviation, sum);
    LeastSquares { logarithmic: true, ..LeastSquares::new(&names, &vec![(-3.0, 3.0); 2 * terms], model) }
}

/// Two exponentials whose rates are told apart by their bounds, so that they have one order.
pub fn decays_in_order() -> LeastSquares {
    let mut objective = decays(&[0.5, 5.0], &[1.0, 2.0], 0.01);
    (objective.upper[0], objective.lower[1]) = (0.2, 0.2);
    objective
}

/// a exp(-k1 k2 x): only the product of the rates can be known.
pub fn product() -> LeastSquares {
    let decay = |x: f64, b: &[f64]| {
        let value = b[2] * (-b[0] * b[1] * x).exp();
        (value, vec![-x * b[1] * value, -x * b[0] * value, value / b[2]])
    };
    let data = (0..20).map(|i| 0.25 * f64::from(i)).map(|x| (x, 2.0 * (-0.6 * x).exp())).collect();
    let names = ["k1", "k2", "a"];
    let model = curve(data, 0.02, decay);
    LeastSquares { logarithmic: true, ..LeastSquares::new(&names, &[(-3.0, 3.0); 3], model) }
}
