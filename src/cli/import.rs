//! `postern account import`.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::Path;

use clap::{Args, ValueEnum};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::cli::Exit;
use crate::cli::failure::Failure;
use crate::cli::progress::Progress;
use crate::cli::site::Site;
use crate::cli::{table, text};
use crate::moving::{BadLine, Existing, Format, Import, MAX_FILE, Plan, Tally};

/// Bad lines that are named on stderr; `--json` names them all.
const NAMED: usize = 50;

/// Import accounts and app passwords with the hashes that they had elsewhere.
///
/// Dovecot's passwd-file makes accounts. CSV begins with a header: account, hash, primary (store or pam), state (active
/// or disabled) for accounts; account, label, hash, scope, networks for app passwords. Hashes are of Dovecot's
/// schemes, of crypt(3) or of passlib; they are sealed, and each is replaced when its secret is first used. Nothing is
/// imported if a line is bad, unless --skip-bad is given.
#[derive(Args)]
#[command(after_help = "Examples:
  sudo postern account import /etc/dovecot/users --format dovecot --dry-run
  sudo postern account import accounts.csv --keep-existing
  sudo postern account import - --format csv --json <app-passwords.csv")]
pub(super) struct ImportCommand {
    /// The file; `-` is stdin.
    pub file: OsString,
    /// What the file is; said by its first line if that is not given.
    #[arg(long)]
    pub format: Option<FormatWord>,
    /// Say what would be imported, and import nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Import the good lines although there are bad ones.
    #[arg(long)]
    pub skip_bad: bool,
    /// Pass over accounts and labels that are there already.
    #[arg(long)]
    pub keep_existing: bool,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum FormatWord {
    /// Dovecot's passwd-file.
    Dovecot,
    /// Comma-separated values with a header.
    Csv,
}

pub(super) fn run(site: &Site<'_>, command: &ImportCommand) -> Result<Exit, Failure> {
    let content = read(&command.file, MAX_FILE)?;
    let format = format(command.format, &content)?;
    let vault = site.vault()?;
    let import = Import {
        vault: &vault,
        unix_uid: site.world.system.unix_uid,
        naming: &site.config.naming,
        limits: &site.config.policy.app_passwords,
        existing: if command.keep_existing { Existing::Keep } else { Existing::Refuse },
    };
    let plan = import.plan(&content, format)?;
    name(&plan.bad);
    let refusal = refusal(&plan, command);
    let tally = match (&refusal, command.dry_run) {
        (None, false) => {
            let (mut progress, of) = (Progress::new(site.world), plan.to_hash());
            let mut tell = |done| progress.tell(&format!("{done} of {of} passwords in the clear are hashed"));
            let tally = import.carry_out(&plan, site.made(), &mut tell)?;
            site.forget_refusals(&vault, &plan.accounts());
            tally
        }
        (Some(_), _) | (_, true) => plan.tally(),
    };
    report(command, &plan, &tally, refusal.is_none())?;
    refusal.map_or(Ok(Exit::Ok), Err)
}

fn format(word: Option<FormatWord>, content: &[u8]) -> Result<Format, Failure> {
    match word {
        Some(FormatWord::Dovecot) => Ok(Format::Dovecot),
        Some(FormatWord::Csv) => Ok(Format::Csv),
        None => Format::of(content).ok_or_else(|| {
            let what = "the first line does not tell what the file is".to_owned();
            Failure::Usage(what, "say it: --format dovecot, or --format csv")
        }),
    }
}

fn name(bad: &[BadLine]) {
    for line in bad.iter().take(NAMED) {
        text::note(&text::bounded(&format!("line {}: {}", line.line, line.reason)));
    }
    if let Some(more) = bad.len().checked_sub(NAMED).filter(|more| 0 < *more) {
        text::note(&format!("and {more} more; --json names them all"));
    }
}

/// Why nothing is imported, if anything is wrong.
fn refusal(plan: &Plan, command: &ImportCommand) -> Option<Failure> {
    let wrong = plan.bad.len();
    if wrong == 0 || command.skip_bad {
        return None;
    }
    let lines = if wrong == 1 { "one line".to_owned() } else { format!("{wrong} lines") };
    if plan.bad.iter().all(|bad| bad.exists) {
        let what = format!("{lines} of the file are in the store already; nothing was imported");
        return Some(Failure::Exists(what, "import the others with --keep-existing"));
    }
    let what = format!("{lines} of the file cannot be imported; nothing was imported");
    Some(Failure::Usage(what, "mend the lines named above, or import the others with --skip-bad"))
}

fn report(command: &ImportCommand, plan: &Plan, tally: &Tally, good: bool) -> Result<(), Failure> {
    if command.json {
        return text::json(&Report::new(plan, tally, good && !command.dry_run));
    }
    if !good {
        return Ok(());
    }
    table::print(
        [if command.dry_run { "WOULD BE IMPORTED" } else { "IMPORTED" }, "COUNT"],
        &cells(plan, tally),
    )?;
    if 0 < tally.accounts {
        text::note("A primary password passes with a second factor: postern totp enroll NAME, or for a time");
        text::note("second_factor = \"when-enrolled\" in the configuration.");
    }
    if 0 < tally.without_password {
        text::note("Accounts without a password get one by: postern account passwd NAME");
    }
    Ok(())
}

fn cells(plan: &Plan, tally: &Tally) -> Vec<[String; 2]> {
    let schemes = tally.schemes.iter().map(|(scheme, count)| (format!("  hash {scheme}"), *count));
    let rest = [
        ("accounts", tally.accounts),
        ("  disabled", tally.disabled),
        ("  without a password", tally.without_password),
        ("app passwords", tally.app_passwords),
    ];
    let after = [
        ("  hashed anew at first use", tally.rehashed_at_first_use),
        ("kept as they were", plan.kept),
        ("bad lines left out", plan.bad.len()),
    ];
    let word = |(word, count): (&str, usize)| (word.to_owned(), count);
    let rows = rest.into_iter().map(word).chain(schemes).chain(after.into_iter().map(word));
    rows.filter(|(_, count)| 0 < *count).map(|(word, count)| [word, count.to_string()]).collect()
}

/// What `account import --json` prints.
#[derive(Serialize)]
struct Report<'a> {
    imported: bool,
    accounts: usize,
    disabled: usize,
    without_password: usize,
    app_passwords: usize,
    schemes: &'a BTreeMap<&'static str, usize>,
    rehashed_at_first_use: usize,
    kept: usize,
    bad_lines: Vec<Named<'a>>,
}

