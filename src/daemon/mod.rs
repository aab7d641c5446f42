//! Floor 4: the answering side of the socket.
//!
//! Knows: who asks (SO_PEERCRED), what they may ask, how many may wait, and for how long; and what users may do themselves.
//! Never: decides; a worker does, through the same backend as every door. The parent opens neither store nor key.
//!
//! # Threat model
//!
//! Peers are hostile: they connect in bursts, send garbage, stop reading, and go away. Each has one question at a time,
//! within a bounded frame and a bounded time; past any bound the answer is "unavailable", at once. What a worker runs (a
//! PAM stack, a directory) may hang or die: it is killed at the deadline, and its question is unavailable. Nothing that
//! comes over a socket can become a grant but the answer of a worker to that very question.
//!
//! On a manage socket every local user is a peer, and perhaps a program that runs as one without their knowledge. It has
//! the uid, and so may look and revoke. To make something that opens a door it needs what only the person has: the
//! primary password and a code (`domain::self_service` has the table). A password alone binds nothing once anything was
//! bound. The uid comes from the kernel and is put before the frame by the parent; a frame that brings one is none.

mod complaints;
mod listeners;
mod notify;
mod pace;
mod permits;
mod peers;
mod pool;
mod pools;
mod manage;
mod server;
mod worker;

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use crate::backend::Level;
use crate::config::{ConfigError, Owner};
use crate::domain::account::AccountName;
use crate::domain::time::UnixTime;
use crate::verifier::{PamUnusable, System};

pub use server::serve;
pub use worker::{NameOf, Outside, work};

/// What the daemon learns from outside; the composition root has it.
pub struct World<'a> {
    /// Reads the clock.
    pub clock: &'a dyn Fn() -> UnixTime,
    /// On whose behalf files are opened.
    pub owner: Owner,
    /// Answers for accounts whose primary is PAM's.
    pub system: System<'a>,
    /// The uid of a user's name.
    pub uid_of: &'a dyn Fn(&AccountName) -> Result<Option<u32>, PamUnusable>,
    /// Takes lines for the log.
    pub log: &'a dyn Fn(Level, &str),
    /// Reads SIGTERM, SIGINT and SIGHUP.
    pub signals: OwnedFd,
    /// Which signal has come, if any.
    pub next_signal: &'a dyn Fn(&OwnedFd) -> Option<Signal>,
    /// Sockets of the service manager, by name.
    pub activated: Vec<(String, OwnedFd)>,
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Finish what runs, and end.
    End,
    /// Read the configuration again.
    Reload,
}

/// Why the daemon does not serve.
#[derive(Debug)]
pub enum ServeError {
    /// There is no configuration.
    Config(ConfigError),
    /// A permit names a user whom the system does not know.
    NoUser(String),
    /// A socket cannot be made.
    Socket(PathBuf, io::Error),
    /// Somebody answers at a socket already.
    Taken(PathBuf),
    /// The directory of a socket is somebody else's, or open to others.
    Untrusted(PathBuf),
    /// There is nothing to listen at.
    NoSocket,
    /// The system says no.
    Io(io::Error),
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::NoUser(name) => {
                write!(f, "a permit names the user {name:?}, whom the system does not know")
            }
            Self::Socket(path, error) => write!(f, "the socket {} cannot be made: {error}", path.display()),
            Self::Taken(path) => write!(f, "somebody answers at {} already", path.display()),
            Self::Untrusted(path) => {
                write!(f, "the directory {} is not root's, or others may write to it", path.display())
            }
            Self::NoSocket => f.write_str("there is no socket to listen at"),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ServeError {}

impl ServeError {
    /// What to do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Config(_) => "run `postern config check`",
            Self::NoUser(_) => "mend that permit in postern.toml",
            Self::Socket(..) => "make its directory, for root alone to write to",
            Self::Taken(_) => "see whether posternd runs already",
            Self::Untrusted(_) => "make it root's, with mode 0755",
            Self::NoSocket => "name one in postern.toml, [daemon] verify",
            Self::Io(_) => "see what the system says",
        }
    }
}

/// How the parent finds its own program again, whatever has been installed in its place since.
const OWN_PROGRAM: &str = "/proc/self/exe";

/// What makes it a worker.
const WORKER: &str = "--worker";
