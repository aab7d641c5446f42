//! Argon2id (RFC 9106), keyed with a pepper, as PHC strings.
//!
//! Knows: cost parameters, their caps, and memory that is allocated fallibly and wiped.
//! Never: whose secret it is, or where the hash is kept.

use std::fmt;
use std::mem;
use std::sync::Mutex;

use argon2::password_hash::phc;
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version};
use once_cell::sync::OnceCell;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::crypto::secret::Secret;

/// Octets of a salt.
pub const SALT_LEN: usize = 16;

const OUTPUT_LEN: usize = 32;

// A row may come from a tampered store: what it asks for is bounded before memory is touched.
const MAX_MEMORY_KIB: u32 = 64 * 1024;
const MAX_PASSES: u32 = 8;
const MAX_LANES: u32 = 4;

/// How dear a hash is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    /// For secrets with at least 65 random bits, which need no stretching: 1 MiB, one pass.
    pub const GENERATED: Self = Self { memory_kib: 1024, passes: 1, lanes: 1 };

    /// For secrets that people choose: 19 MiB, two passes (OWASP Password Storage Cheat Sheet).
    pub const CHOSEN: Self = Self { memory_kib: 19 * 1024, passes: 2, lanes: 1 };

    fn params(self) -> Result<Params, HashError> {
        let within =
            self.memory_kib <= MAX_MEMORY_KIB && self.passes <= MAX_PASSES && self.lanes <= MAX_LANES;
        if !within {
            return Err(HashError::TooDear);
        }
        Params::new(self.memory_kib, self.passes, self.lanes, Some(OUTPUT_LEN))
            .map_err(|_| HashError::Malformed)
    }
}

/// Why a hash could not be made or checked. Says nothing about the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashError {
    /// Not an Argon2id PHC string of ours, nor a hash that was imported.
    Malformed,
    /// Its parameters ask for more than any hash of ours.
    TooDear,
    /// The memory could not be had.
    OutOfMemory,
    /// The machine takes too long over the hashes that were imported.
    TooSlow,
}

impl fmt::Display for HashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the stored hash is none that can be checked",
            Self::TooDear => "the stored hash asks for more memory or passes than any hash of ours",
            Self::TooSlow => "the machine takes too long over the hashes that were imported",
            Self::OutOfMemory => "there is no memory for a password hash",
        })
    }
}

impl std::error::Error for HashError {}

/// An Argon2id PHC string whose parameters are within bounds.
pub struct PasswordHash {
    text: String,
    cost: Cost,
    salt: phc::Salt,
    output: phc::Output,
}

impl PasswordHash {
    /// Reads a PHC string.
    ///
    /// # Errors
    /// `Malformed` for anything but Argon2id version 19 with salt and a 32-octet output, `TooDear` beyond the caps.
    pub fn parse(text: &str) -> Result<Self, HashError> {
        let parsed = phc::PasswordHash::new(text).map_err(|_| HashError::Malformed)?;
        let known = parsed.algorithm == ARGON2ID_IDENT && parsed.version == Some(u32::from(Version::V0x13));
        let (Some(salt), Some(output)) = (parsed.salt, parsed.hash) else {
            return Err(HashError::Malformed);
        };
        if !known || output.len() != OUTPUT_LEN {
            return Err(HashError::Malformed);
        }
        let params = Params::try_from(&parsed.params).map_err(|_| HashError::Malformed)?;
        let cost = Cost { memory_kib: params.m_cost(), passes: params.t_cost(), lanes: params.p_cost() };
        cost.params()?;
        Ok(Self { text: text.to_owned(), cost, salt, output })
    }

    /// Hashes a secret.
    ///
    /// # Errors
    /// `OutOfMemory`; the others cannot happen with the costs above.
    pub fn make(
        secret: &Secret,
        pepper: &Secret,
        cost: Cost,
        salt: [u8; SALT_LEN],
    ) -> Result<Self, HashError> {
        let computed = compute(secret, pepper, cost, &salt)?;
        let salt = phc::Salt::new(&salt).map_err(|_| HashError::Malformed)?;
        let output = phc::Output::new(&*computed).map_err(|_| HashError::Malformed)?;
        let text = phc::PasswordHash {
            algorithm: ARGON2ID_IDENT,
            version: Some(Version::V0x13.into()),
            params: phc::ParamsString::try_from(&cost.params()?).map_err(|_| HashError::Malformed)?,
            salt: Some(salt),
            hash: Some(output),
        }
        .to_string();
        Ok(Self { text, cost, salt, output })
    }

    /// Checks a secret; the comparison takes the same time wherever a difference lies.
    ///
    /// # Errors
    /// `OutOfMemory`.
    pub fn verify(&self, secret: &Secret, pepper: &Secret) -> Result<bool, HashError> {
        let computed = compute(secret, pepper, self.cost, self.salt.as_ref())?;
        Ok(computed.ct_eq(self.output.as_bytes()).into())
    }

