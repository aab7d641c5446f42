//! The decision itself: what it costs, what it spends, and in which order it looks.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

#[path = "../support/site.rs"]
mod site;

mod policy;
mod recovery;
mod throttle;

use std::cell::{Cell, RefCell};
use std::fs;

use postern::audit::Path;
use postern::backend::{self, Level};
use postern::crypto::secret::Secret;
use postern::domain::account::AccountState;
use postern::domain::app_password::Label;
use postern::domain::attempt::{Door, RawAttempt, Shown};
use postern::domain::primary::PrimaryMatch;
use postern::domain::throttle::Source;
use postern::domain::time::UnixTime;
use postern::domain::verdict::{Denial, Verdict};
use postern::verifier::{Decision, PamQuestion, PamUnusable, Spending, System, Unavailable, Verifier};
use site::{PRIMARY, Site, code_at, now};

const MAIL: &str = "imap,pop3,smtp,sieve";

struct Ask<'a> {
    account: &'a str,
    secret: &'a str,
    service: &'a str,
    remote: &'a str,
    spending: Spending,
    at: UnixTime,
}

impl Default for Ask<'_> {
    fn default() -> Self {
        Self {
            account: "alice",
            secret: "",
            service: "imap",
            remote: "",
            spending: Spending::Real,
            at: now(),
        }
    }
}

fn try_decide(site: &Site, ask: &Ask<'_>) -> Result<Decision, Unavailable> {
    let secret = Secret::copy_of(ask.secret.as_bytes());
    let raw = RawAttempt {
        account: ask.account.as_bytes(),
        shown: Shown::Field(&secret),
        service: ask.service.as_bytes(),
        remote: Some(ask.remote.as_bytes()).filter(|remote| !remote.is_empty()),
        door: Door::Try,
    };
    Verifier::new(&site.config, site.owner(), NOBODY, ask.spending).verify(&raw, &|| ask.at)
}

const NOBODY: System<'static> = System {
    check_primary: &|_, _| panic!("PAM is not to be asked for a primary"),
    account_state: &|_, _| panic!("PAM is not to be asked about an account"),
    unix_uid: &|_| panic!("passwd is not to be asked"),
    crypt: &postern::ffi::crypt::crypt,
};

fn decide(site: &Site, ask: &Ask<'_>) -> Decision {
    try_decide(site, ask).unwrap()
}

#[track_caller]
fn denied(site: &Site, ask: &Ask<'_>, why: Denial, hashes: u32) {
    let decision = decide(site, ask);
    let Verdict::Deny(found) = decision.verdict else { panic!("granted: {:?}", ask.secret) };
    assert_eq!((found, decision.hashes), (why, hashes), "{:?}", ask.secret);
}

#[track_caller]
fn granted(site: &Site, ask: &Ask<'_>, hashes: u32) -> Option<String> {
    let decision = decide(site, ask);
    assert!(decision.is_grant(), "{:?}: {:?}", ask.secret, decision.verdict);
    assert_eq!(decision.hashes, hashes);
    decision.label
}

#[test]
fn a_login_computes_one_hash_with_one_and_with_a_hundred_app_passwords() {
    let site = Site::with_alice();
    let first = site.app_password("alice", "device 0", MAIL);
    assert_eq!(granted(&site, &Ask { secret: &first, ..Ask::default() }, 1).as_deref(), Some("device 0"));
    let more: Vec<String> =
        (1..100).map(|number| site.app_password("alice", &format!("device {number}"), MAIL)).collect();
    for (secret, label) in [(&first, "device 0"), (&more[0], "device 1"), (&more[98], "device 99")] {
        assert_eq!(granted(&site, &Ask { secret, ..Ask::default() }, 1).as_deref(), Some(label));
    }
    // A wrong one of the right shape computes none, and neither does a slip.
    denied(
        &site,
        &Ask { secret: "xfr2-3r1a-vzze-qksg-yjxv", ..Ask::default() },
        Denial::UnknownAppPassword,
        0,
    );
    denied(&site, &Ask { secret: "xfr2-3r1a-vzze-qksg-yjxw", ..Ask::default() }, Denial::Mistyped, 0);
}

