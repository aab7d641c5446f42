//! The plug-in as a SASL application meets it: the built file, loaded by the real libsasl beside the stock plug-ins.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

#[path = "../support/site.rs"]
mod site;
#[path = "../support/impostor.rs"]
mod impostor;
mod host;
mod logins;
mod beside_stock;
mod breakage;
mod others;
