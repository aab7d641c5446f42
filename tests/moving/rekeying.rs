//! A new key while logins go on.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::thread;

use postern::config::{read_key, replace_key};
use postern::domain::throttle::Source;
use postern::domain::verdict::Denial;
use postern::enrollment::{Enrollment, NewPrimary};
use postern::moving::{Format, Rekey, RekeyError, Rest, Status};
use postern::store::{ChainWalk, StoreError, Walked};
use postern::verifier::{Unavailable, Vault};

use super::importing::{MAILCOW, PASSWD_FILE, SECRET};
use super::site::{PRIMARY, Site, code_at, name, now};
use super::{Ask, UnixTime, Until, imported, value};

const MAIL: &str = "imap,pop3,smtp,sieve";

fn with<T>(site: &Site, act: impl FnOnce(&Rekey<'_>) -> T) -> T {
    let open = || Vault::open(&site.config, site.owner());
    act(&Rekey { config: &site.config, owner: site.owner(), made: site.made(), open: &open })
}

fn begin(site: &Site) -> Status {
    with(site, |rekey| rekey.begin(&mut |_| ())).unwrap()
}

fn status(site: &Site) -> Status {
    with(site, |rekey| rekey.status()).unwrap()
}

fn finish(site: &Site, rest: Rest) -> Result<(), RekeyError> {
    with(site, |rekey| rekey.finish(rest))
}

fn key_octets(site: &Site) -> Vec<u8> {
    fs::read(site.path("etc/key")).unwrap()
}

/// The audit chain is whole, under whichever keys.
#[track_caller]
fn sound(site: &Site) {
    let vault = site.vault();
    let mut walk = ChainWalk::new(vault.chain_keys().unwrap(), Vec::new());
    loop {
        match vault.store.walk_chain(&mut walk).unwrap() {
            Walked::Further { .. } => {}
            Walked::Whole(_) => return,
            Walked::Flawed(flaw) => panic!("{flaw}"),
        }
    }
}

/// Somebody of each kind, and the secrets: an app password, a recovery code.
struct People {
    site: Site,
    phone: String,
    codes: Vec<String>,
}

fn people() -> People {
    let site = Site::with_alice();
    let phone = site.app_password("alice", "phone", MAIL);
    let codes = Enrollment::new(&site.vault()).renew_recovery_codes(&name("alice"), site.made()).unwrap();
    let codes =
        codes.iter().map(|code| String::from_utf8(code.reveal().expose().to_vec()).unwrap()).collect();
    imported(&site, PASSWD_FILE, Format::Dovecot);
    imported(&site, MAILCOW, Format::Csv);
    site.totp("carl@example.org", "totp");
    People { site, phone, codes }
}

#[test]
fn what_is_sealed_moves_at_once_and_what_is_hashed_when_it_is_used() {
    let People { site, phone, codes } = people();
    let old = key_octets(&site);
    let begun = begin(&site);
    assert_eq!((begun.keys, begun.keys_in_file, begun.sealed), (2, 2, 0));
    // A phone, ten codes, her primary, and the primary that came in the clear.
    assert_eq!((begun.held.len(), begun.waiting()), (2, 13));
    let both = key_octets(&site);
    assert!(both.len() == 64 && both.ends_with(&old));
    let under_old = "SELECT count(*) FROM totp_key WHERE key_id = 1";
    assert_eq!(value::<i64>(&site, under_old), 0);
    sound(&site);
    Ask::of("alice", &phone).passes(&site);
    Ask::of("alice", &format!("{PRIMARY}{}", code_at(now()))).passes(&site);
    Ask::of("carl@example.org", &format!("{SECRET}{}", code_at(now()))).passes(&site);
    Ask::of("anna@example.org", SECRET).passes(&site);
    for code in &codes {
        Ask::of("alice", &format!("{PRIMARY} {code}")).passes(&site);
    }
    assert!(
        matches!(finish(&site, Rest::Keep), Err(RekeyError::Held(held)) if held[0].account == "emil@example.org")
    );
    site.totp("emil@example.org", "totp");
    Ask::of("emil@example.org", &format!("{SECRET}{}", code_at(now()))).passes(&site);
    assert!(status(&site).is_done());
    finish(&site, Rest::Keep).unwrap();
    assert_eq!(key_octets(&site), both[..32]);
    sound(&site);
    Ask::of("alice", &phone).passes(&site);
    let later = UnixTime(now().0 + 60);
    let field = format!("{PRIMARY}{}", code_at(later));
    Ask { at: later, ..Ask::of("alice", &field) }.passes(&site);
    Ask::of("anna@example.org", SECRET).passes(&site);
    Ask::of("alice", &format!("{PRIMARY} {}", codes[0])).fails(&site, Denial::WrongCode);
    assert!(matches!(finish(&site, Rest::Keep), Err(RekeyError::NotBegun)));
    // The old key alone opens nothing any more.
    fs::write(site.path("etc/key"), &old).unwrap();
    assert!(Vault::open(&site.config, site.owner()).is_err());
}

#[test]
fn a_second_change_keeps_the_chain_of_the_first() {
    let site = Site::with_alice();
    for keys in 1..=3 {
        begin(&site);
        site.app_password("alice", &format!("device {keys}"), MAIL);
        finish(&site, Rest::Revoke).unwrap();
        sound(&site);
        assert_eq!(key_octets(&site).len(), 32);
        assert_eq!(value::<i64>(&site, "SELECT count(*) FROM key_check WHERE retired_at IS NOT NULL"), keys);
    }
}

#[test]
fn the_rest_is_revoked_only_where_that_is_asked_for() {
    let People { site, phone, codes } = people();
    begin(&site);
    assert!(finish(&site, Rest::Keep).is_err());
    Ask::of("alice", &phone).passes(&site);
    let tablet = site.app_password("alice", "tablet", MAIL);
    finish(&site, Rest::Revoke).unwrap();
    Ask::of("alice", &phone).passes(&site);
    Ask::of("alice", &tablet).passes(&site);
    Ask::of("alice", PRIMARY).fails(&site, Denial::WrongPrimary);
    let secret = super::Secret::copy_of(PRIMARY.as_bytes());
    Enrollment::new(&site.vault())
        .set_primary(&name("alice"), &NewPrimary::Store(&secret), site.made())
        .unwrap();
    let field = format!("{PRIMARY}{}", code_at(now()));
    // From elsewhere, where nobody remembers that it was refused.
    Ask { remote: "192.0.2.9", ..Ask::of("alice", &field) }.passes(&site);
    let field = format!("{PRIMARY} {}", codes[0]);
    Ask { remote: "192.0.2.9", ..Ask::of("alice", &field) }.fails(&site, Denial::WrongCode);
    sound(&site);
}

#[test]
fn a_call_that_was_stopped_is_taken_up_by_the_next() {
    let site = Site::with_alice();
    let phone = site.app_password("alice", "phone", MAIL);
    let owner = site.owner();
    // After the first step: the file has a key that the store does not know.
    let newer = read_key(&site.config.key, owner).unwrap().with_newer().unwrap();
    replace_key(&site.config.key, &newer).unwrap();
    let both = key_octets(&site);
    Ask::of("alice", &phone).passes(&site);
    assert_eq!((status(&site).keys, status(&site).keys_in_file), (1, 2));
    begin(&site);
    assert_eq!(key_octets(&site), both, "no third key");
    // After the second: something sealed is under the old key, as a process may leave it that began before.
    let before = value::<Vec<u8>>(&site, "SELECT sealed FROM totp_key");
    begin(&site);
    assert_eq!(value::<Vec<u8>>(&site, "SELECT sealed FROM totp_key"), before, "nothing is left to do");
    // Before the last: the store has retired the key, and the file has it still.
    finish(&site, Rest::Revoke).unwrap();
    fs::write(site.path("etc/key"), &both).unwrap();
    Ask::of("alice", &format!("{PRIMARY}{}", code_at(now()))).fails(&site, Denial::WrongPrimary);
    finish(&site, Rest::Keep).unwrap();
    assert_eq!(key_octets(&site), both[..32]);
    sound(&site);
}

#[test]
fn a_login_that_began_before_ends_well() {
    use postern::domain::service::Service;
    use postern::domain::totp::TimeStep;
    use postern::store::{Made, Spent, Use};
    let site = Site::with_alice();
    let before = site.vault();
    let account = before.store.account(&name("alice")).unwrap().unwrap();
    let keys = before.store.totp_keys(account.id).unwrap();
    begin(&site);
    let service = Service::parse(b"imap").unwrap();
    let by = Use {
        made: Made { at: now(), by: 0 },
        service: &service,
        from: None,
        source: Source::of(None),
        counted: postern::store::Counted::BehindPrimary,
    };
    let step = TimeStep(now().0 / 30 + 1);
    let spend = |store: &postern::store::Store| store.spend_step(&account, &keys[0], step, &by);
    assert!(matches!(spend(&before.store), Err(StoreError::KeyChanged)));
    assert_eq!(before.write(spend).unwrap(), Spent::Now);
    assert_eq!(before.write(spend).unwrap(), Spent::Before);
    sound(&site);
    let breaches: i64 = value(&site, "SELECT count(*) FROM audit_row WHERE event = 'audit.breach'");
    assert_eq!(breaches, 0);
}

#[test]
fn nobody_is_unavailable_while_the_key_changes() {
    let site = Site::new();
    let accounts: Vec<String> = (0..40).map(|number| format!("user{number}")).collect();
    let hash = "{SHA}mN7MYuzjmaIu0w1JDvMzvn/ec4U=";
    let file: String = accounts.iter().map(|account| format!("{account}:{hash}\n")).collect();
    imported(&site, &file, Format::Dovecot);
    for account in &accounts {
        site.totp(account, "totp");
    }
    let phone = site.app_password("user0", "phone", MAIL);
    let (start, over) = (now(), AtomicBool::new(false));
    let field = format!("{SECRET}{}", code_at(start));
    let counts = [AtomicU32::new(0), AtomicU32::new(0)];
    let again = AtomicU32::new(0);
    let login = |ask: &Ask<'_>, count: &AtomicU32| match ask.decide(&site) {
        Ok(_) => {
            count.fetch_add(1, Relaxed);
        }
        // On a disk that others keep busy, one commit may take longer than a login waits.
        Err(Unavailable::Store(StoreError::Locked)) => {
            again.fetch_add(1, Relaxed);
        }
        Err(why) => panic!("{}: {why}", ask.account),
    };
    let changed = thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Relaxed) {
                login(&Ask::of("user0", &phone), &counts[0]);
            }
        });
        scope.spawn(|| {
            for account in accounts.iter().cycle().take_while(|_| !over.load(Relaxed)) {
                login(&Ask { at: start, ..Ask::of(account, &field) }, &counts[1]);
            }
        });
        let _until = Until(&over);
        let enough = || counts.iter().all(|count| 10 < count.load(Relaxed));
        let change = |_| -> Result<(), RekeyError> {
            with(&site, |rekey| rekey.begin(&mut |_| ()))?;
            finish(&site, Rest::Keep).or_else(|_| finish(&site, Rest::Revoke))
        };
        (0..30).take_while(|_| !enough()).map(change).collect::<Vec<_>>()
    });
    changed.into_iter().for_each(Result::unwrap);
    assert!(counts.iter().all(|count| 3 < count.load(Relaxed)), "{counts:?}");
    assert!(
        again.load(Relaxed) < counts.iter().map(|count| count.load(Relaxed)).sum(),
        "{again:?} {counts:?}"
    );
    sound(&site);
    assert_eq!(value::<i64>(&site, "SELECT count(*) FROM audit_row WHERE event = 'audit.breach'"), 0);
}
