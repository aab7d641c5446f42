//! Copies: consistent while logins go on, and put back without undoing what was spent.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use postern::domain::account::AccountState;
use postern::domain::verdict::Denial;
use postern::enrollment::Enrollment;
use postern::store::{ChainWalk, Loss, Store, StoreError, Walked};
use postern::verifier::{Unavailable, Vault};

use super::site::{PRIMARY, Site, code_at, name, now};
use super::{Ask, UnixTime, Until, database, value};

const MAIL: &str = "imap,pop3,smtp,sieve";

fn back_up(site: &Site, file: &str) {
    site.vault().store.back_up(&site.path(file), site.owner().0, |copy| whole(&site.vault(), copy)).unwrap();
}

fn whole(vault: &Vault, store: &Store) -> Result<(), Unavailable> {
    let mut walk = ChainWalk::new(vault.chain_keys()?, Vec::new());
    loop {
        match store.walk_chain(&mut walk)? {
            Walked::Further { .. } => {}
            Walked::Whole(_) => return Ok(()),
            Walked::Flawed(flaw) => panic!("{flaw}"),
        }
    }
}

fn read(site: &Site, file: &str) -> Result<Vault, Unavailable> {
    Vault::read_copy(&site.config, site.owner(), &site.path(file), site.made())
}

/// Restores, whatever is lost by it.
fn restore(site: &Site, file: &str) -> Loss {
    let copy = read(site, file).unwrap();
    let mut vault = site.vault();
    let loss = vault.store.loss_by(&copy.store).unwrap();
    vault.store.put_back(copy.store, &loss, site.made()).unwrap();
    let vault = site.vault();
    whole(&vault, &vault.store).unwrap();
    loss
}

#[test]
fn a_copy_is_ours_alone_replaces_nothing_and_has_no_key() {
    let site = Site::with_alice();
    back_up(&site, "copy.db");
    let metadata = fs::metadata(site.path("copy.db")).unwrap();
    assert_eq!((metadata.mode() & 0o7777, metadata.nlink()), (0o600, 1));
    assert!(!site.path("copy.db.partial").exists());
    let before = fs::read(site.path("copy.db")).unwrap();
    let again =
        site.vault().store.back_up(&site.path("copy.db"), site.owner().0, |_| Ok::<_, StoreError>(()));
    assert!(matches!(again, Err(StoreError::Exists(_))));
    assert_eq!(fs::read(site.path("copy.db")).unwrap(), before);
    let key = fs::read(site.path("etc/key")).unwrap();
    assert!(!before.windows(key.len()).any(|window| window == key));
}

#[test]
fn nothing_is_copied_to_where_somebody_else_could_take_its_place() {
    let site = Site::with_alice();
    fs::create_dir_all(site.path("outer/inner")).unwrap();
    let back_up = || {
        let path = site.path("outer/inner/copy.db");
        let result = site.vault().store.back_up(&path, site.owner().0, |_| Ok::<_, StoreError>(()));
        let left = fs::read_dir(site.path("outer/inner")).unwrap().count();
        fs::remove_file(&path).ok();
        (result.err().map(|why| why.to_string()).unwrap_or_default(), left)
    };
    let open = |directory: &str, mode| {
        fs::set_permissions(site.path(directory), Permissions::from_mode(mode)).unwrap();
    };
    for (directory, mode, refused) in [
        ("outer/inner", 0o1777, true),
        ("outer/inner", 0o770, true),
        ("outer/inner", 0o755, false),
        ("outer", 0o777, true),
        ("outer", 0o1777, false),
    ] {
        open(directory, mode);
        let (why, left) = back_up();
        assert_eq!((why.contains("lets others write"), left), (refused, usize::from(!refused)), "{why}");
        open(directory, 0o755);
    }
    if site.owner().0 == 0 {
        for directory in ["outer/inner", "outer"] {
            std::os::unix::fs::chown(site.path(directory), Some(65_534), None).unwrap();
            let (why, left) = back_up();
            assert!(why.contains("belongs to another user") && left == 0, "{why}");
            std::os::unix::fs::chown(site.path(directory), Some(0), None).unwrap();
        }
    }
}

#[test]
fn nothing_gets_the_name_of_a_copy_that_failed() {
    let site = Site::with_alice();
    let failed = site
        .vault()
        .store
        .back_up(&site.path("copy.db"), site.owner().0, |_| Err::<(), _>(StoreError::KeyInUse));
    assert!(matches!(failed, Err(StoreError::KeyInUse)));
    assert!(
        site.vault()
            .store
            .back_up(&site.path("none/copy.db"), site.owner().0, |_| Ok::<_, StoreError>(()))
            .is_err()
    );
    assert!(!site.path("copy.db").exists() && !site.path("copy.db.partial").exists());
}

