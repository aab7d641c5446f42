//! `postern init`: makes what is missing and replaces nothing.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use crate::cli::failure::Failure;
use crate::cli::site::Site;
use crate::cli::{Exit, World, text};
use crate::config::{SHIPPED, SHIPPED_OTHER, SHIPPED_PRIMARY};
use crate::store::StoreError;
use crate::verifier::{Unavailable, Vault};

/// What became of one file.
enum Done {
    Made,
    Kept,
    BroughtUpToDate,
}

pub(super) fn run(world: &World<'_>, path: &Path) -> Result<Exit, Failure> {
    tell("configuration", path, &place(path, SHIPPED)?);
    let site = Site::open(world, path)?;
    let primary = site.config.pam_dir.join("primary");
    tell("PAM service", &primary, &place(&primary, SHIPPED_PRIMARY)?);
    let other = site.config.pam_dir.join("other");
    tell("PAM service", &other, &place(&other, SHIPPED_OTHER)?);
    vault(&site)?;
    text::note(
        "Next: postern account add NAME --primary pam (or store), then the mail server: postern setup dovecot.",
    );
    Ok(Exit::Ok)
}

fn tell(what: &str, path: &Path, done: &Done) {
    let done = match done {
        Done::Made => "made",
        Done::Kept => "kept",
        Done::BroughtUpToDate => "brought up to date",
    };
    text::note(&text::bounded(&format!("{what} {}: {done}", path.display())));
}

/// Key and store: neither is of use without the other.
fn vault(site: &Site<'_>) -> Result<(), Failure> {
    let (key, store) = (site.config.key.as_path(), site.config.store.as_path());
    match (is_there(key)?, is_filled(store)?) {
        (true, true) => {
            tell("key", key, &Done::Kept);
            tell("store", store, &up_to_date(site)?);
        }
        (false, true) => {
            return Err(Failure::StoreWithoutKey { store: store.to_owned(), key: key.to_owned() });
        }
        (true, false) => {
            Vault::create(&site.config, site.owner(), site.made(), site.witness())?;
            tell("key", key, &Done::Kept);
            tell("store", store, &Done::Made);
            text::note(
                "Warning: there was a key, and no store. The new store is empty, and no account logs in. If there",
            );
            text::note("was another, put its last backup in the place of the new one, before anything else:");
            text::note("  postern restore FILE");
        }
        (false, false) => {
            directory_of(key, 0o700)?;
            Vault::create(&site.config, site.owner(), site.made(), site.witness())?;
            tell("key", key, &Done::Made);
            tell("store", store, &Done::Made);
            text::note(
                "Keep a copy of the key, apart from the backups of the store: without it the store is lost.",
            );
        }
    }
    Ok(())
}

fn up_to_date(site: &Site<'_>) -> Result<Done, Failure> {
    match site.vault() {
        Err(Unavailable::Store(StoreError::Older(..))) => {
            Vault::upgrade(&site.config, site.owner(), site.made(), site.witness())?;
            Ok(Done::BroughtUpToDate)
        }
        Err(error) => Err(error.into()),
        Ok(_) => Ok(Done::Kept),
    }
}

/// Puts a file where there is none.
fn place(path: &Path, content: &str) -> Result<Done, Failure> {
    if is_there(path)? {
        return Ok(Done::Kept);
    }
    directory_of(path, 0o755)?;
    match write(path, content) {
        Ok(()) => Ok(Done::Made),
        // Another `init` was quicker.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Done::Kept),
        Err(error) => Err(Failure::Place(path.to_owned(), error)),
    }
}

fn write(path: &Path, content: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o644).open(path)?;
    let filled = fill(&mut file, content);
    if filled.is_err() {
        // Half a configuration would be kept the next time.
        fs::remove_file(path)?;
    }
    filled
}

fn fill(file: &mut File, content: &str) -> io::Result<()> {
    file.write_all(content.as_bytes())?;
    // Whatever the umask: hosts that are not root read it too.
    file.set_permissions(Permissions::from_mode(0o644))?;
    file.sync_all()
}

/// Makes the directory of a file, if it is missing.
fn directory_of(path: &Path, mode: u32) -> Result<(), Failure> {
    let named = path.parent().filter(|directory| !directory.as_os_str().is_empty());
    let Some(directory) = named else {
        return Ok(());
    };
    if is_there(directory)? {
        return Ok(());
    }
    // From the first moment with this mode, and with no less of it, whatever the umask.
    let made = DirBuilder::new().recursive(true).mode(mode).create(directory);
    let made = made.and_then(|()| fs::set_permissions(directory, Permissions::from_mode(mode)));
    made.map_err(|error| Failure::Place(directory.to_owned(), error))
}

/// An empty file is no store yet: an interrupted `init` may have left it.
fn is_filled(path: &Path) -> Result<bool, Failure> {
    Ok(is_there(path)? && !fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.len() == 0))
}

/// Whether a name is taken, by whatever it may be. "Cannot be told" is not "no".
fn is_there(path: &Path) -> Result<bool, Failure> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Failure::Place(path.to_owned(), error)),
    }
}
