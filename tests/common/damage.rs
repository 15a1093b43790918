//! Ways to damage a file.

use proptest::prelude::*;

/// PROPTEST_CASES asks for more than the usual number.
pub fn cases(usual: u32) -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(usual)
}

/// Replaces or deletes up to three short stretches of bytes, and puts a `piece` in place of each.
pub fn spliced<P: Strategy<Value = Vec<u8>>>(bytes: &[u8], piece: P) -> impl Strategy<Value = Vec<u8>> + use<P> {
    let bytes = bytes.to_vec();
    let change = (0..bytes.len(), 0..12usize, piece);
    proptest::collection::vec(change, 1..4).prop_map(move |changes| {
        let mut out = bytes.clone();
        for (at, remove, insert) in changes {
            let at = at.min(out.len());
            let end = (at + remove).min(out.len());
            out.splice(at..end, insert);
        }
        out
    })
}
