//! `postern app`.

use std::ffi::OsStr;

use serde::Serialize;

use crate::cli::Exit;
use crate::cli::arguments::{AppCommand, Output};
use crate::cli::failure::Failure;
use crate::cli::site::{Site, label};
use crate::cli::{expiry, table, text};
use crate::domain::account::AccountName;
use crate::domain::app_password::Label;
use crate::domain::network::{Networks, NetworksError};
use crate::domain::service::{Scope, ScopeError};
use crate::domain::time::UnixTime;
use crate::domain::verdict::Life;
use crate::enrollment::{Enrollment, Wanted};
use crate::store::{AppPasswordRow, LastUse};

pub(super) fn run(site: &Site<'_>, command: &AppCommand) -> Result<Exit, Failure> {
    match command {
        AppCommand::Add { name, label: typed, scope: services, network, expires } => {
            let now = (site.world.clock)();
            let expires_at = expires.as_ref().map(|when| expiry::read(when, now)).transpose()?;
            let networks = network.as_ref().map_or(Ok(Networks::default()), |list| networks(list))?;
            let (label, scope) = (label(typed)?, scope(services)?);
            let wanted = Wanted { label: &label, scope: &scope, networks: &networks, expires_at };
            add(site, &site.account(name)?, &wanted)?;
        }
        AppCommand::List { name, output } => list(site, &site.account(name)?, *output)?,
        AppCommand::Rename { name, label: typed, new } => {
            let (name, label, new) = (site.account(name)?, label(typed)?, label(new)?);
            Enrollment::new(&site.vault()?).rename(&name, &label, &new, site.made())?;
        }
        AppCommand::Revoke { name, label: typed } => revoke(site, &site.account(name)?, &label(typed)?)?,
    }
    Ok(Exit::Ok)
}

fn scope(typed: &OsStr) -> Result<Scope, Failure> {
    typed
        .to_str()
        .ok_or(ScopeError)
        .and_then(Scope::parse)
        .map_err(|error| Failure::Usage(error.to_string(), "leave --scope out for all that mail needs"))
}

fn networks(typed: &OsStr) -> Result<Networks, Failure> {
    typed
        .to_str()
        .ok_or(NetworksError)
        .and_then(Networks::parse)
        .map_err(|error| Failure::Usage(error.to_string(), "leave --network out for any address"))
}

fn add(site: &Site<'_>, name: &AccountName, wanted: &Wanted<'_>) -> Result<(), Failure> {
    let (label, scope) = (wanted.label, wanted.scope);
    let vault = site.vault()?;
    let enrollment = Enrollment::new(&vault);
    let password = enrollment.add_app_password(name, wanted, site.made())?;
    if let Err(error) = text::secret(&password.reveal()) {
        // What nobody has seen must not stay good.
        enrollment.revoke(name, label, site.made())?;
        return Err(Failure::NotShown(error));
    }
    let (name, label) = (text::shell_word(name.as_str()), label.as_str());
    let limits = limits(wanted.networks, wanted.expires_at);
    text::note(&format!("This app password \"{}\" logs {name} in to {scope}{limits}.", text::escaped(label)));
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

/// ` from 192.0.2.0/24 until 2030-12-31 00:00`, or nothing.
fn limits(networks: &Networks, expires_at: Option<UnixTime>) -> String {
    let from = if networks.are_any() { String::new() } else { format!(" from {networks}") };
    let until = expires_at.map_or_else(String::new, |end| format!(" until {}", table::local(end)));
    format!("{from}{until}")
}

fn revoke(site: &Site<'_>, name: &AccountName, label: &Label) -> Result<(), Failure> {
    let vault = site.vault()?;
    Enrollment::new(&vault).revoke(name, label, site.made())?;
    let (name, label) = (text::shell_word(name.as_str()), text::escaped(label.as_str()));
    text::note(&format!("The app password \"{label}\" of {name} is revoked: no new login passes with it."));
    text::note(&format!("Connections that are open stay so; with Dovecot end them by: doveadm kick {name}"));
    Ok(())
}

fn list(site: &Site<'_>, name: &AccountName, output: Output) -> Result<(), Failure> {
    let vault = site.vault()?;
    let account = Enrollment::new(&vault).account(name)?;
    let passwords = vault.store.app_passwords(account.id)?;
    if output.json {
        let now = (site.world.clock)();
        return text::json(&passwords.iter().map(|row| Listed::new(row, now)).collect::<Vec<_>>());
    }
    if passwords.is_empty() {
        let name = text::shell_word(name.as_str());
        text::note(&format!(
            "{name} has no app password yet. Make one: postern app add {name} --label phone"
        ));
    }
    let headings = ["LABEL", "SCOPE", "STATE", "CREATED", "LAST USED"];
    let now = (site.world.clock)();
    table::print(headings, &passwords.iter().map(|row| cells(row, now)).collect::<Vec<_>>())
}

/// One app password of `app list --json`.
#[derive(Serialize)]
struct Listed<'a> {
    label: &'a str,
    scope: Vec<&'a str>,
    networks: Vec<String>,
    state: &'static str,
    created_at: String,
    created_by: u32,
    expires_at: Option<String>,
    revoked_at: Option<String>,
    last_used_at: Option<String>,
    last_used_service: Option<&'a str>,
    last_used_from: Option<&'a str>,
}

impl<'a> Listed<'a> {
    fn new(row: &'a AppPasswordRow, now: UnixTime) -> Self {
        let used = row.last_use.as_ref();
        Self {
            label: &row.label,
            scope: row.scope.services().map(|service| service.as_str()).collect(),
            networks: row.networks.each().collect(),
            state: match row.life_at(now) {
                Life::Live => "live",
                Life::Revoked => "revoked",
                Life::Expired => "expired",
            },
            created_at: table::rfc3339(row.created_at),
            created_by: row.created_by,
            expires_at: row.expires_at.map(table::rfc3339),
            revoked_at: row.revoked_at.map(table::rfc3339),
            last_used_at: used.map(|used| table::rfc3339(used.at)),
            last_used_service: used.map(|used| used.service.as_str()),
            last_used_from: used.and_then(|used| used.from.as_deref()),
        }
    }
}

fn state(row: &AppPasswordRow, now: UnixTime) -> String {
    let on = |moment: Option<UnixTime>| moment.map_or_else(String::new, |at| format!(" {}", table::day(at)));
    match (row.life_at(now), row.expires_at) {
        (Life::Live, None) => "live".to_owned(),
        (Life::Live, end) => format!("until{}", on(end)),
        (Life::Revoked, _) => format!("revoked{}", on(row.revoked_at)),
        (Life::Expired, end) => format!("expired{}", on(end)),
    }
}

fn cells(row: &AppPasswordRow, now: UnixTime) -> [String; 5] {
    [
        row.label.clone(),
        format!("{}{}", row.scope, limits(&row.networks, None)),
        state(row, now),
        table::day(row.created_at),
        row.last_use.as_ref().map_or_else(|| table::NOTHING.to_owned(), last_use),
    ]
}

fn last_use(used: &LastUse) -> String {
    let from = used.from.as_ref().map_or_else(String::new, |address| format!(" from {address}"));
    format!("{} {}{from}", table::day(used.at), used.service)
}
