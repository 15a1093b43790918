// Time within a stretch in f32, as the unevaluated sum of two numbers: with one alone, steps shorter than 1e-7 of the
// time gone by would be lost.
//
// Compilers for shaders may reassociate, which turns the error terms below into 0. A number whose bits pass through
// an exclusive or with a value that is 0 only at run time is one they cannot see through.

#import shared/bindings

struct Clock {
  high: real,
  low: real,
}

fn opaque(v: f32) -> f32 {
  return bitcast<f32>(bitcast<u32>(v) ^ control.zero);
}

fn clock_zero() -> Clock {
  return Clock(0.0, 0.0);
}

fn clock_of(high: real, low: real) -> Clock {
  return Clock(high, low);
}

fn clock_high(clock: Clock) -> real {
  return clock.high;
}

fn clock_low(clock: Clock) -> real {
  return clock.low;
}

// Two-sum of Knuth, The Art of Computer Programming 2, section 4.2.2, theorem B.
fn clock_advance(clock: Clock, h: real) -> Clock {
  let sum = opaque(clock.high + h);
  let virtual_h = opaque(sum - clock.high);
  let error = opaque(clock.high - opaque(sum - virtual_h)) + opaque(h - virtual_h);
  let low = opaque(clock.low + error);
  let high = opaque(sum + low);
  return Clock(high, opaque(low - opaque(high - sum)));
}

fn clock_time(clock: Clock) -> real {
  return clock.high + clock.low;
}

fn clock_left(clock: Clock, length: real) -> real {
  return opaque(length - clock.high) - clock.low;
}

// A step below this does not move the clock for certain.
fn clock_resolution(clock: Clock) -> real {
  return 6e-14 * clock.high;
}

const SMALLEST_STEP: f32 = 1e-36;

// The relative resolution of a time.
const ROUNDING: f32 = 1.2e-7;
