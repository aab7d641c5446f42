//! Local users and their own accounts: whoever runs the test is the user, and owns the site.

use std::path::Path;
use std::time::Duration;
use std::{fs, thread};

use postern::backend::{SelfService, Trusted};
use postern::crypto::otp::{Code, Digits};
use postern::crypto::secret::Secret;
use postern::domain::app_password::Label;
use postern::domain::network::Networks;
use postern::domain::self_service::Refusal;
use postern::domain::service::{Scope, Service};
use postern::domain::throttle::Source;
use postern::domain::time::UnixTime;
use postern::domain::totp::Totp;
use postern::enrollment::{Confirmed, Enrollment, EnrollmentError, Own, Wanted};
use postern::ffi::system;
use postern::store::{Counted, Made, Reserved, StoreError, TotpKeys, Use};
use postern::wire::manage::{Answer, Credentials, NewKey, OwnAccount, Request, Terms, encode_request};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, connect, recv, send,
    socket_with,
};

use super::running::{Running, service};
use super::site::{PRIMARY, Site, TOTP_KEY, code_at, name, now, totp};

const SUCCESS: i32 = 0;
const MAIL: &str = "imap,pop3,smtp,sieve";

/// A site whose owner has an account that PAM keeps, and a daemon that listens to users.
struct House {
    site: Site,
    user: String,
    _running: Running,
}

impl House {
    fn new() -> Self {
        Self::configured("")
    }

    fn configured(lines: &str) -> Self {
        let site = Site::configured(lines);
        let user = site.own_account(Some(site.owner().0));
        Self::around(site, user)
    }

    /// Enrolled already, with the key of the vectors.
    fn enrolled() -> Self {
        let house = Self::new();
        house.site.totp(&house.user, "totp");
        house
    }

    fn around(site: Site, user: String) -> Self {
        pam(&site);
        let socket = site.path("run/manage");
        let running = Running::with(&site, &format!("manage = [{socket:?}]"));
        // It is the last that is made.
        let listens = (0..500).any(|_| {
            is_answered(&socket) || {
                thread::sleep(Duration::from_millis(10));
                false
            }
        });
        assert!(listens, "posternd does not listen to users");
        Self { site, user, _running: running }
    }

    fn ask(&self, request: &Request) -> Answer {
        let trusted = Trusted { daemon: || Some(system::effective_uid()) };
        SelfService { socket: &self.site.path("run/manage"), trusted }.ask(request).unwrap()
    }

    #[track_caller]
    fn refuses(&self, request: &Request, expected: &Refusal) {
        let answer = self.ask(request);
        assert!(matches!(&answer, Answer::Refused(why) if why == expected), "{answer:?} for {expected:?}");
    }

    fn add(&self, label: &str, primary: &str, code: &str) -> Answer {
        self.ask(&add(label, primary, code))
    }

    #[track_caller]
    fn account(&self) -> OwnAccount {
        let Answer::Account(account) = self.ask(&Request::ShowAccount) else { panic!("an account") };
        account
    }

    fn begin(&self) -> Totp {
        let Answer::Key(key) = self.ask(&Request::BeginTotp { primary: secret(PRIMARY) }) else {
            panic!("a key")
        };
        Totp::with_key(key)
    }

    /// Wrong codes of a while ago.
    fn counted_before(&self, count: u32) {
        let vault = self.site.vault();
        let account = vault.store.account(&name(&self.user)).unwrap().unwrap();
        let made = Made { at: now(), by: system::effective_uid() };
        let (service, source, counted) =
            (Service::parse(b"manage").unwrap(), Source::ONESELF, Counted::BehindPrimary);
        let by = Use { made, service: &service, from: None, source, counted };
        for _ in 0..count {
            let reserved = vault.store.reserve_code_failure(account.id, 100, &by).unwrap();
            assert_eq!(reserved, Reserved::Now);
        }
    }

