//! One presentation of a secret for an account, on a service, from a remote host.
//!
//! Knows: the bounds of what a host hands over.
//! Never: whether the secret is right.

use std::fmt;
use std::net::IpAddr;

use crate::crypto::secret::Secret;
use crate::domain::account::{AccountName, Naming};
use crate::domain::service::Service;
use crate::domain::throttle::Source;

/// Longest secret in octets: PAM_MAX_RESP_SIZE.
pub const MAX_SECRET: usize = 512;

// RFC 1035 §2.3.4: 255 octets.
const MAX_HOST: usize = 255;

/// What a host handed over, unread.
pub struct RawAttempt<'a> {
    /// PAM_USER, SASL authcid.
    pub account: &'a [u8],
    /// What was typed.
    pub shown: Shown<'a>,
    /// The PAM service name or the argument that names it.
    pub service: &'a [u8],
    /// PAM_RHOST or the peer of the SASL connection.
    pub remote: Option<&'a [u8]>,
    /// Through which door it came.
    pub door: Door,
}

/// What was typed, and where.
#[derive(Clone, Copy)]
pub enum Shown<'a> {
    /// One field: an app password, or a primary password with a code behind it.
    Field(&'a Secret),
    /// A field, and a code at its own prompt.
    Apart {
        /// The field, which is not split.
        field: &'a Secret,
        /// The code.
        code: &'a Secret,
    },
    /// A code at its own prompt; another module checks the primary password.
    CodeAlone(&'a Secret),
}

impl Shown<'_> {
    fn readable(&self) -> bool {
        match self {
            Self::Field(secret) | Self::CodeAlone(secret) => readable(secret),
            Self::Apart { field, code } => readable(field) && readable(code),
        }
    }
}

/// An attempt whose every field is within its bounds.
pub struct Attempt<'a> {
    /// Who logs in.
    pub account: AccountName,
    /// With what.
    pub shown: Shown<'a>,
    /// To what.
    pub service: Service,
    /// From where; `None` lies in no network.
    pub remote: Option<IpAddr>,
    /// Where its failures are counted.
    pub source: Source,
}

impl<'a> Attempt<'a> {
    /// Reads what a host handed over.
    ///
    /// # Errors
    /// Names the field that is out of bounds.
    pub fn parse(raw: &RawAttempt<'a>, naming: &Naming) -> Result<Self, Malformed> {
        let account = AccountName::parse(raw.account, naming).map_err(|_| Malformed::Account)?;
        let service = Service::parse(raw.service).map_err(|_| Malformed::Service)?;
        let remote = raw.remote.map_or(Ok(None), remote_host)?;
        if !raw.shown.readable() {
            return Err(Malformed::Secret);
        }
        let source = if raw.door == Door::Manage { Source::ONESELF } else { Source::of(remote) };
        Ok(Self { account, shown: raw.shown, service, remote, source })
    }
}

/// The field that is out of bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The account name.
    Account,
    /// The secret.
    Secret,
    /// The service name.
    Service,
    /// The remote host.
    RemoteHost,
}

impl Malformed {
    /// The field's name in an audit line.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Secret => "secret",
            Self::Service => "service",
            Self::RemoteHost => "rhost",
        }
    }
}

/// Through which door an attempt came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// The PAM module.
    Pam,
    /// The SASL plug-in.
    Sasl,
    /// posternd, in saslauthd's language.
    Saslauthd,
    /// The C interface.
    C,
    /// posternd, as proof of a local user.
    Manage,
    /// `postern try`.
    Try,
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pam => "pam",
            Self::Sasl => "sasl",
            Self::Saslauthd => "saslauthd",
            Self::C => "c",
            Self::Manage => "manage",
            Self::Try => "try",
        })
    }
}

fn readable(secret: &Secret) -> bool {
    secret.len() <= MAX_SECRET
        && std::str::from_utf8(secret.expose()).is_ok_and(|text| !text.chars().any(char::is_control))
}

/// An address literal, or `None` for a host name: names are never resolved, since whoever owns the
/// reverse zone owns the answer.
///
/// # Errors
/// Where it is neither.
pub fn remote_host(raw: &[u8]) -> Result<Option<IpAddr>, Malformed> {
    let text = std::str::from_utf8(raw).map_err(|_| Malformed::RemoteHost)?;
    // RFC 4007 §11: an address may name its zone.
    let literal = text.split_once('%').map_or(text, |(address, _)| address);
    if let Ok(address) = literal.parse::<IpAddr>() {
        let zone_is_plain =
            text.bytes().all(|octet| octet.is_ascii_alphanumeric() || b".:%-_".contains(&octet));
        return zone_is_plain.then_some(Some(address.to_canonical())).ok_or(Malformed::RemoteHost);
    }
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || b".-_:".contains(&octet);
    let host_name = text.len() <= MAX_HOST && text.bytes().all(plain);
    host_name.then_some(None).ok_or(Malformed::RemoteHost)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::{Case, DomainRule};

    fn parse(
        account: &[u8],
        secret: &[u8],
        service: &[u8],
        remote: Option<&[u8]>,
    ) -> Result<Option<IpAddr>, Malformed> {
        let secret = Secret::copy_of(secret);
        let raw = RawAttempt { account, shown: Shown::Field(&secret), service, remote, door: Door::Try };
        let naming = Naming { case: Case::Fold, domain: DomainRule::Keep };
        Attempt::parse(&raw, &naming).map(|attempt| attempt.remote)
    }

    #[track_caller]
    fn host(raw: &[u8], expected: Result<Option<&str>, Malformed>) {
        let expected = expected.map(|literal| literal.map(|text| text.parse().unwrap()));
        assert_eq!(parse(b"alice", b"s", b"imap", Some(raw)), expected, "{raw:?}");
    }

    #[test]
    fn a_remote_host_is_an_address_or_absent() {
        host(b"192.0.2.1", Ok(Some("192.0.2.1")));
        host(b"2001:db8::1", Ok(Some("2001:db8::1")));
        host(b"::ffff:192.0.2.1", Ok(Some("192.0.2.1")));
        host(b"fe80::1%eth0", Ok(Some("fe80::1")));
        for name in ["localhost", "10.0.0.1.evil.org", "", "UNKNOWN"] {
            host(name.as_bytes(), Ok(None));
        }
        assert_eq!(parse(b"alice", b"s", b"imap", None), Ok(None));
    }

    #[test]
    fn what_no_host_is_called_is_refused() {
        let long = "a".repeat(MAX_HOST + 1);
        for name in ["a b", "a\n", "';--", "%s", "../x", "::1%\n", "a\0", &long] {
            host(name.as_bytes(), Err(Malformed::RemoteHost));
        }
        host(b"\xff", Err(Malformed::RemoteHost));
    }

    #[test]
    fn a_secret_is_bounded_text() {
        let bound = vec![b'a'; MAX_SECRET];
        let beyond = vec![b'a'; MAX_SECRET + 1];
        assert!(parse(b"alice", &bound, b"imap", None).is_ok());
        for secret in [beyond.as_slice(), b"a\0", b"a\n", b"\xc3", b"\x08\n\r\x7fINCORRECT"] {
            assert_eq!(parse(b"alice", secret, b"imap", None), Err(Malformed::Secret));
        }
    }

    #[test]
    fn the_first_field_out_of_bounds_is_named() {
        assert_eq!(parse(b"", b"s", b"imap", None), Err(Malformed::Account));
        assert_eq!(parse(b"alice", b"s", b"im ap", None), Err(Malformed::Service));
    }
}
