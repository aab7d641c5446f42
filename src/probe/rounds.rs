//! The rounds of a probe: what must pass at one door after the other, what must fail at many at once.
//!
//! The order matters to a cache in front of Postern: it holds what passed last, and a round of refusals asks for just
//! that, at other services, revoked, or a second time.

use std::fmt;
use std::thread;
use std::time::Duration;

use crate::crypto::secret::Secret;
use crate::domain::account::AccountName;
use crate::domain::policy::Policy;
use crate::domain::service::Scope;
use crate::probe::attempt::{Kind, Try};
use crate::probe::client::{Answer, Certificates};
use crate::probe::codes::{Codes, Fresh};
use crate::probe::crew::{Crew, Task};
use crate::probe::door::Door;
use crate::probe::finding::Mark;
use crate::probe::throw_away::{ThrowAway, ThrowAwayError};
use crate::probe::way::Way;

/// Doors at which a second code is tried.
const SECOND_CODES: usize = 2;

/// A door, and what became of the attempts there.
#[derive(Debug)]
pub struct Target {
    /// The door.
    pub door: Door,
    /// Whether it could be reached, and if not, why not.
    pub reached: Result<(), String>,
    /// What was tried.
    pub tries: Vec<Try>,
    /// Whether Postern has refused anything that was tried there; `None` where that cannot be known.
    pub asked: Option<bool>,
    pub(super) way: Option<Way>,
}

/// What a probe needs.
pub struct Probe<'a, 'b> {
    /// With what it logs in.
    pub account: &'a mut ThrowAway<'b>,
    /// What must pass, and what must not.
    pub policy: &'a Policy,
    /// How names are spelled.
    pub named: &'a dyn Fn(&str) -> Option<AccountName>,
    /// What is believed of certificates.
    pub certificates: Certificates,
    /// Whether to stop.
    pub stop: &'a (dyn Fn() -> bool + Sync),
    /// Hears how far it has come: so many of so many attempts.
    pub tell: &'a mut dyn FnMut(usize, usize),
}

/// Why a probe came to no end.
#[derive(Debug)]
pub enum ProbeError {
    /// We were told to stop.
    Stopped,
    /// The account cannot be made or changed.
    ThrowAway(ThrowAwayError),
}

impl Target {
    /// Looks whether a door can be reached.
    #[must_use]
    pub fn reach(door: Door) -> Self {
        let (way, reached) = match Way::find(&door) {
            Ok(way) => (Some(way), Ok(())),
            Err(error) => (None, Err(error.to_string())),
        };
        Self { door, reached, tries: Vec::new(), asked: None, way }
    }
}

/// An app password or a code that passed at a door.
struct Shown {
    target: usize,
    secret: Secret,
}

impl Probe<'_, '_> {
    /// Makes all attempts.
    ///
    /// # Errors
    /// Where we are told to stop, or the account cannot be changed.
    pub fn run(&mut self, targets: &mut [Target]) -> Result<(), ProbeError> {
        self.account.enroll()?;
        let app_passwords = self.app_passwords(targets)?;
        self.other_scopes(targets, &app_passwords)?;
        for shown in &app_passwords {
            self.account.revoke(&called(shown.target, targets))?;
        }
        self.refusals(targets, &app_passwords)?;
        for some in reached(targets).chunks(Codes::AT_ONCE) {
            let codes = self.codes(targets, some)?;
            self.replays(targets, &codes)?;
        }
        Ok(())
    }

    /// In turn: each app password at its own door.
    fn app_passwords(&mut self, targets: &mut [Target]) -> Result<Vec<Shown>, ProbeError> {
        let mut shown = Vec::new();
        for target in reached(targets) {
            let Some(door) = targets.get(target).map(|target| target.door.clone()) else { continue };
            let called = called(target, targets);
            let secret = self.account.app_password(&called, &Scope::only(&door.protocol.service()))?;
            let task = self.task(targets, target, Kind::AppPassword, Secret::copy_of(secret.expose()))?;
            let task = task.map(|task| Task { called: Some(called), ..task });
            self.make(targets, task.into_iter().collect())?;
            shown.push(Shown { target, secret });
        }
        Ok(shown)
    }

