//! Rows of `audit_row`: what was managed and spent, each chained to the one before it by a keyed hash.
//!
//! Knows: what a row's hash covers, and that the head tells how many rows there are.
//! Never: the key file; the key of the chain is given to the store when it is opened.
//!
//! Whoever can write to the store and has no key cannot make a row or a head. Where the end of the chain is not the
//! one that the head was made for, the next change still goes through, since a revocation must; but a row before it
//! says so for ever, lest a new head cover up what was taken away.

use hmac::Hmac;
use rusqlite::types::ValueRef;
use rusqlite::{OptionalExtension, Statement, Transaction};
use sha2::Sha256;

use crate::crypto::mac::hmac;
use crate::crypto::secret::Secret;
use crate::domain::anchor::Anchor;
use crate::store::accounts::number;
use crate::store::{Made, Store, StoreError, Written};

/// Octets of a row's hash.
const MAC_LEN: usize = 32;

/// A keyed hash.
pub(super) type Mac = [u8; MAC_LEN];

/// What stands before the first row.
pub(super) const GENESIS: Mac = [0; MAC_LEN];

/// The event of a row that tells of an altered chain.
pub(super) const BREACH: &str = "audit.breach";

/// The key that chains rows, and the id of the master key that it was made from.
pub struct ChainKey {
    /// The sub-key.
    pub key: Secret,
    /// The master key.
    pub key_id: i64,
}

/// What is told about one change.
#[derive(Clone, Copy, Default)]
pub(super) struct Entry<'a> {
    /// Thing and act, such as `app.revoke`.
    pub event: &'a str,
    /// Whose, if it is anybody's.
    pub account_id: Option<i64>,
    /// What its owner calls it.
    pub label: Option<&'a str>,
    /// Whatever else matters, as `key=value` words.
    pub detail: Option<&'a str>,
}

impl<'a> Entry<'a> {
    /// About an account.
    pub(super) fn of(event: &'a str, account_id: i64) -> Self {
        Self { event, account_id: Some(account_id), ..Self::default() }
    }
}

impl Store {
    /// Appends a row if the change changed anything.
    pub(super) fn record_if(
        &self,
        rows: usize,
        transaction: &Transaction<'_>,
        made: Made,
        entry: &Entry<'_>,
    ) -> Result<Written, StoreError> {
        let written = Written::from_rows(rows);
        if written == Written::Changed {
            self.record(transaction, made, entry)?;
        }
        Ok(written)
    }

    /// Appends a row to the chain, as part of the transaction that changes what it tells of.
    pub(super) fn record(
        &self,
        transaction: &Transaction<'_>,
        made: Made,
        entry: &Entry<'_>,
    ) -> Result<(), StoreError> {
        self.is_of_the_newest_key(transaction)?;
        let tip = tip(transaction)?;
        let Some(found) = self.breach(transaction, &tip)? else {
            return self.append(transaction, made, entry, &tip).map(drop);
        };
        let noticed = Entry { event: BREACH, detail: Some(&found), ..Entry::default() };
        let tip = self.append(transaction, made, &noticed, &tip)?;
        self.append(transaction, made, entry, &tip).map(drop)
    }

    /// Appends many rows: one look at the end of the chain before them, and one new end.
    pub(super) fn record_all(
        &self,
        transaction: &Transaction<'_>,
        made: Made,
        told: &[Told],
    ) -> Result<(), StoreError> {
        let Some((first, others)) = told.split_first() else {
            return Ok(());
        };
        self.record(transaction, made, &first.entry())?;
        let (mut add, mut tip) = (transaction.prepare(ADD)?, tip(transaction)?);
        for told in others {
            tip = self.add(&mut add, made, &told.entry(), Some(told.account.clone()), &tip)?;
        }
        sign_head(transaction, self.chain_key()?, &tip)
    }

    /// Appends the first row of a store that had no chain before.
    pub(super) fn begin_chain(
        &self,
        transaction: &Transaction<'_>,
        made: Made,
        entry: &Entry<'_>,
    ) -> Result<(), StoreError> {
        self.append(transaction, made, entry, &Tip { row: 0, mac: GENESIS }).map(drop)
    }

