//! The command: reads the clock and the uids, and hands them to the command line's rooms.

use std::env;
use std::io::{self, Write};
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use postern::backend::{DAEMON_USER, Trusted};
use postern::cli::{self, Exit, Reader, World};
use postern::crypto::secret::Secret;
use postern::doctor::Clock;
use postern::domain::time::UnixTime;
use postern::ffi::{pam, system, users};

fn main() -> ExitCode {
    panic::set_hook(Box::new(own_up));
    let world = World {
        clock: &now,
        kept_clock,
        effective_uid: system::effective_uid(),
        typed_by: cli::typed_by(system::real_uid(), env::var("SUDO_UID").ok().as_deref(), daemon_user),
        system: pam::nested::SYSTEM,
        ask_hidden: &ask_hidden,
        uid_of: users::uid_of,
        name_of: |uid| users::name_of(uid).ok().flatten(),
        trusted: Trusted { daemon: daemon_user },
        pause,
        is_told_to_stop: system::is_told_to_stop,
        log: system::syslog,
    };
    // Caught, so that secrets are wiped and the terminal is given back.
    let run = AssertUnwindSafe(|| cli::run(&world, env::args_os()));
    let exit = panic::catch_unwind(run).unwrap_or(Exit::Unavailable);
    ExitCode::from(exit.code())
}

fn daemon_user() -> Option<u32> {
    users::uid_of(DAEMON_USER)
}

/// Ctrl-C must not leave a terminal without echo behind: rpassword turns it into an error once the signal is ignored.
fn ask_hidden(prompt: &str) -> io::Result<Secret> {
    let typed = system::uninterrupted(|| rpassword::prompt_password(prompt))?;
    Ok(Secret::new(typed.into_bytes()))
}

/// One sentence; what a panic says might hold a secret.
fn own_up(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(|at| format!(" ({}:{})", at.file(), at.line()));
    let place = place.unwrap_or_default();
    let _ = writeln!(io::stderr(), "postern: stopped by a fault of its own, please report it{place}");
}

fn kept_clock() -> Clock {
    match system::is_clock_kept() {
        Some(true) => Clock::Synchronised,
        Some(false) => Clock::Alone,
        None => Clock::Unknown,
    }
}

fn pause() -> Reader {
    if system::is_stdout_closed_within(1000) { Reader::Gone } else { Reader::There }
}

#[allow(clippy::disallowed_methods, reason = "the composition root reads the clock for everybody else")]
fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    UnixTime(since.map_or(0, |since| since.as_secs()))
}
