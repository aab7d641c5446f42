//! `postern account show`.

use std::ffi::OsString;

use clap::Args;
use serde::Serialize;

use crate::cli::account::{primary, state};
use crate::cli::app::Facts;
use crate::cli::arguments::Output;
use crate::cli::failure::Failure;
use crate::cli::hint::operands;
use crate::cli::own::Whose;
use crate::cli::site::Site;
use crate::cli::{table, text};
use crate::domain::account::AccountName;
use crate::domain::policy::AppPasswordPolicy;
use crate::domain::throttle::{self, most_code_failures};
use crate::domain::time::UnixTime;
use crate::domain::verdict::Life;
use crate::enrollment::Enrollment;
use crate::store::{Account, AppPasswordRow, CodeFailures, Counted, RecoveryCodes, TotpRow};

#[derive(Args)]
pub struct ShowCommand {
    /// The account; users leave it out for their own.
    name: Option<OsString>,
    #[command(flatten)]
    output: Output,
}

pub(in crate::cli) fn run(site: &Site<'_>, command: &ShowCommand) -> Result<(), Failure> {
    match Whose::of(site, command.name.as_deref())? {
        Whose::Named(name) => show(site, &name, command.output),
        Whose::Own(own) => own.show(command.output),
    }
}

fn show(site: &Site<'_>, name: &AccountName, output: Output) -> Result<(), Failure> {
    let vault = site.vault()?;
    let account = Enrollment::new(&vault).account(name)?;
    let mut app_passwords = vault.store.app_passwords(account.id)?;
    app_passwords.retain(|row| row.life_at(site.now(), site.limits()) == Life::Live);
    let seen = Seen {
        lacks_user: site.lacks_user(name, &account.primary),
        app_passwords,
        totp_keys: vault.store.totp_keys(account.id)?,
        recovery_codes: vault.store.recovery_codes(account.id)?,
        failures: vault.store.code_failures(account.id)?,
        account,
    };
    if output.json {
        return text::json(&Shown::new(&seen, site.limits(), site.now()));
    }
    table::facts(&seen.lines(site))?;
    if seen.code_path_is_closed() {
        let name = operands(&[name.as_str()]);
        text::note("Somebody who knows the primary password has guessed at codes. Change it, then:");
        text::note(&format!("  postern account unlock {name}"));
    }
    Ok(())
}

/// All that the store has of one account.
struct Seen {
    account: Account,
    /// Whether PAM keeps the primary of a user whom the system does not have.
    lacks_user: bool,
    app_passwords: Vec<AppPasswordRow>,
    totp_keys: Vec<TotpRow>,
    recovery_codes: RecoveryCodes,
    failures: Vec<CodeFailures>,
}

impl Seen {
    fn code_failures(&self) -> u32 {
        let behind_primary = |from: &&CodeFailures| from.counted == Counted::BehindPrimary;
        self.failures.iter().filter(behind_primary).map(|from| from.count).sum()
    }

    fn most_code_failures(&self) -> u32 {
        most_code_failures(self.totp_keys.len())
    }

    fn code_path_is_closed(&self) -> bool {
        self.most_code_failures() <= self.code_failures()
    }

    fn lines(&self, site: &Site<'_>) -> Vec<(&'static str, String)> {
        let by = site.user(self.account.created_by);
        let added = format!("{} by {by}", table::local(self.account.created_at));
        let app_passwords = table::labels(self.app_passwords.iter().map(|row| row.label.as_str()));
        let codes = self.recovery_codes;
        let closed = if self.code_path_is_closed() { "; no further code is looked at" } else { "" };
        let missing = if self.lacks_user { "; this system has no user of that name" } else { "" };
        let mut lines = vec![
            ("account", self.account.name.clone()),
            ("state", state(self.account.state).to_owned()),
            ("primary", format!("{}{missing}", primary(&self.account.primary))),
            ("added", added),
            ("first secret", self.account.enrolled_at.map_or_else(|| "never".to_owned(), table::local)),
            ("app passwords", format!("{app_passwords} (at most {})", site.limits().most)),
            ("second factors", table::labels(self.totp_keys.iter().map(|key| key.label.as_str()))),
            ("recovery codes", format!("{} left, {} spent", codes.left, codes.spent)),
            ("wrong codes", format!("{} of {}{closed}", self.code_failures(), self.most_code_failures())),
        ];
        lines.extend(self.failures.iter().map(|from| ("", in_words(from))));
        lines
    }
}

/// Wrong codes of one source.
fn in_words(from: &CodeFailures) -> String {
    let source = match from.place() {
        table::NOTHING => "an unnamed host",
        known if known == throttle::Source::ONESELF.to_string() => "commands of that user on this machine",
        known => known,
    };
    let asked = match from.counted {
        Counted::BehindPrimary => "",
        Counted::Alone => ", where another module checks the password",
    };
    format!("{} from {source}{asked}, the last {}", from.count, table::local(from.last_at))
}

/// `account show --json`.
#[derive(Serialize)]
struct Shown<'a> {
    account: &'a str,
    state: &'static str,
    primary: &'static str,
    unix_uid: Option<u32>,
    lacks_user: bool,
    created_at: String,
    created_by: u32,
    enrolled_at: Option<String>,
    app_passwords: Vec<Facts<'a>>,
    max_app_passwords: u16,
    totp_keys: Vec<&'a str>,
    recovery_codes: ShownRecoveryCodes,
    wrong_codes: WrongCodes<'a>,
}

#[derive(Serialize)]
struct ShownRecoveryCodes {
    left: u32,
    spent: u32,
    created_at: Option<String>,
}

#[derive(Serialize)]
struct WrongCodes<'a> {
    count: u32,
    most: u32,
    closed: bool,
    sources: Vec<Source<'a>>,
}

#[derive(Serialize)]
struct Source<'a> {
    source: &'a str,
    /// Whether another module checks the password, so that these count by themselves.
    code_alone: bool,
    count: u32,
    last_at: String,
}

impl<'a> Shown<'a> {
    fn new(seen: &'a Seen, limits: &AppPasswordPolicy, now: UnixTime) -> Self {
        let (account, codes) = (&seen.account, &seen.recovery_codes);
        let source = |from: &'a CodeFailures| Source {
            source: from.place(),
            code_alone: from.counted == Counted::Alone,
            count: from.count,
            last_at: table::rfc3339(from.last_at),
        };
        Self {
            account: &account.name,
            state: state(account.state),
            primary: primary(&account.primary),
            unix_uid: account.unix_uid,
            lacks_user: seen.lacks_user,
            created_at: table::rfc3339(account.created_at),
            created_by: account.created_by,
            enrolled_at: account.enrolled_at.map(table::rfc3339),
            app_passwords: seen.app_passwords.iter().map(|row| Facts::new(row, limits, now)).collect(),
            max_app_passwords: limits.most,
            totp_keys: seen.totp_keys.iter().map(|key| key.label.as_str()).collect(),
            recovery_codes: ShownRecoveryCodes {
                left: codes.left,
                spent: codes.spent,
                created_at: codes.created_at.map(table::rfc3339),
            },
            wrong_codes: WrongCodes {
                count: seen.code_failures(),
                most: seen.most_code_failures(),
                closed: seen.code_path_is_closed(),
                sources: seen.failures.iter().map(source).collect(),
            },
        }
    }
}
