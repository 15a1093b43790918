// What becomes of a lane. The host reads these numbers.

const RUNNING: u32 = 0u;
const FINISHED: u32 = 1u;
const STEP_LIMIT: u32 = 2u;
const STEP_TOO_SMALL: u32 = 3u;
const NOT_FINITE: u32 = 4u;
const UNSETTLED: u32 = 5u;
const UNDEFINED: u32 = 6u;

const NO_STATE: u32 = 0xffffffffu;
