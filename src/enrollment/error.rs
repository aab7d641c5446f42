//! Why something was not made or changed.

use std::fmt;

use crate::crypto::entropy::EntropyError;
use crate::crypto::password_hash::HashError;
use crate::crypto::seal::BrokenSeal;
use crate::domain::account::AccountName;
use crate::domain::app_password::Label;
use crate::domain::primary::Inadmissible;
use crate::domain::time::UnixTime;
use crate::store::StoreError;

/// Why something was not made or changed; nothing is left half done.
#[derive(Debug)]
pub enum EnrollmentError {
    /// There is no such account.
    NoAccount(AccountName),
    /// The account has no such app password, or it is revoked.
    NoAppPassword(AccountName, Label),
    /// The account has no app password of that label, and never had one.
    NeverHad(AccountName, Label),
    /// The account has no such key.
    NoTotpKey(AccountName, Label),
    /// There is an account of that name.
    AccountTaken(AccountName),
    /// The account has a live authenticator of that label.
    LabelTaken(AccountName, Label),
    /// There is no live app password of the kind that was asked for.
    NothingSelected,
    /// The app password would live longer than this many days.
    LivesTooLong(u16),
    /// The primary password is checked by PAM.
    PrimaryElsewhere(AccountName),
    /// The primary password may not be chosen.
    Inadmissible(Inadmissible),
    /// The account has this very key, under this label.
    KeyTaken(AccountName, String),
    /// The code does not belong to the key.
    WrongCode,
    /// Codes of the account count as spent until then: with keys that were removed, or in a store that was restored.
    CodeSpent(UnixTime),
    /// A key of the account does not open.
    Seal(BrokenSeal),
    /// There is no memory for a hash.
    Hash(HashError),
    /// There is no randomness.
    Entropy(EntropyError),
    /// The store failed.
    Store(StoreError),
}

impl fmt::Display for EnrollmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAccount(name) => write!(f, "there is no account {name}"),
            Self::NoAppPassword(name, label) => write!(f, "{name} has no live app password \"{label}\""),
            Self::NeverHad(name, label) => write!(f, "{name} has no app password \"{label}\""),
            Self::NoTotpKey(name, label) => write!(f, "{name} has no TOTP key \"{label}\""),
            Self::AccountTaken(name) => write!(f, "there is an account {name} already"),
            Self::LabelTaken(name, label) => write!(f, "{name} has a live \"{label}\" already"),
            Self::NothingSelected => f.write_str("no live app password is of this kind"),
            Self::LivesTooLong(days) => write!(f, "an app password lives {days} days at most"),
            Self::PrimaryElsewhere(name) => write!(f, "the primary password of {name} is PAM's, not ours"),
            Self::Inadmissible(error) => error.fmt(f),
            Self::KeyTaken(name, label) => write!(f, "{name} has this very key already, as {label:?}"),
            Self::Seal(error) => error.fmt(f),
            Self::CodeSpent(_) => f.write_str("the code counts as spent"),
            Self::WrongCode => f.write_str("the code does not belong to this key"),
            Self::Hash(error) => error.fmt(f),
            Self::Entropy(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for EnrollmentError {}

impl From<StoreError> for EnrollmentError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<EntropyError> for EnrollmentError {
    fn from(error: EntropyError) -> Self {
        Self::Entropy(error)
    }
}

impl From<BrokenSeal> for EnrollmentError {
    fn from(error: BrokenSeal) -> Self {
        Self::Seal(error)
    }
}

impl From<HashError> for EnrollmentError {
    fn from(error: HashError) -> Self {
        Self::Hash(error)
    }
}

/// A label that the store has already, told with the words of whoever asked for it.
pub(super) fn label_taken(error: StoreError, name: &AccountName, label: &Label) -> EnrollmentError {
    if matches!(error, StoreError::Taken) {
        return EnrollmentError::LabelTaken(name.clone(), label.clone());
    }
    error.into()
}
