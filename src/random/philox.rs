//! Philox4x32-10: a counter in, four words out.
//!
//! J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11 (2011).

use serde::{Deserialize, Serialize};
use std::convert::Infallible;

/// The four words that belong to `counter` under `key`.
pub fn philox([mut a, mut b, mut c, mut d]: [u32; 4], [mut k0, mut k1]: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let p = 0xD251_1F53_u64 * u64::from(a);
        let q = 0xCD9E_8D57_u64 * u64::from(c);
        (a, b, c, d) = ((q >> 32) as u32 ^ b ^ k0, q as u32, (p >> 32) as u32 ^ d ^ k1, p as u32);
        k0 = k0.wrapping_add(0x9E37_79B9);
        k1 = k1.wrapping_add(0xBB67_AE85);
    }
    [a, b, c, d]
}

/// One stream of random words; where it stands is all the state there is, so a checkpoint holds three numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    seed: u64,
    stream: u64,
    /// Words drawn so far.
    position: u64,
    #[serde(skip)]
    block: Option<(u64, [u32; 4])>,
}

impl Stream {
    /// The stream of this number under `seed`, from its beginning.
    pub fn new(seed: u64, stream: u64) -> Self {
        Stream { seed, stream, position: 0, block: None }
    }

    /// The same stream, continued at the word `position` (which counts from 0).
    pub fn at(mut self, position: u64) -> Self {
        self.position = position;
        self
    }

    pub fn position(&self) -> u64 {
        self.position
    }

    /// The next 32 bits.
    pub fn word(&mut self) -> u32 {
        let counter = self.position / 4;
        let block = match self.block {
            Some((at, block)) if at == counter => block,
            _ => philox(
                [counter as u32, (counter >> 32) as u32, self.stream as u32, (self.stream >> 32) as u32],
                [self.seed as u32, (self.seed >> 32) as u32],
            ),
        };
        self.block = Some((counter, block));
        let word = block[(self.position % 4) as usize];
        self.position += 1;
        word
    }

    /// The next 64 bits.
    pub fn wide(&mut self) -> u64 {
        u64::from(self.word()) | u64::from(self.word()) << 32
    }

    /// Uniform on the open interval (0, 1): the middle of one of 2^53 equal pieces.
    pub fn uniform(&mut self) -> f64 {
        ((self.wide() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Standard normal, by inversion: one draw always takes two words.
    pub fn normal(&mut self) -> f64 {
        super::normal_quantile(self.uniform())
    }

    /// Uniform on 0..`bound` (multiply-shift; the bias is below 2^-32 for the sizes in use).
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.wide()) * bound as u128) >> 64) as usize
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(4) {
            let word = self.word().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }
}

impl rand::TryRng for Stream {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.word())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.wide())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.fill(bytes);
        Ok(())
    }
}

/// A stream as rand 0.9 knows generators, which is what argmin takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rand09(pub Stream);

impl rand09::RngCore for Rand09 {
    fn next_u32(&mut self) -> u32 {
        self.0.word()
    }

    fn next_u64(&mut self) -> u64 {
        self.0.wide()
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

    #[test]
    fn the_known_answers_of_the_random123_distribution() {
        assert_eq!(philox([0; 4], [0; 2]), [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8]);
        assert_eq!(philox([u32::MAX; 4], [u32::MAX; 2]), [0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD]);
        assert_eq!(
            philox([0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344], [0xA409_3822, 0x299F_31D0]),
            [0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1]
        );
    }

    #[test]
    fn a_stream_goes_on_from_its_position() {
        let mut whole = Stream::new(7, 3);
        let words: Vec<u32> = (0..23).map(|_| whole.word()).collect();
        for (from, word) in words.into_iter().enumerate() {
            assert_eq!(Stream::new(7, 3).at(from as u64).word(), word);
        }
        let text = serde_json::to_string(&whole).unwrap();
        let mut resumed: Stream = serde_json::from_str(&text).unwrap();
        assert_eq!(resumed.wide(), whole.wide());
        assert_ne!(Stream::new(7, 4).wide(), Stream::new(7, 3).wide());
    }

    #[test]
    fn both_versions_of_rand_draw_the_same_numbers() {
        let new: f64 = Stream::new(7, 7).random_range(0.0..1.0);
        let old: f64 = rand09::Rng::random_range(&mut Rand09(Stream::new(7, 7)), 0.0..1.0);
        assert_eq!(new, old);
    }

    #[test]
    fn draws_have_the_moments_of_their_distributions() {
        let (mut stream, n) = (Stream::new(1, 0), 40_000);
        let normal: Vec<f64> = (0..n).map(|_| stream.normal()).collect();
        let moment = |k: i32| normal.iter().map(|z| z.powi(k)).sum::<f64>() / f64::from(n);
        // Four standard errors each: variances of z, z^2 and z^4 are 1, 2 and 96.
        let error = 4.0 / f64::from(n).sqrt();
        assert!(moment(1).abs() < error);
        assert!((moment(2) - 1.0).abs() < error * 2_f64.sqrt());
        assert!((moment(4) - 3.0).abs() < error * 96_f64.sqrt());
        let counts = (0..n).fold([0_u32; 5], |mut counts, _| {
            counts[stream.below(5)] += 1;
            counts
        });
        let expected = f64::from(n) / 5.0;
        let chi: f64 = counts.iter().map(|&c| (f64::from(c) - expected).powi(2) / expected).sum();
        assert!(chi < 18.5, "chi-squared {chi} with 4 degrees of freedom is beyond the 99.9 % point");
    }
}
