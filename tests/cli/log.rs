//! `postern log`: who did what, and whether that is all of it.

use std::io::{BufRead, BufReader, Read};
use std::process::Command;

use rusqlite::Connection;
use serde_json::{Value, json};

use super::home::{Done, Home, PRIMARY, code, finish, now};

fn rows(home: &Home, filters: &[&str]) -> Vec<Value> {
    let done = home.run([&["log", "--json"], filters].concat(), "");
    done.is(0);
    done.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn events(home: &Home, filters: &[&str]) -> Vec<String> {
    rows(home, filters).iter().map(|row| row["event"].as_str().unwrap().to_owned()).collect()
}

/// As whoever can write to the store.
fn tamper(home: &Home, sql: &str) {
    let database = Connection::open(home.path("var/store.db")).unwrap();
    database.execute_batch("PRAGMA ignore_check_constraints = ON").unwrap();
    database.execute_batch(sql).unwrap();
}

#[test]
fn every_change_and_every_spent_code_is_a_row() {
    let home = Home::with_alice();
    home.app_password("phone");
    home.run(["app", "rename", "alice", "phone", "old phone"], "").is(0);
    let (key, _) = home.enroll();
    let field = format!("{PRIMARY}{}", code(&key, now() + 30));
    home.run(["try", "alice", "--service", "imap", "--rhost", "192.0.2.7", "--spend"], &field).is(0);
    home.run(["app", "revoke", "alice", "old phone"], "").is(0);
    home.run(["account", "disable", "alice"], "").is(0);
    let expected = [
        "store.create",
        "account.add",
        "app.add",
        "app.rename",
        "totp.enroll",
        "recovery.new",
        "code.spend",
        "app.revoke",
        "account.disable",
    ];
    assert_eq!(events(&home, &[]), expected);
    let all = rows(&home, &[]);
    let spent = &all[6];
    assert_eq!((&spent["row"], &spent["account"]), (&json!(7), &json!("alice")));
    assert_eq!(spent["detail"], "service=imap from=192.0.2.7");
    assert_eq!(all[0]["account"], Value::Null);
    let table = home.run(["log"], "").out;
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0].join(" "), "ROW WHEN BY EVENT ACCOUNT LABEL DETAIL");
    assert_eq!((lines.len(), lines[9][0], lines[9][4]), (10, "9", "account.disable"));
    assert!(!table.contains('\x1b'), "{table}");
}

#[test]
fn rows_are_found_by_whom_what_and_when() {
    let home = Home::with_alice();
    home.run(["account", "add", "bob", "--primary", "pam", "--allow-unknown-user"], "").is(0);
    home.app_password("phone");
    home.run(["app", "add", "bob", "--label", "phone"], "").is(0);
    home.run(["app", "revoke", "bob", "phone"], "").is(0);
    let day = |row, at: &str| format!("UPDATE audit_row SET at = unixepoch('{at}') WHERE id = {row};");
    tamper(&home, &[day(1, "2020-05-01"), day(2, "2020-05-02"), day(3, "2020-05-02 23:59:59")].concat());
    tamper(&home, "UPDATE audit_row SET by = 4242 WHERE id = 4");
    for (filters, expected) in [
        (["--account", "bob"].as_slice(), ["account.add", "app.add", "app.revoke"].as_slice()),
        (&["--account", "BOB", "--event", "app"], &["app.add", "app.revoke"]),
        (&["--event", "app.revoke"], &["app.revoke"]),
        (&["--event", "ap"], &[]),
        (&["--label", "phone", "--limit", "2"], &["app.add", "app.revoke"]),
        (&["--by", "4242"], &["app.add"]),
        (&["--since", "2020-05-02", "--until", "2020-05-02"], &["account.add", "account.add"]),
        (&["--until", "2020-05-01"], &["store.create"]),
        (&["--until", "2020-05-02 12:00"], &["store.create", "account.add"]),
        (&["--since", "1h"], &["app.add", "app.add", "app.revoke"]),
        (&["--limit", "1"], &["app.revoke"]),
        (&["--account", "nobody"], &[]),
    ] {
        assert_eq!(events(&home, filters), expected, "{filters:?}");
    }
    let by_name = Command::new("id").arg("-un").output().unwrap().stdout;
    let by_name = String::from_utf8(by_name).unwrap();
    assert_eq!(events(&home, &["--by", by_name.trim()]).len(), 5);
}

