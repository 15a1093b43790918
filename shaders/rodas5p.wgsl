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

// The continuous extension, of order 4: see `engine/method/`.
const D11: real = 25.948786856663858;
const D12: real = -2.5579724845846235;
const D13: real = 10.433815404888879;
const D14: real = -2.3679251022685204;
const D15: real = 0.524948541321073;
const D16: real = 1.1241088310450404;
const D17: real = 0.4272876194431874;
const D18: real = -0.17202221070155493;
const D21: real = -9.91568850695171;
const D22: real = -0.9689944594115154;
const D23: real = 3.0438037242978453;
const D24: real = -24.495224566215796;
const D25: real = 20.176138334709044;
const D26: real = 15.98066361424651;
const D27: real = -6.789040303419874;
const D28: real = -6.710236069923372;
const D31: real = 11.419903575922262;
const D32: real = 2.8879645146136994;
const D33: real = 72.92137995996029;
const D34: real = 80.12511834622643;
const D35: real = -52.072871366152654;
const D36: real = -59.78993625266729;
const D37: real = -0.15582684282751913;
const D38: real = 4.883087185713722;

// The states at `share` of the step of length `h` from y to z.
fn inside(share: real, h: real) {
  let bend = share * (1.0 - share);
  let w1 = bend * fma(fma(D31, share, D21), share, D11);
  let w2 = bend * fma(fma(D32, share, D22), share, D12);
  let w3 = bend * fma(fma(D33, share, D23), share, D13);
  let w4 = bend * fma(fma(D34, share, D24), share, D14);
  let w5 = bend * fma(fma(D35, share, D25), share, D15);
  let w6 = bend * fma(fma(D36, share, D26), share, D16);
  let w7 = bend * fma(fma(D37, share, D27), share, D17);
  let w8 = bend * fma(fma(D38, share, D28), share, D18);
  var e: real;
#each READ
  e = fma(share, z[$s], (1.0 - share) * y[$s]);
  e = fma(w1, k1[$s], e);
  e = fma(w2, k2[$s], e);
  e = fma(w3, k3[$s], e);
  e = fma(w4, k4[$s], e);
  e = fma(w5, k5[$s], e);
  e = fma(w6, k6[$s], e);
  e = fma(w7, k7[$s], e);
  e = fma(w8, x[$s], e);
  seen[$s] = e;
#end
}

// Weights of the mismatch of slopes: see `engine/method.rs`.
const M1: real = 0.7117307272412745;
const M2: real = -0.014087082180217259;
const M3: real = 3.5606624373887925;
const M4: real = 3.3725166925157914;
const M5: real = -2.1660516771947753;
const M6: real = -2.7456597053509864;
const M7: real = -0.49275924907301616;
const M8: real = -0.42979991494917846;

fn mismatch(h: real) {
#each READ
  seen[$s] = fma(M8, x[$s], fma(M7, k7[$s], fma(M6, k6[$s], fma(M5, k5[$s], fma(M4, k4[$s], fma(M3, k3[$s], fma(M2, k2[$s], M1 * k1[$s])))))));
#end
}
