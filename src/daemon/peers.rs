//! Those who ask: one question at a time, each within its bounds.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::{Errno, write};
use rustix::net::{RecvFlags, SendFlags, recv, send, sockopt};
use zeroize::Zeroizing;

use crate::daemon::listeners::Language;
use crate::domain::app_password::{Shape, shape};
use crate::domain::attempt::{RawAttempt, Shown};
use crate::domain::permit::{Belief, Permit};
use crate::domain::reply::{Reply, Standing};
use crate::domain::self_service::Refusal;
use crate::wire::manage::{Answer, decode_request, encode_answer, of_uid};
use crate::wire::{
    Asked, BadFrame, MAX_FRAME, Progress, Question, SaslauthdRequest, decode, decode_reply, encode,
    encode_reply, encode_standing, saslauthd_reply,
};

/// Most connections at once.
pub(super) const MOST: usize = 4096;

/// Most of them of one uid but root's, so that one neighbour cannot keep all others out.
const MOST_OF_ONE: usize = MOST / 2;

/// Most of them of one uid on a manage socket: whoever sits at a terminal needs one.
const MOST_MANAGING: usize = 8;

/// Milliseconds for which a connection may say nothing.
const PATIENCE: u64 = 60_000;

/// All connections.
#[derive(Default)]
pub(super) struct Peers {
    connections: BTreeMap<u64, Peer>,
    last: u64,
}

/// One connection.
pub(super) struct Peer {
    socket: OwnedFd,
    pub uid: u32,
    language: Language,
    since: u64,
    state: State,
}

enum State {
    /// It may ask.
    Listening(SaslauthdRequest),
    /// Its question is on its way.
    Waiting(Question),
}

/// What came over a connection.
pub(super) enum Heard {
    /// Nothing that is complete.
    Nothing,
    /// A question, for this kind of worker.
    Asked(Zeroizing<Vec<u8>>, Kind),
    /// A question that it may not ask.
    Forbidden,
    /// The end.
    End,
}

/// What a question will cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An app password, or no secret.
    Quick,
    /// A primary password, or a code.
    Dear,
    /// A request of a local user.
    Manage,
}

impl Peers {
    /// Takes a connection in. Where there are too many, the one that has said nothing for longest goes; a door asks as
    /// soon as it has connected.
    pub(super) fn admit(&mut self, socket: OwnedFd, language: Language, now: u64) {
        let Ok(uid) = sockopt::socket_peercred(&socket).map(|peer| peer.uid.as_raw()) else {
            return;
        };
        let state = State::Listening(SaslauthdRequest::default());
        let peer = Peer { socket, uid, language, since: now, state };
        let crowded = (MOST <= self.connections.len()).then_some(None);
        let hogged = || (uid != 0 && self.has_enough(uid, language)).then_some(Some(uid));
        let has_room = crowded.or_else(hogged).is_none_or(|whose| self.evict(whose));
        if !has_room {
            peer.say_unavailable();
            return;
        }
        self.last += 1;
        self.connections.insert(self.last, peer);
    }

    /// Whether a uid has as many connections as it may.
    fn has_enough(&self, uid: u32, language: Language) -> bool {
        let theirs = || self.connections.values().filter(|peer| peer.uid == uid);
        let managing = || theirs().filter(|peer| peer.language == Language::Manage).count();
        MOST_OF_ONE <= theirs().count() || (language == Language::Manage && MOST_MANAGING <= managing())
    }

    /// How many requests of a local user are under way. More than one at once would only take the turn of others.
    pub(super) fn requests_of(&self, uid: u32) -> usize {
        let waits = |peer: &&Peer| matches!(peer.state, State::Waiting(_));
        let managing = |peer: &&Peer| peer.language == Language::Manage && peer.uid == uid;
        self.connections.values().filter(managing).filter(waits).count()
    }

    /// The local user behind a connection to a manage socket.
    pub(super) fn manager(&self, id: u64) -> Option<u32> {
        let peer = self.connections.get(&id)?;
        (peer.language == Language::Manage).then_some(peer.uid)
    }

    /// Lets the oldest go that asks nothing, of this uid or of all; says whether there was one.
    fn evict(&mut self, whose: Option<u32>) -> bool {
        let idle = |peer: &Peer| matches!(peer.state, State::Listening(_));
        let theirs = |peer: &Peer| whose.is_none_or(|uid| peer.uid == uid);
        let found = self.connections.iter().filter(|(_, peer)| idle(peer) && theirs(peer));
        let oldest = found.min_by_key(|(_, peer)| peer.since).map(|(id, _)| *id);
        oldest.is_some_and(|id| self.connections.remove(&id).is_some())
    }

    /// The connections whose next question is awaited, for poll(2).
    pub(super) fn listening(&self) -> impl Iterator<Item = (u64, BorrowedFd<'_>)> {
        let listening = |peer: &&Peer| matches!(peer.state, State::Listening(_));
        self.connections
            .iter()
            .filter(move |(_, peer)| listening(peer))
            .map(|(id, peer)| (*id, peer.socket.as_fd()))
    }

    pub(super) fn get_mut(&mut self, id: u64) -> Option<&mut Peer> {
        self.connections.get_mut(&id)
    }

    pub(super) fn remove(&mut self, id: u64) {
        self.connections.remove(&id);
    }

    /// Lets those go that have said nothing for too long.
    pub(super) fn sweep(&mut self, now: u64) {
        let stays = |peer: &Peer| matches!(peer.state, State::Waiting(_)) || now < peer.since + PATIENCE;
        self.connections.retain(|_, peer| stays(peer));
    }

