//! Whoever has the database and not the key: how many of the secrets that it was made of can be checked?
//!
//! The thief knows each secret, each algorithm and the row that it belongs to, reads every octet of the store, and makes
//! a key of his own. What he cannot do is the promise: not one secret is told from a wrong one, not one key for codes is
//! read.

use std::{env, fs};

use postern::crypto::foreign::ForeignHash;
use postern::crypto::keyring::MasterKey;
use postern::crypto::password_hash::PasswordHash;
use postern::crypto::seal;
use postern::crypto::secret::Secret;
use postern::enrollment::Enrollment;
use postern::moving::Format;
use postern::verifier::{Unavailable, Vault};

use super::importing::{MAILCOW, PASSWD_FILE, SECRET};
use super::site::{PRIMARY, Site, TOTP_KEY, name};
use super::{Ask, database, imported};

/// How many accounts, each with ten secrets: a primary, an app password, eight recovery codes. `make proof` takes a
/// thousand secrets.
fn accounts() -> i64 {
    if env::var_os("POSTERN_PROOF").is_some() { 100 } else { 4 }
}

/// One secret that the thief knows to be right.
struct Known {
    account: i64,
    /// As it is typed.
    shown: Vec<u8>,
    /// As it is tagged and hashed.
    folded: Vec<u8>,
    /// Where its hash and its tag are.
    rows: &'static str,
}

const PRIMARY_ROWS: &str = "SELECT primary_hash, x'' FROM account WHERE id = ?1";
const APP_ROWS: &str = "SELECT hash, ifnull(tag, x'') FROM app_password WHERE account_id = ?1";
const CODE_ROWS: &str = "SELECT hash, tag FROM recovery_code WHERE account_id = ?1";

impl Known {
    fn text(account: i64, text: &str, rows: &'static str) -> Self {
        Self { account, shown: text.into(), folded: text.replace('-', "").into(), rows }
    }

    /// Whether one of its rows says, under this key, that it is right.
    fn is_checked(&self, site: &Site, key: &MasterKey) -> bool {
        let (shown, folded) = (Secret::copy_of(&self.shown), Secret::copy_of(&self.folded));
        let tags = [key.tag(&self.folded), key.imported_tag(self.account, &shown)];
        let database = database(site);
        let mut statement = database.prepare(self.rows).unwrap();
        let mut rows = statement.query([self.account]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let (text, tag): (String, Vec<u8>) = (row.get(0).unwrap(), row.get(1).unwrap());
            let ours = PasswordHash::parse(&text).is_ok_and(|hash| {
                let secret = if self.rows == PRIMARY_ROWS { &shown } else { &folded };
                hash.verify(secret, &key.pepper()).unwrap()
            });
            let theirs = ForeignHash::parse(&text)
                .is_ok_and(|hash| hash.verify(&shown, &postern::ffi::crypt::crypt).unwrap());
            if ours || theirs || tags.iter().any(|each| tag == each) {
                return true;
            }
        }
        false
    }
}

fn people(site: &Site) -> Vec<Known> {
    let mut known = Vec::new();
    let vault = site.vault();
    for id in 1..=accounts() {
        let account = format!("person{id}");
        let primary = format!("{PRIMARY} {id}");
        site.account(&account, &primary);
        site.totp(&account, "totp");
        known.push(Known { folded: primary.clone().into(), ..Known::text(id, &primary, PRIMARY_ROWS) });
        known.push(Known::text(id, &site.app_password(&account, "phone", "imap"), APP_ROWS));
        let codes = Enrollment::new(&vault).renew_recovery_codes(&name(&account), site.made()).unwrap();
        let text = |shown: &Secret| String::from_utf8(shown.expose().to_vec()).unwrap();
        known.extend(codes.iter().take(8).map(|code| Known::text(id, &text(&code.reveal()), CODE_ROWS)));
    }
    known
}

fn real_key(site: &Site) -> MasterKey {
    MasterKey::new(&fs::read(site.path("etc/key")).unwrap().try_into().unwrap())
}

