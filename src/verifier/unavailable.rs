//! Why nothing can be said about a person, and what an administrator does about it.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::PathBuf;

use crate::config::{ConfigError, FileError, KeyError};
use crate::crypto::password_hash::HashError;
use crate::crypto::seal::BrokenSeal;
use crate::run::RunError;
use crate::store::StoreError;

/// Something that a decision needs is not usable. Says nothing about the person.
#[derive(Debug)]
pub enum Unavailable {
    /// The configuration.
    Config(ConfigError),
    /// The key file.
    Key(KeyError),
    /// The store.
    Store(StoreError),
    /// A stored hash, or the memory to compute one.
    Hash(HashError),
    /// A sealed key.
    Seal(BrokenSeal),
    /// The check of a primary password through PAM.
    Pam(PamUnusable),
    /// The files under `/run/postern`.
    Run(RunError),
    /// An argument of the door.
    Argument(String),
    /// An option of the door in the application's SASL configuration.
    Option(&'static str),
    /// The host runs for somebody else than root, who could stop it while it holds a lock.
    SetUid,
}

/// Why PAM could not be asked for a primary password.
#[derive(Debug)]
pub enum PamUnusable {
    /// There is no service file, or it is not to be trusted.
    NoService(PathBuf, FileError),
    /// The shadow entry could not be read, with this errno.
    NoShadow(i32),
    /// PAM could not start with the service file.
    NotStarted(i32),
    /// The stack said yes without asking for the password.
    NotAsked,
    /// The stack asked for more than one hidden answer.
    AskedMore,
    /// The stack changed the name of the user.
    UserChanged,
    /// The stack leads back to Postern.
    MetOurselves,
    /// The stack failed, with this code.
    Failed(i32),
}

impl fmt::Display for PamUnusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoService(path, error) => write!(f, "the PAM service {} {error}", path.display()),
            Self::NoShadow(errno) => {
                write!(f, "the shadow entry cannot be read: {}", io::Error::from_raw_os_error(*errno))
            }
            Self::NotStarted(code) => write!(f, "the PAM service primary did not start, with code {code}"),
            Self::NotAsked => f.write_str("the PAM service primary granted without asking for the password"),
            Self::AskedMore => f.write_str("the PAM service primary asked for more than the password"),
            Self::UserChanged => f.write_str("the PAM service primary changed the user's name"),
            Self::MetOurselves => f.write_str("the PAM service primary leads back to pam_postern"),
            Self::Failed(code) => write!(f, "the PAM service primary failed with code {code}"),
        }
    }
}

impl std::error::Error for PamUnusable {}

impl Unavailable {
    /// Whether the system itself said that this user may not.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        let system = match self {
            Self::Config(ConfigError::File(_, FileError::Io(error)))
            | Self::Key(KeyError::File(_, FileError::Io(error)) | KeyError::Write(_, error))
            | Self::Store(StoreError::Io(_, error))
            | Self::Run(RunError::Io(_, error)) => error,
            Self::Config(_)
            | Self::Key(_)
            | Self::Store(_)
            | Self::Hash(_)
            | Self::Seal(_)
            | Self::Pam(_)
            | Self::Run(_)
            | Self::Argument(_)
            | Self::Option(_)
            | Self::SetUid => return false,
        };
        system.kind() == ErrorKind::PermissionDenied
    }

    /// What to do about it, as one clause for a log line or a terminal.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Config(ConfigError::File(_, FileError::Missing)) => "run `postern init`",
            Self::Config(ConfigError::File(..)) => "make it a regular file of root with mode 0644",
            Self::Config(ConfigError::Mistake(..)) => "mend that line, then run `postern config check`",
            Self::Key(error) => remedy_for_key(error),
            Self::Store(error) => remedy_for_store(error),
            Self::Hash(HashError::OutOfMemory) => "give the host more memory, or a higher limit",
            Self::Hash(HashError::TooSlow) => {
                "find what keeps the machine busy, or let the account have fewer of them"
            }
            Self::Hash(_) | Self::Seal(_) => "restore the store from a backup, or enroll the account anew",
            Self::Pam(error) => remedy_for_pam(error),
            Self::Run(RunError::Untrusted(..)) => "remove it; it is made anew, for root alone",
            Self::Run(RunError::Held(_)) => "find the process that holds it",
            Self::Run(RunError::Io(..)) => {
                "see to the directory `run` of the configuration, and its file system"
            }
            Self::SetUid => "leave `config=` out of its line, so that it asks posternd",
            Self::Argument(_) => "mend the line that names pam_postern.so, see the README",
            Self::Option(_) => "mend that line of the application's SASL configuration, see the README",
        }
    }
}

