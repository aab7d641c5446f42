//! Too much failure, and what it does not close.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;

use postern::domain::throttle::Throttled;
use postern::enrollment::Enrollment;
use postern::run::take_slot;

use super::*;

const THROTTLED: Denial = Denial::Throttled(Throttled::Source);

fn wrong_codes(site: &Site, number: u32, remote: &str) {
    let good = code_at(now()).parse::<u32>().unwrap();
    for step in 0..number {
        // Far from all that are open now.
        let secret = format!("{PRIMARY}{:06}", (good + 500_000 + step) % 1_000_000);
        denied(site, &Ask { secret: &secret, remote, ..Ask::default() }, Denial::WrongCode, 1);
    }
}

fn failures(site: &Site) -> u32 {
    let vault = site.vault();
    let account = vault.store.account(&site::name("alice")).unwrap().unwrap();
    vault.store.code_failures(account.id).unwrap().iter().map(|one| one.count).sum()
}

/// Writes wrong codes down as if they had been compared.
fn fail_before(site: &Site, number: u32) {
    let vault = site.vault();
    let account = vault.store.account(&site::name("alice")).unwrap().unwrap();
    let imap = postern::domain::service::Service::parse(b"imap").unwrap();
    let from = "203.0.113.7".parse().ok();
    let by = postern::store::Use {
        made: site.made(),
        service: &imap,
        from,
        source: Source::of(from),
        counted: postern::store::Counted::BehindPrimary,
    };
    for _ in 0..number {
        vault.store.reserve_code_failure(account.id, 100, &by).unwrap();
    }
}

#[test]
fn a_wrong_code_counts_and_a_right_one_forgives_its_own_address() {
    let site = Site::with_alice();
    wrong_codes(&site, 2, "192.0.2.1");
    wrong_codes(&site, 3, "192.0.2.2");
    assert_eq!(failures(&site), 5);
    let secret = format!("{PRIMARY}{}", code_at(now()));
    granted(&site, &Ask { secret: &secret, remote: "192.0.2.2", ..Ask::default() }, 1);
    assert_eq!(failures(&site), 2);
    denied(&site, &Ask { secret: &secret, remote: "192.0.2.3", ..Ask::default() }, Denial::CodeSpent, 1);
    assert_eq!(failures(&site), 3);
}

#[test]
fn what_spends_nothing_counts_nothing() {
    let site = Site::with_alice();
    let phone = site.app_password("alice", "phone", MAIL);
    denied(&site, &Ask { secret: PRIMARY, ..Ask::default() }, Denial::SecondFactorMissing, 1);
    denied(&site, &Ask { secret: "wrong123456", ..Ask::default() }, Denial::WrongPrimary, 1);
    let rehearsal = Ask { secret: "correct horse000000", spending: Spending::Rehearsal, ..Ask::default() };
    assert!(!decide(&site, &rehearsal).is_grant());
    granted(&site, &Ask { secret: &phone, ..Ask::default() }, 1);
    assert_eq!(failures(&site), 0);
}

#[test]
fn a_hundred_wrong_codes_close_the_codes_and_nothing_else() {
    let site = Site::with_alice();
    let phone = site.app_password("alice", "phone", MAIL);
    let recovery = format!("{PRIMARY} {}", site.recovery_codes("alice")[0]);
    fail_before(&site, 99);
    wrong_codes(&site, 1, "192.0.2.1");
    let secret = format!("{PRIMARY}{}", code_at(now()));
    let ask = |secret| Ask { secret, remote: "192.0.2.2", ..Ask::default() };
    denied(&site, &ask(&secret), Denial::CodePathClosed, 1);
    let rehearsal = Ask { spending: Spending::Rehearsal, ..ask(&secret) };
    denied(&site, &rehearsal, Denial::CodePathClosed, 1);
    granted(&site, &ask(&phone), 1);
    granted(&site, &ask(&recovery), 2);
    let vault = site.vault();
    assert_eq!(Enrollment::new(&vault).unlock(&site::name("alice"), site.made()).unwrap(), 100);
    granted(&site, &ask(&secret), 1);
}

