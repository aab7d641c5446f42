//! `{SCHEME}hash`, as Dovecot writes it (doc.dovecot.org, "Password Schemes"), and hashes that name themselves.

use data_encoding::{BASE64, BASE64_NOPAD, HEXLOWER_PERMISSIVE};
use zeroize::Zeroizing;

use crate::crypto::foreign::argon2::ForeignArgon2;
use crate::crypto::foreign::bcrypt_sha256::BcryptSha256;
use crate::crypto::foreign::crypt::CryptHash;
use crate::crypto::foreign::digest::{Digest, Function, Salt};
use crate::crypto::foreign::pbkdf2::Pbkdf2;
use crate::crypto::foreign::{ForeignError, ForeignHash, MAX_LEN, Method};
use crate::crypto::secret::Secret;

/// What stands in a password field.
#[derive(Debug)]
pub enum Written {
    /// The password itself.
    Clear(Secret),
    /// A hash of it.
    Hash(ForeignHash),
}

/// Reads a password field. Without a scheme it is what Dovecot's passwd-file takes it for: a hash of crypt(3).
///
/// # Errors
/// Says why it is not taken.
pub fn read(text: &str) -> Result<Written, ForeignError> {
    if MAX_LEN < text.len() {
        return Err(ForeignError::Malformed);
    }
    let Some(braced) = text.strip_prefix('{') else {
        return hash(text, self_named(text)?);
    };
    let (name, rest) = braced.split_once('}').ok_or(ForeignError::NoScheme)?;
    let (name, encoding) = split_encoding(name)?;
    let scheme = Scheme::named(&name.to_ascii_uppercase())?;
    let octets = decode(rest, scheme, encoding)?;
    match scheme {
        Scheme::Clear => Ok(Written::Clear(Secret::copy_of(&octets))),
        Scheme::Digest(name, function, salt) => {
            hash(text, (name, Method::Digest(Digest::new(function, salt, &octets)?)))
        }
        Scheme::Pbkdf2 => hash(text, ("PBKDF2", Method::Pbkdf2(Pbkdf2::dovecot(plain(&octets)?)?))),
        Scheme::SelfNamed => {
            let found = self_named(plain(&octets)?);
            hash(text, found.map_err(|error| named_already(error, name))?)
        }
    }
}

