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

const ORDER: f32 = 4.0;
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

// From y at t to z at t + h, with the error estimate in x. `slope` is f(t, y), z is y.
fn attempt(t: real, h: real) {
  let over_h = 1.0 / h;
  factor(t, over_h / GAMMA);
#if TIMED
  time_derivative(t);
#endif
#each STATES
  x[$s] = slope[$s];
#end
#if TIMED
#each STATES
  x[$s] = fma(h * GAMMA1, ft[$s], x[$s]);
#end
#endif
  solve();
#each STATES
  k1[$s] = x[$s];
#end
  stage2(t, h, over_h);
  stage3(t, h, over_h);
  stage4(t, h, over_h);
  stage5(t, h, over_h);
  stage6(t, h, over_h);
#each STATES
  z[$s] += x[$s];
#end
}

fn stage2(t: real, h: real, over_h: real) {
#each STATES
  z[$s] = fma(A21, k1[$s], y[$s]);
#end
  derivative(t + ALPHA2 * h);
#each STATES
  x[$s] = fma(C21 * k1[$s], over_h, dz[$s]);
#end
#if TIMED
#each STATES
  x[$s] = fma(h * GAMMA2, ft[$s], x[$s]);
#end
#endif
  solve();
#each STATES
  k2[$s] = x[$s];
#end
}

fn stage3(t: real, h: real, over_h: real) {
#each STATES
  z[$s] = fma(A32, k2[$s], fma(A31, k1[$s], y[$s]));
#end
  derivative(t + ALPHA3 * h);
#each STATES
  x[$s] = fma(fma(C32, k2[$s], C31 * k1[$s]), over_h, dz[$s]);
#end
#if TIMED
#each STATES
  x[$s] = fma(h * GAMMA3, ft[$s], x[$s]);
#end
#endif
  solve();
#each STATES
  k3[$s] = x[$s];
#end
}

fn stage4(t: real, h: real, over_h: real) {
#each STATES
  z[$s] = fma(A43, k3[$s], fma(A42, k2[$s], fma(A41, k1[$s], y[$s])));
#end
  derivative(t + ALPHA4 * h);
#each STATES
  x[$s] = fma(fma(C43, k3[$s], fma(C42, k2[$s], C41 * k1[$s])), over_h, dz[$s]);
#end
#if TIMED
#each STATES
  x[$s] = fma(h * GAMMA4, ft[$s], x[$s]);
#end
#endif
  solve();
#each STATES
  k4[$s] = x[$s];
#end
}

fn stage5(t: real, h: real, over_h: real) {
#each STATES
  z[$s] = fma(A54, k4[$s], fma(A53, k3[$s], fma(A52, k2[$s], fma(A51, k1[$s], y[$s]))));
#end
  derivative(t + h);
#each STATES
  x[$s] = fma(fma(C54, k4[$s], fma(C53, k3[$s], fma(C52, k2[$s], C51 * k1[$s]))), over_h, dz[$s]);
#end
  solve();
#each STATES
  k5[$s] = x[$s];
#end
}

fn stage6(t: real, h: real, over_h: real) {
#each STATES
  z[$s] += k5[$s];
#end
  derivative(t + h);
#each STATES
  x[$s] = fma(fma(C65, k5[$s], fma(C64, k4[$s], fma(C63, k3[$s], fma(C62, k2[$s], C61 * k1[$s])))), over_h, dz[$s]);
#end
  solve();
}
