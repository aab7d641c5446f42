//! Follows the chain of `audit_row` from its first row to its head.
//!
//! Knows: what each kind of tampering leaves behind, and that the first place where the chain breaks is the one to
//! name.
//! Never: holds a lock for longer than a page, since logins spend their codes meanwhile.
//!
//! Whoever can write to the store and has no key passes in one way alone: by putting back rows and head together, as
//! they once were. Against that, an anchor that was noted elsewhere tells.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::crypto::secret::Secret;
use crate::domain::anchor::Anchor;
use crate::store::audit_flaw::{Flaw, FlawKind};
use crate::store::audit_rows::{BREACH, ChainKey, GENESIS, Head, Mac, Row, head, integer, mac_of};
use crate::store::{Store, StoreError};

/// Rows that are looked at under one lock: some milliseconds.
const PAGE: u32 = 2000;

/// A walk along the chain, page by page.
pub struct ChainWalk {
    keys: Vec<ChainKey>,
    anchors: Vec<Anchor>,
    /// The last row that is sound, and its hash.
    row: i64,
    mac: Mac,
    /// When that row was made.
    at: Option<i64>,
}

/// How far a walk has come.
pub enum Walked {
    /// There is more to look at.
    Further {
        /// The rows so far, all sound.
        rows: i64,
    },
    /// The end, without a flaw.
    Whole(Whole),
    /// The first flaw.
    Flawed(Flaw),
}

/// A chain without a flaw.
#[derive(Debug)]
pub struct Whole {
    /// How many rows it has.
    pub rows: i64,
    /// Names its last row.
    pub anchor: Anchor,
}

/// What one row says about itself.
struct Seen<'a> {
    row: Row<'a>,
    mac: Mac,
}

impl ChainWalk {
    /// A walk that knows these keys, and holds what was seen elsewhere against the chain.
    #[must_use]
    pub const fn new(keys: Vec<ChainKey>, anchors: Vec<Anchor>) -> Self {
        Self { keys, anchors, row: 0, mac: GENESIS, at: None }
    }

    /// Takes the next row, or says why it is not the next one.
    fn take(&mut self, id: i64, seen: Option<&Seen<'_>>) -> Result<(), FlawKind> {
        let expected = self.next();
        if id < expected {
            return Err(FlawKind::PutIn);
        }
        if expected < id {
            return Err(FlawKind::Missing(id - 1));
        }
        let seen = seen.ok_or(FlawKind::Changed)?;
        let key = self.key(seen.row.key_id).ok_or(FlawKind::OtherKey(seen.row.key_id))?;
        if seen.row.mac(key, &self.mac) != seen.mac {
            return Err(FlawKind::Changed);
        }
        if seen.row.event == BREACH.as_bytes() {
            return Err(FlawKind::Noticed);
        }
        if self.anchors.iter().any(|anchor| anchor.row() == id && !anchor.holds(&seen.mac)) {
            return Err(FlawKind::NotAsTold);
        }
        (self.row, self.mac, self.at) = (id, seen.mac, Some(seen.row.at));
        Ok(())
    }

    /// Whether the rows end where they should; asked where there are no more.
    fn end(&self, head: Option<&Head>) -> Result<Whole, FlawKind> {
        let head = match head {
            None if self.row == 0 => return Err(FlawKind::MissingWithHead),
            None => return Err(FlawKind::HeadMissing),
            Some(head) if self.row < head.last_row => return Err(FlawKind::CutShort(head.last_row)),
            Some(head) => head,
        };
        let key = self.key(head.key_id).ok_or(FlawKind::HeadChanged)?;
        if head.last_row < self.row {
            return Err(FlawKind::HeadBehind(head.last_row));
        }
        if !head.is_of(self.row, &self.mac, key) {
            return Err(FlawKind::HeadChanged);
        }
        if let Some(told) = self.anchors.iter().map(Anchor::row).find(|told| self.row < *told) {
            return Err(FlawKind::ToldAndMissing(told));
        }
        Ok(Whole { rows: self.row, anchor: Anchor::new(self.row, &self.mac) })
    }

    /// Whether this is what was written as the next row, wherever it stands now.
    fn is_next(&self, seen: &Seen<'_>) -> bool {
        let row = Row { id: self.next(), ..seen.row };
        self.key(row.key_id).is_some_and(|key| row.mac(key, &self.mac) == seen.mac)
    }

