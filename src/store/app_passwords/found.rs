//! What a login finds, and what its use leaves behind.

use std::net::IpAddr;

use rusqlite::{OptionalExtension, Row, Transaction};

use crate::crypto::keyring::Tag;
use crate::domain::account::AccountState;
use crate::domain::network::Networks;
use crate::domain::policy::AppPasswordPolicy;
use crate::domain::service::{Scope, Service};
use crate::domain::time::UnixTime;
use crate::domain::verdict::Life;
use crate::store::accounts::{number, state, time};
use crate::store::app_passwords::{life_at, moment, networks, scope};
use crate::store::audit_rows::Entry;
use crate::store::{PrimaryKeeper, Store, StoreError, Use};

/// Seconds between two writes of a last use.
const LAST_USE_EVERY: u64 = 60;

/// What a login finds by a tag: one row, joined with its account.
pub struct FoundAppPassword {
    /// The row.
    pub id: i64,
    /// Whose it is.
    pub account: String,
    /// That account's state.
    pub account_state: AccountState,
    /// Who keeps that account's primary.
    pub primary: PrimaryKeeper,
    /// The uid that the system gave that account's name when it was added.
    pub unix_uid: Option<u32>,
    /// What its owner calls it.
    pub label: String,
    /// The PHC string.
    pub hash: String,
    /// The master key that it is hashed or sealed with.
    pub key_id: i64,
    /// What it is good for.
    pub scope: Scope,
    /// From where it is good.
    pub networks: Networks,
    /// When it was made.
    pub created_at: UnixTime,
    /// When it was revoked.
    pub revoked_at: Option<UnixTime>,
    /// When its time is over, if the policy does not end it earlier.
    pub expires_at: Option<UnixTime>,
    /// When its last use was written.
    pub last_used_at: Option<UnixTime>,
    /// Whether its first use ends the one that it replaces.
    pub ends_another: bool,
}

impl FoundAppPassword {
    /// Whether it lives at this moment.
    #[must_use]
    pub fn life_at(&self, now: UnixTime, limits: &AppPasswordPolicy) -> Life {
        life_at(self.revoked_at, limits.end(self.created_at, self.expires_at), now)
    }
}

/// What the first use of a successor met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstUse {
    /// Those that it replaces are dead, for good.
    Settled,
    /// It was revoked meanwhile.
    Revoked,
}

impl Store {
    /// Finds an app password by its tag: one indexed read, however many there are.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn app_password(&self, tag: &Tag) -> Result<Option<FoundAppPassword>, StoreError> {
        let found = self.reader().query_row(&by_tag(), [tag], |row| Ok(read(row))).optional()?;
        found.transpose()
    }

    /// Finds an app password anew, which may have changed since a login saw it.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn app_password_again(
        &self,
        seen: &FoundAppPassword,
    ) -> Result<Option<FoundAppPassword>, StoreError> {
        let sql = format!("{FOUND} WHERE app_password.id = ?1");
        let found = self.reader().query_row(&sql, [seen.id], |row| Ok(read(row))).optional()?;
        found.transpose()
    }

    /// Writes a last use, at most once a minute and only if nobody else is writing.
    ///
    /// # Errors
    /// Where the store fails or is locked; the login does not depend on it.
    pub fn touch(
        &self,
        found: &FoundAppPassword,
        now: UnixTime,
        service: &Service,
        from: Option<IpAddr>,
    ) -> Result<(), StoreError> {
        if found.last_used_at.is_some_and(|last| now.0 < last.0.saturating_add(LAST_USE_EVERY)) {
            return Ok(());
        }
        self.write_if_free(|transaction| write_last_use(transaction, found.id, now, service, from))
    }

    /// Ends those that an app password replaces, since it is used, and writes down the use. Of two first uses at
    /// once both see `Settled`, and one of them leaves the audit rows.
    ///
    /// # Errors
    /// Where the store fails; then the next use tries again.
    pub fn settle_first_use(&self, found: &FoundAppPassword, by: &Use<'_>) -> Result<FirstUse, StoreError> {
        // One that was revoked by hand could still be restored; from now on it cannot.
        let end =
            "UPDATE app_password SET revoked_at = ifnull(revoked_at, ?2), revocation = NULL WHERE id = ?1";
        self.write(|transaction| {
            let live = "SELECT 1 FROM app_password WHERE id = ?1 AND revoked_at IS NULL";
            if transaction.query_row(live, [found.id], |_| Ok(())).optional()?.is_none() {
                return Ok(FirstUse::Revoked);
            }
            for (id, account_id, label) in replaced_by(transaction, found.id)? {
                transaction.execute(end, (id, number(by.made.at.0)))?;
                let detail = format!("{by} successor={}", found.label);
                let entry = Entry {
                    label: Some(&label),
                    detail: Some(&detail),
                    ..Entry::of("app.supersede", account_id)
                };
                self.record(transaction, by.made, &entry)?;
            }
            write_last_use(transaction, found.id, by.made.at, by.service, by.from)?;
            Ok(FirstUse::Settled)
        })
    }
}

