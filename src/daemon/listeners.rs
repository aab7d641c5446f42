//! The sockets that peers connect to.

use std::fs::{self, DirBuilder, Permissions};
use std::io::ErrorKind;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, connect, listen, socket_with,
};

use crate::config::Daemon;
use crate::daemon::ServeError;

/// Connections that may wait to be accepted; the kernel holds them cheaply.
const BACKLOG: i32 = 4096;

/// The language of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    /// Frames of our own, one in each packet.
    Verify,
    /// saslauthd's, on a stream.
    Saslauthd,
    /// Frames of our own, of local users about their own accounts.
    Manage,
}

/// One socket that peers connect to.
pub(super) struct Listener {
    socket: OwnedFd,
    pub language: Language,
    /// Ours to remove; the service manager keeps its own.
    path: Option<PathBuf>,
}

impl Listener {
    /// Accepts one connection, if one waits.
    pub(super) fn accept(&self) -> Result<Option<OwnedFd>, Errno> {
        match accept_with(&self.socket, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) {
            Ok(connection) => Ok(Some(connection)),
            Err(Errno::WOULDBLOCK | Errno::CONNABORTED | Errno::INTR) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = fs::remove_file(path);
        }
    }
}

/// Takes the service manager's sockets, and makes those that the configuration names for languages of which it has none.
pub(super) fn open(
    activated: Vec<(String, OwnedFd)>,
    config: &Daemon,
    owner: u32,
) -> Result<Vec<Listener>, ServeError> {
    let given = activated.into_iter().map(|(name, socket)| adopt(&name, socket));
    let mut listeners = given.collect::<Result<Vec<_>, _>>()?;
    let named = [
        (Language::Verify, &config.verify),
        (Language::Saslauthd, &config.saslauthd),
        (Language::Manage, &config.manage),
    ];
    for (language, paths) in named {
        if listeners.iter().all(|given| given.language != language) {
            let made = paths.iter().map(|path| make(path, language, owner));
            listeners.extend(made.collect::<Result<Vec<_>, _>>()?);
        }
    }
    if listeners.is_empty() { Err(ServeError::NoSocket) } else { Ok(listeners) }
}

/// systemd.socket(5): the name says which language it is, `saslauthd`, `manage`, or anything else for attempts.
fn adopt(name: &str, socket: OwnedFd) -> Result<Listener, ServeError> {
    let language = match name {
        _ if name.starts_with("saslauthd") => Language::Saslauthd,
        _ if name.starts_with("manage") => Language::Manage,
        _ => Language::Verify,
    };
    rustix::io::ioctl_fionbio(&socket, true).map_err(|error| ServeError::Io(error.into()))?;
    Ok(Listener { socket, language, path: None })
}

fn make(path: &Path, language: Language, owner: u32) -> Result<Listener, ServeError> {
    let failed = |error: Errno| ServeError::Socket(path.to_owned(), error.into());
    prepare(path, owner)?;
    let kind = match language {
        Language::Verify | Language::Manage => SocketType::SEQPACKET,
        Language::Saslauthd => SocketType::STREAM,
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let address = SocketAddrUnix::new(path).map_err(failed)?;
    let probe = socket_with(AddressFamily::UNIX, kind, flags, None).map_err(failed)?;
    match connect(&probe, &address) {
        Ok(()) | Err(Errno::AGAIN) => return Err(ServeError::Taken(path.to_owned())),
        // Left behind by a daemon that was killed.
        Err(Errno::CONNREFUSED) => remove_socket(path)?,
        Err(_) => {}
    }
    let socket = socket_with(AddressFamily::UNIX, kind, flags, None).map_err(failed)?;
    bind(&socket, &address).map_err(failed)?;
    // Whoever may connect is told so by the permits, and no sooner than listen(2).
    fs::set_permissions(path, Permissions::from_mode(0o666))
        .map_err(|error| ServeError::Socket(path.to_owned(), error))?;
    listen(&socket, BACKLOG).map_err(failed)?;
    Ok(Listener { socket, language, path: Some(path.to_owned()) })
}

/// A directory in which others may write would let them put a socket of theirs in the place of ours.
fn prepare(path: &Path, owner: u32) -> Result<(), ServeError> {
    let Some(directory) = path.parent() else {
        return Err(ServeError::Untrusted(path.to_owned()));
    };
    let io = |error| ServeError::Socket(path.to_owned(), error);
    match DirBuilder::new().mode(0o755).create(directory) {
        // Whatever the umask: peers have to reach the socket.
        Ok(()) => fs::set_permissions(directory, Permissions::from_mode(0o755)).map_err(io)?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(io(error)),
    }
    let metadata = fs::symlink_metadata(directory).map_err(io)?;
    let ours = metadata.uid() == 0 || metadata.uid() == owner;
    if !metadata.is_dir() || !ours || metadata.mode() & 0o022 != 0 {
        return Err(ServeError::Untrusted(directory.to_owned()));
    }
    Ok(())
}

fn remove_socket(path: &Path) -> Result<(), ServeError> {
    let io = |error| ServeError::Socket(path.to_owned(), error);
    if fs::symlink_metadata(path).map_err(io)?.file_type().is_socket() {
        fs::remove_file(path).map_err(io)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_service_manager_lacks_is_made() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let owner = fs::metadata(directory.path()).unwrap().uid();
        let config = Daemon {
            verify: vec![path("verify")],
            saslauthd: Vec::new(),
            manage: vec![path("manage")],
            permits: Vec::new(),
        };
        let given =
            socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
        let listeners = open(vec![("verify".to_owned(), given)], &config, owner).unwrap();
        let languages: Vec<Language> = listeners.iter().map(|listener| listener.language).collect();
        assert_eq!(languages, [Language::Verify, Language::Manage]);
        assert!(!path("verify").exists() && path("manage").exists());
        drop(listeners);
        assert!(!path("manage").exists());
        let listeners = open(Vec::new(), &config, owner).unwrap();
        assert_eq!(listeners.len(), 2);
        assert!(path("verify").exists());
    }
}
