//! Rows of `app_password`.

mod found;
mod listed;
mod changes;
mod rotation;
mod revocation;
mod restoration;

pub use changes::{NewAppPassword, NewLimits};
pub use found::{FirstUse, FoundAppPassword};
pub use listed::{AppPasswordRow, LastUse};
pub use restoration::{Fate, RestorableRevocation, Restored};
pub use revocation::{Restorable, Revocation, SelectedAppPassword};
pub use rotation::{Rotated, Successor};

pub(super) use changes::count_live;
pub(super) use found::{FOUND, read as read_found};

use rusqlite::{OptionalExtension, Row, Transaction};

use crate::domain::network::Networks;
use crate::domain::policy::AppPasswordPolicy;
use crate::domain::service::Scope;
use crate::domain::time::UnixTime;
use crate::domain::verdict::Life;
use crate::store::StoreError;
use crate::store::accounts::number;

fn life_at(revoked_at: Option<UnixTime>, end: Option<UnixTime>, now: UnixTime) -> Life {
    match (revoked_at, end) {
        (Some(_), _) => Life::Revoked,
        (None, Some(end)) if end <= now => Life::Expired,
        (None, _) => Life::Live,
    }
}

/// An app password whose time is over gives its label away: it becomes a tombstone.
fn free_label(
    transaction: &Transaction<'_>,
    account_id: i64,
    label: &str,
    limits: &AppPasswordPolicy,
    now: UnixTime,
) -> Result<(), StoreError> {
    let sql = "UPDATE app_password SET revoked_at = min(ifnull(expires_at, ?3), ?3)
               WHERE account_id = ?1 AND label = ?2 AND revoked_at IS NULL
                 AND (expires_at <= ?3 OR created_at <= ?4)";
    let too_early = limits.made_too_early(now).map(|moment| number(moment.0));
    transaction.execute(sql, (account_id, label, number(now.0), too_early))?;
    Ok(())
}

/// The one that holds a label, which no other may get.
fn holder(transaction: &Transaction<'_>, account_id: i64, label: &str) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT id FROM app_password WHERE account_id = ?1 AND label = ?2 AND revoked_at IS NULL";
    Ok(transaction.query_row(sql, (account_id, label), |row| row.get(0)).optional()?)
}

fn scope(row: &Row<'_>) -> Result<Scope, StoreError> {
    Scope::parse(&row.get::<_, String>("scope")?).map_err(|_| StoreError::damaged("scope"))
}

/// A damaged list is no "any".
fn networks(row: &Row<'_>) -> Result<Networks, StoreError> {
    let list: Option<String> = row.get("networks")?;
    list.map_or(Ok(Networks::default()), |list| {
        Networks::parse(&list).map_err(|_| StoreError::damaged("networks"))
    })
}

fn moment(row: &Row<'_>, column: &str) -> Result<Option<UnixTime>, StoreError> {
    row.get::<_, Option<i64>>(column)?.map(crate::store::accounts::time).transpose()
}
