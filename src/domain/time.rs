//! Points in time.

/// Seconds since 1970-01-01T00:00:00Z, without leap seconds (POSIX.1-2017 §4.16).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixTime(pub u64);

/// Tells the time. The composition roots hand one down to whoever must not ask before its turn: at a prompt, or
/// while PAM is asked, a code may run out.
pub type Clock<'a> = dyn Fn() -> UnixTime + 'a;
