//! Argon2i and Argon2id without a key of ours (RFC 9106), as libsodium and everybody else write them.

use argon2::password_hash::phc;
use argon2::{ARGON2I_IDENT, ARGON2ID_IDENT, Algorithm, Argon2, Params, Version};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::crypto::foreign::ForeignError;
use crate::crypto::password_hash::{HashError, Memory};
use crate::crypto::secret::Secret;

/// Dovecot makes 64 MiB by default, and libsodium's "moderate" is 256 MiB.
const MAX_MEMORY_KIB: u32 = 256 * 1024;

/// KiB that are filled, over all passes: a second. libsodium's "moderate" fills three times 256 MiB.
const MAX_FILLED_KIB: u64 = 1024 * 1024;

const MAX_LANES: u32 = 16;

pub(super) struct ForeignArgon2 {
    algorithm: Algorithm,
    params: Params,
    salt: phc::Salt,
    output: phc::Output,
}

impl ForeignArgon2 {
    pub(super) fn parse(text: &str) -> Result<Self, ForeignError> {
        let parsed = phc::PasswordHash::new(text).map_err(|_| ForeignError::Malformed)?;
        let algorithm = match parsed.algorithm {
            ARGON2I_IDENT => Algorithm::Argon2i,
            ARGON2ID_IDENT => Algorithm::Argon2id,
            _ => return Err(ForeignError::UnknownScheme),
        };
        let (Some(salt), Some(output)) = (parsed.salt, parsed.hash) else {
            return Err(ForeignError::Malformed);
        };
        if parsed.version != Some(u32::from(Version::V0x13)) {
            return Err(ForeignError::Malformed);
        }
        let params = Params::try_from(&parsed.params).map_err(|_| ForeignError::Malformed)?;
        let filled = u64::from(params.m_cost()) * u64::from(params.t_cost());
        if MAX_MEMORY_KIB < params.m_cost() || MAX_FILLED_KIB < filled || MAX_LANES < params.p_cost() {
            return Err(ForeignError::TooDear);
        }
        let params = Params::new(params.m_cost(), params.t_cost(), params.p_cost(), Some(output.len()))
            .map_err(|_| ForeignError::Malformed)?;
        Ok(Self { algorithm, params, salt, output })
    }

    pub(super) const fn scheme(&self) -> &'static str {
        match self.algorithm {
            Algorithm::Argon2i => "ARGON2I",
            Algorithm::Argon2d | Algorithm::Argon2id => "ARGON2ID",
        }
    }

    /// About how long it takes.
    pub(super) const fn millis(&self) -> u32 {
        // Within the bounds, neither number comes near the end of its type.
        self.params.m_cost() * self.params.t_cost() / 700
    }

    pub(super) fn verify(&self, secret: &Secret) -> Result<bool, HashError> {
        let mut memory = Memory::allocate(self.params.block_count())?;
        let mut output = Zeroizing::new(vec![0; self.output.len()]);
        Argon2::new(self.algorithm, Version::V0x13, self.params.clone())
            .hash_password_into_with_memory(secret.expose(), self.salt.as_ref(), &mut output, memory.blocks())
            .map_err(|_| HashError::Malformed)?;
        Ok(output.ct_eq(self.output.as_bytes()).into())
    }
}
