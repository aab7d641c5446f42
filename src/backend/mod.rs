//! Floor 4: what a door asks, in its own process or across posternd's socket.
//!
//! Knows: that both ways have the same questions and answers, and that every decision leaves one line in the log of
//! whoever made it.
//! Never: a host's codes.

mod here;
mod there;
mod self_service;
mod line;
mod changes;

pub use crate::domain::reply::{Reply, Standing};
pub use changes::witness;
pub use here::{Door, Level, Source, deny, refuse};
pub use line::{DAEMON_USER, DaemonError, Trusted};
pub use self_service::{MANAGE_SOCKET, SelfService};
pub use there::{Client, DEFAULT_SOCKET};

use crate::domain::attempt::RawAttempt;
use crate::domain::time::Clock;

/// Whoever answers.
pub enum Backend<'a> {
    /// This process, which may read the store.
    Here(Door<'a>),
    /// posternd.
    There(Client<'a>),
}

impl Backend<'_> {
    /// Decides an attempt, spends what it uses up, and sees that the log is told.
    pub fn verify(&self, raw: &RawAttempt<'_>, clock: &Clock<'_>) -> Reply {
        match self {
            Self::Here(door) => door.verify(raw, clock),
            Self::There(client) => client.verify(raw),
        }
    }

    /// Looks at an account once more, without a secret.
    pub fn standing(&self, raw: &RawAttempt<'_>, clock: &Clock<'_>) -> Standing {
        match self {
            Self::Here(door) => door.standing(raw, clock),
            Self::There(client) => client.standing(raw),
        }
    }
}
