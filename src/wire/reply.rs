//! Answers: the version and one letter. Anything else is no answer.

use crate::domain::reply::{Reply, Standing};
use crate::wire::frame::{BadFrame, VERSION};

const REPLIES: [(Reply, u8); 5] = [
    (Reply::Granted, b'G'),
    (Reply::Denied, b'D'),
    (Reply::Throttled, b'T'),
    (Reply::Unavailable, b'U'),
    (Reply::OutOfMemory, b'M'),
];

const STANDINGS: [(Standing, u8); 4] = [
    (Standing::Good, b'g'),
    (Standing::Unknown, b'n'),
    (Standing::Closed, b'c'),
    (Standing::Unavailable, b'u'),
];

/// Writes the answer to [`crate::wire::Question::Verify`].
#[must_use]
pub fn encode_reply(reply: Reply) -> [u8; 2] {
    encode(&REPLIES, reply)
}

/// Reads it.
///
/// # Errors
/// Where it is no answer of this version.
pub fn decode_reply(frame: &[u8]) -> Result<Reply, BadFrame> {
    decode(&REPLIES, frame)
}

/// Writes the answer to [`crate::wire::Question::Standing`].
#[must_use]
pub fn encode_standing(standing: Standing) -> [u8; 2] {
    encode(&STANDINGS, standing)
}

/// Reads it.
///
/// # Errors
/// Where it is no answer of this version.
pub fn decode_standing(frame: &[u8]) -> Result<Standing, BadFrame> {
    decode(&STANDINGS, frame)
}

fn encode<T: Copy + PartialEq>(table: &[(T, u8)], answer: T) -> [u8; 2] {
    [VERSION, table.iter().find(|(each, _)| *each == answer).map_or(0, |(_, letter)| *letter)]
}

fn decode<T: Copy>(table: &[(T, u8)], frame: &[u8]) -> Result<T, BadFrame> {
    let [VERSION, letter] = *frame else {
        return Err(BadFrame);
    };
    table.iter().find(|(_, each)| *each == letter).map(|(answer, _)| *answer).ok_or(BadFrame)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_is_read_as_it_was_written() {
        for (reply, _) in REPLIES {
            assert_eq!(decode_reply(&encode_reply(reply)), Ok(reply));
        }
        for (standing, _) in STANDINGS {
            assert_eq!(decode_standing(&encode_standing(standing)), Ok(standing));
        }
    }

    #[test]
    fn nothing_but_one_answer_is_a_grant() {
        let mut granted = Vec::new();
        for first in 0..=255 {
            for second in 0..=255 {
                if decode_reply(&[first, second]) == Ok(Reply::Granted) {
                    granted.push([first, second]);
                }
            }
        }
        assert_eq!(granted, [[VERSION, b'G']]);
        for wrong in [&b""[..], b"G", b"\x01", b"\x01GG", b"\x01G\0", b"OK", b"\x02G"] {
            assert!(decode_reply(wrong).is_err(), "{wrong:?}");
        }
        // The answer to the other question is none to this.
        assert!(decode_reply(&encode_standing(Standing::Good)).is_err());
        assert!(decode_standing(&encode_reply(Reply::Granted)).is_err());
    }
}
