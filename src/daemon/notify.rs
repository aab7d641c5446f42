//! Tells the service manager how it goes (sd_notify(3)).

use std::env;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// The service manager's socket, if there is one.
pub(super) struct Manager(Option<(UnixDatagram, SocketAddr)>);

impl Manager {
    pub(super) fn from_environment() -> Self {
        Self(connect())
    }

    /// Ready to answer.
    pub(super) fn ready(&self) {
        self.say("READY=1");
    }

    /// Still going round.
    pub(super) fn alive(&self) {
        self.say("WATCHDOG=1");
    }

    /// About to end.
    pub(super) fn stopping(&self) {
        self.say("STOPPING=1");
    }

    fn say(&self, what: &str) {
        if let Some((socket, address)) = &self.0 {
            // Nobody waits for it, and nothing depends on it.
            let _ = socket.send_to_addr(what.as_bytes(), address);
        }
    }
}

fn connect() -> Option<(UnixDatagram, SocketAddr)> {
    let name = env::var_os("NOTIFY_SOCKET")?;
    let address = match name.as_bytes().strip_prefix(b"@") {
        Some(hidden) => SocketAddr::from_abstract_name(hidden).ok()?,
        None => SocketAddr::from_pathname(&name).ok()?,
    };
    let socket = UnixDatagram::unbound().ok()?;
    socket.set_nonblocking(true).ok()?;
    Some((socket, address))
}
