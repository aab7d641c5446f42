//! Postern's own files, and the accounts in its store.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::config::{Config, ConfigError, FileError, KeyError};
use crate::doctor::Ground;
use crate::doctor::finding::{Remedy, Report};
use crate::doctor::machine::Missed;
use crate::doctor::{pam, pam_file, pam_stack, rules};
use crate::domain::account::AccountState;
use crate::domain::policy::SecondFactor;
use crate::store::{AccountRow, PrimaryCheck, StoreError};
use crate::verifier::{Unavailable, Vault};

/// What is known of this site.
pub(super) struct Site {
    pub config: Config,
    pub accounts: Vec<AccountRow>,
}

impl Site {
    /// Who has an account here and a password elsewhere.
    pub(super) fn people(&self) -> Vec<String> {
        let elsewhere = self.accounts.iter().filter(|row| keeps_primary_in_pam(row) && is_enrolled(row));
        elsewhere.map(|row| row.account.name.clone()).collect()
    }
}

fn keeps_primary_in_pam(row: &AccountRow) -> bool {
    row.account.primary == PrimaryCheck::Pam
}

fn is_enrolled(row: &AccountRow) -> bool {
    row.account.state == AccountState::Active && row.account.enrolled_at.is_some()
}

/// Most names that one sentence holds.
const NAMED: usize = 5;

pub(super) fn examine(ground: &Ground<'_>, report: &mut Report) -> Option<Site> {
    let config = match Config::read(ground.config, ground.owner) {
        Ok(config) => config,
        Err(error) => {
            config_unusable(ground.config, error, report);
            return None;
        }
    };
    roll_out(&config, report);
    let user = ground.daemon_user;
    if belongs_to_daemon(ground, &config) && ground.owner.0 == 0 {
        report.could_not_see(
            "the store and its key",
            format!("they are {user}'s: runuser -u {user} -- postern doctor looks at them"),
        );
        report.could_not_see("what else lets accounts in", "their names are in the store".to_owned());
        return Some(Site { config, accounts: Vec::new() });
    }
    let accounts = match stored(ground, &config) {
        Ok((accounts, keys_are_copied)) => {
            report.saw(format!("the store, with {}", counted(accounts.len())));
            if !keys_are_copied {
                key_not_copied(ground, &config, report);
            }
            accounts
        }
        Err(error) => {
            unusable(ground, &config, &error, report);
            return Some(Site { config, accounts: Vec::new() });
        }
    };
    without_second_factor(ground, &accounts, report);
    if belongs_to_daemon(ground, &config) {
        out_of_reach(ground, &accounts, report);
    }
    if accounts.iter().any(keeps_primary_in_pam) {
        primary(ground, &config, report);
    }
    Some(Site { config, accounts })
}

/// Whether posternd is not root here; root does not work in a directory where another user writes.
pub(super) fn belongs_to_daemon(ground: &Ground<'_>, config: &Config) -> bool {
    let owner = fs::symlink_metadata(&config.store).map_or(0, |store| store.uid());
    owner != 0 && (ground.uid_of)(ground.daemon_user) == Some(owner)
}

/// Users of passwd(5) have their passwords in shadow(5), which root alone may read. Those of a directory do not.
fn out_of_reach(ground: &Ground<'_>, accounts: &[AccountRow], report: &mut Report) {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let is_local = |name: &str| passwd.lines().any(|line| line.split(':').next() == Some(name));
    let is_shut = |row: &&AccountRow| {
        row.account.state == AccountState::Active && keeps_primary_in_pam(row) && is_local(&row.account.name)
    };
    let names: Vec<&str> = accounts.iter().filter(is_shut).map(|row| row.account.name.as_str()).collect();
    if names.is_empty() {
        return;
    }
    let move_to_store =
        |name: &&str| format!("postern account passwd --primary store {}", operand(ground, name));
    report.found(
        &rules::PRIMARY_OUT_OF_REACH,
        format!("With posternd as {}: {}.", ground.daemon_user, named(&names)),
        Remedy::commands(names.iter().take(NAMED).map(move_to_store)),
    );
}

