//! The store and its keys, which are of no use apart.

use std::path::{Path, PathBuf};

use crate::config::{Config, KeyFile, Owner, create_key, read_key};
use crate::crypto::entropy::EntropyError;
use crate::crypto::keyring::{Keyring, MasterKey};
use crate::crypto::seal::{self, BrokenSeal};
use crate::crypto::secret::Secret;
use crate::store::{ChainKey, FIRST_KEY, KnownKey, Made, Store, StoreError, Witness};
use crate::verifier::Unavailable;

/// An open store with its keys.
pub struct Vault {
    /// The rows.
    pub store: Store,
    /// What opens them.
    pub keyring: Keyring,
    place: Place,
}

/// How often a write follows the store to its newest key. One change is rare enough.
const NEWEST_KEYS: u32 = 4;

/// Where both lie.
#[derive(Clone)]
struct Place {
    store: PathBuf,
    key: PathBuf,
    owner: Owner,
}

impl Place {
    fn of(config: &Config, owner: Owner) -> Self {
        Self { store: config.store.clone(), key: config.key.clone(), owner }
    }
}

impl Vault {
    /// Opens both and checks that they belong together.
    ///
    /// # Errors
    /// Where one is missing, not to be trusted, damaged, or not the other's.
    pub fn open(config: &Config, owner: Owner) -> Result<Self, Unavailable> {
        Self::look(config, owner, |_, _| Ok(())).map(|(vault, ())| vault)
    }

    /// Opens both and looks into the store once, under one lock that is left before this returns.
    ///
    /// # Errors
    /// As [`Vault::open`], and what `look` says.
    pub fn look<T>(
        config: &Config,
        owner: Owner,
        look: impl FnOnce(&Store, &Keyring) -> Result<T, Unavailable>,
    ) -> Result<(Self, T), Unavailable> {
        Self::look_at(Place::of(config, owner), look)
    }

    fn look_at<T>(
        place: Place,
        look: impl FnOnce(&Store, &Keyring) -> Result<T, Unavailable>,
    ) -> Result<(Self, T), Unavailable> {
        let file = read_key(&place.key, place.owner)?;
        let (mut store, (keyring, seen)) = Store::open(&place.store, place.owner.0, |store| {
            let known = store.known_keys()?;
            let keyring = match fitting(&file, &known) {
                Some(keyring) => keyring,
                // A new key is in the file before any row is under it, but maybe not before we have read the file.
                None => fitting(&read_key(&place.key, place.owner)?, &known).ok_or(StoreError::OtherKey)?,
            };
            let seen = look(store, &keyring)?;
            Ok::<_, Unavailable>((keyring, seen))
        })?;
        store.chain_with(chain(&keyring));
        Ok((Self { store, keyring, place }, seen))
    }

    /// Writes to the store; again under the newest key, if the store has got one since it was opened.
    ///
    /// # Errors
    /// What `write` says.
    pub fn write<T>(&self, write: impl Fn(&Store) -> Result<T, StoreError>) -> Result<T, Unavailable> {
        let mut written = write(&self.store);
        for _ in 0..NEWEST_KEYS {
            if !matches!(written, Err(StoreError::KeyChanged)) {
                break;
            }
            let (newer, ()) = Self::look_at(self.place.clone(), |_, _| Ok(()))?;
            written = write(&newer.store);
        }
        Ok(written?)
    }

    /// Makes an empty store, and a key if there is none.
    ///
    /// # Errors
    /// Where there is a store already, or something cannot be written.
    pub fn create(config: &Config, owner: Owner, made: Made, witness: Witness) -> Result<Self, Unavailable> {
        Store::prepare(&config.store, owner.0)?;
        let file = if config.key.exists() { read_key(&config.key, owner)? } else { create_key(&config.key)? };
        let key = file.newest()?;
        let chain = chain_key(FIRST_KEY, &key);
        Store::create(&config.store, owner.0, key.check_value(), chain, made, witness)?;
        Self::open(config, owner)
    }

    /// Brings a store of an older version up to this one.
    ///
    /// # Errors
    /// As [`Vault::open`], but for older ones.
    pub fn upgrade(config: &Config, owner: Owner, made: Made, witness: Witness) -> Result<Self, Unavailable> {
        let file = read_key(&config.key, owner)?;
        let choose = |known: &[KnownKey]| {
            let keyring = fitting(&file, known)?;
            Some(chain_key(keyring.newest_id(), keyring.newest()))
        };
        Store::upgrade(&config.store, owner.0, choose, made, witness)?;
        Self::open(config, owner)
    }

