//! Floor 3: the life cycle of accounts and their authenticators.
//!
//! Knows: what may be made, shown once, confirmed and revoked.
//! Never: how it is shown, or who may ask for it.

use std::fmt;

use crate::crypto::entropy::{self, EntropyError};
use crate::crypto::otp::Code;
use crate::crypto::password_hash::{Cost, HashError, PasswordHash};
use crate::crypto::seal::BrokenSeal;
use crate::crypto::secret::Secret;
use crate::domain::account::{AccountName, AccountState};
use crate::domain::app_password::{AppPassword, Label};
use crate::domain::network::Networks;
use crate::domain::primary::{Inadmissible, admissible};
use crate::domain::service::Scope;
use crate::domain::time::UnixTime;
use crate::domain::totp::{CodeMatch, MAX_KEYS, TimeStep, Totp};
use crate::store::{Account, Made, NewAppPassword, NewTotpKey, PrimaryCheck, StoreError, Written};
use crate::verifier::Vault;

/// Why something was not made or changed; nothing is left half done.
#[derive(Debug)]
pub enum EnrollmentError {
    /// There is no such account.
    NoAccount(AccountName),
    /// The account has no such app password, or it is revoked.
    NoAppPassword(AccountName, Label),
    /// The account has no such key.
    NoTotpKey(AccountName, Label),
    /// There is an account of that name.
    AccountTaken(AccountName),
    /// The account has a live authenticator of that label.
    LabelTaken(AccountName, Label),
    /// The primary password is checked by PAM.
    PrimaryElsewhere(AccountName),
    /// The primary password may not be chosen.
    Inadmissible(Inadmissible),
    /// The account has this very key, under this label.
    KeyTaken(AccountName, String),
    /// The code does not belong to the key.
    WrongCode,
    /// The code was used before, with this key or with one that was removed since.
    CodeSpent,
    /// A key of the account does not open.
    Seal(BrokenSeal),
    /// There is no memory for a hash.
    Hash(HashError),
    /// There is no randomness.
    Entropy(EntropyError),
    /// The store failed.
    Store(StoreError),
}

impl fmt::Display for EnrollmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAccount(name) => write!(f, "there is no account {name}"),
            Self::NoAppPassword(name, label) => write!(f, "{name} has no live app password \"{label}\""),
            Self::NoTotpKey(name, label) => write!(f, "{name} has no TOTP key \"{label}\""),
            Self::AccountTaken(name) => write!(f, "there is an account {name} already"),
            Self::LabelTaken(name, label) => write!(f, "{name} has a live \"{label}\" already"),
            Self::PrimaryElsewhere(name) => write!(f, "the primary password of {name} is PAM's, not ours"),
            Self::Inadmissible(error) => error.fmt(f),
            Self::KeyTaken(name, label) => write!(f, "{name} has this very key already, as {label:?}"),
            Self::Seal(error) => error.fmt(f),
            Self::CodeSpent => f.write_str("the code was used before"),
            Self::WrongCode => f.write_str("the code does not belong to this key"),
            Self::Hash(error) => error.fmt(f),
            Self::Entropy(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for EnrollmentError {}

impl From<StoreError> for EnrollmentError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<EntropyError> for EnrollmentError {
    fn from(error: EntropyError) -> Self {
        Self::Entropy(error)
    }
}

impl From<BrokenSeal> for EnrollmentError {
    fn from(error: BrokenSeal) -> Self {
        Self::Seal(error)
    }
}

impl From<HashError> for EnrollmentError {
    fn from(error: HashError) -> Self {
        Self::Hash(error)
    }
}

/// Who checks a new account's primary password.
pub enum NewPrimary<'a> {
    /// PAM.
    Pam,
    /// We, against a hash of this.
    Store(&'a Secret),
}

/// The app password that is wanted.
pub struct Wanted<'a> {
    /// What its owner calls the program or device.
    pub label: &'a Label,
    /// What it is good for.
    pub scope: &'a Scope,
    /// From where it is good.
    pub networks: &'a Networks,
    /// When its time is over, if ever.
    pub expires_at: Option<UnixTime>,
}

/// Makes, changes and revokes in one vault.
pub struct Enrollment<'a> {
    vault: &'a Vault,
}

impl<'a> Enrollment<'a> {
    /// Works in this vault.
    #[must_use]
    pub const fn new(vault: &'a Vault) -> Self {
        Self { vault }
    }

    /// Adds an account.
    ///
    /// # Errors
    /// Where there is one, or the primary may not be chosen.
    pub fn add_account(
        &self,
        name: &AccountName,
        primary: &NewPrimary<'_>,
        made: Made,
    ) -> Result<(), EnrollmentError> {
        let primary = match primary {
            NewPrimary::Pam => PrimaryCheck::Pam,
            NewPrimary::Store(secret) => self.hashed(secret)?,
        };
        self.vault.store.add_account(name, &primary, made).map_err(|error| {
            if matches!(error, StoreError::Taken) {
                return EnrollmentError::AccountTaken(name.clone());
            }
            error.into()
        })
    }

    /// Finds an account.
    ///
    /// # Errors
    /// `NoAccount`, or where the store fails.
    pub fn account(&self, name: &AccountName) -> Result<Account, EnrollmentError> {
        self.vault.store.account(name)?.ok_or_else(|| EnrollmentError::NoAccount(name.clone()))
    }

    /// Opens or closes an account.
    ///
    /// # Errors
    /// `NoAccount`, or where the store fails.
    pub fn set_state(
        &self,
        name: &AccountName,
        state: AccountState,
        made: Made,
    ) -> Result<(), EnrollmentError> {
        match self.vault.store.set_account_state(self.account(name)?.id, state, made)? {
            Written::Changed => Ok(()),
            Written::NotFound => Err(EnrollmentError::NoAccount(name.clone())),
        }
    }

