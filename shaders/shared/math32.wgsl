// Functions in f32: the drivers' own, made safe where their ranges differ.

#import shared/logic

fn is_finite(v: f32) -> bool {
  return (bitcast<u32>(v) & 0x7f800000u) != 0x7f800000u;
}

// 1 / v, away from 0.
fn inverse(v: f32) -> f32 {
  return 1.0 / select(v, select(1e-36, -1e-36, v < 0.0), abs(v) < 1e-36);
}

fn real_exp(v: f32) -> f32 { return exp(v); }
fn real_ln(v: f32) -> f32 { return log(v); }

// base^exponent as the model language has it: below zero the real power for whole exponents, else 0.
fn power(base: f32, exponent: f32) -> f32 {
  if (exponent == 0.0) { return 1.0; }
  if (base == 0.0) { return select(1.0 / abs(base), 0.0, exponent > 0.0); }
  let size = pow(abs(base), exponent);
  if (base < 0.0) {
    let half = 0.5 * exponent;
    return select(0.0, select(size, -size, half != trunc(half)), exponent == trunc(exponent));
  }
  return size;
}

fn real_sin(v: f32) -> f32 { return sin(v); }
fn real_cos(v: f32) -> f32 { return cos(v); }
fn real_tan(v: f32) -> f32 { return tan(v); }
fn real_asin(v: f32) -> f32 { return asin(v); }
fn real_acos(v: f32) -> f32 { return acos(v); }
fn real_atan(v: f32) -> f32 { return atan(v); }
fn real_sinh(v: f32) -> f32 { return sinh(v); }
fn real_cosh(v: f32) -> f32 { return cosh(v); }
// Some drivers divide two exponentials, which overflow.
fn real_tanh(v: f32) -> f32 { return select(tanh(clamp(v, -15.0, 15.0)), v, !is_finite(v)); }
// For negative arguments the usual formula cancels.
fn real_asinh(v: f32) -> f32 { return sign(v) * asinh(abs(v)); }
fn real_acosh(v: f32) -> f32 { return acosh(v); }
fn real_atanh(v: f32) -> f32 { return atanh(v); }
