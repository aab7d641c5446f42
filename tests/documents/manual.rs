//! The manual pages.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use postern::config::{Config, SHIPPED};

use super::pages;

#[test]
fn the_pages_of_the_command_say_what_its_arguments_say() {
    let written = pages::written();
    for (path, text) in &written {
        let there = fs::read_to_string(path).unwrap_or_default();
        assert!(there == *text, "{} is out of step: `make man` writes it anew", path.display());
    }
    for page in files().iter().filter(|page| page.extension().is_some_and(|section| section == "1")) {
        assert!(written.iter().any(|(path, _)| path == page), "no command has {}", page.display());
    }
}

#[test]
fn mandoc_finds_nothing_to_say() {
    // What it says of other packages' pages depends on what is installed.
    let about_others = ["referenced manual not found", "outdated mandoc.db", "see above the output"];
    let done = Command::new("mandoc").args(["-T", "lint"]).args(files()).output();
    let done = done.expect("mandoc starts; `tests/support/packages test` installs it");
    let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    let lines: Vec<&str> =
        said.lines().filter(|line| !about_others.iter().any(|words| line.contains(words))).collect();
    assert!(lines.is_empty(), "{lines:#?}");
}

#[test]
fn every_page_of_ours_that_is_referred_to_is_there() {
    let mut count = 0;
    for (page, text) in files().iter().map(|page| (page, fs::read_to_string(page).unwrap())) {
        for line in text.lines() {
            let reference = line.strip_prefix(".Xr ").or(line.strip_prefix(".BR ")).unwrap_or_default();
            let mut words = reference.split(' ');
            let (Some(name), Some(section)) = (words.next(), words.next()) else { continue };
            if name.contains("postern") {
                let section = section.trim_start_matches('(').get(..1).unwrap();
                assert!(
                    pages::directory().join(format!("{name}.{section}")).exists(),
                    "{}: {line}",
                    page.display()
                );
                count += 1;
            }
        }
    }
    assert!(20 < count, "{count}");
}

#[test]
fn every_key_of_the_configuration_is_on_its_page_and_in_the_shipped_file_and_no_other() {
    let page = page("postern.toml.5");
    let mut count = 0;
    for (table, before) in TABLES {
        let part = part_of(&page, table);
        let entries = part.lines().filter_map(|line| line.strip_prefix(".It Li "));
        let mut documented: Vec<&str> = entries.filter_map(|entry| entry.split(' ').next()).collect();
        let mut wanted = keys_of(before);
        wanted.retain(|key| !has_heading(&page, before, key));
        documented.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(documented, wanted, "{table}");
        for key in &wanted {
            assert!(
                SHIPPED.lines().any(|line| line.trim_start_matches('#').starts_with(&format!("{key} ="))),
                "{key}"
            );
        }
        count += wanted.len();
    }
    assert!(15 < count, "{count}");
}

#[test]
fn every_range_on_the_page_of_the_configuration_is_the_range_that_is_taken() {
    let page = page("postern.toml.5");
    let mut count = 0;
    for entry in part_of(&page, "[policy]").split(".It Li ").skip(1) {
        let Some((key, rest)) = entry.split_once(" = Ar number") else { continue };
        let words: Vec<&str> = rest.split_whitespace().collect();
        let to = words.iter().position(|word| *word == "to").unwrap_or_else(|| panic!("{key} has no range"));
        let least: i64 = words[to - 1].parse().unwrap();
        let most: i64 = words[to + 1].trim_end_matches(['.', ',']).parse().unwrap();
        let taken = |number: i64| Config::parse(format!("[policy]\n{key} = {number}\n").as_bytes()).is_ok();
        assert!(
            taken(least) && taken(most) && !taken(least - 1) && !taken(most + 1),
            "{key}: {least} to {most}"
        );
        count += 1;
    }
    assert_eq!(count, 3);
}

