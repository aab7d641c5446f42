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

/// What posternd listens at.
pub(super) struct Sockets {
    verify: Vec<PathBuf>,
    saslauthd: Vec<PathBuf>,
}

impl Sockets {
    pub(super) fn of(config: &Config) -> Self {
        let daemon = &config.daemon;
        let saslauthd = daemon.saslauthd.iter().cloned().chain(in_units("ListenStream="));
        Self { verify: daemon.verify.clone(), saslauthd: saslauthd.collect() }
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
    pub(super) fn with(&self, path: &Path, kind: Kind) -> String {
        let there = match kind {
            Kind::Packets => &self.verify,
            Kind::Stream => &self.saslauthd,
        };
        let new = (!there.iter().any(|each| each == path)).then_some(path);
        let all = there.iter().map(PathBuf::as_path).chain(new);
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
