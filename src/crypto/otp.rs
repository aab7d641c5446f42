//! One-time codes: RFC 4226 (HOTP), on which RFC 6238 (TOTP) stands.
//!
//! Knows: the truncated HMAC of a counter.
//! Never: the time, which counters are open, or which are spent.

use std::fmt;

use hmac::Hmac;
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;

use crate::crypto::mac::hmac;
use crate::crypto::secret::Secret;

/// The hash of a key (RFC 6238 §1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// What enrolment makes, since authenticator apps agree on no other.
    Sha1,
    /// For keys that are brought along.
    Sha256,
    /// For keys that are brought along.
    Sha512,
}

impl Algorithm {
    /// The name that otpauth URIs use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }

    /// Reads the name that otpauth URIs use.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Sha1, Self::Sha256, Self::Sha512].into_iter().find(|algorithm| algorithm.name() == name)
    }
}

/// How many digits a code has: 6 to 8 (RFC 4226 §5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digits(u8);

impl Digits {
    /// What enrolment makes, and what an unknown account seems to have.
    pub const SIX: Self = Self(6);

    /// 6, 7 or 8.
    #[must_use]
    pub const fn new(digits: u8) -> Option<Self> {
        match digits {
            6..=8 => Some(Self(digits)),
            _ => None,
        }
    }

    /// As a number.
    #[must_use]
    pub const fn count(self) -> u8 {
        self.0
    }
}

/// A one-time code, as a number; leading zeros are the writer's affair.
#[derive(Clone, Copy)]
pub struct Code(u32);

impl Code {
    /// Reads exactly `digits` ASCII digits.
    #[must_use]
    pub fn parse(text: &[u8], digits: Digits) -> Option<Self> {
        let right_length = text.len() == usize::from(digits.count());
        if !right_length || !text.iter().all(u8::is_ascii_digit) {
            return None;
        }
        Some(Self(text.iter().fold(0, |code, digit| code * 10 + u32::from(digit - b'0'))))
    }

    /// Compares in constant time.
    #[must_use]
    pub fn matches(self, other: Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(..)")
    }
}

/// The code of a counter (RFC 4226 §5.3).
#[must_use]
pub fn hotp(key: &Secret, algorithm: Algorithm, digits: Digits, counter: u64) -> Code {
    let (key, counter) = (key.expose(), counter.to_be_bytes());
    match algorithm {
        Algorithm::Sha1 => truncate(&hmac::<Hmac<Sha1>>(key, &counter), digits),
        Algorithm::Sha256 => truncate(&hmac::<Hmac<Sha256>>(key, &counter), digits),
        Algorithm::Sha512 => truncate(&hmac::<Hmac<Sha512>>(key, &counter), digits),
    }
}

/// Dynamic truncation (RFC 4226 §5.3); the digest has at least 20 octets.
fn truncate(digest: &[u8], digits: Digits) -> Code {
    let offset = usize::from(digest.last().map_or(0, |last| last & 0x0f));
    let word = digest.iter().skip(offset).take(4).fold(0, |word: u32, octet| word << 8 | u32::from(*octet));
    Code((word & 0x7fff_ffff) % 10_u32.pow(u32::from(digits.count())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_digits_and_nothing_else() {
        for text in ["12345", "1234567", "12 456", "+12345", "-12345", "12345\u{0663}", "\u{ff11}23456", ""] {
            assert!(Code::parse(text.as_bytes(), Digits::SIX).is_none(), "{text}");
        }
        assert!(Code::parse(b"012345", Digits::SIX).unwrap().matches(Code(12_345)));
    }

    #[test]
    fn a_code_prints_as_a_mask() {
        assert_eq!(format!("{:?}", Code(755_224)), "Code(..)");
    }

    #[test]
    fn six_to_eight_digits_and_no_other_number() {
        let allowed: Vec<u8> = (0..=255).filter(|count| Digits::new(*count).is_some()).collect();
        assert_eq!(allowed, [6, 7, 8]);
    }
}