#[test]
fn every_refusal_of_a_known_app_password_costs_what_a_grant_costs() {
    let site = Site::with_alice();
    site.account("bob", PRIMARY);
    let narrow = site.app_password("alice", "narrow", "imap");
    let gone = site.app_password("alice", "gone", MAIL);
    site.revoke("alice", "gone");
    denied(&site, &Ask { secret: &narrow, service: "smtp", ..Ask::default() }, Denial::OutOfScope, 1);
    denied(&site, &Ask { secret: &gone, ..Ask::default() }, Denial::Revoked, 1);
    denied(&site, &Ask { secret: &narrow, account: "bob", ..Ask::default() }, Denial::OtherAccount, 1);
    denied(&site, &Ask { secret: &narrow, account: "nobody", ..Ask::default() }, Denial::OtherAccount, 1);
}

/// What one login leaves in the log.
fn lines_of(site: &Site, ask: &Ask<'_>, door: Door) -> Vec<String> {
    let lines = RefCell::new(Vec::new());
    let log = |level: Level, line: &str| {
        if level != Level::Debug {
            lines.borrow_mut().push(line.to_owned());
        }
    };
    let secret = Secret::copy_of(ask.secret.as_bytes());
    let (account, service, remote) = (ask.account.as_bytes(), ask.service.as_bytes(), ask.remote.as_bytes());
    let raw = RawAttempt { account, shown: Shown::Field(&secret), service, remote: Some(remote), door };
    let config = site.path("etc/postern.toml");
    let door = backend::Door {
        config: backend::Source::File(&config),
        owner: site.owner(),
        system: NOBODY,
        log: &log,
    };
    door.verify(&raw, &|| ask.at);
    lines.into_inner()
}

#[test]
fn a_thousand_tries_of_a_revoked_password_are_two_lines() {
    let site = Site::with_alice();
    let gone = site.app_password("alice", "old phone", MAIL);
    site.revoke("alice", "old phone");
    let start = now();
    let store = fs::read(site.path("store/store.db")).unwrap();
    let at =
        |secs| Ask { secret: &gone, remote: "192.0.2.1", at: UnixTime(start.0 + secs), ..Ask::default() };
    let mut lines: Vec<String> =
        (0..1000).flat_map(|number| lines_of(&site, &at(number % 3600), Door::Pam)).collect();
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines.extend(lines_of(&site, &at(3600), Door::Pam));
    let line = "denied account=\"alice\" service=imap rhost=192.0.2.1 door=pam path=app-password label=\"old phone\" why=revoked";
    assert_eq!(lines, [line.to_owned(), format!("{line} folded=999")]);
    assert_eq!(fs::read(site.path("store/store.db")).unwrap(), store, "nobody makes the store write");
    // Everything else is told each time, and as it is.
    let other = Ask { remote: "192.0.2.2", ..at(3601) };
    assert_eq!(lines_of(&site, &other, Door::Pam), [line.replace("192.0.2.1", "192.0.2.2")]);
    for _ in 0..2 {
        assert_eq!(lines_of(&site, &at(3601), Door::Try), [line.replace("door=pam", "door=try")]);
        assert_eq!(lines_of(&site, &Ask { secret: "wrong", ..at(3601) }, Door::Pam).len(), 1);
    }
}

#[test]
fn where_nothing_can_be_counted_every_try_is_told() {
    let site = Site::with_alice();
    let gone = site.app_password("alice", "old phone", MAIL);
    site.revoke("alice", "old phone");
    fs::write(site.path("run"), "a file where a directory should be").unwrap();
    for _ in 0..3 {
        let lines = lines_of(&site, &Ask { secret: &gone, remote: "192.0.2.1", ..Ask::default() }, Door::Pam);
        assert!(lines.len() == 1 && lines[0].ends_with("why=revoked"), "{lines:?}");
    }
}

