//! Words of the log and of other programs' configuration: those that are documented are those that there are.

use std::collections::BTreeSet;
use std::fs;

use super::blocks;

const README: &str = "README.md";

#[test]
fn every_reason_of_a_denial_is_in_the_table_of_the_readme() {
    let table = section(README, "## What is refused, and why");
    let rows = table.lines().filter(|line| line.starts_with("| ")).skip(1);
    let last = rows.filter_map(|row| row.trim_end_matches(" |").rsplit_once(" | ").map(|(_, words)| words));
    let named: BTreeSet<String> = last.flat_map(codes).filter(|word| !word.contains(' ')).collect();
    assert_eq!(named, reasons());
}

#[test]
fn lines_of_the_log_are_shown_as_they_are_written() {
    let reasons = reasons();
    let mut count = 0;
    for block in blocks::blocks().iter().filter(|block| block.language == "text") {
        for line in &block.lines {
            let word = line.split(' ').next().unwrap_or_default();
            if !["granted", "denied"].contains(&word) {
                continue;
            }
            let fields: Vec<&str> = ["account=", "service=", "rhost=", "door=", "path="].to_vec();
            let places: Option<Vec<usize>> =
                fields.iter().map(|field| line.find(&format!(" {field}"))).collect();
            assert!(places.is_some_and(|places| places.is_sorted()), "{}: {line}", block.place);
            let why = line.split(" why=").nth(1).map(|rest| rest.split(' ').next().unwrap().to_owned());
            assert_eq!(why.is_some(), word == "denied", "{}: {line}", block.place);
            assert!(why.is_none_or(|why| reasons.contains(&why)), "{}: {line}", block.place);
            count += 1;
        }
    }
    assert!(2 <= count, "{count}");
}

#[test]
fn every_option_of_the_plug_in_is_documented() {
    let source = fs::read_to_string("src/ffi/sasl/options.rs").unwrap();
    let known: BTreeSet<&str> =
        source.split("= c\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(known.len(), 4);
    for document in [README, "packaging/guides/postfix.md"] {
        let text = fs::read_to_string(document).unwrap();
        let rows = text.lines().filter_map(|line| line.strip_prefix("| `postern_"));
        let documented: BTreeSet<String> =
            rows.map(|row| format!("postern_{}", row.split(':').next().unwrap())).collect();
        assert!(known.iter().eq(&documented), "{document}: {documented:?}");
    }
}

#[test]
fn every_word_of_the_module_is_in_the_table_of_the_readme() {
    let page = fs::read_to_string("packaging/man/pam_postern.8").unwrap();
    let options = page.split(".SH OPTIONS").nth(1).unwrap().split(".SH ").next().unwrap();
    let entries =
        options.split(".TP\n").skip(1).map(|entry| entry.lines().next().unwrap().replace("\\-", "-"));
    let documented: BTreeSet<String> =
        entries.map(|entry| entry.split(' ').nth(1).unwrap().to_owned()).collect();
    let table = section(README, "## The PAM module");
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let shown = |row: &str| {
        let word = codes(row).next().unwrap();
        word.find('=').map_or_else(|| word.clone(), |at| word[..=at].to_owned())
    };
    let named: BTreeSet<String> = rows.map(shown).collect();
    assert_eq!(named, documented);
}

fn reasons() -> BTreeSet<String> {
    let source = fs::read_to_string("src/domain/verdict/denial.rs").unwrap();
    let words = source.split("pub const fn word").nth(1).unwrap().split("\n    }\n").next().unwrap();
    words.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

fn codes(text: &str) -> impl Iterator<Item = String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned)
}

fn section(document: &str, heading: &str) -> String {
    let text = fs::read_to_string(document).unwrap();
    let after = text.split(&format!("{heading}\n")).nth(1).unwrap_or_else(|| panic!("{document}: {heading}"));
    after.split("\n## ").next().unwrap().to_owned()
}
