//! The filter for fail2ban, run by fail2ban itself over lines that Postern writes.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use postern::audit::{Event, Folded, Path, Subject};
use postern::domain::attempt::Door;

const FILTER: &str = "packaging/fail2ban/filter.d/postern.conf";

/// Every reason, and whether it counts.
const REASONS: [(&str, bool); 26] = [
    ("malformed", false),
    ("other-identity", false),
    ("mistyped", false),
    ("unknown-app-password", false),
    ("other-account", false),
    ("revoked", false),
    ("expired", false),
    ("out-of-scope", false),
    ("outside-networks", false),
    ("unknown-account", true),
    ("empty-primary", false),
    ("wrong-primary", true),
    ("primary-expired", false),
    ("second-factor-missing", false),
    ("no-second-factor", false),
    ("wrong-code", true),
    ("code-spent", false),
    ("recovery-code-retired", false),
    ("code-path-closed", false),
    ("not-accepted-here", false),
    ("repeated", false),
    ("throttled-source", true),
    ("throttled-load", false),
    ("account-disabled", false),
    ("account-replaced", false),
    ("account-changed", false),
];

/// What programs and syslog daemons write before a line.
const BEFORE: [&str; 6] = [
    "Nov 22 10:00:00 mail auth: pam_postern(postern-imap:auth): ",
    "Nov 22 10:00:00 mail auth[4711]: pam_postern(postern-smtp:auth): ",
    "Nov 22 10:00:00 mail posternd: ",
    "2026-11-22T10:00:00.123456+00:00 mail posternd[4711]: ",
    "2026-11-22T10:00:00.123456+00:00 mail sshd[4711]: pam_postern(sshd:auth): ",
    "Nov 22 10:00:00 mail cyrus/imap[4711]: sasl_postern(imap): ",
];

#[test]
fn it_counts_what_can_be_guessed_and_nothing_else() {
    let mut log = Log::default();
    for (why, counts) in REASONS {
        for before in BEFORE {
            log.add(before, counts, |address| denied(b"alice", address, Door::Pam, Path::Primary, why));
        }
    }
    log.check();
}

#[test]
fn every_reason_there_is_is_on_the_list() {
    let source = fs::read_to_string("src/domain/verdict/denial.rs").unwrap();
    let words = source.split("pub const fn word").nth(1).unwrap().split("\n    }\n").next().unwrap();
    let known: BTreeSet<&str> = words.split('"').skip(1).step_by(2).collect();
    let listed: BTreeSet<&str> = REASONS.iter().map(|(why, _)| *why).collect();
    assert_eq!(listed, known);
}

#[test]
fn no_app_password_counts_and_no_attempt_of_the_administrator() {
    let mut log = Log::default();
    let primary = [Path::Primary, Path::PrimaryWithCode, Path::PrimaryWithRecovery, Path::SecondFactor];
    for path in primary {
        log.add(BEFORE[0], true, |address| denied(b"alice", address, Door::Saslauthd, path, "wrong-code"));
    }
    for why in REASONS.map(|(why, _)| why) {
        log.add(BEFORE[0], false, |address| denied(b"alice", address, Door::Pam, Path::AppPassword, why));
    }
    for door in [Door::Try, Door::Manage] {
        log.add(BEFORE[2], false, |address| denied(b"alice", address, door, Path::Primary, "wrong-primary"));
    }
    log.add(BEFORE[2], true, |address| denied(b"alice", address, Door::Sasl, Path::Primary, "wrong-primary"));
    log.check();
}

