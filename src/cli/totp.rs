//! `postern totp`.

use serde::Serialize;

use crate::cli::Exit;
use crate::cli::arguments::{Output, TotpCommand};
use crate::cli::failure::Failure;
use crate::cli::hint::operands;
use crate::cli::own::Whose;
use crate::cli::recovery::{self, Form};
use crate::cli::site::{Site, label};
use crate::cli::{otpauth, qr, secrets, table, text, totp_import};
use crate::crypto::otp::{Code, Digits};
use crate::crypto::secret::Secret;
use crate::domain::account::AccountName;
use crate::domain::app_password::Label;
use crate::domain::time::UnixTime;
use crate::domain::totp::{MAX_KEYS, Totp};
use crate::enrollment::{Enrollment, EnrollmentError};
use crate::store::{StoreError, TotpRow};
use crate::verifier::Vault;

/// How often a code may be typed anew at a prompt.
pub(super) const TRIES: usize = 3;

/// Said before it is typed anew.
pub(super) const NOT_THE_CODE: &str = "That is not the code of this key and of this minute.";

const TOLD_TO_ROOT: &str = "what a key is like is told to your administrator";

pub(super) fn run(site: &Site<'_>, command: &TotpCommand) -> Result<Exit, Failure> {
    match command {
        TotpCommand::Enroll { name, label: typed, secret_fd } => {
            let label = label(typed)?;
            match Whose::of(site, name.as_deref())? {
                Whose::Named(name) => enroll(site, &name, &label, *secret_fd)?,
                Whose::Own(own) => own.enroll(&label, brought(site, *secret_fd)?)?,
            }
        }
        TotpCommand::List { name, output } => match Whose::of(site, name.as_deref())? {
            Whose::Named(name) => list(site, &name, *output)?,
            Whose::Own(_) => {
                return Err(Failure::NotPermitted(
                    TOLD_TO_ROOT.to_owned(),
                    "`postern account show` names yours",
                ));
            }
        },
        TotpCommand::Import(command) => totp_import::run(site, command)?,
        TotpCommand::Remove { name, label: typed } => remove(site, &site.account(name)?, &label(typed)?)?,
    }
    Ok(Exit::Ok)
}

/// The key that somebody brings along.
fn brought(site: &Site<'_>, descriptor: Option<u16>) -> Result<Option<Secret>, Failure> {
    let Some(descriptor) = descriptor else {
        return Ok(None);
    };
    let written = secrets::known(site.world, Some(descriptor), "Key in base32: ")?;
    otpauth::read_key(&written).map(Some)
}

fn enroll(
    site: &Site<'_>,
    name: &AccountName,
    label: &Label,
    descriptor: Option<u16>,
) -> Result<(), Failure> {
    let vault = site.vault()?;
    refuse_early(&vault, name, label)?;
    let totp = match brought(site, descriptor)? {
        Some(key) => Totp::with_key(key),
        None => Totp::generate().map_err(StoreError::Entropy)?,
    };
    show(&otpauth::uri(&site.config.issuer, name, &totp), &otpauth::by_hand(&totp.key))?;
    confirm(site, &vault, name, label, &totp)?;
    if Enrollment::new(&vault).recovery_codes(name)?.created_at.is_none() {
        recovery::hand_out(site, &vault, name, Form::Lines)?;
    }
    say_enrolled(name.as_str());
    Ok(())
}

/// Says how to log in from now on, whoever enrolled.
pub(super) fn say_enrolled(name: &str) {
    let name = text::shell_word(name);
    text::note(&format!("{name} is enrolled. The code that you have typed is spent. From the next one on,"));
    text::note("log in with the primary password and the code directly behind it, in one field.");
}

/// Says no before somebody points a camera at the screen; `Enrollment` says it again, and for good.
fn refuse_early(vault: &Vault, name: &AccountName, label: &Label) -> Result<(), Failure> {
    let account = Enrollment::new(vault).account(name)?;
    let keys = vault.store.totp_keys(account.id)?;
    if keys.iter().any(|key| key.label == label.as_str()) {
        return Err(EnrollmentError::LabelTaken(name.clone(), label.clone()).into());
    }
    if MAX_KEYS <= keys.len() {
        return Err(EnrollmentError::Store(StoreError::TooMany(MAX_KEYS)).into());
    }
    Ok(())
}

