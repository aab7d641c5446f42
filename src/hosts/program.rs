//! Programs of others: a bounded time, bounded output, nothing of our environment.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::crypto::secret::Secret;

/// Where programs are looked for, whatever shell we were started from.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Octets of output that are read; doveconf says some 100 KiB.
const MOST_OUTPUT: u64 = 4 * 1024 * 1024;

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
        let failed = |error| NotRun::Io(self.name.to_owned(), error);
        let mut child = self.spawn()?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        thread::scope(|scope| {
            if let (Some(mut pipe), Some(text)) = (stdin, self.stdin) {
                // It may end without reading; that is its right.
                scope.spawn(move || drop(pipe.write_all(text.expose())));
            }
            let stdout = scope.spawn(move || all_of(stdout));
            let stderr = scope.spawn(move || all_of(stderr));
            let ended = self.wait(&mut child, stop);
            if ended.is_err() {
                let _ = child.kill();
                let _ = child.wait();
            }
            let read = |thread: thread::ScopedJoinHandle<'_, Secret>| {
                thread.join().map_err(|_| failed(io::Error::other("its output was not read")))
            };
            let (stdout, stderr) = (read(stdout)?, read(stderr)?);
            Ok(Ended { status: ended?, stdout, stderr })
        })
    }

    fn spawn(&self) -> Result<Child, NotRun> {
        let stdin = if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() };
        // Not even HOME: programs would read the configuration of whoever started us.
        let mut command = Command::new(self.name);
        command.args(self.arguments).env_clear().env("PATH", PATH).env("LC_ALL", "C");
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
        let name = self.name.to_owned();
        command.spawn().map_err(|error| {
            if error.kind() == ErrorKind::NotFound { NotRun::Missing(name) } else { NotRun::Io(name, error) }
        })
    }

    fn wait(&self, child: &mut Child, stop: &(dyn Fn() -> bool + Sync)) -> Result<Option<i32>, NotRun> {
        let looks = Duration::from_secs(u64::from(self.longest)).div_duration_f32(PAUSE);
        let mut looked = 0.0;
        while looked < looks {
            if let Some(status) = child.try_wait().map_err(|error| NotRun::Io(self.name.to_owned(), error))? {
                return Ok(status.code());
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

/// As much as there is, up to the bound; who writes more finds the pipe closed.
fn all_of(pipe: Option<impl Read>) -> Secret {
    let mut read = Vec::new();
    if let Some(pipe) = pipe {
        let _ = pipe.take(MOST_OUTPUT).read_to_end(&mut read);
    }
    Secret::new(read)
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
    use super::*;

    fn shell(line: &str, stdin: Option<&str>, longest: u16) -> Result<Ended, NotRun> {
        let stdin = stdin.map(|text| Secret::copy_of(text.as_bytes()));
        let program = Program { name: "sh", arguments: &["-c", line], stdin: stdin.as_ref(), longest };
        program.run(&|| false)
    }

    #[test]
    fn a_program_reads_and_writes_and_has_nothing_of_our_environment() {
        let ended = shell("cat; echo \"[$HOME]\" >&2; exit 3", Some("a line"), 5).unwrap();
        assert_eq!((ended.status, ended.stdout.expose()), (Some(3), b"a line".as_slice()));
        assert_eq!(ended.result(), Err("[]".to_owned()));
        assert_eq!(shell("echo yes", None, 5).unwrap().result(), Ok("yes\n".to_owned()));
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
