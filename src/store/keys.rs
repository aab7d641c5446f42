//! Rows of `key_check`, and which rows of the other tables are under which key.
//!
//! Knows: the steps of a change of keys, each of them one short transaction that leaves a store that works.
//! Never: a key itself; what is sealed anew is handed in and out.

use std::collections::BTreeMap;

use rusqlite::Transaction;

use crate::domain::time::UnixTime;
use crate::store::accounts::number;
use crate::store::audit_rows::Entry;
use crate::store::{HashPlace, Made, NO_HASH, SEALED_HASH, Store, StoreError};

/// A key that rows may be under.
#[derive(Debug)]
pub struct KnownKey {
    /// By which rows name it.
    pub id: i64,
    /// By which it is told from others.
    pub check: Vec<u8>,
}

/// A key that no row but those of the audit chain is under.
pub struct RetiredKey {
    /// By which rows of the audit chain name it.
    pub id: i64,
    /// The sub-key that chained them, sealed under the newest key.
    pub sealed_audit_key: Vec<u8>,
}

/// What an account has under a key, which only its owner can move to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The account.
    pub account: String,
    /// Live app passwords.
    pub app_passwords: u32,
    /// Recovery codes that are neither spent nor retired.
    pub recovery_codes: u32,
    /// Primary passwords that we check.
    pub primaries: u32,
}

/// Something sealed, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sealed {
    /// A TOTP key.
    TotpKey {
        /// Whose.
        account: i64,
        /// Its row.
        row: i64,
        /// The seal.
        sealed: Vec<u8>,
        /// The key that it is under.
        key_id: i64,
    },
    /// A hash that was brought along.
    Hash {
        /// Where it is.
        place: HashPlace,
        /// The seal, as text.
        sealed: String,
        /// The key that it is under.
        key_id: i64,
    },
}

/// The same thing under the newest key.
pub enum SealedAnew {
    /// A TOTP key.
    TotpKey(Vec<u8>),
    /// A hash.
    Hash(String),
}

impl Store {
    /// The keys that rows may be under.
    ///
    /// # Errors
    /// Where the store fails or has none.
    pub fn known_keys(&self) -> Result<Vec<KnownKey>, StoreError> {
        let sql = "SELECT key_id, value FROM key_check WHERE retired_at IS NULL";
        let mut statement = self.reader().prepare(sql)?;
        let rows = statement.query_map([], |row| Ok(KnownKey { id: row.get(0)?, check: row.get(1)? }))?;
        let known = rows.collect::<Result<Vec<_>, _>>()?;
        if known.is_empty() {
            return Err(StoreError::damaged("key_check"));
        }
        Ok(known)
    }

