//! App passwords that were brought along: chosen elsewhere, of any shape, and tried before the primary.
//!
//! Until its first use one has no tag, and up to eight of them are tried one after the other. From then on it is found
//! by a tag over the account and the secret. People may have chosen them, so that they stand behind the same gate as
//! primaries, and are hashed as dearly.

use crate::audit::Path;
use crate::crypto::keyring::Keyring;
use crate::crypto::password_hash::PasswordHash;
use crate::crypto::secret::Secret;
use crate::domain::attempt::{Attempt, Shown};
use crate::domain::verdict::{Evidence, Match};
use crate::store::{Account, FoundAppPassword, HashPlace, Made, Store};
use crate::verifier::primary::Case;
use crate::verifier::{Decision, Spending, Unavailable};

/// The ones that a field may be.
#[derive(Default)]
pub(super) struct Imported {
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
        let tagged = store.app_password(&keyring.imported_tag(account.id, field))?;
        Ok(Self { tagged, untagged: store.untagged_app_passwords(account)? })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tagged.is_none() && self.untagged.is_empty()
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
            if hash.verify(field, &self.vault.keyring.pepper())? {
                return self.decide_app_password(found).map(Some);
            }
        }
        for found in &self.imported.untagged {
            let place = HashPlace::AppPassword { account: account.id, row: found.id };
            let crypt = self.verifier.system.crypt;
            if self.vault.open_hash(place, &found.hash)?.verify(field, crypt)? {
                let decision = self.decide_app_password(found)?;
                if decision.is_grant() && self.verifier.spending == Spending::Real {
                    // Best effort: the next use tries again.
                    let _ = self.renew(account, found, field);
                }
                return Ok(Some(decision));
            }
        }
        Ok(None)
    }

    fn decide_app_password(&self, found: &FoundAppPassword) -> Result<Decision, Unavailable> {
        // Hashes from elsewhere may have taken their time.
        let Some(found) = self.vault.store.app_password_again(found)? else {
            return Ok(Decision::new(Evidence::UnknownAppPassword, Path::AppPassword));
        };
        let decision =
            self.verifier.decide_app_password(self.vault, self.attempt, &found, Match::Right, self.clock)?;
        Ok(Decision { path: Path::AppPassword, ..decision })
    }

    fn renew(&self, account: &Account, found: &FoundAppPassword, field: &Secret) -> Result<(), Unavailable> {
        let (vault, made) = (self.vault, Made { at: (self.clock)(), by: self.verifier.owner.0 });
        let tag = vault.keyring.imported_tag(account.id, field);
        let hash = vault.chosen(field)?;
        vault.store.renew_app_password(account.id, found, &tag, hash.as_str(), made)?;
        Ok(())
    }
}
