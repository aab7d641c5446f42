//! The logic: what the module does with a transaction.
#![forbid(unsafe_code)]

use crate::backend::{self, Backend, Level, Reply, Standing};
use crate::crypto::secret::Secret;
use crate::domain::attempt::{self, RawAttempt, Shown};
use crate::domain::time::Clock;
use crate::ffi::pam::arguments::{Arguments, Asking, FirstPass, UnknownArgument};
use crate::ffi::pam::grant;
use crate::ffi::pam::handle::{Handle, NoAnswer};
use crate::ffi::pam::outcome::Outcome;
use crate::ffi::system::{self, StopSignals};
use crate::verifier::{PamUnusable, Unavailable};

/// pam_sm_authenticate(3): every denial is made here, since some hosts skip the account phase.
pub fn authenticate(handle: &mut Handle<'_>, words: &[&[u8]], clock: &Clock<'_>) -> Outcome {
    let begun = clock();
    let outcome = run(handle, words, |call, handle| {
        let Ok(typed) = ask(handle, &call.arguments) else {
            return Outcome::NoAnswer;
        };
        // Whoever sits at the terminal could stop us while we hold a lock.
        let _held = StopSignals::hold();
        Outcome::Authenticated(
            call.ask(handle, |backend| backend.verify(&call.attempt(typed.shown()), clock)),
        )
    });
    if outcome == Outcome::Authenticated(Reply::Granted) {
        grant::leave(handle, words, begun);
    }
    outcome
}

/// pam_sm_acct_mgmt(3): repeats what it can without a secret, since some hosts skip the other phase.
pub fn account(handle: &mut Handle<'_>, words: &[&[u8]], clock: &Clock<'_>) -> Outcome {
    run(handle, words, |call, handle| {
        if grant::is_fresh(handle, words, clock()) {
            return Outcome::Looked(Standing::Good);
        }
        let none = Secret::new(Vec::new());
        let _held = StopSignals::hold();
        let attempt = call.attempt(Shown::Field(&none));
        Outcome::Looked(call.ask(handle, |backend| backend.standing(&attempt, clock)))
    })
}

/// What both phases know of a call.
struct Call {
    arguments: Arguments,
    account: Vec<u8>,
    service: Vec<u8>,
    remote: Option<Vec<u8>>,
}

fn run(
    handle: &mut Handle<'_>,
    words: &[&[u8]],
    body: impl FnOnce(&Call, &Handle<'_>) -> Outcome,
) -> Outcome {
    let Ok(account) = handle.user() else {
        return Outcome::NoAnswer;
    };
    let (service, remote) = (handle.service(), handle.remote());
    let (arguments, unusable) = match Arguments::parse(words) {
        Ok(arguments) => (arguments, None),
        Err(UnknownArgument(word)) => {
            let why = format!("pam_postern does not know the argument {word:?}");
            (Arguments::default(), Some(Unavailable::Argument(why)))
        }
    };
    let nested = handle.is_nested().then_some(Unavailable::Pam(PamUnusable::MetOurselves));
    let service = arguments.service.clone().unwrap_or(service);
    let call = Call { arguments, account, service, remote };
    match unusable.or(nested).or_else(|| call.foreign_host()) {
        Some(why) => call.refuse(handle, why),
        None => body(&call, handle),
    }
}

impl Call {
    fn attempt<'a>(&'a self, shown: Shown<'a>) -> RawAttempt<'a> {
        RawAttempt {
            account: &self.account,
            shown,
            service: &self.service,
            remote: self.remote.as_deref(),
            door: attempt::Door::Pam,
        }
    }

    /// Who started a set-uid program has some power over it, and over the locks that it holds: it asks posternd, and no
    /// configuration of its own.
    fn foreign_host(&self) -> Option<Unavailable> {
        let foreign = system::real_uid() != system::effective_uid();
        (foreign && self.arguments.choice.socket().is_none()).then_some(Unavailable::SetUid)
    }

    fn ask<T>(&self, handle: &Handle<'_>, body: impl FnOnce(&Backend<'_>) -> T) -> T {
        self.arguments.choice.ask(&|level, line| self.log(handle, level, line), body)
    }

    fn log(&self, handle: &Handle<'_>, level: Level, line: &str) {
        if level != Level::Debug || self.arguments.debug {
            handle.log(level, line);
        }
    }

    fn refuse(&self, handle: &Handle<'_>, why: Unavailable) -> Outcome {
        let none = Secret::new(Vec::new());
        let log = |level: Level, line: &str| self.log(handle, level, line);
        Outcome::Authenticated(backend::refuse(&self.attempt(Shown::Field(&none)), &why, &log))
    }
}

/// What was typed.
enum Typed {
    OneField(Secret),
    CodeApart(Secret, Secret),
    CodeAlone(Secret),
}

impl Typed {
    const fn shown(&self) -> Shown<'_> {
        match self {
            Self::OneField(field) => Shown::Field(field),
            Self::CodeApart(field, code) => Shown::Apart { field, code },
            Self::CodeAlone(code) => Shown::CodeAlone(code),
        }
    }
}

/// Asks the same questions whoever it is; what is known of an account must not show.
fn ask(handle: &Handle<'_>, arguments: &Arguments) -> Result<Typed, NoAnswer> {
    let field = || match arguments.first_pass {
        FirstPass::Ask => handle.ask("Password: "),
        FirstPass::Try => handle.first_pass().map_or_else(|| handle.ask("Password: "), Ok),
        FirstPass::Use => handle.first_pass().ok_or(NoAnswer),
    };
    let code = || handle.ask("One-time code: ");
    Ok(match arguments.asking {
        Asking::OneField => Typed::OneField(field()?),
        Asking::CodeApart => Typed::CodeApart(field()?, code()?),
        Asking::CodeAlone => Typed::CodeAlone(code()?),
    })
}
