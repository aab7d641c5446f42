//! What the C library knows about this process, and its log.

use std::env;
use std::ffi::CString;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

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

/// Waits for so many milliseconds; or less, and then says yes, if nobody reads stdout any more.
#[must_use]
pub fn is_stdout_closed_within(millis: c_int) -> bool {
    let mut stdout = libc::pollfd { fd: libc::STDOUT_FILENO, events: 0, revents: 0 };
    // SAFETY: one entry, ours. With no event asked for, only the end of the other side is told (poll(2)).
    0 < unsafe { libc::poll(&raw mut stdout, 1, millis) }
}

/// Whether something keeps the clock of the machine right, as the kernel knows it (adjtimex(2)); `None` where it does not
/// say.
#[must_use]
pub fn is_clock_kept() -> Option<bool> {
    // SAFETY: a structure of numbers, for which nought is a value; with no mode set, the call only reads.
    let mut clock: libc::timex = unsafe { std::mem::zeroed() };
    // SAFETY: the structure is ours and outlives the call.
    let state = unsafe { libc::adjtimex(&raw mut clock) };
    (state != -1).then_some(clock.status & libc::STA_UNSYNC == 0)
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

/// Gives large pieces of memory back as soon as they are free, for a process of ours: glibc would keep the matrix of
/// Argon2id for the next time, in each worker (mallopt(3)).
pub fn keep_no_large_memory() {
    const LARGE: c_int = 512 * 1024;
    // SAFETY: sets a number of the allocator's; nothing is allocated or freed.
    unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE) };
}

/// Signals as something to be read: they interrupt nothing (signalfd(2)).
///
/// # Errors
/// Where the kernel has no descriptor left.
pub fn signal_descriptor(signals: &[c_int]) -> io::Result<OwnedFd> {
    let set = set_of(signals);
    // SAFETY: an initialised set, and a null pointer that is not written through.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) };
    // SAFETY: an initialised set; -1 asks for a new descriptor.
    let descriptor = unsafe { libc::signalfd(-1, &raw const set, libc::SFD_NONBLOCK | libc::SFD_CLOEXEC) };
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a new descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// The number of the next signal, if one has come.
pub fn next_signal(descriptor: &OwnedFd) -> Option<c_int> {
    let mut octets = [0; size_of::<libc::signalfd_siginfo>()];
    let length = rustix::io::read(descriptor, &mut octets).ok()?;
    let (number, _) = octets.get(..length)?.split_first_chunk::<4>()?;
    c_int::try_from(u32::from_ne_bytes(*number)).ok()
}

/// Whether somebody has asked this process to end. From the first call on, which comes before there is any thread,
/// Ctrl-C and its like end nothing by themselves.
#[must_use]
pub fn is_told_to_stop() -> bool {
    static SIGNALS: OnceLock<Option<OwnedFd>> = OnceLock::new();
    static TOLD: AtomicBool = AtomicBool::new(false);
    let wanted = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT];
    let signals = SIGNALS.get_or_init(|| signal_descriptor(&wanted).ok());
    if signals.as_ref().and_then(next_signal).is_some() {
        TOLD.store(true, Ordering::Relaxed);
    }
    TOLD.load(Ordering::Relaxed)
}

/// Lets the signals of a parent through again, which may have blocked them.
pub fn unblock(signals: &[c_int]) {
    let set = set_of(signals);
    // SAFETY: an initialised set, and a null pointer that is not written through.
    unsafe { libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, std::ptr::null_mut()) };
}

/// The sockets that the service manager has opened for us, by name (sd_listen_fds(3)). Only once, at the start: whatever
/// else has these numbers later is somebody else's.
pub fn activated() -> Vec<(String, OwnedFd)> {
    const FIRST: c_int = 3;
    let number = |name: &str| env::var(name).ok()?.parse::<u32>().ok();
    if number("LISTEN_PID") != Some(std::process::id()) {
        return Vec::new();
    }
    let count = number("LISTEN_FDS").and_then(|count| c_int::try_from(count).ok()).unwrap_or(0).min(64);
    let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
    let names = names.split(':').map(str::to_owned).chain(std::iter::repeat(String::new()));
    // SAFETY: the service manager has opened these for us, and nobody has taken them yet.
    (FIRST..FIRST + count)
        .map(|fd| unsafe { OwnedFd::from_raw_fd(fd) })
        .zip(names)
        .map(|(fd, name)| (name, fd))
        .collect()
}

/// Holds back SIGXFSZ in this thread: beyond RLIMIT_FSIZE a write of ours shall fail, not end the host.
pub struct FileSizeSignal {
    held: Held,
}

impl FileSizeSignal {
    /// Until it is dropped.
    #[must_use]
    pub fn hold() -> Self {
        Self { held: Held::these(&[libc::SIGXFSZ]) }
    }
}

impl Drop for FileSizeSignal {
    fn drop(&mut self) {
        let signal = set_of(&[libc::SIGXFSZ]);
        let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the set is initialised and ours.
        let held_before = unsafe { libc::sigismember(&raw const self.held.before, libc::SIGXFSZ) } == 1;
        if !held_before {
            // SAFETY: set and time are ours; nothing is written through the null pointer (sigtimedwait(2)).
            unsafe { libc::sigtimedwait(&raw const signal, std::ptr::null_mut(), &raw const at_once) };
        }
    }
}

/// Holds back the signals of a terminal in this thread, such as Ctrl-Z: they take effect once no lock is held.
pub struct StopSignals {
    _held: Held,
}

impl StopSignals {
    /// Until it is dropped.
    #[must_use]
    pub fn hold() -> Self {
        Self { _held: Held::these(&[libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU]) }
    }
}

/// Signals that this thread does not take until it is dropped.
struct Held {
    before: libc::sigset_t,
}

impl Held {
    fn these(signals: &[c_int]) -> Self {
        let set = set_of(signals);
        let mut before = set_of(&[]);
        // SAFETY: both sets are initialised and ours; the mask is this thread's alone.
        unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, &raw mut before) };
        Self { before }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // SAFETY: the mask that the thread had before, and a null pointer that is not written through.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, std::ptr::null_mut()) };
    }
}

fn set_of(signals: &[c_int]) -> libc::sigset_t {
    let mut set = std::mem::MaybeUninit::uninit();
    // SAFETY: sigemptyset(3) initialises the set that it is given.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: initialised by the call above.
    let mut set = unsafe { set.assume_init() };
    for signal in signals {
        // SAFETY: an initialised set and a signal that there is.
        unsafe { libc::sigaddset(&raw mut set, *signal) };
    }
    set
}
