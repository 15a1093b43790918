// Rodas4P: six stages, order 4, stiffly accurate, with its order kept on parabolic problems.
//
// G. Steinebach, "Order-reduction of ROW-methods for DAEs and method of lines applications", Preprint 1741,
// Technische Hochschule Darmstadt, 1995.

#import shared/rosenbrock

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
const ALPHA5: real = 1.0;

const GAMMA1: real = 0.24999999999999964;
const GAMMA2: real = -0.4999999999999984;
const GAMMA3: real = -0.02350400000000016;
const GAMMA4: real = -0.03619999999999997;
const GAMMA5: real = 0.0;

fn late_argument(stage: u32) {
#each STATES
  z[$s] += k5[$s];
#end
}

fn late_right_side(stage: u32, over_h: real) {
#each STATES
  x[$s] = fma(fma(C65, k5[$s], fma(C64, k4[$s], fma(C63, k3[$s], fma(C62, k2[$s], C61 * k1[$s])))), over_h, dz[$s]);
#end
}

fn late_stage(stage: u32) {
}

// The continuous extension, of order 3: see `engine/method/`.
const D11: real = 25.09876703708589;
const D12: real = 11.62013104361867;
const D13: real = 28.49148307714626;
const D14: real = -5.664021568594133;
const D15: real = 0.0;
const D21: real = 1.638054557396973;
const D22: real = -0.7373619806678748;
const D23: real = 8.47791821923899;
const D24: real = 15.9925314877952;
const D25: real = -1.882352941176471;

// The states at `share` of the step of length `h` from y to z.
fn inside(share: real, h: real) {
  let bend = share * (1.0 - share);
  let w1 = bend * fma(D21, share, D11);
  let w2 = bend * fma(D22, share, D12);
  let w3 = bend * fma(D23, share, D13);
  let w4 = bend * fma(D24, share, D14);
  let w5 = bend * fma(D25, share, D15);
  var e: real;
#each READ
  e = fma(share, z[$s], (1.0 - share) * y[$s]);
  e = fma(w1, k1[$s], e);
  e = fma(w2, k2[$s], e);
  e = fma(w3, k3[$s], e);
  e = fma(w4, k4[$s], e);
  e = fma(w5, k5[$s], e);
  seen[$s] = e;
#end
}

// Weights of the mismatch of slopes: see `engine/method.rs`.
const M1: real = 0.7187817523994369;
const M2: real = -0.323555973287851;
const M3: real = 3.720128176931709;
const M4: real = 7.017556134618481;
const M5: real = -2.831932773109246;
const M6: real = -3.0;

fn mismatch(h: real) {
#each READ
  seen[$s] = fma(M6, x[$s], fma(M5, k5[$s], fma(M4, k4[$s], fma(M3, k3[$s], fma(M2, k2[$s], M1 * k1[$s])))));
#end
}
