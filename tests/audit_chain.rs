//! The chain of audit rows: whatever is done to it without its key is found, at the right row.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

#[path = "support/site.rs"]
mod site;

use std::cell::RefCell;
use std::fs;
use std::rc::Rc;

use postern::crypto::keyring::MasterKey;
use postern::crypto::secret::Secret;
use postern::domain::account::AccountState;
use postern::domain::anchor::Anchor;
use postern::store::{ChainKey, ChainWalk, FlawKind, Made, Store, Walked, Whole};
use rusqlite::Connection;
use site::Site;

const MAIL: &str = "imap,pop3,smtp,sieve";

/// A site whose chain has ten rows.
fn ten_rows() -> Site {
    let site = Site::with_alice();
    for label in ["phone", "tablet", "laptop", "printer", "old phone"] {
        site.app_password("alice", label, MAIL);
    }
    site.revoke("alice", "old phone");
    site.revoke("alice", "printer");
    assert_eq!(whole(&site).rows, 10);
    site
}

fn walk(site: &Site, anchors: Vec<Anchor>) -> Result<Whole, (i64, FlawKind)> {
    let vault = site.vault();
    let mut walk = ChainWalk::new(vault.chain_keys().unwrap(), anchors);
    loop {
        match vault.store.walk_chain(&mut walk).unwrap() {
            Walked::Further { .. } => {}
            Walked::Whole(whole) => return Ok(whole),
            Walked::Flawed(flaw) => return Err((flaw.row, flaw.kind)),
        }
    }
}

#[track_caller]
fn whole(site: &Site) -> Whole {
    walk(site, Vec::new()).unwrap()
}

/// One chain, and each tampering done to it as it was.
struct Chain {
    site: Site,
    content: Vec<u8>,
}

impl Chain {
    fn of_ten_rows() -> Self {
        let site = ten_rows();
        let content = fs::read(site.path("store/store.db")).unwrap();
        Self { site, content }
    }

    #[track_caller]
    fn found(&self, sql: &str, row: i64, kind: FlawKind) {
        fs::write(self.site.path("store/store.db"), &self.content).unwrap();
        tamper(&self.site, sql);
        assert_eq!(walk(&self.site, Vec::new()).unwrap_err(), (row, kind), "{sql}");
    }
}

/// As whoever can write to the store: no check of ours is kept.
fn tamper(site: &Site, sql: &str) {
    let database = Connection::open(site.path("store/store.db")).unwrap();
    database.execute_batch("PRAGMA ignore_check_constraints = ON").unwrap();
    database.execute_batch(sql).unwrap();
}

#[test]
fn a_changed_column_of_any_row_is_found() {
    let chain = Chain::of_ten_rows();
    for row in [1, 5, 10] {
        for change in [
            "at = at + 1",
            "at = -1",
            "at = 9223372036854775807",
            "by = by + 1",
            "by = -9223372036854775808",
            "event = 'app.add2'",
            "event = ''",
            "account = 'mallory'",
            "account = ifnull(account, '') || char(0)",
            "label = 'another'",
            "label = CAST(x'fffe00' AS TEXT)",
            "detail = 'x'",
            "detail = ''",
            "detail = CAST(zeroblob(5000000) AS TEXT)",
            "mac = zeroblob(32)",
            "mac = x''",
            "mac = zeroblob(100000)",
            "mac = (SELECT mac FROM audit_row AS other WHERE other.id = 4)",
        ] {
            chain.found(&format!("UPDATE audit_row SET {change} WHERE id = {row}"), row, FlawKind::Changed);
        }
    }
}

#[test]
fn octets_cannot_move_from_one_column_to_the_next() {
    let chain = Chain::of_ten_rows();
    chain.found(
        "UPDATE audit_row SET label = 'lap', detail = 'top' || detail WHERE label = 'laptop'",
        6,
        FlawKind::Changed,
    );
}

