//! Recovery codes: the second factor of somebody who has lost the first.
//!
//! Knows: the format `r7qm-2x9d-r4fw-8hzn` and its check symbols, and where one ends a field.
//! Never: whether one exists, whose it is, or whether it is spent.

use std::fmt;

use crate::crypto::entropy::EntropyError;
use crate::crypto::secret::Secret;
use crate::domain::symbols::{self, Values};

/// Symbols of a recovery code: the mark, 13 random ones (65 bits), 2 check symbols.
pub const LEN: usize = 16;

/// How many an account gets at once.
pub const HOW_MANY: usize = 10;

/// The value of `r`, with which every recovery code begins.
const MARK: u8 = 24;

/// A recovery code whose check symbols agree.
pub struct RecoveryCode(Values<LEN>);

impl RecoveryCode {
    /// Draws a new one.
    ///
    /// # Errors
    /// Only where the kernel gives no randomness.
    pub fn generate() -> Result<Self, EntropyError> {
        loop {
            let values = symbols::generate(MARK)?;
            if !ends_like_a_one_time_code(&values) {
                return Ok(Self(values));
            }
        }
    }

    /// Reads a whole answer.
    #[must_use]
    pub fn parse(answer: &[u8]) -> Option<Self> {
        symbols::fold(answer).filter(is_one).map(Self)
    }

    /// Reads the end of a field; says where it begins.
    #[must_use]
    pub fn at_end_of(field: &[u8]) -> Option<(usize, Self)> {
        let (start, values) = symbols::fold_end(field)?;
        is_one(&values).then_some((start, Self(values)))
    }

    /// As it is shown, once: four groups of four.
    #[must_use]
    pub fn reveal(&self) -> Secret {
        Secret::new(symbols::grouped(self.0.as_slice()).into_bytes())
    }

    /// The 16 folded symbols that tag and hash are made of.
    #[must_use]
    pub fn symbols(&self) -> Secret {
        Secret::copy_of(&symbols::canonical(self.0.as_slice()))
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(..)")
    }
}

/// Six digits at the end of a field are a one-time code, whatever stands before them: about one primary in a thousand,
/// with its code, would otherwise look like a recovery code.
fn ends_like_a_one_time_code(values: &Values<LEN>) -> bool {
    values.last_chunk::<6>().is_some_and(|last| last.iter().all(|value| *value < 10))
}

fn is_one(values: &Values<LEN>) -> bool {
    values.first() == Some(&MARK) && symbols::intact(values.as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_generated_is_read_back_in_any_spelling() {
        let code = RecoveryCode::generate().unwrap();
        let shown = String::from_utf8(code.reveal().expose().to_vec()).unwrap();
        assert_eq!(shown.len(), 19);
        assert!(shown.starts_with('r'));
        for spelling in [shown.clone(), shown.to_uppercase(), shown.replace('-', ""), shown.replace('-', " ")]
        {
            let read = RecoveryCode::parse(spelling.as_bytes()).unwrap();
            assert_eq!(read.symbols().expose(), code.symbols().expose(), "{spelling}");
        }
        assert_eq!(code.symbols().len(), LEN);
    }

    #[test]
    fn none_ends_like_a_one_time_code() {
        for _ in 0..20_000 {
            let code = RecoveryCode::generate().unwrap();
            assert!(!code.symbols().expose()[10..].iter().all(u8::is_ascii_digit));
        }
    }

    #[test]
    fn a_slip_makes_none_of_it() {
        let shown = String::from_utf8(RecoveryCode::generate().unwrap().reveal().expose().to_vec()).unwrap();
        let other = if shown.ends_with('0') { '2' } else { '0' };
        let slip = format!("{}{other}", &shown[..shown.len() - 1]);
        assert!(RecoveryCode::parse(slip.as_bytes()).is_none());
        assert!(RecoveryCode::parse(&shown.as_bytes()[1..]).is_none());
        assert!(RecoveryCode::parse(format!("{shown}0").as_bytes()).is_none());
    }
}
