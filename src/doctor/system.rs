//! The clock, by which codes are right or wrong.

use crate::doctor::finding::{Remedy, Report};
use crate::doctor::rules;

/// What the kernel says about its clock (adjtimex(2)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// Something keeps it right.
    Synchronised,
    /// Nothing does.
    Alone,
    /// It does not say.
    Unknown,
}

pub(super) fn examine(clock: Clock, report: &mut Report) {
    match clock {
        Clock::Synchronised => report.saw("clock"),
        Clock::Alone => report.found(
            &rules::CLOCK_UNSYNCHRONISED,
            "The kernel says that nothing keeps its clock right.",
            Remedy::commands(["apt install systemd-timesyncd", "timedatectl set-ntp true"]),
        ),
        Clock::Unknown => report.could_not_see("clock", "adjtimex(2) is refused"),
    }
}
