//! The life of app passwords: rotation, revocation, restoration, and what logins see of them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

#[path = "support/site.rs"]
mod site;

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use postern::crypto::secret::Secret;
use postern::domain::account::AccountState;
use postern::domain::app_password::{Label, Shape, shape};
use postern::domain::attempt::{Door, RawAttempt, Shown};
use postern::domain::network::Networks;
use postern::domain::policy::AppPasswordPolicy;
use postern::domain::selection::Selection;
use postern::domain::service::{Scope, Service};
use postern::domain::throttle::Source;
use postern::domain::time::UnixTime;
use postern::domain::verdict::{Denial, Verdict};
use postern::enrollment::{Enrollment, EnrollmentError, Overlap, Wanted};
use postern::store::{FirstUse, Restorable, StoreError, TotpKeys, Use};
use postern::verifier::{PamQuestion, Spending, System, Verifier};
use site::{PRIMARY, Site, name, now};

const MAIL: &str = "imap,pop3,smtp,sieve";

const DAY: u64 = 86_400;

const NOBODY: System<'static> = System {
    check_primary: &|_, _| panic!("PAM is not to be asked for a primary"),
    account_state: &|_, _| panic!("PAM is not to be asked about an account"),
    unix_uid: &|_| panic!("passwd is not to be asked"),
    crypt: &postern::ffi::crypt::crypt,
};

/// How alice's login with this secret ends at this moment; `None` is a grant.
fn login_at(site: &Site, secret: &str, at: UnixTime, spending: Spending) -> Option<Denial> {
    let secret = Secret::copy_of(secret.as_bytes());
    let (account, service, remote) = (&b"alice"[..], &b"imap"[..], Some(&b"192.0.2.1"[..]));
    let raw = RawAttempt { account, shown: Shown::Field(&secret), service, remote, door: Door::Try };
    match Verifier::new(&site.config, site.owner(), NOBODY, spending).verify(&raw, &|| at).unwrap().verdict {
        Verdict::Grant(_) => None,
        Verdict::Deny(why) => Some(why),
    }
}

fn login(site: &Site, secret: &str) -> Option<Denial> {
    login_at(site, secret, now(), Spending::Real)
}

fn site_with_phone() -> (Site, String) {
    let site = Site::new();
    site.account("alice", PRIMARY);
    let phone = site.app_password("alice", "phone", MAIL);
    (site, phone)
}

fn rotate(site: &Site, label: &str, overlap: Overlap) -> Result<(), EnrollmentError> {
    let (vault, label) = (site.vault(), Label::parse(label).unwrap());
    let limits = &site.config.policy.app_passwords;
    Enrollment::new(&vault).rotate(&name("alice"), &label, overlap, limits, site.made()).map(drop)
}

fn a_week() -> Overlap {
    Overlap { keep_until: UnixTime(now().0 + 7 * DAY), expires_at: None }
}

/// The labels of alice's live app passwords, in order, with the days that are left to them.
fn live(site: &Site) -> Vec<(String, Option<u64>)> {
    let vault = site.vault();
    let account = vault.store.account(&name("alice")).unwrap().unwrap();
    let days = |end: UnixTime| (end.0 - now().0).div_ceil(DAY);
    let rows = vault.store.app_passwords(account.id).unwrap().into_iter();
    let mut live: Vec<_> = rows
        .filter(|row| row.revoked_at.is_none())
        .map(|row| (row.label, row.expires_at.map(days)))
        .collect();
    live.sort();
    live
}

fn labels(site: &Site) -> Vec<String> {
    live(site).into_iter().map(|(label, _)| label).collect()
}

fn audit_rows(site: &Site, event: &str) -> u32 {
    let database = rusqlite::Connection::open(site.path("store/store.db")).unwrap();
    let sql = "SELECT count(*) FROM audit_row WHERE event = ?1";
    database.query_row(sql, [event], |row| row.get(0)).unwrap()
}

