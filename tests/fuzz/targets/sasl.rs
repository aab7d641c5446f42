//! What a client says in PLAIN and in LOGIN.

use postern::ffi::sasl::conversation::{Conversation, Presented, Prompt, Turn};

use super::KIB;
use super::allocation::within;

/// Copies of two names and a secret, each within its bounds.
const BUDGET: usize = 2 * KIB;

/// One input is a message of PLAIN, and, parted at every octet 0xFF, a conversation in LOGIN.
pub fn conversations(octets: &[u8]) {
    plain(octets);
    login(&octets.split(|octet| *octet == 0xff).collect::<Vec<_>>());
}

/// RFC 4616: `[authzid] NUL authcid NUL passwd`, of which authcid is never empty.
fn plain(message: &[u8]) {
    let mut conversation = Conversation::Plain;
    let parts: Vec<&[u8]> = message.split(|octet| *octet == 0).collect();
    let expected = match parts[..] {
        [authzid, authcid, secret] => {
            authzid.len() <= 320 && (1..=320).contains(&authcid.len()) && secret.len() <= 512
        }
        _ => false,
    };
    match within(BUDGET, || conversation.hear(message)) {
        Turn::Presented(Presented { authzid, authcid, secret }) => {
            assert!(expected, "taken, and is none");
            let authzid = authzid.unwrap_or_default();
            assert_eq!([&authzid, &authcid, secret.expose()].join(&0), message);
        }
        Turn::Garbled => assert!(!expected, "refused, and is one"),
        Turn::Ask(_) | Turn::Late => panic!("PLAIN has one message"),
    }
    assert!(matches!(conversation.hear(message), Turn::Late), "heard twice");
}

/// At most one name and one secret come of it, just as they were sent.
fn login(messages: &[&[u8]]) {
    let (mut conversation, mut asked, mut heard) = (Conversation::Login, Vec::new(), Vec::new());
    for message in messages {
        heard.push(*message);
        match within(BUDGET, || conversation.hear(message)) {
            Turn::Ask(prompt) => asked.push(prompt),
            Turn::Presented(Presented { authzid, authcid, secret }) => {
                let said = if asked[0] == Prompt::Username { &heard[1..] } else { &heard[..] };
                assert_eq!(asked.last(), Some(&Prompt::Password), "nobody asked for a password");
                assert_eq!((authzid, said), (None, &[authcid.as_slice(), secret.expose()][..]));
                assert!(authcid.len() <= 320 && secret.len() <= 512);
                assert!(matches!(conversation.hear(message), Turn::Late), "heard twice");
                return;
            }
            Turn::Garbled => {
                assert!(matches!(conversation.hear(b"alice"), Turn::Late), "heard after it was garbled");
                return;
            }
            Turn::Late => panic!("it is not over"),
        }
    }
    assert!(asked.len() < 3);
}
