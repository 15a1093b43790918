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

const ORDER: f32 = 5.0;
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
  stage7(t, h, over_h);
  stage8(t, h, over_h);
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
  derivative(t + ALPHA5 * h);
#each STATES
  x[$s] = fma(fma(C54, k4[$s], fma(C53, k3[$s], fma(C52, k2[$s], C51 * k1[$s]))), over_h, dz[$s]);
#end
#if TIMED
#each STATES
  x[$s] = fma(h * GAMMA5, ft[$s], x[$s]);
#end
#endif
  solve();
#each STATES
  k5[$s] = x[$s];
#end
}

fn stage6(t: real, h: real, over_h: real) {
#each STATES
  z[$s] = fma(A65, k5[$s], fma(A64, k4[$s], fma(A63, k3[$s], fma(A62, k2[$s], fma(A61, k1[$s], y[$s])))));
#end
  derivative(t + h);
#each STATES
  x[$s] = fma(fma(C65, k5[$s], fma(C64, k4[$s], fma(C63, k3[$s], fma(C62, k2[$s], C61 * k1[$s])))), over_h, dz[$s]);
#end
  solve();
#each STATES
  k6[$s] = x[$s];
#end
}

fn stage7(t: real, h: real, over_h: real) {
#each STATES
  z[$s] += k6[$s];
#end
  derivative(t + h);
#each STATES
  x[$s] = fma(fma(C76, k6[$s], fma(C75, k5[$s], fma(C74, k4[$s], fma(C73, k3[$s], fma(C72, k2[$s], C71 * k1[$s]))))), over_h, dz[$s]);
#end
  solve();
#each STATES
  k7[$s] = x[$s];
#end
}

fn stage8(t: real, h: real, over_h: real) {
#each STATES
  z[$s] += k7[$s];
#end
  derivative(t + h);
#each STATES
  x[$s] = fma(fma(C87, k7[$s], fma(C86, k6[$s], fma(C85, k5[$s], fma(C84, k4[$s], fma(C83, k3[$s], fma(C82, k2[$s], C81 * k1[$s])))))), over_h, dz[$s]);
#end
  solve();
}
