//! What an account loses for ever, in words and as JSON.

use serde::Serialize;

use crate::cli::text;
use crate::domain::account::AccountName;
use crate::store::Losses;

/// One line for each kind of thing.
pub(super) fn in_words(losses: &Losses) -> String {
    let named = |labels: &[String]| match labels {
        [] => "none".to_owned(),
        labels => labels.iter().map(|label| text::escaped(label)).collect::<Vec<_>>().join(", "),
    };
    format!(
        "  app passwords: {}\n  revoked ones that could be restored: {}\n  second factors: {}\n  recovery codes: {}",
        named(&losses.app_passwords),
        losses.restorable,
        named(&losses.totp_keys),
        losses.recovery_codes
    )
}

/// `account compromised --json` and `account remove --json`, the same with --dry-run.
#[derive(Serialize)]
pub(super) struct Shown<'a> {
    account: &'a str,
    app_passwords: &'a [String],
    restorable_before: u32,
    totp_keys: &'a [String],
    recovery_codes: u32,
}

impl<'a> Shown<'a> {
    pub(super) fn new(name: &'a AccountName, losses: &'a Losses) -> Self {
        Self {
            account: name.as_str(),
            app_passwords: &losses.app_passwords,
            restorable_before: losses.restorable,
            totp_keys: &losses.totp_keys,
            recovery_codes: losses.recovery_codes,
        }
    }
}
