//! posternd, asked by the real module, by saslauthd's own client, and by whoever should not.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

#[path = "../support/site.rs"]
mod site;
#[path = "../support/impostor.rs"]
mod impostor;

mod asking;
mod bounds;
mod breakage;
mod c_interface;
mod load;
mod manage;
mod running;
