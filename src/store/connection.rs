//! Opening, creating, reading and writing the file.

use std::cell::RefCell;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::crypto::keyring::CHECK_LEN;
use crate::store::Made;
use crate::store::audit_rows::{ChainKey, Entry, Recorded};
use crate::store::error::StoreError;
use crate::store::keys::KnownKey;
use crate::store::place::{check_directory, check_files, without_links};
use crate::store::schema::{APPLICATION_ID, FIRST_VERSION, MIGRATIONS, VERSION};

/// How long SQLite waits for another process at one place. A login waits at eight places at most (the look at the start, a
/// second one after PAM, and begin, commit and unlock of the two writes around a code), which keeps it within five seconds.
pub(super) const BUSY: Duration = Duration::from_millis(600);

/// The event that begins a store.
pub(super) const CREATION: &str = "store.create";

/// The id of a store's first key.
pub const FIRST_KEY: i64 = 1;

/// An open store. Dropping it closes the file.
pub struct Store {
    connection: Connection,
    /// The keys that the chain may be under, the newest first, which goes on with it.
    chain: Vec<ChainKey>,
    /// What the transaction under way has appended to the chain.
    recorded: RefCell<Vec<Recorded>>,
    witness: Option<Witness>,
}

/// Is told of every row of the chain, right after its transaction was committed.
pub type Witness = Box<dyn Fn(&Recorded)>;

/// What became of a conditional write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It changed a row.
    Changed,
    /// There was no such row.
    NotFound,
}

impl Written {
    pub(super) const fn from_rows(rows: usize) -> Self {
        if rows == 0 { Self::NotFound } else { Self::Changed }
    }
}

impl Store {
    /// Opens a store of this version, and looks into it once under one lock. `owner` is the effective uid,
    /// besides root the only owner believed.
    ///
    /// # Errors
    /// Where the file is missing, not to be trusted, foreign, or of another version, and what `look` says.
    pub fn open<T, E: From<StoreError>>(
        path: &Path,
        owner: u32,
        look: impl FnOnce(&Self) -> Result<T, E>,
    ) -> Result<(Self, T), E> {
        check_files(path, owner)?;
        let store = Self::at(path, Vec::new(), None)?;
        // Each look of its own would take and leave the lock, and might wait for it.
        let lock = Transaction::new_unchecked(&store.connection, TransactionBehavior::Deferred);
        let lock = lock.map_err(StoreError::from)?;
        store.check_version(path)?;
        let seen = look(&store)?;
        lock.commit().map_err(StoreError::from)?;
        Ok((store, seen))
    }

    /// Makes the directory of a store, if need be, and looks whether a store could lie there.
    ///
    /// # Errors
    /// Where it cannot be made, or lets others in.
    pub fn prepare(path: &Path, owner: u32) -> Result<(), StoreError> {
        if let Some(directory) = path.parent() {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
            made.map_err(|error| StoreError::Io(directory.to_owned(), error))?;
        }
        check_directory(path, owner)
    }

    /// Makes an empty store in a directory that is prepared. An empty file, which an interrupted call may have
    /// left, is filled; any other is an error.
    ///
    /// # Errors
    /// Where there is a store, or none can be made.
    pub fn create(
        path: &Path,
        owner: u32,
        key_check: [u8; CHECK_LEN],
        chain: ChainKey,
        made: Made,
        witness: Witness,
    ) -> Result<(), StoreError> {
        // A file of ours from the first moment: SQLite gives its journal the same mode.
        let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        created.map(drop).or_else(|error| match error.kind() == ErrorKind::AlreadyExists {
            true if fs::metadata(path).is_ok_and(|metadata| metadata.len() == 0) => Ok(()),
            true => Err(StoreError::Exists(path.to_owned())),
            false => Err(StoreError::Io(path.to_owned(), error)),
        })?;
        check_files(path, owner)?;
        let store = Self::at(path, vec![chain], Some(witness))?;
        store.write(|transaction| {
            // Another call may have been quicker.
            if pragma(transaction, "application_id")? != 0 {
                return Err(StoreError::Exists(path.to_owned()));
            }
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            migrate(transaction, MIGRATIONS)?;
            let sql = "INSERT INTO key_check (key_id, value) VALUES (?1, ?2)";
            transaction.execute(sql, (FIRST_KEY, key_check))?;
            store.begin_chain(transaction, made, &Entry { event: CREATION, ..Entry::default() })
        })
    }

