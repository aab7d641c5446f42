//! The users of the system (passwd(5)).
//!
//! Knows: the uid behind a name.
//! Never: who may do what.

use std::ffi::CString;
use std::mem::MaybeUninit;
use std::ptr;

use libc::{passwd, uid_t};

/// Far beyond any entry.
const ROOM: usize = 64 * 1024;

/// The uid of a user; none too where it cannot be looked up.
#[must_use]
pub fn uid_of(name: &str) -> Option<uid_t> {
    let name = CString::new(name).ok()?;
    let mut entry = MaybeUninit::<passwd>::uninit();
    let mut buffer = vec![0_u8; ROOM];
    let mut found: *mut passwd = ptr::null_mut();
    // SAFETY: the name is terminated; entry, buffer and result are ours and outlive the call, and the length is
    // the buffer's.
    unsafe {
        libc::getpwnam_r(name.as_ptr(), entry.as_mut_ptr(), buffer.as_mut_ptr().cast(), ROOM, &raw mut found)
    };
    // SAFETY: null, or `entry`, filled in by the call.
    unsafe { found.as_ref() }.map(|entry| entry.pw_uid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_has_a_uid_and_nobody_else() {
        assert_eq!(uid_of("root"), Some(0));
        for name in ["", "no such user", "ro\0ot"] {
            assert_eq!(uid_of(name), None, "{name:?}");
        }
    }
}
