//! The options by which app passwords are selected.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};

use clap::Args;

use crate::cli::expiry;
use crate::cli::failure::Failure;
use crate::cli::site::Site;
use crate::domain::network::{Networks, NetworksError};
use crate::domain::selection::{Domain, DomainError, Selection};

#[derive(Args)]
#[group(id = "selection", multiple = true)]
pub struct SelectionArguments {
    /// All app passwords of all accounts.
    #[arg(long, conflicts_with_all = ["account", "domain", "unused_since", "older_than", "used_from"])]
    all: bool,
    /// Those of this account; may be given several times.
    #[arg(long, value_name = "NAME")]
    account: Vec<OsString>,
    /// Those of the accounts in this domain.
    #[arg(long)]
    domain: Option<OsString>,
    /// Those not used since a day such as 2030-12-31, or for a span such as 90d.
    #[arg(long, value_name = "WHEN")]
    unused_since: Option<OsString>,
    /// Those made longer ago than a span such as 1y.
    #[arg(long, value_name = "SPAN")]
    older_than: Option<OsString>,
    /// Those whose last use came from this network; earlier uses are not kept.
    #[arg(long, value_name = "NETWORKS")]
    used_from: Option<OsString>,
}

impl SelectionArguments {
    /// What was typed, if anything was: nothing at all must not mean everything.
    pub(super) fn read(&self, site: &Site<'_>) -> Result<Selection, Failure> {
        let now = site.now();
        let accounts: BTreeSet<_> =
            self.account.iter().map(|name| site.account(name)).collect::<Result<_, _>>()?;
        let selection = Selection {
            accounts: (!accounts.is_empty()).then_some(accounts),
            domain: self.domain.as_ref().map(|text| domain(site, text)).transpose()?,
            unused_since: self.unused_since.as_ref().map(|text| expiry::past(text, now)).transpose()?,
            made_before: self.older_than.as_ref().map(|text| expiry::before(text, now)).transpose()?,
            used_from: self.used_from.as_ref().map(|text| networks(text)).transpose()?,
        };
        if selection == Selection::default() && !self.all {
            let what = "what is to be revoked is not said".to_owned();
            return Err(Failure::Usage(
                what,
                "name an account and a label, or select: --account NAME, --all …",
            ));
        }
        Ok(selection)
    }
}

fn domain(site: &Site<'_>, typed: &OsStr) -> Result<Domain, Failure> {
    let parsed = typed.to_str().ok_or(DomainError).and_then(|text| Domain::parse(text, &site.config.naming));
    parsed.map_err(|error| Failure::Usage(error.to_string(), "such as example.org"))
}

fn networks(typed: &OsStr) -> Result<Networks, Failure> {
    let parsed = typed.to_str().ok_or(NetworksError::Form).and_then(Networks::parse);
    parsed.map_err(|error| Failure::Usage(error.to_string(), "nothing was revoked"))
}
