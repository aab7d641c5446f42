//! What others have computed: the RFCs' vectors, and those of our own formats, which are for ever.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at the first surprise")]

use postern::crypto::keyring::MasterKey;
use postern::crypto::otp::{Algorithm, Code, Digits, hotp};
use postern::crypto::password_hash::PasswordHash;
use postern::crypto::seal;
use postern::crypto::secret::Secret;
use postern::domain::app_password::{Shape, shape};

#[track_caller]
fn code(key: &[u8], algorithm: Algorithm, counter: u64, expected: &str) {
    let digits = Digits::new(u8::try_from(expected.len()).unwrap()).unwrap();
    let expected = Code::parse(expected.as_bytes(), digits).unwrap();
    assert!(
        hotp(&Secret::copy_of(key), algorithm, digits, counter).matches(expected),
        "{algorithm:?} {counter}"
    );
}

#[test]
fn rfc_4226_appendix_d() {
    let codes =
        ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
    for (counter, expected) in (0..).zip(codes) {
        code(b"12345678901234567890", Algorithm::Sha1, counter, expected);
    }
}

#[test]
fn rfc_6238_appendix_b() {
    // The seeds for SHA-256 and SHA-512 are as long as their hash (errata 2866).
    let digits = b"1234567890".repeat(7);
    let keys = [
        (Algorithm::Sha1, &digits[..20]),
        (Algorithm::Sha256, &digits[..32]),
        (Algorithm::Sha512, &digits[..64]),
    ];
    let rows = [
        (59, ["94287082", "46119246", "90693936"]),
        (1_111_111_109, ["07081804", "68084774", "25091201"]),
        (1_111_111_111, ["14050471", "67062674", "99943326"]),
        (1_234_567_890, ["89005924", "91819424", "93441116"]),
        (2_000_000_000, ["69279037", "90698825", "38618901"]),
        (20_000_000_000, ["65353130", "77737706", "47863826"]),
    ];
    for (time, codes) in rows {
        for ((algorithm, key), expected) in keys.iter().zip(codes) {
            code(key, *algorithm, time / 30, expected);
        }
    }
}

#[test]
fn rfc_9106_section_5_3() {
    let params = argon2::ParamsBuilder::new()
        .m_cost(32)
        .t_cost(3)
        .p_cost(4)
        .data(argon2::AssociatedData::new(&[4; 12]).unwrap())
        .build()
        .unwrap();
    let argon2id = argon2::Algorithm::Argon2id;
    let argon2 = argon2::Argon2::new_with_secret(&[3; 8], argon2id, argon2::Version::V0x13, params).unwrap();
    let mut tag = [0; 32];
    argon2.hash_password_into(&[1; 32], &[2; 16], &mut tag).unwrap();
    assert_eq!(hex(&tag), "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659");
}

#[test]
fn draft_irtf_cfrg_xchacha_03_appendix_a_3_1() {
    let key: Vec<u8> = (0x80..=0x9f).collect();
    let nonce: Vec<u8> = (0x40..=0x57).collect();
    let bound_to = unhex("50515253c0c1c2c3c4c5c6c7");
    let sealed = unhex(concat!(
        "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39",
        "ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9",
        "21f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49"
    ));
    let opened = seal::open(&key.try_into().unwrap(), &bound_to, &[nonce, sealed].concat()).unwrap();
    let text: &[u8] =
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, \
                        sunscreen would be it.";
    assert_eq!(opened.expose(), text);
}

#[test]
fn app_passwords_and_their_tags() {
    let master: Vec<u8> = (0..32).collect();
    let keyring = MasterKey::new(&master.try_into().unwrap());
    let rows: Vec<&str> =
        include_str!("vectors/app_passwords.txt").lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(rows.len(), 12);
    for row in rows {
        let (text, tag) = row.split_once(' ').unwrap();
        let Shape::Good(password) = shape(&Secret::copy_of(text.as_bytes())) else {
            unreachable!("{text} is an app password")
        };
        assert_eq!(password.reveal().expose(), text.as_bytes());
        assert_eq!(hex(&keyring.tag(password.symbols().expose())), tag);
    }
}

#[test]
fn a_stored_hash_is_read_for_ever() {
    // Computed with the reference implementation.
    let stored =
        "$argon2id$v=19$m=1024,t=1,p=1$CQkJCQkJCQkJCQkJCQkJCQ$OnftuEnn3vcuV+fuoe2+g5wz/uMLTyp6XdZJxdHEh7g";
    let hash = PasswordHash::parse(stored).unwrap();
    assert!(hash.verify(&Secret::copy_of(b"x7qm2x9d"), &Secret::copy_of(&[5; 32])).unwrap());
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|place| u8::from_str_radix(&text[place * 2..place * 2 + 2], 16).unwrap())
        .collect()
}
