//! Dovecot: whose passdb answers, and whether its answer stands.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::doctor::finding::{Remedy, Report};
use crate::doctor::machine::{self, Missed};
use crate::doctor::pam::Services;
use crate::doctor::pam_file::DIRECTORY;
use crate::doctor::pam_stack::names_postern;
use crate::doctor::passdb::{Passdb, Release};
use crate::doctor::shipped::{self, RECOGNISED};
use crate::doctor::{rules, running};
use crate::hosts::{self, Block};

/// Listeners of Dovecot's own processes, which bring no passwords.
const INTERNAL: &[&str] = &[
    "auth-userdb",
    "auth-master",
    "auth-login",
    "auth-client",
    "auth",
    "auth-token",
    "login",
    "login/login",
    "token-login/tokenlogin",
    "tokenlogin",
];

/// Protocols that take a password.
const PROTOCOLS: &[&str] = &["imap", "pop3", "sieve", "submission"];

/// What Dovecot goes by.
pub struct Dovecot {
    /// Its language.
    pub release: Release,
    /// Its version, as it says it.
    pub version: String,
    /// The file with which its configuration begins.
    pub file: PathBuf,
    whole: hosts::Dovecot,
    passdbs: Vec<Passdb>,
    /// Of one protocol or one address alone, with the words for it.
    apart: Vec<(String, Passdb)>,
}

/// What others learn of it.
#[derive(Default)]
pub(super) struct Seen {
    /// PAM services that it asks.
    pub services: BTreeSet<String>,
    /// Whether its auth sockets lead to Postern; none where there is no Dovecot to be looked at.
    pub asks_postern: Option<bool>,
}

impl Dovecot {
    /// Reads what is in effect.
    pub(super) fn read() -> Result<Self, Missed> {
        let said = machine::ask("doveconf", &["-a"])?;
        let (version, file) = heading(said.lines().next().unwrap_or_default());
        let whole = hosts::Dovecot::read(&said);
        let release = release_of(&version);
        let settings = whole.settings();
        let passdbs =
            settings.of_kind("passdb").map(|block| Passdb::read(block, settings, release)).collect();
        let apart = apart(settings, settings, release);
        Ok(Self { release, version, file, whole, passdbs, apart })
    }

    pub(super) fn setting(&self, name: &str) -> Option<&str> {
        self.whole.settings().setting(name)
    }

    /// What a service may be logged in to by, in PAM's words.
    fn protocols(&self) -> Vec<&str> {
        let enabled = self.whole.protocols();
        let mut asked: Vec<&str> = PROTOCOLS.iter().filter(|each| enabled.contains(each)).copied().collect();
        if self.lends_its_socket() {
            asked.push("smtp");
        }
        asked
    }

    /// Whether a mail server asks through a socket of its own.
    fn lends_its_socket(&self) -> bool {
        let auth = self.whole.settings().of_kind("service").filter(|service| service.name == "auth");
        auth.flat_map(|service| &service.blocks).any(|listener| {
            let is_socket = listener.kind == "unix_listener" && listener.setting("mode") != Some("0");
            listener.kind == "inet_listener" || (is_socket && !INTERNAL.contains(&listener.name.as_str()))
        })
    }

    /// The PAM services that are asked.
    fn services(&self) -> BTreeSet<String> {
        let protocols = self.protocols();
        let of = |passdb: &Passdb| {
            protocols.iter().filter_map(|protocol| passdb.service_of(protocol)).collect::<Vec<_>>()
        };
        self.passdbs.iter().flat_map(of).collect()
    }

    fn asks_postern(&self, passdb: &Passdb, services: &Services) -> bool {
        let asked = self.protocols().into_iter().filter_map(|protocol| passdb.service_of(protocol));
        asked.into_iter().any(|service| services.auth(&service).is_some_and(names_postern))
    }
}

/// Version and file, such as `# 2.3.19.1 (9b53102964): /etc/dovecot/dovecot.conf`.
fn heading(line: &str) -> (String, PathBuf) {
    let said = line.trim_start_matches("# ");
    let version = said.split([' ', ':']).next().unwrap_or_default().to_owned();
    (version, said.split_once(": ").map_or_else(PathBuf::new, |(_, file)| PathBuf::from(file)))
}

/// The passdbs inside of blocks such as `protocol sieve`.
fn apart(outer: &Block, settings: &Block, release: Release) -> Vec<(String, Passdb)> {
    let mut found = Vec::new();
    for block in outer.blocks.iter().filter(|block| block.kind != "passdb") {
        let place = format!("{} {}", block.kind, block.name);
        let own = block.of_kind("passdb").map(|passdb| Passdb::read(passdb, settings, release));
        found.extend(own.map(|passdb| (place.clone(), passdb)));
        found.extend(apart(block, settings, release));
    }
    found
}

