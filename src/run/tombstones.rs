//! Repeated tries of a tombstone -> one line in a while.
//!
//! Knows: a file of fixed size whose slots count the tries that left no line, under a lock that nobody waits for
//! long.
//! Never: who may pass, what a line says, or which account a slot is about. What cannot be counted is told.
//!
//! A phone whose app password is revoked tries it every minute, for months. Strangers cannot make the file grow: only
//! who holds the secret of a tombstone gets here.

use std::net::IpAddr;
use std::path::Path;

use hmac::Hmac;
use sha2::Sha256;

use crate::crypto::mac::hmac;
use crate::domain::time::UnixTime;
use crate::run::directory::RunError;
use crate::run::sheet::{Form, Sheet};

/// Seconds in which one line tells of one tombstone and one address.
pub const WINDOW: u64 = 3600;

/// What repeated tries have in common.
#[derive(Clone, Copy)]
pub struct Tomb<'a> {
    /// Whose the app password was.
    pub account: &'a str,
    /// What its owner called it.
    pub label: &'a str,
    /// Why it is refused, in one word.
    pub why: &'a str,
    /// From where it was tried.
    pub from: Option<IpAddr>,
}

/// What becomes of one try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// It is counted, and a later line tells of it.
    Folded,
    /// It gets a line.
    Told(Untold),
}

/// How many tries left no line before this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Untold {
    /// Of this tombstone from this address.
    pub same: u64,
    /// Of another, whose slot was needed.
    pub others: u64,
}

/// Counts a try, or says that it is to be told.
#[must_use]
pub fn fold(run_dir: &Path, owner: u32, tomb: &Tomb<'_>, now: UnixTime) -> Fold {
    let counted = Sheet::open(run_dir, owner, &FORM).and_then(|sheet| count(&sheet, tomb, now));
    counted.unwrap_or(Fold::Told(Untold::default()))
}

const SLOT: usize = 32;
const SLOTS_IN_SET: usize = 8;
const SETS: u64 = 512;
const SET: usize = SLOT * SLOTS_IN_SET;

const FORM: Form = Form {
    name: "tombstones",
    magic: b"postern tombs 1\n",
    // 128 KiB, whoever tries what.
    len: SETS * SET as u64,
    // Whoever holds it is done in less than these 25 milliseconds, or is stopped.
    looks: 5,
};

fn count(sheet: &Sheet, tomb: &Tomb<'_>, now: UnixTime) -> Result<Fold, RunError> {
    let mark = mark(sheet.salt.as_slice(), tomb);
    let [first, second, ..] = mark;
    let place = u64::from(u16::from_be_bytes([first, second])) % SETS * SET as u64;
    let (place_in_set, slot, fold) = decide(&sheet.read(place)?, &mark, now);
    if let Some(offset) = place_in_set {
        sheet.write(place + offset, &slot.octets())?;
    }
    Ok(fold)
}

type Mark = [u8; 16];

/// Of one tombstone and one address; all zero where nothing was counted yet.
#[derive(Clone, Copy)]
struct Slot {
    mark: Mark,
    told_at: u64,
    untold: u64,
}

impl Slot {
    fn read(octets: &[u8]) -> Self {
        let half = |from: usize| octets.get(from..from + 8).and_then(|half| half.try_into().ok());
        let number = |from| half(from).map_or(0, u64::from_be_bytes);
        let mark = octets.first_chunk().copied().unwrap_or_default();
        Self { mark, told_at: number(16), untold: number(24) }
    }

    fn octets(&self) -> [u8; SLOT] {
        let mut octets = [0; SLOT];
        let parts = self.mark.into_iter().chain(self.told_at.to_be_bytes()).chain(self.untold.to_be_bytes());
        octets.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        octets
    }

    /// A clock that was put back ends the window too: it must not fold for years.
    const fn is_open(&self, now: UnixTime) -> bool {
        self.told_at <= now.0 && now.0 - self.told_at < WINDOW
    }
}

/// What is to be written, and where in the set, if anywhere.
fn decide(set: &[u8; SET], mark: &Mark, now: UnixTime) -> (Option<u64>, Slot, Fold) {
    let slots = || set.chunks_exact(SLOT).map(Slot::read).zip((0..).step_by(SLOT));
    let begun = Slot { mark: *mark, told_at: now.0, untold: 0 };
    if let Some((slot, offset)) = slots().find(|(slot, _)| slot.mark == *mark) {
        if slot.is_open(now) {
            return (Some(offset), Slot { untold: slot.untold.saturating_add(1), ..slot }, Fold::Folded);
        }
        return (Some(offset), begun, Fold::Told(Untold { same: slot.untold, others: 0 }));
    }
    // Whoever lost its window gives way, one with nothing to tell first. If all are open, this try is told uncounted.
    let over = slots().filter(|(slot, _)| !slot.is_open(now)).min_by_key(|(slot, _)| slot.untold);
    over.map_or((None, begun, Fold::Told(Untold::default())), |(slot, offset)| {
        (Some(offset), begun, Fold::Told(Untold { same: 0, others: slot.untold }))
    })
}

