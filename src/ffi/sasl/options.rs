//! The options of ours in the application's own SASL configuration, such as `/etc/postfix/sasl/smtpd.conf`.
#![forbid(unsafe_code)]

use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::config::DEFAULT_PATH;
use crate::ffi::choice::Choice;

/// `postern_enable: yes`: whether anything is offered at all.
pub const ENABLE: &CStr = c"postern_enable";

const SOCKET: &CStr = c"postern_socket";
const STORE: &CStr = c"postern_store";
const SERVICE: &CStr = c"postern_service";

/// What the configuration says of a login.
#[derive(Debug, PartialEq, Eq)]
pub struct Options {
    /// `postern_socket: PATH`: ask posternd there. `postern_store: yes`: decide in this process; instead of `yes` the path of
    /// a configuration, which names store, key and policy.
    pub choice: Choice,
    /// `postern_service: NAME`, instead of the application's word.
    pub service: Option<Vec<u8>>,
}

/// An option that is not understood, in words.
#[derive(Debug, PartialEq, Eq)]
pub struct BadOption(pub &'static str);

/// Whether mechanisms are offered. Whatever is no clear no is a yes: a slip must not leave the door to stock PLAIN.
pub fn is_enabled(value: Option<&[u8]>) -> bool {
    let no = ["no", "off", "false", "0", "n", "f", ""];
    value.is_some_and(|value| !no.iter().any(|word| value.eq_ignore_ascii_case(word.as_bytes())))
}

impl Options {
    /// Asks for each option. One that is not understood refuses every login.
    pub fn read(option: impl Fn(&CStr) -> Option<Vec<u8>>) -> Result<Self, BadOption> {
        let (socket, config) = match (option(SOCKET), option(STORE)) {
            (Some(_), Some(_)) => return Err(BadOption(BOTH)),
            (None, Some(word)) if word == b"yes" => (None, Some(DEFAULT_PATH.into())),
            (None, Some(path)) => (None, Some(absolute(&path).ok_or(BadOption(NO_STORE))?)),
            (Some(path), None) => (Some(absolute(&path).ok_or(BadOption(NO_SOCKET))?), None),
            (None, None) => (None, None),
        };
        match option(SERVICE) {
            Some(name) if name.is_empty() => Err(BadOption("postern_service names no service")),
            service => Ok(Self { choice: Choice { config, socket }, service }),
        }
    }
}

const NO_SOCKET: &str = "postern_socket is no absolute path";
const NO_STORE: &str = "postern_store is neither yes nor the absolute path of a configuration";
const BOTH: &str = "postern_socket and postern_store exclude each other";

fn absolute(path: &[u8]) -> Option<PathBuf> {
    path.starts_with(b"/").then(|| OsStr::from_bytes(path).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[(&str, &str)]) -> Result<Options, BadOption> {
        Options::read(|name| {
            let line = lines.iter().find(|(option, _)| option.as_bytes() == name.to_bytes());
            line.map(|(_, value)| value.as_bytes().to_vec())
        })
    }

    #[test]
    fn a_socket_or_a_store_may_be_named() {
        let choice = |lines: &[(&str, &str)]| {
            let choice = read(lines).unwrap().choice;
            (choice.socket, choice.config)
        };
        assert_eq!(choice(&[]), (None, None));
        assert_eq!(choice(&[("postern_socket", "/run/x")]), (Some("/run/x".into()), None));
        assert_eq!(choice(&[("postern_store", "yes")]), (None, Some(DEFAULT_PATH.into())));
        assert_eq!(choice(&[("postern_store", "/x.toml")]), (None, Some("/x.toml".into())));
    }

    #[test]
    fn a_service_may_be_named() {
        assert_eq!(read(&[]).unwrap().service, None);
        let named = read(&[("postern_service", "ldap")]).unwrap().service;
        assert_eq!(named.as_deref(), Some(&b"ldap"[..]));
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for lines in [
            &[("postern_socket", "run/x")][..],
            &[("postern_socket", "")],
            &[("postern_store", "no")],
            &[("postern_store", "YES")],
            &[("postern_store", "")],
            &[("postern_service", "")],
            &[("postern_socket", "/run/x"), ("postern_store", "yes")],
        ] {
            assert!(read(lines).is_err(), "{lines:?}");
        }
    }

    #[test]
    fn off_unless_said_and_then_on_unless_it_is_a_clear_no() {
        assert!(!is_enabled(None));
        for no in ["no", "No", "off", "false", "0", "n", ""] {
            assert!(!is_enabled(Some(no.as_bytes())), "{no}");
        }
        for yes in ["yes", "YES", "on", "true", "1", "y", "ys", "nonsense"] {
            assert!(is_enabled(Some(yes.as_bytes())), "{yes}");
        }
    }
}
