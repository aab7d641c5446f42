//! How much failure is too much.
//!
//! Knows: what counts as one source, and how long a source of wrong primary passwords must wait.
//! Never: where failures are kept, or the time.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use crate::domain::time::UnixTime;

/// Wrong codes in a row, all keys of an account taken together, before the code path closes (NIST SP 800-63B §5.2.2).
const CODE_FAILURES: u32 = 100;

/// Wrong primary passwords of one source that cost it nothing.
const FREE_FAILURES: u32 = 5;

/// Longest wait in seconds.
const LONGEST_WAIT: u64 = 60;

/// Seconds after which the failures of a source are forgotten.
pub const FORGOTTEN_AFTER: u64 = 3600;

/// Seconds for which a refused secret is remembered.
pub const REMEMBERED_FOR: u64 = 600;

/// Why nothing was looked at. Depends on the source and the load alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Throttled {
    /// Too many wrong primary passwords for this account have come from there.
    Source,
    /// Too many primary passwords are being checked on this machine.
    Load,
}

/// Where attempts come from, as failures are counted: an IPv4 address, or the /64 of an IPv6 address, which is one
/// customer's (RFC 6177).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source(Origin);

/// What is known of where attempts come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nothing.
    Unknown,
    /// The account's own user on this machine, as the kernel says.
    Oneself,
    /// This address stands for it.
    Address(IpAddr),
}

impl Source {
    /// The account's own user on this machine. Whoever guesses there takes nobody's turn elsewhere.
    pub const ONESELF: Self = Self(Origin::Oneself);

    /// The source of an address; without one there is none that could be told from others.
    #[must_use]
    pub fn of(remote: Option<IpAddr>) -> Self {
        Self(match remote {
            None => Origin::Unknown,
            Some(four @ IpAddr::V4(_)) => Origin::Address(four),
            Some(IpAddr::V6(six)) => {
                Origin::Address(IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() >> 64 << 64)))
            }
        })
    }

    /// What is known of it.
    #[must_use]
    pub const fn known(self) -> Origin {
        self.0
    }

    /// Whether it is one that may be made to wait. A host that names no address would otherwise let strangers close an
    /// account to everybody.
    #[must_use]
    pub const fn is_known(self) -> bool {
        !matches!(self.0, Origin::Unknown)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Origin::Unknown => f.write_str("-"),
            Origin::Oneself => f.write_str("local"),
            Origin::Address(IpAddr::V4(four)) => four.fmt(f),
            Origin::Address(IpAddr::V6(six)) => write!(f, "{six}/64"),
        }
    }
}

/// When a source may try again after so many different wrong primary passwords.
#[must_use]
pub fn open_again(failures: u32, last: UnixTime) -> UnixTime {
    let Some(beyond) = failures.checked_sub(FREE_FAILURES + 1) else {
        return last;
    };
    let wait = 1_u64.checked_shl(beyond).map_or(LONGEST_WAIT, |wait| wait.min(LONGEST_WAIT));
    UnixTime(last.0.saturating_add(wait))
}

/// Most wrong codes in a row: more keys make guessing easier, so that each has its part of them.
#[must_use]
pub fn most_code_failures(keys: usize) -> u32 {
    let keys = u32::try_from(keys).unwrap_or(u32::MAX).max(1);
    CODE_FAILURES / keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_waits_longer_and_longer_but_not_for_ever() {
        let wait = |failures| open_again(failures, UnixTime(1000)).0 - 1000;
        let waits: Vec<u64> = (0..14).map(wait).collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(wait(u32::MAX), LONGEST_WAIT);
    }

    #[test]
    fn an_ipv6_customer_is_one_source() {
        let source = |address: &str| Source::of(address.parse().ok());
        assert_eq!(source("2001:db8:0:1::1"), source("2001:db8:0:1:ffff::2"));
        assert_ne!(source("2001:db8:0:1::1"), source("2001:db8:0:2::1"));
        assert_ne!(source("192.0.2.1"), source("192.0.2.2"));
        assert_eq!(source("2001:db8:0:1::1").to_string(), "2001:db8:0:1::/64");
        assert_eq!(source("").to_string(), "-");
        assert!(!source("").is_known());
        assert_eq!((Source::ONESELF.to_string(), Source::ONESELF.is_known()), ("local".to_owned(), true));
    }

    #[test]
    fn keys_share_the_wrong_codes() {
        assert_eq!([0, 1, 2, 3].map(most_code_failures), [100, 100, 50, 33]);
    }
}
