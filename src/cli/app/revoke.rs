//! `postern app revoke`.

use std::ffi::OsString;

use clap::Args;

use crate::cli::failure::Failure;
use crate::cli::site::{Site, label};
use crate::cli::text;
use crate::enrollment::Enrollment;

#[derive(Args)]
pub struct RevokeCommand {
    /// The account.
    name: OsString,
    /// The label of the app password.
    label: OsString,
}

pub(super) fn run(site: &Site<'_>, command: &RevokeCommand) -> Result<(), Failure> {
    let (name, label) = (site.account(&command.name)?, label(&command.label)?);
    let vault = site.vault()?;
    Enrollment::new(&vault).revoke(&name, &label, site.made())?;
    let (name, label) = (text::shell_word(name.as_str()), text::escaped(label.as_str()));
    text::note(&format!("The app password \"{label}\" of {name} is revoked: no new login passes with it."));
    text::note(&format!("Connections that are open stay so; with Dovecot end them by: doveadm kick {name}"));
    Ok(())
}