    /// At once: app passwords that are good elsewhere. One was never used, so that its use would tell for which service
    /// it passed; one has just passed elsewhere, so that a cache might know it.
    fn other_scopes(&mut self, targets: &mut [Target], shown: &[Shown]) -> Result<(), ProbeError> {
        let mut tasks = Vec::new();
        for target in reached(targets) {
            let Some(door) = targets.get(target).map(|target| target.door.clone()) else { continue };
            let service = door.protocol.service();
            let called = format!("{} wrong scope", called(target, targets));
            let secret = self.account.app_password(&called, &Scope::mail_without(&service))?;
            let task = self.task(targets, target, Kind::WrongScope, secret)?;
            tasks.extend(task.map(|task| Task { called: Some(called), ..task }));
            let elsewhere = |other: &&Shown| {
                targets.get(other.target).is_some_and(|other| {
                    other.door.protocol.service() != service && has_passed(other, Kind::AppPassword)
                })
            };
            if let Some(other) = shown.iter().rfind(elsewhere) {
                let secret = Secret::copy_of(other.secret.expose());
                tasks.extend(self.task(targets, target, Kind::WrongScope, secret)?);
            }
        }
        self.make(targets, tasks)
    }

    /// At once: what nobody may pass with.
    fn refusals(&mut self, targets: &mut [Target], revoked: &[Shown]) -> Result<(), ProbeError> {
        let (mut tasks, mut strangers) = (Vec::new(), Vec::new());
        for target in reached(targets) {
            for shown in shown_for_service(targets, revoked, target) {
                let secret = Secret::copy_of(shown.secret.expose());
                tasks.extend(self.task(targets, target, Kind::Revoked, secret)?);
            }
            let primary = self.account.primary();
            tasks.extend(self.task(targets, target, Kind::PrimaryAlone, primary)?);
            tasks.extend(self.task(targets, target, Kind::Empty, Secret::new(Vec::new()))?);
            if let Some(stranger) = self.account.stranger(self.named)? {
                let task = self.task(targets, target, Kind::Unknown, self.account.primary())?;
                tasks.extend(task.map(|task| Task { account: stranger.as_str().to_owned(), ..task }));
                strangers.push((target, stranger));
            }
        }
        self.make(targets, tasks)?;
        for (target, stranger) in strangers {
            let asked = self.account.has_refused(&stranger).ok();
            if let Some(target) = targets.get_mut(target) {
                target.asked = asked;
            }
        }
        Ok(())
    }

    /// In turn: a fresh code at each door, and another one where the first did not pass: a machine that is busy with
    /// primaries puts them off, and Dovecot makes that a refusal. Where many do not pass, that is not why.
    fn codes(&mut self, targets: &mut [Target], places: &[usize]) -> Result<Vec<Shown>, ProbeError> {
        let mut shown = Vec::new();
        for target in places {
            shown.push(Shown { target: *target, secret: self.code(targets, *target)? });
        }
        let shut_out = |shown: &&mut Shown| targets.get(shown.target).is_some_and(is_shut_out);
        let mut again: Vec<&mut Shown> = shown.iter_mut().filter(shut_out).collect();
        if again.len() <= SECOND_CODES {
            for shown in &mut again {
                targets.get_mut(shown.target).and_then(|target| target.tries.pop());
                shown.secret = self.code(targets, shown.target)?;
            }
        }
        Ok(shown)
    }

    fn code(&mut self, targets: &mut [Target], target: usize) -> Result<Secret, ProbeError> {
        let fresh = self.fresh_code()?;
        let secret = self.account.with_code(&fresh);
        let task = self.task(targets, target, Kind::PrimaryWithCode, Secret::copy_of(secret.expose()))?;
        self.make(targets, task.into_iter().collect())?;
        let spent = self.account.is_spent(fresh.key, fresh.step)?;
        if let Some(target) = targets.get_mut(target).filter(|_| spent) {
            let service = target.door.protocol.service().as_str().to_owned();
            target.tries.last_mut().into_iter().for_each(|tried| tried.granted_for = Some(service.clone()));
        }
        Ok(secret)
    }

