//! Postern at work: real mail clients log in to the real Dovecot and Postfix, on a private machine inside this one.
//!
//! `make demo` runs it. Exits 0 only if every attempt ended as it should.

#![allow(clippy::disallowed_methods, reason = "it tells how long things took")]

#[path = "../support/mod.rs"]
mod support;
mod story;
mod table;

use std::env;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use support::namespaces;
use support::rig::Rig;

/// As sysexits has none for it, the same as for wrong usage.
const NOT_NOW: u8 = 2;

fn main() -> ExitCode {
    if !namespaces::root() {
        let me = env::args().next().unwrap_or_default();
        eprintln!(
            "The servers of the demo need namespaces of their own, and those need root:\n    sudo {me}"
        );
        return ExitCode::from(NOT_NOW);
    }
    if !namespaces::inside() {
        eprintln!("no namespaces of our own: {}", namespaces::enter());
        return ExitCode::FAILURE;
    }
    let start = Instant::now();
    let rig = Rig::start();
    let servers = start.elapsed();
    let rows = story::tell(&rig);
    let attempts = start.elapsed() - servers;
    table::print(&rows);
    let wrong = rows.iter().filter(|row| !row.as_expected()).count();
    println!("\n{} attempts, {wrong} not as expected. {}", rows.len(), durations(servers, attempts));
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The first two parts come before this program; `tests/demo/run` took the time.
fn durations(servers: Duration, attempts: Duration) -> String {
    let before = ["packages", "build"].into_iter().filter_map(|part| {
        let seconds = env::var(format!("POSTERN_DEMO_{}", part.to_uppercase())).ok()?;
        Some(format!("{part} {seconds} s, "))
    });
    let [servers, attempts] = [servers, attempts].map(|took| took.as_secs_f32());
    format!("Took: {}servers {servers:.1} s, attempts {attempts:.1} s.", before.collect::<String>())
}