fn named(names: &[&str]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMED).copied().collect();
    let rest = match names.len() - shown.len() {
        0 => String::new(),
        number => format!(" and {number} more"),
    };
    format!("{}{rest}", shown.join(", "))
}

/// The accounts, and whether every key has been copied.
fn stored(ground: &Ground<'_>, config: &Config) -> Result<(Vec<AccountRow>, bool), Unavailable> {
    let store = Vault::open(config, ground.owner)?.store;
    Ok((store.accounts(&config.policy.app_passwords, ground.now)?, store.keys_are_copied()?))
}

fn key_not_copied(ground: &Ground<'_>, config: &Config, report: &mut Report) {
    let key = config.key.display();
    // The copy is root's, who alone can hand it over.
    let by = if belongs_to_daemon(ground, config) { "- <" } else { "" };
    report.found(
        &rules::KEY_NOT_COPIED,
        format!("No copy of {key} has been looked at, or none since it got a new key."),
        Remedy::commands([
            format!("cp {key} /media/YOUR-STICK/postern-key"),
            format!("postern key verify {by}/media/YOUR-STICK/postern-key"),
        ]),
    );
}

fn counted(accounts: usize) -> String {
    match accounts {
        1 => "1 account".to_owned(),
        number => format!("{number} accounts"),
    }
}

fn config_unusable(path: &Path, error: ConfigError, report: &mut Report) {
    let path = path.display();
    let remedy = match &error {
        ConfigError::File(_, FileError::Io(why)) if why.kind() == ErrorKind::PermissionDenied => {
            report.may_not_see("Postern's configuration");
            return;
        }
        ConfigError::File(_, FileError::Missing) => Remedy::commands(["postern init".to_owned()]),
        ConfigError::File(..) => {
            Remedy::commands([format!("chown root: {path}"), format!("chmod 644 {path}")])
        }
        ConfigError::Mistake(_, mistake) => {
            Remedy::commands([format!("editor +{} {path}", mistake.line), "postern config check".to_owned()])
        }
    };
    report.found(&rules::CONFIG_UNUSABLE, format!("{}.", sentence(&error.to_string())), remedy);
}

fn unusable(ground: &Ground<'_>, config: &Config, error: &Unavailable, report: &mut Report) {
    let owner = if belongs_to_daemon(ground, config) { ground.daemon_user } else { "root" };
    if error.is_forbidden() {
        report.may_not_see("the store and its key");
        return;
    }
    let what = format!("{}; {}.", sentence(&error.to_string()), error.remedy());
    if let Unavailable::Key(error) = error {
        report.found(&rules::KEY_UNUSABLE, what, for_key(config, owner, error));
    } else {
        report.found(&rules::STORE_UNUSABLE, what, for_store(config, owner, error));
    }
}

fn for_key(config: &Config, owner: &str, error: &KeyError) -> Remedy {
    let key = config.key.display();
    if let KeyError::File(_, FileError::ForeignOwner(_) | FileError::TooOpen(_)) = error {
        return Remedy::commands(given_back(&config.key, owner, "600"));
    }
    let is_missing =
        |path: &Path| fs::symlink_metadata(path).is_err_and(|error| error.kind() == ErrorKind::NotFound);
    // With neither of them there is nothing yet that a key could be lost of.
    if is_missing(&config.key) && is_missing(&config.store) {
        return Remedy::commands(["postern init"]);
    }
    if let KeyError::NotShown(_) = error {
        return Remedy::commands(["systemctl start postern.service".to_owned()]);
    }
    Remedy::commands([format!("install -o {owner} -m 600 YOUR-COPY {key}")])
}

