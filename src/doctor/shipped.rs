//! What Postern ships for others, and the commands that put it where it belongs.
//!
//! Knows: where the package lies, and that a tab does not survive every paste.
//! Never: whether it is needed.

use std::path::Path;

use crate::doctor::finding::Remedy;
use crate::doctor::pam_file::DIRECTORY;

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
