//! `rekey` at the shell, and stopped at whatever point.

use std::fs;
use std::thread;
use std::time::Duration;

use super::home::{Home, PRIMARY, code, now};

fn keys(home: &Home) -> usize {
    fs::read(home.path("etc/key")).unwrap().len() / 32
}

fn passes(home: &Home, secret: &str) {
    let login = home.run(["try", "alice", "--service", "imap"], secret);
    assert!(login.out.starts_with("granted"), "{login:?}");
}

#[test]
fn a_key_is_changed_in_two_commands() {
    let home = Home::with_alice();
    let phone = home.app_password("phone");
    home.run(["rekey", "--finish"], "").refused(1, "nothing to finish");
    let begun = home.run(["rekey"], "");
    begun.is(0);
    assert!(begun.out.contains("alice") && begun.err.contains("Copy the key file"), "{begun:?}");
    assert_eq!((keys(&home), home.mode("etc/key")), (2, 0o600));
    let again = home.run(["rekey"], "");
    assert!(again.err.contains("still under way") && !again.err.contains("new key"), "{again:?}");
    assert_eq!(keys(&home), 2);
    let status = home.run(["rekey", "--status", "--json"], "").json();
    assert_eq!(
        (&status["held"][0]["app_passwords"], &status["held"][0]["primaries"]),
        (&1.into(), &1.into())
    );
    home.run(["rekey", "--finish"], "").refused(1, "the older key still");
    assert_eq!(keys(&home), 2);
    home.run(["try", "alice", "--service", "imap", "--spend"], &phone).is(0);
    home.run(["account", "passwd", "alice"], PRIMARY).is(0);
    let done = home.run(["rekey", "--finish", "--json"], "");
    done.is(0);
    assert_eq!(done.json(), serde_json::json!({"finished": true, "revoked": []}));
    assert_eq!(keys(&home), 1);
    passes(&home, &phone);
    home.run(["log", "verify"], "").is(0);
    home.run(["rekey", "--revoke-rest"], "").is(2);
    home.run(["rekey", "--finish", "--yes"], "").is(2);
    home.run(["rekey", "--status", "--finish"], "").is(2);
}

#[test]
fn the_rest_is_shown_before_it_is_revoked_and_who_needs_a_password_after() {
    let home = Home::with_alice();
    home.app_password("phone");
    home.run(["rekey"], "").is(0);
    let rest = |more: &[&str]| home.run([&["rekey", "--finish", "--revoke-rest"], more].concat(), "");
    let before = home.content();
    rest(&[]).refused(2, "nobody can be asked");
    rest(&["--json"]).refused(2, "--json");
    let shown = rest(&["--dry-run"]);
    shown.is(0);
    assert!(shown.out.contains("alice"), "{shown:?}");
    let planned = rest(&["--dry-run", "--json"]).json();
    assert_eq!(
        planned,
        serde_json::json!({"finished": false, "revoked": [
            {"account": "alice", "app_passwords": 1, "recovery_codes": 0, "primaries": 1}
        ]})
    );
    assert_eq!((home.content(), keys(&home)), (before, 2));
    let done = rest(&["--yes", "--json"]);
    assert!(done.err.contains("1 account.\n  postern account passwd alice"), "{done:?}");
    assert!(done.err.contains("postern app add --label phone alice"), "{done:?}");
    assert!(!done.err.contains("recovery new"), "{done:?}");
    let done = done.json();
    assert_eq!((&done["finished"], &done["revoked"]), (&true.into(), &planned["revoked"]));
    assert_eq!(keys(&home), 1);
}

#[test]
fn whenever_it_is_killed_the_store_works_and_the_next_call_goes_on() {
    let home = Home::with_alice();
    let phone = home.app_password("phone");
    let (key, _) = home.enroll();
    for round in 0..12 {
        let command =
            if round % 2 == 0 { vec!["rekey"] } else { vec!["rekey", "--finish", "--revoke-rest", "--yes"] };
        let mut child = home.command(&command).spawn().unwrap();
        thread::sleep(Duration::from_millis(2 + 3 * round));
        let _ = child.kill();
        child.wait().unwrap();
        let listed = home.run(["account", "list", "--json"], "").json();
        assert_eq!(listed.as_array().unwrap().len(), 1);
    }
    home.run(["rekey"], "").is(0);
    home.run(["rekey", "--finish", "--revoke-rest", "--yes"], "").is(0);
    assert_eq!(keys(&home), 1);
    home.run(["account", "passwd", "alice"], PRIMARY).is(0);
    passes(&home, &format!("{PRIMARY}{}", code(&key, now() + 30)));
    let login = home.run(["try", "alice", "--service", "imap"], &phone);
    assert!(login.out.starts_with("granted") || login.out.contains("unknown-app-password"), "{login:?}");
    home.run(["log", "verify"], "").is(0);
}

#[test]
fn what_a_dropped_key_has_ended_is_not_restored() {
    let home = Home::with_alice();
    home.app_password("phone");
    let revoked = home.run(["app", "revoke", "alice", "phone", "--yes"], "");
    revoked.is(0);
    home.run(["rekey"], "").is(0);
    home.run(["rekey", "--finish", "--revoke-rest", "--yes"], "").is(0);
    let listed = home.run(["app", "restore", "--list", "--json"], "").json();
    assert_eq!(listed, serde_json::json!([]));
    let restored = home.run(["app", "restore", "1", "--json"], "");
    restored.is(1);
    assert!(restored.out.contains("key-dropped"), "{restored:?}");
    let state = home.run(["app", "list", "alice", "--json"], "").json();
    assert_eq!(state[0]["state"], "revoked");
}
