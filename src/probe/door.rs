//! A place where a mail program logs in.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use crate::domain::service::{Mail, Service};

/// A place where a mail program logs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Door {
    /// What is spoken there.
    pub protocol: Protocol,
    /// A name or an address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// How it becomes secret.
    pub encryption: Encryption,
    /// How we came to know it.
    pub found: Found,
}

/// What is spoken at a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// RFC 9051.
    Imap,
    /// RFC 1939.
    Pop3,
    /// RFC 6409.
    Submission,
    /// RFC 5804.
    Sieve,
}

/// How a connection becomes secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// TLS comes first.
    Tls,
    /// It begins in clear.
    StartTls,
}

/// How a door became known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Somebody named it.
    Named,
    /// A server's configuration has it.
    Configured,
    /// It is where such doors mostly are.
    Guessed,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Imap, Self::Pop3, Self::Submission, Self::Sieve];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
            Self::Submission => "submission",
            Self::Sieve => "sieve",
        }
    }

    /// The service that an app password must be good for.
    #[must_use]
    pub fn service(self) -> Service {
        Service::from(match self {
            Self::Imap => Mail::Imap,
            Self::Pop3 => Mail::Pop3,
            Self::Submission => Mail::Smtp,
            Self::Sieve => Mail::Sieve,
        })
    }

    /// Where it mostly is.
    #[must_use]
    pub const fn usual(self) -> &'static [(u16, Encryption)] {
        match self {
            Self::Imap => &[(143, Encryption::StartTls), (993, Encryption::Tls)],
            Self::Pop3 => &[(110, Encryption::StartTls), (995, Encryption::Tls)],
            Self::Submission => &[(587, Encryption::StartTls), (465, Encryption::Tls)],
            Self::Sieve => &[(4190, Encryption::StartTls)],
        }
    }

    /// What is meant by a port, where nothing else is said.
    #[must_use]
    pub fn encryption_at(self, port: u16) -> Encryption {
        let usual = self.usual().iter().find(|(usual, _)| *usual == port);
        usual.map_or(Encryption::StartTls, |(_, encryption)| *encryption)
    }
}

impl Encryption {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::StartTls => "starttls",
        }
    }
}

impl Found {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Named => "named",
            Self::Configured => "configured",
            Self::Guessed => "guessed",
        }
    }
}

impl Door {
    /// Reads `HOST`, `HOST:PORT` or `[ADDRESS]:PORT`, perhaps with `/tls` or `/starttls` behind it.
    ///
    /// # Errors
    /// Where it is none of these.
    pub fn parse(protocol: Protocol, text: &str) -> Result<Self, DoorError> {
        let (place, encryption) = match text.rsplit_once('/') {
            Some((place, "tls")) => (place, Some(Encryption::Tls)),
            Some((place, "starttls")) => (place, Some(Encryption::StartTls)),
            Some(_) => return Err(DoorError),
            None => (text, None),
        };
        let (host, port) = parted(place)?;
        let usual = protocol.usual().first().map(|(port, _)| *port);
        let port = port.or(usual).filter(|port| 0 < *port).ok_or(DoorError)?;
        let encryption = encryption.unwrap_or_else(|| protocol.encryption_at(port));
        Ok(Self { protocol, host: host.to_owned(), port, encryption, found: Found::Named })
    }

    /// Host and port, as a URL has them.
    #[must_use]
    pub fn place(&self) -> String {
        match self.host.parse::<Ipv6Addr>() {
            Ok(address) => format!("[{address}]:{}", self.port),
            Err(_) => format!("{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {} ({})", self.protocol.word(), self.place(), self.encryption.word())
    }
}

fn parted(place: &str) -> Result<(&str, Option<u16>), DoorError> {
    if place.parse::<IpAddr>().is_ok() {
        return Ok((place, None));
    }
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse().map_err(|_| DoorError)?)),
        None => (place, None),
    };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    match bare {
        Some(bare) if bare.parse::<Ipv6Addr>().is_ok() => Ok((bare, port)),
        None if is_name(host) => Ok((host, port)),
        Some(_) | None => Err(DoorError),
    }
}

/// A client would take other letters for something else.
fn is_name(host: &str) -> bool {
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || b".-_".contains(&octet);
    (1..=253).contains(&host.len()) && host.bytes().all(plain) && !host.starts_with('-')
}

/// Not a place where a door may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DoorError;

impl fmt::Display for DoorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a door is HOST, HOST:PORT or [ADDRESS]:PORT, perhaps with /tls or /starttls behind it")
    }
}

impl std::error::Error for DoorError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(protocol: Protocol, text: &str, expected: &str) {
        assert_eq!(Door::parse(protocol, text).unwrap().to_string(), expected);
    }

    #[test]
    fn a_door_is_a_host_and_what_else_is_said() {
        check(Protocol::Imap, "mail.example", "imap at mail.example:143 (starttls)");
        check(Protocol::Imap, "mail.example:993", "imap at mail.example:993 (tls)");
        check(Protocol::Submission, "192.0.2.1:2525/tls", "submission at 192.0.2.1:2525 (tls)");
        check(Protocol::Submission, "localhost:465/starttls", "submission at localhost:465 (starttls)");
        check(Protocol::Sieve, "[2001:db8::1]:4191", "sieve at [2001:db8::1]:4191 (starttls)");
        check(Protocol::Pop3, "2001:db8::1", "pop3 at [2001:db8::1]:110 (starttls)");
    }

    #[test]
    fn what_a_client_would_misread_is_no_door() {
        for text in [
            "",
            ":143",
            "a b",
            "host:",
            "host:0",
            "host:65536",
            "a/b",
            "host/ssl",
            "-host",
            "u@host",
            "h\n",
            "[::1",
        ] {
            assert_eq!(Door::parse(Protocol::Imap, text), Err(DoorError), "{text:?}");
        }
    }
}
