//! Which rows are asked for.

use std::ffi::{OsStr, OsString};

use clap::Args;

use crate::cli::failure::Failure;
use crate::cli::log::moment::{self, Edge};
use crate::cli::site::{Site, label};
use crate::cli::{World, text};
use crate::store::AuditRow;

/// Longer than the name of any event.
const LONGEST_EVENT: usize = 64;

#[derive(Args)]
pub(super) struct FilterArguments {
    /// Rows about this account.
    #[arg(long, value_name = "NAME")]
    account: Option<OsString>,
    /// Rows about what has, or had, this label.
    #[arg(long)]
    label: Option<OsString>,
    /// Rows of this event, such as app.revoke, or of all that begin with a word, such as app.
    #[arg(long)]
    event: Option<OsString>,
    /// Rows of this uid or user.
    #[arg(long, value_name = "USER")]
    by: Option<OsString>,
    /// Rows from then on: a span such as 2h or 7d before now, a day, or a time such as '2030-12-31 18:00'.
    #[arg(long, value_name = "WHEN")]
    since: Option<OsString>,
    /// Rows up to then, a day included.
    #[arg(long, value_name = "WHEN")]
    until: Option<OsString>,
}

/// The same, read.
pub(super) struct Filter {
    account: Option<String>,
    label: Option<String>,
    event: Option<String>,
    by: Option<i64>,
    since: Option<i64>,
    until: Option<i64>,
}

impl Filter {
    pub(super) fn read(site: &Site<'_>, typed: &FilterArguments) -> Result<Self, Failure> {
        let now = (site.world.clock)();
        let moment = |typed: &Option<OsString>, edge| {
            typed.as_deref().map(|typed| moment::read(typed, now, edge)).transpose()
        };
        let account = typed.account.as_deref().map(|typed| site.account(typed)).transpose()?;
        let label = typed.label.as_deref().map(label).transpose()?;
        Ok(Self {
            account: account.map(|name| name.as_str().to_owned()),
            label: label.map(|label| label.as_str().to_owned()),
            event: typed.event.as_deref().map(event).transpose()?,
            by: typed.by.as_deref().map(|typed| uid(site.world, typed)).transpose()?,
            since: moment(&typed.since, Edge::Begin)?,
            until: moment(&typed.until, Edge::End)?,
        })
    }

    /// Whether rows are asked for by what they are about.
    pub(super) const fn names_something(&self) -> bool {
        self.account.is_some() || self.label.is_some() || self.event.is_some()
    }

    pub(super) fn fits(&self, row: &AuditRow) -> bool {
        let same = |wanted: &Option<String>, found: &Option<String>| wanted.is_none() || wanted == found;
        same(&self.account, &row.account)
            && same(&self.label, &row.label)
            && self.event.as_deref().is_none_or(|wanted| is_of(wanted, &row.event))
            && self.by.is_none_or(|uid| uid == row.by)
            && self.since.is_none_or(|since| since <= row.at)
            && self.until.is_none_or(|until| row.at <= until)
    }
}

/// Whole words: `app` is about `app.add`, and not about `apple.add`.
fn is_of(wanted: &str, event: &str) -> bool {
    event.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn event(typed: &OsStr) -> Result<String, Failure> {
    let plain = |octet: u8| octet.is_ascii_lowercase() || b".-".contains(&octet);
    let known = |text: &&str| (1..=LONGEST_EVENT).contains(&text.len()) && text.bytes().all(plain);
    typed.to_str().filter(known).map(|text| text.trim_end_matches('.').to_owned()).ok_or_else(|| {
        Failure::Usage("an event is a word such as app or app.revoke".to_owned(), "`postern log` shows them")
    })
}

fn uid(world: &World<'_>, typed: &OsStr) -> Result<i64, Failure> {
    let found = typed.to_str().and_then(|text| text.parse().ok().or_else(|| (world.uid_of)(text)));
    found.map(|uid: u32| i64::from(uid)).ok_or_else(|| {
        let name = text::bounded(&typed.to_string_lossy());
        Failure::Usage(format!("there is no user {name}"), "name a user of this system, or a uid")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_found_by_its_words() {
        assert!(is_of("app", "app.add") && is_of("app.add", "app.add"));
        assert!(!is_of("app", "apple.add") && !is_of("app.add", "app") && !is_of("add", "app.add"));
        assert_eq!(event(OsStr::new("app.")).unwrap(), "app");
        for text in ["", "App", "app revoke", "app\n", "*", &"a".repeat(65)] {
            assert!(event(OsStr::new(text)).is_err(), "{text}");
        }
    }
}
