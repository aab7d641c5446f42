//! The key file: 32 octets, nobody's but root's.
//!
//! Knows: how it is read and made.
//! Never: what the key is for.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::config::guarded::{self, FileError, Others, Owner};
use crate::crypto::entropy::{self, EntropyError};
use crate::crypto::keyring::{KEY_LEN, Keyring};

/// Why there is no key.
#[derive(Debug)]
pub enum KeyError {
    /// The file cannot be read or trusted.
    File(PathBuf, FileError),
    /// It has another length.
    WrongLength(PathBuf, usize),
    /// It could not be written.
    Write(PathBuf, io::Error),
    /// There is no randomness to make it of.
    Entropy(EntropyError),
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, error) => write!(f, "the key file {} {error}", path.display()),
            Self::WrongLength(path, length) => {
                write!(f, "the key file {} has {length} octets and not {KEY_LEN}", path.display())
            }
            Self::Write(path, error) => {
                write!(f, "the key file {} cannot be written: {error}", path.display())
            }
            Self::Entropy(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for KeyError {}

/// Reads the key file.
///
/// # Errors
/// Where it is missing, not to be trusted, or of another length.
pub fn read_key(path: &Path, owner: Owner) -> Result<Keyring, KeyError> {
    let content = guarded::read(path, owner, Others::MayNothing, KEY_LEN as u64 + 1)
        .map_err(|error| KeyError::File(path.to_owned(), error))?;
    let master: &[u8; KEY_LEN] =
        content.as_slice().try_into().map_err(|_| KeyError::WrongLength(path.to_owned(), content.len()))?;
    Ok(Keyring::new(master))
}

/// Makes a new key file; one that is there already is an error and stays.
///
/// # Errors
/// Where it exists or cannot be written.
pub fn create_key(path: &Path) -> Result<Keyring, KeyError> {
    let master: Zeroizing<[u8; KEY_LEN]> = Zeroizing::new(entropy::bytes().map_err(KeyError::Entropy)?);
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(master.as_slice())?;
        file.sync_all()?;
        // The name must outlive a power cut too: without this key the store is lost.
        path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
    };
    write().map_err(|error| {
        if error.kind() != io::ErrorKind::AlreadyExists {
            // Half a key would be taken for a damaged one.
            let _ = fs::remove_file(path);
        }
        KeyError::Write(path.to_owned(), error)
    })?;
    Ok(Keyring::new(&master))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    #[test]
    fn a_new_key_is_read_back_and_never_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        let made = create_key(&path).unwrap();
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!(metadata.mode() & 0o7777, 0o600);
        let read = read_key(&path, Owner(metadata.uid())).unwrap();
        assert!(read.is_key_of(&made.check_value()));
        assert!(create_key(&path).is_err());
    }

    #[test]
    fn a_key_of_another_length_or_for_all_to_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        create_key(&path).unwrap();
        let owner = Owner(fs::metadata(&path).unwrap().uid());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(read_key(&path, owner), Err(KeyError::File(_, FileError::TooOpen(0o644)))));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        for length in [0, 31, 33] {
            fs::write(&path, vec![7; length]).unwrap();
            assert!(
                matches!(read_key(&path, owner), Err(KeyError::WrongLength(_, found)) if found == length)
            );
        }
    }
}
