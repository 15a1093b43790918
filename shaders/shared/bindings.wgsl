// The buffers of the kernels that know the model.

#import shared/layout

@group(0) @binding(0) var<uniform> control: Control;
// The protocols, as indices and as numbers: see `plan.rs`.
@group(0) @binding(1) var<storage, read> tables: array<u32>;
@group(0) @binding(2) var<storage, read> numbers: array<real>;
// Rows of inputs as the batch gives them; each lane's own copy, which its protocol may change.
@group(0) @binding(3) var<storage, read> rows: array<real>;
@group(0) @binding(4) var<storage, read_write> inputs: array<vec4<real>>;
// Where a lane stands in time (see `store`), then its states.
@group(0) @binding(5) var<storage, read_write> reals: array<vec4<real>>;
@group(0) @binding(6) var<storage, read_write> words: array<vec4<u32>>;
@group(0) @binding(7) var<storage, read_write> results: array<real>;
// Lanes still running.
@group(0) @binding(8) var<storage, read> list: array<u32>;
// Relative tolerance and caution; then the absolute tolerances.
@group(0) @binding(9) var<uniform> settings: array<vec4<real>, SETTING_QUADS>;

const SETTING_QUADS: u32 = STATE_QUADS + 1u;
