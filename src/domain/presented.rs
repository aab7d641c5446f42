//! Reads what a person typed that holds no app password: the primary password and what follows it.
//!
//! Knows: the shapes of a one-time code and of a recovery code, and where they stand.
//! Never: looks into the store, at the clock, or at the policy.

use crate::crypto::otp::{Code, Digits};
use crate::crypto::secret::Secret;
use crate::domain::recovery_code::RecoveryCode;

/// A primary password, and what was shown beside it.
#[derive(Debug)]
pub struct Presented {
    /// What stands before the code, or the whole field.
    pub primary: Secret,
    /// What stands behind it, or was given at a prompt of its own.
    pub factor: Factor,
}

/// What was shown as a second factor.
#[derive(Debug)]
pub enum Factor {
    /// Nothing.
    Absent,
    /// A one-time code.
    Code(Code),
    /// A recovery code.
    Recovery(RecoveryCode),
    /// Neither, at a prompt that asks for one.
    Unreadable,
}

/// How a field is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// The whole field is the primary password: no code is wanted, and its last digits may be its own.
    Whole,
    /// It may end in a code of so many digits, or in a recovery code.
    WithCode(Digits),
}

/// Splits a field once. It is never tried again whole, since each check of a primary may count in somebody's directory.
#[must_use]
pub fn split(field: &Secret, reading: Reading) -> Presented {
    let octets = field.expose();
    let whole = || Presented { primary: Secret::copy_of(octets), factor: Factor::Absent };
    let Reading::WithCode(digits) = reading else {
        return whole();
    };
    // Digits first: no recovery code ends in as many, while a primary and its code may well look like one.
    let cut = octets.len().checked_sub(usize::from(digits.count()));
    let parts = cut.and_then(|place| octets.split_at_checked(place));
    if let Some((primary, code)) =
        parts.and_then(|(primary, tail)| Some((primary, Code::parse(tail, digits)?)))
    {
        return Presented { primary: Secret::copy_of(primary), factor: Factor::Code(code) };
    }
    RecoveryCode::at_end_of(octets).map_or_else(whole, |(start, code)| {
        let (primary, _) = octets.split_at(start);
        let primary = primary.strip_suffix(b" ").unwrap_or(primary);
        Presented { primary: Secret::copy_of(primary), factor: Factor::Recovery(code) }
    })
}

/// Reads the answer to a prompt that asks for a code; blanks do not count, since apps show codes in groups.
#[must_use]
pub fn answer(typed: &Secret, digits: Digits) -> Factor {
    let octets = typed.expose().iter().copied().filter(|octet| !octet.is_ascii_whitespace());
    let mut joined = Vec::with_capacity(typed.len());
    joined.extend(octets);
    let joined = Secret::new(joined);
    if joined.is_empty() {
        return Factor::Absent;
    }
    let code = Code::parse(joined.expose(), digits).map(Factor::Code);
    let recovery = || RecoveryCode::parse(typed.expose()).map(Factor::Recovery);
    code.or_else(recovery).unwrap_or(Factor::Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(factor: &Factor) -> &'static str {
        match factor {
            Factor::Absent => "absent",
            Factor::Code(_) => "code",
            Factor::Recovery(_) => "recovery",
            Factor::Unreadable => "unreadable",
        }
    }

    #[track_caller]
    fn check(field: &str, reading: Reading, primary: &str, factor: &str) {
        let split = split(&Secret::copy_of(field.as_bytes()), reading);
        assert_eq!(split.primary.expose(), primary.as_bytes(), "{field}");
        assert_eq!(word(&split.factor), factor, "{field}");
    }

    fn with(digits: u8) -> Reading {
        Reading::WithCode(Digits::new(digits).unwrap())
    }

    #[test]
    fn a_field_is_split_once_and_at_the_end() {
        check("hunter2123456", with(6), "hunter2", "code");
        check("hunter2", with(6), "hunter2", "absent");
        check("123456", with(6), "", "code");
        check("hunter12345678", with(8), "hunter", "code");
        check("hunter123456", with(8), "hunter123456", "absent");
        check("", with(6), "", "absent");
        check("\u{e9}12345", with(6), "\u{e9}12345", "absent");
        check("pass word 123456", with(6), "pass word ", "code");
    }

    #[test]
    fn a_recovery_code_is_found_behind_a_blank_or_nothing_with_or_without_dashes() {
        let code = RecoveryCode::generate().unwrap().reveal();
        let code = std::str::from_utf8(code.expose()).unwrap();
        for (before, primary) in
            [("hunter2", "hunter2"), ("hunter2 ", "hunter2"), ("two  ", "two "), ("", "")]
        {
            check(&format!("{before}{code}"), with(6), primary, "recovery");
            check(&format!("{before}{}", code.replace('-', "")), with(8), primary, "recovery");
            check(
                &format!("{before}{}", code.replace('-', " ").to_uppercase()),
                with(6),
                primary,
                "recovery",
            );
        }
        check(&format!("\u{e9}\u{e9}{code}"), with(6), "\u{e9}\u{e9}", "recovery");
        // Twelve symbols are none.
        assert_eq!(word(&split(&Secret::copy_of(&code.as_bytes()[5..]), with(6)).factor), "absent");
    }

    #[test]
    fn a_one_time_code_is_never_taken_for_the_end_of_a_recovery_code() {
        // With its check symbols right, sixteen symbols that begin with r: `r sebattery` and six digits.
        let field = |code: u32| format!("correct horse battery{code:06}");
        let alike =
            (0..1_000_000).map(field).find(|field| RecoveryCode::at_end_of(field.as_bytes()).is_some());
        check(&alike.unwrap(), with(6), "correct horse battery", "code");
    }

    #[test]
    fn where_no_code_is_wanted_the_digits_are_the_primary_s_own() {
        check("hunter2123456", Reading::Whole, "hunter2123456", "absent");
    }

    #[test]
    fn an_answer_at_a_prompt_is_read_whole() {
        let read = |typed: &str| word(&answer(&Secret::copy_of(typed.as_bytes()), Digits::SIX));
        let code = RecoveryCode::generate().unwrap().reveal();
        assert_eq!(read("123456"), "code");
        assert_eq!(read(" 123 456 "), "code");
        assert_eq!(read(std::str::from_utf8(code.expose()).unwrap()), "recovery");
        assert_eq!(read(""), "absent");
        assert_eq!(read("  "), "absent");
        for wrong in ["12345", "1234567", "hunter2123456", "r"] {
            assert_eq!(read(wrong), "unreadable", "{wrong}");
        }
    }
}
