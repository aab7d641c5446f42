//! Accounts that fell into wrong hands, and accounts that are removed.

use crate::domain::account::AccountName;
use crate::enrollment::{Enrollment, EnrollmentError};
use crate::store::{Losses, Made, TotpKeys, Written};

impl Enrollment<'_> {
    /// What [`Enrollment::close_compromised`] would take.
    ///
    /// # Errors
    /// `NoAccount`, or where the store fails.
    pub fn losses(&self, name: &AccountName, keys: TotpKeys) -> Result<Losses, EnrollmentError> {
        let losses = self.vault.store.losses(self.account(name)?.id, keys)?;
        losses.ok_or_else(|| EnrollmentError::NoAccount(name.clone()))
    }

    /// Does what is to be done when somebody else has an account's primary password, and perhaps its devices: app
    /// passwords and recovery codes are good no more and cannot be restored, keys go unless they are to be kept, and
    /// the account is closed. Only that holds on every service: the primary password is known, some services take it
    /// alone, and where PAM keeps it we cannot change it.
    ///
    /// # Errors
    /// `NoAccount`, or where the store fails; then nothing is changed.
    pub fn close_compromised(
        &self,
        name: &AccountName,
        keys: TotpKeys,
        made: Made,
    ) -> Result<Losses, EnrollmentError> {
        let losses = self.vault.store.close_compromised(self.account(name)?.id, keys, made)?;
        losses.ok_or_else(|| EnrollmentError::NoAccount(name.clone()))
    }

    /// Removes an account and all that is its own.
    ///
    /// # Errors
    /// `NoAccount`, or where the store fails; then nothing is changed.
    pub fn remove_account(&self, name: &AccountName, made: Made) -> Result<(), EnrollmentError> {
        match self.vault.store.remove_account(self.account(name)?.id, made)? {
            Written::Changed => Ok(()),
            Written::NotFound => Err(EnrollmentError::NoAccount(name.clone())),
        }
    }
}
