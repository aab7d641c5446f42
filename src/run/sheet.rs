//! A file of fixed size with a salt of its own, locked as long as it is held.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::crypto::entropy;
use crate::run::directory::{self, Lock, RunError};

/// By which a file is known as one of ours, and of its form.
pub(super) type Magic = [u8; 16];

const SALT_LEN: usize = 32;
const HEADER: u64 = 16 + SALT_LEN as u64;

/// What a sheet is.
pub(super) struct Form {
    /// Its name in the directory.
    pub name: &'static str,
    /// How it begins.
    pub magic: &'static Magic,
    /// Octets behind its header.
    pub len: u64,
    /// How often its lock is asked for, five milliseconds apart.
    pub looks: u32,
}

/// An open sheet, locked until it is dropped.
pub(super) struct Sheet {
    file: Lock,
    path: PathBuf,
    /// Random, and as old as the file.
    pub salt: Zeroizing<[u8; SALT_LEN]>,
}

impl Sheet {
    /// Opens a sheet; one that is empty, or of another form, begins anew.
    pub(super) fn open(run_dir: &Path, owner: u32, form: &Form) -> Result<Self, RunError> {
        let path = run_dir.join(form.name);
        let file = directory::open(run_dir, form.name, owner)?;
        let Some(file) = directory::lock(&path, file, form.looks)? else {
            return Err(RunError::Held(path));
        };
        let mut sheet = Self { file, path, salt: Zeroizing::new([0; SALT_LEN]) };
        if !sheet.read_header(form).map_err(|error| sheet.failed(error))? {
            sheet.begin(form).map_err(|error| sheet.failed(error))?;
        }
        Ok(sheet)
    }

    /// Reads `N` octets behind the header.
    pub(super) fn read<const N: usize>(&self, offset: u64) -> Result<[u8; N], RunError> {
        let mut octets = [0; N];
        let read = self.file().read_exact_at(&mut octets, HEADER + offset);
        read.map(|()| octets).map_err(|error| self.failed(error))
    }

    pub(super) fn write(&self, offset: u64, octets: &[u8]) -> Result<(), RunError> {
        self.file().write_all_at(octets, HEADER + offset).map_err(|error| self.failed(error))
    }

    fn read_header(&mut self, form: &Form) -> io::Result<bool> {
        let mut magic = Magic::default();
        if self.file().metadata()?.len() != HEADER + form.len {
            return Ok(false);
        }
        self.file().read_exact_at(&mut magic, 0)?;
        let mut salt = Zeroizing::new([0; SALT_LEN]);
        self.file().read_exact_at(salt.as_mut_slice(), 16)?;
        self.salt = salt;
        Ok(magic == *form.magic)
    }

    fn begin(&mut self, form: &Form) -> io::Result<()> {
        *self.salt = entropy::bytes().map_err(io::Error::other)?;
        self.file().set_len(0)?;
        // Octets and no hole: they take their place on the disk now. On one that has run full since, strangers could
        // guess, and nobody could count it.
        let octets = usize::try_from(HEADER + form.len).map_err(io::Error::other)?;
        self.file().write_all_at(&vec![0; octets], 0)?;
        self.file().write_all_at(self.salt.as_slice(), 16)?;
        // Last: without it the file begins anew the next time.
        self.file().write_all_at(form.magic, 0)
    }

    fn file(&self) -> &File {
        self.file.file()
    }

    fn failed(&self, error: io::Error) -> RunError {
        RunError::Io(self.path.clone(), error)
    }
}
