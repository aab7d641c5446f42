//! `backup` and `restore` at the shell.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::home::{Home, PRIMARY, code, finish, now};
use postern::crypto::secret::Secret;

fn place(home: &Home, name: &str) -> String {
    home.path(name).display().to_string()
}

fn passes(home: &Home, secret: &str) {
    let login = home.run(["try", "alice", "--service", "imap"], secret);
    assert!(login.out.starts_with("granted"), "{login:?}");
}

#[test]
fn a_backup_says_where_it_is_and_that_the_key_is_not_in_it() {
    let home = Home::with_alice();
    let done = home.run(["backup", &place(&home, "copy.db")], "");
    done.is(0);
    assert_eq!((done.out.trim_end(), home.mode("copy.db")), (place(&home, "copy.db").as_str(), 0o600));
    assert!(done.err.contains("The key is not in it"), "{done:?}");
    home.run(["backup", &place(&home, "copy.db")], "").refused(4, "exists already");
    fs::create_dir(home.path("backups")).unwrap();
    let named = home.run(["backup", &place(&home, "backups"), "--json"], "").json();
    let file = named["file"].as_str().unwrap();
    assert!(file.starts_with(&place(&home, "backups/postern-2")) && file.ends_with("Z.db"), "{file}");
    assert_eq!(fs::read_dir(home.path("backups")).unwrap().count(), 1);
    home.run(["backup", &place(&home, "none/copy.db")], "").refused(5, "none");
    home.run(["backup", "\u{1b}[2J/x"], "").is(5);
}

#[test]
fn a_bare_name_lies_in_the_working_directory() {
    let home = Home::with_alice();
    fs::create_dir(home.path("backups")).unwrap();
    let run = |arguments: [&str; 2]| {
        let mut command = home.command(arguments);
        finish(command.current_dir(home.path("backups")).spawn().unwrap(), "")
    };
    let done = run(["backup", "copy.db"]);
    done.is(0);
    assert_eq!((done.out.as_str(), home.mode("backups/copy.db")), ("copy.db\n", 0o600));
    run(["backup", "copy.db"]).refused(4, "exists already");
    run(["restore", "copy.db"]).is(0);
}

#[test]
fn a_restore_stops_where_it_would_undo_something() {
    let home = Home::with_alice();
    let phone = home.app_password("phone");
    let copy = place(&home, "copy.db");
    home.run(["backup", &copy], "").is(0);
    home.run(["restore", &copy], "").is(0);
    home.run(["app", "revoke", "alice", "phone"], "").is(0);
    let before = home.content();
    let stopped = home.run(["restore", &copy], "");
    stopped.is(1);
    assert!(
        stopped.err.contains("app.revoke alice phone") && stopped.err.contains("--force-older"),
        "{stopped:?}"
    );
    assert_eq!((stopped.out.as_str(), home.content()), ("", before));
    let forced = home.run(["restore", &copy, "--force-older", "--json"], "").json();
    assert_eq!((&forced["restored"], &forced["closings"][0]["label"]), (&true.into(), &"phone".into()));
    passes(&home, &phone);
    home.run(["log", "verify"], "").is(0);
}

#[test]
fn a_copy_that_others_could_have_exchanged_is_not_restored() {
    let home = Home::with_alice();
    fs::create_dir_all(home.path("shared/own")).unwrap();
    let copy = place(&home, "shared/own/copy.db");
    home.run(["backup", &copy], "").is(0);
    // Whoever may rename in the directory above puts another in the place of this one.
    fs::set_permissions(home.path("shared"), fs::Permissions::from_mode(0o777)).unwrap();
    home.run(["restore", &copy], "").refused(5, "shared lets others write");
    fs::set_permissions(home.path("shared"), fs::Permissions::from_mode(0o755)).unwrap();
    home.run(["restore", &copy], "").is(0);
}

#[test]
fn a_lost_store_comes_back_in_two_commands() {
    let home = Home::with_alice();
    let phone = home.app_password("phone");
    let copy = place(&home, "copy.db");
    home.run(["backup", &copy], "").is(0);
    fs::remove_dir_all(home.path("var")).unwrap();
    let made = home.run(["init"], "");
    made.is(0);
    assert!(made.err.contains("  postern restore FILE"), "{made:?}");
    home.run(["restore", &copy], "").is(0);
    passes(&home, &phone);
    // Whatever has been done since is something to lose.
    fs::remove_dir_all(home.path("var")).unwrap();
    home.run(["init"], "").is(0);
    home.run(["account", "add", "bob", "--primary", "pam", "--allow-unknown-user"], "").is(0);
    home.run(["restore", &copy], "").is(1);
}

