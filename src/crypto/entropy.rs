//! Randomness.
//!
//! Knows: the kernel's generator (getrandom(2)), and no other.
//! Never: a seed, a fallback, a generator of its own.

use std::fmt;

/// The kernel gave no randomness.
#[derive(Debug)]
pub struct EntropyError(getrandom::Error);

impl fmt::Display for EntropyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the kernel gave no randomness: {}", self.0)
    }
}

impl std::error::Error for EntropyError {}

/// `N` bytes from the kernel.
///
/// # Errors
/// Only where getrandom(2) is missing or forbidden.
pub fn bytes<const N: usize>() -> Result<[u8; N], EntropyError> {
    let mut drawn = [0; N];
    getrandom::fill(&mut drawn).map_err(EntropyError)?;
    Ok(drawn)
}
