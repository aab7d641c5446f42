//! The path of a primary password: the primary first, and the code only if it was right.

use crate::audit::Path;
use crate::crypto::otp::Digits;
use crate::crypto::secret::Secret;
use crate::domain::account::{AccountName, AccountState};
use crate::domain::attempt::{Attempt, Shown};
use crate::domain::policy::{Accepted, CodeWaiver, Enrolment, Policy, SecondFactor};
use crate::domain::presented::{Factor, Presented, Reading, answer, split};
use crate::domain::primary::PrimaryMatch;
use crate::domain::time::Clock;
use crate::domain::verdict::{
    CodeEvidence, Coverage, Evidence, Known, Match, PrimaryEvidence, PrimaryFinding,
};
use crate::run::Refused;
use crate::store::{Account, HashPlace, Made, NO_HASH, PrimaryCheck, Store, TotpRow};
use crate::verifier::gate::{Gate, Passage};
use crate::verifier::imported::Imported;
use crate::verifier::{Decision, PamQuestion, Spending, System, Unavailable, Vault, Verifier};

/// One attempt on this path, and what the store has about it.
pub(super) struct Case<'c> {
    pub verifier: &'c Verifier<'c>,
    pub vault: &'c Vault,
    pub attempt: &'c Attempt<'c>,
    pub account: Option<&'c Account>,
    pub keys: &'c [TotpRow],
    pub imported: &'c Imported,
    pub waiver: Option<CodeWaiver>,
    /// Whether it is somebody whom a roll-out has not reached yet.
    stranger: bool,
    pub clock: &'c Clock<'c>,
}

/// What a field turned out to be.
enum Looked {
    /// A primary password, or what was meant as one.
    Primary(PrimaryFinding),
    /// An app password that was brought along.
    AppPassword(Box<Decision>),
}

/// What the primary path found out, beside the verdict.
#[derive(Default)]
pub(super) struct Findings {
    pub label: Option<String>,
    pub hashes: u32,
    /// Whether the whole field was tried as an app password that was brought along, in vain.
    pub guess: bool,
}

impl Verifier<'_> {
    pub(super) fn by_primary(
        &self,
        attempt: &Attempt<'_>,
        clock: &Clock<'_>,
    ) -> Result<Decision, Unavailable> {
        let policy = &self.config.policy;
        let accepted = policy.services.accepted_on(&attempt.service);
        let (vault, (account, keys, imported)) = Vault::look(self.config, self.owner, |store, keyring| {
            let Some(account) = store.account(&attempt.account)? else {
                return Ok((None, Vec::new(), Imported::default()));
            };
            let imported = Imported::look(store, keyring, &account, attempt)?;
            let keys = store.totp_keys(account.id)?;
            Ok((Some(account), keys, imported))
        })?;
        if !takes_primary(accepted) && imported.is_empty() {
            return Ok(not_asked());
        }
        let once = account.as_ref().is_some_and(|account| account.enrolled_at.is_some());
        let enrolment = if once { Enrolment::Once } else { Enrolment::Never };
        let stranger = account.is_none() && self.is_stranger(&vault, attempt)?;
        let case = Case {
            stranger,
            verifier: self,
            vault: &vault,
            attempt,
            account: account.as_ref(),
            keys: &keys,
            imported: &imported,
            waiver: policy.code_waiver(&attempt.service, attempt.remote, enrolment),
            clock,
        };
        case.decide(accepted)
    }
}

impl Verifier<'_> {
    fn is_stranger(&self, vault: &Vault, attempt: &Attempt<'_>) -> Result<bool, Unavailable> {
        is_stranger(&vault.store, &self.config.policy, self.system, &attempt.account)
    }
}

/// In a roll-out PAM alone decides about accounts that the store does not know: under the one name that the system has
/// for them, if nobody whom the store knows is behind it, and none that was ever removed.
///
/// # Errors
/// Where store or system cannot say.
pub fn is_stranger(
    store: &Store,
    policy: &Policy,
    system: System<'_>,
    account: &AccountName,
) -> Result<bool, Unavailable> {
    if policy.second_factor != SecondFactor::WhenEnrolled {
        return Ok(false);
    }
    let Some(uid) = (system.unix_uid)(account)? else {
        return Ok(false);
    };
    Ok(!store.has_known(account, uid)?)
}

fn takes_primary(accepted: Accepted) -> bool {
    accepted.primary_with_code || accepted.primary_alone
}

