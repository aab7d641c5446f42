//! One field: what a person typed, and what stands where a hash should.

use postern::crypto::foreign::ForeignHash;
use postern::crypto::otp::{Code, Digits};
use postern::crypto::secret::Secret;
use postern::domain::app_password::{Shape, shape};
use postern::domain::presented::{Factor, Presented, Reading, answer, split};
use postern::domain::recovery_code::RecoveryCode;

use super::KIB;
use super::allocation::within;

/// Longest check of a hash in milliseconds, by its own account: a login is to end within five seconds.
const MAX_MILLIS: u32 = 5000;

pub fn presented(octets: &[u8]) {
    let field = Secret::copy_of(octets);
    if let Shape::Good(password) = shape(&field) {
        let Shape::Good(again) = shape(&password.reveal()) else { panic!("what is shown is not taken") };
        assert!(password.symbols().matches(&again.symbols()));
    }
    assert_eq!(split(&field, Reading::Whole).primary.expose(), octets);
    for digits in [6, 7, 8].map(|digits| Digits::new(digits).unwrap()) {
        let parted = within(KIB + 4 * octets.len(), || split(&field, Reading::WithCode(digits)));
        is_parted_in_two(octets, parted, digits);
        if let Factor::Code(code) = answer(&field, digits) {
            let joined: Vec<u8> =
                octets.iter().copied().filter(|octet| !octet.is_ascii_whitespace()).collect();
            assert!(Code::parse(&joined, digits).is_some_and(|read| read.matches(code)));
        }
    }
}

/// Nothing of the field is lost, and nothing is taken for two things.
fn is_parted_in_two(octets: &[u8], Presented { primary, factor }: Presented, digits: Digits) {
    let rest = octets.strip_prefix(primary.expose()).expect("the primary is its beginning");
    match factor {
        Factor::Absent => assert!(rest.is_empty()),
        Factor::Code(code) => {
            assert_eq!(rest.len(), usize::from(digits.count()));
            assert!(Code::parse(rest, digits).is_some_and(|read| read.matches(code)));
        }
        Factor::Recovery(code) => {
            assert!(RecoveryCode::parse(rest).is_some_and(|read| read.symbols().matches(&code.symbols())));
        }
        Factor::Unreadable => panic!("nobody asked for a code"),
    }
}

/// As it stands in a file to be imported, or in a row.
pub fn foreign_hash(octets: &[u8]) {
    let Ok(text) = std::str::from_utf8(octets) else { return };
    // A thousand octets may be as many parts, each of which is a place and a length.
    let Ok(hash) = within(64 * KIB, || ForeignHash::parse(text)) else { return };
    assert_eq!(hash.as_str(), text);
    assert!(hash.millis() <= MAX_MILLIS, "{} ms", hash.millis());
    let again = ForeignHash::parse(hash.as_str()).unwrap();
    assert_eq!((again.scheme(), again.millis()), (hash.scheme(), hash.millis()));
}
