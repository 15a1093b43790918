// Rodas5P: eight stages, order 5, stiffly accurate.
//
// G. Steinebach, "Construction of Rosenbrock-Wanner method Rodas5P and numerical benchmarks within the Julia
// Differential Equations package", BIT Numerical Mathematics 63, 27 (2023), doi:10.1007/s10543-023-00967-x.

#import shared/rosenbrock

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

var<private> k6: array<real, STATES>;
var<private> k7: array<real, STATES>;

fn late_argument(stage: u32) {
  switch (stage) {
    case 5u: {
#each STATES
      z[$s] = fma(A65, k5[$s], fma(A64, k4[$s], fma(A63, k3[$s], fma(A62, k2[$s], fma(A61, k1[$s], y[$s])))));
#end
    }
    case 6u: {
#each STATES
      z[$s] += k6[$s];
#end
    }
    default: {
#each STATES
      z[$s] += k7[$s];
#end
    }
  }
}

fn late_right_side(stage: u32, over_h: real) {
  switch (stage) {
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
}

fn late_stage(stage: u32) {
  switch (stage) {
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
