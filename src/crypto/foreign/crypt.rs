//! Hashes of crypt(3), as crypt(5) of libxcrypt draws them.
//!
//! Everything is looked at before C is: the form, so that an import is refused and not a login, and the cost, since
//! a row may come from somebody hostile.

use std::ops::RangeInclusive;

use subtle::ConstantTimeEq;

use crate::crypto::foreign::scheme::DES;
use crate::crypto::foreign::{Crypt, ForeignError};
use crate::crypto::password_hash::HashError;
use crate::crypto::secret::Secret;

/// Rounds of SHA-256 and SHA-512: half a second, and for a secret of 500 octets three. libxcrypt takes none below 1000;
/// passlib makes 656,000.
const SHA_ROUNDS: RangeInclusive<u32> = 1000..=700_000;

/// What they are without a number.
const DEFAULT_SHA_ROUNDS: u32 = 5000;

/// Cost of bcrypt: 14 is a second, and each more doubles it.
const BCRYPT_COSTS: RangeInclusive<u32> = 4..=14;

/// Octets of memory of yescrypt and scrypt; Debian's own yescrypt takes 16 MiB.
const MAX_MEMORY: u64 = 256 << 20;

/// What crypt(3) writes numbers, salts and hashes in.
const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A hash of crypt(3), which is its own setting.
pub(super) struct CryptHash {
    text: String,
    scheme: &'static str,
    millis: u32,
}

impl CryptHash {
    pub(super) fn parse(text: &str) -> Result<Self, ForeignError> {
        let (prefix, rest) = text
            .strip_prefix('$')
            .and_then(|text| text.split_once('$'))
            .ok_or_else(|| without_prefix(text))?;
        let (scheme, millis) = match prefix {
            "1" => salted(rest, 8, 22).map(|()| ("MD5-CRYPT", 1)),
            "5" => sha(rest, 43).map(|millis| ("SHA256-CRYPT", millis)),
            "6" => sha(rest, 86).map(|millis| ("SHA512-CRYPT", millis)),
            "2a" | "2b" | "2y" => bcrypt(rest).map(|millis| ("BLF-CRYPT", millis)),
            "y" => yescrypt(rest).map(|millis| ("YESCRYPT", millis)),
            "gy" => yescrypt(rest).map(|millis| ("GOST-YESCRYPT", millis)),
            "7" => scrypt(rest).map(|millis| ("SCRYPT", millis)),
            "2x" => Err(ForeignError::Refused("$2x$ is bcrypt with a flaw: set a new password")),
            "3" => Err(ForeignError::Refused("$3$ is a bare MD4: set a new password")),
            "sha1" => Err(ForeignError::Refused("SHA1-crypt is not taken: set a new password")),
            // Its parameters follow a comma.
            sun if sun.starts_with("md5") => {
                Err(ForeignError::Refused("SunMD5 is not taken: set a new password"))
            }
            _ => Err(ForeignError::UnknownScheme),
        }?;
        Ok(Self { text: text.to_owned(), scheme, millis })
    }

    pub(super) fn verify(&self, secret: &Secret, crypt: &Crypt<'_>) -> Result<bool, HashError> {
        let computed = crypt(secret, &self.text)?;
        Ok(computed.expose().ct_eq(self.text.as_bytes()).into())
    }

    pub(super) const fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// About how long it takes.
    pub(super) const fn millis(&self) -> u32 {
        self.millis
    }
}

/// 13 letters are DES, 20 after an underscore are BSDi's.
fn without_prefix(text: &str) -> ForeignError {
    let des = text.len() == 13 && is_hash(text, 13) || text.len() == 20 && text.starts_with('_');
    if des { ForeignError::Refused(DES) } else { ForeignError::NoScheme }
}

/// `salt$hash`.
fn salted(rest: &str, longest_salt: usize, hash_len: usize) -> Result<(), ForeignError> {
    let (salt, hash) = rest.split_once('$').ok_or(ForeignError::Malformed)?;
    let sound = salt.len() <= longest_salt && salt.bytes().all(may_salt) && is_hash(hash, hash_len);
    sound.then_some(()).ok_or(ForeignError::Malformed)
}

/// `rounds=N$`, which may be missing, and the rest.
fn sha(rest: &str, hash_len: usize) -> Result<u32, ForeignError> {
    let (rounds, rest) = match rest.strip_prefix("rounds=") {
        None => (DEFAULT_SHA_ROUNDS, rest),
        Some(rounds) => {
            let (number, rest) = rounds.split_once('$').ok_or(ForeignError::Malformed)?;
            (within(decimal(number)?, &SHA_ROUNDS)?, rest)
        }
    };
    salted(rest, 16, hash_len)?;
    Ok(rounds / 1000)
}

