//! What a grant leaves in its transaction: the account phase right after it need not look again.
//!
//! Knows: for whom, for which service and for which words it was given, and how long it says anything.
#![forbid(unsafe_code)]

use std::ffi::CString;

use crate::domain::time::UnixTime;
use crate::ffi::pam::handle::Handle;

/// Seconds. A host that goes on at once spares itself a second look; one that waits has the account looked at anew.
const FRESH: u64 = 1;

/// Writes down that a login that began at this moment was granted.
pub(super) fn leave(handle: &mut Handle<'_>, words: &[&[u8]], begun: UnixTime) {
    if let Some(note) = note(handle, words, begun) {
        handle.leave(&note);
    }
}

/// Whether this very transaction was granted just now, by a line of the same words.
pub(super) fn is_fresh(handle: &Handle<'_>, words: &[&[u8]], now: UnixTime) -> bool {
    handle.left().is_some_and(|left| {
        (0..=FRESH).any(|age| note(handle, words, UnixTime(now.0.saturating_sub(age))) == Some(left.clone()))
    })
}

fn note(handle: &Handle<'_>, words: &[&[u8]], at: UnixTime) -> Option<CString> {
    // PAM_USER may have been changed since: another account was not asked for.
    let (user, service) = (handle.set_user()?, handle.service());
    CString::new(format!("{} {:?}", at.0, (user, service, handle.remote(), words))).ok()
}
