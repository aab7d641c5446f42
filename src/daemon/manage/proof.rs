//! The proof that the permit table names for a verb. The verifier checks it, with its throttles, its spending and its
//! line in the log.

use crate::backend::deny;
use crate::crypto::secret::Secret;
use crate::daemon::manage::subject::Subject;
use crate::daemon::manage::{Desk, attempt};
use crate::domain::self_service::{Proof, Refusal};
use crate::domain::verdict::{Denial, Evidence, Verdict};
use crate::store::StoreError;
use crate::verifier::{Decision, Spending};
use crate::wire::manage::Request;

impl Desk<'_> {
    /// Says no where an account cannot show the proof. Once anything was bound to it, a password alone binds nothing more.
    pub(super) fn must_be_provable(&self, subject: &Subject, request: &Request) -> Result<(), Refusal> {
        let proof = request.verb().proof();
        if proof == Proof::Uid {
            return Ok(());
        }
        match (proof, subject.account.enrolled_at, self.has_a_factor(subject)?) {
            (Proof::Uid, ..) | (Proof::FirstPrimary, None, false) | (Proof::PrimaryWithCode, _, true) => {
                Ok(())
            }
            (Proof::FirstPrimary, _, true) => Err(Refusal::EnrolledBefore),
            (Proof::PrimaryWithCode, None, false) => Err(Refusal::NotEnrolled),
            (Proof::FirstPrimary | Proof::PrimaryWithCode, Some(_), false) => {
                Err(Refusal::NothingToProveWith)
            }
        }
    }

    /// Checks what was shown.
    pub(super) fn prove(&self, subject: &Subject, request: &Request) -> Result<(), Refusal> {
        let nothing = Secret::new(Vec::new());
        let proof = request.verb().proof();
        match (proof, request.shown()) {
            (Proof::Uid, _) => Ok(()),
            (Proof::FirstPrimary, (Some(primary), None)) => self.verify(subject, primary, &nothing, proof),
            (Proof::PrimaryWithCode, (Some(primary), Some(code))) => {
                self.verify(subject, primary, code, proof)
            }
            (Proof::FirstPrimary | Proof::PrimaryWithCode, _) => Err(Refusal::Denied),
        }
    }

    fn has_a_factor(&self, subject: &Subject) -> Result<bool, Refusal> {
        let (store, id) = (&subject.vault.store, subject.account.id);
        let found =
            || Ok::<_, StoreError>(!store.totp_keys(id)?.is_empty() || store.recovery_codes(id)?.left > 0);
        found().map_err(|why| self.unavailable(&subject.user, &why.into()))
    }

    fn verify(
        &self,
        subject: &Subject,
        primary: &Secret,
        code: &Secret,
        proof: Proof,
    ) -> Result<(), Refusal> {
        let raw = attempt(&subject.user, primary, code);
        // Without a code the verifier might say yes, where policy waives it.
        if proof == Proof::PrimaryWithCode && code.expose().trim_ascii().is_empty() {
            deny(&raw, Denial::SecondFactorMissing, &self.outside.log);
            return Err(Refusal::Denied);
        }
        let decided = self.door().decide(&raw, Spending::Real, self.outside.clock);
        // The door has told the log.
        let decision = decided.map_err(|_| Refusal::Unavailable)?;
        if proof.is_given_by(&decision.evidence) { Ok(()) } else { Err(refusal(&decision)) }
    }
}

/// What the user learns: that the proof is none, and nothing of which part was wrong.
fn refusal(decision: &Decision) -> Refusal {
    match (&decision.evidence, &decision.verdict) {
        (Evidence::AppPassword(_), _) => Refusal::AppPasswordIsNoProof,
        (_, Verdict::Deny(Denial::Throttled(_))) => Refusal::Throttled,
        (_, Verdict::Deny(Denial::NotAcceptedHere)) => Refusal::Closed,
        (_, Verdict::Deny(_) | Verdict::Grant(_)) => Refusal::Denied,
    }
}
