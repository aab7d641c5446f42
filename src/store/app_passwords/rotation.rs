//! App passwords that get a successor, and live on until it is used.

use rusqlite::{OptionalExtension, Transaction};

use crate::crypto::keyring::Tag;
use crate::domain::app_password::Label;
use crate::domain::policy::AppPasswordPolicy;
use crate::domain::time::UnixTime;
use crate::store::accounts::number;
use crate::store::app_passwords::{AppPasswordRow, NewAppPassword, free_label, holder, moment};
use crate::store::audit_rows::Entry;
use crate::store::{Made, Store, StoreError};

/// A successor that is about to be stored. What it is good for, and from where, it has from the one it replaces.
pub struct Successor<'a> {
    /// Finds it again.
    pub tag: Tag,
    /// The PHC string.
    pub hash: &'a str,
    /// When its time is over.
    pub expires_at: Option<UnixTime>,
    /// Until when the old one is good if the successor is never used.
    pub keep_until: UnixTime,
}

/// What a rotation made of labels and ends.
#[derive(Debug)]
pub struct Rotated {
    /// The successor's label.
    pub label: String,
    /// The label of the one that lives on.
    pub old_label: String,
    /// When that one ends, if the successor is never used and the policy ends it no earlier.
    pub old_expires_at: Option<UnixTime>,
}

impl Store {
    /// Stores a successor. It takes the label; the old one gets another, and an end. The number of app passwords is
    /// not limited here: the old one is on its way out.
    ///
    /// One that was itself made as a successor and never used dies at once: the new one takes its place beside the
    /// one that is in use.
    ///
    /// # Errors
    /// [`StoreError::Replaced`] if it has a successor already, [`StoreError::Changed`] if it is not any more what the
    /// caller saw.
    pub fn rotate_app_password(
        &self,
        account_id: i64,
        old: &AppPasswordRow,
        successor: &Successor<'_>,
        limits: &AppPasswordPolicy,
        made: Made,
    ) -> Result<Rotated, StoreError> {
        self.write(|transaction| {
            if holder(transaction, account_id, &old.label)? != Some(old.id) {
                return Err(StoreError::Changed);
            }
            if let Some(label) = live_successor(transaction, old.id, made.at)? {
                return Err(StoreError::Replaced(label));
            }
            let (replaced, rotated) = match waiting_predecessor(transaction, old.id, made.at)? {
                Some((id, kept)) => {
                    self.bury_unused(transaction, account_id, old, made)?;
                    (id, Rotated { label: old.label.clone(), ..kept })
                }
                None => (old.id, retire(transaction, account_id, old, successor, limits, made.at)?),
            };
            let label = Label::parse(&rotated.label).map_err(|_| StoreError::damaged("label"))?;
            let new = NewAppPassword {
                label: &label,
                tag: successor.tag,
                hash: successor.hash,
                scope: &old.scope,
                networks: &old.networks,
                expires_at: successor.expires_at,
            };
            new.insert(self, transaction, account_id, Some(replaced), made)?;
            self.record_rotation(transaction, account_id, &new, &rotated, made)?;
            Ok(rotated)
        })
    }

    fn record_rotation(
        &self,
        transaction: &Transaction<'_>,
        account_id: i64,
        new: &NewAppPassword<'_>,
        rotated: &Rotated,
        made: Made,
    ) -> Result<(), StoreError> {
        let until = rotated.old_expires_at.map_or_else(String::new, |end| format!(" until={}", end.0));
        let detail = format!("{}{until} old={}", new.terms(), rotated.old_label);
        let (label, detail) = (Some(rotated.label.as_str()), Some(detail.as_str()));
        self.record(transaction, made, &Entry { label, detail, ..Entry::of("app.rotate", account_id) })
    }

