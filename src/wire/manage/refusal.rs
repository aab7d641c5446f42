//! Why a request was refused, as a frame tells it.

use crate::domain::self_service::Refusal;
use crate::domain::time::UnixTime;
use crate::wire::frame::{BadFrame, Reader, Writer};

/// Each refusal as an octet, a number and a text, of which most need neither.
pub(super) fn write_refusal(frame: &mut Writer, refusal: &Refusal) -> Result<(), BadFrame> {
    let (octet, number, text) = match refusal {
        Refusal::Unavailable => (1, 0, ""),
        Refusal::Throttled => (2, 0, ""),
        Refusal::Denied => (3, 0, ""),
        Refusal::AppPasswordIsNoProof => (4, 0, ""),
        Refusal::Closed => (5, 0, ""),
        Refusal::NoAccount(name) => (6, 0, name.as_str()),
        Refusal::NotOwn(name) => (7, 0, name.as_str()),
        Refusal::NotEnrolled => (8, 0, ""),
        Refusal::EnrolledBefore => (9, 0, ""),
        Refusal::NothingToProveWith => (10, 0, ""),
        Refusal::NoAppPassword => (11, 0, ""),
        Refusal::LabelTaken => (12, 0, ""),
        Refusal::TooManyAppPasswords(most) => (13, u64::from(*most), ""),
        Refusal::LivesTooLong(days) => (14, u64::from(*days), ""),
        Refusal::WrongCode => (15, 0, ""),
        Refusal::CodeSpent(until) => (16, until.0, ""),
        Refusal::KeyTaken(label) => (17, 0, label.as_str()),
        Refusal::TooManyKeys => (18, 0, ""),
        Refusal::OtherCodeLength => (19, 0, ""),
        Refusal::Changed => (20, 0, ""),
    };
    frame.octet(octet);
    frame.number(number);
    frame.field(text.as_bytes())
}

pub(super) fn read_refusal(reader: &mut Reader<'_>) -> Result<Refusal, BadFrame> {
    let (octet, number, text) = (reader.octet()?, reader.number()?, reader.text()?.to_owned());
    let small = || u16::try_from(number).map_err(|_| BadFrame);
    Ok(match octet {
        1 => Refusal::Unavailable,
        2 => Refusal::Throttled,
        3 => Refusal::Denied,
        4 => Refusal::AppPasswordIsNoProof,
        5 => Refusal::Closed,
        6 => Refusal::NoAccount(text),
        7 => Refusal::NotOwn(text),
        8 => Refusal::NotEnrolled,
        9 => Refusal::EnrolledBefore,
        10 => Refusal::NothingToProveWith,
        11 => Refusal::NoAppPassword,
        12 => Refusal::LabelTaken,
        13 => Refusal::TooManyAppPasswords(small()?),
        14 => Refusal::LivesTooLong(small()?),
        15 => Refusal::WrongCode,
        16 => Refusal::CodeSpent(UnixTime(number)),
        17 => Refusal::KeyTaken(text),
        18 => Refusal::TooManyKeys,
        19 => Refusal::OtherCodeLength,
        20 => Refusal::Changed,
        _ => return Err(BadFrame),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusals() -> Vec<Refusal> {
        let name = || "alice".to_owned();
        vec![
            Refusal::Unavailable,
            Refusal::Throttled,
            Refusal::Denied,
            Refusal::AppPasswordIsNoProof,
            Refusal::Closed,
            Refusal::NoAccount(name()),
            Refusal::NotOwn(name()),
            Refusal::NotEnrolled,
            Refusal::EnrolledBefore,
            Refusal::NothingToProveWith,
            Refusal::NoAppPassword,
            Refusal::LabelTaken,
            Refusal::TooManyAppPasswords(1000),
            Refusal::LivesTooLong(36_500),
            Refusal::WrongCode,
            Refusal::CodeSpent(UnixTime(1_700_000_300)),
            Refusal::KeyTaken("totp".to_owned()),
            Refusal::TooManyKeys,
            Refusal::OtherCodeLength,
            Refusal::Changed,
        ]
    }

    #[test]
    fn every_refusal_is_read_as_it_was_written() {
        for refusal in refusals() {
            let mut frame = Writer::new();
            write_refusal(&mut frame, &refusal).unwrap();
            assert_eq!(read_refusal(&mut Reader::new(&frame.finish())).unwrap(), refusal);
        }
    }

    #[test]
    fn an_unknown_one_is_no_refusal() {
        for octet in [0, refusals().len() + 1, 255] {
            let mut frame = Writer::new();
            frame.octet(u8::try_from(octet).unwrap());
            frame.number(0);
            frame.field(b"").unwrap();
            assert!(read_refusal(&mut Reader::new(&frame.finish())).is_err(), "{octet}");
        }
    }
}
