//! `postern try`: the verdict on stdout, the reason in plain words on stderr.

use serde_json::json;

use super::home::{Home, PRIMARY, code, now};

#[track_caller]
fn check(home: &Home, arguments: &[&str], secret: &str, code: i32, line: &str) {
    let arguments = [&["try"], arguments].concat();
    let done = home.run(&arguments, secret);
    assert_eq!((done.code, done.out.trim_end()), (code, line), "{arguments:?} {done:?}");
    assert_eq!(done.err.contains("  hint: "), code != 0, "{done:?}");
}

const IMAP: [&str; 3] = ["alice", "--service", "imap"];

#[test]
fn each_end_of_an_app_password_is_named_and_explained() {
    let home = Home::with_alice();
    let phone = home.app_password("phone");
    let named = |why| format!("denied path=app-password label=\"phone\" why={why}");
    check(&home, &IMAP, &phone, 0, "granted path=app-password label=\"phone\"");
    let bob = ["bob", "--service", "imap"];
    check(&home, &bob, &phone, 1, &named("other-account"));
    let sshd = ["alice", "--service", "sshd"];
    check(&home, &sshd, &phone, 1, &named("out-of-scope"));
    let slip = if phone.ends_with('3') { "7" } else { "3" };
    let mistyped = format!("{}{slip}", &phone[..phone.len() - 1]);
    check(&home, &IMAP, &mistyped, 1, "denied path=app-password why=mistyped");
    let foreign = Home::with_alice().app_password("phone");
    let unknown = "denied path=app-password why=unknown-app-password";
    check(&home, &IMAP, &foreign, 1, unknown);
    home.run(["account", "disable", "alice"], "").is(0);
    check(&home, &IMAP, &phone, 1, &named("account-disabled"));
    home.run(["app", "revoke", "alice", "phone"], "").is(0);
    check(&home, &IMAP, &phone, 1, &named("revoked"));
}

#[test]
fn each_end_of_a_primary_password_is_named_and_explained() {
    let home = Home::with_alice();
    let bare = |why| format!("denied path=primary why={why}");
    let coded = |why| format!("denied path=primary+code why={why}");
    check(&home, &IMAP, "wrong one", 1, &bare("wrong-primary"));
    check(&home, &IMAP, "123456", 1, &coded("empty-primary"));
    check(&home, &IMAP, PRIMARY, 1, &bare("no-second-factor"));
    let bob = ["bob", "--service", "imap"];
    check(&home, &bob, PRIMARY, 1, &bare("unknown-account"));
    let (key, _) = home.enroll();
    check(&home, &IMAP, PRIMARY, 1, &bare("second-factor-missing"));
    let stale = format!("{PRIMARY}{}", code(&key, now() - 3600));
    check(&home, &IMAP, &stale, 1, &coded("wrong-code"));
    home.run(["account", "disable", "alice"], "").is(0);
    check(&home, &IMAP, PRIMARY, 1, &bare("account-disabled"));
}

#[test]
fn a_verdict_in_json_has_fixed_fields() {
    let home = Home::with_alice();
    let phone = home.app_password("phone");
    let attempt = ["try", "alice", "--service", "imap", "--json"];
    let mut granted = home.run(attempt, &phone).json();
    let rules = granted.as_object_mut().unwrap().remove("rules").unwrap();
    assert_eq!(rules[0]["rule"], "shape");
    assert!(rules.as_array().unwrap().iter().all(|rule| rule["finding"] == "ok" && rule["decided"] == false));
    let expected = json!({
        "verdict": "granted", "path": "app-password", "label": "phone", "why": null, "field": null, "alone": null
    });
    assert_eq!(granted, expected);
    let denied = home.run(["try", "alice", "--service", "im ap", "--json"], &phone);
    denied.is(1);
    let expected = json!({
        "verdict": "denied", "path": "none", "label": null, "why": "malformed", "field": "service", "alone": null,
        "rules": [{"rule": "input", "finding": "no", "said": "a field is out of bounds", "decided": true}]
    });
    assert_eq!(serde_json::from_str::<serde_json::Value>(&denied.out).unwrap(), expected);
}

#[test]
fn a_rehearsal_writes_down_no_use() {
    let home = Home::with_alice();
    let phone = home.app_password("phone");
    let before = home.content();
    home.run(["try", "alice", "--service", "imap"], &phone).is(0);
    assert_eq!(home.content(), before);
    home.run(["try", "alice", "--service", "imap", "--spend"], &phone).is(0);
    assert_ne!(home.content(), before);
}

#[test]
fn a_secret_out_of_bounds_is_denied_like_any_other() {
    let home = Home::with_alice();
    for secret in ["a".repeat(513), "a".repeat(65_536), "tab\there".to_owned()] {
        check(
            &home,
            &["alice", "--service", "imap"],
            &secret,
            1,
            "denied path=none why=malformed field=secret",
        );
    }
}
