//! Tells the log of changes, whoever makes them.

use crate::audit::Change;
use crate::backend::Level;
use crate::domain::time::UnixTime;
use crate::store::{Recorded, Witness};

/// Tells the log of every row that a change leaves in the store.
#[must_use]
pub fn witness(log: fn(Level, &str)) -> Witness {
    Box::new(move |row| log(level_of(row), &line(row)))
}

fn level_of(row: &Recorded) -> Level {
    if row.is_breach() { Level::Error } else { Level::Notice }
}

fn line(row: &Recorded) -> String {
    let (account, label, detail) = (row.account.as_deref(), row.label.as_deref(), row.detail.as_deref());
    let detail = detail.map(dated);
    let detail = detail.as_deref();
    let (event, by, anchor) = (row.event.as_str(), row.by, &row.anchor);
    Change { event, account, label, detail, by, anchor }.to_string()
}

/// A detail with its ends as dates in UTC; the row itself keeps seconds.
fn dated(detail: &str) -> String {
    let word = |word: &str| {
        let end = word.split_once('=').filter(|(name, _)| ["expires", "until"].contains(name));
        let end = end.and_then(|(name, secs)| Some((name, UnixTime(secs.parse().ok()?))));
        end.map_or_else(|| word.to_owned(), |(name, end)| format!("{name}={end}"))
    };
    detail.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_told_as_dates() {
        assert_eq!(dated("scope=imap expires=1700000000"), "scope=imap expires=2023-11-14T22:13:20Z");
        assert_eq!(dated("label=expires until=soon"), "label=expires until=soon");
    }
}
