//! App passwords revoked, one by one or by selection, and restored.

use crate::domain::account::AccountName;
use crate::domain::app_password::Label;
use crate::domain::policy::AppPasswordPolicy;
use crate::domain::selection::Selection;
use crate::enrollment::{Enrollment, EnrollmentError};
use crate::store::{Made, Restorable, Restored, Revocation, SelectedAppPassword};

impl Enrollment<'_> {
    /// Revokes an app password. A login that starts after this returned is refused.
    ///
    /// # Errors
    /// Where there is no such account, or no live one of that label.
    pub fn revoke(
        &self,
        name: &AccountName,
        label: &Label,
        restorable: Restorable,
        made: Made,
    ) -> Result<Revocation, EnrollmentError> {
        let revocation = self.vault.store.revoke(self.account(name)?.id, label, restorable, made)?;
        if revocation.revoked.is_empty() {
            return Err(EnrollmentError::NoAppPassword(name.clone(), label.clone()));
        }
        Ok(revocation)
    }

    /// The app password that a label names.
    ///
    /// # Errors
    /// Where there is no such account, or no live one of that label.
    pub fn preview_one(
        &self,
        name: &AccountName,
        label: &Label,
    ) -> Result<SelectedAppPassword, EnrollmentError> {
        let found = self.vault.store.labelled_app_password(self.account(name)?.id, label)?;
        found.ok_or_else(|| EnrollmentError::NoAppPassword(name.clone(), label.clone()))
    }

    /// What a selection would revoke.
    ///
    /// # Errors
    /// Where it names an account that is none, or takes nothing.
    pub fn preview(&self, selection: &Selection) -> Result<Vec<SelectedAppPassword>, EnrollmentError> {
        self.know_all(selection)?;
        let chosen = self.vault.store.select_app_passwords(selection)?;
        if chosen.is_empty() {
            return Err(EnrollmentError::NothingSelected);
        }
        Ok(chosen)
    }

    /// Revokes what a selection takes: exactly the confirmed rows, if somebody was asked.
    ///
    /// # Errors
    /// Where it names an account that is none, takes nothing, or takes other rows than the confirmed ones.
    pub fn revoke_selected(
        &self,
        selection: &Selection,
        confirmed: Option<&[SelectedAppPassword]>,
        restorable: Restorable,
        made: Made,
    ) -> Result<Revocation, EnrollmentError> {
        self.know_all(selection)?;
        let revocation = self.vault.store.revoke_selected(selection, confirmed, restorable, made)?;
        if revocation.revoked.is_empty() {
            return Err(EnrollmentError::NothingSelected);
        }
        Ok(revocation)
    }

    /// Takes a revocation back, as far as it can be.
    ///
    /// # Errors
    /// Where there is none of that number, or its time is over.
    pub fn restore(
        &self,
        revocation: i64,
        limits: &AppPasswordPolicy,
        made: Made,
    ) -> Result<Vec<Restored>, EnrollmentError> {
        Ok(self.vault.store.restore(revocation, limits, made)?)
    }

    /// A slip in a name must not look like an account without app passwords.
    fn know_all(&self, selection: &Selection) -> Result<(), EnrollmentError> {
        for name in selection.accounts.iter().flatten() {
            self.account(name)?;
        }
        Ok(())
    }
}
