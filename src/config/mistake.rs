//! What is wrong in the text of a configuration, for whoever has written it.
//!
//! Knows: where a mistake stands, and what to write instead.
//! Never: accepts anything. Whether a text is a configuration is decided before; here a refusal gets its words.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue, Error};

use crate::config::keys::{EXCLUSIVE, KEYS, KINDS, Key, REQUIRED, Takes};
use crate::domain::service::Service;

/// A mistake in the text of a configuration.
#[derive(Debug)]
pub struct Mistake {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong there, and what to write.
    pub message: String,
}

impl Mistake {
    /// What is not even text.
    pub(super) fn not_text(content: &[u8], offset: usize) -> Self {
        Self {
            line: line_of(content, offset),
            message: "this is not UTF-8, as all of the file must be".into(),
        }
    }

    /// Why a text was refused.
    pub(super) fn in_text(text: &str, refusal: &Error) -> Self {
        let (offset, message) = match DeTable::parse(text) {
            Err(error) => not_toml(text, &error),
            Ok(table) => first(table.get_ref()).unwrap_or_else(|| {
                // The kinds are right, and a value is not: those who read it have said why.
                let offset = refusal.span().map_or(0, |span| span.start);
                (offset, refusal.message().replace('\n', " "))
            }),
        };
        Self { line: line_of(text.as_bytes(), offset), message }
    }
}

/// A place in the text, and what is wrong there.
type Found = (usize, String);

fn line_of(content: &[u8], offset: usize) -> usize {
    1 + content.iter().take(offset).filter(|octet| **octet == b'\n').count()
}

fn not_toml(text: &str, error: &Error) -> Found {
    let span = error.span().unwrap_or(Range { start: 0, end: 0 });
    let offset = span.start;
    if error.message() == "duplicate key" {
        let key = text.get(span).unwrap_or_default();
        return (offset, format!("`{key}` is there twice; keep one of the two"));
    }
    let message = "this cannot be read; a line is a key and its value, such as store = \
                   \"/var/lib/postern/store.db\", or the name of a table, such as [policy]";
    (offset, message.to_owned())
}

fn first(table: &DeTable<'_>) -> Option<Found> {
    let mut found = Vec::new();
    look_at_table(table, KEYS, &mut found);
    found.into_iter().min_by_key(|(offset, _)| *offset)
}

fn look_at_table(table: &DeTable<'_>, keys: &[Key], found: &mut Vec<Found>) {
    for (name, value) in table {
        let known = keys.iter().find(|key| key.name == name.get_ref().as_ref());
        match known {
            Some(key) => look_at(key, value, found),
            None => found.push((name.span().start, unknown(name.get_ref(), keys))),
        }
    }
    let mut exclusive = table.iter().filter(|(name, _)| EXCLUSIVE.contains(&name.get_ref().as_ref()));
    if let (Some((one, _)), Some((two, _))) = (exclusive.next(), exclusive.next()) {
        let [first, second] = EXCLUSIVE;
        let message = format!("`{first}` and `{second}` exclude each other; keep one of the two");
        found.push((one.span().start.max(two.span().start), message));
    }
}

fn unknown(name: &str, keys: &[Key]) -> String {
    let names: Vec<&str> = keys.iter().map(|key| key.name).collect();
    format!("there is no `{name}` here; there are: {}", names.join(", "))
}

fn look_at(key: &Key, value: &Spanned<DeValue<'_>>, found: &mut Vec<Found>) {
    match (&key.takes, value.get_ref()) {
        (Takes::Table(keys), DeValue::Table(table)) => look_at_table(table, keys, found),
        (Takes::Tables(keys), DeValue::Array(tables)) => {
            for table in tables {
                look_at_one_of(key, keys, table, found);
            }
        }
        (Takes::Services, DeValue::Table(services)) => look_at_services(services, found),
        (takes, value_here) => {
            if let Some(wanted) = wanted(takes, value_here) {
                found.push((value.span().start, worded(key, &wanted)));
            }
        }
    }
}

