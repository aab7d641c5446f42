//! Rows with hashes that other software made: stored many at once, found without a tag, replaced at their first use.

use rusqlite::{OptionalExtension, Params, Statement, Transaction};

use crate::crypto::foreign::ForeignHash;
use crate::crypto::keyring::Tag;
use crate::domain::account::{AccountName, AccountState};
use crate::domain::app_password::Label;
use crate::domain::network::Networks;
use crate::domain::policy::AppPasswordPolicy;
use crate::domain::service::Scope;
use crate::store::accounts::{mark_enrolled, number, state_word};
use crate::store::app_passwords::{FOUND, FoundAppPassword, count_live, read_found};
use crate::store::audit_rows::{Entry, Told};
use crate::store::{Account, Made, Store, StoreError, Written};

/// Most app passwords of one account that have no tag yet: a login may have to try them all.
pub const MAX_UNTAGGED: usize = 8;

/// In place of a hash: nothing is equal to it, as in shadow(5).
pub const NO_HASH: &str = "!";

/// What begins a sealed hash in place of a PHC string; its scheme and the seal follow.
pub const SEALED_HASH: &str = "$sealed$";

/// Where a hash is kept; a seal is bound to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashPlace {
    /// The primary of an account.
    Primary {
        /// Its row.
        account: i64,
    },
    /// An app password.
    AppPassword {
        /// Whose it is.
        account: i64,
        /// Its row.
        row: i64,
    },
}

/// What is to be stored.
pub enum Imported<'a> {
    /// An account.
    Account {
        /// Its name.
        name: &'a AccountName,
        /// Who checks its primary, and against what.
        primary: ImportedPrimary<'a>,
        /// Whether it may log in.
        state: AccountState,
    },
    /// An app password.
    AppPassword {
        /// Whose it is; stored before, or already there.
        account: &'a AccountName,
        /// What its owner calls it.
        label: &'a Label,
        /// What it is good for.
        scope: &'a Scope,
        /// From where it is good.
        networks: &'a Networks,
        /// What it is compared with.
        hash: &'a ForeignHash,
    },
}

/// Who checks a primary, and against what.
#[derive(Clone, Copy)]
pub enum ImportedPrimary<'a> {
    /// PAM, for the person who has this uid now, if the system knows the name.
    Pam(Option<u32>),
    /// We, against this, which needs no seal.
    Hash(&'a str),
    /// We, against this, which is sealed first.
    Foreign(&'a ForeignHash),
}

/// Seals a hash for its place.
pub type Seal<'a> = dyn Fn(HashPlace, &ForeignHash) -> Result<String, StoreError> + 'a;

impl Store {
    /// Stores all rows or none.
    ///
    /// # Errors
    /// `Taken` for a name or label that is there meanwhile, the limits of app passwords, or what `seal` says.
    pub fn import(
        &self,
        rows: &[Imported<'_>],
        limits: &AppPasswordPolicy,
        made: Made,
        seal: &Seal<'_>,
    ) -> Result<(), StoreError> {
        self.spill_nothing()?;
        self.write(|transaction| {
            let mut import = Import::new(self, transaction, limits, made, seal)?;
            rows.iter().try_for_each(|row| import.row(row))?;
            self.record_all(transaction, made, &import.told)
        })
    }

    /// How many app passwords of an account have no tag.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn untagged(&self, account_id: i64) -> Result<usize, StoreError> {
        untagged(self.reader(), account_id)
    }

    /// Whether an account has any app password that was brought along, tombstones included.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn has_imported(&self, account: &Account) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM app_password WHERE account_id = ?1 AND imported = 1)";
        Ok(self.reader().query_row(sql, [account.id], |row| row.get(0))?)
    }

    /// The app passwords of an account that have no tag, tombstones included.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn untagged_app_passwords(&self, account: &Account) -> Result<Vec<FoundAppPassword>, StoreError> {
        let sql = format!(
            "{FOUND} WHERE account_id = ?1 AND imported = 1 AND tag IS NULL
             ORDER BY app_password.id LIMIT ?2"
        );
        let mut statement = self.reader().prepare(&sql)?;
        let most = i64::try_from(MAX_UNTAGGED).unwrap_or(i64::MAX);
        let mut rows = statement.query((account.id, most))?;
        let mut listed = Vec::new();
        while let Some(row) = rows.next()? {
            listed.push(read_found(row)?);
        }
        Ok(listed)
    }

    /// Gives an app password a hash and a tag under the newest key, unless somebody else was quicker.
    ///
    /// # Errors
    /// Where the store fails or somebody else writes; the login does not depend on it.
    pub fn renew_app_password(
        &self,
        found: &FoundAppPassword,
        tag: &Tag,
        hash: &str,
        made: Made,
    ) -> Result<Written, StoreError> {
        let sql = "UPDATE app_password SET tag = ?3, hash = ?4, key_id = ?5 WHERE id = ?1 AND hash = ?2";
        self.write_if_free(|transaction| {
            let rows = transaction.execute(sql, (found.id, &found.hash, tag, hash, self.key_id()?))?;
            let account: i64 = transaction.query_row(
                "SELECT account_id FROM app_password WHERE id = ?1",
                [found.id],
                |row| row.get(0),
            )?;
            let entry = Entry { label: Some(&found.label), ..Entry::of("app.rehash", account) };
            self.record_if(rows, transaction, made, &entry)
        })
    }

    /// Gives an account's primary a hash under the newest key, unless somebody else was quicker. It stays the same password, so a
    /// login that is under way may go on.
    ///
    /// # Errors
    /// As [`Store::renew_app_password`].
    pub fn renew_primary(
        &self,
        account_id: i64,
        old: &str,
        hash: &str,
        made: Made,
    ) -> Result<Written, StoreError> {
        let sql = "UPDATE account SET primary_hash = ?3, key_id = ?4 WHERE id = ?1 AND primary_hash = ?2";
        self.write_if_free(|transaction| {
            let rows = transaction.execute(sql, (account_id, old, hash, self.key_id()?))?;
            self.record_if(rows, transaction, made, &Entry::of("account.rehash", account_id))
        })
    }
}

