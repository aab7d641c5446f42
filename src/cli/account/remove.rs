//! `postern account remove`.

use std::ffi::OsString;

use clap::Args;

use crate::cli::confirm::{self, Answer};
use crate::cli::failure::Failure;
use crate::cli::site::Site;
use crate::cli::{Exit, sessions, text};
use crate::enrollment::Enrollment;

#[derive(Args)]
pub struct RemoveCommand {
    /// The account.
    name: OsString,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

pub(in crate::cli) fn run(site: &Site<'_>, command: &RemoveCommand) -> Result<Exit, Failure> {
    let name = site.account(&command.name)?;
    let vault = site.vault()?;
    let enrollment = Enrollment::new(&vault);
    enrollment.account(&name)?;
    if !command.yes {
        let shown = text::escaped(name.as_str());
        let question =
            format!("This removes {shown} with all its passwords, keys and codes. Type its name to go on:");
        if confirm::name_again(&question, name.as_str())? == Answer::No {
            return Ok(Exit::Denied);
        }
    }
    enrollment.remove_account(&name, site.made())?;
    site.forget_refusals(&vault, &[&name]);
    let shown = text::shell_word(name.as_str());
    text::note(&format!("The account {shown} is removed: nothing that it had logs in any more."));
    text::note("Its mailbox, and its password where PAM keeps it, are not Postern's and stay as they are.");
    sessions::say_how_to_end([name.as_str()]);
    Ok(Exit::Ok)
}
