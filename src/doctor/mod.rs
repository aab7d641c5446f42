//! Floor 4: what is wrong with a mail server around Postern, and how to mend it.
//!
//! Knows: what PAM, Dovecot, Postfix and Cyrus SASL read, in the words of their own tools where those are there.
//! Never: changes anything, shows what a host keeps secret, or guesses what it could not look at.
//!
//! A finding names a rule; the rules are one list, from which the manual page is made.

mod finding;
mod rules;
mod machine;
mod pam_file;
mod pam_stack;
mod shipped;
mod pam;
mod dovecot;
mod passdb;
mod running;
mod sockets;
mod saslauthd;
mod sshd;
mod sasl;
mod postfix;
mod system;
mod site;

pub use dovecot::installed_release;
pub use finding::{Area, Finding, Remedy, Report, Rule, Severity};
pub use passdb::Release;
pub use rules::RULES;
pub use shipped::installed_example;
pub use sshd::sshd_is_installed;
pub use system::Clock;

use std::path::Path;

use crate::config::Owner;
use crate::doctor::pam::Services;
use crate::doctor::sasl::Judged;
use crate::doctor::site::Site;
use crate::doctor::sockets::Sockets;
use crate::doctor::sshd::Sshd;
use crate::domain::time::UnixTime;

/// What is looked at, and from where.
pub struct Ground<'a> {
    /// The configuration of Postern.
    pub config: &'a Path,
    /// Whose files are believed, besides root's.
    pub owner: Owner,
    /// This moment.
    pub now: UnixTime,
    /// What the kernel says about its clock.
    pub clock: Clock,
    /// The user to whom store and key belong where posternd is not root.
    pub daemon_user: &'static str,
    /// The uid of a user of the system.
    pub uid_of: fn(&str) -> Option<u32>,
    /// A name as one word of a shell.
    pub shell_word: fn(&str) -> String,
}

/// Looks at everything.
#[must_use]
pub fn examine(ground: &Ground<'_>) -> Report {
    let mut report = Report::default();
    let site = site::examine(ground, &mut report);
    let services = Services::read(&mut report);
    pam::examine(&services, &mut report);
    let dovecot = dovecot::examine(&services, &mut report);
    if let Some(site) = &site {
        around(ground, site, &services, &dovecot, &mut report);
    }
    system::examine(ground.clock, &mut report);
    if site.is_some_and(|site| site::belongs_to_daemon(ground, &site.config)) {
        report.act_as(ground.daemon_user);
    }
    report.sort();
    report
}

/// What is judged by what Postern itself is told.
fn around(
    ground: &Ground<'_>,
    site: &Site,
    services: &Services,
    dovecot: &dovecot::Seen,
    report: &mut Report,
) {
    let sockets = Sockets::of(&site.config);
    let sasl = Judged { sockets: &sockets, services };
    let postfix = postfix::Around { config: &site.config, sasl, dovecot, uid_of: ground.uid_of };
    let used = postfix::examine(&postfix, report);
    if !site.accounts.is_empty() {
        sasl::others(&postfix.sasl, &used, report);
    }
    // saslauthd asks by the application's name; who asks saslauthd is judged there.
    let judged = dovecot.services.iter().cloned().chain(["dovecot".to_owned(), "smtp".to_owned()]).collect();
    let people = site.people();
    let sshd = Sshd::ask(services, &people, report);
    if let Some(sshd) = &sshd {
        sshd.examine(services, &people, report);
    }
    pam::side_doors(services, &judged, sshd.as_ref(), &people, report);
}
