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
        let account = self.account.as_deref().unwrap_or("NAME");
        let label = self.label.as_deref().unwrap_or("phone");
        hint.replace(&format!("{ACCOUNT} {LABEL}"), &operands(&[account, label]))
            .replace(ACCOUNT, &operands(&[account]))
            .replace(LABEL, &text::shell_word(label))
    }
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