/// Says nothing about account or address to whoever reads the file without its key.
fn mark(key: &[u8], tomb: &Tomb<'_>) -> Mark {
    let from = tomb.from.map_or_else(String::new, |address| address.to_string());
    let mut message = Vec::new();
    for part in [tomb.account, tomb.label, tomb.why, &from] {
        message.extend_from_slice(&(part.len() as u64).to_be_bytes());
        message.extend_from_slice(part.as_bytes());
    }
    let full = hmac::<Hmac<Sha256>>(key, &message);
    full.first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use rustix::fs::{FlockOperation, flock};

    use super::*;

    const START: u64 = 1_700_000_000;

    struct Run(tempfile::TempDir);

    impl Run {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn at(&self, secs: u64, label: &str, from: &str) -> Fold {
            let owner = fs::metadata(self.0.path()).unwrap().uid();
            let tomb = Tomb { account: "alice", label, why: "revoked", from: from.parse().ok() };
            fold(&self.0.path().join("run"), owner, &tomb, UnixTime(START + secs))
        }

        fn file(&self) -> std::path::PathBuf {
            self.0.path().join("run/tombstones")
        }
    }

    const fn told(same: u64, others: u64) -> Fold {
        Fold::Told(Untold { same, others })
    }

    #[test]
    fn a_thousand_tries_of_one_phone_are_a_line_an_hour_that_adds_up() {
        let run = Run::new();
        let tries: Vec<Fold> = (0..1000).map(|number| run.at(number * 60, "phone", "192.0.2.1")).collect();
        let lines: Vec<&Fold> = tries.iter().filter(|fold| **fold != Fold::Folded).collect();
        assert_eq!(lines.len(), 17);
        let counted = lines.iter().map(|line| match line {
            Fold::Told(untold) => 1 + untold.same,
            Fold::Folded => 0,
        });
        let open = 1000 - counted.sum::<u64>();
        assert_eq!(run.at(1000 * 60 + WINDOW, "phone", "192.0.2.1"), told(open, 0));
    }

    #[test]
    fn another_address_or_tombstone_is_told_at_once() {
        let run = Run::new();
        assert_eq!(run.at(0, "phone", "192.0.2.1"), told(0, 0));
        assert_eq!(run.at(1, "phone", "192.0.2.1"), Fold::Folded);
        for (label, from) in [("phone", "192.0.2.2"), ("phone", ""), ("tablet", "192.0.2.1")] {
            assert_eq!(run.at(1, label, from), told(0, 0), "{label} {from}");
        }
    }

    #[test]
    fn a_clock_that_is_put_back_folds_nothing_for_years() {
        let run = Run::new();
        run.at(WINDOW * 9, "phone", "192.0.2.1");
        assert_eq!(run.at(WINDOW * 9 + 1, "phone", "192.0.2.1"), Fold::Folded);
        assert_eq!(run.at(0, "phone", "192.0.2.1"), told(1, 0));
    }

    #[test]
    fn whoever_gives_way_leaves_its_count_to_the_next_line() {
        let run = Run::new();
        let address = |number: u32| IpAddr::from(number.to_be_bytes()).to_string();
        let many = SETS as u32 * SLOTS_IN_SET as u32 * 2;
        let sum = |at: u64| -> u64 {
            (0..many)
                .map(|number| match run.at(at, "phone", &address(number)) {
                    Fold::Folded => 0,
                    Fold::Told(untold) => 1 + untold.same + untold.others,
                })
                .sum()
        };
        let first = sum(0) + sum(1);
        assert!(first < 2 * u64::from(many), "nothing was folded");
        // After the window each try is told, and with them all that were not.
        assert_eq!(first + sum(WINDOW + 1), 3 * u64::from(many));
        assert_eq!(fs::metadata(run.file()).unwrap().len(), 48 + FORM.len);
    }

    #[test]
    fn what_cannot_be_counted_is_told() {
        let run = Run::new();
        run.at(0, "phone", "192.0.2.1");
        assert_eq!(fs::metadata(run.file()).unwrap().mode() & 0o7777, 0o600);
        let other = File::open(run.file()).unwrap();
        flock(&other, FlockOperation::NonBlockingLockExclusive).unwrap();
        assert_eq!(run.at(1, "phone", "192.0.2.1"), told(0, 0), "somebody holds the lock");
        drop(other);
        fs::set_permissions(run.file(), fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(run.at(1, "phone", "192.0.2.1"), told(0, 0), "others could read it");
        fs::set_permissions(run.file(), fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(run.at(1, "phone", "192.0.2.1"), Fold::Folded);
        let directory = run.file().parent().unwrap().to_owned();
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o777)).unwrap();
        assert_eq!(run.at(1, "phone", "192.0.2.1"), told(0, 0), "others could replace it");
    }

    #[test]
    fn a_file_that_makes_no_sense_begins_anew() {
        let run = Run::new();
        for content in [b"".as_slice(), b"short", &[7; 48 + FORM.len as usize], &[0; 9]] {
            run.at(0, "phone", "192.0.2.1");
            fs::write(run.file(), content).unwrap();
            assert_eq!(run.at(1, "phone", "192.0.2.1"), told(0, 0));
            assert_eq!(run.at(2, "phone", "192.0.2.1"), Fold::Folded);
        }
    }

    #[test]
    fn tries_at_the_same_time_are_all_counted() {
        let run = Run::new();
        let folded = std::thread::scope(|scope| {
            let one = || (0..50).filter(|_| run.at(0, "phone", "192.0.2.1") == Fold::Folded).count();
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(one)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum::<usize>()
        });
        // Told uncounted if the lock could not be had; none is lost.
        let Fold::Told(untold) = run.at(WINDOW, "phone", "192.0.2.1") else { panic!("the window is over") };
        assert_eq!(untold.same, folded as u64);
        assert!(100 < folded, "{folded}");
    }
}
