//! The two number types of the CPU engine, and their elementary functions in a form that vectorises.

use fearless_simd::{Simd, SimdFloat, SimdFloatElement};

pub trait Real:
    SimdFloatElement + bytemuck::Pod + Send + Sync + PartialOrd + std::fmt::Debug + Default + 'static
{
    type Vector<S: Simd>: SimdFloat<S, Element = Self>;
    /// Below this a value is rounding noise relative to 1.
    const EPSILON: f64;
    /// All bits but that of the sign.
    const MAGNITUDE: Self;
    fn from_f64(value: f64) -> Self;
    fn to_f64(self) -> f64;
    fn exp(self) -> Self;
    /// Minus infinity at 0, not a number below.
    fn ln(self) -> Self;
    /// `self^exponent` for `self > 0`.
    fn positive_power(self, exponent: Self) -> Self;
}

impl Real for f64 {
    type Vector<S: Simd> = S::f64s;
    const EPSILON: f64 = f64::EPSILON;
    const MAGNITUDE: Self = f64::from_bits(u64::MAX >> 1);

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value
    }

    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }

    /// fdlibm's reduction to `|r| <= ln2/2` and its rational form; the rounding to an integer by adding 1.5 * 2^52
    /// is what lets it vectorise. Within 1 ulp of the exact value (tested).
    #[inline(always)]
    fn exp(self) -> Self {
        const ROUND: f64 = 6755399441055744.0;
        // Not `clamp`: a NaN has to stay one.
        let low = if self < -745.2 { -745.2 } else { self };
        let x = if low > 709.79 { 709.79 } else { low };
        let shifted = x * std::f64::consts::LOG2_E + ROUND;
        let k = shifted - ROUND;
        let high = x - k * 6.931_471_803_691_238e-1;
        let low = k * 1.908_214_929_270_587_7e-10;
        let r = high - low;
        let z = r * r;
        let c = r - z
            * (0.166_666_666_666_666_02
                + z * (-2.777_777_777_701_559_3e-3
                    + z * (6.613_756_321_437_934e-5
                        + z * (-1.653_390_220_546_525_2e-6 + z * 4.138_136_797_057_238_5e-8))));
        let e = 1.0 - ((low - (r * c) / (2.0 - c)) - high);
        // In two halves, so that results below the smallest normal number come out right.
        let bits = shifted.to_bits() as i64 & 0xfff;
        let n = (bits << 52) >> 52;
        let half = n >> 1;
        let power = |n: i64| f64::from_bits(((n + 1023) << 52) as u64);
        let value = e * power(half) * power(n - half);
        if self > 709.782_712_893_384 {
            f64::INFINITY
        } else if self < -745.133_219_101_941_2 {
            0.0
        } else {
            value
        }
    }

    /// fdlibm's logarithm. Within 1 ulp of the exact value (tested).
    #[inline(always)]
    fn ln(self) -> Self {
        let tiny = self < f64::MIN_POSITIVE;
        let x = if tiny { self * 18_014_398_509_481_984.0 } else { self };
        let bits = x.to_bits();
        // The exponent as a number, by way of 2^52 (there is no vector conversion from 64 bit integers).
        let exponent = f64::from_bits((bits >> 52) | 0x4330_0000_0000_0000) - 4_503_599_627_370_496.0 - 1023.0;
        let m = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000);
        let big = m > std::f64::consts::SQRT_2;
        let m = if big { m * 0.5 } else { m };
        let k = exponent + if big { 1.0 } else { 0.0 } - if tiny { 54.0 } else { 0.0 };
        let f = m - 1.0;
        let s = f / (2.0 + f);
        let z = s * s;
        let w = z * z;
        let even = w * (0.399_999_999_994_094_2 + w * (0.222_221_984_321_497_84 + w * 0.153_138_376_992_093_73));
        let odd = z
            * (0.666_666_666_666_673_5
                + w * (0.285_714_287_436_623_9 + w * (0.181_835_721_616_180_5 + w * 0.147_981_986_051_165_86)));
        let h = 0.5 * f * f;
        let value = k * 6.931_471_803_691_238e-1 - ((h - (s * (h + even + odd) + k * 1.908_214_929_270_587_7e-10)) - f);
        if self > 0.0 && self < f64::INFINITY {
            value
        } else if self == 0.0 {
            f64::NEG_INFINITY
        } else if self > 0.0 {
            f64::INFINITY
        } else {
            f64::NAN
        }
    }

    /// The error of the logarithm is magnified by `exponent * ln(self)`, so a relative error of as many ulp is left
    /// (tested: below 1e-14 while the result is between 1e-30 and 1e30).
    #[inline(always)]
    fn positive_power(self, exponent: Self) -> Self {
        let log = Real::ln(self);
        let product = exponent * log;
        let value = Real::exp(product);
        let lost = exponent.mul_add(log, -product);
        if product.abs() < 700.0 { value + value * lost } else { value }
    }
}

