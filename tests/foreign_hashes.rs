//! Hashes that other software made, each with the command that made it. The password is always `SECRET`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

use postern::crypto::foreign::{ForeignError, ForeignHash, Written, read};
use postern::crypto::secret::Secret;
use postern::ffi::crypt::crypt;

const SECRET: &str = "correct horse battery";

/// The scheme that a report names, and the hash.
const HASHES: [(&str, &str); 31] = [
    // doveadm pw -s SCHEME -p SECRET, of Dovecot 2.3.19; the scheme stands before the hash.
    ("SHA", "{SHA}mN7MYuzjmaIu0w1JDvMzvn/ec4U="),
    ("SHA", "{SHA1}mN7MYuzjmaIu0w1JDvMzvn/ec4U="),
    ("SHA", "{SHA.HEX}98decc62ece399a22ed30d490ef333be7fde7385"),
    ("SHA", "{SHA}98decc62ece399a22ed30d490ef333be7fde7385"),
    ("SHA256", "{SHA256}kCjqDRXeyqNbLaIcApCvOxpboKMKWRkG+JtQdOIJ6nI="),
    (
        "SHA512",
        "{SHA512}zvYeTk7ae6ii/qoSBhf896UTrZIEQjsl4kO30/VW+ShT6VsVatr/3Zon0OUHNq1qa7zFDOipvTUWL315nomlIQ==",
    ),
    ("SSHA", "{SSHA}bfOK3LGSvb5AnmOr6SHyVX3/GtW7nPZp"),
    ("SSHA256", "{SSHA256}RdUaSRZLcL8ZfgHbZTtfuGN3+V3Xc1UngDMoVCHSbdmfGnBE"),
    ("SSHA256", "{SSHA256.HEX}71bba87976b7d6c3104f04d47ca4635382545d6ed3382a90af6f3dfacf7a80b2646171c4"),
    (
        "SSHA512",
        "{SSHA512}UD2/J7ocD26a0gVH5TmJoToobRxWcQmpbMqvZCXhKrgpsodftirGS6UFkoeh6spPZlfPtU9FvQ0z6zOFyaNn9vYjvvo=",
    ),
    (
        "SSHA512",
        "{SSHA512.B64}E15HEDt+J1XZAJzen9tsKFYBWNU63UxOQs0lZFTNaluAVjJbOkEGlbVSoloAISMRENsf57IqVrRJqqYbNF0DsM3mlxg=",
    ),
    ("PBKDF2", "{PBKDF2}$1$Ak6jiodPAqQylPnk$5000$1e8d8dcff35b0b4f210ce86653cc3619bcb1a097"),
    (
        "PBKDF2",
        "{PBKDF2.B64}JDEkQmV4MkZYM1NzT2lwaDk0bSQ1MDAwJGNmNzY5NjVjODIxMzRlNmQ5MTAzMmQ2YTVjZDBiMTc1NWE2NDJiNzE=",
    ),
    ("MD5-CRYPT", "{MD5-CRYPT}$1$UFuougXH$4LVQj14Sa6u4zhyzVAKdV/"),
    ("MD5-CRYPT", "{MD5}$1$UFuougXH$4LVQj14Sa6u4zhyzVAKdV/"),
    ("BLF-CRYPT", "{CRYPT}$2y$05$qQfw0kLvO9nHB02rn/JUUOqdZsw0cvDaZlhDNmbQglV.NkS9.tK72"),
    ("BLF-CRYPT", "{blf-crypt}$2y$05$u3vGx.E19oVKPl7.8VV3iOQbfsnLtsh1JMH9yjshy1eGj.Byofa1."),
    (
        "BLF-CRYPT",
        "{BLF-CRYPT.HEX}243279243035246e30736d4c776e514f706d6765516f675a2e72502e754f54585335496f377a4c50535a3947384d2f4c646f503130596a744c494f36",
    ),
    ("SHA256-CRYPT", "{SHA256-CRYPT}$5$D8sWGe2ZpjMRhED0$Wk4FBTzNdVp17jVsrswiv6Oh3C5jv9fpQUvNzpPD8O2"),
    (
        "SHA512-CRYPT",
        "{SHA512-CRYPT}$6$rounds=10000$w63XrnKqKTGbrekX$hsejYtT6AjxHIUvX/Le10YsKssM.FVuyVGM70qWDq2CX2aV5iX5CjIaBEnirwFM9.xnDT1hSeqH8k/79Hi7O01",
    ),
    (
        "ARGON2I",
        "{ARGON2I}$argon2i$v=19$m=32768,t=4,p=1$QHR3nrgSE5MuUkXdAxtVSQ$JJZRbGbY8Nday+ZBD4ED44HetTHPdPCXFs9I+5XbC/g",
    ),
    (
        "ARGON2ID",
        "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$euICUkizHw4ejnXpbQVYYQ$MRjtQHWkhPOHxFyGavQkP8TAs1IfuFEbFQCRWy1/+mw",
    ),
    // mkpasswd -m METHOD SECRET, of whois 5.5.17; in this order md5crypt, sha512crypt, bcrypt, bcrypt-a, yescrypt,
    // gost-yescrypt, scrypt.
    ("MD5-CRYPT", "$1$6JeCGzZQ$tn6dWSkglHjXfsBpIwlvZ/"),
    (
        "SHA512-CRYPT",
        "$6$kZA0csV6QrjuaJxs$pem.lgCpFLErU45hwzJAjLpSCC2ekajjcFbfwlgjNKeLXIvTcvv6hSibnrB.FfIERwTALKj5wCyAWC.ShVnK4.",
    ),
    ("BLF-CRYPT", "$2b$05$p0BN2SZcrKvvddsZxQW3iuSE4PDlB9SSJL3qW06TRJ7qa1zDYf7j6"),
    ("BLF-CRYPT", "$2a$05$r0gh2tvWe/uHdT39vDychu3z7XQ1Nkz/tBHduagtgnZiVzYcOE3XG"),
    ("YESCRYPT", "$y$j9T$1445GE.kc0o8Dm2JDHKn6/$GtW6WgLO/6jc3IRrm4nkpeiQ4D/GJJzdvBNIQAAFUe1"),
    ("GOST-YESCRYPT", "$gy$j9T$DlI86mfRKiTG98w8vpZaU0$BSZ4oM8ECbfVFWA34eUwCnPZti0vbk1x1j1vRurHK8D"),
    ("SCRYPT", "$7$CU..../....nsxXQbbPIL6GIA1By2Zae/$iCR3Qix/MuOVIBeU2D4IUG7.dUilnwUeNKQm3WNZcZ3"),
    // passlib.hash.pbkdf2_sha256.using(rounds=1).hash(SECRET), as Mailu makes its tokens, and
    // passlib.hash.bcrypt_sha256.using(rounds=5).hash(SECRET), as it keeps primary passwords; passlib 1.7.4.
    ("PBKDF2-SHA256", "$pbkdf2-sha256$1$GyPEuHduTWltDeEcQyillA$j9ZpHDiAUtGzcR5q5apZuXRvSGgJzdrXtfyRmKuvOOs"),
    ("BCRYPT-SHA256", "$bcrypt-sha256$v=2,t=2b,r=5$i7yERTcoyMTZBcwWdUsLiu$cMGWLYgHYIyz2cQhm/rBuvPH6aSTjB6"),
];

