//! The entry: what C calls. Fence, borrow, call.

use std::ffi::CStr;
use std::ptr;
use std::time::{SystemTime, UNIX_EPOCH};

use libc::{c_char, c_int};

use crate::crypto::secret::Secret;
use crate::domain::time::UnixTime;
use crate::ffi::capi::session::{Asked, Session};
use crate::ffi::fence;
use crate::ffi::system::FileSizeSignal;

/// `postern_open`: see include/postern.h.
///
/// # Safety
/// `choice` is null or a terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postern_open(choice: *const c_char) -> *mut Session {
    fence::guard(ptr::null_mut(), || {
        // SAFETY: null or terminated (the caller's promise).
        let Some(choice) = (unsafe { text(choice) }).map(|choice| std::str::from_utf8(choice).ok()) else {
            return opened(None);
        };
        choice.map_or(ptr::null_mut(), |choice| opened(Some(choice)))
    })
}

/// `postern_verify`: see include/postern.h.
///
/// # Safety
/// `session` is from `postern_open` and nobody else uses it meanwhile; each string is null or terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postern_verify(
    session: *mut Session,
    account: *const c_char,
    secret: *const c_char,
    service: *const c_char,
    remote_host: *const c_char,
) -> c_int {
    fence::guard(0, || {
        let _held = FileSizeSignal::hold();
        // SAFETY: null, or a handle that is ours alone during the call (the caller's promise).
        let Some(session) = (unsafe { session.as_mut() }) else {
            return 0;
        };
        // SAFETY: each is null or terminated (the caller's promise).
        let [account, secret, service, remote] =
            [account, secret, service, remote_host].map(|string| unsafe { text(string) });
        let (Some(account), Some(secret), Some(service)) = (account, secret, service) else {
            return 0;
        };
        let remote = remote.filter(|host| !host.is_empty());
        let asked = Asked { account, secret: Secret::copy_of(secret), service, remote };
        c_int::from(session.verify(&asked, &now))
    })
}

/// `postern_reason`: see include/postern.h.
///
/// # Safety
/// `session` is null or from `postern_open`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postern_reason(session: *const Session) -> *const c_char {
    // SAFETY: null or a live handle (the caller's promise).
    unsafe { session.as_ref() }.map_or(c"not-asked", Session::reason).as_ptr()
}

/// `postern_close`: see include/postern.h.
///
/// # Safety
/// `session` is null or from `postern_open`, and not used after this.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn postern_close(session: *mut Session) {
    fence::guard((), || {
        if !session.is_null() {
            // SAFETY: from `Box::into_raw`, and given back once (the caller's promise).
            drop(unsafe { Box::from_raw(session) });
        }
    });
}

fn opened(choice: Option<&str>) -> *mut Session {
    Session::open(choice).map_or(ptr::null_mut(), |session| Box::into_raw(Box::new(session)))
}

/// # Safety
/// `string` is null, or terminated and unchanged during `'a`.
unsafe fn text<'a>(string: *const c_char) -> Option<&'a [u8]> {
    if string.is_null() {
        return None;
    }
    // SAFETY: not null (checked above), terminated (the caller's promise).
    Some(unsafe { CStr::from_ptr(string) }.to_bytes())
}

#[allow(clippy::disallowed_methods, reason = "the C interface's composition root reads the clock")]
fn now() -> UnixTime {
    UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}
