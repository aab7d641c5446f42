//! `postern recovery`.

use std::ffi::OsString;
use std::io;

use clap::Subcommand;
use serde::Serialize;

use crate::cli::Exit;
use crate::cli::arguments::{Output, SecretSource};
use crate::cli::failure::Failure;
use crate::cli::hint::operands;
use crate::cli::own::Whose;
use crate::cli::site::Site;
use crate::cli::{secrets, table, text};
use crate::crypto::secret::Secret;
use crate::domain::account::AccountName;
use crate::domain::recovery_code::RecoveryCode;
use crate::enrollment::Enrollment;
use crate::store::RecoveryCodes;
use crate::verifier::Vault;

#[derive(Subcommand)]
pub(super) enum RecoveryCommand {
    /// Say how many recovery codes an account has left.
    #[command(after_help = "Examples:\n  sudo postern recovery show alice\n  postern recovery show")]
    Show {
        /// The account; users leave it out for their own.
        name: Option<OsString>,
        #[command(flatten)]
        output: Output,
    },
    /// Make ten new recovery codes and show them, once. Those that the account had are good no more.
    ///
    /// A recovery code stands in for the one-time code, once: it is typed after the primary password, with or without
    /// a blank before it.
    #[command(after_help = "Examples:
  sudo postern recovery new alice
  postern recovery new
  sudo postern recovery new alice --sheet | lpr")]
    New {
        /// The account; users leave it out for their own.
        name: Option<OsString>,
        /// Print a page to be kept on paper.
        #[arg(long)]
        sheet: bool,
        #[command(flatten)]
        source: SecretSource,
    },
}

pub(super) fn run(site: &Site<'_>, command: &RecoveryCommand) -> Result<Exit, Failure> {
    match command {
        RecoveryCommand::Show { name, output } => match Whose::of(site, name.as_deref())? {
            Whose::Named(name) => {
                let codes = Enrollment::new(&site.vault()?).recovery_codes(&name)?;
                show(name.as_str(), codes, *output)?;
            }
            Whose::Own(own) => {
                let (name, codes) = own.recovery_codes()?;
                show(&name, codes, *output)?;
            }
        },
        RecoveryCommand::New { name, sheet, source } => {
            let form = if *sheet { Form::Sheet } else { Form::Lines };
            match Whose::of(site, name.as_deref())? {
                Whose::Named(_) if source.secret_fd.is_some() => return Err(secrets::nothing_asked()),
                Whose::Named(name) => {
                    let vault = site.vault()?;
                    hand_out(site, &vault, &name, form)?;
                    say_if_alone(&vault, &name)?;
                }
                Whose::Own(own) => own.renew_recovery_codes(form, source.secret_fd)?,
            }
        }
    }
    Ok(Exit::Ok)
}

/// How recovery codes are written.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// One on each line.
    Lines,
    /// A page of paper.
    Sheet,
}

/// Makes recovery codes and shows them, once.
pub(super) fn hand_out(
    site: &Site<'_>,
    vault: &Vault,
    name: &AccountName,
    form: Form,
) -> Result<(), Failure> {
    text::somebody_reads_stdout().map_err(Failure::NotShown)?;
    let enrollment = Enrollment::new(vault);
    let codes = enrollment.renew_recovery_codes(name, site.made())?;
    let codes: Vec<Secret> = codes.iter().map(RecoveryCode::reveal).collect();
    if let Err(error) = show_codes(site, name.as_str(), &codes, form) {
        // What nobody has seen must not stay good.
        enrollment.retire_recovery_codes(name, site.made())?;
        return Err(Failure::NotShown(error));
    }
    Ok(())
}

/// Whoever runs out of them, and has nothing else, is locked out.
fn say_if_alone(vault: &Vault, name: &AccountName) -> Result<(), Failure> {
    let account = Enrollment::new(vault).account(name)?;
    if vault.store.totp_keys(account.id)?.is_empty() {
        let (word, name) = (operands(&[name.as_str()]), text::escaped(name.as_str()));
        text::note(&format!(
            "{name} has no authenticator, so that each login with the primary password takes one of"
        ));
        text::note(&format!("these codes, until none is left. To enroll one: postern totp enroll {word}"));
    }
    Ok(())
}

/// Shows recovery codes, once, whoever made them.
pub(super) fn show_codes(site: &Site<'_>, name: &str, codes: &[Secret], form: Form) -> io::Result<()> {
    text::secret(&match form {
        Form::Lines => lines(codes),
        Form::Sheet => sheet(site, name, codes),
    })?;
    let word = text::shell_word(name);
    text::note(&format!(
        "These are the recovery codes of {word}, shown this once. Each is good for one login, typed"
    ));
    text::note("after the primary password in place of the code. Keep them on paper, apart from the phone.");
    Ok(())
}

fn lines(codes: &[Secret]) -> Secret {
    joined(&codes.iter().map(Secret::expose).collect::<Vec<_>>(), b"\n")
}

/// What is left of it when the phone is lost: a page without a terminal's colours or widths.
fn sheet(site: &Site<'_>, name: &str, codes: &[Secret]) -> Secret {
    let title = format!(
        "{}: recovery codes of {}\nmade {}\n",
        text::escaped(&site.config.issuer),
        text::escaped(name),
        table::local((site.world.clock)())
    );
    let rows: Vec<Secret> = codes.iter().map(|code| joined(&[b"    [ ]  ", code.expose()], b"")).collect();
    let foot = "\nWhen the authenticator app is out of reach, type the primary password and, directly\n\
                behind it, one of these codes; dashes and capitals do not matter. Each code is good\n\
                once: tick it off. Whoever has this page needs the password too. Keep it on paper,\n\
                apart from the phone. New codes make this page worthless.";
    let mut parts = vec![title.as_bytes()];
    parts.extend(rows.iter().map(Secret::expose));
    parts.push(foot.as_bytes());
    joined(&parts, b"\n")
}

/// With room for all of it from the start: a vector that grows leaves copies behind.
fn joined(parts: &[&[u8]], between: &[u8]) -> Secret {
    let room = parts.iter().map(|part| part.len() + between.len()).sum();
    let mut whole = Vec::with_capacity(room);
    for (place, part) in parts.iter().enumerate() {
        if 0 < place {
            whole.extend_from_slice(between);
        }
        whole.extend_from_slice(part);
    }
    Secret::new(whole)
}

/// What `recovery show --json` prints.
#[derive(Serialize)]
struct Shown<'a> {
    account: &'a str,
    left: u32,
    spent: u32,
    created_at: Option<String>,
}

fn show(name: &str, codes: RecoveryCodes, output: Output) -> Result<(), Failure> {
    if output.json {
        return text::json(&Shown {
            account: name,
            left: codes.left,
            spent: codes.spent,
            created_at: codes.created_at.map(table::rfc3339),
        });
    }
    text::result(&in_words(name, codes))?;
    if codes.left < 3 {
        let name = operands(&[name]);
        text::note(&format!("Make new ones before they run out: postern recovery new {name}"));
    }
    Ok(())
}

fn in_words(name: &str, codes: RecoveryCodes) -> String {
    let name = text::escaped(name);
    match codes.created_at {
        None => format!("{name} has no recovery codes.\n"),
        Some(at) => {
            let all = codes.left + codes.spent;
            format!("{name} has {} of {all} recovery codes left, made {}.\n", codes.left, table::day(at))
        }
    }
}
