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
    let bad = ["", "a\x1b[2J\nb", "99999999999999999999", "-1", "\u{202e}a", &long].map(OsStr::new);
    each_command(&mut |path, command| {
        if command.has_subcommands() && !path.starts_with(&["log".to_owned()]) {
            return;
        }
        // `init` would make that file, with the paths of the system in it.
        let spared = |arg: &&Arg| path == ["init"] && arg.get_id() == "config";
        let takes_values = |arg: &&Arg| arg.get_action().takes_values();
        for under_test in command.get_arguments().filter(takes_values).filter(|arg| !spared(arg)) {
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

#[test]
fn no_file_that_any_command_takes_does_harm() {
    let home = Home::with_alice();
    let before = home.content();
    let mut count = 0;
    each_command(&mut |path, command| {
        let Some(file) = command.get_arguments().find(|arg| arg.get_id() == "file") else { return };
        let formats = command.get_arguments().find(|arg| arg.get_id() == "format");
        let formats = formats.map(Arg::get_possible_values).unwrap_or_default();
        let formats: Vec<&str> = formats.iter().map(clap::builder::PossibleValue::get_name).collect();
        for format in if formats.is_empty() { vec![""] } else { formats } {
            for bad in bad_lines() {
                fs::write(home.path("hostile"), [good_lines(format).as_bytes(), &bad, b"\n"].concat())
                    .unwrap();
                let words = arguments(command, file, home.path("hostile").as_os_str());
                let words = words.into_iter().filter(|word| !word.to_string_lossy().starts_with("--format="));
                let mut run = home.command(path.iter().map(String::as_str));
                run.args(words);
                if !format.is_empty() {
                    run.arg(format!("--format={format}"));
                }
                let done = finish(run.spawn().unwrap(), "");
                let shown = String::from_utf8_lossy(&bad[..bad.len().min(40)]).into_owned();
                assert!([1, 2, 5].contains(&done.code), "{path:?} {format} {shown:?} {done:?}");
                assert!(
                    format.is_empty() || done.err.contains("line "),
                    "{path:?} {format} {shown:?} {done:?}"
                );
                is_tame(&done);
                assert!(home.content() == before, "{path:?} {format} {shown:?}");
                count += 1;
            }
        }
    });
    assert!(5 * bad_lines().len() <= count, "{count}");
}

/// What stands before the bad line, and must not be taken over without it.
fn good_lines(format: &str) -> &'static str {
    match format {
        "dovecot" => "good:{PLAIN}correct horse battery::::::\n",
        "csv" => "account,hash\ngood,{PLAIN}correct horse battery\n",
        "google-authenticator" => "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n",
        "oath" => "HOTP/T30/6\tgood\t-\t3132333435363738393031323334353637383930\n",
        _ => "",
    }
}

fn bad_lines() -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = [
        "a\0b",
        "\x1b[2J\x07",
        "\u{202e}evil,\u{202e}x",
        "-1",
        "99999999999999999999",
        "HOTP/T-30/6 alice - 00",
    ]
    .map(|line| line.as_bytes().to_vec())
    .into();
    lines.extend([b"\xff\xfe".to_vec(), vec![b'a'; 65_536], b"a:b:c,d,e,f\x1b".to_vec()]);
    lines
}

/// Commands that show nothing but a new secret, a page, or what became of one thing. Another must have --json.
const WITHOUT_JSON: [&str; 15] = [
    "init",
    "account add",
    "account disable",
    "account enable",
    "account unlock",
    "account passwd",
    "app add",
    "app rename",
    "app limit",
    "app rotate",
    "totp enroll",
    "totp remove",
    "recovery new",
    "key verify",
    "completions",
];

#[test]
fn every_command_that_shows_something_shows_it_in_json_too() {
    let mut without = Vec::new();
    each_command(&mut |path, command| {
        let has = command.get_arguments().any(|arg| arg.get_long() == Some("json"));
        if !has && !command.has_subcommands() {
            without.push(path.join(" "));
        }
    });
    without.sort_unstable();
    let mut excused = WITHOUT_JSON.map(str::to_owned);
    excused.sort_unstable();
    assert_eq!(without, excused);
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
        "name" | "account" => "alice",
        "label" => "phone",
        "service" => "imap",
        _ => "1",
    }
    .into()
}
