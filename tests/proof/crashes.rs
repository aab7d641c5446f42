//! The command is killed at any moment: what it said is done stays done, what it did not say is done whole or not at all.

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Output;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::site::{PRIMARY, Site};
use crate::world::{AUTH_ERR, IMAP, MAIL, SUCCESS, command, postern};
use crate::{Fact, Size};

pub const FACTS: &[Fact] =
    facts![what_was_acknowledged_survives_a_kill_at_any_moment, what_a_journal_takes_back_is_never_believed,];

/// One thing that the command is told to do.
enum Change {
    Add(String),
    Revoke(String),
    Rename(String, String),
    Rotate(String),
    Limit(String, String),
    Disable,
    Enable,
    RenewRecoveryCodes,
    RemoveTotp(String),
}

impl Change {
    fn arguments(&self) -> Vec<&str> {
        match self {
            Self::Add(label) => vec!["app", "add", "alice", "--label", label],
            Self::Revoke(label) => vec!["app", "revoke", "alice", label],
            Self::Rename(label, new) => vec!["app", "rename", "alice", label, new],
            Self::Rotate(label) => vec!["app", "rotate", "alice", label],
            Self::Limit(label, expires) => vec!["app", "limit", "alice", label, "--expires", expires],
            Self::Disable => vec!["account", "disable", "alice"],
            Self::Enable => vec!["account", "enable", "alice"],
            Self::RenewRecoveryCodes => vec!["recovery", "new", "alice"],
            Self::RemoveTotp(account) => vec!["totp", "remove", account, "totp"],
        }
    }

    /// Whether the store has all of it, as far as the old state did not.
    fn is_done(&self, store: &Connection) -> bool {
        let count = |sql: &str, name: &str| {
            store
                .query_row(&format!("SELECT count(*) FROM {sql}"), [name], |row| row.get::<_, u32>(0))
                .unwrap()
        };
        let live = |label| count("app_password WHERE label = ?1 AND revoked_at IS NULL", label) == 1;
        let alice_is = |state| count("account WHERE name = 'alice' AND state = ?1", state) == 1;
        match self {
            Self::Add(label) => live(label),
            Self::Revoke(label) => !live(label),
            Self::Rename(label, new) => !live(label) && live(new),
            Self::Rotate(label) => live(label) && live(&aged(label)),
            Self::Limit(label, _) => {
                count("app_password WHERE label = ?1 AND unixepoch() < expires_at", label) == 1
            }
            Self::Disable => alice_is("disabled"),
            Self::Enable => alice_is("active"),
            Self::RenewRecoveryCodes => {
                let good = "recovery_code JOIN account ON account.id = account_id
                            WHERE name = ?1 AND retired_at IS NULL";
                count(good, "alice") == 10
            }
            Self::RemoveTotp(account) => {
                count("totp_key JOIN account ON account.id = account_id WHERE name = ?1", account) == 0
            }
        }
    }
}

/// The label under which a rotated app password lives on.
fn aged(label: &str) -> String {
    format!("{label} (old)")
}

/// A site, and what has been said of it.
struct Trial {
    site: Site,
    number: usize,
    disabled: bool,
    /// An older one stands before its successor.
    live: Vec<Live>,
    with_totp: Vec<String>,
    /// Secrets that are dead once and for all.
    dead: Vec<String>,
    /// How long a command takes that nobody kills.
    usual: Duration,
    counts: Counts,
}

/// An app password that the command said, or everybody saw, to be there.
struct Live {
    label: String,
    /// Unless the command died before it was shown.
    secret: Option<String>,
    rotated: Rotated,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rotated {
    Never,
    Once,
}

#[derive(Default)]
struct Counts {
    acknowledged: usize,
    unsaid: usize,
    undone: usize,
    journals: usize,
}

fn what_was_acknowledged_survives_a_kill_at_any_moment(size: Size) -> String {
    let mut trial = Trial::new();
    let writes = size.of(25, 500);
    for _ in 0..writes {
        trial.write();
    }
    trial.logs_in_with_what_lives_and_nothing_else();
    let Counts { acknowledged, unsaid, undone, journals } = trial.counts;
    assert_eq!(acknowledged + unsaid + undone, writes);
    format!(
        "{writes} writes, {} killed: {acknowledged} acknowledged and there, {unsaid} done and not said, {undone} not \
         done; {journals} journals left behind; {} dead stayed dead",
        unsaid + undone,
        trial.dead.len()
    )
}

impl Trial {
    fn new() -> Self {
        let site = Site::new();
        site.service(IMAP, "");
        site.account("alice", PRIMARY);
        let started = Instant::now();
        let phone = postern(&site, &["app", "add", "alice", "--label", "phone"]);
        let usual = started.elapsed();
        let live = vec![Live { label: "phone".to_owned(), secret: Some(phone), rotated: Rotated::Never }];
        let (with_totp, dead, counts) = (Vec::new(), Vec::new(), Counts::default());
        Self { site, number: 0, disabled: false, live, with_totp, dead, usual, counts }
    }

