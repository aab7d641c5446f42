//! The configuration file (postern.toml).
//!
//! Knows: its keys, their kinds and defaults, and the line of a mistake.
//! Never: applies a default because something could not be read.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::config::daemon::{Daemon, DaemonTable};
use crate::config::guarded::{self, FileError, Others, Owner};
use crate::config::mistake::Mistake;
use crate::config::policy::{self, PolicyTable, ServicesTable};
use crate::domain::account::{Case, DomainRule, Naming};
use crate::domain::policy::Policy;

/// Far beyond any configuration; bounds what a login reads.
pub const MAX_LEN: u64 = 64 * 1024;

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The store.
    pub store: PathBuf,
    /// The key file.
    pub key: PathBuf,
    /// How account names are spelled.
    pub naming: Naming,
    /// Where what is lost at a reboot lies: the memory of refused primary passwords, and the slots of their checks.
    pub run_dir: PathBuf,
    /// The directory of the PAM service `primary`.
    pub pam_dir: PathBuf,
    /// What an authenticator app shows beside the account.
    pub issuer: String,
    /// What the site asks for.
    pub policy: Policy,
    /// What posternd is told.
    pub daemon: Daemon,
}

impl Config {
    /// Reads the file.
    ///
    /// # Errors
    /// Where it is missing, not to be trusted, or has a mistake.
    pub fn read(path: &Path, owner: Owner) -> Result<Self, ConfigError> {
        Self::read_with_text(path, owner).map(|(config, _)| config)
    }

    /// Reads the file, and keeps its text for processes that shall go by it too.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn read_with_text(path: &Path, owner: Owner) -> Result<(Self, Vec<u8>), ConfigError> {
        let content = guarded::read(path, owner, Others::MayRead, MAX_LEN)
            .map_err(|error| ConfigError::File(path.to_owned(), error))?;
        let config =
            Self::parse(&content).map_err(|mistake| ConfigError::Mistake(path.to_owned(), mistake))?;
        Ok((config, content.to_vec()))
    }

    /// Reads the text of a configuration.
    ///
    /// # Errors
    /// The first mistake, with its line.
    pub fn parse(content: &[u8]) -> Result<Self, Mistake> {
        let text =
            std::str::from_utf8(content).map_err(|error| Mistake::not_text(content, error.valid_up_to()))?;
        let file: File = toml::from_str(text).map_err(|error| Mistake::in_text(text, &error))?;
        Ok(file.into())
    }
}

/// Why there is no configuration.
#[derive(Debug)]
pub enum ConfigError {
    /// The file cannot be read or trusted.
    File(PathBuf, FileError),
    /// The file has a mistake.
    Mistake(PathBuf, Mistake),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, error) => write!(f, "the configuration {} {error}", path.display()),
            Self::Mistake(path, mistake) => {
                write!(f, "{}:{}: {}", path.display(), mistake.line, mistake.message)
            }
        }
    }
}

impl std::error::Error for ConfigError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    store: AbsolutePath,
    key: AbsolutePath,
    run: AbsolutePath,
    accounts: Accounts,
    primary: Primary,
    totp: Totp,
    policy: PolicyTable,
    services: ServicesTable,
    daemon: DaemonTable,
}

