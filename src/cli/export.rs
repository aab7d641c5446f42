//! `postern export`: what the store says of everybody, without a secret and without a hash.

use serde::Serialize;

use crate::cli::Exit;
use crate::cli::account::{primary, state};
use crate::cli::app::{Facts, state as app_state};
use crate::cli::arguments::Output;
use crate::cli::failure::Failure;
use crate::cli::site::Site;
use crate::cli::{table, text};
use crate::store::{AccountRow, AppPasswordRow, RecoveryCodes, TotpRow};

pub(super) fn run(site: &Site<'_>, output: Output) -> Result<Exit, Failure> {
    let people = people(site)?;
    if output.json {
        text::json(&people.iter().map(|each| Shown::new(site, each)).collect::<Vec<_>>())?;
    } else {
        let headings = ["ACCOUNT", "KIND", "LABEL", "SCOPE", "NETWORKS", "STATE", "CREATED"];
        let rows: Vec<_> = people.iter().flat_map(|each| cells(site, each)).collect();
        table::print(headings, &rows)?;
    }
    text::note("There is no secret and no hash in this: to move the store itself, use `postern backup`.");
    Ok(Exit::Ok)
}

/// All that there is of one account.
struct Person {
    row: AccountRow,
    app_passwords: Vec<AppPasswordRow>,
    totp_keys: Vec<TotpRow>,
    recovery_codes: RecoveryCodes,
}

fn people(site: &Site<'_>) -> Result<Vec<Person>, Failure> {
    let vault = site.vault()?;
    let mut people = Vec::new();
    for row in vault.store.accounts(site.limits(), site.now())? {
        let id = row.account.id;
        people.push(Person {
            app_passwords: vault.store.app_passwords(id)?,
            totp_keys: vault.store.totp_keys(id)?,
            recovery_codes: vault.store.recovery_codes(id)?,
            row,
        });
    }
    Ok(people)
}

fn cells(site: &Site<'_>, person: &Person) -> Vec<[String; 7]> {
    let account = &person.row.account;
    let nothing = || table::NOTHING.to_owned();
    let line = |kind: &str, label: String, state: String, created: String| {
        [account.name.clone(), kind.to_owned(), label, nothing(), nothing(), state, created]
    };
    let first = format!("primary {}", primary(&account.primary));
    let mut lines =
        vec![line(&first, nothing(), state(account.state).to_owned(), table::day(account.created_at))];
    for row in &person.app_passwords {
        let networks = if row.networks.are_any() { nothing() } else { row.networks.to_string() };
        let (scope, state) = (row.scope.to_string(), app_state(row, site.limits(), site.now()));
        let label = row.label.clone();
        let created = table::day(row.created_at);
        lines.push([account.name.clone(), "app password".to_owned(), label, scope, networks, state, created]);
    }
    for key in &person.totp_keys {
        lines.push(line("totp", key.label.clone(), "live".to_owned(), table::day(key.created_at)));
    }
    if let Some(at) = person.recovery_codes.created_at {
        let left = format!("{} left", person.recovery_codes.left);
        lines.push(line("recovery codes", nothing(), left, table::day(at)));
    }
    lines
}

/// One account of `export --json`.
#[derive(Serialize)]
struct Shown<'a> {
    account: &'a str,
    state: &'static str,
    primary: &'static str,
    created_at: String,
    enrolled_at: Option<String>,
    app_passwords: Vec<Facts<'a>>,
    totp_keys: Vec<ShownKey<'a>>,
    recovery_codes_left: u32,
}

#[derive(Serialize)]
struct ShownKey<'a> {
    label: &'a str,
    algorithm: &'static str,
    digits: u8,
    period: u64,
    created_at: String,
}

impl<'a> Shown<'a> {
    fn new(site: &Site<'_>, person: &'a Person) -> Self {
        let account = &person.row.account;
        let key = |key: &'a TotpRow| ShownKey {
            label: &key.label,
            algorithm: key.algorithm.name(),
            digits: key.digits.count(),
            period: key.period.secs(),
            created_at: table::rfc3339(key.created_at),
        };
        let facts = |row: &'a AppPasswordRow| Facts::new(row, site.limits(), site.now());
        Self {
            account: &account.name,
            state: state(account.state),
            primary: primary(&account.primary),
            created_at: table::rfc3339(account.created_at),
            enrolled_at: account.enrolled_at.map(table::rfc3339),
            app_passwords: person.app_passwords.iter().map(facts).collect(),
            totp_keys: person.totp_keys.iter().map(key).collect(),
            recovery_codes_left: person.recovery_codes.left,
        }
    }
}
