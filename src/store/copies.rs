//! Copies of a store: made while logins go on, and put back while logins go on.
//!
//! Knows: SQLite's backup interface, and what of the present a restore must not undo.
//! Never: the key, which is in no copy.
//!
//! A copy is not renamed into the place of a store. Other processes have the old file open; they would go on with a
//! file that has no name, lock one that is not the store any more, and might find the journal of the one beside the
//! other (sqlite.org/howtocorrupt.html §2.4, §2.5). Instead the rows of the copy replace the rows of the store in one
//! transaction of the store itself: under its lock, with its journal, seen by others as any other change, and whole
//! or not at all whenever the power fails.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, MAIN_DB, OptionalExtension};

use crate::domain::time::UnixTime;
use crate::store::accounts::{number, time};
use crate::store::audit_rows::{ChainKey, Entry};
use crate::store::connection::{BUSY, CREATION, identify};
use crate::store::partial::Partial;
use crate::store::place::{check_journal, check_way_to_copy, without_links};
use crate::store::schema::VERSION;
use crate::store::{KnownKey, Made, Store, StoreError};

/// Pages that are copied under one lock: 16 MiB, some hundredths of a second.
const PAGES: i32 = 4096;

/// How often a copy may begin anew because somebody wrote, before it keeps writers waiting until it is whole.
const RESTARTS: u32 = 8;

/// The events that close something: what a restore to a time before them opens again.
const CLOSING: [&str; 10] = [
    "account.compromised",
    "account.disable",
    "account.passwd",
    "account.remove",
    "app.revoke",
    "app.supersede",
    "key.finish",
    "key.revoke-rest",
    "recovery.new",
    "totp.remove",
];

/// From when on codes of keys that are enrolled after a restore are good. No step is longer than five minutes.
#[must_use]
pub const fn new_keys_from(restored: UnixTime) -> UnixTime {
    UnixTime(restored.0.saturating_add(300))
}

/// What a restore would undo.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loss {
    /// The last row of the audit chain that the copy and the store share.
    pub shared: i64,
    /// The last row of the store.
    pub last: i64,
    /// How many rows of the chain tell of what is lost, by event.
    pub events: BTreeMap<String, u64>,
    /// Those of them that closed something, oldest first.
    pub closings: Vec<Closing>,
}

/// A change that closed something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// When.
    pub at: UnixTime,
    /// What, such as `app.revoke`.
    pub event: String,
    /// Whose.
    pub account: Option<String>,
    /// What its owner calls it.
    pub label: Option<String>,
}

impl Loss {
    /// How many changes would be undone.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.events.values().sum()
    }

    /// Whether there is nothing to undo: the store is as it was made.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.events.keys().all(|event| event == CREATION)
    }
}

