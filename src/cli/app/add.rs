//! `postern app add`.

use std::ffi::{OsStr, OsString};

use clap::Args;

use crate::cli::app::{scope, terms};
use crate::cli::arguments::SecretSource;
use crate::cli::failure::Failure;
use crate::cli::hint::operands;
use crate::cli::own::Whose;
use crate::cli::site::{Site, label};
use crate::cli::{expiry, secrets, text};
use crate::domain::account::AccountName;
use crate::domain::network::{Networks, NetworksError};
use crate::domain::service::Scope;
use crate::domain::time::UnixTime;
use crate::enrollment::{Enrollment, Wanted};
use crate::store::Restorable;
use crate::wire::manage::Terms;

#[derive(Args)]
pub struct AddCommand {
    /// The account; users leave it out for their own.
    name: Option<OsString>,
    /// What its owner calls the program or device.
    #[arg(long)]
    label: OsString,
    /// The services it is good for, parted by commas: mail's, those of /etc/pam.d, or of postern.toml's [services].
    #[arg(long, value_name = "SERVICES", default_value = "imap,pop3,smtp,sieve")]
    scope: OsString,
    /// The networks from which it is good, parted by commas; any without this.
    #[arg(long, value_name = "NETWORKS")]
    network: Option<OsString>,
    /// When it ends: a span from now such as 12h, 90d, 12w or 1y, or its last day such as 2030-12-31.
    #[arg(long, value_name = "WHEN")]
    expires: Option<OsString>,
    #[command(flatten)]
    source: SecretSource,
}

pub(super) fn run(site: &Site<'_>, command: &AddCommand) -> Result<(), Failure> {
    let wanted = read(site, command)?;
    match Whose::of(site, command.name.as_deref())? {
        Whose::Named(_) if command.source.secret_fd.is_some() => Err(secrets::nothing_asked()),
        Whose::Named(name) => add(site, &name, &wanted),
        Whose::Own(own) => own.add(&wanted, command.source.secret_fd),
    }
}

/// What was typed.
fn read(site: &Site<'_>, command: &AddCommand) -> Result<Terms, Failure> {
    let expires_at = command.expires.as_ref().map(|when| expiry::read(when, site.now())).transpose()?;
    let networks = command.network.as_ref().map_or(Ok(Networks::default()), |list| networks(list))?;
    Ok(Terms {
        label: label(&command.label)?,
        scope: scope::read(site, &command.scope)?,
        networks,
        expires_at,
    })
}

pub(super) fn networks(typed: &OsStr) -> Result<Networks, Failure> {
    typed
        .to_str()
        .ok_or(NetworksError::Form)
        .and_then(Networks::parse)
        .map_err(|error| Failure::Usage(error.to_string(), "leave --network out for any address"))
}

fn add(site: &Site<'_>, name: &AccountName, terms: &Terms) -> Result<(), Failure> {
    let (label, scope, networks) = (&terms.label, &terms.scope, &terms.networks);
    let wanted = Wanted { label, scope, networks, expires_at: terms.expires_at };
    text::somebody_reads_stdout().map_err(Failure::NotShown)?;
    let vault = site.vault()?;
    let enrollment = Enrollment::new(&vault);
    let issued = enrollment.add_app_password(name, &wanted, site.limits(), site.made())?;
    if let Err(error) = text::secret(&issued.password.reveal()) {
        // What nobody has seen must not stay good.
        enrollment.revoke(name, label, Restorable::Never, site.made())?;
        return Err(Failure::NotShown(error));
    }
    say_what_it_is(name.as_str(), terms, issued.expires_at);
    let both = operands(&[name.as_str(), label.as_str()]);
    say_how_to_end_it(&format!("postern app revoke {both}"));
    Ok(())
}

/// Says what a new app password is good for, whoever made it.
pub(in crate::cli) fn say_what_it_is(name: &str, wanted: &Terms, expires_at: Option<UnixTime>) {
    let (name, label, scope) = (text::shell_word(name), text::escaped(wanted.label.as_str()), &wanted.scope);
    let terms = terms(&wanted.networks, expires_at);
    text::note(&format!("This app password \"{label}\" logs {name} in to {scope}{terms}."));
    let mail = Scope::mail();
    for service in scope.services().filter(|service| !mail.covers(service)) {
        text::note(&format!(
            "Note: {service} is none of mail's services, which are {mail}. It is good only for a host that calls itself so."
        ));
    }
    text::note("It is shown this once. It asks for no second factor: put it in one program only.");
}

/// Says what to type when the device is lost.
pub(in crate::cli) fn say_how_to_end_it(command: &str) {
    text::note(&format!("When that program or device is lost: {command}"));
}
