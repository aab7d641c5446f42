//! `postern probe`.

mod told;

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use clap::Args;

use crate::cli::arguments::Output;
use crate::cli::failure::Failure;
use crate::cli::progress::Progress;
use crate::cli::site::Site;
use crate::cli::{Exit, secrets, text};
use crate::domain::account::AccountName;
use crate::probe::{
    self, Certificates, Door, Found, Identity, Probe, ProbeError, Protocol, State, Target, ThrowAway,
    ThrowAwayError,
};
use crate::run::take_turn;
use crate::store::Made;
use crate::verifier::Vault;

#[derive(Args)]
pub struct ProbeCommand {
    /// IMAP at this place, and no other door but those that are named.
    #[arg(long, value_name = "HOST[:PORT]")]
    imap: Vec<OsString>,
    /// The same for POP3.
    #[arg(long, value_name = "HOST[:PORT]")]
    pop3: Vec<OsString>,
    /// The same for submission of mail.
    #[arg(long, value_name = "HOST[:PORT]")]
    submission: Vec<OsString>,
    /// The same for ManageSieve.
    #[arg(long, value_name = "HOST[:PORT]")]
    sieve: Vec<OsString>,
    /// Log in as this user, whom the servers know and who has no account in Postern.
    #[arg(long, value_name = "NAME")]
    user: Option<OsString>,
    /// Read the password of that user from this open file descriptor, instead of asking or reading a line of stdin.
    #[arg(long, value_name = "N", requires = "user")]
    secret_fd: Option<u16>,
    /// Take any certificate. On this machine itself any will do, of a server that root has started.
    #[arg(long)]
    no_verify: bool,
    #[command(flatten)]
    output: Output,
}

/// One probe at a time: whatever else is to be thrown away is then left over.
const TURN: &str = "probe";

pub(super) fn run(site: &Site<'_>, command: &ProbeCommand) -> Result<Exit, Failure> {
    let named = command.doors()?;
    let vault = site.vault()?;
    let identity = identity(site, &vault, command)?;
    // From here on, Ctrl-C ends nothing by itself: the account must go first.
    let is_told_to_stop = site.world.is_told_to_stop;
    let stop = move || is_told_to_stop();
    stop();
    let turn = take_turn(&site.config.run_dir, site.world.effective_uid, TURN)?;
    let Some(_turn) = turn else {
        let what = "another probe is under way".to_owned();
        return Err(Failure::Unfinished(what, "wait until it is done"));
    };
    clear(site, &vault)?;
    let doors = if named.is_empty() { probe::configured(&stop).map_err(stopped)? } else { named };
    let mut targets: Vec<Target> = doors.into_iter().map(Target::reach).filter(is_to_be_told).collect();
    if targets.iter().any(|target| target.reached.is_ok()) {
        attempt(site, &vault, command, identity, &stop, &mut targets)?;
    }
    told::tell(&targets, command)
}

/// Where a door was only guessed to be and nobody listens, there is none.
fn is_to_be_told(target: &Target) -> bool {
    target.reached.is_ok() || target.door.found != Found::Guessed
}

fn attempt(
    site: &Site<'_>,
    vault: &Vault,
    command: &ProbeCommand,
    identity: Identity,
    stop: &(dyn Fn() -> bool + Sync),
    targets: &mut [Target],
) -> Result<(), Failure> {
    let (refusals, named) = (site.refusals(vault), named(site));
    let account = ThrowAway::make(vault, refusals, site.world.clock, site.world.typed_by, identity)?;
    let mut account = Removed(account);
    let mut progress = Progress::new(site.world);
    let certificates = if command.no_verify { Certificates::Unchecked } else { Certificates::Checked };
    let mut tell = |done: usize, all: usize| progress.tell(&format!("{done} of some {all} logins tried"));
    let mut probe = Probe {
        account: &mut account.0,
        policy: &site.config.policy,
        named: &named,
        certificates,
        stop,
        tell: &mut tell,
    };
    Ok(probe.run(targets)?)
}

/// An account that is removed whatever happens, also where a panic unwinds.
struct Removed<'a>(ThrowAway<'a>);

impl Drop for Removed<'_> {
    fn drop(&mut self) {
        // A store that others keep busy is waited for each time.
        let mut removed = self.0.remove();
        for _ in 0..2 {
            if removed.is_ok() {
                return;
            }
            removed = self.0.remove();
        }
        if let Err(error) = removed {
            let name = text::shell_word(self.0.name().as_str());
            text::note(&text::bounded(&format!(
                "Warning: the account of the probe is not cleared away: {error}"
            )));
            text::note(&format!("  hint: the next probe does it, or `postern account remove {name}`"));
        }
    }
}

fn identity(site: &Site<'_>, vault: &Vault, command: &ProbeCommand) -> Result<Identity, Failure> {
    let generated = Identity::generate(named(site)).map_err(ThrowAwayError::from)?;
    let Some(generated) = generated else {
        let what = "the rules for names in postern.toml leave none for a probe".to_owned();
        return Err(Failure::Unfinished(what, "name a user with --user"));
    };
    let Some(typed) = &command.user else {
        return Ok(generated);
    };
    let name = site.account(typed)?;
    if typed.as_bytes().contains(&b':') {
        let what = "a name with a colon cannot be handed to curl".to_owned();
        return Err(Failure::Usage(what, "name another user"));
    }
    if vault.store.account(&name)?.is_some() {
        let what = format!("{name} has an account in Postern, which is not the probe's to use");
        return Err(Failure::Exists(what, "name a user who has none, such as one made for this alone"));
    }
    let shown = text::bounded(name.as_str());
    let prompt = format!("Password of {shown}, as the servers know it without Postern (none: Enter): ");
    let typed = secrets::known(site.world, command.secret_fd, &prompt)?;
    let primary = if typed.is_empty() { generated.primary } else { typed };
    Ok(Identity { name, primary })
}