/// `NN$` and 53 letters: 22 of salt, 31 of hash.
fn bcrypt(rest: &str) -> Result<u32, ForeignError> {
    let (cost, hash) = rest.split_once('$').ok_or(ForeignError::Malformed)?;
    if cost.len() != 2 || !is_hash(hash, 53) {
        return Err(ForeignError::Malformed);
    }
    // A leading zero belongs to the form here.
    let cost = cost.strip_prefix('0').unwrap_or(cost);
    Ok((1 << within(decimal(cost)?, &BCRYPT_COSTS)?) / 16)
}

/// `jNr$salt$hash`: the flavour (`j`, which is 47), memory and block size in a letter each. What nobody's default has, such as parallelism, is
/// not taken, and needs no bound then.
fn yescrypt(rest: &str) -> Result<u32, ForeignError> {
    let (parameters, rest) = rest.split_once('$').ok_or(ForeignError::Malformed)?;
    salted(rest, 86, 43)?;
    let letters = parameters.bytes().map(value).collect::<Option<Vec<u64>>>();
    // From 48 on a letter begins a longer number.
    match letters.as_deref() {
        Some([47, log2 @ 0..=47, size @ 0..=47]) => bounded_memory(log2 + 1, size + 1),
        Some(_) => Err(ForeignError::TooDear),
        None => Err(ForeignError::Malformed),
    }
}

/// `Nrrrrrppppp`, the salt, `$` and the hash.
fn scrypt(rest: &str) -> Result<u32, ForeignError> {
    let (parameters, rest) = rest.split_at_checked(11).ok_or(ForeignError::Malformed)?;
    salted(rest, 86, 43)?;
    let letters = parameters.bytes().map(value).collect::<Option<Vec<u64>>>();
    let letters = letters.ok_or(ForeignError::Malformed)?;
    let number =
        |from: usize| letters.iter().skip(from).take(5).rev().fold(0, |number, letter| number << 6 | letter);
    // Time grows with parallelism as it does with memory.
    let size = number(1).checked_mul(number(6)).ok_or(ForeignError::TooDear)?;
    bounded_memory(letters.first().copied().unwrap_or(0), size)
}

/// 128 octets, times the block size, times two to the power of `log2`; filled with some 250 MiB in a second.
fn bounded_memory(log2: u64, size: u64) -> Result<u32, ForeignError> {
    if log2 == 0 || size == 0 {
        return Err(ForeignError::Malformed);
    }
    let blocks = u32::try_from(log2).ok().and_then(|log2| 1_u64.checked_shl(log2));
    let memory =
        blocks.and_then(|blocks| blocks.checked_mul(128)).and_then(|octets| octets.checked_mul(size));
    match memory {
        Some(memory) if memory <= MAX_MEMORY => Ok(u32::try_from(memory >> 18).unwrap_or(u32::MAX)),
        _ => Err(ForeignError::TooDear),
    }
}

fn within(number: u32, bounds: &RangeInclusive<u32>) -> Result<u32, ForeignError> {
    if bounds.end() < &number {
        return Err(ForeignError::TooDear);
    }
    bounds.contains(&number).then_some(number).ok_or(ForeignError::Malformed)
}

/// Digits without a sign or a leading zero; what has more than nine is beyond every bound.
pub(super) fn decimal(text: &str) -> Result<u32, ForeignError> {
    if text.is_empty() || text.starts_with('0') || !text.bytes().all(|octet| octet.is_ascii_digit()) {
        return Err(ForeignError::Malformed);
    }
    if 9 < text.len() {
        return Err(ForeignError::TooDear);
    }
    text.parse().map_err(|_| ForeignError::Malformed)
}

/// libxcrypt refuses what could part fields of passwd(5) and shadow(5).
const fn may_salt(octet: u8) -> bool {
    octet.is_ascii_graphic() && !matches!(octet, b'$' | b'!' | b'*' | b':' | b';' | b'\\')
}

pub(super) fn is_hash(text: &str, len: usize) -> bool {
    text.len() == len && text.bytes().all(|octet| value(octet).is_some())
}

fn value(octet: u8) -> Option<u64> {
    ALPHABET.iter().position(|letter| *letter == octet).map(|place| place as u64)
}
