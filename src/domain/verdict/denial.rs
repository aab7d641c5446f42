//! Why somebody may not pass.

use crate::domain::throttle::Throttled;

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
