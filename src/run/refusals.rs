//! Remembers refused primary passwords, without holding one.
//!
//! Knows: a fixed number of places, each for one account and source: how many different secrets were wrong, and keyed
//! digests of the last ones. What is new takes the place of what is oldest.
//! Never: a secret, or an account's name in clear.

use std::fs::File;
use std::net::IpAddr;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use hmac::Hmac;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::crypto::entropy;
use crate::crypto::mac::hmac;
use crate::crypto::secret::Secret;
use crate::domain::account::AccountName;
use crate::domain::throttle::{FORGOTTEN_AFTER, REMEMBERED_FOR, Source, open_again};
use crate::domain::time::UnixTime;
use crate::run::directory::{self, RunError};

const FILE: &str = "refusals";

/// One second in all; nothing of ours holds the lock for a millisecond.
const LOOKS: u32 = 200;

const MAGIC: &[u8; 16] = b"postern/1/refuse";
const SALT_LEN: usize = 32;
const HEADER: u64 = (MAGIC.len() + SALT_LEN) as u64;

const SETS: u64 = 512;
const WAYS: usize = 8;
const DIGESTS: usize = 3;
const PLACE_LEN: usize = 16 + 17 + 4 + 8 + DIGESTS * 16;
const SET_LEN: usize = WAYS * PLACE_LEN;
const FILE_LEN: u64 = HEADER + SETS * SET_LEN as u64;

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
    /// A wrong or spent code behind the right one, which the store counts.
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
        let subject = opened.subject(&self.key, account, source);
        let places = opened.read(subject.set())?;
        let found = places.iter().find(|place| place.is_of(&subject) && !place.is_over(now));
        Ok(Recollection {
            repeated: found.is_some_and(|place| {
                let digest = |secret: &&Secret| opened.digest(&self.key, &subject, secret);
                secrets.iter().map(digest).any(|digest| place.remembers(digest, now))
            }),
            open_again: match found {
                Some(place) if source.is_known() => open_again(place.failures, UnixTime(place.last_at)),
                Some(_) | None => UnixTime(0),
            },
        })
    }

    /// Remembers a refused secret; the same one counts once.
    ///
    /// # Errors
    /// Where the file cannot be used.
    pub fn remember(
        &self,
        account: &AccountName,
        source: Source,
        secret: &Secret,
        refused: Refused,
        now: UnixTime,
    ) -> Result<(), RunError> {
        let opened = self.open()?;
        let subject = opened.subject(&self.key, account, source);
        let digest = opened.digest(&self.key, &subject, secret);
        let mut places = opened.read(subject.set())?;
        if let Some(place) = place_for(&mut places, &subject, now) {
            if refused == Refused::Primary && !place.remembers(digest, now) {
                place.failures = place.failures.saturating_add(1);
            }
            place.last_at = now.0;
            place.remember(digest, now);
        }
        opened.write(subject.set(), &places)
    }

    /// Forgives a source after a grant.
    ///
    /// # Errors
    /// Where the file cannot be used.
    pub fn forgive(&self, account: &AccountName, source: Source) -> Result<(), RunError> {
        let opened = self.open()?;
        let subject = opened.subject(&self.key, account, source);
        let mut places = opened.read(subject.set())?;
        let Some(place) = places.iter_mut().find(|place| place.is_of(&subject) && 0 < place.failures) else {
            return Ok(());
        };
        place.failures = 0;
        opened.write(subject.set(), &places)
    }

    /// Forgets everything about an account: it was unlocked, or has another primary.
    ///
    /// # Errors
    /// Where the file cannot be used.
    pub fn forget(&self, account: &AccountName) -> Result<(), RunError> {
        let opened = self.open()?;
        let name = opened.name(&self.key, account);
        for set in 0..SETS {
            let mut places = opened.read(set)?;
            let mut changed = false;
            for place in places.iter_mut().filter(|place| place.account == name) {
                *place = Place::default();
                changed = true;
            }
            if changed {
                opened.write(set, &places)?;
            }
        }
        Ok(())
    }

    /// The sources that must wait before they try an account again.
    ///
    /// # Errors
    /// Where the file cannot be used.
    pub fn closed(&self, account: &AccountName, now: UnixTime) -> Result<Vec<Closed>, RunError> {
        let opened = self.open()?;
        let name = opened.name(&self.key, account);
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

    fn open(&self) -> Result<Opened, RunError> {
        let path = self.run_dir.join(FILE);
        let file = directory::open(self.run_dir, FILE, self.owner)?;
        let locked = || Ok(directory::try_lock(&path, &file)?.then_some(()));
        match directory::patiently(LOOKS, locked)? {
            Some(()) => Opened::begin(file, path),
            None => Err(RunError::Held(path)),
        }
    }
}

