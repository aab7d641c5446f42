//! `postern doctor` on real configurations of PAM, Dovecot, Postfix and Cyrus SASL: what it finds, and that it finds
//! nothing where nothing is wrong.
//!
//! Needs root, for namespaces of its own; without, every trial counts as skipped.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a trial stops at the first surprise"
)]

#[path = "../support/mod.rs"]
mod support;
mod ground;
mod bad;
mod good;
mod words;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use support::namespaces;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // One machine: one trial at a time.
    arguments.test_threads = Some(1);
    let can = namespaces::root();
    let mut posternd = None;
    if can && !arguments.list {
        if !namespaces::inside() {
            eprintln!("no namespaces of our own: {}", namespaces::enter());
            return ExitCode::FAILURE;
        }
        posternd = Some(ground::furnish());
    }
    let mut trials: Vec<Trial> = Vec::new();
    for site in bad::SITES {
        trials.push(trial(&format!("bad::{}", site.name), can, || site.is_found()));
    }
    for (name, shows) in good::FACTS.iter().chain(words::FACTS) {
        trials.push(trial(name, can, shows));
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(posternd);
    conclusion.exit_code()
}

fn trial(name: &str, can: bool, shows: impl Fn() + Send + Sync + 'static) -> Trial {
    let shows = Arc::new(shows);
    let run = move || {
        catch_unwind(AssertUnwindSafe(&*shows)).map_err(|panic| {
            let said = panic.downcast_ref::<String>().cloned();
            Failed::from(
                said.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default(),
            )
        })
    };
    Trial::test(name, run).with_ignored_flag(!can)
}