/// The URI on stdout; the code last, so that it and the question below it fill the screen.
pub(super) fn show(uri: &Secret, key: &Secret) -> Result<(), Failure> {
    text::note("Scan the QR code with an authenticator app, or give it this address:");
    text::secret(uri).map_err(Failure::Output)?;
    let Some(paint) = text::paint() else {
        return Ok(());
    };
    text::note("or type this key (time-based, 6 digits). All three are the second factor: show nobody.");
    text::secret_note(key);
    match qr::draw(uri.expose(), paint) {
        Some(drawn) => text::note(drawn.trim_end_matches('\n')),
        None => text::note("The address is too long for a QR code."),
    }
    Ok(())
}

fn confirm(
    site: &Site<'_>,
    vault: &Vault,
    name: &AccountName,
    label: &Label,
    totp: &Totp,
) -> Result<(), Failure> {
    let tries = if secrets::somebody_types() { TRIES } else { 1 };
    let mut outcome = Err(EnrollmentError::WrongCode);
    for left in (0..tries).rev() {
        let Some(typed) = secrets::visible("Code that the app shows now: ")? else {
            return Err(Failure::Usage(
                "no code was given".to_owned(),
                "enroll again, and type the code that the app shows; nothing was stored",
            ));
        };
        // The clock is read after the code was typed, which may have taken its time.
        outcome = code(&typed, totp.digits)
            .ok_or(EnrollmentError::WrongCode)
            .and_then(|code| Enrollment::new(vault).confirm_totp(name, label, totp, code, site.made()));
        if !matches!(outcome, Err(EnrollmentError::WrongCode)) {
            break;
        }
        if 0 < left {
            text::note(NOT_THE_CODE);
        }
    }
    outcome.map_err(Failure::from)
}

/// Reads a code; apps show it in groups.
fn code(typed: &Secret, digits: Digits) -> Option<Code> {
    let octets = typed.expose().iter().copied();
    let joined = Secret::new(octets.filter(|octet| !octet.is_ascii_whitespace()).collect());
    Code::parse(joined.expose(), digits)
}

fn remove(site: &Site<'_>, name: &AccountName, label: &Label) -> Result<(), Failure> {
    let vault = site.vault()?;
    Enrollment::new(&vault).remove_totp(name, label, site.made())?;
    let (name, label) = (text::shell_word(name.as_str()), text::escaped(label.as_str()));
    text::note(&format!("The key \"{label}\" of {name} is removed: its codes are not good any more."));
    text::note("Without another key the primary password logs in nowhere; app passwords stay as they were.");
    Ok(())
}

fn list(site: &Site<'_>, name: &AccountName, output: Output) -> Result<(), Failure> {
    let vault = site.vault()?;
    let account = Enrollment::new(&vault).account(name)?;
    let keys = vault.store.totp_keys(account.id)?;
    if output.json {
        return text::json(&keys.iter().map(Listed::from).collect::<Vec<_>>());
    }
    if keys.is_empty() {
        let (word, name) = (operands(&[name.as_str()]), text::escaped(name.as_str()));
        text::note(&format!("{name} has no key yet. Enroll one: postern totp enroll {word}"));
    }
    let headings = ["LABEL", "HASH", "DIGITS", "SECONDS", "CREATED", "NEWEST CODE SPENT"];
    table::print(headings, &keys.iter().map(cells).collect::<Vec<_>>())
}

/// One key of `totp list --json`.
#[derive(Serialize)]
struct Listed<'a> {
    label: &'a str,
    algorithm: &'static str,
    digits: u8,
    period: u64,
    created_at: String,
    last_code_at: String,
}

impl<'a> From<&'a TotpRow> for Listed<'a> {
    fn from(row: &'a TotpRow) -> Self {
        Self {
            label: &row.label,
            algorithm: row.algorithm.name(),
            digits: row.digits.count(),
            period: row.period.secs(),
            created_at: table::rfc3339(row.created_at),
            last_code_at: table::rfc3339(last_code(row)),
        }
    }
}

fn cells(row: &TotpRow) -> [String; 6] {
    [
        row.label.clone(),
        row.algorithm.name().to_owned(),
        row.digits.count().to_string(),
        row.period.secs().to_string(),
        table::local(row.created_at),
        table::local(last_code(row)),
    ]
}

/// When the newest code that is spent began to be good.
const fn last_code(row: &TotpRow) -> UnixTime {
    UnixTime(row.last_step.0.saturating_mul(row.period.secs()))
}
