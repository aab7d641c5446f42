//! Files of other software.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use postern::config::{Config, Owner};
use postern::crypto::otp::KEY_LENGTHS;
use postern::domain::account::AccountName;
use postern::domain::time::UnixTime;
use postern::moving::{
    Existing, Format, FoundKey, Import, NoKey, Plan, read_google_authenticator, read_oath,
};
use postern::store::Made;
use postern::verifier::Vault;
use tempfile::TempDir;

use super::KIB;
use super::allocation::within;

pub fn dovecot(content: &[u8]) {
    lists_each_line_once(content, Format::Dovecot);
}

pub fn csv(content: &[u8]) {
    lists_each_line_once(content, Format::Csv);
}

pub fn google_authenticator(content: &[u8]) {
    is_a_key_or_a_line(content, within(budget(content), || read_google_authenticator(content)));
}

pub fn oath(content: &[u8]) {
    let naming = Config::parse(b"").unwrap().naming;
    let account = AccountName::parse(b"alice", &naming).unwrap();
    is_a_key_or_a_line(content, within(budget(content), || read_oath(content, &account, &naming)));
}

/// Far less than what it would be to keep every octet in a row of its own.
fn budget(content: &[u8]) -> usize {
    4 * KIB + 64 * content.len()
}

/// Each line is good, bad or kept, and what is bad is told without what a terminal would obey.
fn lists_each_line_once(content: &[u8], format: Format) {
    // Whatever it is taken for, to guess must end well.
    let _ = Format::of(content);
    SITE.with(|site| {
        for existing in [Existing::Refuse, Existing::Keep] {
            let plan = site.plan(content, format, existing);
            let (Plan { bad, kept, .. }, tally, lines) = (&plan, plan.tally(), lines_of(content));
            assert!(bad.iter().all(|bad| (1..=lines).contains(&bad.line)));
            assert!(bad.windows(2).all(|pair| pair[0].line < pair[1].line), "a line is told twice");
            assert!(bad.iter().all(|bad| !bad.reason.as_str().contains(char::is_control)));
            assert!(tally.accounts + tally.app_passwords + bad.len() + kept <= lines);
            assert_eq!(tally.schemes.values().sum::<usize>(), tally.accounts + tally.app_passwords);
        }
    });
}

fn is_a_key_or_a_line(content: &[u8], read: Result<FoundKey, NoKey>) {
    match read {
        Ok(FoundKey { totp, .. }) => {
            assert!(KEY_LENGTHS.contains(&totp.key.len()));
            assert!((6..=8).contains(&totp.digits.count()) && (15..=300).contains(&totp.period.secs()));
        }
        Err(NoKey { line, reason }) => {
            assert!((1..=lines_of(content)).contains(&line));
            assert!(!reason.as_str().contains(char::is_control));
        }
    }
}

fn lines_of(content: &[u8]) -> usize {
    1 + content.iter().filter(|octet| **octet == b'\n').count()
}

thread_local! {
    static SITE: Site = Site::new();
}

/// A store without accounts, against which a file is held.
struct Site {
    _directory: TempDir,
    config: Config,
    vault: Vault,
}

impl Site {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        fs::create_dir(path.join("store")).unwrap();
        fs::set_permissions(path.join("store"), Permissions::from_mode(0o700)).unwrap();
        let text =
            format!("store = \"{0}/store/store.db\"\nkey = \"{0}/key\"\nrun = \"{0}/run\"", path.display());
        let config = Config::parse(text.as_bytes()).unwrap();
        let owner = fs::metadata(path).unwrap().uid();
        let made = Made { at: UnixTime(1), by: owner };
        let vault = Vault::create(&config, Owner(owner), made, Box::new(|_| ())).unwrap();
        Self { _directory: directory, config, vault }
    }

    fn plan(&self, content: &[u8], format: Format, existing: Existing) -> Plan {
        let import = Import {
            vault: &self.vault,
            unix_uid: &|_| Ok(None),
            naming: &self.config.naming,
            limits: &self.config.policy.app_passwords,
            existing,
        };
        import.plan(content, format).unwrap()
    }
}
