//! Linux-PAM: as a module that is asked, and as an application that asks.

mod abi;
mod handle;
mod arguments;
mod outcome;
mod grant;
mod module;
mod entry;
pub mod nested;