    /// How many rows of the log tell of this event, all of them by the user.
    fn changes(&self, event: &str) -> usize {
        let rows = self.site.vault().store.audit_rows_above(0, 1000).unwrap();
        let told: Vec<_> = rows.iter().filter(|row| row.event == event).collect();
        assert!(told.iter().all(|row| row.by == i64::from(system::effective_uid())));
        told.len()
    }
}

/// A module that checks a password without root, and leaves a mark when it was asked.
fn pam(site: &Site) {
    let check = format!("read -r given\ntouch \"$0.asked\"\n[ \"$given\" = '{PRIMARY}' ]");
    site.script("check", &check);
    site.write(
        "etc/pam.d/primary",
        &format!(
            "auth [success=1 default=ignore] pam_exec.so quiet expose_authtok {}\n\
             auth requisite pam_deny.so\nauth required pam_permit.so\naccount required pam_permit.so\n",
            site.path("check").display()
        ),
    );
}

fn secret(text: &str) -> Secret {
    Secret::copy_of(text.as_bytes())
}

fn label(text: &str) -> Label {
    Label::parse(text).unwrap()
}

fn terms(label: &str) -> Terms {
    let (scope, networks) = (Scope::mail(), Networks::default());
    Terms { label: self::label(label), scope, networks, expires_at: None }
}

fn shown(primary: &str, code: &str) -> Credentials {
    Credentials { primary: secret(primary), code: secret(code) }
}

fn add(label: &str, primary: &str, code: &str) -> Request {
    Request::AddAppPassword { shown: shown(primary, code), terms: terms(label) }
}

fn renew(primary: &str, code: &str) -> Request {
    Request::RenewRecoveryCodes { shown: shown(primary, code) }
}

fn new_key(totp: &Totp, code: &str, label: &str) -> NewKey {
    let key = Secret::copy_of(totp.key.expose());
    NewKey { key, code: secret(code), label: self::label(label) }
}

fn finish(totp: &Totp, code: &str) -> Request {
    Request::FinishTotp { primary: secret(PRIMARY), new: new_key(totp, code, "totp"), terms: terms("phone") }
}

/// A code that is good now and was not used to enroll.
fn fresh() -> String {
    code_at(now())
}

/// The next one.
fn fresher() -> String {
    code_at(UnixTime(now().0 + 30))
}

fn code_of(totp: &Totp) -> String {
    super::site::code_of(totp, now())
}

#[test]
fn a_first_enrolment_hands_out_everything_at_once() {
    let house = House::new();
    assert_eq!(house.account().enrolled_at, None);
    let totp = house.begin();
    assert_eq!(house.account().enrolled_at, None, "the key is stored nowhere");
    let Answer::Enrolled { codes, password, .. } = house.ask(&finish(&totp, &code_of(&totp))) else {
        panic!("it enrolls");
    };
    assert_eq!(codes.len(), 10);
    let account = house.account();
    assert_eq!((account.name.as_str(), account.keys.len(), account.codes_left), (&*house.user, 1, 10));
    assert!(account.enrolled_at.is_some());
    service(&house.site, "postern-imap");
    let password = std::str::from_utf8(password.expose()).unwrap();
    assert_eq!(house.site.login("postern-imap", &house.user, password), SUCCESS);
    for event in ["totp.enroll", "recovery.new", "app.add"] {
        assert_eq!(house.changes(event), 1, "{event}");
    }
    // The code that confirmed is spent, and a recovery code is a second factor.
    let code = code_of(&totp);
    assert!(matches!(house.add("tablet", PRIMARY, &code), Answer::Refused(Refusal::Denied)));
    let recovery = std::str::from_utf8(codes[0].expose()).unwrap();
    assert!(matches!(house.add("tablet", PRIMARY, recovery), Answer::AppPassword { .. }));
    assert!(matches!(house.add("laptop", PRIMARY, recovery), Answer::Refused(Refusal::Denied)));
}