fn not_asked() -> Decision {
    let (policy, account) = (Coverage::Outside, Known::Nothing);
    let (primary, code) = (PrimaryFinding::NotAsked, CodeEvidence::Absent);
    Decision::new(Evidence::Primary(PrimaryEvidence { policy, account, primary, code }), Path::Primary)
}

impl Case<'_> {
    fn decide(&self, accepted: Accepted) -> Result<Decision, Unavailable> {
        let presented = self.read(accepted);
        let gate = Gate::new(self, &presented);
        let mut findings = Findings::default();
        let primary = match self.look_at(&gate, accepted, &presented.primary, &mut findings)? {
            Looked::Primary(finding) => finding,
            Looked::AppPassword(decision) => return Ok(*decision),
        };
        let account = self.known(primary)?;
        let code = match (account, primary) {
            (
                Known::Account(AccountState::Active) | Known::RollOut,
                PrimaryFinding::Checked(PrimaryMatch::Right) | PrimaryFinding::Elsewhere,
            ) => self.look_again(self.check_code(&presented.factor, &mut findings)?)?,
            _ => CodeEvidence::Absent,
        };
        let policy = if takes_primary(accepted) { Coverage::Inside } else { Coverage::Outside };
        let evidence = PrimaryEvidence { policy, account, primary, code };
        let decision = Decision::new(Evidence::Primary(evidence), self.path(&presented.factor));
        self.count(&gate, &evidence, &findings, &decision)?;
        if decision.is_grant() {
            self.renew_primary(primary, &presented.primary);
        }
        let waiver = if let CodeEvidence::Waived(waiver) = code { Some(waiver) } else { None };
        Ok(Decision { label: findings.label, hashes: findings.hashes, waiver, ..decision })
    }

    /// Reads what was typed, once.
    fn read(&self, accepted: Accepted) -> Presented {
        let digits = self.keys.first().map_or(Digits::SIX, |key| key.digits);
        // Where no code is needed and none could be right, the last digits are the primary's own.
        let none_possible = self.keys.is_empty() || !accepted.primary_with_code;
        let whole = self.waiver.is_some() && none_possible;
        match self.attempt.shown {
            Shown::Field(field) if whole => split(field, Reading::Whole),
            Shown::Field(field) => split(field, Reading::WithCode(digits)),
            Shown::Apart { field, code } => {
                Presented { primary: Secret::copy_of(field.expose()), factor: answer(code, digits) }
            }
            Shown::CodeAlone(code) => {
                Presented { primary: Secret::new(Vec::new()), factor: answer(code, digits) }
            }
        }
    }

    fn path(&self, factor: &Factor) -> Path {
        match (self.attempt.shown, factor) {
            (Shown::CodeAlone(_), _) => Path::SecondFactor,
            (_, Factor::Absent | Factor::Unreadable) => Path::Primary,
            (_, Factor::Code(_)) => Path::PrimaryWithCode,
            (_, Factor::Recovery(_)) => Path::PrimaryWithRecovery,
        }
    }

    fn look_at(
        &self,
        gate: &Gate<'_>,
        accepted: Accepted,
        primary: &Secret,
        findings: &mut Findings,
    ) -> Result<Looked, Unavailable> {
        if matches!(self.attempt.shown, Shown::CodeAlone(_)) {
            return Ok(Looked::Primary(PrimaryFinding::Elsewhere));
        }
        if primary.is_empty() && !gate.is_ambiguous() {
            // Nobody is asked: some stacks take an empty password for an account without one.
            return Ok(Looked::Primary(PrimaryFinding::Empty));
        }
        let _slot = match gate.enter((self.clock)())? {
            Passage::Open(slot) => slot,
            Passage::Repeated => return Ok(Looked::Primary(PrimaryFinding::Repeated)),
            Passage::Throttled(by) => return Ok(Looked::Primary(PrimaryFinding::Throttled(by))),
        };
        if let Some(decision) = self.by_imported()? {
            return Ok(Looked::AppPassword(Box::new(decision)));
        }
        findings.guess = gate.is_ambiguous();
        let finding = if !takes_primary(accepted) {
            PrimaryFinding::NotAsked
        } else if primary.is_empty() {
            PrimaryFinding::Empty
        } else if gate.repeats_primary((self.clock)())? {
            PrimaryFinding::Repeated
        } else {
            PrimaryFinding::Checked(self.ask(primary, findings)?)
        };
        Ok(Looked::Primary(finding))
    }

    fn ask(&self, primary: &Secret, findings: &mut Findings) -> Result<PrimaryMatch, Unavailable> {
        let mut compare = |account: i64, stored: (&str, i64)| {
            findings.hashes += 1;
            let place = HashPlace::Primary { account };
            Ok(match self.vault.compare(place, stored, primary, self.verifier.system.crypt)? {
                Match::Right => PrimaryMatch::Right,
                Match::Wrong => PrimaryMatch::Wrong,
            })
        };
        match self.account.map(|account| (account, &account.primary)) {
            Some((account, PrimaryCheck::Store(stored))) => compare(account.id, (stored, account.key_id)),
            Some((_, PrimaryCheck::Pam)) => self.ask_pam(primary),
            None if self.stranger => self.ask_pam(primary),
            // An account that the store does not know costs as much as one that it knows.
            None => compare(0, (NO_HASH, self.vault.keyring.newest_id())),
        }
    }

    fn ask_pam(&self, primary: &Secret) -> Result<PrimaryMatch, Unavailable> {
        let question = self.question()?;
        Ok((self.verifier.system.check_primary)(&question, primary)?)
    }

    fn question(&self) -> Result<PamQuestion<'_>, Unavailable> {
        let (config, attempt) = (self.verifier.config, self.attempt);
        Ok(PamQuestion::new(config, self.verifier.owner, &attempt.account, attempt.remote)?)
    }

    /// What is known of the account. The system is asked only once a secret is right.
    fn known(&self, primary: PrimaryFinding) -> Result<Known, Unavailable> {
        let Some(account) = self.account else {
            return Ok(if self.stranger { Known::RollOut } else { Known::Nothing });
        };
        let system = self.verifier.system;
        let pam = account.state == AccountState::Active && account.primary == PrimaryCheck::Pam;
        match primary {
            // The nested transaction has had its account phase.
            PrimaryFinding::Checked(PrimaryMatch::Right)
                if pam && system.is_replaced(&self.attempt.account, account.unix_uid)? =>
            {
                Ok(Known::Replaced)
            }
            PrimaryFinding::Elsewhere if pam => {
                Ok(system.known(&self.question()?, account.unix_uid, (self.clock)())?)
            }
            PrimaryFinding::Checked(_)
            | PrimaryFinding::Elsewhere
            | PrimaryFinding::Empty
            | PrimaryFinding::Repeated
            | PrimaryFinding::Throttled(_)
            | PrimaryFinding::NotAsked => Ok(Known::Account(account.state)),
        }
    }

    /// Where a code is spent, that write looks at the account once more, since asking PAM may have taken its time;
    /// without a code somebody must look too.
    fn look_again(&self, code: CodeEvidence) -> Result<CodeEvidence, Unavailable> {
        let (CodeEvidence::Waived(_), Some(seen)) = (code, self.account) else {
            return Ok(code);
        };
        let found = self.vault.store.account(&self.attempt.account)?;
        let facts = |account: &Account| (account.id, account.state, account.primary_version);
        let unchanged = found.is_some_and(|found| facts(&found) == facts(seen));
        Ok(if unchanged { code } else { CodeEvidence::AccountChanged })
    }

    /// A hash that was brought along, or is under an older key, is replaced once its secret is here and right. Best
    /// effort: the next login tries again.
    fn renew_primary(&self, finding: PrimaryFinding, primary: &Secret) {
        let checked = matches!(finding, PrimaryFinding::Checked(PrimaryMatch::Right));
        let real = self.verifier.spending == Spending::Real;
        let Some(account) = self.account.filter(|_| checked && real) else {
            return;
        };
        if let PrimaryCheck::Store(stored) = &account.primary {
            let made = Made { at: (self.clock)(), by: self.verifier.owner.0 };
            let _ = self.vault.renew_primary(account, stored, primary, made);
        }
    }

    /// What this attempt leaves behind for the next ones.
    fn count(
        &self,
        gate: &Gate<'_>,
        evidence: &PrimaryEvidence,
        findings: &Findings,
        decision: &Decision,
    ) -> Result<(), Unavailable> {
        if self.verifier.spending == Spending::Rehearsal {
            return Ok(());
        }
        let now = (self.clock)();
        match (evidence.primary, evidence.code) {
            _ if decision.is_grant() => gate.forgive(),
            (PrimaryFinding::Checked(PrimaryMatch::Wrong), _) => gate.remember(Refused::Primary, now),
            // Nothing is known of the primary where it was not asked for: another service may well take it.
            (PrimaryFinding::NotAsked, _) => gate.remember(Refused::Here, now),
            (_, CodeEvidence::Wrong | CodeEvidence::Spent) => gate.remember(Refused::Code, now),
            // Else whoever varies what looks like a code could guess without end.
            _ if findings.guess => gate.remember(Refused::Here, now),
            _ => Ok(()),
        }
    }
}
