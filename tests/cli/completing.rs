//! Completions: what the shells make of them.

use std::fs;
use std::process::Command;

use super::home::{Home, finish};

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
fn offered(words: &[&str]) -> Vec<String> {
    let home = Home::bare();
    let complete = r#"source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1));
        "$(complete -p postern | sed 's/.*-F \([^ ]*\).*/\1/')" postern "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' "${COMPREPLY[@]}""#;
    let mut bash = super::home::command("bash".as_ref());
    bash.env("PATH", "/usr/bin:/bin").args(["--norc", "-c", complete]).arg(script(&home, "bash")).args(words);
    let done = finish(bash.spawn().unwrap(), "");
    done.is(0);
    done.out.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_and_values() {
    let has = |words: &[&str], wanted: &[&str]| {
        let offered = offered(words);
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