#[test]
fn a_row_under_a_key_that_nobody_knows_is_named_so() {
    let chain = Chain::of_ten_rows();
    chain.found("UPDATE audit_row SET key_id = 7 WHERE id = 5", 5, FlawKind::OtherKey(7));
    chain.found("UPDATE audit_row SET key_id = -1 WHERE id = 1", 1, FlawKind::OtherKey(-1));
}

#[test]
fn a_deleted_row_is_found_wherever_it_was() {
    let chain = Chain::of_ten_rows();
    chain.found("DELETE FROM audit_row WHERE id = 1", 1, FlawKind::Missing(1));
    chain.found("DELETE FROM audit_row WHERE id = 5", 5, FlawKind::Missing(5));
    chain.found("DELETE FROM audit_row WHERE id IN (4, 5, 6)", 4, FlawKind::Missing(6));
    // And where the numbers are closed up after it.
    let close = "DELETE FROM audit_row WHERE id = 5;
                 UPDATE audit_row SET id = -id WHERE 5 < id; UPDATE audit_row SET id = -id - 1 WHERE id < 0;";
    chain.found(close, 5, FlawKind::Changed);
    let head = "UPDATE audit_head SET last_row = 9";
    chain.found(&format!("{close} {head}"), 5, FlawKind::Changed);
}

#[test]
fn rows_that_changed_places_are_found() {
    let chain = Chain::of_ten_rows();
    let swap = |one, other| {
        format!(
            "UPDATE audit_row SET id = 99 WHERE id = {one}; UPDATE audit_row SET id = {one} WHERE id = {other};
             UPDATE audit_row SET id = {other} WHERE id = 99"
        )
    };
    chain.found(&swap(5, 6), 5, FlawKind::OutOfOrder(6));
    chain.found(&swap(1, 10), 1, FlawKind::OutOfOrder(10));
    chain.found("UPDATE audit_row SET id = 77 WHERE id = 5", 5, FlawKind::OutOfOrder(77));
}

#[test]
fn a_row_that_was_put_in_is_found() {
    let chain = Chain::of_ten_rows();
    let copy = |id: i64, of: i64| {
        format!(
            "INSERT INTO audit_row SELECT {id}, at, by, event, account, label, detail, key_id, mac
             FROM audit_row WHERE id = {of}"
        )
    };
    chain.found(&copy(0, 1), 0, FlawKind::PutIn);
    chain.found(&copy(i64::MIN, 1), i64::MIN, FlawKind::PutIn);
    chain.found(&copy(11, 10), 11, FlawKind::Changed);
    chain.found(&copy(i64::MAX, 10), 11, FlawKind::Missing(i64::MAX - 1));
    let make_room =
        "UPDATE audit_row SET id = -id WHERE 5 <= id; UPDATE audit_row SET id = -id + 1 WHERE id < 0";
    chain.found(&format!("{make_room}; {}", copy(5, 4)), 5, FlawKind::OutOfOrder(6));
}

#[test]
fn a_chain_cut_short_is_found() {
    let chain = Chain::of_ten_rows();
    let cut = "DELETE FROM audit_row WHERE 7 < id";
    chain.found(cut, 8, FlawKind::CutShort(10));
    chain.found("DELETE FROM audit_row WHERE id = 10", 10, FlawKind::CutShort(10));
    chain.found(&format!("{cut}; DELETE FROM audit_head"), 8, FlawKind::HeadMissing);
    chain.found(&format!("{cut}; UPDATE audit_head SET last_row = 7"), 8, FlawKind::HeadChanged);
    chain.found("DELETE FROM audit_row", 1, FlawKind::CutShort(10));
    chain.found("DELETE FROM audit_row; DELETE FROM audit_head", 1, FlawKind::MissingWithHead);
}

