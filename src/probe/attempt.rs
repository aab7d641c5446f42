//! What is tried at a door, and what must become of it.

use std::net::IpAddr;

use crate::domain::policy::{Enrolment, Policy};
use crate::domain::service::Service;
use crate::probe::client::Answer;

/// What is tried at a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// An app password that is good for the service.
    AppPassword,
    /// The primary password and a code that was never used.
    PrimaryWithCode,
    /// The primary password alone.
    PrimaryAlone,
    /// An app password that is good for other services.
    WrongScope,
    /// An app password that was good a moment ago.
    Revoked,
    /// The primary password and a code that was used a moment ago.
    Replayed,
    /// A name that no account has.
    Unknown,
    /// An empty password.
    Empty,
}

/// What must become of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// It passes.
    Pass,
    /// It fails.
    Fail,
    /// The policy lets it pass, from here.
    Allowed,
}

/// One attempt, and what became of it.
#[derive(Clone, Debug)]
pub struct Try {
    /// What was tried.
    pub kind: Kind,
    /// What must become of it.
    pub due: Due,
    /// What the server said.
    pub answer: Answer,
    /// The service that Postern granted it for, if Postern did, and if that leaves a trace.
    pub granted_for: Option<String>,
}

impl Kind {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 8] = [
        Self::AppPassword,
        Self::PrimaryWithCode,
        Self::PrimaryAlone,
        Self::WrongScope,
        Self::Revoked,
        Self::Replayed,
        Self::Unknown,
        Self::Empty,
    ];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::AppPassword => "app-password",
            Self::PrimaryWithCode => "primary+code",
            Self::PrimaryAlone => "primary-alone",
            Self::WrongScope => "wrong-scope",
            Self::Revoked => "revoked",
            Self::Replayed => "replayed-code",
            Self::Unknown => "unknown-account",
            Self::Empty => "empty-password",
        }
    }

    /// What a sentence calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AppPassword => "an app password that is good there",
            Self::PrimaryWithCode => "the primary password with a fresh code",
            Self::PrimaryAlone => "the primary password alone",
            Self::WrongScope => "an app password for other services",
            Self::Revoked => "a revoked app password",
            Self::Replayed => "a code that was used before",
            Self::Unknown => "an account that nobody has",
            Self::Empty => "an empty password",
        }
    }

    /// Whether a primary password is checked for it.
    pub(super) const fn has_primary(self) -> bool {
        matches!(self, Self::PrimaryWithCode | Self::PrimaryAlone | Self::Replayed | Self::Unknown)
    }

    /// What must become of it on a service, by the policy of the site.
    #[must_use]
    pub fn due(self, policy: &Policy, service: &Service, from: IpAddr) -> Due {
        let accepted = policy.services.accepted_on(service);
        let waived = policy.code_waiver(service, Some(from), Enrolment::Once).is_some();
        let takes_primary = accepted.primary_with_code || accepted.primary_alone;
        match self {
            Self::AppPassword if accepted.app_password => Due::Pass,
            Self::PrimaryWithCode if accepted.primary_with_code => Due::Pass,
            Self::PrimaryAlone if waived && takes_primary => Due::Allowed,
            // Nothing there takes a code, so that it is part of the primary, which it makes wrong.
            Self::AppPassword
            | Self::PrimaryWithCode
            | Self::PrimaryAlone
            | Self::WrongScope
            | Self::Revoked
            | Self::Replayed
            | Self::Unknown
            | Self::Empty => Due::Fail,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::network::Networks;
    use crate::domain::policy::{Accepted, SecondFactor};

    fn passing(policy: &Policy, service: &str) -> String {
        let service = Service::parse(service.as_bytes()).unwrap();
        let due = |kind: &Kind| kind.due(policy, &service, IpAddr::from([192, 0, 2, 1]));
        let told = |kind: &Kind| match due(kind) {
            Due::Pass => Some(kind.word().to_owned()),
            Due::Allowed => Some(format!("({})", kind.word())),
            Due::Fail => None,
        };
        Kind::ALL.iter().filter_map(told).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_must_pass_is_what_the_policy_says() {
        let mut policy = Policy::default();
        assert_eq!(passing(&policy, "imap"), "app-password primary+code");
        let accepted = |app_password, primary_with_code, primary_alone| Accepted {
            app_password,
            primary_with_code,
            primary_alone,
        };
        for (service, accepted) in [
            ("imap", accepted(true, false, false)),
            ("smtp", accepted(false, false, true)),
            ("sieve", Accepted::default()),
        ] {
            policy.services.named.insert(Service::parse(service.as_bytes()).unwrap(), accepted);
        }
        assert_eq!(passing(&policy, "imap"), "app-password");
        assert_eq!(passing(&policy, "smtp"), "(primary-alone)");
        assert_eq!(passing(&policy, "sieve"), "");
        policy.primary_alone_from = Networks::parse("192.0.2.0/24").ok();
        assert_eq!(passing(&policy, "pop3"), "app-password primary+code (primary-alone)");
        assert_eq!(passing(&policy, "imap"), "app-password");
    }

    #[test]
    fn a_roll_out_spares_nobody_who_has_a_second_factor() {
        let policy = Policy { second_factor: SecondFactor::WhenEnrolled, ..Policy::default() };
        assert_eq!(passing(&policy, "imap"), "app-password primary+code");
    }
}
