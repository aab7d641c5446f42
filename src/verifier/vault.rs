//! The store and its key, which are of no use apart.

use crate::config::{Config, Owner, create_key, read_key};
use crate::crypto::entropy::EntropyError;
use crate::crypto::keyring::Keyring;
use crate::crypto::seal::{self, BrokenSeal};
use crate::crypto::secret::Secret;
use crate::store::{ChainKey, KEY_ID, Made, Store, StoreError, Witness};
use crate::verifier::Unavailable;

/// An open store with its key.
pub struct Vault {
    /// The rows.
    pub store: Store,
    /// What opens them.
    pub keyring: Keyring,
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
        let keyring = read_key(&config.key, owner)?;
        let (mut store, seen) = Store::open(&config.store, owner.0, |store| {
            if !keyring.is_key_of(&store.key_check()?) {
                return Err(StoreError::OtherKey.into());
            }
            look(store, &keyring)
        })?;
        store.chain_with(chain_key(&keyring));
        Ok((Self { store, keyring }, seen))
    }

    /// Makes an empty store, and a key if there is none.
    ///
    /// # Errors
    /// Where there is a store already, or something cannot be written.
    pub fn create(config: &Config, owner: Owner, made: Made, witness: Witness) -> Result<Self, Unavailable> {
        Store::prepare(&config.store, owner.0)?;
        let keyring =
            if config.key.exists() { read_key(&config.key, owner)? } else { create_key(&config.key)? };
        Store::create(&config.store, owner.0, keyring.check_value(), chain_key(&keyring), made, witness)?;
        Self::open(config, owner)
    }

    /// Brings a store of an older version up to this one.
    ///
    /// # Errors
    /// As [`Vault::open`], but for older ones.
    pub fn upgrade(config: &Config, owner: Owner, made: Made, witness: Witness) -> Result<Self, Unavailable> {
        let keyring = read_key(&config.key, owner)?;
        Store::upgrade(&config.store, owner.0, keyring.check_value(), chain_key(&keyring), made, witness)?;
        Self::open(config, owner)
    }

    /// The keys that rows of the chain may be under.
    #[must_use]
    pub fn chain_keys(&self) -> Vec<ChainKey> {
        vec![chain_key(&self.keyring)]
    }

    /// Seals a TOTP key for its account and row.
    ///
    /// # Errors
    /// Only where the kernel gives no randomness.
    pub fn seal_totp_key(&self, account: i64, row: i64, key: &Secret) -> Result<Vec<u8>, EntropyError> {
        seal::seal(&self.keyring.seal_key(), totp_place(account, row).as_bytes(), key)
    }

    /// Opens a TOTP key that was sealed for this account and row.
    ///
    /// # Errors
    /// Where it was sealed for another place, or changed.
    pub fn open_totp_key(&self, account: i64, row: i64, sealed: &[u8]) -> Result<Secret, BrokenSeal> {
        seal::open(&self.keyring.seal_key(), totp_place(account, row).as_bytes(), sealed)
    }
}

fn chain_key(keyring: &Keyring) -> ChainKey {
    ChainKey { key: keyring.audit_key(), key_id: KEY_ID }
}

fn totp_place(account: i64, row: i64) -> String {
    format!("postern/1/totp/{account}/{row}")
}
