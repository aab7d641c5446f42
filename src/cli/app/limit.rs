//! `postern app limit`.

use std::ffi::OsString;

use clap::Args;

use crate::cli::app::add::networks;
use crate::cli::app::{scope, terms};
use crate::cli::failure::Failure;
use crate::cli::hint::operands;
use crate::cli::site::{Site, label};
use crate::cli::{expiry, text};
use crate::domain::network::Networks;
use crate::enrollment::{Enrollment, NewLimits};

#[derive(Args)]
#[command(group(clap::ArgGroup::new("limit").required(true).multiple(true)))]
pub struct LimitCommand {
    /// The account.
    name: OsString,
    /// The label of the app password.
    label: OsString,
    /// The services it is good for from now on, parted by commas.
    #[arg(long, value_name = "SERVICES", group = "limit")]
    scope: Option<OsString>,
    /// The networks from which it is good from now on, parted by commas, or `any`.
    #[arg(long, value_name = "NETWORKS", group = "limit")]
    network: Option<OsString>,
    /// When it ends: a span from now such as 12h, 90d, 12w or 1y, or its last day such as 2030-12-31.
    #[arg(long, value_name = "WHEN", group = "limit")]
    expires: Option<OsString>,
}

pub(super) fn run(site: &Site<'_>, command: &LimitCommand) -> Result<(), Failure> {
    let any = |list: &OsString| if list == "any" { Ok(Networks::default()) } else { networks(list) };
    let scope = command.scope.as_deref().map(|typed| scope::read(site, typed)).transpose()?;
    let networks = command.network.as_ref().map(any).transpose()?;
    let expires_at = command.expires.as_ref().map(|when| expiry::read(when, site.now())).transpose()?;
    let (name, label) = (site.account(&command.name)?, label(&command.label)?);
    let new = NewLimits { scope: scope.as_ref(), networks: networks.as_ref(), expires_at };
    let vault = site.vault()?;
    let enrollment = Enrollment::new(&vault);
    enrollment.limit(&name, &label, &new, site.limits(), site.made())?;
    let rows = vault.store.app_passwords(enrollment.account(&name)?.id)?;
    if let Some(row) = rows.iter().find(|row| row.revoked_at.is_none() && row.label == label.as_str()) {
        let (label, terms) = (text::escaped(label.as_str()), terms(&row.networks, row.end(site.limits())));
        let whom = text::shell_word(name.as_str());
        text::note(&format!("The app password \"{label}\" logs {whom} in to {}{terms}.", row.scope));
    }
    let both = operands(&[name.as_str(), label.as_str()]);
    text::note(&format!("New logins go by it at once. To look: postern app show {both}"));
    let name = text::shell_word(name.as_str());
    text::note(&format!("Connections that are open stay so; with Dovecot end them by: doveadm kick {name}"));
    Ok(())
}
