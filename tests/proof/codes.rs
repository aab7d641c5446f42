//! Many processes and one code, wrong codes by the hundred, and hosts that die after their answer.

use std::io::{BufRead, BufReader, Write};
use std::process::Child;
use std::thread;

use crate::site::{PRIMARY, Site, authenticate_code, code_at, now};
use crate::world::{AUTH_ERR, AUTHINFO_UNAVAIL, IMAP, MAXTRIES, SUCCESS, count};
use crate::{Fact, Size};

pub const FACTS: &[Fact] = facts![
    of_64_processes_with_one_recovery_code_one_passes,
    of_256_wrong_codes_at_once_no_more_are_compared_than_are_left,
    a_host_that_is_killed_after_its_answer_leaves_its_count,
];

/// A service that asks for the code alone: no check of a primary keeps processes apart.
const CODE_ALONE: &str = "code-alone";

const FAILURES: &str = "SELECT coalesce(sum(count), 0) FROM code_failure";

fn site() -> Site {
    let site = Site::with_alice();
    site.service(CODE_ALONE, "second-factor-only service=sshd");
    site.service(IMAP, "");
    site
}

fn of_64_processes_with_one_recovery_code_one_passes(size: Size) -> String {
    let site = site();
    let codes = site.recovery_codes("alice");
    let rounds = size.of(2, codes.len());
    for code in &codes[..rounds] {
        let hosts: Vec<Child> = (0..64).map(|_| site.pam_host(CODE_ALONE, "alice", &[])).collect();
        let ends: Vec<i32> =
            let_go(hosts, |_| code.clone()).iter().map(|line| authenticate_code(line)).collect();
        assert_eq!(ends.iter().filter(|end| **end == SUCCESS).count(), 1, "{ends:?}");
        // Whoever waited too long for the store was told nothing.
        assert!(ends.iter().all(|end| [SUCCESS, AUTH_ERR, AUTHINFO_UNAVAIL].contains(end)), "{ends:?}");
    }
    let spent = count(&site, "SELECT count(*) FROM audit_row WHERE event = 'recovery.spend'");
    assert_eq!(spent, i64::try_from(rounds).unwrap());
    format!("{rounds} codes, 64 processes each: {rounds} grants")
}

fn of_256_wrong_codes_at_once_no_more_are_compared_than_are_left(size: Size) -> String {
    let site = site();
    failures_before(&site, 90);
    let (good, processes) = (code_at(now()).parse::<usize>().unwrap(), size.of(64, 256));
    let (mut waiting, mut compared, mut closed) = ((0..processes).collect::<Vec<_>>(), 0, 0);
    let mut rounds = 0;
    while !waiting.is_empty() {
        rounds += 1;
        let ids = std::mem::take(&mut waiting);
        let host = |id: &usize| {
            site.pam_host(CODE_ALONE, "alice", &["tell", &format!("rhost=192.0.2.{}", id % 256)])
        };
        // Far from all that are open now.
        let wrong = |place: usize| format!("{:06}", (good + 500_000 + ids[place]) % 1_000_000);
        for (id, line) in ids.iter().zip(let_go(ids.iter().map(host).collect(), wrong)) {
            match authenticate_code(&line) {
                AUTH_ERR if line.contains("why=wrong-code") => compared += 1,
                AUTH_ERR if line.contains("why=code-path-closed") => closed += 1,
                // Others held the store all the time: not looked at, so it asks again.
                AUTHINFO_UNAVAIL | MAXTRIES => waiting.push(*id),
                other => panic!("{other}: {line}"),
            }
        }
    }
    assert_eq!((compared, closed), (10, processes - 10));
    assert_eq!(count(&site, FAILURES), 100);
    assert_eq!(count(&site, "SELECT count(*) FROM audit_row WHERE event = 'code.close'"), 1);
    format!("{processes} processes: {compared} compared, {closed} not, counter at 100, {rounds} round(s)")
}

fn failures_before(site: &Site, number: u32) {
    let store = rusqlite::Connection::open(site.path("store/store.db")).unwrap();
    let sql = "INSERT INTO code_failure (account_id, source, count, last_at)
               SELECT id, 'alone 203.0.113.7', ?1, 0 FROM account WHERE name = 'alice'";
    assert_eq!(store.execute(sql, [number]).unwrap(), 1);
}

/// Through the whole field, as a mail program sends it.
fn a_host_that_is_killed_after_its_answer_leaves_its_count(size: Size) -> String {
    let site = site();
    let (good, kills) = (code_at(now()).parse::<usize>().unwrap(), size.of(5, 100));
    for kill in 1..=kills {
        let mut host = site.pam_host(IMAP, "alice", &["stay", &format!("rhost=192.0.2.{kill}")]);
        let secret = format!("{PRIMARY}{:06}", (good + 500_000 + kill) % 1_000_000);
        host.stdin.take().unwrap().write_all(secret.as_bytes()).unwrap();
        let mut line = String::new();
        BufReader::new(host.stdout.take().unwrap()).read_line(&mut line).unwrap();
        host.kill().unwrap();
        host.wait().unwrap();
        assert_eq!(authenticate_code(&line), AUTH_ERR);
        assert_eq!(count(&site, FAILURES), i64::try_from(kill).unwrap());
    }
    format!("{kills} hosts killed, {kills} failures counted")
}

/// Feeds hosts that stand ready, all at once, and collects their lines.
fn let_go(hosts: Vec<Child>, secret: impl Fn(usize) -> String) -> Vec<String> {
    let mut hosts = hosts;
    let pipes: Vec<_> = hosts.iter_mut().map(|host| host.stdin.take().unwrap()).collect();
    for (place, mut pipe) in pipes.into_iter().enumerate() {
        // The end of stdin lets a host go.
        pipe.write_all(secret(place).as_bytes()).unwrap();
    }
    let waiting: Vec<_> = hosts.into_iter().map(|host| thread::spawn(|| host.wait_with_output())).collect();
    waiting.into_iter().map(|host| String::from_utf8(host.join().unwrap().unwrap().stdout).unwrap()).collect()
}
