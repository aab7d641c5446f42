//! What the owner of an account makes, once a proof was shown for the account as it was read then.

use crate::crypto::otp::Code;
use crate::domain::account::AccountName;
use crate::domain::app_password::{AppPassword, Label};
use crate::domain::policy::AppPasswordPolicy;
use crate::domain::recovery_code::RecoveryCode;
use crate::domain::totp::{MAX_KEYS, Totp};
use crate::domain::verdict::Life;
use crate::enrollment::app_passwords::end_within;
use crate::enrollment::error::label_taken;
use crate::enrollment::totp_keys::confirming_step;
use crate::enrollment::{Enrollment, EnrollmentError, Issued, Wanted};
use crate::store::{Account, AppPasswordRow, FirstEnrolment, Made, NewTotpKey, StoreError};

/// An account, and what its name was when the proof was shown.
#[derive(Clone, Copy)]
pub struct Own<'a> {
    /// The name.
    pub name: &'a AccountName,
    /// The account as it was then.
    pub account: &'a Account,
}

/// A key that is to be taken, with a code that confirms it.
pub struct Confirmed<'a> {
    /// What its owner calls the authenticator app.
    pub label: &'a Label,
    /// The key.
    pub totp: &'a Totp,
    /// One of its codes.
    pub code: Code,
}

/// What a first enrolment made. It is shown once and kept nowhere.
pub struct FirstSecrets {
    /// The recovery codes.
    pub codes: Vec<RecoveryCode>,
    /// The first app password.
    pub issued: Issued,
}

impl Enrollment<'_> {
    /// Takes the first key of an account, and makes recovery codes and the first app password with it: all or nothing.
    ///
    /// # Errors
    /// Where the code is wrong, the end is too late, or the account has changed or was ever enrolled.
    pub fn enroll_oneself(
        &self,
        own: Own<'_>,
        key: &Confirmed<'_>,
        wanted: &Wanted<'_>,
        limits: &AppPasswordPolicy,
        made: Made,
    ) -> Result<FirstSecrets, EnrollmentError> {
        let expires_at = end_within(limits, wanted.expires_at, made.at)?;
        let last_step = confirming_step(own.account, key.totp, key.code, made.at)?;
        let (codes, rows) = self.generate_recovery_codes()?;
        let password = AppPassword::generate()?;
        let (tag, hash) = self.tagged_and_hashed(&password)?;
        let app_password = wanted.stored_as(tag, &hash, expires_at);
        let new_key = NewTotpKey::new(key.label, key.totp, last_step);
        let first = FirstEnrolment { key: &new_key, codes: &rows, app_password: &app_password };
        let seal = self.sealing(own.account.id, key.totp);
        self.vault.store.enroll_first(own.account, &first, limits, made, seal)?;
        Ok(FirstSecrets { codes, issued: Issued { password, expires_at } })
    }

    /// Makes an app password for its owner.
    ///
    /// # Errors
    /// As [`Enrollment::add_app_password`], and where the account has changed.
    pub fn add_own_app_password(
        &self,
        own: Own<'_>,
        wanted: &Wanted<'_>,
        limits: &AppPasswordPolicy,
        made: Made,
    ) -> Result<Issued, EnrollmentError> {
        let expires_at = end_within(limits, wanted.expires_at, made.at)?;
        let password = AppPassword::generate()?;
        let (tag, hash) = self.tagged_and_hashed(&password)?;
        let new = wanted.stored_as(tag, &hash, expires_at);
        let added = self.vault.store.add_own_app_password(own.account, &new, limits, made);
        added.map_err(|error| label_taken(error, own.name, wanted.label))?;
        Ok(Issued { password, expires_at })
    }

    /// Takes another key of an account.
    ///
    /// # Errors
    /// As [`Enrollment::confirm_totp`], and where the account has changed.
    pub fn add_own_totp(&self, own: Own<'_>, key: &Confirmed<'_>, made: Made) -> Result<(), EnrollmentError> {
        let last_step = confirming_step(own.account, key.totp, key.code, made.at)?;
        self.must_be_new(own.name, own.account, key.totp)?;
        let new = NewTotpKey::new(key.label, key.totp, last_step);
        let seal = self.sealing(own.account.id, key.totp);
        let added = self.vault.store.add_own_totp_key(own.account, &new, made, seal);
        added.map_err(|error| label_taken(error, own.name, key.label))
    }

    /// Makes new recovery codes for their owner.
    ///
    /// # Errors
    /// Where the account has changed.
    pub fn renew_own_recovery_codes(
        &self,
        own: Own<'_>,
        made: Made,
    ) -> Result<Vec<RecoveryCode>, EnrollmentError> {
        let (codes, rows) = self.generate_recovery_codes()?;
        self.vault.store.replace_own_recovery_codes(own.account, &rows, made)?;
        Ok(codes)
    }

    /// Says no before a code is spent in vain; the write says it again, and for good.
    ///
    /// # Errors
    /// What can be known without a proof.
    pub fn foresee_app_password(
        &self,
        own: Own<'_>,
        wanted: &Wanted<'_>,
        limits: &AppPasswordPolicy,
        made: Made,
    ) -> Result<(), EnrollmentError> {
        end_within(limits, wanted.expires_at, made.at)?;
        let rows = self.vault.store.app_passwords(own.account.id)?;
        let is_live = |row: &&AppPasswordRow| row.life_at(made.at, limits) == Life::Live;
        if rows.iter().filter(is_live).any(|row| row.label == wanted.label.as_str()) {
            return Err(EnrollmentError::LabelTaken(own.name.clone(), wanted.label.clone()));
        }
        // One whose successor is there is on its way out.
        let succeeded = |id| rows.iter().any(|next| next.replaces == Some(id) && next.revoked_at.is_none());
        let counted = rows.iter().filter(is_live).filter(|row| !succeeded(row.id)).count();
        if usize::from(limits.most) <= counted {
            return Err(StoreError::TooManyAppPasswords(limits.most).into());
        }
        Ok(())
    }

    /// The same for a key, whose code is compared too.
    ///
    /// # Errors
    /// What can be known without a proof.
    pub fn foresee_totp(&self, own: Own<'_>, key: &Confirmed<'_>, made: Made) -> Result<(), EnrollmentError> {
        confirming_step(own.account, key.totp, key.code, made.at)?;
        self.must_be_new(own.name, own.account, key.totp)?;
        let rows = self.vault.store.totp_keys(own.account.id)?;
        if MAX_KEYS <= rows.len() {
            return Err(StoreError::TooMany(MAX_KEYS).into());
        }
        if rows.iter().any(|row| row.label == key.label.as_str()) {
            return Err(EnrollmentError::LabelTaken(own.name.clone(), key.label.clone()));
        }
        Ok(())
    }
}
