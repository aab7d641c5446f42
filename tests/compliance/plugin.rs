//! Postfix's own SASL: the plug-in in the jail, by way of posternd, and posternd in saslauthd's language.

use crate::Fact;
use crate::support::change::{and_then, with_spoiled};
use crate::support::clients::{self, Login, Mailer, Protocol};
use crate::support::command::{must, must_with, run};
use crate::support::people::{PRIMARY, postern};
use crate::support::rig::{Rig, all_at_once};
use crate::support::servers::{CERTIFICATE, PLUGIN_PORT};

pub const FACTS: &[Fact] = facts![
    postfix_in_its_jail_asks_posternd_and_names_the_client,
    swaks_and_curl_log_in_by_plain_and_by_login,
    each_mechanism_is_offered_once,
    the_plug_in_refuses_what_postern_refuses,
    a_source_that_has_to_wait_is_told_454,
    saslauthd_s_language_carries_no_address,
    without_posternd_postfix_says_later,
    a_plug_in_that_cannot_be_loaded_grants_nothing,
];

fn postfix_in_its_jail_asks_posternd_and_names_the_client(rig: &mut Rig) {
    for person in [rig.virtual_person(), rig.system_person()] {
        let phone = person.app_password("phone");
        let attempt = rig.login(Protocol::Plugin, &person.name, &phone);
        attempt.granted("app-password");
        let said = attempt.audit();
        assert!(said.contains(&format!(" service=smtp rhost={} door=sasl ", attempt.from)), "{said}");
        let fresh = format!("{PRIMARY}{}", person.enroll_totp().fresh_code());
        rig.login(Protocol::Plugin, &person.name, &fresh).granted("primary+code");
        rig.login(Protocol::Plugin, &person.name, &fresh).denied("code-spent");
    }
}

/// With an initial response and without; LOGIN asks for the name, then for the password.
fn swaks_and_curl_log_in_by_plain_and_by_login(rig: &mut Rig) {
    let person = rig.virtual_person();
    let (phone, reader) = (person.app_password("phone"), person.app_password_for("reader", "imap"));
    let ways = [Mailer::Swaks, Mailer::Curl].map(|mailer| ["PLAIN", "LOGIN"].map(|name| (mailer, name)));
    all_at_once(ways.as_flattened(), |(mailer, mechanism)| {
        rig.submit(*mailer, mechanism, &person.name, &phone).granted("app-password");
        rig.submit(*mailer, mechanism, &person.name, &reader).denied("out-of-scope");
    });
}

fn each_mechanism_is_offered_once(_: &mut Rig) {
    let client = format!(
        "openssl s_client -quiet -connect 127.0.0.1:{PLUGIN_PORT} -starttls smtp -CAfile {CERTIFICATE} \
         -verify_return_error -servername localhost 2>/dev/null"
    );
    let said = must_with(&client, "EHLO client.example\r\nQUIT\r\n");
    let offered: Vec<&str> =
        said.lines().filter_map(|line| line.trim_end().strip_prefix("250-AUTH ")).collect();
    assert_eq!(offered, ["PLAIN LOGIN"]);
}

fn a_source_that_has_to_wait_is_told_454(rig: &mut Rig) {
    let person = rig.virtual_person();
    let login = |secret: &str| clients::login(Protocol::Plugin, "127.0.1.1", &person.name, secret);
    let said: Vec<Login> = (0..9).map(|number| login(&format!("wrong {number}"))).collect();
    assert!(said[..6].iter().all(|login| matches!(login, Login::Refused(_))), "{said:?}");
    let later = |login: &Login| matches!(login, Login::Temporary(said) if said.starts_with("454 4.7.0 "));
    assert!(said[6..].iter().any(later), "{said:?}");
    assert_eq!(login(&person.app_password("phone")), Login::Ok);
}

