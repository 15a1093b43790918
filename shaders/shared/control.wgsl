// Error norm, first step and rest, in the order of operations of the CPU engine.

#import shared/bindings

// What a component's error is measured by: the tolerance at the larger of two of its values.
fn tolerance(absolute: real, a: real, b: real) -> real {
  return absolute + settings[0].x * max(abs(a), abs(b));
}

// The mean over states of (x / tolerance)^2, where x is the error and z the new state.
fn mean_square_error() -> real {
  var sum: real = 0.0;
  var e: real;
#each STATES
  e = x[$s] / tolerance(settings[1 + $q].$c, y[$s], z[$s]);
  sum = fma(e, e, sum);
#end
  return sum * (1.0 / real(STATES));
}

// The state whose error is largest. By their bits, numbers above 0 are in order, and what is not finite is larger.
fn worst_state() -> u32 {
  var worst_at = NO_STATE;
  var largest = 0u;
  var size: u32;
#each STATES
  size = bitcast<u32>(abs(f32(x[$s] / tolerance(settings[1 + $q].$c, y[$s], z[$s]))));
  worst_at = select(worst_at, $su, size > largest);
  largest = max(largest, size);
#end
  return worst_at;
}

// The factor of the next step for a mean square error: 0.9 error^(-1/order) in the norm itself.
fn growth(error: real) -> real {
  // Well within f32, and far beyond where the factor is clamped.
  let e = f32(clamp(error, 1e-20, 1e20));
  return real(0.9 * exp2(log2(e) * (-0.5 / ORDER)));
}

// Hairer, Norsett & Wanner, Solving Ordinary Differential Equations I, section II.4, without its Euler step.
fn first_step() -> real {
  var size: real = 0.0;
  var rate: real = 0.0;
  var a: real;
  var b: real;
  var scale: real;
#each STATES
  scale = tolerance(settings[1 + $q].$c, y[$s], y[$s]);
  a = y[$s] / scale;
  b = slope[$s] / scale;
  size = fma(a, a, size);
  rate = fma(b, b, rate);
#end
  size = sqrt(size * (1.0 / real(STATES)));
  rate = sqrt(rate * (1.0 / real(STATES)));
  let number = control.piece_numbers + piece * PIECE_NUMBERS;
  let span = numbers[number + 1u] - (base - numbers[number]);
  var guess = 0.01 * size / rate;
  if (size < 1e-5 || !(rate >= 1e-5) || !is_finite(guess)) { guess = 1e-6 * span; }
  return min(guess, span) / settings[0].y;
}

// Whether every derivative, over `time`, is within its tolerance.
fn at_rest(time: real) -> bool {
  var rest = true;
#each STATES
  rest = rest && abs(slope[$s]) * time <= tolerance(settings[1 + $q].$c, y[$s], y[$s]);
#end
  return rest;
}

// Whether a step has left every state within its tolerance. Where large rates cancel, as they do at rest, rounding
// keeps the derivatives from becoming small; a long step does not suffer from that.
fn stood_still() -> bool {
  var still = true;
#each STATES
  still = still && abs(z[$s] - y[$s]) <= tolerance(settings[1 + $q].$c, y[$s], z[$s]);
#end
  return still;
}
