//! `postern app rename`.

use std::ffi::OsString;

use clap::Args;

use crate::cli::failure::Failure;
use crate::cli::site::{Site, label};
use crate::enrollment::Enrollment;

#[derive(Args)]
pub struct RenameCommand {
    /// The account.
    name: OsString,
    /// The label that it has.
    label: OsString,
    /// The label that it gets.
    new: OsString,
}

pub(super) fn run(site: &Site<'_>, command: &RenameCommand) -> Result<(), Failure> {
    let (name, label, new) = (site.account(&command.name)?, label(&command.label)?, label(&command.new)?);
    Enrollment::new(&site.vault()?).rename(&name, &label, &new, site.limits(), site.made())?;
    Ok(())
}
