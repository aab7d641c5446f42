//! Primary passwords in an LDAP directory, asked for by nslcd and by SSSD, as the guide sets them up.

use std::time::{Duration, Instant};

use crate::Fact;
use crate::support::change::with_spoiled;
use crate::support::clients::{Login, Protocol};
use crate::support::command::{must, run};
use crate::support::directory::{self, Running, Service, Slapd};
use crate::support::people::{PRIMARY, Person, postern, slip};
use crate::support::rig::{Rig, all_at_once};

pub const FACTS: &[Fact] = facts![
    people_of_a_directory_log_in_with_a_code_or_an_app_password,
    a_directory_is_asked_once_and_about_primaries_alone,
    who_is_locked_in_a_directory_has_no_app_password_left,
    a_primary_that_a_directory_refuses_for_now_leaves_app_passwords,
    no_primary_is_good_while_its_directory_is_away,
    a_directory_that_nsswitch_does_not_name_is_enough_for_pam,
];

/// Takes seconds, and is for `make proof`.
pub const SLOW_FACTS: &[Fact] = facts![a_directory_that_hangs_holds_up_nobody_else_at_posternd];

/// Through Dovecot, and through posternd.
const DOORS: [Protocol; 2] = [Protocol::Imap, Protocol::Plugin];

struct Site<'a> {
    rig: &'a Rig,
    service: Service,
    running: Option<Running>,
    slapd: Slapd,
}

/// Follows the guide with each of the two, and then tries.
fn with_both(rig: &Rig, trial: impl Fn(&mut Site<'_>)) {
    directory::unpack();
    for service in Service::BOTH {
        with_spoiled(&["/etc/nsswitch.conf", "/etc/postern/pam.d/primary"], || {
            let slapd = Slapd::start(&rig.log);
            service.set_up();
            match service {
                Service::Nslcd => must(
                    "install -m 644 packaging/examples/pam/primary-ldap /etc/postern/pam.d/primary
                    sed -i '$ r packaging/examples/nslcd/access.conf' /etc/nslcd.conf",
                ),
                Service::Sssd => must(
                    "install -m 644 packaging/examples/pam/primary-sssd /etc/postern/pam.d/primary
                    install -m 600 packaging/examples/sssd/postern.conf /etc/sssd/conf.d/",
                ),
            };
            let source = service.source();
            must(&format!(r"sed -i -E 's/^(passwd|group|shadow):.*/\1: files {source}/' /etc/nsswitch.conf"));
            trial(&mut Site { rig, service, running: Some(service.start()), slapd });
        });
    }
}

impl Site<'_> {
    fn person(&self, name: &str) -> Person {
        let number = self.rig.number() + 30_000;
        self.slapd.person(&format!("{name}{number}"), number)
    }

    fn no_service(&mut self) {
        drop(self.running.take());
    }
}

fn people_of_a_directory_log_in_with_a_code_or_an_app_password(rig: &mut Rig) {
    with_both(rig, |site| {
        let (rig, nina) = (site.rig, site.person("nina"));
        let (phone, totp) = (nina.app_password("phone"), nina.enroll_totp());
        all_at_once(&DOORS, |door| {
            rig.login(*door, &nina.name, &phone).granted("app-password");
            rig.login(*door, &nina.name, "wrong").denied("wrong-primary");
        });
        let secret = format!("{PRIMARY}{}", totp.fresh_code());
        rig.login(Protocol::Imap, &nina.name, &secret).granted("primary+code");
        rig.pam_confined("postern-imap", &nina.name, PRIMARY).denied("second-factor-missing");
        rig.pam_confined("postern-imap", &nina.name, &phone).granted("app-password");
        // Doctor does not take a service of SSSD's own for a door.
        let doctor = run("postern", &["doctor"], "");
        let (found, looked_at) = (&doctor.stdout, &doctor.stderr);
        assert!(looked_at.contains("PAM services") && !found.contains("shadowutils"), "{doctor:?}");
    });
}

fn a_directory_is_asked_once_and_about_primaries_alone(rig: &mut Rig) {
    with_both(rig, |site| {
        let (rig, nina) = (site.rig, site.person("nina"));
        let (phone, old, totp) = (nina.app_password("phone"), nina.app_password("old"), nina.enroll_totp());
        postern(&["app", "revoke", &nina.name, "old"], "").result();
        let asked = |secret: &str| {
            let since = rig.log.mark();
            for _ in 0..2 {
                let from_one_place = ["-I", "rhost=127.9.9.9", "postern-imap", &nina.name, "authenticate"];
                run("pamtester", &from_one_place, &format!("{secret}\n"));
            }
            site.slapd.binds(since, &nina)
        };
        assert_eq!(asked(&phone), 0, "an app password");
        assert_eq!(asked(&slip(&phone)), 0, "a mistyped one");
        assert_eq!(asked(&old), 0, "one of a lost phone");
        assert_eq!(asked("wrong"), 1, "a primary that a program repeats");
        assert_eq!(asked(&format!("{PRIMARY}{}", totp.stale_code())), 1, "a code that a program repeats");
        assert_eq!(asked(&format!("{PRIMARY}{}", totp.fresh_code())), 2, "a code, and the same again");
    });
}

