//! `postern try`: the verdict on stdout, the reason in plain words on stderr.

use serde_json::json;

use super::home::{Home, PRIMARY, code, now};

#[track_caller]
fn check(home: &Home, arguments: &[&str], secret: &str, code: i32, line: &str) {
    let arguments = [&["try"], arguments].concat();
    let done = home.run(&arguments, secret);
    assert_eq!((done.code, done.out.trim_end()), (code, line), "{arguments:?} {done:?}");
    assert_eq!(done.err.contains("  hint: "), code != 0, "{done:?}");
    done.can_be_pasted();
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
    let said = home.run(["try", "bob", "--service", "imap"], &phone);
    assert!(said.err.contains("the store does not know bob"), "{said:?}");
    assert!(!said.err.contains("bob is active"), "{said:?}");
    home.run(["account", "add", "--primary", "pam", "--allow-unknown-user", "bob"], "").is(0);
    let said = home.run(["try", "bob", "--service", "imap"], &phone);
    assert!(!said.err.contains("bob is active"), "{said:?}");
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
fn an_account_without_its_user_is_not_called_closed() {
    let home = Home::ready();
    let added =
        home.run(["account", "add", "nobody-of-that-name", "--primary", "pam", "--allow-unknown-user"], "");
    added.is(0);
    assert!(added.err.contains("this system has no user nobody-of-that-name"), "{added:?}");
    let shown = home.run(["account", "show", "nobody-of-that-name"], "");
    assert!(shown.out.contains("pam; this system has no user of that name"), "{shown:?}");
    let shown = home.run(["account", "show", "nobody-of-that-name", "--json"], "").json();
    assert_eq!(shown["lacks_user"], true);
    let phone = home.run(["app", "add", "nobody-of-that-name", "--label", "phone"], "").out;
    let tried = home.run(["try", "nobody-of-that-name", "--service", "imap"], phone.trim_end());
    tried.is(1);
    assert!(tried.err.contains("the system has no user nobody-of-that-name  <- this decided"), "{tried:?}");
    assert!(!tried.err.contains("closed") && !tried.err.contains("account enable"), "{tried:?}");
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
        "verdict": "granted", "path": "app-password", "label": "phone", "why": null, "field": null, "alone": null,
        "hint": null
    });
    assert_eq!(granted, expected);
    let denied = home.run(["try", "alice", "--service", "im ap", "--json"], &phone);
    denied.is(1);
    let expected = json!({
        "verdict": "denied", "path": "none", "label": null, "why": "malformed", "field": "service", "alone": null,
        "hint": "look at what `field=` names",
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

/// What `try` says on stderr, which must name all of these.
#[track_caller]
fn says(home: &Home, arguments: &[&str], secret: &str, wanted: &[&str]) -> String {
    let done = home.run([&["try"], arguments].concat(), secret);
    for words in wanted {
        assert!(done.err.contains(words), "{words}: {done:?}");
    }
    done.can_be_pasted();
    done.err
}

#[test]
fn what_an_app_password_is_good_for_is_told_with_what_was_asked() {
    let home = Home::with_alice();
    let add = ["app", "add", "alice", "--label", "old phone", "--scope", "imap,smtp", "--network"];
    let made = home.run([&add[..], &["192.0.2.0/24", "--expires", "2999-12-31"]].concat(), "");
    let phone = made.out.trim_end();
    let limits =
        ["alice is active", "it is live, until 2999-12-31", "it is alice's", "imap takes app passwords"];
    says(&home, &[&IMAP[..], &["--rhost", "192.0.2.7"]].concat(), phone, &limits);
    let scope =
        ["good for imap,smtp, and not for pop3", "app limit --scope=imap,pop3,smtp alice 'old phone'"];
    says(&home, &["alice", "--service", "pop3"], phone, &scope);
    says(&home, &IMAP, phone, &["good from 192.0.2.0/24, and comes from no address", "--rhost"]);
    let elsewhere = [&IMAP[..], &["--rhost", "198.51.100.7"]].concat();
    says(&home, &elsewhere, phone, &["good from 192.0.2.0/24, and comes from 198.51.100.7"]);
    home.run(["account", "add", "bob", "--primary", "pam", "--allow-unknown-user"], "").is(0);
    says(&home, &["bob", "--service", "imap"], phone, &["it is alice's, not bob's"]);
    home.configure("[services]\npop3 = [\"primary+code\"]");
    let closed = ["pop3 takes no app passwords; the primary password with a code"];
    says(&home, &["alice", "--service", "pop3"], phone, &closed);
    home.run(["app", "revoke", "alice", "old phone"], "").is(0);
    let at = home.run(["app", "list", "alice", "--json"], "").json()[0]["revoked_at"].to_string();
    let revoked = format!("it was revoked on {} {}", &at[1..11], &at[12..20]);
    says(&home, &IMAP, phone, &[&revoked, "app add --label='old phone' alice"]);
    home.database("UPDATE app_password SET revoked_at = NULL, revocation = NULL, expires_at = 1700000000");
    says(&home, &IMAP, phone, &["it was good until 2023-11-14 22:13"]);
}

#[test]
fn an_app_password_with_a_symbol_too_few_or_too_many_is_named_as_such() {
    let home = Home::with_alice();
    let phone = home.app_password("phone");
    says(&home, &IMAP, &phone[..23], &["like an app password with one symbol too few", "has 20 symbols"]);
    says(&home, &IMAP, &phone[1..], &["like an app password with one symbol too few", "has 20 symbols"]);
    let longer = format!("{phone}y");
    says(&home, &IMAP, &longer, &["like an app password with one symbol too many", "has 20 symbols"]);
    let plain = says(&home, &IMAP, "wrong one", &["no app password and no code", "account passwd alice"]);
    assert!(!plain.contains("digits") && !plain.contains("symbol"), "{plain}");
}

#[test]
fn a_wrong_primary_is_explained_by_what_was_typed() {
    let home = Home::with_alice();
    says(&home, &IMAP, "wrong123456", &["the digits at its end were read as the code"]);
    let unknown = says(&home, &["Bob", "--service", "imap"], PRIMARY, &["the store does not know bob"]);
    assert!(unknown.contains("primary        -   not looked at"), "{unknown}");
    assert!(unknown.contains("`postern account add --primary pam bob`"), "{unknown}");
    assert!(!unknown.contains("wrong"), "{unknown}");
}

#[test]
fn a_name_like_an_option_can_be_pasted_too() {
    let home = Home::ready();
    let arguments = ["--service", "imap", "--", "-x $(reboot)'"];
    says(&home, &arguments, PRIMARY, &[r"account add --primary pam -- '-x $(reboot)'\'''"]);
    home.run(["app", "list", "--", "-x"], "").refused(3, "no account -x");
}
