//! Programs of others: a bounded time, bounded output, nothing of our environment.

use std::fmt;
use std::io::{self, ErrorKind};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::crypto::secret::Secret;
use crate::hosts::pipes::Pipes;

/// Where programs are looked for, whatever shell we were started from.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Between two looks at whether it has ended.
const PAUSE: Duration = Duration::from_millis(10);

/// A program, and how long it may take.
#[derive(Clone, Copy)]
pub struct Program<'a> {
    /// Its name.
    pub name: &'a str,
    /// Others can read them: no secret is among them.
    pub arguments: &'a [&'a str],
    /// What it reads; others cannot.
    pub stdin: Option<&'a Secret>,
    /// In seconds.
    pub longest: u16,
}

/// How it ended. Its output may repeat a secret that it was given.
pub struct Ended {
    /// The exit status; `None` where a signal ended it.
    pub status: Option<i32>,
    /// What it wrote to stdout.
    pub stdout: Secret,
    /// What it wrote to stderr.
    pub stderr: Secret,
}

/// Why it did not come to an end of its own.
#[derive(Debug)]
pub enum NotRun {
    /// There is no such program.
    Missing(String),
    /// It took longer than it may.
    TooLong(String),
    /// We were told to stop.
    Stopped,
    /// The system says no.
    Io(String, io::Error),
}

impl fmt::Display for NotRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => write!(f, "there is no program {name}"),
            Self::TooLong(name) => write!(f, "{name} did not come to an end"),
            Self::Stopped => f.write_str("stopped"),
            Self::Io(name, error) => write!(f, "{name}: {error}"),
        }
    }
}

impl std::error::Error for NotRun {}

impl Program<'_> {
    /// Runs it to its end, or until `stop` says yes.
    ///
    /// # Errors
    /// Where it is not there, or came to no end of its own.
    pub fn run(&self, stop: &(dyn Fn() -> bool + Sync)) -> Result<Ended, NotRun> {
        let mut child = self.spawn()?;
        let ended = self.attend(&mut child, stop);
        if ended.is_err() {
            // What it has started itself goes with it; then the group's name is free again.
            let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
            let _ = child.wait();
        }
        ended
    }

    fn spawn(&self) -> Result<Child, NotRun> {
        let stdin = if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() };
        // Not even HOME: programs would read the configuration of whoever started us.
        let mut command = Command::new(self.name);
        command.args(self.arguments).env_clear().env("PATH", PATH).env("LC_ALL", "C");
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let name = self.name.to_owned();
        command.spawn().map_err(|error| {
            if error.kind() == ErrorKind::NotFound { NotRun::Missing(name) } else { NotRun::Io(name, error) }
        })
    }

    /// Writes, reads and looks whether it has ended, until then. Whoever else holds its pipes is not waited for.
    fn attend(&self, child: &mut Child, stop: &(dyn Fn() -> bool + Sync)) -> Result<Ended, NotRun> {
        let failed = |error| NotRun::Io(self.name.to_owned(), error);
        let mut pipes = Pipes::of(child, self.stdin).map_err(failed)?;
        let looks = Duration::from_secs(u64::from(self.longest)).div_duration_f32(PAUSE);
        let mut looked = 0.0;
        while looked < looks {
            let ended = child.try_wait().map_err(failed)?;
            // After the look: what it wrote before its end is taken with it.
            pipes.turn();
            if let Some(status) = ended {
                return Ok(pipes.ended(status.code()));
            }
            if stop() {
                return Err(NotRun::Stopped);
            }
            thread::sleep(PAUSE);
            looked += 1.0;
        }
        Err(NotRun::TooLong(self.name.to_owned()))
    }
}

impl Ended {
    /// What it wrote to stdout, if it ended well.
    ///
    /// # Errors
    /// Where it did not: the last line of what it said about that.
    pub fn result(&self) -> Result<String, String> {
        if self.status == Some(0) {
            return Ok(String::from_utf8_lossy(self.stdout.expose()).into_owned());
        }
        let said = String::from_utf8_lossy(self.stderr.expose());
        Err(said.lines().next_back().unwrap_or("it ended without a word").to_owned())
    }
}

#[cfg(test)]
mod tests {
    use rustix::time::{ClockId, clock_gettime};

    use super::*;

    fn shell(line: &str, stdin: Option<&str>, longest: u16) -> Result<Ended, NotRun> {
        let stdin = stdin.map(|text| Secret::copy_of(text.as_bytes()));
        let program = Program { name: "sh", arguments: &["-c", line], stdin: stdin.as_ref(), longest };
        program.run(&|| false)
    }

    fn seconds() -> i64 {
        clock_gettime(ClockId::Monotonic).tv_sec
    }

    #[test]
    fn a_program_reads_and_writes_and_has_nothing_of_our_environment() {
        let ended = shell("cat; echo \"[$HOME]\" >&2; exit 3", Some("a line"), 5).unwrap();
        assert_eq!((ended.status, ended.stdout.expose()), (Some(3), b"a line".as_slice()));
        assert_eq!(ended.result(), Err("[]".to_owned()));
        assert_eq!(shell("echo yes", None, 5).unwrap().result(), Ok("yes\n".to_owned()));
    }

    #[test]
    fn what_a_program_leaves_behind_keeps_nobody_waiting() {
        // The one has left the group, and holds the pipes to its own end.
        for line in ["sleep 20 & exec sleep 20", "setsid -f sleep 20; exec sleep 20"] {
            let begun = seconds();
            assert!(matches!(shell(line, None, 1), Err(NotRun::TooLong(_))), "{line}");
            assert!(seconds() < begun + 10, "{line}");
        }
        let begun = seconds();
        assert_eq!(shell("sleep 20 & echo yes", None, 15).unwrap().result(), Ok("yes\n".to_owned()));
        assert!(seconds() < begun + 10);
    }

    #[test]
    fn what_a_program_has_started_is_ended_with_it() {
        let file = std::env::temp_dir().join(format!("postern-program-{}", std::process::id()));
        let line = format!("sleep 20 & echo $! >{}; wait", file.display());
        assert!(matches!(shell(&line, None, 1), Err(NotRun::TooLong(_))));
        let pid = std::fs::read_to_string(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        let stat = || std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        // Whoever adopts it may not have looked yet.
        let is_over = || stat().is_empty() || stat().contains(") Z ");
        let ended = (0..500).any(|_| {
            is_over() || {
                thread::sleep(PAUSE);
                false
            }
        });
        assert!(ended, "{}", stat());
    }

    #[test]
    fn long_texts_pass_both_ways() {
        let text = "a line of a long text\n".repeat(20_000);
        let ended = shell("cat", Some(&text), 15).unwrap();
        assert!(ended.result() == Ok(text));
    }

    #[test]
    fn a_program_that_does_not_end_is_ended() {
        assert!(matches!(shell("exec sleep 60", None, 1), Err(NotRun::TooLong(_))));
        let program = Program { name: "sleep", arguments: &["60"], stdin: None, longest: 60 };
        assert!(matches!(program.run(&|| true), Err(NotRun::Stopped)));
        let program = Program { name: "no-such-program", arguments: &[], stdin: None, longest: 60 };
        assert!(matches!(program.run(&|| false), Err(NotRun::Missing(_))));
    }
}
