//! What a worker does for local users: it looks whose account it is, checks the proof that the permit table names, and
//! then acts.
//!
//! Knows: that the kernel named the uid, and that nothing is done before its proof is there.
//! Never: checks a password or a code itself; the verifier does, as for every login.

mod subject;
mod proof;
mod acts;
mod trouble;

use zeroize::Zeroizing;

use crate::backend::{Door, Source, deny, refuse};
use crate::config::Config;
use crate::crypto::secret::Secret;
use crate::daemon::worker::Outside;
use crate::domain::app_password::{Shape, shape};
use crate::domain::attempt::{self, RawAttempt, Shown};
use crate::domain::policy::AppPasswordPolicy;
use crate::domain::self_service::{Refusal, SERVICE};
use crate::domain::verdict::Denial;
use crate::store::Made;
use crate::verifier::Unavailable;
use crate::wire::manage::{Answer, Request, decode_request, encode_answer};

/// Where requests of local users are taken.
pub(super) struct Desk<'a> {
    pub config: &'a Config,
    pub outside: &'a Outside<'a>,
}

impl Desk<'_> {
    /// The answer to a request of this uid; none to what is no request.
    pub(super) fn answer(&self, uid: u32, request: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let request = decode_request(request).ok()?;
        let answer = self.obey(uid, &request).unwrap_or_else(Answer::Refused);
        let answer = encode_answer(&answer);
        answer.or_else(|_| encode_answer(&Answer::Refused(Refusal::Unavailable))).ok()
    }

    fn obey(&self, uid: u32, request: &Request) -> Result<Answer, Refusal> {
        let user = self.user(uid)?;
        self.refuse_app_passwords(&user, request)?;
        let subject = self.subject(uid, user)?;
        self.must_be_provable(&subject, request)?;
        self.foresee(&subject, request)?;
        self.prove(&subject, request)?;
        self.act(&subject, request)
    }

    /// Before anything is looked at or counted: whoever has found a device must not even reach the primary's throttle.
    fn refuse_app_passwords(&self, user: &str, request: &Request) -> Result<(), Refusal> {
        let (primary, code) = request.shown();
        let is_one = |secret: &Secret| !matches!(shape(secret), Shape::Other);
        if primary.into_iter().chain(code).any(is_one) {
            let nothing = Secret::new(Vec::new());
            deny(&attempt(user, &nothing, &nothing), Denial::NotAcceptedHere, &self.outside.log);
            return Err(Refusal::AppPasswordIsNoProof);
        }
        Ok(())
    }

    /// Says why in the log, and no more than that to the user.
    fn unavailable(&self, user: &str, why: &Unavailable) -> Refusal {
        let nothing = Secret::new(Vec::new());
        refuse(&attempt(user, &nothing, &nothing), why, &self.outside.log);
        Refusal::Unavailable
    }

    const fn door(&self) -> Door<'_> {
        let outside = self.outside;
        let (config, log) = (Source::Read(self.config), &outside.log);
        Door { config, owner: outside.owner, system: outside.system, log }
    }

    fn made(&self, uid: u32) -> Made {
        Made { at: (self.outside.clock)(), by: uid }
    }

    const fn limits(&self) -> &AppPasswordPolicy {
        &self.config.policy.app_passwords
    }
}

/// A proof as the verifier reads it.
const fn attempt<'a>(user: &'a str, primary: &'a Secret, code: &'a Secret) -> RawAttempt<'a> {
    RawAttempt {
        account: user.as_bytes(),
        shown: Shown::Apart { field: primary, code },
        service: SERVICE.as_bytes(),
        remote: None,
        door: attempt::Door::Manage,
    }
}
