//! Rows of `account`.

use rusqlite::{OptionalExtension, Row};

use crate::domain::account::{AccountName, AccountState};
use crate::domain::policy::AppPasswordPolicy;
use crate::domain::time::UnixTime;
use crate::store::audit_rows::Entry;
use crate::store::{Made, Store, StoreError, Written};

/// An account.
#[derive(Debug)]
pub struct Account {
    /// The row.
    pub id: i64,
    /// As [`AccountName`] spells it.
    pub name: String,
    /// Whether it may log in.
    pub state: AccountState,
    /// Who checks its primary password.
    pub primary: PrimaryCheck,
    /// Grows when it gets another primary, and not when the same one is hashed anew.
    pub primary_version: i64,
    /// The master key that its primary is hashed or sealed with.
    pub key_id: i64,
    /// When it first got an app password or a second factor; removing the last one changes nothing here.
    pub enrolled_at: Option<UnixTime>,
    /// Codes of steps that begin before this are spent, whichever key they belong to.
    pub codes_spent_until: UnixTime,
    /// The uid that the system gave its name when it was added, if PAM keeps its primary.
    pub unix_uid: Option<u32>,
    /// When it was added.
    pub created_at: UnixTime,
    /// By which uid.
    pub created_by: u32,
}

/// An account as a list shows it.
pub struct AccountRow {
    /// The account.
    pub account: Account,
    /// How many live app passwords it has.
    pub app_passwords: u32,
    /// How many second factors it has.
    pub second_factors: u32,
    /// How many recovery codes it has left.
    pub recovery_codes: u32,
    /// When one of its app passwords was last used.
    pub app_password_used_at: Option<UnixTime>,
}

/// Who checks a primary password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrimaryCheck {
    /// PAM, by the service `primary`.
    Pam,
    /// We, against this PHC string.
    Store(String),
}

/// The same without what is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrimaryKeeper {
    /// PAM, and with it the system's account.
    Pam,
    /// The store.
    Store,
}

impl PrimaryKeeper {
    pub(super) fn from_word(word: &str) -> Result<Self, StoreError> {
        match word {
            "pam" => Ok(Self::Pam),
            "store" => Ok(Self::Store),
            _ => Err(StoreError::damaged("primary_check")),
        }
    }
}

const COLUMNS: &str =
    "id, name, state, primary_hash, primary_version, key_id, enrolled_at, codes_spent_until, unix_uid,
                       created_at, created_by";

impl Store {
    /// Finds an account.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn account(&self, name: &AccountName) -> Result<Option<Account>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM account WHERE name = ?1");
        let found = self.reader().query_row(&sql, [name.as_str()], |row| Ok(read(row))).optional()?;
        found.transpose()
    }

    /// All accounts, by name, with what is live of theirs at this moment.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn accounts(&self, limits: &AppPasswordPolicy, now: UnixTime) -> Result<Vec<AccountRow>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS},
                    (SELECT count(*) FROM app_password
                     WHERE account_id = account.id AND revoked_at IS NULL
                       AND (expires_at IS NULL OR ?1 < expires_at)
                       AND (?2 IS NULL OR ?2 < created_at)) AS app_passwords,
                    (SELECT count(*) FROM totp_key WHERE account_id = account.id) AS second_factors,
                    (SELECT count(*) FROM recovery_code WHERE account_id = account.id
                       AND spent_at IS NULL AND retired_at IS NULL) AS recovery_codes,
                    (SELECT max(last_used_at) FROM app_password
                     WHERE account_id = account.id) AS app_password_used_at
             FROM account ORDER BY name"
        );
        let mut statement = self.reader().prepare(&sql)?;
        let too_early = limits.made_too_early(now).map(|moment| number(moment.0));
        let mut rows = statement.query((number(now.0), too_early))?;
        let mut listed = Vec::new();
        while let Some(row) = rows.next()? {
            let used_at: Option<i64> = row.get("app_password_used_at")?;
            listed.push(AccountRow {
                account: read(row)?,
                app_passwords: row.get("app_passwords")?,
                second_factors: row.get("second_factors")?,
                recovery_codes: row.get("recovery_codes")?,
                app_password_used_at: used_at.map(time).transpose()?,
            });
        }
        Ok(listed)
    }

    /// The first names that begin so, in order.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn account_names(&self, beginning: &str, most: u32) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT name FROM account WHERE ?1 <= name AND name < ?1 || char(0x10FFFF)
                   ORDER BY name LIMIT ?2";
        let mut statement = self.reader().prepare(sql)?;
        let names = statement.query_map((beginning, most), |row| row.get(0))?;
        Ok(names.collect::<Result<_, _>>()?)
    }

    /// Whether the store knows somebody of this uid, or has ever known the name.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn has_known(&self, name: &AccountName, uid: u32) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM account WHERE unix_uid = ?1)
                       OR EXISTS (SELECT 1 FROM audit_row WHERE event = 'account.remove' AND account = ?2)";
        Ok(self.reader().query_row(sql, (uid, name.as_str()), |row| row.get(0))?)
    }

    /// Adds an account.
    ///
    /// # Errors
    /// `Taken` if there is one of that name.
    pub fn add_account(
        &self,
        name: &AccountName,
        primary: &PrimaryCheck,
        unix_uid: Option<u32>,
        made: Made,
    ) -> Result<(), StoreError> {
        let sql =
            "INSERT INTO account (name, state, primary_check, primary_hash, key_id, unix_uid, created_at,
                                        created_by)
                   VALUES (?1, 'active', ?2, ?3, ?4, ?5, ?6, ?7)";
        let (check, hash) = columns(primary);
        self.write(|transaction| {
            let row = (name.as_str(), check, hash, self.key_id()?, unix_uid, number(made.at.0), made.by);
            transaction.execute(sql, row)?;
            let account_id = Some(transaction.last_insert_rowid());
            let detail = format!("primary={check}");
            let entry = Entry { event: "account.add", account_id, detail: Some(&detail), ..Entry::default() };
            self.record(transaction, made, &entry)
        })
    }

    /// Adds an account that nobody owns and that is removed within minutes. Its rows are told apart, so that its end
    /// is not taken for that of a person's account.
    ///
    /// # Errors
    /// `Taken` if there is an account of that name.
    pub fn add_throw_away(
        &self,
        name: &AccountName,
        primary: &PrimaryCheck,
        made: Made,
    ) -> Result<(), StoreError> {
        let sql =
            "INSERT INTO account (name, state, primary_check, primary_hash, key_id, throw_away, created_at,
                                        created_by)
                   VALUES (?1, 'active', ?2, ?3, ?4, 1, ?5, ?6)";
        let (check, hash) = columns(primary);
        self.write(|transaction| {
            let row = (name.as_str(), check, hash, self.key_id()?, number(made.at.0), made.by);
            transaction.execute(sql, row)?;
            let account_id = transaction.last_insert_rowid();
            self.record(transaction, made, &Entry::of("probe.add", account_id))
        })
    }

    /// The names of accounts that were to be thrown away, and are still there.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn throw_aways(&self) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT name FROM account WHERE throw_away = 1 ORDER BY id";
        let mut statement = self.reader().prepare(sql)?;
        let names = statement.query_map([], |row| row.get(0))?;
        Ok(names.collect::<Result<_, _>>()?)
    }

    /// Opens or closes an account.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn set_account_state(
        &self,
        account_id: i64,
        state: AccountState,
        made: Made,
    ) -> Result<Written, StoreError> {
        let sql = "UPDATE account SET state = ?2 WHERE id = ?1";
        let event = match state {
            AccountState::Active => "account.enable",
            AccountState::Disabled => "account.disable",
        };
        self.write(|transaction| {
            let rows = transaction.execute(sql, (account_id, state_word(state)))?;
            self.record_if(rows, transaction, made, &Entry::of(event, account_id))
        })
    }

    /// Replaces who checks the primary password, and against what.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn set_primary(
        &self,
        account_id: i64,
        primary: &PrimaryCheck,
        unix_uid: Option<u32>,
        made: Made,
    ) -> Result<Written, StoreError> {
        let sql = "UPDATE account SET primary_check = ?2, primary_hash = ?3, key_id = ?4, unix_uid = ?5,
                                      primary_version = primary_version + 1
                   WHERE id = ?1";
        let (check, hash) = columns(primary);
        let detail = format!("primary={check}");
        self.write(|transaction| {
            let rows = transaction.execute(sql, (account_id, check, hash, self.key_id()?, unix_uid))?;
            let entry = Entry { detail: Some(&detail), ..Entry::of("account.passwd", account_id) };
            self.record_if(rows, transaction, made, &entry)
        })
    }
}

