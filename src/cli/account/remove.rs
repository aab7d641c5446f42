//! `postern account remove`.

use std::ffi::OsString;

use clap::Args;

use crate::cli::account::losses::{Shown, in_words};
use crate::cli::arguments::{Care, Output};
use crate::cli::confirm::{self, Answer};
use crate::cli::failure::Failure;
use crate::cli::site::Site;
use crate::cli::{Exit, sessions, text};
use crate::domain::account::AccountName;
use crate::enrollment::Enrollment;
use crate::store::{Losses, TotpKeys};

#[derive(Args)]
pub struct RemoveCommand {
    /// The account.
    name: OsString,
    #[command(flatten)]
    care: Care,
    #[command(flatten)]
    output: Output,
}

pub(in crate::cli) fn run(site: &Site<'_>, command: &RemoveCommand) -> Result<Exit, Failure> {
    let name = site.account(&command.name)?;
    let vault = site.vault()?;
    let enrollment = Enrollment::new(&vault);
    let losses = enrollment.losses(&name, TotpKeys::Remove)?;
    if command.care.dry_run {
        show(&name, &losses, command.output)?;
        return Ok(Exit::Ok);
    }
    if !command.care.yes {
        confirm::can_be_asked(command.output)?;
        text::note(&would(&name, &losses));
        if confirm::name_again("Type its name to go on:", name.as_str())? == Answer::No {
            return Ok(Exit::Denied);
        }
    }
    enrollment.remove_account(&name, site.made())?;
    site.forget_refusals(&vault, &[&name]);
    if command.output.json {
        show(&name, &losses, command.output)?;
    }
    let shown = text::shell_word(name.as_str());
    text::note(&format!("The account {shown} is removed: nothing that it had logs in any more."));
    text::note("Its mailbox, and its password where PAM keeps it, are not Postern's and stay as they are.");
    sessions::say_how_to_end([name.as_str()]);
    Ok(Exit::Ok)
}

fn show(name: &AccountName, losses: &Losses, output: Output) -> Result<(), Failure> {
    if output.json {
        return text::json(&Shown::new(name, losses));
    }
    text::result(&format!("{}\n", would(name, losses)))
}

fn would(name: &AccountName, losses: &Losses) -> String {
    let name = text::escaped(name.as_str());
    format!("The account {name} would be removed, with:\n{}", in_words(losses))
}
