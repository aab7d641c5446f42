//! `postern account show`, for oneself.

use serde::Serialize;

use crate::cli::app::Facts;
use crate::cli::arguments::Output;
use crate::cli::failure::Failure;
use crate::cli::own::Own;
use crate::cli::{table, text};
use crate::domain::verdict::Life;
use crate::store::AppPasswordRow;
use crate::wire::manage::OwnAccount;

impl Own<'_> {
    /// Shows what the account has; what stands against it is for its administrator.
    pub(in crate::cli) fn show(&self, output: Output) -> Result<(), Failure> {
        let account = self.account()?;
        let (now, limits) = (self.site.now(), self.site.limits());
        let mut rows = self.app_passwords()?;
        rows.retain(|row| row.life_at(now, limits) == Life::Live);
        if output.json {
            let app_passwords = rows.iter().map(|row| Facts::new(row, limits, now)).collect();
            return text::json(&Shown::new(&account, app_passwords));
        }
        table::facts(&lines(&account, &rows))?;
        if account.keys.is_empty() {
            text::note(
                "Without a second factor the account's own password may be refused: postern totp enroll",
            );
        } else if account.codes_left < 3 {
            text::note("Make new recovery codes before they run out: postern recovery new");
        }
        Ok(())
    }
}

fn lines(account: &OwnAccount, live: &[AppPasswordRow]) -> Vec<(&'static str, String)> {
    vec![
        ("account", account.name.clone()),
        ("first secret", account.enrolled_at.map_or_else(|| "never".to_owned(), table::local)),
        ("app passwords", table::labels(live.iter().map(|row| row.label.as_str()))),
        ("second factors", table::labels(account.keys.iter().map(String::as_str))),
        ("recovery codes", format!("{} left, {} spent", account.codes_left, account.codes_spent)),
    ]
}

/// What `account show --json` prints for oneself: as for root, as far as it goes.
#[derive(Serialize)]
struct Shown<'a> {
    account: &'a str,
    enrolled_at: Option<String>,
    app_passwords: Vec<Facts<'a>>,
    totp_keys: Vec<&'a str>,
    recovery_codes: RecoveryCodes,
}

#[derive(Serialize)]
struct RecoveryCodes {
    left: u32,
    spent: u32,
    created_at: Option<String>,
}

impl<'a> Shown<'a> {
    fn new(account: &'a OwnAccount, app_passwords: Vec<Facts<'a>>) -> Self {
        Self {
            account: &account.name,
            enrolled_at: account.enrolled_at.map(table::rfc3339),
            app_passwords,
            totp_keys: account.keys.iter().map(String::as_str).collect(),
            recovery_codes: RecoveryCodes {
                left: account.codes_left,
                spent: account.codes_spent,
                created_at: account.codes_made_at.map(table::rfc3339),
            },
        }
    }
}
