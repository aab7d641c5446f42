//! A secret that cannot be shown.
//!
//! Knows: how to hold bytes so that they are neither printed nor left behind.
//! Never: what the bytes mean.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Bytes that are wiped when dropped and never printed; reading them takes the word `expose`.
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes over; the caller keeps no copy.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Copies bytes that belong to somebody else, such as a host.
    #[must_use]
    pub fn copy_of(bytes: &[u8]) -> Self {
        // Exactly as long as needed from the start: a vector that grows leaves copies behind.
        let mut owned = Vec::with_capacity(bytes.len());
        owned.extend_from_slice(bytes);
        Self::new(owned)
    }

    /// The bytes themselves.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many bytes it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Compares in a time that depends on the lengths alone.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_as_a_mask() {
        assert_eq!(format!("{:?}", Secret::copy_of(b"hunter2")), "Secret(..)");
    }

    #[test]
    fn only_equal_bytes_match() {
        let secret = Secret::copy_of(b"hunter2");
        assert!(secret.matches(&Secret::copy_of(b"hunter2")));
        assert!(!secret.matches(&Secret::copy_of(b"hunter3")));
        assert!(!secret.matches(&Secret::copy_of(b"hunter")));
    }
}
