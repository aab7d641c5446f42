//! `postern app list`.

use std::ffi::OsString;

use clap::Args;
use serde::Serialize;

use crate::cli::app::{last_use, terms};
use crate::cli::arguments::Output;
use crate::cli::failure::Failure;
use crate::cli::site::Site;
use crate::cli::{table, text};
use crate::domain::policy::AppPasswordPolicy;
use crate::domain::time::UnixTime;
use crate::domain::verdict::Life;
use crate::enrollment::Enrollment;
use crate::store::AppPasswordRow;

#[derive(Args)]
pub struct ListCommand {
    /// The account.
    name: OsString,
    #[command(flatten)]
    output: Output,
}

pub(super) fn run(site: &Site<'_>, command: &ListCommand) -> Result<(), Failure> {
    let name = site.account(&command.name)?;
    let vault = site.vault()?;
    let account = Enrollment::new(&vault).account(&name)?;
    let passwords = vault.store.app_passwords(account.id)?;
    let now = site.now();
    let facts: Vec<Facts<'_>> = passwords.iter().map(|row| Facts::new(row, site.limits(), now)).collect();
    if command.output.json {
        return text::json(&facts);
    }
    if passwords.is_empty() {
        let name = text::shell_word(name.as_str());
        text::note(&format!(
            "{name} has no app password yet. Make one: postern app add {name} --label phone"
        ));
    }
    let headings = ["LABEL", "SCOPE", "STATE", "CREATED", "LAST USED"];
    table::print(headings, &passwords.iter().map(|row| cells(row, site.limits(), now)).collect::<Vec<_>>())
}
/// One app password of `app list --json`.
#[derive(Serialize)]
struct Facts<'a> {
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

impl<'a> Facts<'a> {
    fn new(row: &'a AppPasswordRow, limits: &AppPasswordPolicy, now: UnixTime) -> Self {
        let used = row.last_use.as_ref();
        Self {
            label: &row.label,
            scope: row.scope.services().map(|service| service.as_str()).collect(),
            networks: row.networks.each().collect(),
            state: match row.life_at(now, limits) {
                Life::Live => "live",
                Life::Revoked => "revoked",
                Life::Expired => "expired",
            },
            created_at: table::rfc3339(row.created_at),
            created_by: row.created_by,
            expires_at: limits.end(row.created_at, row.expires_at).map(table::rfc3339),
            revoked_at: row.revoked_at.map(table::rfc3339),
            last_used_at: used.map(|used| table::rfc3339(used.at)),
            last_used_service: used.map(|used| used.service.as_str()),
            last_used_from: used.and_then(|used| used.from.as_deref()),
        }
    }
}

fn state(row: &AppPasswordRow, limits: &AppPasswordPolicy, now: UnixTime) -> String {
    let on = |moment: Option<UnixTime>| moment.map_or_else(String::new, |at| format!(" {}", table::day(at)));
    match (row.life_at(now, limits), limits.end(row.created_at, row.expires_at)) {
        (Life::Live, None) => "live".to_owned(),
        (Life::Live, end) => format!("until{}", on(end)),
        (Life::Revoked, _) => format!("revoked{}", on(row.revoked_at)),
        (Life::Expired, end) => format!("expired{}", on(end)),
    }
}

fn cells(row: &AppPasswordRow, limits: &AppPasswordPolicy, now: UnixTime) -> [String; 5] {
    [
        row.label.clone(),
        format!("{}{}", row.scope, terms(&row.networks, None)),
        state(row, limits, now),
        table::day(row.created_at),
        row.last_use.as_ref().map_or_else(|| table::NOTHING.to_owned(), last_use),
    ]
}