#[test]
fn every_default_on_the_page_of_the_configuration_is_that_of_the_shipped_file() {
    let page = page("postern.toml.5");
    let mut count = 0;
    for line in SHIPPED.lines().filter(|line| !line.starts_with('#')) {
        let Some((key, value)) = line.split_once(" = ") else { continue };
        let from =
            page.find(&format!(".It Li {key} =")).unwrap_or_else(|| panic!("{key} is not on the page"));
        let entry = page[from..].split("\n.It ").next().unwrap().split("\n.El").next().unwrap();
        let default = entry.split("Default:").nth(1).unwrap_or_else(|| panic!("{key} has no default"));
        for word in value.split(['"', ',', '[', ']', ' ']).filter(|word| !word.is_empty()) {
            assert!(default.contains(word), "{key}: {value}: {default}");
        }
        count += 1;
    }
    assert!(10 <= count, "{count}");
}

#[test]
fn every_variable_that_the_programs_read_is_on_their_pages() {
    let read = |files: &[&str]| -> BTreeSet<String> {
        let text: String = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
        let calls =
            ["var(\"", "var_os(\"", "number(\""].map(|call| text.split(call).skip(1).collect::<Vec<_>>());
        calls.concat().iter().map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
    };
    for (page_of, files) in [
        ("postern.1", &["src/bin/postern.rs", "src/cli/text.rs"][..]),
        ("posternd.8", &["src/ffi/system.rs", "src/daemon/notify.rs"]),
    ] {
        let page = page(page_of);
        let entries = page.lines().filter_map(|line| line.strip_prefix(".It Ev "));
        let documented: BTreeSet<String> =
            entries.flat_map(|line| line.split(" , ")).map(str::to_owned).collect();
        assert_eq!(documented, read(files), "{page_of}");
    }
}

#[test]
fn every_word_of_the_module_is_on_its_page_and_no_other() {
    let source = fs::read_to_string("src/ffi/pam/arguments.rs").unwrap();
    let source = source.split("#[cfg(test)]").next().unwrap();
    let word = |part: &str| part.split('"').next().unwrap().trim_end_matches('=').to_owned();
    let mut known: Vec<String> = source.split("b\"").skip(1).map(word).filter(|word| word != "/").collect();
    known.sort_unstable();
    let page = page("pam_postern.8");
    let options = page.split(".SH OPTIONS").nth(1).unwrap().split(".SH ").next().unwrap();
    let option = |entry: &str| {
        let line = entry.lines().nth(1).unwrap();
        line.split(' ').nth(1).unwrap().replace("\\-", "-").trim_end_matches('=').to_owned()
    };
    let mut documented: Vec<String> = options.split(".TP").skip(1).map(option).collect();
    documented.sort_unstable();
    assert_eq!(documented, known);
}

/// Where on the page, and what stands before a key that nobody knows.
const TABLES: [(&str, &str); 7] = [
    ("Files", ""),
    ("[accounts]", "[accounts]"),
    ("[primary]", "[primary]"),
    ("[totp]", "[totp]"),
    ("[policy]", "[policy]"),
    ("[daemon]", "[daemon]"),
    ("[[daemon.permit]]", "[[daemon.permit]]"),
];

/// The keys of a table: whoever writes another is told them all.
fn keys_of(table: &str) -> Vec<String> {
    let needed = if table.contains("permit") { "user = 7" } else { "" };
    let mistake = Config::parse(format!("{table}\n{needed}\nnobody_knows = 1\n").as_bytes()).unwrap_err();
    let keys = mistake.message.split("there are: ").nth(1).unwrap_or_else(|| panic!("{table}: {mistake:?}"));
    keys.split(", ").map(str::to_owned).collect()
}

/// Tables have headings of their own.
fn has_heading(page: &str, above: &str, key: &str) -> bool {
    let heading = if above.is_empty() { format!(".Ss [{key}]") } else { format!(".Ss [[daemon.{key}]]") };
    page.contains(&heading)
}

fn part_of<'a>(page: &'a str, heading: &str) -> &'a str {
    let after = page.split(&format!(".Ss {heading}")).nth(1).unwrap_or_else(|| panic!("{heading}"));
    after.split("\n.S").next().unwrap()
}

fn page(name: &str) -> String {
    fs::read_to_string(pages::directory().join(name)).unwrap()
}

fn files() -> Vec<PathBuf> {
    let entries = fs::read_dir(pages::directory()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.collect();
    files.sort();
    files
}
