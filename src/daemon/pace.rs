//! How many refusals a local user may have in a minute.
//!
//! Each leaves a line in the log. A door is paced by the network before it; whoever has a shell would fill the log as fast
//! as workers can write.

use std::collections::BTreeMap;

use crate::domain::self_service::Refusal;
use crate::wire::manage::{Answer, decode_answer};

/// Milliseconds for which refusals are counted.
const MINUTE: u64 = 60_000;

/// Most of them; nobody mistypes as often.
const MOST: u32 = 30;

/// The refusals of each uid, and since when they are counted.
#[derive(Default)]
pub(super) struct Pace(BTreeMap<u32, (u64, u32)>);

impl Pace {
    /// Counts what was answered to a request of this uid, if the log has a line about it.
    pub(super) fn count(&mut self, uid: u32, answer: Option<&[u8]>, now: u64) {
        if !leaves_a_line(answer) {
            return;
        }
        self.0.retain(|_, (since, _)| now < since.saturating_add(MINUTE));
        let (_, count) = self.0.entry(uid).or_insert((now, 0));
        *count = count.saturating_add(1);
    }

    /// Whether requests of this uid have to wait.
    pub(super) fn is_too_fast(&self, uid: u32, now: u64) -> bool {
        let counted = self.0.get(&uid);
        counted.is_some_and(|(since, count)| MOST <= *count && now < since.saturating_add(MINUTE))
    }
}

/// A request without an answer has hung, or its worker has died; the log tells that too.
fn leaves_a_line(answer: Option<&[u8]>) -> bool {
    let Some(answer) = answer else {
        return true;
    };
    match decode_answer(answer) {
        Ok(Answer::Refused(why)) => is_logged(&why),
        // Nobody is logged in by it, so the log tells of a denial.
        Ok(Answer::Key(_)) => true,
        Ok(_) => false,
        Err(_) => true,
    }
}

const fn is_logged(why: &Refusal) -> bool {
    match why {
        Refusal::Unavailable
        | Refusal::Throttled
        | Refusal::Denied
        | Refusal::AppPasswordIsNoProof
        | Refusal::Closed => true,
        Refusal::NoAccount(_)
        | Refusal::NotOwn(_)
        | Refusal::NotEnrolled
        | Refusal::EnrolledBefore
        | Refusal::NothingToProveWith
        | Refusal::NoAppPassword
        | Refusal::LabelTaken
        | Refusal::TooManyAppPasswords(_)
        | Refusal::LivesTooLong(_)
        | Refusal::WrongCode
        | Refusal::CodeSpent(_)
        | Refusal::KeyTaken(_)
        | Refusal::TooManyKeys
        | Refusal::OtherCodeLength
        | Refusal::Changed => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::secret::Secret;
    use crate::wire::manage::encode_answer;

    #[test]
    fn whoever_is_refused_too_often_waits_for_a_minute_and_nobody_else_does() {
        let refused = encode_answer(&Answer::Refused(Refusal::Denied)).unwrap();
        let unlogged = encode_answer(&Answer::Refused(Refusal::NotEnrolled)).unwrap();
        let key = encode_answer(&Answer::Key(Secret::copy_of(b"key"))).unwrap();
        let mut pace = Pace::default();
        for time in 0..u64::from(MOST) {
            assert!(!pace.is_too_fast(1000, time));
            pace.count(1000, Some(&refused), time);
            pace.count(1001, Some(&unlogged), time);
            pace.count(1002, None, time);
            pace.count(1003, Some(&key), time);
        }
        assert!([1000, 1002, 1003].iter().all(|uid| pace.is_too_fast(*uid, MINUTE - 1)));
        assert!(!pace.is_too_fast(1001, 0));
        assert!(!pace.is_too_fast(1000, MINUTE));
        pace.count(1001, Some(&refused), MINUTE);
        assert_eq!(pace.0.len(), 1, "what is over is forgotten");
    }
}
