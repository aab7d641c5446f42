//! `make man`: writes the manual pages of the command anew. A test compares them.
#![allow(clippy::unwrap_used, reason = "a tool of the workshop stops at the first surprise")]

mod mdoc;
mod pages;

use std::fs;

fn main() {
    for (path, text) in pages::written() {
        fs::write(path, text).unwrap();
    }
}
