//! `postern app`.

mod scope;
mod add;
mod facts;
mod list;
mod show;
mod rename;
mod limit;
mod revoke;
mod selection;
mod rotate;
mod restore;

pub(super) use add::{say_how_to_end_it, say_what_it_is};
pub(super) use facts::{Facts, state};

use clap::Subcommand;

use crate::cli::failure::Failure;
use crate::cli::site::Site;
use crate::cli::{Exit, table};
use crate::domain::network::Networks;
use crate::domain::time::UnixTime;

#[derive(Subcommand)]
pub enum AppCommand {
    /// Make an app password and show it, once.
    #[command(after_help = "Examples:
  sudo postern app add alice --label phone
  sudo postern app add alice --label scanner --scope smtp --network 192.0.2.0/24
  sudo postern app add alice --label internship --expires 90d
  postern app add --label phone")]
    Add(add::AddCommand),
    /// List the app passwords of an account, revoked ones last.
    #[command(
        after_help = "Examples:\n  sudo postern app list alice\n  sudo postern app list alice --live --json\n  postern app list"
    )]
    List(list::ListCommand),
    /// Show all that is known of an app password.
    #[command(after_help = "Examples:\n  sudo postern app show alice phone\n  postern app show phone")]
    Show(show::ShowCommand),
    /// Give an app password another label; the password stays as it is.
    #[command(after_help = "Example:\n  sudo postern app rename alice phone 'old phone'")]
    Rename(rename::RenameCommand),
    /// Change what a live app password is good for: services, networks, end. The password stays as it is.
    #[command(after_help = "Examples:
  sudo postern app limit alice phone --scope imap,smtp
  sudo postern app limit alice phone --network 192.0.2.0/24 --expires 90d
  sudo postern app limit alice phone --network any")]
    Limit(limit::LimitCommand),
    /// Replace an app password by a new one that is good for the same.
    ///
    /// Shows the new one, once. It takes the label; the old one is called `phone (old)` and lives on until the new one is
    /// used for the first time, or until --keep-until.
    #[command(after_help = "Examples:
  sudo postern app rotate alice phone
  sudo postern app rotate alice phone --keep-until 24h")]
    Rotate(rotate::RotateCommand),
    /// Revoke an app password, or all of a selection.
    ///
    /// Of several selections, each one narrows the choice. What is revoked can be restored for some time.
    #[command(after_help = "Examples:
  sudo postern app revoke alice phone
  postern app revoke phone
  sudo postern app revoke --account alice --account bob
  sudo postern app revoke --domain example.org --unused-since 90d --dry-run
  sudo postern app revoke --used-from 192.0.2.0/24 --yes --json")]
    Revoke(revoke::RevokeCommand),
    /// Take a revocation back, or list those that can be.
    ///
    /// The same passwords are good again; what is over, or whose label another has got, stays revoked.
    #[command(after_help = "Examples:
  sudo postern app restore --list
  sudo postern app restore 7")]
    Restore(restore::RestoreCommand),
}

pub(super) fn run(site: &Site<'_>, command: &AppCommand) -> Result<Exit, Failure> {
    match command {
        AppCommand::Add(command) => add::run(site, command)?,
        AppCommand::List(command) => list::run(site, command)?,
        AppCommand::Show(command) => show::run(site, command)?,
        AppCommand::Rename(command) => rename::run(site, command)?,
        AppCommand::Limit(command) => limit::run(site, command)?,
        AppCommand::Rotate(command) => rotate::run(site, command)?,
        AppCommand::Revoke(command) => return revoke::run(site, command),
        AppCommand::Restore(command) => return restore::run(site, command),
    }
    Ok(Exit::Ok)
}

/// ` from 192.0.2.0/24 until 2030-12-31 23:59`, or nothing.
fn terms(networks: &Networks, expires_at: Option<UnixTime>) -> String {
    let from = if networks.are_any() { String::new() } else { format!(" from {networks}") };
    let until = expires_at.map_or_else(String::new, |end| format!(" until {}", table::until(end)));
    format!("{from}{until}")
}