/// Whether an account still is what a login saw before it asked for the primary; part of the transaction that spends.
pub(super) fn is_unchanged(
    transaction: &rusqlite::Transaction<'_>,
    account: &Account,
) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM account WHERE id = ?1 AND state = 'active' AND primary_version = ?2";
    let found = transaction.query_row(sql, (account.id, account.primary_version), |_| Ok(())).optional()?;
    Ok(found.is_some())
}

/// Marks an account as enrolled, for ever; part of the transaction that enrolls.
pub(super) fn mark_enrolled(
    transaction: &rusqlite::Transaction<'_>,
    account_id: i64,
    now: UnixTime,
) -> Result<(), StoreError> {
    let sql = "UPDATE account SET enrolled_at = ?2 WHERE id = ?1 AND enrolled_at IS NULL";
    transaction.execute(sql, (account_id, number(now.0)))?;
    Ok(())
}

/// Reads a state as rows keep it.
pub(super) fn state(word: &str) -> Result<AccountState, StoreError> {
    match word {
        "active" => Ok(AccountState::Active),
        "disabled" => Ok(AccountState::Disabled),
        _ => Err(StoreError::damaged("state")),
    }
}

/// Reads a time as rows keep it.
pub(super) fn time(secs: i64) -> Result<UnixTime, StoreError> {
    u64::try_from(secs).map(UnixTime).map_err(|_| StoreError::damaged("time"))
}

/// Writes a number as rows keep it; none of ours comes near the bound.
pub(super) fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) const fn state_word(state: AccountState) -> &'static str {
    match state {
        AccountState::Active => "active",
        AccountState::Disabled => "disabled",
    }
}

fn columns(primary: &PrimaryCheck) -> (&'static str, Option<&str>) {
    match primary {
        PrimaryCheck::Pam => ("pam", None),
        PrimaryCheck::Store(hash) => ("store", Some(hash)),
    }
}

fn read(row: &Row<'_>) -> Result<Account, StoreError> {
    let hash: Option<String> = row.get("primary_hash")?;
    let enrolled_at: Option<i64> = row.get("enrolled_at")?;
    Ok(Account {
        id: row.get("id")?,
        name: row.get("name")?,
        state: state(&row.get::<_, String>("state")?)?,
        primary: hash.map_or(PrimaryCheck::Pam, PrimaryCheck::Store),
        primary_version: row.get("primary_version")?,
        key_id: row.get("key_id")?,
        enrolled_at: enrolled_at.map(time).transpose()?,
        codes_spent_until: time(row.get("codes_spent_until")?)?,
        unix_uid: row.get("unix_uid")?,
        created_at: time(row.get("created_at")?)?,
        created_by: row.get("created_by")?,
    })
}
