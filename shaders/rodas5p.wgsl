// Rodas5P: eight stages, order 5, stiffly accurate.
//
// G. Steinebach, "Construction of Rosenbrock-Wanner method Rodas5P and numerical benchmarks within the Julia
// Differential Equations package", BIT Numerical Mathematics 63, 27 (2023), doi:10.1007/s10543-023-00967-x.
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

const ORDER: f32 = 5.0;
const STAGES: u32 = 8u;
const GAMMA: real = 0.21193756319429014;

const A21: real = 3.0;
const A31: real = 2.849394379747939;
const A32: real = 0.45842242204463923;
const A41: real = -6.954028509809101;
const A42: real = 2.489845061869568;
const A43: real = -10.358996098473584;
const A51: real = 2.8029986275628964;
const A52: real = 0.5072464736228206;
const A53: real = -0.3988312541770524;
const A54: real = -0.04721187230404641;
const A61: real = -7.502846399306121;
const A62: real = 2.561846144803919;
const A63: real = -11.627539656261098;
const A64: real = -0.18268767659942256;
const A65: real = 0.030198172008377946;

const C21: real = -14.155112264123755;
const C31: real = -17.97296035885952;
const C32: real = -2.859693295451294;
const C41: real = 147.12150275711716;
const C42: real = -1.41221402718213;
const C43: real = 71.68940251302358;
const C51: real = 165.43517024871676;
const C52: real = -0.4592823456491126;
const C53: real = 42.90938336958603;
const C54: real = -5.961986721573306;
const C61: real = 24.854864614690072;
const C62: real = -3.0009227002832186;
const C63: real = 47.4931110020768;
const C64: real = 5.5814197821558125;
const C65: real = -0.6610691825249471;
const C71: real = 30.91273214028599;
const C72: real = -3.1208243349937974;
const C73: real = 77.79954646070892;
const C74: real = 34.28646028294783;
const C75: real = -19.097331116725623;
const C76: real = -28.087943162872662;
const C81: real = 37.80277123390563;
const C82: real = -3.2571969029072276;
const C83: real = 112.26918849496327;
const C84: real = 66.9347231244047;
const C85: real = -40.06618937091002;
const C86: real = -54.66780262877968;
const C87: real = -9.48861652309627;

const ALPHA2: real = 0.63581268958287;
const ALPHA3: real = 0.409579839339753;
const ALPHA4: real = 0.976930672506068;
const ALPHA5: real = 0.428840360955866;

const GAMMA1: real = 0.21193756319429005;
const GAMMA2: real = -0.4238751263885799;
const GAMMA3: real = -0.3384627126235918;
const GAMMA4: real = 1.8046452872882748;
const GAMMA5: real = 2.3258256397650694;

var<private> k1: array<real, STATES>;
var<private> k2: array<real, STATES>;
var<private> k3: array<real, STATES>;
var<private> k4: array<real, STATES>;
var<private> k5: array<real, STATES>;
var<private> k6: array<real, STATES>;
var<private> k7: array<real, STATES>;

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
    case 5u: {
#each STATES
      z[$s] = fma(A65, k5[$s], fma(A64, k4[$s], fma(A63, k3[$s], fma(A62, k2[$s], fma(A61, k1[$s], y[$s])))));
#end
      return t + h;
    }
    case 6u: {
#each STATES
      z[$s] += k6[$s];
#end
      return t + h;
    }
    default: {
#each STATES
      z[$s] += k7[$s];
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
    case 5u: {
#each STATES
      x[$s] = fma(fma(C65, k5[$s], fma(C64, k4[$s], fma(C63, k3[$s], fma(C62, k2[$s], C61 * k1[$s])))), over_h, dz[$s]);
#end
    }
    case 6u: {
#each STATES
      x[$s] = fma(fma(C76, k6[$s], fma(C75, k5[$s], fma(C74, k4[$s], fma(C73, k3[$s], fma(C72, k2[$s], C71 * k1[$s]))))), over_h, dz[$s]);
#end
    }
    default: {
#each STATES
      x[$s] = fma(fma(C87, k7[$s], fma(C86, k6[$s], fma(C85, k5[$s], fma(C84, k4[$s], fma(C83, k3[$s], fma(C82, k2[$s], C81 * k1[$s])))))), over_h, dz[$s]);
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
    case 5u: {
#each STATES
      k6[$s] = x[$s];
#end
    }
    case 6u: {
#each STATES
      k7[$s] = x[$s];
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
