//! Asks the verifier, in this process, and tells the audit log.
//!
//! Knows: that every decision leaves one line, that repeated tries of a tombstone share one, and what a door may learn.
//! Never: a host's codes.

use std::borrow::Cow;
use std::path::Path;

use crate::audit::{self, Event, Folded, Subject};
use crate::config::{Config, ConfigError, Owner};
use crate::crypto::password_hash::HashError;
use crate::domain::account::{AccountName, AccountState};
use crate::domain::attempt::{self, Malformed, RawAttempt, remote_host};
use crate::domain::policy::CodeWaiver;
use crate::domain::reply::{Reply, Standing};
use crate::domain::service::Service;
use crate::domain::time::Clock;
use crate::domain::verdict::{Denial, Known, Verdict};
use crate::run::tombstones::{self, Fold, Tomb, Untold};
use crate::store::{PrimaryCheck, Store};
use crate::verifier::{Decision, PamQuestion, Spending, System, Unavailable, Verifier, is_stranger};

/// What a door brings along.
pub struct Door<'a> {
    /// The configuration.
    pub config: Source<'a>,
    /// The effective uid of the process.
    pub owner: Owner,
    /// Answers for accounts whose primary is PAM's.
    pub system: System<'a>,
    /// Takes audit lines.
    pub log: &'a dyn Fn(Level, &str),
}

/// Where the configuration comes from.
#[derive(Clone, Copy)]
pub enum Source<'a> {
    /// This file, read anew each time, so that a change counts from the next login on.
    File(&'a Path),
    /// One that was read before: a broken file leaves it in force.
    Read(&'a Config),
}

impl<'a> Source<'a> {
    fn config(self, owner: Owner) -> Result<Cow<'a, Config>, ConfigError> {
        match self {
            Self::File(path) => Config::read(path, owner).map(Cow::Owned),
            Self::Read(config) => Ok(Cow::Borrowed(config)),
        }
    }
}

/// How loud a line is: syslog(3)'s words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Nothing works until somebody acts.
    Error,
    /// Normal and worth a look.
    Notice,
    /// Normal.
    Info,
    /// Only asked for.
    Debug,
}

impl Door<'_> {
    /// Decides an attempt, spends what it uses up, and tells the log.
    pub fn verify(&self, raw: &RawAttempt<'_>, clock: &Clock<'_>) -> Reply {
        match self.decide(raw, Spending::Real, clock) {
            Ok(decision) => match decision.verdict {
                Verdict::Grant(_) => Reply::Granted,
                Verdict::Deny(Denial::Throttled(_)) => Reply::Throttled,
                Verdict::Deny(_) => Reply::Denied,
            },
            Err(Unavailable::Hash(HashError::OutOfMemory)) => Reply::OutOfMemory,
            Err(_) => Reply::Unavailable,
        }
    }

    /// The same, with everything that was found out: for a door whose user is root.
    ///
    /// # Errors
    /// Where something that a decision needs is not usable.
    pub fn decide(
        &self,
        raw: &RawAttempt<'_>,
        spending: Spending,
        clock: &Clock<'_>,
    ) -> Result<Decision, Unavailable> {
        let config = self.config.config(self.owner).map_err(Unavailable::from);
        let config = config.inspect_err(|why| self.tell_unavailable(raw, None, why))?;
        let account = AccountName::parse(raw.account, &config.naming).ok();
        let outcome = Verifier::new(&config, self.owner, self.system, spending).verify(raw, clock);
        match &outcome {
            Ok(decision) => {
                let fold = self.fold(raw, &config, account.as_ref(), decision, clock);
                self.tell(raw, account.as_ref(), decision, fold);
            }
            Err(why) => self.tell_unavailable(raw, account.as_ref(), why),
        }
        outcome
    }

    /// Tells the log that a door cannot even ask.
    pub fn refuse(&self, raw: &RawAttempt<'_>, why: Unavailable) -> Reply {
        refuse(raw, &why, self.log)
    }

    /// Looks at an account once more, without a secret. Says nothing to the log where all is well.
    pub fn standing(&self, raw: &RawAttempt<'_>, clock: &Clock<'_>) -> Standing {
        let (standing, why) = match self.look_at(raw, clock) {
            Ok(Known::Account(AccountState::Active) | Known::RollOut) => return Standing::Good,
            Ok(Known::Account(AccountState::Disabled)) => (Standing::Closed, Denial::AccountDisabled),
            Ok(Known::Replaced) => (Standing::Closed, Denial::AccountReplaced),
            Ok(Known::Nothing) => (Standing::Unknown, Denial::UnknownAccount),
            Err(why) => {
                self.refuse(raw, why);
                return Standing::Unavailable;
            }
        };
        deny(raw, why, self.log);
        standing
    }

    fn look_at(&self, raw: &RawAttempt<'_>, clock: &Clock<'_>) -> Result<Known, Unavailable> {
        let config = self.config.config(self.owner)?;
        let Ok(name) = AccountName::parse(raw.account, &config.naming) else {
            return Ok(Known::Nothing);
        };
        // Without the key: a state is no secret, and a login that needs the key has just had it.
        let (store, found) = Store::open(&config.store, self.owner.0, |store| store.account(&name))?;
        let unix_uid = match found {
            Some(account)
                if account.state == AccountState::Active && account.primary == PrimaryCheck::Pam =>
            {
                account.unix_uid
            }
            Some(account) => return Ok(Known::Account(account.state)),
            None if is_stranger(&store, &config.policy, self.system, &name)? => None,
            None => return Ok(Known::Nothing),
        };
        // What is no host was denied by the authenticate step; here it is none.
        let remote = raw.remote.and_then(|host| remote_host(host).ok().flatten());
        let question = PamQuestion::new(&config, self.owner, &name, remote)?;
        Ok(self.system.known(&question, unix_uid, clock())?)
    }

    /// Whether a line would only repeat that a tombstone is still tried.
    fn fold(
        &self,
        raw: &RawAttempt<'_>,
        config: &Config,
        account: Option<&AccountName>,
        decision: &Decision,
        clock: &Clock<'_>,
    ) -> Fold {
        let (Verdict::Deny(why @ (Denial::Revoked | Denial::Expired)), Some(account), Some(label)) =
            (&decision.verdict, account, decision.label.as_deref())
        else {
            return Fold::Told(Untold::default());
        };
        // Whoever asks at the terminal reads the log for this very answer.
        if raw.door == attempt::Door::Try {
            return Fold::Told(Untold::default());
        }
        let from = raw.remote.and_then(|host| remote_host(host).ok().flatten());
        let tomb = Tomb { account: account.as_str(), label, why: why.word(), from };
        tombstones::fold(&config.run_dir, self.owner.0, &tomb, clock())
    }

    fn tell(&self, raw: &RawAttempt<'_>, account: Option<&AccountName>, decision: &Decision, fold: Fold) {
        if let Fold::Told(untold) = fold {
            let service = Service::parse(raw.service).ok();
            let line = told(subject(raw, account, service.as_ref()), decision, untold);
            self.say(level_of(&decision.verdict), &line);
        }
        self.say(Level::Debug, &format!("debug argon2id={} path={}", decision.hashes, decision.path));
    }

    fn tell_unavailable(&self, raw: &RawAttempt<'_>, account: Option<&AccountName>, why: &Unavailable) {
        self.say(Level::Error, &unavailable_line(raw, account, &why.to_string(), why.remedy()));
    }

    fn say(&self, level: Level, line: &str) {
        (self.log)(level, line);
    }
}

