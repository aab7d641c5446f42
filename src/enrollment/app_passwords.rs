//! App passwords: made, renamed, revoked.

use crate::crypto::entropy;
use crate::crypto::password_hash::{Cost, PasswordHash};
use crate::domain::account::AccountName;
use crate::domain::app_password::{AppPassword, Label};
use crate::domain::network::Networks;
use crate::domain::service::Scope;
use crate::domain::time::UnixTime;
use crate::enrollment::error::label_taken;
use crate::enrollment::{Enrollment, EnrollmentError};
use crate::store::{Made, NewAppPassword, Written};

/// The app password that is wanted.
pub struct Wanted<'a> {
    /// What its owner calls the program or device.
    pub label: &'a Label,
    /// What it is good for.
    pub scope: &'a Scope,
    /// From where it is good.
    pub networks: &'a Networks,
    /// When its time is over, if ever.
    pub expires_at: Option<UnixTime>,
}

impl Enrollment<'_> {
    /// Makes an app password. What is returned is shown once and kept nowhere.
    ///
    /// # Errors
    /// Where there is no such account, or it has a live one of that label.
    pub fn add_app_password(
        &self,
        name: &AccountName,
        wanted: &Wanted<'_>,
        made: Made,
    ) -> Result<AppPassword, EnrollmentError> {
        let label = wanted.label;
        let account = self.account(name)?;
        let password = AppPassword::generate()?;
        let symbols = password.symbols();
        let hash =
            PasswordHash::make(&symbols, &self.vault.keyring.pepper(), Cost::GENERATED, entropy::bytes()?)?;
        let new = NewAppPassword {
            label,
            tag: self.vault.keyring.tag(symbols.expose()),
            hash: hash.as_str(),
            scope: wanted.scope,
            networks: wanted.networks,
            expires_at: wanted.expires_at,
        };
        self.vault
            .store
            .add_app_password(account.id, &new, made)
            .map_err(|error| label_taken(error, name, label))?;
        Ok(password)
    }

    /// Gives an app password another label.
    ///
    /// # Errors
    /// Where there is no such account, no live one of that label, or one of the new label.
    pub fn rename(
        &self,
        name: &AccountName,
        label: &Label,
        new: &Label,
        made: Made,
    ) -> Result<(), EnrollmentError> {
        let renamed = self.vault.store.rename_app_password(self.account(name)?.id, label, new, made);
        match renamed.map_err(|error| label_taken(error, name, new))? {
            Written::Changed => Ok(()),
            Written::NotFound => Err(EnrollmentError::NoAppPassword(name.clone(), label.clone())),
        }
    }

    /// Revokes an app password. A login that starts after this returned is refused.
    ///
    /// # Errors
    /// Where there is no such account, or no live one of that label.
    pub fn revoke(&self, name: &AccountName, label: &Label, made: Made) -> Result<(), EnrollmentError> {
        match self.vault.store.revoke(self.account(name)?.id, label, made)? {
            Written::Changed => Ok(()),
            Written::NotFound => Err(EnrollmentError::NoAppPassword(name.clone(), label.clone())),
        }
    }
}
