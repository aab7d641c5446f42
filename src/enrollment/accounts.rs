//! Accounts and their primary passwords.

use crate::crypto::entropy;
use crate::crypto::password_hash::{Cost, PasswordHash};
use crate::crypto::secret::Secret;
use crate::domain::account::{AccountName, AccountState};
use crate::domain::primary::admissible;
use crate::enrollment::{Enrollment, EnrollmentError};
use crate::store::{Account, Made, PrimaryCheck, StoreError, Written};

/// Who checks an account's primary password from now on.
pub enum NewPrimary<'a> {
    /// PAM, for the person who has this uid now, if the system knows the name.
    Pam(Option<u32>),
    /// We, against a hash of this.
    Store(&'a Secret),
}

impl Enrollment<'_> {
    /// Adds an account.
    ///
    /// # Errors
    /// Where there is one, or the primary may not be chosen.
    pub fn add_account(
        &self,
        name: &AccountName,
        primary: &NewPrimary<'_>,
        made: Made,
    ) -> Result<(), EnrollmentError> {
        let (primary, unix_uid) = self.columns(primary)?;
        self.vault.store.add_account(name, &primary, unix_uid, made).map_err(|error| {
            if matches!(error, StoreError::Taken) {
                return EnrollmentError::AccountTaken(name.clone());
            }
            error.into()
        })
    }

    /// Finds an account.
    ///
    /// # Errors
    /// `NoAccount`, or where the store fails.
    pub fn account(&self, name: &AccountName) -> Result<Account, EnrollmentError> {
        self.vault.store.account(name)?.ok_or_else(|| EnrollmentError::NoAccount(name.clone()))
    }

    /// Opens or closes an account.
    ///
    /// # Errors
    /// `NoAccount`, or where the store fails.
    pub fn set_state(
        &self,
        name: &AccountName,
        state: AccountState,
        made: Made,
    ) -> Result<(), EnrollmentError> {
        match self.vault.store.set_account_state(self.account(name)?.id, state, made)? {
            Written::Changed => Ok(()),
            Written::NotFound => Err(EnrollmentError::NoAccount(name.clone())),
        }
    }

    /// Forgives the wrong codes of an account, which opens its code path; says how many there were.
    ///
    /// # Errors
    /// `NoAccount`, or where the store fails.
    pub fn unlock(&self, name: &AccountName, made: Made) -> Result<u32, EnrollmentError> {
        Ok(self.vault.store.unlock(self.account(name)?.id, made)?)
    }

    /// Replaces the primary password of an account, or who checks it.
    ///
    /// # Errors
    /// `NoAccount`, or where the primary may not be chosen.
    pub fn set_primary(
        &self,
        name: &AccountName,
        primary: &NewPrimary<'_>,
        made: Made,
    ) -> Result<(), EnrollmentError> {
        let account = self.account(name)?;
        let (primary, unix_uid) = self.columns(primary)?;
        match self.vault.store.set_primary(account.id, &primary, unix_uid, made)? {
            Written::Changed => Ok(()),
            Written::NotFound => Err(EnrollmentError::NoAccount(name.clone())),
        }
    }

    fn columns(&self, primary: &NewPrimary<'_>) -> Result<(PrimaryCheck, Option<u32>), EnrollmentError> {
        match primary {
            NewPrimary::Pam(unix_uid) => Ok((PrimaryCheck::Pam, *unix_uid)),
            NewPrimary::Store(secret) => Ok((self.hashed(secret)?, None)),
        }
    }

    pub(super) fn hashed(&self, secret: &Secret) -> Result<PrimaryCheck, EnrollmentError> {
        admissible(secret).map_err(EnrollmentError::Inadmissible)?;
        let hash = PasswordHash::make(secret, &self.vault.keyring.pepper(), Cost::CHOSEN, entropy::bytes()?)?;
        Ok(PrimaryCheck::Store(hash.as_str().to_owned()))
    }
}
