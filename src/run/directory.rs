//! The directory, and how its files are opened and locked.

use std::fmt;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// Between two looks at a lock that somebody else holds.
const PAUSE: Duration = Duration::from_millis(5);

/// Why a file that is lost at a reboot cannot be used.
#[derive(Debug)]
pub enum RunError {
    /// Somebody else could have made or changed it.
    Untrusted(PathBuf, &'static str),
    /// Somebody holds its lock far longer than anything of ours takes.
    Held(PathBuf),
    /// The system says no.
    Io(PathBuf, io::Error),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Untrusted(path, why) => write!(f, "{} {why}", path.display()),
            Self::Held(path) => write!(f, "{} is locked by a process that does not go on", path.display()),
            Self::Io(path, error) => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for RunError {}

/// Opens a file of ours in the directory, and makes both if they are missing. `owner` is the effective uid, besides root
/// the only owner believed.
pub(super) fn open(directory: &Path, name: &str, owner: u32) -> Result<File, RunError> {
    let path = directory.join(name);
    let io = |error| RunError::Io(path.clone(), error);
    trusted_directory(directory, owner)?;
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(flags);
    let file = options.open(&path).map_err(io)?;
    let metadata = file.metadata().map_err(io)?;
    if !metadata.is_file() || metadata.nlink() != 1 {
        return Err(RunError::Untrusted(path, "is not a regular file with one name: remove it"));
    }
    trusted(&path, &metadata, owner, 0o077)?;
    Ok(file)
}

/// A locked file, until it is dropped.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    pub(super) const fn file(&self) -> &File {
        &self.0
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Said aloud, since a child that another thread forks meanwhile would keep the lock with its copy of the file.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

/// Locks a file, asking `looks` times, five milliseconds apart; `None` where somebody else holds it all the while.
pub(super) fn lock(path: &Path, file: File, looks: u32) -> Result<Option<Lock>, RunError> {
    let locked = patiently(looks, || Ok(try_lock(path, &file)?.then_some(())))?;
    Ok(locked.map(|()| Lock(file)))
}

/// Asks again and again, five milliseconds apart, until there is an answer.
pub(super) fn patiently<T>(
    looks: u32,
    mut look: impl FnMut() -> Result<Option<T>, RunError>,
) -> Result<Option<T>, RunError> {
    for _ in 1..looks {
        if let Some(answer) = look()? {
            return Ok(Some(answer));
        }
        thread::sleep(PAUSE);
    }
    look()
}

fn try_lock(path: &Path, file: &File) -> Result<bool, RunError> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK | Errno::INTR) => Ok(false),
        Err(error) => Err(RunError::Io(path.to_owned(), error.into())),
    }
}

fn trusted_directory(directory: &Path, owner: u32) -> Result<(), RunError> {
    let io = |error| RunError::Io(directory.to_owned(), error);
    match DirBuilder::new().mode(0o755).create(directory) {
        // Whatever the umask: posternd's sockets lie beside our files, and their peers have to reach them.
        Ok(()) => fs::set_permissions(directory, Permissions::from_mode(0o755)).map_err(io)?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(io(error)),
    }
    let metadata = fs::symlink_metadata(directory).map_err(io)?;
    if !metadata.is_dir() {
        return Err(RunError::Untrusted(directory.to_owned(), "is not a directory"));
    }
    trusted(directory, &metadata, owner, 0o022)
}

fn trusted(path: &Path, metadata: &Metadata, owner: u32, forbidden: u32) -> Result<(), RunError> {
    if metadata.uid() != 0 && metadata.uid() != owner {
        return Err(RunError::Untrusted(path.to_owned(), "belongs to another user"));
    }
    if metadata.mode() & forbidden != 0 {
        return Err(RunError::Untrusted(path.to_owned(), "lets others in"));
    }
    Ok(())
}