#[test]
fn a_new_machine_needs_the_copy_and_the_key() {
    let home = Home::with_alice();
    let phone = home.app_password("phone");
    let copy = place(&home, "copy.db");
    home.run(["backup", &copy], "").is(0);
    fs::remove_dir_all(home.path("var")).unwrap();
    let key = fs::read(home.path("etc/key")).unwrap();
    fs::remove_file(home.path("etc/key")).unwrap();
    home.run(["restore", &copy], "").refused(5, "is missing");
    fs::write(home.path("etc/key"), [7; 32]).unwrap();
    home.run(["restore", &copy], "").refused(5, "mode 0644");
    fs::remove_file(home.path("etc/key")).unwrap();
    home.run(["init"], "").is(0);
    fs::remove_dir_all(home.path("var")).unwrap();
    home.run(["restore", &copy], "").refused(5, "another key");
    assert!(!home.path("var/store.db").exists());
    fs::write(home.path("etc/key"), key).unwrap();
    home.run(["restore", &copy], "").is(0);
    passes(&home, &phone);
    home.run(["account", "passwd", "alice"], PRIMARY).is(0);
}

#[test]
fn a_copy_from_before_a_rekey_needs_its_key_beside_the_present_one() {
    let home = Home::with_alice();
    let phone = home.app_password("phone");
    let copy = place(&home, "copy.db");
    home.run(["backup", &copy], "").is(0);
    let old = fs::read(home.path("etc/key")).unwrap();
    home.run(["rekey"], "").is(0);
    home.run(["rekey", "--finish", "--revoke-rest", "--yes"], "").is(0);
    let present = fs::read(home.path("etc/key")).unwrap();
    let refused = home.run(["restore", &copy, "--force-older"], "");
    refused.refused(5, "under another key");
    assert!(refused.err.contains(">> KEY-FILE"), "{refused:?}");
    fs::write(home.path("etc/key"), [present, old.clone()].concat()).unwrap();
    home.run(["restore", &copy, "--force-older"], "").is(0);
    passes(&home, &phone);
    // The store is under the old key again; the other one is of no use any more.
    home.run(["rekey", "--finish"], "").is(0);
    assert_eq!(fs::read(home.path("etc/key")).unwrap(), old);
    passes(&home, &phone);
    home.run(["log", "verify"], "").is(0);
}

#[test]
fn what_is_no_copy_is_refused() {
    let home = Home::with_alice();
    let before = home.content();
    fs::write(home.path("text"), "neither this nor that, and longer than a header of a hundred octets would be, so that it is looked at").unwrap();
    home.run(["restore", &place(&home, "none")], "").refused(3, "is not there");
    home.run(["restore", &place(&home, "text")], "").refused(5, "is no copy of a store");
    home.run(["restore", "/dev/null"], "").refused(5, "not a regular file");
    home.run(["restore", &place(&home, "etc")], "").refused(5, "not a regular file");
    assert_eq!(home.content(), before);
    // What is damaged is not written over: somebody may still want to look at it.
    let copy = place(&home, "copy.db");
    home.run(["backup", &copy], "").is(0);
    fs::write(home.path("var/store.db"), "x".repeat(5000)).unwrap();
    home.run(["restore", &copy], "").refused(1, "");
    fs::rename(home.path("var/store.db"), home.path("var/damaged")).unwrap();
    home.run(["restore", &copy], "").is(0);
}

#[test]
fn who_is_refused_for_a_spent_code_is_told_until_when() {
    let home = Home::with_alice();
    let (key, _) = home.enroll();
    let copy = place(&home, "copy.db");
    home.run(["backup", &copy], "").is(0);
    let restored = home.run(["restore", &copy], "");
    restored.is(0);
    assert!(restored.err.contains("codes are good from 2"), "{restored:?}");
    let login = home.run(["try", "alice", "--service", "imap"], &format!("{PRIMARY}{}", code(&key, now())));
    assert!(login.out.contains("code-spent") && login.err.contains("count as spent until 2"), "{login:?}");
    let new = Secret::copy_of(b"12345678901234567890");
    let typed = format!("{}\n{}", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", code(&new, now()));
    let enrolled = home.run(["totp", "enroll", "alice", "--label", "new", "--secret-fd", "0"], &typed);
    enrolled.is(1);
    assert!(enrolled.err.contains("of this account count as spent until 2"), "{enrolled:?}");
}
