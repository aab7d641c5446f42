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
    home.run(["account", "add", "bob", "--primary", "pam", "--allow-unknown-user"], "").is(0);
    home.app_password("phone");
    home.app_password("tablet");
    home.run(["app", "revoke", "alice", "tablet"], "").is(0);
    home.enroll();
    home.run(["account", "disable", "bob"], "").is(0);
    let list = home.run(["account", "list", "--json"], "").json();
    fields(
        &list,
        &[
            "account",
            "state",
            "primary",
            "app_passwords",
            "second_factors",
            "recovery_codes",
            "app_password_used_at",
            "enrolled_at",
            "created_at",
        ],
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
    assert_eq!(
        lines[0].join(" "),
        "ACCOUNT STATE PRIMARY APP PASSWORDS SECOND FACTORS RECOVERY CODES LAST USED"
    );
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
    let live = home.run(["app", "list", "alice", "--live", "--json"], "").json();
    assert_eq!((live.as_array().unwrap().len(), &live[0]), (1, &list[0]));
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

#[test]
fn an_app_password_is_shown_with_all_that_is_known_of_it() {
    let home = Home::with_alice();
    home.run(
        ["app", "add", "alice", "--label", "phone", "--network", "192.0.2.0/24", "--expires", "90d"],
        "",
    )
    .is(0);
    home.run(["app", "rotate", "alice", "phone"], "").is(0);
    let show = |label: &str| home.run(["app", "show", "alice", label, "--json"], "").json();
    let (new, old) = (show("phone"), show("phone (old)"));
    assert_eq!((&new["replaces"], &new["replaced_by"]), (&json!("phone (old)"), &Value::Null));
    assert_eq!((&old["replaces"], &old["replaced_by"]), (&Value::Null, &json!("phone")));
    for one in [&new, &old] {
        assert_eq!((&one["account"], &one["state"]), (&json!("alice"), &json!("live")));
        assert_eq!(one["networks"], json!(["192.0.2.0/24"]));
        assert!(one["created_by"].is_u64() && one["last_used_at"].is_null());
        is_utc(&one["expires_at"]);
    }
    let text = home.run(["app", "show", "alice", "phone (old)"], "");
    for said in ["phone (old)\n", " by ", "networks     192.0.2.0/24\n", "replaced by  phone (until"] {
        assert!(text.out.contains(said), "{said}: {text:?}");
    }
    home.run(["app", "revoke", "alice", "phone"], "").is(0);
    let revoked = show("phone");
    assert_eq!((&revoked["state"], &revoked["revocation"]), (&json!("revoked"), &json!(1)));
    is_utc(&revoked["restorable_until"]);
    assert!(home.run(["app", "show", "alice", "phone"], "").out.contains("postern app restore 1"));
    home.app_password("phone");
    assert_eq!(show("phone")["state"], "live");
    home.run(["app", "show", "alice", "tablet"], "").refused(3, "tablet");
    home.run(["app", "show", "bob", "phone"], "").refused(3, "bob");
}

#[test]
fn an_account_is_shown_with_what_it_has_and_what_stands_against_it() {
    let home = Home::with_alice();
    let show = || home.run(["account", "show", "alice", "--json"], "").json();
    let bare = show();
    assert_eq!((&bare["state"], &bare["primary"]), (&json!("active"), &json!("store")));
    assert_eq!(bare["enrolled_at"], Value::Null);
    home.app_password("phone");
    home.app_password("tablet");
    home.run(["app", "revoke", "alice", "tablet"], "").is(0);
    home.enroll();
    home.run(["recovery", "new", "alice"], "").is(0);
    home.database(
        "INSERT INTO code_failure SELECT id, '192.0.2.7', 60, created_at FROM account;
         INSERT INTO code_failure SELECT id, '-', 39, created_at FROM account;",
    );
    let full = show();
    assert_eq!(full["app_passwords"].as_array().unwrap().len(), 1);
    assert_eq!(full["app_passwords"][0]["label"], "phone");
    assert_eq!((&full["totp_keys"], &full["max_app_passwords"]), (&json!(["totp"]), &json!(50)));
    assert_eq!((&full["recovery_codes"]["left"], &full["recovery_codes"]["spent"]), (&json!(10), &json!(0)));
    let wrong = &full["wrong_codes"];
    assert_eq!((&wrong["count"], &wrong["most"], &wrong["closed"]), (&json!(99), &json!(100), &json!(false)));
    assert_eq!(wrong["sources"].as_array().unwrap().len(), 2);
    home.database("INSERT INTO code_failure SELECT id, 'alone 192.0.2.8', 7, created_at FROM account");
    let shown = home.run(["account", "show", "alice"], "").out;
    assert!(
        shown.contains("7 from 192.0.2.8, where another module checks the password, the last"),
        "{shown}"
    );
    assert_eq!(show()["wrong_codes"]["sources"][2]["source"], "192.0.2.8");
    assert_eq!(show()["wrong_codes"]["sources"][2]["code_alone"], true);
    home.database("UPDATE code_failure SET count = 40 WHERE source = '-'");
    assert_eq!(show()["wrong_codes"]["closed"], true);
    let text = home.run(["account", "show", "alice"], "");
    assert!(text.out.contains("100 of 100; no further code") && text.out.contains("192.0.2.7"), "{text:?}");
    assert!(text.err.contains("postern account unlock alice"), "{text:?}");
    home.run(["account", "show", "bob"], "").refused(3, "bob");
}