impl Store {
    /// Copies the store to a file that is not there yet, readable by its owner alone and on the disk when this returns.
    /// `check` looks at the copy before it gets its name.
    ///
    /// # Errors
    /// Where there is such a file, others may write there, or the copy cannot be written or is damaged, and what `check`
    /// says.
    pub fn back_up<T, E: From<StoreError>>(
        &self,
        path: &Path,
        owner: u32,
        check: impl FnOnce(&Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let path = without_links(path)?;
        if fs::symlink_metadata(&path).is_ok() {
            return Err(StoreError::Exists(path).into());
        }
        check_way_to_copy(&path, owner)?;
        let partial = Partial::create(&path)?;
        // Ours, and no link that whoever may write there has put in its place.
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE | rusqlite::OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let file = Connection::open_with_flags(&partial.path, flags).map_err(StoreError::from)?;
        let copy = self.copy_into(file)?;
        copy.check_whole()?;
        let checked = check(&copy)?;
        drop(copy);
        partial.finish(&path)?;
        Ok(checked)
    }

    /// Reads a copy into memory and brings it up to date; the file stays as it is. `choose` finds the keys that it is
    /// under.
    ///
    /// # Errors
    /// Where it is no sound store, not to be trusted, of a newer version, or of another key.
    pub fn read_copy(
        path: &Path,
        owner: u32,
        choose: impl FnOnce(&[KnownKey]) -> Option<Vec<ChainKey>>,
        made: Made,
    ) -> Result<Self, StoreError> {
        check_copy(path, owner)?;
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY | rusqlite::OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let file = Connection::open_with_flags(without_links(path)?, flags)?;
        file.busy_timeout(BUSY)?;
        let version = identify(&file, path).map_err(|error| {
            let foreign = matches!(error, StoreError::Damaged(_));
            if foreign { StoreError::Foreign(path.to_owned()) } else { error }
        })?;
        if VERSION < version {
            return Err(StoreError::Newer(path.to_owned(), version));
        }
        let mut copy = Self::around(file).copy_into(Connection::open_in_memory()?)?;
        copy.check_whole()?;
        copy.chain_with(choose(&copy.known_keys()?).ok_or(StoreError::OtherKey)?);
        copy.bring_up_to_date(path, made)?;
        Ok(copy)
    }

    /// What would be undone if a copy were put in the place of this store.
    ///
    /// # Errors
    /// Where one of them fails.
    pub fn loss_by(&self, copy: &Self) -> Result<Loss, StoreError> {
        let mut loss = Loss { shared: shared_rows(self.reader(), copy.reader())?, ..Loss::default() };
        let sql = "SELECT id, at, event, account, label FROM audit_row WHERE ?1 < id ORDER BY id";
        let mut statement = self.reader().prepare(sql)?;
        let mut rows = statement.query([loss.shared])?;
        while let Some(row) = rows.next()? {
            loss.last = row.get("id")?;
            let event: String = row.get("event")?;
            *loss.events.entry(event.clone()).or_default() += 1;
            if CLOSING.contains(&event.as_str()) {
                let at = time(row.get("at")?)?;
                let (account, label) = (row.get("account")?, row.get("label")?);
                loss.closings.push(Closing { at, event, account, label });
            }
        }
        Ok(loss)
    }

    /// Puts the rows of a copy in the place of this store's, which goes on under the copy's keys. What the present has
    /// spent stays spent: recovery codes that it knows, and every one-time code up to the next step; and what it knows of
    /// wrong codes stays counted. `known` is the loss that somebody has agreed to.
    ///
    /// # Errors
    /// `Changed` where more would be lost by now, or where the store fails; then all is as it was.
    pub fn put_back(&mut self, copy: Self, known: &Loss, made: Made) -> Result<(), StoreError> {
        self.attach(&copy)?;
        self.chain_with(copy.chain());
        let written = self.write(|transaction| {
            let last: Option<i64> =
                transaction.query_row("SELECT max(id) FROM main.audit_row", [], |row| row.get(0))?;
            let expected = if known.rows() == 0 { known.shared } else { known.last };
            if last.unwrap_or(0) != expected {
                return Err(StoreError::Changed);
            }
            transaction.execute_batch(KEEP_SPENT)?;
            transaction.execute_batch(KEEP_FAILURES)?;
            transaction.execute_batch(REPLACE)?;
            transaction.execute(SPEND_STEPS, [number(made.at.0)])?;
            transaction.execute(SPEND_FOR_NEW_KEYS, [number(new_keys_from(made.at).0)])?;
            let detail = format!("shared={} undone={}", known.shared, known.rows());
            let entry = Entry { event: "store.restore", detail: Some(&detail), ..Entry::default() };
            self.record(transaction, made, &entry)
        });
        self.reader().execute_batch("DETACH restored")?;
        written
    }

    fn attach(&mut self, copy: &Self) -> Result<(), StoreError> {
        let connection = self.connection_mut();
        connection.execute_batch("PRAGMA temp_store = MEMORY; ATTACH ':memory:' AS restored")?;
        let backup = Backup::new_with_names(copy.reader(), MAIN_DB, connection, "restored")?;
        copy_all(&backup)
    }

    fn copy_into(&self, mut to: Connection) -> Result<Self, StoreError> {
        // The file gets its name when it is whole; until then nobody needs a journal.
        to.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")?;
        copy_all(&Backup::new(self.reader(), &mut to)?)?;
        Ok(Self::around(to))
    }

    /// Whether every page and every reference makes sense.
    fn check_whole(&self) -> Result<(), StoreError> {
        let sound: String = self.reader().query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
        if sound != "ok" {
            return Err(StoreError::Damaged(sound));
        }
        let stray = self.reader().query_row("PRAGMA foreign_key_check", [], |_| Ok(())).optional()?;
        stray.map_or(Ok(()), |()| Err(StoreError::damaged("of a reference")))
    }
}

fn copy_all(backup: &Backup<'_, '_>) -> Result<(), StoreError> {
    let (mut restarts, mut left, mut waits) = (0, i32::MAX, 0);
    loop {
        let pages = if restarts < RESTARTS { PAGES } else { -1 };
        match backup.step(pages)? {
            StepResult::Done => return Ok(()),
            // SQLite has waited already, each time.
            StepResult::Busy | StepResult::Locked if waits < RESTARTS => waits += 1,
            StepResult::More => {
                let now = backup.progress().remaining;
                restarts += u32::from(left <= now);
                left = now;
            }
            StepResult::Busy | StepResult::Locked | _ => return Err(StoreError::Locked),
        }
    }
}

/// The last row up to which two chains are one: a hash covers all the rows before it.
fn shared_rows(one: &Connection, other: &Connection) -> Result<i64, StoreError> {
    let row = |connection: &Connection, id: i64| -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT mac FROM audit_row WHERE id = ?1";
        Ok(connection.query_row(sql, [id], |row| row.get(0)).optional()?)
    };
    let (mut shared, mut differs): (i64, i64) = (0, {
        let last: Option<i64> = other.query_row("SELECT max(id) FROM audit_row", [], |row| row.get(0))?;
        last.unwrap_or(0).saturating_add(1)
    });
    while shared + 1 < differs {
        let middle = shared + (differs - shared) / 2;
        let (here, there) = (row(one, middle)?, row(other, middle)?);
        if here.is_some() && here == there { shared = middle } else { differs = middle }
    }
    Ok(shared)
}

