//! Reads what a person typed into one password field that holds no app password.
//!
//! Knows: that a one-time code follows the primary password.
//! Never: looks into the store, at the clock, or at the policy.

use crate::crypto::otp::{Code, Digits};
use crate::crypto::secret::Secret;

/// A primary password, with or without a code behind it.
#[derive(Debug)]
pub struct Presented {
    /// What stands before the code, or the whole field.
    pub primary: Secret,
    /// The code, if the field ends in one.
    pub code: Option<Code>,
}

/// Splits a field once: if it ends in as many digits as the account's codes have, they are the code. It
/// is never tried again whole, since each check of a primary may count in somebody's directory.
#[must_use]
pub fn split(field: &Secret, digits: Digits) -> Presented {
    let octets = field.expose();
    let cut = octets.len().checked_sub(usize::from(digits.count()));
    if let Some((primary, tail)) = cut.and_then(|place| octets.split_at_checked(place)) {
        if let Some(code) = Code::parse(tail, digits) {
            return Presented { primary: Secret::copy_of(primary), code: Some(code) };
        }
    }
    Presented { primary: Secret::copy_of(octets), code: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(field: &str, digits: u8, primary: &str, coded: bool) {
        let split = split(&Secret::copy_of(field.as_bytes()), Digits::new(digits).unwrap());
        assert_eq!(split.primary.expose(), primary.as_bytes(), "{field}");
        assert_eq!(split.code.is_some(), coded, "{field}");
    }

    #[test]
    fn a_field_is_split_once_and_at_the_end() {
        check("hunter2123456", 6, "hunter2", true);
        check("hunter2", 6, "hunter2", false);
        check("123456", 6, "", true);
        check("hunter12345678", 8, "hunter", true);
        check("hunter123456", 8, "hunter123456", false);
        check("", 6, "", false);
        check("\u{e9}12345", 6, "\u{e9}12345", false);
        check("pass word 123456", 6, "pass word ", true);
    }
}