#[test]
fn a_first_enrolment_takes_the_primary_password_and_a_code_of_the_key() {
    let house = House::new();
    house.refuses(&Request::BeginTotp { primary: secret("wrong") }, &Refusal::Denied);
    house.refuses(&Request::BeginTotp { primary: secret("") }, &Refusal::Denied);
    let totp = house.begin();
    let stale = super::site::code_of(&totp, UnixTime(now().0 - 3600));
    for code in [stale.as_str(), "", "12345", "r7qm-2x9d-r4fw-8hzn"] {
        house.refuses(&finish(&totp, code), &Refusal::WrongCode);
    }
    let (new, terms) = (new_key(&totp, &code_of(&totp), "totp"), terms("phone"));
    house.refuses(&Request::FinishTotp { primary: secret("wrong"), new, terms }, &Refusal::Denied);
    house.refuses(&add("phone", PRIMARY, "123456"), &Refusal::NotEnrolled);
    house.refuses(&renew(PRIMARY, "123456"), &Refusal::NotEnrolled);
    assert_eq!(house.account().enrolled_at, None);
}

#[test]
fn once_anything_was_bound_a_password_alone_enrolls_nothing() {
    let begin = || Request::BeginTotp { primary: secret(PRIMARY) };
    let house = House::enrolled();
    let totp = Totp::generate().unwrap();
    house.refuses(&begin(), &Refusal::EnrolledBefore);
    house.refuses(&finish(&totp, &code_of(&totp)), &Refusal::EnrolledBefore);
    // Root has taken the key away.
    let vault = house.site.vault();
    let enrollment = Enrollment::new(&vault);
    enrollment.remove_totp(&name(&house.user), &label("totp"), house.site.made()).unwrap();
    house.refuses(&begin(), &Refusal::NothingToProveWith);
    house.refuses(&finish(&totp, &code_of(&totp)), &Refusal::NothingToProveWith);
    house.refuses(&add("phone", PRIMARY, &fresh()), &Refusal::NothingToProveWith);
    // An app password that root has made binds as well.
    let house = House::new();
    house.site.app_password(&house.user, "phone", MAIL);
    house.refuses(&begin(), &Refusal::NothingToProveWith);
    house.refuses(&finish(&totp, &code_of(&totp)), &Refusal::NothingToProveWith);
    assert_eq!(house.account().keys.len(), 0);
}

#[test]
fn an_app_password_takes_a_password_and_a_code_that_is_spent() {
    let house = House::enrolled();
    let code = fresh();
    for (primary, code) in
        [("wrong", code.as_str()), (PRIMARY, ""), (PRIMARY, " "), ("", &code), (PRIMARY, "000")]
    {
        house.refuses(&add("phone", primary, code), &Refusal::Denied);
    }
    assert_eq!(house.changes("app.add"), 0);
    let Answer::AppPassword { password, expires_at: None } = house.add("phone", PRIMARY, &code) else {
        panic!("it is made");
    };
    house.refuses(&add("tablet", PRIMARY, &code), &Refusal::Denied);
    service(&house.site, "postern-imap");
    let password = std::str::from_utf8(password.expose()).unwrap();
    assert_eq!(house.site.login("postern-imap", &house.user, password), SUCCESS);
    assert_eq!(house.changes("app.add"), 1);
}

#[test]
fn a_waiver_by_policy_is_no_second_factor() {
    for lines in [
        "second_factor = \"when-enrolled\"\n",
        "[services]\nmanage = [\"primary\"]\n",
        "[services]\ndefault = [\"primary\"]\n",
    ] {
        let house = House::configured(lines);
        house.site.totp(&house.user, "totp");
        for code in ["", " ", "000000"] {
            house.refuses(&add("phone", PRIMARY, code), &Refusal::Denied);
        }
        house.refuses(&Request::BeginTotp { primary: secret(PRIMARY) }, &Refusal::EnrolledBefore);
        assert!(matches!(house.add("phone", PRIMARY, &fresh()), Answer::AppPassword { .. }), "{lines}");
    }
    // A waiver does not stand in the way of a first enrolment either.
    let house = House::configured("second_factor = \"when-enrolled\"\n");
    let totp = house.begin();
    assert!(matches!(house.ask(&finish(&totp, &code_of(&totp))), Answer::Enrolled { .. }));
}