#[test]
fn an_app_password_ends_with_its_time_and_gives_its_label_away() {
    let site = Site::with_alice();
    let end = UnixTime(now().0 + 100);
    let short = site.limited_app_password("alice", "short", MAIL, "", Some(end));
    granted(&site, &Ask { secret: &short, at: UnixTime(end.0 - 1), ..Ask::default() }, 1);
    denied(&site, &Ask { secret: &short, at: end, ..Ask::default() }, Denial::Expired, 1);
    let over = site.limited_app_password("alice", "over", MAIL, "", Some(UnixTime(1)));
    let next = site.app_password("alice", "over", MAIL);
    site.limited_app_password("alice", "gone", MAIL, "", Some(UnixTime(1)));
    let (label, new) = (Label::parse("over").unwrap(), Label::parse("gone").unwrap());
    let vault = site.vault();
    postern::enrollment::Enrollment::new(&vault)
        .rename(&site::name("alice"), &label, &new, &site.config.policy.app_passwords, site.made())
        .unwrap();
    denied(&site, &Ask { secret: &over, ..Ask::default() }, Denial::Revoked, 1);
    granted(&site, &Ask { secret: &next, ..Ask::default() }, 1);
}

#[test]
fn the_longest_life_counts_for_app_passwords_that_are_there_already() {
    let mut site = Site::with_alice();
    let phone = site.app_password("alice", "phone", MAIL);
    site.config.policy.app_passwords.longest_life = Some(2);
    let end = UnixTime(now().0 + 2 * 86_400);
    granted(&site, &Ask { secret: &phone, at: UnixTime(end.0 - 9), ..Ask::default() }, 1);
    denied(&site, &Ask { secret: &phone, at: end, ..Ask::default() }, Denial::Expired, 1);
}

#[test]
fn an_app_password_with_networks_is_good_from_nowhere_else() {
    let site = Site::with_alice();
    let office = site.limited_app_password("alice", "office", MAIL, "192.0.2.0/24,2001:db8::/32", None);
    for (remote, expected) in [
        ("192.0.2.9", None),
        ("2001:db8::9", None),
        ("::ffff:192.0.2.9", None),
        ("192.0.3.9", Some(Denial::OutsideNetworks)),
        ("host.example.org", Some(Denial::OutsideNetworks)),
        ("", Some(Denial::OutsideNetworks)),
    ] {
        let ask = Ask { secret: &office, remote, ..Ask::default() };
        match expected {
            None => drop(granted(&site, &ask, 1)),
            Some(why) => denied(&site, &ask, why, 1),
        }
    }
    let database = rusqlite::Connection::open(site.path("store/store.db")).unwrap();
    database.execute("UPDATE app_password SET networks = 'anywhere'", []).unwrap();
    assert!(try_decide(&site, &Ask { secret: &office, ..Ask::default() }).is_err(), "damaged is not any");
}

#[test]
fn an_app_password_asks_about_the_account_that_pam_keeps_and_an_error_is_no_permission() {
    let site = Site::new();
    site.pam_account("alice");
    site.write("etc/pam.d/primary", "");
    let phone = site.app_password("alice", "phone", MAIL);
    let secret = Secret::copy_of(phone.as_bytes());
    let (account, service, remote) = (&b"alice"[..], &b"imap"[..], Some(&b"192.0.2.1"[..]));
    let raw = RawAttempt { account, shown: Shown::Field(&secret), service, remote, door: Door::Try };
    let with = |account_state: &dyn Fn() -> Result<AccountState, PamUnusable>| {
        let account_state = |question: &PamQuestion<'_>, _| {
            assert_eq!(question.remote.map(|address| address.to_string()).as_deref(), Some("192.0.2.1"));
            account_state()
        };
        let system = System { account_state: &account_state, ..NOBODY };
        Verifier::new(&site.config, site.owner(), system, Spending::Real).verify(&raw, &now)
    };
    assert!(with(&|| Ok(AccountState::Active)).unwrap().is_grant());
    let disabled = with(&|| Ok(AccountState::Disabled)).unwrap().verdict;
    assert!(matches!(disabled, Verdict::Deny(Denial::AccountDisabled)), "{disabled:?}");
    assert!(matches!(with(&|| Err(PamUnusable::NoShadow(5))), Err(Unavailable::Pam(_))));
}

