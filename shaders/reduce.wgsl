// What becomes of the lanes of a point, a parameter vector: `average` takes the mean over cells of each output of each
// run at each time, a slot, and `score` measures how far the predictions made of the slots are from what was read. The
// host's side is in `reduce.rs`.
//
// Sums have a fixed order that depends on nothing but their length, and are pairwise or in blocks, so that in f32 their
// error hardly grows with it. No loop is long: some drivers end loops after 65,535 iterations in silence.

#import shared/layout
#import shared/status
#import shared/math
#import shared/logarithm

struct Scheme {
  points: u32,
  lanes: u32,      // of all points
  runs: u32,       // of a point
  cells: u32,      // of a run
  slots: u32,      // of a point
  residuals: u32,  // of a point
  first: u32,      // where the residuals begin in `places`
  numbers: u32,    // of a point
  constants: u32,  // before those, in `numbers`
}

@group(0) @binding(0) var<uniform> scheme: Scheme;
// Slots, then residuals, then the parts of their predictions.
@group(0) @binding(1) var<storage, read> places: array<u32>;
// Constants, then those of each point.
@group(0) @binding(2) var<storage, read> numbers: array<real>;
@group(0) @binding(3) var<storage, read> words: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read> results: array<real>;
@group(0) @binding(5) var<storage, read_write> slots: array<real>;
// Not 0 for points that have a lane that did not finish, or an output that is not finite.
@group(0) @binding(6) var<storage, read_write> failed: array<atomic<u32>>;
@group(0) @binding(7) var<storage, read_write> scores: array<real>;

const SIZE: u32 = 64u;
const BLOCK: u32 = 64u;

// Of a slot: where its first cell's output is among the results of a point, how far the next cell's is, its run.
const SLOT_WORDS: u32 = 3u;
// Of a residual: law, and the places of value, offset, scale, sd, relative error and degrees of freedom in `numbers`;
// where its parts begin in `places`, how many are above and below.
const RESIDUAL_WORDS: u32 = 10u;
// Of a part: its slot, and the place of its coefficient.
const PART_WORDS: u32 = 2u;
const NOTHING: u32 = 0xffffffffu;

const NORMAL: u32 = 0u;
const LOG_NORMAL: u32 = 1u;
const STUDENT_T: u32 = 2u;
const LAPLACE: u32 = 3u;

@compute @workgroup_size(SIZE)
fn average(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let index = id.y * groups.x * SIZE + id.x;
  if (index >= scheme.points * scheme.slots) { return; }
  let point = index / scheme.slots;
  let at = SLOT_WORDS * (index % scheme.slots);
  let first = point * scheme.slots * scheme.cells + places[at];
  let apart = places[at + 1u];
  let status = STATE * scheme.lanes + (point * scheme.runs + places[at + 2u]) * scheme.cells;
  var sound = true;
  var sum: real = 0.0;
  for (var begin = 0u; begin < scheme.cells; begin += BLOCK) {
    let end = min(begin + BLOCK, scheme.cells);
    var part: real = 0.0;
    for (var cell = begin; cell < end; cell++) {
      let value = results[first + cell * apart];
      sound = sound && is_finite(value) && words[status + cell].x == FINISHED;
      part += value;
    }
    sum += part;
  }
  slots[index] = sum / real(scheme.cells);
  if (!sound) { atomicStore(&failed[point], 1u); }
}

var<workgroup> sums: array<real, SIZE>;

// One group for each point.
@compute @workgroup_size(SIZE)
fn score(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let point = group.y * groups.x + group.x;
  var sum: real = 0.0;
  if (point < scheme.points) {
    for (var i = local; i < scheme.residuals; i += SIZE) { sum += residual(point, i); }
  }
  sums[local] = sum;
  for (var half = SIZE / 2u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local < half) { sums[local] += sums[local + half]; }
  }
  if (local == 0u && point < scheme.points) { scores[point] = sums[0]; }
}

fn residual(point: u32, i: u32) -> real {
  let at = scheme.first + i * RESIDUAL_WORDS;
  let parts = places[at + 7u];
  let above = places[at + 8u];
  let below = places[at + 9u];
  var ratio = weighted(point, parts, above);
  if (below > 0u) { ratio /= weighted(point, parts + PART_WORDS * above, below); }
  let prediction = number(point, places[at + 2u]) + number(point, places[at + 3u]) * ratio;
  let value = number(point, places[at + 1u]);
  var sd = number(point, places[at + 4u]);
  var wider: real = 0.0;
  if (places[at + 5u] != NOTHING) {
    let share = number(point, places[at + 5u]) * prediction / sd;
    wider = 0.5 * ln_one_plus(share * share);
    sd *= sqrt(1.0 + share * share);
  }
  let r = (value - prediction) / sd;
  switch (places[at]) {
    case NORMAL: { return wider + 0.5 * r * r; }
    case LOG_NORMAL: {
      let s = ln_ratio(value, max(prediction, 1e-12)) / sd;
      return wider + 0.5 * s * s;
    }
    case STUDENT_T: {
      let df = number(point, places[at + 6u]);
      return wider + 0.5 * (df + 1.0) * ln_one_plus(r * r / df);
    }
    default: { return wider + 1.4142135623730951 * abs(r); }
  }
}

// The sum of coefficients times slots.
fn weighted(point: u32, first: u32, count: u32) -> real {
  var sum: real = 0.0;
  for (var i = 0u; i < count; i++) {
    let at = first + PART_WORDS * i;
    sum += number(point, places[at + 1u]) * slots[point * scheme.slots + places[at]];
  }
  return sum;
}

fn number(point: u32, place: u32) -> real {
  return numbers[place + select(0u, point * scheme.numbers, place >= scheme.constants)];
}

// ln(a / b) of what is above 0, as exact for neighbours as for others.
fn ln_ratio(a: real, b: real) -> real {
  if (a < b) { return -ln_one_plus((b - a) / a); }
  return ln_one_plus((a - b) / b);
}
