//! What the attempts at one door mean, and what is to be done.

use crate::probe::advice::{about, behind, unguarded, unreachable};
use crate::probe::attempt::{Due, Kind, Try};
use crate::probe::client::Answer;
use crate::probe::rounds::Target;

/// What a door is, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It lets in what Postern refuses.
    Open,
    /// Whoever answers there does not ask Postern.
    Unguarded,
    /// It shuts out what Postern's policy lets in.
    Shut,
    /// It could not be tried, or not all of it.
    Unprobed,
    /// It is as it must be.
    Sound,
}

/// What one attempt means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// It passed and must not.
    Open,
    /// It failed and must not.
    Shut,
    /// It could not be tried.
    Untried,
    /// It was refused for this once, which proves nothing.
    Unproved,
    /// The policy lets it pass, from here.
    Allowed,
    /// It is as it must be.
    Right,
}

/// What is known of a door.
#[derive(Debug)]
pub struct Finding {
    /// What it is.
    pub state: State,
    /// What is to be said about it.
    pub remarks: Vec<Remark>,
}

/// Something that was seen at a door.
#[derive(Debug)]
pub struct Remark {
    /// What it is.
    pub what: String,
    /// What is to be done.
    pub fix: Option<String>,
}

impl State {
    /// All of them, the worst first.
    pub const ALL: [Self; 5] = [Self::Open, Self::Unguarded, Self::Shut, Self::Unprobed, Self::Sound];

    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Unguarded => "UNGUARDED",
            Self::Shut => "SHUT",
            Self::Unprobed => "not probed",
            Self::Sound => "sound",
        }
    }
}

impl Mark {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Shut => "shut",
            Self::Untried | Self::Unproved => "?",
            Self::Allowed => "allowed",
            Self::Right => "ok",
        }
    }
}

impl Target {
    /// What an attempt means.
    #[must_use]
    pub fn mark_of(&self, tried: &Try) -> Mark {
        match (tried.due, &tried.answer) {
            (_, Answer::Untried(_)) => Mark::Untried,
            (Due::Fail, Answer::Passed | Answer::Behind(_)) => Mark::Open,
            (Due::Fail, Answer::HungUp) if self.hangs_up() => Mark::Open,
            (Due::Fail, Answer::NotNow(_) | Answer::HungUp) => Mark::Unproved,
            (Due::Allowed, Answer::Passed | Answer::Behind(_)) => Mark::Allowed,
            // What comes behind a password that was granted is not Postern's.
            (Due::Pass, Answer::Refused(_) | Answer::NotNow(_) | Answer::HungUp)
                if tried.granted_for.is_none() =>
            {
                Mark::Shut
            }
            (Due::Pass | Due::Fail | Due::Allowed, _) => Mark::Right,
        }
    }

    /// Whether the server hangs up on who has got in: then it has let in whomever it hangs up on.
    fn hangs_up(&self) -> bool {
        self.tries.iter().any(|tried| tried.answer == Answer::HungUp && tried.granted_for.is_some())
    }

    /// The worst of one kind; `None` where it was not tried.
    #[must_use]
    pub fn mark(&self, kind: Kind) -> Option<Mark> {
        self.tries.iter().filter(|tried| tried.kind == kind).map(|tried| self.mark_of(tried)).min()
    }
}

/// Says what the attempts at one door mean.
#[must_use]
pub fn judge(target: &Target) -> Finding {
    let state = state(target);
    let mut remarks = Vec::new();
    if let Err(why) = &target.reached {
        remarks.push(unreachable(why));
    }
    if state == State::Unguarded {
        remarks.push(unguarded(&target.door));
    }
    for kind in Kind::ALL {
        let of_kind = target.tries.iter().filter(|tried| tried.kind == kind);
        let worst = of_kind.map(|tried| (target.mark_of(tried), tried)).min_by_key(|(mark, _)| *mark);
        remarks.extend(worst.and_then(|(mark, tried)| about(tried, mark, &target.door, state)));
    }
    remarks.extend(behind(target));
    Finding { state, remarks }
}

fn state(target: &Target) -> State {
    let has = |mark| target.tries.iter().any(|tried| target.mark_of(tried) == mark);
    if has(Mark::Open) {
        State::Open
    } else if is_unguarded(target) {
        State::Unguarded
    } else if has(Mark::Shut) {
        State::Shut
    } else if target.reached.is_err() || has(Mark::Untried) || has(Mark::Unproved) || target.tries.is_empty()
    {
        State::Unprobed
    } else {
        State::Sound
    }
}

