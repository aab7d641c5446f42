//! One frame to posternd, and one back.
//!
//! Knows: whose socket is believed, and how long each step may take.
//! Never: what is asked.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, recv, send,
    socket_with, sockopt,
};
use zeroize::Zeroizing;

use crate::wire::BadFrame;

/// The daemon's own user, where it does not run as root.
pub const DAEMON_USER: &str = "_postern";

/// Milliseconds for the question to go out; the daemon is there or it is not.
const SEND_WITHIN: i64 = 500;

/// Milliseconds for the answer: longer than the daemon takes for anything, and within the five seconds of a call.
const ANSWER_WITHIN: i64 = 4_300;

/// Whose socket is believed, beside root's: the daemon's own user, if there is one.
#[derive(Clone, Copy, Debug)]
pub struct Trusted {
    /// Looks the uid of `_postern` up; not called where the socket is root's, since a host in a jail has no passwd(5).
    pub daemon: fn() -> Option<u32>,
}

/// Why posternd gave no answer.
#[derive(Debug)]
pub enum DaemonError {
    /// It cannot be reached.
    Unreachable(io::Error),
    /// Somebody else listens there.
    ForeignOwner(u32),
    /// It was not quick enough.
    TooLate,
    /// It went away.
    Gone,
    /// It said what is no answer, or the question is none.
    NoAnswer(BadFrame),
}

impl fmt::Display for DaemonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(error) => write!(f, "posternd cannot be reached: {error}"),
            Self::ForeignOwner(uid) => write!(f, "uid {uid} listens in place of posternd"),
            Self::TooLate => f.write_str("posternd does not answer in time"),
            Self::Gone => f.write_str("posternd went away without an answer"),
            Self::NoAnswer(error) => write!(f, "posternd: {error}"),
        }
    }
}

impl std::error::Error for DaemonError {}

impl DaemonError {
    /// What to do about it, as one clause for a log line.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Unreachable(_) | Self::Gone => "start posternd, and see what it logged",
            Self::ForeignOwner(_) => "see who has made the socket, and remove it",
            Self::TooLate => "see whether posternd is stopped, or its machine full",
            Self::NoAnswer(_) => "let module and daemon be of one version, and restart the host",
        }
    }
}

impl From<Errno> for DaemonError {
    fn from(error: Errno) -> Self {
        match error {
            Errno::PIPE | Errno::CONNRESET => Self::Gone,
            other => Self::Unreachable(other.into()),
        }
    }
}

/// The way to a socket of posternd, taken anew for each frame: a host may fork, and a connection must not cross a fork.
pub(super) struct Line<'a> {
    pub socket: &'a Path,
    pub trusted: Trusted,
}

impl Line<'_> {
    /// Sends a frame; the answer has no more octets than there is room for.
    pub(super) fn exchange(&self, frame: &[u8], room: usize) -> Result<Zeroizing<Vec<u8>>, DaemonError> {
        let socket = self.connect()?;
        await_ready(&socket, PollFlags::OUT, SEND_WITHIN)?;
        send(&socket, frame, SendFlags::NOSIGNAL | SendFlags::DONTWAIT)?;
        await_ready(&socket, PollFlags::IN, ANSWER_WITHIN)?;
        let mut answer = Zeroizing::new(vec![0; room]);
        let (_, length) = recv(&socket, answer.as_mut_slice(), RecvFlags::DONTWAIT | RecvFlags::TRUNC)?;
        if length == 0 {
            return Err(DaemonError::Gone);
        }
        answer.truncate(length);
        // One that was cut to fit keeps its true length here, and is no answer.
        if room < length { Err(DaemonError::NoAnswer(BadFrame)) } else { Ok(answer) }
    }

    fn connect(&self) -> Result<OwnedFd, DaemonError> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        connect(&socket, &SocketAddrUnix::new(self.socket)?)?;
        // Who called listen(2): root, its service manager, or the daemon's own user.
        let owner = sockopt::socket_peercred(&socket)?.uid.as_raw();
        if owner != 0 && Some(owner) != (self.trusted.daemon)() {
            return Err(DaemonError::ForeignOwner(owner));
        }
        Ok(socket)
    }
}

/// Waits for a socket; an interrupted wait is not begun anew, or signals could make it last for ever.
fn await_ready(socket: &OwnedFd, wanted: PollFlags, within: i64) -> Result<(), DaemonError> {
    let timeout = Timespec { tv_sec: within / 1000, tv_nsec: (within % 1000) * 1_000_000 };
    let mut waiting = [PollFd::new(socket, wanted)];
    match poll(&mut waiting, Some(&timeout)) {
        Ok(0) | Err(Errno::INTR) => Err(DaemonError::TooLate),
        Ok(_) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
