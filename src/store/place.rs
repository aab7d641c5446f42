//! Where the file of a store lies.
//!
//! Knows: who may own it, and what may lie beside it.
//! Never: opens it.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::store::StoreError;

/// NOFOLLOW refuses a link anywhere in the path, and /var may well be one.
pub(super) fn without_links(path: &Path) -> Result<PathBuf, StoreError> {
    let io = |error| StoreError::Io(path.to_owned(), error);
    match path.file_name() {
        Some(name) => Ok(directory_of(path).canonicalize().map_err(io)?.join(name)),
        None => Err(StoreError::Missing(path.to_owned())),
    }
}

/// A bare name lies in the working directory.
pub(super) fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whether anybody else could have written a store, or put another in its place.
pub(super) fn check_files(path: &Path, owner: u32) -> Result<(), StoreError> {
    let metadata = fs::symlink_metadata(path).map_err(|error| {
        if error.kind() == ErrorKind::NotFound {
            return StoreError::Missing(path.to_owned());
        }
        StoreError::Io(path.to_owned(), error)
    })?;
    let untrusted = |why| Err(StoreError::Untrusted(path.to_owned(), why));
    if !metadata.is_file() {
        return untrusted("is not a regular file");
    }
    // A second name would have a second journal (sqlite.org/howtocorrupt.html §2.5).
    if metadata.nlink() != 1 {
        return untrusted("has more than one name");
    }
    if metadata.uid() != 0 && metadata.uid() != owner {
        return untrusted("belongs to another user");
    }
    if metadata.mode() & 0o077 != 0 {
        return untrusted("is open to others: its mode must be 0600");
    }
    check_journal(path)?;
    check_directory(path, owner)
}

/// SQLite opens a journal that lies there, and would wait for ever at a pipe.
pub(super) fn check_journal(path: &Path) -> Result<(), StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push("-journal");
    match fs::symlink_metadata(&name) {
        Ok(metadata) if !metadata.is_file() => {
            Err(StoreError::Untrusted(name.into(), "is not a regular file: remove it"))
        }
        _ => Ok(()),
    }
}

pub(super) fn check_directory(path: &Path, owner: u32) -> Result<(), StoreError> {
    let Some(directory) = path.parent() else {
        return Ok(());
    };
    let metadata = fs::metadata(directory).map_err(|error| StoreError::Io(directory.to_owned(), error))?;
    let untrusted = |why| Err(StoreError::Untrusted(directory.to_owned(), why));
    if metadata.uid() != 0 && metadata.uid() != owner {
        return untrusted("belongs to another user");
    }
    if metadata.mode() & 0o077 != 0 {
        return untrusted("is open to others: its mode must be 0700");
    }
    Ok(())
}

/// Whoever writes there could put a journal beside the copy, which SQLite would believe.
pub(super) fn check_directory_of_copy(path: &Path, owner: u32) -> Result<(), StoreError> {
    let directory = directory_of(path);
    let metadata = fs::metadata(directory).map_err(|error| StoreError::Io(directory.to_owned(), error))?;
    let misplaced = |why| Err(StoreError::Misplaced(directory.to_owned(), why));
    if metadata.uid() != 0 && metadata.uid() != owner {
        return misplaced("belongs to another user");
    }
    if metadata.mode() & 0o022 != 0 {
        return misplaced("lets others write");
    }
    Ok(())
}

/// SQLite opens files by name. Where others may write, or rename a directory further up, one of theirs could take the
/// place of a copy that has been begun, and what is written would be theirs.
pub(super) fn check_way_to_copy(path: &Path, owner: u32) -> Result<(), StoreError> {
    check_directory_of_copy(path, owner)?;
    for directory in directory_of(path).ancestors().skip(1) {
        let metadata =
            fs::metadata(directory).map_err(|error| StoreError::Io(directory.to_owned(), error))?;
        let misplaced = |why| Err(StoreError::Misplaced(directory.to_owned(), why));
        if metadata.uid() != 0 && metadata.uid() != owner {
            return misplaced("belongs to another user");
        }
        // In one like /tmp nobody renames what is somebody else's.
        if metadata.mode() & 0o022 != 0 && metadata.mode() & 0o1000 == 0 {
            return misplaced("lets others write");
        }
    }
    Ok(())
}
