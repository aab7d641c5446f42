//! Recovery codes.

use postern::domain::service::Service;
use postern::store::{Spent, Use};

use super::*;

fn with(code: &str) -> String {
    format!("{PRIMARY} {code}")
}

#[test]
fn a_recovery_code_stands_in_for_the_code_once() {
    let site = Site::with_alice();
    let codes = site.recovery_codes("alice");
    assert_eq!(codes.len(), 10);
    let decision = decide(&site, &Ask { secret: &with(&codes[3]), ..Ask::default() });
    assert!(decision.is_grant(), "{decision:?}");
    assert_eq!(decision.path, Path::PrimaryWithRecovery);
    denied(&site, &Ask { secret: &with(&codes[3]), ..Ask::default() }, Denial::CodeSpent, 2);
    let spelled = format!("{PRIMARY}{}", codes[4].to_uppercase().replace('-', ""));
    granted(&site, &Ask { secret: &spelled, service: "smtp", ..Ask::default() }, 2);
    let account = site.vault().store.account(&site::name("alice")).unwrap().unwrap();
    assert_eq!(site.vault().store.recovery_codes(account.id).unwrap().left, 8);
}

#[test]
fn a_recovery_code_is_looked_at_only_behind_the_right_primary() {
    let site = Site::with_alice();
    let code = &site.recovery_codes("alice")[0];
    denied(&site, &Ask { secret: &format!("wrong {code}"), ..Ask::default() }, Denial::WrongPrimary, 1);
    denied(&site, &Ask { secret: code, ..Ask::default() }, Denial::EmptyPrimary, 0);
    granted(&site, &Ask { secret: &with(code), ..Ask::default() }, 2);
}

#[test]
fn a_recovery_code_is_good_for_its_own_account_alone() {
    let site = Site::with_alice();
    site.account("bob", PRIMARY);
    site.recovery_codes("bob");
    let code = &site.recovery_codes("alice")[0];
    denied(&site, &Ask { account: "bob", secret: &with(code), ..Ask::default() }, Denial::WrongCode, 1);
    granted(&site, &Ask { secret: &with(code), ..Ask::default() }, 2);
}

#[test]
fn new_recovery_codes_retire_the_old_ones() {
    let site = Site::with_alice();
    let old = site.recovery_codes("alice");
    let new = site.recovery_codes("alice");
    denied(&site, &Ask { secret: &with(&old[0]), ..Ask::default() }, Denial::RecoveryCodeRetired, 2);
    granted(&site, &Ask { secret: &with(&new[0]), ..Ask::default() }, 2);
}

#[test]
fn a_recovery_code_serves_an_account_whose_keys_are_gone() {
    let site = Site::new();
    site.account("alice", PRIMARY);
    let code = &site.recovery_codes("alice")[0];
    granted(&site, &Ask { secret: &with(code), ..Ask::default() }, 2);
    denied(&site, &Ask { secret: PRIMARY, ..Ask::default() }, Denial::NoSecondFactor, 1);
}

#[test]
fn a_rehearsal_leaves_a_recovery_code_as_it_is() {
    let site = Site::with_alice();
    let code = &site.recovery_codes("alice")[0];
    let rehearsal = Spending::Rehearsal;
    for _ in 0..2 {
        granted(&site, &Ask { secret: &with(code), spending: rehearsal, ..Ask::default() }, 2);
    }
    granted(&site, &Ask { secret: &with(code), ..Ask::default() }, 2);
}

#[test]
fn a_recovery_code_is_claimed_by_the_write_and_by_nothing_before_it() {
    let site = Site::with_alice();
    let code = &site.recovery_codes("alice")[0];
    let (one, other) = (site.vault(), site.vault());
    let account = one.store.account(&site::name("alice")).unwrap().unwrap();
    // Both have seen it unspent.
    let row = recovery_row(&site, code);
    let imap = Service::parse(b"imap").unwrap();
    let by = Use {
        made: site.made(),
        service: &imap,
        from: None,
        source: Source::of(None),
        counted: postern::store::Counted::BehindPrimary,
    };
    assert_eq!(one.store.spend_recovery_code(&account, row, &by).unwrap(), Spent::Now);
    assert_eq!(other.store.spend_recovery_code(&account, row, &by).unwrap(), Spent::Before);
}

