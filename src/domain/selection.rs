//! Which app passwords a revocation takes.
//!
//! Knows: what may be asked of an app password and of the name of its account.
//! Never: where they are kept.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use crate::domain::account::{AccountName, Case, Naming};
use crate::domain::network::Networks;
use crate::domain::time::UnixTime;

/// Takes what meets everything that is asked; where nothing is asked, all that live.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Of these accounts.
    pub accounts: Option<BTreeSet<AccountName>>,
    /// Of accounts in this domain.
    pub domain: Option<Domain>,
    /// Not used since then. One that was never used counts from when it was made.
    pub unused_since: Option<UnixTime>,
    /// Made before then.
    pub made_before: Option<UnixTime>,
    /// Last used from one of these networks.
    pub used_from: Option<Networks>,
}

/// What a selection looks at.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// Whose it is.
    pub account: &'a str,
    /// When it was made.
    pub created_at: UnixTime,
    /// When it was last used.
    pub last_used_at: Option<UnixTime>,
    /// From which address, if one was known.
    pub last_used_from: Option<IpAddr>,
}

impl Selection {
    /// Whether this one is taken.
    #[must_use]
    pub fn covers(&self, candidate: &Candidate<'_>) -> bool {
        let last = candidate.last_used_at.unwrap_or(candidate.created_at);
        let from = candidate.last_used_from;
        asked(self.accounts.as_ref(), |accounts| accounts.contains(candidate.account))
            && asked(self.domain.as_ref(), |domain| domain.holds(candidate.account))
            && asked(self.unused_since, |since| last < since)
            && asked(self.made_before, |moment| candidate.created_at < moment)
            && asked(self.used_from.as_ref(), |networks| from.is_some() && networks.cover(from))
    }
}

/// What is not asked, everybody meets.
fn asked<T>(question: Option<T>, met: impl FnOnce(T) -> bool) -> bool {
    question.is_none_or(met)
}

/// What stands behind the last `@` of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain(Box<str>);

impl Domain {
    /// Reads a domain, with or without `@` before it, and spells it as the store spells names.
    ///
    /// # Errors
    /// Where no name could end in it.
    pub fn parse(text: &str, naming: &Naming) -> Result<Self, DomainError> {
        let mut domain = text.strip_prefix('@').unwrap_or(text).to_owned();
        let plain = |letter: char| !letter.is_control() && !letter.is_whitespace() && letter != '@';
        if domain.is_empty() || AccountName::MAX_LEN < domain.len() || !domain.chars().all(plain) {
            return Err(DomainError);
        }
        if naming.case == Case::Fold {
            domain.make_ascii_lowercase();
        }
        Ok(Self(domain.into()))
    }

    fn holds(&self, account: &str) -> bool {
        account.rsplit_once('@').is_some_and(|(_, domain)| *domain == *self.0)
    }
}

/// Not a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DomainError;

impl fmt::Display for DomainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a domain is what stands behind the @ of an account")
    }
}

impl std::error::Error for DomainError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::DomainRule;

    const NAMING: Naming = Naming { case: Case::Fold, domain: DomainRule::Keep };

    fn candidate(account: &str) -> Candidate<'_> {
        let (created_at, last_used_at) = (UnixTime(100), Some(UnixTime(200)));
        Candidate { account, created_at, last_used_at, last_used_from: "192.0.2.7".parse().ok() }
    }

    #[test]
    fn where_nothing_is_asked_everything_is_taken() {
        assert!(Selection::default().covers(&candidate("alice")));
    }

    #[test]
    fn all_that_is_asked_must_be_met() {
        let names = ["alice", "bob"].map(|name| AccountName::parse(name.as_bytes(), &NAMING).unwrap());
        let selection = Selection {
            accounts: Some(names.into()),
            unused_since: Some(UnixTime(201)),
            ..Selection::default()
        };
        assert!(selection.covers(&candidate("alice")) && selection.covers(&candidate("bob")));
        assert!(!selection.covers(&candidate("carol")));
        assert!(!Selection { unused_since: Some(UnixTime(200)), ..selection }.covers(&candidate("alice")));
    }

    #[test]
    fn one_that_was_never_used_counts_from_when_it_was_made() {
        let never = Candidate { last_used_at: None, ..candidate("alice") };
        let unused_since = |secs| Selection { unused_since: Some(UnixTime(secs)), ..Selection::default() };
        assert!(unused_since(101).covers(&never));
        assert!(!unused_since(100).covers(&never));
    }

    #[test]
    fn older_than_is_about_the_making() {
        let made_before = |secs| Selection { made_before: Some(UnixTime(secs)), ..Selection::default() };
        assert!(made_before(101).covers(&candidate("alice")));
        assert!(!made_before(100).covers(&candidate("alice")));
    }

    #[test]
    fn a_use_from_nowhere_known_is_in_no_network() {
        let used_from = Networks::parse("192.0.2.0/24").ok();
        let selection = Selection { used_from, ..Selection::default() };
        assert!(selection.covers(&candidate("alice")));
        assert!(!selection.covers(&Candidate { last_used_from: None, ..candidate("alice") }));
        let other = Candidate { last_used_from: "192.0.3.7".parse().ok(), ..candidate("alice") };
        assert!(!selection.covers(&other));
    }

    #[test]
    fn a_domain_is_no_more_and_no_less_than_what_follows_the_at_sign() {
        let domain = Domain::parse("@Example.org", &NAMING).ok();
        let selection = Selection { domain, ..Selection::default() };
        for (account, expected) in [
            ("alice@example.org", true),
            ("alice@mail.example.org", false),
            ("alice@notexample.org", false),
            ("example.org", false),
            ("alice", false),
        ] {
            assert_eq!(selection.covers(&candidate(account)), expected, "{account}");
        }
        for text in ["", "@", "a@b", "a b", "a\nb", &"a".repeat(400)] {
            assert!(Domain::parse(text, &NAMING).is_err(), "{text:?}");
        }
    }
}