const fn remedy_for_key(error: &KeyError) -> &'static str {
    match error {
        KeyError::File(_, FileError::Missing) => {
            "restore the key file from your copy, or run `postern init` if there never was a store"
        }
        KeyError::File(..) => "make it a regular file with mode 0600, of root or of posternd's own user",
        KeyError::Full => "drop the keys that no row needs: `postern rekey --finish`",
        KeyError::WrongLength(..) => "restore the key file from your copy",
        KeyError::Write(..) => "make its directory writable",
        KeyError::NotShown(_) => {
            "run `systemctl start postern.service`; hosts that read the key themselves cannot use a credential, see posternd(8)"
        }
        KeyError::Credential(_) => "give it a key file while keys change, see posternd(8)",
        KeyError::Entropy(_) => "allow the host to call getrandom(2)",
    }
}

const fn remedy_for_store(error: &StoreError) -> &'static str {
    match error {
        StoreError::Missing(_) => "restore the store from a backup; for a new one run `postern init`",
        StoreError::Untrusted(..) => {
            "make the store a file with mode 0600 in a directory with mode 0700, of root or of posternd's own user"
        }
        StoreError::Misplaced(..) => "use a directory in which root alone may write, such as /var/backups",
        StoreError::Foreign(_) | StoreError::Damaged(_) | StoreError::Unreleased(..) => {
            "restore the store from a backup"
        }
        StoreError::Newer(..) => "install the Postern that made it, or a newer one",
        StoreError::Older(..) => "run `postern init`, which brings it up to date",
        StoreError::OtherKey => "restore the key file that belongs to this store",
        StoreError::KeyChanged => "try again",
        StoreError::KeyInUse => "`postern rekey --status` says which",
        StoreError::Locked => "find the process that keeps the store locked",
        StoreError::Full => "free some space",
        StoreError::ReadOnly => "remount its file system writable",
        StoreError::Exists(_) => "move it away first, if you mean to replace it",
        StoreError::Sqlite(_) | StoreError::Io(..) | StoreError::NoChainKey => {
            "see to the file, its directory and its disk"
        }
        StoreError::Entropy(_) => "allow the host to call getrandom(2)",
        StoreError::Taken
        | StoreError::TooMany(_)
        | StoreError::TooManyAppPasswords(_)
        | StoreError::Replaced(_)
        | StoreError::NoRevocation(_)
        | StoreError::TooLateToRestore(_)
        | StoreError::Changed
        | StoreError::OtherCodeLength => "choose another",
    }
}

const fn remedy_for_pam(error: &PamUnusable) -> &'static str {
    match error {
        PamUnusable::NoService(_, FileError::Missing) => "run `postern init`; the shipped one asks pam_unix",
        PamUnusable::NoService(..) => "make it a regular file of root with mode 0644, its directory 0755",
        PamUnusable::NoShadow(_) => "let the host run as root, and see to /etc/shadow and nsswitch.conf",
        PamUnusable::NotStarted(_) => "see what libpam logged",
        PamUnusable::NotAsked => "leave only modules in it that check the password, such as pam_unix",
        PamUnusable::AskedMore => "leave only modules in it that ask for one password",
        PamUnusable::UserChanged => "remove the module that maps user names",
        PamUnusable::MetOurselves => "remove pam_postern from it and from what it includes",
        PamUnusable::Failed(_) => "see what its modules logged",
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Key(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
            Self::Hash(error) => error.fmt(f),
            Self::Seal(error) => error.fmt(f),
            Self::Pam(error) => error.fmt(f),
            Self::Run(error) => error.fmt(f),
            Self::Argument(error) => f.write_str(error),
            Self::Option(error) => f.write_str(error),
            Self::SetUid => f.write_str("a set-uid program may not read the store"),
        }
    }
}

impl std::error::Error for Unavailable {}

macro_rules! from {
    ($($error:ty => $variant:ident),*) => {
        $(impl From<$error> for Unavailable {
            fn from(error: $error) -> Self {
                Self::$variant(error)
            }
        })*
    };
}

from!(ConfigError => Config, KeyError => Key, StoreError => Store, HashError => Hash, BrokenSeal => Seal, PamUnusable => Pam,
    RunError => Run);