/// The language of the Dovecot that is installed.
#[must_use]
pub fn installed_release() -> Option<Release> {
    machine::ask("dovecot", &["--version"]).ok().map(|said| release_of(said.trim()))
}

/// 2.4 begins with 2.4; what cannot be read is taken for the older one.
fn release_of(version: &str) -> Release {
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
    let first = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if (2, 4) <= first { Release::New } else { Release::Old }
}

pub(super) fn examine(services: &Services, report: &mut Report) -> Seen {
    let dovecot = match Dovecot::read() {
        Ok(dovecot) => dovecot,
        Err(Missed::Absent) => {
            report.could_not_see("Dovecot", "doveconf is not installed");
            return Seen::default();
        }
        Err(Missed::Forbidden) => {
            report.may_not_see("Dovecot");
            return Seen::default();
        }
        Err(Missed::Failed(why)) => {
            report.could_not_see("Dovecot", why);
            return Seen::default();
        }
    };
    report.saw(format!("Dovecot {}", dovecot.version));
    cleartext(&dovecot, report);
    let ours = dovecot.passdbs.iter().position(|passdb| dovecot.asks_postern(passdb, services));
    match ours.and_then(|at| dovecot.passdbs.split_at_checked(at)) {
        Some((before, [ours, after @ ..])) => {
            let around = Around { before, ours, after };
            others(&around, report);
            guard(&dovecot, &around, report);
            others_apart(&dovecot, services, report);
            protocols(&dovecot, &around, services, report);
            cache(&dovecot, ours, report);
        }
        Some((_, [])) | None => without_postern(&dovecot, report),
    }
    masters(&dovecot, report);
    running::examine(&dovecot, report);
    Seen { services: dovecot.services(), asks_postern: Some(ours.is_some()) }
}

/// Our passdb among the others.
struct Around<'a> {
    before: &'a [Passdb],
    ours: &'a Passdb,
    after: &'a [Passdb],
}

impl Around<'_> {
    /// The passdb before ours that looks whether the service file is there.
    fn guard(&self) -> Option<&Passdb> {
        self.before.iter().find(|passdb| passdb.guards(self.ours))
    }

    fn is_guarded(&self) -> bool {
        self.guard().is_some()
    }
}

/// A Dovecot that runs goes by what it has read.
pub(super) const RESTART: &str = "systemctl restart dovecot";

fn without_postern(dovecot: &Dovecot, report: &mut Report) {
    if let Some(passdb) = dovecot.passdbs.iter().find(|passdb| passdb.grants()) {
        report.found(
            &rules::DOVECOT_WITHOUT_POSTERN,
            format!("No passdb of Dovecot asks Postern; {} decides.", passdb.spoken()),
            Remedy::lines("As root; it prints the steps, and does none of them", ["postern setup dovecot"]),
        );
    }
}

fn guard(dovecot: &Dovecot, around: &Around<'_>, report: &mut Report) {
    if around.guard().is_some_and(|guard| guard.looks_for() != RECOGNISED) {
        report.found(
            &rules::DOVECOT_GUARD_MANGLED,
            "Dovecot looks in the service files for a line that is not the shipped one: nobody logs in.",
            shipped::passdb(dovecot.release).then(RESTART),
        );
    }
}

fn others(around: &Around<'_>, report: &mut Report) {
    let reached = if around.ours.is_final() { &[] } else { around.after };
    for passdb in around.before.iter().chain(reached).filter(|passdb| passdb.grants()) {
        report.found(
            &rules::DOVECOT_SECOND_PASSDB,
            format!("Dovecot asks {} too, beside {}.", passdb.spoken(), around.ours.spoken()),
            Remedy::lines(
                &format!("In the block of {}, or take the whole block out", passdb.spoken()),
                ["deny = yes"],
            )
            .then(RESTART),
        );
    }
    if !around.ours.is_final() {
        report.found(
            &rules::DOVECOT_DENIAL_NOT_FINAL,
            format!("After a denial by {}, Dovecot goes on to the next passdb.", around.ours.spoken()),
            Remedy::lines(
                &format!("In the block of {}", around.ours.spoken()),
                ["result_failure = return-fail", "result_internalfail = return-fail"],
            )
            .then(RESTART),
        );
    }
}

/// Dovecot asks them before those of all protocols, so that a denial of ours, final or not, comes too late.
fn others_apart(dovecot: &Dovecot, services: &Services, report: &mut Report) {
    for (place, passdb) in dovecot.apart.iter().filter(|(_, passdb)| passdb.grants()) {
        if !dovecot.asks_postern(passdb, services) {
            report.found(
                &rules::DOVECOT_SECOND_PASSDB,
                format!("In {place}, Dovecot asks {} before all others.", passdb.spoken()),
                Remedy::lines(
                    &format!("In the block of {} in {place}, or take the whole block out", passdb.spoken()),
                    ["deny = yes"],
                )
                .then(RESTART),
            );
        }
    }
}

