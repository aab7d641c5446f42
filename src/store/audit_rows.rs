//! Rows of `audit_row`: what was managed and spent, each chained to the one before it by a keyed hash.
//!
//! Knows: what a row's hash covers, and that the head tells how many rows there are.
//! Never: the key file; the key of the chain is given to the store when it is opened.

use hmac::Hmac;
use rusqlite::{OptionalExtension, Transaction};
use sha2::Sha256;

use crate::crypto::mac::hmac;
use crate::crypto::secret::Secret;
use crate::store::accounts::number;
use crate::store::{Made, Store, StoreError, Written};

/// Octets of a row's hash.
const MAC_LEN: usize = 32;

/// What stands before the first row.
const GENESIS: [u8; MAC_LEN] = [0; MAC_LEN];

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
        let chain = self.chain_key()?;
        let account = entry.account_id.map(|id| account_name(transaction, id)).transpose()?;
        let last = "SELECT id, mac FROM audit_row ORDER BY id DESC LIMIT 1";
        let last = transaction.query_row(last, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let (before, previous): (i64, [u8; MAC_LEN]) = last.unwrap_or((0, GENESIS));
        let row = Row {
            id: before + 1,
            at: number(made.at.0),
            by: i64::from(made.by),
            event: entry.event,
            account: account.as_deref(),
            label: entry.label,
            detail: entry.detail,
        };
        let mac = row.mac(&chain.key, &previous);
        let add = "INSERT INTO audit_row (id, at, by, event, account, label, detail, key_id, mac)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        let columns =
            (row.id, row.at, row.by, row.event, row.account, row.label, row.detail, chain.key_id, mac);
        transaction.execute(add, columns)?;
        let head = "INSERT INTO audit_head (id, last_row, key_id, mac) VALUES (1, ?1, ?2, ?3)
                    ON CONFLICT (id) DO UPDATE SET last_row = ?1, key_id = ?2, mac = ?3";
        transaction.execute(head, (row.id, chain.key_id, head_mac(&chain.key, row.id, &mac)))?;
        Ok(())
    }
}

/// The columns that a row's hash covers.
struct Row<'a> {
    id: i64,
    at: i64,
    by: i64,
    event: &'a str,
    account: Option<&'a str>,
    label: Option<&'a str>,
    detail: Option<&'a str>,
}

impl Row<'_> {
    /// HMAC-SHA-256 over the hash of the row before and every column, each with its length, so that no octet can
    /// move from one to the next.
    fn mac(&self, key: &Secret, previous: &[u8; MAC_LEN]) -> [u8; MAC_LEN] {
        let mut message = b"postern/1/audit-row".to_vec();
        message.extend_from_slice(previous);
        for value in [self.id, self.at, self.by] {
            message.extend_from_slice(&value.to_be_bytes());
        }
        for text in [Some(self.event), self.account, self.label, self.detail] {
            message.push(u8::from(text.is_some()));
            let text = text.unwrap_or_default();
            message.extend_from_slice(&(text.len() as u64).to_be_bytes());
            message.extend_from_slice(text.as_bytes());
        }
        hmac::<Hmac<Sha256>>(key.expose(), &message).into()
    }
}

/// Tells how many rows there are, so that a chain cut short is found.
fn head_mac(key: &Secret, last_row: i64, mac: &[u8; MAC_LEN]) -> [u8; MAC_LEN] {
    let message = [b"postern/1/audit-head".as_slice(), &last_row.to_be_bytes(), mac].concat();
    hmac::<Hmac<Sha256>>(key.expose(), &message).into()
}

fn account_name(transaction: &Transaction<'_>, id: i64) -> Result<String, StoreError> {
    let sql = "SELECT name FROM account WHERE id = ?1";
    Ok(transaction.query_row(sql, [id], |row| row.get(0))?)
}