#[test]
fn an_app_password_is_never_proof_and_counts_for_nothing() {
    let house = House::enrolled();
    let phone = house.site.app_password(&house.user, "phone", "manage");
    let slip = format!("{}{}", &phone[..23], if phone.ends_with('7') { '3' } else { '7' });
    for _ in 0..2 {
        for one in [phone.as_str(), &slip, &phone.to_uppercase()] {
            house.refuses(&add("tablet", one, &fresh()), &Refusal::AppPasswordIsNoProof);
            house.refuses(&add("tablet", PRIMARY, one), &Refusal::AppPasswordIsNoProof);
            house.refuses(&Request::BeginTotp { primary: secret(one) }, &Refusal::AppPasswordIsNoProof);
            house.refuses(&renew(one, &fresh()), &Refusal::AppPasswordIsNoProof);
        }
    }
    assert!(!house.site.path("check.asked").exists(), "PAM was not asked");
    assert!(!house.site.path("run/refusals").exists(), "nothing is remembered of it");
    assert!(matches!(house.add("tablet", PRIMARY, &fresh()), Answer::AppPassword { .. }));
}

#[test]
fn whoever_guesses_the_primary_is_throttled() {
    // The first wait is a second; a machine that is busy for as long lets it pass.
    assert!((0..3).any(|_| is_the_right_one_throttled_after_guesses()));
}

fn is_the_right_one_throttled_after_guesses() -> bool {
    let house = House::enrolled();
    // One of them waits longer the more there are.
    let is_throttled = |number: &u32| {
        let answer = house.add("phone", &format!("guess {number}"), &fresh());
        assert!(matches!(answer, Answer::Refused(Refusal::Denied | Refusal::Throttled)), "{answer:?}");
        matches!(answer, Answer::Refused(Refusal::Throttled))
    };
    let throttled_at = (0..20).find(is_throttled).unwrap();
    assert!((6..12).contains(&throttled_at), "{throttled_at}");
    let right = house.add("phone", PRIMARY, &fresh());
    assert!(matches!(house.ask(&Request::ShowAccount), Answer::Account(_)));
    matches!(right, Answer::Refused(Refusal::Throttled))
}

#[test]
fn whoever_is_refused_too_often_waits_and_leaves_no_more_lines() {
    let house = House::enrolled();
    let app_password = format!("x{}", "0".repeat(19));
    for _ in 0..30 {
        house.refuses(&add("phone", &app_password, "1"), &Refusal::AppPasswordIsNoProof);
    }
    for _ in 0..10 {
        house.refuses(&add("phone", &app_password, "1"), &Refusal::Throttled);
    }
    house.refuses(&Request::ShowAccount, &Refusal::Throttled);
}

#[test]
fn a_hundred_wrong_codes_close_the_way_of_codes() {
    let house = House::enrolled();
    let recovery = house.site.recovery_codes(&house.user);
    // Nobody is let try a hundred in a minute.
    house.counted_before(90);
    // Each wrong code counts once, and the memory of refusals holds back repetitions.
    for number in 0..10 {
        let wrong = format!("{:06}", 999_000 + number);
        house.refuses(&add("phone", PRIMARY, &wrong), &Refusal::Denied);
    }
    house.refuses(&add("phone", PRIMARY, &fresh()), &Refusal::Denied);
    let vault = house.site.vault();
    let account = vault.store.account(&name(&house.user)).unwrap().unwrap();
    let counted = vault.store.code_failures(account.id).unwrap();
    let at_home: Vec<_> = counted.iter().map(|from| (from.source.as_str(), from.count)).collect();
    assert_eq!(at_home, [("local", 100)], "hosts that name no address have no part in it");
    assert!(matches!(house.add("phone", PRIMARY, &recovery[0]), Answer::AppPassword { .. }));
}

