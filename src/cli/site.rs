//! The files that a command works on, and the names that are typed to it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::backend::witness;
use crate::cli::failure::Failure;
use crate::cli::{World, text};
use crate::config::{Config, Owner};
use crate::domain::account::AccountName;
use crate::domain::app_password::{Label, LabelError};
use crate::domain::policy::AppPasswordPolicy;
use crate::domain::time::UnixTime;
use crate::run::Refusals;
use crate::store::{Made, PrimaryCheck, Witness};
use crate::verifier::{Unavailable, Vault};

/// A configuration, and the world to use it in.
pub(super) struct Site<'a> {
    pub world: &'a World<'a>,
    pub path: &'a Path,
    pub config: Config,
}

impl<'a> Site<'a> {
    /// Reads the configuration.
    pub(super) fn open(world: &'a World<'a>, path: &'a Path) -> Result<Self, Failure> {
        let config = Config::read(path, Owner(world.effective_uid))?;
        Ok(Self { world, path, config })
    }

    /// Opens store and key. What is changed through them goes to the log too.
    pub(super) fn vault(&self) -> Result<Vault, Unavailable> {
        let mut vault = Vault::open(&self.config, self.owner())?;
        vault.store.tell(self.witness());
        Ok(vault)
    }

    /// Tells the log of every row that a change leaves in the store.
    pub(super) fn witness(&self) -> Witness {
        witness(self.world.log)
    }

    /// What is remembered of refused primary passwords.
    pub(super) fn refusals(&self, vault: &Vault) -> Refusals<'_> {
        Refusals::new(&self.config.run_dir, self.world.effective_uid, vault.keyring.seen_key())
    }

    /// Forgets what logins remember of these accounts, after a change that is made already: what is left of it is over
    /// within the hour, and is no reason to call the change a failure.
    pub(super) fn forget_refusals(&self, vault: &Vault, names: &[&AccountName]) {
        if let Err(error) = self.refusals(vault).forget(names) {
            text::note(&text::bounded(&format!("Warning: the change is made, but {error}")));
            text::note("Passwords and sources that were refused before may be refused for up to an hour.");
        }
    }

    /// Whether the primary is PAM's, and the system has no user of that name. Where it cannot say, it is not said.
    pub(super) fn lacks_user(&self, name: &AccountName, primary: &PrimaryCheck) -> bool {
        *primary == PrimaryCheck::Pam && matches!((self.world.system.unix_uid)(name), Ok(None))
    }

    /// Whose files are believed, besides root's.
    pub(super) const fn owner(&self) -> Owner {
        Owner(self.world.effective_uid)
    }

    /// Who does it, and when: now.
    pub(super) fn made(&self) -> Made {
        Made { at: self.now(), by: self.world.typed_by }
    }

    /// A user's name, or the number where the system has none.
    pub(super) fn user(&self, uid: u32) -> String {
        (self.world.name_of)(uid).unwrap_or_else(|| uid.to_string())
    }

    /// This moment.
    pub(super) fn now(&self) -> UnixTime {
        (self.world.clock)()
    }

    /// How many app passwords there may be, and for how long.
    pub(super) const fn limits(&self) -> &AppPasswordPolicy {
        &self.config.policy.app_passwords
    }

    /// Reads an account's name as every door does.
    pub(super) fn account(&self, typed: &OsStr) -> Result<AccountName, Failure> {
        AccountName::parse(typed.as_bytes(), &self.config.naming).map_err(|error| {
            Failure::Usage(error.to_string(), "a name is such as alice or alice@example.org")
        })
    }
}

/// Reads a label.
pub(super) fn label(typed: &OsStr) -> Result<Label, Failure> {
    typed
        .to_str()
        .ok_or(LabelError)
        .and_then(Label::parse)
        .map_err(|error| Failure::Usage(error.to_string(), "a label is a short name such as phone"))
}