#[test]
fn a_head_that_was_changed_is_found() {
    let chain = Chain::of_ten_rows();
    chain.found("DELETE FROM audit_head", 11, FlawKind::HeadMissing);
    chain.found("UPDATE audit_head SET mac = zeroblob(32)", 11, FlawKind::HeadChanged);
    chain.found("UPDATE audit_head SET mac = x'00'", 11, FlawKind::HeadChanged);
    chain.found("UPDATE audit_head SET key_id = 2", 11, FlawKind::HeadChanged);
    chain.found("UPDATE audit_head SET last_row = 11", 11, FlawKind::CutShort(11));
    chain.found("UPDATE audit_head SET last_row = -9223372036854775808", 11, FlawKind::HeadBehind(i64::MIN));
    chain.found("UPDATE audit_head SET last_row = 9223372036854775807", 11, FlawKind::CutShort(i64::MAX));
}

#[test]
fn an_older_head_is_found_unless_the_rows_are_as_old() {
    let site = ten_rows();
    tamper(&site, "CREATE TABLE loot AS SELECT * FROM audit_head");
    let seen = whole(&site).anchor;
    site.app_password("alice", "eleventh", MAIL);
    let later = whole(&site).anchor;
    let back = "UPDATE audit_head SET (last_row, key_id, mac) = (SELECT last_row, key_id, mac FROM loot)";
    tamper(&site, back);
    assert_eq!(walk(&site, Vec::new()).unwrap_err(), (12, FlawKind::HeadBehind(10)));
    // The whole of it as it once was passes, and only what was noted elsewhere tells.
    tamper(&site, &format!("{back}; DELETE FROM audit_row WHERE 10 < id"));
    assert_eq!(whole(&site).rows, 10);
    assert!(walk(&site, vec![seen]).is_ok());
    assert_eq!(walk(&site, vec![later]).unwrap_err(), (11, FlawKind::ToldAndMissing(11)));
}

#[test]
fn a_row_in_the_place_of_the_one_that_the_log_told_of_is_found() {
    let site = ten_rows();
    let anchors = vec![Anchor::parse("5:00112233").unwrap()];
    assert_eq!(walk(&site, anchors).unwrap_err(), (5, FlawKind::NotAsTold));
}

#[test]
fn what_is_no_value_of_its_column_is_a_changed_row() {
    let loosen = "PRAGMA writable_schema = ON;
                  UPDATE sqlite_schema SET sql = replace(sql, 'STRICT', '') WHERE name LIKE 'audit%'";
    for change in [
        "audit_row SET at = 'soon' WHERE id = 5",
        "audit_row SET by = 1.5 WHERE id = 5",
        "audit_row SET event = CAST(event AS BLOB) WHERE id = 5",
        "audit_row SET label = 7 WHERE id = 5",
        "audit_row SET mac = 'text' WHERE id = 5",
    ] {
        let site = ten_rows();
        tamper(&site, loosen);
        tamper(&site, &format!("UPDATE {change}"));
        assert_eq!(walk(&site, Vec::new()).unwrap_err(), (5, FlawKind::Changed), "{change}");
        // It can be looked at all the same.
        assert_eq!(site.vault().store.audit_rows_below(i64::MAX, 99).unwrap().len(), 10);
    }
}

#[test]
fn another_key_makes_no_chain() {
    let site = ten_rows();
    let key = MasterKey::new(&[7; 32]).audit_key();
    let mut walk = ChainWalk::new(vec![ChainKey { key, key_id: 1 }], Vec::new());
    let Walked::Flawed(flaw) = site.vault().store.walk_chain(&mut walk).unwrap() else { panic!("it passed") };
    assert_eq!((flaw.row, flaw.kind), (1, FlawKind::Changed));
}

