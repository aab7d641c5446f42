//! Every command there is, found by walking the tree of what may be typed.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};

use clap::Arg;

use super::home::{Done, Home, PRIMARY, finish};
use super::hostile::is_tame;

type Look<'a> = dyn FnMut(&[String], &clap::Command) + 'a;

fn each_command(look: &mut Look<'_>) {
    fn descend(path: &[String], command: &clap::Command, look: &mut Look<'_>) {
        look(path, command);
        for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
            descend(&[path, &[below.get_name().to_owned()]].concat(), below, look);
        }
    }
    let mut whole = postern::cli::command_line();
    whole.build();
    descend(&[], &whole, look);
}

fn examples(command: &clap::Command) -> Vec<String> {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    help.lines().filter_map(|line| line.strip_prefix("  ")).map(str::to_owned).collect()
}

#[test]
fn every_help_has_an_example_of_its_command() {
    let home = Home::bare();
    let mut count = 0;
    each_command(&mut |path, command| {
        count += 1;
        let words = format!("postern {}", path.join(" "));
        let shown = examples(command);
        assert!(shown.iter().any(|line| line.contains(words.trim_end())), "{path:?} {shown:?}");
        for flag in ["--help", "-h"] {
            let done = home.run(path.iter().map(String::as_str).chain([flag]), "");
            done.is(0);
            assert!(done.out.contains("Example") && done.out.contains(&shown[0]), "{path:?} {done:?}");
            assert_eq!(done.err, "");
        }
    });
    assert!(20 < count, "{count}");
}

#[test]
fn every_example_is_understood() {
    let home = Home::with_alice();
    home.app_password("phone");
    home.enroll();
    fs::write(home.path("key.txt"), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n").unwrap();
    for directory in ["bin", ".local/share/bash-completion/completions", ".config/fish/completions"] {
        fs::create_dir_all(home.path(directory)).unwrap();
    }
    script(&home, "bin/sudo", "exec \"$@\"");
    script(&home, "bin/lpr", "exec /bin/cat");
    let binary = env!("CARGO_BIN_EXE_postern");
    script(&home, "bin/postern", &format!("exec '{binary}' --config \"$HOME/postern.toml\" \"$@\""));
    each_command(&mut |path, command| {
        for line in examples(command) {
            let done = in_shell(&home, &line);
            // Some ask before they act, and nobody is there to answer.
            let asks = done.err.contains("stdin is no terminal");
            // The lines of users leave their name out, which root cannot.
            let unnamed = ["no account is named", "and no label"].iter().any(|what| done.err.contains(what));
            let users = !line.starts_with("sudo ") && unnamed;
            let understood = done.code != 2 || asks || users;
            assert!(understood && done.code < 7, "{path:?}: {line}: {done:?}");
        }
    });
}

fn script(home: &Home, name: &str, line: &str) {
    // Another process writes it: see `Home::binary_for_all`.
    let write =
        format!("printf '%s\\n' '#!/bin/sh' \"$1\" >'{0}' && chmod 755 '{0}'", home.path(name).display());
    assert!(Command::new("sh").args(["-c", &write, "sh", line]).status().unwrap().success());
}

/// What an example names below `/` lies below the home here, and no program runs but those of its `bin`.
fn in_shell(home: &Home, line: &str) -> Done {
    let root = home.path("").display().to_string();
    let line = [" /", ">/", "</", "=/"]
        .iter()
        .fold(line.to_owned(), |line, place| line.replace(place, &format!("{}{root}/", &place[..1])));
    let mut shell = Command::new("/bin/bash");
    shell.args(["--norc", "-o", "pipefail", "-c", &line]).env_clear().env("HOME", &root).current_dir(&root);
    shell.env("PATH", format!("{root}/bin"));
    let mut child =
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    if line.contains("--follow") {
        // It ends when nobody reads.
        drop(child.stdout.take());
    }
    finish(child, &format!("{PRIMARY}\n000000"))
}

#[test]
fn no_argument_of_any_command_does_harm() {
    let home = Home::with_alice();
    home.app_password("phone");
    let long = "a".repeat(65_536);
    let bad = ["", "a\x1b[2J\nb", "99999999999999999999", "-1", &long].map(OsStr::new);
    each_command(&mut |path, command| {
        if command.has_subcommands() && !path.starts_with(&["log".to_owned()]) {
            return;
        }
        for under_test in command.get_arguments().filter(|arg| arg.get_action().takes_values()) {
            for value in bad.into_iter().chain([OsStr::from_bytes(b"\xff\xfe")]) {
                let before = home.content();
                let mut run = home.command(path.iter().map(String::as_str));
                run.current_dir(home.path("")).args(arguments(command, under_test, value));
                let done = finish(run.spawn().unwrap(), "");
                assert!((0..=6).contains(&done.code), "{path:?} {under_test:?} {done:?}");
                if done.code != 0 {
                    is_tame(&done);
                    assert!(home.content() == before, "{path:?} {under_test:?} {done:?}");
                }
            }
        }
    });
}

/// What the command must have, and the one under test with this value.
fn arguments(command: &clap::Command, under_test: &Arg, value: &OsStr) -> Vec<OsString> {
    let same = |arg: &Arg| arg.get_id() == under_test.get_id();
    command
        .get_arguments()
        .filter(|arg| same(arg) || arg.is_required_set())
        .map(|arg| {
            let value = if same(arg) { value.to_owned() } else { plausible(arg) };
            let Some(option) = arg.get_long() else { return value };
            let mut word = OsString::from(format!("--{option}="));
            word.push(value);
            word
        })
        .collect()
}

fn plausible(arg: &Arg) -> OsString {
    if let Some(known) = arg.get_possible_values().first() {
        return known.get_name().into();
    }
    match arg.get_id().as_str() {
        "name" => "alice",
        "label" => "phone",
        "service" => "imap",
        _ => "1",
    }
    .into()
}