fn look_at_one_of(key: &Key, keys: &[Key], value: &Spanned<DeValue<'_>>, found: &mut Vec<Found>) {
    let DeValue::Table(table) = value.get_ref() else {
        return found.push((value.span().start, worded(key, "is a table")));
    };
    look_at_table(table, keys, found);
    let missing = keys.iter().filter(|key| key.name == REQUIRED && !table.contains_key(key.name));
    found.extend(missing.map(|key| {
        (value.span().start, format!("`{}` is missing here; write: {} = {}", key.name, key.name, key.such_as))
    }));
}

/// What a value should have been, if it is not.
fn wanted(takes: &Takes, value: &DeValue<'_>) -> Option<String> {
    let (fits, wanted) = match takes {
        Takes::Text => (value.is_str(), "takes text in quotes".to_owned()),
        Takes::Flag => (value.is_bool(), "is true or false".to_owned()),
        Takes::Number(most) => {
            let fits = number(value).is_some_and(|number| (1..=*most).contains(&number));
            (fits, format!("is a whole number from 1 to {most}"))
        }
        Takes::Word(words) => {
            let fits = value.as_str().is_some_and(|word| words.contains(&word));
            (fits, format!("is one of \"{}\"", words.join("\", \"")))
        }
        Takes::List => (is_list(value), "takes a list of texts in quotes".to_owned()),
        Takes::User => {
            let uid = number(value).is_some_and(|number| u32::try_from(number).is_ok());
            (uid || value.is_str(), "is the name of a user in quotes, or a uid".to_owned())
        }
        Takes::Table(_) | Takes::Tables(_) | Takes::Services => (false, "is a table".to_owned()),
    };
    (!fits).then_some(wanted)
}

fn worded(key: &Key, wanted: &str) -> String {
    let name = key.name;
    let line = match key.takes {
        Takes::Tables(_) => format!("write on a line of its own: [[daemon.{name}]]"),
        Takes::Table(_) | Takes::Services => format!("write on a line of its own: [{name}]"),
        Takes::Text | Takes::Flag | Takes::Number(_) | Takes::Word(_) | Takes::List | Takes::User => {
            format!("write: {name} = {}", key.such_as)
        }
    };
    format!("`{name}` {wanted}; {line}")
}

fn look_at_services(services: &DeTable<'_>, found: &mut Vec<Found>) {
    let mut meant: BTreeMap<Service, (usize, &str)> = BTreeMap::new();
    for (name, accepted) in services {
        let (offset, name) = (name.span().start, name.get_ref().as_ref());
        look_at_accepted(name, accepted, found);
        match Service::parse(name.as_bytes()) {
            Err(error) => found.push((offset, error.to_string())),
            Ok(service) => {
                if let Some((other, its_name)) = meant.insert(service, (offset, name)) {
                    let message = format!("`{its_name}` and `{name}` are one service; keep one of the two");
                    found.push((other.max(offset), message));
                }
            }
        }
    }
}

fn look_at_accepted(name: &str, accepted: &Spanned<DeValue<'_>>, found: &mut Vec<Found>) {
    let known =
        |value: &Spanned<DeValue<'_>>| value.get_ref().as_str().is_some_and(|word| KINDS.contains(&word));
    let wrong = match accepted.get_ref().as_array() {
        None => Some(accepted.span()),
        Some(words) => words.iter().find(|word| !known(word)).map(Spanned::span),
    };
    if let Some(span) = wrong {
        let kinds = KINDS.join("\", \"");
        let message = format!(
            "`{name}` takes a list of \"{kinds}\", or of none; write: {name} = [\"app-password\", \"primary+code\"]"
        );
        found.push((span.start, message));
    }
}

fn is_list(value: &DeValue<'_>) -> bool {
    value.as_array().is_some_and(|values| values.iter().all(|value| value.get_ref().is_str()))
}