#[test]
fn an_unknown_account_costs_what_a_known_one_costs() {
    let site = Site::with_alice();
    denied(&site, &Ask { secret: "wrong horse", ..Ask::default() }, Denial::WrongPrimary, 1);
    denied(
        &site,
        &Ask { secret: "wrong horse", account: "nobody", ..Ask::default() },
        Denial::UnknownAccount,
        1,
    );
    denied(&site, &Ask { secret: "", ..Ask::default() }, Denial::EmptyPrimary, 0);
    denied(&site, &Ask { secret: "", account: "nobody", ..Ask::default() }, Denial::UnknownAccount, 0);
}

#[test]
fn a_slip_reads_no_store() {
    let site = Site::with_alice();
    fs::remove_file(site.path("store/store.db")).unwrap();
    denied(&site, &Ask { secret: "xfr2-3r1a-vzze-qksg-yjxw", ..Ask::default() }, Denial::Mistyped, 0);
    let unknown = Ask { secret: "xfr2-3r1a-vzze-qksg-yjxv", ..Ask::default() };
    assert!(try_decide(&site, &unknown).is_err(), "a well-formed one does");
}

#[test]
fn a_wrong_primary_spends_no_code() {
    let site = Site::with_alice();
    let code = code_at(now());
    denied(&site, &Ask { secret: &format!("wrong horse{code}"), ..Ask::default() }, Denial::WrongPrimary, 1);
    let right = format!("{PRIMARY}{code}");
    granted(&site, &Ask { secret: &right, ..Ask::default() }, 1);
    denied(&site, &Ask { secret: &right, ..Ask::default() }, Denial::CodeSpent, 1);
}

#[test]
fn a_disabled_account_spends_no_code() {
    use postern::domain::account::AccountState::{Active, Disabled};
    let site = Site::with_alice();
    let set = |state| {
        let vault = site.vault();
        postern::enrollment::Enrollment::new(&vault)
            .set_state(&site::name("alice"), state, site.made())
            .unwrap();
    };
    let field = format!("{PRIMARY}{}", code_at(now()));
    set(Disabled);
    denied(&site, &Ask { secret: &field, ..Ask::default() }, Denial::AccountDisabled, 1);
    set(Active);
    granted(&site, &Ask { secret: &field, ..Ask::default() }, 1);
}

#[test]
fn a_rehearsal_spends_nothing() {
    let site = Site::with_alice();
    let field = format!("{PRIMARY}{}", code_at(now()));
    for spending in [Spending::Rehearsal, Spending::Rehearsal, Spending::Real] {
        granted(&site, &Ask { secret: &field, spending, ..Ask::default() }, 1);
    }
    denied(
        &site,
        &Ask { secret: &field, spending: Spending::Rehearsal, ..Ask::default() },
        Denial::CodeSpent,
        1,
    );
}

#[test]
fn a_spent_step_takes_the_earlier_ones_with_it_whatever_the_clock_does() {
    let site = Site::with_alice();
    let base = now().0;
    let at = |seconds: i64| UnixTime(base.saturating_add_signed(seconds));
    let (earlier, current) =
        (format!("{PRIMARY}{}", code_at(at(-30))), format!("{PRIMARY}{}", code_at(at(0))));
    granted(&site, &Ask { secret: &current, at: at(0), ..Ask::default() }, 1);
    for later in [-60, -30, 0, 30] {
        for secret in [&earlier, &current] {
            let decision = decide(&site, &Ask { secret, at: at(later), ..Ask::default() });
            assert!(!decision.is_grant(), "{later}");
        }
    }
    // A code of the day before does not open a window of its own.
    let old = format!("{PRIMARY}{}", code_at(at(-86_400)));
    denied(&site, &Ask { secret: &old, at: at(0), ..Ask::default() }, Denial::WrongCode, 1);
}

