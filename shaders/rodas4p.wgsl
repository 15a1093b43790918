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
