//! The host: one transaction, seen from inside a module.
//!
//! Knows: items, the conversation, the log, and the mark of a nested transaction.
//! Never: sets PAM_USER or PAM_AUTHTOK. Dovecot makes PAM_USER the mailbox owner after success (passdb-pam.c).

use std::ffi::{CStr, CString};
use std::ptr;

use libc::{c_int, c_void};
use pam_bindings::constants::PAM_PROMPT_ECHO_OFF;
use pam_bindings::conv::Conv;
use pam_bindings::items::{AuthTok, RHost, Service, User};
use pam_bindings::module::PamHandle;

use crate::backend::Level;
use crate::crypto::secret::Secret;
use crate::ffi::pam::abi;
use crate::ffi::system::priority;

/// In the environment of a nested transaction; any copy of ours that meets it refuses.
pub(super) const NESTED: &CStr = c"POSTERN_NESTED";

/// What such a copy leaves behind for the one that asked.
pub(super) const MET: &CStr = c"POSTERN_MET=1";

/// The name in [`MET`].
pub(super) const MET_NAME: &CStr = c"POSTERN_MET";

/// Under which name a line is kept with a transaction.
const LEFT: &CStr = c"pam_postern";

/// libpam's cleanup (pam_set_data(3)).
extern "C" fn forget(_handle: *mut PamHandle, data: *mut c_void, _status: c_int) {
    // SAFETY: `leave` allocated it by strdup(3), or it is null; libpam hands it over once.
    unsafe { libc::free(data) }
}

/// The conversation gave no answer.
#[derive(Debug)]
pub struct NoAnswer;

/// One transaction, for the length of one call.
pub struct Handle<'a>(&'a mut PamHandle);

impl<'a> Handle<'a> {
    /// Borrows the host's handle.
    pub const fn new(handle: &'a mut PamHandle) -> Self {
        Self(handle)
    }

    /// PAM_USER as it is; asked for only if the host has set none.
    pub fn user(&mut self) -> Result<Vec<u8>, NoAnswer> {
        if let Some(user) = self.set_user() {
            return Ok(user);
        }
        // The answer lands in PAM_USER, whatever this call makes of its encoding.
        let _ = self.0.get_user(None);
        self.set_user().ok_or(NoAnswer)
    }

    /// PAM_SERVICE.
    pub fn service(&self) -> Vec<u8> {
        self.0.get_item::<Service>().ok().flatten().map_or(Vec::new(), |item| item.to_bytes().to_vec())
    }

    /// PAM_RHOST; an empty one is none.
    pub fn remote(&self) -> Option<Vec<u8>> {
        let item = self.0.get_item::<RHost>().ok().flatten()?;
        Some(item.to_bytes().to_vec()).filter(|host| !host.is_empty())
    }

    /// What an earlier module asked for.
    pub fn first_pass(&self) -> Option<Secret> {
        let item = self.0.get_item::<AuthTok>().ok().flatten()?;
        Some(Secret::copy_of(item.as_bytes()))
    }

    /// Asks one hidden question. The answer is not stored for later modules.
    pub fn ask(&self, prompt: &str) -> Result<Secret, NoAnswer> {
        let conversation = self.0.get_item::<Conv<'_>>().ok().flatten().ok_or(NoAnswer)?;
        let answer = conversation.send(PAM_PROMPT_ECHO_OFF, prompt).map_err(|_| NoAnswer)?;
        answer.map(|secret| Secret::copy_of(secret.as_bytes())).ok_or(NoAnswer)
    }

    /// Writes a line to syslog, with the module, service and phase before it.
    pub fn log(&self, level: Level, line: &str) {
        let Ok(line) = CString::new(line) else {
            return;
        };
        let handle: *const PamHandle = &*self.0;
        // SAFETY: the handle is the host's; both strings are terminated; the format takes exactly one.
        unsafe {
            abi::pam_syslog(handle, libc::LOG_AUTHPRIV | priority(level), c"%s".as_ptr(), line.as_ptr())
        }
    }

    /// Whether this transaction is one that a Postern started, which is then told so.
    pub fn is_nested(&mut self) -> bool {
        // SAFETY: the handle is the host's, the name terminated; libpam's answer is only compared with null.
        let mark = unsafe { abi::pam_getenv(self.0, NESTED.as_ptr()) };
        if mark.is_null() {
            return false;
        }
        // SAFETY: the handle is the host's; libpam copies the string.
        unsafe { abi::pam_putenv(self.0, MET.as_ptr()) };
        true
    }

    /// Keeps a line with the transaction, in the place of one that was left before.
    pub fn leave(&mut self, line: &CStr) {
        // A string of C's, so that another build of this module in the same host can read it.
        // SAFETY: the line is terminated.
        let copy = unsafe { libc::strdup(line.as_ptr()) };
        // SAFETY: the handle is the host's, the name terminated; libpam gives the copy to `forget` and to nobody else.
        let kept = unsafe { abi::pam_set_data(self.0, LEFT.as_ptr(), copy.cast(), Some(forget)) };
        if kept != abi::code::SUCCESS {
            // SAFETY: libpam did not take the copy.
            unsafe { libc::free(copy.cast()) };
        }
    }

    /// The line that was left.
    pub fn left(&self) -> Option<CString> {
        let mut data = ptr::null();
        // SAFETY: the handle is the host's, the name terminated; libpam writes one pointer.
        let found = unsafe { abi::pam_get_data(&*self.0, LEFT.as_ptr(), &raw mut data) };
        if found != abi::code::SUCCESS || data.is_null() {
            return None;
        }
        // SAFETY: `leave` put a terminated string there, which lives as long as the transaction has it.
        Some(unsafe { CStr::from_ptr(data.cast()) }.to_owned())
    }

    pub(super) fn set_user(&self) -> Option<Vec<u8>> {
        Some(self.0.get_item::<User>().ok().flatten()?.to_bytes().to_vec())
    }
}