#[test]
fn an_account_of_somebody_else_is_not_one_s_own() {
    let site = Site::new();
    let user = postern::ffi::users::name_of(site.owner().0).unwrap().unwrap();
    let house = House::around(site, user.clone());
    house.refuses(&Request::ShowAccount, &Refusal::NoAccount(user.clone()));
    // Postern keeps the primary: the name may be the same by accident.
    house.site.account(&user, PRIMARY);
    for request in [
        Request::ShowAccount,
        Request::ListAppPasswords { after: 0 },
        Request::RevokeAppPassword { label: label("phone") },
        add("phone", PRIMARY, &fresh()),
        Request::BeginTotp { primary: secret(PRIMARY) },
    ] {
        house.refuses(&request, &Refusal::NotOwn(user.clone()));
    }
    // The name was somebody else's when the account was added.
    let site = Site::new();
    let user = site.own_account(Some(site.owner().0 + 1));
    let house = House::around(site, user.clone());
    house.refuses(&Request::ShowAccount, &Refusal::NotOwn(user.clone()));
    // A configuration completes the name to one that the system does not know.
    let site = Site::configured("[accounts]\nadd_domain = \"example.org\"\n");
    let full = format!("{user}@example.org");
    site.pam_account(&full);
    let house = House::around(site, user);
    house.refuses(&Request::ShowAccount, &Refusal::NotOwn(full));
}

#[test]
fn an_account_whose_uid_nobody_wrote_down_is_found_by_its_name() {
    let site = Site::new();
    let user = site.own_account(None);
    let house = House::around(site, user.clone());
    assert_eq!(house.account().name, user);
}

#[test]
fn what_is_made_worthless_takes_no_proof() {
    let house = House::enrolled();
    let phone = house.site.app_password(&house.user, "phone", MAIL);
    service(&house.site, "postern-imap");
    assert_eq!(house.site.login("postern-imap", &house.user, &phone), SUCCESS);
    let revoke = || Request::RevokeAppPassword { label: label("phone") };
    let Answer::Revoked(revoked) = house.ask(&revoke()) else { panic!("it is revoked") };
    assert!(revoked.revocation.is_some() && revoked.lives_on.is_none());
    assert_ne!(house.site.login("postern-imap", &house.user, &phone), SUCCESS);
    house.refuses(&revoke(), &Refusal::NoAppPassword);
    assert_eq!(house.changes("app.revoke"), 1);
    assert!(!house.site.path("check.asked").exists());
}

#[test]
fn who_revokes_a_successor_learns_what_lives_on() {
    let house = House::enrolled();
    house.site.app_password(&house.user, "phone", MAIL);
    house.site.rotate(&house.user, "phone");
    let Answer::Revoked(revoked) = house.ask(&Request::RevokeAppPassword { label: label("phone") }) else {
        panic!("it is revoked");
    };
    assert_eq!(revoked.lives_on.as_deref(), Some("phone (old)"));
}

#[test]
fn a_long_list_comes_in_pages_that_hold_each_once() {
    let house = House::enrolled();
    let labels: Vec<String> =
        (0..120).map(|number| format!("{number:0>3} {}", "\u{1f511}".repeat(60))).collect();
    for label in &labels {
        house.site.app_password(&house.user, label, MAIL);
    }
    house.site.revoke(&house.user, &labels[7]);
    let (mut found, mut after, mut pages) = (Vec::new(), 0, 0);
    loop {
        let Answer::AppPasswords(page) = house.ask(&Request::ListAppPasswords { after }) else {
            panic!("a page");
        };
        pages += 1;
        after = page.rows.last().unwrap().id;
        found.extend(page.rows);
        if page.is_last {
            break;
        }
    }
    assert!(pages > 3, "{pages}");
    let labelled: Vec<&str> = found.iter().map(|row| row.label.as_str()).collect();
    assert_eq!(labelled, labels);
    let revoked: Vec<&str> =
        found.iter().filter(|row| row.revoked_at.is_some()).map(|row| row.label.as_str()).collect();
    assert_eq!(revoked, [labels[7].as_str()]);
    let Answer::AppPasswords(page) = house.ask(&Request::ListAppPasswords { after: u64::MAX }) else {
        panic!("a page");
    };
    assert!(page.rows.is_empty() && page.is_last);
}

