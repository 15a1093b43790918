// Functions in f32: the drivers' own, made safe where their ranges differ.

#import shared/logic

fn is_finite(v: f32) -> bool {
  return (bitcast<u32>(v) & 0x7f800000u) != 0x7f800000u;
}

fn real_finite(v: f32) -> f32 { return select(0.0f, v, is_finite(v)); }

// 1 / v, away from 0.
fn inverse(v: f32) -> f32 {
  return 1.0 / select(v, select(1e-36, -1e-36, v < 0.0), abs(v) < 1e-36);
}

fn real_exp(v: f32) -> f32 { return exp(v); }
fn real_ln(v: f32) -> f32 { return log(v); }

// base^exponent as the model language has it: below zero the real power for whole exponents, else 0. Without
// branches, which cost a compiler more than they save.
fn power(base: f32, exponent: f32) -> f32 {
  let size = pow(abs(base), exponent);
  let half = 0.5 * exponent;
  let odd = select(size, -size, half != trunc(half));
  let below = select(0.0, odd, exponent == trunc(exponent));
  let at_zero = select(1.0 / abs(base), 0.0, exponent > 0.0);
  let value = select(select(size, below, base < 0.0), at_zero, base == 0.0);
  return select(value, 1.0, exponent == 0.0);
}

fn real_sin(v: f32) -> f32 { return sin(v); }
fn real_cos(v: f32) -> f32 { return cos(v); }
fn real_tan(v: f32) -> f32 { return tan(v); }
// Drivers are content with four digits here. Brought to within tan(pi/12) of 0 by atan(a) = pi/2 - atan(1/a) and the
// addition theorem with pi/6, then a Taylor series.
fn real_atan(v: f32) -> f32 {
  let size = abs(v);
  let steep = size > 1.0;
  let turned = select(size, 1.0 / size, steep);
  let far = turned > 0.2679492;
  let a = select(turned, (turned * 1.7320508 - 1.0) / (1.7320508 + turned), far);
  let z = a * a;
  let e = fma(fma(fma(fma(fma(0.07692308, z, -0.09090909), z, 0.11111111), z, -0.14285715), z, 0.2), z, -0.33333334);
  let near = fma(z * e, a, a);
  let moved = select(near, 0.5235988 + near, far);
  let angle = select(moved, 1.5707964 - moved, steep);
  return select(angle, -angle, v < 0.0);
}

fn real_asin(v: f32) -> f32 { return real_atan(v / sqrt((1.0 - v) * (1.0 + v))); }
fn real_acos(v: f32) -> f32 { return 2.0 * real_atan(sqrt((1.0 - v) / (1.0 + v))); }
fn real_sinh(v: f32) -> f32 { return sinh(v); }
fn real_cosh(v: f32) -> f32 { return cosh(v); }
// Some drivers divide two exponentials, which overflow.
fn real_tanh(v: f32) -> f32 {
  let not_a_number = (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u;
  return select(tanh(clamp(v, -15.0, 15.0)), v, not_a_number);
}
// For negative arguments the usual formula cancels.
fn real_asinh(v: f32) -> f32 { return sign(v) * asinh(abs(v)); }
fn real_acosh(v: f32) -> f32 { return acosh(v); }
fn real_atanh(v: f32) -> f32 { return atanh(v); }
