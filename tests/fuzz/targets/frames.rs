//! Frames between a door, or a local user, and posternd.

use postern::domain::account::{AccountName, Case, DomainRule, Naming};
use postern::domain::attempt::Attempt;
use postern::domain::reply::{Reply, Standing};
use postern::wire::manage::{asked_by, decode_answer, decode_request, encode_answer, encode_request};
use postern::wire::{
    MAX_FRAME, decode, decode_reply, decode_standing, encode, encode_reply, encode_standing,
};

use super::KIB;
use super::allocation::within;

/// A frame has a bound, so that none makes its reader ask for more than some frames.
const BUDGET: usize = 32 * KIB;

/// A question of a door, and the answers to it.
pub fn attempt(frame: &[u8]) {
    let grant = decode_reply(frame) == Ok(Reply::Granted);
    assert_eq!(grant, frame == encode_reply(Reply::Granted), "another answer is taken for a grant");
    let good = decode_standing(frame) == Ok(Standing::Good);
    assert_eq!(good, frame == encode_standing(Standing::Good), "another answer is taken for a good standing");
    let Ok(asked) = within(BUDGET, || decode(frame)) else { return };
    assert!(frame.len() <= MAX_FRAME);
    assert_eq!(*encode(asked.question, &asked.raw()).unwrap(), frame, "a question has one spelling");
    let naming = Naming { case: Case::Fold, domain: DomainRule::Add("example.org".to_owned()) };
    if let Ok(attempt) = Attempt::parse(&asked.raw(), &naming) {
        let name = attempt.account.as_str().as_bytes();
        assert_eq!(AccountName::parse(name, &naming).as_ref(), Ok(&attempt.account));
    }
}

/// What a local user asks for, and how a worker is handed it.
pub fn manage_request(frame: &[u8]) {
    // Else a user could name a uid, or a door's question could be taken for a user's.
    if asked_by(frame).is_some() {
        assert!(decode_request(frame).is_err() && decode(frame).is_err());
    }
    let Ok(request) = within(BUDGET, || decode_request(frame)) else { return };
    assert!(decode(frame).is_err() && asked_by(frame).is_none());
    // Scopes and networks may have been spelled in another way than ours.
    let written = encode_request(&request).unwrap();
    let read = decode_request(&written).unwrap();
    assert_eq!(format!("{request:?}"), format!("{read:?}"));
    let exposed = [request.shown(), read.shown()]
        .map(|(primary, code)| [primary, code].map(|secret| secret.map(|secret| secret.expose().to_vec())));
    assert_eq!(exposed[0], exposed[1]);
    assert_eq!(*written, *encode_request(&read).unwrap());
}

/// What a local user is answered.
pub fn manage_answer(frame: &[u8]) {
    let Ok(answer) = within(BUDGET, || decode_answer(frame)) else { return };
    // A server that is not ours may answer more than ours would write.
    let Ok(written) = encode_answer(&answer) else { return };
    let read = decode_answer(&written).unwrap();
    assert_eq!(format!("{answer:?}"), format!("{read:?}"));
    assert_eq!(*written, *encode_answer(&read).unwrap());
}
