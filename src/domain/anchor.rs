//! A row of the audit chain as a log line names it: `17:9f3a6b21c0d4e5f6`.
//!
//! Knows: the number and the first octets of the hash.
//! Never: the key, or whether the row is sound.

use std::fmt;

/// What was seen of one row, somewhere out of reach of those who can write to the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    row: i64,
    hash: Vec<u8>,
}

/// Not such as `17:9f3a6b21c0d4e5f6`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnchorError;

impl fmt::Display for AnchorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "an anchor is the number of a row and the beginning of its hash, such as 17:9f3a6b21c0d4e5f6",
        )
    }
}

impl std::error::Error for AnchorError {}

impl Anchor {
    /// Octets of the hash in a line: whoever has the key too would need 2^64 tries for another row that fits.
    const SHOWN: usize = 8;

    /// Fewest that are worth comparing, and all there are.
    const OCTETS: std::ops::RangeInclusive<usize> = 4..=32;

    /// Names a row.
    #[must_use]
    pub fn new(row: i64, hash: &[u8]) -> Self {
        Self { row, hash: hash.iter().take(Self::SHOWN).copied().collect() }
    }

    /// Reads what a line shows.
    ///
    /// # Errors
    /// Where it is no anchor, or too little of one.
    pub fn parse(text: &str) -> Result<Self, AnchorError> {
        let (row, hash) = text.split_once(':').ok_or(AnchorError)?;
        let plain = !row.is_empty() && row.bytes().all(|digit| digit.is_ascii_digit());
        let row = Some(row).filter(|_| plain).and_then(|row| row.parse().ok()).ok_or(AnchorError)?;
        let hash = octets(hash).filter(|hash| Self::OCTETS.contains(&hash.len())).ok_or(AnchorError)?;
        Ok(Self { row, hash })
    }

    /// The number of the row.
    #[must_use]
    pub const fn row(&self) -> i64 {
        self.row
    }

    /// Whether a row with this hash is the one that was seen.
    #[must_use]
    pub fn holds(&self, hash: &[u8]) -> bool {
        hash.starts_with(&self.hash)
    }
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.row)?;
        self.hash.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

fn octets(hex: &str) -> Option<Vec<u8>> {
    let digit = |letter: &u8| char::from(*letter).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    };
    hex.as_bytes().chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_read_back_and_holds_its_row_alone() {
        let hash = [0x9f; 32];
        let shown = Anchor::new(17, &hash).to_string();
        assert_eq!(shown, "17:9f9f9f9f9f9f9f9f");
        let read = Anchor::parse(&shown).unwrap();
        assert_eq!((read.row(), read.holds(&hash)), (17, true));
        assert!(!read.holds(&[0x9e; 32]) && !read.holds(&[0x9f; 7]));
        assert_eq!(Anchor::parse("17:9F9F9F9F9F9F9F9F").unwrap(), read);
    }

    #[test]
    fn what_is_no_anchor_is_refused() {
        let long = format!("1:{}", "ab".repeat(33));
        for text in
            ["", ":", "17", "17:", ":9f9f9f9f", "17:9f9f9f", "17:9f9f9f9", "17:9f9f9f9g", "-1:9f9f9f9f"]
        {
            assert!(Anchor::parse(text).is_err(), "{text}");
        }
        for text in ["+1:9f9f9f9f", "17:\u{e9}\u{e9}\u{e9}\u{e9}", "99999999999999999999:9f9f9f9f", &long] {
            assert!(Anchor::parse(text).is_err(), "{text}");
        }
    }
}
