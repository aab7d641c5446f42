//! Floor 3: the decision.
//!
//! Knows: the order in which an attempt is looked at (shape, then one path, then `judge`), what is spent,
//! and who is asked.
//! Never: which host asks, or how it is answered.

mod unavailable;
mod vault;
mod app_password;
mod primary;
mod imported;
mod foreign;
mod gate;
mod code;

pub use foreign::is_foreign;
pub use imported::MOST_TRIED;
pub use primary::is_stranger;
pub use unavailable::{PamUnusable, Unavailable};
pub use vault::Vault;

use std::net::IpAddr;
use std::path::Path as FilePath;

use crate::audit::Path;
use crate::config::{Config, Owner, check};
use crate::crypto::foreign::Crypt;
use crate::crypto::secret::Secret;
use crate::domain::account::{AccountName, AccountState};
use crate::domain::app_password::{Shape, shape};
use crate::domain::attempt::{Attempt, Malformed, RawAttempt, Shown};
use crate::domain::network::Networks;
use crate::domain::policy::CodeWaiver;
use crate::domain::primary::PrimaryMatch;
use crate::domain::service::Scope;
use crate::domain::time::{Clock, UnixTime};
use crate::domain::verdict::{Evidence, Known, Verdict, judge};

/// What is asked of the system: about accounts whose primary is PAM's, and crypt(3). Who calls C is not the verifier's affair.
#[derive(Clone, Copy)]
pub struct System<'a> {
    /// Asks PAM for a primary password, which is never empty.
    pub check_primary: &'a CheckPrimary<'a>,
    /// Asks shadow(5) and PAM whether the account may be used, without a password.
    pub account_state: &'a AskState<'a>,
    /// Asks passwd(5) which uid has the account's name, if any.
    pub unix_uid: &'a AskUid<'a>,
    /// Computes crypt(3), for hashes that were brought along.
    pub crypt: &'a Crypt<'a>,
}

/// See [`System::check_primary`].
pub type CheckPrimary<'a> = dyn Fn(&PamQuestion<'_>, &Secret) -> Result<PrimaryMatch, PamUnusable> + 'a;

/// See [`System::account_state`].
pub type AskState<'a> = dyn Fn(&PamQuestion<'_>, UnixTime) -> Result<AccountState, PamUnusable> + 'a;

/// See [`System::unix_uid`].
pub type AskUid<'a> = dyn Fn(&AccountName) -> Result<Option<u32>, PamUnusable> + 'a;

/// About whom PAM is asked.
pub struct PamQuestion<'a> {
    /// The directory of the service `primary`.
    pub directory: &'a FilePath,
    /// The account.
    pub account: &'a AccountName,
    /// Where the login comes from.
    pub remote: Option<IpAddr>,
}

impl<'a> PamQuestion<'a> {
    /// The question about an account, if the service file may be trusted: it says what runs as root.
    ///
    /// # Errors
    /// Where others could have written it, or it is not there.
    pub fn new(
        config: &'a Config,
        owner: Owner,
        account: &'a AccountName,
        remote: Option<IpAddr>,
    ) -> Result<Self, PamUnusable> {
        let service = config.pam_dir.join("primary");
        check(&service, owner).map_err(|error| PamUnusable::NoService(service, error))?;
        Ok(Self { directory: &config.pam_dir, account, remote })
    }
}

impl System<'_> {
    /// What the system knows of an account whose primary is PAM's. `unix_uid` is what passwd(5) said when it was added.
    ///
    /// # Errors
    /// Where it cannot be asked.
    pub fn known(
        &self,
        question: &PamQuestion<'_>,
        unix_uid: Option<u32>,
        now: UnixTime,
    ) -> Result<Known, PamUnusable> {
        if self.is_replaced(question.account, unix_uid)? {
            return Ok(Known::Replaced);
        }
        (self.account_state)(question, now).map(Known::Account)
    }

    /// Whether the system has given the name to somebody else. One that nobody has is the account phase's affair.
    fn is_replaced(&self, account: &AccountName, unix_uid: Option<u32>) -> Result<bool, PamUnusable> {
        let named = unix_uid.map(|_| (self.unix_uid)(account)).transpose()?.flatten();
        Ok(named.is_some() && named != unix_uid)
    }
}

/// Whether a login is real.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spending {
    /// Codes are spent and last uses written.
    Real,
    /// Nothing is written: `postern try`.
    Rehearsal,
}

/// The only place where a login is decided.
pub struct Verifier<'a> {
    config: &'a Config,
    owner: Owner,
    system: System<'a>,
    spending: Spending,
}

/// An answer, and what the audit line tells of it.
#[derive(Debug)]
pub struct Decision {
    /// The answer.
    pub verdict: Verdict,
    /// Which way the attempt took.
    pub path: Path,
    /// What its owner calls the authenticator.
    pub label: Option<String>,
    /// What the app password is good for, if it is one that the store has.
    pub terms: Option<Terms>,
    /// The field that was out of bounds.
    pub malformed: Option<Malformed>,
    /// Why the primary password alone was enough, if it was.
    pub waiver: Option<CodeWaiver>,
    /// What was found out, rule by rule.
    pub evidence: Evidence,
    /// How many Argon2id were computed.
    pub hashes: u32,
}

/// What an app password is good for; decides nothing, and is there to be told.
#[derive(Debug)]
pub struct Terms {
    /// Whose it is.
    pub owner: String,
    /// The services.
    pub scope: Scope,
    /// From where.
    pub networks: Networks,
    /// When it was revoked, or else when its time is over.
    pub end: Option<UnixTime>,
}

impl<'a> Verifier<'a> {
    /// A verifier for one attempt.
    #[must_use]
    pub const fn new(config: &'a Config, owner: Owner, system: System<'a>, spending: Spending) -> Self {
        Self { config, owner, system, spending }
    }

    /// Decides one attempt.
    ///
    /// # Errors
    /// Where the store, the key or PAM could not be asked. Says nothing about the person.
    pub fn verify(&self, raw: &RawAttempt<'_>, clock: &Clock<'_>) -> Result<Decision, Unavailable> {
        let attempt = match Attempt::parse(raw, &self.config.naming) {
            Ok(attempt) => attempt,
            Err(field) => return Ok(Decision::malformed(field)),
        };
        // Shape decides the path, once: what looks like an app password never reaches a directory.
        let shape = match attempt.shown {
            Shown::Field(field) | Shown::Apart { field, .. } => shape(field),
            Shown::CodeAlone(_) => Shape::Other,
        };
        match shape {
            Shape::Mistyped => Ok(Decision::new(Evidence::Mistyped, Path::AppPassword)),
            Shape::Good(shown) => self.by_app_password(&attempt, &shown, clock),
            Shape::Other => self.by_primary(&attempt, clock),
        }
    }
}

impl Decision {
    fn new(evidence: Evidence, path: Path) -> Self {
        let verdict = judge(&evidence);
        Self { verdict, path, label: None, terms: None, malformed: None, waiver: None, evidence, hashes: 0 }
    }

    fn malformed(field: Malformed) -> Self {
        Self { malformed: Some(field), ..Self::new(Evidence::Malformed, Path::None) }
    }

    /// Whether it is a grant.
    #[must_use]
    pub const fn is_grant(&self) -> bool {
        matches!(self.verdict, Verdict::Grant(_))
    }
}
