//! Requests of local users about their own accounts.
//!
//! No field names an account or a uid: posternd learns the uid from the kernel, and puts it before the frame that it
//! hands to a worker.

mod frame;
mod asker;

pub use asker::{asked_by, of_uid};
pub use frame::{decode_request, encode_request};

pub(super) use frame::{read_networks, read_scope};

use crate::crypto::secret::Secret;
use crate::domain::app_password::Label;
use crate::domain::network::Networks;
use crate::domain::self_service::Verb;
use crate::domain::service::Scope;
use crate::domain::time::UnixTime;

/// What a local user asks for.
#[derive(Debug)]
pub enum Request {
    /// See [`Verb::ShowAccount`].
    ShowAccount,
    /// See [`Verb::ListAppPasswords`]; in pages.
    ListAppPasswords {
        /// The row that came last; 0 for the first page.
        after: u64,
    },
    /// See [`Verb::RevokeAppPassword`].
    RevokeAppPassword {
        /// Which one.
        label: Label,
    },
    /// See [`Verb::AddAppPassword`].
    AddAppPassword {
        /// The proof.
        shown: Credentials,
        /// What is wanted.
        terms: Terms,
    },
    /// See [`Verb::BeginTotp`].
    BeginTotp {
        /// The proof.
        primary: Secret,
    },
    /// See [`Verb::FinishTotp`].
    FinishTotp {
        /// The proof.
        primary: Secret,
        /// The key that was begun with.
        new: NewKey,
        /// The first app password.
        terms: Terms,
    },
    /// See [`Verb::AddTotp`].
    AddTotp {
        /// The proof.
        shown: Credentials,
        /// The key.
        new: NewKey,
    },
    /// See [`Verb::RenewRecoveryCodes`].
    RenewRecoveryCodes {
        /// The proof.
        shown: Credentials,
    },
}

/// What is shown as proof where a second factor is needed.
#[derive(Debug)]
pub struct Credentials {
    /// The primary password.
    pub primary: Secret,
    /// A one-time code or a recovery code.
    pub code: Secret,
}

/// The app password that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What its owner calls the program or device.
    pub label: Label,
    /// What it is good for.
    pub scope: Scope,
    /// From where it is good.
    pub networks: Networks,
    /// When its time is over, if ever.
    pub expires_at: Option<UnixTime>,
}

/// A key that is to be enrolled.
#[derive(Debug)]
pub struct NewKey {
    /// The key.
    pub key: Secret,
    /// A code of it.
    pub code: Secret,
    /// What its owner calls the authenticator app.
    pub label: Label,
}

impl Request {
    /// What is asked for.
    #[must_use]
    pub const fn verb(&self) -> Verb {
        match self {
            Self::ShowAccount => Verb::ShowAccount,
            Self::ListAppPasswords { .. } => Verb::ListAppPasswords,
            Self::RevokeAppPassword { .. } => Verb::RevokeAppPassword,
            Self::AddAppPassword { .. } => Verb::AddAppPassword,
            Self::BeginTotp { .. } => Verb::BeginTotp,
            Self::FinishTotp { .. } => Verb::FinishTotp,
            Self::AddTotp { .. } => Verb::AddTotp,
            Self::RenewRecoveryCodes { .. } => Verb::RenewRecoveryCodes,
        }
    }

    /// The primary password and the code that were shown, if any were.
    #[must_use]
    pub const fn shown(&self) -> (Option<&Secret>, Option<&Secret>) {
        match self {
            Self::ShowAccount | Self::ListAppPasswords { .. } | Self::RevokeAppPassword { .. } => {
                (None, None)
            }
            Self::BeginTotp { primary } | Self::FinishTotp { primary, .. } => (Some(primary), None),
            Self::AddAppPassword { shown, .. }
            | Self::AddTotp { shown, .. }
            | Self::RenewRecoveryCodes { shown } => (Some(&shown.primary), Some(&shown.code)),
        }
    }
}
