//! A process that answers one question after another, until its parent hangs up.

use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use zeroize::Zeroizing;

use crate::backend::{Door, Level, Source};
use crate::config::{Config, MAX_LEN, Mistake, Owner};
use crate::domain::time::Clock;
use crate::verifier::System;
use crate::wire::{MAX_FRAME, Question, decode, encode_reply, encode_standing};

/// Answers what comes over `parent`, by the configuration that comes first.
///
/// # Errors
/// Where that is none.
pub fn work(
    parent: &OwnedFd,
    owner: Owner,
    system: System<'_>,
    clock: &Clock<'_>,
    log: &dyn Fn(Level, &str),
) -> Result<(), Mistake> {
    let mut text = Zeroizing::new(vec![0; usize::try_from(MAX_LEN).unwrap_or(0)]);
    let Ok(Some(length)) = hear(parent, &mut text) else {
        return Ok(());
    };
    let config = Config::parse(text.get(..length).unwrap_or_default())?;
    let door = Door { config: Source::Read(&config), owner, system, log };
    let mut frame = Zeroizing::new(vec![0; MAX_FRAME]);
    while let Ok(Some(length)) = hear(parent, &mut frame) {
        let Some(answer) = frame.get(..length).and_then(|frame| answer(&door, frame, clock)) else {
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

fn answer(door: &Door<'_>, frame: &[u8], clock: &Clock<'_>) -> Option<[u8; 2]> {
    let asked = decode(frame).ok()?;
    Some(match asked.question {
        Question::Verify => encode_reply(door.verify(&asked.raw(), clock)),
        Question::Standing => encode_standing(door.standing(&asked.raw(), clock)),
    })
}
