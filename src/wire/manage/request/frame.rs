//! A request as octets.

use zeroize::Zeroizing;

use crate::crypto::otp::KEY_LENGTHS;
use crate::domain::app_password::Label;
use crate::domain::attempt::MAX_SECRET;
use crate::domain::network::Networks;
use crate::domain::self_service::Verb;
use crate::domain::service::{Scope, Service};
use crate::wire::frame::{BadFrame, MAX_FRAME, MAX_LIST, Reader, VERSION, Writer};
use crate::wire::manage::request::asker::BEFORE;
use crate::wire::manage::request::{Credentials, NewKey, Request, Terms};

const VERBS: [(Verb, u8); 8] = [
    (Verb::ShowAccount, b's'),
    (Verb::ListAppPasswords, b'l'),
    (Verb::RevokeAppPassword, b'r'),
    (Verb::AddAppPassword, b'a'),
    (Verb::BeginTotp, b'b'),
    (Verb::FinishTotp, b'f'),
    (Verb::AddTotp, b't'),
    (Verb::RenewRecoveryCodes, b'c'),
];

/// Longest request.
pub(super) const MAX_REQUEST: usize = MAX_FRAME - BEFORE;

// The largest: head, two secrets, a key, two labels, a scope, networks, an end; each field with its length.
const _: () = {
    let (secrets, key, labels) = (2 * (2 + MAX_SECRET), 2 + *KEY_LENGTHS.end(), 2 * (2 + Label::MAX_LEN));
    let (scope, networks) = (2 + Scope::MAX_SERVICES * (Service::MAX_LEN + 1), 2 + MAX_LIST);
    assert!(2 + secrets + key + labels + scope + networks + 9 <= MAX_REQUEST);
};

/// Writes a request.
///
/// # Errors
/// Where a field is beyond any bound.
pub fn encode_request(request: &Request) -> Result<Zeroizing<Vec<u8>>, BadFrame> {
    let mut frame = Writer::new();
    frame.octet(VERSION);
    frame.octet(VERBS.iter().find(|(verb, _)| *verb == request.verb()).map_or(0, |(_, letter)| *letter));
    match request {
        Request::ShowAccount => {}
        Request::ListAppPasswords { after } => frame.number(*after),
        Request::RevokeAppPassword { label } => frame.field(label.as_str().as_bytes())?,
        Request::AddAppPassword { shown, terms } => {
            write_credentials(&mut frame, shown)?;
            write_terms(&mut frame, terms)?;
        }
        Request::BeginTotp { primary } => frame.field(primary.expose())?,
        Request::FinishTotp { primary, new, terms } => {
            frame.field(primary.expose())?;
            write_new_key(&mut frame, new)?;
            write_terms(&mut frame, terms)?;
        }
        Request::AddTotp { shown, new } => {
            write_credentials(&mut frame, shown)?;
            write_new_key(&mut frame, new)?;
        }
        Request::RenewRecoveryCodes { shown } => write_credentials(&mut frame, shown)?,
    }
    let frame = frame.finish();
    if MAX_REQUEST < frame.len() { Err(BadFrame) } else { Ok(frame) }
}

/// Reads a request.
///
/// # Errors
/// Where it is none of this version.
pub fn decode_request(frame: &[u8]) -> Result<Request, BadFrame> {
    if MAX_REQUEST < frame.len() {
        return Err(BadFrame);
    }
    let mut reader = Reader::new(frame);
    let (version, letter) = (reader.octet()?, reader.octet()?);
    let verb = VERBS.iter().find(|(_, each)| *each == letter).map(|(verb, _)| *verb);
    let verb = verb.filter(|_| version == VERSION).ok_or(BadFrame)?;
    let request = read_request(verb, &mut reader)?;
    reader.end()?;
    Ok(request)
}

fn read_request(verb: Verb, reader: &mut Reader<'_>) -> Result<Request, BadFrame> {
    Ok(match verb {
        Verb::ShowAccount => Request::ShowAccount,
        Verb::ListAppPasswords => Request::ListAppPasswords { after: reader.number()? },
        Verb::RevokeAppPassword => Request::RevokeAppPassword { label: read_label(reader)? },
        Verb::AddAppPassword => {
            Request::AddAppPassword { shown: read_credentials(reader)?, terms: read_terms(reader)? }
        }
        Verb::BeginTotp => Request::BeginTotp { primary: reader.secret()? },
        Verb::FinishTotp => Request::FinishTotp {
            primary: reader.secret()?,
            new: read_new_key(reader)?,
            terms: read_terms(reader)?,
        },
        Verb::AddTotp => Request::AddTotp { shown: read_credentials(reader)?, new: read_new_key(reader)? },
        Verb::RenewRecoveryCodes => Request::RenewRecoveryCodes { shown: read_credentials(reader)? },
    })
}