#[test]
fn behind_sudo_the_one_who_typed_it_is_named() {
    let home = Home::ready();
    let id = |option| {
        let output = Command::new("id").arg(option).output().unwrap().stdout;
        String::from_utf8(output).unwrap().trim().to_owned()
    };
    let add = |name: &str, sudo_uid: &str| {
        let mut command = home.command(["account", "add", name, "--primary", "pam", "--allow-unknown-user"]);
        super::home::finish(command.env("SUDO_UID", sudo_uid).spawn().unwrap(), "").is(0);
        rows(&home, &["--account", name])[0]["by"].to_string()
    };
    // From anybody but root the word is worth nothing.
    let behind = if id("-u") == "0" { "4294967294".to_owned() } else { id("-u") };
    assert_eq!(add("alice", "4294967294"), behind);
    for (name, no_uid) in [("bob", "4294967295"), ("carl", "-1"), ("dora", "+7"), ("emil", "x"), ("fred", "")]
    {
        assert_eq!(add(name, no_uid), id("-u"), "{no_uid}");
    }
    assert_eq!(rows(&home, &["--account", "bob"])[0]["by_name"], json!(id("-un")));
    assert_eq!(rows(&home, &["--account", "alice"])[0]["by_name"].is_null(), behind == "4294967294");
    let table = home.run(["log", "--account", "bob"], "").out;
    assert!(table.lines().nth(1).unwrap().contains(&id("-un")), "{table}");
}

#[test]
fn what_finds_nothing_or_cannot_be_meant_is_said() {
    let home = Home::ready();
    let nothing = home.run(["log", "--account", "nobody"], "");
    nothing.is(0);
    assert!(nothing.out.is_empty() && nothing.err.contains("No row fits"), "{nothing:?}");
    home.run(["log", "--since", "soon"], "").refused(2, "moment");
    home.run(["log", "--event", "app revoke"], "").refused(2, "event");
    home.run(["log", "--by", "no such user"], "").refused(2, "no such user");
    home.run(["log", "verify", "--anchor", "17"], "").refused(2, "anchor");
    for wrong in [["log", "--limit", "0"], ["log", "--limit", "1000001"], ["log", "--json", "verify"]] {
        home.run(wrong, "").is(2);
    }
    Home::bare().run(["log"], "").refused(5, "key");
}

#[test]
fn hostile_rows_are_shown_tame() {
    let home = Home::with_alice();
    tamper(
        &home,
        "UPDATE audit_row SET at = -9223372036854775808, by = -1, event = CAST(x'1b5b324aff00' AS TEXT),
             account = char(8238) || 'a' || char(10) || 'b', label = CAST(x'fffe00' AS TEXT) WHERE id = 2;
         UPDATE audit_row SET at = 9223372036854775807, detail = CAST(zeroblob(9) AS TEXT) WHERE id = 1",
    );
    for arguments in [["log"].as_slice(), &["log", "--json"], &["log", "verify"]] {
        let done = home.run(arguments, "");
        let tame = |letter: char| letter == '\n' || !letter.is_control();
        assert!(done.out.chars().all(tame) && !done.out.contains('\u{1b}'), "{done:?}");
        assert!(done.code < 2, "{done:?}");
    }
    assert_eq!(home.run(["log"], "").out.lines().count(), 3);
}

#[test]
fn a_table_shows_ends_by_the_readers_clock_and_json_what_the_row_holds() {
    let home = Home::with_alice();
    home.run(["app", "add", "alice", "--label", "phone", "--expires", "2999-12-31"], "").is(0);
    home.run(["app", "rotate", "alice", "phone"], "").is(0);
    let table = home.run(["log"], "").out;
    assert!(table.contains("expires=2999-12-31 23:59"), "{table}");
    let rotated = table.lines().find(|line| line.contains("app.rotate")).unwrap();
    assert!(rotated.contains(" until=20"), "{rotated}");
    assert_eq!(
        rows(&home, &["--event", "app.add"])[0]["detail"]
            .as_str()
            .unwrap()
            .matches("expires=32503680000")
            .count(),
        1
    );
}