    /// Refuses a request that is one too many.
    pub(super) fn throttle(&mut self, id: u64, now: u64) {
        let answer = encode_answer(&Answer::Refused(Refusal::Throttled)).ok();
        self.answer(id, answer.as_deref().map(Vec::as_slice), now);
    }

    /// Hands a worker's answer on, or says that there is none. Whoever has gone away meanwhile gets nothing.
    pub(super) fn answer(&mut self, id: u64, answer: Option<&[u8]>, now: u64) {
        let Some(peer) = self.connections.get_mut(&id) else {
            return;
        };
        let said = match answer {
            Some(answer) => peer.say(answer),
            None => peer.say_unavailable(),
        };
        if !said || peer.language == Language::Saslauthd {
            self.remove(id);
            return;
        }
        peer.since = now;
        peer.state = State::Listening(SaslauthdRequest::default());
    }
}

impl Peer {
    /// Hears what has come, and judges whether it may be asked.
    pub(super) fn hear(&mut self, permit: Option<&Permit>) -> Heard {
        let mut arrived = Zeroizing::new(vec![0; MAX_FRAME]);
        let length = match recv(&self.socket, arrived.as_mut_slice(), RecvFlags::DONTWAIT) {
            Ok((_, length)) if 0 < length && length <= MAX_FRAME => length,
            Err(Errno::WOULDBLOCK | Errno::INTR) => return Heard::Nothing,
            Ok(_) | Err(_) => return Heard::End,
        };
        let arrived = arrived.get(..length).unwrap_or_default();
        let State::Listening(request) = &mut self.state else {
            // It speaks before it was answered.
            return Heard::End;
        };
        let heard = match self.language {
            Language::Verify => decode(arrived).and_then(|asked| of_frame(&asked, permit)),
            Language::Saslauthd => request.take(arrived).and_then(|progress| of_stream(&progress, permit)),
            Language::Manage => of_user(self.uid, arrived),
        };
        match heard {
            Ok(Heard::Asked(frame, kind)) => {
                self.state = State::Waiting(question_of(&frame));
                Heard::Asked(frame, kind)
            }
            Ok(other) => other,
            Err(BadFrame) => Heard::End,
        }
    }

    fn say(&self, answer: &[u8]) -> bool {
        match (self.language, decode_reply(answer)) {
            (Language::Verify | Language::Manage, _) => {
                send(&self.socket, answer, SendFlags::NOSIGNAL | SendFlags::DONTWAIT).is_ok()
            }
            (Language::Saslauthd, Ok(reply)) => write(&self.socket, &saslauthd_reply(reply)).is_ok(),
            (Language::Saslauthd, Err(_)) => self.say_unavailable(),
        }
    }

    /// Refuses a request of a local user.
    fn refuse(&self, why: Refusal) -> bool {
        encode_answer(&Answer::Refused(why)).is_ok_and(|answer| self.say(&answer))
    }

    pub(super) fn say_unavailable(&self) -> bool {
        match (self.language, &self.state) {
            (Language::Saslauthd, _) => write(&self.socket, &saslauthd_reply(Reply::Unavailable)).is_ok(),
            (Language::Verify, State::Waiting(Question::Standing)) => {
                self.say(&encode_standing(Standing::Unavailable))
            }
            (Language::Verify, _) => self.say(&encode_reply(Reply::Unavailable)),
            (Language::Manage, _) => self.refuse(Refusal::Unavailable),
        }
    }
}

/// Read here, so that a worker gets nothing but requests; the kernel says whose it is.
fn of_user(uid: u32, arrived: &[u8]) -> Result<Heard, BadFrame> {
    decode_request(arrived)?;
    Ok(Heard::Asked(of_uid(uid, arrived)?, Kind::Manage))
}

fn of_frame(asked: &Asked, permit: Option<&Permit>) -> Result<Heard, BadFrame> {
    permitted(asked.question, &asked.raw(), permit)
}

fn of_stream(progress: &Progress, permit: Option<&Permit>) -> Result<Heard, BadFrame> {
    match progress {
        Progress::Partial => Ok(Heard::Nothing),
        Progress::Whole(question) => permitted(Question::Verify, &question.raw(), permit),
    }
}

/// What a worker is asked: what the peer asks, less what it is not believed.
fn permitted(question: Question, raw: &RawAttempt<'_>, permit: Option<&Permit>) -> Result<Heard, BadFrame> {
    let Some(permit) = permit.filter(|permit| permit.covers(raw.service)) else {
        return Ok(Heard::Forbidden);
    };
    let remote = raw.remote.filter(|_| permit.address == Belief::Believed);
    let believed = RawAttempt { remote, ..*raw };
    Ok(Heard::Asked(encode(question, &believed)?, kind(question, raw)))
}

fn kind(question: Question, raw: &RawAttempt<'_>) -> Kind {
    match (question, raw.shown) {
        (Question::Standing, _) => Kind::Quick,
        (Question::Verify, Shown::CodeAlone(_)) => Kind::Dear,
        (Question::Verify, Shown::Field(field) | Shown::Apart { field, .. }) => match shape(field) {
            Shape::Good(_) | Shape::Mistyped => Kind::Quick,
            Shape::Other => Kind::Dear,
        },
    }
}

fn question_of(frame: &[u8]) -> Question {
    decode(frame).map_or(Question::Verify, |asked| asked.question)
}
