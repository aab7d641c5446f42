//! Accounts that fell into wrong hands, and accounts that are removed.

use rusqlite::{Connection, OptionalExtension, Transaction};

use crate::domain::account::AccountState;
use crate::domain::time::UnixTime;
use crate::store::accounts::{number, state};
use crate::store::audit_rows::Entry;
use crate::store::{Made, Store, StoreError, Written};

/// What becomes of the keys of an account that fell into wrong hands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TotpKeys {
    /// They stay: their owner has the device in hand.
    Keep,
    /// They go.
    Remove,
}

/// What an account loses that fell into wrong hands.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// The labels of its app passwords.
    pub app_passwords: Vec<String>,
    /// How many were revoked before and could have been restored.
    pub restorable: u32,
    /// The labels of its keys.
    pub totp_keys: Vec<String>,
    /// How many recovery codes are retired.
    pub recovery_codes: u32,
    /// Whether it is open so far.
    pub open: bool,
}

impl Store {
    /// What [`Store::close_compromised`] would take at this moment.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn losses(&self, account_id: i64, keys: TotpKeys) -> Result<Option<Losses>, StoreError> {
        losses(self.reader(), account_id, keys)
    }

    /// Closes an account and takes from it, for ever, all that somebody else may have. `None` if there is no such
    /// account.
    ///
    /// # Errors
    /// Where the store fails; then nothing is changed.
    pub fn close_compromised(
        &self,
        account_id: i64,
        keys: TotpKeys,
        made: Made,
    ) -> Result<Option<Losses>, StoreError> {
        self.write(|transaction| {
            let Some(losses) = losses(transaction, account_id, keys)? else {
                return Ok(None);
            };
            transaction.execute("UPDATE account SET state = 'disabled' WHERE id = ?1", [account_id])?;
            bury_app_passwords(transaction, account_id, made.at)?;
            retire_recovery_codes(transaction, account_id, made.at)?;
            if keys == TotpKeys::Remove {
                remove_totp_keys(transaction, account_id)?;
            }
            self.record_losses(transaction, account_id, &losses, made)?;
            Ok(Some(losses))
        })
    }

    fn record_losses(
        &self,
        transaction: &Transaction<'_>,
        account_id: i64,
        losses: &Losses,
        made: Made,
    ) -> Result<(), StoreError> {
        let detail = format!(
            "app_passwords={} totp_keys={} recovery_codes={}",
            losses.app_passwords.len(),
            losses.totp_keys.len(),
            losses.recovery_codes
        );
        let entry = Entry { detail: Some(&detail), ..Entry::of("account.compromised", account_id) };
        self.record(transaction, made, &entry)?;
        let revoked = losses.app_passwords.iter().map(|label| ("app.revoke", label));
        let removed = losses.totp_keys.iter().map(|label| ("totp.remove", label));
        for (event, label) in revoked.chain(removed) {
            let entry = Entry { label: Some(label), ..Entry::of(event, account_id) };
            self.record(transaction, made, &entry)?;
        }
        Ok(())
    }

    /// Removes an account and all that is its own; its history stays in the audit chain. A login that starts after
    /// this returned finds nothing, and one that is under way can spend nothing.
    ///
    /// # Errors
    /// Where the store fails; then nothing is changed.
    pub fn remove_account(&self, account_id: i64, made: Made) -> Result<Written, StoreError> {
        let known = "SELECT 1 FROM account WHERE id = ?1";
        self.remove(account_id, known, "account.remove", made)
    }

    /// Removes an account that was made to be thrown away, and no other.
    ///
    /// # Errors
    /// Where the store fails; then nothing is changed.
    pub fn remove_throw_away(&self, account_id: i64, made: Made) -> Result<Written, StoreError> {
        let known = "SELECT 1 FROM account WHERE id = ?1 AND throw_away = 1";
        self.remove(account_id, known, "probe.remove", made)
    }

    fn remove(
        &self,
        account_id: i64,
        known: &'static str,
        event: &'static str,
        made: Made,
    ) -> Result<Written, StoreError> {
        self.write(|transaction| {
            if transaction.query_row(known, [account_id], |_| Ok(())).optional()?.is_none() {
                return Ok(Written::NotFound);
            }
            // Before its name is gone.
            self.record(transaction, made, &Entry::of(event, account_id))?;
            for (_, delete) in OWN {
                transaction.execute(delete, [account_id])?;
            }
            transaction.execute("DELETE FROM account WHERE id = ?1", [account_id])?;
            Ok(Written::Changed)
        })
    }
}