#[allow(clippy::unnecessary_wraps, reason = "it ends three arms of a match that may fail")]
fn hash(text: &str, (scheme, method): (&'static str, Method)) -> Result<Written, ForeignError> {
    Ok(Written::Hash(ForeignHash { text: text.to_owned(), scheme, method }))
}

/// A hash that begins with `$` and its own name.
fn self_named(text: &str) -> Result<(&'static str, Method), ForeignError> {
    if text.starts_with("$argon2") {
        let hash = ForeignArgon2::parse(text)?;
        return Ok((hash.scheme(), Method::Argon2(Box::new(hash))));
    }
    if text.starts_with("$pbkdf2") {
        return Ok(("PBKDF2-SHA256", Method::Pbkdf2(Pbkdf2::passlib(text)?)));
    }
    if text.starts_with("$bcrypt-sha256$") {
        return Ok(("BCRYPT-SHA256", Method::BcryptSha256(BcryptSha256::parse(text)?)));
    }
    let hash = CryptHash::parse(text)?;
    Ok((hash.scheme(), Method::Crypt(hash)))
}

/// It has a `{SCHEME}` before it, and is none of the hashes that go by such a name.
fn named_already(error: ForeignError, name: &str) -> ForeignError {
    if error != ForeignError::NoScheme {
        return error;
    }
    // To Dovecot `MD5` is that of crypt(3); others mean the digest.
    if name.eq_ignore_ascii_case("MD5") { BARE_MD5 } else { ForeignError::Malformed }
}

const BARE_MD5: ForeignError = ForeignError::Refused("a bare MD4 or MD5 is not taken: set a new password");

#[derive(Clone, Copy)]
enum Scheme {
    Clear,
    Digest(&'static str, Function, Salt),
    Pbkdf2,
    /// Dovecot does not care which of these names stands before which of these hashes.
    SelfNamed,
}

impl Scheme {
    fn named(name: &str) -> Result<Self, ForeignError> {
        use Function::{Sha1, Sha256, Sha512};
        Ok(match name {
            "PLAIN" | "CLEAR" | "CLEARTEXT" => Self::Clear,
            "CRYPT" | "MD5" | "MD5-CRYPT" | "BLF-CRYPT" | "SHA256-CRYPT" | "SHA512-CRYPT" | "ARGON2"
            | "ARGON2I" | "ARGON2ID" => Self::SelfNamed,
            "SHA" | "SHA1" => Self::Digest("SHA", Sha1, Salt::None),
            "SHA256" => Self::Digest("SHA256", Sha256, Salt::None),
            "SHA512" => Self::Digest("SHA512", Sha512, Salt::None),
            "SSHA" => Self::Digest("SSHA", Sha1, Salt::Behind),
            "SSHA256" => Self::Digest("SSHA256", Sha256, Salt::Behind),
            "SSHA512" => Self::Digest("SSHA512", Sha512, Salt::Behind),
            "PBKDF2" => Self::Pbkdf2,
            "DES-CRYPT" => return Err(ForeignError::Refused(DES)),
            "PLAIN-MD5" | "LDAP-MD5" | "SMD5" | "PLAIN-MD4" | "HMAC-MD5" => {
                return Err(BARE_MD5);
            }
            "CRAM-MD5" | "DIGEST-MD5" | "SCRAM-SHA-1" | "SCRAM-SHA-256" | "NTLM" | "LANMAN" | "RPA" => {
                let why = "the scheme is for challenges, not for passwords: set a new password";
                return Err(ForeignError::Refused(why));
            }
            "OTP" | "SKEY" => return Err(ForeignError::Refused("the scheme is for one-time passwords")),
            "PLAIN-TRUNC" => {
                return Err(ForeignError::Refused(
                    "the scheme takes the beginning of a password for all of it",
                ));
            }
            _ => return Err(ForeignError::UnknownScheme),
        })
    }

    /// Octets of the digest, where nothing stands behind it: by them Dovecot tells hexadecimal from base64.
    const fn fixed_len(self) -> Option<usize> {
        match self {
            Self::Digest(_, function, Salt::None) => Some(function.output_len()),
            Self::Digest(_, _, Salt::Behind) | Self::Clear | Self::Pbkdf2 | Self::SelfNamed => None,
        }
    }
}

pub(super) const DES: &str =
    "DES looks at eight letters of a password, so that many others pass too: set a new password";

#[derive(Clone, Copy)]
enum Encoding {
    Base64,
    Hex,
}

fn split_encoding(name: &str) -> Result<(&str, Option<Encoding>), ForeignError> {
    let Some((name, encoding)) = name.split_once('.') else {
        return Ok((name, None));
    };
    match encoding.to_ascii_lowercase().as_str() {
        "b64" | "base64" => Ok((name, Some(Encoding::Base64))),
        "hex" => Ok((name, Some(Encoding::Hex))),
        _ => Err(ForeignError::UnknownScheme),
    }
}

fn decode(
    text: &str,
    scheme: Scheme,
    encoding: Option<Encoding>,
) -> Result<Zeroizing<Vec<u8>>, ForeignError> {
    let decoded = match (encoding, scheme) {
        (Some(Encoding::Hex), _) => from_hex(text),
        (Some(Encoding::Base64), _) => from_base64(text),
        (None, Scheme::Digest(..)) if scheme.fixed_len().is_some_and(|len| text.len() == 2 * len) => {
            // Some length is that of both.
            from_hex(text).or_else(|| from_base64(text))
        }
        (None, Scheme::Digest(..)) => from_base64(text),
        (None, Scheme::Clear | Scheme::Pbkdf2 | Scheme::SelfNamed) => Some(text.as_bytes().to_vec()),
    };
    decoded.map(Zeroizing::new).ok_or(ForeignError::Malformed)
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok()
}

fn from_base64(text: &str) -> Option<Vec<u8>> {
    let encoding = if text.contains('=') { BASE64 } else { BASE64_NOPAD };
    encoding.decode(text.as_bytes()).ok()
}

fn plain(octets: &[u8]) -> Result<&str, ForeignError> {
    std::str::from_utf8(octets).map_err(|_| ForeignError::Malformed)
}
