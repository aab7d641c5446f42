//! Accounts that nobody owns and that are removed within minutes: `postern probe` logs in with them.

use crate::crypto::secret::Secret;
use crate::domain::account::AccountName;
use crate::enrollment::{Enrollment, EnrollmentError};
use crate::store::{Made, StoreError, Written};

impl Enrollment<'_> {
    /// Adds an account to be thrown away, its primary in the store.
    ///
    /// # Errors
    /// Where there is an account of that name, or the primary may not be chosen.
    pub fn add_throw_away(
        &self,
        name: &AccountName,
        primary: &Secret,
        made: Made,
    ) -> Result<(), EnrollmentError> {
        let primary = self.hashed(primary)?;
        self.vault.store.add_throw_away(name, &primary, made).map_err(|error| {
            if matches!(error, StoreError::Taken) {
                return EnrollmentError::AccountTaken(name.clone());
            }
            error.into()
        })
    }

    /// Removes an account that was made to be thrown away, and no other.
    ///
    /// # Errors
    /// `NoAccount`, or where the store fails; then nothing is changed.
    pub fn remove_throw_away(&self, name: &AccountName, made: Made) -> Result<(), EnrollmentError> {
        match self.vault.store.remove_throw_away(self.account(name)?.id, made)? {
            Written::Changed => Ok(()),
            Written::NotFound => Err(EnrollmentError::NoAccount(name.clone())),
        }
    }
}
