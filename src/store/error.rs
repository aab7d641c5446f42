//! Why the store could not answer. Says nothing about a person.

use std::fmt;
use std::path::PathBuf;

use rusqlite::ErrorCode;

use crate::crypto::entropy::EntropyError;

/// Why the store could not answer.
#[derive(Debug)]
pub enum StoreError {
    /// There is no file.
    Missing(PathBuf),
    /// The file, or its directory, is not one that only its owner could have written.
    Untrusted(PathBuf, &'static str),
    /// A directory in which no copy is safe.
    Misplaced(PathBuf, &'static str),
    /// A file, and no store.
    Foreign(PathBuf),
    /// Made by a newer Postern.
    Newer(PathBuf, i64),
    /// Made by an older Postern and not brought up to date.
    Older(PathBuf, i64),
    /// Made before the first release.
    Unreleased(PathBuf, i64),
    /// There is a file already.
    Exists(PathBuf),
    /// Made with another key.
    OtherKey,
    /// A page or a row makes no sense.
    Damaged(String),
    /// Another writer kept it too long.
    Locked,
    /// The disk is full.
    Full,
    /// The file system takes no writes.
    ReadOnly,
    /// Something else in SQLite.
    Sqlite(rusqlite::Error),
    /// The system says no.
    Io(PathBuf, std::io::Error),
    /// A name or label that is there already.
    Taken,
    /// The account has as many keys as it may.
    TooMany(usize),
    /// The app password has a successor already, with this label.
    Replaced(String),
    /// There was no such revocation.
    NoRevocation(i64),
    /// The time within which the revocation could be taken back is over.
    TooLateToRestore(i64),
    /// What should be changed is not any more what was looked at.
    Changed,
    /// The account has as many live app passwords as it may.
    TooManyAppPasswords(u16),
    /// The account has keys with codes of another length, and a field is split only once.
    OtherCodeLength,
    /// Rows need a key that was to be retired.
    KeyInUse,
    /// It got a newer key after it was opened here.
    KeyChanged,
    /// The store was opened without the key of its audit chain.
    NoChainKey,
    /// There is no randomness to seal with.
    Entropy(EntropyError),
}

impl StoreError {
    /// A row whose column holds what it cannot.
    #[must_use]
    pub fn damaged(column: &str) -> Self {
        Self::Damaged(format!("column {column} holds what it cannot"))
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(path) => write!(f, "the store {} is missing", path.display()),
            Self::Untrusted(path, why) | Self::Misplaced(path, why) => write!(f, "{} {why}", path.display()),
            Self::Foreign(path) => write!(f, "{} is not a store of Postern", path.display()),
            Self::Newer(path, version) => {
                write!(f, "the store {} has version {version}, of a newer Postern", path.display())
            }
            Self::Older(path, version) => {
                write!(f, "the store {} has version {version}, of an older Postern", path.display())
            }
            Self::Unreleased(path, version) => {
                write!(f, "the store {} has version {version}, which was never released", path.display())
            }
            Self::Exists(path) => write!(f, "{} exists already", path.display()),
            Self::OtherKey => f.write_str("the store was made with another key"),
            Self::Damaged(what) => write!(f, "the store is damaged: {what}"),
            Self::Locked => f.write_str("the store is locked by another writer"),
            Self::Full => f.write_str("the store cannot be written: the disk is full"),
            Self::ReadOnly => f.write_str("the store cannot be written: it is read-only"),
            Self::Sqlite(error) => write!(f, "the store failed: {error}"),
            Self::Io(path, error) => write!(f, "{}: {error}", path.display()),
            Self::TooMany(most) => write!(f, "the account has {most} keys, the most there may be"),
            Self::Replaced(label) => write!(f, "it is being replaced by {label:?} already"),
            Self::NoRevocation(id) => write!(f, "there is no revocation {id}"),
            Self::TooLateToRestore(id) => {
                write!(f, "the time to take revocation {id} back is over")
            }
            Self::Changed => f.write_str("somebody else has changed it meanwhile"),
            Self::TooManyAppPasswords(most) => {
                write!(f, "the account has {most} live app passwords, the most there may be")
            }
            Self::OtherCodeLength => f.write_str("the account has keys with codes of another length"),
            Self::KeyInUse => f.write_str("rows of the store need an older key"),
            Self::KeyChanged => f.write_str("the store has got a new key meanwhile"),
            Self::NoChainKey => f.write_str("the store was opened for reading alone"),
            Self::Entropy(error) => error.fmt(f),
            Self::Taken => f.write_str("the store has that name already"),
        }
    }
}

impl std::error::Error for StoreError {}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Locked,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged(error.to_string()),
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::ReadOnly) => Self::ReadOnly,
            Some(ErrorCode::ConstraintViolation) if is_taken(&error) => Self::Taken,
            _ => Self::Sqlite(error),
        }
    }
}

fn is_taken(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|code| code.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE)
}
