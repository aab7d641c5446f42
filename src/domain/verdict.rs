//! Who may pass.
//!
//! Knows: what was found out about one attempt, and the one rule that turns it into an answer.
//! Never: how it was found out.

use crate::domain::account::AccountState;
use crate::domain::policy::CodeWaiver;
use crate::domain::primary::PrimaryMatch;
use crate::domain::throttle::Throttled;

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

/// Why an attempt was denied; for the audit line, never for the one who tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// A field was out of bounds.
    Malformed,
    /// It asks to act as somebody else.
    OtherIdentity,
    /// An app password whose check symbols disagree.
    Mistyped,
    /// An app password that the store does not have.
    UnknownAppPassword,
    /// An app password of another account.
    OtherAccount,
    /// A revoked app password.
    Revoked,
    /// An app password whose time is over.
    Expired,
    /// An app password that is not good for the service.
    OutOfScope,
    /// An app password that is not good from the remote host.
    OutsideNetworks,
    /// An account that the store does not have.
    UnknownAccount,
    /// An empty primary password.
    EmptyPrimary,
    /// A wrong primary password.
    WrongPrimary,
    /// A primary password that must be changed first.
    PrimaryExpired,
    /// The right primary password, and no code behind it.
    SecondFactorMissing,
    /// The right primary password of an account without a second factor.
    NoSecondFactor,
    /// The right primary password and a wrong code.
    WrongCode,
    /// The right primary password and a code that was used before.
    CodeSpent,
    /// The right primary password and a recovery code that newer ones have replaced.
    RecoveryCodeRetired,
    /// The right primary password and a code that nobody compared: too many were wrong before.
    CodePathClosed,
    /// A kind of authenticator that the service does not take.
    NotAcceptedHere,
    /// The very secret that was refused moments ago.
    Repeated,
    /// Nothing was looked at.
    Throttled(Throttled),
    /// A right secret of a closed account.
    AccountDisabled,
    /// A right secret of an account whose name the system has given to somebody else.
    AccountReplaced,
    /// The account was closed or got another primary during the login.
    AccountChanged,
}

impl Denial {
    /// The word in an audit line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::OtherIdentity => "other-identity",
            Self::Mistyped => "mistyped",
            Self::UnknownAppPassword => "unknown-app-password",
            Self::OtherAccount => "other-account",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::OutOfScope => "out-of-scope",
            Self::OutsideNetworks => "outside-networks",
            Self::UnknownAccount => "unknown-account",
            Self::EmptyPrimary => "empty-primary",
            Self::WrongPrimary => "wrong-primary",
            Self::PrimaryExpired => "primary-expired",
            Self::SecondFactorMissing => "second-factor-missing",
            Self::NoSecondFactor => "no-second-factor",
            Self::WrongCode => "wrong-code",
            Self::CodeSpent => "code-spent",
            Self::RecoveryCodeRetired => "recovery-code-retired",
            Self::CodePathClosed => "code-path-closed",
            Self::NotAcceptedHere => "not-accepted-here",
            Self::Repeated => "repeated",
            Self::Throttled(Throttled::Source) => "throttled-source",
            Self::Throttled(Throttled::Load) => "throttled-load",
            Self::AccountDisabled => "account-disabled",
            Self::AccountReplaced => "account-replaced",
            Self::AccountChanged => "account-changed",
        }
    }
}

/// What was found out about one attempt.
#[derive(Clone, Copy, Debug)]
pub enum Evidence {
    /// A field was out of bounds.
    Malformed,
    /// The field has the shape of an app password and wrong check symbols.
    Mistyped,
    /// The field is an app password that no row has.
    UnknownAppPassword,
    /// The field is an app password that a row has.
    AppPassword(AppPasswordEvidence),
    /// The field is a primary password, with or without a code.
    Primary(PrimaryEvidence),
}

/// About an app password that has a row.
#[derive(Clone, Copy, Debug)]
pub struct AppPasswordEvidence {
    /// What its hash says.
    pub secret: Match,
    /// Whose it is.
    pub owner: Owner,
    /// Whether it still lives.
    pub life: Life,
    /// Whether it is good for the service.
    pub scope: Coverage,
    /// Whether it is good from the remote host.
    pub networks: Coverage,
    /// Whether the service takes app passwords at all.
    pub policy: Coverage,
    /// What is known of its account.
    pub account: Known,
}

/// About a primary password.
#[derive(Clone, Copy, Debug)]
pub struct PrimaryEvidence {
    /// Whether the service takes a primary password at all.
    pub policy: Coverage,
    /// What the store knows of the account.
    pub account: Known,
    /// What became of the primary password.
    pub primary: PrimaryFinding,
    /// What the code is.
    pub code: CodeEvidence,
}

/// What is known of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Its state.
    Account(AccountState),
    /// The system has given its name to somebody else.
    Replaced,
    /// Nothing, and in a roll-out it need not.
    RollOut,
    /// Nothing.
    Nothing,
}

/// What became of a primary password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrimaryFinding {
    /// It was checked.
    Checked(PrimaryMatch),
    /// Another module of the host checks it; ours is asked for the second factor alone.
    Elsewhere,
    /// It was empty, and nobody was asked.
    Empty,
    /// It was refused moments ago, and nobody was asked again.
    Repeated,
    /// Nobody was asked, since the source or the machine has had enough.
    Throttled(Throttled),
    /// Nobody was asked, since the service does not take it.
    NotAsked,
}

/// What a comparison of secrets said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// Equal.
    Right,
    /// Different.
    Wrong,
}

/// Whose app password it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The account's that logs in.
    Same,
    /// Somebody else's.
    Other,
}

/// Whether an app password still lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It does.
    Live,
    /// It is a tombstone.
    Revoked,
    /// Its time is over.
    Expired,
}

/// Whether a scope holds the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// It does.
    Inside,
    /// It does not.
    Outside,
}

/// What the code is; looked at only if the primary is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeEvidence {
    /// None was shown, or the primary was not right.
    Absent,
    /// The account has no key to compare one with.
    NoKey,
    /// Of no step in the window.
    Wrong,
    /// Of a step that is spent.
    Spent,
    /// A recovery code that newer ones have replaced.
    Retired,
    /// Not compared: too many were wrong before.
    PathClosed,
    /// Right, but the account was closed or got another primary meanwhile.
    AccountChanged,
    /// None was shown, and none is needed.
    Waived(CodeWaiver),
    /// Of an open step, or a recovery code that was not spent.
    Right,
}

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