/// The tables whose rows are an account's own.
const OWN: [(&str, &str); 4] = [
    ("app_password", "DELETE FROM app_password WHERE account_id = ?1"),
    ("code_failure", "DELETE FROM code_failure WHERE account_id = ?1"),
    ("recovery_code", "DELETE FROM recovery_code WHERE account_id = ?1"),
    ("totp_key", "DELETE FROM totp_key WHERE account_id = ?1"),
];

fn losses(connection: &Connection, account_id: i64, keys: TotpKeys) -> Result<Option<Losses>, StoreError> {
    let sql = "SELECT state FROM account WHERE id = ?1";
    let found: Option<String> = connection.query_row(sql, [account_id], |row| row.get(0)).optional()?;
    let Some(word) = found else {
        return Ok(None);
    };
    let count = |sql: &str| connection.query_row(sql, [account_id], |row| row.get::<_, u32>(0));
    let labels = |sql: &str| -> Result<Vec<String>, StoreError> {
        let mut statement = connection.prepare(sql)?;
        let labels = statement.query_map([account_id], |row| row.get(0))?;
        Ok(labels.collect::<Result<_, _>>()?)
    };
    let app_passwords =
        "SELECT label FROM app_password WHERE account_id = ?1 AND revoked_at IS NULL ORDER BY id";
    let restorable = "SELECT count(*) FROM app_password WHERE account_id = ?1 AND revocation IS NOT NULL";
    let totp_keys = "SELECT label FROM totp_key WHERE account_id = ?1 ORDER BY id";
    let recovery_codes = "SELECT count(*) FROM recovery_code
                          WHERE account_id = ?1 AND spent_at IS NULL AND retired_at IS NULL";
    Ok(Some(Losses {
        app_passwords: labels(app_passwords)?,
        restorable: count(restorable)?,
        totp_keys: if keys == TotpKeys::Remove { labels(totp_keys)? } else { Vec::new() },
        recovery_codes: count(recovery_codes)?,
        open: state(&word)? == AccountState::Active,
    }))
}

/// Those that were revoked before cannot be restored any more either.
fn bury_app_passwords(
    transaction: &Transaction<'_>,
    account_id: i64,
    now: UnixTime,
) -> Result<(), StoreError> {
    let sql = "UPDATE app_password SET revoked_at = ifnull(revoked_at, ?2), revocation = NULL
               WHERE account_id = ?1 AND (revoked_at IS NULL OR revocation IS NOT NULL)";
    transaction.execute(sql, (account_id, number(now.0)))?;
    Ok(())
}

fn retire_recovery_codes(
    transaction: &Transaction<'_>,
    account_id: i64,
    now: UnixTime,
) -> Result<(), StoreError> {
    let sql = "UPDATE recovery_code SET retired_at = ?2
               WHERE account_id = ?1 AND spent_at IS NULL AND retired_at IS NULL";
    transaction.execute(sql, (account_id, number(now.0)))?;
    Ok(())
}

/// What they have spent stays spent, should one of them come back. The wrong codes were guesses at these keys, and go
/// with them.
fn remove_totp_keys(transaction: &Transaction<'_>, account_id: i64) -> Result<(), StoreError> {
    let keep = "UPDATE account SET codes_spent_until = max(codes_spent_until, ifnull(
                    (SELECT max((last_step + 1) * period) FROM totp_key WHERE account_id = ?1), 0))
                WHERE id = ?1";
    transaction.execute(keep, [account_id])?;
    transaction.execute("DELETE FROM totp_key WHERE account_id = ?1", [account_id])?;
    transaction.execute("DELETE FROM code_failure WHERE account_id = ?1", [account_id])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::empty;

    #[test]
    fn every_table_that_speaks_of_an_account_is_cleared_with_it() {
        let directory = tempfile::tempdir().unwrap();
        let store = empty(directory.path());
        let sql = "SELECT schema.name FROM sqlite_schema AS schema
                   JOIN pragma_foreign_key_list(schema.name) AS reference ON reference.\"table\" = 'account'
                   WHERE schema.type = 'table' ORDER BY schema.name";
        let mut statement = store.reader().prepare(sql).unwrap();
        let tables: Vec<String> =
            statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert_eq!(tables, OWN.map(|(table, _)| table));
        for (table, delete) in OWN {
            assert!(delete.starts_with(&format!("DELETE FROM {table} ")), "{delete}");
        }
    }
}
