//! What is logged in to, and the services that an app password is good for.
//!
//! Knows: service names and which of them mean the same.
//! Never: ports, hosts, configuration.

use std::fmt;

/// A service name, as PAM and SASL write it: `imap`, `smtp`, `sshd` …
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Service(Box<str>);

impl Service {
    /// Longest name in octets; PAM's are file names, and none in use comes near.
    pub const MAX_LEN: usize = 64;

    // Ours are `/etc/pam.d/postern-imap` and so on.
    const PREFIX: &str = "postern-";

    /// Reads a service name, with or without `postern-` before it. Names for one thing become one name:
    /// `submission` and `submissions` mean `smtp`, `managesieve` means `sieve`.
    ///
    /// # Errors
    /// Where it is empty, too long, or has anything but letters, digits, dot, dash and underscore.
    pub fn parse(raw: &[u8]) -> Result<Self, ServiceError> {
        let text = std::str::from_utf8(raw).map_err(|_| ServiceError)?;
        let name = text.strip_prefix(Self::PREFIX).unwrap_or(text).to_ascii_lowercase();
        let plain = |octet: u8| octet.is_ascii_alphanumeric() || b".-_".contains(&octet);
        if name.is_empty() || Self::MAX_LEN < name.len() || !name.bytes().all(plain) {
            return Err(ServiceError);
        }
        Ok(match name.as_str() {
            "submission" | "submissions" => Self("smtp".into()),
            "managesieve" => Self("sieve".into()),
            _ => Self(name.into_boxed_str()),
        })
    }

    /// The one name of the service.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A host that names itself and not the protocol.
    fn carries_no_protocol(&self) -> bool {
        &*self.0 == "dovecot"
    }
}

/// The services of mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mail {
    /// Reading it, on the server.
    Imap,
    /// Fetching it.
    Pop3,
    /// Sending it.
    Smtp,
    /// Filtering it.
    Sieve,
}

impl From<Mail> for Service {
    fn from(mail: Mail) -> Self {
        Self(
            match mail {
                Mail::Imap => "imap",
                Mail::Pop3 => "pop3",
                Mail::Smtp => "smtp",
                Mail::Sieve => "sieve",
            }
            .into(),
        )
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Not a service name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceError;

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a service name has 1 to {} letters, digits, dots, dashes or underscores", Service::MAX_LEN)
    }
}

impl std::error::Error for ServiceError {}

/// The services that an app password is good for: at least one, in order, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope(Vec<Service>);

impl Scope {
    /// Most services in one scope.
    pub const MAX_SERVICES: usize = 16;

    const MAIL: [Mail; 4] = [Mail::Imap, Mail::Pop3, Mail::Sieve, Mail::Smtp];

    /// What a mail program needs: imap, pop3, smtp, sieve.
    #[must_use]
    pub fn mail() -> Self {
        Self(Self::MAIL.map(Service::from).into())
    }

    /// The same without one of them.
    #[must_use]
    pub fn mail_without(service: &Service) -> Self {
        Self(Self::MAIL.map(Service::from).into_iter().filter(|each| each != service).collect())
    }

    /// One service alone.
    #[must_use]
    pub fn only(service: &Service) -> Self {
        Self(vec![service.clone()])
    }

    /// Reads names parted by commas or blanks.
    ///
    /// # Errors
    /// Where a name is none, or there are none or more than [`Scope::MAX_SERVICES`].
    pub fn parse(list: &str) -> Result<Self, ScopeError> {
        let names = list.split([',', ' ']).filter(|name| !name.is_empty());
        let mut services = names
            .map(|name| Service::parse(name.as_bytes()).map_err(|_| ScopeError))
            .collect::<Result<Vec<_>, _>>()?;
        services.sort();
        services.dedup();
        let counted = (1..=Self::MAX_SERVICES).contains(&services.len());
        counted.then_some(Self(services)).ok_or(ScopeError)
    }

    /// Whether the scope holds the service. One that carries no protocol might be any of mail's,
    /// so the scope must hold them all.
    #[must_use]
    pub fn covers(&self, service: &Service) -> bool {
        if service.carries_no_protocol() {
            return Self::mail().0.iter().all(|each| self.0.contains(each));
        }
        self.0.contains(service)
    }

    /// The same, and all that it takes to cover this service too.
    #[must_use]
    pub fn with(&self, service: &Service) -> Self {
        let more = if service.carries_no_protocol() { Self::mail().0 } else { vec![service.clone()] };
        let mut services = [self.0.as_slice(), &more].concat();
        services.sort();
        services.dedup();
        Self(services)
    }

    /// The services, in order.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        self.0.iter()
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(Service::as_str).collect();
        f.write_str(&names.join(","))
    }
}

/// Not a list of services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScopeError;

impl fmt::Display for ScopeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a scope is 1 to {} service names parted by commas, such as imap,smtp", Scope::MAX_SERVICES)
    }
}

impl std::error::Error for ScopeError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn covers(scope: &str, service: &str, expected: bool) {
        let service = Service::parse(service.as_bytes()).unwrap();
        assert_eq!(Scope::parse(scope).unwrap().covers(&service), expected, "{scope} {service}");
    }

    #[test]
    fn an_app_password_is_good_for_its_scope_and_nothing_else() {
        let names = ["imap", "pop3", "smtp", "sieve", "dav", "sshd", "sudo", "login", "other", "xmpp"];
        for scope in names {
            for service in names {
                covers(scope, service, scope == service);
            }
        }
    }

    #[test]
    fn names_for_one_thing_are_one_service() {
        covers("smtp", "submission", true);
        covers("submissions", "postern-smtp", true);
        covers("managesieve", "sieve", true);
        covers("imap", "postern-imap", true);
        covers("imap", "IMAP", true);
    }

    #[test]
    fn a_service_without_a_protocol_needs_the_whole_of_mail() {
        covers("imap,pop3,smtp,sieve", "dovecot", true);
        covers("imap,pop3,smtp,sieve,dav", "dovecot", true);
        covers("imap,pop3,smtp", "dovecot", false);
        covers("dovecot", "dovecot", false);
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = "a".repeat(Service::MAX_LEN + 1);
        for name in ["", "postern-", "im ap", "imap\n", "../imap", "%s", "im\0ap", "\u{e9}", &long] {
            assert!(Service::parse(name.as_bytes()).is_err(), "{name:?}");
        }
        assert!(Service::parse(b"\xff").is_err());
        let many: Vec<String> = (0..=Scope::MAX_SERVICES).map(|number| format!("s{number}")).collect();
        for list in ["", ",", "imap,../x", &many.join(",")] {
            assert!(Scope::parse(list).is_err(), "{list}");
        }
    }
}
