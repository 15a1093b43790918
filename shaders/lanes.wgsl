// Integrates lanes: one invocation is one lane, with its own step size. `prepare` gives a lane its inputs and initial
// state; `advance` loads what the lane was doing, takes a bounded number of steps and stores it again, so that a
// dispatch is short and a lane can be dropped from the list as soon as it has ended.
//
// The joiner defines STATES, INPUTS, OUTPUTS (each at least 1) and `real`; `model` holds the generated functions.
//
// Words used here:
//   piece    what the host plans: the time from one change of inputs to the next
//   reading  a time at which outputs are recorded; it ends no step
//   stretch  part of a piece between two switches; the whole piece where the program has none

#import shared/bindings
#import shared/status
#import shared/clock
#import shared/control
#import shared/math
#import shared/readings
#import shared/sound
#import model
#import method

// The lane at work.
var<private> lane: u32;
var<private> p: array<real, INPUTS>;
var<private> y: array<real, STATES>;
var<private> switches: u32;
// Arguments and results of the generated functions and of the method.
var<private> z: array<real, STATES>;
var<private> dz: array<real, STATES>;
var<private> x: array<real, STATES>;
var<private> g: array<real, OUTPUTS>;
// f(t, y), kept over a rejection.
var<private> slope: array<real, STATES>;
var<private> have_slope: bool;
// At a reading, the states that outputs depend on.
var<private> seen: array<real, STATES>;

// Where the lane stands.
var<private> status: u32;
var<private> piece: u32;
var<private> flags: u32;
var<private> steps: u32;
var<private> rejected: u32;
var<private> recorded: u32;
// What a step or a beginning costs of the budget, beside the one that it costs anyway.
var<private> spent: u32;
var<private> worst: u32;
// The controller's proposal; 0 asks for a first step.
var<private> step_size: real;
// How long a step may be that has readings inside.
var<private> reach: real;
// The stretch: where it begins, how long it is, and what of the piece comes after it.
var<private> base: real;
var<private> length: real;
var<private> rest: real;
var<private> clock: Clock;

// Bits of `flags`.
const AT_BEGIN: u32 = 1u;  // the piece, or its next stretch, has still to be entered
const AFTER_REJECTION: u32 = 2u;

@compute @workgroup_size(64)
fn prepare(@builtin(global_invocation_id) id: vec3<u32>) {
  lane = id.x;
  if (lane >= control.lanes) { return; }
  let plan = words[PLAN * control.stride + lane];
  let row = plan.y * INPUTS;
  for (var i = 0u; i < INPUTS; i++) { inputs[i / 4u * control.stride + lane][i % 4u] = rows[row + i]; }
  load_inputs();
  piece = plan.x;
  // What the first segment sets holds from the start, also for the initial state.
  set_inputs(control.pieces + piece * PIECE_WORDS);
  initial(numbers[control.piece_numbers + piece * PIECE_NUMBERS]);
  step_size = 0.0;
  status = RUNNING;
  flags = AT_BEGIN;
  worst = NO_STATE;
  clock = clock_zero();
  reach = ANY_REACH;
  store();
}

@compute @workgroup_size(64)
fn advance(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= control.running) { return; }
  lane = list[control.list_in + id.x];
  load_inputs();
  load();
  // Every iteration of every loop counts towards the budget: some drivers end loops after 65,535 in silence.
  have_slope = false;
  var left = control.budget;
  while (left > 0u && status == RUNNING) {
    left--;
    if ((flags & AT_BEGIN) != 0u) {
      enter();
      have_slope = false;
    }
    if (status == RUNNING && (flags & AT_BEGIN) == 0u) {
      step(base + clock_time(clock));
    }
    left -= min(left, spent);
    spent = 0u;
  }
  store();
}

// Begins a piece, or the next stretch of one.
fn enter() {
  flags &= ~AT_BEGIN;
  let at = control.pieces + piece * PIECE_WORDS;
  let number = control.piece_numbers + piece * PIECE_NUMBERS;
  // A piece goes on behind a switch, whatever happened at its beginning.
  let goes_on = rest > 0.0;
  let kind = select(tables[at], 0u, goes_on);
  if (goes_on || (kind & PIECE_CHANGES) != 0u) {
    step_size = 0.0;
  }
  if ((kind & PIECE_CHANGES) != 0u) {
    change(at);
  }
  stretch(select(numbers[number], base + length, goes_on), select(numbers[number + 1u], rest, goes_on));
  read_at_begin();
  if ((kind & PIECE_ENDS) != 0u) {
    status = FINISHED;
  } else if (!goes_on && !(length > 0.0)) {
    next_piece();
  }
}

// Begins a stretch at `start`, at most `span` long.
fn stretch(start: real, span: real) {
  base = start;
  length = to_next_switch(start, span);
  rest = span - length;
  switches = truths(start + 0.5 * length);
  clock = clock_zero();
}

// Sets inputs and adds to states. Each takes all of them: an index that is not constant would force the private arrays
// out of registers. All invocations of a group wait in these loops, and drivers that count iterations count them for
// the group.
fn change(at: u32) {
  let sets = set_inputs(at);
  let adds = tables[at + 4u];
  for (var i = 0u; i < adds; i++) {
    let change = tables[at + 3u] + i;
    let which = tables[change];
    let amount = numbers[change];
#each STATES
    y[$s] += select(real(0.0), amount, which == $su);
#end
  }
  spent += 16u * (sets + adds);
}

