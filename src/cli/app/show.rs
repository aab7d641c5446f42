//! `postern app show`.

use std::ffi::OsString;

use clap::Args;
use serde::Serialize;

use crate::cli::app::facts::{Facts, last_use, state};
use crate::cli::arguments::Output;
use crate::cli::failure::Failure;
use crate::cli::site::{Site, label};
use crate::cli::{table, text};
use crate::domain::time::UnixTime;
use crate::enrollment::{Enrollment, EnrollmentError};
use crate::store::AppPasswordRow;

#[derive(Args)]
pub struct ShowCommand {
    /// The account.
    name: OsString,
    /// The label of the app password; of several that had it, the live or the newest one is shown.
    label: OsString,
    #[command(flatten)]
    output: Output,
}

pub(super) fn run(site: &Site<'_>, command: &ShowCommand) -> Result<(), Failure> {
    let (name, label) = (site.account(&command.name)?, label(&command.label)?);
    let vault = site.vault()?;
    let account = Enrollment::new(&vault).account(&name)?;
    let rows = vault.store.app_passwords(account.id)?;
    let labelled = rows.iter().filter(|row| row.label == label.as_str());
    let Some(row) = labelled.max_by_key(|row| (row.revoked_at.is_none(), row.id)) else {
        return Err(EnrollmentError::NeverHad(name, label).into());
    };
    let kin = Kin {
        replaces: rows.iter().find(|old| Some(old.id) == row.replaces),
        replaced_by: rows.iter().rev().find(|next| next.replaces == Some(row.id)),
    };
    let restorable_until = row.restorable_until.filter(|until| site.now() < *until);
    if command.output.json {
        return text::json(&Shown {
            account: &account.name,
            facts: Facts::new(row, site.limits(), site.now()),
            replaces: kin.replaces.map(|row| row.label.as_str()),
            replaced_by: kin.replaced_by.map(|row| row.label.as_str()),
            revocation: row.revocation,
            restorable_until: restorable_until.map(table::rfc3339),
        });
    }
    table::facts(&lines(site, &account.name, row, &kin, restorable_until))
}

/// Those that stand beside it in rotations.
struct Kin<'a> {
    replaces: Option<&'a AppPasswordRow>,
    replaced_by: Option<&'a AppPasswordRow>,
}

fn lines(
    site: &Site<'_>,
    account: &str,
    row: &AppPasswordRow,
    kin: &Kin<'_>,
    restorable_until: Option<UnixTime>,
) -> Vec<(&'static str, String)> {
    let (limits, now) = (site.limits(), site.now());
    let nothing = || table::NOTHING.to_owned();
    let named = |row: &AppPasswordRow| format!("{} ({})", row.label, state(row, limits, now));
    let networks = if row.networks.are_any() { "any".to_owned() } else { row.networks.to_string() };
    let mut lines = vec![
        ("account", account.to_owned()),
        ("label", row.label.clone()),
        ("state", state(row, limits, now)),
        ("scope", row.scope.to_string()),
        ("networks", networks),
        ("made", format!("{} by {}", table::local(row.created_at), site.user(row.created_by))),
        ("ends", row.end(limits).map_or_else(|| "never".to_owned(), table::until)),
        ("last used", row.last_use.as_ref().map_or_else(|| "never".to_owned(), last_use)),
        ("replaces", kin.replaces.map_or_else(nothing, named)),
        ("replaced by", kin.replaced_by.map_or_else(nothing, named)),
    ];
    if let (Some(id), Some(until)) = (row.revocation, restorable_until) {
        lines.push(("restorable", format!("until {}: postern app restore {id}", table::until(until))));
    }
    lines
}

/// `app show --json`.
#[derive(Serialize)]
struct Shown<'a> {
    account: &'a str,
    #[serde(flatten)]
    facts: Facts<'a>,
    replaces: Option<&'a str>,
    replaced_by: Option<&'a str>,
    revocation: Option<i64>,
    restorable_until: Option<String>,
}
