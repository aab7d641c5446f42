//! Accounts that fell into wrong hands, and accounts that are removed.

use serde_json::{Value, json};

use super::home::{Home, PRIMARY, code, now};
use postern::crypto::secret::Secret;

const IMAP: [&str; 4] = ["try", "alice", "--service", "imap"];

/// Alice with two app passwords, one revoked a moment ago, a key, and recovery codes; her phone's password.
fn home() -> (Home, String, String) {
    let home = Home::with_alice();
    let phone = home.app_password("phone");
    home.app_password("laptop");
    home.app_password("lost");
    home.run(["app", "revoke", "alice", "lost"], "").is(0);
    let (key, _) = home.enroll();
    home.run(["recovery", "new", "alice"], "").is(0);
    let field = format!("{PRIMARY}{}", code(&key, now() + 30));
    (home, phone, field)
}

fn why(home: &Home, secret: &str) -> String {
    let out = home.run(IMAP, secret).out;
    out.trim_end().rsplit_once("why=").map_or(out.clone(), |(_, why)| why.to_owned())
}

#[test]
fn a_compromised_account_is_closed_and_loses_all_that_somebody_else_may_have() {
    let (home, phone, field) = home();
    let preview = ["account", "compromised", "alice", "--dry-run", "--json"];
    let before = home.content();
    let expected = home.run(preview, "").json();
    assert_eq!(home.content(), before);
    assert_eq!(
        expected,
        json!({"account": "alice", "app_passwords": ["phone", "laptop"], "restorable_before": 1,
               "totp_keys": ["totp"], "recovery_codes": 10})
    );
    let done = home.run(["account", "compromised", "alice", "--yes", "--json"], "");
    assert_eq!(done.json(), expected);
    for step in
        ["doveadm kick alice", "account passwd alice", "totp enroll", "account enable", "log --account"]
    {
        assert!(done.err.contains(step), "{step}: {done:?}");
    }
    let shown = home.run(["account", "show", "alice", "--json"], "").json();
    assert_eq!((&shown["state"], &shown["app_passwords"]), (&json!("disabled"), &json!([])));
    assert_eq!((&shown["totp_keys"], &shown["recovery_codes"]["left"]), (&json!([]), &json!(0)));
    let enabled = home.run(["account", "enable", "alice"], "");
    enabled.is(0);
    assert!(enabled.err.contains("has no authenticator"), "{enabled:?}");
    assert_eq!(why(&home, &phone), "revoked");
    assert_eq!(why(&home, &field), "no-second-factor");
    assert_eq!(why(&home, PRIMARY), "no-second-factor");
    // That is why the steps name no `recovery new`: the sheet comes with the new key.
    assert!(!done.err.contains("recovery new"), "{done:?}");
    let new = Secret::copy_of(b"12345678901234567890");
    let typed = format!("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n{}", code(&new, now() + 30));
    let enrolled = home.run(["totp", "enroll", "alice", "--secret-fd", "0"], &typed);
    enrolled.is(0);
    assert_eq!(enrolled.out.lines().count(), 11, "{enrolled:?}");
    let enabled = home.run(["account", "enable", "alice"], "");
    assert!(enabled.err.contains("with the authenticators it had"), "{enabled:?}");
}

#[test]
fn what_a_compromised_account_lost_is_never_restored() {
    let (home, _, _) = home();
    home.run(["app", "revoke", "alice", "laptop"], "").is(0);
    home.run(["account", "compromised", "alice", "--yes"], "").is(0);
    assert_eq!(home.run(["app", "restore", "--list", "--json"], "").json(), json!([]));
    for revocation in ["1", "2"] {
        home.run(["app", "restore", revocation], "").is(1);
    }
    assert_eq!(home.run(["account", "list", "--json"], "").json()[0]["app_passwords"], 0);
}

#[test]
fn keys_in_their_owners_hand_may_stay() {
    let (home, phone, field) = home();
    let done = home.run(["account", "compromised", "alice", "--yes", "--keep-totp"], "");
    done.is(0);
    assert!(!done.err.contains("totp enroll"), "{done:?}");
    assert_eq!(why(&home, &field), "account-disabled");
    home.run(["account", "enable", "alice"], "").is(0);
    assert_eq!(why(&home, &phone), "revoked");
    home.run(IMAP, &field).is(0);
}

