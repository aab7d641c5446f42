//! `postern rekey`.

use clap::Args;
use serde::Serialize;

use crate::cli::Exit;
use crate::cli::arguments::Output;
use crate::cli::failure::Failure;
use crate::cli::progress::Progress;
use crate::cli::site::Site;
use crate::cli::{table, text};
use crate::moving::{Rekey, Rest, Status};
use crate::store::Holding;

#[derive(Args)]
pub(super) struct RekeyCommand {
    /// Say how many rows need an older key still, and whose; change nothing.
    #[arg(long, conflicts_with_all = ["finish", "revoke_rest"])]
    pub status: bool,
    /// Drop the older key, if nothing needs it.
    #[arg(long)]
    pub finish: bool,
    /// With --finish: revoke what needs the older key. Recovery codes are retired, app passwords revoked, and primaries
    /// that Postern checks are taken away until `account passwd` sets one.
    #[arg(long, requires = "finish")]
    pub revoke_rest: bool,
    #[command(flatten)]
    pub output: Output,
}

pub(super) fn run(site: &Site<'_>, command: &RekeyCommand) -> Result<Exit, Failure> {
    let open = || site.vault();
    let rekey = Rekey { config: &site.config, owner: site.owner(), made: site.made(), open: &open };
    if command.finish {
        rekey.finish(if command.revoke_rest { Rest::Revoke } else { Rest::Keep })?;
        text::note(
            "The older key is dropped. Backups made before need the key file of their time: keep its copy",
        );
        text::note("as long as them, and copy the new key file to a safe place, apart from the backups.");
        return Ok(Exit::Ok);
    }
    let status = if command.status { rekey.status()? } else { begin(site, &rekey)? };
    show(command, &status)?;
    Ok(Exit::Ok)
}

fn begin(site: &Site<'_>, rekey: &Rekey<'_>) -> Result<Status, Failure> {
    let mut progress = Progress::new(site.world);
    let status = rekey.begin(&mut |done| progress.tell(&format!("{done} rows are sealed anew")))?;
    drop(progress);
    text::note("There is a new key. Copy the key file to a safe place now, apart from the backups.");
    Ok(status)
}

fn show(command: &RekeyCommand, status: &Status) -> Result<(), Failure> {
    if command.output.json {
        return text::json(&Shown::new(status));
    }
    if status.keys == 1 {
        text::note("There is one key. A new one is made by: postern rekey");
        return Ok(());
    }
    if status.is_done() {
        text::note("Nothing needs the older key any more. Drop it by: postern rekey --finish");
        return Ok(());
    }
    let headings = ["ACCOUNT", "APP PASSWORDS", "RECOVERY CODES", "PRIMARY"];
    table::print(headings, &status.held.iter().map(cells).collect::<Vec<_>>())?;
    if 0 < status.sealed {
        text::note(&format!("{} sealed rows need the older key: run `postern rekey` again.", status.sealed));
    }
    text::note(&format!("{} need the older key until they are used once, or until:", status.waiting()));
    text::note("  postern rekey --finish --revoke-rest");
    Ok(())
}

fn cells(held: &Holding) -> [String; 4] {
    let count = |count: u32| if count == 0 { table::NOTHING.to_owned() } else { count.to_string() };
    [held.account.clone(), count(held.app_passwords), count(held.recovery_codes), count(held.primaries)]
}

/// What `rekey --json` prints.
#[derive(Serialize)]
struct Shown<'a> {
    keys: usize,
    keys_in_file: usize,
    sealed_under_older_keys: usize,
    held: Vec<Held<'a>>,
}

#[derive(Serialize)]
struct Held<'a> {
    account: &'a str,
    app_passwords: u32,
    recovery_codes: u32,
    primaries: u32,
}

impl<'a> Shown<'a> {
    fn new(status: &'a Status) -> Self {
        let held = |each: &'a Holding| Held {
            account: &each.account,
            app_passwords: each.app_passwords,
            recovery_codes: each.recovery_codes,
            primaries: each.primaries,
        };
        Self {
            keys: status.keys,
            keys_in_file: status.keys_in_file,
            sealed_under_older_keys: status.sealed,
            held: status.held.iter().map(held).collect(),
        }
    }
}
