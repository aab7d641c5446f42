//! Revocations taken back.

use rusqlite::{OptionalExtension, Row, Transaction};

use crate::domain::policy::AppPasswordPolicy;
use crate::domain::time::UnixTime;
use crate::store::accounts::{number, time};
use crate::store::app_passwords::changes::count_live;
use crate::store::app_passwords::rotation::live_successor;
use crate::store::app_passwords::{free_label, holder, moment};
use crate::store::audit_rows::Entry;
use crate::store::{Made, Store, StoreError};

/// What became of one that was to be restored.
pub struct Restored {
    /// Whose it is.
    pub account: String,
    /// What its owner calls it.
    pub label: String,
    /// What became of it.
    pub fate: Fate,
}

/// Whether one lives again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It does.
    Restored,
    /// Another live one has its label.
    LabelTaken,
    /// Its time is over.
    Expired,
    /// The account has as many live ones as it may.
    TooMany,
    /// The key that it was under is dropped: nobody can tell any more whether a secret is right.
    KeyDropped,
}

/// A revocation that may still be taken back.
pub struct RestorableRevocation {
    /// By which it is restored.
    pub id: i64,
    /// When it was made.
    pub at: UnixTime,
    /// By which uid.
    pub by: u32,
    /// Until when it may be taken back.
    pub restorable_until: UnixTime,
    /// What it would restore: account and label.
    pub app_passwords: Vec<(String, String)>,
}

impl Store {
    /// Revocations that may be taken back at this moment, the newest first.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn restorable_revocations(&self, now: UnixTime) -> Result<Vec<RestorableRevocation>, StoreError> {
        let sql = "SELECT revocation.id, revocation.at, revocation.by, restorable_until, account.name, label
                   FROM revocation JOIN app_password ON app_password.revocation = revocation.id
                                   JOIN account ON account.id = account_id
                   WHERE ?1 < restorable_until AND revoked_at IS NOT NULL
                     AND app_password.key_id NOT IN (SELECT key_id FROM key_check WHERE retired_at IS NOT NULL)
                   ORDER BY revocation.id DESC, account.name, app_password.id";
        let mut statement = self.reader().prepare(sql)?;
        let mut rows = statement.query([number(now.0)])?;
        let mut listed: Vec<RestorableRevocation> = Vec::new();
        while let Some(row) = rows.next()? {
            let (id, one) = (row.get("id")?, (row.get("name")?, row.get("label")?));
            match listed.last_mut().filter(|last| last.id == id) {
                Some(last) => last.app_passwords.push(one),
                None => listed.push(RestorableRevocation {
                    id,
                    at: time(row.get("at")?)?,
                    by: row.get("by")?,
                    restorable_until: time(row.get("restorable_until")?)?,
                    app_passwords: vec![one],
                }),
            }
        }
        Ok(listed)
    }

    /// Takes a revocation back, as far as it can be. What cannot live again stays as it is, and may be asked for once
    /// more while there is time.
    ///
    /// # Errors
    /// [`StoreError::NoRevocation`], or [`StoreError::TooLateToRestore`].
    pub fn restore(
        &self,
        id: i64,
        limits: &AppPasswordPolicy,
        made: Made,
    ) -> Result<Vec<Restored>, StoreError> {
        self.spill_nothing()?;
        self.write(|transaction| {
            let until = restorable_until(transaction, id)?.ok_or(StoreError::NoRevocation(id))?;
            if until <= made.at {
                return Err(StoreError::TooLateToRestore(id));
            }
            let mut restored = Vec::new();
            for row in revoked_by(transaction, id)? {
                let fate = fate(transaction, &row, limits, made.at)?;
                if fate == Fate::Restored {
                    self.revive(transaction, &row, id, made)?;
                }
                restored.push(Restored { account: row.account, label: row.label, fate });
            }
            restored.sort_by(|one, other| (&one.account, &one.label).cmp(&(&other.account, &other.label)));
            let sql = "UPDATE revocation SET restored_at = ?2 WHERE id = ?1";
            transaction.execute(sql, (id, number(made.at.0)))?;
            Ok(restored)
        })
    }

    fn revive(
        &self,
        transaction: &Transaction<'_>,
        row: &Revoked,
        revocation: i64,
        made: Made,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE app_password SET revoked_at = NULL, revocation = NULL WHERE id = ?1";
        transaction.execute(sql, [row.id])?;
        let detail = format!("revocation={revocation}");
        let (label, detail) = (Some(row.label.as_str()), Some(detail.as_str()));
        self.record(transaction, made, &Entry { label, detail, ..Entry::of("app.restore", row.account_id) })
    }
}

/// One that a revocation took.
struct Revoked {
    id: i64,
    account_id: i64,
    account: String,
    label: String,
    created_at: UnixTime,
    expires_at: Option<UnixTime>,
    key_dropped: bool,
}

fn restorable_until(transaction: &Transaction<'_>, id: i64) -> Result<Option<UnixTime>, StoreError> {
    let sql = "SELECT restorable_until FROM revocation WHERE id = ?1";
    transaction.query_row(sql, [id], |row| row.get(0)).optional()?.map(time).transpose()
}

/// The newest first: a successor comes back before the one that it replaces, which then takes no place of its own.
fn revoked_by(transaction: &Transaction<'_>, id: i64) -> Result<Vec<Revoked>, StoreError> {
    let sql = "SELECT app_password.id, account_id, account.name, label, app_password.created_at, expires_at,
                      retired_at IS NOT NULL AS key_dropped
               FROM app_password JOIN account ON account.id = account_id
                                 JOIN key_check ON key_check.key_id = app_password.key_id
               WHERE revocation = ?1 AND revoked_at IS NOT NULL ORDER BY app_password.id DESC";
    let mut statement = transaction.prepare(sql)?;
    let mut rows = statement.query([id])?;
    let mut revoked = Vec::new();
    while let Some(row) = rows.next()? {
        revoked.push(read(row)?);
    }
    Ok(revoked)
}

fn read(row: &Row<'_>) -> Result<Revoked, StoreError> {
    Ok(Revoked {
        id: row.get("id")?,
        account_id: row.get("account_id")?,
        account: row.get("name")?,
        label: row.get("label")?,
        created_at: time(row.get("created_at")?)?,
        expires_at: moment(row, "expires_at")?,
        key_dropped: row.get("key_dropped")?,
    })
}

fn fate(
    transaction: &Transaction<'_>,
    row: &Revoked,
    limits: &AppPasswordPolicy,
    now: UnixTime,
) -> Result<Fate, StoreError> {
    if row.key_dropped {
        return Ok(Fate::KeyDropped);
    }
    if limits.end(row.created_at, row.expires_at).is_some_and(|end| end <= now) {
        return Ok(Fate::Expired);
    }
    free_label(transaction, row.account_id, &row.label, limits, now)?;
    if holder(transaction, row.account_id, &row.label)?.is_some() {
        return Ok(Fate::LabelTaken);
    }
    let on_its_way_out = live_successor(transaction, row.id, now)?.is_some();
    let live = count_live(transaction, row.account_id, limits, now)?;
    let full = !on_its_way_out && u32::from(limits.most) <= live;
    Ok(if full { Fate::TooMany } else { Fate::Restored })
}