fn write_credentials(frame: &mut Writer, shown: &Credentials) -> Result<(), BadFrame> {
    frame.field(shown.primary.expose())?;
    frame.field(shown.code.expose())
}

fn read_credentials(reader: &mut Reader<'_>) -> Result<Credentials, BadFrame> {
    Ok(Credentials { primary: reader.secret()?, code: reader.secret()? })
}

fn write_terms(frame: &mut Writer, terms: &Terms) -> Result<(), BadFrame> {
    frame.field(terms.label.as_str().as_bytes())?;
    frame.list(&terms.scope.to_string())?;
    frame.list(&terms.networks.to_string())?;
    frame.moment(terms.expires_at);
    Ok(())
}

fn read_terms(reader: &mut Reader<'_>) -> Result<Terms, BadFrame> {
    Ok(Terms {
        label: read_label(reader)?,
        scope: read_scope(reader)?,
        networks: read_networks(reader)?,
        expires_at: reader.moment()?,
    })
}

fn write_new_key(frame: &mut Writer, new: &NewKey) -> Result<(), BadFrame> {
    frame.field(new.key.expose())?;
    frame.field(new.code.expose())?;
    frame.field(new.label.as_str().as_bytes())
}

fn read_new_key(reader: &mut Reader<'_>) -> Result<NewKey, BadFrame> {
    let key = reader.secret()?;
    if !KEY_LENGTHS.contains(&key.len()) {
        return Err(BadFrame);
    }
    Ok(NewKey { key, code: reader.secret()?, label: read_label(reader)? })
}

fn read_label(reader: &mut Reader<'_>) -> Result<Label, BadFrame> {
    Label::parse(reader.text()?).map_err(|_| BadFrame)
}

pub(in crate::wire::manage) fn read_scope(reader: &mut Reader<'_>) -> Result<Scope, BadFrame> {
    Scope::parse(reader.list()?).map_err(|_| BadFrame)
}

