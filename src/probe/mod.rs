//! Floor 4: logs in at the site's real doors with an account of its own, and looks who lets it in.
//!
//! Knows: which attempts must fail at which door and which must pass, the clients that make them, and what Postern's
//! store and memory tell of them afterwards.
//! Never: a protocol, which is the clients' affair; anybody else's account; how a result is shown.
//!
//! An attempt is seen from both ends. The server says yes or no. Postern remembers that it granted an app password (its
//! last use), that it spent a code (the key's last step), and that it refused somebody unknown (the memory of refused
//! primaries). A no that Postern knows nothing of was somebody else's, and so would be a yes.

mod door;
mod doors;
mod way;
mod listener;
mod attempt;
mod client;
mod curl;
mod sieve;
mod throw_away;
mod codes;
mod rounds;
mod crew;
mod finding;
mod advice;

pub use attempt::{Due, Kind, Try};
pub use client::{Answer, Certificates};
pub use door::{Door, DoorError, Encryption, Found, Protocol};
pub use doors::configured;
pub use finding::{Finding, Mark, Remark, State, judge};
pub use rounds::{Probe, ProbeError, Target};
pub use throw_away::{Identity, ThrowAway, ThrowAwayError, leftovers};
