//! Postern at work: real mail clients log in to the real Dovecot and Postfix, on a private machine inside this one.
//!
//! `make demo` runs it. Exits 0 only if every attempt ended as it should.

#![allow(clippy::disallowed_methods, reason = "it tells how long things took")]

#[path = "../support/mod.rs"]
mod support;
mod story;
mod table;

use std::env;
use std::io::{IsTerminal, stderr};
use std::panic::resume_unwind;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use story::Told;
use support::clients::Protocol;
use support::namespaces;
use support::rig::Rig;
use table::DOORS;

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
    progress("Dovecot, Postfix and posternd start on a private machine inside this one.");
    let mut rig = Rig::start();
    let servers = start.elapsed();
    progress("Mail clients log in at six doors: curl, swaks, openssl. This takes half a minute.\n");
    let rows = rows(&mut rig);
    let attempts = start.elapsed() - servers;
    table::print(&rows);
    let all: Vec<&Told> = rows.iter().flatten().collect();
    let wrong = all.iter().filter(|told| !told.as_expected()).count();
    println!("\n{} logins, {wrong} not as expected. {}", all.len(), durations(servers, attempts));
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn progress(what: &str) {
    if stderr().is_terminal() {
        eprintln!("{what}");
    }
}

/// The attempts, each with its end at every door.
fn rows(rig: &mut Rig) -> Vec<Vec<Told>> {
    let mut rows = at_every_door(|door| story::tell(rig, door));
    rig.posternd.stop();
    rows.extend(at_every_door(|door| story::tell_without_posternd(rig, door)));
    rows
}

/// All doors at once, since a refusal takes Dovecot half a second; then the first attempt of each, the second, and on.
fn at_every_door(tell: impl Fn(Protocol) -> Vec<Told> + Sync) -> Vec<Vec<Told>> {
    let stories: Vec<Vec<Told>> = thread::scope(|scope| {
        let tell = &tell;
        let tellers = DOORS.map(|door| scope.spawn(move || tell(door)));
        tellers.map(|teller| teller.join().unwrap_or_else(|failure| resume_unwind(failure))).into()
    });
    let mut stories: Vec<_> = stories.into_iter().map(Vec::into_iter).collect();
    let mut rows = Vec::new();
    loop {
        let row: Vec<Told> = stories.iter_mut().filter_map(Iterator::next).collect();
        if row.is_empty() {
            return rows;
        }
        rows.push(row);
    }
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
