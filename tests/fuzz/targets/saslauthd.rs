//! Saslauthd's language, on a stream that may break anywhere.

use postern::domain::attempt::Shown;
use postern::wire::{Progress, SaslauthdRequest};

use super::KIB;
use super::allocation::within;

/// What a stream has come to.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Refused,
    Partial,
    Whole { account: Vec<u8>, secret: Vec<u8>, service: Vec<u8> },
}

pub fn request(octets: &[u8]) {
    // Room for one request, and a copy of each of its strings.
    let at_once = within(16 * KIB, || hear(octets.chunks(octets.len().max(1))));
    assert_eq!(at_once, hear(octets.chunks(1)), "it matters where the stream breaks");
    assert_eq!(at_once, expected(octets));
}

fn hear<'o>(arrivals: impl Iterator<Item = &'o [u8]>) -> Heard {
    let (mut request, mut heard) = (SaslauthdRequest::default(), Heard::Partial);
    for arrived in arrivals {
        heard = match request.take(arrived) {
            Err(_) => return Heard::Refused,
            Ok(Progress::Partial) => Heard::Partial,
            Ok(Progress::Whole(question)) => {
                let raw = question.raw();
                let Shown::Field(secret) = raw.shown else { panic!("it has a field alone") };
                assert!(raw.remote.is_none(), "it carries no address");
                Heard::Whole {
                    account: raw.account.to_vec(),
                    secret: secret.expose().to_vec(),
                    service: raw.service.to_vec(),
                }
            }
        };
    }
    heard
}

/// Read once more, in the plainest way.
fn expected(octets: &[u8]) -> Heard {
    let (mut strings, mut rest) = (Vec::new(), octets);
    while strings.len() < 4 {
        let [high, low, behind @ ..] = rest else { return Heard::Partial };
        let length = usize::from(*high) * 256 + usize::from(*low);
        if 768 < length {
            return Heard::Refused;
        }
        let Some((string, behind)) = behind.split_at_checked(length) else { return Heard::Partial };
        strings.push(string.to_vec());
        rest = behind;
    }
    let [user, secret, service, realm] = strings.try_into().unwrap();
    let account = if realm.is_empty() { user } else { [user, realm].join(&b'@') };
    if rest.is_empty() { Heard::Whole { account, secret, service } } else { Heard::Refused }
}