fn who_is_locked_in_a_directory_has_no_app_password_left(rig: &mut Rig) {
    with_both(rig, |site| {
        let rig = site.rig;
        for (attribute, value, why) in [
            ("shadowExpire", "100", "account-disabled"),
            ("pwdAccountLockedTime", "000001010000Z", "wrong-primary"),
        ] {
            let nina = site.person("nina");
            let phone = nina.app_password("phone");
            rig.login(Protocol::Imap, &nina.name, &phone).granted("app-password");
            site.slapd.write(&nina, attribute, value);
            let (disabled, doors) = ("account-disabled", DOORS.map(|door| (door, phone.as_str())));
            let shown = [(doors[0], disabled), (doors[1], disabled), ((Protocol::Imap, PRIMARY), why)];
            all_at_once(&shown, |((door, secret), why)| rig.login(*door, &nina.name, secret).denied(why));
        }
    });
}

fn a_primary_that_a_directory_refuses_for_now_leaves_app_passwords(rig: &mut Rig) {
    with_both(rig, |site| {
        let (rig, today) = (site.rig, must("date -u +%Y%m%d%H%M%SZ"));
        let mut refusals = vec![("pwdAccountLockedTime", today.trim(), "wrong-primary")];
        refusals.extend_from_slice(match site.service {
            // It cannot search as somebody who must change the password first, and takes that for a wrong one.
            Service::Nslcd => {
                &[("pwdReset", "TRUE", "wrong-primary"), ("shadowLastChange", "0", "primary-expired")]
            }
            Service::Sssd => &[("pwdReset", "TRUE", "primary-expired")],
        });
        for (attribute, value, why) in refusals {
            let nina = site.person("nina");
            let (phone, totp) = (nina.app_password("phone"), nina.enroll_totp());
            site.slapd.write(&nina, attribute, value);
            let secret = format!("{PRIMARY}{}", totp.fresh_code());
            rig.login(Protocol::Imap, &nina.name, &secret).denied(why);
            all_at_once(&DOORS, |door| rig.login(*door, &nina.name, &phone).granted("app-password"));
        }
    });
}

/// SSSD remembers who is locked; nslcd remembers nothing, and no app password outlives a lock that cannot be seen.
fn no_primary_is_good_while_its_directory_is_away(rig: &mut Rig) {
    with_both(rig, |site| {
        let (rig, service, nina) = (site.rig, site.service, site.person("nina"));
        let (phone, totp) = (nina.app_password("phone"), nina.enroll_totp());
        let secret = format!("{PRIMARY}{}", totp.fresh_code());
        // It is right, so that a service that remembers passwords could.
        rig.login(Protocol::Imap, &nina.name, PRIMARY).denied("second-factor-missing");
        site.slapd.stop();
        let each = [(DOORS[0], &secret), (DOORS[1], &secret), (DOORS[0], &phone), (DOORS[1], &phone)];
        all_at_once(&each, |(door, shown)| match rig.login(*door, &nina.name, shown) {
            app_password if *shown == &phone && service == Service::Sssd => {
                app_password.granted("app-password")
            }
            refused => refused.unavailable(),
        });
        site.slapd.start_again();
        site.no_service();
        all_at_once(&each, |(door, shown)| rig.login(*door, &nina.name, shown).unavailable());
        site.running = Some(service.start());
        rig.login(Protocol::Imap, &nina.name, &secret).granted("primary+code");
        rig.login(Protocol::Imap, &nina.name, &phone).granted("app-password");
    });
}

fn a_directory_that_nsswitch_does_not_name_is_enough_for_pam(rig: &mut Rig) {
    with_both(rig, |site| {
        must(r"sed -i -E 's/^(passwd|group|shadow):.*/\1: files/' /etc/nsswitch.conf");
        let nina = site.person("nina");
        let (phone, totp) = (nina.app_password("phone"), nina.enroll_totp());
        let secret = format!("{PRIMARY}{}", totp.fresh_code());
        site.rig.pam("postern-imap", &nina.name, &phone).granted("app-password");
        site.rig.pam("postern-imap", &nina.name, &secret).granted("primary+code");
    });
}

fn a_directory_that_hangs_holds_up_nobody_else_at_posternd(rig: &mut Rig) {
    let alice = rig.virtual_person();
    let hers = alice.app_password("phone");
    with_both(rig, |site| {
        let (rig, nina) = (site.rig, site.person("nina"));
        let (phone, totp) = (nina.app_password("phone"), nina.enroll_totp());
        let secret = format!("{PRIMARY}{}", totp.fresh_code());
        // Else Postfix and Dovecot hang by themselves, whoever logs in.
        must(r"sed -i -E 's/^(passwd|group|shadow):.*/\1: files/' /etc/nsswitch.conf");
        site.slapd.pause();
        let began = Instant::now();
        all_at_once(&[(&nina, &phone), (&nina, &secret), (&alice, &hers)], |(who, shown)| {
            let attempt = rig.login(Protocol::Plugin, &who.name, shown);
            match who.name == alice.name {
                true => attempt.granted("app-password"),
                false => assert_ne!(attempt.login, Login::Ok, "{}", attempt.lines()),
            }
        });
        site.slapd.go_on();
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    });
}
