//! Point sets that fill the unit box more evenly than independent draws.

use super::Stream;
use super::joe_kuo::DIRECTIONS;

/// Stream numbers from here on belong to the point sets, one for each dimension.
const SCRAMBLING: u64 = 1 << 48;

/// The Sobol sequence under nested uniform (Owen) scrambling, up to 2^32 points.
///
/// Scrambled by hashing as in B. Burley, "Practical hash-based Owen scrambling", J. Comput. Graph. Tech. 9 (2020) 1-20:
/// a point depends on the seed and its index alone. Take numbers of points that are powers of two where you can.
#[derive(Debug, Clone)]
pub struct Sobol {
    /// Direction numbers and scrambling key of each dimension; no key leaves the sequence as it is.
    dimensions: Vec<([u32; 32], Option<u32>)>,
}

impl Sobol {
    /// The most dimensions for which direction numbers are at hand.
    pub const MAX_DIMENSIONS: usize = DIRECTIONS.len() + 1;

    /// `None` beyond [`Sobol::MAX_DIMENSIONS`].
    pub fn new(dimensions: usize, seed: u64) -> Option<Self> {
        let mut sobol = Self::plain(dimensions)?;
        for (d, (_, key)) in sobol.dimensions.iter_mut().enumerate() {
            *key = Some(Stream::new(seed, SCRAMBLING + d as u64).word());
        }
        Some(sobol)
    }

    /// The sequence as published, in its own order (not in Gray code order).
    fn plain(dimensions: usize) -> Option<Self> {
        if dimensions > Self::MAX_DIMENSIONS {
            return None;
        }
        let dimensions = (0..dimensions).map(|d| (directions(d), None)).collect();
        Some(Sobol { dimensions })
    }

    /// The point `index`, each coordinate within (0, 1).
    pub fn point(&self, index: u32) -> Vec<f64> {
        self.dimensions
            .iter()
            .map(|(directions, key)| {
                let mut bits = 0;
                for (k, direction) in directions.iter().enumerate() {
                    if index >> k & 1 == 1 {
                        bits ^= direction;
                    }
                }
                match key {
                    // The middle of the piece: 0 and 1 themselves would be infinite quantiles.
                    Some(key) => (f64::from(scramble(bits, *key)) + 0.5) / 2_f64.powi(32),
                    None => f64::from(bits) / 2_f64.powi(32),
                }
            })
            .collect()
    }
}

fn directions(dimension: usize) -> [u32; 32] {
    let mut numbers = [0; 32];
    if dimension == 0 {
        for (k, number) in numbers.iter_mut().enumerate() {
            *number = 1 << (31 - k);
        }
        return numbers;
    }
    let (polynomial, initial) = DIRECTIONS[dimension - 1];
    let degree = initial.len();
    for k in 0..32 {
        if k < degree {
            numbers[k] = initial[k] << (31 - k);
            continue;
        }
        let mut number = numbers[k - degree] ^ numbers[k - degree] >> degree;
        for j in 1..degree {
            if polynomial >> (degree - j) & 1 == 1 {
                number ^= numbers[k - j];
            }
        }
        numbers[k] = number;
    }
    numbers
}

/// Each bit is flipped or not by a hash of the bits above it.
fn scramble(bits: u32, key: u32) -> u32 {
    // Constants by N. Vegdahl, "Building a better LK hash" (2021).
    let mut x = bits.reverse_bits();
    x ^= x.wrapping_mul(0x3D20_ADEA);
    x = x.wrapping_add(key);
    x = x.wrapping_mul((key >> 16) | 1);
    x ^= x.wrapping_mul(0x0552_6C56);
    x ^= x.wrapping_mul(0x53A2_2864);
    x.reverse_bits()
}

/// `count` points of which each of `count` equal slices of each dimension holds exactly one.
pub fn latin_hypercube(dimensions: usize, count: usize, seed: u64) -> Vec<Vec<f64>> {
    let mut points = vec![vec![0.0; dimensions]; count];
    for d in 0..dimensions {
        let mut stream = Stream::new(seed, SCRAMBLING + d as u64);
        let mut slices: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            slices.swap(last, stream.below(last + 1));
        }
        for (point, slice) in points.iter_mut().zip(slices) {
            point[d] = (slice as f64 + stream.uniform()) / count as f64;
        }
    }
    points
}

