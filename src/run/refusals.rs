//! Remembers refused primary passwords, without holding one.
//!
//! Knows: a fixed number of places, each for one account and source: how many different secrets were wrong, and keyed
//! digests of the last ones. What is new takes the place of what is oldest.
//! Never: a secret, or an account's name in clear.

use std::collections::BTreeSet;
use std::path::Path;

use crate::crypto::secret::Secret;
use crate::domain::account::AccountName;
use crate::domain::throttle::{Source, open_again};
use crate::domain::time::UnixTime;
use crate::run::directory::RunError;
use crate::run::places::{Place, place_for};
use crate::run::refusal_file::{Opened, SETS};

/// The memory of refused primaries.
pub struct Refusals<'a> {
    run_dir: &'a Path,
    owner: u32,
    key: Secret,
}

/// What is remembered before a secret is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recollection {
    /// Whether one of these very secrets was refused from there, minutes ago.
    pub repeated: bool,
    /// When the source may try again.
    pub open_again: UnixTime,
}

/// What was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// A wrong primary password, which counts against its source.
    Primary,
    /// A whole field that is wrong on its service: one that takes no primaries, or one where it may have been an app
    /// password that was brought along. Counts against its source, and says nothing to other services.
    Here,
    /// A wrong or spent code behind the right primary, which the store counts.
    Code,
}

/// A source that must wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The source, as [`Source`] writes it.
    pub source: String,
    /// How many different secrets were wrong.
    pub failures: u32,
    /// Until when.
    pub until: UnixTime,
}

impl<'a> Refusals<'a> {
    /// The memory in this directory. `key` makes its digests worthless elsewhere.
    #[must_use]
    pub const fn new(run_dir: &'a Path, owner: u32, key: Secret) -> Self {
        Self { run_dir, owner, key }
    }

    /// What is remembered of an account and a source.
    ///
    /// # Errors
    /// Where the file cannot be used.
    pub fn recall(
        &self,
        account: &AccountName,
        source: Source,
        secrets: &[&Secret],
        now: UnixTime,
    ) -> Result<Recollection, RunError> {
        let opened = self.open()?;
        let subject = opened.subject(account, source);
        let places = opened.read(subject.set)?;
        let found = places.iter().find(|place| place.is_of(&subject) && !place.is_over(now));
        Ok(Recollection {
            repeated: found.is_some_and(|place| {
                let digest = |secret: &&Secret| opened.digest(&subject, secret);
                secrets.iter().map(digest).any(|digest| place.remembers(digest, now))
            }),
            open_again: match found {
                Some(place) if source.is_known() => open_again(place.failures, UnixTime(place.last_at)),
                Some(_) | None => UnixTime(0),
            },
        })
    }

    /// Remembers a refused secret, or all that one attempt may have meant; the same ones count once.
    ///
    /// # Errors
    /// Where the file cannot be used.
    pub fn remember(
        &self,
        account: &AccountName,
        source: Source,
        secrets: &[&Secret],
        refused: Refused,
        now: UnixTime,
    ) -> Result<(), RunError> {
        let opened = self.open()?;
        let subject = opened.subject(account, source);
        let digests: Vec<u64> = secrets.iter().map(|secret| opened.digest(&subject, secret)).collect();
        let mut places = opened.read(subject.set)?;
        if let Some(place) = place_for(&mut places, &subject, now) {
            let is_new = |digest: &u64| !place.remembers(*digest, now);
            if refused != Refused::Code && digests.iter().any(is_new) {
                place.failures = place.failures.saturating_add(1);
            }
            place.last_at = now.0;
            digests.iter().for_each(|digest| place.remember(*digest, now));
        }
        opened.write(subject.set, &places)
    }

    /// Forgives a source after a grant.
    ///
    /// # Errors
    /// Where the file cannot be used.
    pub fn forgive(&self, account: &AccountName, source: Source) -> Result<(), RunError> {
        let opened = self.open()?;
        let subject = opened.subject(account, source);
        let mut places = opened.read(subject.set)?;
        let Some(place) = places.iter_mut().find(|place| place.is_of(&subject) && 0 < place.failures) else {
            return Ok(());
        };
        place.failures = 0;
        opened.write(subject.set, &places)
    }