    /// What the end of the chain looks like, if it is not the one that the head was made for.
    fn breach(&self, transaction: &Transaction<'_>, tip: &Tip) -> Result<Option<String>, StoreError> {
        let Some(head) = head(transaction)? else {
            return Ok(Some(format!("last={} head=none", tip.row)));
        };
        // While a key is on its way out, the head may be under that one.
        let key = self.chain_key_of(head.key_id);
        let sound = key.is_some_and(|chain| head.is_of(tip.row, &tip.mac, &chain.key));
        Ok((!sound).then(|| format!("last={} head={}", tip.row, head.last_row)))
    }

    fn append(
        &self,
        transaction: &Transaction<'_>,
        made: Made,
        entry: &Entry<'_>,
        tip: &Tip,
    ) -> Result<Tip, StoreError> {
        let account = entry.account_id.map(|id| account_name(transaction, id)).transpose()?;
        let tip = self.add(&mut transaction.prepare(ADD)?, made, entry, account, tip)?;
        sign_head(transaction, self.chain_key()?, &tip)?;
        Ok(tip)
    }

    /// Adds a row; the head is the caller's affair.
    fn add(
        &self,
        add: &mut Statement<'_>,
        made: Made,
        entry: &Entry<'_>,
        account: Option<String>,
        tip: &Tip,
    ) -> Result<Tip, StoreError> {
        let chain = self.chain_key()?;
        let row = Row {
            id: tip.row.checked_add(1).ok_or_else(|| StoreError::damaged("audit_row.id"))?,
            at: number(made.at.0),
            by: i64::from(made.by),
            key_id: chain.key_id,
            event: entry.event.as_bytes(),
            account: account.as_deref().map(str::as_bytes),
            label: entry.label.map(str::as_bytes),
            detail: entry.detail.map(str::as_bytes),
        };
        let mac = row.mac(&chain.key, &tip.mac);
        let columns =
            (row.id, row.at, row.by, entry.event, &account, entry.label, entry.detail, row.key_id, mac);
        add.execute(columns)?;
        let tip = Tip { row: row.id, mac };
        self.recorded(Recorded {
            event: entry.event.to_owned(),
            account,
            label: entry.label.map(str::to_owned),
            detail: entry.detail.map(str::to_owned),
            by: made.by,
            anchor: Anchor::new(tip.row, &tip.mac),
        });
        Ok(tip)
    }
}

const ADD: &str = "INSERT INTO audit_row (id, at, by, event, account, label, detail, key_id, mac)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

/// What is told about one change of many.
pub(super) struct Told {
    pub event: &'static str,
    pub account_id: i64,
    /// The name of that account.
    pub account: String,
    pub label: Option<String>,
    pub detail: String,
}

impl Told {
    fn entry(&self) -> Entry<'_> {
        let (label, detail) = (self.label.as_deref(), Some(self.detail.as_str()));
        Entry { label, detail, ..Entry::of(self.event, self.account_id) }
    }
}

/// A row that a transaction has appended and committed.
#[derive(Debug)]
pub struct Recorded {
    /// Thing and act, such as `app.revoke`.
    pub event: String,
    /// Whose, if it is anybody's.
    pub account: Option<String>,
    /// What its owner calls it.
    pub label: Option<String>,
    /// Whatever else matters.
    pub detail: Option<String>,
    /// The uid that did it.
    pub by: u32,
    /// By which the row is found again.
    pub anchor: Anchor,
}

impl Recorded {
    /// Whether it tells that the chain had been altered.
    #[must_use]
    pub fn is_breach(&self) -> bool {
        self.event == BREACH
    }
}

/// The last row, and its hash.
pub(super) struct Tip {
    pub row: i64,
    pub mac: Mac,
}

fn tip(transaction: &Transaction<'_>) -> Result<Tip, StoreError> {
    let last = "SELECT id, mac FROM audit_row ORDER BY id DESC LIMIT 1";
    let read = |row: &rusqlite::Row<'_>| {
        // A hash that is none fits no head, and what follows it will not hide that.
        Ok(Tip { row: row.get(0)?, mac: mac_of(row.get_ref(1)?).unwrap_or(GENESIS) })
    };
    Ok(transaction.query_row(last, [], read).optional()?.unwrap_or(Tip { row: 0, mac: GENESIS }))
}

