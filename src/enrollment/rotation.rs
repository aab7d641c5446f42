//! App passwords that get a successor.

use crate::domain::account::AccountName;
use crate::domain::app_password::{AppPassword, Label};
use crate::domain::network::Networks;
use crate::domain::policy::AppPasswordPolicy;
use crate::domain::service::Scope;
use crate::domain::time::UnixTime;
use crate::domain::verdict::Life;
use crate::enrollment::app_passwords::end_within;
use crate::enrollment::{Enrollment, EnrollmentError, Issued};
use crate::store::{AppPasswordRow, Made, Rotated, Successor};

/// How an app password is to be rotated.
#[derive(Clone, Copy, Debug)]
pub struct Overlap {
    /// When the old one dies, if its successor has not been used by then.
    pub keep_until: UnixTime,
    /// When the successor's time is over; `None` leaves it to the old one and the policy.
    pub expires_at: Option<UnixTime>,
}

/// A successor, and what became of the one that it replaces.
pub struct Rotation {
    /// The successor.
    pub issued: Issued,
    /// Its label, and the old one's new label and end.
    pub rotated: Rotated,
    /// What the successor is good for.
    pub scope: Scope,
    /// From where it is good.
    pub networks: Networks,
}

impl Enrollment<'_> {
    /// Makes a successor of an app password. The old one dies with the successor's first use, or when its time is over.
    ///
    /// # Errors
    /// Where there is no live one of that label, it has a successor already, or the end is too late.
    pub fn rotate(
        &self,
        name: &AccountName,
        label: &Label,
        overlap: Overlap,
        limits: &AppPasswordPolicy,
        made: Made,
    ) -> Result<Rotation, EnrollmentError> {
        let account = self.account(name)?;
        let rows = self.vault.store.app_passwords(account.id)?;
        let live =
            |row: &AppPasswordRow| row.label == label.as_str() && row.life_at(made.at, limits) == Life::Live;
        let Some(old) = rows.into_iter().find(live) else {
            return Err(EnrollmentError::NoAppPassword(name.clone(), label.clone()));
        };
        let expires_at =
            end_within(limits, overlap.expires_at.or_else(|| end_of_its_own(&old, limits)), made.at)?;
        let password = AppPassword::generate()?;
        let (tag, hash) = self.tagged_and_hashed(&password)?;
        let successor = Successor { tag, hash: hash.as_str(), expires_at, keep_until: overlap.keep_until };
        let rotated = self.vault.store.rotate_app_password(account.id, &old, &successor, limits, made)?;
        let issued = Issued { password, expires_at };
        Ok(Rotation { issued, rotated, scope: old.scope, networks: old.networks })
    }
}

/// An end that somebody chose, which a rotation must not move; one that the policy set begins anew.
fn end_of_its_own(old: &AppPasswordRow, limits: &AppPasswordPolicy) -> Option<UnixTime> {
    let latest = limits.latest_end(old.created_at);
    old.expires_at.filter(|end| latest.is_none_or(|latest| *end < latest))
}
