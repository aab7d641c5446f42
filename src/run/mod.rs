//! Floor 2: files under `/run/postern` <-> what may be forgotten at a reboot.
//!
//! Knows: fixed-size files, their locks, and who may have made them.
//! Never: the store, which strangers must not be able to make busy; whether a secret is right.

mod directory;
mod sheet;
mod places;
mod refusal_file;
mod refusals;
mod slots;
mod turn;
pub mod tombstones;

pub use directory::RunError;
pub use refusals::{Closed, Recollection, Refusals, Refused};
pub use slots::{Slot, take_slot};
pub use turn::{Turn, take_turn};
