//! Who gets in, over every protocol, and who does not.

use crate::Fact;
use crate::support::clients::Protocol;
use crate::support::command::must;
use crate::support::people::{PRIMARY, Person, postern, slip};
use crate::support::rig::{Rig, everywhere};

pub const FACTS: &[Fact] = facts![
    an_app_password_opens_every_protocol,
    an_app_password_is_taken_as_people_type_it,
    a_bare_primary_is_refused_by_every_protocol,
    a_primary_with_a_code_opens_once,
    a_code_spent_on_one_protocol_is_spent_on_all,
    a_wrong_primary_spends_no_code,
    a_wrong_code_is_refused,
    a_revoked_app_password_is_refused_by_every_protocol,
    an_app_password_for_imap_opens_nothing_else,
    an_app_password_for_one_network_opens_from_no_other,
    an_app_password_opens_no_other_account,
    a_disabled_account_opens_to_nothing,
    a_unix_account_takes_its_app_passwords_along,
    a_primary_that_must_be_changed_closes_itself_alone,
    an_unknown_account_is_refused,
    the_audit_line_names_the_client,
];

/// One of each kind: a virtual account with its primary in the store, a Unix user whose primary PAM checks.
fn both(rig: &Rig) -> [Person; 2] {
    [rig.virtual_person(), rig.system_person()]
}

fn an_app_password_opens_every_protocol(rig: &mut Rig) {
    for person in both(rig) {
        let app_password = person.app_password("phone");
        everywhere(|protocol| {
            let attempt = rig.login(protocol, &person.name, &app_password);
            attempt.granted("app-password");
            let said = attempt.audit();
            assert!(said.contains(" label=\"phone\""), "{said}");
            assert!(said.contains(&format!(" service={} ", protocol.service())), "{said}");
        });
    }
}

fn an_app_password_is_taken_as_people_type_it(rig: &mut Rig) {
    let alice = rig.virtual_person();
    let app_password = alice.app_password("phone");
    for typed in [app_password.replace('-', ""), app_password.replace('-', " "), app_password.to_uppercase()]
    {
        rig.login(Protocol::Imap, &alice.name, &typed).granted("app-password");
    }
    rig.login(Protocol::Imap, &alice.name, &slip(&app_password)).denied("mistyped");
}

fn a_bare_primary_is_refused_by_every_protocol(rig: &mut Rig) {
    for person in both(rig) {
        rig.login(Protocol::Imap, &person.name, PRIMARY).denied("no-second-factor");
        person.enroll_totp();
        everywhere(|protocol| {
            rig.login(protocol, &person.name, PRIMARY).denied("second-factor-missing");
        });
    }
}

fn a_primary_with_a_code_opens_once(rig: &mut Rig) {
    for person in [Rig::virtual_person, Rig::system_person] {
        let people = Protocol::ALL.map(|protocol| {
            let person = person(rig);
            let secret = format!("{PRIMARY}{}", person.enroll_totp().fresh_code());
            (protocol, person, secret)
        });
        everywhere(|protocol| {
            let (_, person, secret) = people.iter().find(|(own, ..)| *own == protocol).unwrap();
            rig.login(protocol, &person.name, secret).granted("primary+code");
            rig.login(protocol, &person.name, secret).denied("code-spent");
        });
    }
}

fn a_code_spent_on_one_protocol_is_spent_on_all(rig: &mut Rig) {
    let alice = rig.virtual_person();
    let secret = format!("{PRIMARY}{}", alice.enroll_totp().fresh_code());
    rig.login(Protocol::Sieve, &alice.name, &secret).granted("primary+code");
    everywhere(|protocol| {
        rig.login(protocol, &alice.name, &secret).denied("code-spent");
    });
}

fn a_wrong_primary_spends_no_code(rig: &mut Rig) {
    for person in both(rig) {
        let code = person.enroll_totp().fresh_code();
        rig.login(Protocol::Imap, &person.name, &format!("Ten lives{code}")).denied("wrong-primary");
        rig.login(Protocol::Imap, &person.name, &format!("{PRIMARY}{code}")).granted("primary+code");
    }
}

fn a_wrong_code_is_refused(rig: &mut Rig) {
    let alice = rig.virtual_person();
    let stale = alice.enroll_totp().stale_code();
    everywhere(|protocol| {
        rig.login(protocol, &alice.name, &format!("{PRIMARY}{stale}")).denied("wrong-code");
    });
}