fn the_plug_in_refuses_what_postern_refuses(rig: &mut Rig) {
    let person = rig.virtual_person();
    let reader = person.app_password_for("reader", "imap");
    let office = person.limited_app_password("office", &["--network", "192.0.2.0/24"]);
    let gone = person.app_password("gone");
    postern(&["app", "revoke", &person.name, "gone"], "").result();
    for (secret, why) in [
        (reader.as_str(), "out-of-scope"),
        (&office, "outside-networks"),
        (&gone, "revoked"),
        (PRIMARY, "no-second-factor"),
        ("wrong", "wrong-primary"),
    ] {
        let attempt = rig.login(Protocol::Plugin, &person.name, secret);
        attempt.denied(why);
        assert!(
            matches!(&attempt.login, Login::Refused(said) if said.starts_with("535 ")),
            "{:?}",
            attempt.login
        );
    }
}

fn saslauthd_s_language_carries_no_address(rig: &mut Rig) {
    let person = rig.virtual_person();
    let (phone, here) =
        (person.app_password("phone"), person.limited_app_password("here", &["--network", "127.0.0.0/8"]));
    assert_eq!(rig.login(Protocol::Saslauthd, &person.name, &phone).login, Login::Ok);
    assert_ne!(rig.login(Protocol::Saslauthd, &person.name, &here).login, Login::Ok);
    assert_ne!(rig.login(Protocol::Saslauthd, &person.name, PRIMARY).login, Login::Ok);
    let said = rig.log.find(rig.log.mark_of_start(), |line| {
        line.contains("door=saslauthd")
            && line.contains(&person.name)
            && line.contains("why=outside-networks")
    });
    assert!(said.is_some());
    let asked = run(
        "testsaslauthd",
        &["-u", &person.name, "-p", "wrong", "-s", "smtp", "-f", "/var/spool/postfix/postern/mux"],
        "",
    );
    assert!(asked.stdout.contains("NO") || asked.stderr.contains("NO"), "{asked:?}");
}

fn without_posternd_postfix_says_later(rig: &mut Rig) {
    let person = rig.virtual_person();
    let phone = person.app_password("phone");
    rig.posternd.pause();
    let posternd = &rig.posternd;
    and_then(
        || {
            let attempt = rig.login(Protocol::Plugin, &person.name, &phone);
            assert!(matches!(attempt.login, Login::Temporary(_)), "{:?}", attempt.login);
        },
        || posternd.go_on(),
    );
    rig.login(Protocol::Plugin, &person.name, &phone).granted("app-password");
    with_spoiled(&[], || {
        must("mv /var/spool/postfix/postern/verify /var/spool/postfix/postern/away");
        let attempt = rig.login(Protocol::Plugin, &person.name, &phone);
        must("mv /var/spool/postfix/postern/away /var/spool/postfix/postern/verify");
        assert!(matches!(attempt.login, Login::Temporary(_)), "{:?}", attempt.login);
        // posternd cannot tell of it; the plug-in does, in Postfix's own log.
        attempt.unavailable();
        assert!(attempt.audit().contains("start posternd"), "{}", attempt.audit());
    });
}

fn a_plug_in_that_cannot_be_loaded_grants_nothing(rig: &mut Rig) {
    let person = rig.system_person();
    let phone = person.app_password("phone");
    let plug_in = must("ls /usr/lib/*/sasl2/libpostern.so").trim().to_owned();
    let linked_elsewhere = "sed -i s/libsqlite3.so/libmissing.so/";
    for spoil in ["rm", "truncate --size 100", "chmod 000", ": >", linked_elsewhere] {
        with_spoiled(&[&plug_in], || {
            must(&format!("{spoil} {plug_in}"));
            // Processes that have loaded it serve on; new ones have to look.
            must("postfix reload 2>/dev/null");
            for secret in [phone.as_str(), PRIMARY] {
                let attempt = rig.login(Protocol::Plugin, &person.name, secret);
                // Root reads what it likes, and a process from before serves on: then it is ours that answers.
                if attempt.login == Login::Ok {
                    assert_ne!(secret, PRIMARY, "{spoil}");
                    attempt.granted("app-password");
                }
            }
        });
    }
    must("postfix reload 2>/dev/null");
    rig.login(Protocol::Plugin, &person.name, &phone).granted("app-password");
}
