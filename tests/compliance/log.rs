//! What the system's log tells of changes, and of those who go on trying.

use std::fs;

use crate::Fact;
use crate::support::clients::{Mailer, Protocol};
use crate::support::command::{must, run};
use crate::support::people::postern;
use crate::support::rig::Rig;

pub const FACTS: &[Fact] = facts![
    every_change_is_a_line_that_names_its_row,
    a_phone_that_goes_on_trying_is_told_of_once_an_hour,
    fail2ban_finds_who_guesses_and_no_phone_that_is_revoked,
];

fn every_change_is_a_line_that_names_its_row(rig: &mut Rig) {
    let alice = rig.virtual_person();
    let mark = rig.log.mark();
    alice.app_password("a\" anchor=1:00000000 by=7");
    postern(&["app", "revoke", &alice.name, "a\" anchor=1:00000000 by=7"], "").result();
    let quoted = r#"label="a\" anchor=1:00000000 by=7" by=0 anchor="#;
    for event in ["app.add", "app.revoke"] {
        let begin = format!("changed event={event} account=\"{}\" {quoted}", alice.name);
        let line = rig.log.find(mark, |line| line.contains(&begin)).unwrap_or_else(|| panic!("{begin}"));
        let (_, anchor) = line.split_once(quoted).unwrap();
        let anchor = anchor.split(' ').next().unwrap();
        postern(&["log", "verify", "--anchor", anchor], "").result();
    }
    // A change that was refused leaves none.
    let mark = rig.log.mark();
    assert_ne!(postern(&["app", "revoke", &alice.name, "nothing"], "").status, 0);
    postern(&["app", "add", &alice.name, "--label", "last"], "").result();
    rig.log.find(mark, |line| line.contains("changed event=app.add")).unwrap();
    let changes = rig.log.since(mark).iter().filter(|line| line.contains("changed event=")).count();
    assert_eq!(changes, 1);
}

fn a_phone_that_goes_on_trying_is_told_of_once_an_hour(rig: &mut Rig) {
    let alice = rig.virtual_person();
    let lost = alice.app_password("lost phone");
    let kept = alice.app_password("kept");
    postern(&["app", "revoke", &alice.name, "lost phone"], "").result();
    let mark = rig.log.mark();
    let log_in = |secret: &str| {
        let pamtester = ["-I", "rhost=192.0.2.99", "postern-imap", &alice.name, "authenticate"];
        run("pamtester", &pamtester, &format!("{secret}\n")).status
    };
    for _ in 0..20 {
        assert_ne!(log_in(&lost), 0);
    }
    // It counts for no limit: another device at the same address logs in.
    assert_eq!(log_in(&kept), 0);
    rig.log.find(mark, |line| line.contains("granted ")).unwrap();
    let told: Vec<String> =
        rig.log.since(mark).into_iter().filter(|line| line.contains("why=revoked")).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].ends_with("label=\"lost phone\" why=revoked"), "{told:?}");
}

fn fail2ban_finds_who_guesses_and_no_phone_that_is_revoked(rig: &mut Rig) {
    let alice = rig.virtual_person();
    let lost = alice.app_password("lost phone");
    postern(&["app", "revoke", &alice.name, "lost phone"], "").result();
    let mark = rig.log.mark();
    let imap = rig.login(Protocol::Imap, &alice.name, "wrong");
    imap.denied("wrong-primary");
    let smtp = rig.submit(Mailer::Curl, "PLAIN", &alice.name, "wrong too");
    smtp.denied("wrong-primary");
    for protocol in Protocol::ALL {
        rig.login(protocol, &alice.name, &lost).denied("revoked");
    }
    // As rsyslog writes them: with a host's name, without a priority.
    let written = |line: String| {
        let (time, said) = line.split_once('>').unwrap().1.split_at(15);
        format!("{time} mail{said}\n")
    };
    let log: String = rig.log.since(mark).into_iter().map(written).collect();
    fs::write("/run/rig/auth.log", log).unwrap();
    must("install -m 644 packaging/fail2ban/filter.d/postern.conf /etc/fail2ban/filter.d/");
    must("install -m 644 packaging/fail2ban/jail.d/postern.conf /etc/fail2ban/jail.d/");
    let found = run("fail2ban-regex", &["-o", "ip", "/run/rig/auth.log", "postern"], "").result();
    let mut found: Vec<&str> = found.lines().collect();
    found.dedup();
    assert_eq!(found, [imap.from.as_str(), &smtp.from]);
}
