//! `postern restore`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use clap::Args;
use serde::Serialize;

use crate::cli::Exit;
use crate::cli::arguments::Output;
use crate::cli::failure::Failure;
use crate::cli::site::Site;
use crate::cli::{table, text};
use crate::domain::time::UnixTime;
use crate::store::{Closing, Loss, StoreError, new_keys_from};
use crate::verifier::{Unavailable, Vault};

/// Closings that are named on stderr; `--json` names them all.
const NAMED: usize = 50;

#[derive(Args)]
pub(super) struct RestoreCommand {
    /// A copy that `postern backup` has made.
    pub file: OsString,
    /// Restore although the store has changed since: what was revoked since then is good again.
    #[arg(long)]
    pub force_older: bool,
    #[command(flatten)]
    pub output: Output,
}

pub(super) fn run(site: &Site<'_>, command: &RestoreCommand) -> Result<Exit, Failure> {
    let file = Path::new(&command.file);
    if fs::symlink_metadata(file).is_err_and(|error| error.kind() == ErrorKind::NotFound) {
        return Err(Failure::NotFound(file.to_owned()));
    }
    if is_the_store_itself(site, file) {
        let what = format!("{} is the store itself, and no copy of it", file.display());
        return Err(Failure::Denied(what, "name a file that postern backup has made; nothing was restored"));
    }
    let copy = Vault::read_copy(&site.config, site.owner(), file, site.made())
        .map_err(|why| about_the_copy(site, file, why))?;
    let place = make_place(site)?;
    let mut vault = site.vault().map_err(in_the_way)?;
    let loss = vault.store.loss_by(&copy.store)?;
    let refused = !loss.is_nothing() && place == Place::Found && !command.force_older;
    name(&loss, if refused { "would be undone" } else { "undone" });
    let made = site.made();
    if !refused {
        vault.store.put_back(copy.store, &loss, made)?;
    }
    if command.output.json {
        text::json(&Shown::new(&loss, !refused))?;
    }
    if refused {
        let changes = text::counted(usize::try_from(loss.rows()).unwrap_or(usize::MAX), "change");
        return Err(Failure::Denied(
            format!("the store has {changes} that the copy does not know; nothing was restored"),
            "`postern log` shows them all; --force-older undoes them",
        ));
    }
    say_what_is_spent(made.at);
    Ok(Exit::Ok)
}

fn is_the_store_itself(site: &Site<'_>, file: &Path) -> bool {
    let same = || Ok::<_, io::Error>((fs::metadata(file)?, fs::metadata(&site.config.store)?));
    same().is_ok_and(|(one, other)| (one.dev(), one.ino()) == (other.dev(), other.ino()))
}

fn say_what_is_spent(restored: UnixTime) {
    text::note(
        "The store is restored. Of each authenticator the code that it shows now and the next one are spent:",
    );
    text::note("wait for the one after them.");
    text::note(&format!(
        "With keys that are enrolled from now on, codes are good from {} on.",
        table::to_the_second(new_keys_from(restored))
    ));
}

/// What a copy is restored into.
#[derive(PartialEq, Eq)]
enum Place {
    /// A store that was there.
    Found,
    /// An empty one, made just now.
    Made,
}

/// A store to restore into, on a machine that has none.
fn make_place(site: &Site<'_>) -> Result<Place, Failure> {
    match site.vault() {
        Err(Unavailable::Store(StoreError::Missing(_))) => {
            Vault::create(&site.config, site.owner(), site.made(), site.witness())?;
            Ok(Place::Made)
        }
        // Another trouble is told by whoever opens it next.
        _ => Ok(Place::Found),
    }
}

/// What is wrong with the copy is not wrong with the store, whose own remedies would harm it.
fn about_the_copy(site: &Site<'_>, file: &Path, why: Unavailable) -> Failure {
    let (file, key) = (file.display(), site.config.key.display());
    if let Unavailable::Store(StoreError::OtherKey) = why {
        let what = format!("the copy {file} is under another key, which {key} does not have");
        return Failure::Unfinished(what, ADD_ITS_KEY);
    }
    if let Unavailable::Store(StoreError::Foreign(_)) = why {
        let what = format!("{file} is no copy of a store");
        return Failure::Unfinished(what, "name a file that postern backup has made");
    }
    if let Unavailable::Store(StoreError::Damaged(what)) = why {
        return Failure::Unfinished(format!("the copy {file} is damaged: {what}"), "restore an earlier copy");
    }
    why.into()
}

/// The keys of a file are told apart by what rows say of them, not by their order.
const ADD_ITS_KEY: &str = "replace no key; as root, add the copy's behind those that are there: \
                           cat KEY-FILE-OF-THAT-TIME >> KEY-FILE; then restore again";

fn in_the_way(why: Unavailable) -> Failure {
    if let Unavailable::Store(StoreError::Damaged(_) | StoreError::Foreign(_)) = &why {
        let hint = "move it away, with its journal if there is one; then restore again";
        return Failure::Denied(why.to_string(), hint);
    }
    why.into()
}

/// The closings, which matter most, and the number of the rest.
fn name(loss: &Loss, undone: &str) {
    for closing in loss.closings.iter().take(NAMED) {
        let whose = [closing.account.as_deref(), closing.label.as_deref()];
        let whose: Vec<&str> = whose.into_iter().flatten().collect();
        let line = format!("{undone}: {} {} {}", table::local(closing.at), closing.event, whose.join(" "));
        text::note(&text::bounded(line.trim_end()));
    }
    if let Some(more) = loss.closings.len().checked_sub(NAMED).filter(|more| 0 < *more) {
        text::note(&format!("and {more} more; --json names them all"));
    }
    let others = usize::try_from(loss.rows()).unwrap_or(usize::MAX).saturating_sub(loss.closings.len());
    if 0 < others {
        text::note(&format!("{undone}: {} that closed nothing", text::counted(others, "change")));
    }
}

/// What `restore --json` prints.
#[derive(Serialize)]
struct Shown<'a> {
    restored: bool,
    undone: &'a BTreeMap<String, u64>,
    closings: Vec<Named<'a>>,
}

#[derive(Serialize)]
struct Named<'a> {
    at: String,
    event: &'a str,
    account: Option<&'a str>,
    label: Option<&'a str>,
}

impl<'a> Shown<'a> {
    fn new(loss: &'a Loss, restored: bool) -> Self {
        let named = |closing: &'a Closing| Named {
            at: table::rfc3339(closing.at),
            event: &closing.event,
            account: closing.account.as_deref(),
            label: closing.label.as_deref(),
        };
        Self { restored, undone: &loss.events, closings: loss.closings.iter().map(named).collect() }
    }
}
