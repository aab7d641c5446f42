//! What Postern ships for others, and the commands that put it where it belongs.
//!
//! Knows: where the package lies, and that a tab does not survive every paste.
//! Never: whether it is needed.

use std::path::{Path, PathBuf};

use crate::doctor::finding::Remedy;
use crate::doctor::machine;
use crate::doctor::pam_file::DIRECTORY;
use crate::doctor::passdb::Release;

/// Where examples lie.
const EXAMPLES: &str = "/usr/share/doc/postern/examples";

/// Where service files lie as they were shipped.
const SERVICES: &str = "/usr/lib/pam.d";

/// The line of a service file for which the guard of the shipped example looks.
pub(super) const RECOGNISED: &str = "auth\trequired\tpam_postern.so";

/// Makes a service file what it was, or makes it.
pub(super) fn service(name: &str) -> Remedy {
    service_again(name).unwrap_or_else(|| {
        // printf(1) makes the tabs, since a terminal may hand on blanks.
        let lines = format!("{RECOGNISED}\naccount\trequired\tpam_postern.so\n");
        let lines = lines.replace('\t', r"\t").replace('\n', r"\n");
        Remedy::commands([format!("printf '{lines}' >{DIRECTORY}/{name}")])
    })
}

/// The same for a service that the package has; there are others, whose files are not known here.
pub(super) fn service_again(name: &str) -> Option<Remedy> {
    let shipped = Path::new(SERVICES).join(name);
    let command = || format!("install -m 644 {} {DIRECTORY}/", shipped.display());
    (name.starts_with("postern-") && shipped.is_file()).then(|| Remedy::commands([command()]))
}

/// Where the example of Dovecot's is put.
const PASSDB: &str = "/etc/dovecot/conf.d/auth-postern.conf.ext";

/// Gives the example of Dovecot's its tabs again. A site may have its own userdb there, so that it is left where it can be.
pub(super) fn passdb(release: Release) -> Remedy {
    let words: Vec<&str> = RECOGNISED.split('\t').collect();
    let has_blanks = |line: &str| {
        let line: Vec<&str> = line.split(['=', ' ', '\t']).filter(|word| !word.is_empty()).collect();
        line.windows(words.len()).any(|some| some == words)
            && line.iter().any(|word| word.ends_with("username_format"))
    };
    if machine::read(PASSDB).is_ok_and(|text| text.lines().any(has_blanks)) {
        let (blanks, tabs) = (words.join(r"[[:blank:]]\+"), words.join(r"\t"));
        return Remedy::commands([format!("sed -i '/username_format/s/{blanks}/{tabs}/' {PASSDB}")]);
    }
    let example = match release {
        Release::Old => "dovecot-2.3/auth-postern.conf.ext",
        Release::New => "dovecot-2.4/auth-postern.conf.ext",
    };
    match installed_example(example) {
        Some(file) => Remedy::lines(
            "As root; a userdb of your own goes into it again",
            [format!("install -m 644 {} {PASSDB}", file.display())],
        ),
        None => {
            Remedy::lines("As root; it prints the steps, and does none of them", ["postern setup dovecot"])
        }
    }
}

/// A shipped example, where it has been installed.
#[must_use]
pub fn installed_example(name: &str) -> Option<PathBuf> {
    let file = Path::new(EXAMPLES).join(name);
    file.is_file().then_some(file)
}
