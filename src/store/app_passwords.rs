//! Rows of `app_password`.

use std::net::IpAddr;

use rusqlite::{OptionalExtension, Row, Transaction};

use crate::crypto::keyring::Tag;
use crate::domain::account::AccountState;
use crate::domain::app_password::Label;
use crate::domain::network::Networks;
use crate::domain::policy::AppPasswordPolicy;
use crate::domain::service::{Scope, Service};
use crate::domain::time::UnixTime;
use crate::domain::verdict::Life;
use crate::store::accounts::{mark_enrolled, number, state, time};
use crate::store::audit_rows::Entry;
use crate::store::connection::KEY_ID;
use crate::store::{Made, PrimaryKeeper, Store, StoreError, Written};

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
}

/// A row as a list shows it.
pub struct AppPasswordRow {
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

/// An app password that is about to be stored.
pub struct NewAppPassword<'a> {
    /// What its owner calls it.
    pub label: &'a Label,
    /// Finds it again.
    pub tag: Tag,
    /// The PHC string.
    pub hash: &'a str,
    /// What it is good for.
    pub scope: &'a Scope,
    /// From where it is good.
    pub networks: &'a Networks,
    /// When its time is over.
    pub expires_at: Option<UnixTime>,
}

impl NewAppPassword<'_> {
    /// What an audit row tells of it.
    fn terms(&self) -> String {
        let networks =
            if self.networks.are_any() { String::new() } else { format!(" networks={}", self.networks) };
        let expires = self.expires_at.map_or_else(String::new, |at| format!(" expires={}", at.0));
        format!("scope={}{networks}{expires}", self.scope)
    }
}

impl FoundAppPassword {
    /// Whether it lives at this moment.
    #[must_use]
    pub fn life_at(&self, now: UnixTime, limits: &AppPasswordPolicy) -> Life {
        life_at(self.revoked_at, limits.end(self.created_at, self.expires_at), now)
    }
}

impl AppPasswordRow {
    /// Whether it lives at this moment.
    #[must_use]
    pub fn life_at(&self, now: UnixTime, limits: &AppPasswordPolicy) -> Life {
        life_at(self.revoked_at, limits.end(self.created_at, self.expires_at), now)
    }
}

fn life_at(revoked_at: Option<UnixTime>, end: Option<UnixTime>, now: UnixTime) -> Life {
    match (revoked_at, end) {
        (Some(_), _) => Life::Revoked,
        (None, Some(end)) if end <= now => Life::Expired,
        (None, _) => Life::Live,
    }
}

