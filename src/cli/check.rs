//! `postern config check`.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use crate::cli::arguments::Output;
use crate::cli::failure::Failure;
use crate::cli::site::Site;
use crate::cli::{Exit, text};
use crate::config::{Config, check};
use crate::domain::account::{Case, DomainRule};
use crate::store::{AccountRow, PrimaryCheck};
use crate::verifier::{PamUnusable, Unavailable};

pub(super) fn run(site: &Site<'_>, output: Output) -> Result<Exit, Failure> {
    if !output.json {
        text::result(&in_sentences(site.path, &site.config))?;
    }
    let accounts = site.vault()?.store.accounts(site.limits(), site.now())?;
    let service = site.config.pam_dir.join("primary");
    if accounts.iter().any(asks_pam) {
        let trusted = check(&service, site.owner());
        trusted.map_err(|error| Unavailable::from(PamUnusable::NoService(service, error)))?;
    }
    if output.json {
        text::json(&Checked::new(site, accounts.len()))?;
    } else {
        text::result(&format!("Key and store fit each other. The store has {}.\n", counted(accounts.len())))?;
    }
    Ok(Exit::Ok)
}

fn asks_pam(row: &AccountRow) -> bool {
    row.account.primary == PrimaryCheck::Pam
}

fn counted(accounts: usize) -> String {
    match accounts {
        1 => "1 account".to_owned(),
        number => format!("{number} accounts"),
    }
}

fn in_sentences(path: &Path, config: &Config) -> String {
    let case = match config.naming.case {
        Case::Fold => "Alice and alice are one account",
        Case::Keep => "Alice and alice are two accounts",
    };
    let domain = match &config.naming.domain {
        DomainRule::Keep => "the domain stays as it is written".to_owned(),
        DomainRule::Add(domain) => format!("a name without a domain gets @{domain}"),
        DomainRule::Strip(domain) => format!("@{domain} is cut off"),
    };
    let mut said = String::new();
    for (what, how) in [
        ("Configuration", format!("{} is in order", path.display())),
        ("Store", config.store.display().to_string()),
        ("Key", config.key.display().to_string()),
        ("Names", format!("{case}; {domain}")),
        ("Primary passwords", format!("PAM is asked by {}", config.pam_dir.join("primary").display())),
        ("Authenticator apps", format!("show the name \"{}\"", config.issuer)),
    ] {
        let _ = writeln!(said, "{what}: {}.", text::escaped(&how));
    }
    said
}

/// What `config check --json` prints.
#[derive(Serialize)]
struct Checked<'a> {
    config: String,
    store: String,
    key: String,
    fold_case: bool,
    add_domain: Option<&'a str>,
    strip_domain: Option<&'a str>,
    pam_dir: String,
    issuer: &'a str,
    accounts: usize,
}

impl<'a> Checked<'a> {
    fn new(site: &'a Site<'_>, accounts: usize) -> Self {
        let config = &site.config;
        let (add_domain, strip_domain) = match &config.naming.domain {
            DomainRule::Keep => (None, None),
            DomainRule::Add(domain) => (Some(domain.as_str()), None),
            DomainRule::Strip(domain) => (None, Some(domain.as_str())),
        };
        Self {
            config: site.path.display().to_string(),
            store: config.store.display().to_string(),
            key: config.key.display().to_string(),
            fold_case: config.naming.case == Case::Fold,
            add_domain,
            strip_domain,
            pam_dir: config.pam_dir.display().to_string(),
            issuer: &config.issuer,
            accounts,
        }
    }
}
