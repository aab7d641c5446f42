//! `postern log verify`.

use std::ffi::{OsStr, OsString};

use clap::Args;
use serde::Serialize;

use crate::cli::Exit;
use crate::cli::arguments::Output;
use crate::cli::failure::Failure;
use crate::cli::log::rows::moment;
use crate::cli::progress::Progress;
use crate::cli::site::Site;
use crate::cli::{table, text};
use crate::domain::anchor::{Anchor, AnchorError};
use crate::store::{ChainWalk, Flaw, Walked, Whole};

#[derive(Args)]
pub(super) struct VerifyCommand {
    /// A row that must still be there, as a line `anchor=` of the system's log names it; may be given again.
    #[arg(long, value_name = "N:HASH")]
    anchor: Vec<OsString>,
    #[command(flatten)]
    output: Output,
}

pub(super) fn run(site: &Site<'_>, command: &VerifyCommand) -> Result<Exit, Failure> {
    let anchors = command.anchor.iter().map(|typed| anchor(typed)).collect::<Result<_, _>>()?;
    let found = walk(site, anchors)?;
    if command.output.json {
        text::json(&Told::from(&found))?;
    } else {
        say(&found)?;
    }
    Ok(if found.is_ok() { Exit::Ok } else { Exit::Denied })
}

fn anchor(typed: &OsStr) -> Result<Anchor, Failure> {
    typed
        .to_str()
        .map(|text| text.trim().strip_prefix("anchor=").unwrap_or(text.trim()))
        .ok_or(AnchorError)
        .and_then(Anchor::parse)
        .map_err(|error| Failure::Usage(error.to_string(), "copy it from a line `changed ... anchor=`"))
}

fn walk(site: &Site<'_>, anchors: Vec<Anchor>) -> Result<Result<Whole, Flaw>, Failure> {
    let vault = site.vault()?;
    let mut walk = ChainWalk::new(vault.chain_keys()?, anchors);
    let mut progress = Progress::new(site.world);
    loop {
        match vault.store.walk_chain(&mut walk)? {
            Walked::Further { rows } => progress.tell(&format!("{rows} rows are sound so far")),
            Walked::Whole(whole) => return Ok(Ok(whole)),
            Walked::Flawed(flaw) => return Ok(Err(flaw)),
        }
    }
}

fn say(found: &Result<Whole, Flaw>) -> Result<(), Failure> {
    match found {
        Ok(whole) => {
            text::result(&format!("All {} rows are as they were written.\n", whole.rows))?;
            text::note("Keep the name of the last one where nobody who may change the store can change it:");
            text::note(&format!("  postern log verify --anchor {}", whole.anchor));
        }
        Err(flaw) => {
            text::result(&format!("{flaw}\n"))?;
            if let Some(at) = flaw.sound_until.and_then(moment) {
                let at = table::to_the_second(at);
                text::note(&format!(
                    "The rows before it are as they were written, the last of them on {at}."
                ));
            }
            text::note(
                "  hint: compare with the lines `changed` of the system's log, and with a backup of the store",
            );
        }
    }
    Ok(())
}

/// What `log verify --json` prints.
#[derive(Serialize)]
struct Told {
    whole: bool,
    rows: Option<i64>,
    anchor: Option<String>,
    flaw: Option<ToldFlaw>,
}

#[derive(Serialize)]
struct ToldFlaw {
    row: i64,
    what: &'static str,
    says: String,
    sound_until: Option<String>,
}

impl From<&Result<Whole, Flaw>> for Told {
    fn from(found: &Result<Whole, Flaw>) -> Self {
        let (whole, flaw) = (found.as_ref().ok(), found.as_ref().err());
        Self {
            whole: whole.is_some(),
            rows: whole.map(|whole| whole.rows),
            anchor: whole.map(|whole| whole.anchor.to_string()),
            flaw: flaw.map(|flaw| ToldFlaw {
                row: flaw.row,
                what: flaw.kind.word(),
                says: flaw.to_string(),
                sound_until: flaw.sound_until.and_then(moment).map(table::rfc3339),
            }),
        }
    }
}
