//! A login that begins after an end was told is refused, whoever logs in meanwhile.

use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use postern::domain::time::UnixTime;

use crate::crowd::{Crowd, amid_a_crowd};
use crate::site::{PRIMARY, Site, now};
use crate::world::{AUTH_ERR, IMAP, MAIL, SUCCESS, postern};
use crate::{Fact, Size};

pub const FACTS: &[Fact] = facts![
    nothing_passes_after_a_revocation,
    nothing_passes_outside_a_scope_that_was_narrowed,
    nothing_passes_after_its_account_was_closed,
    nothing_passes_after_its_time,
    nothing_passes_after_the_first_use_of_its_successor,
    what_is_restored_within_the_time_passes_again,
];

fn nothing_passes_after_a_revocation(size: Size) -> String {
    let (site, rounds) = (site(), size.of(8, 1000));
    let phones = phones(&site, rounds);
    amid_a_crowd(&site, |crowd| {
        for (label, phone) in &phones {
            crowd.contend_for(|| phone.clone());
            ends(crowd, phone, || drop(postern(&site, &["app", "revoke", "alice", label])));
        }
        refused(rounds)
    })
}

fn nothing_passes_outside_a_scope_that_was_narrowed(size: Size) -> String {
    let (site, rounds) = (site(), size.of(8, 1000));
    let phone = site.app_password("alice", "phone", MAIL);
    let limit = |scope| postern(&site, &["app", "limit", "alice", "phone", "--scope", scope]);
    amid_a_crowd(&site, |crowd| {
        for _ in 0..rounds {
            crowd.contend_for(|| {
                limit(MAIL);
                phone.clone()
            });
            ends(crowd, &phone, || drop(limit("smtp")));
        }
        refused(rounds)
    })
}

fn nothing_passes_after_its_account_was_closed(size: Size) -> String {
    let (site, rounds) = (site(), size.of(8, 1000));
    let phone = site.app_password("alice", "phone", MAIL);
    amid_a_crowd(&site, |crowd| {
        for _ in 0..rounds {
            crowd.contend_for(|| {
                postern(&site, &["account", "enable", "alice"]);
                phone.clone()
            });
            ends(crowd, &phone, || drop(postern(&site, &["account", "disable", "alice"])));
        }
        refused(rounds)
    })
}

fn nothing_passes_after_the_first_use_of_its_successor(size: Size) -> String {
    let (site, rounds) = (site(), size.of(8, 1000));
    let phones = phones(&site, rounds);
    amid_a_crowd(&site, |crowd| {
        for (label, phone) in &phones {
            crowd.contend_for(|| phone.clone());
            ends(crowd, phone, || {
                let successor = postern(&site, &["app", "rotate", "alice", label]);
                assert_eq!(crowd.login("alice", &successor), SUCCESS);
            });
        }
        refused(rounds)
    })
}

/// By the clock, which everybody reads for themselves.
fn nothing_passes_after_its_time(size: Size) -> String {
    let (site, rounds, at_once) = (site(), size.of(1, 20), size.of(5, 50));
    let make = |label: String| site.app_password("alice", &label, MAIL);
    let secrets: Vec<Vec<String>> = (0..rounds)
        .map(|round| (0..at_once).map(|number| make(format!("{round}-{number}"))).collect())
        .collect();
    amid_a_crowd(&site, |crowd| {
        for (round, secrets) in secrets.iter().enumerate() {
            crowd.contend_for(|| secrets[0].clone());
            ends(crowd, &secrets[0], || wait_until(all_end_soon(&site, round)));
            for secret in &secrets[1..] {
                assert_eq!(crowd.login("alice", secret), AUTH_ERR, "after its time");
            }
        }
        refused(rounds * at_once)
    })
}

fn what_is_restored_within_the_time_passes_again(size: Size) -> String {
    let (site, rounds) = (site(), size.of(4, 200));
    let phone = site.app_password("alice", "phone", MAIL);
    amid_a_crowd(&site, |crowd| {
        for number in 1..=rounds {
            crowd.contend_for(|| phone.clone());
            ends(crowd, &phone, || drop(postern(&site, &["app", "revoke", "alice", "phone"])));
            crowd.contend_for(|| {
                postern(&site, &["app", "restore", &number.to_string()]);
                phone.clone()
            });
            assert_eq!(crowd.login("alice", &phone), SUCCESS, "restored");
        }
        format!("{rounds} of {rounds} passed again; {}", refused(rounds))
    })
}

fn site() -> Site {
    let site = Site::new();
    site.account("alice", PRIMARY);
    site.service(IMAP, "");
    site
}

/// Labels and app passwords of alice's.
fn phones(site: &Site, number: usize) -> Vec<(String, String)> {
    let phone = |label: String| (label.clone(), site.app_password("alice", &label, MAIL));
    (0..number).map(|number| phone(format!("phone {number}"))).collect()
}

/// What passes before its end is refused as soon as that was told.
#[track_caller]
fn ends(crowd: &Crowd<'_>, secret: &str, end: impl FnOnce()) {
    assert_eq!(crowd.login("alice", secret), SUCCESS, "before its end");
    end();
    crowd.it_is_dead();
    assert_eq!(crowd.login("alice", secret), AUTH_ERR, "after its end");
}

fn refused(rounds: usize) -> String {
    format!("{rounds} of {rounds} refused")
}

/// Gives all of a round one end, which making them one by one would not.
fn all_end_soon(site: &Site, round: usize) -> UnixTime {
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
