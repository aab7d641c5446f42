//! Who answers for a host: its own process, or posternd.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};

use crate::backend::{Backend, Client, DAEMON_USER, DEFAULT_SOCKET, Door, Level, Source, Trusted};
use crate::config::{DEFAULT_PATH, Owner};
use crate::ffi::pam::nested;
use crate::ffi::{shadow, system};

/// What a host was told.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Decide in this process, by this configuration.
    pub config: Option<PathBuf>,
    /// Ask posternd there.
    pub socket: Option<PathBuf>,
}

impl Choice {
    /// Where posternd is asked, if it is: who is not root may not read the store, and a set-uid program should not.
    /// Whoever started it chooses its priority, may freeze it, and with it whatever lock it holds.
    #[must_use]
    pub fn socket(&self) -> Option<&Path> {
        let wholly_root = system::effective_uid() == 0 && system::real_uid() == 0;
        let should_not_read = self.config.is_none() && !wholly_root;
        self.socket.as_deref().or_else(|| should_not_read.then_some(Path::new(DEFAULT_SOCKET)))
    }

    /// Asks whoever answers.
    pub fn ask<T>(&self, log: &dyn Fn(Level, &str), body: impl FnOnce(&Backend<'_>) -> T) -> T {
        match self.socket() {
            None => body(&Backend::Here(self.here(log))),
            Some(socket) => {
                body(&Backend::There(Client { socket, trusted: Trusted { daemon: daemon_uid }, log }))
            }
        }
    }

    /// This process.
    pub fn here<'a>(&'a self, log: &'a dyn Fn(Level, &str)) -> Door<'a> {
        let config = Source::File(self.config.as_deref().unwrap_or(Path::new(DEFAULT_PATH)));
        Door { config, owner: Owner(system::effective_uid()), system: nested::SYSTEM, log }
    }
}

/// The uid of the daemon's own user, if there is one.
fn daemon_uid() -> Option<u32> {
    shadow::unix_uid(DAEMON_USER).ok().flatten()
}
