// Readings: where a stretch begins, and inside steps by the continuous extension of the method. The method file has
// `inside`, which puts the states at a share of the step into `seen`, and `mismatch`, which puts there what tells how far
// off these are (see `engine/method.rs`). READ lists the states that outputs depend on: no other is needed.

#import shared/bindings
#import shared/clock
#import shared/control

// Readings in one step: a step that would hold more is cut short, for the sake of the loops below.
const MOST_READINGS: u32 = 1024u;
// A reading may be off by so many tolerances of its state.
const ALLOWED: real = 2.0;
// The largest value of `share^2 (1 - share)`, squared.
const WORST_SHARE: real = 0.02194787379972565;
// No limit.
const ANY_REACH: real = 1e37;

// Where the reading after the next `ahead` ones stands in `numbers`; 0 if the piece has none.
fn reading(ahead: u32) -> u32 {
  let at = control.pieces + piece * PIECE_WORDS;
  if (recorded + ahead >= tables[at + 7u]) { return 0u; }
  return tables[at + 5u] + 2u * (recorded + ahead - tables[at + 6u]);
}

// From the beginning of the stretch to a reading.
fn reading_time(place: u32) -> real {
  return numbers[place] - (base - numbers[control.piece_numbers + piece * PIECE_NUMBERS]);
}

// What is due where a stretch begins, after what changes there.
fn read_at_begin() {
#each READ
  seen[$s] = y[$s];
#end
  for (var place = reading(0u); place != 0u && reading_time(place) <= 0.0; place = reading(0u)) {
    record(place);
  }
}

// Where on the clock a step that may be `step_size` long has to end, and how long it may be because of readings: as long
// as these are right inside of it, or up to the next one.
fn stop_for_readings() -> vec2<real> {
  let place = reading(0u);
  if (place == 0u || step_size <= reach) { return vec2<real>(length, step_size); }
  let time = reading_time(place);
  let ahead = clock_left(clock, time);
  if (ahead <= 0.0) { return vec2<real>(length, step_size); }
  if (reach <= ahead) { return vec2<real>(min(time, length), step_size); }
  return vec2<real>(length, reach);
}

// A step of at most `h` that does not hold too many readings.
fn most_readings(h: real) -> real {
  let place = reading(MOST_READINGS);
  if (place == 0u) { return h; }
  let ahead = clock_left(clock, reading_time(place));
  return select(h, ahead, ahead > 0.0 && ahead < h);
}

// Whether readings inside the step of length `h` that was tried are as accurate as its end, in the states that are read.
fn passes_readings(h: real) -> bool {
  var place = reading(0u);
  if (place == 0u || clock_left(clock, reading_time(place)) > h) { return true; }
  mismatch(h);
  // The square of the largest, in units of what a reading may be off by; the sum only tells whether all are numbers.
  var most: real = 0.0;
  var sum: real = 0.0;
  var e: real;
#each READ
  e = seen[$s] / (ALLOWED * tolerance(settings[1 + $q].$c, y[$s], z[$s]));
  most = max(most, e * e);
  sum = fma(e, e, sum);
#end
  let square = select(sum, most, is_finite(sum));
  let worst = WORST_SHARE * square;
  reach = select(real(0.0), h * min(real(6.0), growth(worst)), is_finite(worst));
  if (worst <= 1.0) { return true; }
  for (var i = 0u; place != 0u; place = reading(i)) {
    let ahead = clock_left(clock, reading_time(place));
    if (ahead >= h) { break; }
    let share = clamp(ahead / h, 0.0, 1.0);
    let part = share * share * (1.0 - share);
    // Anything that is not a number fails this test.
    if (part > 0.0 && !(part * part * square <= 1.0)) { return false; }
    i++;
    spent++;
  }
  return true;
}

// What is due inside the step of length `h` that was accepted, before its states are taken over. At its end, what
// nothing else will record: where a switch turns there, readings come after it, and where the piece ends, all that are
// left of its own belong here, whatever rounding says.
fn read_inside(h: real, turns: bool, ends: bool) {
  for (var place = reading(0u); place != 0u; place = reading(0u)) {
    let ahead = clock_left(clock, reading_time(place));
    if (!ends && (ahead > h || (ahead == h && turns))) { break; }
    inside(clamp(ahead / h, 0.0, 1.0), h);
    record(place);
  }
}

// Outputs of the states in `seen`, with every condition as it is at this very time.
fn record(place: u32) {
  let time = numbers[place + 1u];
  let coming = switches;
  switches = truths(time);
  observe(time);
  switches = coming;
  let to = words[PLAN * control.stride + lane].z + recorded * OUTPUTS;
#each OUTPUTS
  results[to + $su] = g[$s];
#end
  recorded++;
  spent++;
}
