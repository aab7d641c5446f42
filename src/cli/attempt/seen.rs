//! An attempt as it was read, for whoever is told how it ended.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::cli::check;
use crate::cli::failure::Failure;
use crate::cli::hint::Subject;
use crate::cli::site::Site;
use crate::domain::account::{AccountName, AccountState};
use crate::domain::app_password::{NearMiss, Shape, near_miss, shape};
use crate::domain::attempt::{RawAttempt, Shown, remote_host};
use crate::domain::policy::Policy;
use crate::domain::service::{Scope, Service};
use crate::domain::time::UnixTime;
use crate::domain::verdict::Life;
use crate::store::{Account, PrimaryCheck, TotpRow};
use crate::verifier::{Decision, Vault};

/// What was asked, as far as it could be read.
pub(super) struct Seen<'a> {
    pub policy: &'a Policy,
    /// As the store spells it.
    pub account: Option<AccountName>,
    pub service: Option<Service>,
    pub remote: Option<IpAddr>,
    /// Who keeps the account's primary; nobody where the store does not know it.
    pub primary: Option<PrimaryCheck>,
    /// Whether PAM keeps it, of a user whom the system does not have.
    pub lacks_user: bool,
    /// From when on a code of each of its keys is good that was not spent; nothing where one is now.
    pub codes_from: Option<UnixTime>,
    /// Whether the field is nearly an app password.
    pub near_miss: Option<NearMiss>,
    /// Whether it is one that Postern has made.
    pub generated: bool,
    /// Whether the account has a live app password of the label that was met.
    pub has_namesake: bool,
    /// A label for one more app password.
    pub free_label: String,
}

impl<'a> Seen<'a> {
    pub(super) fn look(
        site: &'a Site<'_>,
        vault: &Vault,
        raw: &RawAttempt<'_>,
        met: Option<&str>,
    ) -> Result<Self, Failure> {
        let account = AccountName::parse(raw.account, &site.config.naming).ok();
        let known = account.as_ref().map(|name| vault.store.account(name)).transpose()?.flatten();
        let field = match raw.shown {
            Shown::Field(field) => Some(field),
            Shown::Apart { .. } | Shown::CodeAlone(_) => None,
        };
        let open = account.as_ref().zip(known.as_ref().filter(|row| row.state == AccountState::Active));
        let lacks_user = open.is_some_and(|(name, row)| site.lacks_user(name, &row.primary));
        let keys = known.as_ref().map(|row| vault.store.totp_keys(row.id)).transpose()?.unwrap_or_default();
        let live = known.as_ref().map(|row| live_labels(site, vault, row)).transpose()?.unwrap_or_default();
        Ok(Self {
            has_namesake: met.is_some_and(|label| live.contains(label)),
            free_label: free_label(met, &live),
            codes_from: keys.iter().map(codes_from).max().filter(|from| site.now() < *from),
            policy: &site.config.policy,
            account,
            service: Service::parse(raw.service).ok(),
            remote: raw.remote.and_then(|host| remote_host(host).ok().flatten()),
            primary: known.map(|row| row.primary),
            lacks_user,
            near_miss: field.and_then(near_miss),
            generated: field.is_some_and(|field| matches!(shape(field), Shape::Good(_))),
        })
    }

    /// Whom hints are about.
    pub(super) fn subject(&self, decision: &Decision) -> Subject {
        let account = self.account.as_ref().map(|name| name.as_str().to_owned());
        Subject { account, label: decision.label.clone() }
    }

    /// The account's name, or what stands for it.
    pub(super) fn account(&self) -> &str {
        self.account.as_ref().map_or("the account", AccountName::as_str)
    }

    /// The service's name, or what stands for it.
    pub(super) fn service(&self) -> &str {
        self.service.as_ref().map_or("the service", Service::as_str)
    }

    /// What the service takes.
    pub(super) fn accepts(&self) -> String {
        let accepted = self.service.as_ref().map(|service| self.policy.services.accepted_on(service));
        accepted.map_or_else(String::new, check::accepts)
    }

    /// A scope, and the service that was asked too.
    pub(super) fn wider(&self, scope: &Scope) -> String {
        self.service.as_ref().map_or_else(|| scope.to_string(), |service| scope.with(service).to_string())
    }
}

fn live_labels(site: &Site<'_>, vault: &Vault, account: &Account) -> Result<BTreeSet<String>, Failure> {
    let rows = vault.store.app_passwords(account.id)?;
    let live = rows.into_iter().filter(|row| row.life_at(site.now(), site.limits()) == Life::Live);
    Ok(live.map(|row| row.label).collect())
}

/// The label that was met, or one like it that nothing live has.
fn free_label(met: Option<&str>, live: &BTreeSet<String>) -> String {
    let first = met.unwrap_or("phone");
    let numbered = (2..=live.len() + 2).map(|number| format!("{first} {number}"));
    let mut labels = std::iter::once(first.to_owned()).chain(numbered);
    labels.find(|label| !live.contains(label)).unwrap_or_else(|| first.to_owned())
}

/// When the first code of a key begins to be good that is not spent.
const fn codes_from(row: &TotpRow) -> UnixTime {
    UnixTime(row.last_step.0.saturating_add(1).saturating_mul(row.period.secs()))
}
