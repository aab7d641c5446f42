//! The path of a primary password: the primary first, and the code only if it was right.

use crate::audit::Path;
use crate::crypto::otp::{Code, Digits};
use crate::crypto::password_hash::PasswordHash;
use crate::crypto::secret::Secret;
use crate::domain::account::AccountState;
use crate::domain::attempt::Attempt;
use crate::domain::presented::split;
use crate::domain::primary::PrimaryMatch;
use crate::domain::time::{Clock, UnixTime};
use crate::domain::totp::{CodeMatch, TimeStep, Totp};
use crate::domain::verdict::{CodeEvidence, Evidence, PrimaryEvidence};
use crate::store::{Account, Made, PrimaryCheck, Spent, TotpRow, Use};
use crate::verifier::{Decision, PamQuestion, Spending, Unavailable, Vault, Verifier};

/// What the primary path found out, beside the verdict.
struct Findings {
    primary: Option<PrimaryMatch>,
    hashes: u32,
}

impl Verifier<'_> {
    pub(super) fn by_primary(
        &self,
        attempt: &Attempt<'_>,
        clock: &Clock<'_>,
    ) -> Result<Decision, Unavailable> {
        let (vault, (account, keys)) = Vault::look(self.config, self.owner, |store, _| {
            let account = store.account(&attempt.account)?;
            let keys = account.as_ref().map_or(Ok(Vec::new()), |account| store.totp_keys(account.id))?;
            Ok((account, keys))
        })?;
        let digits = keys.first().map_or(Digits::SIX, |key| key.digits);
        let presented = split(attempt.secret, digits);
        let found = self.check_primary(&vault, attempt, account.as_ref(), &presented.primary)?;
        let state = account.as_ref().map(|account| account.state);
        let path = if presented.code.is_some() { Path::PrimaryWithCode } else { Path::Primary };
        let (code, label) = match (&account, state, found.primary) {
            (Some(account), Some(AccountState::Active), Some(PrimaryMatch::Right)) => {
                self.check_code(&vault, attempt, account, &keys, presented.code, clock())?
            }
            _ => (CodeEvidence::Absent, None),
        };
        let evidence = PrimaryEvidence { account: state, primary: found.primary, code };
        Ok(Decision { label, hashes: found.hashes, ..Decision::new(Evidence::Primary(evidence), path) })
    }

    fn check_primary(
        &self,
        vault: &Vault,
        attempt: &Attempt<'_>,
        account: Option<&Account>,
        primary: &Secret,
    ) -> Result<Findings, Unavailable> {
        if primary.is_empty() {
            // Nobody is asked: some stacks take an empty password for an account without one.
            return Ok(Findings { primary: None, hashes: 0 });
        }
        let hashed = |hash: &PasswordHash| {
            let right = hash.verify(primary, &vault.keyring.pepper())?;
            let primary = Some(if right { PrimaryMatch::Right } else { PrimaryMatch::Wrong });
            Ok(Findings { primary, hashes: 1 })
        };
        match account.map(|account| &account.primary) {
            Some(PrimaryCheck::Store(stored)) => hashed(&PasswordHash::parse(stored)?),
            Some(PrimaryCheck::Pam) => {
                let question = PamQuestion::new(self.config, self.owner, &attempt.account, attempt.remote)?;
                let answer = (self.system.check_primary)(&question, primary)?;
                Ok(Findings { primary: Some(answer), hashes: 0 })
            }
            // An account that the store does not know costs as much as one that it knows.
            None => hashed(&PasswordHash::decoy()?)
                .map(|found| Findings { primary: Some(PrimaryMatch::Wrong), ..found }),
        }
    }

    fn check_code(
        &self,
        vault: &Vault,
        attempt: &Attempt<'_>,
        account: &Account,
        keys: &[TotpRow],
        code: Option<Code>,
        now: UnixTime,
    ) -> Result<(CodeEvidence, Option<String>), Unavailable> {
        if keys.is_empty() {
            return Ok((CodeEvidence::NoKey, None));
        }
        let Some(code) = code else {
            return Ok((CodeEvidence::Absent, None));
        };
        let (mut fresh, mut broken) = (None, None);
        for row in keys {
            match open(vault, account.id, row).map(|totp| totp.find(code, now, row.last_step)) {
                Ok(CodeMatch::Open(step)) => fresh = fresh.or(Some((row, step))),
                // Spent for one key is spent for all: somebody may have enrolled one secret under two labels.
                Ok(CodeMatch::Spent) => return Ok((CodeEvidence::Spent, None)),
                Ok(CodeMatch::Wrong) => {}
                // One damaged row closes no other key.
                Err(error) => broken = Some(error),
            }
        }
        match (fresh, broken) {
            (Some((row, step)), _) => {
                let made = Made { at: now, by: self.owner.0 };
                let by = Use { made, service: &attempt.service, from: attempt.remote };
                Ok((self.spend(vault, account, row, step, &by)?, Some(row.label.clone())))
            }
            (None, Some(error)) => Err(error),
            (None, None) => Ok((CodeEvidence::Wrong, None)),
        }
    }

    /// Claims the step by the write that records it: of two logins with one code, one is refused. The write
    /// looks at the account once more, since asking PAM may have taken its time.
    fn spend(
        &self,
        vault: &Vault,
        account: &Account,
        row: &TotpRow,
        step: TimeStep,
        by: &Use<'_>,
    ) -> Result<CodeEvidence, Unavailable> {
        if self.spending == Spending::Rehearsal {
            return Ok(CodeEvidence::Right);
        }
        Ok(match vault.store.spend_step(account, row, step, by)? {
            Spent::Now => CodeEvidence::Right,
            Spent::Before => CodeEvidence::Spent,
            Spent::NotForThisAccount => CodeEvidence::AccountChanged,
        })
    }
}

fn open(vault: &Vault, account: i64, row: &TotpRow) -> Result<Totp, Unavailable> {
    let key = vault.open_totp_key(account, row.id, &row.sealed)?;
    Ok(Totp { key, algorithm: row.algorithm, digits: row.digits, period: row.period })
}
