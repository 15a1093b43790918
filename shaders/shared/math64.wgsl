// Functions in f64 out of plain arithmetic: the drivers' own are not there (SPIR-V has none for 64 bits) although
// compilers accept them, and what comes back is noise. Ranges are reduced in two or three parts whose leading ones have
// trailing zeros, so that the first product is exact; what is left goes into a Taylor series long enough that its
// remainder is below half a unit in the last place. Not-finite arguments are told by their bits, because comparisons
// with NaN cannot be relied on. Measured against correctly rounded values, in units in the last place: exp and ln 1,
// sin, cos and the rest 2 to 4 (sin and cos for arguments up to 1e5), power 1 + |exponent * ln(base)|.

#import shared/logic

fn is_finite(v: f64) -> bool {
  return (bitcast<u64>(v) & 0x7ff0000000000000lu) != 0x7ff0000000000000lu;
}

fn is_nan(v: f64) -> bool {
  return (bitcast<u64>(v) & 0x7ffffffffffffffflu) > 0x7ff0000000000000lu;
}

fn real_finite(v: f64) -> f64 { return select(0.0lf, v, is_finite(v)); }

// 1 / v, away from 0.
fn inverse(v: f64) -> f64 {
  return 1.0 / select(v, select(1e-290lf, -1e-290lf, v < 0.0), abs(v) < 1e-290);
}

// 2^k for k from -1022 to 1023.
fn power_of_two(k: i32) -> f64 {
  return bitcast<f64>(u64(k + 1023) << 52u);
}

const LN2_HIGH: f64 = 0.6931471803691238;
const LN2_LOW: f64 = 1.9082149292705877e-10;

fn real_exp(v: f64) -> f64 {
  let t = clamp(v, -746.0, 710.0);
  let k = round(t * 1.4426950408889634);
  let r = fma(-k, LN2_LOW, fma(-k, LN2_HIGH, t));
  var e = 1.6059043836821613e-10lf;
  e = fma(e, r, 2.08767569878681e-09);
  e = fma(e, r, 2.505210838544172e-08);
  e = fma(e, r, 2.755731922398589e-07);
  e = fma(e, r, 2.7557319223985893e-06);
  e = fma(e, r, 2.48015873015873e-05);
  e = fma(e, r, 0.0001984126984126984);
  e = fma(e, r, 0.001388888888888889);
  e = fma(e, r, 0.008333333333333333);
  e = fma(e, r, 0.041666666666666664);
  e = fma(e, r, 0.16666666666666666);
  e = fma(e, r, 0.5);
  e = fma(e, r, 1.0);
  e = fma(e, r, 1.0);
  // In two halves: 2^1024 and subnormal numbers have no power of their own.
  let half = i32(k) / 2;
  let grown = e * power_of_two(half) * power_of_two(i32(k) - half);
  return select(grown, v, is_nan(v));
}

// ln(1 + f) + k ln(2) for 1 + f between the square roots of 1/2 and 2.
fn ln_near_one(f: f64, k: f64) -> f64 {
  let s = f / (2.0 + f);
  let z = s * s;
  var e = 0.08695652173913043lf;
  e = fma(e, z, 0.09523809523809523);
  e = fma(e, z, 0.10526315789473684);
  e = fma(e, z, 0.11764705882352941);
  e = fma(e, z, 0.13333333333333333);
  e = fma(e, z, 0.15384615384615385);
  e = fma(e, z, 0.18181818181818182);
  e = fma(e, z, 0.2222222222222222);
  e = fma(e, z, 0.2857142857142857);
  e = fma(e, z, 0.4);
  e = fma(e, z, 0.6666666666666666);
  let square = 0.5 * f * f;
  return fma(k, LN2_HIGH, f - (square - fma(s, fma(z, e, square), k * LN2_LOW)));
}

fn real_ln(v: f64) -> f64 {
  let tiny = v < 2.2250738585072014e-308;
  let bits = bitcast<u64>(select(v, v * 18014398509481984.0, tiny));
  let m = bitcast<f64>((bits & 0xffffffffffffflu) | 0x3ff0000000000000lu);
  let large = m > 1.4142135623730951;
  let k = i32(bits >> 52u) - select(1023, 1077, tiny) + select(0, 1, large);
  let value = ln_near_one(select(m, 0.5 * m, large) - 1.0, f64(k));
  // Of 0, of what is below, of infinity and NaN.
  let special = select(select(v, sqrt(v), v < 0.0), -1.0 / abs(v), v == 0.0);
  return select(value, special, v <= 0.0 || !is_finite(v));
}

fn ln_one_plus(v: f64) -> f64 {
  if (v > -0.29 && v < 0.41) { return ln_near_one(v, 0.0); }
  return real_ln(1.0 + v);
}

// base^exponent as the model language has it: below zero the real power for whole exponents, else 0.
fn power(base: f64, exponent: f64) -> f64 {
  let size = real_exp(exponent * real_ln(abs(base)));
  let half = 0.5 * exponent;
  let odd = select(size, -size, half != trunc(half));
  let below = select(0.0lf, odd, exponent == trunc(exponent));
  let at_zero = select(1.0 / abs(base), 0.0lf, exponent > 0.0);
  let value = select(select(size, below, base < 0.0), at_zero, base == 0.0);
  return select(value, 1.0lf, exponent == 0.0);
}

