//! What is said: help with examples, and never a secret.

use super::home::{Home, PRIMARY, code, now};

#[test]
fn the_version_is_a_result() {
    let done = Home::bare().run(["--version"], "");
    done.is(0);
    assert_eq!(done.out, format!("postern {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_configuration_may_be_named_anywhere() {
    let home = Home::ready();
    let config = home.path("postern.toml").display().to_string();
    for arguments in [["--config", &config, "account", "list"], ["account", "list", "--config", &config]] {
        let mut command = super::home::command(std::path::Path::new(env!("CARGO_BIN_EXE_postern")));
        super::home::finish(command.args(arguments).spawn().unwrap(), "").is(0);
    }
}

#[test]
fn an_app_password_is_the_only_line_of_stdout() {
    let home = Home::with_alice();
    let made = home.run(["app", "add", "alice", "--label", "phone"], "");
    let password = made.out.strip_suffix('\n').unwrap();
    assert_eq!((password.len(), password.starts_with('x'), password.contains('\n')), (24, true, false));
    assert!(!made.err.contains(password), "{made:?}");
    assert!(made.err.contains("postern app revoke alice phone"), "{made:?}");
}

#[test]
fn no_other_output_holds_a_secret() {
    let home = Home::ready();
    let phrase = "Kormoran zählt Laternen";
    let mut said = String::new();
    let mut run = |arguments: &[&str], secret: &str| {
        let done = home.run(arguments, secret);
        said.push_str(&done.out);
        said.push_str(&done.err);
    };
    run(&["account", "add", "alice", "--primary", "store"], phrase);
    run(&["account", "add", "bob", "--primary", "store"], PRIMARY);
    run(&["account", "passwd", "bob"], phrase);
    run(&["account", "passwd", "bob"], "Korm");
    let phone = home.app_password("phone");
    let (key, confirmed) = home.enroll();
    let fresh = code(&key, now() + 30);
    for secret in [phrase, &phone, &format!("{phrase}{confirmed}"), &format!("{phrase}{fresh}")] {
        for extra in ["--json", "--spend"] {
            run(&["try", "alice", "--service", "imap", extra], secret);
        }
    }
    for list in [&["account", "list"], &["app", "list"], &["totp", "list"]] {
        run(&[list[0], list[1], "alice"][..if list[0] == "account" { 2 } else { 3 }], "");
    }
    run(&["config", "check"], "");
    for command in [&["account", "show", "alice"] as &[&str], &["app", "show", "alice", "phone"]] {
        run(command, "");
        run(&[command, &["--json"]].concat(), "");
    }
    run(&["account", "compromised", "alice", "--dry-run"], "");
    run(&["app", "rotate", "alice", "phone", "--expires", "soon"], "");
    run(&["app", "revoke", "alice", "phone"], "");
    let base32 = data_encoding::BASE32_NOPAD.encode(key.expose());
    for secret in ["Korm", PRIMARY, &phone, &base32, &confirmed, &fresh, "argon2"] {
        assert!(!said.contains(secret), "{said}");
    }
}
