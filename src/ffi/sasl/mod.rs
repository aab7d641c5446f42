//! Cyrus SASL: as a server plug-in that offers the mechanisms PLAIN and LOGIN.

mod abi;
mod params;
mod options;
pub mod conversation;
mod outcome;
mod module;
mod entry;