fn number(value: &DeValue<'_>) -> Option<i64> {
    let number = value.as_integer()?;
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, SHIPPED};

    #[track_caller]
    fn check(text: &str, line: usize, message: &str) {
        let mistake = Config::parse(text.as_bytes()).unwrap_err();
        assert_eq!((mistake.line, mistake.message.as_str()), (line, message), "{text}");
    }

    #[test]
    fn a_mistake_is_told_in_plain_words_with_a_line_to_write() {
        check("store = 1", 1, "`store` takes text in quotes; write: store = \"/var/lib/postern/store.db\"");
        check("[accounts]\n\nfold_case = 0", 3, "`fold_case` is true or false; write: fold_case = true");
        check(
            "[policy]\nmax_app_passwords = 99999999999999999999",
            2,
            "`max_app_passwords` is a whole number from 1 to 1000; write: max_app_passwords = 50",
        );
        check("[other]", 1, &unknown("other", KEYS));
        check("policy = true", 1, "`policy` is a table; write on a line of its own: [policy]");
        check(
            "[daemon]\npermit = 1",
            2,
            "`permit` is a table; write on a line of its own: [[daemon.permit]]",
        );
        check(
            "[[daemon.permit]]\nuser = 7\n[[daemon.permit]]\nservices = []",
            3,
            "`user` is missing here; write: user = \"postfix\"",
        );
    }

    #[test]
    fn of_two_that_exclude_each_other_the_later_is_named() {
        check("key = \"/a\"\n\nkey = \"/b\"", 3, "`key` is there twice; keep one of the two");
        check("[policy]\n[totp]\n[policy]", 3, "`policy` is there twice; keep one of the two");
        for [first, second] in [["smtp", "submission"], ["submission", "smtp"]] {
            let both = "`smtp` and `submission` are one service; keep one of the two";
            check(&format!("[services]\n{first} = []\n{second} = []"), 3, both);
        }
        let both = "`add_domain` and `strip_domain` exclude each other; keep one of the two";
        check("[accounts]\nstrip_domain = \"a\"\nadd_domain = \"b\"", 3, both);
    }

    #[test]
    fn the_first_of_several_mistakes_is_named() {
        check(
            "[totp]\nissuer = 1\n[accounts]\nfold_case = 2",
            2,
            "`issuer` takes text in quotes; write: issuer = \"Postern\"",
        );
    }

    /// Every key with every wrong kind of value: nothing is said in the words of the library that reads it.
    #[test]
    fn no_message_speaks_of_the_program() {
        let values = [
            "1",
            "-1",
            "99999999999999999999",
            "1.5",
            "true",
            "\"\"",
            "\"\\u0000\"",
            "[]",
            "[1]",
            "[[]]",
            "{}",
        ];
        let odd = ["", "=", "1979-05-27", "\"a", "[", "{a = 1}", "'''"];
        for (table, key) in each_key() {
            for value in values.iter().chain(&odd) {
                let text = format!("{table}{} = {value}", key.name);
                let Err(mistake) = Config::parse(text.as_bytes()) else { continue };
                let message = mistake.message;
                for word in [
                    "invalid type",
                    "missing field",
                    "unknown",
                    "variant",
                    "expected",
                    "sequence",
                    "i64",
                    "struct",
                ] {
                    assert!(!message.contains(word), "{text}: {message}");
                }
            }
        }
    }

    #[test]
    fn each_line_to_write_is_right_and_each_key_that_is_read_has_one() {
        for (table, key) in each_key().into_iter().filter(|(_, key)| !key.such_as.is_empty()) {
            let user = if table.contains("permit") && key.name != REQUIRED { "user = 7\n" } else { "" };
            let text = format!("{table}{user}{} = {}", key.name, key.such_as);
            Config::parse(text.as_bytes()).unwrap_or_else(|mistake| panic!("{text}: {}", mistake.message));
            assert!(first(DeTable::parse(&text).unwrap().get_ref()).is_none(), "{text}");
        }
        let commented = SHIPPED.replace("\n#", "\n").replace("\n ", "\n# ");
        let without_one = commented.replace("strip_domain", "# strip_domain");
        assert!(first(DeTable::parse(&without_one).unwrap().get_ref()).is_none());
    }

    fn each_key() -> Vec<(String, &'static Key)> {
        fn below(header: &str, keys: &'static [Key], all: &mut Vec<(String, &'static Key)>) {
            for key in keys {
                all.push((header.to_owned(), key));
                if let Takes::Table(keys) = key.takes {
                    below(&format!("[{}]\n", key.name), keys, all);
                }
                if let Takes::Tables(keys) = key.takes {
                    below(&format!("[[daemon.{}]]\n", key.name), keys, all);
                }
            }
        }
        let mut all = Vec::new();
        below("", KEYS, &mut all);
        all
    }
}
