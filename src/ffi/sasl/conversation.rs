//! What a client says in PLAIN (RFC 4616) and LOGIN, and what it is asked.
//!
//! Knows: whose turn it is, and the bounds of each part.
//! Never: who anybody is; names go to libsasl as they came.
#![forbid(unsafe_code)]

use std::ffi::CStr;
use std::mem;

use crate::crypto::secret::Secret;
use crate::domain::account::AccountName;
use crate::domain::attempt::MAX_SECRET;

/// One conversation, from its first turn to its last.
pub enum Conversation {
    /// PLAIN, whose one message has everything.
    Plain,
    /// LOGIN, before a name was asked for.
    Login,
    /// LOGIN, where it was.
    LoginAsked,
    /// LOGIN, with the name that came.
    LoginNamed(Vec<u8>),
    /// Nothing more may be said.
    Over,
}

/// What a turn comes to.
pub enum Turn {
    /// The client is asked for more.
    Ask(Prompt),
    /// The client has said who it is.
    Presented(Presented),
    /// What came is no message of the mechanism.
    Garbled,
    /// The conversation was over.
    Late,
}

/// What LOGIN asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// The name.
    Username,
    /// The password.
    Password,
}

impl Prompt {
    /// To the letter what the stock plug-in says: some clients look for it.
    pub const fn text(self) -> &'static CStr {
        match self {
            Self::Username => c"Username:",
            Self::Password => c"Password:",
        }
    }
}

/// Who a client says it is.
pub struct Presented {
    /// Whom it wants to act as, if it said so.
    pub authzid: Option<Vec<u8>>,
    /// Who it is.
    pub authcid: Vec<u8>,
    /// What shows it.
    pub secret: Secret,
}

impl Conversation {
    /// Takes the client's next message; an empty one where it sent none.
    pub fn hear(&mut self, message: &[u8]) -> Turn {
        match mem::replace(self, Self::Over) {
            Self::Plain => plain(message).map_or(Turn::Garbled, Turn::Presented),
            Self::Login if message.is_empty() => {
                *self = Self::LoginAsked;
                Turn::Ask(Prompt::Username)
            }
            // An initial response is the name.
            Self::Login | Self::LoginAsked => match name(message) {
                Some(name) => {
                    *self = Self::LoginNamed(name);
                    Turn::Ask(Prompt::Password)
                }
                None => Turn::Garbled,
            },
            Self::LoginNamed(authcid) => match secret(message) {
                Some(secret) => Turn::Presented(Presented { authzid: None, authcid, secret }),
                None => Turn::Garbled,
            },
            Self::Over => Turn::Late,
        }
    }
}

/// `[authzid] NUL authcid NUL passwd`
fn plain(message: &[u8]) -> Option<Presented> {
    // Whatever is longer than all three at their bounds is not even taken apart.
    if 2 * AccountName::MAX_LEN + MAX_SECRET + 2 < message.len() {
        return None;
    }
    let mut parts = message.split(|octet| *octet == 0);
    let (authzid, authcid) = (name(parts.next()?)?, name(parts.next()?)?);
    let secret = secret(parts.next()?)?;
    let is_whole = parts.next().is_none() && !authcid.is_empty();
    is_whole.then_some(Presented { authzid: Some(authzid).filter(|name| !name.is_empty()), authcid, secret })
}

/// A name of LOGIN may come empty, as with stock; it belongs to nobody.
fn name(text: &[u8]) -> Option<Vec<u8>> {
    (text.len() <= AccountName::MAX_LEN && !text.contains(&0)).then(|| text.to_vec())
}

