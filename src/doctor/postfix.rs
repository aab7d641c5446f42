//! Postfix: at which of its doors people authenticate, and who checks them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::doctor::dovecot;
use crate::doctor::finding::{Remedy, Report};
use crate::doctor::machine::{self, Missed};
use crate::doctor::rules;
use crate::doctor::sasl::{self, Application, Checker, Judged};
use crate::domain::permit::User;
use crate::hosts::{Entry, Postfix};

/// What Postfix is judged by.
pub(super) struct Around<'a> {
    pub config: &'a Config,
    pub sasl: Judged<'a>,
    pub dovecot: &'a dovecot::Seen,
    pub uid_of: fn(&str) -> Option<u32>,
}

/// Looks at it; says which configurations of Cyrus SASL it uses.
pub(super) fn examine(around: &Around<'_>, report: &mut Report) -> Vec<String> {
    let postfix = match read() {
        Ok(postfix) => postfix,
        Err(missed) => {
            match missed {
                Missed::Absent => report.could_not_see("Postfix", "postconf is not installed"),
                Missed::Forbidden => report.may_not_see("Postfix"),
                Missed::Failed(why) => report.could_not_see("Postfix", why),
            }
            return Vec::new();
        }
    };
    report.saw(format!("Postfix {}", postfix.main("mail_version").unwrap_or_default()).trim_end());
    let mut used = BTreeSet::new();
    for entry in postfix.entries.iter().filter(|entry| authenticates(&postfix, entry)) {
        cleartext(&postfix, entry, report);
        match postfix.of(entry, "smtpd_sasl_type") {
            Some("dovecot") => by_dovecot(&postfix, entry, around, report),
            Some("cyrus") | None => {
                used.insert(by_cyrus(&postfix, entry, around, report));
            }
            Some(_) => report.could_not_see(spoken(entry), "its smtpd_sasl_type is not known"),
        }
    }
    used.into_iter().collect()
}

fn read() -> Result<Postfix, Missed> {
    let [master, own, main] =
        [["-xM"], ["-xP"], ["-x"]].map(|arguments| machine::ask("postconf", &arguments));
    Ok(Postfix::read(&master?, &own?, &main?))
}

fn authenticates(postfix: &Postfix, entry: &Entry) -> bool {
    entry.command == "smtpd" && postfix.of(entry, "smtpd_sasl_auth_enable") == Some("yes")
}

fn spoken(entry: &Entry) -> String {
    format!("{}/{} of master.cf", entry.name, entry.kind)
}

fn by_dovecot(postfix: &Postfix, entry: &Entry, around: &Around<'_>, report: &mut Report) {
    let path = postfix.of(entry, "smtpd_sasl_path").unwrap_or_default();
    // Where Dovecot is looked at, what is wrong with it is said there.
    if path.starts_with("inet:") || around.dovecot.asks_postern.is_none() {
        report.could_not_see(spoken(entry), format!("it asks a Dovecot elsewhere, at {path}"));
    }
}

/// The name of the configuration that libsasl reads.
fn by_cyrus(postfix: &Postfix, entry: &Entry, around: &Around<'_>, report: &mut Report) -> String {
    let name = postfix.of(entry, "smtpd_sasl_path").unwrap_or("smtpd").to_owned();
    let jail = entry
        .chrooted
        .then(|| PathBuf::from(postfix.main("queue_directory").unwrap_or("/var/spool/postfix")));
    let checker = match Application::read(&name, &directories(postfix), jail) {
        Ok(application) => application.examine(&around.sasl, report),
        Err(Missed::Absent) => Checker::Another(format!("libsasl itself: there is no {name}.conf")),
        Err(Missed::Forbidden) => {
            report.may_not_see(format!("{name}.conf of {}", spoken(entry)));
            return name;
        }
        Err(Missed::Failed(why)) => {
            report.could_not_see(format!("{name}.conf of {}", spoken(entry)), why);
            return name;
        }
    };
    match checker {
        Checker::Postern => permit(postfix, around, report),
        Checker::Another(whom) => report.found(
            &rules::POSTFIX_WITHOUT_POSTERN,
            format!("{} has passwords checked by {whom}.", spoken(entry)),
            Remedy::lines("As root; it prints the steps, and does none of them", ["postern setup postfix"]),
        ),
    }
    name
}

fn directories(postfix: &Postfix) -> Vec<PathBuf> {
    let own =
        postfix.main("cyrus_sasl_config_path").unwrap_or_default().split(':').filter(|path| !path.is_empty());
    // Debian's Postfix looks here first.
    let debian = Path::new("/etc/postfix/sasl");
    own.map(PathBuf::from).chain([debian.to_owned()]).chain(sasl::homes()).collect()
}

fn permit(postfix: &Postfix, around: &Around<'_>, report: &mut Report) {
    let user = postfix.main("mail_owner").unwrap_or("postfix");
    let uid = (around.uid_of)(user);
    let is_user = |named: &User| match named {
        User::Name(name) => name == user,
        User::Uid(number) => Some(*number) == uid,
    };
    let permits = &around.config.daemon.permits;
    if !permits.iter().any(|(named, permit)| is_user(named) && permit.covers(b"smtp")) {
        report.found(
            &rules::POSTFIX_NO_PERMIT,
            format!("postern.toml has no permit with which {user} may ask about smtp."),
            Remedy::lines(
                "At the end of postern.toml",
                [
                    "[[daemon.permit]]".to_owned(),
                    format!("user = {user:?}"),
                    "services = [\"smtp\"]".to_owned(),
                    "believe_address = true".to_owned(),
                ],
            )
            .then("systemctl reload postern"),
        );
    }
}

/// A Postfix that runs goes by what it has read.
pub(super) const RESTART: &str = "systemctl restart postfix";

fn cleartext(postfix: &Postfix, entry: &Entry, report: &mut Report) {
    let is = |key, word| postfix.of(entry, key) == Some(word);
    let encrypted = is("smtpd_tls_security_level", "encrypt")
        || is("smtpd_tls_wrappermode", "yes")
        || is("smtpd_tls_auth_only", "yes");
    if !encrypted {
        report.found(
            &rules::POSTFIX_CLEARTEXT,
            format!("{} takes passwords over connections without TLS.", spoken(entry)),
            Remedy::commands([
                &*format!("postconf -P {}/{}/smtpd_tls_auth_only=yes", entry.name, entry.kind),
                RESTART,
            ]),
        );
    }
}