#[test]
fn the_database_without_the_key_checks_no_secret() {
    let site = Site::new();
    let known = people(&site);
    let (real, thief) = (real_key(&site), MasterKey::new(&[7; 32]));
    let checked = |key| known.iter().filter(|each| each.is_checked(&site, key)).count();
    let (with_it, without, all) = (checked(&real), checked(&thief), 10 * accounts() as usize);
    eprintln!("{with_it} of {all} secrets can be checked with the key, {without} without it");
    // With the key they all are, or the other number would say nothing.
    assert_eq!((with_it, without, known.len()), (all, 0, all));
    let octets = fs::read(site.path("store/store.db")).unwrap();
    for secret in known.iter().flat_map(|each| [&each.shown, &each.folded]) {
        assert!(!octets.windows(secret.len()).any(|window| window == secret));
    }
}

#[test]
fn hashes_that_were_brought_along_are_not_there_to_be_checked() {
    let site = Site::new();
    imported(&site, PASSWD_FILE, Format::Dovecot);
    imported(&site, MAILCOW, Format::Csv);
    let (thief, octets) = (MasterKey::new(&[7; 32]), fs::read(site.path("store/store.db")).unwrap());
    for account in 1..=8 {
        for rows in [PRIMARY_ROWS, APP_ROWS] {
            assert!(
                !Known { folded: SECRET.into(), ..Known::text(account, SECRET, rows) }
                    .is_checked(&site, &thief)
            );
        }
    }
    // What stands behind the last `$` or `}` of each line, which is the hash.
    for hash in PASSWD_FILE.lines().skip(1).filter(|line| !line.contains("{PLAIN}")) {
        let field = hash.split(':').nth(1).unwrap();
        let hash = field.rsplit(['$', '}']).next().unwrap().as_bytes();
        assert!(15 < hash.len() && !octets.windows(hash.len()).any(|window| window == hash), "{field}");
    }
}

#[test]
fn the_database_without_the_key_reads_no_key_for_codes() {
    let site = Site::new();
    people(&site);
    let (real, thief) = (real_key(&site), MasterKey::new(&[7; 32]));
    let database = database(&site);
    let mut statement = database.prepare("SELECT account_id, id, sealed FROM totp_key").unwrap();
    let mut rows = statement.query([]).unwrap();
    let (mut ours, mut his) = (0, 0);
    while let Some(row) = rows.next().unwrap() {
        let (account, id): (i64, i64) = (row.get(0).unwrap(), row.get(1).unwrap());
        let (sealed, place): (Vec<u8>, _) = (row.get(2).unwrap(), format!("postern/1/totp/{account}/{id}"));
        let open = |key: &MasterKey| seal::open(&key.seal_key(), place.as_bytes(), &sealed);
        ours += usize::from(open(&real).is_ok_and(|key| key.expose() == TOTP_KEY));
        his += usize::from(open(&thief).is_ok());
    }
    eprintln!("{ours} keys for codes are read with the key, {his} without it");
    assert_eq!((ours, his), (accounts() as usize, 0));
    let octets = fs::read(site.path("store/store.db")).unwrap();
    assert!(!octets.windows(TOTP_KEY.len()).any(|window| window == TOTP_KEY));
}

#[test]
fn a_key_of_the_thief_opens_no_vault_and_no_account() {
    let site = Site::with_alice();
    imported(&site, PASSWD_FILE, Format::Dovecot);
    imported(&site, MAILCOW, Format::Csv);
    fs::write(site.path("etc/key"), [7; 32]).unwrap();
    let refused = Vault::open(&site.config, site.owner()).err().unwrap();
    assert!(matches!(refused, Unavailable::Store(postern::store::StoreError::OtherKey)), "{refused}");
    // He makes the store believe that the key is its own.
    let check = MasterKey::new(&[7; 32]).check_value();
    database(&site).execute("UPDATE key_check SET value = ?1", [check]).unwrap();
    for (account, secret) in [
        ("alice", PRIMARY),
        ("anna@example.org", SECRET),
        ("carl@example.org", SECRET),
        ("emil@example.org", SECRET),
    ] {
        let granted = Ask::of(account, secret).decide(&site).is_ok_and(|decision| decision.is_grant());
        assert!(!granted, "{account}");
    }
}