    /// At once: the codes that have passed there, and at other doors of the service.
    fn replays(&mut self, targets: &mut [Target], codes: &[Shown]) -> Result<(), ProbeError> {
        let mut tasks = Vec::new();
        for place in codes {
            let passed = |shown: &&&Shown| {
                targets.get(shown.target).is_some_and(|other| has_passed(other, Kind::PrimaryWithCode))
            };
            for shown in shown_for_service(targets, codes, place.target).iter().filter(passed) {
                let secret = Secret::copy_of(shown.secret.expose());
                tasks.extend(self.task(targets, place.target, Kind::Replayed, secret)?);
            }
        }
        self.make(targets, tasks)
    }

    fn fresh_code(&mut self) -> Result<Fresh, ProbeError> {
        loop {
            if let Some(fresh) = self.account.next_code() {
                return Ok(fresh);
            }
            if (self.stop)() {
                return Err(ProbeError::Stopped);
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    fn task(
        &self,
        targets: &[Target],
        target: usize,
        kind: Kind,
        secret: Secret,
    ) -> Result<Option<Task>, ProbeError> {
        let Some((door, way)) = targets.get(target).and_then(|target| Some((&target.door, target.way?)))
        else {
            return Ok(None);
        };
        let source = way.source().map_err(ThrowAwayError::from)?;
        let due = kind.due(self.policy, &door.protocol.service(), source.address());
        let account = self.account.name().as_str().to_owned();
        Ok(Some(Task { target, kind, due, way, source, account, secret, called: None }))
    }

    /// Makes attempts, and writes down what became of them.
    fn make(&mut self, targets: &mut [Target], tasks: Vec<Task>) -> Result<(), ProbeError> {
        let doors: Vec<&Door> = targets.iter().map(|target| &target.door).collect();
        let crew = Crew { doors, certificates: self.certificates, stop: self.stop };
        let before: usize = targets.iter().map(|target| target.tries.len()).sum();
        let all = reached(targets).len() * (Kind::ALL.len() + 2);
        let mut tell = |done: usize| (self.tell)(before + done, all);
        let answers = crew.make(&tasks, &mut tell).ok_or(ProbeError::Stopped)?;
        for (task, answer) in tasks.into_iter().zip(answers) {
            let called = task.called.as_deref();
            let granted_for = called.map(|called| self.account.granted_for(called)).transpose()?.flatten();
            let tried = Try { kind: task.kind, due: task.due, answer, granted_for };
            if let Some(target) = targets.get_mut(task.target) {
                target.tries.push(tried);
            }
        }
        Ok(())
    }
}

/// The places of the doors that can be reached.
fn reached(targets: &[Target]) -> Vec<usize> {
    targets.iter().enumerate().filter(|(_, target)| target.way.is_some()).map(|(place, _)| place).collect()
}

fn is_shut_out(target: &Target) -> bool {
    let shut = |tried: &Try| target.mark_of(tried) == Mark::Shut;
    target.tries.last().is_some_and(shut)
}

fn has_passed(target: &Target, kind: Kind) -> bool {
    target
        .tries
        .iter()
        .any(|tried| tried.kind == kind && (tried.answer == Answer::Passed || tried.granted_for.is_some()))
}

/// What was shown at the doors of the same service. A cache holds what has passed last at any of them.
fn shown_for_service<'s>(targets: &[Target], shown: &'s [Shown], target: usize) -> Vec<&'s Shown> {
    let protocol = |place: usize| targets.get(place).map(|target| target.door.protocol);
    shown.iter().filter(|other| protocol(other.target) == protocol(target)).collect()
}

/// What the app password of a door is called: the log names it.
fn called(target: usize, targets: &[Target]) -> String {
    let door =
        targets.get(target).map(|target| format!(" {} {}", target.door.protocol.word(), target.door.port));
    format!("probe {}{}", target + 1, door.unwrap_or_default())
}

impl fmt::Display for ProbeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("stopped before the end"),
            Self::ThrowAway(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ProbeError {}

impl From<ThrowAwayError> for ProbeError {
    fn from(error: ThrowAwayError) -> Self {
        Self::ThrowAway(error)
    }
}