#[test]
fn what_cannot_be_made_spends_no_code() {
    let house = House::configured("longest_lifetime_days = 10\n");
    house.site.totp(&house.user, "totp");
    house.site.app_password(&house.user, "phone", MAIL);
    let code = fresh();
    house.refuses(&add("phone", PRIMARY, &code), &Refusal::LabelTaken);
    let late = Terms { expires_at: Some(UnixTime(now().0 + 86_400 * 20)), ..terms("tablet") };
    let request = Request::AddAppPassword { shown: shown(PRIMARY, &code), terms: late };
    house.refuses(&request, &Refusal::LivesTooLong(10));
    let other = Totp::generate().unwrap();
    let key = |totp: &Totp, code: &str, label: &str| Request::AddTotp {
        shown: shown(PRIMARY, &fresh()),
        new: new_key(totp, code, label),
    };
    house.refuses(&key(&other, "000", "second"), &Refusal::WrongCode);
    house.refuses(&key(&other, &code_of(&other), "totp"), &Refusal::LabelTaken);
    house.refuses(&key(&totp(), &code, "second"), &Refusal::KeyTaken("totp".to_owned()));
    assert!(!house.site.path("check.asked").exists());
    let Answer::AppPassword { expires_at: Some(end), .. } = house.add("tablet", PRIMARY, &code) else {
        panic!("the code is good still, and the policy ends what it is for");
    };
    assert!(end.0 <= now().0 + 86_400 * 10);
}

#[test]
fn an_account_that_has_as_many_as_it_may_gets_no_more() {
    let site = Site::configured("");
    let text = fs::read_to_string(site.path("etc/postern.toml")).unwrap();
    site.write("etc/postern.toml", &text.replace("max_app_passwords = 1000", "max_app_passwords = 2"));
    let user = site.own_account(None);
    let house = House::around(site, user);
    house.site.totp(&house.user, "totp");
    house.site.app_password(&house.user, "phone", MAIL);
    let code = fresh();
    assert!(matches!(house.add("tablet", PRIMARY, &code), Answer::AppPassword { .. }));
    house.refuses(&add("laptop", PRIMARY, &fresher()), &Refusal::TooManyAppPasswords(2));
}

#[test]
fn another_authenticator_app_takes_a_code_of_the_first() {
    let house = House::enrolled();
    let second = Totp::generate().unwrap();
    let request = |code: &str| Request::AddTotp {
        shown: shown(PRIMARY, code),
        new: new_key(&second, &code_of(&second), "second"),
    };
    house.refuses(&request(""), &Refusal::Denied);
    house.refuses(&request(&code_of(&second)), &Refusal::Denied);
    assert!(matches!(house.ask(&request(&fresh())), Answer::TotpAdded));
    assert_eq!(house.account().keys, ["totp", "second"]);
    assert_eq!(house.changes("totp.enroll"), 2, "the first was the site's own");
}

#[test]
fn new_recovery_codes_take_a_code_and_replace_the_old_ones() {
    let house = House::enrolled();
    let old = house.site.recovery_codes(&house.user);
    house.refuses(&renew(PRIMARY, ""), &Refusal::Denied);
    let Answer::RecoveryCodes(codes) = house.ask(&renew(PRIMARY, &fresh())) else { panic!("ten codes") };
    assert_eq!((codes.len(), house.account().codes_left), (10, 10));
    house.refuses(&add("phone", PRIMARY, &old[0]), &Refusal::Denied);
    let code = std::str::from_utf8(codes[9].expose()).unwrap();
    assert!(matches!(house.add("phone", PRIMARY, code), Answer::AppPassword { .. }));
    assert_eq!(house.account().codes_left, 9);
}

