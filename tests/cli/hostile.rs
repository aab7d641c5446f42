//! Arguments that nobody means well with: a clear refusal, and nothing written.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use super::home::{Done, Home, PRIMARY};

/// Nothing that a terminal would obey, and no more than a screen.
#[track_caller]
pub(super) fn is_tame(done: &Done) {
    let text = format!("{}{}", done.out, done.err);
    assert!(text.len() < 4096, "{} octets", text.len());
    assert!(!text.chars().any(|letter| letter.is_control() && letter != '\n'), "{text:?}");
    assert!(!text.contains('\u{202e}'), "{text:?}");
    assert!(!text.contains("panicked") && !text.contains("fault of its own"), "{text:?}");
    assert!(!done.err.is_empty());
}

#[test]
fn a_name_or_label_that_is_none_is_refused_and_nothing_written() {
    let home = Home::with_alice();
    home.app_password("phone");
    let before = home.content();
    let long = "a".repeat(65_536);
    for bad in ["", "a\nb", "a\x1b[2Jb", &long, "\t"]
        .map(OsStr::new)
        .into_iter()
        .chain([OsStr::from_bytes(b"\xff\xfe")])
    {
        let word = OsStr::new;
        for arguments in [
            [word("account"), word("add"), bad, word("--primary"), word("pam")].as_slice(),
            &[word("account"), word("disable"), bad],
            &[word("app"), word("add"), bad, word("--label"), word("x")],
            &[word("app"), word("add"), word("alice"), word("--label"), bad],
            &[word("app"), word("add"), word("alice"), word("--label=x"), word("--scope"), bad],
            &[word("app"), word("revoke"), word("alice"), bad],
            &[word("app"), word("rename"), word("alice"), word("phone"), bad],
            &[word("app"), word("revoke"), word("--yes"), word("--account"), bad],
            &[word("app"), word("revoke"), word("--yes"), word("--domain"), bad],
            &[word("app"), word("revoke"), word("--yes"), word("--unused-since"), bad],
            &[word("app"), word("revoke"), word("--yes"), word("--older-than"), bad],
            &[word("app"), word("revoke"), word("--yes"), word("--used-from"), bad],
            &[word("app"), word("restore"), bad],
            &[word("app"), word("show"), bad, word("phone")],
            &[word("app"), word("show"), word("alice"), bad],
            &[word("account"), word("show"), bad],
            &[word("account"), word("remove"), bad, word("--yes")],
            &[word("account"), word("compromised"), bad, word("--yes")],
            &[word("app"), word("rotate"), bad, word("phone")],
            &[word("app"), word("rotate"), word("alice"), bad],
            &[word("app"), word("rotate"), word("alice"), word("phone"), word("--keep-until"), bad],
            &[word("app"), word("rotate"), word("alice"), word("phone"), word("--expires"), bad],
            &[word("totp"), word("enroll"), word("alice"), word("--label"), bad],
            &[word("totp"), word("remove"), bad, word("totp")],
        ] {
            let done = home.run(arguments, PRIMARY);
            done.is(2);
            is_tame(&done);
        }
    }
    assert_eq!(home.content(), before);
}

#[test]
fn an_attempt_with_such_fields_is_denied() {
    let home = Home::with_alice();
    let before = home.content();
    let long = "a".repeat(65_536);
    for bad in ["", "a\nb", "a\x1b[2J", &long].map(OsStr::new).into_iter().chain([OsStr::from_bytes(b"\xff")])
    {
        let word = OsStr::new;
        for arguments in [
            [word("try"), bad, word("--service"), word("imap")].as_slice(),
            &[word("try"), word("alice"), word("--service"), bad],
        ] {
            let done = home.run(arguments, PRIMARY);
            done.is(1);
            assert!(done.out.starts_with("denied path=none why=malformed field="), "{done:?}");
            is_tame(&done);
        }
    }
    let done = home.run(["try", "alice", "--service", "imap", "--rhost", "1.2.3.4 x"], PRIMARY);
    assert_eq!(done.out, "denied path=none why=malformed field=rhost\n");
    assert_eq!(home.content(), before);
}

#[test]
fn what_no_command_knows_is_a_mistake_in_usage() {
    let home = Home::with_alice();
    let before = home.content();
    let long = "a".repeat(65_536);
    for arguments in [
        ["bogus"].as_slice(),
        &[&long],
        &["a\x1b[2Jb\u{7}"],
        &["account"],
        &["account", "add", "-x", "--primary", "pam", "--allow-unknown-user"],
        &["account", "add", "bob", "--primary", "plain"],
        &["account", "add", "bob", "--primary", &long],
        &["account", "add", "bob"],
        &["app", "add", "alice", "--label", "-x"],
        &["app", "list", "alice", "--", "--json"],
        &["totp", "enroll", "alice", "--secret-fd", "-1"],
        &["totp", "enroll", "alice", "--secret-fd", "99999999999"],
        &["app", "add", "alice", "--label", "x", "--secret", "hunter2"],
    ] {
        let done = home.run(arguments, "");
        done.is(2);
        assert_eq!(done.out, "");
        is_tame(&done);
    }
    assert_eq!(home.content(), before);
}

#[test]
fn signs_of_the_shell_are_letters_like_others() {
    let home = Home::ready();
    for name in ["$(reboot)", "a;b|c&d", "../../etc/passwd", "%s%n", "';DROP TABLE account;--", "-dash"] {
        home.run(["account", "add", "--primary", "pam", "--allow-unknown-user", "--", name], "").is(0);
        let made = home.run(["app", "add", "--label=-$(x)", "--", name], "");
        made.is(0);
        is_tame(&made);
        home.run(["app", "revoke", "--", name, "-$(x)"], "").is(0);
    }
    let list = home.run(["account", "list", "--json"], "").json();
    assert_eq!(list.as_array().unwrap().len(), 6);
    home.run(["try", "'; --", "--service", "imap"], "x").is(1);
}

#[test]
fn writing_from_right_to_left_does_not_turn_a_table() {
    let home = Home::with_alice();
    home.app_password("\u{202e}enohp\u{2069}");
    let table = home.run(["app", "list", "alice"], "");
    assert!(table.out.contains("\\u{202e}enohp\\u{2069}"), "{table:?}");
}
