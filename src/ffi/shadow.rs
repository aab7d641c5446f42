//! The shadow entry of a Unix account (shadow(5)).
//!
//! Knows: what `usermod -L` and `chage -E` write there.
//! Never: the hash beyond its first octet.

use std::ffi::{CStr, CString};
use std::fs;
use std::mem::MaybeUninit;
use std::ptr;

use libc::{c_char, c_int, c_long, passwd, spwd};
use zeroize::Zeroizing;

use crate::domain::account::AccountState;
use crate::domain::time::UnixTime;

const SECONDS_PER_DAY: u64 = 86_400;

/// Far beyond any entry; the C library asks for more room than the first try has only for odd ones.
const LARGEST: usize = 64 * 1024;

/// Whether the entry is locked or expired. An account without one is somebody else's to judge, such as a
/// directory's through PAM.
///
/// # Errors
/// The errno of a look-up that failed: a lock that could not be seen is no permission, and the account phase of
/// pam_unix does not see it either.
pub fn state(account: &str, now: UnixTime) -> Result<AccountState, c_int> {
    let name = CString::new(account).map_err(|_| libc::EINVAL)?;
    let mut room = 1024;
    loop {
        match look_up(&name, room, now) {
            Err(libc::ERANGE) if room < LARGEST => room *= 4,
            found => return found,
        }
    }
}

fn look_up(name: &CStr, room: usize, now: UnixTime) -> Result<AccountState, c_int> {
    let mut entry = MaybeUninit::<spwd>::uninit();
    let mut buffer = Zeroizing::new(vec![0_u8; room]);
    let mut found: *mut spwd = ptr::null_mut();
    // SAFETY: the name is terminated; entry, buffer and result are ours and outlive the call, and the length is
    // the buffer's.
    let failed = unsafe {
        libc::getspnam_r(name.as_ptr(), entry.as_mut_ptr(), buffer.as_mut_ptr().cast(), room, &raw mut found)
    };
    // SAFETY: null, or `entry`, filled in by the call; its strings lie in `buffer`.
    match unsafe { found.as_ref() } {
        Some(entry) if is_locked(entry.sp_pwdp) || is_expired(entry.sp_expire, now) => {
            Ok(AccountState::Disabled)
        }
        Some(_) => Ok(AccountState::Active),
        // nsswitch.conf(5) goes on to the next source where one fails, so that "none" may hide a failure.
        None => without_entry(failed)
            .and_then(|state| if is_shadowed(name, room)? { Err(libc::EACCES) } else { Ok(state) }),
    }
}

/// "There is none" has several numbers (getspnam(3) and the sources of nsswitch.conf(5)); all others are failures.
const fn without_entry(failed: c_int) -> Result<AccountState, c_int> {
    match failed {
        0 | libc::ENOENT | libc::ESRCH => Ok(AccountState::Active),
        other => Err(other),
    }
}

/// Whether passwd(5) says that there is a shadow entry: an `x` in place of the hash.
fn is_shadowed(name: &CStr, room: usize) -> Result<bool, c_int> {
    with_passwd(name, room, |entry| {
        // SAFETY: terminated by the C library, alive during this call.
        unsafe { CStr::from_ptr(entry.pw_passwd) == c"x" }
    })
    .map(|shadowed| shadowed.unwrap_or(false))
}

/// Whether passwd(5) on this machine has the user, and not a directory.
pub fn is_local(account: &str) -> bool {
    let passwd = fs::read("/etc/passwd").unwrap_or_default();
    let mut names =
        passwd.split(|octet| *octet == b'\n').filter_map(|line| line.split(|octet| *octet == b':').next());
    names.any(|name| !name.is_empty() && name == account.as_bytes())
}

