//! The attempts: who, with what, over which protocol, and how it should end.

use crate::support::clients::{Login, Protocol};
use crate::support::people::{PRIMARY, Person, postern, slip};
use crate::support::rig::Rig;

/// One attempt and its end.
pub struct Row {
    pub who: String,
    pub with: String,
    pub over: Protocol,
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
}

impl Row {
    pub fn as_expected(&self) -> bool {
        let said = |field: String| self.audit.split(' ').any(|part| part == field);
        match self.expected {
            Expected::In(path) => self.got == Login::Ok && said(format!("path={path}")),
            Expected::Out(why) => matches!(self.got, Login::Refused(_)) && said(format!("why={why}")),
        }
    }
}

struct Teller<'a> {
    rig: &'a Rig,
    rows: Vec<Row>,
}

impl Teller<'_> {
    fn attempt(&mut self, who: &Person, over: Protocol, (with, secret): (&str, &str), expected: Expected) {
        let attempt = self.rig.login(over, &who.name, secret);
        let (with, audit) = (with.to_owned(), attempt.audit());
        self.rows.push(Row { who: who.name.clone(), with, over, expected, got: attempt.login, audit });
    }
}

pub fn tell(rig: &Rig) -> Vec<Row> {
    let mut teller = Teller { rig, rows: Vec::new() };
    let alice = rig.virtual_person();
    let bob = rig.system_person();
    devices(&mut teller, &alice);
    second_factor(&mut teller, &alice);
    second_factor(&mut teller, &bob);
    others(&mut teller, &alice, &bob);
    teller.rows
}

fn devices(teller: &mut Teller<'_>, alice: &Person) {
    use Expected::{In, Out};
    use Protocol::{Imap, Pop3, Submission};
    let phone = alice.app_password("phone");
    for protocol in Protocol::ALL {
        teller.attempt(alice, protocol, ("app password phone", &phone), In("app-password"));
    }
    let reader = alice.app_password_for("reader", "imap");
    let reader = ("app password reader, for imap", reader.as_str());
    teller.attempt(alice, Imap, reader, In("app-password"));
    teller.attempt(alice, Submission, reader, Out("out-of-scope"));
    postern(&["app", "revoke", &alice.name, "phone"], "").result();
    teller.attempt(alice, Imap, ("app password phone, revoked", &phone), Out("revoked"));
    teller.attempt(alice, Submission, ("app password phone, revoked", &phone), Out("revoked"));
    let laptop = alice.app_password("laptop");
    teller.attempt(alice, Pop3, ("app password laptop", &laptop), In("app-password"));
    teller.attempt(alice, Pop3, ("app password laptop, a slip in it", &slip(&laptop)), Out("mistyped"));
}

fn second_factor(teller: &mut Teller<'_>, person: &Person) {
    use Expected::{In, Out};
    use Protocol::{Imap, Pop3, Sieve, Submission};
    let totp = person.enroll_totp();
    let stale = format!("{PRIMARY}{}", totp.stale_code());
    let fresh = format!("{PRIMARY}{}", totp.fresh_code());
    let foreign = format!("Ten lives{}", totp.fresh_code());
    teller.attempt(person, Imap, ("primary", PRIMARY), Out("second-factor-missing"));
    teller.attempt(person, Submission, ("primary", PRIMARY), Out("second-factor-missing"));
    teller.attempt(person, Sieve, ("primary and an old code", &stale), Out("wrong-code"));
    teller.attempt(person, Pop3, ("wrong primary and a code", &foreign), Out("wrong-primary"));
    teller.attempt(person, Submission, ("primary and a code", &fresh), In("primary+code"));
    teller.attempt(person, Imap, ("primary and the same code", &fresh), Out("code-spent"));
}

fn others(teller: &mut Teller<'_>, alice: &Person, bob: &Person) {
    use Expected::Out;
    let tablet = bob.app_password("tablet");
    let tablet = ("app password tablet, of bob", tablet.as_str());
    teller.attempt(alice, Protocol::Imap, tablet, Out("other-account"));
    postern(&["account", "disable", &bob.name], "").result();
    teller.attempt(bob, Protocol::Imap, tablet, Out("account-disabled"));
    let carol = teller.rig.stranger();
    teller.attempt(&carol, Protocol::Submission, ("primary", PRIMARY), Out("unknown-account"));
}
