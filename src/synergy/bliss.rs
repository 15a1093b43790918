//! Bliss independence: the drugs kill independently, so that a cell survives both with the product of the probabilities
//! of surviving each (C. I. Bliss, Ann. Appl. Biol. 26:585, 1939).

/// The viability expected under both from those under each alone.
pub fn expected(alone: [f64; 2]) -> f64 {
    alone[0] * alone[1]
}