#[test]
fn following_shows_each_new_row_and_ends_with_its_reader() {
    let home = Home::with_alice();
    let mut child = home.command(["log", "--follow", "--json", "--account", "alice"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!(next()["event"], "account.add");
    // Nobody waits for it between two looks.
    home.run(["account", "add", "bob", "--primary", "pam", "--allow-unknown-user"], "").is(0);
    home.app_password("phone");
    assert_eq!(next()["event"], "app.add");
    drop(lines);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn following_ends_at_ctrl_c() {
    let home = Home::with_alice();
    let mut child = home.command(["log", "--follow"]).spawn().unwrap();
    let mut first = [0; 3];
    child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    assert!(!child.wait().unwrap().success());
    assert!(!home.path("var/store.db-journal").exists());
    home.run(["log", "verify"], "").is(0);
}

#[test]
fn a_whole_chain_is_said_to_be_whole_with_its_anchor() {
    let home = Home::with_alice();
    let done = home.run(["log", "verify"], "");
    done.is(0);
    assert_eq!(done.out, "All 2 rows are as they were written.\n");
    let told = home.run(["log", "verify", "--json"], "").json();
    let anchor = told["anchor"].as_str().unwrap();
    assert_eq!(told, json!({ "whole": true, "rows": 2, "anchor": anchor, "flaw": null }));
    assert!(done.err.contains(&format!("--anchor {anchor}")), "{done:?}");
    assert_eq!(rows(&home, &[])[1]["anchor"], anchor);
    home.app_password("phone");
    home.run(["log", "verify", "--anchor", anchor], "").is(0);
    home.run(["log", "verify", "--anchor", &format!("anchor={anchor}")], "").is(0);
    let wrong = home.run(["log", "verify", "--anchor", "2:00000000"], "");
    wrong.is(1);
    assert_eq!(wrong.out, "row 2 is not the one that the log told of\n");
}

#[test]
fn the_first_row_that_is_not_as_it_was_is_named() {
    let home = Home::with_alice();
    home.app_password("phone");
    let says = |done: &Done, line: &str| {
        done.is(1);
        assert_eq!(done.out, format!("{line}\n"));
        assert!(done.err.contains("  hint: "), "{done:?}");
    };
    tamper(&home, "UPDATE audit_row SET label = 'tablet' WHERE id = 3");
    let done = home.run(["log", "verify"], "");
    says(&done, "row 3 was changed: it does not fit its hash");
    assert!(done.err.contains("as they were written, the last of them on 20"), "{done:?}");
    let told = home.run(["log", "verify", "--json"], "");
    told.is(1);
    let told: Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!((&told["whole"], &told["flaw"]["row"]), (&json!(false), &json!(3)));
    assert_eq!(told["flaw"]["what"], "changed");
    tamper(&home, "DELETE FROM audit_row WHERE id = 3");
    says(
        &home.run(["log", "verify"], ""),
        "row 3 is missing: the chain is cut short, its head counts 3 rows",
    );
    // A revocation goes through all the same, and covers nothing up.
    home.run(["app", "revoke", "alice", "phone"], "").is(0);
    says(
        &home.run(["log", "verify"], ""),
        "row 3 says that the end of the chain had been altered before it was written",
    );
    tamper(&home, "DELETE FROM audit_row; DELETE FROM audit_head");
    says(&home.run(["log", "verify"], ""), "row 1 is missing, with all others and with the head");
}

#[test]
fn a_closed_pipe_is_no_failure_of_the_log() {
    let home = Home::with_alice();
    for arguments in [["log", "--json"].as_slice(), &["log", "--follow"]] {
        let mut child = home.command(arguments).spawn().unwrap();
        drop(child.stdout.take());
        let done = finish(child, "");
        assert_eq!(done.err, "", "{done:?}");
    }
}

#[test]
fn a_store_set_back_to_a_version_without_a_chain_gets_no_new_one() {
    let home = Home::with_alice();
    home.app_password("phone");
    home.run(["app", "revoke", "alice", "phone", "--yes"], "").is(0);
    home.database(
        "UPDATE app_password SET revoked_at = NULL;
         DROP TABLE audit_row; DROP TABLE audit_head;
         ALTER TABLE key_check DROP COLUMN retired_at; ALTER TABLE key_check DROP COLUMN sealed_audit_key;
         PRAGMA user_version = 2;",
    );
    let init = home.run(["init"], "");
    init.is(5);
    assert!(init.err.contains("version 2, which was never released"), "{init:?}");
    home.run(["log", "verify"], "").refused(5, "was never released");
}
