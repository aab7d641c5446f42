//! Revocation by selection, and taking it back.

use serde_json::{Value, json};

use super::home::{Done, Home};

/// Three accounts in two domains, six app passwords of several ages.
fn home() -> Home {
    let home = Home::with_alice();
    for name in ["bob@example.org", "carol@example.net"] {
        home.run(["account", "add", name, "--primary", "pam", "--allow-unknown-user"], "").is(0);
    }
    for (name, label) in [
        ("alice", "phone"),
        ("alice", "old laptop"),
        ("bob@example.org", "phone"),
        ("bob@example.org", "scanner"),
        ("carol@example.net", "phone"),
        ("carol@example.net", "tablet"),
    ] {
        home.run(["app", "add", name, "--label", label], "").is(0);
    }
    home.database(
        "UPDATE app_password SET created_at = created_at - 86400 * 400 WHERE label IN ('old laptop', 'scanner');
         UPDATE app_password SET last_used_at = created_at + 60, last_used_service = 'imap',
                                 last_used_from = '192.0.2.7' WHERE label = 'old laptop';
         UPDATE app_password SET last_used_at = unixepoch(), last_used_service = 'imap',
                                 last_used_from = '2001:db8::9' WHERE label = 'scanner';",
    );
    home
}

fn revoke(home: &Home, arguments: &[&str]) -> Done {
    home.run([&["app", "revoke"], arguments].concat(), "")
}

fn labels(list: &Value) -> Vec<String> {
    let word = |one: &Value, field: &str| one[field].as_str().unwrap().to_owned();
    let list = list.as_array().unwrap().iter();
    list.map(|one| format!("{} {}", word(one, "account"), word(one, "label"))).collect()
}

/// What --dry-run says is what happens, to the letter.
#[track_caller]
fn takes(selection: &[&str], expected: &[&str]) -> (Home, Value) {
    let home = home();
    let before = home.content();
    let preview = revoke(&home, &[selection, &["--dry-run", "--json"]].concat()).json();
    assert_eq!(home.content(), before, "{selection:?}");
    let table = revoke(&home, &[selection, &["--dry-run"]].concat());
    assert_eq!(table.out.lines().count(), 1 + expected.len(), "{table:?}");
    let effect = revoke(&home, &[selection, &["--yes", "--json"]].concat()).json();
    assert_eq!(labels(&effect["app_passwords"]), expected, "{selection:?}");
    assert_eq!(preview["app_passwords"], effect["app_passwords"], "{selection:?}");
    assert_eq!((&preview["revocation"], &preview["restorable_until"]), (&Value::Null, &Value::Null));
    assert_eq!(left(&home), 6 - expected.len());
    (home, effect)
}

/// How many live app passwords there are.
fn left(home: &Home) -> usize {
    let accounts = home.run(["account", "list", "--json"], "").json();
    let count = |one: &Value| usize::try_from(one["app_passwords"].as_u64().unwrap()).unwrap();
    accounts.as_array().unwrap().iter().map(count).sum()
}

const ALL: [&str; 6] = [
    "alice old laptop",
    "alice phone",
    "bob@example.org scanner",
    "bob@example.org phone",
    "carol@example.net phone",
    "carol@example.net tablet",
];

#[test]
fn the_preview_of_a_selection_is_its_effect() {
    takes(&["--all"], &ALL);
    takes(&["--account", "alice"], &ALL[..2]);
    takes(&["--account", "ALICE", "--account", "carol@example.net"], &[ALL[0], ALL[1], ALL[4], ALL[5]]);
    takes(&["--domain", "Example.Org"], &ALL[2..4]);
    takes(&["--older-than", "1y"], &[ALL[0], ALL[2]]);
    takes(&["--unused-since", "90d"], &[ALL[0]]);
    takes(&["--used-from", "192.0.2.0/24,2001:db8::/32"], &[ALL[0], ALL[2]]);
    takes(&["--domain", "example.org", "--older-than", "52w"], &[ALL[2]]);
}

#[test]
fn one_by_its_label_has_a_preview_too() {
    let home = home();
    let preview = revoke(&home, &["alice", "phone", "--dry-run", "--json"]).json();
    assert_eq!(left(&home), 6);
    let effect = revoke(&home, &["alice", "phone", "--json"]).json();
    assert_eq!(preview["app_passwords"], effect["app_passwords"]);
    assert_eq!(left(&home), 5);
    revoke(&home, &["alice", "phone", "--dry-run"]).refused(3, "phone");
}

#[test]
fn a_revocation_says_how_to_end_sessions_and_how_to_take_it_back() {
    let home = home();
    let done = revoke(&home, &["--all", "--yes"]);
    done.is(0);
    assert!(done.out.starts_with("ACCOUNT"), "{done:?}");
    for said in [
        "6 app passwords of 3 accounts",
        "\n  doveadm kick alice\n  doveadm kick bob@example.org\n  doveadm kick carol@example.net\n",
        "postern app restore 1",
    ] {
        assert!(done.err.contains(said), "{said}: {done:?}");
    }
}

