//! Highest single agent: a combination does what the better of its drugs does alone (M. C. Berenbaum, Pharmacol. Rev.
//! 41:93, 1989).

/// The viability expected under both from those under each alone.
pub fn expected(alone: [f64; 2]) -> f64 {
    alone[0].min(alone[1])
}
