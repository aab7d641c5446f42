//! Tables and JSON.

use serde_json::{Value, json};

use super::home::{Home, PRIMARY};

#[track_caller]
fn fields(list: &Value, expected: &[&str]) {
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    for entry in list.as_array().unwrap() {
        let mut found: Vec<&str> = entry.as_object().unwrap().keys().map(String::as_str).collect();
        found.sort_unstable();
        assert_eq!(found, expected);
    }
}

#[track_caller]
fn is_utc(moment: &Value) {
    let text = moment.as_str().unwrap();
    assert!(text.len() == 20 && text.ends_with('Z') && text.as_bytes()[10] == b'T', "{text}");
}

#[test]
fn accounts_are_listed_with_what_they_have() {
    let home = Home::with_alice();
    home.run(["account", "add", "bob", "--primary", "pam"], "").is(0);
    home.app_password("phone");
    home.app_password("tablet");
    home.run(["app", "revoke", "alice", "tablet"], "").is(0);
    home.enroll();
    home.run(["account", "disable", "bob"], "").is(0);
    let list = home.run(["account", "list", "--json"], "").json();
    fields(
        &list,
        &["account", "state", "primary", "app_passwords", "second_factors", "enrolled_at", "created_at"],
    );
    is_utc(&list[0]["created_at"]);
    is_utc(&list[0]["enrolled_at"]);
    let told = |index: usize| {
        ["account", "state", "primary", "app_passwords", "second_factors"]
            .map(|name| list[index][name].clone())
    };
    assert_eq!(told(0), [json!("alice"), json!("active"), json!("store"), json!(1), json!(1)]);
    assert_eq!(told(1), [json!("bob"), json!("disabled"), json!("pam"), json!(0), json!(0)]);
    assert_eq!(list[1]["enrolled_at"], Value::Null);
    let table = home.run(["account", "list"], "");
    let lines: Vec<Vec<&str>> = table.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0].join(" "), "ACCOUNT STATE PRIMARY APP PASSWORDS SECOND FACTORS CREATED");
    assert_eq!(lines[1][..5], ["alice", "active", "store", "1", "1"]);
    assert_eq!((lines[2][1], lines.len()), ("disabled", 3));
    home.run(["account", "enable", "bob"], "").is(0);
    assert_eq!(home.run(["account", "list", "--json"], "").json()[1]["state"], "active");
}

#[test]
fn app_passwords_are_listed_with_their_use() {
    let home = Home::with_alice();
    let phone = home.app_password("old phone");
    let attempt = ["try", "alice", "--service", "submission", "--rhost", "192.0.2.7", "--spend"];
    home.run(attempt, &phone).is(0);
    home.run(["app", "add", "alice", "--label", "scanner", "--scope", "smtp"], "").is(0);
    home.run(["app", "revoke", "alice", "scanner"], "").is(0);
    let list = home.run(["app", "list", "alice", "--json"], "").json();
    let names = [
        "label",
        "scope",
        "state",
        "created_at",
        "created_by",
        "expires_at",
        "revoked_at",
        "last_used_at",
        "last_used_service",
        "networks",
        "last_used_from",
    ];
    fields(&list, &names);
    assert_eq!(list[0]["label"], "old phone");
    assert_eq!(list[0]["scope"], json!(["imap", "pop3", "sieve", "smtp"]));
    assert_eq!((&list[0]["state"], &list[1]["state"]), (&json!("live"), &json!("revoked")));
    assert_eq!(list[0]["last_used_service"], "smtp");
    assert_eq!(list[0]["last_used_from"], "192.0.2.7");
    is_utc(&list[0]["last_used_at"]);
    is_utc(&list[1]["revoked_at"]);
    assert_eq!(list[1]["last_used_at"], Value::Null);
    let table = home.run(["app", "list", "alice"], "").out;
    assert!(
        table.starts_with("LABEL") && table.contains("192.0.2.7") && table.contains("revoked 2"),
        "{table}"
    );
    assert!(!table.contains('\x1b'), "{table}");
}

#[test]
fn keys_are_listed_sealed() {
    let home = Home::with_alice();
    home.enroll();
    let list = home.run(["totp", "list", "alice", "--json"], "").json();
    fields(&list, &["label", "algorithm", "digits", "period", "created_at", "last_code_at"]);
    assert_eq!(list[0]["label"], "totp");
    assert_eq!(
        (&list[0]["algorithm"], &list[0]["digits"], &list[0]["period"]),
        (&json!("SHA1"), &json!(6), &json!(30))
    );
    is_utc(&list[0]["last_code_at"]);
    home.run(["totp", "remove", "alice", "totp"], "").is(0);
    assert_eq!(home.run(["totp", "list", "alice", "--json"], "").json(), json!([]));
}

#[test]
fn an_empty_list_is_no_output_and_a_word_about_the_next_step() {
    let home = Home::ready();
    let accounts = home.run(["account", "list"], "");
    accounts.is(0);
    assert_eq!(accounts.out, "");
    assert!(accounts.err.contains("postern account add"), "{accounts:?}");
    home.run(["account", "add", "alice", "--primary", "store"], PRIMARY).is(0);
    for kind in ["app", "totp"] {
        let list = home.run([kind, "list", "alice"], "");
        list.is(0);
        assert_eq!(list.out, "");
        assert_eq!(home.run([kind, "list", "alice", "--json"], "").out, "[]\n");
    }
}

#[test]
fn names_are_spelled_as_every_door_spells_them() {
    let home = Home::with_alice();
    home.run(["app", "add", "ALICE", "--label", "phone"], "").is(0);
    home.run(["account", "add", "Alice", "--primary", "pam"], "").refused(4, "alice");
    let list = home.run(["app", "list", "aLiCe", "--json"], "").json();
    assert_eq!(list[0]["label"], "phone");
}
