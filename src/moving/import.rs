//! Accounts and app passwords with the hashes that they had elsewhere: read whole, checked whole, then stored in one
//! transaction or not at all.

use std::collections::BTreeMap;
use std::fmt;

use crate::crypto::entropy;
use crate::crypto::foreign::{ForeignHash, Written, read};
use crate::crypto::password_hash::{Cost, HashError, PasswordHash};
use crate::crypto::secret::Secret;
use crate::domain::account::{AccountName, AccountState, Naming};
use crate::domain::app_password::Label;
use crate::domain::network::Networks;
use crate::domain::policy::AppPasswordPolicy;
use crate::domain::primary::{Inadmissible, admissible};
use crate::domain::service::Scope;
use crate::moving::check::Check;
use crate::moving::{Format, Reason, csv, passwd_file};
use crate::store::{Imported, ImportedPrimary, Made, NO_HASH, StoreError};
use crate::verifier::{AskUid, PamUnusable, Unavailable, Vault};

/// What one line says.
pub(super) enum Item {
    Account { name: AccountName, primary: Primary, state: AccountState },
    AppPassword { account: AccountName, label: Label, scope: Scope, networks: Networks, hash: ForeignHash },
}

/// What a primary password is compared with.
pub(super) enum Primary {
    Pam,
    Clear(Secret),
    Foreign(ForeignHash),
    Missing,
}

impl Primary {
    pub(super) fn read(text: &str) -> Result<Self, Reason> {
        let secret = match read(text)? {
            Written::Hash(hash) => return Ok(Self::Foreign(hash)),
            Written::Clear(secret) => secret,
        };
        match admissible(&secret) {
            // It is what the person has; a new one is another matter.
            Ok(()) | Err(Inadmissible::TooShort) => Ok(Self::Clear(secret)),
            Err(error) => Err(error.into()),
        }
    }

    pub(super) const fn scheme(&self) -> &'static str {
        match self {
            Self::Pam => "pam",
            Self::Clear(_) => "PLAIN",
            Self::Foreign(hash) => hash.scheme(),
            Self::Missing => "none",
        }
    }
}

/// What happens to an account or a label that the store has already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Its line is a bad one.
    Refuse,
    /// It is kept as it is, and its line passed over.
    Keep,
}

/// A line that cannot be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// The line, counted from one.
    pub line: usize,
    /// Why.
    pub reason: Reason,
    /// Whether the store has it already, and nothing else is wrong with it.
    pub exists: bool,
}

/// What would be imported, and what not.
#[derive(Default)]
pub struct Plan {
    pub(super) items: Vec<Item>,
    /// Lines that cannot be imported, in order.
    pub bad: Vec<BadLine>,
    /// Lines whose account or label is there already and is kept.
    pub kept: usize,
}

/// What an import comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Accounts.
    pub accounts: usize,
    /// Of these, closed ones.
    pub disabled: usize,
    /// Of these, ones that have no password until they get one.
    pub without_password: usize,
    /// App passwords.
    pub app_passwords: usize,
    /// Both, by scheme.
    pub schemes: BTreeMap<&'static str, usize>,
    /// Both, as far as they are hashed anew when they are first used.
    pub rehashed_at_first_use: usize,
}

/// Why nothing was imported.
#[derive(Debug)]
pub enum ImportError {
    /// The store failed, or has changed since the lines were checked.
    Store(StoreError),
    /// A password in the clear could not be hashed.
    Hash(HashError),
    /// The system could not be asked about a name.
    Pam(PamUnusable),
    /// What was brought along before could not be read.
    Vault(Unavailable),
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Hash(error) => error.fmt(f),
            Self::Pam(error) => error.fmt(f),
            Self::Vault(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ImportError {}

impl From<Unavailable> for ImportError {
    fn from(error: Unavailable) -> Self {
        Self::Vault(error)
    }
}

impl From<StoreError> for ImportError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Imports into one vault.
pub struct Import<'a> {
    /// Store and key.
    pub vault: &'a Vault,
    /// Says which uid has a name, for accounts whose primary is PAM's.
    pub unix_uid: &'a AskUid<'a>,
    /// How names are spelled.
    pub naming: &'a Naming,
    /// How many app passwords an account may have.
    pub limits: &'a AppPasswordPolicy,
    /// What happens to what is there already.
    pub existing: Existing,
}

impl Import<'_> {
    /// Reads and checks every line; nothing is stored.
    ///
    /// # Errors
    /// Where the store fails.
    pub fn plan(&self, content: &[u8], format: Format) -> Result<Plan, ImportError> {
        let rows: Vec<_> = match format {
            Format::Dovecot => passwd_file::read(content, self.naming).collect(),
            Format::Csv => csv::read(content, self.naming),
        };
        let (mut check, mut app_passwords) = (Check::new(self), Vec::new());
        // Accounts first: the line of an app password may stand before that of its account.
        for (line, item) in rows {
            match item {
                Ok(Item::AppPassword { .. }) => app_passwords.push((line, item)),
                _ => check.take(line, item)?,
            }
        }
        for (line, item) in app_passwords {
            check.take(line, item)?;
        }
        check.plan.bad.sort_by_key(|bad| bad.line);
        Ok(check.plan)
    }

