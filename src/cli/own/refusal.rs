//! What a refusal means to somebody who is not root, and what to do about it.

use std::io::ErrorKind;

use crate::backend::DaemonError;
use crate::cli::{Exit, table};
use crate::domain::self_service::Refusal;
use crate::domain::time::UnixTime;

/// What was refused, and why.
pub(in crate::cli) fn meaning(why: &Refusal) -> String {
    match why {
        Refusal::Unavailable => "Postern cannot do that at this moment".to_owned(),
        Refusal::Throttled => {
            "nothing was looked at: too many wrong passwords were shown, or too much is asked at once"
                .to_owned()
        }
        Refusal::Denied => "the password or the code is wrong, or the code was used before".to_owned(),
        Refusal::AppPasswordIsNoProof => "an app password is no proof of who you are".to_owned(),
        Refusal::Closed => "no password is taken here for the service manage".to_owned(),
        Refusal::NoAccount(name) => format!("there is no account {name}"),
        Refusal::NotOwn(name) => format!("the account {name} is not that of your Unix user"),
        Refusal::NotEnrolled => "you have no second factor yet".to_owned(),
        Refusal::EnrolledBefore => "you have a second factor already".to_owned(),
        Refusal::NothingToProveWith => {
            "your account has had an app password or a second factor, so that a password alone proves too little"
                .to_owned()
        }
        Refusal::NoAppPassword => "you have no live app password of that label".to_owned(),
        Refusal::LabelTaken => "you have a live one of that label already".to_owned(),
        Refusal::TooManyAppPasswords(most) => {
            format!("you have {most} live app passwords, the most there may be")
        }
        Refusal::LivesTooLong(days) => format!("an app password lives {days} days at most"),
        Refusal::WrongCode => "the code does not belong to this key".to_owned(),
        Refusal::CodeSpent(until) => spent(*until),
        Refusal::KeyTaken(label) => format!("you have this very key already, as {label:?}"),
        Refusal::TooManyKeys => "you have as many keys as there may be".to_owned(),
        Refusal::OtherCodeLength => "you have keys with codes of another length".to_owned(),
        Refusal::Changed => "the account was changed at this very moment".to_owned(),
    }
}

/// Why a new key is refused whose codes are right.
pub(in crate::cli) fn spent(until: UnixTime) -> String {
    let until = table::to_the_second(until);
    format!("codes of this account count as spent until {until}, since a key was removed or a copy restored")
}

/// What to do about it.
pub(in crate::cli) const UNTIL_THEN: &str = "wait until then, and enroll again; nothing was stored";

/// How the command ends, and what to do.
pub(in crate::cli) const fn advice(why: &Refusal) -> (Exit, &'static str) {
    match why {
        Refusal::Unavailable => (Exit::Unavailable, "ask your administrator: the log says what is missing"),
        Refusal::Throttled => (Exit::Denied, "wait a minute, then try again"),
        Refusal::Denied => (
            Exit::Denied,
            "type the account's own password, then the code that the app shows now; each code is good once",
        ),
        Refusal::AppPasswordIsNoProof => (
            Exit::Denied,
            "type the account's own password and a code: a device must not be able to make more",
        ),
        Refusal::Closed => (Exit::NotPermitted, "ask your administrator: postern.toml, [services] manage"),
        Refusal::NoAccount(_) => {
            (Exit::NotFound, "ask your administrator: postern account add NAME --primary pam")
        }
        Refusal::NotOwn(_) => {
            (Exit::NotPermitted, "ask your administrator: only accounts with --primary pam have a Unix user")
        }
        Refusal::NotEnrolled => (Exit::Denied, "enroll an authenticator app: postern totp enroll"),
        Refusal::EnrolledBefore => (Exit::Exists, "begin anew, and give a code with the password"),
        Refusal::NothingToProveWith => (
            Exit::NotPermitted,
            "ask your administrator: postern totp enroll NAME, or postern recovery new NAME",
        ),
        Refusal::NoAppPassword => (Exit::NotFound, "`postern app list` shows the labels"),
        Refusal::LabelTaken => (Exit::Exists, "choose another label, or revoke that one first"),
        Refusal::TooManyAppPasswords(_) => (Exit::Denied, "revoke one first: `postern app revoke`"),
        Refusal::LivesTooLong(_) => (Exit::Usage, "ask for an earlier end, or leave --expires out"),
        Refusal::WrongCode => (
            Exit::Denied,
            "nothing was stored: delete the entry in the app, compare the clocks, then enroll again",
        ),
        Refusal::CodeSpent(_) => (Exit::Denied, UNTIL_THEN),
        Refusal::KeyTaken(_) => (Exit::Exists, "make a new key for another device, or use the one there is"),
        Refusal::TooManyKeys => (Exit::Denied, "ask your administrator: postern totp remove NAME LABEL"),
        Refusal::OtherCodeLength => (Exit::Denied, "bring a key whose codes are as long"),
        Refusal::Changed => (Exit::Denied, "nothing was made; try again"),
    }
}

/// The same where posternd gave no answer.
pub(in crate::cli) fn without_an_answer(why: &DaemonError) -> (Exit, &'static str) {
    match why {
        DaemonError::Unreachable(error) if error.kind() == ErrorKind::PermissionDenied => {
            (Exit::NotPermitted, "ask your administrator to let you reach its manage socket")
        }
        DaemonError::Unreachable(_) => (
            Exit::Unavailable,
            "ask your administrator to start posternd, with a manage socket: postern.toml, [daemon] manage",
        ),
        DaemonError::ForeignOwner(_) => (Exit::Unavailable, "type no password, and tell your administrator"),
        DaemonError::TooLate | DaemonError::Gone => {
            (Exit::Unavailable, "`postern app list` shows what was made; revoke what you have not seen")
        }
        DaemonError::NoAnswer(_) => {
            (Exit::Unavailable, "ask your administrator to install command and daemon of one version")
        }
    }
}
