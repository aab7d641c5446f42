//! What went wrong, as an exit code and a next step.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::backend::DaemonError;
use crate::cli::hint::Subject;
use crate::cli::own::refusal;
use crate::cli::text;
use crate::config::{ConfigError, DEFAULT_PATH, FileError};
use crate::domain::primary::Inadmissible;
use crate::domain::self_service::Refusal;
use crate::enrollment::EnrollmentError;
use crate::moving::{ImportError, RekeyError};
use crate::store::StoreError;
use crate::verifier::Unavailable;

/// How the command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It did what it should.
    Ok,
    /// Denied, or no.
    Denied,
    /// What was typed cannot be meant.
    Usage,
    /// What was named is not there.
    NotFound,
    /// What should be made is there already.
    Exists,
    /// Something that is needed is not usable.
    Unavailable,
    /// Only root may do that.
    NotPermitted,
}

impl Exit {
    /// The number that the shell sees.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Denied => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Exists => 4,
            Self::Unavailable => 5,
            Self::NotPermitted => 6,
        }
    }
}

/// Why a command did not do what it should.
#[derive(Debug)]
pub(super) enum Failure {
    /// What was typed cannot be meant.
    Usage(String, &'static str),
    /// A rule of enrolment says no.
    Enrollment(EnrollmentError),
    /// A rule says no.
    Denied(String, &'static str),
    /// What should be made is there already.
    Exists(String, &'static str),
    /// A file that was named is not there.
    NotFound(PathBuf),
    /// A user that was named is not there.
    NoUser(String),
    /// Something that is needed is not usable.
    Unavailable(Unavailable),
    /// That is not this user's to do.
    NotPermitted(String, &'static str),
    /// posternd refused what a user asked for.
    Refused(Refusal),
    /// posternd gave a user no answer.
    Daemon(DaemonError),
    /// The store is there and its key is not.
    StoreWithoutKey { store: PathBuf, key: PathBuf },
    /// A file or directory cannot be looked at or made.
    Place(PathBuf, io::Error),
    /// It came to no end.
    Unfinished(String, &'static str),
    /// A secret or a code cannot be read.
    Input(io::Error),
    /// The result cannot be written.
    Output(io::Error),
    /// A new secret could not be shown; none is made, or it is taken back.
    NotShown(io::Error),
}

impl Failure {
    /// Says it and what to do next, with the names that were typed; or what is better to do on this site.
    pub(super) fn say(&self, subject: &Subject, better: Option<String>) -> Exit {
        let (exit, hint) = self.advice();
        // Whoever closed the pipe has read enough.
        if !matches!(self, Self::Output(error) if error.kind() == ErrorKind::BrokenPipe) {
            text::note(&text::bounded(&format!("postern: {self}")));
            let hint = better.unwrap_or_else(|| self.subject().as_ref().unwrap_or(subject).fill(hint));
            text::note(&format!("  hint: {hint}"));
        }
        exit
    }

    /// Of several accounts that were typed, the one that is meant.
    fn subject(&self) -> Option<Subject> {
        if let Self::Enrollment(EnrollmentError::NoAccount(name)) = self {
            return Some(Subject { account: Some(name.as_str().to_owned()), label: None });
        }
        None
    }

    /// Whether the system itself said that this user may not.
    pub(super) fn is_forbidden(&self) -> bool {
        if let Self::Place(_, error) = self {
            return error.kind() == ErrorKind::PermissionDenied;
        }
        matches!(self, Self::Unavailable(error) if error.is_forbidden())
    }

    fn advice(&self) -> (Exit, &'static str) {
        match self {
            Self::Usage(_, hint) => (Exit::Usage, hint),
            Self::NotPermitted(_, hint) => (Exit::NotPermitted, hint),
            Self::Refused(why) => refusal::advice(why),
            Self::Daemon(why) => refusal::without_an_answer(why),
            Self::Denied(_, hint) => (Exit::Denied, hint),
            Self::Exists(_, hint) => (Exit::Exists, hint),
            Self::Unfinished(_, hint) => (Exit::Unavailable, hint),
            Self::NotFound(_) => (Exit::NotFound, "see how it is spelled, and in which directory you are"),
            Self::NoUser(_) => (
                Exit::NotFound,
                "see how it is spelled; for mailboxes without a Unix user: --primary store; for a user whom PAM alone knows: \
                 `postern account add --primary pam --allow-unknown-user {account}`",
            ),
            Self::Enrollment(error) => for_enrollment(error),
            Self::Unavailable(_) | Self::Place(..) if self.is_forbidden() => for_forbidden(),
            Self::Unavailable(error) if is_elsewhere(error) => (
                Exit::Unavailable,
                "see how --config is spelled; `postern --config FILE init` makes one there",
            ),
            Self::Unavailable(error) => (Exit::Unavailable, error.remedy()),
            Self::StoreWithoutKey { .. } => (
                Exit::Unavailable,
                "restore the key file from your copy; to start anew, move the store away first",
            ),
            Self::Place(..) => (Exit::Unavailable, "see to that path and its disk"),
            Self::Input(error) if error.kind() == ErrorKind::Interrupted => {
                (Exit::Denied, "nothing was changed")
            }
            Self::Input(_) => (Exit::Usage, "give the secret at the prompt, on stdin, or by --secret-fd N"),
            Self::Output(_) => (Exit::Unavailable, "see where stdout leads"),
            Self::NotShown(_) => (Exit::Unavailable, "see where stdout leads, then make another"),
        }
    }
}

/// Whether a configuration is missing that somebody has named.
fn is_elsewhere(error: &Unavailable) -> bool {
    matches!(error, Unavailable::Config(ConfigError::File(path, FileError::Missing)) if path != Path::new(DEFAULT_PATH))
}

const fn for_forbidden() -> (Exit, &'static str) {
    (Exit::NotPermitted, "this needs root: run it with sudo")
}

fn for_enrollment(error: &EnrollmentError) -> (Exit, &'static str) {
    match error {
        EnrollmentError::NoAccount(_) => (
            Exit::NotFound,
            "`postern account list` shows all; to add it: `postern account add --primary pam {account}`",
        ),
        EnrollmentError::NoAppPassword(..) | EnrollmentError::NeverHad(..) => {
            (Exit::NotFound, "`postern app list {account}` shows the labels")
        }
        EnrollmentError::NoTotpKey(..) => (Exit::NotFound, "`postern totp list {account}` shows the labels"),
        EnrollmentError::AccountTaken(_) => (Exit::Exists, "it is kept as it was"),
        EnrollmentError::LabelTaken(..) => {
            (Exit::Exists, "choose another label; those that are taken: `postern account show {account}`")
        }
        EnrollmentError::LivesTooLong(_) => {
            (Exit::Usage, "ask for an earlier end, or leave --expires out; postern.toml sets the limit")
        }
        EnrollmentError::PrimaryElsewhere(_) => (
            Exit::Denied,
            "change it where PAM keeps it, often with passwd(1); for one in the store: `postern account passwd --primary store {account}`",
        ),
        EnrollmentError::Inadmissible(rule) => (Exit::Usage, for_inadmissible(*rule)),
        EnrollmentError::KeyTaken(..) => {
            (Exit::Exists, "make a new key for another device, or use the one there is")
        }
        EnrollmentError::CodeSpent(_) => (Exit::Denied, refusal::UNTIL_THEN),
        EnrollmentError::Seal(_) => (Exit::Unavailable, "restore the store from a backup, or remove the key"),
        EnrollmentError::WrongCode => (
            Exit::Denied,
            "nothing was stored: delete the entry in the app, compare the clocks, then enroll again",
        ),
        EnrollmentError::Store(StoreError::TooMany(_)) => {
            (Exit::Denied, "remove one first; those that there are: `postern totp list {account}`")
        }
        EnrollmentError::Store(StoreError::TooManyAppPasswords(_)) => (
            Exit::Denied,
            "revoke one first, of these: `postern app list --live {account}`; or raise max_app_passwords in postern.toml",
        ),
        EnrollmentError::Store(StoreError::Replaced(_)) => {
            (Exit::Exists, "rotate that one, or revoke it first: then this one can be rotated")
        }
        EnrollmentError::Store(StoreError::NoRevocation(_)) => {
            (Exit::NotFound, "`postern app restore --list` shows what can be taken back")
        }
        EnrollmentError::Store(StoreError::TooLateToRestore(_)) => {
            (Exit::Denied, "make new app passwords: `postern app add --help` says how")
        }
        EnrollmentError::NothingSelected => {
            (Exit::NotFound, "`postern export` shows the app passwords of all accounts")
        }
        EnrollmentError::Store(StoreError::Changed) => {
            (Exit::Denied, "nothing was changed; run it once more, and look at what it shows then")
        }
        EnrollmentError::Store(StoreError::OtherCodeLength) => {
            (Exit::Denied, "bring a key whose codes are as long, or remove the others first")
        }
        // `From` below has made the others of them unavailable.
        EnrollmentError::Store(_) | EnrollmentError::Hash(_) | EnrollmentError::Entropy(_) => {
            (Exit::Unavailable, "`postern config check` says more")
        }
    }
}

const fn for_inadmissible(rule: Inadmissible) -> &'static str {
    match rule {
        Inadmissible::TooShort => "choose a longer one; a few words are easy to keep in mind",
        Inadmissible::TooLong => "choose a shorter one",
        Inadmissible::NotText => "choose one of letters, digits and signs",
        Inadmissible::EndsLikeACode => "put a letter or a sign behind them, or choose another",
        Inadmissible::LooksGenerated => {
            "choose another; app passwords are made by Postern alone: `postern app add --label=phone {account}`"
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(what, _)
            | Self::Denied(what, _)
            | Self::Exists(what, _)
            | Self::NoUser(what)
            | Self::NotPermitted(what, _)
            | Self::Unfinished(what, _) => f.write_str(what),
            Self::Refused(why) => f.write_str(&refusal::meaning(why)),
            Self::Daemon(why) => why.fmt(f),
            Self::Enrollment(EnrollmentError::CodeSpent(until)) => f.write_str(&refusal::spent(*until)),
            Self::Enrollment(error) => error.fmt(f),
            Self::NotFound(path) => write!(f, "{} is not there", path.display()),
            Self::Unavailable(error) => error.fmt(f),
            Self::StoreWithoutKey { store, key } => write!(
                f,
                "the store {} is there, but its key {} is missing, and a new key would not open it",
                store.display(),
                key.display()
            ),
            Self::Place(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Input(error) => write!(f, "nothing could be read: {error}"),
            Self::Output(error) => write!(f, "the result could not be written: {error}"),
            Self::NotShown(error) => {
                write!(f, "the new secret could not be shown, so none is good: {error}")
            }
        }
    }
}

impl<E: Into<Unavailable>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<RekeyError> for Failure {
    fn from(error: RekeyError) -> Self {
        match error {
            RekeyError::Unavailable(error) => Self::Unavailable(error),
            RekeyError::Held(_) => Self::Denied(
                error.to_string(),
                "`postern rekey --status` says which; each is moved by its next use, or revoked by --revoke-rest",
            ),
            RekeyError::NotBegun => Self::Denied(error.to_string(), "`postern rekey` makes a new key"),
        }
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Store(StoreError::Taken | StoreError::TooManyAppPasswords(_)) => Self::Exists(
                "the store has changed since the file was checked; nothing was imported".to_owned(),
                "import it again",
            ),
            ImportError::Store(error) => Self::Unavailable(error.into()),
            ImportError::Hash(error) => Self::Unavailable(error.into()),
            ImportError::Pam(error) => Self::Unavailable(error.into()),
            ImportError::Vault(error) => Self::Unavailable(error),
        }
    }
}

impl From<EnrollmentError> for Failure {
    fn from(error: EnrollmentError) -> Self {
        match error {
            EnrollmentError::Hash(error) => Self::Unavailable(error.into()),
            EnrollmentError::Entropy(error) => Self::Unavailable(StoreError::Entropy(error).into()),
            EnrollmentError::Store(error) if !is_rule(&error) => Self::Unavailable(error.into()),
            EnrollmentError::Store(_)
            | EnrollmentError::NoAccount(_)
            | EnrollmentError::NoAppPassword(..)
            | EnrollmentError::NeverHad(..)
            | EnrollmentError::NoTotpKey(..)
            | EnrollmentError::AccountTaken(_)
            | EnrollmentError::LabelTaken(..)
            | EnrollmentError::LivesTooLong(_)
            | EnrollmentError::NothingSelected
            | EnrollmentError::PrimaryElsewhere(_)
            | EnrollmentError::Inadmissible(_)
            | EnrollmentError::KeyTaken(..)
            | EnrollmentError::Seal(_)
            | EnrollmentError::CodeSpent(_)
            | EnrollmentError::WrongCode => Self::Enrollment(error),
        }
    }
}

/// The store kept a rule, and did not fail.
const fn is_rule(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Taken
            | StoreError::TooMany(_)
            | StoreError::TooManyAppPasswords(_)
            | StoreError::Replaced(_)
            | StoreError::NoRevocation(_)
            | StoreError::TooLateToRestore(_)
            | StoreError::Changed
            | StoreError::OtherCodeLength
    )
}