    const fn next(&self) -> i64 {
        self.row.saturating_add(1)
    }

    fn flaw(&self, row: i64, kind: FlawKind) -> Flaw {
        Flaw { row, kind, sound_until: self.at }
    }

    fn key(&self, key_id: i64) -> Option<&Secret> {
        self.keys.iter().find(|key| key.key_id == key_id).map(|key| &key.key)
    }
}

impl Store {
    /// Goes one page further along the chain.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn walk_chain(&self, walk: &mut ChainWalk) -> Result<Walked, StoreError> {
        // One lock for the last rows and their head: a change in between would part them.
        let lock = Transaction::new_unchecked(self.reader(), TransactionBehavior::Deferred)?;
        // From the lowest number there is: what was put in before row 1 is to be seen.
        let from = if walk.row == 0 { i64::MIN } else { walk.next() };
        let mut found = None;
        let rows = each_row(&lock, from, |id, seen| {
            found = walk.take(id, seen).err().map(|kind| (id, kind));
            found.is_none()
        })?;
        let end = if found.is_none() && rows < PAGE { Some(walk.end(head(&lock)?.as_ref())) } else { None };
        lock.commit()?;
        Ok(match (found, end) {
            (Some((id, kind)), _) => Walked::Flawed(self.name(walk, id, kind)?),
            (None, None) => Walked::Further { rows: walk.row },
            (None, Some(Ok(whole))) => Walked::Whole(whole),
            (None, Some(Err(kind))) => Walked::Flawed(walk.flaw(walk.next(), kind)),
        })
    }

    /// Names a flaw at its row. What is not where it belongs may stand elsewhere.
    fn name(&self, walk: &ChainWalk, id: i64, kind: FlawKind) -> Result<Flaw, StoreError> {
        if kind == FlawKind::PutIn {
            return Ok(walk.flaw(id, kind));
        }
        if !matches!(kind, FlawKind::Changed | FlawKind::Missing(_)) {
            return Ok(walk.flaw(walk.next(), kind));
        }
        let place = self.place_of_next(walk)?;
        Ok(walk.flaw(walk.next(), place.map_or(kind, FlawKind::OutOfOrder)))
    }

    fn place_of_next(&self, walk: &ChainWalk) -> Result<Option<i64>, StoreError> {
        let mut from = walk.next();
        loop {
            let (mut place, mut last) = (None, from);
            let rows = each_row(self.reader(), from, |id, seen| {
                last = id;
                place = Some(id).filter(|_| seen.is_some_and(|seen| walk.is_next(seen)));
                place.is_none()
            })?;
            match last.checked_add(1) {
                Some(next) if place.is_none() && rows == PAGE => from = next,
                _ => return Ok(place),
            }
        }
    }
}

/// Shows the rows of one page, in order, until `look` has seen enough; says how many it was shown. What cannot be a
/// row of ours is shown as nothing.
fn each_row(
    connection: &Connection,
    from: i64,
    mut look: impl FnMut(i64, Option<&Seen<'_>>) -> bool,
) -> Result<u32, StoreError> {
    let sql = "SELECT id, at, by, key_id, event, account, label, detail, mac FROM audit_row
               WHERE ?1 <= id ORDER BY id LIMIT ?2";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query((from, PAGE))?;
    let mut shown = 0;
    while let Some(row) = rows.next()? {
        shown += 1;
        if !look(row.get(0)?, seen(row).as_ref()) {
            break;
        }
    }
    Ok(shown)
}

/// `None` where a column holds what no row of ours has there.
fn seen<'a>(row: &'a rusqlite::Row<'_>) -> Option<Seen<'a>> {
    let value = |column: usize| row.get_ref(column).ok();
    let number = |column| value(column).and_then(integer);
    let text = |column| value(column).and_then(text);
    let read = Row {
        id: number(0)?,
        at: number(1)?,
        by: number(2)?,
        key_id: number(3)?,
        event: text(4)??,
        account: text(5)?,
        label: text(6)?,
        detail: text(7)?,
    };
    Some(Seen { row: read, mac: mac_of(value(8)?)? })
}

/// Text or nothing; the outer `None` is neither.
const fn text(value: ValueRef<'_>) -> Option<Option<&[u8]>> {
    match value {
        ValueRef::Null => Some(None),
        ValueRef::Text(octets) => Some(Some(octets)),
        ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Blob(_) => None,
    }
}
