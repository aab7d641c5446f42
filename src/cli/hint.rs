//! Commands in hints, with the names that they need: they are there to be copied as they stand.

use std::ffi::OsStr;

use clap::ArgMatches;

use crate::cli::text;

/// Whom and what a hint is about.
#[derive(Default)]
pub(super) struct Subject {
    /// The account.
    pub account: Option<String>,
    /// An app password or a key of it.
    pub label: Option<String>,
}

/// Where the names stand in a hint; options stand before them.
const ACCOUNT: &str = "{account}";
const LABEL: &str = "{label}";
const BOTH: &str = "{account} {label}";

impl Subject {
    /// What was typed.
    pub(super) fn typed(matches: &ArgMatches) -> Self {
        let mut innermost = matches;
        while let Some((_, inner)) = innermost.subcommand() {
            innermost = inner;
        }
        Self {
            account: only(innermost, "name").or_else(|| only(innermost, "account")),
            label: only(innermost, "label"),
        }
    }

    /// A hint with the names in their places.
    pub(super) fn fill(&self, hint: &str) -> String {
        self.fill_with(hint, &[])
    }

    /// The same, with other words in other places.
    pub(super) fn fill_with(&self, hint: &str, others: &[(&str, String)]) -> String {
        let account = self.account.as_deref().unwrap_or("NAME");
        let label = self.label.as_deref().unwrap_or("phone");
        let names = [
            (BOTH, operands(&[account, label])),
            (ACCOUNT, operands(&[account])),
            (LABEL, text::shell_word(label)),
        ];
        in_one_pass(hint, &[&names, others].concat())
    }
}

/// What is put in is never looked through again: a label may be spelled like a place.
fn in_one_pass(template: &str, places: &[(&str, String)]) -> String {
    let (mut filled, mut rest) = (String::new(), template);
    while let Some(at) = rest.find('{') {
        let (before, from) = rest.split_at(at);
        let found = places.iter().find_map(|(place, word)| Some((word.as_str(), from.strip_prefix(place)?)));
        let (word, after) = found.unwrap_or_else(|| from.split_at(1));
        filled.push_str(before);
        filled.push_str(word);
        rest = after;
    }
    filled + rest
}

/// Names behind a command, none of which is taken for an option.
pub(super) fn operands(names: &[&str]) -> String {
    let words: Vec<String> = names.iter().map(|name| text::shell_word(name)).collect();
    let guard = if names.iter().any(|name| name.starts_with('-')) { "-- " } else { "" };
    format!("{guard}{}", words.join(" "))
}

/// The value of an argument that has one, as text.
fn only(matches: &ArgMatches, argument: &str) -> Option<String> {
    let mut values = matches.try_get_raw(argument).ok()??;
    let first = values.next().and_then(OsStr::to_str)?;
    values.next().is_none().then(|| first.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(account: &str, label: &str, hint: &str, expected: &str) {
        let subject = Subject { account: Some(account.to_owned()), label: Some(label.to_owned()) };
        assert_eq!(subject.fill(hint), expected);
    }

    #[test]
    fn a_name_in_a_hint_is_one_word_and_never_an_option() {
        check("alice", "phone", "app show {account} {label}", "app show alice phone");
        check("alice", "old phone", "app show {account} {label}", "app show alice 'old phone'");
        check("alice", "-x", "app show {account} {label}", "app show -- alice -x");
        check("-x", "a'b", "app add --label={label} {account}", r"app add --label='a'\''b' -- -x");
        assert_eq!(Subject::default().fill("app list {account}"), "app list NAME");
    }

    #[test]
    fn a_name_that_is_spelled_like_a_place_stays_as_it_is() {
        check("a", "{label};x", "show {account} {label}", "show a '{label};x'");
        check("{label};x", "b", "show {account}", "show '{label};x'");
        let subject = Subject { account: Some("{new}".to_owned()), label: None };
        let hint =
            subject.fill_with("{other} add --label={new} {account}", &[("{new}", "'{account}'".to_owned())]);
        assert_eq!(hint, "{other} add --label='{account}' '{new}'");
    }

    #[test]
    fn the_subject_is_what_was_typed_to_the_innermost_command() {
        let typed = |words: &[&str]| {
            let words = [&["postern"], words].concat();
            let matches = crate::cli::command_line().try_get_matches_from(words).unwrap();
            let subject = Subject::typed(&matches);
            (subject.account, subject.label)
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(typed(&["app", "show", "Alice", "old phone"]), (some("Alice"), some("old phone")));
        assert_eq!(typed(&["app", "revoke", "--account", "bob"]), (some("bob"), None));
        assert_eq!(typed(&["app", "revoke", "--account", "bob", "--account", "eve"]), (None, None));
        assert_eq!(typed(&["account", "list"]), (None, None));
    }
}
