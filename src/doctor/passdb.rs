//! One passdb of Dovecot's, 2.3 and 2.4.
//!
//! Knows: the names that both releases give to the same things.
//! Never: shows a setting that it does not know; `args` may hold a password.

use crate::hosts::Block;

/// Which language the configuration is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Release {
    /// Up to 2.3.
    Old,
    /// From 2.4 on.
    New,
}

/// What matters about a passdb.
pub(super) struct Passdb {
    pub driver: String,
    /// The PAM service, with Dovecot's variables, if PAM is asked.
    pub service: Option<String>,
    /// The file that is looked into, if it is a passwd-file.
    file: Option<String>,
    /// Which line is looked for in that file, by the name that stands for a user's.
    line: String,
    caches: bool,
    is_final: bool,
    grants: bool,
    is_master: bool,
}

impl Passdb {
    /// Reads one among all settings.
    pub(super) fn read(block: &Block, settings: &Block, release: Release) -> Self {
        let driver = of(block, "", "driver").unwrap_or(&block.name).to_owned();
        let args = block.setting("args").unwrap_or_default();
        let get = |key| of(block, &driver, key).or_else(|| of_all(settings, &driver, key));
        let is = |key, word| get(key) == Some(word);
        let (service, file, line, caches) = match release {
            Release::Old => {
                (old_service(args), last_word(args), old_format(args), args.contains("cache_key="))
            }
            Release::New => (
                get("service_name").unwrap_or("dovecot").to_owned(),
                get("passwd_file_path").unwrap_or_default().to_owned(),
                block.setting("auth_username_format").unwrap_or_default().to_owned(),
                !is("use_cache", "no"),
            ),
        };
        Self {
            service: (driver == "pam").then_some(service),
            file: (driver == "passwd-file").then_some(file),
            line,
            caches: driver == "pam" && caches,
            is_final: is("result_failure", "return-fail") && is("result_internalfail", "return-fail"),
            grants: !is("deny", "yes")
                && !authenticates_nobody(block)
                && !is("pass", "yes")
                && takes_passwords(block),
            is_master: is("master", "yes"),
            driver,
        }
    }

    /// The PAM service of a protocol; none where other variables are in it.
    pub(super) fn service_of(&self, protocol: &str) -> Option<String> {
        let mut service = self.service.clone()?;
        for variable in ["%s", "%Ls", "%{service}", "%{protocol}", "%{protocol | lower}", "%{protocol|lower}"]
        {
            service = service.replace(variable, protocol);
        }
        (!service.contains('%')).then_some(service)
    }

    /// Whether every protocol has the same service.
    pub(super) fn has_one_service(&self) -> bool {
        self.service.as_ref().is_some_and(|service| !service.contains('%'))
    }

    /// Whether it says yes to somebody's own password.
    pub(super) const fn grants(&self) -> bool {
        self.grants && !self.is_master
    }

    pub(super) const fn is_master(&self) -> bool {
        self.is_master
    }

    pub(super) const fn is_final(&self) -> bool {
        self.is_final
    }

    pub(super) const fn caches(&self) -> bool {
        self.caches
    }

    /// Whether it lets nobody by who has no service file: a login ends here if the file is missing.
    pub(super) fn guards(&self, ours: &Self) -> bool {
        let looked_for = ours.service.as_ref().map(|service| format!("/etc/pam.d/{service}"));
        !self.grants && self.is_final && looked_for.is_some() && self.file == looked_for
    }

    /// The line without which it lets nobody by.
    pub(super) fn looks_for(&self) -> &str {
        &self.line
    }

    /// As one speaks of it.
    pub(super) fn spoken(&self) -> String {
        match &self.service {
            Some(service) => format!("the passdb pam (service {service})"),
            None => format!("the passdb {}", self.driver),
        }
    }
}

/// 2.4 has long names for settings, and short ones inside of their blocks.
fn of<'a>(block: &'a Block, driver: &str, key: &str) -> Option<&'a str> {
    let driver = driver.replace('-', "_");
    [key.to_owned(), format!("passdb_{key}"), format!("{driver}_{key}"), format!("passdb_{driver}_{key}")]
        .iter()
        .find_map(|name| block.setting(name))
}

/// In 2.4 the long names, outside of all blocks, speak of every passdb.
fn of_all<'a>(settings: &'a Block, driver: &str, key: &str) -> Option<&'a str> {
    let driver = driver.replace('-', "_");
    let long = [format!("passdb_{key}"), format!("passdb_{driver}_{key}")];
    long.iter().find_map(|name| settings.setting(name)).filter(|value| !value.is_empty())
}

/// 2.3 has options before the name of the service.
fn old_service(args: &str) -> String {
    let word = args.split_whitespace().rfind(|word| !word.contains('=') && *word != "-session");
    match word {
        None => "dovecot".to_owned(),
        Some("*") => "%Ls".to_owned(),
        Some(word) => word.to_owned(),
    }
}

