//! What each rule said about an attempt, and which one decided.

use serde::Serialize;

use crate::cli::text::{self, Ink};
use crate::domain::account::AccountState;
use crate::domain::primary::PrimaryMatch;
use crate::domain::throttle::Throttled;
use crate::domain::verdict::{
    AppPasswordEvidence, CodeEvidence, Coverage, Denial, Evidence, Known, Life, Match, Owner,
    PrimaryEvidence, PrimaryFinding, Verdict,
};
use crate::verifier::Decision;

/// What one rule said.
#[derive(Serialize)]
pub(super) struct Rule {
    rule: &'static str,
    finding: Finding,
    said: &'static str,
    decided: bool,
    #[serde(skip)]
    denial: Option<Denial>,
}

#[derive(Serialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Finding {
    Ok,
    No,
    NotAsked,
}

/// The rules in the order in which they are told.
pub(super) fn rules(decision: &Decision) -> Vec<Rule> {
    let mut rules = match &decision.evidence {
        Evidence::Malformed => vec![no("input", "a field is out of bounds", Denial::Malformed)],
        Evidence::Mistyped => {
            vec![shape(APP_PASSWORD), no("check symbols", "they do not fit", Denial::Mistyped)]
        }
        Evidence::UnknownAppPassword => vec![
            shape(APP_PASSWORD),
            ok("check symbols", "they fit"),
            no("store", "it has no such app password", Denial::UnknownAppPassword),
        ],
        Evidence::AppPassword(found) => about_app_password(found),
        Evidence::Primary(shown) => about_primary(shown, decision),
    };
    if let Verdict::Deny(why) = decision.verdict {
        if let Some(rule) = rules.iter_mut().find(|rule| rule.denial == Some(why)) {
            rule.decided = true;
        }
    }
    rules
}

/// Tells the rules on stderr, one on each line.
pub(super) fn tell(rules: &[Rule]) {
    for rule in rules {
        let (word, ink) = match rule.finding {
            Finding::Ok => ("ok", Ink::Good),
            Finding::No => ("no", Ink::Bad),
            Finding::NotAsked => ("-", Ink::Faint),
        };
        let mark = if rule.decided { "  <- this decided" } else { "" };
        text::note(&format!(
            "  {:<15}{}{}{mark}",
            rule.rule,
            text::painted(&format!("{word:<4}"), ink),
            rule.said
        ));
    }
}

const APP_PASSWORD: &str = "20 symbols that begin with x: an app password";

fn about_app_password(found: &AppPasswordEvidence) -> Vec<Rule> {
    vec![
        shape(APP_PASSWORD),
        ok("check symbols", "they fit"),
        match found.secret {
            Match::Right => ok("hash", "it matches"),
            Match::Wrong => no("hash", "it does not match", Denial::UnknownAppPassword),
        },
        match found.owner {
            Owner::Same => ok("owner", "it is this account's"),
            Owner::Other => no("owner", "it is another account's", Denial::OtherAccount),
        },
        match found.life {
            Life::Live => ok("life", "it is live"),
            Life::Revoked => no("life", "it is revoked", Denial::Revoked),
            Life::Expired => no("life", "its time is over", Denial::Expired),
        },
        account(found.account),
        match found.policy {
            Coverage::Inside => ok("policy", "the service takes app passwords"),
            Coverage::Outside => no("policy", "the service takes no app passwords", Denial::NotAcceptedHere),
        },
        match found.scope {
            Coverage::Inside => ok("scope", "it is good for the service"),
            Coverage::Outside => no("scope", "it is not good for the service", Denial::OutOfScope),
        },
        match found.networks {
            Coverage::Inside => ok("networks", "it is good from the address"),
            Coverage::Outside => no("networks", "it is not good from the address", Denial::OutsideNetworks),
        },
    ]
}

fn about_primary(shown: &PrimaryEvidence, decision: &Decision) -> Vec<Rule> {
    use crate::audit::Path;
    let read = match decision.path {
        Path::PrimaryWithCode => "no app password; it ends in a code: the rest is the primary password",
        Path::PrimaryWithRecovery => {
            "no app password; it ends in a recovery code: the rest is the primary password"
        }
        Path::SecondFactor => "a code alone",
        Path::Primary | Path::None | Path::AppPassword => "no app password and no code: a primary password",
    };
    vec![
        shape(read),
        match shown.policy {
            Coverage::Inside => ok("policy", "the service takes primary passwords"),
            Coverage::Outside => {
                no("policy", "the service takes no primary passwords", Denial::NotAcceptedHere)
            }
        },
        throttle(shown.primary),
        if shown.primary == PrimaryFinding::NotAsked { not_asked("account") } else { account(shown.account) },
        primary(shown.primary),
        code(shown),
    ]
}

