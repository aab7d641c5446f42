//! What local users may do for their own accounts, and what each act takes.
//!
//! Knows: the permit table (actor, subject and proof of each verb), what evidence proves, and how a request is refused.
//! Never: how a user is recognised, or where a proof is checked.

use crate::domain::account::AccountState;
use crate::domain::primary::PrimaryMatch;
use crate::domain::time::UnixTime;
use crate::domain::verdict::{CodeEvidence, Coverage, Evidence, Known, PrimaryEvidence, PrimaryFinding};

/// Who may ask: the kernel says which uid a peer has, and no request names one.
pub const ACTOR: &str = "any local user";

/// Whose account: that of the actor's own uid, whose primary password PAM keeps. No request names one either.
pub const SUBJECT: &str = "their own";

/// The service that a proof is shown to, for policy and log.
pub const SERVICE: &str = "manage";

/// What a local user may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// To see what the account has.
    ShowAccount,
    /// To see its app passwords.
    ListAppPasswords,
    /// To make an app password worthless.
    RevokeAppPassword,
    /// Another app password.
    AddAppPassword,
    /// A key for the first authenticator app.
    BeginTotp,
    /// To have that key taken, and the first app password with it.
    FinishTotp,
    /// Another authenticator app.
    AddTotp,
    /// New recovery codes in place of the old ones.
    RenewRecoveryCodes,
}

/// What an act takes. An app password is never proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The uid alone: nothing secret is shown, nothing is made that opens a door.
    Uid,
    /// The primary password, of an account that never had a second factor or an app password.
    FirstPrimary,
    /// The primary password, and a code that is spent.
    PrimaryWithCode,
}

impl Proof {
    /// In words, for people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Uid => "the uid",
            Self::FirstPrimary => {
                "the primary password, if the account never had a second factor or an app password"
            }
            Self::PrimaryWithCode => "the primary password and a second factor",
        }
    }
}

/// One row of the permit table.
#[derive(Clone, Copy, Debug)]
pub struct Permission {
    /// The act.
    pub verb: Verb,
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub proof: Proof,
}

/// The permit table. Actor and subject are the same in every row: [`ACTOR`], [`SUBJECT`].
pub const PERMISSIONS: [Permission; 8] = [
    permission(Verb::ShowAccount, "account.show", Proof::Uid),
    permission(Verb::ListAppPasswords, "app.list", Proof::Uid),
    permission(Verb::RevokeAppPassword, "app.revoke", Proof::Uid),
    permission(Verb::AddAppPassword, "app.add", Proof::PrimaryWithCode),
    permission(Verb::BeginTotp, "totp.begin", Proof::FirstPrimary),
    permission(Verb::FinishTotp, "totp.finish", Proof::FirstPrimary),
    permission(Verb::AddTotp, "totp.add", Proof::PrimaryWithCode),
    permission(Verb::RenewRecoveryCodes, "recovery.new", Proof::PrimaryWithCode),
];

const fn permission(verb: Verb, name: &'static str, proof: Proof) -> Permission {
    Permission { verb, name, proof }
}

impl Verb {
    /// What it takes. A verb that the table lacks would take the most.
    #[must_use]
    pub fn proof(self) -> Proof {
        let row = PERMISSIONS.iter().find(|row| row.verb == self);
        row.map_or(Proof::PrimaryWithCode, |row| row.proof)
    }
}

impl Proof {
    /// Whether what was found out about an attempt is this proof. A code that policy waives is none.
    #[must_use]
    pub const fn is_given_by(self, found: &Evidence) -> bool {
        let Evidence::Primary(shown) = found else {
            return matches!(self, Self::Uid);
        };
        match self {
            Self::Uid => true,
            Self::FirstPrimary => {
                is_right(shown) && matches!(shown.code, CodeEvidence::NoKey | CodeEvidence::Waived(_))
            }
            Self::PrimaryWithCode => is_right(shown) && matches!(shown.code, CodeEvidence::Right),
        }
    }
}