fn a_revoked_app_password_is_refused_by_every_protocol(rig: &mut Rig) {
    for person in both(rig) {
        let lost = person.app_password("lost phone");
        let kept = person.app_password("laptop");
        rig.login(Protocol::Imap, &person.name, &lost).granted("app-password");
        postern(&["app", "revoke", &person.name, "lost phone"], "").result();
        everywhere(|protocol| {
            rig.login(protocol, &person.name, &lost).denied("revoked");
        });
        rig.login(Protocol::Imap, &person.name, &kept).granted("app-password");
    }
}

fn an_app_password_for_imap_opens_nothing_else(rig: &mut Rig) {
    let alice = rig.virtual_person();
    let app_password = alice.app_password_for("reader", "imap");
    everywhere(|protocol| {
        let attempt = rig.login(protocol, &alice.name, &app_password);
        match protocol {
            Protocol::Imap => attempt.granted("app-password"),
            Protocol::Pop3
            | Protocol::Submission
            | Protocol::Sieve
            | Protocol::Plugin
            | Protocol::Saslauthd => attempt.denied("out-of-scope"),
        }
    });
}

fn an_app_password_for_one_network_opens_from_no_other(rig: &mut Rig) {
    let person = rig.virtual_person();
    let here = person.limited_app_password("here", &["--network", "127.0.0.0/8"]);
    let office = person.limited_app_password("office", &["--network", "192.0.2.0/24,2001:db8::/32"]);
    everywhere(|protocol| {
        rig.login(protocol, &person.name, &here).granted("app-password");
        rig.login(protocol, &person.name, &office).denied("outside-networks");
    });
}

fn an_app_password_opens_no_other_account(rig: &mut Rig) {
    let [alice, bob] = both(rig);
    let app_password = alice.app_password("phone");
    everywhere(|protocol| {
        rig.login(protocol, &bob.name, &app_password).denied("other-account");
    });
}

fn a_disabled_account_opens_to_nothing(rig: &mut Rig) {
    for person in both(rig) {
        let app_password = person.app_password("phone");
        let with_code = format!("{PRIMARY}{}", person.enroll_totp().fresh_code());
        postern(&["account", "disable", &person.name], "").result();
        everywhere(|protocol| {
            rig.login(protocol, &person.name, &app_password).denied("account-disabled");
            rig.login(protocol, &person.name, &with_code).denied("account-disabled");
        });
        postern(&["account", "enable", &person.name], "").result();
        rig.login(Protocol::Imap, &person.name, &app_password).granted("app-password");
        rig.login(Protocol::Imap, &person.name, &with_code).granted("primary+code");
    }
}

fn an_unknown_account_is_refused(rig: &mut Rig) {
    let carol = rig.stranger();
    let foreign = rig.virtual_person().app_password("phone");
    everywhere(|protocol| {
        rig.login(protocol, &carol.name, PRIMARY).denied("unknown-account");
    });
    rig.login(Protocol::Imap, &carol.name, &foreign).denied("other-account");
}

fn the_audit_line_names_the_client(rig: &mut Rig) {
    let alice = rig.virtual_person();
    everywhere(|protocol| {
        let attempt = rig.login(protocol, &alice.name, "wrong");
        attempt.denied("wrong-primary");
        let said = attempt.audit();
        assert!(said.contains(&format!(" rhost={} door=pam ", attempt.from)), "{said}");
    });
}

fn a_unix_account_takes_its_app_passwords_along(rig: &mut Rig) {
    for close in ["usermod --lock", "chage --expiredate 0", "userdel"] {
        let person = rig.system_person();
        let phone = person.app_password("phone");
        rig.login(Protocol::Imap, &person.name, &phone).granted("app-password");
        must(&format!("{close} {}", person.name));
        if close == "userdel" {
            // Dovecot's userdb knows the mailbox no longer; PAM is asked all the same.
            rig.pam("postern-imap", &person.name, &phone).denied("account-disabled");
        } else {
            rig.login(Protocol::Imap, &person.name, &phone).denied("account-disabled");
        }
    }
}

fn a_primary_that_must_be_changed_closes_itself_alone(rig: &mut Rig) {
    let person = rig.system_person();
    let (phone, totp) = (person.app_password("phone"), person.enroll_totp());
    must(&format!("chage --lastday 0 {}", person.name));
    rig.login(Protocol::Imap, &person.name, &phone).granted("app-password");
    let with_code = format!("{PRIMARY}{}", totp.fresh_code());
    rig.login(Protocol::Imap, &person.name, &with_code).denied("primary-expired");
}
