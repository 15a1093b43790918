//! Symmetric positive definite systems as small as a curve, row by row in plain slices.

/// Cholesky in place, lower triangle; `false` if not positive definite.
pub fn factorise(a: &mut [f64], n: usize) -> bool {
    for j in 0..n {
        let mut d = a[j * n + j];
        for k in 0..j {
            d -= a[j * n + k] * a[j * n + k];
        }
        // Rounding of the elimination: what is left of a diagonal must stand above it.
        if d.is_nan() || d <= 1e-14 * a[j * n + j].abs() {
            return false;
        }
        let root = d.sqrt();
        a[j * n + j] = root;
        for i in j + 1..n {
            let mut v = a[i * n + j];
            for k in 0..j {
                v -= a[i * n + k] * a[j * n + k];
            }
            a[i * n + j] = v / root;
        }
    }
    true
}

/// Solves with the factor for `columns` right-hand sides, row by row.
pub fn forward(factor: &[f64], n: usize, right: &mut [f64], columns: usize) {
    for i in 0..n {
        for c in 0..columns {
            let mut v = right[i * columns + c];
            for k in 0..i {
                v -= factor[i * n + k] * right[k * columns + c];
            }
            right[i * columns + c] = v / factor[i * n + i];
        }
    }
}

/// Solves with the transpose of the factor.
pub fn backward(factor: &[f64], n: usize, right: &mut [f64]) {
    for i in (0..n).rev() {
        let mut v = right[i];
        for k in i + 1..n {
            v -= factor[k * n + i] * right[k];
        }
        right[i] = v / factor[i * n + i];
    }
}