fn verify(hash: &ForeignHash, secret: &str) -> bool {
    hash.verify(&Secret::copy_of(secret.as_bytes()), &crypt).unwrap()
}

#[test]
fn each_hash_knows_its_password_and_no_other() {
    for (scheme, text) in HASHES {
        let hash = ForeignHash::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"));
        assert_eq!((hash.scheme(), hash.as_str()), (scheme, text));
        assert!(verify(&hash, SECRET), "{text}");
        for other in
            ["correct horse batterz", "correct horse", "correct horse battery ", "Correct horse battery"]
        {
            assert!(!verify(&hash, other), "{text} {other}");
        }
        assert!(!format!("{hash:?}").contains('$'), "{hash:?}");
    }
}

#[test]
fn what_libxcrypt_would_not_take_is_wrong_and_not_unavailable() {
    for (_, text) in HASHES {
        let hash = ForeignHash::parse(text).unwrap();
        for secret in ["", "a\0b", &"a".repeat(512)] {
            assert!(!verify(&hash, secret), "{text}");
        }
    }
}

#[test]
fn a_password_in_the_clear_is_told_from_a_hash() {
    for text in ["{PLAIN}{SHA}x", "{clear}{SHA}x", "{CLEARTEXT.HEX}7b5348417d78"] {
        let Written::Clear(secret) = read(text).unwrap() else { panic!("{text}") };
        assert_eq!(secret.expose(), b"{SHA}x");
        assert_eq!(ForeignHash::parse(text).unwrap_err(), ForeignError::NoHash);
    }
}