#[test]
fn what_takes_much_is_not_done_without_being_asked_for() {
    let home = home();
    let before = home.content();
    for (arguments, word) in [
        (["--all"].as_slice(), "terminal"),
        (&["--account", "alice"], "terminal"),
        (&["--all", "--json"], "--json"),
        (&[], "not said"),
        (&["--yes"], "not said"),
        (&["--unused-since", "soon", "--yes"], "span back"),
        (&["--unused-since", "2999-01-01", "--yes"], "span back"),
        (&["--older-than", "2020-01-01", "--yes"], "an age"),
        (&["--used-from", "office", "--yes"], "networks"),
        (&["--domain", "a@b", "--yes"], "a domain"),
        (&["--account", "", "--yes"], "empty"),
    ] {
        revoke(&home, arguments).refused(2, word);
    }
    for mixed in [
        ["alice"].as_slice(),
        &["alice", "phone", "--all"],
        &["--all", "--account", "alice"],
        &["--all", "--yes", "--dry-run"],
        &["alice", "phone", "tablet"],
    ] {
        revoke(&home, mixed).is(2);
    }
    revoke(&home, &["--account", "mallory", "--yes"]).refused(3, "mallory");
    revoke(&home, &["--account", "alice", "--account", "mallory", "--yes"]).refused(3, "mallory");
    revoke(&home, &["--domain", "example.com", "--yes"]).refused(3, "no live");
    revoke(&home, &["--used-from", "203.0.113.0/24", "--dry-run"]).refused(3, "no live");
    assert_eq!(home.content(), before);
}

#[test]
fn a_selection_is_restored_whole() {
    let (home, effect) = takes(&["--domain", "example.org"], &ALL[2..4]);
    let number = effect["revocation"].to_string();
    let list = home.run(["app", "restore", "--list", "--json"], "").json();
    assert_eq!(list[0]["revocation"], effect["revocation"]);
    assert_eq!(list[0]["restorable_until"], effect["restorable_until"]);
    assert_eq!(list[0]["app_passwords"].as_array().unwrap().len(), 2);
    assert!(home.run(["app", "restore", "--list"], "").out.starts_with("REVOCATION"));
    let restored = home.run(["app", "restore", &number, "--json"], "").json();
    assert!(restored.as_array().unwrap().iter().all(|one| one["fate"] == "restored"), "{restored}");
    assert_eq!(left(&home), 6);
    let again = home.run(["app", "restore", &number], "");
    again.is(1);
    assert!(again.err.contains("left to be restored"), "{again:?}");
    assert_eq!(home.run(["app", "restore", "--list", "--json"], "").json(), json!([]));
}

#[test]
fn the_same_password_passes_again_within_the_time_and_never_after_it() {
    let home = Home::with_alice();
    let phone = home.app_password("phone");
    let passes = |code| home.run(["try", "alice", "--service", "imap"], &phone).is(code);
    revoke(&home, &["alice", "phone"]).is(0);
    passes(1);
    home.run(["app", "restore", "1"], "").is(0);
    passes(0);
    revoke(&home, &["alice", "phone"]).is(0);
    home.database("UPDATE revocation SET restorable_until = unixepoch()");
    home.run(["app", "restore", "2"], "").refused(1, "over");
    assert_eq!(home.run(["app", "restore", "--list"], "").out, "");
    passes(1);
    for none in ["3", "0", "-1", "9223372036854775807"] {
        home.run(["app", "restore", "--", none], "").refused(3, "no revocation");
    }
    for bad in ["9223372036854775808", "one", "", "1 2"] {
        home.run(["app", "restore", "--", bad], "").is(2);
    }
    home.run(["app", "restore"], "").is(2);
    home.run(["app", "restore", "--list", "1"], "").is(2);
}

#[test]
fn what_has_ended_is_revoked_with_the_others_since_the_clock_may_be_wrong() {
    let home = Home::with_alice();
    for label in ["phone", "laptop"] {
        home.app_password(label);
    }
    home.database("UPDATE app_password SET expires_at = created_at WHERE label = 'laptop'");
    let done = revoke(&home, &["--account", "alice", "--yes"]);
    done.is(0);
    assert!(done.out.contains("laptop"), "{done:?}");
    home.database("UPDATE app_password SET expires_at = NULL");
    home.run(["app", "revoke", "alice", "laptop"], "").is(3);
}

#[test]
fn what_cannot_live_again_is_reported_and_may_be_asked_for_once_more() {
    let home = Home::with_alice();
    home.configure("[policy]\nmax_app_passwords = 3");
    for label in ["over", "phone", "spare"] {
        home.app_password(label);
    }
    revoke(&home, &["--all", "--yes"]).is(0);
    home.database("UPDATE app_password SET expires_at = created_at WHERE label = 'over'");
    for label in ["phone", "second", "third"] {
        home.app_password(label);
    }
    let done = home.run(["app", "restore", "1"], "");
    done.is(1);
    for said in ["another has its label", "its time is over", "as many as it may"] {
        assert!(done.out.contains(said), "{done:?}");
    }
    revoke(&home, &["alice", "second"]).is(0);
    home.run(["app", "rename", "alice", "phone", "new phone"], "").is(0);
    let done = home.run(["app", "restore", "1", "--json"], "");
    done.is(1);
    let fates: Value = serde_json::from_str(&done.out).unwrap();
    let fate = |label: &str| {
        fates.as_array().unwrap().iter().find(|one| one["label"] == label).map(|one| one["fate"].clone())
    };
    assert_eq!((fate("spare"), fate("over")), (Some(json!("restored")), Some(json!("expired"))));
    assert_eq!(fate("phone"), Some(json!("too-many")));
}

#[test]
fn one_that_was_revoked_because_nobody_saw_it_is_not_restored() {
    let home = Home::with_alice();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut child = home.command(["app", "add", "alice", "--label", "phone"]);
    super::home::finish(child.stdout(full).spawn().unwrap(), "").is(5);
    assert_eq!(home.run(["app", "restore", "--list", "--json"], "").json(), json!([]));
}
