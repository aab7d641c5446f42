//! App passwords as lists show them.

use std::net::IpAddr;

use rusqlite::Row;

use crate::domain::network::Networks;
use crate::domain::policy::AppPasswordPolicy;
use crate::domain::service::Scope;
use crate::domain::time::UnixTime;
use crate::domain::verdict::Life;
use crate::store::accounts::time;
use crate::store::app_passwords::{life_at, moment, networks, scope};
use crate::store::{Store, StoreError};

/// A row as a list shows it.
pub struct AppPasswordRow {
    /// The row.
    pub id: i64,
    /// What its owner calls it.
    pub label: String,
    /// What it is good for.
    pub scope: Scope,
    /// When it was made.
    pub created_at: UnixTime,
    /// By which uid.
    pub created_by: u32,
    /// From where it is good.
    pub networks: Networks,
    /// When it was revoked.
    pub revoked_at: Option<UnixTime>,
    /// When its time is over, if the policy does not end it earlier.
    pub expires_at: Option<UnixTime>,
    /// Its last use, to the minute.
    pub last_use: Option<LastUse>,
    /// The row that it replaces, or replaced.
    pub replaces: Option<i64>,
    /// The revocation that took it, if that can be restored.
    pub revocation: Option<i64>,
    /// Until when.
    pub restorable_until: Option<UnixTime>,
}

/// When, where and from where an app password was used.
pub struct LastUse {
    /// When.
    pub at: UnixTime,
    /// On which service.
    pub service: String,
    /// From which address, if one was known.
    pub from: Option<String>,
}

impl LastUse {
    /// The address, as networks compare it.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.from.as_ref()?.parse().ok()
    }
}

impl AppPasswordRow {
    /// Whether it lives at this moment.
    #[must_use]
    pub fn life_at(&self, now: UnixTime, limits: &AppPasswordPolicy) -> Life {
        life_at(self.revoked_at, self.end(limits), now)
    }

    /// When its time is over.
    #[must_use]
    pub fn end(&self, limits: &AppPasswordPolicy) -> Option<UnixTime> {
        limits.end(self.created_at, self.expires_at)
    }
}

impl Store {
    /// All app passwords of an account, live ones first, then tombstones, each by age.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn app_passwords(&self, account_id: i64) -> Result<Vec<AppPasswordRow>, StoreError> {
        let sql = "SELECT id, label, scope, networks, created_at, created_by, revoked_at, expires_at,
                          last_used_at, last_used_service, last_used_from, replaces, revocation,
                          (SELECT restorable_until FROM revocation
                           WHERE revocation.id = app_password.revocation) AS restorable_until
                   FROM app_password WHERE account_id = ?1 ORDER BY revoked_at IS NOT NULL, created_at, id";
        let mut statement = self.reader().prepare(sql)?;
        let mut rows = statement.query([account_id])?;
        let mut listed = Vec::new();
        while let Some(row) = rows.next()? {
            listed.push(read(row)?);
        }
        Ok(listed)
    }
}

fn read(row: &Row<'_>) -> Result<AppPasswordRow, StoreError> {
    Ok(AppPasswordRow {
        id: row.get("id")?,
        label: row.get("label")?,
        scope: scope(row)?,
        created_at: time(row.get("created_at")?)?,
        created_by: row.get("created_by")?,
        networks: networks(row)?,
        revoked_at: moment(row, "revoked_at")?,
        expires_at: moment(row, "expires_at")?,
        last_use: last_use(row)?,
        replaces: row.get("replaces")?,
        revocation: row.get("revocation")?,
        restorable_until: moment(row, "restorable_until")?,
    })
}

pub(super) fn last_use(row: &Row<'_>) -> Result<Option<LastUse>, StoreError> {
    let service: Option<String> = row.get("last_used_service")?;
    let from = row.get("last_used_from")?;
    Ok(match (moment(row, "last_used_at")?, service) {
        (Some(at), Some(service)) => Some(LastUse { at, service, from }),
        _ => None,
    })
}
