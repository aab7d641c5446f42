//! `postern key`.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use clap::Subcommand;

use crate::cli::failure::Failure;
use crate::cli::site::Site;
use crate::cli::{Exit, text};
use crate::config::{KeyError, KeyFile, read_key_copy};

#[derive(Subcommand)]
pub(super) enum KeyCommand {
    /// Look whether a copy of the key file is whole, and remember that there is one.
    ///
    /// Without the key, the store and its backups are worth nothing. `postern doctor` warns until a copy of every key was
    /// seen; a new key needs a new copy.
    #[command(after_help = "Examples:
  sudo postern key verify /media/stick/postern-key
  base64 -d sheet.txt | sudo postern key verify -")]
    Verify {
        /// The copy; `-` for stdin.
        copy: OsString,
    },
}

pub(super) fn run(site: &Site<'_>, command: &KeyCommand) -> Result<Exit, Failure> {
    let KeyCommand::Verify { copy } = command;
    let copy = Path::new(copy);
    let vault = site.vault()?;
    let copied = read(site, copy)?;
    let has = |check: &[u8]| copied.keys().any(|key| key.check_value().as_slice() == check);
    let keys: Vec<(i64, bool)> =
        vault.keyring.each().map(|(id, key)| (id, has(&key.check_value()))).collect();
    if keys.iter().any(|(_, is_there)| !is_there) {
        return Err(Failure::Denied(
            format!("{} lacks a key that the store needs", copy.display()),
            "copy the key file again; the store remembers only what was seen",
        ));
    }
    let ids: Vec<i64> = keys.into_iter().map(|(id, _)| id).collect();
    vault.write(|store| store.mark_keys_copied(&ids, site.made()))?;
    text::note("The copy is whole. Keep it apart from the backups of the store.");
    Ok(Exit::Ok)
}

fn read(site: &Site<'_>, copy: &Path) -> Result<KeyFile, Failure> {
    let unlike = |error: KeyError| {
        if let KeyError::WrongLength(..) = error {
            let what = format!("{} is no copy of a key file", copy.display());
            return Failure::Denied(what, "copy the key file again");
        }
        error.into()
    };
    if copy == Path::new("-") {
        return read_key_copy(copy, io::stdin()).map_err(unlike);
    }
    let file = File::open(copy).map_err(|error| missing(copy, error))?;
    if is_the_key_itself(site, &file) {
        return Err(Failure::Denied(
            format!("{} is the key file itself", copy.display()),
            "copy it to another disk or another machine, and name the copy",
        ));
    }
    read_key_copy(copy, file).map_err(unlike)
}

fn missing(copy: &Path, error: io::Error) -> Failure {
    if error.kind() == ErrorKind::NotFound {
        return Failure::NotFound(copy.to_owned());
    }
    Failure::Place(copy.to_owned(), error)
}

fn is_the_key_itself(site: &Site<'_>, copy: &File) -> bool {
    let same = || Ok::<_, io::Error>((copy.metadata()?, fs::metadata(&site.config.key)?));
    same().is_ok_and(|(one, other)| (one.dev(), one.ino()) == (other.dev(), other.ino()))
}
