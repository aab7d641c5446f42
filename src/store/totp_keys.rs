//! Rows of `totp_key`.

use rusqlite::{Row, Transaction};

use crate::crypto::otp::{Algorithm, Digits};
use crate::domain::app_password::Label;
use crate::domain::time::UnixTime;
use crate::domain::totp::{Period, TimeStep, Totp};
use crate::store::accounts::{is_unchanged, mark_enrolled, number, time};
use crate::store::audit_rows::Entry;
use crate::store::code_failures::forgive;
use crate::store::{Account, Made, Store, StoreError, Use, Written};

/// A key as the store has it: sealed.
pub struct TotpRow {
    /// The row, to which the seal is bound.
    pub id: i64,
    /// What its owner calls it.
    pub label: String,
    /// The sealed key.
    pub sealed: Vec<u8>,
    /// The master key that sealed it.
    pub key_id: i64,
    /// The hash.
    pub algorithm: Algorithm,
    /// The length of its codes.
    pub digits: Digits,
    /// The length of its steps.
    pub period: Period,
    /// The newest step that is spent.
    pub last_step: TimeStep,
    /// When it was enrolled.
    pub created_at: UnixTime,
}

/// A key that is about to be stored; the seal needs the row's id and follows.
pub struct NewTotpKey<'a> {
    /// What its owner calls it.
    pub label: &'a Label,
    /// The hash.
    pub algorithm: Algorithm,
    /// The length of its codes.
    pub digits: Digits,
    /// The length of its steps.
    pub period: Period,
    /// The step of the code that confirmed it.
    pub last_step: TimeStep,
}

impl<'a> NewTotpKey<'a> {
    /// A key with the step of the code that confirmed it.
    #[must_use]
    pub const fn new(label: &'a Label, totp: &Totp, last_step: TimeStep) -> Self {
        Self { label, algorithm: totp.algorithm, digits: totp.digits, period: totp.period, last_step }
    }
}

/// Whether a step was still there to be spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// It was, and is spent now.
    Now,
    /// It was not.
    Before,
    /// The account is closed or has another primary.
    NotForThisAccount,
}

