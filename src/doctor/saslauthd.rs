//! saslauthd(8) of Cyrus SASL, as Debian starts it.

use std::path::{Path, PathBuf};

use crate::doctor::finding::{Remedy, Report};
use crate::doctor::machine;
use crate::doctor::pam::Services;
use crate::doctor::pam_stack::{may_pass_without_postern, names_postern};
use crate::doctor::rules;

/// Where libsasl looks for it unless it is told otherwise.
pub(super) const MUX: &str = "/var/run/saslauthd/mux";

/// Instances are `saslauthd` and `saslauthd-NAME` here.
const DEFAULTS: &str = "/etc/default";

/// One instance.
pub(super) struct Saslauthd {
    file: PathBuf,
    mechanism: String,
    options: String,
}

impl Saslauthd {
    /// The instance that listens at a socket.
    pub(super) fn at(mux: &Path) -> Option<Self> {
        let mine = |instance: &Self| instance.directory().is_some_and(|own| same(&own.join("mux"), mux));
        Self::instances().into_iter().find(mine)
    }

    fn instances() -> Vec<Self> {
        let names = machine::names_in(DEFAULTS);
        let files = names.iter().filter(|name| *name == "saslauthd" || name.starts_with("saslauthd-"));
        files.filter_map(|name| Self::read(&Path::new(DEFAULTS).join(name))).collect()
    }

    fn read(file: &Path) -> Option<Self> {
        let text = machine::read(file).ok()?;
        let value = |name: &str| {
            let mut lines = text.lines().filter_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='));
            lines.next_back().map(|said| said.trim_matches(['"', '\'', ' ']).to_owned()).unwrap_or_default()
        };
        Some(Self { file: file.to_owned(), mechanism: value("MECHANISMS"), options: value("OPTIONS") })
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        self.options.split_whitespace()
    }

    /// `-m DIR`, in one word or two.
    fn directory(&self) -> Option<PathBuf> {
        let mut words = self.words();
        while let Some(word) = words.next() {
            match word.strip_prefix("-m") {
                Some("") => return words.next().map(PathBuf::from),
                Some(joined) => return Some(PathBuf::from(joined)),
                None => {}
            }
        }
        Path::new(MUX).parent().map(Path::to_owned)
    }

    /// Whether an application's passwords reach Postern through PAM.
    pub(super) fn asks_postern(&self, service: &str, services: &Services) -> bool {
        let by_postern = |stack| names_postern(stack) && !may_pass_without_postern(stack);
        self.mechanism == "pam" && services.auth(service).is_some_and(by_postern)
    }

    /// Debian's unit, which is called as its file is.
    fn unit(&self) -> &str {
        self.file.file_name().and_then(|name| name.to_str()).unwrap_or("saslauthd")
    }

    pub(super) fn examine(&self, report: &mut Report) {
        let caches = |word: &str| {
            word.starts_with('-') && !word.starts_with("--") && word.contains('c') && !word.starts_with("-m")
        };
        if self.words().any(caches) {
            let kept: Vec<&str> = self.words().filter(|word| *word != "-c").collect();
            report.found(
                &rules::SASLAUTHD_CACHE,
                format!("{} starts saslauthd with -c, which caches what Postern said.", self.file.display()),
                Remedy::lines(
                    &format!("In {}, in the place of its line of OPTIONS", self.file.display()),
                    [format!("OPTIONS=\"{}\"", kept.join(" "))],
                )
                .then(&format!("systemctl restart {}", self.unit())),
            );
        }
    }
}

/// `/var/run` is `/run`.
fn same(one: &Path, other: &Path) -> bool {
    let plain = |path: &Path| path.to_string_lossy().replace("/var/run/", "/run/");
    plain(one) == plain(other)
}
