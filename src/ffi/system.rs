//! What the C library knows about this process, and its log.

use std::ffi::CString;

use libc::{c_int, uid_t};

use crate::backend::Level;

/// On whose behalf files are opened.
#[must_use]
pub fn effective_uid() -> uid_t {
    // SAFETY: geteuid(2) always succeeds and touches no memory of ours.
    unsafe { libc::geteuid() }
}

/// Who started the process.
#[must_use]
pub fn real_uid() -> uid_t {
    // SAFETY: getuid(2) always succeeds and touches no memory of ours.
    unsafe { libc::getuid() }
}

/// Runs `body` while Ctrl-C is ignored, so that it can end in order.
pub fn uninterrupted<T>(body: impl FnOnce() -> T) -> T {
    // SAFETY: SIG_IGN is a disposition; no code of ours runs in a signal handler.
    let before = unsafe { libc::signal(libc::SIGINT, libc::SIG_IGN) };
    let result = body();
    // SAFETY: the disposition that signal(2) has just handed out.
    unsafe { libc::signal(libc::SIGINT, before) };
    result
}

/// Writes an audit line for a program of ours; a module writes through its host.
pub fn syslog(level: Level, line: &str) {
    let Ok(line) = CString::new(line) else {
        return;
    };
    // SAFETY: both strings are terminated and outlive the call; the format takes exactly one.
    unsafe { libc::syslog(libc::LOG_AUTHPRIV | priority(level), c"%s".as_ptr(), line.as_ptr()) }
}

/// syslog(3)'s number for a level.
#[must_use]
pub const fn priority(level: Level) -> c_int {
    match level {
        Level::Error => libc::LOG_ERR,
        Level::Notice => libc::LOG_NOTICE,
        Level::Info => libc::LOG_INFO,
        Level::Debug => libc::LOG_DEBUG,
    }
}
