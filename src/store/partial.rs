//! A file that is being written, until it has its name.
//!
//! Knows: that its place may be one where others write too.

use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::store::StoreError;

/// A file beside the one that it will be.
pub(super) struct Partial {
    pub path: PathBuf,
    file: File,
}

impl Partial {
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial);
        match created {
            Ok(file) => Ok(Self { path: partial, file }),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(StoreError::Exists(partial)),
            Err(error) => Err(StoreError::Io(partial, error)),
        }
    }

    /// Gives it its name, unless another file has it meanwhile.
    pub fn finish(self, path: &Path) -> Result<(), StoreError> {
        let io = |error: std::io::Error| match error.kind() == ErrorKind::AlreadyExists {
            true => StoreError::Exists(path.to_owned()),
            false => StoreError::Io(path.to_owned(), error),
        };
        let (ours, named) =
            (self.file.metadata().map_err(io)?, fs::symlink_metadata(&self.path).map_err(io)?);
        if (ours.dev(), ours.ino()) != (named.dev(), named.ino()) {
            return Err(StoreError::Untrusted(self.path.clone(), "was put in the place of our own file"));
        }
        self.file.sync_all().map_err(io)?;
        // Unlike rename(2), link(2) replaces nothing.
        fs::hard_link(&self.path, path).map_err(io)?;
        let directory = path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all());
        directory.map_err(io)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}
