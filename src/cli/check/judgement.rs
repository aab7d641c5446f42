//! What can be read and cannot be meant.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::cli::check::daemon::{named, sockets};
use crate::cli::site::Site;
use crate::config::{FileError, check};
use crate::domain::permit::User;
use crate::domain::self_service::SERVICE;
use crate::domain::service::Service;

/// Most octets in the path of a socket: sun_path of unix(7), less its end.
const MAX_SOCKET: usize = 107;

/// One sentence for each, with what to do.
pub(super) fn faults(site: &Site<'_>) -> Vec<String> {
    [of_sockets(site), of_permits(site), of_manage(site), of_pam(site)].concat()
}

fn of_sockets(site: &Site<'_>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    for (key, _, paths) in sockets(&site.config.daemon) {
        for path in paths {
            let shown = path.display();
            if MAX_SOCKET < path.as_os_str().as_bytes().len() {
                faults.push(format!(
                    "[daemon] {key}: {shown} is longer than the {MAX_SOCKET} octets of a socket's path; choose a \
                     shorter one"
                ));
            }
            if !seen.insert(path) {
                faults.push(format!(
                    "[daemon] {key}: {shown} is there twice; each socket has a path of its own"
                ));
            }
        }
    }
    faults
}

fn of_permits(site: &Site<'_>) -> Vec<String> {
    let permits = &site.config.daemon.permits;
    let uid = |user: &User| match user {
        User::Name(name) => (site.world.uid_of)(name),
        User::Uid(uid) => Some(*uid),
    };
    let mut faults = Vec::new();
    let mut seen = BTreeSet::new();
    for (user, permit) in permits {
        let name = named(user);
        match uid(user) {
            None => faults.push(format!(
                "[[daemon.permit]]: this system has no user {name}, so posternd answers nobody by that name; add the \
                 user, or mend the name"
            )),
            Some(uid) if !seen.insert(uid) => {
                faults.push(format!("[[daemon.permit]]: {name} is there twice; one permit for each user"));
            }
            Some(_) => {}
        }
        if permit.services.as_ref().is_some_and(Vec::is_empty) {
            faults.push(format!(
                "[[daemon.permit]]: {name} may ask about no service; name some, or leave `services` out for all"
            ));
        }
    }
    faults
}

fn of_manage(site: &Site<'_>) -> Vec<String> {
    let closed = Service::parse(SERVICE.as_bytes()).is_ok_and(|service| {
        let accepted = site.config.policy.services.accepted_on(&service);
        !accepted.primary_with_code && !accepted.primary_alone
    });
    if site.config.daemon.manage.is_empty() || !closed {
        return Vec::new();
    }
    vec![format!(
        "[daemon] manage: [services] takes no primary password for `{SERVICE}`, so that no local user can prove who he \
         is; write: {SERVICE} = [\"primary+code\"]"
    )]
}

fn of_pam(site: &Site<'_>) -> Vec<String> {
    let directory = &site.config.pam_dir;
    let primary = directory.join("primary");
    let mut faults = Vec::new();
    match check(&primary, site.owner()) {
        // Whether anybody needs it, the store says.
        Err(FileError::Missing) => return faults,
        Err(error) => faults.push(format!("[primary] pam_dir: {} {error}", primary.display())),
        Ok(()) if asks_postern(&primary) => faults.push(format!(
            "[primary] pam_dir: {} asks pam_postern, which would ask it again; it is there for the module that keeps \
             the passwords, such as pam_unix",
            primary.display()
        )),
        Ok(()) => {}
    }
    if let Err(error) = check(&directory.join("other"), site.owner()) {
        let other = directory.join("other");
        faults.push(format!("[primary] pam_dir: {} {error}; `postern init` makes it", other.display()));
    }
    faults
}

fn asks_postern(file: &Path) -> bool {
    let lines = fs::read_to_string(file).unwrap_or_default();
    lines.lines().any(|line| !line.trim_start().starts_with('#') && line.contains("pam_postern"))
}
