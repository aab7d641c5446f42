//! The reason words of the audit log in plain words.

use super::seen::Seen;
use crate::audit::Path;
use crate::cli::{table, text};
use crate::domain::throttle::Throttled;
use crate::domain::verdict::Denial;
use crate::store::PrimaryCheck;
use crate::verifier::Decision;

/// What a reason means.
pub(super) const fn meaning(why: Denial, seen: &Seen<'_>) -> &'static str {
    match why {
        Denial::AccountDisabled if seen.lacks_user => {
            "The secret is right, but PAM keeps the account, and this system has no user of its name."
        }
        Denial::Malformed => "A field is empty, too long, or has characters that no host sends there.",
        Denial::OtherIdentity => {
            "The mail program asks to act as somebody else than the account it logs in to."
        }
        Denial::Mistyped => {
            "This has the form of an app password, and its check symbols do not fit: a slip of the hand."
        }
        Denial::UnknownAppPassword => "This is an app password, but none of this store.",
        Denial::OtherAccount => "This app password belongs to another account.",
        Denial::Revoked => "This app password has been revoked.",
        Denial::Expired => "The time of this app password is over.",
        Denial::OutsideNetworks => "This app password is not good from this address, or from none.",
        Denial::OutOfScope => "This app password is not good for this service.",
        Denial::UnknownAccount => "There is no such account.",
        Denial::EmptyPrimary => "The primary password is empty.",
        Denial::WrongPrimary => "The primary password is wrong.",
        Denial::PrimaryExpired => {
            "The primary password is right, and must be changed before it is used again."
        }
        Denial::SecondFactorMissing => "The primary password is right, and there is no code behind it.",
        Denial::NoSecondFactor => "The primary password is right, and the account has no second factor.",
        Denial::WrongCode => "The primary password is right, and the code is wrong.",
        Denial::CodeSpent => "The primary password is right, and the code has been used before.",
        Denial::RecoveryCodeRetired => {
            "The primary password is right, and the recovery code is one of an older sheet."
        }
        Denial::CodePathClosed => {
            "The primary password is right, and the code was not looked at: too many were wrong before."
        }
        Denial::NotAcceptedHere => "This service does not take this kind of password.",
        Denial::Repeated => "This very password was refused from this address within the last ten minutes.",
        Denial::Throttled(Throttled::Source) => {
            "Nothing was looked at: too many wrong primary passwords have come from this address."
        }
        Denial::Throttled(Throttled::Load) => {
            "Nothing was looked at: too many primary passwords are being checked at once."
        }
        Denial::AccountReplaced => {
            "The secret is right, but the system has given the account's name to somebody else since."
        }
        Denial::AccountDisabled => "The secret is right, and the account is disabled, here or by the system.",
        Denial::AccountChanged => "The account was closed or got another primary password in this moment.",
    }
}

/// What to do about it.
pub(super) fn next_step(why: Denial, decision: &Decision, seen: &Seen<'_>) -> String {
    let codes_from = seen.codes_from.filter(|_| matches!(decision.path, Path::PrimaryWithCode));
    let hint = match (why, seen.near_miss) {
        (Denial::WrongPrimary | Denial::EmptyPrimary | Denial::Repeated, Some(_)) => ALMOST_AN_APP_PASSWORD,
        (Denial::AccountDisabled | Denial::WrongPrimary, None) if seen.lacks_user => NO_USER,
        (Denial::WrongPrimary, None) => about_primary(decision.path, seen.primary.as_ref()),
        (Denial::CodeSpent, _) if codes_from.is_some() => WAIT,
        (Denial::Revoked | Denial::Expired, _) if seen.has_namesake => REPLACED,
        _ => in_general(why),
    };
    let scope = decision.terms.as_ref().map(|terms| seen.wider(&terms.scope));
    let from = codes_from.map(table::to_the_second).unwrap_or_default();
    let others = [
        ("{scope}", scope.unwrap_or_default()),
        ("{from}", from),
        ("{new}", text::shell_word(&seen.free_label)),
    ];
    seen.subject(decision).fill_with(hint, &others)
}

const ALMOST_AN_APP_PASSWORD: &str = "an app password has 20 symbols: copy it again; if it is gone, make another: \
                                      `postern app add --label={new} {account}`";

const REPLACED: &str = "the account has a live one of that label, and the program still sends the one before: put the live one \
                        in, or make another: `postern app add --label={new} {account}`";

const WAIT: &str = "each code is good for one login, and the app's count as spent until {from}: wait until then, or take \
                    the next line of the sheet";

const NO_USER: &str = "the system has no user of that name: add one; or let Postern keep the password: \
                       `postern account remove {account}`, then `postern account add --primary store {account}`";

/// Where a wrong primary may come from.
const fn about_primary(path: Path, keeper: Option<&PrimaryCheck>) -> &'static str {
    match (path, keeper) {
        (Path::PrimaryWithCode, _) => {
            "the digits at its end were read as the code: is the password before them right?"
        }
        (Path::PrimaryWithRecovery, _) => {
            "its end was read as a recovery code: is the password before it right?"
        }
        (_, Some(PrimaryCheck::Store(_))) => "to set a new one: `postern account passwd {account}`",
        (_, _) => "PAM keeps it: change it there, often with passwd(1)",
    }
}

