// Rodas4P: six stages, order 4, stiffly accurate, with its order kept on parabolic problems.
//
// G. Steinebach, "Order-reduction of ROW-methods for DAEs and method of lines applications", Preprint 1741,
// Technische Hochschule Darmstadt, 1995.
//
// In the transformed form of Hairer & Wanner, Solving Ordinary Differential Equations II, section IV.7, which needs no
// product with the Jacobian: with A = I/(h gamma) - J, stage i is
//
//   A k_i = f(t + alpha_i h, y + sum_j a_ij k_j) + sum_j c_ij/h k_j + h gamma_i df/dt
//
// and the step ends at the argument of the last stage plus that stage, which is also the error estimate.
//
// Stages share one call of the generated functions, so that the driver compiles these once; what differs between
// stages is chosen by `switch`, with array indices that are constant.

const ORDER: f32 = 4.0;
const STAGES: u32 = 6u;
const GAMMA: real = 0.25;

const A21: real = 3.0;
const A31: real = 1.831036793486759;
const A32: real = 0.4955183967433795;
const A41: real = 2.304376582692669;
const A42: real = -0.05249275245743001;
const A43: real = -1.176798761832782;
const A51: real = -7.170454962423024;
const A52: real = -4.741636671481785;
const A53: real = -16.31002631330971;
const A54: real = -1.062004044111401;

const C21: real = -12.0;
const C31: real = -8.791795173947035;
const C32: real = -2.207865586973518;
const C41: real = 10.81793056857153;
const C42: real = 6.780270611428266;
const C43: real = 19.5348594464241;
const C51: real = 34.19095006749676;
const C52: real = 15.49671153725963;
const C53: real = 54.7476087596413;
const C54: real = 14.16005392148534;
const C61: real = 34.62605830930532;
const C62: real = 15.30084976114473;
const C63: real = 56.99955578662667;
const C64: real = 18.40807009793095;
const C65: real = -5.714285714285717;

const ALPHA2: real = 0.749999999999999;
const ALPHA3: real = 0.21;
const ALPHA4: real = 0.629999999999999;

const GAMMA1: real = 0.24999999999999964;
const GAMMA2: real = -0.4999999999999984;
const GAMMA3: real = -0.02350400000000016;
const GAMMA4: real = -0.03619999999999997;

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
      return t + h;
    }
    default: {
#each STATES
      z[$s] += k5[$s];
#end
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
    default: {
#each STATES
      x[$s] = fma(fma(C65, k5[$s], fma(C64, k4[$s], fma(C63, k3[$s], fma(C62, k2[$s], C61 * k1[$s])))), over_h, dz[$s]);
#end
    }
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
    default: {}
  }
}

// The gamma_i.
fn time_share(stage: u32) -> real {
  switch (stage) {
    case 0u: { return GAMMA1; }
    case 1u: { return GAMMA2; }
    case 2u: { return GAMMA3; }
    case 3u: { return GAMMA4; }
    default: { return 0.0; }
  }
}

// The new states in z; the last stage, in x, is the error estimate.
fn end_step(h: real) {
#each STATES
  z[$s] += x[$s];
#end
}
