//! `postern account list`.

use serde::Serialize;

use crate::cli::account::{primary, state};
use crate::cli::arguments::Output;
use crate::cli::failure::Failure;
use crate::cli::site::Site;
use crate::cli::{table, text};
use crate::store::AccountRow;

pub(super) fn run(site: &Site<'_>, output: Output) -> Result<(), Failure> {
    let accounts = site.vault()?.store.accounts(site.limits(), site.now())?;
    if output.json {
        return text::json(&accounts.iter().map(Listed::from).collect::<Vec<_>>());
    }
    if accounts.is_empty() {
        text::note("There is no account yet. Add one: postern account add NAME --primary pam");
    }
    let headings =
        ["ACCOUNT", "STATE", "PRIMARY", "APP PASSWORDS", "SECOND FACTORS", "RECOVERY CODES", "LAST USED"];
    table::print(headings, &accounts.iter().map(cells).collect::<Vec<_>>())
}

/// One account of `account list --json`.
#[derive(Serialize)]
struct Listed<'a> {
    account: &'a str,
    state: &'static str,
    primary: &'static str,
    app_passwords: u32,
    second_factors: u32,
    recovery_codes: u32,
    app_password_used_at: Option<String>,
    enrolled_at: Option<String>,
    created_at: String,
}

impl<'a> From<&'a AccountRow> for Listed<'a> {
    fn from(row: &'a AccountRow) -> Self {
        Self {
            account: &row.account.name,
            state: state(row.account.state),
            primary: primary(&row.account.primary),
            app_passwords: row.app_passwords,
            second_factors: row.second_factors,
            recovery_codes: row.recovery_codes,
            app_password_used_at: row.app_password_used_at.map(table::rfc3339),
            enrolled_at: row.account.enrolled_at.map(table::rfc3339),
            created_at: table::rfc3339(row.account.created_at),
        }
    }
}

fn cells(row: &AccountRow) -> [String; 7] {
    [
        row.account.name.clone(),
        state(row.account.state).to_owned(),
        primary(&row.account.primary).to_owned(),
        row.app_passwords.to_string(),
        row.second_factors.to_string(),
        row.recovery_codes.to_string(),
        row.app_password_used_at.map_or_else(|| table::NOTHING.to_owned(), table::day),
    ]
}