    /// Stores what a plan holds, in one transaction. `progress` is told how many passwords in the clear are hashed.
    ///
    /// # Errors
    /// Where the store fails or has changed since; nothing is stored then.
    pub fn carry_out(
        &self,
        plan: &Plan,
        made: Made,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Tally, ImportError> {
        // Before the transaction: nobody is to wait for our hashes, or for what passwd(5) says.
        let (mut ready, mut hashed) = (Vec::with_capacity(plan.items.len()), 0);
        for item in &plan.items {
            ready.push(self.prepare(item)?);
            if matches!(ready.last(), Some(Ready::Hash(_))) {
                hashed += 1;
                progress(hashed);
            }
        }
        let rows: Vec<_> = plan.items.iter().zip(&ready).map(|(item, ready)| imported(item, ready)).collect();
        let seal = |place, hash: &ForeignHash| self.vault.seal_hash(place, hash).map_err(StoreError::Entropy);
        self.vault.store.import(&rows, self.limits, made, &seal)?;
        Ok(plan.tally())
    }

    fn prepare(&self, item: &Item) -> Result<Ready, ImportError> {
        match item {
            Item::Account { name, primary: Primary::Pam, .. } => {
                (self.unix_uid)(name).map(Ready::Uid).map_err(ImportError::Pam)
            }
            Item::Account { primary: Primary::Clear(secret), .. } => {
                let salt = entropy::bytes().map_err(StoreError::Entropy)?;
                let hash = PasswordHash::make(secret, &self.vault.keyring.pepper(), Cost::CHOSEN, salt);
                hash.map(Ready::Hash).map_err(ImportError::Hash)
            }
            Item::Account { .. } | Item::AppPassword { .. } => Ok(Ready::AsItIs),
        }
    }
}

/// What an item needed before it could be stored.
enum Ready {
    Uid(Option<u32>),
    Hash(PasswordHash),
    AsItIs,
}

fn imported<'i>(item: &'i Item, ready: &'i Ready) -> Imported<'i> {
    match item {
        Item::Account { name, primary, state } => {
            let primary = match (primary, ready) {
                (Primary::Foreign(hash), _) => ImportedPrimary::Foreign(hash),
                (_, Ready::Uid(uid)) => ImportedPrimary::Pam(*uid),
                (_, Ready::Hash(hash)) => ImportedPrimary::Hash(hash.as_str()),
                (_, Ready::AsItIs) => ImportedPrimary::Hash(NO_HASH),
            };
            Imported::Account { name, primary, state: *state }
        }
        Item::AppPassword { account, label, scope, networks, hash } => {
            Imported::AppPassword { account, label, scope, networks, hash }
        }
    }
}

impl Plan {
    /// What the plan comes to.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for item in &self.items {
            let (scheme, foreign) = match item {
                Item::Account { primary, state, .. } => {
                    tally.accounts += 1;
                    tally.disabled += usize::from(*state == AccountState::Disabled);
                    tally.without_password += usize::from(matches!(primary, Primary::Missing));
                    (primary.scheme(), matches!(primary, Primary::Foreign(_)))
                }
                Item::AppPassword { hash, .. } => {
                    tally.app_passwords += 1;
                    (hash.scheme(), true)
                }
            };
            *tally.schemes.entry(scheme).or_default() += 1;
            tally.rehashed_at_first_use += usize::from(foreign);
        }
        tally
    }

    /// The accounts that it adds.
    #[must_use]
    pub fn accounts(&self) -> Vec<&AccountName> {
        self.items
            .iter()
            .filter_map(|item| if let Item::Account { name, .. } = item { Some(name) } else { None })
            .collect()
    }

    /// How many passwords in the clear will have to be hashed, which takes its time.
    #[must_use]
    pub fn to_hash(&self) -> usize {
        let clear = |item: &&Item| matches!(item, Item::Account { primary: Primary::Clear(_), .. });
        self.items.iter().filter(clear).count()
    }
}
