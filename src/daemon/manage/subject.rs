//! Whose account a request is about: that of the uid which asks, and no other.

use crate::backend::witness;
use crate::daemon::manage::Desk;
use crate::domain::account::AccountName;
use crate::domain::self_service::Refusal;
use crate::enrollment::{Enrollment, Own};
use crate::store::{Account, PrimaryCheck};
use crate::verifier::{PamUnusable, Vault};

/// The account of whoever asks.
pub(super) struct Subject {
    pub uid: u32,
    /// The user's name, as the system spells it.
    pub user: String,
    /// The account's, as the store does.
    pub name: AccountName,
    /// As it was when the request came: what is written for it must find it unchanged.
    pub account: Account,
    pub vault: Vault,
}

impl Subject {
    pub(super) const fn own(&self) -> Own<'_> {
        Own { name: &self.name, account: &self.account }
    }

    pub(super) const fn enrollment(&self) -> Enrollment<'_> {
        Enrollment::new(&self.vault)
    }
}

impl Desk<'_> {
    /// The name of a uid.
    pub(super) fn user(&self, uid: u32) -> Result<String, Refusal> {
        match (self.outside.name_of)(uid) {
            Ok(Some(user)) => Ok(user),
            Ok(None) => Err(Refusal::NoAccount(format!("#{uid}"))),
            Err(why) => Err(self.unavailable("", &why.into())),
        }
    }

    /// The account of a user.
    pub(super) fn subject(&self, uid: u32, user: String) -> Result<Subject, Refusal> {
        let Ok(name) = AccountName::parse(user.as_bytes(), &self.config.naming) else {
            return Err(Refusal::NoAccount(user));
        };
        let owner = self.outside.owner;
        let found = Vault::look(self.config, owner, |store, _| Ok(store.account(&name)?));
        let (mut vault, account) = found.map_err(|why| self.unavailable(&user, &why))?;
        let Some(account) = account else {
            return Err(Refusal::NoAccount(name.as_str().to_owned()));
        };
        let is_own = self.is_own(uid, &name, &account);
        if !is_own.map_err(|why| self.unavailable(&user, &why.into()))? {
            return Err(Refusal::NotOwn(name.as_str().to_owned()));
        }
        vault.store.tell(witness(self.outside.log));
        Ok(Subject { uid, user, name, account, vault })
    }

    /// Whether the person behind the uid is the account's: PAM keeps its primary, the system gives its very name to this
    /// uid, and did so when it was added. A folded or completed name may be somebody else's.
    fn is_own(&self, uid: u32, name: &AccountName, account: &Account) -> Result<bool, PamUnusable> {
        let added_for_it = account.unix_uid.is_none_or(|added_for| added_for == uid);
        if account.primary != PrimaryCheck::Pam || !added_for_it {
            return Ok(false);
        }
        Ok((self.outside.system.unix_uid)(name)? == Some(uid))
    }
}
