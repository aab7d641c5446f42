//! Who answers for a host: its own process, or posternd.
#![forbid(unsafe_code)]

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::backend::{Backend, Client, DAEMON_USER, DEFAULT_SOCKET, Door, Level, Source, Trusted};
use crate::config::{Config, DEFAULT_PATH, Owner};
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
        let there = |socket| Backend::There(Client { socket, trusted: Trusted { daemon: daemon_uid }, log });
        if let Some(socket) = self.socket() {
            return body(&there(socket));
        }
        let path = self.config.as_deref().unwrap_or(Path::new(DEFAULT_PATH));
        let owner = Owner(system::effective_uid());
        let read = Config::read(path, owner);
        let config = match &read {
            // Root leaves it to the daemon, rather than work in a directory where another user writes.
            Ok(config) if self.config.is_none() && is_of(daemon_uid, &config.store) => {
                return body(&there(Path::new(DEFAULT_SOCKET)));
            }
            Ok(config) => Source::Read(config),
            // It is read again by whoever tells what is wrong with it.
            Err(_) => Source::File(path),
        };
        body(&Backend::Here(Door { config, owner, system: nested::SYSTEM, log }))
    }
}

/// Whether a store belongs to this user and not to root. One that is not there is told of by whoever opens it.
fn is_of(user: impl Fn() -> Option<u32>, store: &Path) -> bool {
    let owner = fs::symlink_metadata(store).map_or(0, |store| store.uid());
    // Most are root's: those cost no look into passwd(5).
    owner != 0 && user() == Some(owner)
}

/// The uid of the daemon's own user, if there is one.
fn daemon_uid() -> Option<u32> {
    shadow::unix_uid(DAEMON_USER).ok().flatten()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::chown;

    use super::*;

    #[test]
    fn a_store_is_left_to_the_daemon_only_where_it_is_the_daemons() {
        let directory = tempfile::tempdir().unwrap();
        let store = directory.path().join("store.db");
        assert!(!is_of(|| Some(0), &store));
        fs::write(&store, "").unwrap();
        let owner = if system::effective_uid() == 0 { 4711 } else { system::effective_uid() };
        chown(&store, Some(owner), None).unwrap();
        assert!(is_of(|| Some(owner), &store));
        assert!(!is_of(|| Some(owner + 1), &store));
        assert!(!is_of(|| None, &store));
        if system::effective_uid() == 0 {
            chown(&store, Some(0), None).unwrap();
            assert!(!is_of(|| Some(0), &store));
        }
    }
}
