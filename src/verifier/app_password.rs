//! The path of an app password: one tag, one row, one hash.

use crate::audit::Path;
use crate::crypto::password_hash::PasswordHash;
use crate::domain::app_password::AppPassword;
use crate::domain::attempt::Attempt;
use crate::domain::time::{Clock, UnixTime};
use crate::domain::verdict::{AppPasswordEvidence, Coverage, Evidence, Known, Life, Match, Owner};
use crate::store::{Counted, FirstUse, FoundAppPassword, Made, PrimaryKeeper, Use};
use crate::verifier::{Decision, PamQuestion, Spending, Terms, Unavailable, Vault, Verifier};

impl Verifier<'_> {
    pub(super) fn by_app_password(
        &self,
        attempt: &Attempt<'_>,
        shown: &AppPassword,
        clock: &Clock<'_>,
    ) -> Result<Decision, Unavailable> {
        let (vault, found) = Vault::look(self.config, self.owner, |store, keyring| {
            keyring.find(|key| Ok(store.app_password(&key.tag(shown.symbols().expose()))?))
        })?;
        let Some(found) = found else {
            // A guess: no hash is computed, and none would tell more.
            return Ok(Decision::new(Evidence::UnknownAppPassword, Path::AppPassword));
        };
        // The hash first, whatever else is wrong: what is refused costs as much as what is granted.
        let symbols = shown.symbols();
        let right = PasswordHash::parse(&found.hash)?.verify(&symbols, &vault.key(found.key_id)?.pepper())?;
        let secret = if right { Match::Right } else { Match::Wrong };
        let decision = self.decide_app_password(&vault, attempt, &found, secret, clock)?;
        if decision.is_grant() && self.spending == Spending::Real {
            // Best effort: the next use tries again.
            let _ = vault.renew_generated(&found, &symbols, Made { at: clock(), by: self.owner.0 });
        }
        Ok(decision)
    }

    /// Decides about an app password that has a row, and writes down its use.
    pub(super) fn decide_app_password(
        &self,
        vault: &Vault,
        attempt: &Attempt<'_>,
        found: &FoundAppPassword,
        secret: Match,
        clock: &Clock<'_>,
    ) -> Result<Decision, Unavailable> {
        let mut evidence = self.weigh(attempt, found, secret, clock());
        // An app password dies with its account, wherever that is kept. Asked last: it is dear.
        if found.primary == PrimaryKeeper::Pam && is_grant(evidence) {
            let question = PamQuestion::new(self.config, self.owner, &attempt.account, attempt.remote)?;
            evidence.account = self.system.known(&question, found.unix_uid, clock())?;
            if is_grant(evidence) {
                self.look_again(vault, found, &mut evidence, clock())?;
            }
        }
        if self.spending == Spending::Real && is_grant(evidence) {
            evidence.life = self.write_use(vault, attempt, found, clock());
        }
        let (label, terms) = (Some(found.label.clone()), Some(self.terms(found)));
        Ok(Decision { label, terms, ..Decision::of_app_password(evidence) })
    }

    fn terms(&self, found: &FoundAppPassword) -> Terms {
        let limits = &self.config.policy.app_passwords;
        Terms {
            owner: found.account.clone(),
            scope: found.scope.clone(),
            networks: found.networks.clone(),
            end: found.revoked_at.or_else(|| limits.end(found.created_at, found.expires_at)),
        }
    }

    fn weigh(
        &self,
        attempt: &Attempt<'_>,
        found: &FoundAppPassword,
        secret: Match,
        now: UnixTime,
    ) -> AppPasswordEvidence {
        let policy = &self.config.policy;
        let owned = found.account == attempt.account.as_str();
        AppPasswordEvidence {
            secret,
            owner: if owned { Owner::Same } else { Owner::Other },
            life: found.life_at(now, &policy.app_passwords),
            scope: coverage(found.scope.covers(&attempt.service)),
            networks: coverage(found.networks.cover(attempt.remote)),
            policy: coverage(policy.services.accepted_on(&attempt.service).app_password),
            account: Known::Account(found.account_state),
        }
    }

    /// Asking PAM may have taken its time: what was revoked, closed or removed meanwhile does not pass.
    fn look_again(
        &self,
        vault: &Vault,
        seen: &FoundAppPassword,
        evidence: &mut AppPasswordEvidence,
        now: UnixTime,
    ) -> Result<(), Unavailable> {
        let found = vault.store.app_password_again(seen)?;
        let limits = &self.config.policy.app_passwords;
        evidence.life = found.as_ref().map_or(Life::Revoked, |found| found.life_at(now, limits));
        evidence.account = found.map_or(evidence.account, |found| Known::Account(found.account_state));
        Ok(())
    }

    /// Best effort: a login must not fail because the disk is full or somebody else writes. But what the first use of
    /// a successor ends is dead before the answer, if the store can be written; else the next use tries again.
    fn write_use(
        &self,
        vault: &Vault,
        attempt: &Attempt<'_>,
        found: &FoundAppPassword,
        now: UnixTime,
    ) -> Life {
        if !found.ends_another {
            let _ = vault.store.touch(found, now, &attempt.service, attempt.remote);
            return Life::Live;
        }
        let made = Made { at: now, by: self.owner.0 };
        let Attempt { service, remote: from, source, .. } = attempt;
        let by = Use { made, service, from: *from, source: *source, counted: Counted::BehindPrimary };
        match vault.write(|store| store.settle_first_use(found, &by)) {
            Ok(FirstUse::Revoked) => Life::Revoked,
            Ok(FirstUse::Settled) | Err(_) => Life::Live,
        }
    }
}

fn is_grant(evidence: AppPasswordEvidence) -> bool {
    Decision::of_app_password(evidence).is_grant()
}

impl Decision {
    fn of_app_password(evidence: AppPasswordEvidence) -> Self {
        Self { hashes: 1, ..Self::new(Evidence::AppPassword(evidence), Path::AppPassword) }
    }
}

const fn coverage(inside: bool) -> Coverage {
    if inside { Coverage::Inside } else { Coverage::Outside }
}
