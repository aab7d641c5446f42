//! Hashes that other software made. They are checked, and replaced at the first use.
//!
//! Knows: how Dovecot, crypt(3) and passlib write a hash, how dear one may be, and how a secret is compared with it.
//! Never: makes one, or calls C: whoever can compute crypt(3) is handed in.

mod scheme;
mod crypt;
mod digest;
mod pbkdf2;
mod argon2;
mod bcrypt_sha256;

pub use scheme::{Written, read};

use std::fmt;

use crate::crypto::password_hash::HashError;
use crate::crypto::secret::Secret;

/// Longest hash in octets: a crypt(3) hash has at most 383 (crypt.h), encoded in hexadecimal twice as many.
pub const MAX_LEN: usize = 1024;

/// Longest secret that crypt(3) takes (crypt.h: `CRYPT_MAX_PASSPHRASE_SIZE`, the final NUL included).
pub const MAX_PHRASE: usize = 511;

/// Computes crypt(3): a phrase and a setting, which may be a whole hash, make a hash.
pub type Crypt<'a> = dyn Fn(&Secret, &str) -> Result<Secret, HashError> + 'a;

/// A hash whose form is right and whose cost is within bounds.
pub struct ForeignHash {
    text: String,
    scheme: &'static str,
    method: Method,
}

enum Method {
    Crypt(crypt::CryptHash),
    Digest(digest::Digest),
    Pbkdf2(pbkdf2::Pbkdf2),
    Argon2(Box<argon2::ForeignArgon2>),
    BcryptSha256(bcrypt_sha256::BcryptSha256),
}

impl ForeignHash {
    /// Reads what [`ForeignHash::as_str`] wrote.
    ///
    /// # Errors
    /// Where it is no hash, or one that is not checked here.
    pub fn parse(text: &str) -> Result<Self, ForeignError> {
        match read(text)? {
            Written::Hash(hash) => Ok(hash),
            Written::Clear(_) => Err(ForeignError::NoHash),
        }
    }

    /// Checks a secret; the comparison takes the same time wherever a difference lies.
    ///
    /// # Errors
    /// Where there is no memory, or the system does not compute hashes of this kind.
    pub fn verify(&self, secret: &Secret, crypt: &Crypt<'_>) -> Result<bool, HashError> {
        if MAX_PHRASE < secret.len() || secret.expose().contains(&0) {
            return Ok(false);
        }
        match &self.method {
            Method::Crypt(hash) => hash.verify(secret, crypt),
            Method::Digest(hash) => Ok(hash.verify(secret)),
            Method::Pbkdf2(hash) => Ok(hash.verify(secret)),
            Method::Argon2(hash) => hash.verify(secret),
            Method::BcryptSha256(hash) => hash.verify(secret, crypt),
        }
    }

    /// About how long a check takes on a small machine of today, in milliseconds.
    #[must_use]
    pub const fn millis(&self) -> u32 {
        match &self.method {
            Method::Crypt(hash) => hash.millis(),
            Method::Digest(_) => 0,
            Method::Pbkdf2(hash) => hash.millis(),
            Method::Argon2(hash) => hash.millis(),
            Method::BcryptSha256(hash) => hash.millis(),
        }
    }

    /// The name of its scheme, in Dovecot's words where Dovecot has one.
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for ForeignHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ForeignHash({}, ..)", self.scheme)
    }
}

/// Why a hash of somebody else's is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForeignError {
    /// Nothing says which scheme it is of.
    NoScheme,
    /// A scheme that nobody knows.
    UnknownScheme,
    /// A scheme that is known, and why it is not taken.
    Refused(&'static str),
    /// Not a hash of its scheme.
    Malformed,
    /// It asks for more time or memory than a login may cost.
    TooDear,
    /// A password in the clear where a hash should be.
    NoHash,
}

impl fmt::Display for ForeignError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoScheme => "the hash has no {SCHEME} before it, and is none of crypt(3) that is taken",
            Self::UnknownScheme => "the scheme of the hash is unknown",
            Self::Refused(why) => why,
            Self::Malformed => "the hash is not of the form that its scheme has",
            Self::TooDear => "the hash asks for more time or memory than a login may cost",
            Self::NoHash => "a password in the clear stands where a hash should",
        })
    }
}

impl std::error::Error for ForeignError {}
