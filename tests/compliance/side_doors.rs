//! Ways round Postern that a mail server's own configuration opens, and that must stay shut.

use std::thread;
use std::time::Duration;

use crate::Fact;
use crate::support::change::{and_then, with_spoiled};
use crate::support::clients::{Login, Protocol};
use crate::support::command::must;
use crate::support::people::PRIMARY;
use crate::support::rig::{Rig, everywhere};

pub const FACTS: &[Fact] = facts![
    a_denial_is_final_though_a_second_passdb_follows,
    an_outage_is_final_though_a_second_passdb_follows,
    a_protocol_without_a_service_file_is_refused,
    a_service_file_without_postern_is_refused,
    every_protocol_that_dovecot_names_has_a_service_file,
    a_missing_primary_file_refuses_the_primary,
    an_account_with_a_blank_hash_is_refused,
    postern_met_again_by_the_primary_is_refused,
    a_primary_file_that_asks_nothing_is_refused,
    the_shipped_example_caches_no_password,
    a_set_uid_program_asks_posternd,
];

const PRIMARY_FILE: &str = "/etc/postern/pam.d/primary";
const EXAMPLE: &str = "/etc/dovecot/conf.d/auth-postern.conf.ext";

/// PAM as it was before Postern came, behind ours.
const SECOND_PASSDB: &str =
    r"printf 'passdb {\n driver = pam\n args = other\n}\n' >/etc/dovecot/conf.d/99-second.conf";

fn a_denial_is_final_though_a_second_passdb_follows(rig: &mut Rig) {
    let bob = rig.system_person();
    bob.enroll_totp();
    rig.with_dovecot(SECOND_PASSDB, |rig| {
        everywhere(|protocol| {
            rig.login(protocol, &bob.name, PRIMARY).denied("second-factor-missing");
        });
    });
    // Those lines of the example are what keeps it shut.
    let without = format!("{SECOND_PASSDB}; sed -i '/return-fail/d' {EXAMPLE}");
    rig.with_dovecot(&without, |rig| {
        let attempt = rig.login(Protocol::Imap, &bob.name, PRIMARY);
        assert_eq!(attempt.login, Login::Ok, "{}", attempt.lines());
    });
}

fn an_outage_is_final_though_a_second_passdb_follows(rig: &mut Rig) {
    let bob = rig.system_person();
    bob.enroll_totp();
    rig.with_dovecot(SECOND_PASSDB, |rig| {
        with_spoiled(&["/etc/postern/key"], || {
            must("rm /etc/postern/key");
            everywhere(|protocol| {
                rig.login(protocol, &bob.name, PRIMARY).unavailable();
            });
        });
    });
}

/// PAM would take /etc/pam.d/other instead, and on Debian that takes the bare primary.
fn a_protocol_without_a_service_file_is_refused(rig: &mut Rig) {
    let bob = rig.system_person();
    let app_password = bob.app_password("phone");
    let files = ["/etc/pam.d/postern-pop3", "/usr/lib/pam.d/postern-pop3"];
    with_spoiled(&files, || {
        must(&format!("rm {}", files.join(" ")));
        a_new_second();
        for secret in [PRIMARY, &app_password] {
            let attempt = rig.login(Protocol::Pop3, &bob.name, secret);
            attempt.refused();
            let seen = rig
                .log
                .find(attempt.since(), |line| line.contains("missing passwd file: /etc/pam.d/postern-pop3"));
            assert!(seen.is_some(), "{}", attempt.lines());
        }
        rig.login(Protocol::Imap, &bob.name, &app_password).granted("app-password");
        // The first passdb of the example is what keeps it shut.
        let without =
            format!("sed -i '/^  args = username_format/,/^passdb/d; s/passwd-file/pam/' {EXAMPLE}");
        rig.with_dovecot(&without, |rig| {
            let attempt = rig.login(Protocol::Pop3, &bob.name, PRIMARY);
            assert_eq!(attempt.login, Login::Ok, "{}", attempt.lines());
        });
    });
    rig.login(Protocol::Pop3, &bob.name, &app_password).granted("app-password");
}

