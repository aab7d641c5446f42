//! One round of SHA, with or without a salt behind the secret: {SHA}, {SSHA256} and their like.

use hmac::digest::Digest as _;
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::crypto::foreign::ForeignError;
use crate::crypto::secret::Secret;

/// Longest salt in octets; Dovecot makes four, others up to 32.
const MAX_SALT: usize = 64;

#[derive(Clone, Copy)]
pub(super) enum Function {
    Sha1,
    Sha256,
    Sha512,
}

impl Function {
    pub(super) const fn output_len(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    fn of(self, secret: &[u8], salt: &[u8]) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match self {
            Self::Sha1 => Sha1::new().chain_update(secret).chain_update(salt).finalize().to_vec(),
            Self::Sha256 => Sha256::new().chain_update(secret).chain_update(salt).finalize().to_vec(),
            Self::Sha512 => Sha512::new().chain_update(secret).chain_update(salt).finalize().to_vec(),
        })
    }
}

/// Whether a salt stands behind the digest.
#[derive(Clone, Copy)]
pub(super) enum Salt {
    None,
    Behind,
}

pub(super) struct Digest {
    function: Function,
    digest: Vec<u8>,
    salt: Vec<u8>,
}

impl Digest {
    pub(super) fn new(function: Function, salt: Salt, octets: &[u8]) -> Result<Self, ForeignError> {
        let parts = octets.split_at_checked(function.output_len()).ok_or(ForeignError::Malformed)?;
        let (digest, behind) = parts;
        let sound = match salt {
            Salt::None => behind.is_empty(),
            Salt::Behind => (1..=MAX_SALT).contains(&behind.len()),
        };
        let hash = Self { function, digest: digest.to_vec(), salt: behind.to_vec() };
        sound.then_some(hash).ok_or(ForeignError::Malformed)
    }

    pub(super) fn verify(&self, secret: &Secret) -> bool {
        self.function.of(secret.expose(), &self.salt).ct_eq(&self.digest).into()
    }
}