struct Import<'i> {
    store: &'i Store,
    transaction: &'i Transaction<'i>,
    limits: &'i AppPasswordPolicy,
    made: Made,
    seal: &'i Seal<'i>,
    /// Prepared once: while ten thousand rows are written, logins wait to spend their codes.
    add_account: Statement<'i>,
    seal_account: Statement<'i>,
    told: Vec<Told>,
}

impl<'i> Import<'i> {
    fn new(
        store: &'i Store,
        transaction: &'i Transaction<'i>,
        limits: &'i AppPasswordPolicy,
        made: Made,
        seal: &'i Seal<'i>,
    ) -> Result<Self, StoreError> {
        let add_account = transaction.prepare(
            "INSERT INTO account (name, state, primary_check, primary_hash, key_id, unix_uid, created_at, created_by)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        let seal_account = transaction.prepare("UPDATE account SET primary_hash = ?2 WHERE id = ?1")?;
        Ok(Self { store, transaction, limits, made, seal, add_account, seal_account, told: Vec::new() })
    }

    fn row(&mut self, row: &Imported<'_>) -> Result<(), StoreError> {
        match row {
            Imported::Account { name, primary, state } => self.account(name, *primary, *state),
            Imported::AppPassword { account, label, scope, networks, hash } => {
                self.app_password(account, label, (scope, networks), hash)
            }
        }
    }

    fn account(
        &mut self,
        name: &AccountName,
        primary: ImportedPrimary<'_>,
        state: AccountState,
    ) -> Result<(), StoreError> {
        let (check, hash, uid, scheme) = match primary {
            ImportedPrimary::Pam(uid) => ("pam", None, uid, "pam"),
            ImportedPrimary::Hash(hash) => ("store", Some(hash), None, "store"),
            // The seal needs the row's id and follows.
            ImportedPrimary::Foreign(hash) => ("store", Some(NO_HASH), None, hash.scheme()),
        };
        let (word, at, by) = (state_word(state), number(self.made.at.0), self.made.by);
        let row = (name.as_str(), word, check, hash, self.store.key_id()?, uid, at, by);
        self.add_account.execute(row)?;
        let account_id = self.transaction.last_insert_rowid();
        if let ImportedPrimary::Foreign(hash) = primary {
            let sealed = (self.seal)(HashPlace::Primary { account: account_id }, hash)?;
            self.seal_account.execute((account_id, sealed))?;
        }
        let (account, detail) = (name.as_str().to_owned(), format!("primary={scheme} state={word}"));
        self.told.push(Told { event: "account.import", account_id, account, label: None, detail });
        Ok(())
    }

    fn app_password(
        &mut self,
        name: &AccountName,
        label: &Label,
        (scope, networks): (&Scope, &Networks),
        hash: &ForeignHash,
    ) -> Result<(), StoreError> {
        let account = self.account_id(name)?;
        let add = "INSERT INTO app_password (account_id, label, hash, key_id, scope, networks, created_at, created_by, imported)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1)";
        let (at, by) = (number(self.made.at.0), self.made.by);
        let (scope, listed) = (scope.to_string(), (!networks.are_any()).then(|| networks.to_string()));
        let key_id = self.store.key_id()?;
        self.execute(add, (account, label.as_str(), NO_HASH, key_id, &scope, listed, at, by))?;
        let row = self.transaction.last_insert_rowid();
        let sealed = (self.seal)(HashPlace::AppPassword { account, row }, hash)?;
        self.execute("UPDATE app_password SET hash = ?2 WHERE id = ?1", (row, sealed))?;
        self.stay_within_limits(account)?;
        mark_enrolled(self.transaction, account, self.made.at)?;
        self.told.push(Told {
            event: "app.import",
            account_id: account,
            account: name.as_str().to_owned(),
            label: Some(label.as_str().to_owned()),
            detail: format!("scheme={} scope={scope}", hash.scheme()),
        });
        Ok(())
    }

    /// The lines were held against these before; others may have added some since.
    fn stay_within_limits(&self, account: i64) -> Result<(), StoreError> {
        let most = self.limits.most;
        let live = count_live(self.transaction, account, self.limits, self.made.at)?;
        if u32::from(most) < live || MAX_UNTAGGED < untagged(self.transaction, account)? {
            return Err(StoreError::TooManyAppPasswords(most));
        }
        Ok(())
    }

    fn account_id(&self, name: &AccountName) -> Result<i64, StoreError> {
        let sql = "SELECT id FROM account WHERE name = ?1";
        let found = self.transaction.query_row(sql, [name.as_str()], |row| row.get(0)).optional()?;
        found.ok_or_else(|| StoreError::damaged("account"))
    }

    fn execute(&self, sql: &str, row: impl Params) -> Result<usize, StoreError> {
        Ok(self.transaction.execute(sql, row)?)
    }
}

fn untagged(connection: &rusqlite::Connection, account_id: i64) -> Result<usize, StoreError> {
    let sql = "SELECT count(*) FROM app_password WHERE account_id = ?1 AND imported = 1 AND tag IS NULL";
    let count: i64 = connection.query_row(sql, [account_id], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}
