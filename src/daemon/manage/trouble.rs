//! What keeps a verb from being done, as the user learns it.

use crate::daemon::manage::Desk;
use crate::daemon::manage::subject::Subject;
use crate::domain::self_service::Refusal;
use crate::enrollment::EnrollmentError;
use crate::store::StoreError;
use crate::verifier::Unavailable;

/// What keeps a verb from being done.
pub(super) enum Trouble {
    /// A rule says no.
    Refused(Refusal),
    /// Something that is needed is not usable.
    Unavailable(Unavailable),
}

impl Desk<'_> {
    /// What the user learns; the log is told what is not usable.
    pub(super) fn refusal(&self, subject: &Subject, trouble: Trouble) -> Refusal {
        match trouble {
            Trouble::Refused(refusal) => refusal,
            Trouble::Unavailable(why) => self.unavailable(&subject.user, &why),
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::TooMany(_) => Self::Refused(Refusal::TooManyKeys),
            StoreError::TooManyAppPasswords(most) => Self::Refused(Refusal::TooManyAppPasswords(most)),
            StoreError::OtherCodeLength => Self::Refused(Refusal::OtherCodeLength),
            StoreError::Changed => Self::Refused(Refusal::Changed),
            StoreError::Taken => Self::Refused(Refusal::LabelTaken),
            StoreError::Missing(_)
            | StoreError::Untrusted(..)
            | StoreError::Misplaced(..)
            | StoreError::Foreign(_)
            | StoreError::Newer(..)
            | StoreError::Older(..)
            | StoreError::Unreleased(..)
            | StoreError::Exists(_)
            | StoreError::OtherKey
            | StoreError::Damaged(_)
            | StoreError::Locked
            | StoreError::Full
            | StoreError::ReadOnly
            | StoreError::Sqlite(_)
            | StoreError::Io(..)
            | StoreError::Replaced(_)
            | StoreError::NoRevocation(_)
            | StoreError::TooLateToRestore(_)
            | StoreError::KeyInUse
            | StoreError::KeyChanged
            | StoreError::NoChainKey
            | StoreError::Entropy(_) => Self::Unavailable(error.into()),
        }
    }
}

impl From<EnrollmentError> for Trouble {
    fn from(error: EnrollmentError) -> Self {
        match error {
            EnrollmentError::Store(error) => error.into(),
            EnrollmentError::Hash(error) => Self::Unavailable(error.into()),
            EnrollmentError::Seal(error) => Self::Unavailable(error.into()),
            EnrollmentError::Entropy(error) => Self::Unavailable(StoreError::Entropy(error).into()),
            EnrollmentError::NoAccount(name) => Self::Refused(Refusal::NoAccount(name.as_str().to_owned())),
            EnrollmentError::NoAppPassword(..) => Self::Refused(Refusal::NoAppPassword),
            EnrollmentError::LabelTaken(..) => Self::Refused(Refusal::LabelTaken),
            EnrollmentError::LivesTooLong(days) => Self::Refused(Refusal::LivesTooLong(days)),
            EnrollmentError::KeyTaken(_, label) => Self::Refused(Refusal::KeyTaken(label)),
            EnrollmentError::WrongCode => Self::Refused(Refusal::WrongCode),
            EnrollmentError::CodeSpent(until) => Self::Refused(Refusal::CodeSpent(until)),
            // None of the verbs here ends so.
            EnrollmentError::NeverHad(..)
            | EnrollmentError::NoTotpKey(..)
            | EnrollmentError::AccountTaken(_)
            | EnrollmentError::NothingSelected
            | EnrollmentError::PrimaryElsewhere(_)
            | EnrollmentError::Inadmissible(_) => Self::Refused(Refusal::Changed),
        }
    }
}
