//! `postern account compromised`.

use std::ffi::OsString;

use clap::Args;

use crate::cli::account::losses::{Shown, in_words};
use crate::cli::arguments::{Care, Output};
use crate::cli::confirm::{self, Answer};
use crate::cli::failure::Failure;
use crate::cli::hint::operands;
use crate::cli::site::Site;
use crate::cli::{Exit, text};
use crate::domain::account::AccountName;
use crate::enrollment::Enrollment;
use crate::store::{Losses, PrimaryCheck, TotpKeys};

#[derive(Args)]
pub struct CompromisedCommand {
    /// The account.
    name: OsString,
    /// Keep the second factors: for certain, nobody but their owner has them.
    #[arg(long)]
    keep_totp: bool,
    #[command(flatten)]
    care: Care,
    #[command(flatten)]
    output: Output,
}

pub(in crate::cli) fn run(site: &Site<'_>, command: &CompromisedCommand) -> Result<Exit, Failure> {
    let name = site.account(&command.name)?;
    let vault = site.vault()?;
    let enrollment = Enrollment::new(&vault);
    let keys = if command.keep_totp { TotpKeys::Keep } else { TotpKeys::Remove };
    let expected = enrollment.losses(&name, keys)?;
    if command.care.dry_run {
        show(&name, &expected, command.output)?;
        return Ok(Exit::Ok);
    }
    if !command.care.yes {
        confirm::can_be_asked(command.output)?;
        text::note(&would(&name, &expected));
        if confirm::yes_or_no("Disable it, and take all this from it for ever?")? == Answer::No {
            return Ok(Exit::Denied);
        }
    }
    let account = enrollment.account(&name)?;
    let lost = enrollment.close_compromised(&name, keys, site.made())?;
    // The thief's guesses are of no use to the owner.
    site.forget_refusals(&vault, &[&name]);
    if command.output.json {
        show(&name, &lost, command.output)?;
    }
    let shown = text::shell_word(name.as_str());
    text::note(&format!("The account {shown} is disabled, and has lost for ever:\n{}", in_words(&lost)));
    say_what_is_left_to_do(&name, &account.primary, keys);
    Ok(Exit::Ok)
}

fn show(name: &AccountName, losses: &Losses, output: Output) -> Result<(), Failure> {
    if output.json {
        return text::json(&Shown::new(name, losses));
    }
    text::result(&format!("{}\n", would(name, losses)))
}

fn would(name: &AccountName, losses: &Losses) -> String {
    let name = text::shell_word(name.as_str());
    let disabled = if losses.open { "would be disabled" } else { "is disabled already" };
    format!("The account {name} {disabled}, and would lose for ever:\n{}", in_words(losses))
}

/// The order is that of the day: first whoever is inside must go, and the account opens last.
fn say_what_is_left_to_do(name: &AccountName, primary: &PrimaryCheck, keys: TotpKeys) {
    let account = format!("--account={}", text::shell_word(name.as_str()));
    let name = operands(&[name.as_str()]);
    let primary = match primary {
        PrimaryCheck::Pam => format!("where PAM keeps it, often: passwd {name}"),
        PrimaryCheck::Store(_) => format!("postern account passwd {name}"),
    };
    // The first enrolment hands out recovery codes too, as there are none left.
    let second_factor = match keys {
        TotpKeys::Remove => ("enroll, and print the recovery codes", format!("postern totp enroll {name}")),
        TotpKeys::Keep => ("print new recovery codes", format!("postern recovery new {name}")),
    };
    let steps = [
        ("end the sessions that are open", format!("doveadm kick {name}")),
        ("set a new primary password", primary),
        second_factor,
        ("enable the account again", format!("postern account enable {name}")),
        ("make an app password for each device", format!("postern app add --label phone {name}")),
        ("see what was done with the account", format!("postern log {account}")),
        ("look for filters and forwards that were left behind", String::new()),
    ];
    text::note("No new login passes. What is left to do, in this order:");
    for (number, (what, command)) in (1..).zip(steps) {
        text::note(format!("  {number}. {what:<38}{command}").trim_end());
    }
}