    /// A hash that costs what a person's does and that no secret is known for.
    ///
    /// # Errors
    /// Never; the constants are within bounds.
    pub fn decoy() -> Result<Self, HashError> {
        let (salt, output) = (phc::Salt::new(&[0; SALT_LEN]), phc::Output::new(&[0; OUTPUT_LEN]));
        let (Ok(salt), Ok(output)) = (salt, output) else {
            return Err(HashError::Malformed);
        };
        Ok(Self { text: String::new(), cost: Cost::CHOSEN, salt, output })
    }

    /// The PHC string, for the store.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

fn compute(
    secret: &Secret,
    pepper: &Secret,
    cost: Cost,
    salt: &[u8],
) -> Result<Zeroizing<[u8; OUTPUT_LEN]>, HashError> {
    let params = cost.params()?;
    let blocks = params.block_count();
    let argon2 = Argon2::new_with_secret(pepper.expose(), Algorithm::Argon2id, Version::V0x13, params)
        .map_err(|_| HashError::Malformed)?;
    let mut output = Zeroizing::new([0; OUTPUT_LEN]);
    let mut fill = |memory: &mut [Block]| {
        argon2.hash_password_into_with_memory(secret.expose(), salt, &mut *output, memory)
    };
    let filled = if cost == Cost::GENERATED {
        with_kept_memory(fill)?
    } else {
        fill(Memory::allocate(blocks)?.blocks())
    };
    filled.map_err(|_| HashError::Malformed)?;
    Ok(output)
}

/// Argon2's matrix, wiped after use. The crate's own allocation is not wiped whole.
pub(super) struct Memory(Vec<Block>);

impl Memory {
    pub(super) fn allocate(blocks: usize) -> Result<Self, HashError> {
        let mut memory = Vec::new();
        // In a host, a failed allocation must become an answer, not an abort.
        memory.try_reserve_exact(blocks).map_err(|_| HashError::OutOfMemory)?;
        memory.resize(blocks, Block::new());
        Ok(Self(memory))
    }

    pub(super) fn blocks(&mut self) -> &mut [Block] {
        &mut self.0
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.0.iter_mut().zeroize();
    }
}

/// The matrix for generated secrets is kept for the next login of the same process: taking it from the kernel
/// anew costs a third of the hash. Between logins it is wiped. One thread at a time has it; the others take theirs.
fn with_kept_memory<T>(body: impl FnOnce(&mut [Block]) -> T) -> Result<T, HashError> {
    static KEPT: OnceCell<Mutex<Vec<Block>>> = OnceCell::new();
    let blocks = Cost::GENERATED.memory_kib as usize;
    let kept = KEPT.get_or_try_init(|| {
        Memory::allocate(blocks).map(|mut memory| Mutex::new(mem::take(&mut memory.0)))
    })?;
    let Ok(mut kept) = kept.try_lock() else {
        return Ok(body(Memory::allocate(blocks)?.blocks()));
    };
    let result = body(&mut kept);
    // No dead store, since the next login reads it: plain, it takes a tenth of the time of volatile writes.
    kept.fill(Block::new());
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> PasswordHash {
        PasswordHash::make(
            &Secret::copy_of(b"open"),
            &Secret::copy_of(b"pepper"),
            Cost::GENERATED,
            [9; SALT_LEN],
        )
        .unwrap()
    }

    #[test]
    fn only_the_right_secret_under_the_right_pepper_matches() {
        let stored = PasswordHash::parse(made().as_str()).unwrap();
        let check = |secret: &[u8], pepper: &[u8]| {
            stored.verify(&Secret::copy_of(secret), &Secret::copy_of(pepper)).unwrap()
        };
        assert!(check(b"open", b"pepper"));
        assert!(!check(b"opem", b"pepper"));
        assert!(!check(b"open", b"salt"));
    }

    #[test]
    fn the_kept_memory_holds_nothing_between_hashes() {
        // Other tests may have it at times, and this one fresh memory; not a hundred times.
        for _ in 0..100 {
            made();
            let used = with_kept_memory(|memory| {
                memory.iter().flat_map(Block::as_ref).filter(|word| **word != 0).count()
            });
            assert_eq!(used, Ok(0));
        }
    }

    #[test]
    fn rows_that_ask_for_too_much_are_refused_before_memory_is_touched() {
        for parameters in ["m=4194304,t=1,p=1", "m=1024,t=4000000,p=1", "m=1024,t=1,p=64"] {
            let row = made().as_str().replace("m=1024,t=1,p=1", parameters);
            assert_eq!(PasswordHash::parse(&row).unwrap_err(), HashError::TooDear, "{parameters}");
        }
    }

    #[test]
    fn foreign_and_damaged_rows_are_refused() {
        let good = made();
        let truncated = good.as_str().get(..good.as_str().len() - 9).unwrap();
        let argon2i = good.as_str().replace("argon2id", "argon2i");
        let version_16 = good.as_str().replace("v=19", "v=16");
        for row in ["", "*", "!", "$argon2id$", "$1$abc$def", "x", truncated, &argon2i, &version_16] {
            assert_eq!(PasswordHash::parse(row).unwrap_err(), HashError::Malformed, "{row}");
        }
    }
}
