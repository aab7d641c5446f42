//! `postern backup`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use crate::cli::Exit;
use crate::cli::arguments::Output;
use crate::cli::failure::Failure;
use crate::cli::site::Site;
use crate::cli::{table, text};
use crate::store::{ChainWalk, Flaw, Store, StoreError, Walked, Whole};
use crate::verifier::{Unavailable, Vault};

#[derive(Args)]
pub(super) struct BackupCommand {
    /// A file that is not there yet, or a directory for one that is named by the time.
    pub to: OsString,
    #[command(flatten)]
    pub output: Output,
}

pub(super) fn run(site: &Site<'_>, command: &BackupCommand) -> Result<Exit, Failure> {
    let vault = site.vault()?;
    let file = file(site, Path::new(&command.to));
    let chain = vault.store.back_up(&file, site.owner().0, |copy| walk(&vault, copy)).map_err(in_the_way)?;
    if command.output.json {
        text::json(&Shown {
            file: file.display().to_string(),
            audit_rows: chain.as_ref().map(|whole| whole.rows).ok(),
        })?;
    } else {
        text::result(&format!("{}\n", text::escaped(&file.display().to_string())))?;
    }
    text::note("The key is not in it, and without the key it is worth nothing: keep a copy of");
    text::note(&format!("{} apart from it.", text::escaped(&site.config.key.display().to_string())));
    match chain {
        Ok(_) => Ok(Exit::Ok),
        Err(flaw) => {
            text::note(&format!("Warning: the audit chain of the store is not whole: {flaw}."));
            Ok(Exit::Denied)
        }
    }
}

fn in_the_way(why: Unavailable) -> Failure {
    if let Unavailable::Store(StoreError::Exists(_)) = &why {
        return Failure::Exists(why.to_string(), "name another file, or a directory; nothing is replaced");
    }
    why.into()
}

/// A directory gets a file that is named by the time, so that a timer needs no shell.
fn file(site: &Site<'_>, to: &Path) -> PathBuf {
    if to.is_dir() {
        to.join(format!("postern-{}.db", table::compact(site.made().at)))
    } else {
        to.to_owned()
    }
}

fn walk(vault: &Vault, copy: &Store) -> Result<Result<Whole, Flaw>, Unavailable> {
    let mut walk = ChainWalk::new(vault.chain_keys()?, Vec::new());
    loop {
        match copy.walk_chain(&mut walk)? {
            Walked::Further { .. } => {}
            Walked::Whole(whole) => return Ok(Ok(whole)),
            Walked::Flawed(flaw) => return Ok(Err(flaw)),
        }
    }
}

/// What `backup --json` prints.
#[derive(Serialize)]
struct Shown {
    file: String,
    /// Rows of the audit chain, if it is whole.
    audit_rows: Option<i64>,
}
