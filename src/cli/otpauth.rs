//! TOTP keys as people and authenticator apps write them.
//!
//! Knows: base32 (RFC 4648 §6) and the otpauth URI
//! (github.com/google/google-authenticator/wiki/Key-Uri-Format).
//! Never: where a key is kept.

use std::fmt::Write as _;

use data_encoding::BASE32_NOPAD;
use zeroize::Zeroizing;

use crate::cli::failure::Failure;
use crate::crypto::otp::{Algorithm, Digits, key_of_base32};
use crate::crypto::secret::Secret;
use crate::domain::account::AccountName;
use crate::domain::totp::{Period, Totp};

/// Reads a key in base32.
pub(super) fn read_key(written: &Secret) -> Result<Secret, Failure> {
    key_of_base32(written.expose()).map_err(|error| {
        let hint = "a key is written in A-Z and 2-7, such as JBSW Y3DP EHPK 3PXP; nothing was stored";
        Failure::Usage(error.to_string(), hint)
    })
}

/// What an authenticator app reads; parameters that every app assumes are left out, for a smaller QR code.
pub(super) fn uri(issuer: &str, account: &AccountName, totp: &Totp) -> Secret {
    let (issuer, account) = (encoded(issuer), encoded(account.as_str()));
    // With room for all of it from the start: a string that grows leaves copies behind.
    let room = 2 * issuer.len() + account.len() + BASE32_NOPAD.encode_len(totp.key.len()) + 128;
    let mut uri = Zeroizing::new(String::with_capacity(room));
    let _ = write!(uri, "otpauth://totp/{issuer}:{account}?secret=");
    BASE32_NOPAD.encode_append(totp.key.expose(), &mut uri);
    let _ = write!(uri, "&issuer={issuer}");
    if totp.algorithm != Algorithm::Sha1 {
        let _ = write!(uri, "&algorithm={}", totp.algorithm.name());
    }
    if totp.digits != Digits::SIX {
        let _ = write!(uri, "&digits={}", totp.digits.count());
    }
    if totp.period != Period::DEFAULT {
        let _ = write!(uri, "&period={}", totp.period.secs());
    }
    Secret::copy_of(uri.as_bytes())
}

/// The key in base32, in groups of four, to be typed by hand.
pub(super) fn by_hand(key: &Secret) -> Secret {
    let mut text = Zeroizing::new(String::with_capacity(BASE32_NOPAD.encode_len(key.len())));
    BASE32_NOPAD.encode_append(key.expose(), &mut text);
    let mut grouped = Zeroizing::new(Vec::with_capacity(text.len() + text.len() / 4));
    for (place, letter) in text.bytes().enumerate() {
        if place > 0 && place % 4 == 0 {
            grouped.push(b' ');
        }
        grouped.push(letter);
    }
    Secret::copy_of(&grouped)
}

/// Percent-encoded (RFC 3986 §2.1), but for what is plain in a path and in a query.
fn encoded(text: &str) -> String {
    let mut plain = String::with_capacity(3 * text.len());
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~@".contains(&octet) {
            plain.push(char::from(octet));
        } else {
            let _ = write!(plain, "%{octet:02X}");
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::{Case, DomainRule, Naming};

    // RFC 4226's test key.
    const KEY: &[u8] = b"12345678901234567890";
    const BASE32: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    fn name(text: &str) -> AccountName {
        let naming = Naming { case: Case::Keep, domain: DomainRule::Keep };
        AccountName::parse(text.as_bytes(), &naming).unwrap()
    }

    fn read(text: &str) -> Result<Secret, Failure> {
        read_key(&Secret::copy_of(text.as_bytes()))
    }

    #[test]
    fn a_key_is_read_however_it_is_written() {
        for text in [
            BASE32.to_owned(),
            BASE32.to_lowercase(),
            format!(" {}-{} \t", &BASE32[..8], &BASE32[8..]),
            format!("{BASE32}===="),
        ] {
            assert_eq!(read(&text).unwrap().expose(), KEY, "{text}");
        }
        assert_eq!(read("JBSWY3DPEHPK3PXP").unwrap().len(), 10);
        assert_eq!(read(&"A".repeat(103)).unwrap().len(), 64);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in [
            "",
            "JBSWY3DPEHPK3P",
            &"A".repeat(105),
            &"A".repeat(512),
            "GEZDGNBVGY3TQOJ1",
            "JBSWY3DPEHPK3PX",
            "é",
        ] {
            assert!(matches!(read(text), Err(Failure::Usage(..))), "{text}");
        }
    }

    #[track_caller]
    fn check(issuer: &str, account: &str, totp: &Totp, expected: &str) {
        let uri = uri(issuer, &name(account), totp);
        assert_eq!(std::str::from_utf8(uri.expose()).unwrap(), expected);
    }

    #[test]
    fn the_uri_leaves_out_what_every_app_assumes() {
        let mut totp = Totp::with_key(Secret::copy_of(KEY));
        check(
            "Postern",
            "alice@example.org",
            &totp,
            &format!("otpauth://totp/Postern:alice@example.org?secret={BASE32}&issuer=Postern"),
        );
        totp.algorithm = Algorithm::Sha256;
        totp.digits = Digits::new(8).unwrap();
        totp.period = Period::new(60).unwrap();
        check(
            "Café & Co",
            "a:b/?#%",
            &totp,
            &format!(
                "otpauth://totp/Caf%C3%A9%20%26%20Co:a%3Ab%2F%3F%23%25?secret={BASE32}\
                 &issuer=Caf%C3%A9%20%26%20Co&algorithm=SHA256&digits=8&period=60"
            ),
        );
    }
}
