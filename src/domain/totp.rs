//! Time-based one-time codes (RFC 6238).
//!
//! Knows: steps, the window of one step either way, and that a spent step never opens again.
//! Never: the time itself, or where a key is kept.

use crate::crypto::entropy::{self, EntropyError};
use crate::crypto::otp::{self, Algorithm, Code, Digits};
use crate::crypto::secret::Secret;
use crate::domain::time::UnixTime;

/// Octets of a key that enrolment makes: 160 bits (RFC 4226 §4, R6).
pub const KEY_LEN: usize = 20;

/// Most keys of one account; each more makes guessing easier.
pub const MAX_KEYS: usize = 3;

/// The number of a time step since 1970 (RFC 6238 §4.2: T).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeStep(pub u64);

/// Seconds of one step: 15 to 300.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period(u64);

impl Period {
    /// RFC 6238 §5.2: the recommended default.
    pub const DEFAULT: Self = Self(30);

    /// Within the bounds, or nothing.
    #[must_use]
    pub const fn new(secs: u64) -> Option<Self> {
        match secs {
            15..=300 => Some(Self(secs)),
            _ => None,
        }
    }

    /// As a number of seconds.
    #[must_use]
    pub const fn secs(self) -> u64 {
        self.0
    }
}

/// A key with its parameters.
#[derive(Debug)]
pub struct Totp {
    /// Shared with the authenticator app.
    pub key: Secret,
    /// The hash.
    pub algorithm: Algorithm,
    /// The length of its codes.
    pub digits: Digits,
    /// The length of its steps.
    pub period: Period,
}

impl Totp {
    /// What enrolment makes, since every app understands it: SHA-1, 6 digits, 30 s, 160 bits.
    ///
    /// # Errors
    /// Only where the kernel gives no randomness.
    pub fn generate() -> Result<Self, EntropyError> {
        Ok(Self::with_key(Secret::copy_of(&entropy::bytes::<KEY_LEN>()?)))
    }

    /// The same for a key that is brought along.
    #[must_use]
    pub const fn with_key(key: Secret) -> Self {
        Self { key, algorithm: Algorithm::Sha1, digits: Digits::SIX, period: Period::DEFAULT }
    }

    /// Looks for the step of a code among those that may be open now: the current one and one either
    /// way, for delay and drift (RFC 6238 §5.2). All are computed, whichever matches.
    #[must_use]
    pub fn find(&self, code: Code, now: UnixTime, spent_up_to: TimeStep) -> CodeMatch {
        let current = now.0 / self.period.secs();
        let mut found = CodeMatch::Wrong;
        for step in (current.saturating_sub(1)..=current.saturating_add(1)).map(TimeStep) {
            let matches = otp::hotp(&self.key, self.algorithm, self.digits, step.0).matches(code);
            found = match (matches, spent_up_to < step) {
                (true, true) => CodeMatch::Open(step),
                (true, false) if found == CodeMatch::Wrong => CodeMatch::Spent,
                (true | false, _) => found,
            };
        }
        found
    }
}

/// What a code is, compared with the steps in the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeMatch {
    /// The code of a step that is not spent yet.
    Open(TimeStep),
    /// The code of a step that is spent.
    Spent,
    /// The code of no step in the window.
    Wrong,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totp() -> Totp {
        Totp::with_key(Secret::copy_of(b"12345678901234567890"))
    }

    #[track_caller]
    fn check(made_at: u64, shown_at: u64, spent: u64, expected: CodeMatch) {
        let totp = totp();
        let code = otp::hotp(&totp.key, totp.algorithm, totp.digits, made_at / 30);
        assert_eq!(totp.find(code, UnixTime(shown_at), TimeStep(spent)), expected);
    }

    #[test]
    fn one_step_either_way_is_open() {
        check(3000, 3000, 0, CodeMatch::Open(TimeStep(100)));
        check(3000, 2970, 0, CodeMatch::Open(TimeStep(100)));
        check(3000, 3059, 0, CodeMatch::Open(TimeStep(100)));
        check(3000, 2969, 0, CodeMatch::Wrong);
        check(3000, 3060, 0, CodeMatch::Wrong);
    }

    #[test]
    fn a_spent_step_never_opens_again() {
        for shown_at in [2970, 3000, 3030] {
            check(3000, shown_at, 100, CodeMatch::Spent);
            check(3000, shown_at, 101, CodeMatch::Spent);
            check(3000, shown_at, 99, CodeMatch::Open(TimeStep(100)));
        }
    }

    #[test]
    fn the_window_ends_at_the_ends_of_time() {
        assert_eq!(
            totp().find(Code::parse(b"000000", Digits::SIX).unwrap(), UnixTime(0), TimeStep(0)),
            CodeMatch::Wrong
        );
        assert_eq!(
            totp().find(Code::parse(b"000000", Digits::SIX).unwrap(), UnixTime(u64::MAX), TimeStep(0)),
            CodeMatch::Wrong
        );
    }

    #[test]
    fn a_period_has_bounds() {
        let allowed: Vec<u64> = (0..1000).filter(|secs| Period::new(*secs).is_some()).collect();
        assert_eq!((allowed.first(), allowed.last()), (Some(&15), Some(&300)));
    }
}