/// A primary password that was checked and is right, of an account that is open.
const fn is_right(shown: &PrimaryEvidence) -> bool {
    matches!(
        (shown.policy, shown.account, shown.primary),
        (
            Coverage::Inside,
            Known::Account(AccountState::Active),
            PrimaryFinding::Checked(PrimaryMatch::Right)
        )
    )
}

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Something that it needs is not usable; the log says what.
    Unavailable,
    /// Too much is being asked at once, or too many wrong passwords were shown.
    Throttled,
    /// The proof is none; why is in the log alone.
    Denied,
    /// An app password was shown as proof.
    AppPasswordIsNoProof,
    /// The configuration takes no primary password for the service `manage`.
    Closed,
    /// There is no account of this name.
    NoAccount(String),
    /// The account of this name is not the user's own, or PAM does not keep its primary password.
    NotOwn(String),
    /// The account has no second factor yet, and may enroll one.
    NotEnrolled,
    /// The account had a second factor or an app password before, so that a password alone enrolls nothing.
    EnrolledBefore,
    /// The account has neither a key nor a recovery code, and had something before.
    NothingToProveWith,
    /// There is no live app password of the label.
    NoAppPassword,
    /// There is one already.
    LabelTaken,
    /// The account has as many live app passwords as it may.
    TooManyAppPasswords(u16),
    /// An app password lives so many days at most.
    LivesTooLong(u16),
    /// The code is not one of the new key.
    WrongCode,
    /// Codes of the account count as spent until then.
    CodeSpent(UnixTime),
    /// The account has this very key, under this label.
    KeyTaken(String),
    /// The account has as many keys as it may.
    TooManyKeys,
    /// The account has keys with codes of another length.
    OtherCodeLength,
    /// The account has changed between the proof and the act.
    Changed,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::CodeWaiver;
    use crate::domain::throttle::Throttled;

    fn evidence() -> Vec<PrimaryEvidence> {
        use CodeEvidence::{Absent, AccountChanged, NoKey, PathClosed, Retired, Right, Spent, Waived, Wrong};
        use PrimaryFinding::{Checked, Elsewhere, Empty, NotAsked, Repeated};
        let states = [AccountState::Active, AccountState::Disabled].map(Known::Account);
        let accounts = [states.as_slice(), &[Known::Replaced, Known::RollOut, Known::Nothing]].concat();
        let matches =
            [PrimaryMatch::Right, PrimaryMatch::Wrong, PrimaryMatch::MustChange, PrimaryMatch::Closed];
        let throttled = [Throttled::Source, Throttled::Load].map(PrimaryFinding::Throttled);
        let primaries =
            [matches.map(Checked).as_slice(), &throttled, &[Elsewhere, Empty, Repeated, NotAsked]].concat();
        let waivers = [CodeWaiver::Service, CodeWaiver::Network, CodeWaiver::NotEnrolled].map(Waived);
        let codes = [Absent, NoKey, Wrong, Spent, Retired, PathClosed, AccountChanged, Right];
        let codes = [codes.as_slice(), &waivers].concat();
        let mut all = Vec::new();
        for policy in [Coverage::Inside, Coverage::Outside] {
            for account in &accounts {
                for primary in &primaries {
                    for code in &codes {
                        let (account, primary, code) = (*account, *primary, *code);
                        all.push(PrimaryEvidence { policy, account, primary, code });
                    }
                }
            }
        }
        all
    }

    fn proving(proof: Proof) -> Vec<PrimaryEvidence> {
        evidence().into_iter().filter(|shown| proof.is_given_by(&Evidence::Primary(*shown))).collect()
    }

    #[test]
    fn of_all_evidence_one_is_a_second_factor_and_a_waiver_is_none() {
        let proving = proving(Proof::PrimaryWithCode);
        assert_eq!(proving.len(), 1);
        assert_eq!(proving[0].code, CodeEvidence::Right);
        assert!(is_right(&proving[0]));
    }

    #[test]
    fn a_first_primary_is_right_and_has_no_key_to_be_asked_for() {
        let proving = proving(Proof::FirstPrimary);
        assert_eq!(proving.len(), 4, "no key, or one of three waivers");
        for shown in proving {
            assert!(is_right(&shown));
            assert_ne!(shown.code, CodeEvidence::Absent, "there is a key, and no code was shown");
        }
    }

    #[test]
    fn what_is_no_primary_password_proves_nothing_but_the_uid() {
        for found in [Evidence::Malformed, Evidence::Mistyped, Evidence::UnknownAppPassword] {
            assert!(Proof::Uid.is_given_by(&found));
            assert!(!Proof::FirstPrimary.is_given_by(&found));
            assert!(!Proof::PrimaryWithCode.is_given_by(&found));
        }
    }

    #[test]
    fn every_verb_stands_in_the_table_once() {
        for row in PERMISSIONS {
            let same = |other: &&Permission| other.verb == row.verb || other.name == row.name;
            assert_eq!(PERMISSIONS.iter().filter(same).count(), 1, "{}", row.name);
            assert_eq!(row.verb.proof(), row.proof);
        }
    }

    #[test]
    fn what_makes_something_that_opens_a_door_takes_more_than_a_uid() {
        let by_uid: Vec<&str> =
            PERMISSIONS.iter().filter(|row| row.proof == Proof::Uid).map(|row| row.name).collect();
        assert_eq!(by_uid, ["account.show", "app.list", "app.revoke"]);
    }
}