/// Somebody refused, and Postern has neither refused nor granted anything.
fn is_unguarded(target: &Target) -> bool {
    let refused = |tried: &Try| tried.kind == Kind::Unknown && matches!(tried.answer, Answer::Refused(_));
    let granted = |tried: &Try| tried.granted_for.is_some();
    target.asked == Some(false) && target.tries.iter().any(refused) && !target.tries.iter().any(granted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::door::{Door, Protocol};

    fn refused() -> Answer {
        Answer::Refused("535".to_owned())
    }

    fn tried(kind: Kind, due: Due, answer: Answer, granted: bool) -> Try {
        Try { kind, due, answer, granted_for: granted.then(|| "imap".to_owned()) }
    }

    /// A door that is as it must be.
    fn sound() -> Vec<Try> {
        let passes = [Kind::AppPassword, Kind::PrimaryWithCode];
        let try_it = |kind| match passes.contains(&kind) {
            true => tried(kind, Due::Pass, Answer::Passed, true),
            false => tried(kind, Due::Fail, refused(), false),
        };
        Kind::ALL.map(try_it).into()
    }

    fn seen(tries: Vec<Try>, asked: bool) -> Finding {
        let door = Door::parse(Protocol::Imap, "127.0.0.1:1").unwrap();
        judge(&Target { tries, asked: Some(asked), reached: Ok(()), ..Target::reach(door) })
    }

    fn with(changed: Try) -> Finding {
        let same = changed.kind;
        seen(
            sound().into_iter().map(|one| if one.kind == same { changed.clone() } else { one }).collect(),
            true,
        )
    }

    #[test]
    fn a_door_is_sound_if_nothing_is_otherwise_than_it_must_be() {
        let found = seen(sound(), true);
        assert_eq!((found.state, found.remarks.len()), (State::Sound, 0));
    }

    #[test]
    fn whatever_gets_in_and_must_not_opens_a_door() {
        for kind in Kind::ALL {
            for answer in [Answer::Passed, Answer::Behind("no mailbox".to_owned())] {
                let found = with(tried(kind, Due::Fail, answer, false));
                assert_eq!(found.state, State::Open, "{kind:?}");
                assert!(
                    found.remarks[0].what.starts_with(kind.name()) && found.remarks[0].fix.is_some(),
                    "{found:?}"
                );
            }
        }
    }

    #[test]
    fn whoever_refuses_without_postern_guards_for_himself() {
        let strange = |kind, due| tried(kind, due, refused(), false);
        let tries = vec![strange(Kind::AppPassword, Due::Pass), strange(Kind::Unknown, Due::Fail)];
        assert_eq!(seen(tries.clone(), false).state, State::Unguarded);
        assert_eq!(seen(tries, true).state, State::Shut);
        // What was granted, Postern was asked for.
        assert_eq!(seen(sound(), false).state, State::Sound);
    }

    #[test]
    fn what_was_granted_and_failed_behind_that_is_as_it_must_be() {
        for answer in [refused(), Answer::Behind("Internal login failure".to_owned())] {
            let found = with(tried(Kind::AppPassword, Due::Pass, answer, true));
            assert_eq!((found.state, found.remarks.len()), (State::Sound, 1));
        }
    }

    #[test]
    fn who_hangs_up_on_everybody_it_lets_in_has_let_in() {
        let mut tries = vec![tried(Kind::AppPassword, Due::Pass, Answer::HungUp, true)];
        tries.push(tried(Kind::Unknown, Due::Fail, refused(), false));
        assert_eq!(seen(tries.clone(), true).state, State::Sound);
        tries.push(tried(Kind::Revoked, Due::Fail, Answer::HungUp, false));
        assert_eq!(seen(tries, true).state, State::Open);
    }

    #[test]
    fn what_proves_nothing_is_not_sound() {
        for answer in
            [Answer::NotNow("454".to_owned()), Answer::Untried("no curl".to_owned()), Answer::HungUp]
        {
            assert_eq!(with(tried(Kind::Revoked, Due::Fail, answer, false)).state, State::Unprobed);
        }
        assert_eq!(seen(Vec::new(), true).state, State::Unprobed);
        let allowed = with(tried(Kind::PrimaryAlone, Due::Allowed, Answer::Passed, false));
        assert_eq!((allowed.state, allowed.remarks.len()), (State::Sound, 1));
    }
}
