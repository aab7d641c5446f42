//! The master key and the sub-keys made from it.
//!
//! Knows: RFC 5869 (HKDF-SHA-256) and the label of each purpose.
//! Never: where the master key lies, or what is tagged or sealed.

use hkdf::Hkdf;
use hmac::Hmac;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::crypto::mac::hmac;
use crate::crypto::secret::Secret;

/// Octets of the master key and of every sub-key.
pub const KEY_LEN: usize = 32;

/// Octets of a lookup tag: HMAC-SHA-256 cut to 128 bits.
pub const TAG_LEN: usize = 16;

/// Octets of the value by which a store knows its key.
pub const CHECK_LEN: usize = 16;

/// Finds a row by a secret without holding the secret.
pub type Tag = [u8; TAG_LEN];

/// The master key, from which each purpose gets a key of its own.
pub struct Keyring(Hkdf<Sha256>);

impl Keyring {
    /// Extracts from the 32 octets of the key file.
    #[must_use]
    pub fn new(master: &[u8; KEY_LEN]) -> Self {
        Self(Hkdf::new(None, master))
    }

    /// The secret input of Argon2, without which a stolen hash checks nothing.
    #[must_use]
    pub fn pepper(&self) -> Secret {
        Secret::copy_of(&*self.expand(b"postern/1/pepper"))
    }

    /// The key that seals what must be read again.
    #[must_use]
    pub fn seal_key(&self) -> Zeroizing<[u8; KEY_LEN]> {
        self.expand(b"postern/1/seal")
    }

    /// The key that chains the rows of the audit table.
    #[must_use]
    pub fn audit_key(&self) -> Secret {
        Secret::copy_of(&*self.expand(b"postern/1/audit"))
    }

    /// The key under which refused secrets are remembered.
    #[must_use]
    pub fn seen_key(&self) -> Secret {
        Secret::copy_of(&*self.expand(b"postern/1/seen"))
    }

    /// The lookup tag of a generated secret: HMAC-SHA-256 over its folded symbols, cut to 128 bits.
    #[must_use]
    pub fn tag(&self, symbols: &[u8]) -> Tag {
        truncate(&hmac::<Hmac<Sha256>>(&*self.expand(b"postern/1/tag"), symbols))
    }

    /// The lookup tag of an app password that was brought along: of whatever shape, and so under a key of its own, and of
    /// one account, since two people may have chosen the same.
    #[must_use]
    pub fn imported_tag(&self, account: i64, secret: &Secret) -> Tag {
        let mut message = Zeroizing::new(Vec::with_capacity(size_of::<i64>() + secret.len()));
        message.extend_from_slice(&account.to_be_bytes());
        message.extend_from_slice(secret.expose());
        truncate(&hmac::<Hmac<Sha256>>(&*self.expand(b"postern/1/imported-tag"), &message))
    }

    /// What a store keeps to tell "another key" from "damaged".
    #[must_use]
    pub fn check_value(&self) -> [u8; CHECK_LEN] {
        truncate(&*self.expand(b"postern/1/check"))
    }

    /// Whether a store was made with this key.
    #[must_use]
    pub fn is_key_of(&self, check: &[u8]) -> bool {
        self.check_value().ct_eq(check).into()
    }

    fn expand(&self, label: &[u8]) -> Zeroizing<[u8; KEY_LEN]> {
        let mut key = Zeroizing::new([0; KEY_LEN]);
        // RFC 5869 §2.3 allows 255 times the hash's length; one is asked for.
        if self.0.expand(label, &mut *key).is_err() {
            unreachable!("HKDF-SHA-256 always gives {KEY_LEN} octets");
        }
        key
    }
}

fn truncate<const N: usize>(octets: &[u8]) -> [u8; N] {
    let mut short = [0; N];
    for (to, from) in short.iter_mut().zip(octets) {
        *to = *from;
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_purpose_has_a_key_of_its_own() {
        let ring = Keyring::new(&[7; KEY_LEN]);
        assert_ne!(ring.pepper().expose(), ring.seal_key().as_slice());
        assert_ne!(ring.tag(b"a"), ring.tag(b"b"));
    }

    #[test]
    fn a_store_knows_its_key() {
        let ring = Keyring::new(&[7; KEY_LEN]);
        assert!(ring.is_key_of(&ring.check_value()));
        assert!(!Keyring::new(&[8; KEY_LEN]).is_key_of(&ring.check_value()));
        assert!(!ring.is_key_of(b""));
    }
}
