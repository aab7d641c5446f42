//! A site of Postern's in a private directory: configuration, key, store, PAM service files.
//!
//! Knows: the library, to make accounts quickly, and the built module.
//! Never: needs root; every file belongs to whoever runs the test.

#![allow(dead_code, reason = "each crate that includes it uses another part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use postern::config::{Config, Owner};
use postern::crypto::entropy;
use postern::crypto::otp::{self, Code};
use postern::crypto::password_hash::{Cost, PasswordHash};
use postern::crypto::secret::Secret;
use postern::domain::account::AccountName;
use postern::domain::app_password::Label;
use postern::domain::network::Networks;
use postern::domain::service::Scope;
use postern::domain::time::UnixTime;
use postern::domain::totp::Totp;
use postern::enrollment::{Enrollment, NewPrimary, Overlap, Wanted};
use postern::store::{Made, PrimaryCheck, Restorable};
use postern::verifier::Vault;
use tempfile::TempDir;

/// What `alice`'s primary is, wherever she has one.
pub const PRIMARY: &str = "correct horse";

/// The key of RFC 6238's vectors, which every account with a second factor has here.
pub const TOTP_KEY: &[u8] = b"12345678901234567890";

pub struct Site {
    directory: TempDir,
    pub config: Config,
}

impl Site {
    /// An initialised site with no accounts.
    pub fn new() -> Self {
        Self::configured("")
    }

    /// The same with these lines behind the others of the configuration.
    pub fn configured(lines: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        for name in ["etc", "etc/pam.d", "services", "store"] {
            fs::create_dir(path.join(name)).unwrap();
        }
        fs::set_permissions(path.join("store"), Permissions::from_mode(0o700)).unwrap();
        let text = format!(
            "store = \"{0}/store/store.db\"\nkey = \"{0}/etc/key\"\nrun = \"{0}/run\"\n[primary]\npam_dir = \"{0}/etc/pam.d\"\n\
             [policy]\nmax_app_passwords = 1000\n{lines}",
            path.display()
        );
        let config = Config::parse(text.as_bytes()).unwrap();
        let site = Self { directory, config };
        site.write("etc/postern.toml", &text);
        Vault::create(&site.config, site.owner(), site.made(), Box::new(|_| ())).unwrap();
        site
    }