#[test]
fn the_old_one_dies_with_the_first_use_of_its_successor() {
    let (site, old) = site_with_phone();
    let new = site.rotate("alice", "phone");
    assert_eq!(live(&site), [("phone".to_owned(), None), ("phone (old)".to_owned(), Some(7))]);
    assert_eq!(login(&site, &old), None);
    assert_eq!(login_at(&site, &new, now(), Spending::Rehearsal), None, "a rehearsal ends nothing");
    assert_eq!(login(&site, &old), None);
    assert_eq!(login(&site, &new), None);
    assert_eq!(login(&site, &old), Some(Denial::Revoked));
    assert_eq!(login(&site, &new), None);
    assert_eq!(audit_rows(&site, "app.supersede"), 1);
}

#[test]
fn the_old_one_dies_at_its_deadline_if_the_successor_is_never_used() {
    let (site, old) = site_with_phone();
    site.rotate("alice", "phone");
    let end = now().0 + 7 * DAY;
    assert_eq!(login_at(&site, &old, UnixTime(end - 60), Spending::Real), None);
    assert_eq!(login_at(&site, &old, UnixTime(end + 60), Spending::Real), Some(Denial::Expired));
}

#[test]
fn a_successor_is_good_for_the_same_and_keeps_an_end_that_was_chosen() {
    let site = Site::new();
    site.account("alice", PRIMARY);
    let end = UnixTime(now().0 + 3 * DAY);
    site.limited_app_password("alice", "scanner", "smtp", "192.0.2.0/24", Some(end));
    let new = site.rotate("alice", "scanner");
    assert_eq!(login(&site, &new), Some(Denial::OutOfScope));
    assert_eq!(live(&site), [("scanner".to_owned(), Some(3)), ("scanner (old)".to_owned(), Some(3))]);
}

#[test]
fn an_end_that_the_policy_set_begins_anew() {
    let (mut site, _) = site_with_phone();
    site.config.policy.app_passwords.longest_life = Some(30);
    let database = rusqlite::Connection::open(site.path("store/store.db")).unwrap();
    let aged =
        "UPDATE app_password SET created_at = created_at - 86400 * 20, expires_at = created_at + 86400 * 10";
    database.execute(aged, []).unwrap();
    rotate(&site, "phone", a_week()).unwrap();
    assert_eq!(live(&site), [("phone".to_owned(), Some(30)), ("phone (old)".to_owned(), Some(7))]);
    let too_late = Overlap { expires_at: Some(UnixTime(now().0 + 31 * DAY)), ..a_week() };
    let refused = rotate(&site, "phone", too_late);
    assert!(matches!(refused, Err(EnrollmentError::LivesTooLong(30))), "{refused:?}");
}

#[test]
fn a_successor_that_was_never_used_is_replaced_beside_the_one_in_use() {
    let (site, old) = site_with_phone();
    let lost = site.rotate("alice", "phone");
    let found = site.rotate("alice", "phone");
    assert_eq!(labels(&site), ["phone", "phone (old)"]);
    assert_eq!((login(&site, &lost), login(&site, &old)), (Some(Denial::Revoked), None));
    assert_eq!(login(&site, &found), None);
    assert_eq!(login(&site, &old), Some(Denial::Revoked));
}

#[test]
fn a_successor_that_was_used_is_rotated_like_any_other() {
    let (site, first) = site_with_phone();
    let second = site.rotate("alice", "phone");
    assert_eq!(login(&site, &second), None);
    let third = site.rotate("alice", "phone");
    assert_eq!(labels(&site), ["phone", "phone (old)"]);
    assert_eq!((login(&site, &second), login(&site, &third)), (None, None));
    for dead in [&first, &second] {
        assert_eq!(login(&site, dead), Some(Denial::Revoked));
    }
}

#[test]
fn one_that_is_being_replaced_is_not_rotated_again() {
    let (site, _) = site_with_phone();
    site.rotate("alice", "phone");
    let refused = rotate(&site, "phone (old)", a_week());
    let Err(EnrollmentError::Store(StoreError::Replaced(by))) = refused else { panic!("{refused:?}") };
    assert_eq!(by, "phone");
}

