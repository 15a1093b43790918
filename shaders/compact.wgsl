// Lists the lanes that still run, so that the next dispatch has no idle invocations. Within a group the order is
// kept; what becomes of a lane does not depend on its place.

#import shared/layout
#import shared/status

@group(0) @binding(0) var<uniform> control: Control;
@group(0) @binding(1) var<storage, read> words: array<vec4<u32>>;
// How many lanes the next list has, then the two lists in turn.
@group(0) @binding(2) var<storage, read_write> lists: array<atomic<u32>>;

const SIZE: u32 = 256u;

var<workgroup> sums: array<u32, SIZE>;
var<workgroup> first: u32;

@compute @workgroup_size(SIZE)
fn compact(@builtin(global_invocation_id) id: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
  var lane = 0u;
  var running = false;
  if (id.x < control.running) {
    lane = atomicLoad(&lists[control.list_in + id.x]);
    running = words[STATE * control.stride + lane].x == RUNNING;
  }
  // Inclusive prefix sum after Hillis and Steele.
  sums[local.x] = select(0u, 1u, running);
  workgroupBarrier();
  for (var reach = 1u; reach < SIZE; reach *= 2u) {
    var before = 0u;
    if (local.x >= reach) { before = sums[local.x - reach]; }
    workgroupBarrier();
    sums[local.x] += before;
    workgroupBarrier();
  }
  if (local.x == SIZE - 1u) { first = atomicAdd(&lists[0], sums[local.x]); }
  workgroupBarrier();
  if (running) { atomicStore(&lists[control.list_out + first + sums[local.x] - 1u], lane); }
}
