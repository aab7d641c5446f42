//! A login that begins after an end was told is refused, whoever logs in meanwhile.

use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::crowd::{Contended, amid_a_crowd};
use crate::site::{PRIMARY, Site, now};
use crate::world::{AUTH_ERR, IMAP, MAIL, SUCCESS, postern};
use crate::{Fact, Size};
use postern::domain::time::UnixTime;

pub const FACTS: &[Fact] = facts![
    nothing_passes_after_a_revocation,
    nothing_passes_after_its_account_was_closed,
    nothing_passes_after_its_time,
    nothing_passes_after_the_first_use_of_its_successor,
    what_is_restored_within_the_time_passes_again,
];

fn site() -> Site {
    let site = Site::new();
    site.account("alice", PRIMARY);
    site.service(IMAP, "");
    site
}

/// One round for each number: a secret that passes, its end, and a login that is refused.
fn each_end_is_final(
    site: &Site,
    rounds: usize,
    make: impl Fn(usize) -> String,
    end: impl Fn(usize),
) -> String {
    let round = |contended: &Contended, number: usize| {
        let secret = contended.comes_alive(|| make(number));
        assert_eq!(site.login(IMAP, "alice", &secret), SUCCESS, "before its end, round {number}");
        end(number);
        contended.is_dead();
        assert_eq!(site.login(IMAP, "alice", &secret), AUTH_ERR, "after its end, round {number}");
    };
    amid_a_crowd(site, |contended| (0..rounds).for_each(|number| round(contended, number))).figures(rounds)
}

fn nothing_passes_after_a_revocation(size: Size) -> String {
    let site = site();
    let label = |number| format!("phone {number}");
    each_end_is_final(
        &site,
        size.of(8, 1000),
        |number| site.app_password("alice", &label(number), MAIL),
        |number| drop(postern(&site, &["app", "revoke", "alice", &label(number)])),
    )
}

fn nothing_passes_after_its_account_was_closed(size: Size) -> String {
    let site = site();
    let phone = site.app_password("alice", "phone", MAIL);
    each_end_is_final(
        &site,
        size.of(8, 1000),
        |_| {
            postern(&site, &["account", "enable", "alice"]);
            phone.clone()
        },
        |_| drop(postern(&site, &["account", "disable", "alice"])),
    )
}

fn nothing_passes_after_the_first_use_of_its_successor(size: Size) -> String {
    let site = site();
    let label = |number| format!("phone {number}");
    each_end_is_final(
        &site,
        size.of(8, 1000),
        |number| site.app_password("alice", &label(number), MAIL),
        |number| {
            let successor = postern(&site, &["app", "rotate", "alice", &label(number)]);
            assert_eq!(site.login(IMAP, "alice", &successor), SUCCESS);
        },
    )
}

/// By the clock, which everybody reads for themselves.
fn nothing_passes_after_its_time(size: Size) -> String {
    let (site, rounds, at_once) = (site(), size.of(1, 20), size.of(5, 50));
    let label = |round: usize, number: usize| format!("{round}-{number}");
    let secrets: Vec<Vec<String>> = (0..rounds)
        .map(|round| (0..at_once).map(|n| site.app_password("alice", &label(round, n), MAIL)).collect())
        .collect();
    let round = |contended: &Contended, round: usize| {
        let secrets = &secrets[round];
        contended.comes_alive(|| secrets[0].clone());
        let end = ends_soon(&site, round);
        assert_eq!(site.login(IMAP, "alice", &secrets[0]), SUCCESS, "before its time");
        wait_until(end);
        contended.is_dead();
        for secret in secrets {
            assert_eq!(site.login(IMAP, "alice", secret), AUTH_ERR, "after its time");
        }
    };
    amid_a_crowd(&site, |contended| (0..rounds).for_each(|n| round(contended, n))).figures(rounds * at_once)
}

/// Gives all of a round one end, which making them one by one would not.
fn ends_soon(site: &Site, round: usize) -> UnixTime {
    let end = UnixTime(now().0 + 2);
    let store = rusqlite::Connection::open(site.path("store/store.db")).unwrap();
    store.busy_timeout(Duration::from_secs(5)).unwrap();
    let sql = "UPDATE app_password SET expires_at = ?2 WHERE label LIKE ?1 || '-%'";
    let end_of_all = (round.to_string(), i64::try_from(end.0).unwrap());
    assert_ne!(store.execute(sql, end_of_all).unwrap(), 0);
    end
}

fn wait_until(end: UnixTime) {
    let end = UNIX_EPOCH + Duration::from_secs(end.0);
    if let Ok(left) = end.duration_since(SystemTime::now()) {
        thread::sleep(left);
    }
}

fn what_is_restored_within_the_time_passes_again(size: Size) -> String {
    let site = site();
    let phone = site.app_password("alice", "phone", MAIL);
    let rounds = size.of(4, 200);
    let round = |contended: &Contended, _| {
        let revocation = site.revoke("alice", "phone").to_string();
        contended.is_dead();
        assert_eq!(site.login(IMAP, "alice", &phone), AUTH_ERR);
        contended.comes_alive(|| {
            postern(&site, &["app", "restore", &revocation]);
            phone.clone()
        });
        assert_eq!(site.login(IMAP, "alice", &phone), SUCCESS, "restored");
    };
    assert_eq!(site.login(IMAP, "alice", &phone), SUCCESS);
    let seen = amid_a_crowd(&site, |contended| (0..rounds).for_each(|n| round(contended, n)));
    format!("{rounds} of {rounds} passed again; {}", seen.figures(rounds))
}
