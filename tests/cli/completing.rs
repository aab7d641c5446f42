//! Completions: what the shells make of them.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use super::home::{Home, PRIMARY, finish};

fn script(home: &Home, shell: &str) -> String {
    let done = home.run(["completions", shell], "");
    done.is(0);
    assert_eq!(done.err, "");
    let path = home.path(shell);
    fs::write(&path, done.out).unwrap();
    path.display().to_string()
}

#[test]
fn every_shell_reads_its_script() {
    let home = Home::bare();
    for shell in ["bash", "zsh", "fish"] {
        let script = script(&home, shell);
        match Command::new(shell).args(["-n", &script]).output() {
            Ok(output) => assert!(output.status.success() && output.stderr.is_empty(), "{output:?}"),
            Err(_) => assert_ne!(shell, "bash", "this shell is everywhere"),
        }
    }
    home.run(["completions", "tcsh"], "").is(2);
}

/// What bash offers for the last word of a line.
fn offered(home: &Home, words: &[&str]) -> Vec<String> {
    offered_in(home, ".", words)
}

/// The same in a directory of the home.
fn offered_in(home: &Home, directory: &str, words: &[&str]) -> Vec<String> {
    fs::create_dir_all(home.path("bin")).unwrap();
    let _ = symlink(env!("CARGO_BIN_EXE_postern"), home.path("bin/postern"));
    let complete = r#"source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1));
        "$(complete -p postern | sed 's/.*-F \([^ ]*\).*/\1/')" postern "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}""#;
    let mut bash = super::home::command("bash".as_ref());
    bash.current_dir(home.path(directory));
    bash.env("PATH", format!("{}:/usr/bin:/bin", home.path("bin").display()));
    bash.args(["--norc", "-c", complete]).arg(script(home, "bash")).args(words);
    let done = finish(bash.spawn().unwrap(), "");
    done.is(0);
    assert_eq!(done.err, "");
    done.out.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_and_values() {
    let home = Home::bare();
    let has = |words: &[&str], wanted: &[&str]| {
        let offered = offered(&home, words);
        for word in wanted {
            assert!(offered.iter().any(|each| each == word), "{words:?} {offered:?}");
        }
    };
    has(&["postern", ""], &["account", "app", "totp", "try", "log", "completions"]);
    has(&["postern", "ap"], &["app"]);
    has(&["postern", "app", "re"], &["rename", "revoke"]);
    has(&["postern", "log", "--f"], &["--follow"]);
    has(&["postern", "account", "add", "--primary", ""], &["pam", "store"]);
}

/// What bash offers behind these words, which lie under the configuration of this home.
fn offered_below(home: &Home, words: &[&str]) -> Vec<String> {
    let config = home.path("postern.toml").display().to_string();
    let mut found = offered(home, &[&["postern", "--config", &config], words].concat());
    found.retain(|word| !word.starts_with('-'));
    found
}

#[test]
fn bash_completes_names_of_the_store() {
    let home = Home::with_alice();
    home.run(["account", "add", "alina", "--primary", "store"], PRIMARY).is(0);
    home.run(["account", "add", "bob", "--primary", "store"], PRIMARY).is(0);
    for label in ["old phone", "printer", "gone"] {
        home.app_password(label);
    }
    home.run(["app", "revoke", "alice", "gone"], "").is(0);
    home.enroll();

    assert_eq!(offered_below(&home, &["account", "show", "al"]), ["alice", "alina"]);
    assert_eq!(offered_below(&home, &["app", "add", ""]), ["alice", "alina", "bob"]);
    assert_eq!(offered_below(&home, &["account", "add", ""]), [""; 0], "a new account has a new name");
    assert_eq!(offered_below(&home, &["log", "--account", "b"]), ["bob"]);
    assert_eq!(offered_below(&home, &["app", "show", "alice", ""]), ["'old phone'", "printer"]);
    for begun in ["'o", "\"old p", "old\\ p"] {
        assert_eq!(offered_below(&home, &["app", "show", "alice", begun]), ["'old phone'"], "{begun}");
    }
    assert_eq!(offered_below(&home, &["app", "show", "bob", ""]), [""; 0]);
    assert_eq!(offered_below(&home, &["totp", "remove", "alice", ""]), ["totp"]);
}

#[test]
fn bash_takes_no_name_of_a_file_for_that_of_an_app_password() {
    let home = Home::with_alice();
    for label in ["*", "?a*"] {
        home.app_password(label);
    }
    fs::create_dir_all(home.path("cwd")).unwrap();
    fs::write(home.path("cwd/'a'$(id)'b'"), "").unwrap();
    let config = home.path("postern.toml").display().to_string();
    let mut offered = offered_in(&home, "cwd", &["postern", "--config", &config, "app", "show", "alice", ""]);
    offered.retain(|word| !word.starts_with('-'));
    assert_eq!(offered, ["'*'", "'?a*'"]);
}

#[test]
fn where_the_store_cannot_be_read_no_name_is_offered_and_nothing_said() {
    let home = Home::with_alice();
    fs::write(home.path("var/store.db"), "").unwrap();
    assert_eq!(offered_below(&home, &["account", "show", ""]), [""; 0]);
    fs::write(home.path("postern.toml"), "what?").unwrap();
    assert_eq!(offered_below(&home, &["account", "show", ""]), [""; 0]);
}

#[test]
fn a_site_of_many_accounts_is_offered_in_part() {
    let home = Home::with_alice();
    home.database(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
         INSERT INTO account (name, state, primary_check, key_id, created_at, created_by)
         SELECT format('user%04d', i), 'active', 'pam', 1, 0, 0 FROM n",
    );
    assert_eq!(offered_below(&home, &["account", "show", ""]).len(), 100);
    assert_eq!(offered_below(&home, &["account", "show", "user05"]), ["user0500"]);
}
