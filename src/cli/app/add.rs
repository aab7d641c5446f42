//! `postern app add`.

use std::ffi::{OsStr, OsString};

use clap::Args;

use crate::cli::app::terms;
use crate::cli::failure::Failure;
use crate::cli::site::{Site, label};
use crate::cli::{expiry, text};
use crate::domain::account::AccountName;
use crate::domain::network::{Networks, NetworksError};
use crate::domain::service::{Scope, ScopeError};
use crate::enrollment::{Enrollment, Wanted};
use crate::store::Restorable;

#[derive(Args)]
pub struct AddCommand {
    /// The account.
    name: OsString,
    /// What its owner calls the program or device.
    #[arg(long)]
    label: OsString,
    /// The services it is good for, parted by commas.
    #[arg(long, value_name = "SERVICES", default_value = "imap,pop3,smtp,sieve")]
    scope: OsString,
    /// The networks from which it is good, parted by commas; any without this.
    #[arg(long, value_name = "NETWORKS")]
    network: Option<OsString>,
    /// When it ends: a span from now such as 90d, 12w or 1y, or its last day such as 2030-12-31.
    #[arg(long, value_name = "WHEN")]
    expires: Option<OsString>,
}

pub(super) fn run(site: &Site<'_>, command: &AddCommand) -> Result<(), Failure> {
    let expires_at = command.expires.as_ref().map(|when| expiry::read(when, site.now())).transpose()?;
    let networks = command.network.as_ref().map_or(Ok(Networks::default()), |list| networks(list))?;
    let (label, scope) = (label(&command.label)?, scope(&command.scope)?);
    let wanted = Wanted { label: &label, scope: &scope, networks: &networks, expires_at };
    add(site, &site.account(&command.name)?, &wanted)
}

pub(super) fn scope(typed: &OsStr) -> Result<Scope, Failure> {
    typed
        .to_str()
        .ok_or(ScopeError)
        .and_then(Scope::parse)
        .map_err(|error| Failure::Usage(error.to_string(), "leave --scope out for all that mail needs"))
}

pub(super) fn networks(typed: &OsStr) -> Result<Networks, Failure> {
    typed
        .to_str()
        .ok_or(NetworksError)
        .and_then(Networks::parse)
        .map_err(|error| Failure::Usage(error.to_string(), "leave --network out for any address"))
}

fn add(site: &Site<'_>, name: &AccountName, wanted: &Wanted<'_>) -> Result<(), Failure> {
    let (label, scope) = (wanted.label, wanted.scope);
    text::somebody_reads_stdout().map_err(Failure::NotShown)?;
    let vault = site.vault()?;
    let enrollment = Enrollment::new(&vault);
    let issued = enrollment.add_app_password(name, wanted, site.limits(), site.made())?;
    if let Err(error) = text::secret(&issued.password.reveal()) {
        // What nobody has seen must not stay good.
        enrollment.revoke(name, label, Restorable::Never, site.made())?;
        return Err(Failure::NotShown(error));
    }
    let (name, label) = (text::shell_word(name.as_str()), label.as_str());
    let terms = terms(wanted.networks, issued.expires_at);
    text::note(&format!("This app password \"{}\" logs {name} in to {scope}{terms}.", text::escaped(label)));
    let mail = Scope::mail();
    for service in scope.services().filter(|service| !mail.covers(service)) {
        text::note(&format!(
            "Note: {service} is none of mail's services, which are {mail}. It is good only for a host that calls itself so."
        ));
    }
    text::note("It is shown this once. It asks for no second factor: put it in one program only.");
    let revoke = format!("postern app revoke {name} {}", text::shell_word(label));
    text::note(&format!("When that program or device is lost: {revoke}"));
    Ok(())
}
