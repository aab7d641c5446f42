//! Postfix, as postconf(1) tells it.

use std::collections::BTreeMap;

use crate::hosts::{NotRun, Program};

/// Postfix's configuration.
#[derive(Debug)]
pub struct Postfix {
    /// The services of master.cf, in order.
    pub entries: Vec<Entry>,
    main: BTreeMap<String, String>,
}

/// A service of master.cf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its first word: for `inet` a port by name or number, perhaps with an address before it.
    pub name: String,
    /// `inet`, `unix`, `pass` …
    pub kind: String,
    /// Whether it runs inside Postfix's own directory.
    pub chrooted: bool,
    /// The program.
    pub command: String,
    /// What it has otherwise than main.cf.
    pub own: BTreeMap<String, String>,
}

impl Postfix {
    /// Asks postconf(1); `None` where it is not there, or cannot read its configuration.
    ///
    /// # Errors
    /// Where we are told to stop.
    pub fn ask(stop: &(dyn Fn() -> bool + Sync)) -> Result<Option<Self>, NotRun> {
        let mut told = Vec::new();
        for arguments in [["-xM"], ["-xP"], ["-x"]] {
            match (Program { name: "postconf", arguments: &arguments, stdin: None, longest: 20 }).run(stop) {
                Ok(ended) => told.push(ended.result().ok()),
                Err(NotRun::Stopped) => return Err(NotRun::Stopped),
                Err(_) => return Ok(None),
            }
        }
        let [Some(master), Some(own), Some(main)] = told.as_slice() else {
            return Ok(None);
        };
        Ok(Some(Self::read(master, own, main)))
    }

    /// Reads what `postconf -M`, `postconf -P` and `postconf` say.
    #[must_use]
    pub fn read(master: &str, own: &str, main: &str) -> Self {
        let own: Vec<(&str, &str)> = own.lines().filter_map(setting).collect();
        let entry = |line: &str| {
            let mut words = line.split_whitespace();
            let (name, kind) = (words.next()?.to_owned(), words.next()?.to_owned());
            let chrooted = words.nth(2)? == "y";
            let command = words.nth(2)?.to_owned();
            let prefix = format!("{name}/{kind}/");
            let own = own.iter().filter_map(|(path, value)| {
                Some((path.strip_prefix(prefix.as_str())?.to_owned(), (*value).to_owned()))
            });
            Some(Entry { own: own.collect(), name, kind, chrooted, command })
        };
        // Lines that begin with a blank are the options of the entry above, which `-P` tells one by one.
        let first = |line: &&str| !line.starts_with([' ', '\t', '#']);
        let main = main.lines().filter_map(setting).map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self { entries: master.lines().filter(first).filter_map(entry).collect(), main: main.collect() }
    }

    /// A setting of main.cf, or its default.
    #[must_use]
    pub fn main(&self, name: &str) -> Option<&str> {
        self.main.get(name).map(String::as_str)
    }

    /// A setting as one service has it.
    #[must_use]
    pub fn of<'a>(&'a self, entry: &'a Entry, name: &str) -> Option<&'a str> {
        entry.own.get(name).map(String::as_str).or_else(|| self.main(name))
    }
}

impl Entry {
    /// The address it is bound to, if it is bound to one, and its port; `None` for what is no port.
    #[must_use]
    pub fn place(&self) -> Option<(Option<&str>, u16)> {
        if self.kind != "inet" {
            return None;
        }
        let (address, port) =
            self.name.rsplit_once(':').map_or((None, self.name.as_str()), |(address, port)| {
                let bare = address.trim_start_matches("inet:").trim_start_matches('[').trim_end_matches(']');
                (Some(bare).filter(|bare| !bare.is_empty()), port)
            });
        let port = port.parse().ok().or(match port {
            "smtp" => Some(25),
            "smtps" | "submissions" => Some(465),
            "submission" => Some(587),
            _ => None,
        })?;
        Some((address, port))
    }
}

fn setting(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    Some((name.trim(), value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASTER: &str = "smtp       inet  n       -       y       -       -       smtpd\n\
        submission inet  n       -       n       -       -       smtpd\n    -o smtpd_sasl_auth_enable=yes\n\
        192.0.2.1:465 inet n - y - - smtpd\n[::1]:10587 inet n - y - - smtpd\ncleanup    unix  n       -       y       -       0       cleanup\n";
    const OWN: &str =
        "submission/inet/smtpd_sasl_auth_enable = yes\nsubmission/inet/smtpd_tls_wrappermode = no\n";

    #[test]
    fn a_service_has_its_own_settings_before_those_of_all() {
        let postfix = Postfix::read(MASTER, OWN, "smtpd_sasl_auth_enable = no\nmyhostname = mail.example\n");
        let [smtp, submission, ..] = postfix.entries.as_slice() else { panic!("{postfix:?}") };
        assert_eq!((smtp.chrooted, submission.chrooted, smtp.command.as_str()), (true, false, "smtpd"));
        assert_eq!(postfix.of(smtp, "smtpd_sasl_auth_enable"), Some("no"));
        assert_eq!(postfix.of(submission, "smtpd_sasl_auth_enable"), Some("yes"));
        assert_eq!(postfix.main("myhostname"), Some("mail.example"));
        assert_eq!(postfix.of(submission, "no_such_setting"), None);
    }

    #[test]
    fn a_port_has_a_name_or_a_number_and_perhaps_an_address() {
        let postfix = Postfix::read(MASTER, "", "");
        let places: Vec<_> = postfix.entries.iter().map(Entry::place).collect();
        let expected = [
            Some((None, 25)),
            Some((None, 587)),
            Some((Some("192.0.2.1"), 465)),
            Some((Some("::1"), 10587)),
            None,
        ];
        assert_eq!(places, expected);
    }
}