#[test]
fn a_copy_that_is_made_while_logins_write_is_whole() {
    let site = Site::with_alice();
    let phone = site.app_password("alice", "phone", MAIL);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut minute = 0;
            while !over.load(Relaxed) {
                minute += 61;
                // A mail server rests between two logins, too.
                thread::sleep(Duration::from_millis(5));
                Ask { at: UnixTime(now().0 + minute), ..Ask::of("alice", &phone) }.passes(&site);
            }
        });
        let _until = Until(&over);
        for number in 0..5 {
            back_up(&site, &format!("copy{number}.db"));
        }
    });
}

#[test]
fn what_was_spent_stays_spent() {
    let site = Site::with_alice();
    let codes = Enrollment::new(&site.vault()).renew_recovery_codes(&name("alice"), site.made()).unwrap();
    let texts: Vec<String> = codes
        .iter()
        .map(|code| format!("{PRIMARY} {}", String::from_utf8(code.reveal().expose().to_vec()).unwrap()))
        .collect();
    back_up(&site, "copy.db");
    let field = format!("{PRIMARY}{}", code_at(now()));
    Ask::of("alice", &field).passes(&site);
    Ask::of("alice", &texts[0]).passes(&site);
    let next = UnixTime(now().0 + 30);
    let loss = restore(&site, "copy.db");
    assert_eq!((loss.rows(), loss.closings.len()), (2, 0));
    for secret in [&field, &texts[0]] {
        Ask::of("alice", secret).fails(&site, Denial::CodeSpent);
    }
    Ask::of("alice", &texts[1]).passes(&site);
    let field = format!("{PRIMARY}{}", code_at(next));
    Ask { at: next, remote: "192.0.2.2", ..Ask::of("alice", &field) }.fails(&site, Denial::CodeSpent);
    let later = UnixTime(now().0 + 90);
    let field = format!("{PRIMARY}{}", code_at(later));
    Ask { at: later, remote: "192.0.2.3", ..Ask::of("alice", &field) }.passes(&site);
}

#[test]
fn what_a_restore_would_open_again_is_named_first() {
    let site = Site::with_alice();
    let phone = site.app_password("alice", "phone", MAIL);
    back_up(&site, "copy.db");
    assert_eq!(site.vault().store.loss_by(&read(&site, "copy.db").unwrap().store).unwrap().rows(), 0);
    site.revoke("alice", "phone");
    let closed = AccountState::Disabled;
    Enrollment::new(&site.vault()).set_state(&name("alice"), closed, site.made()).unwrap();
    let copy = read(&site, "copy.db").unwrap();
    let mut vault = site.vault();
    let loss = vault.store.loss_by(&copy.store).unwrap();
    let named: Vec<_> =
        loss.closings.iter().map(|closing| (closing.event.as_str(), closing.label.as_deref())).collect();
    assert_eq!(named, [("app.revoke", Some("phone")), ("account.disable", None)]);
    // Something more happens between the question and the answer.
    site.account("bob", "other horse");
    let refused = vault.store.put_back(copy.store, &loss, site.made());
    assert!(matches!(refused, Err(StoreError::Changed)), "{refused:?}");
    Ask::of("alice", &phone).fails(&site, Denial::Revoked);
    assert_eq!(restore(&site, "copy.db").rows(), 3);
    Ask::of("alice", &phone).passes(&site);
    let told: String = value(&site, "SELECT detail FROM audit_row WHERE event = 'store.restore'");
    assert!(told.ends_with("undone=3"), "{told}");
}

#[test]
fn wrong_codes_stay_counted() {
    let site = Site::with_alice();
    let counted = "SELECT group_concat(source || ' ' || count || ' ' || last_at, ', ')
                   FROM (SELECT * FROM code_failure ORDER BY source)";
    let write = |rows: &str| {
        let sql = format!("DELETE FROM code_failure; INSERT INTO code_failure VALUES {rows}");
        database(&site).execute_batch(&sql).unwrap();
    };
    write("(1, '192.0.2.1', 3, 100), (1, '192.0.2.2', 9, 100)");
    back_up(&site, "copy.db");
    write("(1, '192.0.2.1', 7, 200), (1, '192.0.2.2', 1, 200), (1, '192.0.2.3', 5, 200)");
    restore(&site, "copy.db");
    assert_eq!(value::<String>(&site, counted), "192.0.2.1 7 200, 192.0.2.2 9 200, 192.0.2.3 5 200");
}