/// The best set at hand: Sobol as far as direction numbers go, a Latin hypercube beyond.
#[derive(Debug, Clone)]
pub enum Points {
    Sobol(Sobol),
    Latin(Vec<Vec<f64>>),
}

impl Points {
    pub fn new(dimensions: usize, count: usize, seed: u64) -> Self {
        match Sobol::new(dimensions, seed) {
            Some(sobol) => Points::Sobol(sobol),
            None => Points::Latin(latin_hypercube(dimensions, count, seed)),
        }
    }

    /// The point `index` below the count asked for.
    pub fn point(&self, index: usize) -> Vec<f64> {
        match self {
            Points::Sobol(sobol) => sobol.point(index as u32),
            Points::Latin(points) => points[index].clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SciPy 1.17.1, `scipy.stats.qmc.Sobol(100, scramble=False, bits=32).random(64)`, which walks in Gray code order.
    #[test]
    fn the_plain_sequence_is_scipys() {
        let sobol = Sobol::plain(100).unwrap();
        let gray = |i: u32| sobol.point(i ^ (i >> 1));
        assert_eq!(gray(0), vec![0.0; 100]);
        assert_eq!(gray(3)[..5], [0.25, 0.75, 0.75, 0.75, 0.25]);
        assert_eq!(gray(7)[..5], [0.125, 0.625, 0.375, 0.125, 0.125]);
        let some = |i| [20, 50, 99].map(|d: usize| gray(i)[d]);
        assert_eq!(some(37), [0.953125, 0.421875, 0.171875]);
        assert_eq!(some(63), [0.234375, 0.265625, 0.078125]);
    }

    #[test]
    fn scrambling_keeps_every_slice_and_every_elementary_box_filled_once() {
        let sobol = Sobol::new(100, 11).unwrap();
        let points: Vec<Vec<f64>> = (0..256).map(|i| sobol.point(i)).collect();
        for d in 0..100 {
            let mut slices: Vec<usize> = points.iter().map(|p| (p[d] * 256.0) as usize).collect();
            slices.sort_unstable();
            assert_eq!(slices, (0..256).collect::<Vec<_>>(), "dimension {d}");
        }
        // The first two dimensions are a (0, 2)-net: any 2^a x 2^b boxes with a + b = 8 hold one point each.
        for a in 0..=8 {
            let (across, down) = (1 << a, 1 << (8 - a));
            let mut boxes: Vec<usize> =
                points.iter().map(|p| (p[0] * across as f64) as usize * down + (p[1] * down as f64) as usize).collect();
            boxes.sort_unstable();
            assert_eq!(boxes, (0..256).collect::<Vec<_>>(), "{across} x {down}");
        }
    }

    #[test]
    fn a_scrambled_set_integrates_better_than_chance_and_without_bias() {
        // The mean of prod(1 + (x_i - 1/2)) over the box is 1; its standard deviation under chance is 0.94 for 8
        // dimensions, so 1,024 independent draws would miss by 0.029.
        let value = |p: &[f64]| p.iter().map(|x| 0.5 + x).product::<f64>();
        let errors: Vec<f64> = (0..32)
            .map(|seed| {
                let sobol = Sobol::new(8, seed).unwrap();
                (0..1024).map(|i| value(&sobol.point(i))).sum::<f64>() / 1024.0 - 1.0
            })
            .collect();
        let spread = (errors.iter().map(|e| e * e).sum::<f64>() / 32.0).sqrt();
        assert!(spread < 0.003, "root mean square error {spread}");
        let mean = errors.iter().sum::<f64>() / 32.0;
        assert!(mean.abs() < 4.0 * spread / 32_f64.sqrt(), "bias {mean} against {spread}");
    }

    #[test]
    fn beyond_the_direction_numbers_a_latin_hypercube_stands_in() {
        let points = Points::new(130, 50, 3);
        assert!(matches!(points, Points::Latin(_)));
        for d in 0..130 {
            let mut slices: Vec<usize> = (0..50).map(|i| (points.point(i)[d] * 50.0) as usize).collect();
            slices.sort_unstable();
            assert_eq!(slices, (0..50).collect::<Vec<_>>());
        }
    }
}
