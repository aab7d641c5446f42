//! The account with which the probe logs in, and what Postern remembers of its logins.

use std::fmt;

use crate::crypto::entropy::{self, EntropyError};
use crate::crypto::secret::Secret;
use crate::domain::account::AccountName;
use crate::domain::app_password::Label;
use crate::domain::network::Networks;
use crate::domain::policy::AppPasswordPolicy;
use crate::domain::service::Scope;
use crate::domain::time::{Clock, UnixTime};
use crate::domain::totp::TimeStep;
use crate::enrollment::{Enrollment, EnrollmentError, Wanted};
use crate::probe::codes::{Codes, Fresh};
use crate::run::{Refusals, RunError};
use crate::store::{Made, Restorable, StoreError};
use crate::verifier::Vault;

/// How the name of such an account begins.
const PREFIX: &str = "postern-probe-";

/// Its app passwords end by themselves, should nobody be left who revokes them: in seconds.
const LIFE: u64 = 900;

/// An account that nobody owns. Its secrets are in this process alone: after a kill nobody can log in with it.
pub struct ThrowAway<'a> {
    vault: &'a Vault,
    refusals: Refusals<'a>,
    clock: &'a Clock<'a>,
    by: u32,
    name: AccountName,
    primary: Secret,
    codes: Codes,
    strangers: Vec<AccountName>,
}

/// Why it was not made, changed or removed.
#[derive(Debug)]
pub enum ThrowAwayError {
    /// A rule of enrolment, or the store.
    Enrollment(EnrollmentError),
    /// What is remembered of refused primaries cannot be read.
    Run(RunError),
}

/// Who it is to be.
pub struct Identity {
    /// The name with which it logs in.
    pub name: AccountName,
    /// Its primary password.
    pub primary: Secret,
}

impl Identity {
    /// A name and a password that nobody can guess.
    ///
    /// # Errors
    /// Only where the kernel gives no randomness.
    pub fn generate(named: impl Fn(&str) -> Option<AccountName>) -> Result<Option<Self>, EntropyError> {
        let name = named(&format!("{PREFIX}{}", letters(&entropy::bytes::<8>()?)));
        let primary = Secret::new(letters(&entropy::bytes::<16>()?).into_bytes());
        Ok(name.map(|name| Self { name, primary }))
    }
}

/// Letters alone, four bits each: digits at the end might be a code.
fn letters(octets: &[u8]) -> String {
    let letter = |four: u8| char::from(b'a' + four);
    octets.iter().flat_map(|octet| [letter(octet >> 4), letter(octet & 0x0f)]).collect()
}

impl<'a> ThrowAway<'a> {
    /// Makes it.
    ///
    /// # Errors
    /// Where there is an account of that name, the primary may not be chosen, or the store fails. Then there is none.
    pub fn make(
        vault: &'a Vault,
        refusals: Refusals<'a>,
        clock: &'a Clock<'a>,
        by: u32,
        identity: Identity,
    ) -> Result<Self, ThrowAwayError> {
        let Identity { name, primary } = identity;
        let codes = Codes::generate()?;
        Enrollment::new(vault).add_throw_away(&name, &primary, Made { at: clock(), by })?;
        Ok(Self { vault, refusals, clock, by, name, primary, codes, strangers: Vec::new() })
    }

    /// Gives it its keys for one-time codes.
    pub(super) fn enroll(&mut self) -> Result<(), ThrowAwayError> {
        let made = self.made();
        let enrollment = Enrollment::new(self.vault);
        for (number, (totp, code)) in (1..).zip(self.codes.confirming(made.at)) {
            enrollment.confirm_totp(&self.name, &label(&format!("probe {number}"))?, totp, code, made)?;
        }
        Ok(())
    }

    /// The name with which it logs in.
    #[must_use]
    pub const fn name(&self) -> &AccountName {
        &self.name
    }

    pub(super) fn primary(&self) -> Secret {
        Secret::copy_of(self.primary.expose())
    }

    /// A name that no account has, and that is remembered, to be forgotten again.
    pub(super) fn stranger(
        &mut self,
        named: &dyn Fn(&str) -> Option<AccountName>,
    ) -> Result<Option<AccountName>, ThrowAwayError> {
        let name = named(&format!("{PREFIX}{}", letters(&entropy::bytes::<8>()?)));
        self.strangers.extend(name.clone());
        Ok(name)
    }

