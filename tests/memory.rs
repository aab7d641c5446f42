//! Logins under valgrind, in C hosts: no memory error, and no octet more in use after many logins than after a few.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

#[path = "support/site.rs"]
mod site;
#[path = "sasl_plugin/host.rs"]
mod host;

use std::fs;
use std::io::Write;
use std::process::Command;

use host::{Host, Plugins, fed, sasl_host};
use site::Site;

#[test]
fn logins_through_sasl_neither_err_nor_leak() {
    let host = Host::with_alice();
    let phone = host.site.app_password("alice", "phone", "smtp");
    let (granted, acting) = (format!("\0alice\0{phone}"), format!("bob\0alice\0{phone}"));
    for (words, messages) in [
        (&["PLAIN", "initial"][..], &[granted.as_bytes()][..]),
        (&["PLAIN"], &[acting.as_bytes()]),
        (&["LOGIN"], &[b"alice", phone.as_bytes()]),
        (&["LOGIN"], &[b"alice", b"\0"]),
        (&["LOGIN"], &[b"alice"]),
    ] {
        settles(|log, times| {
            let mut command = Command::new("valgrind");
            command.args(valgrind(log)).arg(sasl_host()).args(words).arg(times);
            command.envs(host.environment(Plugins::StockFirst));
            fed(command, messages).unwrap().0
        });
    }
}

#[test]
fn logins_through_pam_neither_err_nor_leak() {
    let site = Site::with_alice();
    site.service("postern-imap", "");
    let phone = site.app_password("alice", "phone", "imap");
    for secret in [phone.as_str(), "x7qm-2x9d"] {
        settles(|log, times| {
            let words = valgrind(log).join(" ");
            let in_valgrind = format!("exec valgrind {words} \"$0\" \"$@\"");
            let mut host = site.pam_host_in(&in_valgrind, "postern-imap", "alice", &["setcred", times]);
            host.stdin.take().unwrap().write_all(secret.as_bytes()).unwrap();
            let output = host.wait_with_output().unwrap();
            assert!(output.status.success(), "{:?}", output.status);
            String::from_utf8_lossy(&output.stdout).into_owned()
        });
    }
}

/// Runs a few logins and many; what is in use at the end is the same.
#[track_caller]
fn settles(run: impl Fn(&str, &str) -> String) {
    let directory = tempfile::tempdir().unwrap();
    let log = directory.path().join("valgrind");
    let in_use_after = |logins: usize| {
        let said = run(log.to_str().unwrap(), &format!("times={logins}"));
        assert_eq!(said.lines().count(), logins, "{said}");
        let report = fs::read_to_string(&log).unwrap();
        assert!(report.contains("ERROR SUMMARY: 0 errors"), "{report}");
        let (_, in_use) = report.split_once("in use at exit: ").unwrap();
        in_use.lines().next().unwrap().to_owned()
    };
    assert_eq!(in_use_after(2), in_use_after(5));
}

fn valgrind(log: &str) -> [String; 3] {
    [
        "--leak-check=full".to_owned(),
        "--errors-for-leak-kinds=definite".to_owned(),
        format!("--log-file={log}"),
    ]
}
