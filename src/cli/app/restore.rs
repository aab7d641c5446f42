//! `postern app restore`.

use std::ffi::{OsStr, OsString};

use clap::Args;
use serde::Serialize;

use crate::cli::arguments::Output;
use crate::cli::failure::Failure;
use crate::cli::site::Site;
use crate::cli::{Exit, table, text};
use crate::enrollment::Enrollment;
use crate::store::{Fate, RestorableRevocation, Restored};

#[derive(Args)]
pub struct RestoreCommand {
    /// The number that the revocation was given.
    #[arg(required_unless_present = "list", conflicts_with = "list")]
    revocation: Option<OsString>,
    /// List the revocations that can be taken back, the newest first.
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    output: Output,
}

pub(super) fn run(site: &Site<'_>, command: &RestoreCommand) -> Result<Exit, Failure> {
    match &command.revocation {
        Some(typed) => restore(site, number(typed)?, command.output),
        None => list(site, command.output),
    }
}

fn number(typed: &OsStr) -> Result<i64, Failure> {
    typed.to_str().and_then(|text| text.parse().ok()).ok_or_else(|| {
        let what = format!("{:?} is not the number of a revocation", text::bounded(&typed.to_string_lossy()));
        Failure::Usage(what, "`postern app restore --list` shows the numbers")
    })
}

/// Says no where anything stays revoked, so that a script notices.
fn restore(site: &Site<'_>, id: i64, output: Output) -> Result<Exit, Failure> {
    let restored = Enrollment::new(&site.vault()?).restore(id, site.limits(), site.made())?;
    if output.json {
        text::json(&restored.iter().map(ShownFate::from).collect::<Vec<_>>())?;
    } else {
        let cells = |one: &Restored| [one.account.clone(), one.label.clone(), sentence(one.fate).to_owned()];
        table::print(["ACCOUNT", "LABEL", "NOW"], &restored.iter().map(cells).collect::<Vec<_>>())?;
    }
    let alive = restored.iter().filter(|one| one.fate == Fate::Restored).count();
    match restored.len() {
        0 => text::note(&format!("Nothing of revocation {id} is left to be restored.")),
        all if alive == all => text::note("Restored: they pass again as before."),
        all => text::note(&format!(
            "{} of {all} stay revoked. When you have made room for them, restore {id} once more.",
            all - alive
        )),
    }
    Ok(if 0 < alive && alive == restored.len() { Exit::Ok } else { Exit::Denied })
}

#[derive(Serialize)]
struct ShownFate<'a> {
    account: &'a str,
    label: &'a str,
    fate: &'static str,
}

impl<'a> From<&'a Restored> for ShownFate<'a> {
    fn from(one: &'a Restored) -> Self {
        let fate = match one.fate {
            Fate::Restored => "restored",
            Fate::LabelTaken => "label-taken",
            Fate::Expired => "expired",
            Fate::TooMany => "too-many",
            Fate::KeyDropped => "key-dropped",
        };
        Self { account: &one.account, label: &one.label, fate }
    }
}

const fn sentence(fate: Fate) -> &'static str {
    match fate {
        Fate::Restored => "live",
        Fate::LabelTaken => "revoked: another has its label",
        Fate::Expired => "revoked: its time is over",
        Fate::TooMany => "revoked: the account has as many as it may",
        Fate::KeyDropped => "revoked for ever: its key is dropped",
    }
}

fn list(site: &Site<'_>, output: Output) -> Result<Exit, Failure> {
    let revocations = site.vault()?.store.restorable_revocations(site.now())?;
    if output.json {
        text::json(&revocations.iter().map(Listed::from).collect::<Vec<_>>())?;
        return Ok(Exit::Ok);
    }
    if revocations.is_empty() {
        text::note("There is no revocation that could be taken back.");
    }
    let headings = ["REVOCATION", "MADE", "BY", "RESTORABLE UNTIL", "APP PASSWORDS"];
    table::print(headings, &revocations.iter().map(|row| cells(site, row)).collect::<Vec<_>>())?;
    Ok(Exit::Ok)
}

/// One revocation of `app restore --list --json`.
#[derive(Serialize)]
struct Listed<'a> {
    revocation: i64,
    made_at: String,
    made_by: u32,
    restorable_until: String,
    app_passwords: Vec<Named<'a>>,
}

#[derive(Serialize)]
struct Named<'a> {
    account: &'a str,
    label: &'a str,
}

impl<'a> From<&'a RestorableRevocation> for Listed<'a> {
    fn from(row: &'a RestorableRevocation) -> Self {
        let named = |(account, label): &'a (String, String)| Named { account, label };
        Self {
            revocation: row.id,
            made_at: table::rfc3339(row.at),
            made_by: row.by,
            restorable_until: table::rfc3339(row.restorable_until),
            app_passwords: row.app_passwords.iter().map(named).collect(),
        }
    }
}

fn cells(site: &Site<'_>, row: &RestorableRevocation) -> [String; 5] {
    let what = match &row.app_passwords[..] {
        [(account, label)] => format!("{account} {label}"),
        many => many.len().to_string(),
    };
    [row.id.to_string(), table::local(row.at), site.user(row.by), table::until(row.restorable_until), what]
}