    /// Whether somebody has shown a copy of each key that rows may be under.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn keys_are_copied(&self) -> Result<bool, StoreError> {
        let sql = "SELECT count(*) FROM key_check WHERE retired_at IS NULL AND copied_at IS NULL";
        Ok(0 == self.reader().query_row(sql, [], |row| row.get::<_, i64>(0))?)
    }

    /// Remembers that a copy of these keys was seen.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn mark_keys_copied(&self, keys: &[i64], made: Made) -> Result<(), StoreError> {
        self.write(|transaction| {
            for key_id in keys {
                let sql = "UPDATE key_check SET copied_at = ?2 WHERE key_id = ?1";
                transaction.execute(sql, (key_id, number(made.at.0)))?;
            }
            let listed: Vec<String> = keys.iter().map(ToString::to_string).collect();
            let detail = format!("keys={}", listed.join(","));
            let entry = Entry { event: "key.verify", detail: Some(&detail), ..Entry::default() };
            self.record(transaction, made, &entry)
        })
    }

    /// Refuses to go on under a key that is not the newest any more: the end of the chain may be under one that this
    /// process does not have.
    pub(super) fn is_of_the_newest_key(&self, transaction: &Transaction<'_>) -> Result<(), StoreError> {
        let sql = "SELECT max(key_id) FROM key_check WHERE retired_at IS NULL";
        let newest: Option<i64> = transaction.query_row(sql, [], |row| row.get(0))?;
        if newest == Some(self.key_id()?) { Ok(()) } else { Err(StoreError::KeyChanged) }
    }

    /// The id that the next key gets.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn next_key_id(&self) -> Result<i64, StoreError> {
        let newest: i64 =
            self.reader().query_row("SELECT max(key_id) FROM key_check", [], |row| row.get(0))?;
        newest.checked_add(1).ok_or_else(|| StoreError::damaged("key_check"))
    }

    /// Lets rows be under a key: the newest of this store's chain. `put` puts it into the key file, while nobody else
    /// can change keys.
    ///
    /// # Errors
    /// Where the store fails, or has another newest key meanwhile, and what `put` says.
    pub fn register_key<E: From<StoreError>>(
        &self,
        check: &[u8],
        made: Made,
        put: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        self.write_beside(|transaction| {
            let key_id = self.key_id()?;
            let sql = "INSERT INTO key_check (key_id, value) VALUES (?1, ?2)";
            transaction.execute(sql, (key_id, check)).map_err(StoreError::from)?;
            let detail = format!("key={key_id}");
            let entry = Entry { event: "key.add", detail: Some(&detail), ..Entry::default() };
            self.record(transaction, made, &entry)?;
            // Last, and before the commit: a key that rows are under is in the file.
            put()
        })
    }

    /// Hands out the keys that rows may be under, while nobody else can change keys: for a file that is to hold them
    /// and no other.
    ///
    /// # Errors
    /// Where the store fails, and what `keep` says.
    pub fn keep_keys<E: From<StoreError>>(
        &self,
        keep: impl FnOnce(&[KnownKey]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.write_beside(|_| keep(&self.known_keys()?))
    }

    /// Some of what is sealed under another key than the newest.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn sealed_under_older_keys(&self, most: u32) -> Result<Vec<Sealed>, StoreError> {
        let key_id = self.key_id()?;
        let mut found = Vec::new();
        let totp = "SELECT account_id, id, sealed, key_id FROM totp_key WHERE key_id <> ?1 LIMIT ?2";
        let mut statement = self.reader().prepare(totp)?;
        let rows = statement.query_map((key_id, most), |row| {
            let (account, row_id) = (row.get(0)?, row.get(1)?);
            Ok(Sealed::TotpKey { account, row: row_id, sealed: row.get(2)?, key_id: row.get(3)? })
        })?;
        for row in rows {
            found.push(row?);
        }
        let hashes = "SELECT id, NULL, primary_hash, key_id FROM account
                      WHERE key_id <> ?1 AND substr(primary_hash, 1, ?3) = ?2
                      UNION ALL
                      SELECT account_id, id, hash, key_id FROM app_password
                      WHERE key_id <> ?1 AND substr(hash, 1, ?3) = ?2
                      LIMIT ?4";
        let mut statement = self.reader().prepare(hashes)?;
        let length = u32::try_from(SEALED_HASH.len()).unwrap_or(u32::MAX);
        let rows = statement.query_map((key_id, SEALED_HASH, length, most), |row| {
            let (account, app_password): (i64, Option<i64>) = (row.get(0)?, row.get(1)?);
            let place = app_password
                .map_or(HashPlace::Primary { account }, |row| HashPlace::AppPassword { account, row });
            Ok(Sealed::Hash { place, sealed: row.get(2)?, key_id: row.get(3)? })
        })?;
        for row in rows {
            found.push(row?);
        }
        Ok(found)
    }

    /// Puts new seals in the place of old ones. What changed meanwhile stays as it is.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn seal_anew(&self, pairs: &[(Sealed, SealedAnew)], made: Made) -> Result<(), StoreError> {
        self.write(|transaction| {
            let mut changed = 0;
            for (old, new) in pairs {
                changed += self.replace_seal(transaction, old, new)?;
            }
            let detail = format!("rows={changed}");
            let entry = Entry { event: "key.reseal", detail: Some(&detail), ..Entry::default() };
            self.record_if(changed, transaction, made, &entry).map(drop)
        })
    }

    fn replace_seal(
        &self,
        transaction: &Transaction<'_>,
        old: &Sealed,
        new: &SealedAnew,
    ) -> Result<usize, StoreError> {
        let key_id = self.key_id()?;
        Ok(match (old, new) {
            (Sealed::TotpKey { row, sealed: old, .. }, SealedAnew::TotpKey(new)) => transaction.execute(
                "UPDATE totp_key SET sealed = ?3, key_id = ?4 WHERE id = ?1 AND sealed = ?2",
                (row, old, new, key_id),
            )?,
            (
                Sealed::Hash { place: HashPlace::Primary { account }, sealed: old, .. },
                SealedAnew::Hash(new),
            ) => transaction.execute(
                "UPDATE account SET primary_hash = ?3, key_id = ?4 WHERE id = ?1 AND primary_hash = ?2",
                (account, old, new, key_id),
            )?,
            (
                Sealed::Hash { place: HashPlace::AppPassword { row, .. }, sealed: old, .. },
                SealedAnew::Hash(new),
            ) => transaction.execute(
                "UPDATE app_password SET hash = ?3, key_id = ?4 WHERE id = ?1 AND hash = ?2",
                (row, old, new, key_id),
            )?,
            (Sealed::TotpKey { .. }, SealedAnew::Hash(_)) | (Sealed::Hash { .. }, SealedAnew::TotpKey(_)) => {
                0
            }
        })
    }

    /// What accounts have under other keys than the newest, which only a login can move.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn held_by_older_keys(&self, now: UnixTime) -> Result<Vec<Holding>, StoreError> {
        holdings(self.reader(), self.key_id()?, now)
    }

    /// Ends what is under older keys: app passwords are revoked, recovery codes retired, primaries taken away.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn end_older_keys(&self, made: Made) -> Result<(), StoreError> {
        let now = number(made.at.0);
        self.write(|transaction| {
            let key_id = self.key_id()?;
            for holding in holdings(transaction, key_id, made.at)? {
                let id: i64 = transaction.query_row(
                    "SELECT id FROM account WHERE name = ?1",
                    [&holding.account],
                    |row| row.get(0),
                )?;
                transaction.execute(
                    "UPDATE app_password SET revoked_at = ?3
                     WHERE account_id = ?1 AND key_id <> ?2 AND revoked_at IS NULL",
                    (id, key_id, now),
                )?;
                transaction.execute(
                    "UPDATE recovery_code SET retired_at = ?3
                     WHERE account_id = ?1 AND key_id <> ?2 AND spent_at IS NULL AND retired_at IS NULL",
                    (id, key_id, now),
                )?;
                transaction.execute(
                    "UPDATE account SET primary_hash = ?3, key_id = ?2, primary_version = primary_version + 1
                     WHERE id = ?1 AND key_id <> ?2 AND primary_check = 'store'",
                    (id, key_id, NO_HASH),
                )?;
                let detail = format!(
                    "app_passwords={} recovery_codes={} primaries={}",
                    holding.app_passwords, holding.recovery_codes, holding.primaries
                );
                let entry = Entry { detail: Some(&detail), ..Entry::of("key.revoke-rest", id) };
                self.record(transaction, made, &entry)?;
            }
            Ok(())
        })
    }

    /// Retires every key but the newest, if nothing but the audit chain needs one. `audit_keys` are theirs, and those of
    /// keys that were retired before, sealed under the newest.
    ///
    /// # Errors
    /// [`StoreError::KeyInUse`] where a row needs one.
    pub fn retire_older_keys(&self, audit_keys: &[RetiredKey], made: Made) -> Result<(), StoreError> {
        let now = number(made.at.0);
        self.write(|transaction| {
            let key_id = self.key_id()?;
            if !holdings(transaction, key_id, made.at)?.is_empty() || is_any_sealed(transaction, key_id)? {
                return Err(StoreError::KeyInUse);
            }
            for key in audit_keys {
                transaction.execute(
                    "UPDATE key_check SET sealed_audit_key = ?2, retired_at = ifnull(retired_at, ?3)
                     WHERE key_id = ?1",
                    (key.id, &key.sealed_audit_key, now),
                )?;
            }
            let detail = format!("key={key_id}");
            let entry = Entry { event: "key.finish", detail: Some(&detail), ..Entry::default() };
            self.record(transaction, made, &entry)
        })
    }

    /// The keys that only the audit chain needs.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn retired_keys(&self) -> Result<Vec<RetiredKey>, StoreError> {
        let sql = "SELECT key_id, sealed_audit_key FROM key_check
                   WHERE retired_at IS NOT NULL AND sealed_audit_key IS NOT NULL";
        let mut statement = self.reader().prepare(sql)?;
        let read =
            |row: &rusqlite::Row<'_>| Ok(RetiredKey { id: row.get(0)?, sealed_audit_key: row.get(1)? });
        let rows = statement.query_map([], read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// By account, what is live and under another key.
fn holdings(
    connection: &rusqlite::Connection,
    key_id: i64,
    now: UnixTime,
) -> Result<Vec<Holding>, StoreError> {
    let sql = "SELECT name, 1, 0, 0 FROM app_password JOIN account ON account.id = account_id
               WHERE app_password.key_id <> ?1 AND revoked_at IS NULL
                 AND (expires_at IS NULL OR ?2 < expires_at) AND substr(hash, 1, ?4) <> ?3
               UNION ALL
               SELECT name, 0, 1, 0 FROM recovery_code JOIN account ON account.id = account_id
               WHERE recovery_code.key_id <> ?1 AND spent_at IS NULL AND retired_at IS NULL
               UNION ALL
               SELECT name, 0, 0, 1 FROM account
               WHERE key_id <> ?1 AND primary_check = 'store' AND primary_hash <> ?5
                 AND substr(primary_hash, 1, ?4) <> ?3";
    let mut statement = connection.prepare(sql)?;
    let length = u32::try_from(SEALED_HASH.len()).unwrap_or(u32::MAX);
    let mut rows = statement.query((key_id, number(now.0), SEALED_HASH, length, NO_HASH))?;
    let mut found: BTreeMap<String, [u32; 3]> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let counts = found.entry(row.get(0)?).or_default();
        for (place, count) in counts.iter_mut().enumerate() {
            *count += row.get::<_, u32>(place + 1)?;
        }
    }
    let holding = |(account, counts): (String, [u32; 3])| {
        let [app_passwords, recovery_codes, primaries] = counts;
        Holding { account, app_passwords, recovery_codes, primaries }
    };
    Ok(found.into_iter().map(holding).collect())
}

fn is_any_sealed(transaction: &Transaction<'_>, key_id: i64) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM totp_key WHERE key_id <> ?1)
                   OR EXISTS (SELECT 1 FROM account WHERE key_id <> ?1 AND substr(primary_hash, 1, ?3) = ?2)
                   OR EXISTS (SELECT 1 FROM app_password WHERE key_id <> ?1 AND substr(hash, 1, ?3) = ?2)";
    let length = u32::try_from(SEALED_HASH.len()).unwrap_or(u32::MAX);
    Ok(transaction.query_row(sql, (key_id, SEALED_HASH, length), |row| row.get(0))?)
}