/// How many rows there are, so that a chain cut short is found.
pub(super) struct Head {
    pub last_row: i64,
    pub key_id: i64,
    mac: Option<Mac>,
}

impl Head {
    /// Whether it was made for this row.
    pub(super) fn is_of(&self, row: i64, mac: &Mac, key: &Secret) -> bool {
        self.last_row == row && self.mac == Some(head_mac(key, row, mac))
    }
}

pub(super) fn head(connection: &rusqlite::Connection) -> Result<Option<Head>, StoreError> {
    let sql = "SELECT last_row, key_id, mac FROM audit_head WHERE id = 1";
    let read = |row: &rusqlite::Row<'_>| {
        let (last_row, key_id) = (integer(row.get_ref(0)?), integer(row.get_ref(1)?));
        let mac = mac_of(row.get_ref(2)?);
        Ok(Head { last_row: last_row.unwrap_or(0), key_id: key_id.unwrap_or(0), mac })
    };
    Ok(connection.query_row(sql, [], read).optional()?)
}

/// Makes the head for the last row. A change of keys ends with it, under the new one.
pub(super) fn sign_head(
    transaction: &Transaction<'_>,
    chain: &ChainKey,
    tip: &Tip,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO audit_head (id, last_row, key_id, mac) VALUES (1, ?1, ?2, ?3)
               ON CONFLICT (id) DO UPDATE SET last_row = ?1, key_id = ?2, mac = ?3";
    transaction.execute(sql, (tip.row, chain.key_id, head_mac(&chain.key, tip.row, &tip.mac)))?;
    Ok(())
}

/// The columns that a row's hash covers, text as octets: what others have written may be none.
pub(super) struct Row<'a> {
    pub id: i64,
    pub at: i64,
    pub by: i64,
    pub key_id: i64,
    pub event: &'a [u8],
    pub account: Option<&'a [u8]>,
    pub label: Option<&'a [u8]>,
    pub detail: Option<&'a [u8]>,
}

impl Row<'_> {
    /// HMAC-SHA-256 over the hash of the row before and every column, each with its length, so that no octet can
    /// move from one to the next.
    pub(super) fn mac(&self, key: &Secret, previous: &Mac) -> Mac {
        let mut message = b"postern/1/audit-row".to_vec();
        message.extend_from_slice(previous);
        for value in [self.id, self.at, self.by, self.key_id] {
            message.extend_from_slice(&value.to_be_bytes());
        }
        for text in [Some(self.event), self.account, self.label, self.detail] {
            message.push(u8::from(text.is_some()));
            let text = text.unwrap_or_default();
            message.extend_from_slice(&(text.len() as u64).to_be_bytes());
            message.extend_from_slice(text);
        }
        hmac::<Hmac<Sha256>>(key.expose(), &message).into()
    }
}

fn head_mac(key: &Secret, last_row: i64, mac: &Mac) -> Mac {
    let message = [b"postern/1/audit-head".as_slice(), &last_row.to_be_bytes(), mac].concat();
    hmac::<Hmac<Sha256>>(key.expose(), &message).into()
}

pub(super) fn mac_of(value: ValueRef<'_>) -> Option<Mac> {
    match value {
        ValueRef::Blob(octets) => octets.try_into().ok(),
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Text(_) => None,
    }
}

pub(super) const fn integer(value: ValueRef<'_>) -> Option<i64> {
    match value {
        ValueRef::Integer(number) => Some(number),
        ValueRef::Null | ValueRef::Real(_) | ValueRef::Text(_) | ValueRef::Blob(_) => None,
    }
}

fn account_name(transaction: &Transaction<'_>, id: i64) -> Result<String, StoreError> {
    let sql = "SELECT name FROM account WHERE id = ?1";
    Ok(transaction.query_row(sql, [id], |row| row.get(0))?)
}
