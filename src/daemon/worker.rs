//! A process that answers one question after another, until its parent hangs up.

use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use zeroize::Zeroizing;

use crate::backend::{Door, Level, Source};
use crate::config::{Config, MAX_LEN, Mistake, Owner};
use crate::daemon::manage::Desk;
use crate::domain::time::Clock;
use crate::verifier::{PamUnusable, System};
use crate::wire::manage::asked_by;
use crate::wire::{MAX_FRAME, Question, decode, encode_reply, encode_standing};

/// What a worker learns from outside; the composition root has it.
pub struct Outside<'a> {
    /// On whose behalf files are opened.
    pub owner: Owner,
    /// Answers for accounts whose primary is PAM's.
    pub system: System<'a>,
    /// The name of a uid.
    pub name_of: &'a NameOf<'a>,
    /// Reads the clock.
    pub clock: &'a Clock<'a>,
    /// Takes lines for the log.
    pub log: fn(Level, &str),
}

/// See [`Outside::name_of`].
pub type NameOf<'a> = dyn Fn(u32) -> Result<Option<String>, PamUnusable> + 'a;

/// Answers what comes over `parent`, by the configuration that comes first.
///
/// # Errors
/// Where that is none.
pub fn work(parent: &OwnedFd, outside: &Outside<'_>) -> Result<(), Mistake> {
    let mut text = Zeroizing::new(vec![0; usize::try_from(MAX_LEN).unwrap_or(0)]);
    let Ok(Some(length)) = hear(parent, &mut text) else {
        return Ok(());
    };
    let config = Config::parse(text.get(..length).unwrap_or_default())?;
    let mut frame = Zeroizing::new(vec![0; MAX_FRAME]);
    while let Ok(Some(length)) = hear(parent, &mut frame) {
        let Some(answer) = frame.get(..length).and_then(|frame| answer(&config, outside, frame)) else {
            break;
        };
        if send(parent, &answer, SendFlags::NOSIGNAL).is_err() {
            break;
        }
    }
    Ok(())
}

/// The length of the next question; none where the parent has hung up.
fn hear(parent: &OwnedFd, frame: &mut Zeroizing<Vec<u8>>) -> io::Result<Option<usize>> {
    loop {
        match recv(parent, frame.as_mut_slice(), RecvFlags::empty()) {
            Ok((_, 0)) => return Ok(None),
            Ok((length, _)) => return Ok(Some(length)),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn answer(config: &Config, outside: &Outside<'_>, frame: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    if let Some((uid, request)) = asked_by(frame) {
        return Desk { config, outside }.answer(uid, request);
    }
    let (owner, system, log) = (outside.owner, outside.system, &outside.log);
    let door = Door { config: Source::Read(config), owner, system, log };
    let asked = decode(frame).ok()?;
    let answer = match asked.question {
        Question::Verify => encode_reply(door.verify(&asked.raw(), outside.clock)),
        Question::Standing => encode_standing(door.standing(&asked.raw(), outside.clock)),
    };
    Some(Zeroizing::new(answer.to_vec()))
}
