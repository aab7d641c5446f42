//! The logic: what a mechanism does with a client's message.
#![forbid(unsafe_code)]

use crate::backend::{self, Level, Reply};
use crate::domain::attempt::{self, RawAttempt, Shown};
use crate::domain::time::Clock;
use crate::domain::verdict::Denial;
use crate::ffi::choice::Choice;
use crate::ffi::sasl::abi::OutParams;
use crate::ffi::sasl::conversation::{Conversation, Presented, Turn};
use crate::ffi::sasl::options::{BadOption, Options};
use crate::ffi::sasl::outcome::Outcome;
use crate::ffi::sasl::params::{Identity, NotCanonical, Params};
use crate::ffi::system::StopSignals;
use crate::verifier::Unavailable;

/// One step of a conversation.
pub fn step(
    params: &Params<'_>,
    out: &mut OutParams,
    conversation: &mut Conversation,
    message: &[u8],
    clock: &Clock<'_>,
) -> Outcome {
    match conversation.hear(message) {
        Turn::Ask(prompt) => Outcome::Asked(prompt),
        Turn::Presented(presented) => Outcome::Decided(decide(params, out, &presented, clock)),
        Turn::Garbled => Outcome::Garbled,
        Turn::Late => Outcome::Impossible,
    }
}

/// Names come first: what is verified is the name that the application will see.
fn decide(params: &Params<'_>, out: &mut OutParams, presented: &Presented, clock: &Clock<'_>) -> Reply {
    let account = account(params, out, presented);
    let options = Options::read(|name| params.calls().option(name));
    let named = options.as_ref().ok().and_then(|options| options.service.clone());
    let call = Call { params, service: named.unwrap_or_else(|| params.service()), remote: params.remote() };
    let raw = |account| call.attempt(account, Shown::Field(&presented.secret));
    match (options, account) {
        (Err(BadOption(why)), _) => call.refuse(&raw(&presented.authcid), Unavailable::Option(why)),
        (Ok(options), Ok(account)) => call.ask(&options.choice, &raw(&account), clock),
        (Ok(_), Err(NoAccount::Denied(why))) => call.deny(&raw(&presented.authcid), why),
        (Ok(_), Err(NoAccount::Failed)) => {
            call.refuse(&raw(&presented.authcid), Unavailable::Option(NOT_CANONICAL))
        }
        (Ok(_), Err(NoAccount::OutOfMemory)) => Reply::OutOfMemory,
    }
}

const NOT_CANONICAL: &str = "canon_user_plugin, or an auxprop plug-in, has failed";

/// Why there is no account to log in to.
enum NoAccount {
    Denied(Denial),
    Failed,
    OutOfMemory,
}

impl From<NotCanonical> for NoAccount {
    fn from(why: NotCanonical) -> Self {
        match why {
            NotCanonical::Refused => Self::Denied(Denial::Malformed),
            NotCanonical::Failed => Self::Failed,
            NotCanonical::OutOfMemory => Self::OutOfMemory,
        }
    }
}

/// Who logs in, in canonical form. Nobody acts as anybody else: an app password, and a code, are good for one account.
fn account(params: &Params<'_>, out: &mut OutParams, presented: &Presented) -> Result<Vec<u8>, NoAccount> {
    let Some(authzid) = presented.authzid.as_deref().filter(|authzid| **authzid != *presented.authcid) else {
        return Ok(params.canonical(out, &presented.authcid, Identity::Both)?);
    };
    let account = params.canonical(out, &presented.authcid, Identity::Authentication)?;
    let acts_as = params.canonical(out, authzid, Identity::Authorization)?;
    if acts_as == account { Ok(account) } else { Err(NoAccount::Denied(Denial::OtherIdentity)) }
}

/// What is known of a login beside its account.
struct Call<'a> {
    params: &'a Params<'a>,
    service: Vec<u8>,
    remote: Option<Vec<u8>>,
}

impl Call<'_> {
    fn attempt<'a>(&'a self, account: &'a [u8], shown: Shown<'a>) -> RawAttempt<'a> {
        let (service, remote) = (&self.service, self.remote.as_deref());
        RawAttempt { account, shown, service, remote, door: attempt::Door::Sasl }
    }

    fn ask(&self, choice: &Choice, raw: &RawAttempt<'_>, clock: &Clock<'_>) -> Reply {
        // Whoever sits at the terminal, or started the host, could stop it while it holds a lock.
        let _held = StopSignals::hold();
        choice.ask(&|level, line| self.log(level, line), |backend| backend.verify(raw, clock))
    }

    fn deny(&self, raw: &RawAttempt<'_>, why: Denial) -> Reply {
        backend::deny(raw, why, &|level, line| self.log(level, line))
    }

    fn refuse(&self, raw: &RawAttempt<'_>, why: Unavailable) -> Reply {
        backend::refuse(raw, &why, &|level, line| self.log(level, line))
    }

    fn log(&self, level: Level, line: &str) {
        self.params.log(&self.service, level, line);
    }
}
