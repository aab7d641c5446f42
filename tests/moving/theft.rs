//! Whoever has the database and not the key: how many of the secrets that it was made of can be checked?
//!
//! The thief knows each secret, each algorithm and the row that it belongs to, reads every octet that lies beside the
//! store, and makes keys of his own. What he cannot do is the promise: not one secret is told from a wrong one, not one
//! key for codes is read. The same harness with the right key finds them all.

use std::collections::HashSet;
use std::{env, fs};

use data_encoding::{BASE64, BASE64_NOPAD, HEXLOWER};
use postern::crypto::foreign::ForeignHash;
use postern::crypto::keyring::MasterKey;
use postern::crypto::password_hash::PasswordHash;
use postern::crypto::seal;
use postern::crypto::secret::Secret;
use postern::moving::Format;
use postern::verifier::{Unavailable, Vault};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::importing::{MAILCOW, PASSWD_FILE, SECRET};
use super::site::{PRIMARY, Site};
use super::{Ask, database, imported};

/// Accounts with 25 secrets each: a primary, ten recovery codes, thirteen app passwords, and the primary of somebody
/// whose hash was brought along. `make proof` takes a thousand secrets.
fn accounts() -> usize {
    if env::var_os("POSTERN_PROOF").is_some() { 40 } else { 4 }
}

/// App passwords of each account.
const APP_PASSWORDS: i64 = 13;

/// One secret that the thief knows to be right.
struct Known {
    account: i64,
    /// As it is typed.
    shown: Vec<u8>,
    /// As it is tagged and hashed.
    folded: Vec<u8>,
    /// Where its hash and its tag are: its account, and how many rows stand before its own.
    row: (&'static str, i64),
}

const PRIMARY_ROW: &str = "SELECT primary_hash, x'' FROM account WHERE id = ?1 LIMIT 1 OFFSET ?2";
const APP_ROW: &str =
    "SELECT hash, ifnull(tag, x'') FROM app_password WHERE account_id = ?1 ORDER BY id LIMIT 1 OFFSET ?2";
const CODE_ROW: &str =
    "SELECT hash, tag FROM recovery_code WHERE account_id = ?1 ORDER BY id LIMIT 1 OFFSET ?2";

impl Known {
    fn chosen(account: i64, text: &str) -> Self {
        Self { account, shown: text.into(), folded: text.into(), row: (PRIMARY_ROW, 0) }
    }

