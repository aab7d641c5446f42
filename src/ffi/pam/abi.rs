//! The contract: what libpam offers beside pam-bindings (security/pam_appl.h, security/pam_ext.h).

use libc::{c_char, c_int, c_void};
use pam_bindings::module::PamHandle;

/// Linux-PAM's return codes (security/_pam_types.h) that we give or tell apart.
pub mod code {
    use libc::c_int;

    pub const SUCCESS: c_int = 0;
    pub const SYSTEM_ERR: c_int = 4;
    pub const BUF_ERR: c_int = 5;
    pub const PERM_DENIED: c_int = 6;
    pub const AUTH_ERR: c_int = 7;
    pub const CRED_INSUFFICIENT: c_int = 8;
    pub const AUTHINFO_UNAVAIL: c_int = 9;
    pub const USER_UNKNOWN: c_int = 10;
    pub const MAXTRIES: c_int = 11;
    pub const NEW_AUTHTOK_REQD: c_int = 12;
    pub const ACCT_EXPIRED: c_int = 13;
    pub const CONV_ERR: c_int = 19;
    pub const AUTHTOK_EXPIRED: c_int = 27;
}

/// Item types.
pub const PAM_USER: c_int = 2;
pub const PAM_RHOST: c_int = 4;
pub const PAM_FAIL_DELAY: c_int = 10;

/// Flags of pam_authenticate(3) and pam_acct_mgmt(3).
pub const PAM_SILENT: c_int = 0x8000;
pub const PAM_DISALLOW_NULL_AUTHTOK: c_int = 0x0001;

/// Message styles.
pub const PAM_PROMPT_ECHO_OFF: c_int = 1;
pub const PAM_ERROR_MSG: c_int = 3;
pub const PAM_TEXT_INFO: c_int = 4;

/// One message of a conversation (pam_conv(3)).
#[repr(C)]
pub struct Message {
    pub style: c_int,
    pub text: *const c_char,
}

/// One answer; the asking module frees it with free(3).
#[repr(C)]
pub struct Response {
    pub text: *mut c_char,
    pub retcode: c_int,
}

/// The application's side of a conversation.
#[repr(C)]
pub struct Conversation {
    pub call: extern "C" fn(c_int, *mut *const Message, *mut *mut Response, *mut c_void) -> c_int,
    pub data: *mut c_void,
}

// libpam is linked by pam-bindings.
unsafe extern "C" {
    pub fn pam_syslog(handle: *const PamHandle, priority: c_int, format: *const c_char, ...);
    pub fn pam_getenv(handle: *mut PamHandle, name: *const c_char) -> *const c_char;
    pub fn pam_putenv(handle: *mut PamHandle, name_value: *const c_char) -> c_int;
    pub fn pam_set_data(
        handle: *mut PamHandle,
        name: *const c_char,
        data: *mut c_void,
        cleanup: Option<extern "C" fn(*mut PamHandle, *mut c_void, c_int)>,
    ) -> c_int;
    pub fn pam_get_data(handle: *const PamHandle, name: *const c_char, data: *mut *const c_void) -> c_int;
    pub fn pam_set_item(handle: *mut PamHandle, kind: c_int, item: *const c_void) -> c_int;
    pub fn pam_get_item(handle: *const PamHandle, kind: c_int, item: *mut *const c_void) -> c_int;
    pub fn pam_start_confdir(
        service: *const c_char,
        user: *const c_char,
        conversation: *const Conversation,
        directory: *const c_char,
        handle: *mut *mut PamHandle,
    ) -> c_int;
    pub fn pam_authenticate(handle: *mut PamHandle, flags: c_int) -> c_int;
    pub fn pam_acct_mgmt(handle: *mut PamHandle, flags: c_int) -> c_int;
    pub fn pam_end(handle: *mut PamHandle, status: c_int) -> c_int;
}
