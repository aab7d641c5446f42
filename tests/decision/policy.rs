//! What a site asks for.

use postern::domain::account::AccountName;
use postern::domain::network::Networks;
use postern::domain::policy::{Accepted, SecondFactor};
use postern::domain::service::Service;

use super::*;

const NOTHING: Accepted = Accepted { app_password: false, primary_with_code: false, primary_alone: false };

fn accept(site: &mut Site, service: &str, accepted: Accepted) {
    site.config.policy.services.named.insert(Service::parse(service.as_bytes()).unwrap(), accepted);
}

/// How a login ended whose primary password alone was enough.
#[track_caller]
fn alone(site: &Site, ask: &Ask<'_>) -> &'static str {
    let decision = decide(site, ask);
    assert!(decision.is_grant(), "{:?}: {:?}", ask.secret, decision.verdict);
    decision.waiver.unwrap().word()
}

fn coded() -> String {
    format!("{PRIMARY}{}", code_at(now()))
}

#[test]
fn a_service_takes_what_it_is_said_to_take() {
    let mut site = Site::with_alice();
    let phone = site.app_password("alice", "phone", "imap,pop3,sshd");
    accept(&mut site, "imap", Accepted { app_password: true, ..NOTHING });
    accept(&mut site, "sshd", Accepted { primary_with_code: true, ..NOTHING });
    accept(&mut site, "pop3", NOTHING);
    for (secret, service, why) in [
        (phone.as_str(), "sshd", Denial::NotAcceptedHere),
        (&phone, "pop3", Denial::NotAcceptedHere),
        (&coded(), "imap", Denial::NotAcceptedHere),
        (&coded(), "pop3", Denial::NotAcceptedHere),
        (PRIMARY, "sshd", Denial::SecondFactorMissing),
    ] {
        let decision = decide(&site, &Ask { secret, service, ..Ask::default() });
        assert!(matches!(decision.verdict, Verdict::Deny(found) if found == why), "{service}: {decision:?}");
    }
    granted(&site, &Ask { secret: &phone, ..Ask::default() }, 1);
    // Nothing was spent where it could not pass.
    granted(&site, &Ask { secret: &coded(), service: "sshd", ..Ask::default() }, 1);
}

#[test]
fn nobody_asks_a_directory_for_what_could_not_pass() {
    let mut site = Site::new();
    site.pam_account("bob");
    accept(&mut site, "imap", Accepted { app_password: true, ..NOTHING });
    // PAM panics when it is asked.
    denied(&site, &Ask { account: "bob", secret: "hunter2", ..Ask::default() }, Denial::NotAcceptedHere, 0);
}

#[test]
fn a_service_may_take_the_primary_alone_and_then_its_digits_are_its_own() {
    let mut site = Site::with_alice();
    site.account("bob", "number 123456");
    accept(&mut site, "webmail", Accepted { primary_alone: true, ..NOTHING });
    assert_eq!(alone(&site, &Ask { secret: PRIMARY, service: "webmail", ..Ask::default() }), "service");
    let bob = Ask { account: "bob", secret: "number 123456", service: "webmail", ..Ask::default() };
    assert_eq!(alone(&site, &bob), "service");
    denied(&site, &Ask { secret: "wrong", service: "webmail", ..Ask::default() }, Denial::WrongPrimary, 1);
    denied(&site, &Ask { secret: PRIMARY, ..Ask::default() }, Denial::SecondFactorMissing, 1);
}

#[test]
fn a_service_may_take_the_primary_with_or_without_a_code() {
    let mut site = Site::with_alice();
    accept(&mut site, "imap", Accepted { primary_alone: true, primary_with_code: true, app_password: true });
    assert_eq!(alone(&site, &Ask { secret: PRIMARY, ..Ask::default() }), "service");
    let secret = coded();
    assert_eq!(granted(&site, &Ask { secret: &secret, ..Ask::default() }, 1).as_deref(), Some("totp"));
    // A code that is shown must be right.
    denied(&site, &Ask { secret: &secret, ..Ask::default() }, Denial::CodeSpent, 1);
}

#[test]
fn a_trusted_network_waives_the_code_and_nothing_else() {
    let mut site = Site::with_alice();
    site.config.policy.primary_alone_from = Networks::parse("192.0.2.0/24").ok();
    let from = |secret, remote| Ask { secret, remote, ..Ask::default() };
    assert_eq!(alone(&site, &from(PRIMARY, "192.0.2.9")), "network");
    denied(&site, &from(PRIMARY, "198.51.100.9"), Denial::SecondFactorMissing, 1);
    denied(&site, &from(PRIMARY, ""), Denial::SecondFactorMissing, 1);
    denied(&site, &from("wrong", "192.0.2.9"), Denial::WrongPrimary, 1);
    accept(&mut site, "imap", Accepted { app_password: true, ..NOTHING });
    denied(&site, &from(PRIMARY, "192.0.2.9"), Denial::NotAcceptedHere, 0);
}

#[test]
fn in_a_roll_out_the_primary_is_enough_until_the_first_authenticator_and_never_again() {
    let mut site = Site::new();
    site.config.policy.second_factor = SecondFactor::WhenEnrolled;
    site.account("alice", "number 123456");
    let ask = Ask { secret: "number 123456", ..Ask::default() };
    assert_eq!(alone(&site, &ask), "not-enrolled");
    site.app_password("alice", "phone", MAIL);
    denied(&site, &ask, Denial::WrongPrimary, 1);
    site.revoke("alice", "phone");
    site.totp("alice", "totp");
    let label = Label::parse("totp").unwrap();
    let vault = site.vault();
    postern::enrollment::Enrollment::new(&vault)
        .remove_totp(&site::name("alice"), &label, site.made())
        .unwrap();
    // From elsewhere, since the secret was refused before.
    denied(&site, &Ask { remote: "192.0.2.1", ..ask }, Denial::WrongPrimary, 1);
}

#[test]
fn in_a_roll_out_pam_decides_about_accounts_that_the_store_does_not_know() {
    let mut site = Site::new();
    site.write("etc/pam.d/primary", "");
    let secret = Secret::copy_of(b"hunter2123456");
    let (account, service, door) = (&b"carol"[..], &b"imap"[..], Door::Try);
    let raw = RawAttempt { account, shown: Shown::Field(&secret), service, remote: None, door };
    let asked = Cell::new(0);
    let check_primary = |_: &PamQuestion<'_>, primary: &Secret| {
        asked.set(asked.get() + 1);
        assert_eq!(primary.expose(), b"hunter2123456");
        Ok(PrimaryMatch::Right)
    };
    let uid = Cell::new(Some(2000));
    let unix_uid = |_: &AccountName| Ok(uid.get());
    let system = System { check_primary: &check_primary, unix_uid: &unix_uid, ..NOBODY };
    let decide = |site: &Site| {
        Verifier::new(&site.config, site.owner(), system, Spending::Real).verify(&raw, &now).unwrap()
    };
    assert!(matches!(decide(&site).verdict, Verdict::Deny(Denial::UnknownAccount)));
    assert_eq!(asked.get(), 0);
    site.config.policy.second_factor = SecondFactor::WhenEnrolled;
    let decision = decide(&site);
    assert!(decision.is_grant(), "{decision:?}");
    assert_eq!((asked.get(), decision.waiver.map(|waiver| waiver.word())), (1, Some("not-enrolled")));
    // Not under a name that the system does not have, and not if the store knows who is behind it.
    uid.set(None);
    assert!(matches!(decide(&site).verdict, Verdict::Deny(Denial::UnknownAccount)));
    fs::remove_file(site.path("run/refusals")).unwrap();
    uid.set(Some(2000));
    let vault = site.vault();
    let enrollment = postern::enrollment::Enrollment::new(&vault);
    let known = postern::enrollment::NewPrimary::Pam(Some(2000));
    enrollment.add_account(&site::name("caroline"), &known, site.made()).unwrap();
    assert!(matches!(decide(&site).verdict, Verdict::Deny(Denial::UnknownAccount)));
    // Nor if it was ever removed.
    fs::remove_file(site.path("run/refusals")).unwrap();
    uid.set(Some(2001));
    assert!(decide(&site).is_grant());
    let known = postern::enrollment::NewPrimary::Pam(Some(2001));
    enrollment.add_account(&site::name("carol"), &known, site.made()).unwrap();
    enrollment.remove_account(&site::name("carol"), site.made()).unwrap();
    assert!(matches!(decide(&site).verdict, Verdict::Deny(Denial::UnknownAccount)));
}

