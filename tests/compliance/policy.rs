//! What a site asks for, seen by mail programs; and what strangers cannot close.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::thread;

use crate::Fact;
use crate::support::change::with_spoiled;
use crate::support::clients::{Login, Protocol};
use crate::support::command::{must, must_with};
use crate::support::people::{PRIMARY, postern};
use crate::support::rig::{Rig, everywhere};

pub const FACTS: &[Fact] = facts![
    a_recovery_code_opens_once,
    a_closed_service_opens_to_nothing,
    a_trusted_network_spares_the_code_and_says_so,
    in_a_roll_out_those_without_an_authenticator_log_in_as_before,
    a_unix_account_that_is_made_again_gets_none_of_the_old_app_passwords,
    an_account_that_is_removed_and_added_again_starts_from_nothing,
    a_hundred_wrong_codes_leave_app_passwords_and_recovery_codes,
    a_flood_of_wrong_passwords_keeps_no_app_password_out,
];

const CONFIG: &str = "/etc/postern/postern.toml";

/// The shipped configuration, changed in one line.
fn with_line(shipped: &str, line: &str, trial: impl FnOnce()) {
    with_spoiled(&[CONFIG], || {
        must(&format!("grep -q '^{shipped}' {CONFIG}"));
        must_with(&format!("sed -i \"s|^{shipped}.*|$(cat)|\" {CONFIG}"), line);
        trial();
    });
}

fn a_recovery_code_opens_once(rig: &mut Rig) {
    for person in [rig.virtual_person(), rig.system_person()] {
        let codes = postern(&["recovery", "new", &person.name], "").result();
        let [one, other] = [0, 1].map(|place| codes.lines().nth(place).unwrap().to_owned());
        let secret = format!("{PRIMARY} {one}");
        rig.login(Protocol::Imap, &person.name, &secret).granted("primary+recovery");
        everywhere(|protocol| rig.login(protocol, &person.name, &secret).denied("code-spent"));
        rig.login(Protocol::Submission, &person.name, &format!("{PRIMARY}{other}"))
            .granted("primary+recovery");
    }
}

fn a_closed_service_opens_to_nothing(rig: &mut Rig) {
    let person = rig.virtual_person();
    let (phone, totp) = (person.app_password("phone"), person.enroll_totp());
    with_line("#pop3 = ", "pop3 = []", || {
        let with_code = format!("{PRIMARY}{}", totp.fresh_code());
        rig.login(Protocol::Pop3, &person.name, &phone).denied("not-accepted-here");
        rig.login(Protocol::Pop3, &person.name, &with_code).denied("not-accepted-here");
        rig.login(Protocol::Imap, &person.name, &phone).granted("app-password");
        rig.login(Protocol::Imap, &person.name, &with_code).granted("primary+code");
    });
}

fn a_trusted_network_spares_the_code_and_says_so(rig: &mut Rig) {
    let person = rig.system_person();
    person.app_password("phone");
    with_line("#primary_alone_from = ", "primary_alone_from = [\\\"127.0.0.0/8\\\"]", || {
        let attempt = rig.login(Protocol::Imap, &person.name, PRIMARY);
        attempt.granted("primary");
        assert!(attempt.audit().ends_with(" alone=\"network\""), "{}", attempt.audit());
        rig.login(Protocol::Imap, &person.name, "wrong").denied("wrong-primary");
    });
    rig.login(Protocol::Imap, &person.name, PRIMARY).denied("no-second-factor");
}

fn in_a_roll_out_those_without_an_authenticator_log_in_as_before(rig: &mut Rig) {
    let (known, enrolled) = (rig.system_person(), rig.system_person());
    enrolled.app_password("phone");
    postern(&["app", "revoke", &enrolled.name, "phone"], "").result();
    let (unknown, removed) = (rig.unix_user(), rig.system_person());
    postern(&["account", "remove", &removed.name, "--yes"], "").result();
    with_line("second_factor = ", "second_factor = \\\"when-enrolled\\\"", || {
        for person in [&known, &unknown] {
            let attempt = rig.login(Protocol::Imap, &person.name, PRIMARY);
            attempt.granted("primary");
            assert!(attempt.audit().contains(" alone=\"not-enrolled\""), "{}", attempt.audit());
            rig.login(Protocol::Imap, &person.name, "wrong").denied("wrong-primary");
        }
        rig.login(Protocol::Imap, &enrolled.name, PRIMARY).denied("no-second-factor");
        rig.login(Protocol::Imap, &removed.name, PRIMARY).denied("unknown-account");
        must(&format!("usermod --lock {}", unknown.name));
        rig.login(Protocol::Imap, &unknown.name, PRIMARY).denied("wrong-primary");
    });
    rig.login(Protocol::Imap, &known.name, PRIMARY).denied("no-second-factor");
}

