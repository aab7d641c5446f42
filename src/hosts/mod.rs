//! Floor 2: what the mail servers' own tools say of their configuration -> meaning.
//!
//! Knows: how doveconf(1) and postconf(1) are asked, and how they write.
//! Never: what is good or bad about it, or any configuration file itself: only the tools know includes and defaults.

mod program;
mod pipes;
mod blocks;
mod dovecot;
mod postfix;

pub use blocks::Block;
pub use dovecot::{Dovecot, Listener};
pub use postfix::{Entry, Postfix};
pub use program::{Ended, NotRun, Program};
