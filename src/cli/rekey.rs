//! `postern rekey`.

use clap::Args;
use serde::Serialize;

use crate::cli::Exit;
use crate::cli::arguments::Output;
use crate::cli::confirm::{self, Answer};
use crate::cli::failure::Failure;
use crate::cli::hint::operands;
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
    /// With --revoke-rest: show what would be revoked, and change nothing.
    #[arg(long, requires = "revoke_rest")]
    pub dry_run: bool,
    /// With --revoke-rest: do not ask.
    #[arg(long, requires = "revoke_rest", conflicts_with = "dry_run")]
    pub yes: bool,
    #[command(flatten)]
    pub output: Output,
}

pub(super) fn run(site: &Site<'_>, command: &RekeyCommand) -> Result<Exit, Failure> {
    let open = || site.vault();
    let rekey = Rekey { config: &site.config, owner: site.owner(), made: site.made(), open: &open };
    if command.revoke_rest {
        return revoke_rest(command, &rekey);
    }
    if command.finish {
        rekey.finish(Rest::Keep)?;
        if command.output.json {
            list(command, &[], Finished::Yes)?;
        }
        say_what_to_keep();
        return Ok(Exit::Ok);
    }
    let status = if command.status { rekey.status()? } else { begin(site, &rekey)? };
    show(command, &status)?;
    Ok(Exit::Ok)
}

/// Drops the older key, with all that nobody has used since there is a newer one.
fn revoke_rest(command: &RekeyCommand, rekey: &Rekey<'_>) -> Result<Exit, Failure> {
    let held = rekey.status()?.held;
    if command.dry_run {
        list(command, &held, Finished::No)?;
        return Ok(Exit::Ok);
    }
    if !command.yes && !held.is_empty() {
        confirm::can_be_asked(command.output)?;
        list(command, &held, Finished::No)?;
        let accounts = text::counted(held.len(), "account");
        if confirm::yes_or_no(&format!("Revoke all this of {accounts}, for ever?"))? == Answer::No {
            return Ok(Exit::Denied);
        }
    }
    rekey.finish(Rest::Revoke)?;
    if command.yes || command.output.json {
        list(command, &held, Finished::Yes)?;
    }
    say_what_to_keep();
    say_who_has_no_password(&held);
    say_what_to_make_anew(&held);
    Ok(Exit::Ok)
}

/// Whether what is listed is revoked already.
#[derive(Clone, Copy, PartialEq)]
enum Finished {
    Yes,
    No,
}

fn list(command: &RekeyCommand, held: &[Holding], finished: Finished) -> Result<(), Failure> {
    if command.output.json {
        let revoked = held.iter().map(Held::from).collect();
        return text::json(&Rested { finished: finished == Finished::Yes, revoked });
    }
    if held.is_empty() {
        text::note("Nothing needs the older key: there is nothing to revoke.");
        return Ok(());
    }
    table_of(held)
}

fn say_what_to_keep() {
    text::note(
        "The older key is dropped. Backups made before need the key file of their time: keep its copy",
    );
    text::note("as long as them, and copy the new key file to a safe place, apart from the backups.");
}

fn say_who_has_no_password(held: &[Holding]) {
    let without: Vec<&Holding> = held.iter().filter(|held| 0 < held.primaries).collect();
    if without.is_empty() {
        return;
    }
    let accounts = text::counted(without.len(), "account");
    text::note(&format!("Without a primary password until one is set: {accounts}."));
    for held in without {
        text::note(&format!("  postern account passwd {}", text::shell_word(&held.account)));
    }
}

/// Who has lost app passwords or recovery codes, and the commands that make others.
fn say_what_to_make_anew(held: &[Holding]) {
    let steps = [
        ("app passwords", "app add --label phone", those(held, |held| held.app_passwords)),
        ("recovery codes", "recovery new", those(held, |held| held.recovery_codes)),
    ];
    for (lost, command, names) in steps.iter().filter(|(.., names)| !names.is_empty()) {
        text::note(&format!(
            "Without {lost} that were under the older key: {}.",
            text::counted(names.len(), "account")
        ));
        for name in names {
            text::note(&format!("  postern {command} {}", operands(&[name])));
        }
    }
}

/// Whose number is not nothing.
fn those(held: &[Holding], number: impl Fn(&Holding) -> u32) -> Vec<&str> {
    held.iter().filter(|held| 0 < number(held)).map(|held| held.account.as_str()).collect()
}

fn begin(site: &Site<'_>, rekey: &Rekey<'_>) -> Result<Status, Failure> {
    let mut progress = Progress::new(site.world);
    let before = rekey.status()?.keys;
    let status = rekey.begin(&mut |done| progress.tell(&format!("{done} rows are sealed anew")))?;
    drop(progress);
    text::note(match before {
        1 => "There is a new key. Copy the key file to a safe place now, apart from the backups.",
        _ => "The change of keys is still under way: no other key was made.",
    });
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
    table_of(&status.held)?;
    if 0 < status.sealed {
        let rows = text::counted(status.sealed, "sealed row");
        text::note(&format!("Under the older key still: {rows}. Run `postern rekey` again."));
    }
    let waiting = usize::try_from(status.waiting()).unwrap_or(usize::MAX);
    let secrets = text::counted(waiting, "secret");
    text::note(&format!("Under the older key until it is used once: {secrets}. Or until:"));
    text::note("  postern rekey --finish --revoke-rest");
    Ok(())
}

fn table_of(held: &[Holding]) -> Result<(), Failure> {
    let headings = ["ACCOUNT", "APP PASSWORDS", "RECOVERY CODES", "PRIMARY"];
    table::print(headings, &held.iter().map(cells).collect::<Vec<_>>())
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
        Self {
            keys: status.keys,
            keys_in_file: status.keys_in_file,
            sealed_under_older_keys: status.sealed,
            held: status.held.iter().map(Held::from).collect(),
        }
    }
}

impl<'a> From<&'a Holding> for Held<'a> {
    fn from(each: &'a Holding) -> Self {
        Self {
            account: &each.account,
            app_passwords: each.app_passwords,
            recovery_codes: each.recovery_codes,
            primaries: each.primaries,
        }
    }
}

/// What `rekey --finish --revoke-rest --json` prints; the same with --dry-run.
#[derive(Serialize)]
struct Rested<'a> {
    finished: bool,
    revoked: Vec<Held<'a>>,
}
