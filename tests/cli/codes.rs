//! Enrolment of one-time codes.

use serde_json::json;

use super::home::{Home, PRIMARY, code, now};
use postern::crypto::secret::Secret;

// RFC 4226's test key.
const KEY: &[u8] = b"12345678901234567890";
const BASE32: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

fn enroll(home: &Home, key: &str, typed: &str) -> super::home::Done {
    home.run(["totp", "enroll", "alice", "--secret-fd", "0"], &format!("{key}\n{typed}"))
}

fn right_code() -> String {
    code(&Secret::copy_of(KEY), now())
}

#[test]
fn a_key_that_is_brought_along_is_shown_and_confirmed() {
    let home = Home::with_alice();
    let spoken = "gezd-gnbv gy3t-qojq gezd-gnbv gy3t-qojq==";
    let done = enroll(&home, spoken, &right_code());
    done.is(0);
    let lines: Vec<&str> = done.out.lines().collect();
    assert_eq!(lines[0], format!("otpauth://totp/Postern:alice?secret={BASE32}&issuer=Postern"));
    // The first key brings recovery codes along.
    assert_eq!(lines.len(), 11, "{done:?}");
    // stderr is no terminal: no picture, no key.
    assert!(!done.err.contains(BASE32) && !done.err.contains('\u{2580}'), "{done:?}");
}

#[test]
fn a_wrong_code_stores_nothing() {
    let home = Home::with_alice();
    let before = home.content();
    let stale = code(&Secret::copy_of(KEY), now() - 3600);
    for typed in [stale.as_str(), "12345", "1234567", "abcdef"] {
        let done = enroll(&home, BASE32, typed);
        done.is(1);
        assert!(done.err.contains("nothing was stored"), "{done:?}");
    }
    let done = home.run(["totp", "enroll", "alice", "--secret-fd", "0"], BASE32);
    done.is(2);
    assert!(done.err.contains("no code"), "{done:?}");
    assert_eq!(home.content(), before);
    assert_eq!(home.run(["account", "list", "--json"], "").json()[0]["enrolled_at"], json!(null));
}

#[test]
fn what_is_no_key_is_refused_before_anything_is_shown() {
    let home = Home::with_alice();
    for key in [
        "",
        "JBSWY3DP",
        "GEZDGNBVGY3TQOJ1GEZDGNBVGY3TQOJ1",
        &"A".repeat(200),
        "AAAAAAAAAAAAAAAAA",
        "\u{e4}\u{e4}",
    ] {
        enroll(&home, key, "000000").refused(2, "key");
    }
    home.run(["totp", "enroll", "alice", "--secret-fd", "0"], "").refused(2, "no secret");
}

#[test]
fn a_code_may_be_typed_in_groups() {
    let home = Home::with_alice();
    let code = right_code();
    enroll(&home, BASE32, &format!("{} {}", &code[..3], &code[3..])).is(0);
}

#[test]
fn no_more_than_three_keys_and_no_label_twice() {
    let home = Home::with_alice();
    home.enroll();
    home.run(["totp", "enroll", "alice"], "").refused(4, "totp");
    for label in ["two", "three"] {
        let secret = Secret::copy_of(format!("{label:_>20}").as_bytes());
        let base32 = data_encoding::BASE32_NOPAD.encode(secret.expose());
        let lines = format!("{base32}\n{}", code(&secret, now()));
        home.run(["totp", "enroll", "alice", "--label", label, "--secret-fd", "0"], &lines).is(0);
    }
    home.run(["totp", "enroll", "alice", "--label", "four"], "").refused(1, "3 keys");
    home.run(["totp", "enroll", "bob"], "").refused(3, "bob");
}

#[test]
fn the_code_that_confirmed_is_spent() {
    let home = Home::with_alice();
    let (_, confirmed) = home.enroll();
    let done = home.run(["try", "alice", "--service", "imap"], &format!("{PRIMARY}{confirmed}"));
    done.is(1);
    assert_eq!(done.out, "denied path=primary+code why=code-spent\n");
}

#[test]
fn a_rehearsal_spends_nothing_and_a_real_login_does() {
    let home = Home::with_alice();
    let (key, _) = home.enroll();
    // The next step is open already, and stays so for a minute.
    let field = format!("{PRIMARY}{}", code(&key, now() + 30));
    let attempt = |extra: &[&str]| {
        let arguments = [&["try", "alice", "--service", "imap"], extra].concat();
        home.run(arguments, &field).out
    };
    let granted = "granted path=primary+code label=\"totp\"\n";
    assert_eq!([attempt(&[]), attempt(&[]), attempt(&["--spend"])], [granted; 3]);
    assert_eq!(attempt(&["--spend"]), "denied path=primary+code why=code-spent\n");
}

#[test]
fn one_secret_is_not_enrolled_twice() {
    let home = Home::with_alice();
    for (label, expected) in [("one", 0), ("two", 4)] {
        let lines = format!("{BASE32}\n{}", right_code());
        let enroll = ["totp", "enroll", "alice", "--label", label, "--secret-fd", "0"];
        home.run(enroll, &lines).is(expected);
    }
}

#[test]
fn without_its_last_key_an_account_stays_shut() {
    let home = Home::with_alice();
    let (key, _) = home.enroll();
    home.run(["totp", "remove", "alice", "totp"], "").is(0);
    let bare = home.run(["try", "alice", "--service", "imap"], PRIMARY);
    assert_eq!(bare.out, "denied path=primary why=no-second-factor\n");
    let coded = home.run(["try", "alice", "--service", "imap"], &format!("{PRIMARY}{}", code(&key, now())));
    assert_eq!(coded.out, "denied path=primary+code why=no-second-factor\n");
}