#[test]
fn without_its_successor_the_old_one_lives_to_its_deadline_and_may_be_rotated_again() {
    let (site, old) = site_with_phone();
    let lost = site.rotate("alice", "phone");
    site.revoke("alice", "phone");
    assert_eq!((login(&site, &lost), login(&site, &old)), (Some(Denial::Revoked), None));
    let late = UnixTime(now().0 + 8 * DAY);
    assert_eq!(login_at(&site, &old, late, Spending::Real), Some(Denial::Expired));
    let new = site.rotate("alice", "phone (old)");
    assert_eq!(labels(&site), ["phone", "phone (old)"]);
    assert_eq!((login(&site, &new), login(&site, &old)), (None, Some(Denial::Revoked)));
}

#[test]
fn a_rotation_takes_no_place_and_gives_none() {
    let (mut site, _) = site_with_phone();
    site.config.policy.app_passwords.most = 1;
    for _ in 0..3 {
        rotate(&site, "phone", a_week()).unwrap();
    }
    assert_eq!(labels(&site), ["phone", "phone (old)"]);
    site.revoke("alice", "phone");
    assert_eq!(count_of_places(&site), 1);
}

#[test]
fn the_old_labels_of_others_are_left_alone() {
    let (site, _) = site_with_phone();
    site.app_password("alice", "phone (old)", MAIL);
    site.rotate("alice", "phone");
    assert_eq!(labels(&site), ["phone", "phone (old 2)", "phone (old)"]);
}

#[test]
fn a_first_use_that_cannot_be_written_passes_and_the_next_one_tries_again() {
    let (site, old) = site_with_phone();
    let new = site.rotate("alice", "phone");
    let other = rusqlite::Connection::open(site.path("store/store.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(login(&site, &new), None);
    assert_eq!(login(&site, &old), None);
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(login(&site, &new), None);
    assert_eq!(login(&site, &old), Some(Denial::Revoked));
}

#[test]
fn a_first_use_waits_for_another_writer() {
    let (site, old) = site_with_phone();
    let new = site.rotate("alice", "phone");
    let other = rusqlite::Connection::open(site.path("store/store.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    thread::scope(|scope| {
        let login = scope.spawn(|| login(&site, &new));
        thread::sleep(std::time::Duration::from_millis(200));
        other.execute_batch("COMMIT").unwrap();
        assert_eq!(login.join().unwrap(), None);
    });
    assert_eq!(login(&site, &old), Some(Denial::Revoked));
}

#[test]
fn of_many_first_uses_at_once_one_ends_the_old_one_and_none_revives_it() {
    let (site, old) = site_with_phone();
    let new = site.rotate("alice", "phone");
    let together = Barrier::new(4);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                together.wait();
                assert_eq!(login(&site, &new), None);
                assert_eq!(login(&site, &old), Some(Denial::Revoked), "the answer came after the death");
            });
        }
    });
    assert_eq!(audit_rows(&site, "app.supersede"), 1);
}

#[test]
fn of_many_rotations_at_once_each_leaves_one_successor() {
    let (site, old) = site_with_phone();
    let together = Barrier::new(4);
    let made = thread::scope(|scope| {
        let rotations: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    together.wait();
                    rotate(&site, "phone", a_week()).is_ok()
                })
            })
            .collect();
        rotations.into_iter().map(|each| each.join().unwrap()).filter(|made| *made).count()
    });
    assert!(1 <= made);
    assert_eq!(labels(&site), ["phone", "phone (old)"]);
    assert_eq!(login(&site, &old), None);
}

#[test]
fn the_first_use_of_a_successor_leaves_nothing_to_be_restored() {
    let (site, old) = site_with_phone();
    let new = site.rotate("alice", "phone");
    let revocation = site.revoke("alice", "phone (old)");
    assert_eq!(login(&site, &new), None);
    let vault = site.vault();
    let limits = &site.config.policy.app_passwords;
    let restored = Enrollment::new(&vault).restore(revocation, limits, site.made()).unwrap();
    assert_eq!(restored.len(), 0);
    assert_eq!(login(&site, &old), Some(Denial::Revoked));
}