    /// One command, with a kill at some moment of its usual time; then others look at what it left.
    fn write(&mut self) {
        let change = self.choose();
        let before = state(&self.site);
        let output = self.run_and_kill(&change);
        let said = output.status.success();
        assert!(said || output.status.signal() == Some(9), "{:?}: {output:?}", change.arguments());
        let journal = fs::metadata(self.site.path("store/store.db-journal"));
        self.counts.journals += usize::from(journal.is_ok_and(|journal| 0 < journal.len()));
        self.others_go_on();
        let after = state(&self.site);
        match (said, before == after) {
            (true, true) => panic!("acknowledged and lost: {:?}", change.arguments()),
            (true, false) => self.counts.acknowledged += 1,
            (false, false) => self.counts.unsaid += 1,
            (false, true) => self.counts.undone += 1,
        }
        if before != after {
            assert!(change.is_done(&self.store()), "{:?}\n{before:#?}\n{after:#?}", change.arguments());
            assert_eq!(audit_rows(&before) + 1, audit_rows(&after), "{:?}", change.arguments());
            let shown = String::from_utf8(output.stdout).unwrap();
            self.note(change, Some(shown).filter(|shown| shown.ends_with('\n')));
        }
    }

    fn choose(&mut self) -> Change {
        self.number += 1;
        let fresh = format!("device {}", self.number);
        let any = self.live.get(chance(self.live.len().max(1)));
        match (chance(10), any) {
            (0 | 1, Some(any)) => Change::Revoke(any.label.clone()),
            (2, Some(any)) => Change::Rename(any.label.clone(), fresh),
            (3 | 4, Some(any)) if any.rotated == Rotated::Never => Change::Rotate(any.label.clone()),
            (8, Some(any)) if any.rotated == Rotated::Never => {
                Change::Limit(any.label.clone(), format!("{}d", 30 + self.number))
            }
            (5, _) if self.disabled => Change::Enable,
            (5, _) => Change::Disable,
            (6, _) => Change::RenewRecoveryCodes,
            (7, _) => Change::RemoveTotp(self.account_with_totp()),
            _ => Change::Add(fresh),
        }
    }

    /// An account with a key: one that a killed command has left as it was, or a new one.
    fn account_with_totp(&mut self) -> String {
        if let Some(left) = self.with_totp.first() {
            return left.clone();
        }
        let account = format!("carol{}", self.number);
        self.site.pam_account(&account);
        self.site.totp(&account, "totp");
        self.with_totp.push(account.clone());
        account
    }

    fn run_and_kill(&mut self, change: &Change) -> Output {
        let started = Instant::now();
        let mut child = command(&self.site, &change.arguments()).spawn().unwrap();
        let delay = self.usual.mul_f64(chance(2000) as f64 / 1000.0);
        while child.try_wait().unwrap().is_none() && started.elapsed() < delay {
            thread::sleep(Duration::from_micros(100));
        }
        // So that about half of them live to say what they did, however busy the machine is.
        let lived = child.try_wait().unwrap().is_some();
        self.usual = self.usual.mul_f64(if lived { 0.97 } else { 1.03 });
        child.kill().unwrap();
        child.wait_with_output().unwrap()
    }

