//! Keys for one-time codes: confirmed, removed.

use crate::crypto::otp::Code;
use crate::domain::account::AccountName;
use crate::domain::app_password::Label;
use crate::domain::totp::{CodeMatch, MAX_KEYS, TimeStep, Totp};
use crate::enrollment::error::label_taken;
use crate::enrollment::{Enrollment, EnrollmentError};
use crate::store::{Account, Made, NewTotpKey, StoreError, Written};

impl Enrollment<'_> {
    /// Stores a TOTP key once one of its codes confirms it; that code's step is spent.
    ///
    /// # Errors
    /// Where the code is wrong, the label is taken, or the account has as many keys as it may.
    pub fn confirm_totp(
        &self,
        name: &AccountName,
        label: &Label,
        totp: &Totp,
        code: Code,
        made: Made,
    ) -> Result<(), EnrollmentError> {
        let account = self.account(name)?;
        let last_step = match totp.find(code, made.at, spent_up_to(&account, totp)) {
            CodeMatch::Open(step) => step,
            CodeMatch::Spent => return Err(EnrollmentError::CodeSpent),
            CodeMatch::Wrong => return Err(EnrollmentError::WrongCode),
        };
        self.store_totp(name, label, &account, totp, last_step, made)
    }

    /// Stores a TOTP key that an account had elsewhere. What may have been used there a moment ago is spent.
    ///
    /// # Errors
    /// Where the label is taken, or the account has as many keys as it may.
    pub fn import_totp(
        &self,
        name: &AccountName,
        label: &Label,
        totp: &Totp,
        made: Made,
    ) -> Result<(), EnrollmentError> {
        let account = self.account(name)?;
        let now = TimeStep(made.at.0 / totp.period.secs());
        let last_step = spent_up_to(&account, totp).max(now);
        self.store_totp(name, label, &account, totp, last_step, made)
    }

    fn store_totp(
        &self,
        name: &AccountName,
        label: &Label,
        account: &Account,
        totp: &Totp,
        last_step: TimeStep,
        made: Made,
    ) -> Result<(), EnrollmentError> {
        // Under two labels, or enrolled anew, a key would forget which of its codes are spent.
        for row in self.vault.store.totp_keys(account.id)? {
            if self.vault.open_totp_key(account.id, row.id, &row.sealed, row.key_id)?.matches(&totp.key) {
                return Err(EnrollmentError::KeyTaken(name.clone(), row.label));
            }
        }
        let (algorithm, digits, period) = (totp.algorithm, totp.digits, totp.period);
        let new = NewTotpKey { label, algorithm, digits, period, last_step };
        let seal = |row| self.vault.seal_totp_key(account.id, row, &totp.key).map_err(StoreError::Entropy);
        let stored = self.vault.store.add_totp_key(account.id, &new, made, MAX_KEYS, seal);
        stored.map_err(|error| label_taken(error, name, label))
    }

    /// Removes a TOTP key. The account stays enrolled: its primary alone is refused as before.
    ///
    /// # Errors
    /// Where there is no such account or key.
    pub fn remove_totp(&self, name: &AccountName, label: &Label, made: Made) -> Result<(), EnrollmentError> {
        match self.vault.store.remove_totp_key(self.account(name)?.id, label, made)? {
            Written::Changed => Ok(()),
            Written::NotFound => Err(EnrollmentError::NoTotpKey(name.clone(), label.clone())),
        }
    }
}

/// What keys that the account had before have spent.
fn spent_up_to(account: &Account, totp: &Totp) -> TimeStep {
    TimeStep(account.codes_spent_until.0.div_ceil(totp.period.secs()).saturating_sub(1))
}
