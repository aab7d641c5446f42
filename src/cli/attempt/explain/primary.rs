//! The rules about a primary password.

use super::{Rule, account, no, not_asked, ok, shape};
use crate::audit::Path;
use crate::cli::attempt::seen::Seen;
use crate::domain::account::AccountState;
use crate::domain::app_password::NearMiss;
use crate::domain::primary::PrimaryMatch;
use crate::domain::throttle::Throttled;
use crate::domain::verdict::{CodeEvidence, Coverage, Denial, Known, PrimaryEvidence, PrimaryFinding};
use crate::verifier::Decision;

pub(super) fn rules(shown: &PrimaryEvidence, decision: &Decision, seen: &Seen<'_>) -> Vec<Rule> {
    let service = seen.service();
    vec![
        shape(read_as(decision, seen)),
        match shown.policy {
            Coverage::Inside => ok("policy", format!("{service} takes primary passwords")),
            Coverage::Outside => {
                let taken = seen.accepts();
                no(
                    "policy",
                    format!("{service} takes no primary passwords; {taken}"),
                    Denial::NotAcceptedHere,
                )
            }
        },
        throttle(shown.primary, seen),
        if shown.primary == PrimaryFinding::NotAsked {
            not_asked("account")
        } else {
            account(shown.account, seen)
        },
        // There is no primary password that could be wrong.
        if shown.account == Known::Nothing { not_asked("primary") } else { primary(shown.primary) },
        code(shown),
    ]
}

fn read_as(decision: &Decision, seen: &Seen<'_>) -> &'static str {
    match (decision.path, seen.near_miss) {
        (Path::SecondFactor, _) => "a code alone",
        (_, Some(NearMiss::TooFew)) => {
            "it looks like an app password with one symbol too few: a primary password"
        }
        (_, Some(NearMiss::TooMany)) => {
            "it looks like an app password with one symbol too many: a primary password"
        }
        (Path::PrimaryWithCode, None) => {
            "no app password; it ends in a code: the rest is the primary password"
        }
        (Path::PrimaryWithRecovery, None) => {
            "no app password; it ends in a recovery code: the rest is the primary password"
        }
        (Path::Primary | Path::None | Path::AppPassword, None) => {
            "no app password and no code: a primary password"
        }
    }
}

fn throttle(found: PrimaryFinding, seen: &Seen<'_>) -> Rule {
    const RULE: &str = "throttle";
    match found {
        PrimaryFinding::Throttled(by @ Throttled::Source) => {
            let from = seen.remote.map_or_else(|| "no address".to_owned(), |address| address.to_string());
            no(RULE, format!("too many wrong passwords from {from}"), Denial::Throttled(by))
        }
        PrimaryFinding::Throttled(by @ Throttled::Load) => {
            no(RULE, "too many passwords are being checked", Denial::Throttled(by))
        }
        PrimaryFinding::Repeated => no(RULE, "the same was refused moments ago", Denial::Repeated),
        PrimaryFinding::NotAsked => not_asked(RULE),
        PrimaryFinding::Checked(_) | PrimaryFinding::Elsewhere | PrimaryFinding::Empty => ok(RULE, "open"),
    }
}

fn primary(found: PrimaryFinding) -> Rule {
    const RULE: &str = "primary";
    match found {
        PrimaryFinding::Checked(PrimaryMatch::Right) => ok(RULE, "it is right"),
        PrimaryFinding::Checked(PrimaryMatch::Wrong) => no(RULE, "it is wrong", Denial::WrongPrimary),
        PrimaryFinding::Checked(PrimaryMatch::MustChange) => {
            no(RULE, "it is right, and must be changed", Denial::PrimaryExpired)
        }
        PrimaryFinding::Checked(PrimaryMatch::Closed) => {
            no(RULE, "it is right, and the system has closed the account", Denial::AccountDisabled)
        }
        PrimaryFinding::Empty => no(RULE, "it is empty", Denial::EmptyPrimary),
        PrimaryFinding::Elsewhere => ok(RULE, "another module checks it"),
        PrimaryFinding::Repeated | PrimaryFinding::Throttled(_) | PrimaryFinding::NotAsked => not_asked(RULE),
    }
}

fn code(shown: &PrimaryEvidence) -> Rule {
    const RULE: &str = "second factor";
    let right =
        matches!(shown.primary, PrimaryFinding::Checked(PrimaryMatch::Right) | PrimaryFinding::Elsewhere);
    let open = matches!(shown.account, Known::Account(AccountState::Active) | Known::RollOut);
    if !right || !open {
        return not_asked(RULE);
    }
    match shown.code {
        CodeEvidence::Right => ok(RULE, "the code is right"),
        CodeEvidence::Waived(_) => ok(RULE, "none is needed here"),
        CodeEvidence::Absent => no(RULE, "there is no code", Denial::SecondFactorMissing),
        CodeEvidence::NoKey => no(RULE, "the account has none", Denial::NoSecondFactor),
        CodeEvidence::Wrong => no(RULE, "the code is wrong", Denial::WrongCode),
        CodeEvidence::Spent => no(RULE, "the code is spent", Denial::CodeSpent),
        CodeEvidence::Retired => no(RULE, "the code is of an older sheet", Denial::RecoveryCodeRetired),
        CodeEvidence::PathClosed => no(RULE, "too many codes were wrong before", Denial::CodePathClosed),
        CodeEvidence::AccountChanged => no(RULE, "the account changed meanwhile", Denial::AccountChanged),
    }
}