#[test]
fn a_key_that_comes_back_has_not_forgotten_what_it_spent() {
    let home = Home::with_alice();
    let (key, confirmed) = home.enroll();
    home.run(["account", "compromised", "alice", "--yes"], "").is(0);
    let base32 = data_encoding::BASE32_NOPAD.encode(key.expose());
    let script = r#"exec "$0" --config "$1" totp enroll alice --secret-fd 7 7<<EOF
KEY
EOF"#;
    let shell = super::home::command(std::path::Path::new("sh"))
        .args(["-c", &script.replace("KEY", &base32), env!("CARGO_BIN_EXE_postern")])
        .arg(home.path("postern.toml"))
        .spawn();
    let done = super::home::finish(shell.unwrap(), &confirmed);
    done.is(1);
    assert!(done.err.contains("count as spent"), "{done:?}");
}

#[test]
fn what_cannot_be_undone_is_not_done_without_being_asked_for() {
    let (home, _, _) = home();
    let before = home.content();
    for arguments in [["account", "compromised", "alice"], ["account", "remove", "alice"]] {
        home.run(arguments, "alice").refused(2, "terminal");
    }
    home.run(["account", "remove", "alice", "--json"], "").refused(2, "--json");
    for command in ["compromised", "remove"] {
        home.run(["account", command, "alice", "--yes", "--dry-run"], "").is(2);
        let shown = home.run(["account", command, "alice", "--dry-run"], "");
        shown.is(0);
        assert!(shown.out.contains("app passwords: phone"), "{shown:?}");
        let shown = home.run(["account", command, "alice", "--dry-run", "--json"], "").json();
        assert_eq!(
            (&shown["app_passwords"], &shown["account"]),
            (&json!(["phone", "laptop"]), &json!("alice"))
        );
        home.run(["account", command, "bob", "--yes"], "").refused(3, "bob");
    }
    assert_eq!(home.content(), before);
}

#[test]
fn a_removed_account_is_gone_and_made_anew_it_starts_from_nothing() {
    let (home, phone, field) = home();
    let done = home.run(["account", "remove", "alice", "--yes"], "");
    done.is(0);
    assert!(done.err.contains("doveadm kick alice"), "{done:?}");
    assert_eq!(why(&home, &phone), "unknown-app-password");
    assert_eq!(why(&home, &field), "unknown-account");
    home.run(["account", "show", "alice"], "").refused(3, "alice");
    home.run(["account", "add", "alice", "--primary", "store"], "a new good one").is(0);
    let shown = home.run(["account", "show", "alice", "--json"], "").json();
    assert_eq!((&shown["enrolled_at"], &shown["app_passwords"]), (&Value::Null, &json!([])));
    assert_eq!((&shown["totp_keys"], &shown["recovery_codes"]["left"]), (&json!([]), &json!(0)));
    assert_eq!(why(&home, &phone), "unknown-app-password");
    assert_eq!(why(&home, &field), "wrong-primary");
    assert_eq!(home.run(["app", "restore", "--list", "--json"], "").json(), json!([]));
    home.run(["app", "restore", "1"], "").is(1);
    assert_eq!(home.run(["app", "list", "alice", "--json"], "").json(), json!([]));
}

#[test]
fn a_removed_account_leaves_its_history_and_none_of_its_hashes() {
    let (home, _, _) = home();
    home.run(["app", "rotate", "alice", "phone"], "").is(0);
    let database = rusqlite::Connection::open(home.path("var/store.db")).unwrap();
    let hashes: Vec<String> = database
        .prepare("SELECT hash FROM app_password UNION SELECT primary_hash FROM account UNION SELECT hash FROM recovery_code")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(hashes.len(), 4 + 1 + 20, "those that are retired too");
    home.run(["account", "remove", "alice", "--yes"], "").is(0);
    let content = std::fs::read(home.path("var/store.db")).unwrap();
    for hash in hashes {
        assert!(!content.windows(hash.len()).any(|window| window == hash.as_bytes()), "{hash}");
    }
    let last = "SELECT event || ' ' || account FROM audit_row ORDER BY id DESC LIMIT 1";
    let last: String = database.query_row(last, [], |row| row.get(0)).unwrap();
    assert_eq!(last, "account.remove alice");
    let broken: i64 =
        database.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0)).unwrap();
    assert_eq!(broken, 0);
}
