//! Crowds: small ones in `make test`, those that the design names in `make proof`.
#![allow(clippy::disallowed_methods, reason = "a deadline is a fact about the real clock")]

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use postern::backend::{Client, Reply, Trusted};
use postern::crypto::secret::Secret;
use postern::domain::attempt::{Door, RawAttempt, Shown};
use postern::ffi::system;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen, socket_with};

use super::running::Running;
use super::site::Site;

const MAIL: &str = "imap,pop3,smtp,sieve";
const MOST_MEMORY: u64 = 128 * 1024 * 1024;

/// The number for `make test`, or for `make proof`.
fn so_many(test: usize, proof: usize) -> usize {
    if env::var_os("POSTERN_PROOF").is_some() { proof } else { test }
}

fn ask(site: &Site, secret: &str) -> Reply {
    let secret = Secret::copy_of(secret.as_bytes());
    let shown = Shown::Field(&secret);
    let raw = RawAttempt { account: b"alice", shown, service: b"imap", remote: None, door: Door::C };
    let (socket, trusted) = (site.path("run/verify"), Trusted { daemon: || Some(system::effective_uid()) });
    Client { socket: &socket, trusted, log: &|_, _| () }.verify(&raw)
}

#[test]
fn a_crowd_takes_neither_its_memory_nor_the_app_passwords_of_others() {
    let site = Site::with_alice();
    let phone = site.app_password("alice", "phone", MAIL);
    let running = Running::start(&site);
    let idle: Vec<_> = (0..so_many(200, 1000)).map(|_| running.connection()).collect();
    let (over, most, slowest) = (AtomicBool::new(false), AtomicU32::new(0), AtomicU32::new(0));
    thread::scope(|scope| {
        // Wrong primaries, each as dear as can be.
        for number in 0..so_many(32, 256) {
            let (site, over) = (&site, &over);
            scope.spawn(move || {
                while !over.load(Relaxed) {
                    assert_ne!(ask(site, &format!("wrong {number}")), Reply::Granted);
                }
            });
        }
        for round in 0..so_many(10, 50) {
            // A burst of those that come and go.
            for _ in 0..so_many(20, 200) {
                drop(running.connection());
            }
            let start = Instant::now();
            assert_eq!(ask(&site, &phone), Reply::Granted, "round {round}");
            slowest.fetch_max(u32::try_from(start.elapsed().as_millis()).unwrap(), Relaxed);
            most.fetch_max(u32::try_from(running.memory() / 1024).unwrap(), Relaxed);
        }
        over.store(true, Relaxed);
    });
    drop(idle);
    eprintln!("most memory {} KiB, slowest app password {} ms", most.load(Relaxed), slowest.load(Relaxed));
    assert!(u64::from(most.load(Relaxed)) * 1024 < MOST_MEMORY);
    assert!(slowest.load(Relaxed) < 1000);
}

#[test]
fn a_restart_costs_a_client_one_temporary_failure_at_most() {
    let site = Site::with_alice();
    let phone = site.app_password("alice", "phone", MAIL);
    fs::create_dir(site.path("run")).unwrap();
    fs::set_permissions(site.path("run"), fs::Permissions::from_mode(0o755)).unwrap();
    let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
    bind(&socket, &SocketAddrUnix::new(site.path("run/verify")).unwrap()).unwrap();
    listen(&socket, 1024).unwrap();
    let (over, restarts) = (AtomicBool::new(false), so_many(5, 100));
    let failures: Vec<Vec<usize>> = thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|_| {
                let (site, phone, over) = (&site, &phone, &over);
                scope.spawn(move || {
                    let mut in_a_row = vec![0];
                    while !over.load(Relaxed) {
                        match ask(site, phone) {
                            Reply::Granted => in_a_row.push(0),
                            Reply::Unavailable => *in_a_row.last_mut().unwrap() += 1,
                            other @ (Reply::Denied | Reply::Throttled | Reply::OutOfMemory) => {
                                panic!("{other:?}")
                            }
                        }
                        assert_ne!(ask(site, "xfr2-3r1a-vzze-qksg-yjxv"), Reply::Granted);
                    }
                    in_a_row
                })
            })
            .collect();
        for _ in 0..restarts {
            let mut daemon = Running::activated(&site, &socket);
            thread::sleep(Duration::from_millis(250));
            let pid = daemon.id().to_string();
            assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
            assert!(daemon.wait().unwrap().success());
        }
        let mut last = Running::activated(&site, &socket);
        thread::sleep(Duration::from_millis(500));
        over.store(true, Relaxed);
        let failures = clients.into_iter().map(|client| client.join().unwrap()).collect();
        last.kill().unwrap();
        last.wait().unwrap();
        failures
    });
    let logins: usize = failures.iter().map(Vec::len).sum();
    let failed: usize = failures.iter().flatten().sum();
    eprintln!("{restarts} restarts, {logins} logins, {failed} temporary failures");
    assert!(failures.iter().flatten().all(|in_a_row| *in_a_row <= 1), "{failures:?}");
}