#[test]
fn the_code_that_confirms_an_enrolment_is_spent() {
    let site = Site::new();
    site.account("alice", PRIMARY);
    // Looked at first: a step that begins meanwhile takes this one with it.
    let hour_ago = UnixTime(now().0 - 3600);
    site.totp("alice", "totp");
    let field = format!("{PRIMARY}{}", code_at(hour_ago));
    denied(&site, &Ask { secret: &field, at: hour_ago, ..Ask::default() }, Denial::CodeSpent, 1);
}

#[test]
fn an_account_without_a_second_factor_cannot_use_its_primary() {
    let site = Site::new();
    site.account("alice", PRIMARY);
    denied(&site, &Ask { secret: PRIMARY, ..Ask::default() }, Denial::NoSecondFactor, 1);
    denied(&site, &Ask { secret: &format!("{PRIMARY}123456"), ..Ask::default() }, Denial::NoSecondFactor, 1);
}

#[test]
fn one_accounts_code_does_not_serve_another() {
    let site = Site::with_alice();
    site.account("bob", "other horse");
    denied(
        &site,
        &Ask { account: "bob", secret: &format!("other horse{}", code_at(now())), ..Ask::default() },
        Denial::NoSecondFactor,
        1,
    );
}

/// `bob`, whose primary PAM checks, logs in with a code of this moment; `meanwhile` happens while PAM is asked.
fn while_pam_is_asked(site: &Site, meanwhile: impl Fn(&Cell<UnixTime>)) -> Decision {
    site.pam_account("bob");
    site.totp("bob", "totp");
    site.write("etc/pam.d/primary", "");
    let clock = Cell::new(now());
    let secret = Secret::copy_of(format!("{PRIMARY}{}", code_at(clock.get())).as_bytes());
    let (account, service) = (&b"bob"[..], &b"imap"[..]);
    let raw = RawAttempt { account, shown: Shown::Field(&secret), service, remote: None, door: Door::Try };
    let check_primary = |_: &PamQuestion<'_>, _: &Secret| {
        meanwhile(&clock);
        Ok(PrimaryMatch::Right)
    };
    let system = System { check_primary: &check_primary, ..NOBODY };
    Verifier::new(&site.config, site.owner(), system, Spending::Real).verify(&raw, &|| clock.get()).unwrap()
}

#[test]
fn a_code_is_looked_at_by_the_clock_of_the_moment_in_which_it_counts() {
    let decision = while_pam_is_asked(&Site::new(), |_| ());
    assert!(decision.is_grant());
    let decision = while_pam_is_asked(&Site::new(), |clock| clock.set(UnixTime(clock.get().0 + 90)));
    assert!(matches!(decision.verdict, Verdict::Deny(Denial::WrongCode)), "{decision:?}");
}

#[test]
fn an_account_that_is_closed_while_pam_is_asked_is_not_let_in() {
    let site = Site::new();
    let disabled = postern::domain::account::AccountState::Disabled;
    let decision = while_pam_is_asked(&site, |_| {
        postern::enrollment::Enrollment::new(&site.vault())
            .set_state(&site::name("bob"), disabled, site.made())
            .unwrap();
    });
    assert!(matches!(decision.verdict, Verdict::Deny(Denial::AccountChanged)), "{decision:?}");
}

#[test]
fn an_account_that_is_removed_while_pam_is_asked_is_not_let_in() {
    let site = Site::new();
    let decision = while_pam_is_asked(&site, |_| {
        postern::enrollment::Enrollment::new(&site.vault())
            .remove_account(&site::name("bob"), site.made())
            .unwrap();
    });
    assert!(!decision.is_grant(), "{decision:?}");
}

