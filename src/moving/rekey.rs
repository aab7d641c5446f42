//! A new master key while logins go on.
//!
//! Each step is whole or not done, and the same command goes on where the last one was stopped:
//!
//! 1. The key file gets the new key before the old one, by rename. Nothing is under it yet.
//! 2. The store lets rows be under it: from now on all that is new is. Whoever has read the key file before step 1
//!    reads it again. Both are done under the store's lock, so that two calls do not end with a key that no file has.
//! 3. What is sealed is sealed anew, some rows at a time.
//! 4. What is hashed waits for its owner: only the secret itself can be hashed anew.
//! 5. [`Rekey::finish`], once nothing needs the old key: the key of its part of the audit chain is sealed under the new
//!    one, the store retires it, and it leaves the key file.

use std::fmt;

use crate::config::{Config, KeyFile, Owner, read_key, replace_key};
use crate::crypto::keyring::MasterKey;
use crate::store::{Holding, Made, RetiredKey, Sealed, SealedAnew, StoreError};
use crate::verifier::{Unavailable, Vault};

/// Rows that are sealed anew in one transaction, which keeps others waiting.
const AT_ONCE: u32 = 100;

/// How often a step is tried again where logins keep the store.
const TRIES: u32 = 10;

/// Changes the key of one store.
pub struct Rekey<'a> {
    /// Where store and key file lie.
    pub config: &'a Config,
    /// Whose files are believed.
    pub owner: Owner,
    /// Who does it, and when.
    pub made: Made,
    /// Opens the vault, with whoever is to be told of changes.
    pub open: &'a dyn Fn() -> Result<Vault, Unavailable>,
}

/// How far a change of keys has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Keys that rows may be under.
    pub keys: usize,
    /// Keys in the file.
    pub keys_in_file: usize,
    /// Sealed rows that are under an older key still.
    pub sealed: usize,
    /// What only logins can move.
    pub held: Vec<Holding>,
}

/// What happens to what is under an older key still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// It stops the finish.
    Keep,
    /// It is revoked.
    Revoke,
}

/// Why a change of keys does not go on; all is as the steps before have left it.
#[derive(Debug)]
pub enum RekeyError {
    /// Accounts hold something under an older key.
    Held(Vec<Holding>),
    /// There is one key, and nothing to finish.
    NotBegun,
    /// Something that is needed is not usable.
    Unavailable(Unavailable),
}