fn secret(text: &[u8]) -> Option<Secret> {
    (text.len() <= MAX_SECRET && !text.contains(&0)).then(|| Secret::copy_of(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Parts = (Option<Vec<u8>>, Vec<u8>, Vec<u8>);

    fn presented(turn: Turn) -> Option<Parts> {
        match turn {
            Turn::Presented(said) => Some((said.authzid, said.authcid, said.secret.expose().to_vec())),
            Turn::Ask(_) | Turn::Garbled | Turn::Late => None,
        }
    }

    fn in_plain(message: &[u8]) -> Option<Parts> {
        presented(Conversation::Plain.hear(message))
    }

    fn asks(turn: &Turn, prompt: Prompt) -> bool {
        matches!(turn, Turn::Ask(asked) if *asked == prompt)
    }

    #[test]
    fn a_plain_message_has_three_parts_the_first_of_which_may_be_empty() {
        let (alice, bob) = (b"alice".to_vec(), b"bob".to_vec());
        assert_eq!(in_plain(b"\0alice\0secret"), Some((None, alice.clone(), b"secret".to_vec())));
        assert_eq!(in_plain(b"bob\0alice\0s"), Some((Some(bob), alice.clone(), b"s".to_vec())));
        assert_eq!(in_plain(b"\0alice\0"), Some((None, alice, Vec::new())));
        assert_eq!(in_plain(b"\0\xff\0\xfe"), Some((None, b"\xff".to_vec(), b"\xfe".to_vec())));
    }

    #[test]
    fn anything_else_is_garbled() {
        for message in [
            &b""[..],
            b"alice",
            b"\0alice",
            b"\0\0secret",
            b"alice\0\0secret",
            b"\0alice\0sec\0ret",
            b"\0alice\0secret\0",
            b"\0\0\0",
        ] {
            assert_eq!(in_plain(message), None, "{message:?}");
        }
    }

    #[test]
    fn every_part_has_a_bound() {
        let message = |authzid: usize, authcid: usize, secret: usize| {
            [&vec![b'a'; authzid][..], b"\0", &vec![b'b'; authcid], b"\0", &vec![b'c'; secret]].concat()
        };
        assert!(in_plain(&message(320, 320, 512)).is_some());
        for beyond in [message(321, 1, 1), message(0, 321, 1), message(0, 1, 513), message(0, 1, 100_000)] {
            assert_eq!(in_plain(&beyond), None);
        }
        let long = [b'a'; 1000];
        assert!(matches!(Conversation::Login.hear(&long[..321]), Turn::Garbled));
        assert!(asks(&Conversation::Login.hear(&long[..320]), Prompt::Password));
        assert!(matches!(Conversation::LoginNamed(Vec::new()).hear(&long[..513]), Turn::Garbled));
        assert!(presented(Conversation::LoginNamed(Vec::new()).hear(&long[..512])).is_some());
    }

    #[test]
    fn login_asks_for_the_name_unless_it_came_first() {
        let mut asked = Conversation::Login;
        assert!(asks(&asked.hear(b""), Prompt::Username));
        assert!(asks(&asked.hear(b"alice"), Prompt::Password));
        assert_eq!(presented(asked.hear(b"s")), Some((None, b"alice".to_vec(), b"s".to_vec())));
        let mut first = Conversation::Login;
        assert!(asks(&first.hear(b"alice"), Prompt::Password));
        assert_eq!(presented(first.hear(b"")), Some((None, b"alice".to_vec(), Vec::new())));
        for text in [&b"al\0ice"[..], b"\0", b"alice\0"] {
            assert!(matches!(Conversation::Login.hear(text), Turn::Garbled));
            assert!(matches!(Conversation::LoginNamed(b"alice".to_vec()).hear(text), Turn::Garbled));
        }
    }

    #[test]
    fn who_was_heard_is_not_heard_again() {
        for mut over in [Conversation::Plain, Conversation::LoginNamed(b"alice".to_vec())] {
            over.hear(b"\0alice\0secret");
            assert!(matches!(over.hear(b"\0alice\0secret"), Turn::Late));
        }
        let mut garbled = Conversation::Login;
        garbled.hear(b"\0");
        assert!(matches!(garbled.hear(b"alice"), Turn::Late));
    }
}