/// Whoever could have written a copy could have changed what app passwords are good for.
fn check_copy(path: &Path, owner: u32) -> Result<(), StoreError> {
    let metadata = fs::symlink_metadata(path).map_err(|error| match error.kind() == ErrorKind::NotFound {
        true => StoreError::Missing(path.to_owned()),
        false => StoreError::Io(path.to_owned(), error),
    })?;
    let untrusted = |why| Err(StoreError::Untrusted(path.to_owned(), why));
    if !metadata.is_file() {
        return untrusted("is not a regular file");
    }
    if metadata.uid() != 0 && metadata.uid() != owner {
        return untrusted("belongs to another user");
    }
    if metadata.mode() & 0o022 != 0 {
        return untrusted("could have been written by others");
    }
    check_journal(path)?;
    check_way_to_copy(&without_links(path)?, owner)
}

/// A recovery code that the present knows as spent is spent in the copy too.
const KEEP_SPENT: &str = "
UPDATE restored.recovery_code
SET spent_at = (SELECT spent_at FROM main.recovery_code AS present WHERE present.tag = recovery_code.tag)
WHERE spent_at IS NULL
  AND tag IN (SELECT tag FROM main.recovery_code WHERE spent_at IS NOT NULL);
";

/// Of the wrong codes that the present and the copy have counted, the larger number: who guesses is not to begin anew.
const KEEP_FAILURES: &str = "
INSERT INTO restored.code_failure (account_id, source, count, last_at)
SELECT account_id, source, count, last_at FROM main.code_failure
WHERE EXISTS (SELECT 1 FROM main.account AS present JOIN restored.account AS past USING (id, name)
              WHERE present.id = account_id)
ON CONFLICT (account_id, source) DO UPDATE
SET count = max(count, excluded.count), last_at = max(last_at, excluded.last_at);
";

/// A clock that is fast has shown the code of the next step.
const SPEND_STEPS: &str = "UPDATE main.totp_key SET last_step = max(last_step, ?1 / period + 1)";

/// The same for a key that was enrolled after the copy was made, and comes back.
const SPEND_FOR_NEW_KEYS: &str = "UPDATE main.account SET codes_spent_until = max(codes_spent_until, ?1)";

/// All rows of all tables. What AUTOINCREMENT has counted stays, so that no row gets a number that another had.
const REPLACE: &str = "
PRAGMA defer_foreign_keys = ON;
DELETE FROM main.audit_head;
DELETE FROM main.audit_row;
DELETE FROM main.code_failure;
DELETE FROM main.recovery_code;
DELETE FROM main.totp_key;
DELETE FROM main.app_password;
DELETE FROM main.revocation;
DELETE FROM main.account;
DELETE FROM main.key_check;
INSERT INTO main.key_check SELECT * FROM restored.key_check;
INSERT INTO main.account SELECT * FROM restored.account;
INSERT INTO main.revocation SELECT * FROM restored.revocation;
INSERT INTO main.app_password SELECT * FROM restored.app_password;
INSERT INTO main.totp_key SELECT * FROM restored.totp_key;
INSERT INTO main.recovery_code SELECT * FROM restored.recovery_code;
INSERT INTO main.code_failure SELECT * FROM restored.code_failure;
INSERT INTO main.audit_row SELECT * FROM restored.audit_row;
INSERT INTO main.audit_head SELECT * FROM restored.audit_head;
";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::empty;

    #[test]
    fn no_table_is_left_out_of_a_restore() {
        let directory = tempfile::tempdir().unwrap();
        let store = empty(directory.path());
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*'";
        let mut statement = store.reader().prepare(sql).unwrap();
        let tables: Vec<String> =
            statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        assert!(8 < tables.len());
        for table in tables {
            assert!(REPLACE.contains(&format!("DELETE FROM main.{table};")), "{table}");
            let insert = format!("INSERT INTO main.{table} SELECT * FROM restored.{table};");
            assert!(REPLACE.contains(&insert), "{table}");
        }
    }
}
