//! PBKDF2 (RFC 8018 §5.2), as Dovecot writes it with SHA-1, and passlib, hence Mailu, with SHA-256.

use data_encoding::{BASE64_NOPAD, HEXLOWER_PERMISSIVE};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::crypto::foreign::ForeignError;
use crate::crypto::foreign::crypt::decimal;
use crate::crypto::secret::Secret;

/// Most rounds: a second or two. OWASP asks for 600,000 of SHA-256.
const MAX_ROUNDS: u32 = 1_000_000;

const MAX_SALT: usize = 64;

enum Function {
    Sha1,
    Sha256,
}

pub(super) struct Pbkdf2 {
    function: Function,
    rounds: u32,
    salt: Vec<u8>,
    derived: Vec<u8>,
}

impl Pbkdf2 {
    /// `$1$salt$rounds$hex`.
    pub(super) fn dovecot(text: &str) -> Result<Self, ForeignError> {
        let fields: Vec<&str> = text.split('$').collect();
        let ["", "1", salt, rounds, hex] = fields.as_slice() else {
            return Err(ForeignError::Malformed);
        };
        let derived = HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).map_err(|_| ForeignError::Malformed)?;
        Self { function: Function::Sha1, rounds: decimal(rounds)?, salt: salt.as_bytes().to_vec(), derived }
            .bounded(20)
    }

    /// `$pbkdf2-sha256$rounds$salt$hash`, in base64 with a dot for the plus.
    pub(super) fn passlib(text: &str) -> Result<Self, ForeignError> {
        let fields: Vec<&str> = text.split('$').collect();
        let ["", "pbkdf2-sha256", rounds, salt, hash] = fields.as_slice() else {
            return Err(ForeignError::Malformed);
        };
        let octets = |field: &str| {
            BASE64_NOPAD.decode(field.replace('.', "+").as_bytes()).map_err(|_| ForeignError::Malformed)
        };
        let (salt, derived) = (octets(salt)?, octets(hash)?);
        Self { function: Function::Sha256, rounds: decimal(rounds)?, salt, derived }.bounded(32)
    }

    fn bounded(self, output_len: usize) -> Result<Self, ForeignError> {
        if MAX_ROUNDS < self.rounds {
            return Err(ForeignError::TooDear);
        }
        let sound = self.derived.len() == output_len && self.salt.len() <= MAX_SALT;
        sound.then_some(self).ok_or(ForeignError::Malformed)
    }

    /// About how long it takes.
    pub(super) const fn millis(&self) -> u32 {
        self.rounds / 2000
    }

    pub(super) fn verify(&self, secret: &Secret) -> bool {
        let derived = match self.function {
            Function::Sha1 => first_block::<Hmac<Sha1>>(secret, &self.salt, self.rounds),
            Function::Sha256 => first_block::<Hmac<Sha256>>(secret, &self.salt, self.rounds),
        };
        derived.expose().ct_eq(&self.derived).into()
    }
}

/// As many octets as the function puts out; nobody asks for more.
fn first_block<M: Mac + KeyInit + Clone>(secret: &Secret, salt: &[u8], rounds: u32) -> Secret {
    let Ok(keyed) = <M as KeyInit>::new_from_slice(secret.expose()) else {
        unreachable!("HMAC takes keys of any length (RFC 2104 §3)");
    };
    let of = |parts: &[&[u8]]| {
        let mut mac = keyed.clone();
        parts.iter().for_each(|part| mac.update(part));
        mac.finalize().into_bytes()
    };
    let mut last = of(&[salt, &1_u32.to_be_bytes()]);
    let mut sum = last.to_vec();
    for _ in 1..rounds {
        last = of(&[&last]);
        sum.iter_mut().zip(&last).for_each(|(sum, octet)| *sum ^= octet);
    }
    last.zeroize();
    Secret::new(sum)
}
