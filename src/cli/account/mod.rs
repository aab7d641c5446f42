//! `postern account`.

mod list;
mod show;
mod losses;
mod remove;
mod compromised;

pub use compromised::CompromisedCommand;
pub use remove::RemoveCommand;
pub use show::ShowCommand;

use crate::cli::Exit;
use crate::cli::arguments::{AccountCommand, Primary, SecretSource};
use crate::cli::failure::Failure;
use crate::cli::hint::operands;
use crate::cli::site::Site;
use crate::cli::{import, secrets, sessions, text};
use crate::domain::account::{AccountName, AccountState};
use crate::enrollment::{Enrollment, EnrollmentError, NewPrimary};
use crate::store::{Account, PrimaryCheck};
use crate::verifier::{PamQuestion, Vault};

pub(super) fn run(site: &Site<'_>, command: &AccountCommand) -> Result<Exit, Failure> {
    match command {
        AccountCommand::Add { name, primary, allow_unknown_user, source } => {
            let checked = match (primary, allow_unknown_user) {
                (Primary::Pam, false) => NewCheck::Pam(Users::Known),
                (Primary::Pam, true) => NewCheck::Pam(Users::All),
                (Primary::Store, false) => NewCheck::Store(source),
                (Primary::Store, true) => return Err(no_user_is_asked_for()),
            };
            add(site, &site.account(name)?, &checked)?;
        }
        AccountCommand::Import(command) => return import::run(site, command),
        AccountCommand::List(output) => list::run(site, *output)?,
        AccountCommand::Show(command) => show::run(site, command)?,
        AccountCommand::Disable { name } => disable(site, &site.account(name)?)?,
        AccountCommand::Enable { name } => enable(site, &site.account(name)?)?,
        AccountCommand::Unlock { name } => unlock(site, &site.account(name)?)?,
        AccountCommand::Passwd { name, primary, source } => {
            passwd(site, &site.account(name)?, *primary, source)?;
        }
        AccountCommand::Compromised(command) => return compromised::run(site, command),
        AccountCommand::Remove(command) => return remove::run(site, command),
    }
    Ok(Exit::Ok)
}

/// Who is to check the primary password of a new account.
enum NewCheck<'a> {
    Pam(Users),
    Store(&'a SecretSource),
}

/// For which names.
#[derive(Clone, Copy)]
enum Users {
    /// Those that the system knows.
    Known,
    /// Whatever PAM may know.
    All,
}

fn no_user_is_asked_for() -> Failure {
    let what = "with --primary store the system is not asked for a user".to_owned();
    Failure::Usage(what, "leave --allow-unknown-user out")
}

fn add(site: &Site<'_>, name: &AccountName, check: &NewCheck<'_>) -> Result<(), Failure> {
    let vault = site.vault()?;
    let enrollment = Enrollment::new(&vault);
    // Before anybody types a password for nothing.
    if vault.store.account(name)?.is_some() {
        return Err(EnrollmentError::AccountTaken(name.clone()).into());
    }
    match check {
        NewCheck::Pam(users) => {
            let unix_uid = user(site, name, *users)?;
            enrollment.add_account(name, &NewPrimary::Pam(unix_uid), site.made())?;
            if unix_uid.is_none() {
                warn_of_missing_user(site, name);
            }
        }
        NewCheck::Store(source) => {
            let secret = secrets::new(site.world, source.secret_fd, &prompt("New primary password", name))?;
            enrollment.add_account(name, &NewPrimary::Store(&secret), site.made())?;
        }
    }
    // Somebody may have tried the name before its time, or it was another's.
    site.forget_refusals(&vault, &[name]);
    let word = operands(&[name.as_str()]);
    let name = text::escaped(name.as_str());
    text::note(&format!("The account {name} is there. Nothing logs in to it yet. Next:"));
    text::note(&format!("  postern app add --label phone {word}     for a mail program"));
    text::note(&format!("  postern totp enroll {word}               for the primary password with codes"));
    Ok(())
}

/// The uid behind a name. Nobody logs in to an account whose name is a slip of the hand, and its owner wonders why.
fn user(site: &Site<'_>, name: &AccountName, users: Users) -> Result<Option<u32>, Failure> {
    match ((site.world.system.unix_uid)(name)?, users) {
        (None, Users::Known) => {
            let what = format!("this system has no user {}; nothing was added", text::escaped(name.as_str()));
            Err(Failure::NoUser(what))
        }
        (found, _) => Ok(found),
    }
}

fn warn_of_missing_user(site: &Site<'_>, name: &AccountName) {
    let (name, service) = (text::escaped(name.as_str()), site.config.pam_dir.join("primary"));
    text::note(&format!(
        "Warning: this system has no user {name}. Until it has, no password of the account is good,"
    ));
    text::note(&text::bounded(&format!(
        "app passwords too, unless {} knows it from elsewhere.",
        service.display()
    )));
    text::note("An account without a Unix user is added with --primary store.");
}

fn disable(site: &Site<'_>, name: &AccountName) -> Result<(), Failure> {
    let vault = site.vault()?;
    Enrollment::new(&vault).set_state(name, AccountState::Disabled, site.made())?;
    text::note(&format!("The account {} is disabled: no new login passes.", text::shell_word(name.as_str())));
    sessions::say_how_to_end([name.as_str()]);
    Ok(())
}

