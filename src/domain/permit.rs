//! Who may ask posternd what.
//!
//! Knows: that root may ask everything, and others what a permit names.
//! Never: how a peer's uid is found out.

use crate::domain::service::Service;

/// What a user may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    /// Which services its attempts may name; `None` for all.
    pub services: Option<Vec<Service>>,
    /// Whether the remote host that it reports is believed. It decides about networks and throttling.
    pub address: Belief,
}

/// Whether what a peer reports is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Belief {
    /// It is.
    Believed,
    /// It counts as not reported.
    Ignored,
}

impl Permit {
    /// Root's.
    pub const EVERYTHING: Self = Self { services: None, address: Belief::Believed };

    /// Whether an attempt on this service may be asked about.
    #[must_use]
    pub fn covers(&self, service: &[u8]) -> bool {
        self.services
            .as_ref()
            .is_none_or(|services| Service::parse(service).is_ok_and(|service| services.contains(&service)))
    }
}

/// A user as a configuration names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum User {
    /// By name.
    Name(String),
    /// By uid.
    Uid(u32),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permit_covers_the_services_that_it_names_under_any_of_their_names() {
        let services = Some(vec![Service::parse(b"smtp").unwrap()]);
        let permit = Permit { services, address: Belief::Ignored };
        assert!(permit.covers(b"smtp") && permit.covers(b"submission") && permit.covers(b"postern-smtp"));
        assert!(!permit.covers(b"imap") && !permit.covers(b"") && !permit.covers(b"\xff"));
        assert!(Permit::EVERYTHING.covers(b"imap"));
    }
}
