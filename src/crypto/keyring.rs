//! Master keys and the sub-keys made from them.
//!
//! Knows: RFC 5869 (HKDF-SHA-256), the label of each purpose, and that one key is the newest and others live on.
//! Never: where master keys lie, or what is tagged or sealed.

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

/// A master key, from which each purpose gets a key of its own.
pub struct MasterKey(Hkdf<Sha256>);

impl MasterKey {
    /// Extracts from 32 octets of the key file.
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

/// The keys that rows may be under: the newest one, which makes what is new, and those that are on their way out.
pub struct Keyring {
    newest: (i64, MasterKey),
    older: Vec<(i64, MasterKey)>,
}

impl Keyring {
    /// Keys with the ids by which rows name them; `None` where there is none.
    #[must_use]
    pub fn new(mut keys: Vec<(i64, MasterKey)>) -> Option<Self> {
        keys.sort_by_key(|(id, _)| std::cmp::Reverse(*id));
        let mut keys = keys.into_iter();
        Some(Self { newest: keys.next()?, older: keys.collect() })
    }

    /// Puts a newer key before the others.
    pub fn add(&mut self, id: i64, key: MasterKey) {
        let before = std::mem::replace(&mut self.newest, (id, key));
        self.older.insert(0, before);
    }

    /// The key that makes what is new.
    #[must_use]
    pub const fn newest(&self) -> &MasterKey {
        &self.newest.1
    }

    /// The id of the newest key.
    #[must_use]
    pub const fn newest_id(&self) -> i64 {
        self.newest.0
    }

    /// The key of an id, if rows may be under it.
    #[must_use]
    pub fn of(&self, id: i64) -> Option<&MasterKey> {
        self.each().find(|(each, _)| *each == id).map(|(_, key)| key)
    }

    /// All keys, the newest first.
    pub fn each(&self) -> impl Iterator<Item = (i64, &MasterKey)> {
        std::iter::once(&self.newest).chain(&self.older).map(|(id, key)| (*id, key))
    }

    /// Looks for something under each key, the newest first. With one key that is one look.
    ///
    /// # Errors
    /// What `look` says.
    pub fn find<T, E>(&self, look: impl Fn(&MasterKey) -> Result<Option<T>, E>) -> Result<Option<T>, E> {
        self.each().find_map(|(_, key)| look(key).transpose()).transpose()
    }

    /// [`MasterKey::pepper`] of the newest key.
    #[must_use]
    pub fn pepper(&self) -> Secret {
        self.newest().pepper()
    }

    /// [`MasterKey::tag`] of the newest key.
    #[must_use]
    pub fn tag(&self, symbols: &[u8]) -> Tag {
        self.newest().tag(symbols)
    }

    /// [`MasterKey::seen_key`] of the newest key.
    #[must_use]
    pub fn seen_key(&self) -> Secret {
        self.newest().seen_key()
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
        let ring = MasterKey::new(&[7; KEY_LEN]);
        assert_ne!(ring.pepper().expose(), ring.seal_key().as_slice());
        assert_ne!(ring.tag(b"a"), ring.tag(b"b"));
        assert_ne!(ring.tag(b"a"), ring.imported_tag(1, &Secret::copy_of(b"a")));
        assert_ne!(
            ring.imported_tag(1, &Secret::copy_of(b"a")),
            ring.imported_tag(2, &Secret::copy_of(b"a"))
        );
    }

    #[test]
    fn a_store_knows_its_key() {
        let ring = MasterKey::new(&[7; KEY_LEN]);
        assert!(ring.is_key_of(&ring.check_value()));
        assert!(!MasterKey::new(&[8; KEY_LEN]).is_key_of(&ring.check_value()));
        assert!(!ring.is_key_of(b""));
    }

    #[test]
    fn the_newest_key_comes_first_and_the_others_are_found_by_their_id() {
        let key = |octet| MasterKey::new(&[octet; KEY_LEN]);
        let ring = Keyring::new(vec![(1, key(1)), (3, key(3)), (2, key(2))]).unwrap();
        assert_eq!(ring.each().map(|(id, _)| id).collect::<Vec<_>>(), [3, 2, 1]);
        assert_eq!((ring.newest_id(), ring.tag(b"a")), (3, key(3).tag(b"a")));
        assert!(ring.of(2).unwrap().is_key_of(&key(2).check_value()) && ring.of(4).is_none());
        let found = ring.find(|key| {
            Ok::<_, ()>(key.is_key_of(&MasterKey::new(&[1; KEY_LEN]).check_value()).then_some(7))
        });
        assert_eq!(found, Ok(Some(7)));
        assert!(Keyring::new(Vec::new()).is_none());
    }
}
