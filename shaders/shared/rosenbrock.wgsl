// The steps of the stiffly accurate Rosenbrock methods in their transformed form (Hairer & Wanner, Solving Ordinary
// Differential Equations II, section IV.7), which needs no product with the Jacobian: with A = I/(h gamma) - J, stage
// i is
//
//   A k_i = f(t + alpha_i h, y + sum_j a_ij k_j) + sum_j c_ij/h k_j + h gamma_i df/dt
//
// and the step ends at the argument of the last stage plus that stage, which is also the error estimate. The first
// five stages are here; a method file has the numbers and its later stages, `late_argument`, `late_right_side` and
// `late_stage`.
//
// Stages share one call of the generated functions, so that the driver compiles these once; what differs between
// stages is chosen by `switch`, with array indices that are constant.

var<private> k1: array<real, STATES>;
var<private> k2: array<real, STATES>;
var<private> k3: array<real, STATES>;
var<private> k4: array<real, STATES>;
var<private> k5: array<real, STATES>;

// The factors and the time derivative, for a step from y at t.
fn begin_step(t: real, h: real) {
  factor(t, 1.0 / (h * GAMMA));
#if TIMED
  time_derivative(t);
#endif
}

// The states at a stage after the first, in z, and its time.
fn stage_argument(stage: u32, t: real, h: real) -> real {
  switch (stage) {
    case 1u: {
#each STATES
      z[$s] = fma(A21, k1[$s], y[$s]);
#end
      return t + ALPHA2 * h;
    }
    case 2u: {
#each STATES
      z[$s] = fma(A32, k2[$s], fma(A31, k1[$s], y[$s]));
#end
      return t + ALPHA3 * h;
    }
    case 3u: {
#each STATES
      z[$s] = fma(A43, k3[$s], fma(A42, k2[$s], fma(A41, k1[$s], y[$s])));
#end
      return t + ALPHA4 * h;
    }
    case 4u: {
#each STATES
      z[$s] = fma(A54, k4[$s], fma(A53, k3[$s], fma(A52, k2[$s], fma(A51, k1[$s], y[$s]))));
#end
      return t + ALPHA5 * h;
    }
    default: {
      late_argument(stage);
      return t + h;
    }
  }
}

// The stage itself, from f in dz (at the first stage: in slope).
fn end_stage(stage: u32, h: real) {
  let over_h = 1.0 / h;
  switch (stage) {
    case 0u: {
#each STATES
      x[$s] = slope[$s];
#end
    }
    case 1u: {
#each STATES
      x[$s] = fma(C21 * k1[$s], over_h, dz[$s]);
#end
    }
    case 2u: {
#each STATES
      x[$s] = fma(fma(C32, k2[$s], C31 * k1[$s]), over_h, dz[$s]);
#end
    }
    case 3u: {
#each STATES
      x[$s] = fma(fma(C43, k3[$s], fma(C42, k2[$s], C41 * k1[$s])), over_h, dz[$s]);
#end
    }
    case 4u: {
#each STATES
      x[$s] = fma(fma(C54, k4[$s], fma(C53, k3[$s], fma(C52, k2[$s], C51 * k1[$s]))), over_h, dz[$s]);
#end
    }
    default: { late_right_side(stage, over_h); }
  }
#if TIMED
  let share = h * time_share(stage);
#each STATES
  x[$s] = fma(share, ft[$s], x[$s]);
#end
#endif
  solve();
  switch (stage) {
    case 0u: {
#each STATES
      k1[$s] = x[$s];
#end
    }
    case 1u: {
#each STATES
      k2[$s] = x[$s];
#end
    }
    case 2u: {
#each STATES
      k3[$s] = x[$s];
#end
    }
    case 3u: {
#each STATES
      k4[$s] = x[$s];
#end
    }
    case 4u: {
#each STATES
      k5[$s] = x[$s];
#end
    }
    default: { late_stage(stage); }
  }
}

// The gamma_i.
fn time_share(stage: u32) -> real {
  switch (stage) {
    case 0u: { return GAMMA1; }
    case 1u: { return GAMMA2; }
    case 2u: { return GAMMA3; }
    case 3u: { return GAMMA4; }
    case 4u: { return GAMMA5; }
    default: { return 0.0; }
  }
}

// The new states in z; the last stage, in x, is the error estimate.
fn end_step(h: real) {
#each STATES
  z[$s] += x[$s];
#end
}
