//! Configurations of Cyrus SASL's applications: who checks the password there.
//!
//! Knows: the options of libsasl that decide it, and ours.
//! Never: what an application does with the answer.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::doctor::finding::{Remedy, Report};
use crate::doctor::machine::{self, Missed};
use crate::doctor::pam::Services;
use crate::doctor::postfix;
use crate::doctor::rules;
use crate::doctor::saslauthd::{self, Saslauthd};
use crate::doctor::sockets::{Kind, Sockets};

/// Where libsasl looks for configurations, and below which for plug-ins.
const HOMES: &[&str] = &["/etc/sasl2", "/usr/lib/sasl2"];

/// Methods that libsasl knows. Others check nothing.
const METHODS: &[&str] = &[
    "auxprop",
    "auxprop-hashed",
    "saslauthd",
    "pwcheck",
    "authdaemond",
    "alwaystrue",
    "sasldb",
    "shadow",
    "pam",
];

/// What checks no password of anybody's.
const KEYLESS: &[&str] = &["EXTERNAL", "GSSAPI", "GS2-KRB5", "GSS-SPNEGO", "ANONYMOUS"];

/// The configuration of one application.
pub(super) struct Application {
    /// As libsasl knows it, such as `smtpd`.
    pub name: String,
    file: PathBuf,
    options: BTreeMap<String, String>,
    /// What it takes for the root directory.
    pub jail: Option<PathBuf>,
}

/// Who checks passwords there.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Checker {
    Postern,
    Another(String),
}

impl Application {
    /// Reads the first configuration of that name in these directories.
    pub(super) fn read(name: &str, directories: &[PathBuf], jail: Option<PathBuf>) -> Result<Self, Missed> {
        let file =
            directories.iter().map(|each| each.join(format!("{name}.conf"))).find(|file| file.exists());
        let file = file.ok_or(Missed::Absent)?;
        let text = machine::read(&file)?;
        let option = |line: &str| {
            let (key, value) = line.split_once(':')?;
            (!line.starts_with('#')).then(|| (key.trim().to_owned(), value.trim().to_owned()))
        };
        Ok(Self { name: name.to_owned(), file, options: text.lines().filter_map(option).collect(), jail })
    }

    fn option(&self, key: &str) -> Option<&str> {
        self.options.get(key).map(String::as_str)
    }

    fn enables_postern(&self) -> bool {
        let no = ["no", "off", "false", "0", "n", "f", ""];
        self.option("postern_enable")
            .is_some_and(|said| !no.iter().any(|word| said.eq_ignore_ascii_case(word)))
    }

    /// The mechanisms that are offered; all that there are, if none are named.
    fn mechanisms(&self) -> Option<Vec<String>> {
        self.option("mech_list").map(|list| list.split_whitespace().map(str::to_ascii_uppercase).collect())
    }

    fn takes_no_password(&self) -> bool {
        self.mechanisms().is_some_and(|all| all.iter().all(|each| KEYLESS.contains(&each.as_str())))
    }

    /// A path as the rest of the machine knows it.
    fn outside(&self, path: &str) -> PathBuf {
        match &self.jail {
            Some(jail) => jail.join(path.trim_start_matches('/')),
            None => PathBuf::from(path),
        }
    }

    /// Who checks, and what is wrong about how.
    pub(super) fn examine(&self, ground: &Judged<'_>, report: &mut Report) -> Checker {
        if self.enables_postern() {
            self.plugin(ground, report);
            return Checker::Postern;
        }
        let methods = self.option("pwcheck_method").unwrap_or("auxprop");
        let asked = methods.split_whitespace().find(|method| METHODS.contains(method));
        match asked {
            None => Checker::Another("nobody".to_owned()),
            Some("saslauthd") => self.by_saslauthd(ground, report),
            Some(method) => Checker::Another(format!("libsasl itself ({method})")),
        }
    }

    fn plugin(&self, ground: &Judged<'_>, report: &mut Report) {
        let file = self.file.display();
        if !plugin_is_installed() {
            report.found(
                &rules::SASL_PLUGIN_MISSING,
                format!("{file} enables Postern, and libpostern.so is not among libsasl's plug-ins."),
                Remedy::commands(["apt install libsasl2-modules-postern"]),
            );
        }
        if let Some(method) = self.stock_method(ground) {
            report.found(
                &rules::SASL_STOCK_PLAIN,
                format!("In {file}, pwcheck_method is {method}: libsasl's own PLAIN could answer."),
                self.line("pwcheck_method: postern_is_not_loaded"),
            );
        }
        self.only_plain(report);
        if self.option("postern_store").is_none() {
            let socket = self.option("postern_socket").unwrap_or("/run/postern/verify");
            self.socket(socket, Kind::Packets, ground, report);
        }
    }

    /// The method by which stock PLAIN would check a password, if there is one that is not ours.
    fn stock_method(&self, ground: &Judged<'_>) -> Option<String> {
        let Some(methods) = self.option("pwcheck_method") else {
            return Some("auxprop, the default".to_owned());
        };
        let known = methods.split_whitespace().filter(|method| METHODS.contains(method));
        let ours = self.outside(self.option("saslauthd_path").unwrap_or(saslauthd::MUX));
        known
            .filter(|method| *method != "saslauthd" || !ground.sockets.speak_saslauthd(&ours))
            .map(str::to_owned)
            .next()
    }

