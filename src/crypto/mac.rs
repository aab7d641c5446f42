//! Keyed hashes (RFC 2104).

use hmac::digest::Output;
use hmac::{KeyInit, Mac};

/// The HMAC of a message, such as `hmac::<Hmac<Sha256>>(key, message)`.
pub fn hmac<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Output<M> {
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else {
        unreachable!("HMAC takes keys of any length (RFC 2104 §3)");
    };
    mac.update(message);
    mac.finalize().into_bytes()
}