    /// In turn a login and a command are the first to meet what a killed one has left.
    fn others_go_on(&self) {
        if self.number % 2 == 0 {
            assert_eq!(self.site.login(IMAP, "alice", "x7qm-2x9d-r4fw-8hzn-pt3c"), AUTH_ERR);
        }
        postern(&self.site, &["account", "show", "alice"]);
        postern(&self.site, &["log", "verify"]);
        let check = self.store().query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0));
        assert_eq!(check.unwrap(), "ok");
    }

    fn store(&self) -> Connection {
        Connection::open(self.site.path("store/store.db")).unwrap()
    }

    /// What was done, whether the command lived to say so or not: everybody has seen it now.
    fn note(&mut self, change: Change, shown: Option<String>) {
        let secret = shown.map(|shown| shown.trim_end().to_owned());
        match change {
            Change::Add(label) => self.live.push(Live { label, secret, rotated: Rotated::Never }),
            Change::Revoke(label) => {
                let revoked = self.take(&label);
                self.dead.extend(revoked.secret);
            }
            Change::Rename(label, new) => self.one(&label).label = new,
            Change::Rotate(label) => {
                let one = self.one(&label);
                (one.label, one.rotated) = (aged(&label), Rotated::Once);
                self.live.push(Live { label, secret, rotated: Rotated::Once });
            }
            Change::Disable | Change::Enable => self.disabled = !self.disabled,
            Change::Limit(..) | Change::RenewRecoveryCodes => {}
            Change::RemoveTotp(account) => self.with_totp.retain(|one| *one != account),
        }
    }

    fn one(&mut self, label: &str) -> &mut Live {
        self.live.iter_mut().find(|one| one.label == label).unwrap()
    }

    fn take(&mut self, label: &str) -> Live {
        let place = self.live.iter().position(|one| one.label == label).unwrap();
        self.live.remove(place)
    }

    fn logs_in_with_what_lives_and_nothing_else(&self) {
        if self.disabled {
            postern(&self.site, &["account", "enable", "alice"]);
        }
        for secret in &self.dead {
            assert_eq!(self.site.login(IMAP, "alice", secret), AUTH_ERR, "revived");
        }
        for Live { label, secret, .. } in &self.live {
            let Some(secret) = secret else { continue };
            assert_eq!(self.site.login(IMAP, "alice", secret), SUCCESS, "{label}");
        }
    }
}

/// All that commands change, a line for each row.
fn state(site: &Site) -> Vec<String> {
    let store = Connection::open(site.path("store/store.db")).unwrap();
    let sql = "
        SELECT format('account %s %s %s', name, state, enrolled_at) FROM account UNION ALL
        SELECT format('app password %d %s %s %s %s %s', id, label, expires_at, revoked_at, revocation, replaces)
        FROM app_password UNION ALL
        SELECT format('key %d %d', id, account_id) FROM totp_key UNION ALL
        SELECT format('recovery code %d %s %s', id, spent_at, retired_at) FROM recovery_code UNION ALL
        SELECT format('revocation %d %s', id, restored_at) FROM revocation UNION ALL
        SELECT format('audit %d %s %s', id, event, label) FROM audit_row";
    let mut statement = store.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

fn audit_rows(state: &[String]) -> usize {
    state.iter().filter(|row| row.starts_with("audit ")).count()
}

/// A number below this.
fn chance(below: usize) -> usize {
    usize::try_from(RandomState::new().build_hasher().finish() % below as u64).unwrap()
}

/// A transaction that somebody did not live to commit, and had written out in part: it revives what was revoked.
fn what_a_journal_takes_back_is_never_believed(size: Size) -> String {
    let rounds = size.of(1, 20);
    for _ in 0..rounds {
        let site = Site::new();
        site.service(IMAP, "");
        site.account("alice", PRIMARY);
        let phone = site.app_password("alice", "phone", MAIL);
        site.revoke("alice", "phone");
        let [store, journal] = ["store/store.db", "store/store.db-journal"].map(|name| site.path(name));
        let left = interrupted(&store, "UPDATE app_password SET revoked_at = NULL");
        let before = fs::read(&store).unwrap();
        assert_eq!(revoked(&site, &left[0]), 0, "without its journal the store would believe the revival");
        for (path, content) in [(&store, &left[0]), (&journal, &left[1])] {
            fs::write(path, content).unwrap();
        }
        assert_eq!(site.login(IMAP, "alice", &phone), AUTH_ERR);
        assert!(!journal.exists() && fs::read(&store).unwrap() == before, "rolled back by the login");
    }
    format!("{rounds} journals rolled back by a login")
}

/// Store and journal as they lie on the disk in the middle of a transaction whose pages were written out already.
fn interrupted(store: &Path, sql: &str) -> [Vec<u8>; 2] {
    let writer = Connection::open(store).unwrap();
    let filler = "CREATE TABLE filler (octets);
                  WITH RECURSIVE number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 100)
                  INSERT INTO filler SELECT zeroblob(3000) FROM number;";
    writer.execute_batch(filler).unwrap();
    writer.execute_batch("PRAGMA cache_size = 1; BEGIN IMMEDIATE;").unwrap();
    writer.execute(sql, []).unwrap();
    // There is no room in memory for all of this, so that the pages before are written out.
    writer.execute("UPDATE filler SET octets = randomblob(3000)", []).unwrap();
    let journal = store.with_extension("db-journal");
    [fs::read(store).unwrap(), fs::read(journal).unwrap()]
}

/// How many app passwords are revoked in a file that has no journal beside it.
fn revoked(site: &Site, content: &[u8]) -> i64 {
    let alone = site.path("alone.db");
    fs::write(&alone, content).unwrap();
    let sql = "SELECT count(*) FROM app_password WHERE revoked_at IS NOT NULL";
    Connection::open(alone).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}