impl fmt::Display for RekeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held(held) if held.len() == 1 => f.write_str("an account needs the older key still"),
            Self::Held(held) => write!(f, "{} accounts need the older key still", held.len()),
            Self::NotBegun => f.write_str("there is one key, and nothing to finish"),
            Self::Unavailable(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RekeyError {}

impl<E: Into<Unavailable>> From<E> for RekeyError {
    fn from(error: E) -> Self {
        Self::Unavailable(error.into())
    }
}

impl Rekey<'_> {
    /// Begins a change of keys, or goes on with one: steps 1 to 3. `progress` is told how many rows are sealed anew.
    ///
    /// # Errors
    /// Where the key file or the store cannot be written; what was done stays, and the next call goes on.
    pub fn begin(&self, progress: &mut dyn FnMut(usize)) -> Result<Status, RekeyError> {
        let vault = (self.open)()?;
        if vault.keyring.each().count() == 1 {
            self.add_key(vault)?;
        }
        self.seal_anew(progress)?;
        self.status()
    }

    /// How far it has come.
    ///
    /// # Errors
    /// Where the store or the key file cannot be read.
    pub fn status(&self) -> Result<Status, RekeyError> {
        let vault = (self.open)()?;
        Ok(Status {
            keys: vault.keyring.each().count(),
            keys_in_file: read_key(&self.config.key, self.owner)?.count(),
            sealed: vault.store.sealed_under_older_keys(u32::MAX)?.len(),
            held: vault.store.held_by_older_keys(self.made.at)?,
        })
    }

    /// Retires the older keys: step 5.
    ///
    /// # Errors
    /// [`RekeyError::Held`] where something needs one, and it is not to be revoked.
    pub fn finish(&self, rest: Rest) -> Result<(), RekeyError> {
        let vault = (self.open)()?;
        if vault.keyring.each().count() == 1 && read_key(&self.config.key, self.owner)?.count() == 1 {
            return Err(RekeyError::NotBegun);
        }
        if 1 < vault.keyring.each().count() {
            self.seal_anew(&mut |_| ())?;
            self.end_the_rest(&vault, rest)?;
            let audit_keys = self.sealed_audit_keys(&vault)?;
            again(|| vault.store.retire_older_keys(&audit_keys, self.made))?;
        }
        vault.store.keep_keys(|known| {
            let file = read_key(&self.config.key, self.owner)?;
            let needed = |key: &MasterKey| known.iter().any(|known| key.is_key_of(&known.check));
            Ok::<_, Unavailable>(replace_key(&self.config.key, &file.only(needed))?)
        })?;
        Ok(())
    }

    /// Steps 1 and 2.
    fn add_key(&self, mut vault: Vault) -> Result<(), RekeyError> {
        let file = read_key(&self.config.key, self.owner)?;
        let newest = file.newest()?;
        // Else a call before this one was stopped between the first step and the second.
        let is_in_use = vault.keyring.newest().is_key_of(&newest.check_value());
        let newer = if is_in_use { Some(file.with_newer()?) } else { None };
        let key = newer.as_ref().map_or(Ok(newest), KeyFile::newest)?;
        let check = key.check_value();
        vault.add_key(vault.store.next_key_id()?, key)?;
        vault.store.register_key(&check, self.made, || {
            let before = read_key(&self.config.key, self.owner)?;
            if before.newest()?.check_value() != file.newest()?.check_value() {
                // Another call was quicker.
                return Err(StoreError::KeyChanged.into());
            }
            newer.as_ref().map_or(Ok(()), |newer| replace_key(&self.config.key, newer))?;
            Ok::<_, Unavailable>(())
        })?;
        Ok(())
    }

    fn seal_anew(&self, progress: &mut dyn FnMut(usize)) -> Result<(), RekeyError> {
        let vault = (self.open)()?;
        let mut done = 0;
        loop {
            let old = vault.store.sealed_under_older_keys(AT_ONCE)?;
            if old.is_empty() {
                return Ok(());
            }
            let pairs: Vec<_> =
                old.into_iter().map(|old| reseal(&vault, old)).collect::<Result<_, Unavailable>>()?;
            again(|| vault.store.seal_anew(&pairs, self.made))?;
            done += pairs.len();
            progress(done);
        }
    }

    fn end_the_rest(&self, vault: &Vault, rest: Rest) -> Result<(), RekeyError> {
        let held = vault.store.held_by_older_keys(self.made.at)?;
        match rest {
            _ if held.is_empty() => Ok(()),
            Rest::Keep => Err(RekeyError::Held(held)),
            Rest::Revoke => Ok(again(|| vault.store.end_older_keys(self.made))?),
        }
    }

    /// The keys of all older parts of the chain, sealed under the newest key.
    fn sealed_audit_keys(&self, vault: &Vault) -> Result<Vec<RetiredKey>, RekeyError> {
        let mut sealed = Vec::new();
        for chain in vault.chain_keys()?.iter().filter(|chain| chain.key_id != vault.keyring.newest_id()) {
            let sealed_audit_key = vault.seal_chain_key(chain).map_err(StoreError::Entropy)?;
            sealed.push(RetiredKey { id: chain.key_id, sealed_audit_key });
        }
        Ok(sealed)
    }
}

fn reseal(vault: &Vault, old: Sealed) -> Result<(Sealed, SealedAnew), Unavailable> {
    let new = match &old {
        Sealed::TotpKey { account, row, sealed, key_id } => {
            let key = vault.open_totp_key(*account, *row, sealed, *key_id)?;
            SealedAnew::TotpKey(vault.seal_totp_key(*account, *row, &key).map_err(StoreError::Entropy)?)
        }
        Sealed::Hash { place, sealed, key_id } => {
            let hash = vault.open_hash(*place, (sealed, *key_id))?;
            SealedAnew::Hash(vault.seal_hash(*place, &hash).map_err(StoreError::Entropy)?)
        }
    };
    Ok((old, new))
}

/// Logins come first: a step that finds the store locked is tried again.
fn again<T>(step: impl Fn() -> Result<T, StoreError>) -> Result<T, StoreError> {
    for _ in 1..TRIES {
        match step() {
            Err(StoreError::Locked) => {}
            other => return other,
        }
    }
    step()
}

impl Status {
    /// Whether nothing needs an older key.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.sealed == 0 && self.held.is_empty()
    }

    /// How many things wait for a login.
    #[must_use]
    pub fn waiting(&self) -> u32 {
        self.held.iter().map(|each| each.app_passwords + each.recovery_codes + each.primaries).sum()
    }
}
