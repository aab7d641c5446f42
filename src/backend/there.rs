//! Asks posternd about an attempt or an account.
//!
//! Knows: that no answer is unavailable.
//! Never: takes anything but an answer for one.

use std::path::Path;

use crate::backend::Level;
use crate::backend::here::unavailable_line;
use crate::backend::line::{DaemonError, Line, Trusted};
use crate::domain::attempt::RawAttempt;
use crate::domain::reply::{Reply, Standing};
use crate::wire::{BadFrame, Question, decode_reply, decode_standing, encode};

/// Where posternd listens unless it is told otherwise.
pub const DEFAULT_SOCKET: &str = "/run/postern/verify";

/// An answer has two octets; a longer one is none.
const ANSWER_LEN: usize = 16;

/// posternd, asked anew each time: a host may fork, and a connection must not cross a fork.
pub struct Client<'a> {
    /// Where it listens.
    pub socket: &'a Path,
    /// Whose socket is believed.
    pub trusted: Trusted,
    /// Takes a line where there was no answer; the daemon tells of its own.
    pub log: &'a dyn Fn(Level, &str),
}

impl Client<'_> {
    /// Has an attempt decided.
    #[must_use]
    pub fn verify(&self, raw: &RawAttempt<'_>) -> Reply {
        self.ask(Question::Verify, raw, decode_reply).unwrap_or(Reply::Unavailable)
    }

    /// Has an account looked at.
    #[must_use]
    pub fn standing(&self, raw: &RawAttempt<'_>) -> Standing {
        self.ask(Question::Standing, raw, decode_standing).unwrap_or(Standing::Unavailable)
    }

    fn ask<T>(
        &self,
        question: Question,
        raw: &RawAttempt<'_>,
        read: impl FnOnce(&[u8]) -> Result<T, BadFrame>,
    ) -> Option<T> {
        let answer = encode(question, raw)
            .map_err(DaemonError::NoAnswer)
            .and_then(|frame| self.line().exchange(&frame, ANSWER_LEN))
            .and_then(|answer| read(&answer).map_err(DaemonError::NoAnswer));
        answer.map_err(|why| self.tell(raw, &why)).ok()
    }

    const fn line(&self) -> Line<'_> {
        Line { socket: self.socket, trusted: self.trusted }
    }

    fn tell(&self, raw: &RawAttempt<'_>, why: &DaemonError) {
        let line = unavailable_line(raw, None, &why.to_string(), why.remedy());
        (self.log)(Level::Error, &line);
    }
}
