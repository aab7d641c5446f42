//! App passwords: made and renamed.

use crate::crypto::entropy;
use crate::crypto::keyring::Tag;
use crate::crypto::password_hash::{Cost, PasswordHash};
use crate::domain::account::AccountName;
use crate::domain::app_password::{AppPassword, Label};
use crate::domain::network::Networks;
use crate::domain::policy::AppPasswordPolicy;
use crate::domain::service::Scope;
use crate::domain::time::UnixTime;
use crate::enrollment::error::label_taken;
use crate::enrollment::{Enrollment, EnrollmentError};
use crate::store::{Made, NewAppPassword, NewLimits, Written};

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

impl<'a> Wanted<'a> {
    /// As the store gets it.
    pub(super) fn stored_as(
        &self,
        tag: Tag,
        hash: &'a PasswordHash,
        expires_at: Option<UnixTime>,
    ) -> NewAppPassword<'a> {
        let (label, scope, networks) = (self.label, self.scope, self.networks);
        NewAppPassword { label, tag, hash: hash.as_str(), scope, networks, expires_at }
    }
}

/// An app password that was just made. It is shown once and kept nowhere.
pub struct Issued {
    /// The secret.
    pub password: AppPassword,
    /// When its time is over, if ever.
    pub expires_at: Option<UnixTime>,
}

/// A day of the calendar has up to 25 hours: what is asked for as 90 days may end an hour after 90 times 24.
const CALENDAR_SLACK: u64 = 3600;

impl Enrollment<'_> {
    /// Makes an app password, which ends at the policy's latest moment where no end is asked for.
    ///
    /// # Errors
    /// Where there is no such account, it has a live one of that label or as many as it may, or the end is too late.
    pub fn add_app_password(
        &self,
        name: &AccountName,
        wanted: &Wanted<'_>,
        limits: &AppPasswordPolicy,
        made: Made,
    ) -> Result<Issued, EnrollmentError> {
        let expires_at = end_within(limits, wanted.expires_at, made.at)?;
        let account = self.account(name)?;
        let password = AppPassword::generate()?;
        let (tag, hash) = self.tagged_and_hashed(&password)?;
        let new = wanted.stored_as(tag, &hash, expires_at);
        self.vault
            .store
            .add_app_password(account.id, &new, limits, made)
            .map_err(|error| label_taken(error, name, wanted.label))?;
        Ok(Issued { password, expires_at })
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
        limits: &AppPasswordPolicy,
        made: Made,
    ) -> Result<(), EnrollmentError> {
        let renamed = self.vault.store.rename_app_password(self.account(name)?.id, label, new, limits, made);
        match renamed.map_err(|error| label_taken(error, name, new))? {
            Written::Changed => Ok(()),
            Written::NotFound => Err(EnrollmentError::NoAppPassword(name.clone(), label.clone())),
        }
    }

    /// Changes what a live app password is good for. A login that starts after this returned goes by it.
    ///
    /// # Errors
    /// Where there is no such account, no live one of that label, or it would live too long.
    pub fn limit(
        &self,
        name: &AccountName,
        label: &Label,
        new: &NewLimits<'_>,
        limits: &AppPasswordPolicy,
        made: Made,
    ) -> Result<(), EnrollmentError> {
        let asked = new.expires_at;
        let expires_at = asked.map(|end| end_within(limits, Some(end), made.at)).transpose()?.flatten();
        let new = NewLimits { expires_at, ..*new };
        match self.vault.store.limit_app_password(self.account(name)?.id, label, &new, made)? {
            Written::Changed => Ok(()),
            Written::NotFound => Err(EnrollmentError::NoAppPassword(name.clone(), label.clone())),
        }
    }

    pub(super) fn tagged_and_hashed(
        &self,
        password: &AppPassword,
    ) -> Result<(Tag, PasswordHash), EnrollmentError> {
        let (symbols, keyring) = (password.symbols(), &self.vault.keyring);
        let hash = PasswordHash::make(&symbols, &keyring.pepper(), Cost::GENERATED, entropy::bytes()?)?;
        Ok((keyring.tag(symbols.expose()), hash))
    }
}

/// The end that one gets for the end that is asked for.
pub(super) fn end_within(
    limits: &AppPasswordPolicy,
    asked: Option<UnixTime>,
    now: UnixTime,
) -> Result<Option<UnixTime>, EnrollmentError> {
    let too_late = |asked: UnixTime, latest: UnixTime| latest.0.saturating_add(CALENDAR_SLACK) < asked.0;
    match (asked, limits.latest_end(now), limits.longest_life) {
        (Some(asked), Some(latest), Some(days)) if too_late(asked, latest) => {
            Err(EnrollmentError::LivesTooLong(days))
        }
        _ => Ok(limits.end(now, asked)),
    }
}
