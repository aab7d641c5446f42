//! Who may pass.
//!
//! Knows: what was found out about one attempt, and the one rule that turns it into an answer.
//! Never: how it was found out.

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

/// Why an attempt was denied; for the audit line, never for the one who tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// A field was out of bounds.
    Malformed,
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
    /// A right secret of a closed account.
    AccountDisabled,
    /// The account was closed or got another primary during the login.
    AccountChanged,
}

impl Denial {
    /// The word in an audit line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
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
            Self::AccountDisabled => "account-disabled",
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
    /// Its account's state.
    pub account: AccountState,
}

/// About a primary password.
#[derive(Clone, Copy, Debug)]
pub struct PrimaryEvidence {
    /// The account's state, if the store has it.
    pub account: Option<AccountState>,
    /// What the check said; `None` if the primary was empty and nobody was asked.
    pub primary: Option<PrimaryMatch>,
    /// What the code is.
    pub code: CodeEvidence,
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
    /// Of an open step, but the account was closed or got another primary meanwhile.
    AccountChanged,
    /// Of an open step.
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

fn against_app_password(found: &AppPasswordEvidence) -> Option<Denial> {
    use Coverage::{Inside, Outside};
    match (found.secret, found.owner, found.life, found.account, found.scope, found.networks) {
        (Match::Right, Owner::Same, Life::Live, AccountState::Active, Inside, Inside) => None,
        (Match::Wrong, ..) => Some(Denial::UnknownAppPassword),
        (_, Owner::Other, ..) => Some(Denial::OtherAccount),
        (_, _, Life::Revoked, ..) => Some(Denial::Revoked),
        (_, _, Life::Expired, ..) => Some(Denial::Expired),
        (_, _, _, AccountState::Disabled, ..) => Some(Denial::AccountDisabled),
        (.., Outside, _) => Some(Denial::OutOfScope),
        (.., Outside) => Some(Denial::OutsideNetworks),
    }
}

fn against_primary(shown: &PrimaryEvidence) -> Option<Denial> {
    match (shown.account, shown.primary, shown.code) {
        (Some(AccountState::Active), Some(PrimaryMatch::Right), CodeEvidence::Right) => None,
        (None, ..) => Some(Denial::UnknownAccount),
        (_, None, _) => Some(Denial::EmptyPrimary),
        (_, Some(PrimaryMatch::Wrong), _) => Some(Denial::WrongPrimary),
        (Some(AccountState::Disabled), ..) | (_, Some(PrimaryMatch::Closed), _) => {
            Some(Denial::AccountDisabled)
        }
        (_, Some(PrimaryMatch::MustChange), _) => Some(Denial::PrimaryExpired),
        (_, _, CodeEvidence::NoKey) => Some(Denial::NoSecondFactor),
        (_, _, CodeEvidence::Absent) => Some(Denial::SecondFactorMissing),
        (_, _, CodeEvidence::Wrong) => Some(Denial::WrongCode),
        (_, _, CodeEvidence::Spent) => Some(Denial::CodeSpent),
        (_, _, CodeEvidence::AccountChanged) => Some(Denial::AccountChanged),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNTS: [AccountState; 2] = [AccountState::Active, AccountState::Disabled];

    const COVERAGES: [[Coverage; 2]; 4] = [
        [Coverage::Inside, Coverage::Inside],
        [Coverage::Inside, Coverage::Outside],
        [Coverage::Outside, Coverage::Inside],
        [Coverage::Outside, Coverage::Outside],
    ];

    fn granted(evidence: Evidence) -> bool {
        matches!(judge(&evidence), Verdict::Grant(_))
    }

    #[test]
    fn one_of_all_states_of_an_app_password_passes() {
        let mut passed = Vec::new();
        for secret in [Match::Right, Match::Wrong] {
            for owner in [Owner::Same, Owner::Other] {
                for life in [Life::Live, Life::Revoked, Life::Expired] {
                    for [scope, networks] in COVERAGES {
                        for account in ACCOUNTS {
                            let found = AppPasswordEvidence { secret, owner, life, scope, networks, account };
                            if granted(Evidence::AppPassword(found)) {
                                passed.push((secret, owner, life, scope, networks, account));
                            }
                        }
                    }
                }
            }
        }
        let (inside, active) = (Coverage::Inside, AccountState::Active);
        assert_eq!(passed, [(Match::Right, Owner::Same, Life::Live, inside, inside, active)]);
    }

    #[test]
    fn one_of_all_states_of_a_primary_passes() {
        use CodeEvidence::{Absent, AccountChanged, NoKey, Right, Spent, Wrong};
        let mut passed = Vec::new();
        for account in [None, Some(AccountState::Active), Some(AccountState::Disabled)] {
            for primary in [
                None,
                Some(PrimaryMatch::Right),
                Some(PrimaryMatch::Wrong),
                Some(PrimaryMatch::MustChange),
                Some(PrimaryMatch::Closed),
            ] {
                for code in [Absent, NoKey, Wrong, Spent, AccountChanged, Right] {
                    if granted(Evidence::Primary(PrimaryEvidence { account, primary, code })) {
                        passed.push((account, primary, code));
                    }
                }
            }
        }
        assert_eq!(passed, [(Some(AccountState::Active), Some(PrimaryMatch::Right), Right)]);
    }

    #[test]
    fn what_has_no_row_never_passes() {
        for evidence in [Evidence::Malformed, Evidence::Mistyped, Evidence::UnknownAppPassword] {
            assert!(!granted(evidence));
        }
    }
}
