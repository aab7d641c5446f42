//! What is written about Postern, held against Postern.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod mdoc;
mod pages;
mod manual;
mod blocks;
mod shell;
mod snippets;
mod fail2ban;
mod packages;
mod uninstall;
mod promises;
mod words;
