//! One thread that goes round: listeners, peers, workers.

use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};

use crate::backend::Level;
use crate::config::Config;
use crate::daemon::complaints::Complaints;
use crate::daemon::listeners::{self, Listener};
use crate::daemon::notify::Manager;
use crate::daemon::pace::Pace;
use crate::daemon::peers::{Heard, Kind, Peers};
use crate::daemon::permits::Permits;
use crate::daemon::pool::{DEADLINE, Job};
use crate::daemon::pools::Pools;
use crate::daemon::{ServeError, Signal, World};

/// Milliseconds of one round, at most: deadlines and the watchdog are looked at between two.
const ROUND: i64 = 100;

/// Rounds in which a daemon that ends still hears those that have connected.
const LAST_ROUNDS: u32 = 3;

/// Requests of one local user at once.
const REQUESTS_OF_ONE: usize = 1;

/// Connections that are taken in between two looks at everybody else.
const ACCEPTED_AT_ONCE: usize = 256;

/// Listens, and answers until SIGTERM.
///
/// # Errors
/// Where it cannot begin; once it serves, it goes on.
pub fn serve(mut world: World<'_>, path: &Path) -> Result<(), ServeError> {
    let (config, text) = Config::read_with_text(path, world.owner).map_err(ServeError::Config)?;
    raise_descriptor_limit();
    let permits = Permits::resolve(&config.daemon, &world)?;
    let activated = std::mem::take(&mut world.activated);
    let listeners = listeners::open(activated, &config.daemon, world.owner.0)?;
    let mut server = Server {
        pools: Pools::new(&text, &listeners),
        peers: Peers::default(),
        complaints: Complaints::default(),
        pace: Pace::default(),
        manager: Manager::from_environment(),
        world,
        path,
        permits,
        listeners,
        ending: false,
        rounds_left: LAST_ROUNDS,
    };
    server.manager.ready();
    server.say(Level::Info, "posternd listens");
    server.run()
}

/// Each connection is a descriptor.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    // Where it cannot be raised, fewer connections are accepted.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

struct Server<'a> {
    world: World<'a>,
    path: &'a Path,
    permits: Permits,
    listeners: Vec<Listener>,
    peers: Peers,
    complaints: Complaints,
    pace: Pace,
    pools: Pools,
    manager: Manager,
    ending: bool,
    /// Once it ends: whoever has just connected may still ask.
    rounds_left: u32,
}

impl Server<'_> {
    fn run(&mut self) -> Result<(), ServeError> {
        while self.rounds_left > 0 || !self.pools.are_idle() {
            let ready = self.await_something().map_err(ServeError::Io)?;
            let now = now();
            if self.ending {
                self.rounds_left = self.rounds_left.saturating_sub(1);
            }
            self.obey_signal();
            self.accept(now);
            for id in ready {
                self.hear(id, now);
            }
            for outcome in self.pools.turn(now) {
                let answer = outcome.answer.as_ref().map(|octets| octets.as_slice());
                if let Some(uid) = self.peers.manager(outcome.connection) {
                    self.pace.count(uid, answer, now);
                }
                self.peers.answer(outcome.connection, answer, now);
            }
            self.peers.sweep(now);
            self.manager.alive();
        }
        self.say(Level::Info, "posternd ends");
        Ok(())
    }

    /// The connections that have something to say, once anything has happened or a round is over.
    fn await_something(&self) -> io::Result<Vec<u64>> {
        let listening: Vec<_> = self.peers.listening().collect();
        let watched = [self.world.signals.as_fd()].into_iter();
        let watched = watched.chain(self.listeners.iter().map(AsFd::as_fd));
        let watched = watched.chain(self.pools.sockets());
        let mut polled: Vec<PollFd<'_>> =
            listening.iter().map(|(_, socket)| PollFd::from_borrowed_fd(*socket, PollFlags::IN)).collect();
        polled.extend(watched.map(|socket| PollFd::from_borrowed_fd(socket, PollFlags::IN)));
        let round = Timespec { tv_sec: 0, tv_nsec: ROUND * 1_000_000 };
        match poll(&mut polled, Some(&round)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let spoken = polled.iter().map(|one| !one.revents().is_empty());
        Ok(listening.iter().zip(spoken).filter_map(|((id, _), spoken)| spoken.then_some(*id)).collect())
    }

    fn obey_signal(&mut self) {
        match (self.world.next_signal)(&self.world.signals) {
            None => {}
            Some(Signal::End) => {
                self.manager.stopping();
                self.listeners.clear();
                self.ending = true;
            }
            Some(Signal::Reload) => self.reload(),
        }
    }

    /// A configuration that is broken leaves the old one in force.
    fn reload(&mut self) {
        let read = Config::read_with_text(self.path, self.world.owner).map_err(ServeError::Config);
        let resolved =
            read.and_then(|(config, text)| Ok((Permits::resolve(&config.daemon, &self.world)?, text)));
        match resolved {
            Ok((permits, text)) => {
                self.permits = permits;
                self.pools.renew(&text);
                self.say(Level::Info, "posternd goes on with the new configuration");
            }
            Err(why) => {
                let said = format!("posternd goes on with the old configuration: {why}; {}", why.remedy());
                self.say(Level::Error, &said);
            }
        }
    }

    fn accept(&mut self, now: u64) {
        for listener in &self.listeners {
            for _ in 0..ACCEPTED_AT_ONCE {
                match listener.accept() {
                    Ok(Some(socket)) => self.peers.admit(socket, listener.language, now),
                    // Out of descriptors: whoever waits in the backlog has a deadline of their own.
                    Ok(None) | Err(_) => break,
                }
            }
        }
    }

    fn hear(&mut self, id: u64, now: u64) {
        let owner = self.world.owner.0;
        let Some(peer) = self.peers.get_mut(id) else {
            return;
        };
        let uid = peer.uid;
        match peer.hear(self.permits.of(uid, owner)) {
            Heard::Nothing => {}
            Heard::End => self.peers.remove(id),
            Heard::Forbidden => {
                let line = format!(
                    "posternd has no permit for what uid {uid} asks; give it a [[daemon.permit]] in postern.toml, \
                     then reload posternd"
                );
                peer.say_unavailable();
                self.peers.remove(id);
                if self.complaints.is_due(uid, now) {
                    self.say(Level::Error, &line);
                }
            }
            Heard::Asked(_, Kind::Manage) if REQUESTS_OF_ONE < self.peers.requests_of(uid) => {
                self.peers.throttle(id, now);
            }
            Heard::Asked(_, Kind::Manage) if self.pace.is_too_fast(uid, now) => {
                self.peers.throttle(id, now);
                if self.complaints.is_due(uid, now) {
                    self.say(
                        Level::Notice,
                        &format!("posternd lets uid {uid} wait, which is refused too often"),
                    );
                }
            }
            Heard::Asked(frame, kind) => {
                let job = Job { connection: id, frame, deadline: now + DEADLINE };
                if self.pools.of(kind).submit(job, now).is_err() {
                    self.peers.answer(id, None, now);
                }
            }
        }
    }

    fn say(&self, level: Level, line: &str) {
        (self.world.log)(level, line);
    }
}

/// Milliseconds of a clock that nobody sets.
fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    let millis = time.tv_sec.saturating_mul(1000).saturating_add(time.tv_nsec / 1_000_000);
    u64::try_from(millis).unwrap_or(0)
}
