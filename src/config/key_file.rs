//! The key file: one to four keys of 32 octets, the newest first, nobody's but root's.
//!
//! Knows: how it is read, made and replaced.
//! Never: what the keys are for, or which of them rows are under.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};

use zeroize::Zeroizing;

use crate::config::guarded::{self, FileError, Others, Owner};
use crate::crypto::entropy::{self, EntropyError};
use crate::crypto::keyring::{KEY_LEN, MasterKey};

/// Where systemd shows a service its credentials, to read (systemd.exec(5)).
const CREDENTIALS: &str = "/run/credentials";

/// Most keys: one, one on its way out, and two that somebody may have put there by hand.
const MAX_KEYS: usize = 4;

/// The keys of a file, the newest first.
pub struct KeyFile(Zeroizing<Vec<u8>>);

impl KeyFile {
    /// The keys, the newest first.
    pub fn keys(&self) -> impl Iterator<Item = MasterKey> {
        self.0.chunks_exact(KEY_LEN).filter_map(|octets| octets.try_into().ok()).map(MasterKey::new)
    }

    /// The newest key.
    ///
    /// # Errors
    /// Never: a file without a key is not read.
    pub fn newest(&self) -> Result<MasterKey, KeyError> {
        self.keys().next().ok_or_else(|| KeyError::WrongLength(PathBuf::new(), 0))
    }

    /// The same keys with a new one before them.
    ///
    /// # Errors
    /// Where there are as many as there may be, or the kernel gives no randomness.
    pub fn with_newer(&self) -> Result<Self, KeyError> {
        if MAX_KEYS * KEY_LEN <= self.0.len() {
            return Err(KeyError::Full);
        }
        let new: Zeroizing<[u8; KEY_LEN]> = Zeroizing::new(entropy::bytes().map_err(KeyError::Entropy)?);
        Ok(Self(Zeroizing::new([new.as_slice(), &self.0].concat())))
    }

    /// Those of the keys that are to be kept.
    #[must_use]
    pub fn only(&self, keep: impl Fn(&MasterKey) -> bool) -> Self {
        let mut kept = Zeroizing::new(Vec::with_capacity(self.0.len()));
        for octets in self.0.chunks_exact(KEY_LEN) {
            if octets.try_into().is_ok_and(|octets| keep(&MasterKey::new(octets))) {
                kept.extend_from_slice(octets);
            }
        }
        Self(kept)
    }

    /// How many keys there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len() / KEY_LEN
    }
}

/// Why there is no key.
#[derive(Debug)]
pub enum KeyError {
    /// The file cannot be read or trusted.
    File(PathBuf, FileError),
    /// It has another length.
    WrongLength(PathBuf, usize),
    /// It has as many keys as it may.
    Full,
    /// It could not be written.
    Write(PathBuf, io::Error),
    /// It is a credential, which systemd shows only while the service runs.
    NotShown(PathBuf),
    /// It is a credential, which systemd alone writes.
    Credential(PathBuf),
    /// There is no randomness to make it of.
    Entropy(EntropyError),
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, error) => write!(f, "the key file {} {error}", path.display()),
            Self::WrongLength(path, length) => {
                write!(
                    f,
                    "the key file {} has {length} octets, and not {KEY_LEN} for each of 1 to {MAX_KEYS} keys",
                    path.display()
                )
            }
            Self::Full => write!(f, "the key file has {MAX_KEYS} keys, the most there may be"),
            Self::Write(path, error) => {
                write!(f, "the key file {} cannot be written: {error}", path.display())
            }
            Self::NotShown(path) => {
                write!(f, "the key {} is a credential, and its service does not run", path.display())
            }
            Self::Credential(path) => {
                write!(f, "the key {} is a credential, which systemd alone writes", path.display())
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
pub fn read_key(path: &Path, owner: Owner) -> Result<KeyFile, KeyError> {
    let content = if is_credential(path) {
        read_credential(path, owner)
    } else {
        read_guarded(path, owner, Others::MayNothing)
    }?;
    parsed(path, content)
}

fn read_credential(path: &Path, owner: Owner) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    // systemd lets the user of a service in by an access list, where the file system has such.
    let read = read_guarded(path, owner, Others::ListedMayRead);
    if let Err(KeyError::File(_, FileError::Missing)) = read {
        return Err(KeyError::NotShown(path.to_owned()));
    }
    read
}

fn read_guarded(path: &Path, owner: Owner, others: Others) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    guarded::read(path, owner, others, (MAX_KEYS * KEY_LEN) as u64 + 1)
        .map_err(|error| KeyError::File(path.to_owned(), error))
}

