// The logarithm near 1 in f32, where drivers owe no more than four digits. `math64` has its twin.

#import shared/math

// ln(1 + f) + k ln(2) for 1 + f between the square roots of 1/2 and 2.
fn ln_near_one(f: f32, k: f32) -> f32 {
  let s = f / (2.0 + f);
  let z = s * s;
  var e = 0.18181819f;
  e = fma(e, z, 0.22222222);
  e = fma(e, z, 0.2857143);
  e = fma(e, z, 0.4);
  e = fma(e, z, 0.6666667);
  let square = 0.5 * f * f;
  // ln(2) in two parts, of which the first has trailing zeros: its product with k is exact.
  return fma(k, 0.693359375, f - (square - fma(s, fma(z, e, square), k * -2.1219444e-4)));
}

fn ln_one_plus(v: f32) -> f32 {
  if (v > -0.29 && v < 0.41) { return ln_near_one(v, 0.0); }
  let bits = bitcast<u32>(1.0 + v);
  let m = bitcast<f32>((bits & 0x7fffffu) | 0x3f800000u);
  let large = m > 1.4142135;
  let k = i32(bits >> 23u) - select(127, 126, large);
  return select(v, ln_near_one(select(m, 0.5 * m, large) - 1.0, f32(k)), is_finite(v));
}
