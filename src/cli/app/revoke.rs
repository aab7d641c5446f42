//! `postern app revoke`.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};

use clap::Args;
use serde::Serialize;

use crate::cli::app::facts::last_use;
use crate::cli::app::selection::SelectionArguments;
use crate::cli::arguments::{Care, Output};
use crate::cli::confirm::{self, Answer};
use crate::cli::failure::Failure;
use crate::cli::own::{Own, Whose, works_here};
use crate::cli::site::{Site, label};
use crate::cli::{Exit, sessions, table, text};
use crate::domain::account::AccountName;
use crate::domain::app_password::Label;
use crate::domain::selection::Selection;
use crate::domain::time::UnixTime;
use crate::enrollment::Enrollment;
use crate::store::{AppPasswordRow, Restorable, Revocation, SelectedAppPassword};
use crate::verifier::Vault;

#[derive(Args)]
pub struct RevokeCommand {
    /// The account; users leave it out for their own.
    #[arg(conflicts_with = "selection")]
    name: Option<OsString>,
    /// The label of the app password.
    label: Option<OsString>,
    #[command(flatten)]
    selection: SelectionArguments,
    #[command(flatten)]
    care: Care,
    #[command(flatten)]
    output: Output,
}

pub(super) fn run(site: &Site<'_>, command: &RevokeCommand) -> Result<Exit, Failure> {
    let (name, typed) = (command.name.as_deref(), command.label.as_deref());
    if !works_here(site) {
        // What stands alone is the label.
        return match Whose::of(site, typed.and(name))? {
            Whose::Own(own) => revoke_own(&own, command, typed.or(name)),
            Whose::Named(_) => Err(no_label()),
        };
    }
    let work = Work { site, command, vault: &site.vault()? };
    match (name, typed) {
        (Some(name), Some(typed)) => work.revoke_one(&site.account(name)?, &label(typed)?),
        (Some(_), None) => Err(no_label()),
        (None, _) => work.revoke_selected(&command.selection.read(site)?),
    }
}

fn no_label() -> Failure {
    let what = "an account is named, and no label".to_owned();
    Failure::Usage(what, "name both, or select: postern app revoke --account NAME; nothing was changed")
}

/// The same by a user who may not read the store.
fn revoke_own(own: &Own<'_>, command: &RevokeCommand, typed: Option<&OsStr>) -> Result<Exit, Failure> {
    let Some(typed) = typed else {
        let what = "a selection is not yours to revoke".to_owned();
        return Err(Failure::NotPermitted(
            what,
            "name one label: postern app revoke LABEL; others need root",
        ));
    };
    let label = label(typed)?;
    let row = own.labelled(&label)?;
    if command.care.dry_run {
        show(command.output, None, &[row])?;
        return Ok(Exit::Ok);
    }
    let revoked = own.revoke(&label)?;
    let (id, until) = (revoked.revocation.and_then(|id| i64::try_from(id).ok()), revoked.restorable_until);
    if command.output.json {
        show(command.output, Some((id, until)), &[row])?;
    }
    let label = text::escaped(label.as_str());
    text::note(&format!("The app password \"{label}\" is revoked: no new login passes with it."));
    if let Some(old) = revoked.lives_on {
        text::note(&format!("Note: \"{}\", which it was to replace, is good still.", text::escaped(&old)));
    }
    text::note("Connections that are open stay so until they end.");
    if let Some(id) = id {
        let until = table::local(until);
        text::note(&format!("Your administrator can take it back, until {until}: postern app restore {id}"));
    }
    Ok(Exit::Ok)
}

/// What was asked, and where it is done.
struct Work<'a> {
    site: &'a Site<'a>,
    command: &'a RevokeCommand,
    vault: &'a Vault,
}