#[test]
fn a_service_that_takes_no_primary_says_nothing_about_it_to_the_others() {
    let mut site = Site::with_alice();
    accept(&mut site, "imap", Accepted { app_password: true, ..NOTHING });
    let coded = coded();
    denied(&site, &Ask { secret: &coded, remote: "192.0.2.1", ..Ask::default() }, Denial::NotAcceptedHere, 0);
    granted(&site, &Ask { secret: &coded, service: "sshd", remote: "192.0.2.1", ..Ask::default() }, 1);
}

#[test]
fn in_a_roll_out_an_account_that_cannot_be_read_is_not_unknown() {
    let mut site = Site::with_alice();
    site.config.policy.second_factor = SecondFactor::WhenEnrolled;
    let database = rusqlite::Connection::open(site.path("store/store.db")).unwrap();
    database
        .execute_batch("PRAGMA ignore_check_constraints = ON; UPDATE account SET state = 'whatever'")
        .unwrap();
    // PAM, which decides about those that are unknown, panics when it is asked.
    let asked = try_decide(&site, &Ask { secret: PRIMARY, ..Ask::default() });
    assert!(matches!(asked, Err(Unavailable::Store(_))), "{asked:?}");
}

#[test]
fn a_name_that_the_system_has_given_to_somebody_else_keeps_nothing() {
    use postern::enrollment::{Enrollment, NewPrimary};
    let site = Site::new();
    site.write("etc/pam.d/primary", "");
    let vault = site.vault();
    Enrollment::new(&vault)
        .add_account(&site::name("bob"), &NewPrimary::Pam(Some(1001)), site.made())
        .unwrap();
    let phone = site.app_password("bob", "phone", MAIL);
    site.totp("bob", "totp");
    let uid = Cell::new(Some(1001));
    let ask = |secret: &str| {
        let secret = Secret::copy_of(secret.as_bytes());
        let (account, service, door) = (&b"bob"[..], &b"imap"[..], Door::Try);
        let raw = RawAttempt { account, shown: Shown::Field(&secret), service, remote: None, door };
        let system = System {
            check_primary: &|_, _| Ok(PrimaryMatch::Right),
            account_state: &|_, _| Ok(AccountState::Active),
            unix_uid: &|_| Ok(uid.get()),
            ..NOBODY
        };
        Verifier::new(&site.config, site.owner(), system, Spending::Rehearsal).verify(&raw, &now).unwrap()
    };
    assert!(ask(&phone).is_grant() && ask(&coded()).is_grant());
    uid.set(Some(1002));
    for secret in [&phone, &coded()] {
        assert!(matches!(ask(secret).verdict, Verdict::Deny(Denial::AccountReplaced)));
    }
    // A name that nobody has is the account phase's affair.
    uid.set(None);
    assert!(ask(&phone).is_grant());
}
