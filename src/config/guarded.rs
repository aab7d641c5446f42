//! Reads a file only if nobody but its owner could have written it.
//!
//! Knows: kind, owner, mode and size of a file.
//! Never: what is in it.

use std::fmt;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use zeroize::Zeroizing;

/// The effective uid of this process: besides root the only owner that is believed.
#[derive(Clone, Copy, Debug)]
pub struct Owner(pub u32);

impl Owner {
    fn is_owner_of(self, metadata: &Metadata) -> bool {
        metadata.uid() == 0 || metadata.uid() == self.0
    }
}

/// Who but the owner may do what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Others {
    /// Nobody else may write.
    MayRead,
    /// Nobody else may do anything.
    MayNothing,
    /// Nobody else may do anything but those whom an access list lets read: its mask stands where the group's bits would
    /// (acl(5)).
    ListedMayRead,
}

impl Others {
    const fn forbidden_bits(self) -> u32 {
        match self {
            Self::MayRead => 0o022,
            Self::MayNothing => 0o077,
            Self::ListedMayRead => 0o037,
        }
    }
}

/// Why a file is not read.
#[derive(Debug)]
pub enum FileError {
    /// It is not there.
    Missing,
    /// A link, a directory, a pipe or a device.
    NotRegular,
    /// It belongs to somebody who is neither root nor ourselves.
    ForeignOwner(u32),
    /// Others may do more than they should.
    TooOpen(u32),
    /// More octets than any file of its kind.
    TooLarge(u64),
    /// The system says no.
    Io(io::Error),
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("is missing"),
            Self::NotRegular => f.write_str("is not a regular file"),
            Self::ForeignOwner(uid) => write!(f, "belongs to uid {uid}"),
            Self::TooOpen(mode) => write!(f, "has mode {mode:04o}, which lets others in"),
            Self::TooLarge(bound) => write!(f, "has more than {bound} octets"),
            Self::Io(error) => write!(f, "cannot be read: {error}"),
        }
    }
}

impl std::error::Error for FileError {}

/// Looks whether anybody else could have written a file, or put another in its place, without opening it.
///
/// # Errors
/// Says what is wrong with the file or its directory.
pub fn check(path: &Path, owner: Owner) -> Result<(), FileError> {
    trust(&fs::symlink_metadata(path).map_err(refusal)?, owner, Others::MayRead)?;
    let directory = path.parent().ok_or(FileError::Missing)?;
    trust_owner(&fs::metadata(directory).map_err(refusal)?, owner, Others::MayRead)
}

/// Reads a whole file of at most `bound` octets.
pub(super) fn read(
    path: &Path,
    owner: Owner,
    others: Others,
    bound: u64,
) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let file = open(path)?;
    let metadata = file.metadata().map_err(FileError::Io)?;
    trust(&metadata, owner, others)?;
    if bound < metadata.len() {
        return Err(FileError::TooLarge(bound));
    }
    // With room for all of it from the start: a vector that grows leaves copies behind.
    let mut content = Zeroizing::new(Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0) + 1));
    file.take(bound + 1).read_to_end(&mut content).map_err(FileError::Io)?;
    if bound < content.len() as u64 {
        return Err(FileError::TooLarge(bound));
    }
    Ok(content)
}

fn trust(metadata: &Metadata, owner: Owner, others: Others) -> Result<(), FileError> {
    if !metadata.is_file() {
        return Err(FileError::NotRegular);
    }
    trust_owner(metadata, owner, others)
}

fn trust_owner(metadata: &Metadata, owner: Owner, others: Others) -> Result<(), FileError> {
    if !owner.is_owner_of(metadata) {
        return Err(FileError::ForeignOwner(metadata.uid()));
    }
    if metadata.mode() & others.forbidden_bits() != 0 {
        return Err(FileError::TooOpen(metadata.mode() & 0o7777));
    }
    Ok(())
}

fn open(path: &Path) -> Result<File, FileError> {
    // A pipe must not block us, and a link must not lead elsewhere.
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(refusal)
}

fn refusal(error: io::Error) -> FileError {
    match error.raw_os_error() {
        Some(libc::ENOENT) => FileError::Missing,
        Some(libc::ELOOP | libc::ENXIO) => FileError::NotRegular,
        _ => FileError::Io(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn file(mode: u32) -> (tempfile::TempDir, std::path::PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, b"1234").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (directory, path)
    }

    fn owner_of(path: &Path) -> Owner {
        Owner(fs::metadata(path).unwrap().uid())
    }

    #[test]
    fn what_others_could_have_written_or_read_is_refused() {
        for (mode, others, allowed) in [
            (0o600, Others::MayNothing, true),
            (0o640, Others::MayNothing, false),
            (0o604, Others::MayNothing, false),
            (0o440, Others::MayNothing, false),
            (0o440, Others::ListedMayRead, true),
            (0o460, Others::ListedMayRead, false),
            (0o444, Others::ListedMayRead, false),
            (0o644, Others::MayRead, true),
            (0o664, Others::MayRead, false),
            (0o646, Others::MayRead, false),
        ] {
            let (_directory, path) = file(mode);
            assert_eq!(read(&path, owner_of(&path), others, 9).is_ok(), allowed, "{mode:o} {others:?}");
        }
    }

    #[test]
    fn only_a_regular_file_within_its_bound_is_read() {
        let (directory, path) = file(0o600);
        let owner = owner_of(&path);
        let refuse = |path: &Path, bound| read(path, owner, Others::MayRead, bound).unwrap_err().to_string();
        let link = directory.path().join("link");
        symlink(&path, &link).unwrap();
        assert_eq!(refuse(&link, 9), "is not a regular file");
        assert_eq!(refuse(directory.path(), 9), "is not a regular file");
        assert_eq!(refuse(&directory.path().join("none"), 9), "is missing");
        assert_eq!(refuse(&path, 3), "has more than 3 octets");
        assert_eq!(read(&path, owner, Others::MayRead, 4).unwrap().as_slice(), b"1234");
    }
}
