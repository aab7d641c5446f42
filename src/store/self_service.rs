//! Changes that the owner of an account asks for.
//!
//! Each is written only if the account still is what the proof was shown for: root may have closed it meanwhile, and
//! what is then made would come to life when it is opened again.

use rusqlite::{OptionalExtension, Transaction};

use crate::domain::policy::AppPasswordPolicy;
use crate::domain::totp::MAX_KEYS;
use crate::store::accounts::is_unchanged;
use crate::store::{Account, Made, NewAppPassword, NewRecoveryCode, NewTotpKey, Store, StoreError};

/// All that an account gets when it is first enrolled.
pub struct FirstEnrolment<'a> {
    /// The key.
    pub key: &'a NewTotpKey<'a>,
    /// The recovery codes.
    pub codes: &'a [NewRecoveryCode],
    /// The first app password.
    pub app_password: &'a NewAppPassword<'a>,
}

impl Store {
    /// Stores a key, recovery codes and an app password, all or none, if the account has never had anything. `seal` is
    /// given the key's row.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where the account is enrolled, closed, or has another primary.
    pub fn enroll_first(
        &self,
        account: &Account,
        new: &FirstEnrolment<'_>,
        limits: &AppPasswordPolicy,
        made: Made,
        seal: impl FnOnce(i64) -> Result<Vec<u8>, StoreError>,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            must_be_unchanged(transaction, account)?;
            must_never_have_been_enrolled(transaction, account)?;
            self.put_totp_key(transaction, account.id, new.key, made, MAX_KEYS, seal)?;
            self.put_recovery_codes(transaction, account.id, new.codes, made)?;
            self.put_app_password(transaction, account.id, new.app_password, limits, made)
        })
    }

    /// [`Store::add_app_password`], for its owner.
    ///
    /// # Errors
    /// The same, and [`StoreError::Changed`].
    pub fn add_own_app_password(
        &self,
        account: &Account,
        new: &NewAppPassword<'_>,
        limits: &AppPasswordPolicy,
        made: Made,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            must_be_unchanged(transaction, account)?;
            self.put_app_password(transaction, account.id, new, limits, made)
        })
    }

    /// [`Store::add_totp_key`], for its owner.
    ///
    /// # Errors
    /// The same, and [`StoreError::Changed`].
    pub fn add_own_totp_key(
        &self,
        account: &Account,
        new: &NewTotpKey<'_>,
        made: Made,
        seal: impl FnOnce(i64) -> Result<Vec<u8>, StoreError>,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            must_be_unchanged(transaction, account)?;
            self.put_totp_key(transaction, account.id, new, made, MAX_KEYS, seal)
        })
    }

    /// [`Store::replace_recovery_codes`], for their owner.
    ///
    /// # Errors
    /// The same, and [`StoreError::Changed`].
    pub fn replace_own_recovery_codes(
        &self,
        account: &Account,
        new: &[NewRecoveryCode],
        made: Made,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            must_be_unchanged(transaction, account)?;
            self.put_recovery_codes(transaction, account.id, new, made)
        })
    }
}

fn must_be_unchanged(transaction: &Transaction<'_>, account: &Account) -> Result<(), StoreError> {
    if is_unchanged(transaction, account)? { Ok(()) } else { Err(StoreError::Changed) }
}

fn must_never_have_been_enrolled(transaction: &Transaction<'_>, account: &Account) -> Result<(), StoreError> {
    let sql = "SELECT 1 FROM account WHERE id = ?1 AND enrolled_at IS NULL";
    let found = transaction.query_row(sql, [account.id], |_| Ok(())).optional()?;
    found.ok_or(StoreError::Changed)
}