#[test]
fn a_service_that_is_closed_takes_no_proof() {
    let house = House::configured("[services]\nmanage = [\"app-password\"]\n");
    house.refuses(&Request::BeginTotp { primary: secret(PRIMARY) }, &Refusal::Closed);
    house.site.totp(&house.user, "totp");
    house.refuses(&add("phone", PRIMARY, &fresh()), &Refusal::Closed);
    assert!(matches!(house.ask(&Request::ListAppPasswords { after: 0 }), Answer::AppPasswords(_)));
}

#[test]
fn a_closed_account_proves_nothing() {
    let house = House::enrolled();
    let vault = house.site.vault();
    let state = postern::domain::account::AccountState::Disabled;
    Enrollment::new(&vault).set_state(&name(&house.user), state, house.site.made()).unwrap();
    house.refuses(&add("phone", PRIMARY, &fresh()), &Refusal::Denied);
}

#[test]
fn what_was_proven_for_an_account_as_it_was_is_not_written_to_another() {
    let site = Site::new();
    let user = site.own_account(None);
    let (vault, limits) = (site.vault(), site.config.policy.app_passwords);
    let enrollment = Enrollment::new(&vault);
    let subject = name(&user);
    let before = enrollment.account(&subject).unwrap();
    let own = Own { name: &subject, account: &before };
    let (phone, scope, networks, made) = (label("phone"), Scope::mail(), Networks::default(), site.made());
    let wanted = Wanted { label: &phone, scope: &scope, networks: &networks, expires_at: None };
    let (label, totp, text) = (label("totp"), totp(), fresh());
    let code = Code::parse(text.as_bytes(), Digits::SIX).unwrap();
    let key = Confirmed { label: &label, totp: &totp, code };
    let changed = |done: Result<(), EnrollmentError>| {
        assert!(matches!(done, Err(EnrollmentError::Store(StoreError::Changed))), "{done:?}");
    };
    // Two at once: the second one finds the account enrolled.
    enrollment.enroll_oneself(own, &key, &wanted, &limits, made).unwrap();
    changed(enrollment.enroll_oneself(own, &key, &wanted, &limits, made).map(drop));
    assert_eq!(vault.store.totp_keys(before.id).unwrap().len(), 1);
    // Root has done what a compromised account needs, in the moment between the proof and the write.
    enrollment.close_compromised(&subject, TotpKeys::Remove, made).unwrap();
    let tablet = self::label("tablet");
    let wanted = Wanted { label: &tablet, ..wanted };
    changed(enrollment.add_own_app_password(own, &wanted, &limits, made).map(drop));
    changed(enrollment.renew_own_recovery_codes(own, made).map(drop));
    let other = Totp::generate().unwrap();
    let code = Code::parse(code_of(&other).as_bytes(), Digits::SIX).unwrap();
    changed(enrollment.add_own_totp(own, &Confirmed { label: &label, totp: &other, code }, made));
}

#[test]
fn one_user_has_one_request_at_a_time() {
    let house = House::enrolled();
    house.site.script("check", "read -r given\ntouch \"$0.asked\"\nsleep 2");
    thread::scope(|scope| {
        let slow = scope.spawn(|| house.add("phone", PRIMARY, &fresh()));
        while !house.site.path("check.asked").exists() {
            thread::sleep(Duration::from_millis(10));
        }
        house.refuses(&Request::ShowAccount, &Refusal::Throttled);
        assert!(matches!(slow.join().unwrap(), Answer::AppPassword { .. }));
    });
    assert!(matches!(house.ask(&Request::ShowAccount), Answer::Account(_)));
}

#[test]
fn what_hangs_is_unavailable_and_others_log_in_meanwhile() {
    let house = House::enrolled();
    let phone = house.site.app_password(&house.user, "phone", MAIL);
    house.site.script("check", "read -r given\nsleep 20");
    service(&house.site, "postern-imap");
    thread::scope(|scope| {
        let hanging = scope.spawn(|| house.add("tablet", PRIMARY, &fresh()));
        thread::sleep(Duration::from_millis(200));
        assert_eq!(house.site.login("postern-imap", &house.user, &phone), SUCCESS);
        assert!(matches!(hanging.join().unwrap(), Answer::Refused(Refusal::Unavailable)));
    });
}