    /// A new app password.
    pub(super) fn app_password(&self, called: &str, scope: &Scope) -> Result<Secret, ThrowAwayError> {
        let (made, label) = (self.made(), label(called)?);
        let expires_at = Some(UnixTime(made.at.0.saturating_add(LIFE)));
        let wanted = Wanted { label: &label, scope, networks: &Networks::default(), expires_at };
        // The bound of the site is for people, who keep theirs.
        let limits = AppPasswordPolicy { most: u16::MAX, longest_life: None, restorable_for: 1 };
        let issued = Enrollment::new(self.vault).add_app_password(&self.name, &wanted, &limits, made)?;
        Ok(issued.password.reveal())
    }

    pub(super) fn revoke(&self, called: &str) -> Result<(), ThrowAwayError> {
        Enrollment::new(self.vault).revoke(&self.name, &label(called)?, Restorable::Never, self.made())?;
        Ok(())
    }

    /// The service for which an app password was granted.
    pub(super) fn granted_for(&self, called: &str) -> Result<Option<String>, ThrowAwayError> {
        let account = Enrollment::new(self.vault).account(&self.name)?;
        let rows = self.vault.store.app_passwords(account.id)?;
        let row = rows.into_iter().find(|row| row.label == called);
        Ok(row.and_then(|row| row.last_use).map(|used| used.service))
    }

    pub(super) fn next_code(&mut self) -> Option<Fresh> {
        self.codes.next((self.clock)())
    }

    /// The primary with a code behind it.
    pub(super) fn with_code(&self, fresh: &Fresh) -> Secret {
        Secret::new([self.primary.expose(), fresh.digits.expose()].concat())
    }

    /// Whether a code was spent.
    pub(super) fn is_spent(&self, key: usize, step: TimeStep) -> Result<bool, ThrowAwayError> {
        let account = Enrollment::new(self.vault).account(&self.name)?;
        let rows = self.vault.store.totp_keys(account.id)?;
        Ok(rows.get(key).is_some_and(|row| step <= row.last_step))
    }

    /// Whether Postern has refused anything under this name.
    pub(super) fn has_refused(&self, name: &AccountName) -> Result<bool, ThrowAwayError> {
        Ok(self.refusals.knows(name)?)
    }

    /// Removes it, and what is remembered of it.
    ///
    /// # Errors
    /// Where the store fails; then it is still there.
    pub fn remove(&self) -> Result<(), ThrowAwayError> {
        // Of people's accounts nothing is forgotten, should one of that name have come meanwhile.
        Enrollment::new(self.vault).remove_throw_away(&self.name, self.made())?;
        let names: Vec<&AccountName> = self.strangers.iter().chain([&self.name]).collect();
        self.refusals.forget(&names)?;
        Ok(())
    }

    fn made(&self) -> Made {
        Made { at: (self.clock)(), by: self.by }
    }
}

/// Removes the accounts of probes that were killed; says which. Only for who knows that no probe is under way.
///
/// # Errors
/// Where the store fails.
pub fn leftovers(
    vault: &Vault,
    named: impl Fn(&str) -> Option<AccountName>,
    made: Made,
) -> Result<Vec<AccountName>, ThrowAwayError> {
    let names: Vec<AccountName> = vault.store.throw_aways()?.iter().filter_map(|name| named(name)).collect();
    for name in &names {
        Enrollment::new(vault).remove_throw_away(name, made)?;
    }
    Ok(names)
}

fn label(text: &str) -> Result<Label, ThrowAwayError> {
    Label::parse(text).map_err(|_| StoreError::damaged("label").into())
}

impl fmt::Display for ThrowAwayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enrollment(error) => error.fmt(f),
            Self::Run(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ThrowAwayError {}

impl From<EnrollmentError> for ThrowAwayError {
    fn from(error: EnrollmentError) -> Self {
        Self::Enrollment(error)
    }
}

impl From<StoreError> for ThrowAwayError {
    fn from(error: StoreError) -> Self {
        Self::Enrollment(error.into())
    }
}

impl From<EntropyError> for ThrowAwayError {
    fn from(error: EntropyError) -> Self {
        Self::Enrollment(error.into())
    }
}

impl From<RunError> for ThrowAwayError {
    fn from(error: RunError) -> Self {
        Self::Run(error)
    }
}