/// Tells the log that a door cannot even ask.
pub fn refuse(raw: &RawAttempt<'_>, why: &Unavailable, log: &dyn Fn(Level, &str)) -> Reply {
    log(Level::Error, &unavailable_line(raw, None, &why.to_string(), why.remedy()));
    Reply::Unavailable
}

/// Tells the log of a denial that needed no look at a secret.
pub fn deny(raw: &RawAttempt<'_>, why: Denial, log: &dyn Fn(Level, &str)) -> Reply {
    let subject = Subject { account: raw.account, service: raw.service, remote: raw.remote, door: raw.door };
    let (path, why, folded) = (audit::Path::None, why.word(), Folded::default());
    log(Level::Notice, &Event::Denied { subject, path, label: None, why, field: None, folded }.to_string());
    Reply::Denied
}

const fn level_of(verdict: &Verdict) -> Level {
    match verdict {
        Verdict::Grant(_) => Level::Info,
        Verdict::Deny(_) => Level::Notice,
    }
}

/// Says that nothing could be said about an attempt, and what to do about it.
pub(super) fn unavailable_line(
    raw: &RawAttempt<'_>,
    account: Option<&AccountName>,
    what: &str,
    fix: &str,
) -> String {
    let service = Service::parse(raw.service).ok();
    let subject = subject(raw, account, service.as_ref());
    Event::Unavailable { subject, what, fix }.to_string()
}

/// As the store spells it, or as it came.
fn subject<'a>(
    raw: &RawAttempt<'a>,
    account: Option<&'a AccountName>,
    service: Option<&'a Service>,
) -> Subject<'a> {
    Subject {
        account: account.map_or(raw.account, |name| name.as_str().as_bytes()),
        service: service.map_or(raw.service, |name| name.as_str().as_bytes()),
        remote: raw.remote,
        door: raw.door,
    }
}

fn told(subject: Subject<'_>, decision: &Decision, untold: Untold) -> String {
    let (path, label) = (decision.path, decision.label.as_deref());
    match decision.verdict {
        Verdict::Grant(_) => {
            let alone = decision.waiver.map(CodeWaiver::word);
            Event::Granted { subject, path, label, alone }
        }
        Verdict::Deny(why) => {
            let field = decision.malformed.map(Malformed::field);
            let folded = Folded { same: untold.same, others: untold.others };
            Event::Denied { subject, path, label, why: why.word(), field, folded }
        }
    }
    .to_string()
}