#[test]
fn two_keys_share_the_wrong_codes() {
    use postern::domain::throttle::most_code_failures;
    let site = Site::with_alice();
    fail_before(&site, most_code_failures(2) - 1);
    site.totp_with(b"another key of 20 oc", "alice", "second");
    wrong_codes(&site, 1, "192.0.2.1");
    let secret = format!("{PRIMARY}{}", code_at(now()));
    denied(&site, &Ask { secret: &secret, remote: "192.0.2.2", ..Ask::default() }, Denial::CodePathClosed, 1);
}

#[test]
fn of_many_wrong_codes_at_once_no_more_are_compared_than_are_left() {
    let site = Site::with_alice();
    fail_before(&site, 90);
    let (compared, good) = (AtomicU32::new(0), code_at(now()).parse::<u32>().unwrap());
    thread::scope(|scope| {
        for thread in 0..8 {
            let (site, compared) = (&site, &compared);
            scope.spawn(move || {
                for step in 0..4 {
                    let number = thread * 4 + step;
                    let secret = format!("{PRIMARY}{:06}", (good + 500_000 + number) % 1_000_000);
                    let remote = format!("192.0.2.{number}");
                    let ask = Ask { secret: &secret, remote: &remote, ..Ask::default() };
                    // A full machine, or a locked store, compares nothing.
                    if let Ok(Decision { verdict: Verdict::Deny(Denial::WrongCode), .. }) =
                        try_decide(site, &ask)
                    {
                        compared.fetch_add(1, Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!((compared.load(Relaxed), failures(&site)), (10, 100));
}

#[test]
fn wrong_primaries_make_their_source_wait_and_nobody_else() {
    let site = Site::with_alice();
    let phone = site.app_password("alice", "phone", MAIL);
    let from = |secret, remote, at| Ask { secret, remote, at, ..Ask::default() };
    let start = now();
    let wrong: Vec<String> = (0..6).map(|number| format!("wrong {number}")).collect();
    for secret in &wrong {
        denied(&site, &from(secret, "192.0.2.1", start), Denial::WrongPrimary, 1);
    }
    let secret = format!("{PRIMARY}{}", code_at(start));
    denied(&site, &from(&secret, "192.0.2.1", start), THROTTLED, 0);
    denied(&site, &from("wrong 7", "192.0.2.1", start), THROTTLED, 0);
    granted(&site, &from(&phone, "192.0.2.1", start), 1);
    denied(&site, &from("wrong 8", "192.0.2.2", start), Denial::WrongPrimary, 1);
    let later = UnixTime(start.0 + 2);
    granted(&site, &from(&secret, "192.0.2.1", later), 1);
    // Forgiven by the grant.
    denied(&site, &from("wrong 9", "192.0.2.1", later), Denial::WrongPrimary, 1);
    denied(&site, &from("wrong 10", "192.0.2.1", later), Denial::WrongPrimary, 1);
}

#[test]
fn unknown_accounts_wait_like_known_ones() {
    let (site, remote, at) = (Site::with_alice(), "192.0.2.1", now());
    for account in ["alice", "nobody"] {
        for number in 0..6 {
            let secret = format!("wrong {number}");
            assert!(
                !decide(&site, &Ask { account, secret: &secret, remote, at, ..Ask::default() }).is_grant()
            );
        }
        denied(&site, &Ask { account, secret: "more", remote, at, ..Ask::default() }, THROTTLED, 0);
    }
}

#[test]
fn a_wrong_password_that_comes_again_and_again_counts_once_and_is_asked_once() {
    let site = Site::new();
    site.pam_account("bob");
    site.write("etc/pam.d/primary", "");
    let asked = Cell::new(0);
    let check_primary = |_: &PamQuestion<'_>, _: &Secret| {
        asked.set(asked.get() + 1);
        Ok(PrimaryMatch::Wrong)
    };
    let system = System { check_primary: &check_primary, ..NOBODY };
    let decide = |secret: &str, at| {
        let secret = Secret::copy_of(secret.as_bytes());
        let (account, service, remote) = (&b"bob"[..], &b"imap"[..], Some(&b"192.0.2.1"[..]));
        let raw = RawAttempt { account, shown: Shown::Field(&secret), service, remote, door: Door::Try };
        let decision =
            Verifier::new(&site.config, site.owner(), system, Spending::Real).verify(&raw, &|| at).unwrap();
        let Verdict::Deny(why) = decision.verdict else { panic!("granted") };
        why
    };
    let start = now();
    assert_eq!(decide("old password", start), Denial::WrongPrimary);
    for step in 1..200 {
        // With a new code each time it is still the same password.
        let secret = format!("old password{:06}", step * 7);
        assert_eq!(decide(&secret, UnixTime(start.0 + step)), Denial::Repeated);
    }
    assert_eq!(asked.get(), 1);
    assert_eq!(decide("old password", UnixTime(start.0 + 600)), Denial::WrongPrimary);
    assert_eq!(asked.get(), 2);
}

#[test]
fn a_spent_code_that_comes_again_and_again_counts_once() {
    let site = Site::with_alice();
    let secret = format!("{PRIMARY}{}", code_at(now()));
    let ask = Ask { secret: &secret, remote: "192.0.2.1", ..Ask::default() };
    granted(&site, &ask, 1);
    denied(&site, &ask, Denial::CodeSpent, 1);
    for _ in 0..20 {
        denied(&site, &ask, Denial::Repeated, 0);
    }
    assert_eq!(failures(&site), 1);
}

#[test]
fn a_full_machine_checks_no_primary_and_lets_app_passwords_pass() {
    let site = Site::with_alice();
    let phone = site.app_password("alice", "phone", MAIL);
    let mut slots = Vec::new();
    while let Some(slot) = take_slot(&site.config.run_dir, site.owner().0).unwrap() {
        slots.push(slot);
    }
    let full = Denial::Throttled(Throttled::Load);
    denied(&site, &Ask { secret: PRIMARY, ..Ask::default() }, full, 0);
    granted(&site, &Ask { secret: &phone, ..Ask::default() }, 1);
    slots.pop();
    denied(&site, &Ask { secret: PRIMARY, ..Ask::default() }, Denial::SecondFactorMissing, 1);
}

#[test]
fn what_cannot_be_counted_is_unavailable_and_app_passwords_pass() {
    let site = Site::with_alice();
    let phone = site.app_password("alice", "phone", MAIL);
    let secret = format!("{PRIMARY}{}", code_at(now()));
    fs::write(site.path("run"), "no directory").unwrap();
    let found = try_decide(&site, &Ask { secret: &secret, ..Ask::default() });
    assert!(matches!(found, Err(Unavailable::Run(_))), "{found:?}");
    granted(&site, &Ask { secret: &phone, ..Ask::default() }, 1);
}

#[test]
fn codes_alone_are_counted_apart_from_those_behind_a_primary() {
    let site = Site::with_alice();
    let alone = |code: &str, remote: &str| {
        let code = Secret::copy_of(code.as_bytes());
        let (account, service) = (&b"alice"[..], &b"sshd"[..]);
        let raw = RawAttempt {
            account,
            shown: Shown::CodeAlone(&code),
            service,
            remote: Some(remote.as_bytes()),
            door: Door::Try,
        };
        let decision =
            Verifier::new(&site.config, site.owner(), NOBODY, Spending::Real).verify(&raw, &now).unwrap();
        let Verdict::Deny(why) = decision.verdict else { panic!("granted") };
        why
    };
    let good = code_at(now()).parse::<u32>().unwrap();
    for number in 0..100 {
        let code = format!("{:06}", (good + 500_000 + number) % 1_000_000);
        assert_eq!(alone(&code, &format!("192.0.2.{number}")), Denial::WrongCode);
    }
    // Whoever asks for a code alone has used up those, and no others.
    assert_eq!(alone("000000", "198.51.100.1"), Denial::CodePathClosed);
    let secret = format!("{PRIMARY}{}", code_at(now()));
    granted(&site, &Ask { secret: &secret, ..Ask::default() }, 1);
}