    fn generated(account: i64, text: &str, row: (&'static str, i64)) -> Self {
        Self { account, shown: text.into(), folded: text.replace('-', "").into(), row }
    }

    /// Whether its row says, under this key, that it is right.
    fn is_checked(&self, database: &rusqlite::Connection, key: &MasterKey) -> bool {
        let shown = Secret::copy_of(&self.shown);
        let cells = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let (text, tag): (String, Vec<u8>) =
            database.query_row(self.row.0, (self.account, self.row.1), cells).unwrap();
        let tags = [key.tag(&self.folded), key.imported_tag(self.account, &shown)];
        let ours = PasswordHash::parse(&text)
            .is_ok_and(|hash| hash.verify(&Secret::copy_of(&self.folded), &key.pepper()).unwrap());
        ours || tags.iter().any(|each| tag == each) || self.is_brought_along(&text, key, &shown)
    }

    /// Whether a hash of other software says so, in the clear or under the seal of this key.
    fn is_brought_along(&self, text: &str, key: &MasterKey, shown: &Secret) -> bool {
        let sealed = text.rsplit('$').next().and_then(|sealed| BASE64_NOPAD.decode(sealed.as_bytes()).ok());
        let place = format!("postern/1/hash/{}", self.account);
        let opened = sealed.and_then(|sealed| seal::open(&key.seal_key(), place.as_bytes(), &sealed).ok());
        let opened = opened.map(|hash| String::from_utf8(hash.expose().to_vec()).unwrap());
        [Some(text.to_owned()), opened].into_iter().flatten().any(|text| {
            ForeignHash::parse(&text)
                .is_ok_and(|hash| hash.verify(shown, &postern::ffi::crypt::crypt).unwrap())
        })
    }
}

fn people(site: &Site) -> Vec<Known> {
    let mut known = Vec::new();
    for id in 1..=accounts() {
        let (account, primary) = (format!("person{id}"), format!("{PRIMARY} staple {id}"));
        site.account(&account, &primary);
        site.totp_with(&totp_key(id), &account, "totp");
        let number = i64::try_from(id).unwrap();
        known.push(Known::chosen(number, &primary));
        for place in 0..APP_PASSWORDS {
            let made = site.app_password(&account, &format!("device {place}"), "imap");
            known.push(Known::generated(number, &made, (APP_ROW, place)));
        }
        for (place, code) in (0..).zip(site.recovery_codes(&account)) {
            known.push(Known::generated(number, &code, (CODE_ROW, place)));
        }
    }
    known.extend(brought_along(site));
    known
}

/// As many again, whose hashes another server has made.
fn brought_along(site: &Site) -> Vec<Known> {
    let secret = |id: usize| format!("{SECRET} {id}");
    let line = |id: usize| {
        let hash = [Sha256::digest(format!("{}salt", secret(id))).as_slice(), b"salt"].concat();
        format!("moved{id}:{{SSHA256}}{}:::::\n", BASE64.encode(&hash))
    };
    imported(site, &(1..=accounts()).map(line).collect::<String>(), Format::Dovecot);
    let number = |id: usize| i64::try_from(accounts() + id).unwrap();
    (1..=accounts()).map(|id| Known::chosen(number(id), &secret(id))).collect()
}

fn totp_key(id: usize) -> Vec<u8> {
    format!("{id:0>20}").into_bytes()
}

fn real_key(site: &Site) -> MasterKey {
    MasterKey::new(&fs::read(site.path("etc/key")).unwrap().try_into().unwrap())
}

/// Keys that the thief may think of: none, all bits, and some of his own.
fn his_keys() -> [MasterKey; 4] {
    let random = Sha256::digest(b"what the thief has drawn").into();
    [[0; 32], [0xff; 32], [7; 32], random].map(|octets| MasterKey::new(&octets))
}

/// Every octet beside the store: its pages, free ones too, a journal, a log.
fn octets(site: &Site) -> Vec<u8> {
    let files = fs::read_dir(site.path("store")).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap());
    files.flatten().collect()
}

/// What a secret leaves behind in a store without a key: itself, and its hashes that need none.
fn traces(secret: &[u8]) -> Vec<Vec<u8>> {
    let digests = [
        Sha1::digest(secret).to_vec(),
        Sha256::digest(secret).to_vec(),
        Sha512::digest(secret).to_vec(),
        Sha256::digest(Sha256::digest(secret)).to_vec(),
    ];
    let mut traces = vec![secret.to_vec()];
    for octets in digests.into_iter().chain([secret.to_vec()]) {
        traces.extend([HEXLOWER.encode(&octets).into_bytes(), BASE64.encode(&octets).into_bytes(), octets]);
    }
    traces
}

/// How many of these a store shows, by their first octets. What is shorter than a recovery code is not looked for.
fn found(octets: &[u8], secrets: &[Vec<u8>]) -> usize {
    const ENOUGH: usize = 16;
    let windows: HashSet<&[u8]> = octets.windows(ENOUGH).collect();
    let shows = |secret: &&Vec<u8>| {
        traces(secret).iter().any(|trace| trace.get(..ENOUGH).is_some_and(|start| windows.contains(start)))
    };
    secrets.iter().filter(shows).count()
}

#[test]
fn the_database_without_the_key_checks_no_secret() {
    let site = Site::new();
    let known = people(&site);
    assert_eq!(known.len(), 25 * accounts());
    let database = database(&site);
    let checked = |key: &MasterKey| known.iter().filter(|each| each.is_checked(&database, key)).count();
    // With the key they all are, or the other numbers would say nothing.
    assert_eq!(checked(&real_key(&site)), known.len());
    for key in his_keys() {
        assert_eq!(checked(&key), 0);
    }
    let forms: Vec<Vec<u8>> = known.into_iter().flat_map(|each| [each.shown, each.folded]).collect();
    let octets = octets(&site);
    assert_eq!(found(&octets, &forms), 0);
    // And the search finds what is there: each of them, once it is written beside the store, whatever its form.
    for form in 0..traces(b"").len() {
        let leaked: Vec<u8> = forms.iter().flat_map(|secret| traces(secret).swap_remove(form)).collect();
        assert_eq!(found(&[octets.as_slice(), &leaked].concat(), &forms), forms.len(), "{form}");
    }
}

#[test]
fn the_database_without_the_key_reads_no_key_for_codes() {
    let site = Site::new();
    for id in 1..=accounts() {
        site.account(&format!("person{id}"), PRIMARY);
        site.totp_with(&totp_key(id), &format!("person{id}"), "totp");
    }
    let (site, octets) = (&site, octets(&site));
    let database = database(site);
    let mut statement = database.prepare("SELECT account_id, id, sealed FROM totp_key").unwrap();
    let cells = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let rows: Vec<(i64, i64, Vec<u8>)> =
        statement.query_map([], cells).unwrap().map(Result::unwrap).collect();
    let read = |key: &MasterKey| {
        let opened = rows.iter().filter_map(|(account, id, sealed)| {
            let place = format!("postern/1/totp/{account}/{id}");
            seal::open(&key.seal_key(), place.as_bytes(), sealed).ok()
        });
        opened.count()
    };
    assert_eq!(read(&real_key(site)), accounts());
    for key in his_keys() {
        assert_eq!(read(&key), 0);
    }
    assert_eq!(found(&octets, &(1..=accounts()).map(totp_key).collect::<Vec<_>>()), 0);
}

#[test]
fn hashes_that_were_brought_along_are_not_there_to_be_checked() {
    let site = Site::new();
    imported(&site, PASSWD_FILE, Format::Dovecot);
    imported(&site, MAILCOW, Format::Csv);
    let octets = octets(&site);
    // What stands behind the last `$` or `}` of each line, which is the hash.
    for hash in PASSWD_FILE.lines().skip(1).filter(|line| !line.contains("{PLAIN}")) {
        let field = hash.split(':').nth(1).unwrap();
        let hash = field.rsplit(['$', '}']).next().unwrap().as_bytes();
        assert!(15 < hash.len() && !octets.windows(hash.len()).any(|window| window == hash), "{field}");
    }
}

#[test]
fn no_file_in_the_place_of_the_key_opens_the_store() {
    let site = Site::with_alice();
    for key in [&[][..], &[0; 32], &[7; 32], &[0; 31], &[0; 33]] {
        fs::write(site.path("etc/key"), key).unwrap();
        assert!(Vault::open(&site.config, site.owner()).is_err(), "{} octets", key.len());
        let granted = Ask::of("alice", PRIMARY).decide(&site).is_ok_and(|decision| decision.is_grant());
        assert!(!granted);
    }
    fs::remove_file(site.path("etc/key")).unwrap();
    assert!(Vault::open(&site.config, site.owner()).is_err());
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
