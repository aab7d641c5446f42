//! What a site asks for: which authenticators pass where, and how many app passwords there may be.
//!
//! Knows: the rules that a configuration may set, and their defaults.
//! Never: where they are written, or whether a secret is right.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::domain::network::Networks;
use crate::domain::service::Service;
use crate::domain::time::UnixTime;

/// Seconds of a day, leap seconds aside.
pub const DAY: u64 = 86_400;

/// Everything that a site may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Who needs a second factor for the primary password.
    pub second_factor: SecondFactor,
    /// From where the primary password alone is enough, on services that take it with a code; by default from nowhere.
    pub primary_alone_from: Option<Networks>,
    /// Which authenticators pass on which service.
    pub services: Services,
    /// About app passwords.
    pub app_passwords: AppPasswordPolicy,
}

/// Who needs a second factor for the primary password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondFactor {
    /// Everybody.
    Required,
    /// Accounts that have, or ever had, a second factor or an app password: for the time of a roll-out.
    WhenEnrolled,
}

/// How many app passwords there may be, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppPasswordPolicy {
    /// Most live ones of one account: 1 to 1,000.
    pub most: u16,
    /// Longest life in days: 1 to 36,500; `None` is for ever.
    pub longest_life: Option<u16>,
    /// Hours within which a revocation may be taken back: 1 to 720.
    pub restorable_for: u16,
}

impl AppPasswordPolicy {
    /// When one that was made then must end at the latest.
    #[must_use]
    pub fn latest_end(&self, created_at: UnixTime) -> Option<UnixTime> {
        self.longest_life.map(|days| UnixTime(created_at.0.saturating_add(u64::from(days) * DAY)))
    }

    /// Until when a revocation of this moment may be taken back.
    #[must_use]
    pub fn restorable_until(&self, now: UnixTime) -> UnixTime {
        UnixTime(now.0.saturating_add(u64::from(self.restorable_for) * 3600))
    }

    /// When one ends: at its own end or the latest that there may be, whichever comes first.
    #[must_use]
    pub fn end(&self, created_at: UnixTime, expires_at: Option<UnixTime>) -> Option<UnixTime> {
        let latest = self.latest_end(created_at);
        expires_at.into_iter().chain(latest).min()
    }

    /// Those that were made then, or before, have had their longest life; `None` where there is no longest.
    #[must_use]
    pub fn made_too_early(&self, now: UnixTime) -> Option<UnixTime> {
        self.longest_life.map(|days| UnixTime(now.0.saturating_sub(u64::from(days) * DAY)))
    }
}

/// Which authenticators pass on which service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Services {
    /// Where nothing else is said.
    pub default: Accepted,
    /// What else is said.
    pub named: BTreeMap<Service, Accepted>,
}

impl Services {
    /// What passes on a service.
    #[must_use]
    pub fn accepted_on(&self, service: &Service) -> Accepted {
        self.named.get(service).copied().unwrap_or(self.default)
    }
}

/// The authenticators that pass on a service; none of them closes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// App passwords.
    pub app_password: bool,
    /// The primary password with a code behind it.
    pub primary_with_code: bool,
    /// The primary password, with or without a code.
    pub primary_alone: bool,
}

/// Why a primary password needs no code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeWaiver {
    /// The service takes the primary password alone.
    Service,
    /// The login comes from a network that is trusted.
    Network,
    /// The account has never had a second factor or an app password, and the site is in roll-out.
    NotEnrolled,
}

impl CodeWaiver {
    /// The word in an audit line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Network => "network",
            Self::NotEnrolled => "not-enrolled",
        }
    }
}

impl Policy {
    /// Whether a login's primary password needs a code, and if not, why not.
    #[must_use]
    pub fn code_waiver(
        &self,
        service: &Service,
        remote: Option<IpAddr>,
        enrolment: Enrolment,
    ) -> Option<CodeWaiver> {
        let trusted = |networks: &Networks| remote.is_some() && networks.cover(remote);
        if self.services.accepted_on(service).primary_alone {
            return Some(CodeWaiver::Service);
        }
        if self.primary_alone_from.as_ref().is_some_and(trusted) {
            return Some(CodeWaiver::Network);
        }
        let roll_out = self.second_factor == SecondFactor::WhenEnrolled && enrolment == Enrolment::Never;
        roll_out.then_some(CodeWaiver::NotEnrolled)
    }
}