impl Default for File {
    fn default() -> Self {
        Self {
            store: AbsolutePath("/var/lib/postern/store.db".into()),
            key: AbsolutePath("/etc/postern/key".into()),
            run: AbsolutePath("/run/postern".into()),
            accounts: Accounts::default(),
            primary: Primary::default(),
            totp: Totp::default(),
            policy: PolicyTable::default(),
            services: ServicesTable::default(),
            daemon: DaemonTable::default(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, try_from = "WrittenAccounts")]
struct Accounts {
    case: Case,
    domain: DomainRule,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAccounts {
    fold_case: Option<bool>,
    add_domain: Option<Domain>,
    strip_domain: Option<Domain>,
}

impl Default for Accounts {
    fn default() -> Self {
        Self { case: Case::Fold, domain: DomainRule::Keep }
    }
}

impl TryFrom<WrittenAccounts> for Accounts {
    type Error = &'static str;

    fn try_from(written: WrittenAccounts) -> Result<Self, Self::Error> {
        let case = if written.fold_case.unwrap_or(true) { Case::Fold } else { Case::Keep };
        let domain = match (written.add_domain, written.strip_domain) {
            (None, None) => DomainRule::Keep,
            (Some(domain), None) => DomainRule::Add(domain.0),
            (None, Some(domain)) => DomainRule::Strip(domain.0),
            (Some(_), Some(_)) => return Err("`add_domain` and `strip_domain` exclude each other"),
        };
        Ok(Self { case, domain })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Primary {
    pam_dir: AbsolutePath,
}

impl Default for Primary {
    fn default() -> Self {
        Self { pam_dir: AbsolutePath("/etc/postern/pam.d".into()) }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Totp {
    issuer: Issuer,
}

impl Default for Totp {
    fn default() -> Self {
        Self { issuer: Issuer("Postern".into()) }
    }
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
pub(super) struct AbsolutePath(pub(super) PathBuf);

impl TryFrom<String> for AbsolutePath {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let path = PathBuf::from(text);
        path.is_absolute().then_some(Self(path)).ok_or("a path must begin with `/`")
    }
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Domain(String);

impl TryFrom<String> for Domain {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let plain = |octet: u8| octet.is_ascii_alphanumeric() || b".-".contains(&octet) || !octet.is_ascii();
        let named = (1..=255).contains(&text.len()) && text.bytes().all(plain);
        named.then_some(Self(text)).ok_or("a domain is a name such as `example.org`, without `@`")
    }
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Issuer(String);

impl TryFrom<String> for Issuer {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let plain = !text.chars().any(|letter| letter.is_control() || letter == ':');
        let named = (1..=64).contains(&text.chars().count()) && plain;
        named.then_some(Self(text)).ok_or("an issuer is 1 to 64 characters without a colon")
    }
}

impl From<File> for Config {
    fn from(file: File) -> Self {
        Self {
            store: file.store.0,
            key: file.key.0,
            naming: Naming { case: file.accounts.case, domain: file.accounts.domain },
            run_dir: file.run.0,
            pam_dir: file.primary.pam_dir.0,
            issuer: file.totp.issuer.0,
            policy: policy::meaning(file.policy, file.services),
            daemon: file.daemon.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SHIPPED;
    use crate::config::keys::{KEYS, Takes};
    use crate::domain::policy::Accepted;
    use crate::domain::service::Service;

    #[track_caller]
    fn refused(text: &str, line: usize, word: &str) {
        let mistake = Config::parse(text.as_bytes()).unwrap_err();
        assert_eq!(mistake.line, line, "{text}: {}", mistake.message);
        assert!(mistake.message.contains(word), "{text}: {}", mistake.message);
    }

    #[test]
    fn the_shipped_file_states_the_defaults() {
        let shipped = Config::parse(SHIPPED.as_bytes()).unwrap();
        assert_eq!(shipped, Config::parse(b"").unwrap());
    }

    #[test]
    fn every_commented_key_of_the_shipped_file_is_a_key() {
        let commented = |line: &&str| line.starts_with('#') && !line.starts_with("# ");
        let (shipped, table) = SHIPPED.split_once("#[[").unwrap();
        let mut keys: Vec<String> = shipped.lines().filter(commented).map(str::to_owned).collect();
        // A table counts as one.
        keys.push(format!("#[[{}", table.trim_end()));
        assert_eq!(keys.len(), 10);
        for key in keys {
            // Each in the place where it stands, all others as they are.
            let key = key.as_str();
            let text = SHIPPED.replace(
                &format!("\n{key}\n"),
                &format!("\n{}\n", key.replace("\n#", "\n").trim_start_matches('#')),
            );
            assert_ne!(text, SHIPPED, "{key}");
            let changed = Config::parse(text.as_bytes()).unwrap();
            assert_ne!(changed, Config::parse(b"").unwrap(), "{key}");
        }
    }

    /// In the words of the library that reads them, which names all that it knows.
    #[test]
    fn every_key_that_is_read_is_one_that_a_writer_is_told_of() {
        let unknown = |text: &str| toml::from_str::<File>(text).err().unwrap().message().to_owned();
        let mut tables = vec![(String::new(), KEYS)];
        let mut count = 0;
        while let Some((header, keys)) = tables.pop() {
            let message = unknown(&format!("{header}nobody_knows = 1"));
            let expected = message.split("expected").nth(1).unwrap();
            let read: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
            assert_eq!(read, keys.iter().map(|key| key.name).collect::<Vec<_>>(), "{header}");
            count += read.len();
            for key in keys {
                if let Takes::Table(below) = key.takes {
                    tables.push((format!("[{}]\n", key.name), below));
                }
                if let Takes::Tables(below) = key.takes {
                    tables.push((format!("[[daemon.{}]]\nuser = 7\n", key.name), below));
                }
            }
        }
        assert_eq!(count, 26);
    }

    #[test]
    fn mistakes_are_named_by_line() {
        refused("\nstores = \"/x\"", 2, "stores");
        refused("store = 1", 1, "text in quotes");
        refused("store = \"relative\"", 1, "begin with");
        refused("[accounts]\nfold_case = \"yes\"", 2, "true or false");
        refused("[accounts]\nfold_case = 0", 2, "true or false");
        refused("[accounts]\n\nfold = true", 3, "fold");
        refused("[accounts]\nadd_domain = \"@x\"", 2, "domain");
        refused("[totp]\nissuer = \"\"", 2, "issuer");
        refused("key = \"/a\"\nkey = \"/b\"", 2, "twice");
        refused("key = ", 1, "");
        refused("[other]", 1, "other");
    }

    #[test]
    fn policy_numbers_are_within_bounds_or_refused() {
        for (key, most) in
            [("max_app_passwords", 1000), ("longest_lifetime_days", 36_500), ("restore_hours", 720)]
        {
            for wrong in
                ["0", "-1", "99999999999999999999", "4294967297", "1.5", "\"7\"", "\"\"", "[]", "nan"]
            {
                let text = format!("[policy]\n{key} = {wrong}");
                assert_eq!(Config::parse(text.as_bytes()).unwrap_err().line, 2, "{text}");
            }
            refused(&format!("[policy]\n{key} = {}", most + 1), 2, &most.to_string());
            Config::parse(format!("[policy]\n{key} = {most}").as_bytes()).unwrap();
        }
    }

    #[test]
    fn policy_words_are_known_or_refused() {
        refused("[policy]\nsecond_factor = \"optional\"", 2, "when-enrolled");
        refused("[policy]\nsecond_factor = \"\"", 2, "required");
        refused("[policy]\nprimary_alone_from = \"192.0.2.0/24\"", 2, "list");
        refused("[policy]\nprimary_alone_from = []", 2, "out");
        refused("[policy]\nprimary_alone_from = [\"office\"]", 2, "192.0.2.0/24");
        refused("[policy]\nprimary_alone_from = [\"192.0.2.0/24 10.0.0.0/8\"]", 2, "one network");
        for vast in ["0.0.0.0/0", "::/0", "::/000", "0.0.0.0/1", "128.0.0.0/1", "2000::/3"] {
            refused(&format!("[policy]\nprimary_alone_from = [\"{vast}\"]"), 2, "every address");
        }
        refused("[services]\nimap = \"app-password\"", 2, "list");
        refused("[services]\nimap = [\"password\"]", 2, "app-password");
        refused("[services]\n\"im ap\" = []", 2, "service");
        refused("[services]\nsmtp = []\nsubmission = []", 3, "smtp");
    }

    #[test]
    fn permits_name_a_user_and_its_services() {
        refused("[[daemon.permit]]\nservices = []", 1, "user");
        refused("[[daemon.permit]]\nuser = -1", 2, "uid");
        refused("[[daemon.permit]]\nuser = \"postfix\"\nservices = [\"im ap\"]", 3, "service");
        refused("[[daemon.permit]]\nuser = \"postfix\"\nverbs = []", 3, "verbs");
        refused("[daemon]\nverify = [\"relative\"]", 2, "begin with");
        refused("[daemon]\nmanage = [\"relative\"]", 2, "begin with");
        refused("[daemon]\nmanage = true", 2, "list");
        let text =
            "[[daemon.permit]]\nuser = \"postfix\"\nservices = [\"submission\"]\n[[daemon.permit]]\nuser = 7";
        let permits = Config::parse(text.as_bytes()).unwrap().daemon.permits;
        assert_eq!(permits.len(), 2);
        assert!(
            permits[0].1.covers(b"smtp") && !permits[0].1.covers(b"imap") && permits[1].1.covers(b"imap")
        );
    }

    #[test]
    fn a_service_is_named_once_under_any_of_its_names() {
        let text = "[services]\ndefault = [\"app-password\"]\nsubmission = []\nSSHD = [\"primary\", \"primary+code\"]";
        let services = Config::parse(text.as_bytes()).unwrap().policy.services;
        let on = |name: &str| services.accepted_on(&Service::parse(name.as_bytes()).unwrap());
        assert_eq!(on("smtp"), Accepted::default());
        assert_eq!(on("imap"), Accepted { app_password: true, ..Accepted::default() });
        let both = Accepted { primary_with_code: true, primary_alone: true, app_password: false };
        assert_eq!(on("sshd"), both);
    }

    #[test]
    fn a_file_that_is_not_text_is_refused() {
        assert_eq!(Config::parse(b"\n\xff").unwrap_err().line, 2);
        assert!(Config::parse(b"\0").is_err());
        assert!(Config::parse("[".repeat(60_000).as_bytes()).is_err());
    }
}
