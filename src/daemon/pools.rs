//! The workers, by what a question costs and who may ask it.

use std::os::fd::BorrowedFd;
use std::thread;

use crate::daemon::listeners::{Language, Listener};
use crate::daemon::peers::Kind;
use crate::daemon::pool::{Outcome, Pool};

/// Workers for app passwords, and questions that may wait for one.
const QUICK: (usize, usize) = (4, 1024);

/// Questions that may wait for a worker that checks primaries.
const DEAR_WAITING: usize = 256;

/// Workers for local users, and requests that may wait for one: on their own, so that whoever has a shell takes nobody's
/// turn to log in.
const MANAGE: (usize, usize) = (2, 64);

/// One pool for each kind of question.
pub(super) struct Pools {
    quick: Pool,
    dear: Pool,
    manage: Pool,
}

impl Pools {
    /// Workers for what these listeners may hear.
    pub(super) fn new(config: &[u8], listeners: &[Listener]) -> Self {
        let managing = listeners.iter().any(|listener| listener.language == Language::Manage);
        let pool = |workers, waiting| Pool::new(config.to_vec(), workers, waiting);
        Self {
            quick: pool(QUICK.0, QUICK.1),
            dear: pool(dear_workers(), DEAR_WAITING),
            manage: pool(if managing { MANAGE.0 } else { 0 }, MANAGE.1),
        }
    }

    /// The pool for a question.
    pub(super) const fn of(&mut self, kind: Kind) -> &mut Pool {
        match kind {
            Kind::Quick => &mut self.quick,
            Kind::Dear => &mut self.dear,
            Kind::Manage => &mut self.manage,
        }
    }

    /// See [`Pool::sockets`].
    pub(super) fn sockets(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.each().into_iter().flat_map(Pool::sockets)
    }

    /// See [`Pool::is_idle`].
    pub(super) fn are_idle(&self) -> bool {
        self.each().into_iter().all(Pool::is_idle)
    }

    /// See [`Pool::renew`].
    pub(super) fn renew(&mut self, config: &[u8]) {
        for pool in [&mut self.quick, &mut self.dear, &mut self.manage] {
            pool.renew(config.to_vec());
        }
    }

    /// See [`Pool::turn`].
    pub(super) fn turn(&mut self, now: u64) -> Vec<Outcome> {
        let pools = [&mut self.quick, &mut self.dear, &mut self.manage];
        pools.into_iter().flat_map(|pool| pool.turn(now)).collect()
    }

    const fn each(&self) -> [&Pool; 3] {
        [&self.quick, &self.dear, &self.manage]
    }
}

/// As many as there are slots for primaries, and some that may hang in a directory meanwhile.
fn dear_workers() -> usize {
    2 + thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
