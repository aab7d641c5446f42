//! App passwords: a generated secret for one program or device.
//!
//! Knows: the format `x7qm-2x9d-r4fw-8hzn-pt3c`, its check symbols, and labels.
//! Never: whether one exists, whose it is, or what it is good for.

use std::fmt;

use zeroize::Zeroizing;

use crate::crypto::entropy::EntropyError;
use crate::crypto::secret::Secret;
use crate::domain::symbols::{self, Values};

/// Symbols of an app password: the mark, 17 random ones (85 bits), 2 check symbols.
pub const LEN: usize = 20;

/// The value of `x`, with which every app password begins.
const MARK: u8 = 29;

/// An app password whose check symbols agree.
pub struct AppPassword(Values<LEN>);

impl AppPassword {
    /// Draws a new one.
    ///
    /// # Errors
    /// Only where the kernel gives no randomness.
    pub fn generate() -> Result<Self, EntropyError> {
        symbols::generate(MARK).map(Self)
    }

    /// As it is shown, once: five groups of four.
    #[must_use]
    pub fn reveal(&self) -> Secret {
        Secret::new(symbols::grouped(self.0.as_slice()).into_bytes())
    }

    /// The 20 folded symbols that tag and hash are made of.
    #[must_use]
    pub fn symbols(&self) -> Secret {
        Secret::copy_of(&symbols::canonical(self.0.as_slice()))
    }
}

impl fmt::Debug for AppPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppPassword(..)")
    }
}

/// What a field is, by its shape alone.
#[derive(Debug)]
pub enum Shape {
    /// 20 symbols that begin with `x`, check symbols right.
    Good(AppPassword),
    /// 20 symbols that begin with `x`, check symbols wrong: a slip of the hand.
    Mistyped,
    /// Anything else.
    Other,
}

/// Looks at the shape of a field.
#[must_use]
pub fn shape(field: &Secret) -> Shape {
    match symbols::fold::<LEN>(field.expose()) {
        Some(values) if values.first() != Some(&MARK) => Shape::Other,
        Some(values) if symbols::intact(values.as_slice()) => Shape::Good(AppPassword(values)),
        Some(_) => Shape::Mistyped,
        None => Shape::Other,
    }
}

/// How a field misses the shape of an app password by one symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NearMiss {
    /// One symbol is missing.
    TooFew,
    /// There is one symbol more.
    TooMany,
}

/// Whether a field would be an app password with one symbol more or less. Decides nothing: passwords that people
/// choose may look so too.
#[must_use]
pub fn near_miss(field: &Secret) -> Option<NearMiss> {
    let shorter = symbols::fold::<{ LEN - 1 }>(field.expose());
    let longer = symbols::fold::<{ LEN + 1 }>(field.expose());
    // Where the mark itself is missing, or stands second, the check symbols must agree.
    let unmarked = |values: Values<{ LEN - 1 }>| {
        values.first() == Some(&MARK)
            || symbols::intact(&Zeroizing::new([&[MARK], values.as_slice()].concat()))
    };
    let preceded = |values: Values<{ LEN + 1 }>| match values.as_slice() {
        [first, rest @ ..] => *first == MARK || (rest.first() == Some(&MARK) && symbols::intact(rest)),
        [] => false,
    };
    let too_few = shorter.is_some_and(unmarked).then_some(NearMiss::TooFew);
    too_few.or_else(|| longer.is_some_and(preceded).then_some(NearMiss::TooMany))
}

/// What its owner calls an app password or a second factor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label(Box<str>);

impl Label {
    /// Longest label in characters; a table still fits a terminal.
    pub const MAX_CHARS: usize = 64;

    /// The same in octets of UTF-8.
    pub const MAX_LEN: usize = 4 * Self::MAX_CHARS;

    /// Reads a label; blanks around it are dropped.
    ///
    /// # Errors
    /// Where it is empty, too long, or has a control character.
    pub fn parse(text: &str) -> Result<Self, LabelError> {
        let label = text.trim();
        let bounded = (1..=Self::MAX_CHARS).contains(&label.chars().count());
        if !bounded || label.chars().any(char::is_control) {
            return Err(LabelError);
        }
        Ok(Self(label.into()))
    }

    /// What one is called whose successor takes this label: `phone (old)`, or `phone (old 2)` and so on, cut where it
    /// would get too long.
    #[must_use]
    pub fn aged(&self, number: u16) -> Self {
        let age = if number == 1 { " (old)".to_owned() } else { format!(" (old {number})") };
        let room = Self::MAX_CHARS.saturating_sub(age.chars().count());
        let start: String = self.without_age().0.chars().take(room).collect();
        Self(format!("{}{age}", start.trim_end()).into())
    }

