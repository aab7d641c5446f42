//! What each rule said about an attempt, and which one decided.

mod app_password;
mod primary;

use std::borrow::Cow;

use serde::Serialize;

use crate::cli::attempt::seen::Seen;
use crate::cli::text::{self, Ink};
use crate::domain::account::AccountState;
use crate::domain::verdict::{Denial, Evidence, Known, Verdict};
use crate::verifier::Decision;

/// What one rule said.
#[derive(Serialize)]
pub(super) struct Rule {
    rule: &'static str,
    finding: Finding,
    said: Cow<'static, str>,
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
pub(super) fn rules(decision: &Decision, seen: &Seen<'_>) -> Vec<Rule> {
    let mut rules = match &decision.evidence {
        Evidence::Malformed => vec![no("input", "a field is out of bounds", Denial::Malformed)],
        Evidence::Mistyped => {
            vec![shape(app_password::SHAPE), no("check symbols", "they do not fit", Denial::Mistyped)]
        }
        Evidence::UnknownAppPassword => vec![
            shape(app_password::SHAPE),
            ok("check symbols", "they fit"),
            no("store", "it has no such app password", Denial::UnknownAppPassword),
        ],
        Evidence::AppPassword(found) => app_password::rules(found, decision, seen),
        Evidence::Primary(shown) => primary::rules(shown, decision, seen),
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
            text::escaped(&rule.said)
        ));
    }
}

fn account(known: Known, seen: &Seen<'_>) -> Rule {
    const RULE: &str = "account";
    let name = seen.account();
    match known {
        Known::Account(AccountState::Active) => ok(RULE, format!("{name} is active")),
        Known::Account(AccountState::Disabled) if seen.lacks_user => {
            no(RULE, format!("the system has no user {name}"), Denial::AccountDisabled)
        }
        Known::Account(AccountState::Disabled) => {
            no(RULE, format!("{name} is disabled"), Denial::AccountDisabled)
        }
        Known::Replaced => {
            no(RULE, format!("the name {name} is somebody else's now"), Denial::AccountReplaced)
        }
        Known::RollOut => ok(RULE, format!("the store does not know {name}, and in a roll-out it need not")),
        Known::Nothing => no(RULE, format!("the store does not know {name}"), Denial::UnknownAccount),
    }
}

fn shape(said: &'static str) -> Rule {
    ok("shape", said)
}

fn ok(rule: &'static str, said: impl Into<Cow<'static, str>>) -> Rule {
    Rule { rule, finding: Finding::Ok, said: said.into(), decided: false, denial: None }
}

fn no(rule: &'static str, said: impl Into<Cow<'static, str>>, denial: Denial) -> Rule {
    Rule { rule, finding: Finding::No, said: said.into(), decided: false, denial: Some(denial) }
}

fn not_asked(rule: &'static str) -> Rule {
    Rule { rule, finding: Finding::NotAsked, said: "not looked at".into(), decided: false, denial: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Path;
    use crate::domain::policy::Policy;
    use crate::domain::primary::PrimaryMatch;
    use crate::domain::throttle::Throttled;
    use crate::domain::verdict::{
        AppPasswordEvidence, CodeEvidence, Coverage, Life, Match, Owner, PrimaryEvidence, PrimaryFinding,
        judge,
    };

    fn decision(evidence: Evidence) -> Decision {
        let (verdict, path) = (judge(&evidence), Path::Primary);
        Decision {
            verdict,
            path,
            label: None,
            terms: None,
            malformed: None,
            waiver: None,
            evidence,
            hashes: 0,
        }
    }

    /// One rule decides a denial, and none a grant.
    #[track_caller]
    fn one_decides(evidence: Evidence) {
        let decision = decision(evidence);
        let denied = !decision.is_grant();
        let policy = Policy::default();
        let seen = Seen {
            policy: &policy,
            account: None,
            service: None,
            remote: None,
            primary: None,
            lacks_user: false,
            codes_from: None,
            near_miss: None,
            generated: true,
            has_namesake: false,
            free_label: String::new(),
        };
        let told = rules(&decision, &seen);
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
