//! How far something has come, for whoever waits at a terminal for more than a second.

use std::io::{self, IsTerminal, Write};

use crate::cli::World;
use crate::domain::time::UnixTime;

/// A line on stderr that is written over, and wiped at the end.
pub(super) struct Progress<'a> {
    world: &'a World<'a>,
    begun: UnixTime,
    shown: Option<UnixTime>,
}

impl<'a> Progress<'a> {
    pub(super) fn new(world: &'a World<'a>) -> Self {
        Self { world, begun: (world.clock)(), shown: None }
    }

    /// Shows it, at most once a second, and not before the second second.
    pub(super) fn tell(&mut self, how_far: &str) {
        let now = (self.world.clock)();
        let early = now.0 <= self.begun.0.saturating_add(1) || self.shown == Some(now);
        if early || !io::stderr().is_terminal() {
            return;
        }
        let _ = write!(io::stderr(), "\r{how_far}\x1b[K");
        self.shown = Some(now);
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if self.shown.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
