// What a step must not rest on: pivots that are not finite, and rates that are not at the start of a stretch.

#import shared/bindings
#import shared/control
#import shared/math

// Whether the factors of this step are numbers. A stage behind an infinite pivot would be 0, and so would its error.
var<private> sound: bool;

// 1 / v, away from 0.
fn pivot(v: real) -> real {
  sound = sound && is_finite(v);
  return inverse(v);
}

// The first state whose rate is not finite.
fn undefined_rate() -> u32 {
  var which = NO_STATE;
#each STATES
  which = select(which, $su, which == NO_STATE && !is_finite(slope[$s]));
#end
  return which;
}

// Whether a stretch can be begun where the clock stands. If a rate is no number at its beginning (`sin(t)/t` at 0), the
// clock is set a little later, so little that nothing moves by a tenth of its tolerance until then.
fn can_start() -> bool {
  let shift = clock_time(clock);
  let which = undefined_rate();
  if (which == NO_STATE && (shift == 0.0 || at_rest(10.0 * shift))) { return true; }
  if (which != NO_STATE) { worst = which; }
  let first = max(1e-9 * length, 4.0 * ROUNDING * abs(base));
  let next = select(1e-3 * shift, first, shift == 0.0);
  if (next < SMALLEST_STEP || next < 2.0 * ROUNDING * abs(base) || next > 0.5 * length) {
    status = UNDEFINED;
    clock = clock_zero();
    return false;
  }
  clock = clock_of(next, 0.0);
  have_slope = false;
  return false;
}

// Sets states to 0 that are 0 within their tolerance, and asks for a first step: a tank that runs empty may end a
// rounding error below, where its root is no number. False if there is none.
fn to_zero() -> bool {
  var any = false;
  var nothing: bool;
#each STATES
  nothing = y[$s] != 0.0 && abs(y[$s]) <= 10.0 * settings[1 + $q].$c;
  any = any || nothing;
  y[$s] = select(y[$s], 0.0, nothing);
#end
  if (any) {
    // What is left of the stretch begins here, so that no time already passed counts as a shift of its start.
    let left = clock_left(clock, length);
    base += clock_time(clock);
    length = left;
    clock = clock_zero();
    step_size = 0.0;
    have_slope = false;
  }
  return any;
}