#[test]
fn nobody_else_could_have_put_a_journal_beside_a_copy() {
    let site = Site::with_alice();
    fs::create_dir(site.path("copies")).unwrap();
    back_up(&site, "copies/copy.db");
    let journal = site.path("copies/copy.db-journal");
    assert!(Command::new("mkfifo").arg(&journal).status().unwrap().success());
    let why = || read(&site, "copies/copy.db").err().unwrap().to_string();
    assert!(why().contains("is not a regular file"));
    fs::remove_file(&journal).unwrap();
    fs::set_permissions(site.path("copies"), Permissions::from_mode(0o1777)).unwrap();
    assert!(why().contains("lets others write"));
    fs::set_permissions(site.path("copies"), Permissions::from_mode(0o755)).unwrap();
    assert!(read(&site, "copies/copy.db").is_ok());
}

#[test]
fn a_newer_copy_goes_into_an_older_store_without_loss() {
    let site = Site::with_alice();
    back_up(&site, "old.db");
    let phone = site.app_password("alice", "phone", MAIL);
    back_up(&site, "new.db");
    restore(&site, "old.db");
    // The restore itself is a change that the newer copy does not know.
    assert_eq!(restore(&site, "new.db").rows(), 1);
    Ask::of("alice", &phone).passes(&site);
}

#[test]
fn a_number_that_was_given_is_never_given_again() {
    let site = Site::with_alice();
    back_up(&site, "copy.db");
    site.account("bob", "other horse");
    let bob: i64 = value(&site, "SELECT id FROM account WHERE name = 'bob'");
    restore(&site, "copy.db");
    site.account("carl", "other horse");
    assert!(bob < value::<i64>(&site, "SELECT id FROM account WHERE name = 'carl'"));
}

#[test]
fn what_is_no_copy_of_this_store_is_refused_and_changes_nothing() {
    let site = Site::with_alice();
    back_up(&site, "copy.db");
    let before = fs::read(site.path("store/store.db")).unwrap();
    let refused = |file: &str| read(&site, file).err().unwrap_or_else(|| panic!("{file}")).to_string();
    fs::write(site.path("empty.db"), "").unwrap();
    fs::write(site.path("text.db"), "not a database at all, but long enough to be looked at").unwrap();
    let mut octets = fs::read(site.path("copy.db")).unwrap();
    fs::write(site.path("cut.db"), &octets[..octets.len() / 2]).unwrap();
    for octet in &mut octets[8192..12288] {
        *octet = 0xff;
    }
    fs::write(site.path("rotten.db"), &octets).unwrap();
    fs::copy(site.path("copy.db"), site.path("open.db")).unwrap();
    fs::set_permissions(site.path("open.db"), Permissions::from_mode(0o666)).unwrap();
    std::os::unix::fs::symlink(site.path("copy.db"), site.path("link.db")).unwrap();
    for file in ["empty", "text", "cut", "rotten", "open", "link"] {
        if !["open", "link"].contains(&file) {
            fs::set_permissions(site.path(&format!("{file}.db")), Permissions::from_mode(0o600)).unwrap();
        }
        refused(&format!("{file}.db"));
    }
    assert!(refused("open.db").contains("written by others"));
    assert!(refused("none.db").contains("missing"));
    let newer = rusqlite::Connection::open(site.path("copy.db")).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    assert!(refused("copy.db").contains("of a newer Postern"));
    let other = Site::with_alice();
    back_up(&other, "copy.db");
    fs::copy(other.path("copy.db"), site.path("other.db")).unwrap();
    assert!(refused("other.db").contains("another key"));
    assert_eq!(fs::read(site.path("store/store.db")).unwrap(), before);
}

#[test]
fn logins_go_on_while_a_copy_is_put_back() {
    let site = Site::with_alice();
    let phone = site.app_password("alice", "phone", MAIL);
    back_up(&site, "copy.db");
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Relaxed) {
                Ask::of("alice", &phone).passes(&site);
            }
        });
        let _until = Until(&over);
        for _ in 0..5 {
            restore(&site, "copy.db");
        }
    });
    assert_eq!(value::<String>(&site, "PRAGMA integrity_check"), "ok");
    drop(database(&site));
}
