//! Files of ours on the disk: whole or not at all, under names that nobody else has, and no file of the user's touched.
//!
//! `docs/files.md` says what is written where and when.

mod folder;
mod lock;
mod manifest;
mod temporary;
mod whole;

pub use folder::{Standing, WholeFolder, may_write, recover};
pub use lock::Lock;
pub use manifest::Manifest;
pub use temporary::{abandon, beside, replace};
pub use whole::WholeFile;

/// For telling damage and change; the same on every machine and in every version (XXH64).
pub fn checksum(bytes: &[u8]) -> u64 {
    twox_hash::XxHash64::oneshot(0, bytes)
}
