//! passlib's `bcrypt_sha256`, version 2, which Mailu keeps primary passwords in: bcrypt over an HMAC, so that what lies
//! beyond bcrypt's 72 octets counts too.

use data_encoding::BASE64;
use hmac::Hmac;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::crypto::foreign::crypt::{CryptHash, is_hash};
use crate::crypto::foreign::{Crypt, ForeignError};
use crate::crypto::mac::hmac;
use crate::crypto::password_hash::HashError;
use crate::crypto::secret::Secret;

pub(super) struct BcryptSha256 {
    salt: String,
    bcrypt: CryptHash,
}

impl BcryptSha256 {
    /// `$bcrypt-sha256$v=2,t=2b,r=12$salt$hash`.
    pub(super) fn parse(text: &str) -> Result<Self, ForeignError> {
        let fields: Vec<&str> = text.split('$').collect();
        let ["", "bcrypt-sha256", parameters, salt, hash] = fields.as_slice() else {
            return Err(ForeignError::Malformed);
        };
        let cost = parameters.strip_prefix("v=2,t=2b,r=").ok_or(ForeignError::Malformed)?;
        if !is_hash(salt, 22) || !is_hash(hash, 31) {
            return Err(ForeignError::Malformed);
        }
        let bcrypt = CryptHash::parse(&format!("$2b${cost:0>2}${salt}{hash}"))?;
        Ok(Self { salt: (*salt).to_owned(), bcrypt })
    }

    /// About how long it takes.
    pub(super) const fn millis(&self) -> u32 {
        self.bcrypt.millis()
    }

    pub(super) fn verify(&self, secret: &Secret, crypt: &Crypt<'_>) -> Result<bool, HashError> {
        let digest = Zeroizing::new(hmac::<Hmac<Sha256>>(self.salt.as_bytes(), secret.expose()).to_vec());
        self.bcrypt.verify(&Secret::new(BASE64.encode(&digest).into_bytes()), crypt)
    }
}