    /// Brings a store of an older version up to this one; says from which version it came.
    ///
    /// # Errors
    /// As [`Store::open`], but for older ones.
    pub fn upgrade(
        path: &Path,
        owner: u32,
        choose: impl FnOnce(&[KnownKey]) -> Option<ChainKey>,
        made: Made,
        witness: Witness,
    ) -> Result<i64, StoreError> {
        check_files(path, owner)?;
        let mut store = Self::at(path, Vec::new(), Some(witness))?;
        let version = identify(&store.connection, path)?;
        if VERSION < version {
            return Err(StoreError::Newer(path.to_owned(), version));
        }
        // A row under another key could not be verified.
        store.chain_with(vec![choose(&store.known_keys()?).ok_or(StoreError::OtherKey)?]);
        store.bring_up_to_date(path, made)
    }

    /// Runs what is missing, if anything is; says from which version the store came.
    pub(super) fn bring_up_to_date(&self, path: &Path, made: Made) -> Result<i64, StoreError> {
        self.write(|transaction| {
            // Another call may have been quicker.
            let version = identify(transaction, path)?;
            if VERSION <= version {
                return Ok(version);
            }
            migrate(transaction, missing(version, MIGRATIONS)?)?;
            let detail = format!("from={version} to={VERSION}");
            let entry = Entry { event: "store.upgrade", detail: Some(&detail), ..Entry::default() };
            self.record(transaction, made, &entry)?;
            Ok(version)
        })
    }

    /// Gives the store the keys of its audit chain, the newest first, without which nothing can be changed.
    pub fn chain_with(&mut self, chain: Vec<ChainKey>) {
        self.chain = chain;
    }

    /// Gives the store somebody who is told of every change.
    pub fn tell(&mut self, witness: Witness) {
        self.witness = Some(witness);
    }

    /// Notes a row for the witness, who learns of it if the transaction is committed.
    pub(super) fn recorded(&self, row: Recorded) {
        self.recorded.borrow_mut().push(row);
    }

    pub(super) fn chain_key(&self) -> Result<&ChainKey, StoreError> {
        self.chain.first().ok_or(StoreError::NoChainKey)
    }

    /// The key of an id, if this process has it.
    pub(super) fn chain_key_of(&self, key_id: i64) -> Option<&ChainKey> {
        self.chain.iter().find(|key| key.key_id == key_id)
    }

    /// The master key under which new rows are.
    pub(super) fn key_id(&self) -> Result<i64, StoreError> {
        Ok(self.chain_key()?.key_id)
    }

    fn at(path: &Path, chain: Vec<ChainKey>, witness: Option<Witness>) -> Result<Self, StoreError> {
        Ok(Self { connection: connect(path)?, chain, recorded: RefCell::default(), witness })
    }

    /// A store around a connection that is not to be written by logins.
    pub(super) fn around(connection: Connection) -> Self {
        Self { connection, chain: Vec::new(), recorded: RefCell::default(), witness: None }
    }

    /// The keys of its chain, for the store that takes its place.
    pub(super) fn chain(self) -> Vec<ChainKey> {
        self.chain
    }

    pub(super) const fn connection_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }

    fn check_version(&self, path: &Path) -> Result<(), StoreError> {
        match identify(&self.connection, path)? {
            VERSION => Ok(()),
            newer if VERSION < newer => Err(StoreError::Newer(path.to_owned(), newer)),
            older => Err(StoreError::Older(path.to_owned(), older)),
        }
    }

    pub(super) const fn reader(&self) -> &Connection {
        &self.connection
    }

    /// For a transaction that changes many rows: else SQLite would write before its end, and nobody could read until
    /// then (sqlite.org/pragma.html#pragma_cache_spill).
    pub(super) fn spill_nothing(&self) -> Result<(), StoreError> {
        Ok(self.connection.pragma_update(None, "cache_spill", false)?)
    }

    /// Runs one transaction: whole, durable when it returns, or not at all.
    pub(super) fn write<T>(
        &self,
        body: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let result = write(&self.connection, body);
        let recorded = self.recorded.take();
        if let (Ok(_), Some(witness)) = (&result, &self.witness) {
            recorded.iter().for_each(witness);
        }
        result
    }

    /// Runs `body` while nobody else writes, for what is to be in step with the store and lies elsewhere.
    pub(super) fn write_beside<T, E: From<StoreError>>(
        &self,
        body: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut said = None;
        let result = self.write(|transaction| match body(transaction) {
            Ok(done) => Ok(Some(done)),
            Err(error) => {
                said = Some(error);
                // Whatever it says, nothing is committed.
                Err(StoreError::Changed)
            }
        });
        match (result, said) {
            (_, Some(error)) => Err(error),
            (Ok(Some(done)), None) => Ok(done),
            (Ok(None), None) => Err(StoreError::Changed.into()),
            (Err(error), None) => Err(error.into()),
        }
    }

    /// The same, but gives up at once if somebody else writes: for what may be left out.
    pub(super) fn write_if_free<T>(
        &self,
        body: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.connection.busy_timeout(Duration::ZERO)?;
        let result = self.write(body);
        self.connection.busy_timeout(BUSY)?;
        result
    }
}