#[test]
fn nothing_is_spent_for_an_account_that_was_closed_meanwhile() {
    let site = Site::with_alice();
    let code = &site.recovery_codes("alice")[0];
    let vault = site.vault();
    let account = vault.store.account(&site::name("alice")).unwrap().unwrap();
    let key = vault.store.totp_keys(account.id).unwrap().remove(0);
    let (step, id) = (postern::domain::totp::TimeStep(key.last_step.0 + 1), recovery_row(&site, code));
    postern::enrollment::Enrollment::new(&vault)
        .set_state(&site::name("alice"), AccountState::Disabled, site.made())
        .unwrap();
    let imap = Service::parse(b"imap").unwrap();
    let by = Use {
        made: site.made(),
        service: &imap,
        from: None,
        source: Source::of(None),
        counted: postern::store::Counted::BehindPrimary,
    };
    assert_eq!(vault.store.spend_step(&account, &key, step, &by).unwrap(), Spent::NotForThisAccount);
    assert_eq!(vault.store.spend_recovery_code(&account, id, &by).unwrap(), Spent::NotForThisAccount);
}

fn recovery_row(site: &Site, code: &str) -> i64 {
    let vault = site.vault();
    let read = postern::domain::recovery_code::RecoveryCode::parse(code.as_bytes()).unwrap();
    let tag = vault.keyring.newest().tag(read.symbols().expose());
    vault.store.recovery_code(&tag).unwrap().unwrap().id
}

#[test]
fn at_its_own_prompt_a_code_needs_no_splitting() {
    let site = Site::with_alice();
    site.account("bob", "number 123456");
    let codes = site.recovery_codes("bob");
    let ask = |account: &str, field: &str, code: &str| {
        let (field, code) = (Secret::copy_of(field.as_bytes()), Secret::copy_of(code.as_bytes()));
        let shown = Shown::Apart { field: &field, code: &code };
        let (account, service) = (account.as_bytes(), &b"sshd"[..]);
        let raw = RawAttempt { account, shown, service, remote: None, door: Door::Try };
        Verifier::new(&site.config, site.owner(), NOBODY, Spending::Real).verify(&raw, &now).unwrap()
    };
    assert!(ask("bob", "number 123456", &codes[0]).is_grant());
    assert!(ask("alice", PRIMARY, &code_at(now())).is_grant());
    for (code, why) in
        [("", Denial::SecondFactorMissing), ("12345", Denial::WrongCode), ("hello", Denial::WrongCode)]
    {
        let found = ask("alice", PRIMARY, code);
        assert!(matches!(found.verdict, Verdict::Deny(found) if found == why), "{code}: {found:?}");
    }
    let phone = site.app_password("alice", "phone", "sshd");
    assert!(ask("alice", &phone, "").is_grant());
    // A code in the field is not looked for.
    let unsplit = ask("alice", &with(&site.recovery_codes("alice")[0]), "");
    assert!(matches!(unsplit.verdict, Verdict::Deny(Denial::WrongPrimary)), "{unsplit:?}");
}

#[test]
fn a_second_factor_alone_is_asked_where_another_module_checks_the_primary() {
    let site = Site::with_alice();
    let codes = site.recovery_codes("alice");
    let ask = |account: &str, code: &str| {
        let code = Secret::copy_of(code.as_bytes());
        let (account, service) = (account.as_bytes(), &b"sshd"[..]);
        let raw =
            RawAttempt { account, shown: Shown::CodeAlone(&code), service, remote: None, door: Door::Try };
        Verifier::new(&site.config, site.owner(), NOBODY, Spending::Real).verify(&raw, &now).unwrap()
    };
    let decision = ask("alice", &code_at(now()));
    assert!(decision.is_grant() && decision.path == Path::SecondFactor, "{decision:?}");
    assert!(ask("alice", &codes[0]).is_grant());
    for (account, code, why) in [
        ("alice", code_at(now()), Denial::CodeSpent),
        ("alice", codes[0].clone(), Denial::CodeSpent),
        ("alice", String::new(), Denial::SecondFactorMissing),
        ("alice", PRIMARY.to_owned(), Denial::WrongCode),
        ("nobody", code_at(now()), Denial::UnknownAccount),
    ] {
        let found = ask(account, &code);
        assert!(matches!(found.verdict, Verdict::Deny(found) if found == why), "{code}: {found:?}");
    }
    // An app password is no second factor.
    let phone = site.app_password("alice", "phone", "sshd");
    assert!(!ask("alice", &phone).is_grant());
}