    /// Nobody uses it, so that nobody misses it; nor shall it come back.
    fn bury_unused(
        &self,
        transaction: &Transaction<'_>,
        account_id: i64,
        unused: &AppPasswordRow,
        made: Made,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE app_password SET revoked_at = ?2 WHERE id = ?1";
        transaction.execute(sql, (unused.id, number(made.at.0)))?;
        let (label, detail) = (Some(unused.label.as_str()), Some("never used"));
        self.record(transaction, made, &Entry { label, detail, ..Entry::of("app.supersede", account_id) })
    }
}

/// The label of the one that will end this one, if there is one.
pub(super) fn live_successor(
    transaction: &Transaction<'_>,
    id: i64,
    now: UnixTime,
) -> Result<Option<String>, StoreError> {
    let sql = "SELECT label FROM app_password
               WHERE replaces = ?1 AND revoked_at IS NULL AND (expires_at IS NULL OR ?2 < expires_at)";
    Ok(transaction.query_row(sql, (id, number(now.0)), |row| row.get(0)).optional()?)
}

/// The one that waits for the first use of this one, which has not been used, with its label and end.
fn waiting_predecessor(
    transaction: &Transaction<'_>,
    id: i64,
    now: UnixTime,
) -> Result<Option<(i64, Rotated)>, StoreError> {
    let sql = "SELECT old.id, old.label, old.expires_at
               FROM app_password AS successor JOIN app_password AS old ON old.id = successor.replaces
               WHERE successor.id = ?1 AND successor.last_used_at IS NULL
                 AND old.revoked_at IS NULL AND (old.expires_at IS NULL OR ?2 < old.expires_at)";
    let found = transaction.query_row(sql, (id, number(now.0)), |row| {
        let old_expires_at = moment(row, "expires_at");
        Ok((row.get("id")?, row.get("label")?, old_expires_at))
    });
    let Some((id, old_label, old_expires_at)) = found.optional()? else {
        return Ok(None);
    };
    Ok(Some((id, Rotated { label: String::new(), old_label, old_expires_at: old_expires_at? })))
}

/// Gives the old one another label and an end, so that its successor can take its place.
fn retire(
    transaction: &Transaction<'_>,
    account_id: i64,
    old: &AppPasswordRow,
    successor: &Successor<'_>,
    limits: &AppPasswordPolicy,
    now: UnixTime,
) -> Result<Rotated, StoreError> {
    let taken = |label: &str| -> Result<bool, StoreError> {
        free_label(transaction, account_id, label, limits, now)?;
        Ok(holder(transaction, account_id, label)?.is_some_and(|id| id != old.id))
    };
    let parsed = Label::parse(&old.label).map_err(|_| StoreError::damaged("label"))?;
    // One whose successor was revoked is `phone (old)` still; the next is `phone` again.
    let first = parsed.without_age();
    let label = if taken(first.as_str())? { parsed.clone() } else { first };
    let candidates = (1..=u16::MAX).map(|number| parsed.aged(number)).filter(|candidate| *candidate != label);
    let old_label = first_free(candidates, taken)?;
    let kept_until = old.expires_at.map_or(successor.keep_until, |end| end.min(successor.keep_until));
    let sql = "UPDATE app_password SET label = ?2, expires_at = ?3 WHERE id = ?1";
    transaction.execute(sql, (old.id, old_label.as_str(), number(kept_until.0)))?;
    Ok(Rotated {
        label: label.as_str().to_owned(),
        old_label: old_label.as_str().to_owned(),
        old_expires_at: Some(kept_until),
    })
}

fn first_free(
    mut candidates: impl Iterator<Item = Label>,
    taken: impl Fn(&str) -> Result<bool, StoreError>,
) -> Result<Label, StoreError> {
    candidates
        .find_map(|label| match taken(label.as_str()) {
            Ok(true) => None,
            Ok(false) => Some(Ok(label)),
            Err(error) => Some(Err(error)),
        })
        .unwrap_or(Err(StoreError::Taken))
}