#[test]
fn a_pair_that_was_revoked_together_comes_back_together_at_the_limit() {
    let (mut site, old) = site_with_phone();
    site.config.policy.app_passwords.most = 1;
    let new = site.rotate("alice", "phone");
    let vault = site.vault();
    let (enrollment, limits) = (Enrollment::new(&vault), &site.config.policy.app_passwords);
    let restorable = Restorable::Until(UnixTime(now().0 + 60));
    let everything = Selection::default();
    let revocation = enrollment.revoke_selected(&everything, None, restorable, site.made()).unwrap();
    assert_eq!((login(&site, &old), login(&site, &new)), (Some(Denial::Revoked), Some(Denial::Revoked)));
    enrollment.restore(revocation.id.unwrap(), limits, site.made()).unwrap();
    assert_eq!((login(&site, &old), login(&site, &new)), (None, None));
    assert_eq!(login(&site, &old), Some(Denial::Revoked));
}

#[test]
fn a_confirmed_selection_takes_what_was_shown_or_nothing() {
    let (site, phone) = site_with_phone();
    let vault = site.vault();
    let enrollment = Enrollment::new(&vault);
    let everything = Selection::default();
    let shown = enrollment.preview(&everything).unwrap();
    let laptop = site.app_password("alice", "laptop", MAIL);
    let revoke = |shown| enrollment.revoke_selected(&everything, Some(shown), Restorable::Never, site.made());
    assert!(matches!(revoke(&shown), Err(EnrollmentError::Store(StoreError::Changed))));
    assert_eq!((login(&site, &phone), login(&site, &laptop)), (None, None));
    let shown = enrollment.preview(&everything).unwrap();
    assert_eq!(revoke(&shown).unwrap().revoked.len(), 2);
    assert_eq!(login(&site, &phone), Some(Denial::Revoked));
}

#[test]
fn of_many_who_restore_at_once_none_gets_past_the_limit() {
    let (mut site, _) = site_with_phone();
    site.config.policy.app_passwords.most = 2;
    let numbers: Vec<i64> = ["one", "two", "three"]
        .into_iter()
        .map(|label| {
            site.app_password("alice", label, MAIL);
            site.revoke("alice", label)
        })
        .collect();
    let together = Barrier::new(numbers.len());
    thread::scope(|scope| {
        for number in &numbers {
            scope.spawn(|| {
                let vault = site.vault();
                together.wait();
                let limits = &site.config.policy.app_passwords;
                Enrollment::new(&vault).restore(*number, limits, site.made()).unwrap();
            });
        }
    });
    assert_eq!(live(&site).len(), 2);
}

#[test]
fn what_is_revoked_while_pam_is_asked_does_not_pass() {
    let site = Site::new();
    site.pam_account("alice");
    site.write("etc/pam.d/primary", "");
    let phone = site.app_password("alice", "phone", MAIL);
    let secret = Secret::copy_of(phone.as_bytes());
    let (account, service) = (&b"alice"[..], &b"imap"[..]);
    let raw = RawAttempt { account, shown: Shown::Field(&secret), service, remote: None, door: Door::Try };
    let account_state = |_: &PamQuestion<'_>, _| {
        site.revoke("alice", "phone");
        Ok(AccountState::Active)
    };
    let system = System { account_state: &account_state, ..NOBODY };
    let verifier = Verifier::new(&site.config, site.owner(), system, Spending::Real);
    let verdict = verifier.verify(&raw, &now).unwrap().verdict;
    assert!(matches!(verdict, Verdict::Deny(Denial::Revoked)), "{verdict:?}");
}

/// Two logins after the other, over and over, while `end` ends what they log in with: of those that start after it
/// returned none passes.
fn nobody_is_late(end: impl Fn(&Site)) {
    for _ in 0..5 {
        let (site, phone) = site_with_phone();
        let (begun, over) = (AtomicU32::new(0), AtomicBool::new(false));
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    loop {
                        let late = over.load(Ordering::SeqCst);
                        let answer = login(&site, &phone);
                        begun.fetch_add(1, Ordering::SeqCst);
                        assert!(!late || answer.is_some(), "a login passed that started too late");
                        if late {
                            break;
                        }
                    }
                });
            }
            while begun.load(Ordering::SeqCst) < 4 {
                thread::yield_now();
            }
            end(&site);
            over.store(true, Ordering::SeqCst);
        });
    }
}