/// The locked file, until it is dropped.
struct Opened {
    file: File,
    path: PathBuf,
    salt: [u8; SALT_LEN],
}

impl Opened {
    /// Reads the salt of this boot, or begins anew: an empty file, or one of another format.
    fn begin(file: File, path: PathBuf) -> Result<Self, RunError> {
        let io = |error| RunError::Io(path.clone(), error);
        let (mut magic, mut salt) = ([0; MAGIC.len()], [0; SALT_LEN]);
        if file.metadata().map_err(io)?.len() == FILE_LEN {
            file.read_exact_at(&mut magic, 0).map_err(io)?;
            file.read_exact_at(&mut salt, MAGIC.len() as u64).map_err(io)?;
        }
        if magic != *MAGIC {
            salt = entropy::bytes().map_err(|error| io(std::io::Error::other(error)))?;
            file.set_len(0).map_err(io)?;
            file.set_len(FILE_LEN).map_err(io)?;
            file.write_all_at(&salt, MAGIC.len() as u64).map_err(io)?;
            file.write_all_at(MAGIC, 0).map_err(io)?;
        }
        Ok(Self { file, path, salt })
    }

    fn keyed(&self, key: &Secret, label: &[u8], parts: &[&[u8]]) -> [u8; 16] {
        // With room for all of it from the start: a vector that grows leaves copies behind.
        let room = SALT_LEN + 16 + parts.iter().map(|part| part.len() + 8).sum::<usize>();
        let mut message = Zeroizing::new(Vec::with_capacity(room));
        message.extend_from_slice(&self.salt);
        message.extend_from_slice(label);
        for part in parts {
            message.extend_from_slice(&(part.len() as u64).to_be_bytes());
            message.extend_from_slice(part);
        }
        let digest: [u8; 32] = hmac::<Hmac<Sha256>>(key.expose(), &message).into();
        Reader(&digest).take()
    }

    fn name(&self, key: &Secret, account: &AccountName) -> [u8; 16] {
        self.keyed(key, b"account", &[account.as_str().as_bytes()])
    }

    fn subject(&self, key: &Secret, account: &AccountName, source: Source) -> Subject {
        let (name, source) = (self.name(key, account), written(source));
        Subject { account: name, source, set: self.keyed(key, b"set", &[&name, &source]) }
    }

    fn digest(&self, key: &Secret, subject: &Subject, secret: &Secret) -> u64 {
        let whole = self.keyed(key, b"secret", &[&subject.account, &subject.source, secret.expose()]);
        first_u64(&whole)
    }

    fn read(&self, set: u64) -> Result<Vec<Place>, RunError> {
        let mut octets = [0; SET_LEN];
        let read = self.file.read_exact_at(&mut octets, HEADER + set * SET_LEN as u64);
        read.map_err(|error| RunError::Io(self.path.clone(), error))?;
        Ok(octets.chunks_exact(PLACE_LEN).map(Place::read).collect())
    }

    fn write(&self, set: u64, places: &[Place]) -> Result<(), RunError> {
        let octets: Vec<u8> = places.iter().flat_map(Place::written).collect();
        let written = self.file.write_all_at(&octets, HEADER + set * SET_LEN as u64);
        written.map_err(|error| RunError::Io(self.path.clone(), error))
    }
}

