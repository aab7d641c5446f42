//! Rows of `audit_row` as somebody reads them, a page at a time.
//!
//! Knows: that what others have written there may be no text, and that each page is a lock of its own, since a long
//! one would keep logins from spending their codes.
//! Never: whether a row is sound.

use rusqlite::Row;
use rusqlite::types::ValueRef;

use crate::domain::anchor::Anchor;
use crate::store::audit_rows::integer;
use crate::store::{Store, StoreError};

/// One row, as far as it can be read.
#[derive(Clone, Debug)]
pub struct AuditRow {
    /// Its number.
    pub id: i64,
    /// When, in seconds of Unix time.
    pub at: i64,
    /// The uid that did it.
    pub by: i64,
    /// Thing and act, such as `app.revoke`.
    pub event: String,
    /// Whose, if it is anybody's.
    pub account: Option<String>,
    /// What its owner calls it.
    pub label: Option<String>,
    /// Whatever else matters.
    pub detail: Option<String>,
    /// By which it is found again.
    pub anchor: Anchor,
}

const BELOW: &str = "SELECT id, at, by, event, account, label, detail, mac FROM audit_row
                     WHERE id < ?1 ORDER BY id DESC LIMIT ?2";

const ABOVE: &str = "SELECT id, at, by, event, account, label, detail, mac FROM audit_row
                     WHERE ?1 < id ORDER BY id LIMIT ?2";

impl Store {
    /// The newest rows before this one, newest first.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn audit_rows_below(&self, row: i64, most: u32) -> Result<Vec<AuditRow>, StoreError> {
        self.audit_page(BELOW, row, most)
    }

    /// The oldest rows after this one, oldest first.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn audit_rows_above(&self, row: i64, most: u32) -> Result<Vec<AuditRow>, StoreError> {
        self.audit_page(ABOVE, row, most)
    }

    fn audit_page(&self, sql: &str, row: i64, most: u32) -> Result<Vec<AuditRow>, StoreError> {
        let mut statement = self.reader().prepare(sql)?;
        let mut rows = statement.query((row, most))?;
        let mut page = Vec::new();
        while let Some(row) = rows.next()? {
            page.push(read(row)?);
        }
        Ok(page)
    }
}

fn read(row: &Row<'_>) -> Result<AuditRow, StoreError> {
    let number = |column| Ok::<_, StoreError>(integer(row.get_ref(column)?).unwrap_or(0));
    let text = |column| Ok::<_, StoreError>(text(row.get_ref(column)?));
    let id = number("id")?;
    Ok(AuditRow {
        id,
        at: number("at")?,
        by: number("by")?,
        event: text("event")?.unwrap_or_default(),
        account: text("account")?,
        label: text("label")?,
        detail: text("detail")?,
        anchor: Anchor::new(id, octets(row.get_ref("mac")?)),
    })
}

fn text(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Text(octets) | ValueRef::Blob(octets) => Some(String::from_utf8_lossy(octets).into_owned()),
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
    }
}

const fn octets(value: ValueRef<'_>) -> &[u8] {
    match value {
        ValueRef::Text(octets) | ValueRef::Blob(octets) => octets,
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => &[],
    }
}