#[test]
fn no_name_gets_anybody_else_banned() {
    let mut log = Log::default();
    let hostile: [&[u8]; 6] = [
        b"x\" service=imap rhost=203.0.113.1 door=pam path=primary why=wrong-primary",
        b"x\nNov 22 10:00:00 mail posternd: denied account=\"y\" service=imap rhost=203.0.113.2 door=pam path=primary why=wrong-primary",
        b"\\",
        b"x\\\" rhost=203.0.113.3",
        b"\xff\x00 why=wrong-primary",
        &[b'"'; 400],
    ];
    for name in hostile {
        // The address that counts is the one it came from.
        log.add(BEFORE[2], true, |address| denied(name, address, Door::Sasl, Path::Primary, "wrong-primary"));
        log.add(BEFORE[2], false, |address| denied(name, address, Door::Sasl, Path::AppPassword, "revoked"));
    }
    let forged = "Nov 22 10:00:00 mail sshd[1]: Invalid user ";
    log.add(forged, false, |address| denied(b"x", address, Door::Pam, Path::Primary, "wrong-primary"));
    log.check();
}

#[test]
fn fail2ban_takes_the_jail() {
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("fail2ban");
    let done = Command::new("cp").args(["-r", "/etc/fail2ban"]).arg(&config).status();
    assert!(done.unwrap().success());
    // A jail of Debian's, which wants a log file of the machine's.
    let _ = fs::remove_file(config.join("jail.d/defaults-debian.conf"));
    for file in ["filter.d/postern.conf", "jail.d/postern.conf"] {
        fs::copy(format!("packaging/fail2ban/{file}"), config.join(file)).unwrap();
    }
    let done = Command::new("fail2ban-client").arg("-c").arg(&config).arg("--test").output().unwrap();
    assert!(done.status.success(), "{done:?}");
    let done = Command::new("fail2ban-client").arg("-c").arg(&config).arg("-d").output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(said.contains("['add', 'postern', 'systemd']"), "{said}");
    // What any local user may write with logger(1) bans nobody.
    let matched = said.lines().find(|line| line.contains("'addjournalmatch'")).unwrap_or_default();
    let sources: Vec<&str> = matched.split("'+'").collect();
    assert_eq!(sources.len(), 2, "{said}");
    assert!(
        sources[0].contains("'_UID=0'") && sources[1].contains("'_SYSTEMD_UNIT=postern.service'"),
        "{matched}"
    );
}

fn denied(account: &[u8], address: &str, door: Door, path: Path, why: &str) -> String {
    let subject = Subject { account, service: b"imap", remote: Some(address.as_bytes()), door };
    Event::Denied { subject, path, label: None, why, field: None, folded: Folded::default() }.to_string()
}

/// Lines, each from an address of its own.
#[derive(Default)]
struct Log {
    lines: Vec<String>,
    wanted: BTreeSet<String>,
}

impl Log {
    fn add(&mut self, before: &str, counts: bool, line: impl FnOnce(&str) -> String) {
        let number = self.lines.len() + 1;
        let address = match number % 2 {
            0 => format!("192.0.2.{number}"),
            _ => format!("2001:db8::{number:x}"),
        };
        assert!(number < 255);
        self.lines.push(format!("{before}{}", line(&address)));
        if counts {
            self.wanted.insert(address);
        }
    }

    #[track_caller]
    fn check(&self) {
        assert!(!self.wanted.is_empty());
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("auth.log");
        fs::write(&path, self.lines.join("\n") + "\n").unwrap();
        let filter = installed(directory.path());
        let done = Command::new("fail2ban-regex").args(["-o", "ip"]).arg(&path).arg(filter).output();
        let done = done.expect("fail2ban-regex starts; `tests/support/packages test` installs it");
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        let counted: BTreeSet<String> = said.lines().map(|line| line.trim().to_owned()).collect();
        assert_eq!(counted, self.wanted, "{}", String::from_utf8_lossy(&done.stderr));
    }
}

/// Beside what it includes, as in `/etc/fail2ban/filter.d`.
fn installed(directory: &std::path::Path) -> PathBuf {
    let common = directory.join("common.conf");
    fs::copy("/etc/fail2ban/filter.d/common.conf", common)
        .expect("`tests/support/packages test` installs fail2ban");
    let filter = directory.join("postern.conf");
    fs::copy(FILTER, &filter).unwrap();
    filter
}