#[test]
fn the_next_change_covers_nothing_up() {
    for (sql, row, kind) in [
        ("DELETE FROM audit_row WHERE 7 < id", 8, FlawKind::Noticed),
        ("DELETE FROM audit_row WHERE 7 < id; DELETE FROM audit_head", 8, FlawKind::Noticed),
        ("DELETE FROM audit_row; DELETE FROM audit_head", 1, FlawKind::Noticed),
        ("DELETE FROM audit_head", 11, FlawKind::Noticed),
        ("UPDATE audit_head SET mac = zeroblob(32)", 11, FlawKind::Noticed),
        ("UPDATE audit_head SET key_id = 2", 11, FlawKind::Noticed),
        ("UPDATE audit_row SET mac = x'00' WHERE id = 10", 10, FlawKind::Changed),
        ("UPDATE audit_row SET id = 99 WHERE id = 10", 10, FlawKind::OutOfOrder(99)),
    ] {
        let site = ten_rows();
        tamper(&site, sql);
        // A revocation goes through, whatever was done to the log.
        site.revoke("alice", "phone");
        site.revoke("alice", "tablet");
        assert_eq!(walk(&site, Vec::new()).unwrap_err(), (row, kind), "{sql}");
    }
}

#[test]
fn a_chain_longer_than_a_page_is_walked_to_its_end() {
    let site = Site::with_alice();
    let vault = site.vault();
    let id = vault.store.account(&site::name("alice")).unwrap().unwrap().id;
    tamper(&site, "PRAGMA synchronous = OFF");
    for _ in 0..2010 {
        vault.store.set_account_state(id, AccountState::Active, site.made()).unwrap();
    }
    assert_eq!(whole(&site).rows, 2013);
    tamper(&site, "UPDATE audit_row SET by = 7 WHERE id = 2001");
    assert_eq!(walk(&site, Vec::new()).unwrap_err(), (2001, FlawKind::Changed));
}

#[test]
fn the_witness_hears_of_what_was_committed_and_of_nothing_else() {
    let site = Site::with_alice();
    let heard = Rc::new(RefCell::new(Vec::new()));
    let ear = Rc::clone(&heard);
    let mut vault = site.vault();
    vault.store.tell(Box::new(move |row| ear.borrow_mut().push(format!("{} {}", row.event, row.anchor))));
    let id = vault.store.account(&site::name("alice")).unwrap().unwrap().id;
    vault.store.set_account_state(id, AccountState::Disabled, site.made()).unwrap();
    let anchor = whole(&site).anchor;
    assert_eq!(*heard.borrow(), [format!("account.disable {anchor}")]);
    // The row is appended, and then the disk refuses.
    tamper(&site, "CREATE TRIGGER no AFTER INSERT ON audit_row BEGIN SELECT RAISE(ABORT, 'no'); END");
    assert!(vault.store.set_account_state(id, AccountState::Active, site.made()).is_err());
    tamper(
        &site,
        "DROP TRIGGER no; CREATE TRIGGER no AFTER UPDATE ON audit_head BEGIN SELECT RAISE(ABORT, 'no'); END",
    );
    assert!(vault.store.set_account_state(id, AccountState::Active, site.made()).is_err());
    tamper(&site, "DROP TRIGGER no");
    assert_eq!(heard.borrow().len(), 1);
    vault.store.set_account_state(id, AccountState::Active, site.made()).unwrap();
    assert_eq!(heard.borrow().len(), 2);
}

#[test]
fn a_new_store_tells_of_its_first_row() {
    let site = Site::new();
    let path = site.path("store/other.db");
    let heard = Rc::new(RefCell::new(Vec::new()));
    let ear = Rc::clone(&heard);
    let chain = ChainKey { key: Secret::copy_of(b"chain"), key_id: 1 };
    let made = Made { at: site::now(), by: 7 };
    let witness = Box::new(move |row: &postern::store::Recorded| ear.borrow_mut().push(row.event.clone()));
    Store::create(&path, site.owner().0, [0; 16], chain, made, witness).unwrap();
    assert_eq!(*heard.borrow(), ["store.create"]);
    let (_, rows) = Store::open(&path, site.owner().0, |store| store.audit_rows_above(0, 9)).unwrap();
    assert_eq!(rows.len(), 1);
}
