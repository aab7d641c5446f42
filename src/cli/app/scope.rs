//! The services of `--scope`.
//!
//! Knows: which names something on this machine may ask about.
//! Never: judges the services of an import, which may come before their hosts.

use std::ffi::OsStr;
use std::path::Path;

use crate::cli::failure::Failure;
use crate::cli::misspelled::is_one_edit;
use crate::cli::site::Site;
use crate::domain::service::{Scope, ScopeError, Service};

/// Where a host finds the stack of its name.
const PAM_SERVICES: &str = "/etc/pam.d";

/// What Postern itself asks about, and what its guides do, beside mail.
const OTHERS: [&str; 3] = ["manage", "dav", "sshd"];

/// Reads a list of services. One that nothing asks about makes an app password that is good for nothing, and keeps its
/// label.
pub(super) fn read(site: &Site<'_>, typed: &OsStr) -> Result<Scope, Failure> {
    let scope =
        typed.to_str().ok_or(ScopeError).and_then(Scope::parse).map_err(|error| {
            Failure::Usage(error.to_string(), "leave --scope out for all that mail needs")
        })?;
    if let Some(unknown) = scope.services().find(|service| !is_known(site, service)) {
        return Err(Failure::Usage(in_words(site, unknown), KNOWN));
    }
    Ok(scope)
}

const KNOWN: &str = "mail's are imap, pop3, smtp and sieve, and without --scope it is good for all four; a service of another \
                     name is one of /etc/pam.d, or is named in postern.toml under [services]";

fn is_known(site: &Site<'_>, service: &Service) -> bool {
    let name = service.as_str();
    let has_stack = |file: String| Path::new(PAM_SERVICES).join(file).is_file();
    named(site).any(|known| known == name)
        || has_stack(name.to_owned())
        || has_stack(format!("postern-{name}"))
}

/// Those that need no file.
fn named<'a>(site: &'a Site<'_>) -> impl Iterator<Item = String> + 'a {
    let policy = site.config.policy.services.named.keys().map(|service| service.as_str().to_owned());
    let mail = Scope::mail();
    let mail: Vec<String> = mail.services().map(|service| service.as_str().to_owned()).collect();
    mail.into_iter().chain(OTHERS.map(str::to_owned)).chain(policy)
}

fn in_words(site: &Site<'_>, unknown: &Service) -> String {
    let near = named(site).find(|known| is_one_edit(known, unknown.as_str()));
    let meant = near.map_or_else(String::new, |near| format!("; is {near} meant?"));
    format!("nothing here asks about a service {unknown}{meant}")
}
