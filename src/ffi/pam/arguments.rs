//! The words after `pam_postern.so` in a PAM service file.
#![forbid(unsafe_code)]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::ffi::choice::Choice;

/// What a service file says.
#[derive(Debug, PartialEq, Eq)]
pub struct Arguments {
    /// `config=FILE`, `socket=PATH`
    pub choice: Choice,
    /// `service=NAME`, instead of PAM_SERVICE.
    pub service: Option<Vec<u8>>,
    /// `debug`: more lines, none with a secret.
    pub debug: bool,
    /// `try_first_pass`, `use_first_pass`
    pub first_pass: FirstPass,
    /// `prompt`, `second-factor-only`
    pub asking: Asking,
}

/// What is asked for, and at how many prompts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// One field for everything, for hosts that can ask no more.
    OneField,
    /// The password, then the code.
    CodeApart,
    /// The code: another module of the stack checks the password.
    CodeAlone,
}

/// What happens to a password that an earlier module asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstPass {
    /// It is left alone.
    Ask,
    /// It is taken if there is one.
    Try,
    /// It is taken, and nothing is ever asked.
    Use,
}

/// The first word that is not understood.
#[derive(Debug, PartialEq, Eq)]
pub struct UnknownArgument(pub String);

impl Default for Arguments {
    fn default() -> Self {
        Self {
            choice: Choice::default(),
            service: None,
            debug: false,
            first_pass: FirstPass::Ask,
            asking: Asking::OneField,
        }
    }
}

impl Arguments {
    /// Reads the words. One that is not understood refuses every login: it may have been meant to.
    pub fn parse(words: &[&[u8]]) -> Result<Self, UnknownArgument> {
        let mut arguments = Self::default();
        for word in words {
            let path = |name: &[u8]| {
                let path = word.strip_prefix(name).filter(|path| path.starts_with(b"/"));
                path.map(|path| PathBuf::from(OsStr::from_bytes(path)))
            };
            match (*word, path(b"config="), path(b"socket="), word.strip_prefix(b"service=")) {
                (b"debug", ..) => arguments.debug = true,
                (b"try_first_pass", ..) => arguments.first_pass = FirstPass::Try,
                (b"use_first_pass", ..) => arguments.first_pass = FirstPass::Use,
                (b"prompt", ..) if arguments.asking != Asking::CodeAlone => {
                    arguments.asking = Asking::CodeApart;
                }
                (b"second-factor-only", ..) if arguments.asking != Asking::CodeApart => {
                    arguments.asking = Asking::CodeAlone;
                }
                (_, Some(path), ..) if arguments.choice.socket.is_none() => {
                    arguments.choice.config = Some(path)
                }
                (_, _, Some(path), _) if arguments.choice.config.is_none() => {
                    arguments.choice.socket = Some(path)
                }
                (.., Some(name)) if !name.is_empty() => arguments.service = Some(name.to_vec()),
                _ => return Err(UnknownArgument(String::from_utf8_lossy(word).into_owned())),
            }
        }
        Ok(arguments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_manual_is_understood() {
        let words: [&[u8]; 4] = [b"config=/x", b"service=imap", b"debug", b"use_first_pass"];
        let parsed = Arguments::parse(&words).unwrap();
        assert_eq!(parsed.choice.config, Some(PathBuf::from("/x")));
        assert_eq!(parsed.service.as_deref(), Some(&b"imap"[..]));
        assert!(parsed.debug);
        assert_eq!(parsed.first_pass, FirstPass::Use);
        assert_eq!(Arguments::parse(&[b"try_first_pass"]).unwrap().first_pass, FirstPass::Try);
        let bare = Arguments::parse(&[]).unwrap();
        assert_eq!((bare.choice, bare.service, bare.debug), (Choice::default(), None, false));
        assert_eq!((bare.first_pass, bare.asking), (FirstPass::Ask, Asking::OneField));
        assert_eq!(Arguments::parse(&[b"prompt"]).unwrap().asking, Asking::CodeApart);
        assert_eq!(Arguments::parse(&[b"second-factor-only"]).unwrap().asking, Asking::CodeAlone);
    }

    #[test]
    fn one_backend_is_named_and_not_two() {
        let socket = Arguments::parse(&[b"socket=/run/x"]).unwrap().choice.socket;
        assert_eq!(socket, Some(PathBuf::from("/run/x")));
        for words in [[&b"socket=/a"[..], b"config=/b"], [b"config=/b", b"socket=/a"]] {
            assert!(Arguments::parse(&words).is_err());
        }
        assert!(Arguments::parse(&[b"socket=a"]).is_err());
    }

    #[test]
    fn the_code_is_asked_apart_or_alone_and_not_both() {
        for words in [[&b"prompt"[..], b"second-factor-only"], [b"second-factor-only", b"prompt"]] {
            assert!(Arguments::parse(&words).is_err());
        }
    }

    #[test]
    fn any_other_word_is_an_error() {
        for word in ["nullok", "Debug", "config=", "config=x", "service=", "services=imap", "", "\u{e9}"] {
            assert_eq!(Arguments::parse(&[word.as_bytes()]), Err(UnknownArgument(word.into())));
        }
    }
}