/// Nothing stands for any.
pub(in crate::wire::manage) fn read_networks(reader: &mut Reader<'_>) -> Result<Networks, BadFrame> {
    match reader.list()? {
        "" => Ok(Networks::default()),
        list => Networks::parse(list).map_err(|_| BadFrame),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::secret::Secret;
    use crate::domain::time::UnixTime;
    use crate::wire::manage::request::asker::{OF_UID, of_uid};

    fn secret(text: &str) -> Secret {
        Secret::copy_of(text.as_bytes())
    }

    fn label(text: &str) -> Label {
        Label::parse(text).unwrap()
    }

    fn terms() -> Terms {
        let (scope, networks) =
            (Scope::parse("imap,smtp").unwrap(), Networks::parse("192.0.2.0/24").unwrap());
        Terms { label: label("phone"), scope, networks, expires_at: Some(UnixTime(7)) }
    }

    fn requests() -> Vec<Request> {
        let shown = || Credentials { primary: secret("correct horse"), code: secret("123456") };
        let new =
            || NewKey { key: secret("12345678901234567890"), code: secret("654321"), label: label("totp") };
        let unlimited = Terms { networks: Networks::default(), expires_at: None, ..terms() };
        vec![
            Request::ShowAccount,
            Request::ListAppPasswords { after: 7 },
            Request::RevokeAppPassword { label: label("old phone") },
            Request::AddAppPassword { shown: shown(), terms: terms() },
            Request::AddAppPassword { shown: shown(), terms: unlimited },
            Request::BeginTotp { primary: secret("") },
            Request::FinishTotp { primary: secret("correct horse"), new: new(), terms: terms() },
            Request::AddTotp { shown: shown(), new: new() },
            Request::RenewRecoveryCodes { shown: shown() },
        ]
    }

    #[test]
    fn every_request_is_read_as_it_was_written() {
        let mut verbs = Vec::new();
        for request in requests() {
            let frame = encode_request(&request).unwrap();
            let read = decode_request(&frame).unwrap();
            assert_eq!(read.verb(), request.verb());
            assert_eq!(*encode_request(&read).unwrap(), *frame);
            verbs.push(request.verb());
        }
        assert!(VERBS.iter().all(|(verb, _)| verbs.contains(verb)));
    }

    #[test]
    fn a_frame_cut_short_or_with_more_behind_it_is_no_request() {
        for request in requests() {
            let frame = encode_request(&request).unwrap();
            for end in 0..frame.len() {
                assert!(decode_request(&frame[..end]).is_err(), "{:?} cut at {end}", request.verb());
            }
            assert!(decode_request(&[frame.as_slice(), b"\0"].concat()).is_err());
            for head in [[2, frame[1]], [0, frame[1]], [VERSION, 0], [VERSION, OF_UID], [VERSION, b'v']] {
                assert!(decode_request(&[&head, &frame[2..]].concat()).is_err(), "{head:?}");
            }
        }
    }

    #[test]
    fn what_is_no_label_scope_network_or_key_is_no_request() {
        let field = |text: &[u8]| [&u16::try_from(text.len()).unwrap().to_be_bytes(), text].concat();
        let add = |label: &[u8], scope: &[u8], networks: &[u8], end: &[u8]| {
            let fields =
                [field(b"p"), field(b"1"), field(label), field(scope), field(networks), end.to_vec()];
            decode_request(&[vec![VERSION, b'a'], fields.concat()].concat())
        };
        assert!(add(b"phone", b"imap", b"", b"\0").is_ok());
        for wrong in [
            add(b"", b"imap", b"", b"\0"),
            add(b"a\nb", b"imap", b"", b"\0"),
            add(b"\xff", b"imap", b"", b"\0"),
            add(&[b'a'; 65], b"imap", b"", b"\0"),
            add(b"phone", b"", b"", b"\0"),
            add(b"phone", b"im/ap", b"", b"\0"),
            add(b"phone", b"imap", b"office", b"\0"),
            add(b"phone", b"imap", b",", b"\0"),
            add(b"phone", b"imap", b"", b"\x02"),
            add(b"phone", b"imap", b"", b"\x01\0"),
        ] {
            assert!(wrong.is_err());
        }
        let key = |key: &[u8]| {
            let fields = [field(b"p"), field(b"1"), field(key), field(b"1"), field(b"totp")];
            decode_request(&[vec![VERSION, b't'], fields.concat()].concat())
        };
        assert!(key(&[1; 10]).is_ok() && key(&[1; 64]).is_ok());
        assert!(key(&[1; 9]).is_err() && key(&[1; 65]).is_err());
    }

    #[test]
    fn the_largest_request_fits_and_a_larger_one_is_not_written() {
        let names: Vec<String> = (0..Scope::MAX_SERVICES).map(|number| format!("{number:s>64}")).collect();
        let address = |number| format!("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ff{number:02x}/128");
        let networks: Vec<String> = (0..Networks::MAX).map(address).collect();
        let largest = Terms {
            label: label(&"\u{1f511}".repeat(Label::MAX_CHARS)),
            scope: Scope::parse(&names.join(",")).unwrap(),
            networks: Networks::parse(&networks.join(",")).unwrap(),
            expires_at: Some(UnixTime(u64::MAX)),
        };
        let new = |code: &str| {
            let key = Secret::copy_of(&[1; 64]);
            NewKey { key, code: secret(code), label: largest.label.clone() }
        };
        let finish = |primary: &str, code: &str| {
            let (new, terms) = (new(code), largest.clone());
            encode_request(&Request::FinishTotp { primary: secret(primary), new, terms })
        };
        let (bound, beyond) = ("a".repeat(MAX_SECRET), "a".repeat(769));
        let frame = finish(&bound, &bound).unwrap();
        assert!(decode_request(&frame).is_ok());
        assert!(of_uid(u32::MAX, &frame).unwrap().len() <= MAX_FRAME);
        assert!(finish(&beyond, "1").is_err() && finish("a", &beyond).is_err());
        assert!(decode_request(&[VERSION; MAX_REQUEST + 1]).is_err());
        assert!(of_uid(0, &[VERSION; MAX_REQUEST + 1]).is_err());
    }
}