fn named<'s>(site: &'s Site<'_>) -> impl Fn(&str) -> Option<AccountName> + use<'s> {
    let naming = &site.config.naming;
    move |name| AccountName::parse(name.as_bytes(), naming).ok()
}

/// Removes what a probe has left that was killed.
fn clear(site: &Site<'_>, vault: &Vault) -> Result<(), Failure> {
    let made: Made = site.made();
    for name in probe::leftovers(vault, named(site), made)? {
        site.forget_refusals(vault, &[&name]);
        text::note(&format!(
            "Removed {}, which a probe has left that was killed.",
            text::bounded(name.as_str())
        ));
    }
    Ok(())
}

fn stopped(error: crate::hosts::NotRun) -> Failure {
    Failure::Unfinished(error.to_string(), "nothing was tried, and nothing is left behind")
}

impl ProbeCommand {
    /// The doors that are named.
    fn doors(&self) -> Result<Vec<Door>, Failure> {
        let of = |protocol, places: &[OsString]| -> Result<Vec<Door>, Failure> {
            places.iter().map(|place| door(protocol, place)).collect()
        };
        let doors = [
            of(Protocol::Imap, &self.imap)?,
            of(Protocol::Pop3, &self.pop3)?,
            of(Protocol::Submission, &self.submission)?,
            of(Protocol::Sieve, &self.sieve)?,
        ];
        Ok(doors.into_iter().flatten().collect())
    }
}

fn door(protocol: Protocol, place: &OsString) -> Result<Door, Failure> {
    let parsed = place.to_str().ok_or(probe::DoorError).and_then(|place| Door::parse(protocol, place));
    parsed.map_err(|error| Failure::Usage(error.to_string(), "such as --imap mail.example.org:993"))
}

/// How the command ends.
fn exit(states: &[State]) -> Exit {
    let has = |state| states.contains(&state);
    if has(State::Open) || has(State::Unguarded) || has(State::Shut) {
        Exit::Denied
    } else if has(State::Unprobed) || states.is_empty() {
        Exit::Unavailable
    } else {
        Exit::Ok
    }
}

impl From<ThrowAwayError> for Failure {
    fn from(error: ThrowAwayError) -> Self {
        match error {
            ThrowAwayError::Enrollment(error) => error.into(),
            ThrowAwayError::Run(error) => error.into(),
        }
    }
}

impl From<ProbeError> for Failure {
    fn from(error: ProbeError) -> Self {
        match error {
            ProbeError::Stopped => Self::Unfinished(
                error.to_string(),
                "the account of the probe is removed; nothing is left behind",
            ),
            ProbeError::ThrowAway(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::path::Path;

    use super::*;
    use crate::config::{Config, Owner};
    use crate::crypto::secret::Secret;
    use crate::domain::time::UnixTime;
    use crate::enrollment::{Enrollment, NewPrimary};
    use crate::run::Refusals;

    fn site(directory: &Path) -> (Config, Owner, Made) {
        for name in ["etc", "store"] {
            fs::create_dir(directory.join(name)).unwrap();
            fs::set_permissions(directory.join(name), Permissions::from_mode(0o700)).unwrap();
        }
        let path = directory.display();
        let text =
            format!("store = \"{path}/store/store.db\"\nkey = \"{path}/etc/key\"\nrun = \"{path}/run\"\n");
        let owner = Owner(fs::metadata(directory).unwrap().uid());
        (Config::parse(text.as_bytes()).unwrap(), owner, Made { at: UnixTime(1_700_000_000), by: owner.0 })
    }

    #[test]
    fn a_panic_takes_the_account_along_and_no_other() {
        let directory = tempfile::tempdir().unwrap();
        let (config, owner, made) = site(directory.path());
        let vault = Vault::create(&config, owner, made, Box::new(|_| ())).unwrap();
        let named = |name: &str| AccountName::parse(name.as_bytes(), &config.naming).ok();
        let (alice, primary) = (named("alice").unwrap(), Secret::copy_of(b"correct horse"));
        Enrollment::new(&vault).add_account(&alice, &NewPrimary::Store(&primary), made).unwrap();
        let clock = || made.at;
        let panicked = catch_unwind(AssertUnwindSafe(|| {
            let refusals = Refusals::new(&config.run_dir, owner.0, vault.keyring.seen_key());
            let identity = Identity::generate(named).unwrap().unwrap();
            let account = Removed(ThrowAway::make(&vault, refusals, &clock, owner.0, identity).unwrap());
            assert_eq!(vault.store.throw_aways().unwrap(), [account.0.name().as_str()]);
            panic!("amid a probe");
        }));
        assert!(panicked.is_err());
        assert!(vault.store.throw_aways().unwrap().is_empty());
        assert!(Enrollment::new(&vault).remove_throw_away(&alice, made).is_err());
        assert!(vault.store.account(&alice).unwrap().is_some());
    }
}
