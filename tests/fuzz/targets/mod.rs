//! What is fuzzed: everything that reads octets of somebody else's making, each with what must hold of every
//! input.
//!
//! Knows: the readers, and how much memory each may ask for.
//! Never: how inputs are made or kept. `fuzzer.rs` makes them, `replay.rs` runs through those that are kept.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a target stops at the first surprise"
)]

mod allocation;
mod frames;
mod saslauthd;
mod sasl;
mod fields;
mod configuration;
mod imports;

/// A reader, by the name of its corpus.
pub struct Target {
    pub name: &'static str,
    /// Reads one input, and panics where something does not hold.
    pub run: fn(&[u8]),
}

/// In the order of the doors.
pub const TARGETS: &[Target] = &[
    Target { name: "attempt", run: frames::attempt },
    Target { name: "manage_request", run: frames::manage_request },
    Target { name: "manage_answer", run: frames::manage_answer },
    Target { name: "saslauthd", run: saslauthd::request },
    Target { name: "sasl", run: sasl::conversations },
    Target { name: "presented", run: fields::presented },
    Target { name: "foreign_hash", run: fields::foreign_hash },
    Target { name: "configuration", run: configuration::text },
    Target { name: "import_dovecot", run: imports::dovecot },
    Target { name: "import_csv", run: imports::csv },
    Target { name: "google_authenticator", run: imports::google_authenticator },
    Target { name: "oath", run: imports::oath },
];

const KIB: usize = 1024;