#[test]
fn without_a_code_too_the_account_is_looked_at_once_more() {
    use postern::domain::account::AccountState::Disabled;
    use postern::enrollment::Enrollment;
    let close = |site: &Site| {
        Enrollment::new(&site.vault()).set_state(&site::name("bob"), Disabled, site.made()).unwrap();
    };
    let remove = |site: &Site| {
        Enrollment::new(&site.vault()).remove_account(&site::name("bob"), site.made()).unwrap();
    };
    for meanwhile in [&close as &dyn Fn(&Site), &remove] {
        let mut site = Site::new();
        site.config.policy.services.default.primary_alone = true;
        site.pam_account("bob");
        site.write("etc/pam.d/primary", "");
        let secret = Secret::copy_of(PRIMARY.as_bytes());
        let (account, service) = (&b"bob"[..], &b"imap"[..]);
        let raw =
            RawAttempt { account, shown: Shown::Field(&secret), service, remote: None, door: Door::Try };
        let with = |meanwhile: &dyn Fn(&Site)| {
            let check_primary = |_: &PamQuestion<'_>, _: &Secret| {
                meanwhile(&site);
                Ok(PrimaryMatch::Right)
            };
            let system = System { check_primary: &check_primary, ..NOBODY };
            Verifier::new(&site.config, site.owner(), system, Spending::Real).verify(&raw, &now).unwrap()
        };
        assert!(with(&|_| ()).is_grant());
        let decision = with(meanwhile);
        assert!(matches!(decision.verdict, Verdict::Deny(Denial::AccountChanged)), "{decision:?}");
    }
}

#[test]
fn a_key_that_is_enrolled_anew_does_not_forget_what_it_spent() {
    use postern::domain::app_password::Label;
    let site = Site::with_alice();
    let (label, base) = (Label::parse("totp").unwrap(), now().0);
    let at = |seconds: u64| UnixTime(base + seconds);
    let field = format!("{PRIMARY}{}", code_at(at(0)));
    granted(&site, &Ask { secret: &field, at: at(0), ..Ask::default() }, 1);
    let vault = site.vault();
    let enrollment = postern::enrollment::Enrollment::new(&vault);
    enrollment.remove_totp(&site::name("alice"), &label, site.made()).unwrap();
    let enroll = |code_of: u64, now: u64| {
        let code = code_at(at(code_of));
        let code = postern::crypto::otp::Code::parse(code.as_bytes(), site::totp().digits).unwrap();
        let made = postern::store::Made { at: at(now), by: 0 };
        enrollment.confirm_totp(&site::name("alice"), &label, &site::totp(), code, made)
    };
    assert!(enroll(0, 0).is_err(), "the code that was spent");
    enroll(60, 60).unwrap();
    denied(&site, &Ask { secret: &field, at: at(0), ..Ask::default() }, Denial::CodeSpent, 1);
}

#[test]
fn a_step_is_claimed_by_the_write_and_by_nothing_before_it() {
    use postern::domain::service::Service;
    use postern::domain::totp::TimeStep;
    use postern::store::{Spent, Use};
    let site = Site::with_alice();
    let (one, other) = (site.vault(), site.vault());
    // Both have seen the step open.
    let account = one.store.account(&site::name("alice")).unwrap().unwrap();
    let key = one.store.totp_keys(account.id).unwrap().remove(0);
    let next = TimeStep(key.last_step.0 + 2);
    let imap = Service::parse(b"imap").unwrap();
    let by = Use {
        made: site.made(),
        service: &imap,
        from: None,
        source: Source::of(None),
        counted: postern::store::Counted::BehindPrimary,
    };
    assert_eq!(one.store.spend_step(&account, &key, next, &by).unwrap(), Spent::Now);
    assert_eq!(other.store.spend_step(&account, &key, next, &by).unwrap(), Spent::Before);
    assert_eq!(other.store.spend_step(&account, &key, TimeStep(next.0 - 1), &by).unwrap(), Spent::Before);
}

#[test]
fn a_tag_alone_opens_nothing() {
    let site = Site::with_alice();
    let phone = site.app_password("alice", "phone", MAIL);
    site.app_password("alice", "other", MAIL);
    let swap =
        "UPDATE app_password SET hash = (SELECT hash FROM app_password AS other WHERE label = 'other')";
    let database = rusqlite::Connection::open(site.path("store/store.db")).unwrap();
    database.execute(swap, []).unwrap();
    denied(&site, &Ask { secret: &phone, ..Ask::default() }, Denial::UnknownAppPassword, 1);
}

