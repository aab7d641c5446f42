//! The attempts, as they are made at each door: who, with what, and how it should end.

use std::sync::{Mutex, MutexGuard};

use crate::support::clients::{Login, Protocol};
use crate::support::people::{PRIMARY, Person, postern, slip};
use crate::support::rig::{Attempt, Rig};

/// One attempt and its end.
pub struct Told {
    pub who: &'static str,
    pub with: &'static str,
    pub expected: Expected,
    pub got: Login,
    pub audit: String,
}

#[derive(Clone, Copy)]
pub enum Expected {
    /// The path that the audit line must name.
    In(&'static str),
    /// The reason that it must name.
    Out(&'static str),
    /// Nobody could be asked, and the client is told to come back.
    Later,
}

use Expected::{In, Later, Out};

impl Told {
    pub fn as_expected(&self) -> bool {
        let said = |field: String| self.audit.split(' ').any(|part| part == field);
        match self.expected {
            In(path) => self.got == Login::Ok && said(format!("path={path}")),
            Out(why) => matches!(self.got, Login::Refused(_)) && said(format!("why={why}")),
            Later => matches!(self.got, Login::Temporary(_)),
        }
    }
}

/// Tells the story at one door, with people of its own: a code is good once, wherever it was used.
pub struct Teller<'a> {
    rig: &'a Rig,
    door: Protocol,
    who: &'static str,
    told: Vec<Told>,
}

/// All that happens while everything works.
pub fn tell(rig: &Rig, door: Protocol) -> Vec<Told> {
    let mut teller = Teller { rig, door, who: "", told: Vec::new() };
    let (alice, bob) = (rig.virtual_person(), rig.system_person());
    teller.app_passwords(&alice, &bob);
    teller.second_factor("alice, a virtual user: Postern has a hash of her password", &alice);
    teller.second_factor("bob, a Unix user: PAM checks his password", &bob);
    teller.closed_accounts(&bob);
    teller.told
}

/// Somebody who has a good app password, and logs in with it.
pub fn tell_without_posternd(rig: &Rig, door: Protocol) -> Vec<Told> {
    let mut teller = Teller { rig, door, who: "while posternd is stopped", told: Vec::new() };
    let alice = rig.virtual_person();
    let phone = alice.app_password("phone");
    let end = if teller.asks_posternd() { Later } else { In("app-password") };
    teller.attempt(&alice, "app password of a phone", &phone, end);
    teller.told
}

/// Three primary passwords at once and no more: a machine that has too many to check refuses some for that alone.
fn turn(door: Protocol) -> Option<MutexGuard<'static, ()>> {
    static TURNS: [Mutex<()>; 3] = [const { Mutex::new(()) }; 3];
    TURNS.get(door as usize % TURNS.len()).and_then(|turn| turn.lock().ok())
}

impl Teller<'_> {
    fn app_passwords(&mut self, alice: &Person, bob: &Person) {
        self.who = "alice, a virtual user: her programs and devices";
        let phone = alice.app_password("phone");
        let typed = phone.replace('-', "").to_uppercase();
        self.attempt(alice, "app password of her phone", &phone, In("app-password"));
        self.attempt(alice, "the same IN CAPITALS, no dashes", &typed, In("app-password"));
        self.attempt(alice, "the same with one letter wrong", &slip(&phone), Out("mistyped"));
        let reader = alice.app_password_for("reader", "imap");
        self.attempt(alice, "app password for imap alone", &reader, self.scoped("imap"));
        let printer = alice.limited_app_password("printer", &["--scope", "smtp", "--network", "127.0.0.0/8"]);
        let from_there =
            if self.door == Protocol::Saslauthd { Out("outside-networks") } else { self.scoped("smtp") };
        self.attempt(alice, "the same for smtp, one network", &printer, from_there);
        let tablet = bob.app_password("tablet");
        self.attempt(alice, "app password of bob", &tablet, Out("other-account"));
        postern(&["app", "revoke", &alice.name, "phone"], "").result();
        self.attempt(alice, "her app password, revoked", &phone, Out("revoked"));
    }

    fn second_factor(&mut self, who: &'static str, person: &Person) {
        self.who = who;
        let totp = person.enroll_totp();
        let recovery = postern(&["recovery", "new", &person.name], "").result();
        let recovery = format!("{PRIMARY} {}", recovery.lines().next().unwrap_or_default());
        let stale = format!("{PRIMARY}{}", totp.stale_code());
        let fresh = format!("{PRIMARY}{}", totp.fresh_code());
        let foreign = format!("Ten lives{}", totp.fresh_code());
        self.attempt(person, "own password, alone", PRIMARY, Out("second-factor-missing"));
        self.attempt(person, "own password and an old code", &stale, Out("wrong-code"));
        self.attempt(person, "wrong password and a new code", &foreign, Out("wrong-primary"));
        self.attempt(person, "own password and a new code", &fresh, In("primary+code"));
        self.attempt(person, "the same once more", &fresh, Out("code-spent"));
        self.attempt(person, "own password and a recovery code", &recovery, In("primary+recovery"));
    }

    fn closed_accounts(&mut self, bob: &Person) {
        self.who = "accounts that are closed, or not there";
        let laptop = bob.app_password("laptop");
        postern(&["account", "disable", &bob.name], "").result();
        self.attempt(bob, "app password of bob, disabled", &laptop, Out("account-disabled"));
        let carol = self.rig.stranger();
        self.attempt(&carol, "password of carol, no account", PRIMARY, Out("unknown-account"));
    }

    fn scoped(&self, service: &str) -> Expected {
        if self.door.service() == service { In("app-password") } else { Out("out-of-scope") }
    }

    fn asks_posternd(&self) -> bool {
        matches!(self.door, Protocol::Plugin | Protocol::Saslauthd)
    }

    fn attempt(&mut self, person: &Person, with: &'static str, secret: &str, expected: Expected) {
        // All app passwords begin with it, and take no turn.
        let _turn = (!secret.to_lowercase().starts_with('x')).then(|| turn(self.door));
        let attempt = self.rig.login(self.door, &person.name, secret);
        let audit = self.audit(&attempt);
        self.told.push(Told { who: self.who, with, expected, got: attempt.login, audit });
    }

    fn audit(&self, attempt: &Attempt) -> String {
        match (self.door, &attempt.login) {
            // libsasl finds nobody to ask, and Postern does not hear of it.
            (Protocol::Saslauthd, Login::Temporary(_)) => String::new(),
            (Protocol::Saslauthd, _) => attempt.audit_of_account(),
            _ => attempt.audit(),
        }
    }
}