/// The uid that has a name now, if any.
///
/// # Errors
/// The errno of a look-up that failed.
pub fn unix_uid(account: &str) -> Result<Option<u32>, c_int> {
    let name = CString::new(account).map_err(|_| libc::EINVAL)?;
    let mut room = 1024;
    loop {
        match with_passwd(&name, room, |entry| {
            // SAFETY: terminated by the C library, alive during this call.
            let same = unsafe { CStr::from_ptr(entry.pw_name) } == &*name;
            // A directory may know somebody under several names; one is the system's.
            same.then_some(entry.pw_uid)
        }) {
            Err(libc::ERANGE) if room < LARGEST => room *= 4,
            found => return found.map(Option::flatten),
        }
    }
}

/// Looks a name up in passwd(5).
fn with_passwd<T>(name: &CStr, room: usize, read: impl FnOnce(&passwd) -> T) -> Result<Option<T>, c_int> {
    let mut entry = MaybeUninit::<passwd>::uninit();
    let mut buffer = vec![0_u8; room];
    let mut found: *mut passwd = ptr::null_mut();
    // SAFETY: the name is terminated; entry, buffer and result are ours and outlive the call, and the length is
    // the buffer's.
    let failed = unsafe {
        libc::getpwnam_r(name.as_ptr(), entry.as_mut_ptr(), buffer.as_mut_ptr().cast(), room, &raw mut found)
    };
    // SAFETY: null, or `entry`, filled in by the call; its strings lie in `buffer`.
    match unsafe { found.as_ref() } {
        Some(entry) => Ok(Some(read(entry))),
        None => without_entry(failed).map(|_| None),
    }
}

/// `usermod -L` puts a `!` before the hash.
fn is_locked(hash: *const c_char) -> bool {
    if hash.is_null() {
        return false;
    }
    // SAFETY: not null (checked above), and terminated by the C library.
    unsafe { CStr::from_ptr(hash) }.to_bytes().first() == Some(&b'!')
}

/// Days since 1970; a negative number is "never".
fn is_expired(day: c_long, now: UnixTime) -> bool {
    u64::try_from(day).is_ok_and(|day| day <= now.0 / SECONDS_PER_DAY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ffi::system;

    #[test]
    fn a_local_user_has_a_line_in_passwd() {
        for (account, local) in [("daemon", true), ("daemo", false), ("daemon:x", false), ("", false)] {
            assert_eq!(is_local(account), local, "{account:?}");
        }
    }

    #[test]
    fn an_exclamation_mark_locks() {
        for (hash, locked) in
            [(c"!$y$j9T$x", true), (c"!", true), (c"$y$j9T$x", false), (c"*", false), (c"", false)]
        {
            assert_eq!(is_locked(hash.as_ptr()), locked, "{hash:?}");
        }
        assert!(!is_locked(ptr::null()));
    }

    #[test]
    fn an_entry_expires_at_the_beginning_of_its_day() {
        let now = UnixTime(20_000 * SECONDS_PER_DAY);
        for (day, expired) in [(-1, false), (0, true), (19_999, true), (20_000, true), (20_001, false)] {
            assert_eq!(is_expired(day, now), expired, "{day}");
        }
    }

    #[test]
    fn no_entry_is_an_answer_and_a_failure_is_none() {
        for failed in [0, libc::ENOENT, libc::ESRCH] {
            assert_eq!(without_entry(failed), Ok(AccountState::Active), "{failed}");
        }
        for failed in [libc::EACCES, libc::EIO, libc::EMFILE, libc::ENFILE, libc::ENOMEM, libc::ERANGE] {
            assert_eq!(without_entry(failed), Err(failed));
        }
    }

    #[test]
    fn a_shadow_entry_that_cannot_be_seen_is_no_permission() {
        let daemon = if system::effective_uid() == 0 { Ok(AccountState::Active) } else { Err(libc::EACCES) };
        assert_eq!(state("daemon", UnixTime(0)), daemon);
        assert_eq!(state("postern-no-such-account", UnixTime(0)), Ok(AccountState::Active));
    }
}