#[track_caller]
fn refused(text: &str, why: ForeignError) {
    assert_eq!(ForeignHash::parse(text).err(), Some(why), "{text}");
}

#[test]
fn what_asks_for_too_much_is_refused_before_anything_is_computed() {
    let sha = "w63XrnKqKTGbrekX$hsejYtT6AjxHIUvX/Le10YsKssM.FVuyVGM70qWDq2CX2aV5iX5CjIaBEnirwFM9.xnDT1hSeqH8k/79Hi7O01";
    let bcrypt = "u3vGx.E19oVKPl7.8VV3iOQbfsnLtsh1JMH9yjshy1eGj.Byofa1.";
    let yescrypt = "1445GE.kc0o8Dm2JDHKn6/$GtW6WgLO/6jc3IRrm4nkpeiQ4D/GJJzdvBNIQAAFUe1";
    let argon2 = "euICUkizHw4ejnXpbQVYYQ$MRjtQHWkhPOHxFyGavQkP8TAs1IfuFEbFQCRWy1/+mw";
    let derived = "1e8d8dcff35b0b4f210ce86653cc3619bcb1a097";
    for text in [
        format!("$6$rounds=700001${sha}"),
        format!("$6$rounds=99999999999999999999${sha}"),
        format!("$2b$15${bcrypt}"),
        format!("$2b$31${bcrypt}"),
        // 2^17 blocks of 4 KiB, and parallelism besides.
        format!("$y$jET${yescrypt}"),
        format!("$y$jzT${yescrypt}"),
        format!("$gy$jET${yescrypt}"),
        format!("$y$j9T/0${yescrypt}"),
        "$7$zU..../....nsxXQbbPIL6GIA1By2Zae/$iCR3Qix/MuOVIBeU2D4IUG7.dUilnwUeNKQm3WNZcZ3".into(),
        "$7$CU....zzzzznsxXQbbPIL6GIA1By2Zae/$iCR3Qix/MuOVIBeU2D4IUG7.dUilnwUeNKQm3WNZcZ3".into(),
        "$7$Czzzzz/....nsxXQbbPIL6GIA1By2Zae/$iCR3Qix/MuOVIBeU2D4IUG7.dUilnwUeNKQm3WNZcZ3".into(),
        format!("{{ARGON2ID}}$argon2id$v=19$m=1048576,t=1,p=1${argon2}"),
        format!("{{ARGON2ID}}$argon2id$v=19$m=262144,t=5,p=1${argon2}"),
        format!("{{ARGON2ID}}$argon2id$v=19$m=65536,t=4294967295,p=1${argon2}"),
        format!("{{PBKDF2}}$1$Ak6jiodPAqQylPnk$1000001${derived}"),
        "$pbkdf2-sha256$2000000$GyPEuHduTWltDeEcQyillA$j9ZpHDiAUtGzcR5q5apZuXRvSGgJzdrXtfyRmKuvOOs".into(),
        "$bcrypt-sha256$v=2,t=2b,r=31$i7yERTcoyMTZBcwWdUsLiu$cMGWLYgHYIyz2cQhm/rBuvPH6aSTjB6".into(),
    ] {
        refused(&text, ForeignError::TooDear);
    }
}

