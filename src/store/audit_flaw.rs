//! What is wrong with the chain of `audit_row`, in words.

use std::fmt;

/// The first row that is not as it was written.
#[derive(Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Its number.
    pub row: i64,
    /// What is wrong with it.
    pub kind: FlawKind,
    /// When the row before it was made, which is sound as all are before that.
    pub sound_until: Option<i64>,
}

/// What is wrong with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlawKind {
    /// It does not fit its hash.
    Changed,
    /// It is gone, and so are those up to this one.
    Missing(i64),
    /// It is gone, and the head with it.
    MissingWithHead,
    /// It stands where this one belongs.
    OutOfOrder(i64),
    /// It was never written by us.
    PutIn,
    /// It was chained under a key that is not known, of this id.
    OtherKey(i64),
    /// The rows end before it, and the head counts this many.
    CutShort(i64),
    /// The rows end before it, and there is no head to say whether they should.
    HeadMissing,
    /// The rows end before it, and the head does not fit the last one.
    HeadChanged,
    /// There are rows enough before it, and the head counts only this many.
    HeadBehind(i64),
    /// When it was written, the chain before it had been altered already.
    Noticed,
    /// A line in the log tells of another row.
    NotAsTold,
    /// The rows end before it, and a line in the log tells of this one.
    ToldAndMissing(i64),
}

impl FlawKind {
    /// In one word, for programs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Missing(_) | Self::MissingWithHead => "missing",
            Self::OutOfOrder(_) => "out-of-order",
            Self::PutIn => "put-in",
            Self::OtherKey(_) => "other-key",
            Self::CutShort(_) | Self::ToldAndMissing(_) => "cut-short",
            Self::HeadMissing => "head-missing",
            Self::HeadChanged | Self::HeadBehind(_) => "head-changed",
            Self::Noticed => "noticed",
            Self::NotAsTold => "not-as-told",
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = self.row;
        match self.kind {
            FlawKind::Changed => write!(f, "row {row} was changed: it does not fit its hash"),
            FlawKind::Missing(last) if last == row => write!(f, "row {row} is missing"),
            FlawKind::Missing(last) => write!(f, "row {row} is missing, and so are those up to row {last}"),
            FlawKind::MissingWithHead => write!(f, "row {row} is missing, with all others and with the head"),
            FlawKind::OutOfOrder(place) => {
                write!(f, "row {row} is out of order: what was written as row {row} stands in row {place}")
            }
            FlawKind::PutIn => write!(f, "row {row} was put in: the first row of a chain has the number 1"),
            FlawKind::OtherKey(key) => write!(f, "row {row} was made under another key, with the id {key}"),
            FlawKind::CutShort(last) => {
                write!(f, "row {row} is missing: the chain is cut short, its head counts {last} rows")
            }
            FlawKind::HeadMissing => {
                write!(f, "row {row} may be missing: the chain ends before it, and its head is gone")
            }
            FlawKind::HeadChanged => {
                write!(f, "row {row} may be missing: the chain ends before it, and its head was changed")
            }
            FlawKind::HeadBehind(last) => {
                write!(f, "the head was changed or put back: it counts {last} rows, and there are more")
            }
            FlawKind::Noticed => {
                write!(f, "row {row} says that the end of the chain had been altered before it was written")
            }
            FlawKind::NotAsTold => write!(f, "row {row} is not the one that the log told of"),
            FlawKind::ToldAndMissing(told) => {
                write!(f, "row {row} is missing: the chain is cut short, and the log told of row {told}")
            }
        }
    }
}
