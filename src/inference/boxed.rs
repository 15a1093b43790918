//! The box of the parameters, and the best step of a quadratic model within it.
//!
//! All searches work on the unit box, so that a step means the same in each dimension.

use super::Objective;
use nalgebra::{DMatrix, DVector};

#[derive(Debug, Clone)]
pub struct Boxed {
    pub lower: Vec<f64>,
    pub upper: Vec<f64>,
}

impl Boxed {
    pub fn of(objective: &dyn Objective) -> Self {
        Boxed { lower: objective.lower().to_vec(), upper: objective.upper().to_vec() }
    }

    pub fn dimensions(&self) -> usize {
        self.lower.len()
    }

    pub fn width(&self, i: usize) -> f64 {
        self.upper[i] - self.lower[i]
    }

    /// Whether a coordinate stands on a face of the box, to a millionth of its width.
    pub fn at_bound(&self, i: usize, x: f64) -> bool {
        let near = 1e-6 * self.width(i);
        x <= self.lower[i] + near || x >= self.upper[i] - near
    }

    /// A coordinate of the unit box on the estimation scale.
    pub fn scaled(&self, i: usize, unit: f64) -> f64 {
        self.lower[i] + unit * self.width(i)
    }

    /// From the unit box to the parameters; the faces map onto the bounds exactly.
    pub fn point(&self, unit: &[f64]) -> Vec<f64> {
        let place = |(i, &u): (usize, &f64)| match u {
            u if u <= 0.0 => self.lower[i],
            u if u >= 1.0 => self.upper[i],
            u => self.scaled(i, u).clamp(self.lower[i], self.upper[i]),
        };
        unit.iter().enumerate().map(place).collect()
    }

    pub fn unit(&self, point: &[f64]) -> Vec<f64> {
        let place = |(i, &x): (usize, &f64)| ((x - self.lower[i]) / self.width(i)).clamp(0.0, 1.0);
        point.iter().enumerate().map(place).collect()
    }
}

/// The minimiser of `gradient . s + s . (hessian + damping) s / 2` over `lower <= s <= upper`, where 0 is feasible and
/// the damped matrix is positive definite: a primal active-set method. `None` if the matrix is not.
pub fn best_step(
    hessian: &DMatrix<f64>,
    damping: f64,
    gradient: &DVector<f64>,
    lower: &[f64],
    upper: &[f64],
) -> Option<DVector<f64>> {
    let n = gradient.len();
    let mut damped = hessian.clone();
    for i in 0..n {
        damped[(i, i)] += damping;
    }
    let mut step = DVector::zeros(n);
    let mut free: Vec<bool> =
        (0..n).map(|i| !(lower[i] >= 0.0 && gradient[i] > 0.0 || upper[i] <= 0.0 && gradient[i] < 0.0)).collect();
    // Each round fixes or releases one variable; the bound is far above what is met in practice.
    for _ in 0..8 * n + 8 {
        let slope = gradient + &damped * &step;
        let inner: Vec<usize> = (0..n).filter(|&i| free[i]).collect();
        if !inner.is_empty() {
            let matrix = DMatrix::from_fn(inner.len(), inner.len(), |r, c| damped[(inner[r], inner[c])]);
            let side = DVector::from_fn(inner.len(), |r, _| -slope[inner[r]]);
            let newton = matrix.cholesky()?.solve(&side);
            let reach = |r: usize| {
                let (i, by) = (inner[r], newton[r]);
                let room = if by < 0.0 { lower[i] - step[i] } else { upper[i] - step[i] };
                if by == 0.0 { f64::INFINITY } else { room / by }
            };
            let blocking = (0..inner.len()).map(|r| (reach(r), r)).min_by(|a, b| a.0.total_cmp(&b.0));
            let (length, blocked) = match blocking {
                Some((reach, r)) if reach < 1.0 => (reach.max(0.0), Some(r)),
                _ => (1.0, None),
            };
            for (r, &i) in inner.iter().enumerate() {
                step[i] = (step[i] + length * newton[r]).clamp(lower[i], upper[i]);
            }
            if let Some(r) = blocked {
                step[inner[r]] = if newton[r] < 0.0 { lower[inner[r]] } else { upper[inner[r]] };
                free[inner[r]] = false;
                continue;
            }
        }
        let slope = gradient + &damped * &step;
        let scale = 1e-12 * slope.amax().max(gradient.amax());
        // How strongly a fixed variable is drawn back into the box.
        let pull = |i: usize| if step[i] <= lower[i] { -slope[i] } else { slope[i] };
        let release = (0..n)
            .filter(|&i| !free[i] && pull(i) > scale && lower[i] < upper[i])
            .max_by(|&a, &b| pull(a).total_cmp(&pull(b)));
        match release {
            Some(i) => free[i] = true,
            None => break,
        }
    }
    Some(step)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    /// Projected gradient descent, run to the end: slow, and quite another way.
    fn by_descent(h: &DMatrix<f64>, g: &DVector<f64>, lower: &[f64], upper: &[f64]) -> DVector<f64> {
        let size = 1.0 / h.clone().symmetric_eigenvalues().max();
        let mut s = DVector::zeros(g.len());
        for _ in 0..200_000 {
            s -= size * (g + h * &s);
            for i in 0..g.len() {
                s[i] = s[i].clamp(lower[i], upper[i]);
            }
        }
        s
    }

    #[test]
    fn the_step_is_the_one_of_projected_descent() {
        let mut stream = Stream::new(5, 0);
        for n in [1, 2, 5, 9] {
            for _ in 0..4 {
                let a = DMatrix::from_fn(n + 2, n, |_, _| stream.normal());
                let h = a.transpose() * &a;
                let g = DVector::from_fn(n, |_, _| 3.0 * stream.normal());
                let lower: Vec<f64> = (0..n).map(|i| if i % 3 == 0 { 0.0 } else { -stream.uniform() }).collect();
                let upper: Vec<f64> = (0..n).map(|_| stream.uniform()).collect();
                let step = best_step(&h, 0.1, &g, &lower, &upper).unwrap();
                let damped = &h + 0.1 * DMatrix::identity(n, n);
                let expected = by_descent(&damped, &g, &lower, &upper);
                approx::assert_abs_diff_eq!(step, expected, epsilon = 1e-9);
            }
        }
    }

    #[test]
    fn the_faces_of_the_unit_box_are_the_bounds_themselves() {
        let boxed = Boxed { lower: vec![-3.3, 0.1], upper: vec![0.7, 0.3] };
        assert_eq!(boxed.point(&[0.0, 1.0]), [-3.3, 0.3]);
        assert_eq!(boxed.unit(&[0.7, 0.1]), [1.0, 0.0]);
    }
}
