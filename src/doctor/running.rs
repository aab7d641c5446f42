//! The Dovecot that runs: whether it has read what doveconf(1) shows.
//!
//! Knows: what Dovecot makes anew each time that it reads its configuration.
//! Never: asks a process of Dovecot's anything.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::doctor::dovecot::{Dovecot, RESTART};
use crate::doctor::finding::{Remedy, Report};
use crate::doctor::{machine, rules};

/// Where Dovecot has its sockets unless it is told otherwise; 2.4 does not say what is as usual.
const USUAL_BASE: &str = "/run/dovecot";

pub(super) fn examine(dovecot: &Dovecot, report: &mut Report) {
    let base = dovecot.setting("base_dir").unwrap_or(USUAL_BASE);
    let (Some(read), Some((changed, file))) = (read_at(Path::new(base)), last_changed(&dovecot.file)) else {
        return;
    };
    if read < changed {
        report.found(
            &rules::DOVECOT_NOT_RESTARTED,
            format!("{} was changed after the Dovecot that runs had read its configuration.", file.display()),
            Remedy::commands([RESTART]),
        );
    }
}

/// When a Dovecot that runs has read its configuration: it makes its sockets anew at every start and reload.
fn read_at(base: &Path) -> Option<SystemTime> {
    let process = machine::read(base.join("master.pid")).ok()?;
    let name = machine::read(Path::new("/proc").join(process.trim()).join("comm")).ok()?;
    let made =
        ["master.pid", "auth-client", "auth-login"].iter().filter_map(|one| machine::changed(base.join(one)));
    (name.trim() == "dovecot").then(|| made.max())?
}

/// The last file to be changed, of those that lie around the first one.
fn last_changed(first: &Path) -> Option<(SystemTime, PathBuf)> {
    let home = first.parent()?;
    let below = machine::names_in(home).into_iter().map(|name| home.join(name)).filter(|path| path.is_dir());
    let files = below.chain([home.to_owned()]).flat_map(|directory| {
        let names = machine::names_in(&directory).into_iter().filter(|name| is_read(name));
        names.map(move |name| directory.join(name)).collect::<Vec<_>>()
    });
    files.filter_map(|file| Some((machine::changed(&file)?, file))).max()
}

/// What an editor leaves behind is not read.
fn is_read(name: &str) -> bool {
    !name.starts_with('.') && (name.ends_with(".conf") || name.ends_with(".ext"))
}