impl Store {
    /// Finds an app password by its tag: one indexed read, however many there are.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn app_password(&self, tag: &Tag) -> Result<Option<FoundAppPassword>, StoreError> {
        let found = self.reader().query_row(FIND, [tag], |row| Ok(read_found(row))).optional()?;
        found.transpose()
    }

    /// All app passwords of an account, live ones first, then tombstones, each by age.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn app_passwords(&self, account_id: i64) -> Result<Vec<AppPasswordRow>, StoreError> {
        let sql = "SELECT label, scope, networks, created_at, created_by, revoked_at, expires_at,
                          last_used_at, last_used_service,
                          last_used_from
                   FROM app_password WHERE account_id = ?1 ORDER BY revoked_at IS NOT NULL, created_at, id";
        let mut statement = self.reader().prepare(sql)?;
        let mut rows = statement.query([account_id])?;
        let mut listed = Vec::new();
        while let Some(row) = rows.next()? {
            listed.push(read_listed(row)?);
        }
        Ok(listed)
    }

    /// Stores an app password, if the account has fewer live ones than it may.
    ///
    /// # Errors
    /// `Taken` if the account has a live one of that label, [`StoreError::TooManyAppPasswords`] for the number.
    pub fn add_app_password(
        &self,
        account_id: i64,
        new: &NewAppPassword<'_>,
        limits: &AppPasswordPolicy,
        made: Made,
    ) -> Result<(), StoreError> {
        let add =
            "INSERT INTO app_password (account_id, label, tag, hash, key_id, scope, networks, expires_at,
                                             created_at, created_by)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
        let scope = new.scope.to_string();
        let networks = (!new.networks.are_any()).then(|| new.networks.to_string());
        let expires_at = new.expires_at.map(|at| number(at.0));
        let (label, at) = (new.label.as_str(), number(made.at.0));
        self.write(|transaction| {
            free_label(transaction, account_id, new.label, limits, made.at)?;
            if u32::from(limits.most) <= count_live(transaction, account_id, limits, made.at)? {
                return Err(StoreError::TooManyAppPasswords(limits.most));
            }
            let row =
                (account_id, label, new.tag, new.hash, KEY_ID, scope, networks, expires_at, at, made.by);
            transaction.execute(add, row)?;
            mark_enrolled(transaction, account_id, made.at)?;
            let detail = new.terms();
            let entry =
                Entry { label: Some(label), detail: Some(&detail), ..Entry::of("app.add", account_id) };
            self.record(transaction, made, &entry)
        })
    }

    /// Gives a live app password another label.
    ///
    /// # Errors
    /// `Taken` if the account has a live one of that label.
    pub fn rename_app_password(
        &self,
        account_id: i64,
        label: &Label,
        new: &Label,
        limits: &AppPasswordPolicy,
        made: Made,
    ) -> Result<Written, StoreError> {
        let sql = "UPDATE app_password SET label = ?3
                   WHERE account_id = ?1 AND label = ?2 AND revoked_at IS NULL";
        self.write(|transaction| {
            if label != new {
                free_label(transaction, account_id, new, limits, made.at)?;
            }
            let rows = transaction.execute(sql, (account_id, label.as_str(), new.as_str()))?;
            let entry = Entry {
                label: Some(label.as_str()),
                detail: Some(new.as_str()),
                ..Entry::of("app.rename", account_id)
            };
            self.record_if(rows, transaction, made, &entry)
        })
    }

    /// Turns a live app password into a tombstone. A login that starts after this returned is refused.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn revoke(&self, account_id: i64, label: &Label, made: Made) -> Result<Written, StoreError> {
        let sql = "UPDATE app_password SET revoked_at = ?3
                   WHERE account_id = ?1 AND label = ?2 AND revoked_at IS NULL";
        self.write(|transaction| {
            let rows = transaction.execute(sql, (account_id, label.as_str(), number(made.at.0)))?;
            let entry = Entry { label: Some(label.as_str()), ..Entry::of("app.revoke", account_id) };
            self.record_if(rows, transaction, made, &entry)
        })
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
        let sql = "UPDATE app_password SET last_used_at = ?2, last_used_service = ?3, last_used_from = ?4
                   WHERE id = ?1";
        let from = from.map(|address| address.to_string());
        self.write_if_free(|transaction| {
            transaction.execute(sql, (found.id, number(now.0), service.as_str(), from))?;
            Ok(())
        })
    }
}

const FIND: &str =
    "SELECT app_password.id, account.name, account.state, primary_check, unix_uid, label, hash, scope, networks,
            app_password.created_at, revoked_at, expires_at, last_used_at
     FROM app_password JOIN account ON account.id = account_id WHERE tag = ?1";

fn read_found(row: &Row<'_>) -> Result<FoundAppPassword, StoreError> {
    let revoked_at: Option<i64> = row.get("revoked_at")?;
    let expires_at: Option<i64> = row.get("expires_at")?;
    let last_used_at: Option<i64> = row.get("last_used_at")?;
    Ok(FoundAppPassword {
        id: row.get("id")?,
        account: row.get("name")?,
        account_state: state(&row.get::<_, String>("state")?)?,
        primary: PrimaryKeeper::from_word(&row.get::<_, String>("primary_check")?)?,
        unix_uid: row.get("unix_uid")?,
        label: row.get("label")?,
        hash: row.get("hash")?,
        scope: scope(row)?,
        networks: networks(row)?,
        created_at: time(row.get("created_at")?)?,
        expires_at: expires_at.map(time).transpose()?,
        revoked_at: revoked_at.map(time).transpose()?,
        last_used_at: last_used_at.map(time).transpose()?,
    })
}

