//! What a document shows is what is there: snippets are files that a test installs, commands are understood.
//!
//! The convention: behind the language of a fence stands the file that the block shows, whole or in consecutive lines
//! (in a manual page, in a comment before the display). Only `sh` and `text` may stand without one, and `toml`, which
//! must then be a configuration of ours.

use std::fs;
use std::path::{Path, PathBuf};

use postern::config::Config;

use super::blocks::{self, Block};
use super::shell;

#[test]
fn every_snippet_is_lines_of_the_file_that_it_names() {
    let mut count = 0;
    for Block { place, file, lines, .. } in blocks::blocks().iter().filter(|block| block.language != "sh") {
        let Some(file) = file else { continue };
        let there = fs::read_to_string(file).unwrap_or_else(|_| panic!("{place}: there is no {file}"));
        let shown = lines.join("\n");
        let found = if file.starts_with("tests/") {
            there.contains(&shown)
        } else {
            format!("\n{there}").contains(&format!("\n{shown}\n"))
        };
        assert!(found && !shown.is_empty(), "{place} differs from {file}:\n{shown}");
        assert!(is_installed(file), "{place}: no test installs {file}");
        count += 1;
    }
    assert!(8 < count, "{count}");
}

#[test]
fn whatever_is_neither_shell_nor_text_names_its_file_or_is_a_configuration() {
    for block in blocks::blocks() {
        match (block.language.as_str(), &block.file) {
            ("sh" | "text", None) | (_, Some(_)) => {}
            ("toml", None) => {
                let parsed = Config::parse(block.lines.join("\n").as_bytes());
                assert!(parsed.is_ok(), "{}: {parsed:?}", block.place);
            }
            (language, None) => panic!("{}: {language:?} without a file", block.place),
        }
    }
}

#[test]
fn every_command_that_a_document_shows_is_understood() {
    let mut count = 0;
    for (place, line) in shell_lines() {
        for words in shell::commands(&line).iter().filter(|words| words[0] == "postern") {
            if let Err(error) = postern::cli::command_line().try_get_matches_from(words) {
                assert!(!error.use_stderr(), "{place}: {line}: {error}");
            }
            count += 1;
        }
    }
    assert!(40 < count, "{count}");
}

#[test]
fn every_command_that_a_sentence_names_is_there() {
    let mut count = 0;
    for (place, code) in blocks::inline() {
        for words in shell::commands(&code).iter().filter(|words| words[0] == "postern") {
            assert!(is_command(&words[1..]), "{place}: {code}");
            count += 1;
        }
    }
    assert!(4 < count, "{count}");
}

#[test]
fn every_file_that_a_shell_line_names_is_there() {
    let mut count = 0;
    for (place, line) in shell_lines() {
        for word in shell::commands(&line).concat() {
            // What an installation makes stands for the file that it is made of.
            let word =
                word.replace("$examples", "/usr/share/doc/postern/examples").replace("$version", "2.3");
            for path in word.split(['=', ':', ',']).filter_map(source_of) {
                assert!(path.exists(), "{place}: {word}: there is no {}", path.display());
                count += 1;
            }
        }
    }
    assert!(4 < count, "{count}");
}

#[test]
fn every_step_of_a_guide_that_changes_a_file_is_one_that_a_test_takes() {
    let tests = sources(Path::new("tests")).concat();
    let mut count = 0;
    for (place, line) in shell_lines().iter().filter(|(place, _)| place.contains("/guides/")) {
        let step = line.strip_prefix("sudo ").unwrap_or(line);
        if ["install ", "sed ", "sh "].iter().any(|verb| step.starts_with(verb)) {
            let step = step.replace("/usr/share/doc/postern/examples/fail2ban/", "packaging/fail2ban/");
            let step = step.replace("/usr/share/doc/postern/examples/apparmor/", "packaging/apparmor/");
            let step = step.replace("/usr/share/doc/postern/examples/", "packaging/examples/");
            assert!(tests.contains(step.trim_end()), "{place}: no test runs: {step}");
            count += 1;
        }
    }
    assert!(10 < count, "{count}");
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    for document in blocks::documents().iter().filter(|path| blocks::is_markdown(path)) {
        let text = fs::read_to_string(document).unwrap();
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.contains("://")) {
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() { document.clone() } else { document.parent().unwrap().join(file) };
            let there =
                fs::read_to_string(&path).unwrap_or_else(|_| panic!("{}: {target}", document.display()));
            let found = heading.is_empty()
                || there.lines().any(|line| anchor(line).is_some_and(|anchor| anchor == heading));
            assert!(found, "{}: {target}", document.display());
        }
    }
}