#[test]
fn a_login_that_starts_after_a_revocation_returned_is_refused() {
    nobody_is_late(|site| {
        site.revoke("alice", "phone");
    });
    let everything = Selection::default();
    nobody_is_late(|site| {
        let vault = site.vault();
        let enrollment = Enrollment::new(&vault);
        enrollment.revoke_selected(&everything, None, Restorable::Never, site.made()).unwrap();
    });
}

#[test]
fn a_login_that_starts_after_its_account_was_closed_or_removed_is_refused() {
    let alice = name("alice");
    nobody_is_late(|site| {
        Enrollment::new(&site.vault()).set_state(&alice, AccountState::Disabled, site.made()).unwrap();
    });
    nobody_is_late(|site| {
        Enrollment::new(&site.vault()).remove_account(&alice, site.made()).unwrap();
    });
    nobody_is_late(|site| {
        let vault = site.vault();
        Enrollment::new(&vault).close_compromised(&alice, TotpKeys::Keep, site.made()).unwrap();
    });
}

#[test]
fn one_on_its_way_out_counts_for_no_limit() {
    let (mut site, _) = site_with_phone();
    site.config.policy.app_passwords.most = 2;
    site.rotate("alice", "phone");
    site.app_password("alice", "laptop", MAIL);
    assert_eq!(labels(&site), ["laptop", "phone", "phone (old)"]);
    site.revoke("alice", "phone");
    assert_eq!(count_of_places(&site), 2, "without its successor it takes a place again");
}

/// How many of alice's places are taken: what is missing to the limit at which nothing more can be added.
fn count_of_places(site: &Site) -> u16 {
    let label = Label::parse("one too many").unwrap();
    let (scope, networks) = (Scope::mail(), Networks::default());
    let wanted = Wanted { label: &label, scope: &scope, networks: &networks, expires_at: None };
    let vault = site.vault();
    let refused = |most: &u16| {
        let limits = AppPasswordPolicy { most: *most, ..site.config.policy.app_passwords };
        Enrollment::new(&vault).add_app_password(&name("alice"), &wanted, &limits, site.made()).is_err()
    };
    (0..9).take_while(refused).last().unwrap()
}

#[test]
fn a_successor_that_was_revoked_during_its_first_use_ends_nothing_and_does_not_pass() {
    let (site, old) = site_with_phone();
    let new = site.rotate("alice", "phone");
    let vault = site.vault();
    let Shape::Good(shown) = shape(&Secret::copy_of(new.as_bytes())) else { panic!("{new}") };
    let tag = vault.keyring.tag(shown.symbols().expose());
    let found = vault.store.app_password(&tag).unwrap().unwrap();
    site.revoke("alice", "phone");
    let service = Service::parse(b"imap").unwrap();
    let by = Use {
        made: site.made(),
        service: &service,
        from: None,
        source: Source::of(None),
        counted: postern::store::Counted::BehindPrimary,
    };
    assert_eq!(vault.store.settle_first_use(&found, &by).unwrap(), FirstUse::Revoked);
    assert_eq!(login(&site, &old), None);
}

#[test]
fn a_successor_that_is_over_stands_in_nobodys_way() {
    let (site, _) = site_with_phone();
    site.rotate("alice", "phone");
    database(&site, "UPDATE app_password SET expires_at = created_at WHERE label = 'phone'");
    let new = site.rotate("alice", "phone (old)");
    assert_eq!(labels(&site), ["phone", "phone (old)"]);
    assert_eq!(login(&site, &new), None);
}

#[test]
fn a_successor_that_is_in_use_is_not_buried_even_if_the_old_one_was_left_over() {
    let (site, _) = site_with_phone();
    let second = site.rotate("alice", "phone");
    assert_eq!(login(&site, &second), None);
    // As an older copy of that row would have it.
    database(&site, "UPDATE app_password SET revoked_at = NULL WHERE label = 'phone (old)'");
    let third = site.rotate("alice", "phone");
    assert_eq!(login(&site, &second), None, "the device still has it");
    assert_eq!(login(&site, &third), None);
    assert_eq!(labels(&site), ["phone"], "the whole line is dead");
}

fn database(site: &Site, sql: &str) {
    rusqlite::Connection::open(site.path("store/store.db")).unwrap().execute_batch(sql).unwrap();
}
