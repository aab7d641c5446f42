//! The alphabet and the check symbols of generated secrets.
//!
//! Knows: Crockford's base32 in lower case, forgiving input, a Reed–Solomon code over GF(2^5).
//! Never: which secret the symbols belong to.

use zeroize::Zeroizing;

use crate::crypto::entropy::{self, EntropyError};

/// Crockford's base32: no i, l, o, u.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Symbols after the payload: any one or two wrong symbols and any swap of neighbours is found.
const CHECK_LEN: usize = 2;

/// x^5 + x^2 + 1, which is primitive over GF(2).
const FIELD: u8 = 0b10_0101;

/// Values 0 to 31.
pub type Values<const N: usize> = Zeroizing<[u8; N]>;

/// Reads a field as exactly `N` symbols, or says that it is something else. Case, blanks and dashes do
/// not count; `o` means 0, `i` and `l` mean 1.
pub fn fold<const N: usize>(field: &[u8]) -> Option<Values<N>> {
    let text = std::str::from_utf8(field).ok()?;
    let mut values = Values::new([0; N]);
    let mut places = values.iter_mut();
    for letter in text.chars().filter(|letter| !separates(*letter)) {
        *places.next()? = value(letter)?;
    }
    if places.next().is_some() {
        return None;
    }
    Some(values)
}

/// Reads the end of a field as `N` symbols; says where they begin.
pub fn fold_end<const N: usize>(field: &[u8]) -> Option<(usize, Values<N>)> {
    let text = std::str::from_utf8(field).ok()?;
    let mut values = Values::new([0; N]);
    let mut places = values.iter_mut().rev();
    let mut start = None;
    for (at, letter) in text.char_indices().rev().filter(|(_, letter)| !separates(*letter)) {
        *places.next()? = value(letter)?;
        if places.len() == 0 {
            start = Some(at);
            break;
        }
    }
    start.map(|start| (start, values))
}

/// Draws random values behind a mark, and protects them.
///
/// # Errors
/// Only where the kernel gives no randomness.
pub fn generate<const N: usize>(mark: u8) -> Result<Values<N>, EntropyError> {
    // Five bits of each octet: 32 symbols, no bias.
    let mut values = Values::new(entropy::bytes()?);
    values.iter_mut().for_each(|value| *value &= 31);
    if let Some(first) = values.first_mut() {
        *first = mark;
    }
    protect(values.as_mut_slice());
    Ok(values)
}

/// Writes values in groups of four.
pub fn grouped(values: &[u8]) -> String {
    let mut text = String::with_capacity(values.len() + values.len() / 4);
    for (place, value) in values.iter().enumerate() {
        if place > 0 && place % 4 == 0 {
            text.push('-');
        }
        text.push(char::from(symbol(*value)));
    }
    text
}

/// The canonical octets that a tag and a hash are made of: lower case, no dashes.
pub fn canonical(values: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(values.iter().copied().map(symbol).collect())
}

/// Fills in the check symbols behind the payload: the remainder of the payload, times x^2, divided by
/// (x + α)(x + α²).
fn protect(values: &mut [u8]) {
    let Some((payload, check)) = values.split_last_chunk_mut::<CHECK_LEN>() else {
        return;
    };
    let (alpha, alpha2) = (2, 4);
    let (linear, constant) = (alpha ^ alpha2, times(alpha, alpha2));
    let (mut high, mut low) = (0, 0);
    for value in payload {
        let carry = *value ^ high;
        (high, low) = (low ^ times(carry, linear), times(carry, constant));
    }
    *check = [high, low];
}

/// Whether the check symbols agree: the code word is 0 at α and at α².
pub fn intact(values: &[u8]) -> bool {
    let at = |point: u8| values.iter().fold(0, |sum, value| times(sum, point) ^ value);
    at(2) == 0 && at(4) == 0
}

fn separates(letter: char) -> bool {
    let dash = matches!(letter, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}');
    dash || (letter.is_whitespace() && !letter.is_control())
}

fn value(letter: char) -> Option<u8> {
    let letter = match letter.to_ascii_lowercase() {
        'o' => '0',
        'i' | 'l' => '1',
        other => other,
    };
    let octet = u8::try_from(letter).ok()?;
    let place = ALPHABET.iter().position(|symbol| *symbol == octet)?;
    u8::try_from(place).ok()
}

fn symbol(value: u8) -> u8 {
    ALPHABET.get(usize::from(value & 31)).copied().unwrap_or(b'0')
}

/// Multiplies in GF(2^5).
fn times(left: u8, right: u8) -> u8 {
    let (mut left, mut right, mut product) = (left, right, 0);
    while right > 0 {
        if right & 1 == 1 {
            product ^= left;
        }
        left <<= 1;
        if left & 0b10_0000 != 0 {
            left ^= FIELD;
        }
        right >>= 1;
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word() -> [u8; 20] {
        let mut values = [29, 7, 22, 20, 2, 29, 9, 13, 24, 4, 15, 28, 8, 17, 31, 21, 0, 3, 0, 0];
        protect(&mut values);
        values
    }

    #[test]
    fn the_field_has_an_element_of_full_order() {
        let mut seen: Vec<u8> =
            std::iter::successors(Some(1), |power| Some(times(*power, 2))).take(31).collect();
        assert_eq!(times(seen[30], 2), 1);
        seen.sort_unstable();
        assert_eq!(seen, (1..32).collect::<Vec<u8>>());
    }

    #[test]
    fn every_one_or_two_wrong_symbols_are_found() {
        let good = word();
        assert!(intact(&good));
        for first in 0..20 {
            for error in 1..32 {
                let mut one = good;
                one[first] ^= error;
                assert!(!intact(&one));
                for second in first + 1..20 {
                    for error in 1..32 {
                        let mut two = one;
                        two[second] ^= error;
                        assert!(!intact(&two));
                    }
                }
            }
        }
    }

    #[test]
    fn every_swap_of_neighbours_is_found() {
        let good = word();
        for place in (0..19).filter(|place| good[*place] != good[place + 1]) {
            let mut swapped = good;
            swapped.swap(place, place + 1);
            assert!(!intact(&swapped));
        }
    }

    #[test]
    fn input_is_forgiven_its_case_dashes_blanks_and_look_alikes() {
        let plain = fold::<4>(b"x01a").unwrap();
        for input in ["X01A", "x-0-1-a", " x0 1a ", "xOIa", "xola", "xoLa", "x\u{a0}0\u{2013}1\u{2212}a"] {
            assert_eq!(fold::<4>(input.as_bytes()).as_ref(), Some(&plain), "{input}");
        }
        for input in ["x01", "x01aa", "x01u", "x01!", "x01\u{e4}", "x0\t1a", ""] {
            assert!(fold::<4>(input.as_bytes()).is_none(), "{input}");
        }
    }
}
