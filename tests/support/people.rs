//! Accounts as an administrator makes them, with the codes and app passwords of their owners.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use super::command::{Run, must, must_with, run};
use super::namespaces::WORK;
use super::servers::VIRTUAL_USERS;

/// No digit at the end: a code is told apart by where it stands.
pub const PRIMARY: &str = "Nine lives, one cat";

/// Somebody with a mailbox, and a primary password that is `PRIMARY`.
#[derive(Clone, Debug)]
pub struct Person {
    pub name: String,
}

impl Person {
    /// A mailbox that Postern has never heard of; Dovecot has it from the start.
    pub fn stranger(name: &str) -> Self {
        must(&format!("grep -q '^{name}:' {VIRTUAL_USERS}"));
        Self { name: name.to_owned() }
    }

    /// An account without a Unix user; its primary is a hash in the store.
    pub fn in_store(name: &str) -> Self {
        let person = Self::stranger(name);
        postern(&["account", "add", name, "--primary", "store"], PRIMARY).result();
        person
    }

    /// A Unix user; the primary is checked by PAM.
    pub fn in_system(name: &str) -> Self {
        let person = Self::only_in_system(name);
        postern(&["account", "add", name, "--primary", "pam"], "").result();
        person
    }

    /// A Unix user that Postern has never heard of.
    pub fn only_in_system(name: &str) -> Self {
        must(&format!("useradd --no-log-init --create-home --skel /nonexistent --base-dir /var/mail {name}"));
        must_with("chpasswd", &format!("{name}:{PRIMARY}\n"));
        Self { name: name.to_owned() }
    }

    pub fn app_password(&self, label: &str) -> String {
        postern(&["app", "add", &self.name, "--label", label], "").result()
    }

    pub fn app_password_for(&self, label: &str, scope: &str) -> String {
        self.limited_app_password(label, &["--scope", scope])
    }

    pub fn limited_app_password(&self, label: &str, limits: &[&str]) -> String {
        let add = ["app", "add", &self.name, "--label", label];
        postern(&[&add[..], limits].concat(), "").result()
    }

    pub fn enroll_totp(&self) -> Totp {
        let totp = Totp { key: must("openssl rand 20 | base32").trim().to_owned(), enrolled: now() };
        let file = format!("{WORK}/totp-key-of-{}", self.name);
        fs::write(&file, &totp.key).unwrap();
        let command = r#"exec postern totp enroll "$1" --secret-fd 3 3<"$2""#;
        let done =
            run("sh", &["-c", command, "sh", &self.name, &file], &format!("{}\n", totp.code(totp.enrolled)));
        fs::remove_file(&file).unwrap();
        done.result();
        totp
    }
}

/// A TOTP key, as an authenticator app holds it.
pub struct Totp {
    key: String,
    enrolled: u64,
}

impl Totp {
    /// The key of an address that an app would scan, enrolled at this moment.
    pub fn scanned(uri: &str) -> Self {
        let (_, rest) = uri.split_once("secret=").expect("it has a key");
        let key = rest.split('&').next().unwrap_or_default().to_owned();
        Self { key, enrolled: now() }
    }

    /// The code that the app shows when it is enrolled.
    pub fn first_code(&self) -> String {
        self.code(self.enrolled)
    }

    /// The next code after the one that enrolment has spent. It may be used half a minute early or late, so no trial
    /// depends on the second in which it runs.
    pub fn fresh_code(&self) -> String {
        self.code(self.enrolled + 30)
    }

    pub fn stale_code(&self) -> String {
        self.code(self.enrolled - 3600)
    }

    fn code(&self, at: u64) -> String {
        must_with(&format!("oathtool --totp --base32 --now @{at} -"), &self.key).trim().to_owned()
    }
}

/// An app password with one wrong symbol, which its own check symbols find.
pub fn slip(app_password: &str) -> String {
    let (wrong, end) = (if app_password.ends_with('7') { '8' } else { '7' }, app_password.len() - 1);
    format!("{}{wrong}", &app_password[..end])
}

impl Person {
    /// The command as this person runs it, for themselves; what they type comes from stdin.
    pub fn runs(&self, arguments: &[&str], typed: &[&str]) -> Run {
        let stdin: String = typed.iter().map(|line| format!("{line}\n")).collect();
        run("runuser", &[&["-u", &self.name, "--", "postern"], arguments].concat(), &stdin)
    }
}

/// The command, as root runs it; a secret goes in by stdin.
pub fn postern(arguments: &[&str], secret: &str) -> Run {
    let stdin = if secret.is_empty() { String::new() } else { format!("{secret}\n") };
    run("postern", arguments, &stdin)
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
