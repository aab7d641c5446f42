//! Points in time.

/// Seconds since 1970-01-01T00:00:00Z, without leap seconds (POSIX.1-2017 §4.16).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnixTime(pub u64);
