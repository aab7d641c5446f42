//! The outcome: one total table from our answers to libsasl's codes, and the words that stand beside each.
//!
//! Never: a reason. Some applications show the words to the client (slapd), so that a wrong secret, a revoked one and an
//! account that there is none all have the same.
#![forbid(unsafe_code)]

use std::ffi::CStr;

use libc::c_int;

use crate::backend::Reply;
use crate::ffi::sasl::abi::code;
use crate::ffi::sasl::conversation::Prompt;

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The client is asked for more.
    Asked(Prompt),
    /// A secret was decided upon.
    Decided(Reply),
    /// The client said what is no message of the mechanism.
    Garbled,
    /// There is no conversation.
    Impossible,
}

/// The code for libsasl.
pub const fn code(outcome: Outcome) -> c_int {
    match outcome {
        Outcome::Asked(_) => code::CONTINUE,
        Outcome::Decided(Reply::Granted) => code::OK,
        Outcome::Decided(Reply::Denied) => code::BADAUTH,
        Outcome::Decided(Reply::Throttled) => code::TRYAGAIN,
        Outcome::Decided(Reply::Unavailable) => code::UNAVAIL,
        Outcome::Decided(Reply::OutOfMemory) => code::NOMEM,
        Outcome::Garbled => code::BADPROT,
        Outcome::Impossible => code::FAIL,
    }
}

/// What sasl_errdetail(3) says then; none where all is well.
pub const fn words(outcome: Outcome) -> Option<&'static CStr> {
    match outcome {
        Outcome::Asked(_) | Outcome::Decided(Reply::Granted) => None,
        Outcome::Decided(Reply::Denied) => Some(c"the login is not granted"),
        Outcome::Decided(Reply::Throttled) => Some(c"too many failures, try again later"),
        Outcome::Decided(Reply::Unavailable) => Some(c"logins cannot be checked now"),
        Outcome::Decided(Reply::OutOfMemory) => Some(c"out of memory"),
        Outcome::Garbled => Some(c"the message is malformed or too long"),
        Outcome::Impossible => Some(c"there is no conversation"),
    }
}
