//! The pipes to a program, none of which is ever waited for.

use std::io;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout};

use rustix::io::ioctl_fionbio;

use crate::crypto::secret::Secret;
use crate::hosts::program::Ended;

/// Octets of output that are read; doveconf says some 100 KiB.
const MOST_OUTPUT: usize = 4 * 1024 * 1024;

/// Octets that are read at once: as many as a pipe holds (pipe(7)).
const AT_ONCE: usize = 64 * 1024;

/// Both directions.
pub(super) struct Pipes<'a> {
    stdin: Option<ChildStdin>,
    unwritten: &'a [u8],
    stdout: Intake<ChildStdout>,
    stderr: Intake<ChildStderr>,
}

/// What has come so far.
struct Intake<P> {
    pipe: Option<P>,
    read: Vec<u8>,
}

impl<'a> Pipes<'a> {
    /// Takes the pipes of a program that is to read `text`.
    pub(super) fn of(child: &mut Child, text: Option<&'a Secret>) -> io::Result<Self> {
        let pipes = Self {
            stdin: child.stdin.take(),
            unwritten: text.map_or(&[], Secret::expose),
            stdout: Intake { pipe: child.stdout.take(), read: Vec::new() },
            stderr: Intake { pipe: child.stderr.take(), read: Vec::new() },
        };
        pipes.stdin.as_ref().map_or(Ok(()), never_wait)?;
        pipes.stdout.pipe.as_ref().map_or(Ok(()), never_wait)?;
        pipes.stderr.pipe.as_ref().map_or(Ok(()), never_wait)?;
        Ok(pipes)
    }

    /// Writes and reads what is possible now.
    pub(super) fn turn(&mut self) {
        self.write();
        self.stdout.take_what_is_there();
        self.stderr.take_what_is_there();
    }

    /// What has come, of a program that has ended.
    pub(super) fn ended(self, status: Option<i32>) -> Ended {
        Ended { status, stdout: Secret::new(self.stdout.read), stderr: Secret::new(self.stderr.read) }
    }

    fn write(&mut self) {
        while let Some(pipe) = &mut self.stdin {
            match pipe.write(self.unwritten) {
                Ok(written) if 0 < written => {
                    self.unwritten = self.unwritten.get(written..).unwrap_or_default();
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // All is written, or it reads no more; that is its right.
                Ok(_) | Err(_) => self.stdin = None,
            }
        }
    }
}

impl<P: Read> Intake<P> {
    /// As much as there is, up to the bound; who writes more finds the pipe closed.
    fn take_what_is_there(&mut self) {
        while let Some(pipe) = &mut self.pipe {
            let room = MOST_OUTPUT.saturating_sub(self.read.len()).min(AT_ONCE) as u64;
            let had = self.read.len();
            match pipe.take(room).read_to_end(&mut self.read) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Ok(_) if had < self.read.len() => {}
                Ok(_) | Err(_) => self.pipe = None,
            }
        }
    }
}

fn never_wait(pipe: &impl AsFd) -> io::Result<()> {
    Ok(ioctl_fionbio(pipe, true)?)
}