fn read_listed(row: &Row<'_>) -> Result<AppPasswordRow, StoreError> {
    let revoked_at: Option<i64> = row.get("revoked_at")?;
    let last_used_at: Option<i64> = row.get("last_used_at")?;
    let expires_at: Option<i64> = row.get("expires_at")?;
    let service: Option<String> = row.get("last_used_service")?;
    let from = row.get("last_used_from")?;
    let last_use = match (last_used_at, service) {
        (Some(at), Some(service)) => Some(LastUse { at: time(at)?, service, from }),
        _ => None,
    };
    Ok(AppPasswordRow {
        label: row.get("label")?,
        scope: scope(row)?,
        created_at: time(row.get("created_at")?)?,
        created_by: row.get("created_by")?,
        networks: networks(row)?,
        revoked_at: revoked_at.map(time).transpose()?,
        expires_at: expires_at.map(time).transpose()?,
        last_use,
    })
}

fn scope(row: &Row<'_>) -> Result<Scope, StoreError> {
    Scope::parse(&row.get::<_, String>("scope")?).map_err(|_| StoreError::damaged("scope"))
}

/// An app password whose time is over gives its label away: it becomes a tombstone.
fn free_label(
    transaction: &Transaction<'_>,
    account_id: i64,
    label: &Label,
    limits: &AppPasswordPolicy,
    now: UnixTime,
) -> Result<(), StoreError> {
    let sql = "UPDATE app_password SET revoked_at = min(ifnull(expires_at, ?3), ?3)
               WHERE account_id = ?1 AND label = ?2 AND revoked_at IS NULL
                 AND (expires_at <= ?3 OR created_at <= ?4)";
    let too_early = limits.made_too_early(now).map(|moment| number(moment.0));
    transaction.execute(sql, (account_id, label.as_str(), number(now.0), too_early))?;
    Ok(())
}

/// How many an account has that are good; part of the transaction that adds one.
fn count_live(
    transaction: &Transaction<'_>,
    account_id: i64,
    limits: &AppPasswordPolicy,
    now: UnixTime,
) -> Result<u32, StoreError> {
    let sql = "SELECT count(*) FROM app_password
               WHERE account_id = ?1 AND revoked_at IS NULL AND (expires_at IS NULL OR ?2 < expires_at)
                 AND (?3 IS NULL OR ?3 < created_at)";
    let too_early = limits.made_too_early(now).map(|moment| number(moment.0));
    Ok(transaction.query_row(sql, (account_id, number(now.0), too_early), |row| row.get(0))?)
}

/// A damaged list is no "any".
fn networks(row: &Row<'_>) -> Result<Networks, StoreError> {
    let list: Option<String> = row.get("networks")?;
    list.map_or(Ok(Networks::default()), |list| {
        Networks::parse(&list).map_err(|_| StoreError::damaged("networks"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::secret::Secret;
    use crate::store::ChainKey;

    #[test]
    fn a_login_looks_up_by_index_and_scans_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store/store.db");
        let owner = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(directory.path()).unwrap());
        Store::prepare(&path, owner).unwrap();
        let chain = ChainKey { key: Secret::copy_of(b"chain"), key_id: KEY_ID };
        Store::create(&path, owner, [0; 16], chain, Made { at: UnixTime(1), by: 0 }).unwrap();
        let (store, ()) = Store::open(&path, owner, |_| Ok::<_, StoreError>(())).unwrap();
        let mut statement = store.reader().prepare(&format!("EXPLAIN QUERY PLAN {FIND}")).unwrap();
        let plan: Vec<String> =
            statement.query_map([[0_u8; 16]], |row| row.get("detail")).unwrap().map(Result::unwrap).collect();
        assert_eq!(plan.len(), 2, "{plan:?}");
        assert!(
            plan[0].contains("SEARCH app_password USING INDEX") && plan[0].contains("(tag=?)"),
            "{plan:?}"
        );
        assert!(plan[1].contains("SEARCH account USING INTEGER PRIMARY KEY"), "{plan:?}");
    }
}
