// How the buffers are laid out. Everything that belongs to a lane lies as [item][lane], `control.stride` lanes apart.
// The host's side of this is in `plan.rs` and `buffers.rs`.

struct Control {
  lanes: u32,          // lanes of the batch part
  stride: u32,         // distance of two items of a lane
  running: u32,        // lanes in the list
  list_in: u32,        // where the list begins
  list_out: u32,       // where compaction writes the next one
  budget: u32,         // steps a lane may try in this dispatch
  max_steps: u32,      // steps a lane may try at all
  pieces: u32,         // where the pieces begin in `tables`
  piece_numbers: u32,  // and in `numbers`
  zero: u32,           // is 0, which the compiler does not know
}

// Items of `words`. The first three are written by the host.
const WORD_PIECE: u32 = 0u;
const WORD_ROW: u32 = 1u;
const WORD_OUTPUT: u32 = 2u;
const WORD_STATUS: u32 = 3u;
const WORD_FLAGS: u32 = 4u;
const WORD_STEPS: u32 = 5u;
const WORD_REJECTED: u32 = 6u;
const WORD_RECORDED: u32 = 7u;
const WORD_WORST: u32 = 8u;
const WORD_SWITCHES: u32 = 9u;

// A piece: its kind, where its sets begin and how many they are, the same for what it adds to states.
const PIECE_WORDS: u32 = 5u;
// When it begins, how long it is, how long its segment is from there.
const PIECE_NUMBERS: u32 = 3u;
const PIECE_CHANGES: u32 = 1u;
const PIECE_RECORDS: u32 = 2u;
const PIECE_SETTLES: u32 = 4u;
const PIECE_ENDS: u32 = 8u;

// Items of `numbers` at its head: relative tolerance, caution, and the absolute tolerances.
const NUMBER_RTOL: u32 = 0u;
const NUMBER_CAUTION: u32 = 1u;
const NUMBER_ATOL: u32 = 2u;
