//! Who may pass.
//!
//! Knows: what was found out about one attempt, and the one rule that turns it into an answer.
//! Never: how it was found out.

mod denial;
mod evidence;

pub use denial::Denial;
pub use evidence::{
    AppPasswordEvidence, CodeEvidence, Coverage, Evidence, Known, Life, Match, Owner, PrimaryEvidence,
    PrimaryFinding,
};

use crate::domain::account::AccountState;
use crate::domain::primary::PrimaryMatch;

/// The answer to one attempt. "Unavailable" is no verdict: it says nothing about the person.
#[derive(Debug)]
pub enum Verdict {
    /// May pass.
    Grant(Grant),
    /// May not, and why.
    Deny(Denial),
}

/// Proof that [`judge`] said yes. No other function can make one.
#[derive(Debug)]
pub struct Grant(());

/// Decides. The only maker of a [`Grant`].
#[must_use]
pub fn judge(evidence: &Evidence) -> Verdict {
    let denial = match evidence {
        Evidence::Malformed => Some(Denial::Malformed),
        Evidence::Mistyped => Some(Denial::Mistyped),
        Evidence::UnknownAppPassword => Some(Denial::UnknownAppPassword),
        Evidence::AppPassword(found) => against_app_password(found),
        Evidence::Primary(shown) => against_primary(shown),
    };
    denial.map_or(Verdict::Grant(Grant(())), Verdict::Deny)
}

const ACTIVE: Known = Known::Account(AccountState::Active);

fn against_app_password(found: &AppPasswordEvidence) -> Option<Denial> {
    use Coverage::{Inside, Outside};
    let limits = (found.policy, found.scope, found.networks);
    match (found.secret, found.owner, found.life, found.account, limits) {
        (Match::Right, Owner::Same, Life::Live, ACTIVE, (Inside, Inside, Inside)) => None,
        (Match::Wrong, ..) => Some(Denial::UnknownAppPassword),
        (_, Owner::Other, ..) => Some(Denial::OtherAccount),
        (_, _, Life::Revoked, ..) => Some(Denial::Revoked),
        (_, _, Life::Expired, ..) => Some(Denial::Expired),
        (_, _, _, Known::Account(AccountState::Disabled), _) => Some(Denial::AccountDisabled),
        (_, _, _, Known::Replaced, _) => Some(Denial::AccountReplaced),
        (_, _, _, Known::RollOut | Known::Nothing, _) => Some(Denial::UnknownAccount),
        (.., (Outside, _, _)) => Some(Denial::NotAcceptedHere),
        (.., (_, Outside, _)) => Some(Denial::OutOfScope),
        (.., (_, _, Outside)) => Some(Denial::OutsideNetworks),
    }
}

fn against_primary(shown: &PrimaryEvidence) -> Option<Denial> {
    use PrimaryFinding::{Checked, Elsewhere};
    let open = matches!(shown.account, ACTIVE | Known::RollOut);
    let right = matches!(shown.primary, Checked(PrimaryMatch::Right) | Elsewhere);
    let factor = matches!(shown.code, CodeEvidence::Right | CodeEvidence::Waived(_));
    if shown.policy == Coverage::Inside && open && right && factor {
        return None;
    }
    Some(why_not(shown))
}

fn why_not(shown: &PrimaryEvidence) -> Denial {
    use PrimaryFinding::{Checked, Elsewhere};
    match (shown.policy, shown.account, shown.primary, shown.code) {
        (Coverage::Outside, ..) | (_, _, PrimaryFinding::NotAsked, _) => Denial::NotAcceptedHere,
        (_, _, PrimaryFinding::Throttled(by), _) => Denial::Throttled(by),
        (_, Known::Nothing, ..) => Denial::UnknownAccount,
        (_, _, PrimaryFinding::Empty, _) => Denial::EmptyPrimary,
        (_, _, PrimaryFinding::Repeated, _) => Denial::Repeated,
        (_, _, Checked(PrimaryMatch::Wrong), _) => Denial::WrongPrimary,
        (_, Known::Replaced, ..) => Denial::AccountReplaced,
        (_, Known::Account(AccountState::Disabled), ..) | (_, _, Checked(PrimaryMatch::Closed), _) => {
            Denial::AccountDisabled
        }
        (_, _, Checked(PrimaryMatch::MustChange), _) => Denial::PrimaryExpired,
        (_, _, Checked(PrimaryMatch::Right) | Elsewhere, code) => against_code(code),
    }
}