fn by_tag() -> String {
    format!("{FOUND} WHERE tag = ?1")
}

/// An app password joined with its account; a condition follows.
pub(in crate::store) const FOUND: &str =
    "SELECT app_password.id, account.name, account.state, primary_check, unix_uid, label, hash, app_password.key_id, scope, networks,
            app_password.created_at, revoked_at, expires_at, last_used_at,
            EXISTS (SELECT 1 FROM app_password AS old WHERE old.id = app_password.replaces
                    AND (old.revoked_at IS NULL OR old.revocation IS NOT NULL)) AS ends_another
     FROM app_password JOIN account ON account.id = account_id";

pub(in crate::store) fn read(row: &Row<'_>) -> Result<FoundAppPassword, StoreError> {
    Ok(FoundAppPassword {
        id: row.get("id")?,
        account: row.get("name")?,
        account_state: state(&row.get::<_, String>("state")?)?,
        primary: PrimaryKeeper::from_word(&row.get::<_, String>("primary_check")?)?,
        unix_uid: row.get("unix_uid")?,
        label: row.get("label")?,
        hash: row.get("hash")?,
        key_id: row.get("key_id")?,
        scope: scope(row)?,
        networks: networks(row)?,
        created_at: time(row.get("created_at")?)?,
        expires_at: moment(row, "expires_at")?,
        revoked_at: moment(row, "revoked_at")?,
        last_used_at: moment(row, "last_used_at")?,
        ends_another: row.get("ends_another")?,
    })
}

/// All that one replaces, and that those replaced, as far as they live or could be restored.
fn replaced_by(transaction: &Transaction<'_>, id: i64) -> Result<Vec<(i64, i64, String)>, StoreError> {
    let sql = "WITH RECURSIVE before (id) AS (
                   SELECT replaces FROM app_password WHERE id = ?1
                   UNION SELECT replaces FROM app_password JOIN before USING (id) WHERE replaces IS NOT NULL)
               SELECT id, account_id, label FROM app_password JOIN before USING (id)
               WHERE revoked_at IS NULL OR revocation IS NOT NULL";
    let mut statement = transaction.prepare(sql)?;
    let rows = statement.query_map([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn write_last_use(
    transaction: &Transaction<'_>,
    id: i64,
    now: UnixTime,
    service: &Service,
    from: Option<IpAddr>,
) -> Result<(), StoreError> {
    let sql = "UPDATE app_password SET last_used_at = ?2, last_used_service = ?3, last_used_from = ?4
               WHERE id = ?1";
    let from = from.map(|address| address.to_string());
    transaction.execute(sql, (id, number(now.0), service.as_str(), from))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::empty;

    #[test]
    fn a_login_looks_up_by_index_and_scans_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let store = empty(directory.path());
        let mut statement = store.reader().prepare(&format!("EXPLAIN QUERY PLAN {}", by_tag())).unwrap();
        let plan: Vec<String> =
            statement.query_map([[0_u8; 16]], |row| row.get("detail")).unwrap().map(Result::unwrap).collect();
        let [by_tag, account, _, old] = &plan[..] else { panic!("{plan:?}") };
        assert!(by_tag.contains("SEARCH app_password USING INDEX") && by_tag.contains("(tag=?)"), "{plan:?}");
        assert!(account.contains("SEARCH account USING INTEGER PRIMARY KEY"), "{plan:?}");
        assert!(old.contains("SEARCH old USING INTEGER PRIMARY KEY"), "{plan:?}");
    }
}
