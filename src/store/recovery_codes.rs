//! Rows of `recovery_code`.

use rusqlite::{OptionalExtension, Row, Transaction};

use crate::crypto::keyring::Tag;
use crate::domain::time::UnixTime;
use crate::store::accounts::{is_unchanged, mark_enrolled, number, time};
use crate::store::audit_rows::Entry;
use crate::store::code_failures::forgive;
use crate::store::totp_keys::Spent;
use crate::store::{Account, Made, Store, StoreError, Use, Written};

/// What a login finds by a tag.
pub struct FoundRecoveryCode {
    /// The row.
    pub id: i64,
    /// Whose it is.
    pub account_id: i64,
    /// The PHC string.
    pub hash: String,
    /// The master key that it is hashed with.
    pub key_id: i64,
    /// When it was spent.
    pub spent_at: Option<UnixTime>,
    /// When newer ones replaced it.
    pub retired_at: Option<UnixTime>,
}

/// A recovery code that is about to be stored.
pub struct NewRecoveryCode {
    /// Finds it again.
    pub tag: Tag,
    /// The PHC string.
    pub hash: String,
}

/// The recovery codes of an account, as a list shows them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecoveryCodes {
    /// How many are neither spent nor retired.
    pub left: u32,
    /// How many of the newest ones are spent.
    pub spent: u32,
    /// When the newest ones were made.
    pub created_at: Option<UnixTime>,
}

impl Store {
    /// Finds a recovery code by its tag: one indexed read.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn recovery_code(&self, tag: &Tag) -> Result<Option<FoundRecoveryCode>, StoreError> {
        let sql =
            "SELECT id, account_id, hash, key_id, spent_at, retired_at FROM recovery_code WHERE tag = ?1";
        self.reader().query_row(sql, [tag], |row| Ok(read(row))).optional()?.transpose()
    }

    /// How many recovery codes an account has left.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn recovery_codes(&self, account_id: i64) -> Result<RecoveryCodes, StoreError> {
        let sql = "SELECT count(*) FILTER (WHERE spent_at IS NULL) AS left,
                          count(*) FILTER (WHERE spent_at IS NOT NULL) AS spent,
                          max(created_at) AS created_at
                   FROM recovery_code WHERE account_id = ?1 AND retired_at IS NULL";
        let read = |row: &Row<'_>| Ok((row.get("left")?, row.get("spent")?, row.get("created_at")?));
        let (left, spent, created_at): (u32, u32, Option<i64>) =
            self.reader().query_row(sql, [account_id], read)?;
        Ok(RecoveryCodes { left, spent, created_at: created_at.map(time).transpose()? })
    }

    /// Stores recovery codes; those that the account had are good no more.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn replace_recovery_codes(
        &self,
        account_id: i64,
        new: &[NewRecoveryCode],
        made: Made,
    ) -> Result<(), StoreError> {
        self.write(|transaction| self.put_recovery_codes(transaction, account_id, new, made))
    }

    /// The same as part of a transaction.
    pub(super) fn put_recovery_codes(
        &self,
        transaction: &Transaction<'_>,
        account_id: i64,
        new: &[NewRecoveryCode],
        made: Made,
    ) -> Result<(), StoreError> {
        let retire = "UPDATE recovery_code SET retired_at = ?2 WHERE account_id = ?1 AND retired_at IS NULL";
        let add = "INSERT INTO recovery_code (account_id, tag, hash, key_id, created_at, created_by)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let at = number(made.at.0);
        transaction.execute(retire, (account_id, at))?;
        for code in new {
            transaction.execute(add, (account_id, code.tag, &code.hash, self.key_id()?, at, made.by))?;
        }
        mark_enrolled(transaction, account_id, made.at)?;
        let detail = format!("codes={}", new.len());
        let entry = Entry { detail: Some(&detail), ..Entry::of("recovery.new", account_id) };
        self.record(transaction, made, &entry)
    }

    /// Spends a recovery code, if the account still is what the login saw. Two logins with one code: exactly one sees
    /// `Now`.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn spend_recovery_code(&self, account: &Account, id: i64, by: &Use<'_>) -> Result<Spent, StoreError> {
        let spend = "UPDATE recovery_code SET spent_at = ?3
                     WHERE id = ?1 AND account_id = ?2 AND spent_at IS NULL AND retired_at IS NULL";
        self.write(|transaction| {
            if !is_unchanged(transaction, account)? {
                return Ok(Spent::NotForThisAccount);
            }
            let rows = transaction.execute(spend, (id, account.id, number(by.made.at.0)))?;
            let detail = by.to_string();
            let entry = Entry { detail: Some(&detail), ..Entry::of("recovery.spend", account.id) };
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

fn read(row: &Row<'_>) -> Result<FoundRecoveryCode, StoreError> {
    let spent_at: Option<i64> = row.get("spent_at")?;
    let retired_at: Option<i64> = row.get("retired_at")?;
    Ok(FoundRecoveryCode {
        id: row.get("id")?,
        account_id: row.get("account_id")?,
        hash: row.get("hash")?,
        key_id: row.get("key_id")?,
        spent_at: spent_at.map(time).transpose()?,
        retired_at: retired_at.map(time).transpose()?,
    })
}