fn sin_near_zero(r: f64) -> f64 {
  let z = r * r;
  var e = 2.8114572543455206e-15lf;
  e = fma(e, z, -7.647163731819816e-13);
  e = fma(e, z, 1.6059043836821613e-10);
  e = fma(e, z, -2.505210838544172e-08);
  e = fma(e, z, 2.7557319223985893e-06);
  e = fma(e, z, -0.0001984126984126984);
  e = fma(e, z, 0.008333333333333333);
  e = fma(e, z, -0.16666666666666666);
  return fma(z * e, r, r);
}

fn cos_near_zero(r: f64) -> f64 {
  let z = r * r;
  var e = -1.5619206968586225e-16lf;
  e = fma(e, z, 4.779477332387385e-14);
  e = fma(e, z, -1.1470745597729725e-11);
  e = fma(e, z, 2.08767569878681e-09);
  e = fma(e, z, -2.755731922398589e-07);
  e = fma(e, z, 2.48015873015873e-05);
  e = fma(e, z, -0.001388888888888889);
  e = fma(e, z, 0.041666666666666664);
  return fma(z * e, z, 1.0 - 0.5 * z);
}

// sin(v + quarters * pi/2)
fn sin_shifted(v: f64, quarters: i32) -> f64 {
  if (!is_finite(v)) { return sqrt(-abs(v)); }
  let n = round(v * 0.6366197723675814);
  let r = fma(-n, 2.0222662487959506e-21, fma(-n, 6.077100506303966e-11, fma(-n, 1.5707963267341256, v)));
  let quadrant = (i32(n) + quarters) & 3;
  let size = select(sin_near_zero(r), cos_near_zero(r), (quadrant & 1) == 1);
  return select(size, -size, quadrant > 1);
}

fn real_sin(v: f64) -> f64 { return sin_shifted(v, 0); }
fn real_cos(v: f64) -> f64 { return sin_shifted(v, 1); }
fn real_tan(v: f64) -> f64 { return sin_shifted(v, 0) / sin_shifted(v, 1); }

// Brought to within tan(pi/12) of 0 by atan(a) = pi/2 - atan(1/a) and the addition theorem with pi/6.
fn real_atan(v: f64) -> f64 {
  let size = abs(v);
  let steep = size > 1.0;
  let turned = select(size, 1.0 / size, steep);
  let far = turned > 0.2679491924311227;
  let a = select(turned, (turned * 1.7320508075688772 - 1.0) / (1.7320508075688772 + turned), far);
  let z = a * a;
  var e = -0.03225806451612903lf;
  e = fma(e, z, 0.034482758620689655);
  e = fma(e, z, -0.037037037037037035);
  e = fma(e, z, 0.04);
  e = fma(e, z, -0.043478260869565216);
  e = fma(e, z, 0.047619047619047616);
  e = fma(e, z, -0.05263157894736842);
  e = fma(e, z, 0.058823529411764705);
  e = fma(e, z, -0.06666666666666667);
  e = fma(e, z, 0.07692307692307693);
  e = fma(e, z, -0.09090909090909091);
  e = fma(e, z, 0.1111111111111111);
  e = fma(e, z, -0.14285714285714285);
  e = fma(e, z, 0.2);
  e = fma(e, z, -0.3333333333333333);
  let near = fma(z * e, a, a);
  let moved = select(near, 0.5235987755982989 + near, far);
  let angle = select(moved, 1.5707963267948966 - moved, steep);
  return select(angle, -angle, v < 0.0);
}

fn real_asin(v: f64) -> f64 { return real_atan(v / sqrt((1.0 - v) * (1.0 + v))); }
fn real_acos(v: f64) -> f64 { return 2.0 * real_atan(sqrt((1.0 - v) / (1.0 + v))); }

fn real_sinh(v: f64) -> f64 {
  if (abs(v) < 1.0) {
    let z = v * v;
    var e = 8.22063524662433e-18lf;
    e = fma(e, z, 2.8114572543455206e-15);
    e = fma(e, z, 7.647163731819816e-13);
    e = fma(e, z, 1.6059043836821613e-10);
    e = fma(e, z, 2.505210838544172e-08);
    e = fma(e, z, 2.7557319223985893e-06);
    e = fma(e, z, 0.0001984126984126984);
    e = fma(e, z, 0.008333333333333333);
    e = fma(e, z, 0.16666666666666666);
    return fma(z * e, v, v);
  }
  let grown = real_exp(v);
  return 0.5 * (grown - 1.0 / grown);
}

fn real_cosh(v: f64) -> f64 {
  let grown = real_exp(abs(v));
  return 0.5 * (grown + 1.0 / grown);
}

fn real_tanh(v: f64) -> f64 {
  if (abs(v) < 1.0) { return real_sinh(v) / real_cosh(v); }
  return 1.0 - 2.0 / (real_exp(2.0 * v) + 1.0);
}

fn real_asinh(v: f64) -> f64 {
  let a = abs(v);
  if (a > 1e8) { return sign(v) * (real_ln(a) + 0.6931471805599453); }
  return sign(v) * ln_one_plus(a + a * a / (1.0 + sqrt(fma(a, a, 1.0))));
}

fn real_acosh(v: f64) -> f64 {
  if (v > 1e8) { return real_ln(v) + 0.6931471805599453; }
  let w = v - 1.0;
  return ln_one_plus(w + sqrt(w * (2.0 + w)));
}

fn real_atanh(v: f64) -> f64 { return 0.5 * ln_one_plus(2.0 * v / (1.0 - v)); }