#[test]
fn another_key_is_unavailable_and_no_denial() {
    let site = Site::with_alice();
    let phone = site.app_password("alice", "phone", MAIL);
    fs::write(site.path("etc/key"), [7; 32]).unwrap();
    for secret in [phone.as_str(), PRIMARY] {
        let asked = try_decide(&site, &Ask { secret, ..Ask::default() });
        assert!(matches!(asked, Err(Unavailable::Store(postern::store::StoreError::OtherKey))), "{asked:?}");
    }
}

#[test]
fn one_damaged_key_closes_no_other() {
    let site = Site::with_alice();
    let database = rusqlite::Connection::open(site.path("store/store.db")).unwrap();
    let copy = "INSERT INTO totp_key (account_id, label, sealed, key_id, algorithm, digits, period, last_step,
                                      created_at, created_by)
                SELECT account_id, 'damaged', x'00', key_id, algorithm, digits, period, 0, 0, 0 FROM totp_key";
    database.execute(copy, []).unwrap();
    let wrong = format!("{PRIMARY}{}", code_at(UnixTime(now().0 - 86_400)));
    assert!(try_decide(&site, &Ask { secret: &wrong, ..Ask::default() }).is_err(), "it might be that key's");
    let right = format!("{PRIMARY}{}", code_at(now()));
    granted(&site, &Ask { secret: &right, ..Ask::default() }, 1);
}

#[test]
fn a_code_that_is_spent_for_one_key_is_spent_for_all() {
    use postern::crypto::otp::{Algorithm, Digits};
    use postern::domain::app_password::Label;
    use postern::domain::totp::{Period, TimeStep};
    let site = Site::with_alice();
    let vault = site.vault();
    let account = vault.store.account(&site::name("alice")).unwrap().unwrap().id;
    // The same secret a second time, as two enrolments at one moment could leave it.
    let label = Label::parse("again").unwrap();
    let (algorithm, digits, period) = (Algorithm::Sha1, Digits::SIX, Period::DEFAULT);
    let new = postern::store::NewTotpKey { label: &label, algorithm, digits, period, last_step: TimeStep(0) };
    let seal = |row| Ok(vault.seal_totp_key(account, row, &site::totp().key).unwrap());
    vault.store.add_totp_key(account, &new, site.made(), 3, seal).unwrap();
    let field = format!("{PRIMARY}{}", code_at(now()));
    granted(&site, &Ask { secret: &field, ..Ask::default() }, 1);
    denied(&site, &Ask { secret: &field, ..Ask::default() }, Denial::CodeSpent, 1);
}

#[test]
fn a_sealed_key_does_not_open_in_another_row() {
    let site = Site::with_alice();
    site.account("bob", "other horse");
    site.totp("bob", "totp");
    no_key_opens_in_the_place_of_the_other(&site);
    let site = Site::with_alice();
    site.totp_with(b"another key of alice", "alice", "second");
    no_key_opens_in_the_place_of_the_other(&site);
}

#[track_caller]
fn no_key_opens_in_the_place_of_the_other(site: &Site) {
    let swap =
        "UPDATE totp_key SET sealed = (SELECT sealed FROM totp_key AS other WHERE other.id <> totp_key.id)";
    let database = rusqlite::Connection::open(site.path("store/store.db")).unwrap();
    assert_eq!(database.execute(swap, []).unwrap(), 2);
    let field = format!("{PRIMARY}{}", code_at(now()));
    let asked = try_decide(site, &Ask { secret: &field, ..Ask::default() });
    assert!(matches!(asked, Err(Unavailable::Seal(_))), "{asked:?}");
}