/// Whether an account has, or ever had, a second factor or an app password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enrolment {
    /// It has never had one.
    Never,
    /// It has, or had. Removing the last one changes nothing.
    Once,
}

impl Default for Policy {
    fn default() -> Self {
        let accepted = Accepted { app_password: true, primary_with_code: true, primary_alone: false };
        Self {
            second_factor: SecondFactor::Required,
            primary_alone_from: None,
            services: Services { default: accepted, named: BTreeMap::new() },
            app_passwords: AppPasswordPolicy { most: 50, longest_life: None, restorable_for: 24 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str) -> Service {
        Service::parse(name.as_bytes()).unwrap()
    }

    fn waiver(policy: &Policy, name: &str, remote: &str, enrolment: Enrolment) -> Option<CodeWaiver> {
        policy.code_waiver(&service(name), remote.parse().ok(), enrolment)
    }

    #[test]
    fn by_default_nobody_logs_in_without_a_code() {
        let policy = Policy::default();
        for enrolment in [Enrolment::Never, Enrolment::Once] {
            assert_eq!(waiver(&policy, "imap", "127.0.0.1", enrolment), None);
        }
    }

    #[test]
    fn an_absent_address_lies_in_no_trusted_network() {
        let networks = Networks::parse("192.0.2.0/24").ok();
        let policy = Policy { primary_alone_from: networks, ..Policy::default() };
        assert_eq!(waiver(&policy, "imap", "192.0.2.9", Enrolment::Once), Some(CodeWaiver::Network));
        assert_eq!(waiver(&policy, "imap", "192.0.3.9", Enrolment::Once), None);
        assert_eq!(waiver(&policy, "imap", "", Enrolment::Once), None);
        // No list is no trust, whatever an empty one means to an app password.
        let policy = Policy { primary_alone_from: Some(Networks::default()), ..Policy::default() };
        assert_eq!(waiver(&policy, "imap", "", Enrolment::Once), None);
    }

    #[test]
    fn a_roll_out_spares_only_those_who_never_had_anything() {
        let policy = Policy { second_factor: SecondFactor::WhenEnrolled, ..Policy::default() };
        assert_eq!(waiver(&policy, "imap", "", Enrolment::Never), Some(CodeWaiver::NotEnrolled));
        assert_eq!(waiver(&policy, "imap", "", Enrolment::Once), None);
    }

    #[test]
    fn the_longest_life_counts_for_those_that_are_there_and_an_earlier_end_stays() {
        let limits = AppPasswordPolicy { longest_life: Some(2), ..Policy::default().app_passwords };
        let (made, later) = (UnixTime(1_000), UnixTime(1_000 + 2 * DAY));
        assert_eq!(limits.end(made, None), Some(later));
        assert_eq!(limits.end(made, Some(UnixTime(5_000))), Some(UnixTime(5_000)));
        assert_eq!(limits.end(made, Some(UnixTime(u64::MAX))), Some(later));
        assert_eq!(limits.made_too_early(later), Some(made));
        let unlimited = Policy::default().app_passwords;
        assert_eq!((unlimited.end(made, None), unlimited.made_too_early(later)), (None, None));
        assert_eq!(unlimited.end(made, Some(later)), Some(later));
    }

    #[test]
    fn a_service_of_its_own_does_not_change_the_others() {
        let mut policy = Policy::default();
        let alone = Accepted { primary_alone: true, ..Accepted::default() };
        policy.services.named.insert(service("sshd"), alone);
        assert_eq!(waiver(&policy, "sshd", "", Enrolment::Once), Some(CodeWaiver::Service));
        assert_eq!(waiver(&policy, "imap", "", Enrolment::Once), None);
        assert!(policy.services.accepted_on(&service("imap")).app_password);
        assert!(!policy.services.accepted_on(&service("sshd")).app_password);
    }
}