/// One account and one source.
struct Subject {
    account: [u8; 16],
    source: [u8; 17],
    set: [u8; 16],
}

impl Subject {
    fn set(&self) -> u64 {
        first_u64(&self.set) % SETS
    }
}

/// What is remembered of one account and one source.
#[derive(Clone, Default)]
struct Place {
    account: [u8; 16],
    source: [u8; 17],
    failures: u32,
    last_at: u64,
    digests: [Digest; DIGESTS],
}

/// One refused secret, and when.
#[derive(Clone, Copy, Default)]
struct Digest {
    value: u64,
    at: u64,
}

impl Place {
    fn is_of(&self, subject: &Subject) -> bool {
        self.account == subject.account && self.source == subject.source
    }

    fn is_over(&self, now: UnixTime) -> bool {
        self.last_at.saturating_add(FORGOTTEN_AFTER) <= now.0
    }

    fn remembers(&self, digest: u64, now: UnixTime) -> bool {
        let fresh = |seen: &Digest| seen.at <= now.0 && now.0 < seen.at.saturating_add(REMEMBERED_FOR);
        self.digests.iter().any(|seen| seen.value == digest && seen.at != 0 && fresh(seen))
    }

    /// In the place of the same one, or of the oldest.
    fn remember(&mut self, digest: u64, now: UnixTime) {
        let known = self.digests.iter_mut().position(|seen| seen.value == digest);
        let oldest =
            || self.digests.iter().enumerate().min_by_key(|(_, seen)| seen.at).map(|(place, _)| place);
        let place = known.or_else(oldest);
        if let Some(seen) = place.and_then(|place| self.digests.get_mut(place)) {
            // The first refusal counts: ten minutes after it the directory is asked again.
            if seen.value != digest || seen.at.saturating_add(REMEMBERED_FOR) <= now.0 {
                *seen = Digest { value: digest, at: now.0 };
            }
        }
    }

    fn source(&self) -> Option<String> {
        let (family, octets) = self.source.split_first()?;
        let octets: [u8; 16] = octets.try_into().ok()?;
        let six = IpAddr::from(octets);
        match family {
            0 => None,
            4 => Some(Source::of(Some(six.to_canonical())).to_string()),
            _ => Some(Source::of(Some(six)).to_string()),
        }
    }

    fn read(octets: &[u8]) -> Self {
        let mut rest = Reader(octets);
        Self {
            account: rest.take(),
            source: rest.take(),
            failures: u32::from_be_bytes(rest.take()),
            last_at: u64::from_be_bytes(rest.take()),
            digests: [(); DIGESTS].map(|()| Digest {
                value: u64::from_be_bytes(rest.take()),
                at: u64::from_be_bytes(rest.take()),
            }),
        }
    }

    fn written(&self) -> Vec<u8> {
        let mut octets = Vec::with_capacity(PLACE_LEN);
        octets.extend_from_slice(&self.account);
        octets.extend_from_slice(&self.source);
        octets.extend_from_slice(&self.failures.to_be_bytes());
        octets.extend_from_slice(&self.last_at.to_be_bytes());
        for digest in &self.digests {
            octets.extend_from_slice(&digest.value.to_be_bytes());
            octets.extend_from_slice(&digest.at.to_be_bytes());
        }
        octets
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let Some((first, rest)) = self.0.split_first_chunk::<N>() else {
            return [0; N];
        };
        self.0 = rest;
        *first
    }
}

/// The place of a subject, begun anew where it was forgotten; else a free one, else the oldest.
fn place_for<'p>(places: &'p mut [Place], subject: &Subject, now: UnixTime) -> Option<&'p mut Place> {
    let known = places.iter().position(|place| place.is_of(subject));
    let oldest = || places.iter().enumerate().min_by_key(|(_, place)| place.last_at).map(|(at, _)| at);
    let place = places.get_mut(known.or_else(oldest)?)?;
    if !place.is_of(subject) || place.is_over(now) {
        *place = Place { account: subject.account, source: subject.source, ..Place::default() };
    }
    Some(place)
}