fn is_credential(path: &Path) -> bool {
    path.starts_with(CREDENTIALS) && !path.components().any(|part| part == Component::ParentDir)
}

/// Reads a copy of a key file, from wherever it is kept.
///
/// # Errors
/// Where it cannot be read, or has another length.
pub fn read_key_copy(path: &Path, copy: impl Read) -> Result<KeyFile, KeyError> {
    // With room for all of it from the start: a vector that grows leaves copies behind.
    let mut content = Zeroizing::new(Vec::with_capacity(MAX_KEYS * KEY_LEN + 2));
    let mut copy = copy.take((MAX_KEYS * KEY_LEN) as u64 + 1);
    copy.read_to_end(&mut content).map_err(|error| KeyError::File(path.to_owned(), FileError::Io(error)))?;
    parsed(path, content)
}

fn parsed(path: &Path, content: Zeroizing<Vec<u8>>) -> Result<KeyFile, KeyError> {
    let whole = content.len() % KEY_LEN == 0;
    if !whole || !(1..=MAX_KEYS).contains(&(content.len() / KEY_LEN)) {
        return Err(KeyError::WrongLength(path.to_owned(), content.len()));
    }
    Ok(KeyFile(content))
}

/// Makes a new key file; one that is there already is an error and stays.
///
/// # Errors
/// Where it exists or cannot be written.
pub fn create_key(path: &Path) -> Result<KeyFile, KeyError> {
    if is_credential(path) {
        return Err(KeyError::NotShown(path.to_owned()));
    }
    let made = KeyFile(Zeroizing::new(Vec::new())).with_newer()?;
    write(path, &made).map_err(|error| {
        if error.kind() != io::ErrorKind::AlreadyExists {
            // Half a key would be taken for a damaged one.
            let _ = fs::remove_file(path);
        }
        KeyError::Write(path.to_owned(), error)
    })?;
    Ok(made)
}

/// Puts other keys in the place of a key file. Whoever reads it meanwhile reads the old keys or the new ones.
///
/// # Errors
/// Where it cannot be written; the old file is then as it was.
pub fn replace_key(path: &Path, keys: &KeyFile) -> Result<(), KeyError> {
    if is_credential(path) {
        return Err(KeyError::Credential(path.to_owned()));
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let replace = || {
        // What a call that was killed may have left behind.
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        write(&beside, keys)?;
        fs::rename(&beside, path)?;
        sync_directory(path)
    };
    replace().map_err(|error| KeyError::Write(path.to_owned(), error))
}

fn write(path: &Path, keys: &KeyFile) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(&keys.0)?;
    file.sync_all()?;
    sync_directory(path)
}

/// The name must outlive a power cut too: without its key a store is lost.
fn sync_directory(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
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
        assert!(read.newest().unwrap().is_key_of(&made.newest().unwrap().check_value()));
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
        for length in [0, 31, 33, 63] {
            fs::write(&path, vec![7; length]).unwrap();
            assert!(
                matches!(read_key(&path, owner), Err(KeyError::WrongLength(_, found)) if found == length)
            );
        }
    }

    #[test]
    fn a_credential_is_not_ours_to_write() {
        let place = Path::new("/run/credentials/postern.service/postern.key");
        let key = KeyFile(Zeroizing::new(vec![7; KEY_LEN]));
        assert!(matches!(replace_key(place, &key), Err(KeyError::Credential(_))));
        assert!(matches!(create_key(place), Err(KeyError::NotShown(_))));
        assert!(matches!(read_key(place, Owner(0)), Err(KeyError::NotShown(_))));
        assert!(!is_credential(Path::new("/run/credentials/../../etc/key")));
    }

    #[test]
    fn a_newer_key_stands_before_the_others_and_the_file_is_replaced_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        let first = create_key(&path).unwrap();
        let owner = Owner(fs::metadata(&path).unwrap().uid());
        let old = first.newest().unwrap().check_value();
        let two = first.with_newer().unwrap();
        fs::write(directory.path().join("key.new"), "left behind").unwrap();
        replace_key(&path, &two).unwrap();
        let read = read_key(&path, owner).unwrap();
        let checks: Vec<_> = read.keys().map(|key| key.check_value()).collect();
        assert_eq!((checks.len(), checks[1]), (2, old));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        replace_key(&path, &read.only(|key| key.is_key_of(&checks[0]))).unwrap();
        let last = read_key(&path, owner).unwrap();
        assert!(last.count() == 1 && last.newest().unwrap().is_key_of(&checks[0]));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
        let four = two.with_newer().unwrap().with_newer().unwrap();
        assert!(matches!(four.with_newer(), Err(KeyError::Full)));
    }
}