/// The same for each reason, with `{account}`, `{label}` and `{scope}` in the places of names.
const fn in_general(why: Denial) -> &'static str {
    match why {
        Denial::Malformed => "look at what `field=` names",
        Denial::OtherIdentity => "leave the authorization identity of the mail program empty",
        Denial::Mistyped => {
            "copy it again; if it is gone, make another: `postern app add --label={new} {account}`"
        }
        Denial::OutsideNetworks => {
            "name the client's address with --rhost; to let it in from any: `postern app limit --network any {account} {label}`"
        }
        Denial::UnknownAppPassword | Denial::Revoked | Denial::Expired => {
            "make another: `postern app add --label={new} {account}`"
        }
        Denial::OtherAccount => "look for a wrong user name in the mail program",
        Denial::OutOfScope => {
            "make it good for that too: `postern app limit --scope={scope} {account} {label}`"
        }
        Denial::UnknownAccount => {
            "`postern account list` shows how names are spelled; to add it: `postern account add --primary pam {account}`"
        }
        Denial::EmptyPrimary => "type the primary password, and the code directly behind it",
        Denial::WrongPrimary => "is it typed as it was set?",
        Denial::PrimaryExpired => {
            "change it where PAM keeps it, often with passwd(1); app passwords are good all the while"
        }
        Denial::SecondFactorMissing => "type the code directly behind the password, or use an app password",
        Denial::NoSecondFactor => {
            "`postern totp enroll {account}`; or an app password: `postern app add --label={new} {account}`"
        }
        Denial::WrongCode => {
            "compare the clocks of this host and of the app; a code is good for a minute and a half"
        }
        Denial::CodeSpent => {
            "each code is good for one login: wait for the next one, or take the next line of the sheet"
        }
        Denial::AccountChanged => "try once more",
        Denial::RecoveryCodeRetired => "take the newest sheet; new codes: `postern recovery new {account}`",
        Denial::CodePathClosed => {
            "log in with a recovery code, or open the path: `postern account unlock {account}`; somebody knows the password"
        }
        Denial::NotAcceptedHere => "`postern config check` says what each service takes",
        Denial::Repeated => {
            "is an old password stored somewhere? to forget it: `postern account unlock {account}`"
        }
        Denial::Throttled(Throttled::Source) => {
            "wait a minute, or `postern account unlock {account}`; app passwords are good all the while"
        }
        Denial::Throttled(Throttled::Load) => "try again; app passwords are good all the while",
        Denial::AccountReplaced => {
            "give it to its new owner: `postern account remove {account}`, then `postern account add --primary pam {account}`"
        }
        Denial::AccountDisabled => {
            "enable it: `postern account enable {account}`; a Unix account may be locked or expired as well"
        }
    }
}
