//! Floor 3: the life cycle of accounts and their authenticators.
//!
//! Knows: what may be made, shown once, confirmed and revoked.
//! Never: how it is shown, or who may ask for it.

mod error;
mod accounts;
mod endings;
mod app_passwords;
mod rotation;
mod revocation;
mod totp_keys;
mod recovery_codes;
mod self_service;
mod throw_aways;

pub use crate::store::NewLimits;
pub use accounts::NewPrimary;
pub use app_passwords::{Issued, Wanted};
pub use error::EnrollmentError;
pub use rotation::{Overlap, Rotation};
pub use self_service::{Confirmed, FirstSecrets, Own};

use crate::verifier::Vault;

/// Makes, changes and revokes in one vault.
pub struct Enrollment<'a> {
    vault: &'a Vault,
}

impl<'a> Enrollment<'a> {
    /// Works in this vault.
    #[must_use]
    pub const fn new(vault: &'a Vault) -> Self {
        Self { vault }
    }
}