#[derive(Serialize)]
struct Named<'a> {
    line: usize,
    exists: bool,
    reason: &'a str,
}

impl<'a> Report<'a> {
    fn new(plan: &'a Plan, tally: &'a Tally, imported: bool) -> Self {
        let named =
            |bad: &'a BadLine| Named { line: bad.line, exists: bad.exists, reason: bad.reason.as_str() };
        Self {
            imported,
            accounts: tally.accounts,
            disabled: tally.disabled,
            without_password: tally.without_password,
            app_passwords: tally.app_passwords,
            schemes: &tally.schemes,
            rehashed_at_first_use: tally.rehashed_at_first_use,
            kept: plan.kept,
            bad_lines: plan.bad.iter().map(named).collect(),
        }
    }
}

/// Reads a whole file of at most `bound` octets, from a pipe too.
pub(super) fn read(name: &OsStr, bound: usize) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let path = Path::new(name);
    let place = |error| Failure::Place(path.to_owned(), error);
    let mut file = if name == "-" {
        io::stdin().as_fd().try_clone_to_owned().map(File::from).map_err(Failure::Input)?
    } else {
        File::open(path).map_err(|error| match error.kind() == io::ErrorKind::NotFound {
            true => Failure::NotFound(path.to_owned()),
            false => place(error),
        })?
    };
    let content = drain(&mut file, bound).map_err(place)?;
    content.ok_or_else(|| {
        let what = format!("{} has more than {bound} octets", path.display());
        Failure::Usage(what, "part the file, and import one part after the other")
    })
}

/// `None` where there is more. It grows by copies that are wiped: there may be passwords in it.
fn drain(file: &mut impl Read, bound: usize) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut content = Zeroizing::new(Vec::with_capacity(1 << 16));
    let mut part = Zeroizing::new(vec![0; 1 << 16]);
    loop {
        let read = match file.read(&mut part) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let Some(new) = part.get(..read).filter(|new| !new.is_empty()) else {
            return Ok(Some(content));
        };
        if bound < content.len() + read {
            return Ok(None);
        }
        if content.capacity() < content.len() + read {
            let mut larger = Zeroizing::new(Vec::with_capacity(2 * content.capacity()));
            larger.extend_from_slice(&content);
            content = larger;
        }
        content.extend_from_slice(new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_whole_up_to_its_bound() {
        let octets = vec![7; 300_000];
        assert_eq!(drain(&mut octets.as_slice(), 300_000).unwrap().unwrap().as_slice(), octets);
        assert!(drain(&mut octets.as_slice(), 299_999).unwrap().is_none());
        assert!(drain(&mut io::repeat(b'a'), 1 << 20).unwrap().is_none());
    }
}
