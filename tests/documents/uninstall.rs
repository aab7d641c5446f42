//! The way back: what an installation by hand puts there, and what the README does to PAM, goes again.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

use super::blocks;

const BOTH: [&str; 2] = ["sshd", "sudo"];

#[test]
fn an_uninstallation_leaves_configuration_alone() {
    let root = installed();
    let before = files(root.path());
    assert!(before.contains("usr/bin/postern") && before.contains("etc/pam.d/postern-imap"), "{before:?}");
    let done = make("uninstall", root.path());
    assert!(done.status.success(), "{done:?}");
    let configuration: BTreeSet<String> =
        before.into_iter().filter(|path| path.starts_with("etc/")).collect();
    assert_eq!(files(root.path()), configuration);
    assert!(!root.path().join("usr/share/doc/postern").exists());
}

#[test]
fn what_packages_have_brought_is_left_to_them() {
    let root = installed();
    let before = files(root.path());
    let dpkg = root.path().with_extension("dpkg");
    let owner =
        "#!/bin/sh\nprintf 'libpam-postern:amd64: %s\\n' \"$2\"\nprintf 'postern: %s\\n' \"$4\"\nexit 1\n";
    fs::write(&dpkg, owner).unwrap();
    let refused =
        making("uninstall", root.path()).arg(format!("DPKG=sh {}", dpkg.display())).output().unwrap();
    fs::remove_file(&dpkg).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("apt remove libpam-postern:amd64 postern\n"), "{said}");
    assert_eq!(files(root.path()), before);
}

#[test]
fn nothing_is_removed_as_long_as_something_asks_for_it() {
    let root = installed();
    for (path, asks, asks_not) in [
        ("etc/pam.d/sudo", "auth required pam_postern.so prompt\n", "#auth required pam_postern.so\n"),
        ("etc/pam.d/webmail", "@include postern-imap\n", "@include common-auth\n"),
        ("etc/dovecot/conf.d/10-auth.conf", "  args = postern-%s\n", "  # args = postern-%s\n"),
        ("etc/postfix/sasl/smtpd.conf", "postern_enable: yes\n", "mech_list: PLAIN\n"),
    ] {
        let place = root.path().join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(&place, asks).unwrap();
        let before = files(root.path());
        let done = make("uninstall", root.path());
        assert!(!done.status.success(), "{path}: {done:?}");
        assert!(String::from_utf8_lossy(&done.stderr).contains(path), "{path}: {done:?}");
        assert_eq!(files(root.path()), before, "{path}");
        fs::write(&place, asks_not).unwrap();
    }
    assert!(make("uninstall", root.path()).status.success());
}

#[test]
fn what_the_readme_does_to_sshd_and_sudo_it_takes_back() {
    const DEBIAN: &str =
        "# PAM\n@include common-auth\naccount required pam_nologin.so\n@include common-account\n";
    let shown = blocks::blocks().into_iter().filter(|block| block.place.starts_with("README.md"));
    let steps: Vec<String> =
        shown.flat_map(|block| block.lines).filter(|line| line.contains(" /etc/pam.d/s")).collect();
    let (back, forth): (Vec<_>, Vec<_>) =
        steps.iter().partition(|step| step.contains("/@include common-auth/"));
    assert_eq!((back.len(), forth.len()), (2, 3), "{steps:?}");
    for there in forth {
        for again in &back {
            let place = tempfile::tempdir().unwrap();
            for name in BOTH {
                fs::write(place.path().join(name), DEBIAN).unwrap();
            }
            shell(there, place.path());
            assert_ne!(both(place.path()), [DEBIAN, DEBIAN], "{there}");
            shell(again, place.path());
            assert_eq!(both(place.path()), [DEBIAN, DEBIAN], "{there}, then {again}");
        }
    }
}

fn installed() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let done = make("install", root.path());
    assert!(done.status.success(), "{done:?}");
    root
}

/// With what cargo has built for the tests; no place of a module matters here, only that it is a file.
fn make(target: &str, root: &Path) -> Output {
    making(target, root).output().unwrap()
}

fn making(target: &str, root: &Path) -> Command {
    let command = env!("CARGO_BIN_EXE_postern");
    let mut make = Command::new("make");
    make.env_remove("MAKEFLAGS")
        .args(["--silent", target, "SASLDIR=/usr/lib/sasl2"])
        .arg(format!("DESTDIR={}", root.display()))
        .args(["MODULE", "COMMAND", "DAEMON"].map(|name| format!("{name}={command}")));
    make
}

/// Whatever is no folder, relative to the root.
fn files(root: &Path) -> BTreeSet<String> {
    let found =
        Command::new("find").arg(root).args(["!", "-type", "d", "-printf", "%P\\n"]).output().unwrap();
    String::from_utf8(found.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn shell(step: &str, place: &Path) {
    let step = step.trim_start_matches("sudo ").replace("/etc/pam.d", &place.display().to_string());
    assert!(Command::new("sh").args(["-c", &step]).status().unwrap().success(), "{step}");
}

fn both(place: &Path) -> [String; 2] {
    BOTH.map(|name| fs::read_to_string(place.join(name)).unwrap())
}