const fn against_code(code: CodeEvidence) -> Denial {
    match code {
        CodeEvidence::NoKey => Denial::NoSecondFactor,
        CodeEvidence::Absent => Denial::SecondFactorMissing,
        CodeEvidence::Wrong => Denial::WrongCode,
        CodeEvidence::Spent => Denial::CodeSpent,
        CodeEvidence::Retired => Denial::RecoveryCodeRetired,
        CodeEvidence::PathClosed => Denial::CodePathClosed,
        // The account was neither open nor closed in a way that the arms above name.
        CodeEvidence::AccountChanged | CodeEvidence::Waived(_) | CodeEvidence::Right => {
            Denial::AccountChanged
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::CodeWaiver;
    use crate::domain::throttle::Throttled;

    const ACCOUNTS: [Known; 5] =
        [ACTIVE, Known::Account(AccountState::Disabled), Known::Replaced, Known::RollOut, Known::Nothing];

    const EACH: [Coverage; 2] = [Coverage::Inside, Coverage::Outside];

    fn coverages() -> Vec<[Coverage; 3]> {
        let pairs = EACH.iter().flat_map(|one| EACH.map(|two| (*one, two)));
        pairs.flat_map(|(one, two)| EACH.map(|three| [one, two, three])).collect()
    }

    fn granted(evidence: Evidence) -> bool {
        matches!(judge(&evidence), Verdict::Grant(_))
    }

    #[test]
    fn one_of_all_states_of_an_app_password_passes() {
        let mut passed = Vec::new();
        for secret in [Match::Right, Match::Wrong] {
            for owner in [Owner::Same, Owner::Other] {
                for life in [Life::Live, Life::Revoked, Life::Expired] {
                    for [scope, networks, policy] in coverages() {
                        for account in ACCOUNTS {
                            let found =
                                AppPasswordEvidence { secret, owner, life, scope, networks, policy, account };
                            if granted(Evidence::AppPassword(found)) {
                                passed.push((secret, owner, life, [scope, networks, policy], account));
                            }
                        }
                    }
                }
            }
        }
        let inside = [Coverage::Inside; 3];
        assert_eq!(passed, [(Match::Right, Owner::Same, Life::Live, inside, ACTIVE)]);
    }

    #[test]
    fn of_all_states_of_a_primary_those_pass_that_are_open_right_and_have_a_factor_or_need_none() {
        use CodeEvidence::{Absent, AccountChanged, NoKey, PathClosed, Retired, Right, Spent, Waived, Wrong};
        use PrimaryFinding::{Checked, Elsewhere, Empty, NotAsked, Repeated};
        let waivers = [CodeWaiver::Service, CodeWaiver::Network, CodeWaiver::NotEnrolled].map(Waived);
        let codes = [Absent, NoKey, Wrong, Spent, Retired, PathClosed, AccountChanged, Right];
        let throttled = [Throttled::Source, Throttled::Load].map(PrimaryFinding::Throttled);
        let matches =
            [PrimaryMatch::Right, PrimaryMatch::Wrong, PrimaryMatch::MustChange, PrimaryMatch::Closed];
        let primaries =
            [matches.map(Checked).as_slice(), &throttled, &[Elsewhere, Empty, Repeated, NotAsked]].concat();
        let mut passed = Vec::new();
        for account in ACCOUNTS {
            for primary in &primaries {
                for code in codes.iter().chain(&waivers) {
                    for policy in EACH {
                        let shown = PrimaryEvidence { policy, account, primary: *primary, code: *code };
                        if granted(Evidence::Primary(shown)) {
                            passed.push((policy, account, *primary, *code));
                        }
                    }
                }
            }
        }
        // Two accounts, two primaries, a right code or one of three waivers.
        assert_eq!(passed.len(), 2 * 2 * 4);
        for (policy, account, primary, code) in passed {
            assert_eq!(policy, Coverage::Inside);
            assert!([ACTIVE, Known::RollOut].contains(&account));
            assert!([Checked(PrimaryMatch::Right), Elsewhere].contains(&primary));
            assert!(code == Right || waivers.contains(&code));
        }
    }

    #[test]
    fn what_has_no_row_never_passes() {
        for evidence in [Evidence::Malformed, Evidence::Mistyped, Evidence::UnknownAppPassword] {
            assert!(!granted(evidence));
        }
    }
}