    /// Forgets everything about accounts: they were unlocked, are new, or have another primary. Says in how many places
    /// there was something.
    ///
    /// # Errors
    /// Where the file cannot be used.
    pub fn forget(&self, accounts: &[&AccountName]) -> Result<usize, RunError> {
        let opened = self.open()?;
        let names: BTreeSet<[u8; 16]> = accounts.iter().map(|account| opened.name(account)).collect();
        let mut forgotten = 0;
        for set in 0..SETS {
            let mut places = opened.read(set)?;
            let before = forgotten;
            for place in places.iter_mut().filter(|place| names.contains(&place.account)) {
                *place = Place::default();
                forgotten += 1;
            }
            if before < forgotten {
                opened.write(set, &places)?;
            }
        }
        Ok(forgotten)
    }

    /// Whether anything of this account was refused lately, from wherever.
    ///
    /// # Errors
    /// Where the file cannot be used.
    pub fn knows(&self, account: &AccountName) -> Result<bool, RunError> {
        let opened = self.open()?;
        let name = opened.name(account);
        for set in 0..SETS {
            if opened.read(set)?.iter().any(|place| place.account == name) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The sources that must wait before they try an account again.
    ///
    /// # Errors
    /// Where the file cannot be used.
    pub fn closed(&self, account: &AccountName, now: UnixTime) -> Result<Vec<Closed>, RunError> {
        let opened = self.open()?;
        let name = opened.name(account);
        let mut closed = Vec::new();
        for set in 0..SETS {
            closed.extend(opened.read(set)?.iter().filter(|place| place.account == name).filter_map(
                |place| {
                    let until = open_again(place.failures, UnixTime(place.last_at));
                    let source = place.source()?;
                    (now < until).then_some(Closed { source, failures: place.failures, until })
                },
            ));
        }
        Ok(closed)
    }

    fn open(&self) -> Result<Opened<'_>, RunError> {
        Opened::at(self.run_dir, self.owner, &self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::{Case, DomainRule, Naming};
    use crate::run::refusal_file::FORM;
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::path::PathBuf;

    use crate::domain::throttle::FORGOTTEN_AFTER;

    struct Site {
        directory: tempfile::TempDir,
    }

    impl Site {
        fn new() -> Self {
            Self { directory: tempfile::tempdir().unwrap() }
        }

        fn run(&self) -> PathBuf {
            self.directory.path().join("run")
        }

        fn with<T>(&self, body: impl FnOnce(&Refusals<'_>) -> T) -> T {
            let (run, owner) = (self.run(), self.directory.path().metadata().unwrap().uid());
            body(&Refusals::new(&run, owner, Secret::copy_of(b"key")))
        }

        fn refuse(&self, account: &str, from: &str, secret: &str, at: u64) {
            self.with(|refusals| {
                let secret = Secret::copy_of(secret.as_bytes());
                refusals
                    .remember(&name(account), source(from), &[&secret], Refused::Primary, UnixTime(at))
                    .unwrap();
            });
        }

        fn recall(&self, account: &str, from: &str, secret: &str, at: u64) -> (bool, u64) {
            self.with(|refusals| {
                let secret = Secret::copy_of(secret.as_bytes());
                let found = refusals.recall(&name(account), source(from), &[&secret], UnixTime(at)).unwrap();
                (found.repeated, found.open_again.0.saturating_sub(at))
            })
        }
    }

    fn name(account: &str) -> AccountName {
        let naming = Naming { case: Case::Fold, domain: DomainRule::Keep };
        AccountName::parse(account.as_bytes(), &naming).unwrap()
    }

    fn source(from: &str) -> Source {
        Source::of(from.parse().ok())
    }

    #[test]
    fn different_secrets_count_and_the_same_one_once() {
        let place = Site::new();
        for number in 0..20 {
            place.refuse("alice", "192.0.2.1", "same", 1000 + number);
        }
        assert_eq!(place.recall("alice", "192.0.2.1", "other", 1020), (false, 0));
        for number in 0..7 {
            place.refuse("alice", "192.0.2.1", &format!("wrong {number}"), 1030);
        }
        // Eight different ones: three beyond those that cost nothing.
        assert_eq!(place.recall("alice", "192.0.2.1", "other", 1030), (false, 4));
        assert_eq!(place.recall("alice", "192.0.2.2", "other", 1030), (false, 0));
        assert_eq!(place.recall("bob", "192.0.2.1", "other", 1030), (false, 0));
    }

    #[test]
    fn a_refused_secret_is_remembered_for_ten_minutes_from_its_first_refusal() {
        let place = Site::new();
        place.refuse("alice", "192.0.2.1", "wrong", 1000);
        place.refuse("alice", "192.0.2.1", "wrong", 1500);
        assert!(place.recall("alice", "192.0.2.1", "wrong", 1599).0);
        assert!(!place.recall("alice", "192.0.2.1", "wrong", 1600).0);
        assert!(!place.recall("alice", "192.0.2.9", "wrong", 1001).0);
        assert!(!place.recall("alice", "192.0.2.1", "wrong", 999).0, "the clock was set back");
    }

    #[test]
    fn a_source_without_an_address_never_waits() {
        let place = Site::new();
        for number in 0..50 {
            place.refuse("alice", "", &format!("wrong {number}"), 1000);
        }
        assert_eq!(place.recall("alice", "", "other", 1000), (false, 0));
    }

    #[test]
    fn a_grant_forgives_its_own_source_and_an_unlock_all() {
        let place = Site::new();
        for number in 0..8 {
            place.refuse("alice", "192.0.2.1", &format!("wrong {number}"), 1000);
            place.refuse("alice", "2001:db8::7", &format!("wrong {number}"), 1000);
        }
        let closed = |at| place.with(|refusals| refusals.closed(&name("alice"), UnixTime(at)).unwrap());
        let mut sources: Vec<String> = closed(1000).into_iter().map(|one| one.source).collect();
        sources.sort();
        assert_eq!(sources, ["192.0.2.1", "2001:db8::/64"]);
        place.with(|refusals| refusals.forgive(&name("alice"), source("192.0.2.1")).unwrap());
        assert_eq!(place.recall("alice", "192.0.2.1", "other", 1000).1, 0);
        assert_eq!(place.recall("alice", "2001:db8::1", "other", 1000).1, 4);
        let known = || place.with(|refusals| refusals.knows(&name("alice")).unwrap());
        assert!(known() && !place.with(|refusals| refusals.knows(&name("bob")).unwrap()));
        place.with(|refusals| refusals.forget(&[&name("alice")]).unwrap());
        assert!(!known());
        assert_eq!(place.recall("alice", "2001:db8::1", "wrong 1", 1000), (false, 0));
        assert!(closed(1000).is_empty());
    }

    #[test]
    fn failures_are_forgotten_after_an_hour() {
        let place = Site::new();
        for number in 0..8 {
            place.refuse("alice", "192.0.2.1", &format!("wrong {number}"), 1000);
        }
        place.refuse("alice", "192.0.2.1", "late", 1000 + FORGOTTEN_AFTER);
        assert_eq!(place.recall("alice", "192.0.2.1", "other", 1000 + FORGOTTEN_AFTER).1, 0);
    }

    #[test]
    fn the_file_keeps_its_size_and_holds_neither_name_nor_secret() {
        let place = Site::new();
        for number in 0..300 {
            place.refuse(&format!("canary{number}"), "192.0.2.1", "needle", 1000 + number);
        }
        let octets = fs::read(place.run().join(FORM.name)).unwrap();
        assert_eq!(octets.len() as u64, 48 + FORM.len);
        for word in ["canary", "needle"] {
            assert!(!octets.windows(6).any(|window| window == word.as_bytes()), "{word}");
        }
        let mode = place.run().join(FORM.name).metadata().unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_file_begins_anew_and_a_foreign_one_is_refused() {
        let place = Site::new();
        place.refuse("alice", "192.0.2.1", "wrong", 1000);
        fs::write(place.run().join(FORM.name), "short").unwrap();
        assert!(!place.recall("alice", "192.0.2.1", "wrong", 1000).0);
        fs::set_permissions(place.run().join(FORM.name), fs::Permissions::from_mode(0o666)).unwrap();
        let found = place.with(|refusals| refusals.forget(&[&name("alice")]));
        assert!(matches!(found, Err(RunError::Untrusted(..))));
        fs::remove_file(place.run().join(FORM.name)).unwrap();
        std::os::unix::fs::symlink("/dev/null", place.run().join(FORM.name)).unwrap();
        let found = place.with(|refusals| refusals.forget(&[&name("alice")]));
        assert!(matches!(found, Err(RunError::Io(..))));
    }
}
