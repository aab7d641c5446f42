//! `postern app show`.

use std::ffi::{OsStr, OsString};

use clap::Args;
use serde::Serialize;

use crate::cli::app::facts::{Facts, last_use, state};
use crate::cli::arguments::Output;
use crate::cli::failure::Failure;
use crate::cli::own::{Whose, works_here};
use crate::cli::site::{Site, label};
use crate::cli::{table, text};
use crate::domain::account::AccountName;
use crate::domain::app_password::Label;
use crate::domain::time::UnixTime;
use crate::enrollment::{Enrollment, EnrollmentError};
use crate::store::AppPasswordRow;

#[derive(Args)]
pub struct ShowCommand {
    /// The account; users leave it out for their own.
    name: OsString,
    /// The label of the app password; of several that had it, the live or the newest one is shown.
    label: Option<OsString>,
    #[command(flatten)]
    output: Output,
}

pub(super) fn run(site: &Site<'_>, command: &ShowCommand) -> Result<(), Failure> {
    match named(site, &command.name, command.label.as_deref())? {
        (Whose::Named(name), label) => {
            let vault = site.vault()?;
            let account = Enrollment::new(&vault).account(&name)?;
            let rows = vault.store.app_passwords(account.id)?;
            show(site, &name, &rows, label, command.output)
        }
        (Whose::Own(own), label) => {
            let name = site.account(OsStr::new(&own.name()?))?;
            show(site, &name, &own.app_passwords()?, label, command.output)
        }
    }
}

/// What stands alone is a label, of one's own.
pub(super) fn named<'a>(
    site: &'a Site<'a>,
    name: &OsStr,
    typed: Option<&OsStr>,
) -> Result<(Whose<'a>, Label), Failure> {
    if typed.is_none() && works_here(site) {
        let what = "an account is named, and no label".to_owned();
        return Err(Failure::Usage(what, "name both; `postern app list --help` says how to see the labels"));
    }
    let whose = Whose::of(site, typed.and(Some(name)))?;
    Ok((whose, label(typed.unwrap_or(name))?))
}

fn show(
    site: &Site<'_>,
    name: &AccountName,
    rows: &[AppPasswordRow],
    label: Label,
    output: Output,
) -> Result<(), Failure> {
    let labelled = rows.iter().filter(|row| row.label == label.as_str());
    let Some(row) = labelled.max_by_key(|row| (row.revoked_at.is_none(), row.id)) else {
        return Err(EnrollmentError::NeverHad(name.clone(), label).into());
    };
    let kin = Kin {
        replaces: rows.iter().find(|old| Some(old.id) == row.replaces),
        replaced_by: rows.iter().rev().find(|next| next.replaces == Some(row.id)),
    };
    let restorable_until = row.restorable_until.filter(|until| site.now() < *until);
    if output.json {
        return text::json(&Shown {
            account: name.as_str(),
            facts: Facts::new(row, site.limits(), site.now()),
            replaces: kin.replaces.map(|row| row.label.as_str()),
            replaced_by: kin.replaced_by.map(|row| row.label.as_str()),
            revocation: row.revocation,
            restorable_until: restorable_until.map(table::rfc3339),
        });
    }
    table::facts(&lines(site, name.as_str(), row, &kin, restorable_until))
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
