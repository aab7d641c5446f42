//! App passwords made, renamed and limited.

use std::fmt;

use rusqlite::Transaction;

use crate::crypto::keyring::Tag;
use crate::domain::app_password::Label;
use crate::domain::network::Networks;
use crate::domain::policy::AppPasswordPolicy;
use crate::domain::service::Scope;
use crate::domain::time::UnixTime;
use crate::store::accounts::{mark_enrolled, number};
use crate::store::app_passwords::free_label;
use crate::store::audit_rows::Entry;
use crate::store::{Made, Store, StoreError, Written};

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
    pub(super) fn terms(&self) -> String {
        let networks =
            if self.networks.are_any() { String::new() } else { format!(" networks={}", self.networks) };
        let expires = self.expires_at.map_or_else(String::new, |at| format!(" expires={}", at.0));
        format!("scope={}{networks}{expires}", self.scope)
    }

    pub(super) fn insert(
        &self,
        store: &Store,
        transaction: &Transaction<'_>,
        account_id: i64,
        replaces: Option<i64>,
        made: Made,
    ) -> Result<(), StoreError> {
        let sql =
            "INSERT INTO app_password (account_id, label, tag, hash, key_id, scope, networks, expires_at,
                                             replaces, created_at, created_by)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
        let networks = (!self.networks.are_any()).then(|| self.networks.to_string());
        let (label, scope) = (self.label.as_str(), self.scope.to_string());
        let (expires_at, at) = (self.expires_at.map(|at| number(at.0)), number(made.at.0));
        let key_id = store.key_id()?;
        transaction.execute(
            sql,
            (
                account_id, label, self.tag, self.hash, key_id, scope, networks, expires_at, replaces, at,
                made.by,
            ),
        )?;
        Ok(())
    }
}

/// What shall change about an app password; what is not named stays.
#[derive(Clone, Copy)]
pub struct NewLimits<'a> {
    /// What it is good for.
    pub scope: Option<&'a Scope>,
    /// From where it is good.
    pub networks: Option<&'a Networks>,
    /// When its time is over.
    pub expires_at: Option<UnixTime>,
}

impl fmt::Display for NewLimits<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scope = self.scope.map(|scope| format!("scope={scope}"));
        let networks = self.networks.map(|networks| match networks.are_any() {
            true => "networks=any".to_owned(),
            false => format!("networks={networks}"),
        });
        let end = self.expires_at.map(|at| format!("expires={}", at.0));
        let told: Vec<String> = [scope, networks, end].into_iter().flatten().collect();
        f.write_str(&told.join(" "))
    }
}

impl Store {
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
        self.write(|transaction| self.put_app_password(transaction, account_id, new, limits, made))
    }

    /// The same as part of a transaction.
    pub(in crate::store) fn put_app_password(
        &self,
        transaction: &Transaction<'_>,
        account_id: i64,
        new: &NewAppPassword<'_>,
        limits: &AppPasswordPolicy,
        made: Made,
    ) -> Result<(), StoreError> {
        free_label(transaction, account_id, new.label.as_str(), limits, made.at)?;
        if u32::from(limits.most) <= count_live(transaction, account_id, limits, made.at)? {
            return Err(StoreError::TooManyAppPasswords(limits.most));
        }
        new.insert(self, transaction, account_id, None, made)?;
        mark_enrolled(transaction, account_id, made.at)?;
        let (label, detail) = (Some(new.label.as_str()), new.terms());
        let entry = Entry { label, detail: Some(&detail), ..Entry::of("app.add", account_id) };
        self.record(transaction, made, &entry)
    }

    /// Changes what a live app password is good for.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn limit_app_password(
        &self,
        account_id: i64,
        label: &Label,
        new: &NewLimits<'_>,
        made: Made,
    ) -> Result<Written, StoreError> {
        let sql =
            "UPDATE app_password SET scope = coalesce(?3, scope), expires_at = coalesce(?6, expires_at),
                                           networks = CASE WHEN ?4 THEN ?5 ELSE networks END
                   WHERE account_id = ?1 AND label = ?2 AND revoked_at IS NULL
                     AND coalesce(expires_at > ?7, TRUE)";
        let scope = new.scope.map(ToString::to_string);
        let listed = new.networks.filter(|networks| !networks.are_any()).map(ToString::to_string);
        let (named, end) = (new.networks.is_some(), new.expires_at.map(|at| number(at.0)));
        let detail = new.to_string();
        self.write(|transaction| {
            let row = (account_id, label.as_str(), scope, named, listed, end, number(made.at.0));
            let rows = transaction.execute(sql, row)?;
            let entry = Entry {
                label: Some(label.as_str()),
                detail: Some(&detail),
                ..Entry::of("app.limit", account_id)
            };
            self.record_if(rows, transaction, made, &entry)
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
                free_label(transaction, account_id, new.as_str(), limits, made.at)?;
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
}

/// How many an account has that are good; one whose successor is there does not count, since it is on its way out.
/// Part of the transaction that adds one.
pub(in crate::store) fn count_live(
    transaction: &Transaction<'_>,
    account_id: i64,
    limits: &AppPasswordPolicy,
    now: UnixTime,
) -> Result<u32, StoreError> {
    let sql = "SELECT count(*) FROM app_password AS held
               WHERE account_id = ?1 AND revoked_at IS NULL AND (expires_at IS NULL OR ?2 < expires_at)
                 AND (?3 IS NULL OR ?3 < created_at)
                 AND NOT EXISTS (SELECT 1 FROM app_password AS next
                                 WHERE next.replaces = held.id AND next.revoked_at IS NULL)";
    let too_early = limits.made_too_early(now).map(|moment| number(moment.0));
    Ok(transaction.query_row(sql, (account_id, number(now.0), too_early), |row| row.get(0))?)
}
