//! Secrets that people chose, and what the store keeps of them: a hash of ours, or one that was brought along, sealed.
//!
//! A hash that other software made knows no pepper: whoever has it can guess. So it lies in the store under a seal,
//! bound to its place, until the first right secret replaces it.

use std::time::Duration;

use data_encoding::BASE64_NOPAD;

use crate::crypto::entropy::{self, EntropyError};
use crate::crypto::foreign::{Crypt, ForeignHash};
use crate::crypto::password_hash::{Cost, HashError, PasswordHash};
use crate::crypto::seal;
use crate::crypto::secret::Secret;
use crate::domain::verdict::Match;
use crate::store::{Account, FoundAppPassword, HashPlace, Made, NO_HASH, SEALED_HASH, StoreError};
use crate::verifier::{Unavailable, Vault};

impl Vault {
    /// Seals a hash for its place.
    ///
    /// # Errors
    /// Only where the kernel gives no randomness.
    pub fn seal_hash(&self, place: HashPlace, hash: &ForeignHash) -> Result<String, EntropyError> {
        let text = Secret::copy_of(hash.as_str().as_bytes());
        let sealed = seal::seal(&self.keyring.newest().seal_key(), name_of(place).as_bytes(), &text)?;
        Ok(format!("{SEALED_HASH}{}${}", hash.scheme(), BASE64_NOPAD.encode(&sealed)))
    }

    /// Compares a secret with what the store keeps. Whatever it keeps, one Argon2id is computed: a hash that is cheap
    /// to check is not to show that it is there.
    pub(super) fn compare(
        &self,
        place: HashPlace,
        (stored, key_id): (&str, i64),
        secret: &Secret,
        crypt: &Crypt<'_>,
    ) -> Result<Match, Unavailable> {
        let pepper = self.key(key_id)?.pepper();
        let ours = stored != NO_HASH && !is_foreign(stored);
        let hash = if ours { PasswordHash::parse(stored) } else { PasswordHash::decoy() }?;
        let matches = hash.verify(secret, &pepper)?;
        let right = match (ours, is_foreign(stored)) {
            (true, _) => matches,
            (false, true) => self.open_hash(place, (stored, key_id))?.verify(secret, crypt)?,
            (false, false) => false,
        };
        Ok(if right { Match::Right } else { Match::Wrong })
    }

    /// Opens a hash that was sealed for its place under the key of this id.
    ///
    /// # Errors
    /// Where it was sealed for another place, or changed.
    pub fn open_hash(
        &self,
        place: HashPlace,
        (stored, key_id): (&str, i64),
    ) -> Result<ForeignHash, Unavailable> {
        let named = stored.strip_prefix(SEALED_HASH).and_then(|named| named.split_once('$'));
        let (_, sealed) = named.ok_or(HashError::Malformed)?;
        let sealed = BASE64_NOPAD.decode(sealed.as_bytes()).map_err(|_| HashError::Malformed)?;
        let text = seal::open(&self.key(key_id)?.seal_key(), name_of(place).as_bytes(), &sealed)?;
        let text = std::str::from_utf8(text.expose()).map_err(|_| HashError::Malformed)?;
        Ok(ForeignHash::parse(text).map_err(|_| HashError::Malformed)?)
    }

    /// About how long it takes to try the app passwords of an account that have no tag.
    ///
    /// # Errors
    /// Where the store fails, or one does not open.
    pub fn cost_of_untagged(&self, account: &Account) -> Result<Duration, Unavailable> {
        self.store.untagged_app_passwords(account)?.iter().try_fold(Duration::ZERO, |sum, found| {
            let place = HashPlace::AppPassword { account: account.id, row: found.id };
            let hash = self.open_hash(place, (&found.hash, found.key_id))?;
            Ok(sum + Duration::from_millis(hash.millis().into()))
        })
    }

    /// Hashes a primary anew that was right, if its hash was brought along or is under an older key.
    pub(super) fn renew_primary(
        &self,
        account: &Account,
        stored: &str,
        secret: &Secret,
        made: Made,
    ) -> Result<(), Unavailable> {
        if is_foreign(stored) || account.key_id != self.keyring.newest_id() {
            let hash = self.chosen(secret)?;
            self.store.renew_primary(account.id, stored, hash.as_str(), made)?;
        }
        Ok(())
    }

    /// Hashes an app password of ours anew that was right, if it is under an older key.
    pub(super) fn renew_generated(
        &self,
        found: &FoundAppPassword,
        symbols: &Secret,
        made: Made,
    ) -> Result<(), Unavailable> {
        if found.key_id != self.keyring.newest_id() {
            let tag = self.keyring.tag(symbols.expose());
            let salt = entropy::bytes().map_err(StoreError::Entropy)?;
            let hash = PasswordHash::make(symbols, &self.keyring.pepper(), Cost::GENERATED, salt)?;
            self.store.renew_app_password(found, &tag, hash.as_str(), made)?;
        }
        Ok(())
    }

    /// Gives an app password that was brought along, and was right, a tag and a hash of ours under the newest key.
    pub(super) fn renew_imported(
        &self,
        account: &Account,
        found: &FoundAppPassword,
        secret: &Secret,
        made: Made,
    ) -> Result<(), Unavailable> {
        if is_foreign(&found.hash) || found.key_id != self.keyring.newest_id() {
            let tag = self.keyring.newest().imported_tag(account.id, secret);
            let hash = self.chosen(secret)?;
            self.store.renew_app_password(found, &tag, hash.as_str(), made)?;
        }
        Ok(())
    }

    /// A hash of ours of what a person chose.
    fn chosen(&self, secret: &Secret) -> Result<PasswordHash, Unavailable> {
        let salt = entropy::bytes().map_err(StoreError::Entropy)?;
        Ok(PasswordHash::make(secret, &self.keyring.pepper(), Cost::CHOSEN, salt)?)
    }
}

/// Whether the store keeps a hash that was brought along.
#[must_use]
pub fn is_foreign(stored: &str) -> bool {
    stored.starts_with(SEALED_HASH)
}

fn name_of(place: HashPlace) -> String {
    match place {
        HashPlace::Primary { account } => format!("postern/1/hash/{account}"),
        HashPlace::AppPassword { account, row } => format!("postern/1/hash/{account}/{row}"),
    }
}
