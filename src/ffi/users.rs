//! The users of the system (passwd(5)).
//!
//! Knows: the uid behind a name, and the name behind a uid.
//! Never: who may do what.

use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;
use std::ptr;

use libc::{c_int, passwd, uid_t};

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

/// The name of a user, where it is text.
///
/// # Errors
/// The errno of a look-up that failed: it says nothing about the user.
pub fn name_of(uid: uid_t) -> Result<Option<String>, c_int> {
    let mut entry = MaybeUninit::<passwd>::uninit();
    let mut buffer = vec![0_u8; ROOM];
    let mut found: *mut passwd = ptr::null_mut();
    // SAFETY: entry, buffer and result are ours and outlive the call, and the length is the buffer's.
    let failed = unsafe {
        libc::getpwuid_r(uid, entry.as_mut_ptr(), buffer.as_mut_ptr().cast(), ROOM, &raw mut found)
    };
    // SAFETY: null, or `entry`, filled in by the call; its strings lie in `buffer`.
    match (unsafe { found.as_ref() }, failed) {
        (Some(entry), _) => {
            // SAFETY: terminated by the C library, alive as long as `buffer`.
            let name = unsafe { CStr::from_ptr(entry.pw_name) };
            Ok(name.to_str().ok().map(str::to_owned))
        }
        // "There is none" has several numbers (getpwuid(3)).
        (None, 0 | libc::ENOENT | libc::ESRCH) => Ok(None),
        (None, other) => Err(other),
    }
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

    #[test]
    fn a_uid_has_a_name_or_none() {
        assert_eq!(name_of(0), Ok(Some("root".to_owned())));
        assert_eq!(name_of(uid_t::MAX - 1), Ok(None));
    }
}
