// Tsit5: seven stages, order 5 with an estimate of order 4.
//
// Ch. Tsitouras, "Runge-Kutta pairs of order 5(4) satisfying only the first column simplifying assumption",
// Computers & Mathematics with Applications 62, 770-775 (2011), doi:10.1016/j.camwa.2011.06.002.
//
// The last stage would be the first of the next step. It is taken anew there, so that the step does not depend on
// whether the dispatch ended in between. Stages share one call of the right-hand side, so that the driver compiles it
// once; what differs between stages is chosen by `switch`, with array indices that are constant.

const ORDER: f32 = 5.0;
const STAGES: u32 = 7u;

const A21: real = 0.161;
const A31: real = -0.008480655492356989;
const A32: real = 0.335480655492357;
const A41: real = 2.8971530571054935;
const A42: real = -6.359448489975075;
const A43: real = 4.3622954328695815;
const A51: real = 5.325864828439257;
const A52: real = -11.748883564062828;
const A53: real = 7.4955393428898365;
const A54: real = -0.09249506636175525;
const A61: real = 5.86145544294642;
const A62: real = -12.92096931784711;
const A63: real = 8.159367898576159;
const A64: real = -0.071584973281401;
const A65: real = -0.028269050394068383;
const A71: real = 0.09646076681806523;
const A72: real = 0.01;
const A73: real = 0.4798896504144996;
const A74: real = 1.379008574103742;
const A75: real = -3.290069515436081;
const A76: real = 2.324710524099774;

const C2: real = 0.161;
const C3: real = 0.327;
const C4: real = 0.9;
const C5: real = 0.9800255409045097;

// Weights of the error estimate.
const E1: real = -0.00178001105222577714;
const E2: real = -0.0008164344596567469;
const E3: real = 0.007880878010261995;
const E4: real = -0.1447110071732629;
const E5: real = 0.5823571654525552;
const E6: real = -0.45808210592918697;
const E7: real = 0.015151515151515152;

var<private> k2: array<real, STATES>;
var<private> k3: array<real, STATES>;
var<private> k4: array<real, STATES>;
var<private> k5: array<real, STATES>;
var<private> k6: array<real, STATES>;

fn begin_step(t: real, h: real) {
}

// The states at a stage after the first, in z, and its time.
fn stage_argument(stage: u32, t: real, h: real) -> real {
  switch (stage) {
    case 1u: {
#each STATES
      z[$s] = fma(h, A21 * slope[$s], y[$s]);
#end
      return t + C2 * h;
    }
    case 2u: {
#each STATES
      z[$s] = fma(h, fma(A32, k2[$s], A31 * slope[$s]), y[$s]);
#end
      return t + C3 * h;
    }
    case 3u: {
#each STATES
      z[$s] = fma(h, fma(A43, k3[$s], fma(A42, k2[$s], A41 * slope[$s])), y[$s]);
#end
      return t + C4 * h;
    }
    case 4u: {
#each STATES
      z[$s] = fma(h, fma(A54, k4[$s], fma(A53, k3[$s], fma(A52, k2[$s], A51 * slope[$s]))), y[$s]);
#end
      return t + C5 * h;
    }
    case 5u: {
#each STATES
      z[$s] = fma(h, fma(A65, k5[$s], fma(A64, k4[$s], fma(A63, k3[$s], fma(A62, k2[$s], A61 * slope[$s])))), y[$s]);
#end
      return t + h;
    }
    default: {
#each STATES
      z[$s] = fma(h, fma(A76, k6[$s], fma(A75, k5[$s], fma(A74, k4[$s], fma(A73, k3[$s], fma(A72, k2[$s], A71 * slope[$s]))))), y[$s]);
#end
      return t + h;
    }
  }
}

// The stage itself is f in dz, the first one stays in slope.
fn end_stage(stage: u32, h: real) {
  switch (stage) {
    case 1u: {
#each STATES
      k2[$s] = dz[$s];
#end
    }
    case 2u: {
#each STATES
      k3[$s] = dz[$s];
#end
    }
    case 3u: {
#each STATES
      k4[$s] = dz[$s];
#end
    }
    case 4u: {
#each STATES
      k5[$s] = dz[$s];
#end
    }
    case 5u: {
#each STATES
      k6[$s] = dz[$s];
#end
    }
    default: {}
  }
}

// The new states are in z already; the error estimate goes to x.
fn end_step(h: real) {
  var e: real;
#each STATES
  e = fma(E4, k4[$s], fma(E3, k3[$s], fma(E2, k2[$s], E1 * slope[$s])));
  x[$s] = h * fma(E7, dz[$s], fma(E6, k6[$s], fma(E5, k5[$s], e)));
#end
}

// The continuous extension, of order 4: see `engine/method/`.
const D11: real = 0.9035392331819347;
const D12: real = -0.01;
const D13: real = -0.4798896504144995;
const D14: real = -1.3790085741037394;
const D15: real = 3.2900695154360804;
const D16: real = -2.3247105240997854;
const D17: real = 0.0;
const D21: real = -1.860166964092891;
const D22: real = 0.1217;
const D23: real = 3.450406586480252;
const D24: real = -13.790085741037416;
const D25: real = 40.79938293194712;
const D26: real = -30.221236813297068;
const D27: real = 1.5;
const D31: real = 1.0530884977290216;
const D32: real = -0.1017;
const D33: real = -2.490627285651253;
const D34: real = 16.548102889244902;
const D35: real = -47.37952196281928;
const D36: real = 34.87065786149661;
const D37: real = -2.5;

// The states at `share` of the step of length `h` from y to z.
fn inside(share: real, h: real) {
  let bend = share * (1.0 - share) * h;
  let w1 = bend * fma(fma(D31, share, D21), share, D11);
  let w2 = bend * fma(fma(D32, share, D22), share, D12);
  let w3 = bend * fma(fma(D33, share, D23), share, D13);
  let w4 = bend * fma(fma(D34, share, D24), share, D14);
  let w5 = bend * fma(fma(D35, share, D25), share, D15);
  let w6 = bend * fma(fma(D36, share, D26), share, D16);
  let w7 = bend * fma(fma(D37, share, D27), share, D17);
  var e: real;
#each READ
  e = fma(share, z[$s], (1.0 - share) * y[$s]);
  e = fma(w1, slope[$s], e);
  e = fma(w2, k2[$s], e);
  e = fma(w3, k3[$s], e);
  e = fma(w4, k4[$s], e);
  e = fma(w5, k5[$s], e);
  e = fma(w6, k6[$s], e);
  e = fma(w7, dz[$s], e);
  seen[$s] = e;
#end
}

// The extension has the slopes of the solution at both ends.
fn mismatch(h: real) {
#each READ
  seen[$s] = 0.0;
#end
}
