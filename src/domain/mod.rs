//! Floor 1: meaning.
//!
//! Knows: what a login presents, what an account has, and who may pass.
//! Never: a clock, a file, a table, a socket, a host.

pub mod time;
pub mod account;
pub mod service;
pub mod network;
pub mod attempt;
pub mod symbols;
pub mod app_password;
pub mod recovery_code;
pub mod presented;
pub mod totp;
pub mod primary;
pub mod policy;
pub mod selection;
pub mod throttle;
pub mod verdict;
pub mod reply;
pub mod permit;
pub mod self_service;
pub mod anchor;
