//! Workers: processes that are replaced after so many questions, and killed at the deadline.

use std::collections::VecDeque;
use std::mem;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair};
use zeroize::{Zeroize, Zeroizing};

use crate::daemon::{OWN_PROGRAM, WORKER};
use crate::wire::MAX_FRAME;

/// Questions after which a worker is replaced: what a PAM module leaks goes with it.
const QUESTIONS: u32 = 500;

/// Milliseconds after which a question is unavailable, from its arrival; within the client's patience.
pub(super) const DEADLINE: u64 = 4_000;

/// Milliseconds before a worker that has died without an answer is started again.
const BACKOFF: u64 = 200;

/// A question on its way to a worker.
pub(super) struct Job {
    /// Which connection asked.
    pub connection: u64,
    /// The question.
    pub frame: Zeroizing<Vec<u8>>,
    /// When it is too late.
    pub deadline: u64,
}

/// What became of a question; nothing but a worker's answer has octets.
pub(super) struct Outcome {
    /// Which connection asked.
    pub connection: u64,
    /// The worker's answer.
    pub answer: Option<Zeroizing<Vec<u8>>>,
}

/// So many workers with one queue before them.
pub(super) struct Pool {
    /// The text of the configuration, which each worker gets first.
    config: Vec<u8>,
    places: Vec<Place>,
    queue: VecDeque<Job>,
    most_waiting: usize,
    /// Killed, and not yet gone: one that waits for a disk takes its time, and nobody waits for it.
    dying: Vec<Child>,
    /// Where answers arrive, some with secrets in them.
    arrived: Zeroizing<Vec<u8>>,
}

/// A worker, or the place of one.
enum Place {
    Empty { not_before: u64 },
    Filled(Worker),
}

struct Worker {
    child: Child,
    socket: OwnedFd,
    served: u32,
    job: Option<(u64, u64)>,
    /// Replaced as soon as it is idle.
    outdated: bool,
}

impl Pool {
    pub(super) fn new(config: Vec<u8>, workers: usize, most_waiting: usize) -> Self {
        let places = (0..workers).map(|_| Place::Empty { not_before: 0 }).collect();
        let arrived = Zeroizing::new(vec![0; MAX_FRAME]);
        Self { config, places, queue: VecDeque::new(), most_waiting, dying: Vec::new(), arrived }
    }

    /// Takes a question, unless too many wait already.
    pub(super) fn submit(&mut self, job: Job, now: u64) -> Result<(), Job> {
        if self.most_waiting <= self.queue.len() {
            return Err(job);
        }
        self.queue.push_back(job);
        self.dispatch(now);
        Ok(())
    }

    /// The sockets of workers, for poll(2).
    pub(super) fn sockets(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.places.iter().filter_map(|place| match place {
            Place::Filled(worker) => Some(worker.socket.as_fd()),
            Place::Empty { .. } => None,
        })
    }

    /// Whether anything waits or runs.
    pub(super) fn is_idle(&self) -> bool {
        let busy = |place: &Place| matches!(place, Place::Filled(worker) if worker.job.is_some());
        self.queue.is_empty() && !self.places.iter().any(busy)
    }

    /// Lets each worker go once it is idle; the next ones go by another configuration.
    pub(super) fn renew(&mut self, config: Vec<u8>) {
        self.config = config;
        for place in &mut self.places {
            if let Place::Filled(worker) = place {
                worker.outdated = true;
            }
        }
    }

    /// Hears the workers, ends what is too late, and hands out what waits.
    pub(super) fn turn(&mut self, now: u64) -> Vec<Outcome> {
        self.dying.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        let mut outcomes = Vec::new();
        for place in &mut self.places {
            outcomes.extend(place.hear(now, &mut self.arrived, &mut self.dying));
        }
        let late = self.queue.iter().take_while(|job| job.deadline <= now).count();
        outcomes
            .extend(self.queue.drain(..late).map(|job| Outcome { connection: job.connection, answer: None }));
        self.dispatch(now);
        outcomes
    }

    fn dispatch(&mut self, now: u64) {
        for place in &mut self.places {
            place.fill(&self.config, now, &mut self.dying);
            if self.queue.is_empty() {
                continue;
            }
            if let Place::Filled(worker) = place {
                if worker.job.is_none() {
                    place.hand(&mut self.queue, now, &mut self.dying);
                }
            }
        }
    }
}

impl Place {
    fn fill(&mut self, config: &[u8], now: u64, dying: &mut Vec<Child>) {
        if let Self::Filled(worker) = self {
            if worker.job.is_none() && (worker.outdated || QUESTIONS <= worker.served) {
                self.empty(now, dying);
            }
        }
        if let Self::Empty { not_before } = self {
            if *not_before <= now {
                *self = start(config).map_or(Self::Empty { not_before: now + BACKOFF }, Self::Filled);
            }
        }
    }

    fn hand(&mut self, queue: &mut VecDeque<Job>, now: u64, dying: &mut Vec<Child>) {
        let Self::Filled(worker) = self else {
            return;
        };
        let Some(job) = queue.pop_front() else {
            return;
        };
        match send(&worker.socket, &job.frame, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
            Ok(_) => worker.job = Some((job.connection, job.deadline)),
            Err(_) => {
                queue.push_front(job);
                self.empty(now + BACKOFF, dying);
            }
        }
    }

    /// What the worker says, or that it is dead or too late.
    fn hear(&mut self, now: u64, arrived: &mut [u8], dying: &mut Vec<Child>) -> Option<Outcome> {
        let Self::Filled(worker) = self else {
            return None;
        };
        match (recv(&worker.socket, &mut *arrived, RecvFlags::DONTWAIT), worker.job) {
            (Ok((length, _)), Some((connection, _))) if 0 < length => {
                worker.job = None;
                worker.served += 1;
                Some(Outcome { connection, answer: arrived.get_mut(..length).map(taken) })
            }
            (Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR), Some((connection, deadline))) => {
                (deadline <= now).then(|| {
                    self.empty(now, dying);
                    Outcome { connection, answer: None }
                })
            }
            (Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR), None) => None,
            // Dead, or it speaks without being asked.
            (_, job) => {
                self.empty(now + BACKOFF, dying);
                job.map(|(connection, _)| Outcome { connection, answer: None })
            }
        }
    }

    /// Ends the worker: one that is idle would end by itself, one that hangs in a PAM module would not.
    fn empty(&mut self, not_before: u64, dying: &mut Vec<Child>) {
        if let Self::Filled(mut worker) = mem::replace(self, Self::Empty { not_before }) {
            let _ = worker.child.kill();
            dying.push(worker.child);
        }
    }
}

/// A copy; what it was copied from is wiped.
fn taken(answer: &mut [u8]) -> Zeroizing<Vec<u8>> {
    let copy = Zeroizing::new(answer.to_vec());
    answer.zeroize();
    copy
}

fn start(config: &[u8]) -> Option<Worker> {
    let flags = SocketFlags::CLOEXEC;
    let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).ok()?;
    send(&ours, config, SendFlags::NOSIGNAL | SendFlags::DONTWAIT).ok()?;
    let mut command = Command::new(OWN_PROGRAM);
    command.arg0("posternd").arg(WORKER).stdin(Stdio::from(theirs));
    // Ctrl-C in a terminal is the parent's affair.
    let child = command.process_group(0).spawn().ok()?;
    Some(Worker { child, socket: ours, served: 0, job: None, outdated: false })
}