impl Real for f32 {
    type Vector<S: Simd> = S::f32s;
    const EPSILON: f64 = f32::EPSILON as f64;
    const MAGNITUDE: Self = f32::from_bits(u32::MAX >> 1);

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value as f32
    }

    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }

    #[inline(always)]
    fn exp(self) -> Self {
        const ROUND: f32 = 12_582_912.0;
        let low = if self < -104.0 { -104.0 } else { self };
        let x = if low > 88.8 { 88.8 } else { low };
        let shifted = x * std::f32::consts::LOG2_E + ROUND;
        let k = shifted - ROUND;
        let r = (x - k * 0.693_359_4) + k * 2.121_944_4e-4;
        // The exponential's own series; at |r| <= ln2/2 the next term is below half an ulp.
        let p = 1.0
            + r * (1.0
                + r * (0.5
                    + r * (1.666_666_7e-1
                        + r * (4.166_666_8e-2 + r * (8.333_334e-3 + r * (1.388_888_9e-3 + r * 1.984_127e-4))))));
        let bits = shifted.to_bits() as i32 & 0x3ff;
        let n = (bits << 22) >> 22;
        let half = n >> 1;
        let power = |n: i32| f32::from_bits(((n + 127) << 23) as u32);
        let value = p * power(half) * power(n - half);
        if self > 88.722_84 {
            f32::INFINITY
        } else if self < -103.972_08 {
            0.0
        } else {
            value
        }
    }

    #[inline(always)]
    fn ln(self) -> Self {
        let tiny = self < f32::MIN_POSITIVE;
        let x = if tiny { self * 33_554_432.0 } else { self };
        let bits = x.to_bits();
        let exponent = ((bits >> 23) as i32 - 127) as f32;
        let m = f32::from_bits((bits & 0x007f_ffff) | 0x3f80_0000);
        let big = m > std::f32::consts::SQRT_2;
        let m = if big { m * 0.5 } else { m };
        let k = exponent + if big { 1.0 } else { 0.0 } - if tiny { 25.0 } else { 0.0 };
        let f = m - 1.0;
        let s = f / (2.0 + f);
        let z = s * s;
        let series = z * (0.666_666_7 + z * (0.4 + z * (0.285_714_3 + z * (0.222_222_22 + z * 0.181_818_18))));
        let h = 0.5 * f * f;
        let value = k * 0.693_359_4 - ((h - (s * (h + series) - k * 2.121_944_4e-4)) - f);
        if self > 0.0 && self < f32::INFINITY {
            value
        } else if self == 0.0 {
            f32::NEG_INFINITY
        } else if self > 0.0 {
            f32::INFINITY
        } else {
            f32::NAN
        }
    }

    #[inline(always)]
    fn positive_power(self, exponent: Self) -> Self {
        f64::from(self).positive_power(f64::from(exponent)) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points() -> impl Iterator<Item = f64> {
        (0..200_000).map(|i| i as f64 / 200_000.0)
    }

    fn ulps(a: f64, b: f64) -> u64 {
        a.to_bits().abs_diff(b.to_bits())
    }

    #[test]
    fn f64_functions_are_within_an_ulp_of_libm() {
        for u in points() {
            let x = -745.0 + 1454.0 * u;
            assert!(ulps(Real::exp(x), x.exp()) <= 1, "exp({x})");
            let x = 10f64.powf(-320.0 + 628.0 * u);
            assert!(ulps(Real::ln(x), x.ln()) <= 1, "ln({x})");
            let x = 0.5 + 1.5 * u;
            assert!(ulps(Real::ln(x), x.ln()) <= 1, "ln({x})");
        }
    }

    #[test]
    fn f64_power_loses_little() {
        for u in points() {
            let (x, y) = (10f64.powf(-6.0 + 12.0 * u), 0.3 + 4.0 * (u * 7.0).fract());
            let (found, exact) = (Real::positive_power(x, y), x.powf(y));
            assert!((found / exact - 1.0).abs() < 1e-14, "{x}^{y}: {found} {exact}");
        }
    }

    #[test]
    fn f32_functions_are_within_two_ulps() {
        for u in points() {
            let x = (-103.0 + 191.0 * u) as f32;
            let (found, exact) = (Real::exp(x), f64::from(x).exp() as f32);
            assert!(found.to_bits().abs_diff(exact.to_bits()) <= 2, "exp({x}): {found} {exact}");
            let x = 10f64.powf(-44.0 + 82.0 * u) as f32;
            let (found, exact) = (Real::ln(x), f64::from(x).ln() as f32);
            assert!(found.to_bits().abs_diff(exact.to_bits()) <= 2, "ln({x}): {found} {exact}");
        }
    }

    #[test]
    fn the_edges() {
        for (x, exact) in [(f64::INFINITY, f64::INFINITY), (f64::NEG_INFINITY, 0.0), (0.0, 1.0), (800.0, f64::INFINITY)]
        {
            assert_eq!(Real::exp(x), exact);
            assert_eq!(f64::from(Real::exp(x as f32)), exact);
        }
        for (x, exact) in [(f64::INFINITY, f64::INFINITY), (0.0, f64::NEG_INFINITY), (1.0, 0.0)] {
            assert_eq!(Real::ln(x), exact);
            assert_eq!(f64::from(Real::ln(x as f32)), exact);
        }
        assert!(Real::exp(f64::NAN).is_nan() && Real::ln(f64::NAN).is_nan() && Real::ln(-1.0f64).is_nan());
        assert!(Real::exp(f32::NAN).is_nan() && Real::ln(f32::NAN).is_nan() && Real::ln(-1.0f32).is_nan());
    }
}
