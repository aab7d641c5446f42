//! `postern log`.

mod filter;
mod follow;
mod moment;
mod probes;
mod rows;
mod verify;

use clap::{Args, Subcommand};

use crate::cli::Exit;
use crate::cli::failure::Failure;
use crate::cli::site::Site;

#[derive(Args)]
pub struct LogCommand {
    #[command(subcommand)]
    other: Option<Other>,
    #[command(flatten)]
    rows: rows::RowsCommand,
}

#[derive(Subcommand)]
enum Other {
    /// Look whether every row is as it was written.
    ///
    /// Names the first row that was changed, put in or taken away, and ends with 1; with 0 if there is none. What it
    /// cannot see by itself is an older store put back whole: give it an anchor from the system's log for that.
    #[command(after_help = "Examples:
  sudo postern log verify
  sudo postern log verify --anchor 17:9f3a6b21c0d4e5f6")]
    Verify(verify::VerifyCommand),
}

pub(super) fn run(site: &Site<'_>, command: &LogCommand) -> Result<Exit, Failure> {
    match &command.other {
        None => rows::run(site, &command.rows),
        Some(Other::Verify(command)) => verify::run(site, command),
    }
}