    /// Reads a copy of the store into memory, with the keys of the key file.
    ///
    /// # Errors
    /// Where it is no sound store, not to be trusted, of a newer version, or of another key.
    pub fn read_copy(config: &Config, owner: Owner, copy: &Path, made: Made) -> Result<Self, Unavailable> {
        let file = read_key(&config.key, owner)?;
        let store = Store::read_copy(copy, owner.0, |known| Some(chain(&fitting(&file, known)?)), made)?;
        let keyring = fitting(&file, &store.known_keys()?).ok_or(StoreError::OtherKey)?;
        Ok(Self { store, keyring, place: Place::of(config, owner) })
    }

    /// The keys that rows of the chain may be under, retired ones included.
    ///
    /// # Errors
    /// Where the store fails, or the key of a retired one does not open.
    pub fn chain_keys(&self) -> Result<Vec<ChainKey>, Unavailable> {
        let mut keys = chain(&self.keyring);
        for retired in self.store.retired_keys()? {
            let place = audit_place(retired.id);
            // While keys change, it is under the one that was the newest when this one was retired.
            let opened = self.keyring.find(|key| {
                let opened = seal::open(&key.seal_key(), place.as_bytes(), &retired.sealed_audit_key);
                Ok::<_, BrokenSeal>(opened.ok())
            })?;
            keys.push(ChainKey { key: opened.ok_or(BrokenSeal)?, key_id: retired.id });
        }
        Ok(keys)
    }

    /// Seals the key of a part of the chain under the newest key.
    ///
    /// # Errors
    /// Only where the kernel gives no randomness.
    pub fn seal_chain_key(&self, chain: &ChainKey) -> Result<Vec<u8>, EntropyError> {
        seal::seal(&self.keyring.newest().seal_key(), audit_place(chain.key_id).as_bytes(), &chain.key)
    }

    /// Seals a TOTP key for its account and row.
    ///
    /// # Errors
    /// Only where the kernel gives no randomness.
    pub fn seal_totp_key(&self, account: i64, row: i64, key: &Secret) -> Result<Vec<u8>, EntropyError> {
        seal::seal(&self.keyring.newest().seal_key(), totp_place(account, row).as_bytes(), key)
    }

    /// Opens a TOTP key that was sealed for this account and row under the key of this id.
    ///
    /// # Errors
    /// Where it was sealed for another place, or changed.
    pub fn open_totp_key(
        &self,
        account: i64,
        row: i64,
        sealed: &[u8],
        key_id: i64,
    ) -> Result<Secret, BrokenSeal> {
        let key = self.keyring.of(key_id).ok_or(BrokenSeal)?;
        seal::open(&key.seal_key(), totp_place(account, row).as_bytes(), sealed)
    }

    /// Adds a key that the store is about to learn of: what is written from now on is under it.
    ///
    /// # Errors
    /// Where the id is not newer than all others.
    pub fn add_key(&mut self, id: i64, key: MasterKey) -> Result<(), StoreError> {
        if id <= self.keyring.newest_id() {
            return Err(StoreError::KeyChanged);
        }
        self.keyring.add(id, key);
        self.store.chain_with(chain(&self.keyring));
        Ok(())
    }

    /// The key of an id, which a row names.
    pub(super) fn key(&self, key_id: i64) -> Result<&MasterKey, Unavailable> {
        self.keyring.of(key_id).ok_or_else(|| StoreError::damaged("key_id").into())
    }
}

/// The keys of a file that a store knows, if all that it knows are there.
fn fitting(file: &KeyFile, known: &[KnownKey]) -> Option<Keyring> {
    let found = known.iter().map(|known| {
        let key = file.keys().find(|key| key.is_key_of(&known.check))?;
        Some((known.id, key))
    });
    Keyring::new(found.collect::<Option<Vec<_>>>()?)
}

fn chain(keyring: &Keyring) -> Vec<ChainKey> {
    keyring.each().map(|(id, key)| chain_key(id, key)).collect()
}

pub(super) fn chain_key(key_id: i64, key: &MasterKey) -> ChainKey {
    ChainKey { key: key.audit_key(), key_id }
}

fn totp_place(account: i64, row: i64) -> String {
    format!("postern/1/totp/{account}/{row}")
}

fn audit_place(key_id: i64) -> String {
    format!("postern/1/audit-key/{key_id}")
}