impl Store {
    /// The keys of an account, by age.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn totp_keys(&self, account_id: i64) -> Result<Vec<TotpRow>, StoreError> {
        read_all(self.reader(), account_id)
    }

    /// Stores a key, if the account has fewer than `most` and none of the label. `seal` is given the row's id.
    ///
    /// # Errors
    /// `Taken` for the label, [`StoreError::TooMany`] for the number, or what `seal` says.
    pub fn add_totp_key(
        &self,
        account_id: i64,
        new: &NewTotpKey<'_>,
        made: Made,
        most: usize,
        seal: impl FnOnce(i64) -> Result<Vec<u8>, StoreError>,
    ) -> Result<(), StoreError> {
        self.write(|transaction| self.put_totp_key(transaction, account_id, new, made, most, seal))
    }

    /// The same as part of a transaction.
    pub(super) fn put_totp_key(
        &self,
        transaction: &Transaction<'_>,
        account_id: i64,
        new: &NewTotpKey<'_>,
        made: Made,
        most: usize,
        seal: impl FnOnce(i64) -> Result<Vec<u8>, StoreError>,
    ) -> Result<(), StoreError> {
        let sql =
            "INSERT INTO totp_key (account_id, label, sealed, key_id, algorithm, digits, period, last_step,
                                         created_at, created_by)
                   VALUES (?1, ?2, x'', ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        let present = read_all(transaction, account_id)?;
        if most <= present.len() {
            return Err(StoreError::TooMany(most));
        }
        if present.iter().any(|key| key.digits != new.digits) {
            return Err(StoreError::OtherCodeLength);
        }
        let (step, at) = (number(new.last_step.0), number(made.at.0));
        let (digits, period) = (new.digits.count(), number(new.period.secs()));
        let label = new.label.as_str();
        transaction.execute(
            sql,
            (account_id, label, self.key_id()?, new.algorithm.name(), digits, period, step, at, made.by),
        )?;
        let id = transaction.last_insert_rowid();
        transaction.execute("UPDATE totp_key SET sealed = ?2 WHERE id = ?1", (id, seal(id)?))?;
        mark_enrolled(transaction, account_id, made.at)?;
        let entry = Entry { label: Some(label), ..Entry::of("totp.enroll", account_id) };
        self.record(transaction, made, &entry)
    }

    /// Removes a key. The account stays enrolled.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn remove_totp_key(&self, account_id: i64, label: &Label, made: Made) -> Result<Written, StoreError> {
        // What the key has spent stays spent, should it come back.
        // But no longer than any code of now could live: the clock may have been ahead.
        let keep = "UPDATE account SET codes_spent_until = max(codes_spent_until, (
                        SELECT min((last_step + 1) * period, ?3 + 2 * period) FROM totp_key
                        WHERE account_id = ?1 AND label = ?2))
                    WHERE id = ?1 AND EXISTS (SELECT 1 FROM totp_key WHERE account_id = ?1 AND label = ?2)";
        let remove = "DELETE FROM totp_key WHERE account_id = ?1 AND label = ?2";
        self.write(|transaction| {
            transaction.execute(keep, (account_id, label.as_str(), number(made.at.0)))?;
            let rows = transaction.execute(remove, (account_id, label.as_str()))?;
            let entry = Entry { label: Some(label.as_str()), ..Entry::of("totp.remove", account_id) };
            self.record_if(rows, transaction, made, &entry)
        })
    }

    /// Spends a step, and with it every earlier one, if the account still is what the login saw. Two logins
    /// with one code: exactly one sees `Now`.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn spend_step(
        &self,
        account: &Account,
        key: &TotpRow,
        step: TimeStep,
        by: &Use<'_>,
    ) -> Result<Spent, StoreError> {
        let spend = "UPDATE totp_key SET last_step = ?3 WHERE id = ?1 AND account_id = ?2 AND last_step < ?3";
        self.write(|transaction| {
            if !is_unchanged(transaction, account)? {
                return Ok(Spent::NotForThisAccount);
            }
            let rows = transaction.execute(spend, (key.id, account.id, number(step.0)))?;
            let (label, detail) = (Some(key.label.as_str()), by.to_string());
            let entry = Entry { label, detail: Some(&detail), ..Entry::of("code.spend", account.id) };
            match self.record_if(rows, transaction, by.made, &entry)? {
                Written::NotFound => Ok(Spent::Before),
                Written::Changed => {
                    forgive(transaction, account.id, by)?;
                    Ok(Spent::Now)
                }
            }
        })
    }
}

fn read_all(connection: &rusqlite::Connection, account_id: i64) -> Result<Vec<TotpRow>, StoreError> {
    let sql = "SELECT id, label, sealed, key_id, algorithm, digits, period, last_step, created_at
               FROM totp_key WHERE account_id = ?1 ORDER BY id";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([account_id])?;
    let mut keys = Vec::new();
    while let Some(row) = rows.next()? {
        keys.push(read(row)?);
    }
    Ok(keys)
}

fn read(row: &Row<'_>) -> Result<TotpRow, StoreError> {
    let period = u64::try_from(row.get::<_, i64>("period")?).ok().and_then(Period::new);
    Ok(TotpRow {
        id: row.get("id")?,
        label: row.get("label")?,
        sealed: row.get("sealed")?,
        key_id: row.get("key_id")?,
        algorithm: Algorithm::from_name(&row.get::<_, String>("algorithm")?)
            .ok_or_else(|| StoreError::damaged("algorithm"))?,
        digits: Digits::new(row.get("digits")?).ok_or_else(|| StoreError::damaged("digits"))?,
        period: period.ok_or_else(|| StoreError::damaged("period"))?,
        last_step: TimeStep(time(row.get("last_step")?)?.0),
        created_at: time(row.get("created_at")?)?,
    })
}
