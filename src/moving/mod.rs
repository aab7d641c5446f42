//! Floor 3: moving in and out, and from one key to the next.
//!
//! Knows: the files of other software, what of them is taken over and what not, and how a store is copied, put back
//! and given a new key while logins go on.
//! Never: who may log in, or how anything is told on a terminal.

mod lines;
mod passwd_file;
mod csv;
mod import;
mod check;
mod google_authenticator;
mod oath;
mod rekey;

pub use google_authenticator::read as read_google_authenticator;
pub use import::{BadLine, Existing, Import, ImportError, Plan, Tally};
pub use lines::MAX_FILE;
pub use oath::read as read_oath;
pub use rekey::{Rekey, RekeyError, Rest, Status};

use std::fmt;

use crate::domain::totp::Totp;

/// What a file to be imported is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Dovecot's passwd-file.
    Dovecot,
    /// Comma-separated values with a header (RFC 4180).
    Csv,
}

impl Format {
    /// What a file is by its first line that says anything; `None` where that might be either.
    #[must_use]
    pub fn of(content: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(content.get(..lines::MAX_LINE).unwrap_or(content));
        let says = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
        let first = text.trim_start_matches('\u{feff}').lines().find(says)?.to_owned();
        let header =
            first.split(',').any(|name| name.trim_matches(['"', ' ']).eq_ignore_ascii_case("account"));
        match (header, first.contains(':')) {
            (true, false) => Some(Self::Csv),
            (false, true) => Some(Self::Dovecot),
            (true, true) | (false, false) => None,
        }
    }
}

/// Why a line is not taken. What the line says is never repeated: it may be a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(pub(crate) String);

impl Reason {
    /// In words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<E: std::error::Error> From<E> for Reason {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A key for one-time codes that was found in a file.
pub struct FoundKey {
    /// The key, with its parameters.
    pub totp: Totp,
    /// What was found beside it and is not taken over.
    pub left: Vec<&'static str>,
}

/// A line that cannot be meant.
#[derive(Debug)]
pub struct NoKey {
    /// The line, counted from one.
    pub line: usize,
    /// Why.
    pub reason: Reason,
}

fn no_key<T>(line: usize, why: &str) -> Result<T, NoKey> {
    Err(NoKey { line, reason: Reason(why.to_owned()) })
}

fn reason<T>(why: &str) -> Result<T, Reason> {
    Err(Reason(why.to_owned()))
}
