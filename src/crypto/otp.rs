//! One-time codes: RFC 4226 (HOTP), on which RFC 6238 (TOTP) stands.
//!
//! Knows: the truncated HMAC of a counter, and how people write keys.
//! Never: the time, which counters are open, or which are spent.

use std::fmt;
use std::ops::RangeInclusive;

use data_encoding::{BASE32_NOPAD, Encoding, HEXUPPER};
use hmac::Hmac;
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

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

/// Octets of a key: RFC 4226 §4, R6 asks for 128 bits, hosts have long handed out 80, and no block of a hash that a key
/// fills has more than 512.
pub const KEY_LENGTHS: RangeInclusive<usize> = 80 / 8..=512 / 8;

/// Not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyTextError {
    /// Not the letters of base32 or of hexadecimal, or not as many as a key can have.
    Letters,
    /// Shorter or longer than [`KEY_LENGTHS`].
    Length,
}

impl fmt::Display for KeyTextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Letters => "the key has another letter than its alphabet has, or one too few or too many",
            Self::Length => "the key has fewer than 80 or more than 512 bits",
        })
    }
}

impl std::error::Error for KeyTextError {}

/// Reads a key in base32 (RFC 4648 §6); case, blanks, dashes and padding are the writer's affair.
///
/// # Errors
/// Says what is wrong with it.
pub fn key_of_base32(written: &[u8]) -> Result<Secret, KeyTextError> {
    key_of(&BASE32_NOPAD, written)
}

/// Reads a key in hexadecimal, with the same tolerance.
///
/// # Errors
/// Says what is wrong with it.
pub fn key_of_hex(written: &[u8]) -> Result<Secret, KeyTextError> {
    key_of(&HEXUPPER, written)
}

fn key_of(alphabet: &Encoding, written: &[u8]) -> Result<Secret, KeyTextError> {
    let letter = |octet: &u8| !octet.is_ascii_whitespace() && !b"-=".contains(octet);
    let mut text = Zeroizing::new(Vec::with_capacity(written.len()));
    text.extend(written.iter().copied().filter(letter));
    text.make_ascii_uppercase();
    let length = alphabet.decode_len(text.len()).map_err(|_| KeyTextError::Letters)?;
    if !KEY_LENGTHS.contains(&length) {
        return Err(KeyTextError::Length);
    }
    let mut key = Zeroizing::new(vec![0; length]);
    alphabet.decode_mut(&text, &mut key).map_err(|_| KeyTextError::Letters)?;
    Ok(Secret::copy_of(&key))
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

    /// As a person types it.
    #[must_use]
    pub fn typed(self, digits: Digits) -> Secret {
        Secret::new(format!("{:01$}", self.0, usize::from(digits.count())).into_bytes())
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
        assert_eq!(Code(12_345).typed(Digits::SIX).expose(), b"012345");
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
