//! `postern config check`.

mod daemon;
mod judgement;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::cli::arguments::Output;
use crate::cli::failure::Failure;
use crate::cli::site::Site;
use crate::cli::{Exit, text};
use crate::config::check;
use crate::domain::account::{Case, DomainRule};
use crate::domain::network::Networks;
use crate::domain::policy::{Accepted, AppPasswordPolicy, Policy, SecondFactor};
use crate::store::{AccountRow, PrimaryCheck};
use crate::verifier::{PamUnusable, Unavailable};

pub(super) fn run(site: &Site<'_>, output: Output) -> Result<Exit, Failure> {
    if !output.json {
        text::result(&in_sentences(site))?;
    }
    let accounts = site.vault()?.store.accounts(site.limits(), site.now())?;
    let service = site.config.pam_dir.join("primary");
    if accounts.iter().any(asks_pam) {
        let trusted = check(&service, site.owner());
        trusted.map_err(|error| Unavailable::from(PamUnusable::NoService(service, error)))?;
    }
    let faults = judgement::faults(site);
    if output.json {
        text::json(&Checked::new(site, accounts.len(), &faults))?;
    } else {
        text::result(&format!(
            "Key and store fit each other. The store has {}.\n",
            text::counted(accounts.len(), "account")
        ))?;
    }
    Ok(conclude(&faults))
}

fn conclude(faults: &[String]) -> Exit {
    for fault in faults {
        text::note(&text::bounded(&format!("postern: {fault}")));
    }
    match faults.len() {
        0 => return Exit::Ok,
        1 => text::note(
            "  hint: mend it in the configuration, or where it says; then run `postern config check`",
        ),
        _ => text::note("  hint: mend them one by one, then run `postern config check`"),
    }
    Exit::Denied
}

fn asks_pam(row: &AccountRow) -> bool {
    row.account.primary == PrimaryCheck::Pam
}

fn in_sentences(site: &Site<'_>) -> String {
    let config = &site.config;
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
    let mut say = |what: &str, how: &str| {
        let _ = writeln!(said, "{}: {}.", text::escaped(what), text::escaped(how));
    };
    for (what, how) in [
        ("Configuration", format!("{} can be read", site.path.display())),
        ("Store", config.store.display().to_string()),
        ("Key", config.key.display().to_string()),
        ("Names", format!("{case}; {domain}")),
        ("Primary passwords", primary_passwords(site)),
        ("Second factor", second_factor(&config.policy)),
        ("Trusted networks", trusted_networks(&config.policy)),
        ("App passwords", app_passwords(&config.policy.app_passwords)),
        ("Lost at a reboot", config.run_dir.display().to_string()),
        ("Authenticator apps", format!("show the name \"{}\"", config.issuer)),
    ] {
        say(what, &how);
    }
    for (what, how) in daemon::sentences(&config.daemon) {
        say(&what, &how);
    }
    let services = &config.policy.services;
    let named = services.named.iter().map(|(service, accepted)| (service.as_str(), accepted));
    let others = if services.named.is_empty() { "every service" } else { "every other service" };
    for (service, accepted) in named.chain([(others, &services.default)]) {
        say(&format!("On {service}"), &accepts(*accepted));
    }
    said
}

fn primary_passwords(site: &Site<'_>) -> String {
    let service = site.config.pam_dir.join("primary");
    let missing = if service.exists() { "" } else { ", which is not there" };
    format!("a hash in the store, or PAM by {}{missing}", service.display())
}

fn second_factor(policy: &Policy) -> String {
    match policy.second_factor {
        SecondFactor::Required => {
            format!("everybody needs one for the primary password{}", exceptions(policy))
        }
        SecondFactor::WhenEnrolled => format!(
            "whoever has, or had, one or an app password needs it for the primary password{}; all others, unknown ones \
             included, log in with the primary password alone",
            exceptions(policy)
        ),
    }
}

/// Where nobody needs one, whoever he is.
fn exceptions(policy: &Policy) -> String {
    let services = &policy.services;
    let spared = services.named.iter().filter(|(_, accepted)| accepted.primary_alone);
    let mut spared: Vec<String> = spared.map(|(service, _)| format!("on {service}")).collect();
    if services.default.primary_alone {
        spared.push("on services that are not named below".to_owned());
    }
    spared.extend(policy.primary_alone_from.as_ref().map(|networks| format!("from {networks}")));
    if spared.is_empty() { String::new() } else { format!(", but for logins {}", spared.join(", ")) }
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
    // With or without a code says both.
    let words = words.iter().filter(|word| !(accepted.primary_alone && **word == "primary+code"));
    let kinds = words.map(|word| match *word {
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
    daemon: daemon::Shown<'a>,
    accounts: usize,
    faults: &'a [String],
}

impl<'a> Checked<'a> {
    fn new(site: &'a Site<'_>, accounts: usize, faults: &'a [String]) -> Self {
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
            daemon: daemon::Shown::from(&config.daemon),
            accounts,
            faults,
        }
    }
}