/// The family and the address, IPv4 as in RFC 4291 §2.5.5.2; zeroes for none.
fn written(source: Source) -> [u8; 17] {
    let mut octets = [0; 17];
    let Some(address) = source.address() else {
        return octets;
    };
    let (family, six) = match address {
        IpAddr::V4(four) => (4, four.to_ipv6_mapped()),
        IpAddr::V6(six) => (6, six),
    };
    let whole = std::iter::once(family).chain(six.octets());
    octets.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
    octets
}

fn first_u64(octets: &[u8; 16]) -> u64 {
    u64::from_be_bytes(Reader(octets).take())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::{Case, DomainRule, Naming};
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    struct Place {
        directory: tempfile::TempDir,
    }

    impl Place {
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
                    .remember(&name(account), source(from), &secret, Refused::Primary, UnixTime(at))
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
        let place = Place::new();
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
        let place = Place::new();
        place.refuse("alice", "192.0.2.1", "wrong", 1000);
        place.refuse("alice", "192.0.2.1", "wrong", 1500);
        assert!(place.recall("alice", "192.0.2.1", "wrong", 1599).0);
        assert!(!place.recall("alice", "192.0.2.1", "wrong", 1600).0);
        assert!(!place.recall("alice", "192.0.2.9", "wrong", 1001).0);
        assert!(!place.recall("alice", "192.0.2.1", "wrong", 999).0, "the clock was set back");
    }

    #[test]
    fn a_source_without_an_address_never_waits() {
        let place = Place::new();
        for number in 0..50 {
            place.refuse("alice", "", &format!("wrong {number}"), 1000);
        }
        assert_eq!(place.recall("alice", "", "other", 1000), (false, 0));
    }

    #[test]
    fn a_grant_forgives_its_own_source_and_an_unlock_all() {
        let place = Place::new();
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
        place.with(|refusals| refusals.forget(&name("alice")).unwrap());
        assert_eq!(place.recall("alice", "2001:db8::1", "wrong 1", 1000), (false, 0));
        assert!(closed(1000).is_empty());
    }

    #[test]
    fn failures_are_forgotten_after_an_hour() {
        let place = Place::new();
        for number in 0..8 {
            place.refuse("alice", "192.0.2.1", &format!("wrong {number}"), 1000);
        }
        place.refuse("alice", "192.0.2.1", "late", 1000 + FORGOTTEN_AFTER);
        assert_eq!(place.recall("alice", "192.0.2.1", "other", 1000 + FORGOTTEN_AFTER).1, 0);
    }

    #[test]
    fn the_file_keeps_its_size_and_holds_neither_name_nor_secret() {
        let place = Place::new();
        for number in 0..300 {
            place.refuse(&format!("canary{number}"), "192.0.2.1", "needle", 1000 + number);
        }
        let octets = fs::read(place.run().join(FILE)).unwrap();
        assert_eq!(octets.len() as u64, FILE_LEN);
        for word in ["canary", "needle"] {
            assert!(!octets.windows(6).any(|window| window == word.as_bytes()), "{word}");
        }
        let mode = place.run().join(FILE).metadata().unwrap().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_file_begins_anew_and_a_foreign_one_is_refused() {
        let place = Place::new();
        place.refuse("alice", "192.0.2.1", "wrong", 1000);
        fs::write(place.run().join(FILE), "short").unwrap();
        assert!(!place.recall("alice", "192.0.2.1", "wrong", 1000).0);
        fs::set_permissions(place.run().join(FILE), fs::Permissions::from_mode(0o666)).unwrap();
        let found = place.with(|refusals| refusals.forget(&name("alice")));
        assert!(matches!(found, Err(RunError::Untrusted(..))));
        fs::remove_file(place.run().join(FILE)).unwrap();
        std::os::unix::fs::symlink("/dev/null", place.run().join(FILE)).unwrap();
        let found = place.with(|refusals| refusals.forget(&name("alice")));
        assert!(matches!(found, Err(RunError::Io(..))));
    }
}