/// A blank ends it, a tab does not.
fn old_format(args: &str) -> String {
    let format = args.split(' ').find_map(|word| word.strip_prefix("username_format="));
    format.unwrap_or_default().to_owned()
}

fn last_word(args: &str) -> String {
    args.split_whitespace().next_back().unwrap_or_default().to_owned()
}

fn authenticates_nobody(block: &Block) -> bool {
    let fields = ["default_fields", "override_fields"].map(|key| block.setting(key).unwrap_or_default());
    let old = fields
        .iter()
        .flat_map(|said| said.split_whitespace())
        .any(|field| field == "noauthenticate=y" || field == "noauthenticate");
    let new = ["fields", "passdb_fields"].iter().flat_map(|kind| block.of_kind(kind));
    old || new
        .into_iter()
        .any(|fields| fields.setting("noauthenticate").is_some_and(|said| said.starts_with('y')))
}

/// A passdb for other mechanisms than passwords, such as OAuth 2, takes none.
fn takes_passwords(block: &Block) -> bool {
    let only = of(block, "", "mechanisms").or_else(|| of(block, "", "mechanisms_filter")).unwrap_or_default();
    let keyless = ["external", "gssapi", "gss-spnego", "oauthbearer", "xoauth2", "anonymous", "none"];
    only.is_empty()
        || !only.split_whitespace().all(|each| keyless.contains(&each.to_ascii_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passdb(text: &str, release: Release) -> Passdb {
        let settings = Block::parse(text);
        Passdb::read(settings.of_kind("passdb").next().unwrap(), &settings, release)
    }

    #[test]
    fn both_releases_name_the_service() {
        for (text, release, service) in [
            ("passdb {\ndriver = pam\n}", Release::Old, "dovecot"),
            (
                "passdb {\ndriver = pam\nargs = session=yes cache_key=%u%s postern-%s\n}",
                Release::Old,
                "postern-imap",
            ),
            ("passdb {\ndriver = pam\nargs = *\n}", Release::Old, "imap"),
            ("passdb pam {\nservice_name = postern-%{protocol}\n}", Release::New, "postern-imap"),
            ("passdb x {\npassdb_driver = pam\npassdb_pam_service_name = y\n}", Release::New, "y"),
        ] {
            assert_eq!(passdb(text, release).service_of("imap").as_deref(), Some(service), "{text}");
        }
    }

    #[test]
    fn a_new_passdb_caches_unless_it_is_told_not_to() {
        assert!(passdb("passdb pam {\n}", Release::New).caches());
        assert!(!passdb("passdb pam {\nuse_cache = no\n}", Release::New).caches());
        assert!(!passdb("passdb {\ndriver = pam\nargs = postern-%s\n}", Release::Old).caches());
        assert!(passdb("passdb {\ndriver = pam\nargs = cache_key=%u x\n}", Release::Old).caches());
    }

    #[test]
    fn a_guard_looks_for_its_line_with_the_tabs() {
        for (blank, line) in [("\t", "auth\trequired\tx"), (" ", "auth")] {
            let args = format!("args = username_format=auth{blank}required{blank}x /etc/pam.d/postern-%s");
            let guard = passdb(&format!("passdb {{\ndriver = passwd-file\n{args}\n}}"), Release::Old);
            assert_eq!(guard.looks_for(), line);
            assert_eq!(guard.file.as_deref(), Some("/etc/pam.d/postern-%s"));
        }
    }

    #[test]
    fn what_2_4_says_of_every_passdb_holds_unless_a_block_says_otherwise() {
        let all = "passdb_use_cache = no\npassdb_driver = \npassdb_pam_service_name = postern-%{protocol}\n\
                   passdb_result_failure = return-fail\npassdb_result_internalfail = return-fail\n";
        let plain = passdb(&format!("{all}passdb pam {{\n}}"), Release::New);
        assert!(!plain.caches() && plain.is_final());
        assert_eq!(plain.service_of("imap").as_deref(), Some("postern-imap"));
        let own = "use_cache = yes\nresult_failure = continue\nservice_name = other\n";
        let other = passdb(&format!("{all}passdb pam {{\n{own}}}"), Release::New);
        assert!(other.caches() && !other.is_final());
        assert_eq!(other.service_of("imap").as_deref(), Some("other"));
    }

    #[test]
    fn what_takes_no_password_grants_nothing() {
        for (line, grants) in [
            ("deny = yes", false),
            ("default_fields = noauthenticate=y", false),
            ("fields {\nnoauthenticate = yes\n}", false),
            ("mechanisms = xoauth2 oauthbearer", false),
            ("mechanisms = plain xoauth2", true),
            ("master = yes", false),
            ("", true),
        ] {
            assert_eq!(
                passdb(&format!("passdb {{\ndriver = sql\n{line}\n}}"), Release::Old).grants(),
                grants,
                "{line}"
            );
        }
    }
}
