//! `postern app list`.

use std::ffi::OsString;

use clap::Args;

use crate::cli::app::facts::{Facts, last_use, state};
use crate::cli::app::terms;
use crate::cli::arguments::Output;
use crate::cli::failure::Failure;
use crate::cli::hint::operands;
use crate::cli::own::Whose;
use crate::cli::site::Site;
use crate::cli::{table, text};
use crate::domain::policy::AppPasswordPolicy;
use crate::domain::time::UnixTime;
use crate::domain::verdict::Life;
use crate::enrollment::Enrollment;
use crate::store::AppPasswordRow;

#[derive(Args)]
pub struct ListCommand {
    /// The account; users leave it out for their own.
    name: Option<OsString>,
    /// Leave out those that are revoked or over.
    #[arg(long)]
    live: bool,
    #[command(flatten)]
    output: Output,
}

pub(super) fn run(site: &Site<'_>, command: &ListCommand) -> Result<(), Failure> {
    let (name, operand, mut passwords) = match Whose::of(site, command.name.as_deref())? {
        Whose::Named(name) => {
            let vault = site.vault()?;
            let account = Enrollment::new(&vault).account(&name)?;
            let operand = format!(" {}", operands(&[name.as_str()]));
            (name.as_str().to_owned(), operand, vault.store.app_passwords(account.id)?)
        }
        // Whoever names himself asks as the administrator would.
        Whose::Own(own) => (own.name()?, String::new(), own.app_passwords()?),
    };
    let now = site.now();
    passwords.retain(|row| !command.live || row.life_at(now, site.limits()) == Life::Live);
    let facts: Vec<Facts<'_>> = passwords.iter().map(|row| Facts::new(row, site.limits(), now)).collect();
    if command.output.json {
        return text::json(&facts);
    }
    if passwords.is_empty() {
        let name = text::escaped(&name);
        text::note(&format!(
            "{name} has no app password yet. Make one: postern app add --label phone{operand}"
        ));
    }
    let headings = ["LABEL", "SCOPE", "STATE", "CREATED", "LAST USED"];
    table::print(headings, &passwords.iter().map(|row| cells(row, site.limits(), now)).collect::<Vec<_>>())
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
