//! The primary password: the account's own, chosen by a person.
//!
//! Knows: who checks it, and what may not be chosen.
//! Never: checks it.

use std::fmt;

use crate::crypto::otp::Digits;
use crate::crypto::secret::Secret;
use crate::domain::app_password;
use crate::domain::attempt::MAX_SECRET;
use crate::domain::recovery_code::RecoveryCode;

/// Fewest characters of a primary password in the store (NIST SP 800-63B §5.1.1.1, beside a second factor).
pub const MIN_CHARS: usize = 8;

// Room for a recovery code in the same field, with a blank and dashes.
const MAX_OCTETS: usize = MAX_SECRET - 20;

/// Whether a secret may become a primary password that the store keeps.
///
/// # Errors
/// Says which rule it breaks.
pub fn admissible(secret: &Secret) -> Result<(), Inadmissible> {
    let text = std::str::from_utf8(secret.expose()).map_err(|_| Inadmissible::NotText)?;
    if text.chars().any(char::is_control) {
        return Err(Inadmissible::NotText);
    }
    if text.chars().count() < MIN_CHARS {
        return Err(Inadmissible::TooShort);
    }
    if MAX_OCTETS < secret.len() {
        return Err(Inadmissible::TooLong);
    }
    if ends_like_a_code(text) {
        return Err(Inadmissible::EndsLikeACode);
    }
    if looks_generated(secret) {
        return Err(Inadmissible::LooksGenerated);
    }
    Ok(())
}

/// Wherever it is typed without a code behind it, its own end would be taken for one.
fn ends_like_a_code(text: &str) -> bool {
    let digits = text.bytes().rev().take_while(u8::is_ascii_digit).count();
    usize::from(Digits::SIX.count()) <= digits
}

/// Alone or with a code behind it, the field would be taken for an app password; or it ends in what would be taken
/// for a recovery code.
fn looks_generated(secret: &Secret) -> bool {
    let codes = ["", "000000", "0000000", "00000000", "r000000000000000"];
    let like_an_app_password = codes.iter().any(|code| {
        let field = Secret::new([secret.expose(), code.as_bytes()].concat());
        !matches!(app_password::shape(&field), app_password::Shape::Other)
    });
    like_an_app_password || RecoveryCode::at_end_of(secret.expose()).is_some()
}

/// Why a secret may not become a primary password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inadmissible {
    /// Invalid UTF-8 or a control character.
    NotText,
    /// Fewer than [`MIN_CHARS`] characters.
    TooShort,
    /// A code would not fit behind it.
    TooLong,
    /// Its last digits would be taken for a one-time code.
    EndsLikeACode,
    /// It has the shape of an app password.
    LooksGenerated,
}

impl fmt::Display for Inadmissible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotText => f.write_str("a primary password has invalid UTF-8 or a control character"),
            Self::TooShort => write!(f, "a primary password has fewer than {MIN_CHARS} characters"),
            Self::TooLong => write!(f, "a primary password has more than {MAX_OCTETS} octets"),
            Self::EndsLikeACode => f.write_str(
                "a primary password ends in six digits or more, which would be taken for a one-time code",
            ),
            Self::LooksGenerated => {
                f.write_str("a primary password would be mistaken for an app password or a recovery code")
            }
        }
    }
}

impl std::error::Error for Inadmissible {}

/// What a check of the primary password said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrimaryMatch {
    /// It is the account's.
    Right,
    /// It is not.
    Wrong,
    /// It is, but must be changed first.
    MustChange,
    /// It is, but the system has closed the account.
    Closed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(secret: &str, expected: Result<(), Inadmissible>) {
        assert_eq!(admissible(&Secret::copy_of(secret.as_bytes())), expected, "{secret}");
    }

    #[test]
    fn what_a_person_chooses_is_admissible() {
        for secret in [
            "hunter2hunter2",
            "correct horse battery staple",
            "p\u{e4}ssw\u{f6}rter",
            "12345678 times",
            "hunter12345",
            "xylophone!",
        ] {
            check(secret, Ok(()));
        }
    }

    #[test]
    fn what_ends_like_a_one_time_code_is_not() {
        for secret in ["hunter123456", "12345678", "hunter 2030 123456"] {
            check(secret, Err(Inadmissible::EndsLikeACode));
        }
    }

    #[test]
    fn what_would_be_taken_for_an_app_password_is_not() {
        check("x7qm-2x9d-r4fw-8hzn-pt3c", Err(Inadmissible::LooksGenerated));
        check("x7qm2x9dr4fw8hznpt3d", Err(Inadmissible::LooksGenerated));
        // 14 symbols, and six digits behind them make twenty.
        check("xmas2024dinner", Err(Inadmissible::LooksGenerated));
        check("xmas2024dinne", Err(Inadmissible::LooksGenerated));
        check("xmas2024dinners", Ok(()));
    }

    #[test]
    fn what_ends_in_a_recovery_code_is_not() {
        let code = RecoveryCode::generate().unwrap().reveal();
        let ending = Secret::new([b"hunter2 ".as_slice(), code.expose()].concat());
        assert_eq!(admissible(&ending), Err(Inadmissible::LooksGenerated));
        // Four symbols, and sixteen behind them make twenty.
        check("x - - - a - b - c", Err(Inadmissible::LooksGenerated));
    }

    #[test]
    fn bounds_are_kept() {
        check("", Err(Inadmissible::TooShort));
        check("\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}\u{e4}", Err(Inadmissible::TooShort));
        check("hunter2\n2", Err(Inadmissible::NotText));
        check(&"y".repeat(MAX_OCTETS), Ok(()));
        check(&"y".repeat(MAX_OCTETS + 1), Err(Inadmissible::TooLong));
    }
}
