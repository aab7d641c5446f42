//! `postern totp import`.

use std::ffi::OsString;

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::cli::arguments::Output;
use crate::cli::failure::Failure;
use crate::cli::import::read;
use crate::cli::site::{Site, label};
use crate::cli::text;
use crate::enrollment::Enrollment;
use crate::moving::{FoundKey, NoKey, read_google_authenticator, read_oath};

/// Largest file in octets; Google's module takes one of 1 KiB, and a line of the OATH Toolkit has a hundred.
const MAX_FILE: usize = 1 << 20;

#[derive(Args)]
pub(super) struct TotpImportCommand {
    /// The file; `-` is stdin.
    pub file: OsString,
    /// The account that gets the key.
    #[arg(long, value_name = "NAME")]
    pub account: OsString,
    /// What its owner calls the app or device.
    #[arg(long, default_value = "totp")]
    pub label: OsString,
    /// What the file is.
    #[arg(long)]
    pub format: KeyFormat,
    #[command(flatten)]
    pub output: Output,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum KeyFormat {
    /// `~/.google_authenticator`, of Google's PAM module.
    GoogleAuthenticator,
    /// The users file of the OATH Toolkit's PAM module.
    Oath,
}

pub(super) fn run(site: &Site<'_>, command: &TotpImportCommand) -> Result<(), Failure> {
    let (name, label) = (site.account(&command.account)?, label(&command.label)?);
    let content = read(&command.file, MAX_FILE)?;
    let found = match command.format {
        KeyFormat::GoogleAuthenticator => read_google_authenticator(&content),
        KeyFormat::Oath => read_oath(&content, &name, &site.config.naming),
    };
    let FoundKey { totp, left } = found.map_err(refused)?;
    let vault = site.vault()?;
    Enrollment::new(&vault).import_totp(&name, &label, &totp, site.made())?;
    if command.output.json {
        text::json(&Shown {
            account: name.as_str(),
            label: label.as_str(),
            digits: totp.digits.count(),
            period: totp.period.secs(),
            left: &left,
        })?;
    }
    for what in &left {
        text::note(&format!("Not taken over: {what}."));
    }
    let name = text::shell_word(name.as_str());
    text::note(&format!(
        "{name} is enrolled with the key that the device has already. The code that it shows now is"
    ));
    text::note(
        "spent; from the next one on, log in with the primary password and the code directly behind it.",
    );
    Ok(())
}

fn refused(why: NoKey) -> Failure {
    let what = format!("line {}: {}", why.line, why.reason);
    Failure::Usage(what, "nothing was stored; a new key is made by `postern totp enroll {account}`")
}

/// What `totp import --json` prints.
#[derive(Serialize)]
struct Shown<'a> {
    account: &'a str,
    label: &'a str,
    digits: u8,
    period: u64,
    left: &'a [&'static str],
}
