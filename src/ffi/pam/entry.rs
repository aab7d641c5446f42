//! The entry: what libpam calls. Fence, borrow, call.

use std::ffi::CStr;
use std::time::{SystemTime, UNIX_EPOCH};

use libc::{c_char, c_int};
use pam_bindings::module::PamHandle;

use crate::domain::time::UnixTime;
use crate::ffi::fence;
use crate::ffi::pam::abi::code;
use crate::ffi::pam::handle::Handle;
use crate::ffi::pam::module;
use crate::ffi::pam::outcome::{self, Outcome};
use crate::ffi::system::FileSizeSignal;

/// Most words on a line of a service file; ours have five.
const MAX_WORDS: usize = 64;

/// pam_sm_authenticate(3).
///
/// # Safety
/// libpam's: a live handle, `argc` terminated strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pam_sm_authenticate(
    pamh: *mut PamHandle,
    _flags: c_int,
    argc: c_int,
    argv: *const *const c_char,
) -> c_int {
    fence::guard(code::SYSTEM_ERR, || {
        let _held = FileSizeSignal::hold();
        // SAFETY: libpam keeps handle and words alive for the length of this call.
        unsafe { call(pamh, argc, argv, |handle, words| module::authenticate(handle, words, &now)) }
    })
}

/// pam_sm_acct_mgmt(3).
///
/// # Safety
/// libpam's: a live handle, `argc` terminated strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pam_sm_acct_mgmt(
    pamh: *mut PamHandle,
    _flags: c_int,
    argc: c_int,
    argv: *const *const c_char,
) -> c_int {
    fence::guard(code::SYSTEM_ERR, || {
        // SAFETY: libpam keeps handle and words alive for the length of this call.
        unsafe { call(pamh, argc, argv, |handle, words| module::account(handle, words, &now)) }
    })
}

/// pam_sm_setcred(3): there are no credentials to set. libpam calls it only where authentication passed, and a
/// failure here would undo that (hosts such as Dovecot with `setcred=yes`).
///
/// # Safety
/// None of the arguments is touched.
#[unsafe(no_mangle)]
pub const unsafe extern "C" fn pam_sm_setcred(
    _pamh: *mut PamHandle,
    _flags: c_int,
    _argc: c_int,
    _argv: *const *const c_char,
) -> c_int {
    outcome::code(Outcome::Nothing)
}

/// # Safety
/// `pamh` is null or a live handle; `argv` is null or has `argc` strings, each null or terminated.
unsafe fn call(
    pamh: *mut PamHandle,
    argc: c_int,
    argv: *const *const c_char,
    body: impl FnOnce(&mut Handle<'_>, &[&[u8]]) -> Outcome,
) -> c_int {
    // SAFETY: null or live for this call (the caller's promise); nobody else uses it meanwhile.
    let Some(handle) = (unsafe { pamh.as_mut() }) else {
        return code::SYSTEM_ERR;
    };
    // SAFETY: the caller's promise.
    match unsafe { words(argc, argv) } {
        Some(words) => outcome::code(body(&mut Handle::new(handle), &words)),
        None => code::SYSTEM_ERR,
    }
}

/// # Safety
/// `argv` is null or has `argc` strings, each null or terminated, that outlive the call.
unsafe fn words<'a>(argc: c_int, argv: *const *const c_char) -> Option<Vec<&'a [u8]>> {
    let count = usize::try_from(argc).ok().filter(|count| *count <= MAX_WORDS)?;
    if count == 0 {
        return Some(Vec::new());
    }
    if argv.is_null() {
        return None;
    }
    // SAFETY: not null (checked above), `argc` pointers long (the caller's promise).
    let pointers = unsafe { std::slice::from_raw_parts(argv, count) };
    let word = |pointer: &*const c_char| {
        if pointer.is_null() {
            return None;
        }
        // SAFETY: not null (checked above), terminated (the caller's promise).
        Some(unsafe { CStr::from_ptr(*pointer) }.to_bytes())
    };
    pointers.iter().map(word).collect()
}

#[allow(clippy::disallowed_methods, reason = "the module's composition root reads the clock")]
fn now() -> UnixTime {
    UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()))
}
