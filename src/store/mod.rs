//! Floor 2: tables <-> meaning.
//!
//! Knows: SQLite, the schema, and what a row means.
//! Never: the configuration, the key, who may pass.
//!
//! The store is opened for each call and closed before it returns: a host may fork, and a connection
//! must not cross a fork (sqlite.org/howtocorrupt.html §2.7). Its file is looked at with stat(2) alone,
//! since closing any descriptor on it would drop SQLite's locks (§2.2 there).

mod connection;
mod place;
mod error;
mod schema;
mod accounts;
mod account_endings;
mod app_passwords;
mod totp_keys;
mod recovery_codes;
mod code_failures;
mod self_service;
mod audit_rows;
mod audit_log;
mod audit_chain;
mod audit_flaw;
mod imports;
mod keys;
mod partial;
mod copies;

pub use account_endings::{Losses, TotpKeys};
pub use accounts::{Account, AccountRow, PrimaryCheck, PrimaryKeeper};
pub use app_passwords::{
    AppPasswordRow, Fate, FirstUse, FoundAppPassword, LastUse, NewAppPassword, NewLimits, Restorable,
    RestorableRevocation, Restored, Revocation, Rotated, SelectedAppPassword, Successor,
};
pub use audit_chain::{ChainWalk, Walked, Whole};
pub use audit_flaw::{Flaw, FlawKind};
pub use audit_log::AuditRow;
pub use audit_rows::{ChainKey, Recorded};
pub use code_failures::{CodeFailures, Reserved};
pub use connection::{FIRST_KEY, Store, Witness, Written};
pub use copies::{Closing, Loss, new_keys_from};
pub use error::StoreError;
pub use imports::{HashPlace, Imported, ImportedPrimary, MAX_UNTAGGED, NO_HASH, SEALED_HASH};
pub use keys::{Holding, KnownKey, RetiredKey, Sealed, SealedAnew};
pub use recovery_codes::{FoundRecoveryCode, NewRecoveryCode, RecoveryCodes};
pub use self_service::FirstEnrolment;
pub use totp_keys::{NewTotpKey, Spent, TotpRow};

use std::fmt;
use std::net::IpAddr;

use crate::domain::service::Service;
use crate::domain::throttle::Source;
use crate::domain::time::UnixTime;

/// A login that uses something up.
#[derive(Clone, Copy, Debug)]
pub struct Use<'a> {
    /// When, and the uid of the process that asks.
    pub made: Made,
    /// On which service.
    pub service: &'a Service,
    /// From which address, if one is known.
    pub from: Option<IpAddr>,
    /// Where a wrong code is counted.
    pub source: Source,
    /// What a wrong code counts against.
    pub counted: Counted,
}

/// What a wrong code counts against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Codes behind a primary password: whoever uses them up knows that.
    BehindPrimary,
    /// Codes alone. The host may ask for one whatever became of the password, so that strangers could use these up.
    Alone,
}

impl Use<'_> {
    /// Where it comes from, as wrong codes are counted.
    fn source(&self) -> String {
        match self.counted {
            Counted::BehindPrimary => self.source.to_string(),
            Counted::Alone => format!("{ALONE}{}", self.source),
        }
    }
}

/// How the source of a code alone begins.
const ALONE: &str = "alone ";

impl fmt::Display for Use<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = self.from.map_or_else(String::new, |address| format!(" from={address}"));
        write!(f, "service={}{from}", self.service)
    }
}

/// Who did something and when, as rows keep it.
#[derive(Clone, Copy, Debug)]
pub struct Made {
    /// When.
    pub at: UnixTime,
    /// The uid that did it.
    pub by: u32,
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    use super::*;
    use crate::crypto::secret::Secret;

    /// An empty store in a directory.
    pub(super) fn empty(directory: &Path) -> Store {
        let path = directory.join("store/store.db");
        let owner = fs::metadata(directory).unwrap().uid();
        Store::prepare(&path, owner).unwrap();
        let chain = ChainKey { key: Secret::copy_of(b"chain"), key_id: FIRST_KEY };
        let made = Made { at: UnixTime(1), by: owner };
        Store::create(&path, owner, [0; 16], chain, made, Box::new(|_| ())).unwrap();
        Store::open(&path, owner, |_| Ok::<_, StoreError>(())).unwrap().0
    }
}
