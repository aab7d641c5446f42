//! A private machine: the real Dovecot and Postfix with Postern in them, seen by nobody outside.
//!
//! Knows: how a sysadmin installs Postern, and what mail clients do.
//! Never: links to Postern's own code. Whatever a test learns here comes through the doors.

#![allow(dead_code, reason = "each crate that includes the rig uses another part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]
#![allow(clippy::disallowed_methods, reason = "real servers run by the real clock")]

pub mod rig;
pub mod people;
pub mod clients;
pub mod change;
pub mod namespaces;
pub mod servers;
pub mod directory;
pub mod syslog;
pub mod command;
