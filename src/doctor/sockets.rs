//! The sockets of posternd: which there should be, and which answer.

use std::path::{Path, PathBuf};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};

use crate::config::Config;
use crate::doctor::machine;

/// Where systemd's units lie.
const UNITS: &[&str] = &["/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];

/// The language of a socket, as far as the kernel knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Our own.
    Packets,
    /// saslauthd's.
    Stream,
}

/// What posternd listens at in saslauthd's language.
pub(super) struct Sockets {
    saslauthd: Vec<PathBuf>,
}

impl Sockets {
    pub(super) fn of(config: &Config) -> Self {
        let named = config.daemon.saslauthd.iter().cloned();
        Self { saslauthd: named.chain(in_units("ListenStream=")).collect() }
    }

    /// Whether posternd, and not saslauthd itself, answers there.
    pub(super) fn speak_saslauthd(&self, path: &Path) -> bool {
        self.saslauthd.iter().any(|each| each == path)
    }

    /// Whether anybody does.
    pub(super) fn answers(&self, path: &Path, kind: Kind) -> bool {
        let language = match kind {
            Kind::Packets => SocketType::SEQPACKET,
            Kind::Stream => SocketType::STREAM,
        };
        let reach = || {
            let socket = socket_with(
                AddressFamily::UNIX,
                language,
                SocketFlags::CLOEXEC | SocketFlags::NONBLOCK,
                None,
            )?;
            connect(&socket, &SocketAddrUnix::new(path)?)
        };
        reach().is_ok()
    }

    /// The list of postern.toml with one more path.
    pub(super) fn saslauthd_with(&self, path: &Path) -> String {
        let new = (!self.speak_saslauthd(path)).then_some(path);
        let all = self.saslauthd.iter().map(PathBuf::as_path).chain(new);
        all.map(|path| format!("{:?}", path.display().to_string())).collect::<Vec<_>>().join(", ")
    }
}

/// What units of ours listen at.
fn in_units(key: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for directory in UNITS {
        for name in machine::names_in(directory) {
            if name.starts_with("postern") && name.ends_with(".socket") {
                let text = machine::read(Path::new(directory).join(name)).unwrap_or_default();
                found
                    .extend(text.lines().filter_map(|line| line.trim().strip_prefix(key)).map(PathBuf::from));
            }
        }
    }
    found
}