    /// With `alice`: primary in the store, one TOTP key called `totp`.
    pub fn with_alice() -> Self {
        let site = Self::new();
        site.account("alice", PRIMARY);
        site.totp("alice", "totp");
        site
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn owner(&self) -> Owner {
        Owner(fs::metadata(self.directory.path()).unwrap().uid())
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), Permissions::from_mode(0o644)).unwrap();
    }

    /// A shell script. Another process writes it: a child that some other test forks meanwhile would inherit our
    /// open file, and the kernel runs no file that is open for writing.
    pub fn script(&self, name: &str, lines: &str) {
        let write = r#"cat >"$0" && chmod 755 "$0""#;
        let mut shell = Command::new("sh")
            .args(["-c", write])
            .arg(self.path(name))
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        shell.stdin.take().unwrap().write_all(format!("#!/bin/sh\n{lines}\n").as_bytes()).unwrap();
        assert!(shell.wait().unwrap().success());
    }

    pub fn vault(&self) -> Vault {
        Vault::open(&self.config, self.owner()).unwrap()
    }

    pub fn made(&self) -> Made {
        Made { at: now(), by: self.owner().0 }
    }

    /// Straight into the store: what nobody may choose today may have been brought along.
    pub fn account(&self, account: &str, primary: &str) {
        let (vault, secret) = (self.vault(), Secret::copy_of(primary.as_bytes()));
        let (pepper, salt) = (vault.keyring.pepper(), entropy::bytes().unwrap());
        let hash = PasswordHash::make(&secret, &pepper, Cost::CHOSEN, salt).unwrap();
        let primary = PrimaryCheck::Store(hash.as_str().to_owned());
        vault.store.add_account(&name(account), &primary, None, self.made()).unwrap();
    }

    pub fn pam_account(&self, account: &str) {
        Enrollment::new(&self.vault())
            .add_account(&name(account), &NewPrimary::Pam(None), self.made())
            .unwrap();
    }

    /// The account of the user who runs the test, if PAM knows its primary; its name.
    pub fn own_account(&self, unix_uid: Option<u32>) -> String {
        let user = postern::ffi::users::name_of(self.owner().0).unwrap().unwrap();
        Enrollment::new(&self.vault())
            .add_account(&name(&user), &NewPrimary::Pam(unix_uid), self.made())
            .unwrap();
        user
    }

    /// The new app password, as it is shown.
    pub fn app_password(&self, account: &str, label: &str, scope: &str) -> String {
        self.limited_app_password(account, label, scope, "", None)
    }

    /// One that is good from these networks, or from any, and until this moment, if ever.
    pub fn limited_app_password(
        &self,
        account: &str,
        label: &str,
        scope: &str,
        networks: &str,
        expires_at: Option<UnixTime>,
    ) -> String {
        let (label, scope) = (Label::parse(label).unwrap(), Scope::parse(scope).unwrap());
        let networks = Networks::parse(networks).unwrap_or_default();
        let wanted = Wanted { label: &label, scope: &scope, networks: &networks, expires_at };
        let vault = self.vault();
        let (enrollment, limits) = (Enrollment::new(&vault), &self.config.policy.app_passwords);
        let issued = enrollment.add_app_password(&name(account), &wanted, limits, self.made()).unwrap();
        String::from_utf8(issued.password.reveal().expose().to_vec()).unwrap()
    }

    /// The successor, as it is shown; the old one is kept for a week if the successor is not used.
    pub fn rotate(&self, account: &str, label: &str) -> String {
        let overlap = Overlap { keep_until: UnixTime(now().0 + 7 * 86_400), expires_at: None };
        let (vault, label) = (self.vault(), Label::parse(label).unwrap());
        let (enrollment, limits) = (Enrollment::new(&vault), &self.config.policy.app_passwords);
        let rotation = enrollment.rotate(&name(account), &label, overlap, limits, self.made()).unwrap();
        String::from_utf8(rotation.issued.password.reveal().expose().to_vec()).unwrap()
    }

    /// By a revocation that may be taken back for a day; its number.
    pub fn revoke(&self, account: &str, label: &str) -> i64 {
        let (label, made) = (Label::parse(label).unwrap(), self.made());
        let restorable = Restorable::Until(self.config.policy.app_passwords.restorable_until(made.at));
        let revocation =
            Enrollment::new(&self.vault()).revoke(&name(account), &label, restorable, made).unwrap();
        revocation.id.unwrap()
    }

    /// Enrolls the key of the vectors; the step that confirms it lies an hour back.
    pub fn totp(&self, account: &str, label: &str) {
        self.totp_with(TOTP_KEY, account, label);
    }

    /// The same with a key of its own.
    pub fn totp_with(&self, key: &[u8], account: &str, label: &str) {
        let hour_ago = UnixTime(now().0 - 3600);
        let (totp, made) = (Totp::with_key(Secret::copy_of(key)), Made { at: hour_ago, by: self.owner().0 });
        let confirming = code_of(&totp, hour_ago);
        let confirming = Code::parse(confirming.as_bytes(), totp.digits).unwrap();
        let vault = self.vault();
        Enrollment::new(&vault)
            .confirm_totp(&name(account), &Label::parse(label).unwrap(), &totp, confirming, made)
            .unwrap();
    }

    /// Ten new recovery codes.
    pub fn recovery_codes(&self, account: &str) -> Vec<String> {
        let vault = self.vault();
        let codes = Enrollment::new(&vault).renew_recovery_codes(&name(account), self.made()).unwrap();
        codes.iter().map(|code| String::from_utf8(code.reveal().expose().to_vec()).unwrap()).collect()
    }

    /// Writes a service file whose one stack names the built module with these words.
    pub fn service(&self, service: &str, words: &str) {
        let line = format!(
            "required {} config={} {words}",
            module().display(),
            self.path("etc/postern.toml").display()
        );
        self.write(&format!("services/{service}"), &format!("auth {line}\naccount {line}\n"));
    }

    /// Starts the PAM application; it reads the password from stdin.
    pub fn pam_host(&self, service: &str, account: &str, words: &[&str]) -> Child {
        self.pam_host_in("true", service, account, words)
    }

    /// The same after a shell command that sets a limit.
    pub fn pam_host_in(&self, limit: &str, service: &str, account: &str, words: &[&str]) -> Child {
        Command::new("sh")
            .args(["-c", &format!("{limit}; exec \"$0\" \"$@\"")])
            .arg(pam_host())
            .arg(self.path("services"))
            .args([service, account])
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// One transaction; its line of codes.
    pub fn login_with(&self, service: &str, account: &str, password: &[u8], words: &[&str]) -> String {
        let mut host = self.pam_host(service, account, words);
        host.stdin.take().unwrap().write_all(password).unwrap();
        let output = host.wait_with_output().unwrap();
        assert!(output.status.success(), "the host died: {:?}", output.status);
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// The code that pam_authenticate(3) gave.
    pub fn login(&self, service: &str, account: &str, password: &str) -> i32 {
        authenticate_code(&self.login_with(service, account, password.as_bytes(), &[]))
    }
}

/// The code of pam_authenticate(3) in a line of the PAM application.
pub fn authenticate_code(line: &str) -> i32 {
    let rest = line.strip_prefix("authenticate=").unwrap_or_else(|| panic!("{line}"));
    rest.split(' ').next().unwrap().parse().unwrap()
}

pub fn name(account: &str) -> AccountName {
    let naming = Config::parse(b"").unwrap().naming;
    AccountName::parse(account.as_bytes(), &naming).unwrap()
}

pub fn totp() -> Totp {
    Totp::with_key(Secret::copy_of(TOTP_KEY))
}

/// The code of the vectors' key at a time.
pub fn code_at(at: UnixTime) -> String {
    code_of(&totp(), at)
}

pub fn code_of(totp: &Totp, at: UnixTime) -> String {
    let code = otp::hotp(&totp.key, totp.algorithm, totp.digits, at.0 / totp.period.secs());
    // A code is not for printing; the test finds it as anybody would who has a million tries.
    (0..1_000_000)
        .map(|number| format!("{number:06}"))
        .find(|text| Code::parse(text.as_bytes(), totp.digits).is_some_and(|guess| guess.matches(code)))
        .unwrap()
}

#[allow(
    clippy::disallowed_methods,
    reason = "the module reads the real clock, and its tests must agree with it"
)]
pub fn now() -> UnixTime {
    UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs())
}

/// The module as it is installed; `make build` makes it.
pub fn module() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let built = target.join("module/release/libpostern.so");
    assert!(built.exists(), "{} is missing: run `make build` first", built.display());
    built
}

fn pam_host() -> PathBuf {
    compiled("tests/support/pam_host.c", &["-rdynamic", "-lpam"])
}

/// Compiles a C program once for each process of tests.
pub fn compiled(source: &str, libraries: &[&str]) -> PathBuf {
    static ONCE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _only_one = ONCE.lock().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(source);
    let stem = source.file_stem().unwrap().to_str().unwrap();
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{stem}.{}", std::process::id()));
    if !program.exists() {
        let status = Command::new("cc")
            .args(["-Wall", "-Wextra", "-Werror", "-O1", "-o"])
            .args([&program, &source])
            .args(libraries)
            .status();
        assert!(status.unwrap().success());
    }
    program
}