    fn only_plain(&self, report: &mut Report) {
        let file = self.file.display();
        let what = match self.mechanisms() {
            None => format!("{file} has no mech_list: every mechanism of libsasl's is offered."),
            Some(all) => match all.iter().find(|each| !["PLAIN", "LOGIN"].contains(&each.as_str())) {
                None => return,
                Some(_) => format!("In {file}, mech_list has more than PLAIN and LOGIN."),
            },
        };
        report.found(&rules::SASL_OTHER_MECHANISMS, what, self.line("mech_list: PLAIN LOGIN"));
    }

    fn by_saslauthd(&self, ground: &Judged<'_>, report: &mut Report) -> Checker {
        let path = self.option("saslauthd_path").unwrap_or(saslauthd::MUX);
        let outside = self.outside(path);
        if ground.sockets.speak_saslauthd(&outside) {
            self.only_plain(report);
            self.socket(path, Kind::Stream, ground, report);
            return Checker::Postern;
        }
        let Some(daemon) = Saslauthd::at(&outside) else {
            return Checker::Another(format!("whoever listens at {}", outside.display()));
        };
        if !daemon.asks_postern(self.service(), ground.services) {
            return Checker::Another("saslauthd".to_owned());
        }
        self.only_plain(report);
        daemon.examine(report);
        Checker::Postern
    }

    /// The PAM service that an application's name stands for.
    fn service(&self) -> &str {
        if self.name.starts_with("smtpd") { "smtp" } else { &self.name }
    }

    fn socket(&self, path: &str, kind: Kind, ground: &Judged<'_>, report: &mut Report) {
        let outside = self.outside(path);
        if ground.sockets.answers(&outside, kind) {
            return;
        }
        let seen = match &self.jail {
            Some(jail) => format!("From inside {}, {path} is {}", jail.display(), outside.display()),
            None => format!("{} names {path}", self.file.display()),
        };
        report.found(
            &rules::POSTFIX_SOCKET,
            format!("{seen}, and nobody answers there."),
            self.for_socket(path, kind, ground),
        );
    }
}

/// Where the shipped unit listens for a jail, as seen from inside.
const IN_JAIL: &str = "/postern/verify";

impl Application {
    fn for_socket(&self, path: &str, kind: Kind, ground: &Judged<'_>) -> Remedy {
        match (kind, &self.jail) {
            (Kind::Packets, Some(_)) if path != IN_JAIL => self.line(&format!("postern_socket: {IN_JAIL}")),
            (Kind::Packets, _) => Remedy::commands(["systemctl enable --now postern.socket"]),
            (Kind::Stream, _) => Remedy::lines(
                "In postern.toml, under [daemon]; its unit must let posternd write there (ReadWritePaths=)",
                [format!("saslauthd = [{}]", ground.sockets.saslauthd_with(&self.outside(path)))],
            )
            .then("systemctl restart postern"),
        }
    }

    /// A line of its file, in the place of one that speaks of the same.
    fn line(&self, line: &str) -> Remedy {
        let option = line.split(':').next().unwrap_or(line);
        let place = format!("In {}, in the place of its line of {option} if it has one", self.file.display());
        self.restarted(Remedy::lines(&place, [line]))
    }

    /// libsasl reads its file when the application starts.
    fn restarted(&self, remedy: Remedy) -> Remedy {
        if self.name.starts_with("smtpd") {
            return remedy.then(postfix::RESTART);
        }
        Remedy { place: format!("{}; then restart {}", remedy.place, self.name), ..remedy }
    }
}

/// What an application is judged by.
pub(super) struct Judged<'a> {
    pub sockets: &'a Sockets,
    pub services: &'a Services,
}

/// Applications but those that are judged where they are asked.
pub(super) fn others(ground: &Judged<'_>, judged: &[String], report: &mut Report) {
    for directory in homes() {
        for file in machine::names_in(&directory) {
            let Some(name) =
                file.strip_suffix(".conf").filter(|name| !judged.iter().any(|each| each == name))
            else {
                continue;
            };
            let Ok(application) = Application::read(name, std::slice::from_ref(&directory), None) else {
                report.could_not_see(directory.join(&file).display().to_string(), "it cannot be read");
                continue;
            };
            if application.takes_no_password() {
                continue;
            }
            if let Checker::Another(whom) = application.examine(ground, report) {
                report.found(
                    &rules::SASL_SIDE_DOOR,
                    format!("{} has passwords checked by {whom}.", application.file.display()),
                    application.restarted(Remedy::lines(
                        &format!("In {}, in the place of what is there", application.file.display()),
                        [
                            "postern_enable: yes",
                            "mech_list: PLAIN LOGIN",
                            "pwcheck_method: postern_is_not_loaded",
                        ],
                    )),
                );
            }
        }
    }
}

/// The directories of libsasl, Debian's among them, which has one for each architecture.
pub(super) fn homes() -> Vec<PathBuf> {
    let by_architecture =
        machine::names_in("/usr/lib").into_iter().map(|name| Path::new("/usr/lib").join(name).join("sasl2"));
    HOMES.iter().map(PathBuf::from).chain(by_architecture).filter(|home| home.is_dir()).collect()
}

fn plugin_is_installed() -> bool {
    homes().iter().any(|home| home.join("libpostern.so").is_file())
}
