//! App passwords that were brought along: chosen elsewhere, of any shape, and tried before the primary.
//!
//! Until its first use one has no tag, and up to eight of them are tried one after the other. From then on it is found
//! by a tag over the account and the secret. People may have chosen them, so that they stand behind the same gate as
//! primaries, and are hashed as dearly.

use std::time::Duration;

use crate::audit::Path;
use crate::crypto::keyring::Keyring;
use crate::crypto::password_hash::{HashError, PasswordHash};
use crate::crypto::secret::Secret;
use crate::domain::attempt::{Attempt, Shown};
use crate::domain::verdict::{Evidence, Match};
use crate::store::{Account, FoundAppPassword, HashPlace, Made, Store};
use crate::verifier::primary::Case;
use crate::verifier::{Decision, Spending, Unavailable};

/// How long those without a tag may take together: an import takes no more, and a login tries no longer.
pub const MOST_TRIED: Duration = Duration::from_secs(2);

/// The ones that a field may be.
#[derive(Default)]
pub(super) struct Imported {
    /// Whether the account has any: then every field is a guess at them.
    any: bool,
    tagged: Option<FoundAppPassword>,
    untagged: Vec<FoundAppPassword>,
}

impl Imported {
    /// Looks for those of an account that a field may be.
    pub(super) fn look(
        store: &Store,
        keyring: &Keyring,
        account: &Account,
        attempt: &Attempt<'_>,
    ) -> Result<Self, Unavailable> {
        let Some(field) = field(attempt) else {
            return Ok(Self::default());
        };
        if !store.has_imported(account)? {
            return Ok(Self::default());
        }
        let tagged = keyring.find(|key| store.app_password(&key.imported_tag(account.id, field)))?;
        Ok(Self { any: true, tagged, untagged: store.untagged_app_passwords(account)? })
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.any
    }
}

/// What may be an app password: all that was typed in the one field.
fn field<'a>(attempt: &Attempt<'a>) -> Option<&'a Secret> {
    match attempt.shown {
        Shown::Field(field) | Shown::Apart { field, .. } => Some(field),
        Shown::CodeAlone(_) => None,
    }
}

impl Case<'_> {
    /// Decides if the field is an app password that was brought along, good or not; else a primary may be meant.
    pub(super) fn by_imported(&self) -> Result<Option<Decision>, Unavailable> {
        let (Some(field), Some(account)) = (field(self.attempt), self.account) else {
            return Ok(None);
        };
        if let Some(found) = &self.imported.tagged {
            let hash = PasswordHash::parse(&found.hash)?;
            if hash.verify(field, &self.vault.key(found.key_id)?.pepper())? {
                return self.conclude(account, found, field).map(Some);
            }
        }
        let begun = (self.clock)();
        for found in &self.imported.untagged {
            // Not a no: it may be one of those that are left. Others wait for the slot meanwhile.
            if MOST_TRIED.as_secs() < (self.clock)().0.saturating_sub(begun.0) {
                return Err(HashError::TooSlow.into());
            }
            let place = HashPlace::AppPassword { account: account.id, row: found.id };
            let hash = self.vault.open_hash(place, (&found.hash, found.key_id))?;
            if hash.verify(field, self.verifier.system.crypt)? {
                return self.conclude(account, found, field).map(Some);
            }
        }
        Ok(None)
    }

    fn conclude(
        &self,
        account: &Account,
        found: &FoundAppPassword,
        field: &Secret,
    ) -> Result<Decision, Unavailable> {
        let (verifier, vault) = (self.verifier, self.vault);
        // Hashes from elsewhere may have taken their time.
        let Some(now) = vault.store.app_password_again(found)? else {
            return Ok(Decision::new(Evidence::UnknownAppPassword, Path::AppPassword));
        };
        let decision = verifier.decide_app_password(vault, self.attempt, &now, Match::Right, self.clock)?;
        if decision.is_grant() && verifier.spending == Spending::Real {
            let made = Made { at: (self.clock)(), by: verifier.owner.0 };
            // Best effort: the next use tries again.
            let _ = vault.renew_imported(account, found, field, made);
        }
        Ok(decision)
    }
}
