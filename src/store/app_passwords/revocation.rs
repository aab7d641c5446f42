//! App passwords turned into tombstones, one by one or by selection.

use rusqlite::{Connection, OptionalExtension, Row, Transaction};

use crate::domain::app_password::Label;
use crate::domain::selection::{Candidate, Selection};
use crate::domain::time::UnixTime;
use crate::store::accounts::{number, time};
use crate::store::app_passwords::{LastUse, listed};
use crate::store::audit_rows::Entry;
use crate::store::{Made, Store, StoreError};

/// What a selection takes. No more is read of a row than this, so that one that is damaged can be revoked.
pub struct SelectedAppPassword {
    /// The row.
    pub id: i64,
    /// The row of its account.
    pub account_id: i64,
    /// Whose it is.
    pub account: String,
    /// What its owner calls it.
    pub label: String,
    /// When it was made.
    pub created_at: UnixTime,
    /// Its last use, to the minute.
    pub last_use: Option<LastUse>,
    /// The row that it replaces, or replaced.
    pub replaces: Option<i64>,
}

/// Whether a revocation may be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restorable {
    /// Until then.
    Until(UnixTime),
    /// It is for ever.
    Never,
}

/// What was revoked together, and can be restored together.
pub struct Revocation {
    /// By which it is restored; `None` where it cannot be.
    pub id: Option<i64>,
    /// What was revoked, by account and age.
    pub revoked: Vec<SelectedAppPassword>,
}

impl Store {
    /// What a selection would take, by account and age.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn select_app_passwords(
        &self,
        selection: &Selection,
    ) -> Result<Vec<SelectedAppPassword>, StoreError> {
        select(self.reader(), selection)
    }

    /// The one that holds a label.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn labelled_app_password(
        &self,
        account_id: i64,
        label: &Label,
    ) -> Result<Option<SelectedAppPassword>, StoreError> {
        labelled(self.reader(), account_id, label)
    }

    /// Revokes what a selection takes: all of it or, where something fails, none. If somebody has confirmed these rows,
    /// then exactly these. Logins that start after this returned are refused.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where the selection takes other rows than the confirmed ones.
    pub fn revoke_selected(
        &self,
        selection: &Selection,
        confirmed: Option<&[SelectedAppPassword]>,
        restorable: Restorable,
        made: Made,
    ) -> Result<Revocation, StoreError> {
        self.spill_nothing()?;
        self.write(|transaction| {
            let chosen = select(transaction, selection)?;
            let ids = |rows: &[SelectedAppPassword]| rows.iter().map(|row| row.id).collect::<Vec<_>>();
            if confirmed.is_some_and(|confirmed| ids(confirmed) != ids(&chosen)) {
                return Err(StoreError::Changed);
            }
            self.revoke_rows(transaction, chosen, restorable, made)
        })
    }

    /// Revokes an app password. A login that starts after this returned is refused.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn revoke(
        &self,
        account_id: i64,
        label: &Label,
        restorable: Restorable,
        made: Made,
    ) -> Result<Revocation, StoreError> {
        self.write(|transaction| {
            let labelled = labelled(transaction, account_id, label)?;
            self.revoke_rows(transaction, labelled.into_iter().collect(), restorable, made)
        })
    }

    fn revoke_rows(
        &self,
        transaction: &Transaction<'_>,
        chosen: Vec<SelectedAppPassword>,
        restorable: Restorable,
        made: Made,
    ) -> Result<Revocation, StoreError> {
        let id = match restorable {
            Restorable::Until(until) if !chosen.is_empty() => Some(add_revocation(transaction, until, made)?),
            Restorable::Until(_) | Restorable::Never => None,
        };
        let sql = "UPDATE app_password SET revoked_at = ?2, revocation = ?3 WHERE id = ?1";
        let mut revoke = transaction.prepare(sql)?;
        let detail = id.map(|id| format!("revocation={id}"));
        for row in &chosen {
            revoke.execute((row.id, number(made.at.0), id))?;
            let entry = Entry {
                label: Some(&row.label),
                detail: detail.as_deref(),
                ..Entry::of("app.revoke", row.account_id)
            };
            self.record(transaction, made, &entry)?;
        }
        Ok(Revocation { id, revoked: chosen })
    }
}

/// The candidates of a selection. Those whose end has come too: they would live again if the clock was wrong, or the
/// policy changed.
const NOT_REVOKED: &str = "
    SELECT app_password.id, account_id, account.name, label, app_password.created_at, last_used_at, last_used_service,
           last_used_from, replaces
    FROM app_password JOIN account ON account.id = account_id
    WHERE revoked_at IS NULL
    ORDER BY account.name, app_password.created_at, app_password.id";

const LABELLED: &str = "
    SELECT app_password.id, account_id, account.name, label, app_password.created_at, last_used_at, last_used_service,
           last_used_from, replaces
    FROM app_password JOIN account ON account.id = account_id
    WHERE revoked_at IS NULL AND account_id = ?1 AND label = ?2";

fn select(connection: &Connection, selection: &Selection) -> Result<Vec<SelectedAppPassword>, StoreError> {
    let mut statement = connection.prepare(NOT_REVOKED)?;
    let mut rows = statement.query([])?;
    let mut chosen = Vec::new();
    while let Some(row) = rows.next()? {
        let row = read(row)?;
        let last_used_from = row.last_use.as_ref().and_then(LastUse::address);
        let candidate = Candidate {
            account: &row.account,
            created_at: row.created_at,
            last_used_at: row.last_use.as_ref().map(|used| used.at),
            last_used_from,
        };
        if selection.covers(&candidate) {
            chosen.push(row);
        }
    }
    Ok(chosen)
}

fn labelled(
    connection: &Connection,
    account_id: i64,
    label: &Label,
) -> Result<Option<SelectedAppPassword>, StoreError> {
    let row = (account_id, label.as_str());
    connection.query_row(LABELLED, row, |row| Ok(read(row))).optional()?.transpose()
}

fn read(row: &Row<'_>) -> Result<SelectedAppPassword, StoreError> {
    Ok(SelectedAppPassword {
        id: row.get("id")?,
        account_id: row.get("account_id")?,
        account: row.get("name")?,
        label: row.get("label")?,
        created_at: time(row.get("created_at")?)?,
        last_use: listed::last_use(row)?,
        replaces: row.get("replaces")?,
    })
}

fn add_revocation(transaction: &Transaction<'_>, until: UnixTime, made: Made) -> Result<i64, StoreError> {
    let sql = "INSERT INTO revocation (at, by, restorable_until) VALUES (?1, ?2, ?3)";
    transaction.execute(sql, (number(made.at.0), made.by, number(until.0)))?;
    Ok(transaction.last_insert_rowid())
}
