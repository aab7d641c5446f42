//! What the table `[daemon]` means.

use std::path::PathBuf;

use serde::Serialize;

use crate::config::Daemon;
use crate::domain::permit::{Belief, Permit, User};

/// Each socket list by its key, with the language that is spoken there.
pub(super) fn sockets(daemon: &Daemon) -> [(&'static str, &'static str, &[PathBuf]); 3] {
    [
        ("verify", "for modules and plug-ins", &daemon.verify),
        ("saslauthd", "in saslauthd's language", &daemon.saslauthd),
        ("manage", "for local users", &daemon.manage),
    ]
}

pub(super) fn sentences(daemon: &Daemon) -> Vec<(String, String)> {
    let mut said = vec![("posternd listens".to_owned(), listens(daemon))];
    said.extend(
        daemon
            .permits
            .iter()
            .map(|(user, permit)| (format!("posternd answers {}", named(user)), permitted(permit))),
    );
    let others = if daemon.permits.is_empty() { "nobody but root" } else { "nobody else but root" };
    said.push(("posternd answers".to_owned(), format!("{others} about other people's logins")));
    said
}

fn listens(daemon: &Daemon) -> String {
    let each = sockets(daemon).into_iter().filter(|(_, _, paths)| !paths.is_empty());
    let each = each.map(|(_, to_whom, paths)| {
        let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        format!("{to_whom} on {}", paths.join(", "))
    });
    let each: Vec<String> = each.collect();
    if each.is_empty() { "nowhere".to_owned() } else { each.join("; ") }
}

pub(super) fn named(user: &User) -> String {
    match user {
        User::Name(name) => name.clone(),
        User::Uid(uid) => format!("uid {uid}"),
    }
}

fn permitted(permit: &Permit) -> String {
    let services = match &permit.services {
        None => "about every service".to_owned(),
        Some(services) if services.is_empty() => "about no service".to_owned(),
        Some(services) => {
            let names: Vec<&str> = services.iter().map(|service| service.as_str()).collect();
            format!("about {}", names.join(", "))
        }
    };
    let address = match permit.address {
        Belief::Believed => "is believed",
        Belief::Ignored => "is ignored",
    };
    format!("{services}; the client address that it reports {address}")
}

/// The table in `config check --json`.
#[derive(Serialize)]
pub(super) struct Shown<'a> {
    verify: &'a [PathBuf],
    saslauthd: &'a [PathBuf],
    manage: &'a [PathBuf],
    permits: Vec<ShownPermit<'a>>,
}

#[derive(Serialize)]
struct ShownPermit<'a> {
    user: String,
    services: Option<Vec<&'a str>>,
    believe_address: bool,
}

impl<'a> From<&'a Daemon> for Shown<'a> {
    fn from(daemon: &'a Daemon) -> Self {
        let permit = |(user, permit): &'a (User, Permit)| ShownPermit {
            user: match user {
                User::Name(name) => name.clone(),
                User::Uid(uid) => uid.to_string(),
            },
            services: permit
                .services
                .as_ref()
                .map(|services| services.iter().map(|service| service.as_str()).collect()),
            believe_address: permit.address == Belief::Believed,
        };
        Self {
            verify: &daemon.verify,
            saslauthd: &daemon.saslauthd,
            manage: &daemon.manage,
            permits: daemon.permits.iter().map(permit).collect(),
        }
    }
}