fn shell_lines() -> Vec<(String, String)> {
    let shell = blocks::blocks().into_iter().filter(|block| block.language == "sh");
    let lines = |block: Block| {
        let joined = block.lines.join("\n").replace("\\\n", " ");
        joined.lines().map(|line| (block.place.clone(), line.to_owned())).collect::<Vec<_>>()
    };
    shell.flat_map(lines).collect()
}

/// Commands below `postern`, then options that the last of them knows; values are not looked at.
fn is_command(words: &[String]) -> bool {
    let mut command = postern::cli::command_line();
    command.build();
    for word in words {
        if let Some(option) = word.strip_prefix("--") {
            let name = option.split('=').next().unwrap_or(option);
            let known = |argument: &clap::Arg| argument.get_long() == Some(name);
            if !["help", "version"].contains(&name) && !command.get_arguments().any(known) {
                return false;
            }
        } else if command.has_subcommands() {
            match command.find_subcommand(word).cloned() {
                Some(below) => command = below,
                // `postern log` is complete too.
                None => return word == "…" || word == "...",
            }
        }
    }
    true
}

/// The file of this project behind a word of a command line.
fn source_of(word: &str) -> Option<PathBuf> {
    let word = word.trim_end_matches('/');
    let made = ["/etc/postern/key", "/etc/postern", "/etc/postern/private"];
    if made.contains(&word) || word.starts_with("/etc/postern/private/") {
        return None;
    }
    if word.starts_with("packaging/") || word.starts_with("tests/") {
        return Some(word.into());
    }
    for (installed, source) in [
        ("/usr/share/doc/postern/examples/fail2ban/", "packaging/fail2ban/"),
        ("/usr/share/doc/postern/examples/apparmor/", "packaging/apparmor/"),
        ("/usr/share/doc/postern/examples/", "packaging/examples/"),
        ("/usr/share/doc/postern/guides/", "packaging/guides/"),
        ("/etc/postern/pam.d/", "packaging/etc/"),
        ("/etc/postern/", "packaging/etc/"),
        ("/etc/fail2ban/filter.d/postern", "packaging/fail2ban/filter.d/postern"),
        ("/etc/fail2ban/jail.d/postern", "packaging/fail2ban/jail.d/postern"),
        ("/etc/pam.d/postern-", "packaging/etc/pam.d/postern-"),
    ] {
        if let Some(rest) = word.strip_prefix(installed) {
            return Some(format!("{source}{rest}").into());
        }
    }
    let unit = word.starts_with("postern") && (word.ends_with(".socket") || word.ends_with(".service"));
    unit.then(|| format!("packaging/systemd/{word}").into())
}

/// A test installs it by name, or `make install`, which the tests run, does.
fn is_installed(file: &str) -> bool {
    let folder = Path::new(file).parent().unwrap().display().to_string();
    let makefile = fs::read_to_string("Makefile").unwrap();
    let packaged = file.replace("packaging/examples/", "/usr/share/doc/postern/examples/");
    file.starts_with("tests/")
        || [file.to_owned(), format!("{folder}/postern-*")].iter().any(|name| makefile.contains(name))
        || sources(Path::new("tests"))
            .iter()
            .any(|source| source.contains(file) || source.contains(&packaged))
}

fn sources(folder: &Path) -> Vec<String> {
    let entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let (folders, files): (Vec<_>, Vec<_>) = entries.into_iter().partition(|path| path.is_dir());
    let own = files
        .iter()
        .filter(|path| !path.ends_with("snippets.rs"))
        .filter_map(|path| fs::read_to_string(path).ok());
    own.chain(folders.iter().flat_map(|folder| sources(folder))).collect()
}

/// How the readers of Markdown call a heading.
fn anchor(line: &str) -> Option<String> {
    let heading = line.strip_prefix('#')?.trim_start_matches('#').strip_prefix(' ')?;
    let kept = heading.to_lowercase().replace(' ', "-");
    Some(kept.chars().filter(|letter| letter.is_alphanumeric() || "-_".contains(*letter)).collect())
}