fn write<T>(
    connection: &Connection,
    body: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    // EXTRA syncs the directory after the journal is gone: a commit that a power cut undoes would
    // revive a revoked password (sqlite.org/pragma.html#pragma_synchronous).
    connection.execute_batch(
        "PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA; PRAGMA secure_delete = ON;
         PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON;",
    )?;
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let result = body(&transaction)?;
    transaction.commit()?;
    Ok(result)
}

/// The version of a store, whichever it is.
pub(super) fn identify(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    // An empty file is a valid database without an id.
    if pragma(connection, "application_id")? != APPLICATION_ID {
        return Err(StoreError::Foreign(path.to_owned()));
    }
    match pragma(connection, "user_version")? {
        unreleased if unreleased < FIRST_VERSION => Err(StoreError::Unreleased(path.to_owned(), unreleased)),
        version => Ok(version),
    }
}

/// What a store of this version lacks.
fn missing<'m>(version: i64, migrations: &'m [&'m str]) -> Result<&'m [&'m str], StoreError> {
    let done = usize::try_from(version - FIRST_VERSION + 1).ok();
    done.and_then(|done| migrations.get(done..)).ok_or_else(|| StoreError::damaged("user_version"))
}

fn migrate(transaction: &Transaction<'_>, missing: &[&str]) -> Result<(), StoreError> {
    for migration in missing {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    Ok(())
}

fn pragma(connection: &Connection, name: &str) -> Result<i64, StoreError> {
    connection.pragma_query_value(None, name, |row| row.get(0)).map_err(StoreError::from)
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    // No URI, no creation, no links, and no mutex, since a connection never leaves its thread.
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(without_links(path)?, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;
    use crate::crypto::secret::Secret;
    use crate::domain::time::UnixTime;

    fn chain_key() -> ChainKey {
        ChainKey { key: Secret::copy_of(b"chain"), key_id: FIRST_KEY }
    }

    #[test]
    fn a_version_without_a_chain_is_never_brought_up_to_date() {
        let directory = tempfile::tempdir().unwrap();
        let owner = fs::metadata(directory.path()).unwrap().uid();
        let path = directory.path().join("store/store.db");
        let made = Made { at: UnixTime(7), by: owner };
        Store::prepare(&path, owner).unwrap();
        Store::create(&path, owner, [0; CHECK_LEN], chain_key(), made, Box::new(|_| ())).unwrap();
        for version in [-1, 0, 1, 2] {
            Connection::open(&path).unwrap().pragma_update(None, "user_version", version).unwrap();
            let opened = Store::open(&path, owner, |_| Ok::<_, StoreError>(()));
            assert!(matches!(opened, Err(StoreError::Unreleased(_, found)) if found == version));
            let upgraded = Store::upgrade(&path, owner, |_| Some(chain_key()), made, Box::new(|_| ()));
            assert!(matches!(upgraded, Err(StoreError::Unreleased(..))), "{version}");
        }
    }

    #[test]
    fn a_store_lacks_what_came_after_its_version() {
        let migrations = ["first", "second", "third"];
        assert_eq!(missing(FIRST_VERSION, &migrations).unwrap(), ["second", "third"]);
        assert_eq!(missing(FIRST_VERSION + 2, &migrations).unwrap(), [""; 0]);
        assert!(missing(FIRST_VERSION + 3, &migrations).is_err());
        assert!(missing(FIRST_VERSION - 2, &migrations).is_err());
    }
}
