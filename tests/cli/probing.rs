//! `postern probe` where there are no servers: what it refuses, and that it leaves nothing behind.

use std::io::Write;
use std::net::TcpListener;
use std::thread;

use super::home::{Home, PRIMARY};

#[test]
fn a_door_that_nobody_answers_is_not_probed_and_no_account_is_made() {
    let home = Home::with_alice();
    let before = home.content();
    let done = home.run(["probe", "--imap", "127.0.0.1:1"], "");
    done.is(5);
    assert!(done.out.ends_with("1 door: 1 not probed.\n"), "{done:?}");
    assert!(done.err.contains("imap at 127.0.0.1:1 (starttls): it cannot be reached"), "{done:?}");
    assert_eq!(home.content(), before);
}

/// Says good-bye to whoever comes.
fn unfriendly_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = stream.unwrap().write_all(b"* BYE go away\r\n");
        }
    });
    place
}

#[test]
fn an_account_is_made_and_removed_and_both_are_told() {
    let home = Home::with_alice();
    let done = home.run(["probe", "--json", "--imap", &unfriendly_server()], "");
    done.is(5);
    assert!(done.out.contains("\"state\": \"not-probed\""), "{done:?}");
    let accounts = home.run(["account", "list", "--json"], "").json();
    assert_eq!(accounts.as_array().unwrap().len(), 1, "{accounts}");
    let rows = home.run(["log", "--json"], "");
    for event in ["probe.add", "probe.remove"] {
        assert_eq!(rows.out.matches(event).count(), 1, "{rows:?}");
    }
    let made = rows.out.lines().count();
    let table = home.run(["log"], "");
    assert!(table.out.contains("probe.remove") && !table.out.contains("probe.add"), "{table:?}");
    assert!(
        table.out.contains("account.add") && table.err.contains("of probes, which --all shows"),
        "{table:?}"
    );
    assert_eq!(home.run(["log", "--all"], "").out.lines().count(), 1 + made);
    assert!(home.run(["log", "--event", "probe"], "").out.contains("probe.add"));
    home.run(["log", "verify"], "").is(0);
}

#[test]
fn somebody_who_has_an_account_is_not_used() {
    let home = Home::with_alice();
    let before = home.content();
    let done = home.run(["probe", "--user", "alice", "--imap", "127.0.0.1:1"], PRIMARY);
    done.is(4);
    assert!(done.err.contains("alice has an account in Postern"), "{done:?}");
    assert_eq!(home.content(), before);
}

#[test]
fn what_a_killed_probe_has_left_is_removed_and_nothing_else() {
    let home = Home::with_alice();
    home.run(["account", "add", "left", "--primary", "store"], PRIMARY).is(0);
    home.database("UPDATE account SET throw_away = 1 WHERE name = 'left'");
    let done = home.run(["probe", "--imap", "127.0.0.1:1"], "");
    assert!(done.err.contains("Removed left, which a probe has left that was killed."), "{done:?}");
    let accounts = home.run(["account", "list", "--json"], "").json();
    assert_eq!(accounts[0]["account"], "alice", "{accounts}");
    assert_eq!(accounts.as_array().unwrap().len(), 1);
}

#[test]
fn what_is_no_door_is_a_mistake() {
    let home = Home::with_alice();
    let before = home.content();
    for place in ["mail example", "mail/ssl", "[::1", "mail:0", "mail:99999", "user@mail"] {
        let done = home.run(["probe", "--imap", place], "");
        done.is(2);
        assert!(done.err.contains("such as --imap mail.example.org:993"), "{done:?}");
    }
    for arguments in
        [["probe", "--secret-fd", "3"].as_slice(), &["probe", "--user", "a:b", "--imap", "127.0.0.1:1"]]
    {
        home.run(arguments, "").is(2);
    }
    assert_eq!(home.content(), before);
}