    /// The label without what [`Label::aged`] has added.
    #[must_use]
    pub fn without_age(&self) -> Self {
        let unaged = self.0.strip_suffix(')').and_then(|rest| rest.rsplit_once(" (old"));
        let is_number = |text: &str| text.is_empty() || text.trim_start().parse::<u16>().is_ok();
        match unaged {
            Some((start, number)) if !start.trim().is_empty() && is_number(number) => {
                Self(start.trim_end().into())
            }
            _ => self.clone(),
        }
    }

    /// As its owner wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Not a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LabelError;

impl fmt::Display for LabelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a label has 1 to {} characters, none of them a control character", Label::MAX_CHARS)
    }
}

impl std::error::Error for LabelError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Shape {
        shape(&Secret::copy_of(text.as_bytes()))
    }

    fn revealed(password: &AppPassword) -> String {
        String::from_utf8(password.reveal().expose().to_vec()).unwrap()
    }

    #[test]
    fn a_generated_one_is_read_back_however_it_is_typed() {
        for _ in 0..200 {
            let made = AppPassword::generate().unwrap();
            let text = revealed(&made);
            assert_eq!((text.len(), text.starts_with('x')), (24, true));
            for typed in [
                text.clone(),
                text.to_uppercase(),
                text.replace('-', ""),
                text.replace('-', " ").replace('0', "o").replace('1', "L"),
            ] {
                let Shape::Good(read) = of(&typed) else { panic!("{typed}") };
                assert!(read.symbols().matches(&made.symbols()));
            }
        }
    }

    #[test]
    fn a_slip_is_mistyped_and_never_something_else() {
        let text = revealed(&AppPassword::generate().unwrap());
        for place in (1..24).filter(|place| place % 5 != 4) {
            let mut slipped = text.clone().into_bytes();
            slipped[place] = if slipped[place] == b'7' { b'3' } else { b'7' };
            let slipped = String::from_utf8(slipped).unwrap();
            assert!(matches!(of(&slipped), Shape::Mistyped), "{slipped}");
        }
    }

    #[test]
    fn other_fields_are_other() {
        for field in [
            "",
            "hunter2",
            "hunter2123456",
            "a7qm-2x9d-r4fw-8hzn-pt3c",
            "x7qm-2x9d-r4fw-8hzn",
            "x7qm-2x9d-r4fw-8hzn-pt3!",
        ] {
            assert!(matches!(of(field), Shape::Other), "{field}");
        }
    }

    #[test]
    fn one_symbol_too_few_or_too_many_is_a_near_miss() {
        let miss = |field: &str| near_miss(&Secret::copy_of(field.as_bytes()));
        let text = revealed(&AppPassword::generate().unwrap());
        for place in (0..24).filter(|place| place % 5 != 4) {
            let (before, after) = text.split_at(place);
            assert_eq!(miss(&format!("{before}{}", &after[1..])), Some(NearMiss::TooFew), "{text} {place}");
            assert_eq!(miss(&format!("{before}7{after}")), Some(NearMiss::TooMany), "{text} {place}");
        }
        for field in [&text, "", "correct horse battery", "hunter2", "x7qm-2x9d-r4fw-8hzn", &text.repeat(2)] {
            assert_eq!(miss(field), None, "{field}");
        }
    }

    #[test]
    fn a_label_that_a_successor_takes_leaves_another_of_the_same_name() {
        let check = |label: &str, number, expected: &str| {
            let label = Label::parse(label).unwrap();
            let aged = label.aged(number);
            assert_eq!(aged.as_str(), expected);
            assert!(aged.as_str().chars().count() <= Label::MAX_CHARS);
        };
        check("phone", 1, "phone (old)");
        check("phone", 2, "phone (old 2)");
        check("phone (old)", 3, "phone (old 3)");
        check("phone (old 2)", 1, "phone (old)");
        check("(old)", 1, "(old) (old)");
        check("phone (old rusty)", 1, "phone (old rusty) (old)");
        check(&"\u{e9}".repeat(64), 1, &format!("{} (old)", "\u{e9}".repeat(58)));
        let back = |label: &str| Label::parse(label).unwrap().without_age().as_str().to_owned();
        assert_eq!([back("phone (old 12)"), back("phone"), back("(old)")], ["phone", "phone", "(old)"]);
    }

    #[test]
    fn a_label_is_short_text() {
        assert_eq!(Label::parse("  Outlook ").unwrap().as_str(), "Outlook");
        assert!(Label::parse(&"\u{e9}".repeat(Label::MAX_CHARS)).is_ok());
        for text in ["", "  ", "a\nb", "a\x1b[31m", &"a".repeat(Label::MAX_CHARS + 1)] {
            assert!(Label::parse(text).is_err(), "{text:?}");
        }
    }
}