#[test]
fn a_broken_store_is_unavailable() {
    let house = House::enrolled();
    fs::rename(house.site.path("store/store.db"), house.site.path("store/away")).unwrap();
    for request in [Request::ShowAccount, add("phone", PRIMARY, &fresh())] {
        house.refuses(&request, &Refusal::Unavailable);
    }
}

/// What comes back for a packet; nothing where the connection ends.
fn say(socket: &Path, packet: &[u8]) -> Vec<u8> {
    let connection = connection(socket);
    send(&connection, packet, SendFlags::NOSIGNAL).unwrap();
    let mut answer = vec![0; 64];
    match recv(&connection, answer.as_mut_slice(), RecvFlags::empty()) {
        Ok((_, length)) => answer.truncate(length),
        Err(_) => answer.clear(),
    }
    answer
}

fn is_answered(path: &Path) -> bool {
    let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
    connect(&socket, &SocketAddrUnix::new(path).unwrap()).is_ok()
}

fn connection(path: &Path) -> std::os::fd::OwnedFd {
    let socket = socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
    connect(&socket, &SocketAddrUnix::new(path).unwrap()).unwrap();
    socket
}

#[test]
fn garbage_gets_no_answer_and_hurts_nobody() {
    let house = House::enrolled();
    let socket = house.site.path("run/manage");
    let good = encode_request(&Request::ListAppPasswords { after: 0 }).unwrap();
    let mut packets = vec![
        b"x".to_vec(),
        // What posternd writes to its workers: a uid of the client's choice.
        [b"\x01m\0\0\0\0".as_slice(), &good].concat(),
        b"\x01vp\0\x05alice\0\x04imap\0\0\0f\0\x01x\0\0".to_vec(),
        b"\x01s\0".to_vec(),
        b"\x02s".to_vec(),
        vec![0; 4096],
        vec![0xff; 4096],
        vec![b'a'; 8000],
        [good.as_slice(), &[0; 4000]].concat(),
    ];
    packets.extend((0..good.len()).map(|end| good[..end].to_vec()).filter(|cut| !cut.is_empty()));
    for place in 0..good.len() {
        let mut changed = good.to_vec();
        changed[place] ^= 0xff;
        // A list may begin anywhere.
        if place < 2 {
            packets.push(changed);
        }
    }
    for packet in &packets {
        assert_eq!(say(&socket, packet), b"", "{packet:?}");
    }
    assert_eq!(house.account().keys, ["totp"]);
    // A frame of this socket is none on the other.
    assert_eq!(say(&house.site.path("run/verify"), &encode_request(&Request::ShowAccount).unwrap()), b"");
}

#[test]
fn many_idle_connections_of_one_user_keep_nobody_out() {
    let house = House::enrolled();
    let socket = house.site.path("run/manage");
    let idle: Vec<_> = (0..300).map(|_| connection(&socket)).collect();
    assert_eq!(house.account().keys, ["totp"]);
    drop(idle);
}

#[test]
fn who_goes_away_in_the_middle_leaves_a_whole_store() {
    let house = House::enrolled();
    let socket = house.site.path("run/manage");
    let request = encode_request(&add("phone", PRIMARY, &fresh())).unwrap();
    for _ in 0..20 {
        let connection = connection(&socket);
        send(&connection, &request, SendFlags::NOSIGNAL).unwrap();
    }
    thread::sleep(Duration::from_millis(700));
    let account = house.account();
    assert_eq!(account.keys, ["totp"]);
    // The one whose turn it was is whole; the label tells its owner that it is there.
    assert!(house.changes("app.add") <= 1);
    assert_eq!(TOTP_KEY.len(), 20);
}