fn a_service_file_without_postern_is_refused(rig: &mut Rig) {
    let bob = rig.system_person();
    with_spoiled(&["/etc/pam.d/postern-pop3"], || {
        must("printf '@include common-auth\\n@include common-account\\n' >/etc/pam.d/postern-pop3");
        a_new_second();
        rig.login(Protocol::Pop3, &bob.name, PRIMARY).refused();
    });
    a_new_second();
}

/// Dovecot looks at a passwd-file once a second at most: a change counts from the next second on.
fn a_new_second() {
    thread::sleep(Duration::from_millis(1100));
}

fn every_protocol_that_dovecot_names_has_a_service_file(_: &mut Rig) {
    for protocol in must("doveconf -h protocols").split_whitespace() {
        must(&format!("test -f /etc/pam.d/postern-{protocol}"));
    }
}

fn a_missing_primary_file_refuses_the_primary(rig: &mut Rig) {
    let bob = rig.system_person();
    let secret = format!("{PRIMARY}{}", bob.enroll_totp().fresh_code());
    with_spoiled(&[PRIMARY_FILE], || {
        must(&format!("rm {PRIMARY_FILE}"));
        everywhere(|protocol| {
            rig.login(protocol, &bob.name, &secret).unavailable();
        });
    });
    rig.login(Protocol::Imap, &bob.name, &secret).granted("primary+code");
}

/// pam_unix with nullok lets such an account in without asking for anything.
fn an_account_with_a_blank_hash_is_refused(rig: &mut Rig) {
    let bob = rig.system_person();
    let totp = bob.enroll_totp();
    must(&format!("passwd --quiet --delete {}", bob.name));
    with_spoiled(&[PRIMARY_FILE], || {
        must(&format!("sed -i 's/pam_unix.so/pam_unix.so nullok/' {PRIMARY_FILE}"));
        rig.login(Protocol::Imap, &bob.name, "").refused();
        everywhere(|protocol| {
            rig.login(protocol, &bob.name, &totp.fresh_code()).denied("empty-primary");
        });
        rig.login(Protocol::Imap, &bob.name, &format!("x{}", totp.fresh_code())).refused();
    });
}

fn postern_met_again_by_the_primary_is_refused(rig: &mut Rig) {
    let spoils = "printf 'auth required pam_postern.so\\naccount required pam_postern.so\\n'";
    unusable_primary(rig, spoils);
}

fn a_primary_file_that_asks_nothing_is_refused(rig: &mut Rig) {
    unusable_primary(rig, "printf 'auth required pam_permit.so\\naccount required pam_permit.so\\n'");
}

fn unusable_primary(rig: &Rig, file: &str) {
    let bob = rig.system_person();
    let secret = format!("{PRIMARY}{}", bob.enroll_totp().fresh_code());
    with_spoiled(&[PRIMARY_FILE], || {
        must(&format!("{file} >{PRIMARY_FILE}"));
        everywhere(|protocol| {
            rig.login(protocol, &bob.name, &secret).unavailable();
        });
    });
    rig.login(Protocol::Imap, &bob.name, &secret).granted("primary+code");
}

fn the_shipped_example_caches_no_password(_: &mut Rig) {
    must("doveconf -n | grep -q postern-%s && ! doveconf -n | grep -E 'cache_key|auth_cache_size'");
}

fn a_set_uid_program_asks_posternd(rig: &mut Rig) {
    let person = rig.virtual_person();
    let phone = person.app_password("phone");
    rig.pam("postern-imap", &person.name, &phone).granted("app-password");
    rig.pam_set_uid("postern-imap", &person.name, &phone).granted("app-password");
    rig.posternd.pause();
    let posternd = &rig.posternd;
    and_then(|| rig.pam_set_uid("postern-imap", &person.name, &phone).unavailable(), || posternd.go_on());
}
