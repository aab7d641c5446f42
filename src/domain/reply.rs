//! What a door learns.
//!
//! Knows: the few answers that hosts tell apart.
//! Never: why; that is in the audit line alone.

/// What a door learns of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// May pass.
    Granted,
    /// May not; why is in the audit line alone.
    Denied,
    /// Nothing was looked at: later.
    Throttled,
    /// Nothing can be said.
    Unavailable,
    /// Nothing can be said for want of memory.
    OutOfMemory,
}

/// What a door learns of an account that has passed some other way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// May go on.
    Good,
    /// Is not an account of ours.
    Unknown,
    /// Is closed.
    Closed,
    /// Nothing can be said.
    Unavailable,
}
