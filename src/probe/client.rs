//! Real clients, one login each.

use crate::crypto::secret::Secret;
use crate::hosts::NotRun;
use crate::probe::door::{Door, Protocol};
use crate::probe::way::{Source, Way};
use crate::probe::{curl, listener, sieve};

/// In seconds. The longest that Dovecot makes anybody wait is 15.
pub(super) const LONGEST: u16 = 45;

/// What is believed of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certificates {
    /// It must be good for the name; on this machine nobody is in between, and any will do of a server of root's.
    Checked,
    /// Any will do.
    Unchecked,
}

/// One login that is to be tried.
pub(super) struct Login<'a> {
    pub door: &'a Door,
    pub way: &'a Way,
    pub source: Source,
    pub account: &'a str,
    pub secret: &'a Secret,
    pub certificates: Certificates,
}

/// What became of it, in the server's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It passed.
    Passed,
    /// The password was taken, and what comes after it failed: mostly there is no such mailbox.
    Behind(String),
    /// The server took the password and hung up without an answer. So does Dovecot where there is no such mailbox.
    HungUp,
    /// It was refused.
    Refused(String),
    /// It was refused for this once.
    NotNow(String),
    /// It could not be tried, and why not.
    Untried(String),
}

impl Login<'_> {
    /// Tries it.
    pub(super) fn try_it(&self, stop: &(dyn Fn() -> bool + Sync)) -> Result<Answer, NotRun> {
        let answer = match self.door.protocol {
            Protocol::Imap | Protocol::Pop3 | Protocol::Submission => curl::log_in(self, stop),
            Protocol::Sieve => sieve::log_in(self, stop),
        };
        answer.map(|answer| self.explained(answer)).or_else(|error| match error {
            NotRun::Stopped => Err(NotRun::Stopped),
            NotRun::Missing(name) => {
                Ok(Answer::Untried(format!("there is no {name} here: apt install {name}")))
            }
            NotRun::TooLong(_) | NotRun::Io(..) => Ok(Answer::Untried(error.to_string())),
        })
    }

    pub(super) fn checks_certificate(&self) -> bool {
        self.certificates == Certificates::Checked && !(self.way.is_local() && self.is_of_the_server())
    }

    /// Whether whoever listens there, on this machine, can be believed without a certificate.
    fn is_of_the_server(&self) -> bool {
        listener::is_trusted(self.way.address.port())
    }

    /// Why a certificate was asked for where mostly none is.
    fn explained(&self, answer: Answer) -> Answer {
        if !self.way.is_local() || !self.checks_certificate() {
            return answer;
        }
        let Answer::Untried(why) = answer else { return answer };
        Answer::Untried(format!(
            "{why}; any user may open port {}, and no server of root's listens there: nothing was shown to it without a \
             certificate for {}",
            self.way.address.port(),
            self.door.host
        ))
    }
}

impl Answer {
    /// Reads the line with which a server says no.
    pub(super) fn no(line: &str) -> Self {
        let has = |words: &[&str]| words.iter().any(|word| line.contains(word));
        let line = line.trim().to_owned();
        if has(&["Internal login failure", "SERVERBUG", "Internal error"]) {
            Self::Behind(line)
        } else if has(&["[UNAVAILABLE]", "[SYS/TEMP]", "TRYLATER", "Temporary"]) || line.starts_with('4') {
            Self::NotNow(line)
        } else {
            Self::Refused(line)
        }
    }

    /// The word for it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Behind(_) => "passed-then-failed",
            Self::HungUp => "hung-up",
            Self::Refused(_) => "refused",
            Self::NotNow(_) => "not-now",
            Self::Untried(_) => "untried",
        }
    }

    /// What the server said, or why nobody could ask it.
    #[must_use]
    pub fn said(&self) -> Option<&str> {
        match self {
            Self::Passed => None,
            Self::HungUp => Some("the server hung up without an answer"),
            Self::Behind(said) | Self::Refused(said) | Self::NotNow(said) | Self::Untried(said) => Some(said),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn without_a_certificate_nothing_is_shown_to_a_port_that_is_not_the_servers() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let place = listener.local_addr().unwrap();
        let door = Door::parse(Protocol::Sieve, &place.to_string()).unwrap();
        let way = Way::find(&door).unwrap();
        let (source, secret) = (way.source().unwrap(), Secret::copy_of(b"secret"));
        let certificates = Certificates::Checked;
        let login = Login { door: &door, way: &way, source, account: "a", secret: &secret, certificates };
        let untried = || login.explained(Answer::Untried("closed".to_owned()));
        assert!(!login.checks_certificate());
        assert_eq!(untried().said(), Some("closed"));
        // The server is down; whoever listens next may be anybody.
        drop(listener);
        assert!(login.checks_certificate());
        assert!(untried().said().unwrap().contains("without a certificate for 127.0.0.1"));
    }

    #[test]
    fn a_no_is_told_by_the_words_of_the_server() {
        for (line, word) in [
            ("A002 NO [AUTHENTICATIONFAILED] Authentication failed.", "refused"),
            ("A002 NO [UNAVAILABLE] Temporary authentication failure. [mail:2026]", "not-now"),
            (
                "A002 NO [UNAVAILABLE] Internal login failure. Refer to server log for more information.",
                "passed-then-failed",
            ),
            ("-ERR [AUTH] Authentication failed.", "refused"),
            ("-ERR [SYS/TEMP] Temporary authentication failure.", "not-now"),
            ("535 5.7.8 Error: authentication failed: ", "refused"),
            ("454 4.7.0 Temporary authentication failure: ", "not-now"),
            ("NO \"Authentication failed.\"", "refused"),
            ("NO (TRYLATER) \"Temporary authentication failure.\"", "not-now"),
        ] {
            assert_eq!(Answer::no(line).word(), word, "{line}");
        }
    }
}
