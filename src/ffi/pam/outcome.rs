//! The outcome: one total table from our answers to Linux-PAM's codes.
//!
//! Never: PAM_IGNORE, PAM_USER_UNKNOWN or PAM_NEW_AUTHTOK_REQD, which some stacks take for a yes.
#![forbid(unsafe_code)]

use libc::c_int;

use crate::backend::{Reply, Standing};
use crate::ffi::pam::abi::code;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A secret was decided upon.
    Authenticated(Reply),
    /// An account was looked at again.
    Looked(Standing),
    /// The conversation gave no answer.
    NoAnswer,
    /// There is nothing to do.
    Nothing,
}

/// The code for libpam.
pub const fn code(outcome: Outcome) -> c_int {
    match outcome {
        Outcome::Authenticated(Reply::Granted) | Outcome::Looked(Standing::Good) | Outcome::Nothing => {
            code::SUCCESS
        }
        Outcome::Authenticated(Reply::Denied) | Outcome::Looked(Standing::Unknown) => code::AUTH_ERR,
        Outcome::Authenticated(Reply::Throttled) => code::MAXTRIES,
        Outcome::Authenticated(Reply::Unavailable) | Outcome::Looked(Standing::Unavailable) => {
            code::AUTHINFO_UNAVAIL
        }
        Outcome::Authenticated(Reply::OutOfMemory) => code::BUF_ERR,
        Outcome::Looked(Standing::Closed) => code::ACCT_EXPIRED,
        Outcome::NoAnswer => code::CONV_ERR,
    }
}
