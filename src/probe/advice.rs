//! What is to be said about a door, and what is to be done.

use crate::probe::attempt::{Due, Kind, Try};
use crate::probe::client::Answer;
use crate::probe::door::{Door, Protocol};
use crate::probe::finding::{Mark, Remark, State};
use crate::probe::rounds::Target;

impl Remark {
    fn told(what: String, fix: impl Into<String>) -> Self {
        Self { what, fix: Some(fix.into()) }
    }
}

pub(super) fn unreachable(why: &str) -> Remark {
    Remark::told(format!("it cannot be reached: {why}"), "see whether its server runs, and where it listens")
}

pub(super) fn unguarded(door: &Door) -> Remark {
    let what =
        "Postern was not asked: it knows of no login there, so somebody else decides who gets in".to_owned();
    let log = "If the system's log has `unavailable` from Postern instead, do what its fix= says.";
    Remark::told(what, format!("{} {log}", whom_it_asks(door)))
}

pub(super) fn about(tried: &Try, mark: Mark, door: &Door, state: State) -> Option<Remark> {
    let name = tried.kind.name();
    match mark {
        Mark::Open => Some(Remark::told(format!("{name} gets in"), why_open(tried, door))),
        // Said once, of the door.
        Mark::Shut if state == State::Unguarded => None,
        Mark::Shut => Some(Remark::told(format!("{name} is refused{}", said(&tried.answer)), why_shut(door))),
        Mark::Untried => {
            Some(Remark { what: format!("{name} was not tried{}", said(&tried.answer)), fix: None })
        }
        Mark::Unproved => Some(Remark::told(
            format!("{name} was put off, which proves nothing{}", said(&tried.answer)),
            "see the system's log, and probe again",
        )),
        Mark::Allowed => Some(Remark {
            what: format!("{name} gets in from here, as postern.toml says; from elsewhere it was not tried"),
            fix: None,
        }),
        Mark::Right => None,
    }
}

fn said(answer: &Answer) -> String {
    answer.said().map_or_else(String::new, |said| format!(" ({said})"))
}

fn why_open(tried: &Try, door: &Door) -> String {
    match (tried.kind, &tried.granted_for) {
        (Kind::WrongScope, Some(service)) => format!(
            "Postern was told that this is `{service}`. Give each protocol its own name: in Dovecot args = postern-%s \
             (2.4: service_name = postern-%{{protocol}}), and no service= in /etc/pam.d."
        ),
        (Kind::WrongScope | Kind::Revoked | Kind::Replayed, _) => format!(
            "Something in front of Postern remembers passwords: take auth_cache_size and cache_key (2.4: use_cache) out of \
             Dovecot, and -c out of saslauthd's options. {}",
            whom_it_asks(door)
        ),
        (Kind::Unknown | Kind::Empty, _) => format!(
            "Whoever answers there asks for no password: look for nopassword, allow_all_users, pam_permit.so. {}",
            whom_it_asks(door)
        ),
        (Kind::PrimaryAlone | Kind::PrimaryWithCode | Kind::AppPassword, _) => {
            format!("Somebody beside Postern takes it. {}", whom_it_asks(door))
        }
    }
}

fn whom_it_asks(door: &Door) -> String {
    match door.protocol {
        Protocol::Submission => format!(
            "`postconf -P` shows whom port {} asks (smtpd_sasl_type, smtpd_sasl_path). Where that is Dovecot: `doveconf -n \
             passdb`. Where it is cyrus: only what packaging/examples/postfix has may be in its file in /etc/postfix/sasl.",
            door.port
        ),
        // The same for each of them, so that it is said once for all.
        Protocol::Imap | Protocol::Pop3 | Protocol::Sieve => {
            "`doveconf -n` shows who is asked: no passdb but Postern's, each with result_failure = return-fail and \
             result_internalfail = return-fail, and in /etc/pam.d/postern-<protocol> pam_postern.so alone."
                .to_owned()
        }
    }
}

fn why_shut(door: &Door) -> String {
    let service = door.protocol.service();
    format!(
        "The system's log says why: a line `denied account=\"postern-probe-...\"` with why=. With out-of-scope, the server \
         does not tell Postern that this is `{service}`."
    )
}

pub(super) fn behind(target: &Target) -> Option<Remark> {
    let is_behind = |tried: &&Try| {
        tried.due == Due::Pass && target.mark_of(tried) == Mark::Right && tried.answer != Answer::Passed
    };
    target.tries.iter().find(is_behind)?;
    Some(Remark::told(
        "the password was taken, and the login failed behind it".to_owned(),
        "That is as it must be for an account without a mailbox. To see whole logins, name a user whom the server knows: --user.",
    ))
}
