//! `postern config check`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use crate::cli::arguments::Output;
use crate::cli::failure::Failure;
use crate::cli::site::Site;
use crate::cli::{Exit, text};
use crate::config::{Config, check};
use crate::domain::account::{Case, DomainRule};
use crate::domain::network::Networks;
use crate::domain::policy::{Accepted, AppPasswordPolicy, Policy, SecondFactor};
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
        text::result(&format!(
            "Key and store fit each other. The store has {}.\n",
            text::counted(accounts.len(), "account")
        ))?;
    }
    Ok(Exit::Ok)
}

fn asks_pam(row: &AccountRow) -> bool {
    row.account.primary == PrimaryCheck::Pam
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
        ("Second factor", second_factor(&config.policy)),
        ("Trusted networks", trusted_networks(&config.policy)),
        ("App passwords", app_passwords(&config.policy.app_passwords)),
        ("Lost at a reboot", config.run_dir.display().to_string()),
        ("Authenticator apps", format!("show the name \"{}\"", config.issuer)),
    ] {
        let _ = writeln!(said, "{what}: {}.", text::escaped(&how));
    }
    let services = &config.policy.services;
    let named = services.named.iter().map(|(service, accepted)| (service.as_str(), accepted));
    for (service, accepted) in named.chain([("every other service", &services.default)]) {
        let _ = writeln!(said, "On {service}: {}.", accepts(*accepted));
    }
    said
}

fn second_factor(policy: &Policy) -> String {
    match policy.second_factor {
        SecondFactor::Required => "everybody needs one for the primary password",
        SecondFactor::WhenEnrolled => {
            "whoever has, or had, one or an app password needs it for the primary password; all others, unknown ones \
             included, log in with the primary password alone"
        }
    }
    .to_owned()
}

fn trusted_networks(policy: &Policy) -> String {
    match &policy.primary_alone_from {
        None => "none; no network spares anybody the code".to_owned(),
        Some(networks) => format!("from {networks} the primary password alone is enough"),
    }
}

fn app_passwords(policy: &AppPasswordPolicy) -> String {
    let life =
        policy.longest_life.map_or_else(|| "for ever".to_owned(), |days| format!("for {days} days at most"));
    format!(
        "at most {} live ones for each account, {life}; a revocation may be taken back for {} hours",
        policy.most, policy.restorable_for
    )
}

/// What a service takes.
pub(super) fn accepts(accepted: Accepted) -> String {
    let words = words(accepted);
    if words.is_empty() {
        return "nothing is accepted: it is closed".to_owned();
    }
    let kinds = words.iter().map(|word| match *word {
        "primary+code" => "the primary password with a code",
        "primary" => "the primary password, with or without a code",
        _ => "app passwords",
    });
    kinds.collect::<Vec<_>>().join("; ")
}

/// As the configuration writes them.
fn words(accepted: Accepted) -> Vec<&'static str> {
    let Accepted { app_password, primary_with_code, primary_alone } = accepted;
    let all =
        [(app_password, "app-password"), (primary_with_code, "primary+code"), (primary_alone, "primary")];
    all.into_iter().filter_map(|(is_accepted, word)| is_accepted.then_some(word)).collect()
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
    run: String,
    second_factor: &'static str,
    primary_alone_from: Vec<String>,
    max_app_passwords: u16,
    longest_lifetime_days: Option<u16>,
    restore_hours: u16,
    services: BTreeMap<&'a str, Vec<&'static str>>,
    accounts: usize,
}

impl<'a> Checked<'a> {
    fn new(site: &'a Site<'_>, accounts: usize) -> Self {
        let config = &site.config;
        let (policy, services) = (&config.policy, &config.policy.services);
        let named = services.named.iter().map(|(service, accepted)| (service.as_str(), words(*accepted)));
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
            run: config.run_dir.display().to_string(),
            second_factor: match policy.second_factor {
                SecondFactor::Required => "required",
                SecondFactor::WhenEnrolled => "when-enrolled",
            },
            primary_alone_from: policy.primary_alone_from.iter().flat_map(Networks::each).collect(),
            max_app_passwords: policy.app_passwords.most,
            longest_lifetime_days: policy.app_passwords.longest_life,
            restore_hours: policy.app_passwords.restorable_for,
            services: named.chain([("default", words(services.default))]).collect(),
            accounts,
        }
    }
}