fn set_inputs(at: u32) -> u32 {
  let sets = tables[at + 2u];
  for (var i = 0u; i < sets; i++) {
    let change = tables[at + 1u] + i;
    let which = tables[change];
    let value = numbers[change];
    inputs[which / 4u * control.stride + lane][which % 4u] = value;
#each INPUTS
    p[$s] = select(p[$s], value, which == $su);
#end
  }
  return sets;
}

// One attempt at a step from time `t`.
fn step(t: real) {
  let settling = (tables[control.pieces + piece * PIECE_WORDS] & PIECE_SETTLES) != 0u;
  var h: real = 0.0;
  var stop: real = 0.0;
  var landing = false;
  for (var stage = 0u; stage < STAGES; stage++) {
    var at = t;
    if (stage > 0u) {
      at = stage_argument(stage, t, h);
    } else {
#each STATES
      z[$s] = y[$s];
#end
    }
    if (stage > 0u || !have_slope) { derivative(at); }
    if (stage == 0u) {
      if (!have_slope) {
#each STATES
        slope[$s] = dz[$s];
#end
        have_slope = true;
      }
      if (step_size == 0.0 && !can_start()) { return; }
      if (settling && at_rest(rest_time())) {
        next_piece();
        return;
      }
      if (step_size == 0.0) {
        step_size = first_step();
        reach = ANY_REACH;
        flags &= ~AFTER_REJECTION;
      }
      let limits = stop_for_readings();
      stop = limits.x;
      let remaining = clock_left(clock, stop);
      landing = limits.y >= remaining;
      // A step just short of the stop would leave a sliver: two halves instead.
      h = select(limits.y, 0.5 * remaining, 2.0 * limits.y > remaining);
      if (landing) { h = remaining; }
      let most = most_readings(h);
      landing = landing && most == h;
      h = most;
      sound = true;
      begin_step(t, h);
    }
    end_stage(stage, h);
  }
  end_step(h);
  judge(h, stop, landing, settling);
}

// Accepts or rejects the step of length `h` that was tried: new states in z, error estimate in x. If it is a `landing`,
// it ends at `stop`.
fn judge(h: real, stop: real, landing: bool, settling: bool) {
  let error = mean_square_error();
  // Only what is a number passes this test.
  if (sound && error <= 1.0 && !passes_readings(h)) {
    rejected++;
  } else if (sound && error <= 1.0) {
    let through = landing && stop == length;
    let next = h * clamp(growth(error), 0.2, select(real(6.0), real(1.0), (flags & AFTER_REJECTION) != 0u));
    // A step cut short by a stop says little about the length that would have been possible.
    step_size = select(max(next, step_size), next, h >= step_size);
    flags &= ~AFTER_REJECTION;
    steps++;
    read_inside(h, through && rest > 0.0, through && !(rest > 0.0));
    let rested = settling && h >= rest_time() && stood_still();
#each STATES
    y[$s] = z[$s];
#end
    have_slope = false;
    if (rested) {
      next_piece();
      return;
    }
    clock = clock_advance(clock, h);
    if (landing) { clock = clock_of(stop, 0.0); }
    if (through) {
      if (rest > 0.0) {
        flags |= AT_BEGIN;
      } else if (settling) {
        status = UNSETTLED;
      } else {
        next_piece();
      }
      return;
    }
  } else {
    let finite = sound && is_finite(error);
    rejected++;
    flags |= AFTER_REJECTION;
    step_size = h * select(real(0.25), clamp(growth(error), 0.2, 1.0), finite);
    worst = worst_state();
    if (step_size <= clock_resolution(clock) || step_size < SMALLEST_STEP) {
      if (!finite && to_zero()) { return; }
      status = select(NOT_FINITE, STEP_TOO_SMALL, finite);
      return;
    }
  }
  if (steps + rejected >= control.max_steps) {
    status = STEP_LIMIT;
  }
}

// The time over which nothing may move in a settling segment.
fn rest_time() -> real {
  return 0.01 * numbers[control.piece_numbers + piece * PIECE_NUMBERS + 1u];
}

fn next_piece() {
  piece++;
  rest = 0.0;
  flags |= AT_BEGIN;
}

fn load_inputs() {
#each INPUT_QUADS
  let four$s = inputs[$su * control.stride + lane];
#end
#each INPUTS
  p[$s] = four$q.$c;
#end
}

fn load() {
  let stand = reals[lane];
  step_size = stand.x;
  base = stand.y;
  length = stand.z;
  rest = stand.w;
  let time = reals[control.stride + lane];
  clock = clock_of(time.x, time.y);
  reach = time.z;
#each STATE_QUADS
  let four$s = reals[($su + 2u) * control.stride + lane];
#end
#each STATES
  y[$s] = four$q.$c;
#end
  let state = words[STATE * control.stride + lane];
  status = state.x;
  flags = state.y;
  steps = state.z;
  rejected = state.w;
  let place = words[PLACE * control.stride + lane];
  piece = place.x;
  recorded = place.y;
  worst = place.z;
  switches = place.w;
}

fn store() {
  reals[lane] = vec4<real>(step_size, base, length, rest);
  reals[control.stride + lane] = vec4<real>(clock_high(clock), clock_low(clock), reach, 0.0);
#each STATE_QUADS
  var four$s: vec4<real>;
#end
#each STATES
  four$q.$c = y[$s];
#end
#each STATE_QUADS
  reals[($su + 2u) * control.stride + lane] = four$s;
#end
  words[STATE * control.stride + lane] = vec4<u32>(status, flags, steps, rejected);
  words[PLACE * control.stride + lane] = vec4<u32>(piece, recorded, worst, switches);
}
