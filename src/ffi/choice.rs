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
        match self.socket().or_else(|| self.socket_of_the_owner()) {
            None => body(&Backend::Here(self.here(log))),
            Some(socket) => {
                body(&Backend::There(Client { socket, trusted: Trusted { daemon: daemon_uid }, log }))
            }
        }
    }

    /// Root leaves a store of the daemon's own user to the daemon, rather than work in a directory where another writes.
    fn socket_of_the_owner(&self) -> Option<&'static Path> {
        let leaves_it = self.config.is_none() && holds_store_of(daemon_uid, Path::new(DEFAULT_PATH));
        leaves_it.then_some(Path::new(DEFAULT_SOCKET))
    }

    /// This process.
    pub fn here<'a>(&'a self, log: &'a dyn Fn(Level, &str)) -> Door<'a> {
        let config = Source::File(self.config.as_deref().unwrap_or(Path::new(DEFAULT_PATH)));
        Door { config, owner: Owner(system::effective_uid()), system: nested::SYSTEM, log }
    }
}

/// Whether the store of a configuration belongs to this user. What cannot be read or is not there, is told of by whoever
/// opens it.
fn holds_store_of(user: impl Fn() -> Option<u32>, config: &Path) -> bool {
    let Ok(config) = Config::read(config, Owner(system::effective_uid())) else {
        return false;
    };
    // Most stores are root's: those cost no look into passwd(5).
    let owner = fs::symlink_metadata(&config.store).map_or(0, |store| store.uid());
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
        let [config, store] = ["postern.toml", "store.db"].map(|name| directory.path().join(name));
        fs::write(&config, format!("store = {store:?}")).unwrap();
        assert!(!holds_store_of(|| Some(0), &config));
        fs::write(&store, "").unwrap();
        let owner = if system::effective_uid() == 0 { 4711 } else { system::effective_uid() };
        chown(&store, Some(owner), None).unwrap();
        assert!(holds_store_of(|| Some(owner), &config));
        assert!(!holds_store_of(|| Some(owner + 1), &config));
        assert!(!holds_store_of(|| None, &config));
        fs::write(&config, "store = 7").unwrap();
        assert!(!holds_store_of(|| Some(owner), &config));
        if system::effective_uid() == 0 {
            chown(&store, Some(0), None).unwrap();
            assert!(!holds_store_of(|| Some(0), &config));
        }
    }
}
