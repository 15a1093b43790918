// How the buffers are laid out. Everything that belongs to a lane lies in fours as [four][lane], `control.stride` lanes
// apart: software adapters spend most of their compilation on accesses to buffers, and four numbers are one access.
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

// The fours of `words`. PLAN is written by the host: the lane's first piece, its row, where its results begin.
const PLAN: u32 = 0u;
// Status, flags, steps, rejected steps.
const STATE: u32 = 1u;
// Piece, recorded outputs, worst state, switches.
const PLACE: u32 = 2u;

// A piece: its kind, where its sets begin and how many they are, the same for what it adds to states; where its readings
// begin in `numbers`, how many outputs come before them, and that number behind them.
const PIECE_WORDS: u32 = 8u;
// When it begins, how long it is.
const PIECE_NUMBERS: u32 = 2u;
const PIECE_CHANGES: u32 = 1u;
const PIECE_SETTLES: u32 = 4u;
const PIECE_ENDS: u32 = 8u;
