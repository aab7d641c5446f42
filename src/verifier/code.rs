//! The second factor, once the primary password is right.

use crate::crypto::keyring::MasterKey;
use crate::crypto::otp::Code;
use crate::crypto::password_hash::PasswordHash;
use crate::domain::attempt::{Attempt, Shown};
use crate::domain::presented::Factor;
use crate::domain::recovery_code::RecoveryCode;
use crate::domain::throttle::most_code_failures;
use crate::domain::totp::{CodeMatch, TimeStep, Totp};
use crate::domain::verdict::CodeEvidence;
use crate::store::{Account, Counted, Made, Reserved, Spent, TotpRow, Use};
use crate::verifier::primary::{Case, Findings};
use crate::verifier::{Spending, Unavailable};

/// What its owner calls a recovery code, in an audit line.
const RECOVERY_LABEL: &str = "recovery code";

impl Case<'_> {
    pub(super) fn check_code(
        &self,
        factor: &Factor,
        findings: &mut Findings,
    ) -> Result<CodeEvidence, Unavailable> {
        let waived = self.waiver.map(CodeEvidence::Waived);
        match (factor, self.account) {
            (Factor::Absent, _) if waived.is_none() && self.keys.is_empty() => Ok(CodeEvidence::NoKey),
            (Factor::Absent, _) => Ok(waived.unwrap_or(CodeEvidence::Absent)),
            (Factor::Unreadable, _) => Ok(CodeEvidence::Wrong),
            (Factor::Code(_) | Factor::Recovery(_), None) => Ok(waived.unwrap_or(CodeEvidence::NoKey)),
            (Factor::Code(_), Some(_)) if self.keys.is_empty() => Ok(waived.unwrap_or(CodeEvidence::NoKey)),
            (Factor::Code(code), Some(account)) => self.check_one_time_code(*code, account, findings),
            (Factor::Recovery(code), Some(account)) => self.check_recovery_code(code, account, findings),
        }
    }

    fn check_one_time_code(
        &self,
        code: Code,
        account: &Account,
        findings: &mut Findings,
    ) -> Result<CodeEvidence, Unavailable> {
        if self.reserve(account)? == Reserved::Closed {
            return Ok(CodeEvidence::PathClosed);
        }
        // Read late: at a prompt, or while PAM is asked, a code may run out.
        let now = (self.clock)();
        let (mut open, mut broken) = (None, None);
        for row in self.keys {
            match self.open(account, row).map(|totp| totp.find(code, now, row.last_step)) {
                Ok(CodeMatch::Open(step)) => open = Some((row, step)),
                // Spent for one key is spent for all: two keys may have been made of one.
                Ok(CodeMatch::Spent) => return Ok(CodeEvidence::Spent),
                Ok(CodeMatch::Wrong) => {}
                // One damaged row closes no other key.
                Err(error) => broken = Some(error),
            }
        }
        match (open, broken) {
            (Some((row, step)), _) => {
                findings.label = Some(row.label.clone());
                self.spend_step(account, row, step)
            }
            (None, Some(error)) => Err(error),
            (None, None) => Ok(CodeEvidence::Wrong),
        }
    }

    /// A failure is written down before a code is compared, and taken back by the write that spends the right one.
    fn reserve(&self, account: &Account) -> Result<Reserved, Unavailable> {
        let most = most_code_failures(self.keys.len());
        if self.verifier.spending == Spending::Real {
            return self.vault.write(|store| store.reserve_code_failure(account.id, most, &self.by()));
        }
        let failures = self.vault.store.code_failures(account.id)?;
        let counted = self.by().counted;
        let sum: u32 = failures.iter().filter(|one| one.counted == counted).map(|one| one.count).sum();
        Ok(if sum < most { Reserved::Now } else { Reserved::Closed })
    }

    fn open(&self, account: &Account, row: &TotpRow) -> Result<Totp, Unavailable> {
        let key = self.vault.open_totp_key(account.id, row.id, &row.sealed, row.key_id)?;
        Ok(Totp { key, algorithm: row.algorithm, digits: row.digits, period: row.period })
    }

    /// Claims the step by the write that records it: of two logins with one code, one is refused. The write looks at
    /// the account once more, since asking PAM may have taken its time.
    fn spend_step(
        &self,
        account: &Account,
        row: &TotpRow,
        step: TimeStep,
    ) -> Result<CodeEvidence, Unavailable> {
        if self.verifier.spending == Spending::Rehearsal {
            return Ok(CodeEvidence::Right);
        }
        Ok(evidence(self.vault.write(|store| store.spend_step(account, row, step, &self.by()))?))
    }

    /// One row by its tag, one hash, and the write that spends it. Nothing is counted: 65 random bits are not guessed,
    /// and whoever is locked out of the codes still gets in.
    fn check_recovery_code(
        &self,
        code: &RecoveryCode,
        account: &Account,
        findings: &mut Findings,
    ) -> Result<CodeEvidence, Unavailable> {
        let symbols = code.symbols();
        let tags = |key: &MasterKey| self.vault.store.recovery_code(&key.tag(symbols.expose()));
        let found = self.vault.keyring.find(tags)?;
        let Some(found) = found.filter(|found| found.account_id == account.id) else {
            return Ok(CodeEvidence::Wrong);
        };
        findings.hashes += 1;
        if !PasswordHash::parse(&found.hash)?.verify(&symbols, &self.vault.key(found.key_id)?.pepper())? {
            return Ok(CodeEvidence::Wrong);
        }
        findings.label = Some(RECOVERY_LABEL.to_owned());
        if found.spent_at.is_some() {
            return Ok(CodeEvidence::Spent);
        }
        if found.retired_at.is_some() {
            return Ok(CodeEvidence::Retired);
        }
        if self.verifier.spending == Spending::Rehearsal {
            return Ok(CodeEvidence::Right);
        }
        Ok(evidence(self.vault.write(|store| store.spend_recovery_code(account, found.id, &self.by()))?))
    }

    fn by(&self) -> Use<'_> {
        let made = Made { at: (self.clock)(), by: self.verifier.owner.0 };
        let counted = match self.attempt.shown {
            Shown::CodeAlone(_) => Counted::Alone,
            Shown::Field(_) | Shown::Apart { .. } => Counted::BehindPrimary,
        };
        let Attempt { service, remote: from, source, .. } = self.attempt;
        Use { made, service, from: *from, source: *source, counted }
    }
}

const fn evidence(spent: Spent) -> CodeEvidence {
    match spent {
        Spent::Now => CodeEvidence::Right,
        Spent::Before => CodeEvidence::Spent,
        Spent::NotForThisAccount => CodeEvidence::AccountChanged,
    }
}