fn throttle(found: PrimaryFinding) -> Rule {
    const RULE: &str = "throttle";
    match found {
        PrimaryFinding::Throttled(by @ Throttled::Source) => {
            no(RULE, "too many wrong passwords from this address", Denial::Throttled(by))
        }
        PrimaryFinding::Throttled(by @ Throttled::Load) => {
            no(RULE, "too many passwords are being checked", Denial::Throttled(by))
        }
        PrimaryFinding::Repeated => no(RULE, "the same was refused moments ago", Denial::Repeated),
        PrimaryFinding::NotAsked => not_asked(RULE),
        PrimaryFinding::Checked(_) | PrimaryFinding::Elsewhere | PrimaryFinding::Empty => ok(RULE, "open"),
    }
}

fn account(known: Known) -> Rule {
    const RULE: &str = "account";
    match known {
        Known::Account(AccountState::Active) => ok(RULE, "it is active"),
        Known::Account(AccountState::Disabled) => no(RULE, "it is closed", Denial::AccountDisabled),
        Known::Replaced => no(RULE, "its name is somebody else's now", Denial::AccountReplaced),
        Known::RollOut => ok(RULE, "the store does not know it, and in a roll-out it need not"),
        Known::Nothing => no(RULE, "the store does not know it", Denial::UnknownAccount),
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

const fn shape(said: &'static str) -> Rule {
    ok("shape", said)
}

const fn ok(rule: &'static str, said: &'static str) -> Rule {
    Rule { rule, finding: Finding::Ok, said, decided: false, denial: None }
}

const fn no(rule: &'static str, said: &'static str, denial: Denial) -> Rule {
    Rule { rule, finding: Finding::No, said, decided: false, denial: Some(denial) }
}

const fn not_asked(rule: &'static str) -> Rule {
    Rule { rule, finding: Finding::NotAsked, said: "not looked at", decided: false, denial: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Path;
    use crate::domain::verdict::judge;

    fn decision(evidence: Evidence) -> Decision {
        let (verdict, path) = (judge(&evidence), Path::Primary);
        Decision { verdict, path, label: None, malformed: None, waiver: None, evidence, hashes: 0 }
    }

    /// One rule decides a denial, and none a grant.
    #[track_caller]
    fn one_decides(evidence: Evidence) {
        let decision = decision(evidence);
        let denied = !decision.is_grant();
        let told = rules(&decision);
        let decided: Vec<_> = told.iter().filter(|rule| rule.decided).collect();
        assert_eq!(decided.len(), usize::from(denied), "{evidence:?}");
        assert!(decided.iter().all(|rule| rule.finding == Finding::No), "{evidence:?}");
        assert_eq!(told.iter().any(|rule| rule.finding == Finding::No), denied, "{evidence:?}");
    }

    const KNOWN: [Known; 5] = [
        Known::Account(AccountState::Active),
        Known::Account(AccountState::Disabled),
        Known::Replaced,
        Known::RollOut,
        Known::Nothing,
    ];

    #[test]
    fn what_decided_is_named_for_every_app_password() {
        let each = [Coverage::Inside, Coverage::Outside];
        for account in &KNOWN[..3] {
            for life in [Life::Live, Life::Revoked, Life::Expired] {
                for (secret, owner) in
                    [(Match::Right, Owner::Same), (Match::Right, Owner::Other), (Match::Wrong, Owner::Same)]
                {
                    for limits in 0..8 {
                        let [policy, scope, networks] = [0, 1, 2].map(|bit| each[limits >> bit & 1]);
                        one_decides(Evidence::AppPassword(AppPasswordEvidence {
                            secret,
                            owner,
                            life,
                            scope,
                            networks,
                            policy,
                            account: *account,
                        }));
                    }
                }
            }
        }
    }

    #[test]
    fn what_decided_is_named_for_every_primary() {
        use PrimaryFinding::{Checked, Elsewhere, Empty, NotAsked, Repeated};
        for account in KNOWN {
            for primary in [
                Checked(PrimaryMatch::Right),
                Checked(PrimaryMatch::Wrong),
                Checked(PrimaryMatch::MustChange),
                Checked(PrimaryMatch::Closed),
                Elsewhere,
                Empty,
                Repeated,
                PrimaryFinding::Throttled(Throttled::Load),
            ] {
                for code in [
                    CodeEvidence::Right,
                    CodeEvidence::Absent,
                    CodeEvidence::NoKey,
                    CodeEvidence::Wrong,
                    CodeEvidence::Spent,
                    CodeEvidence::Retired,
                    CodeEvidence::PathClosed,
                    CodeEvidence::AccountChanged,
                ] {
                    let policy = Coverage::Inside;
                    one_decides(Evidence::Primary(PrimaryEvidence { policy, account, primary, code }));
                }
            }
        }
        let (account, code) = (Known::Nothing, CodeEvidence::Absent);
        let policy = Coverage::Outside;
        one_decides(Evidence::Primary(PrimaryEvidence { policy, account, primary: NotAsked, code }));
    }

    #[test]
    fn what_has_no_row_is_decided_by_its_shape() {
        [Evidence::Malformed, Evidence::Mistyped, Evidence::UnknownAppPassword]
            .into_iter()
            .for_each(one_decides);
    }
}
