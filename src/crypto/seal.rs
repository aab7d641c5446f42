//! What must be read again, sealed: XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03).
//!
//! Knows: a nonce before the ciphertext, and data that the seal is bound to.
//! Never: what is sealed.

use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

use crate::crypto::entropy::{self, EntropyError};
use crate::crypto::keyring::KEY_LEN;
use crate::crypto::secret::Secret;

const NONCE_LEN: usize = 24;

/// The seal does not open: another key, another place, or a changed octet.
#[derive(Debug, PartialEq, Eq)]
pub struct BrokenSeal;

impl fmt::Display for BrokenSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sealed key does not open")
    }
}

impl std::error::Error for BrokenSeal {}

/// Seals `secret` for the place that `bound_to` names.
///
/// # Errors
/// Only where the kernel gives no randomness.
pub fn seal(key: &[u8; KEY_LEN], bound_to: &[u8], secret: &Secret) -> Result<Vec<u8>, EntropyError> {
    let nonce: [u8; NONCE_LEN] = entropy::bytes()?;
    let payload = Payload { msg: secret.expose(), aad: bound_to };
    let Ok(sealed) = XChaCha20Poly1305::new(key.into()).encrypt(&XNonce::from(nonce), payload) else {
        unreachable!("XChaCha20-Poly1305 seals up to 256 GiB");
    };
    Ok([nonce.as_slice(), &sealed].concat())
}

/// Opens what was sealed for the same place.
///
/// # Errors
/// `BrokenSeal`, whatever differs.
pub fn open(key: &[u8; KEY_LEN], bound_to: &[u8], sealed: &[u8]) -> Result<Secret, BrokenSeal> {
    let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(BrokenSeal)?;
    let payload = Payload { msg: ciphertext, aad: bound_to };
    XChaCha20Poly1305::new(key.into())
        .decrypt(&XNonce::from(*nonce), payload)
        .map(Secret::new)
        .map_err(|_| BrokenSeal)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: [u8; KEY_LEN] = [3; KEY_LEN];

    #[test]
    fn a_seal_opens_only_in_its_place_and_with_its_key() {
        let sealed = seal(&KEY, b"here", &Secret::copy_of(b"seed")).unwrap();
        assert_eq!(open(&KEY, b"here", &sealed).unwrap().expose(), b"seed");
        assert!(open(&KEY, b"there", &sealed).is_err());
        assert!(open(&[4; KEY_LEN], b"here", &sealed).is_err());
    }

    #[test]
    fn a_changed_octet_breaks_the_seal() {
        let sealed = seal(&KEY, b"here", &Secret::copy_of(b"seed")).unwrap();
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(open(&KEY, b"here", &changed).is_err(), "octet {place}");
            assert!(open(&KEY, b"here", &sealed[..place]).is_err(), "cut at {place}");
        }
    }
}
