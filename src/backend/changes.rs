//! Tells the log of changes, whoever makes them.

use crate::audit::Change;
use crate::backend::Level;
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
    let (event, by, anchor) = (row.event.as_str(), row.by, &row.anchor);
    Change { event, account, label, detail, by, anchor }.to_string()
}
