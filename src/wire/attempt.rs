//! Questions about an attempt or an account.

use zeroize::Zeroizing;

use crate::crypto::secret::Secret;
use crate::domain::attempt::{Door, RawAttempt, Shown};
use crate::wire::frame::{BadFrame, Reader, VERSION, Writer};

/// What is asked about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Whether an attempt passes.
    Verify,
    /// Whether an account may be used; the attempt carries no secret.
    Standing,
}

/// A question that came in a frame, unread beyond its fields.
#[derive(Debug)]
pub struct Asked {
    /// What is asked.
    pub question: Question,
    /// PAM_USER, SASL authcid.
    pub account: Vec<u8>,
    /// The service.
    pub service: Vec<u8>,
    /// The remote host, if one was named.
    pub remote: Option<Vec<u8>>,
    /// Through which door it came.
    pub door: Door,
    typed: Typed,
}

#[derive(Debug)]
enum Typed {
    Field(Secret),
    Apart(Secret, Secret),
    CodeAlone(Secret),
}

impl Asked {
    /// As every door hands it over.
    #[must_use]
    pub fn raw(&self) -> RawAttempt<'_> {
        RawAttempt {
            account: &self.account,
            shown: match &self.typed {
                Typed::Field(field) => Shown::Field(field),
                Typed::Apart(field, code) => Shown::Apart { field, code },
                Typed::CodeAlone(code) => Shown::CodeAlone(code),
            },
            service: &self.service,
            remote: self.remote.as_deref(),
            door: self.door,
        }
    }
}

/// Writes a question.
///
/// # Errors
/// Where a field is beyond any bound.
pub fn encode(question: Question, raw: &RawAttempt<'_>) -> Result<Zeroizing<Vec<u8>>, BadFrame> {
    let mut frame = Writer::new();
    frame.octet(VERSION);
    frame.octet(match question {
        Question::Verify => b'v',
        Question::Standing => b's',
    });
    frame.octet(door_octet(raw.door));
    frame.field(raw.account)?;
    frame.field(raw.service)?;
    frame.octet(u8::from(raw.remote.is_some()));
    frame.field(raw.remote.unwrap_or_default())?;
    let (kind, first, second) = match raw.shown {
        Shown::Field(field) => (b'f', field.expose(), &b""[..]),
        Shown::Apart { field, code } => (b'a', field.expose(), code.expose()),
        Shown::CodeAlone(code) => (b'c', code.expose(), &b""[..]),
    };
    frame.octet(kind);
    frame.field(first)?;
    frame.field(second)?;
    Ok(frame.finish())
}

/// Reads a question.
///
/// # Errors
/// Where it is none of this version.
pub fn decode(frame: &[u8]) -> Result<Asked, BadFrame> {
    let mut reader = Reader::new(frame);
    if reader.octet()? != VERSION {
        return Err(BadFrame);
    }
    let question = match reader.octet()? {
        b'v' => Question::Verify,
        b's' => Question::Standing,
        _ => return Err(BadFrame),
    };
    let door = door(reader.octet()?)?;
    let (account, service) = (reader.field()?.to_vec(), reader.field()?.to_vec());
    let (named, remote) = (reader.octet()?, reader.field()?);
    let remote = match (named, remote) {
        (1, host) => Some(host.to_vec()),
        (0, b"") => None,
        _ => return Err(BadFrame),
    };
    let (kind, first, second) = (reader.octet()?, reader.field()?, reader.field()?);
    reader.end()?;
    let typed = match (kind, second) {
        (b'f', b"") => Typed::Field(Secret::copy_of(first)),
        (b'a', _) => Typed::Apart(Secret::copy_of(first), Secret::copy_of(second)),
        (b'c', b"") => Typed::CodeAlone(Secret::copy_of(first)),
        _ => return Err(BadFrame),
    };
    Ok(Asked { question, account, service, remote, door, typed })
}

/// Those of hosts. The others are doors of our own programs, and what comes through them is treated otherwise: no peer may
/// say so of itself.
const DOORS: [(Door, u8); 4] =
    [(Door::Pam, b'p'), (Door::Sasl, b's'), (Door::Saslauthd, b'd'), (Door::C, b'c')];

fn door_octet(door: Door) -> u8 {
    DOORS.iter().find(|(each, _)| *each == door).map_or(0, |(_, octet)| *octet)
}

fn door(octet: u8) -> Result<Door, BadFrame> {
    DOORS.iter().find(|(_, each)| *each == octet).map(|(door, _)| *door).ok_or(BadFrame)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw<'a>(account: &'a [u8], shown: Shown<'a>, remote: Option<&'a [u8]>) -> RawAttempt<'a> {
        RawAttempt { account, shown, service: b"smtp", remote, door: Door::Sasl }
    }

    #[test]
    fn every_question_is_read_as_it_was_written() {
        let (field, code) = (Secret::copy_of(b"hunter2"), Secret::copy_of(b"123456"));
        let shown =
            [Shown::Field(&field), Shown::Apart { field: &field, code: &code }, Shown::CodeAlone(&code)];
        for (shown, remote) in shown.into_iter().zip([None, Some(&b"192.0.2.1"[..]), Some(b"")]) {
            for question in [Question::Verify, Question::Standing] {
                for (door, _) in DOORS {
                    let raw = RawAttempt { door, ..raw(b"alice", shown, remote) };
                    let frame = encode(question, &raw).unwrap();
                    let asked = decode(&frame).unwrap();
                    assert_eq!((asked.question, asked.door), (question, door));
                    assert_eq!((&*asked.account, &*asked.service), (&b"alice"[..], &b"smtp"[..]));
                    assert_eq!(asked.remote.as_deref(), remote);
                    assert_eq!(*encode(question, &asked.raw()).unwrap(), *frame);
                }
            }
        }
    }

    #[test]
    fn a_changed_length_an_end_too_early_or_more_behind_it_is_no_frame() {
        let field = Secret::copy_of(b"hunter2");
        let frame = encode(Question::Verify, &raw(b"alice", Shown::Field(&field), None)).unwrap();
        for end in 0..frame.len() {
            assert!(decode(&frame[..end]).is_err(), "cut at {end}");
        }
        assert!(decode(&[frame.as_slice(), b"\0"].concat()).is_err());
        for place in 0..3 {
            let mut changed = frame.to_vec();
            changed[place] ^= 0x80;
            assert!(decode(&changed).is_err(), "octet {place}");
        }
        assert!(decode(&[0xff; 4096]).is_err());
    }

    #[test]
    fn what_is_beyond_any_bound_is_not_written() {
        let (field, long) = (Secret::copy_of(b"x"), [b'a'; 769]);
        assert!(encode(Question::Verify, &raw(&long, Shown::Field(&field), None)).is_err());
        let largest = Secret::copy_of(&[b'a'; 768]);
        let shown = Shown::Apart { field: &largest, code: &largest };
        let frame = encode(Question::Verify, &raw(&long[..768], shown, Some(&long[..768]))).unwrap();
        assert!(frame.len() <= crate::wire::MAX_FRAME);
        assert!(decode(&frame).is_ok());
    }
}