fn a_unix_account_that_is_made_again_gets_none_of_the_old_app_passwords(rig: &mut Rig) {
    let person = rig.system_person();
    let (phone, name) = (person.app_password("phone"), &person.name);
    must(&format!("userdel {name} && useradd --no-log-init --uid 54321 --base-dir /var/mail {name}"));
    must_with("chpasswd", &format!("{name}:{PRIMARY}\n"));
    rig.login(Protocol::Imap, name, &phone).denied("account-replaced");
    postern(&["account", "remove", name, "--yes"], "").result();
    postern(&["account", "add", name, "--primary", "pam"], "").result();
    rig.login(Protocol::Imap, name, &phone).denied("unknown-app-password");
    rig.login(Protocol::Imap, name, &person.app_password("phone")).granted("app-password");
}

fn an_account_that_is_removed_and_added_again_starts_from_nothing(rig: &mut Rig) {
    let person = rig.virtual_person();
    let (phone, totp) = (person.app_password("phone"), person.enroll_totp());
    let recovery = postern(&["recovery", "new", &person.name], "").result();
    postern(&["account", "remove", &person.name, "--yes"], "").result();
    rig.login(Protocol::Imap, &person.name, &phone).denied("unknown-app-password");
    postern(&["account", "add", &person.name, "--primary", "store"], PRIMARY).result();
    rig.login(Protocol::Imap, &person.name, &phone).denied("unknown-app-password");
    let with_code = format!("{PRIMARY}{}", totp.fresh_code());
    rig.login(Protocol::Imap, &person.name, &with_code).denied("no-second-factor");
    let with_recovery = format!("{PRIMARY} {}", recovery.lines().next().unwrap());
    rig.login(Protocol::Imap, &person.name, &with_recovery).denied("wrong-code");
}

fn a_hundred_wrong_codes_leave_app_passwords_and_recovery_codes(rig: &mut Rig) {
    let person = rig.virtual_person();
    let (phone, totp) = (person.app_password("phone"), person.enroll_totp());
    let recovery = postern(&["recovery", "new", &person.name], "").result();
    must_with(
        "sqlite3 /var/lib/postern/store.db",
        &format!(
            "INSERT INTO code_failure SELECT id, '203.0.113.9', 99, 0 FROM account WHERE name = '{}';",
            person.name
        ),
    );
    rig.login(Protocol::Imap, &person.name, &format!("{PRIMARY}{}", totp.stale_code())).denied("wrong-code");
    let with_code = format!("{PRIMARY}{}", totp.fresh_code());
    everywhere(|protocol| {
        rig.login(protocol, &person.name, &with_code).denied("code-path-closed");
        rig.login(protocol, &person.name, &phone).granted("app-password");
    });
    let with_recovery = format!("{PRIMARY} {}", recovery.lines().next().unwrap());
    rig.login(Protocol::Imap, &person.name, &with_recovery).granted("primary+recovery");
    postern(&["account", "unlock", &person.name], "").result();
    rig.login(Protocol::Imap, &person.name, &with_code).granted("primary+code");
}

/// Twelve strangers at once, each from many addresses, for as long as the owner needs for a hundred logins.
fn a_flood_of_wrong_passwords_keeps_no_app_password_out(rig: &mut Rig) {
    let person = rig.system_person();
    let phone = person.app_password("phone");
    person.enroll_totp();
    let (over, floods) = (AtomicBool::new(false), AtomicU32::new(0));
    thread::scope(|scope| {
        for stranger in 0..12 {
            let (rig, person, over, floods) = (&*rig, &person, &over, &floods);
            scope.spawn(move || {
                for number in 0..200 {
                    if over.load(Relaxed) {
                        break;
                    }
                    let secret = format!("wrong {stranger} {number}");
                    let attempt = rig.login(Protocol::Imap, &person.name, &secret);
                    assert_ne!(attempt.login, Login::Ok);
                    floods.fetch_add(1, Relaxed);
                }
            });
        }
        for _ in 0..25 {
            everywhere(|protocol| rig.login(protocol, &person.name, &phone).granted("app-password"));
        }
        over.store(true, Relaxed);
    });
    assert!(floods.load(Relaxed) > 20, "that was no flood");
}