#[test]
fn what_is_no_hash_is_refused() {
    for text in [
        "",
        "{",
        "{}",
        "SHA}x",
        "{SHA}",
        "{SSHA}mN7MYuzjmaIu0w1JDvMzvn/ec4U=",
        "{SHA}mN7MYuzjmaIu0w1JDvMzvn/ec4",
        "{SHA.HEX}zz",
        "{SHA.OCT}12",
        "{NONSENSE}x",
        "{PBKDF2}$1$salt$0$00",
        "{PBKDF2}$1$salt$+5$1e8d8dcff35b0b4f210ce86653cc3619bcb1a097",
        "{CRYPT}plain words",
        "$1$salt",
        "$5$rounds=999$D8sWGe2ZpjMRhED0$Wk4FBTzNdVp17jVsrswiv6Oh3C5jv9fpQUvNzpPD8O2",
        "$6$sa:lt$pem.lgCpFLErU45hwzJAjLpSCC2ekajjcFbfwlgjNKeLXIvTcvv6hSibnrB.FfIERwTALKj5wCyAWC.ShVnK4.",
        "$6$seventeen_letters$pem.lgCpFLErU45hwzJAjLpSCC2ekajjcFbfwlgjNKeLXIvTcvv6hSibnrB.FfIERwTALKj5wCyAWC.ShVnK4.",
        "$2b$5$p0BN2SZcrKvvddsZxQW3iuSE4PDlB9SSJL3qW06TRJ7qa1zDYf7j6",
        "$2b$05$p0BN2SZcrKvvddsZxQW3iuSE4PDlB9SSJL3qW06TRJ7qa1zDYf7j",
        "$2b$03$p0BN2SZcrKvvddsZxQW3iuSE4PDlB9SSJL3qW06TRJ7qa1zDYf7j6",
        "$y$j9$1445GE.kc0o8Dm2JDHKn6/$GtW6WgLO",
        "{ARGON2ID}$argon2id$v=16$m=65536,t=3,p=1$euICUkizHw4ejnXpbQVYYQ$MRjtQHWkhPOHxFyGavQkP8TAs1IfuFEbFQCRWy1/+mw",
        "{ARGON2ID}$argon2d$v=19$m=65536,t=3,p=1$euICUkizHw4ejnXpbQVYYQ$MRjtQHWkhPOHxFyGavQkP8TAs1IfuFEbFQCRWy1/+mw",
        &format!("{{SSHA}}{}", "A".repeat(1024)),
    ] {
        let why = ForeignHash::parse(text).unwrap_err();
        assert!(!matches!(why, ForeignError::TooDear | ForeignError::Refused(_)), "{text}: {why}");
    }
}

#[test]
fn a_scheme_that_proves_nothing_about_a_password_is_refused_with_its_reason() {
    for text in [
        "{DES-CRYPT}4MV2c7Vs51GEQ",
        "{CRYPT}74rzCSASjdypY",
        "74rzCSASjdypY",
        "{CRAM-MD5}38b57fd1a0c4b46c814aa05f20318edd71c455380655f2c0ac35c5b359528d29",
        "{SCRAM-SHA-256}4096,yHk6Zxl9MO1WWRhCy5pAuw==,frLc=,N2um=",
        "{DIGEST-MD5}3cb4e732631f47e6eb961f34554b7cde",
        "{PLAIN-MD5}3cb4e732631f47e6eb961f34554b7cde",
        "{LDAP-MD5}PLTnMmMfR+brlh80VUt83g==",
        "{OTP}sha1 1024 da5ec7883362f67a 2c1fafbea832dafc",
        "{PLAIN-TRUNC}7-correct",
        "{NTLM}3d211b74dd729be1e552b4727594f3eb",
        "$3$$3d211b74dd729be1e552b4727594f3eb",
        "$2x$05$p0BN2SZcrKvvddsZxQW3iuSE4PDlB9SSJL3qW06TRJ7qa1zDYf7j6",
        "$md5,rounds=95961$UwVEGsEN$$m66j2EKEfcHFB3/ZK0XeG/",
    ] {
        let why = ForeignHash::parse(text).unwrap_err();
        assert!(matches!(why, ForeignError::Refused(_)), "{text}: {why}");
    }
}
