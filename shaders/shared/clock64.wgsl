// Time within a stretch in f64.

struct Clock {
  time: real,
}

fn clock_zero() -> Clock {
  return Clock(0.0);
}

fn clock_of(high: real, low: real) -> Clock {
  return Clock(high + low);
}

fn clock_high(clock: Clock) -> real {
  return clock.time;
}

fn clock_low(clock: Clock) -> real {
  return 0.0;
}

fn clock_advance(clock: Clock, h: real) -> Clock {
  return Clock(clock.time + h);
}

fn clock_time(clock: Clock) -> real {
  return clock.time;
}

fn clock_left(clock: Clock, length: real) -> real {
  return length - clock.time;
}

// A step below this does not move the clock for certain.
fn clock_resolution(clock: Clock) -> real {
  return 1.8e-15 * clock.time;
}

const SMALLEST_STEP: f64 = 1e-290;

// The relative resolution of a time.
const ROUNDING: f64 = 2.3e-16;