fn enable(site: &Site<'_>, name: &AccountName) -> Result<(), Failure> {
    let vault = site.vault()?;
    Enrollment::new(&vault).set_state(name, AccountState::Active, site.made())?;
    let account = Enrollment::new(&vault).account(name)?;
    let has_keys = !vault.store.totp_keys(account.id)?.is_empty();
    let word = text::shell_word(name.as_str());
    if has_keys {
        text::note(&format!("The account {word} is active, with the authenticators it had."));
    } else {
        text::note(&format!("The account {word} is active, and has no authenticator. To enroll one:"));
        text::note(&format!("  postern totp enroll {}", operands(&[name.as_str()])));
    }
    Ok(())
}

fn unlock(site: &Site<'_>, name: &AccountName) -> Result<(), Failure> {
    let vault = site.vault()?;
    if vault.store.account(name)?.is_none() {
        return unlock_stranger(site, &vault, name);
    }
    let forgiven = Enrollment::new(&vault).unlock(name, site.made())?;
    site.forget_refusals(&vault, &[name]);
    let name = text::escaped(name.as_str());
    let codes = text::counted(usize::try_from(forgiven).unwrap_or(usize::MAX), "wrong code");
    text::note(&format!("The account {name} is open to codes and passwords. Forgiven: {codes}."));
    if 0 < forgiven {
        text::note("Whoever typed them knows the primary password. If that was not its owner, change it.");
    }
    Ok(())
}

/// In a roll-out people log in whom the store does not know, and their wrong passwords are remembered too.
fn unlock_stranger(site: &Site<'_>, vault: &Vault, name: &AccountName) -> Result<(), Failure> {
    if site.refusals(vault).forget(&[name])? == 0 {
        return Err(EnrollmentError::NoAccount(name.clone()).into());
    }
    let name = text::escaped(name.as_str());
    text::note(&format!("The store does not know {name}. The wrong passwords of that name are forgotten."));
    Ok(())
}

fn passwd(
    site: &Site<'_>,
    name: &AccountName,
    primary: Option<Primary>,
    source: &SecretSource,
) -> Result<(), Failure> {
    let vault = site.vault()?;
    let enrollment = Enrollment::new(&vault);
    let Account { primary: before, state, .. } = enrollment.account(name)?;
    let changed = match primary {
        None if before == PrimaryCheck::Pam => {
            return Err(EnrollmentError::PrimaryElsewhere(name.clone()).into());
        }
        Some(Primary::Pam) => {
            let unix_uid = user(site, name, Users::All)?;
            enrollment.set_primary(name, &NewPrimary::Pam(unix_uid), site.made())?;
            if unix_uid.is_none() {
                warn_of_missing_user(site, name);
            }
            "has its primary password checked by PAM"
        }
        None | Some(Primary::Store) => {
            if before == PrimaryCheck::Pam {
                leaves_the_system(site, name, state)?;
            }
            let secret = secrets::new(site.world, source.secret_fd, &prompt("New primary password", name))?;
            enrollment.set_primary(name, &NewPrimary::Store(&secret), site.made())?;
            "has a new primary password, which Postern checks"
        }
    };
    // The new one may have been tried before its time, and be remembered as wrong.
    site.forget_refusals(&vault, &[name]);
    let name = text::shell_word(name.as_str());
    text::note(&format!(
        "The account {name} {changed}. Its app passwords and second factors stay as they were."
    ));
    Ok(())
}

/// What the system has closed is not to be opened by asking it no more.
fn leaves_the_system(site: &Site<'_>, name: &AccountName, state: AccountState) -> Result<(), Failure> {
    let asked = PamQuestion::new(&site.config, site.owner(), name, None)
        .and_then(|question| (site.world.system.account_state)(&question, site.now()));
    match (state, asked) {
        (AccountState::Disabled, _) => {}
        (AccountState::Active, Ok(AccountState::Active)) => {
            text::note(
                "Whatever closes it in the system closes it here no more: `postern account disable` does.",
            );
        }
        (AccountState::Active, Ok(AccountState::Disabled)) => {
            let what = format!("the system has closed the account of {}", text::escaped(name.as_str()));
            return Err(Failure::Denied(
                what,
                "to move it as it is, close it here: `postern account disable {account}`",
            ));
        }
        (AccountState::Active, Err(why)) => {
            text::note(&text::bounded(&format!(
                "Warning: whether the system has closed it cannot be seen: {why}."
            )));
            text::note("From now on `postern account disable` alone closes it.");
        }
    }
    Ok(())
}

fn prompt(what: &str, name: &AccountName) -> String {
    format!("{what} of {}: ", text::escaped(name.as_str()))
}

pub(super) const fn state(state: AccountState) -> &'static str {
    match state {
        AccountState::Active => "active",
        AccountState::Disabled => "disabled",
    }
}

pub(super) const fn primary(check: &PrimaryCheck) -> &'static str {
    match check {
        PrimaryCheck::Pam => "pam",
        PrimaryCheck::Store(_) => "store",
    }
}
