//! The daemon: reads the clock, the uids and the signals, and hands them to its rooms.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::panic::{self, PanicHookInfo};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use postern::backend::Level;
use postern::config::{DEFAULT_PATH, Owner};
use postern::daemon::{self, Outside, Signal, World};
use postern::domain::time::UnixTime;
use postern::ffi::pam::nested;
use postern::ffi::{system, users};
use postern::verifier::PamUnusable;

const HELP: &str = "\
Answers for hosts that may not read the store of Postern.

Usage: posternd [--config FILE]

  --config FILE  the configuration, instead of /etc/postern/postern.toml
  --help         this text
  --version      the version

Runs in the foreground, listens at the sockets of [daemon] or at those of the service manager, and logs to syslog
(authpriv). SIGHUP reads the configuration again, and keeps the old one if the new one is broken; SIGTERM finishes what
runs.

Example:
  sudo posternd

Exit codes: 0 ended by SIGTERM, 2 usage, 5 unavailable.
";

const SIGNALS: [i32; 3] = [libc::SIGTERM, libc::SIGINT, libc::SIGHUP];

fn main() -> ExitCode {
    panic::set_hook(Box::new(own_up));
    match read(env::args_os().skip(1)) {
        Ok(Task::Serve(config)) => serve(config),
        Ok(Task::Work) => work(),
        Ok(Task::Say(text)) => say(text),
        Err(word) => {
            let _ = writeln!(io::stderr(), "posternd: {word:?} is no option\n  hint: posternd --help");
            ExitCode::from(2)
        }
    }
}

enum Task {
    Serve(PathBuf),
    Work,
    Say(&'static str),
}

fn read(mut words: impl Iterator<Item = OsString>) -> Result<Task, OsString> {
    let (mut config, mut worker) = (PathBuf::from(DEFAULT_PATH), false);
    while let Some(word) = words.next() {
        match word.to_str() {
            Some("--help" | "-h") => return Ok(Task::Say(HELP)),
            Some("--version" | "-V") => {
                return Ok(Task::Say(concat!("posternd ", env!("CARGO_PKG_VERSION"), "\n")));
            }
            Some("--worker") => worker = true,
            Some("--config") => config = words.next().ok_or(word)?.into(),
            _ => return Err(word),
        }
    }
    Ok(if worker { Task::Work } else { Task::Serve(config) })
}

fn say(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(5),
    }
}

fn serve(config: PathBuf) -> ExitCode {
    // Before anything else is opened: these numbers are the service manager's.
    let activated = system::activated();
    let served = system::signal_descriptor(&SIGNALS).map_err(daemon::ServeError::Io).and_then(|signals| {
        let world = World {
            clock: &now,
            owner: Owner(system::effective_uid()),
            system: nested::SYSTEM,
            uid_of: &nested::unix_uid,
            log: &system::syslog,
            signals,
            next_signal: &next_signal,
            activated,
        };
        daemon::serve(world, &config)
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            let _ = writeln!(io::stderr(), "posternd: {why}\n  hint: {}", why.remedy());
            system::syslog(Level::Error, &format!("posternd does not serve: {why}; {}", why.remedy()));
            ExitCode::from(5)
        }
    }
}

fn work() -> ExitCode {
    system::unblock(&SIGNALS);
    system::keep_no_large_memory();
    let Ok(parent) = io::stdin().as_fd().try_clone_to_owned() else {
        return ExitCode::from(5);
    };
    let owner = Owner(system::effective_uid());
    let outside = Outside { owner, system: nested::SYSTEM, name_of: &name_of, clock: &now, log };
    match daemon::work(&parent, &outside) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            system::syslog(
                Level::Error,
                &format!("posternd has a worker without a configuration: {}", why.message),
            );
            ExitCode::from(5)
        }
    }
}

fn name_of(uid: u32) -> Result<Option<String>, PamUnusable> {
    users::name_of(uid).map_err(PamUnusable::NoShadow)
}

fn log(level: Level, line: &str) {
    if level != Level::Debug {
        system::syslog(level, line);
    }
}

fn next_signal(signals: &OwnedFd) -> Option<Signal> {
    system::next_signal(signals).map(|number| match number {
        libc::SIGHUP => Signal::Reload,
        _ => Signal::End,
    })
}

/// One sentence; what a panic says might hold a secret.
fn own_up(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(|at| format!(" ({}:{})", at.file(), at.line()));
    let place = place.unwrap_or_default();
    let _ = writeln!(io::stderr(), "posternd: stopped by a fault of its own, please report it{place}");
}

#[allow(clippy::disallowed_methods, reason = "the composition root reads the clock for everybody else")]
fn now() -> UnixTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    UnixTime(since.map_or(0, |since| since.as_secs()))
}
