//! Hints on a site where posternd is a user of its own, whose store and key are not root's.
//!
//! Knows: what root types there to act as that user, and how that user gets at a file of root's.
//! Never: runs anything as somebody else.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::backend::DAEMON_USER;
use crate::cli::failure::Failure;
use crate::cli::{World, text};
use crate::config::{FileError, KeyError};
use crate::run::RunError;
use crate::store::StoreError;
use crate::verifier::Unavailable;

/// What to type instead, where the failure comes from being the wrong one of the two.
pub(super) fn hint(world: &World<'_>, failure: &Failure, typed: &[OsString]) -> Option<String> {
    let daemon = (world.uid_of)(DAEMON_USER)?;
    between(world.effective_uid, daemon, failure, typed)
}

fn between(me: u32, daemon: u32, failure: &Failure, typed: &[OsString]) -> Option<String> {
    match (me, daemon) {
        (_, 0) => None,
        (0, _) if is_about_files_of(daemon, failure) => {
            Some(format!("posternd has a user of its own here, whose files they are: `{}`", as_daemon(typed)))
        }
        (_, _) if me == daemon => out_of_reach(failure, typed),
        (_, _) => None,
    }
}

/// To take the files away from that user would end the service.
fn is_about_files_of(daemon: u32, failure: &Failure) -> bool {
    let owns = |path: &Path| fs::symlink_metadata(path).is_ok_and(|found| found.uid() == daemon);
    let Failure::Unavailable(why) = failure else {
        return false;
    };
    if let Unavailable::Key(KeyError::File(_, FileError::ForeignOwner(uid))) = why {
        return *uid == daemon;
    }
    matches!(
        why,
        Unavailable::Store(StoreError::Untrusted(path, _)) | Unavailable::Run(RunError::Untrusted(path, _))
            if owns(path)
    )
}

/// Root's shell opens what that user may not.
fn out_of_reach(failure: &Failure, typed: &[OsString]) -> Option<String> {
    let named = |path: &Path| typed.iter().any(|word| word == path.as_os_str());
    if !failure.is_forbidden() {
        return None;
    }
    if let Failure::Place(path, _) = failure {
        return named(path).then(|| by_stdin(path.as_os_str(), typed));
    }
    let in_named = |path: &Path| path.ancestors().any(named);
    matches!(failure, Failure::Unavailable(Unavailable::Store(StoreError::Io(path, _))) if in_named(path))
        .then(|| {
            format!(
                "{DAEMON_USER} may not do that there; as root, make it a directory of its own: \
                 `install -d -o {DAEMON_USER} -g {DAEMON_USER} -m 700 /var/backups/postern`"
            )
        })
}

fn by_stdin(path: &OsStr, typed: &[OsString]) -> String {
    let words: Vec<OsString> =
        typed.iter().map(|word| if word == path { "-".into() } else { word.clone() }).collect();
    format!("as root, hand it over on stdin: `{} <{}`", as_daemon(&words), word(path))
}

/// The command that was typed, as that user. sudo(8) is not everywhere; runuser(1) is.
fn as_daemon(typed: &[OsString]) -> String {
    let words: Vec<String> = typed.iter().skip(1).map(|typed| word(typed)).collect();
    format!("runuser -u {DAEMON_USER} -- postern {}", words.join(" "))
}

fn word(typed: &OsStr) -> String {
    text::shell_word(&typed.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use std::io::{self, ErrorKind};

    use super::*;

    const DAEMON: u32 = 997;

    #[track_caller]
    fn check(me: u32, failure: &Failure, typed: &str, expected: Option<&str>) {
        let typed: Vec<OsString> = typed.split(' ').map(OsString::from).collect();
        let hint = between(me, DAEMON, failure, &typed);
        let commands = hint.as_ref().and_then(|hint| hint.split('`').nth(1));
        assert_eq!(commands, expected, "{hint:?}");
    }

    fn foreign_key(owner: u32) -> Failure {
        KeyError::File("/k".into(), FileError::ForeignOwner(owner)).into()
    }

    #[test]
    fn root_is_told_to_act_as_the_owner_of_the_store() {
        let command = "/usr/bin/postern app list alice";
        check(0, &foreign_key(DAEMON), command, Some("runuser -u _postern -- postern app list alice"));
        check(0, &foreign_key(1000), command, None);
        check(1000, &foreign_key(DAEMON), command, None);
        let open = |path: &str| Failure::from(StoreError::Untrusted(path.into(), "belongs to another user"));
        check(0, &open("/etc/passwd"), command, None);
        assert_eq!(between(0, 0, &foreign_key(0), &[]), None);
    }

    #[test]
    fn what_the_owner_of_the_store_may_not_read_comes_by_stdin() {
        let denied = || io::Error::from(ErrorKind::PermissionDenied);
        let place = Failure::Place("/srv/copy".into(), denied());
        let pipe = "runuser -u _postern -- postern key verify - </srv/copy";
        check(DAEMON, &place, "postern key verify /srv/copy", Some(pipe));
        check(0, &place, "postern key verify /srv/copy", None);
        check(DAEMON, &place, "postern init", None);
        let store = Failure::from(StoreError::Io("/srv/postern-1.db".into(), denied()));
        let directory = "install -d -o _postern -g _postern -m 700 /var/backups/postern";
        check(DAEMON, &store, "postern backup /srv", Some(directory));
        check(DAEMON, &store, "postern account list", None);
    }
}