fn for_store(config: &Config, owner: &str, error: &Unavailable) -> Remedy {
    let key = config.key.display();
    let directory = config.store.parent().unwrap_or(&config.store);
    if let Unavailable::Store(StoreError::Untrusted(..)) = error {
        if !is_plain(&config.store) {
            return Remedy::commands([format!("ls -la {}", directory.display())]);
        }
        let both = [given_back(directory, owner, "700"), given_back(&config.store, owner, "600")];
        return Remedy::commands(both.concat());
    }
    Remedy::commands([match error {
        Unavailable::Store(StoreError::Older(..)) => "postern init".to_owned(),
        Unavailable::Store(StoreError::OtherKey) => format!("install -o {owner} -m 600 YOUR-COPY {key}"),
        Unavailable::Store(_)
        | Unavailable::Config(_)
        | Unavailable::Key(_)
        | Unavailable::Hash(_)
        | Unavailable::Seal(_)
        | Unavailable::Pam(_)
        | Unavailable::Run(_)
        | Unavailable::Argument(_)
        | Unavailable::Option(_)
        | Unavailable::SetUid => "postern restore YOUR-BACKUP".to_owned(),
    }])
}

/// Where another user than root writes, a name may lead elsewhere by the time root types: nothing is followed.
fn given_back(path: &Path, owner: &str, mode: &str) -> [String; 2] {
    let path = path.display();
    let act_as = if owner == "root" { String::new() } else { format!("runuser -u {owner} -- ") };
    [format!("chown -h {owner}: {path}"), format!("{act_as}chmod {mode} {path}")]
}

/// Whether it is one file under one name.
fn is_plain(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.nlink() == 1)
}

fn roll_out(config: &Config, report: &mut Report) {
    if config.policy.second_factor == SecondFactor::WhenEnrolled {
        report.found(
            &rules::ROLL_OUT,
            "Policy is second_factor = \"when-enrolled\".",
            Remedy::lines("In postern.toml, under [policy]", ["second_factor = \"required\""]),
        );
    }
}

fn without_second_factor(ground: &Ground<'_>, accounts: &[AccountRow], report: &mut Report) {
    let is_without = |row: &&AccountRow| {
        row.account.state == AccountState::Active && row.second_factors == 0 && row.recovery_codes == 0
    };
    let names: Vec<&str> = accounts.iter().filter(is_without).map(|row| row.account.name.as_str()).collect();
    if names.is_empty() {
        return;
    }
    report.found(
        &rules::NO_SECOND_FACTOR,
        format!("With neither a second factor nor a recovery code: {}.", named(&names)),
        Remedy::commands(
            names.iter().take(NAMED).map(|name| format!("postern totp enroll {}", operand(ground, name))),
        ),
    );
}

/// A name behind a command, which is not taken for an option.
fn operand(ground: &Ground<'_>, name: &str) -> String {
    let guard = if name.starts_with('-') { "-- " } else { "" };
    format!("{guard}{}", (ground.shell_word)(name))
}

/// The service that checks primary passwords.
fn primary(ground: &Ground<'_>, config: &Config, report: &mut Report) {
    let file = config.pam_dir.join("primary");
    let shown = file.display().to_string();
    let said = crate::config::check(&file, ground.owner).err().map(|error| error.to_string());
    let said = said.or_else(|| match pam_file::stack_at(&file, "auth") {
        Ok(stack) => {
            pam::nullok(&shown, &stack, report);
            primary_checks_nothing(&stack).map(str::to_owned)
        }
        Err(Missed::Absent) => Some("includes a file that is missing".to_owned()),
        Err(Missed::Forbidden) => {
            report.may_not_see(shown.as_str());
            None
        }
        Err(Missed::Failed(why)) => Some(why),
    });
    if let Some(said) = said {
        report.found(
            &rules::PRIMARY_UNUSABLE,
            format!("{shown} {said}."),
            Remedy::lines(
                &format!("In {shown}, in the place of all its lines (root's, mode 0644)"),
                ["auth required pam_unix.so", "account required pam_unix.so"],
            ),
        );
    }
}

fn primary_checks_nothing(stack: &[pam_file::Step]) -> Option<&'static str> {
    if stack.is_empty() {
        return Some("has no line of auth");
    }
    if pam_stack::names_postern(stack) {
        return Some("leads back to pam_postern.so");
    }
    if pam_stack::passes_by_itself(stack) {
        return Some("says yes without a password");
    }
    (!pam_stack::may_pass_without_postern(stack)).then_some("never says yes")
}

/// An error begins in lower case.
fn sentence(error: &str) -> String {
    let mut letters = error.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
