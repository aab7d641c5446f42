//! The command as an administrator meets it: the built binary, real files, no root.
//!
//! Each test has a home of its own, whose files belong to the user who runs the tests.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

mod home;
mod making;
mod listing;
mod limits;
mod rotating;
mod endings;
mod revoking;
mod codes;
mod trying;
mod probing;
mod copying;
mod importing;
mod second_factors_brought_along;
mod rekeying;
mod key;
mod setting_up;
mod recovery;
mod hostile;
mod words;
mod tree;
mod log;
mod completing;
mod stumbling;
