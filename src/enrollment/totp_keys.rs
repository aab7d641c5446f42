//! Keys for one-time codes: confirmed, removed.

use crate::crypto::otp::Code;
use crate::domain::account::AccountName;
use crate::domain::app_password::Label;
use crate::domain::time::UnixTime;
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
        let last_step = confirming_step(&account, totp, code, made.at)?;
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
        self.must_be_new(name, account, totp)?;
        let new = NewTotpKey::new(label, totp, last_step);
        let seal = self.sealing(account.id, totp);
        let stored = self.vault.store.add_totp_key(account.id, &new, made, MAX_KEYS, seal);
        stored.map_err(|error| label_taken(error, name, label))
    }

    /// Under two labels, or enrolled anew, a key would forget which of its codes are spent.
    pub(super) fn must_be_new(
        &self,
        name: &AccountName,
        account: &Account,
        totp: &Totp,
    ) -> Result<(), EnrollmentError> {
        for row in self.vault.store.totp_keys(account.id)? {
            if self.vault.open_totp_key(account.id, row.id, &row.sealed, row.key_id)?.matches(&totp.key) {
                return Err(EnrollmentError::KeyTaken(name.clone(), row.label));
            }
        }
        Ok(())
    }

    /// Seals a key once its row is known.
    pub(super) fn sealing<'s>(
        &'s self,
        account_id: i64,
        totp: &'s Totp,
    ) -> impl FnOnce(i64) -> Result<Vec<u8>, StoreError> + 's {
        move |row| self.vault.seal_totp_key(account_id, row, &totp.key).map_err(StoreError::Entropy)
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

/// The step of a code that confirms a key; it is spent by the write that stores the key.
pub(super) fn confirming_step(
    account: &Account,
    totp: &Totp,
    code: Code,
    now: UnixTime,
) -> Result<TimeStep, EnrollmentError> {
    match totp.find(code, now, spent_up_to(account, totp)) {
        CodeMatch::Open(step) => Ok(step),
        CodeMatch::Spent => Err(EnrollmentError::CodeSpent(spent_until(account, totp))),
        CodeMatch::Wrong => Err(EnrollmentError::WrongCode),
    }
}

/// What keys that the account had before have spent.
fn spent_up_to(account: &Account, totp: &Totp) -> TimeStep {
    TimeStep(account.codes_spent_until.0.div_ceil(totp.period.secs()).saturating_sub(1))
}

/// When the first code begins to be good that is not spent.
const fn spent_until(account: &Account, totp: &Totp) -> UnixTime {
    let period = totp.period.secs();
    UnixTime(account.codes_spent_until.0.div_ceil(period).saturating_mul(period))
}