#[test]
fn a_row_that_makes_no_sense_is_unavailable_and_never_a_grant() {
    let site = Site::with_alice();
    let phone = site.app_password("alice", "phone", MAIL);
    let database = rusqlite::Connection::open(site.path("store/store.db")).unwrap();
    for hash in [
        "*",
        "!!",
        "$argon2id$",
        "$1$abc$def",
        "$argon2id$v=19$m=4194304,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ] {
        database.execute("UPDATE app_password SET hash = ?1", [hash]).unwrap();
        assert!(try_decide(&site, &Ask { secret: &phone, ..Ask::default() }).is_err(), "{hash}");
        database.execute("UPDATE account SET primary_hash = ?1", [hash]).unwrap();
        assert!(try_decide(&site, &Ask { secret: PRIMARY, ..Ask::default() }).is_err(), "{hash}");
    }
    for sql in [
        "UPDATE app_password SET hash = ''",
        "UPDATE app_password SET hash = NULL",
        "UPDATE account SET primary_hash = NULL",
    ] {
        assert!(database.execute(sql, []).is_err(), "{sql}");
    }
}

#[test]
fn without_the_key_a_stolen_store_says_nothing() {
    let site = Site::with_alice();
    let phone = site.app_password("alice", "phone", MAIL);
    fs::write(site.path("etc/key"), [7; 32]).unwrap();
    // Though the thief makes the store believe that the other key is its own.
    let check = postern::crypto::keyring::MasterKey::new(&[7; 32]).check_value();
    let database = rusqlite::Connection::open(site.path("store/store.db")).unwrap();
    database.execute("UPDATE key_check SET value = ?1", [check]).unwrap();
    denied(&site, &Ask { secret: &phone, ..Ask::default() }, Denial::UnknownAppPassword, 0);
    denied(&site, &Ask { secret: PRIMARY, ..Ask::default() }, Denial::WrongPrimary, 1);
    let content = fs::read(site.path("store/store.db")).unwrap();
    let symbols = phone.replace('-', "");
    for secret in [symbols.as_bytes(), phone.as_bytes(), PRIMARY.as_bytes(), site::TOTP_KEY] {
        assert!(!content.windows(secret.len()).any(|window| window == secret));
    }
}

#[test]
fn the_last_use_is_written_at_most_once_a_minute() {
    let site = Site::with_alice();
    let phone = site.app_password("alice", "phone", MAIL);
    let last = || {
        let vault = site.vault();
        let account = vault.store.account(&site::name("alice")).unwrap().unwrap();
        vault
            .store
            .app_passwords(account.id)
            .unwrap()
            .remove(0)
            .last_use
            .map(|used| (used.at.0, used.service))
    };
    assert_eq!(last(), None);
    for (at, service, expected) in
        [(1000, "imap", (1000, "imap")), (1059, "smtp", (1000, "imap")), (1060, "smtp", (1060, "smtp"))]
    {
        granted(&site, &Ask { secret: &phone, service, at: UnixTime(at), ..Ask::default() }, 1);
        assert_eq!(last(), Some((expected.0, expected.1.to_owned())));
    }
    granted(
        &site,
        &Ask { secret: &phone, at: UnixTime(9000), spending: Spending::Rehearsal, ..Ask::default() },
        1,
    );
    assert_eq!(last().unwrap().0, 1060);
}

#[test]
fn an_app_password_passes_while_another_writer_holds_the_store() {
    let site = Site::with_alice();
    let phone = site.app_password("alice", "phone", MAIL);
    let other = rusqlite::Connection::open(site.path("store/store.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    granted(&site, &Ask { secret: &phone, ..Ask::default() }, 1);
}

#[test]
fn the_shape_decides_the_path() {
    let site = Site::with_alice();
    for (secret, path) in [
        ("xfr2-3r1a-vzze-qksg-yjxv", Path::AppPassword),
        ("XFR2 3R1A VZZE QKSG YJXW", Path::AppPassword),
        ("correct horse", Path::Primary),
        ("correct horse123456", Path::PrimaryWithCode),
        ("a\nb", Path::None),
    ] {
        assert_eq!(decide(&site, &Ask { secret, ..Ask::default() }).path, path, "{secret}");
    }
}