    /// Replaces the primary password of an account whose primary is ours.
    ///
    /// # Errors
    /// Where it is PAM's, or may not be chosen.
    pub fn set_primary(
        &self,
        name: &AccountName,
        secret: &Secret,
        made: Made,
    ) -> Result<(), EnrollmentError> {
        let account = self.account(name)?;
        if account.primary == PrimaryCheck::Pam {
            return Err(EnrollmentError::PrimaryElsewhere(name.clone()));
        }
        match self.vault.store.set_primary(account.id, &self.hashed(secret)?, made)? {
            Written::Changed => Ok(()),
            Written::NotFound => Err(EnrollmentError::NoAccount(name.clone())),
        }
    }

    /// Makes an app password. What is returned is shown once and kept nowhere.
    ///
    /// # Errors
    /// Where there is no such account, or it has a live one of that label.
    pub fn add_app_password(
        &self,
        name: &AccountName,
        wanted: &Wanted<'_>,
        made: Made,
    ) -> Result<AppPassword, EnrollmentError> {
        let label = wanted.label;
        let account = self.account(name)?;
        let password = AppPassword::generate()?;
        let symbols = password.symbols();
        let hash =
            PasswordHash::make(&symbols, &self.vault.keyring.pepper(), Cost::GENERATED, entropy::bytes()?)?;
        let new = NewAppPassword {
            label,
            tag: self.vault.keyring.tag(symbols.expose()),
            hash: hash.as_str(),
            scope: wanted.scope,
            networks: wanted.networks,
            expires_at: wanted.expires_at,
        };
        self.vault
            .store
            .add_app_password(account.id, &new, made)
            .map_err(|error| label_taken(error, name, label))?;
        Ok(password)
    }

    /// Gives an app password another label.
    ///
    /// # Errors
    /// Where there is no such account, no live one of that label, or one of the new label.
    pub fn rename(
        &self,
        name: &AccountName,
        label: &Label,
        new: &Label,
        made: Made,
    ) -> Result<(), EnrollmentError> {
        let renamed = self.vault.store.rename_app_password(self.account(name)?.id, label, new, made);
        match renamed.map_err(|error| label_taken(error, name, new))? {
            Written::Changed => Ok(()),
            Written::NotFound => Err(EnrollmentError::NoAppPassword(name.clone(), label.clone())),
        }
    }

    /// Revokes an app password. A login that starts after this returned is refused.
    ///
    /// # Errors
    /// Where there is no such account, or no live one of that label.
    pub fn revoke(&self, name: &AccountName, label: &Label, made: Made) -> Result<(), EnrollmentError> {
        match self.vault.store.revoke(self.account(name)?.id, label, made)? {
            Written::Changed => Ok(()),
            Written::NotFound => Err(EnrollmentError::NoAppPassword(name.clone(), label.clone())),
        }
    }

    /// Stores a TOTP key once one of its codes confirms it; that code's step is spent.
    ///
    /// # Errors
    /// Where the code is wrong, the label is taken, or the account has as many keys as it may.
    pub fn confirm_totp(
        &self,
        name: &AccountName,
        label: &Label,
        totp: &Totp,
        code: Code,
        made: Made,
    ) -> Result<(), EnrollmentError> {
        let account = self.account(name)?;
        let spent_up_to = account.codes_spent_until.0.div_ceil(totp.period.secs()).saturating_sub(1);
        let last_step = match totp.find(code, made.at, TimeStep(spent_up_to)) {
            CodeMatch::Open(step) => step,
            CodeMatch::Spent => return Err(EnrollmentError::CodeSpent),
            CodeMatch::Wrong => return Err(EnrollmentError::WrongCode),
        };
        // Under two labels, or enrolled anew, a key would forget which of its codes are spent.
        for row in self.vault.store.totp_keys(account.id)? {
            if self.vault.open_totp_key(account.id, row.id, &row.sealed)?.matches(&totp.key) {
                return Err(EnrollmentError::KeyTaken(name.clone(), row.label));
            }
        }
        let (algorithm, digits, period) = (totp.algorithm, totp.digits, totp.period);
        let new = NewTotpKey { label, algorithm, digits, period, last_step };
        let seal = |row| self.vault.seal_totp_key(account.id, row, &totp.key).map_err(StoreError::Entropy);
        let stored = self.vault.store.add_totp_key(account.id, &new, made, MAX_KEYS, seal);
        stored.map_err(|error| label_taken(error, name, label))
    }

    /// Removes a TOTP key. The account stays enrolled: its primary alone is refused as before.
    ///
    /// # Errors
    /// Where there is no such account or key.
    pub fn remove_totp(&self, name: &AccountName, label: &Label, made: Made) -> Result<(), EnrollmentError> {
        match self.vault.store.remove_totp_key(self.account(name)?.id, label, made)? {
            Written::Changed => Ok(()),
            Written::NotFound => Err(EnrollmentError::NoTotpKey(name.clone(), label.clone())),
        }
    }

    fn hashed(&self, secret: &Secret) -> Result<PrimaryCheck, EnrollmentError> {
        admissible(secret).map_err(EnrollmentError::Inadmissible)?;
        let hash = PasswordHash::make(secret, &self.vault.keyring.pepper(), Cost::CHOSEN, entropy::bytes()?)?;
        Ok(PrimaryCheck::Store(hash.as_str().to_owned()))
    }
}

fn label_taken(error: StoreError, name: &AccountName, label: &Label) -> EnrollmentError {
    if matches!(error, StoreError::Taken) {
        return EnrollmentError::LabelTaken(name.clone(), label.clone());
    }
    error.into()
}