impl Work<'_> {
    fn revoke_one(&self, name: &AccountName, label: &Label) -> Result<Exit, Failure> {
        let enrollment = Enrollment::new(self.vault);
        if self.command.care.dry_run {
            self.show(None, &[enrollment.preview_one(name, label)?])?;
            return Ok(Exit::Ok);
        }
        let made = self.site.made();
        let until = self.site.limits().restorable_until(made.at);
        let revocation = enrollment.revoke(name, label, Restorable::Until(until), made)?;
        if self.command.output.json {
            self.show(Some((&revocation, until)), &revocation.revoked)?;
        }
        let (account, label) = (text::shell_word(name.as_str()), text::escaped(label.as_str()));
        text::note(&format!(
            "The app password \"{label}\" of {account} is revoked: no new login passes with it."
        ));
        self.say_what_lives_on(&revocation)?;
        self.say_what_comes_next(&revocation, until);
        Ok(Exit::Ok)
    }

    fn revoke_selected(&self, selection: &Selection) -> Result<Exit, Failure> {
        let enrollment = Enrollment::new(self.vault);
        if self.command.care.dry_run {
            self.show(None, &enrollment.preview(selection)?)?;
            return Ok(Exit::Ok);
        }
        let mut confirmed = None;
        if !self.command.care.yes {
            confirm::can_be_asked(self.command.output)?;
            let chosen = enrollment.preview(selection)?;
            table_of(&chosen)?;
            let question = format!("Revoke {}?", counted(&chosen));
            if confirm::yes_or_no(&question)? == Answer::No {
                return Ok(Exit::Denied);
            }
            confirmed = Some(chosen);
        }
        // Asking has taken its time.
        let made = self.site.made();
        let until = self.site.limits().restorable_until(made.at);
        let restorable = Restorable::Until(until);
        let revocation = enrollment.revoke_selected(selection, confirmed.as_deref(), restorable, made)?;
        if confirmed.is_none() {
            self.show(Some((&revocation, until)), &revocation.revoked)?;
        }
        text::note(&format!("Revoked {}: no new login passes with them.", counted(&revocation.revoked)));
        self.say_what_comes_next(&revocation, until);
        Ok(Exit::Ok)
    }

    fn show(
        &self,
        revocation: Option<(&Revocation, UnixTime)>,
        rows: &[SelectedAppPassword],
    ) -> Result<(), Failure> {
        let revocation = revocation.map(|(revocation, until)| (revocation.id, until));
        show(self.command.output, revocation, rows)
    }

    /// Whoever takes back a successor before its first use should know that the old one is still good.
    fn say_what_lives_on(&self, revocation: &Revocation) -> Result<(), Failure> {
        for successor in &revocation.revoked {
            let rows = self.vault.store.app_passwords(successor.account_id)?;
            let waits =
                |row: &&AppPasswordRow| Some(row.id) == successor.replaces && row.revoked_at.is_none();
            for old in rows.iter().filter(waits) {
                let end = old.end(self.site.limits()).map_or_else(String::new, table::until);
                let label = text::escaped(&old.label);
                text::note(&format!("Note: \"{label}\", which it was to replace, is good until {end}."));
            }
        }
        Ok(())
    }

    fn say_what_comes_next(&self, revocation: &Revocation, until: UnixTime) {
        sessions::say_how_to_end(revocation.revoked.iter().map(|row| row.account.as_str()));
        if let Some(id) = revocation.id {
            let until = table::until(until);
            text::note(&format!("To take it back, until {until}: postern app restore {id}"));
        }
    }
}

fn show(
    output: Output,
    revocation: Option<(Option<i64>, UnixTime)>,
    rows: &[SelectedAppPassword],
) -> Result<(), Failure> {
    if !output.json {
        return table_of(rows);
    }
    text::json(&Shown {
        revocation: revocation.and_then(|(id, _)| id),
        restorable_until: revocation.map(|(_, until)| table::rfc3339(until)),
        app_passwords: rows.iter().map(Selected::from).collect(),
    })
}

fn counted(rows: &[SelectedAppPassword]) -> String {
    let accounts: BTreeSet<i64> = rows.iter().map(|row| row.account_id).collect();
    let (rows, accounts) =
        (text::counted(rows.len(), "app password"), text::counted(accounts.len(), "account"));
    format!("{rows} of {accounts}")
}

/// `app revoke --json`; the same with --dry-run, but for the revocation.
#[derive(Serialize)]
struct Shown<'a> {
    revocation: Option<i64>,
    restorable_until: Option<String>,
    app_passwords: Vec<Selected<'a>>,
}

#[derive(Serialize)]
struct Selected<'a> {
    account: &'a str,
    label: &'a str,
    created_at: String,
    last_used_at: Option<String>,
    last_used_service: Option<&'a str>,
    last_used_from: Option<&'a str>,
}

impl<'a> From<&'a SelectedAppPassword> for Selected<'a> {
    fn from(row: &'a SelectedAppPassword) -> Self {
        let used = row.last_use.as_ref();
        Self {
            account: &row.account,
            label: &row.label,
            created_at: table::rfc3339(row.created_at),
            last_used_at: used.map(|used| table::rfc3339(used.at)),
            last_used_service: used.map(|used| used.service.as_str()),
            last_used_from: used.and_then(|used| used.from.as_deref()),
        }
    }
}

fn table_of(rows: &[SelectedAppPassword]) -> Result<(), Failure> {
    let cells = |row: &SelectedAppPassword| {
        let used = row.last_use.as_ref().map_or_else(|| table::NOTHING.to_owned(), last_use);
        [row.account.clone(), row.label.clone(), table::day(row.created_at), used]
    };
    let headings = ["ACCOUNT", "LABEL", "CREATED", "LAST USED"];
    table::print(headings, &rows.iter().map(cells).collect::<Vec<_>>())
}