fn protocols(dovecot: &Dovecot, around: &Around<'_>, services: &Services, report: &mut Report) {
    if around.ours.has_one_service() {
        let line = match dovecot.release {
            Release::Old => "args = postern-%s",
            Release::New => "service_name = postern-%{protocol}",
        };
        report.found(
            &rules::DOVECOT_ONE_SERVICE,
            format!("{} has one service for all protocols.", capital(&around.ours.spoken())),
            Remedy::lines(&format!("In the block of {}", around.ours.spoken()), [line]).then(RESTART),
        );
    } else if !around.is_guarded() && services.other_accepts() {
        report.found(
            &rules::PAM_OTHER_ACCEPTS,
            format!("{DIRECTORY}/other takes passwords, and PAM goes there if a service file is missing."),
            Remedy::lines(
                &format!("In {DIRECTORY}/other, in the place of all its lines"),
                ["auth", "account", "password", "session"].map(|kind| format!("{kind} required pam_deny.so")),
            ),
        );
    }
    for protocol in dovecot.protocols() {
        if let Some(service) = around.ours.service_of(protocol) {
            service_file(protocol, &service, around, services, report);
        }
    }
}

fn service_file(
    protocol: &str,
    service: &str,
    around: &Around<'_>,
    services: &Services,
    report: &mut Report,
) {
    let file = format!("{DIRECTORY}/{service}");
    let Some(stack) = services.auth(service) else {
        let leads = match (around.is_guarded(), services.other_accepts()) {
            (false, true) => {
                format!("PAM takes {DIRECTORY}/other instead, which accepts the primary password alone")
            }
            _ => "nobody logs in there".to_owned(),
        };
        report.found(
            &rules::DOVECOT_SERVICE_MISSING,
            format!("Dovecot serves {protocol}, and {file} is missing: {leads}."),
            shipped::service(service),
        );
        return;
    };
    if !names_postern(stack) {
        report.found(
            &rules::DOVECOT_SERVICE_WITHOUT_POSTERN,
            format!("Dovecot serves {protocol}, and {file} does not ask Postern."),
            shipped::service(service),
        );
    } else if around.is_guarded() && !is_recognised(&file) {
        report.found(
            &rules::DOVECOT_SERVICE_UNRECOGNISED,
            format!("Dovecot looks into {file} for a line that is not there as it must be: nobody logs in by {protocol}."),
            shipped::service(service),
        );
    }
}

fn is_recognised(file: &str) -> bool {
    machine::read(file).is_ok_and(|text| text.lines().any(|line| line.trim_end() == RECOGNISED))
}

fn cache(dovecot: &Dovecot, ours: &Passdb, report: &mut Report) {
    let size = dovecot.whole.settings().setting("auth_cache_size").unwrap_or("0");
    if !ours.caches()
        || size
            .trim_start_matches('0')
            .trim_start()
            .chars()
            .next()
            .is_none_or(|first| !first.is_ascii_digit())
    {
        return;
    }
    let (what, place, line) = match dovecot.release {
        Release::Old => {
            ("it has a cache_key", "In the block of our passdb, without cache_key", "args = postern-%s")
        }
        Release::New => {
            ("2.4 caches unless it is told not to", "In the block of our passdb", "use_cache = no")
        }
    };
    report.found(
        &rules::DOVECOT_AUTH_CACHE,
        format!("auth_cache_size is {size}, and Dovecot caches what {} said: {what}.", ours.spoken()),
        Remedy::lines(place, [line]).then(RESTART),
    );
}

fn masters(dovecot: &Dovecot, report: &mut Report) {
    let apart = dovecot.apart.iter().map(|(_, passdb)| passdb);
    for passdb in dovecot.passdbs.iter().chain(apart).filter(|passdb| passdb.is_master()) {
        report.found(
            &rules::DOVECOT_MASTER,
            format!("{} lets master users into every mailbox.", capital(&passdb.spoken())),
            Remedy::lines("In the block of that passdb, or take the whole block out", ["deny = yes"])
                .then(RESTART),
        );
    }
}

fn cleartext(dovecot: &Dovecot, report: &mut Report) {
    let is = |key, word| dovecot.whole.settings().setting(key) == Some(word);
    let (open, line) = match dovecot.release {
        Release::Old => (is("disable_plaintext_auth", "no"), "disable_plaintext_auth = yes"),
        Release::New => (is("auth_allow_cleartext", "yes"), "auth_allow_cleartext = no"),
    };
    if (open && !is("ssl", "required")) || is("ssl", "no") {
        let line = if is("ssl", "no") { "ssl = required" } else { line };
        report.found(
            &rules::DOVECOT_CLEARTEXT,
            "Dovecot takes passwords over connections without TLS.",
            Remedy::lines("In /etc/dovecot/conf.d/10-auth.conf or 10-ssl.conf, wherever it is set", [line])
                .then(RESTART),
        );
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
