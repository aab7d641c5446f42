//! Rows of `code_failure`: wrong codes behind a right primary password, by account and source.

use rusqlite::Transaction;

use crate::domain::time::UnixTime;
use crate::store::accounts::{number, time};
use crate::store::audit_rows::Entry;
use crate::store::{ALONE, Counted, Made, Store, StoreError, Use};

/// Wrong codes in a row from one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeFailures {
    /// The source, as [`crate::domain::throttle::Source`] writes it; codes alone say so before it.
    pub source: String,
    /// What they count against.
    pub counted: Counted,
    /// How many.
    pub count: u32,
    /// When the last one was.
    pub last_at: UnixTime,
}

impl CodeFailures {
    /// The source, whatever they count against.
    #[must_use]
    pub fn place(&self) -> &str {
        self.source.strip_prefix(ALONE).unwrap_or(&self.source)
    }
}

/// Whether a code may be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserved {
    /// A failure is written down, until a right code takes it back.
    Now,
    /// There were too many already, or the account was removed meanwhile.
    Closed,
}

impl Store {
    /// The wrong codes of an account, by source.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn code_failures(&self, account_id: i64) -> Result<Vec<CodeFailures>, StoreError> {
        let sql = "SELECT source, count, last_at FROM code_failure WHERE account_id = ?1 ORDER BY source";
        let mut statement = self.reader().prepare(sql)?;
        let mut rows = statement.query([account_id])?;
        let mut failures = Vec::new();
        while let Some(row) = rows.next()? {
            let last_at = time(row.get("last_at")?)?;
            let source: String = row.get("source")?;
            let alone = source.starts_with(ALONE);
            let counted = if alone { Counted::Alone } else { Counted::BehindPrimary };
            failures.push(CodeFailures { source, counted, count: row.get("count")?, last_at });
        }
        Ok(failures)
    }

    /// Writes a failure down before a code is compared, if there are fewer than `most`: of many wrong codes at once, no
    /// more are compared than that, and a crash forgets none.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn reserve_code_failure(
        &self,
        account_id: i64,
        most: u32,
        by: &Use<'_>,
    ) -> Result<Reserved, StoreError> {
        let reserve = "INSERT INTO code_failure (account_id, source, count, last_at)
                       SELECT ?1, ?2, 1, ?3
                       WHERE (SELECT coalesce(sum(count), 0) FROM code_failure
                              WHERE account_id = ?1 AND (substr(source, 1, 6) = ?5) = ?6) < ?4
                         AND EXISTS (SELECT 1 FROM account WHERE id = ?1)
                       ON CONFLICT (account_id, source) DO UPDATE SET count = count + 1, last_at = ?3";
        let sum =
            "SELECT sum(count) FROM code_failure WHERE account_id = ?1 AND (substr(source, 1, 6) = ?2) = ?3";
        let (source, alone) = (by.source(), by.counted == Counted::Alone);
        self.write(|transaction| {
            let row = (account_id, source, number(by.made.at.0), most, ALONE, alone);
            if transaction.execute(reserve, row)? == 0 {
                return Ok(Reserved::Closed);
            }
            if most <= transaction.query_row(sum, (account_id, ALONE, alone), |row| row.get(0))? {
                let detail = by.to_string();
                let entry = Entry { detail: Some(&detail), ..Entry::of("code.close", account_id) };
                self.record(transaction, by.made, &entry)?;
            }
            Ok(Reserved::Now)
        })
    }

    /// Forgives all wrong codes of an account; says how many there were.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn unlock(&self, account_id: i64, made: Made) -> Result<u32, StoreError> {
        let sum = "SELECT coalesce(sum(count), 0) FROM code_failure WHERE account_id = ?1";
        self.write(|transaction| {
            let forgiven = transaction.query_row(sum, [account_id], |row| row.get(0))?;
            transaction.execute("DELETE FROM code_failure WHERE account_id = ?1", [account_id])?;
            self.record(transaction, made, &Entry::of("account.unlock", account_id))?;
            Ok(forgiven)
        })
    }
}

/// Forgives the wrong codes that came from where a right one has come from; part of the transaction that spends it.
pub(super) fn forgive(
    transaction: &Transaction<'_>,
    account_id: i64,
    by: &Use<'_>,
) -> Result<(), StoreError> {
    let sql = "DELETE FROM code_failure WHERE account_id = ?1 AND source = ?2";
    transaction.execute(sql, (account_id, by.source()))?;
    Ok(())
}
