//! The logic: what is asked through a handle, and what is said of the last answer.
#![forbid(unsafe_code)]

use std::ffi::CStr;
use std::path::PathBuf;

use crate::backend::Level;
use crate::crypto::secret::Secret;
use crate::domain::attempt::{Door, RawAttempt, Shown};
use crate::domain::reply::Reply;
use crate::domain::time::Clock;
use crate::ffi::choice::Choice;
use crate::ffi::system;

/// What `postern_open` hands out.
#[derive(Debug)]
pub struct Session {
    choice: Choice,
    last: Option<Reply>,
}

/// One attempt, as C hands it over.
pub struct Asked<'a> {
    pub account: &'a [u8],
    pub secret: Secret,
    pub service: &'a [u8],
    pub remote: Option<&'a [u8]>,
}

impl Session {
    /// `None` asks whoever is asked by default; else `socket=PATH` or `config=PATH`, as the PAM module reads them.
    pub fn open(choice: Option<&str>) -> Option<Self> {
        let absolute = |path: &str| path.starts_with('/').then(|| PathBuf::from(path));
        let choice = match choice.map(|words| words.split_once('=')) {
            None => Choice::default(),
            Some(Some(("socket", path))) => Choice { socket: Some(absolute(path)?), ..Choice::default() },
            Some(Some(("config", path))) => Choice { config: Some(absolute(path)?), ..Choice::default() },
            Some(_) => return None,
        };
        Some(Self { choice, last: None })
    }

    /// Decides an attempt. Whatever goes wrong is no grant.
    pub fn verify(&mut self, asked: &Asked<'_>, clock: &Clock<'_>) -> bool {
        // What a panic leaves behind.
        self.last = Some(Reply::Unavailable);
        let log = |level: Level, line: &str| {
            if level != Level::Debug {
                system::syslog(level, line);
            }
        };
        let raw = RawAttempt {
            account: asked.account,
            shown: Shown::Field(&asked.secret),
            service: asked.service,
            remote: asked.remote,
            door: Door::C,
        };
        let reply = self.choice.ask(&log, |backend| backend.verify(&raw, clock));
        self.last = Some(reply);
        reply == Reply::Granted
    }

    /// One word about the last answer.
    pub const fn reason(&self) -> &'static CStr {
        match self.last {
            None => c"not-asked",
            Some(Reply::Granted) => c"granted",
            Some(Reply::Denied) => c"denied",
            Some(Reply::Throttled) => c"throttled",
            Some(Reply::Unavailable) => c"unavailable",
            Some(Reply::OutOfMemory) => c"out-of-memory",
        }
    }
}
