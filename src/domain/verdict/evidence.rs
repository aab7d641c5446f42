//! What was found out about one attempt, before anybody judges it.

use crate::domain::account::AccountState;
use crate::domain::policy::CodeWaiver;
use crate::domain::primary::PrimaryMatch;
use crate::domain::throttle::Throttled;

/// What was found out about one attempt.
#[derive(Clone, Copy, Debug)]
pub enum Evidence {
    /// A field was out of bounds.
    Malformed,
    /// The field has the shape of an app password and wrong check symbols.
    Mistyped,
    /// The field is an app password that no row has.
    UnknownAppPassword,
    /// The field is an app password that a row has.
    AppPassword(AppPasswordEvidence),
    /// The field is a primary password, with or without a code.
    Primary(PrimaryEvidence),
}

/// About an app password that has a row.
#[derive(Clone, Copy, Debug)]
pub struct AppPasswordEvidence {
    /// What its hash says.
    pub secret: Match,
    /// Whose it is.
    pub owner: Owner,
    /// Whether it still lives.
    pub life: Life,
    /// Whether it is good for the service.
    pub scope: Coverage,
    /// Whether it is good from the remote host.
    pub networks: Coverage,
    /// Whether the service takes app passwords at all.
    pub policy: Coverage,
    /// What is known of its account.
    pub account: Known,
}

/// About a primary password.
#[derive(Clone, Copy, Debug)]
pub struct PrimaryEvidence {
    /// Whether the service takes a primary password at all.
    pub policy: Coverage,
    /// What the store knows of the account.
    pub account: Known,
    /// What became of the primary password.
    pub primary: PrimaryFinding,
    /// What the code is.
    pub code: CodeEvidence,
}

/// What is known of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Its state.
    Account(AccountState),
    /// The system has given its name to somebody else.
    Replaced,
    /// Nothing, and in a roll-out it need not.
    RollOut,
    /// Nothing.
    Nothing,
}

/// What became of a primary password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrimaryFinding {
    /// It was checked.
    Checked(PrimaryMatch),
    /// Another module of the host checks it; ours is asked for the second factor alone.
    Elsewhere,
    /// It was empty, and nobody was asked.
    Empty,
    /// It was refused moments ago, and nobody was asked again.
    Repeated,
    /// Nobody was asked, since the source or the machine has had enough.
    Throttled(Throttled),
    /// Nobody was asked, since the service does not take it.
    NotAsked,
}

/// What a comparison of secrets said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// Equal.
    Right,
    /// Different.
    Wrong,
}

/// Whose app password it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The account's that logs in.
    Same,
    /// Somebody else's.
    Other,
}

/// Whether an app password still lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It does.
    Live,
    /// It is a tombstone.
    Revoked,
    /// Its time is over.
    Expired,
}

/// Whether a scope holds the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// It does.
    Inside,
    /// It does not.
    Outside,
}

/// What the code is; looked at only if the primary is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeEvidence {
    /// None was shown, or the primary was not right.
    Absent,
    /// The account has no key to compare one with.
    NoKey,
    /// Of no step in the window.
    Wrong,
    /// Of a step that is spent.
    Spent,
    /// A recovery code that newer ones have replaced.
    Retired,
    /// Not compared: too many were wrong before.
    PathClosed,
    /// Right, but the account was closed or got another primary meanwhile.
    AccountChanged,
    /// None was shown, and none is needed.
    Waived(CodeWaiver),
    /// Of an open step, or a recovery code that was not spent.
    Right,
}
