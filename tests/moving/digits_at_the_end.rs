//! App passwords that were brought along and end in six digits: they log in, and nobody guesses them for nothing.

use postern::domain::verdict::Denial;
use postern::moving::Format;

use super::site::{Site, now};
use super::{Ask, imported};

/// `device123456` and `123456`, with the salt `saltsalt`.
const HASHES: [&str; 2] = [
    "{SSHA256}oh+Mt3b0/EhFJuulfkniVgsCEg1FB+SdLNnLrkRbzfRzYWx0c2FsdA==",
    "{SSHA256}B/lzSONrcvmzg6RSS+YQ9oIYps7pXYmWOsNt5yFngBVzYWx0c2FsdA==",
];

const SECRETS: [&str; 2] = ["device123456", "123456"];

const APP_PASSWORDS_ALONE: &str = "[services]\nimap = [\"app-password\"]\n";

/// Anna, who has brought both along and has used them before, or not yet.
fn site(config: &str, used: Used) -> Site {
    let site = Site::configured(config);
    let accounts = "account,hash\nanna,{PLAIN}correct horse battery\n";
    imported(&site, accounts, Format::Csv);
    let [long, short] = HASHES;
    let lines = format!("account,label,hash\nanna,long,{long}\nanna,short,{short}\n");
    imported(&site, &lines, Format::Csv);
    if used == Used::Before {
        SECRETS.iter().for_each(|secret| drop(Ask::of("anna", secret).passes(&site)));
    }
    site
}

#[derive(Clone, Copy, PartialEq)]
enum Used {
    Before,
    NotYet,
}

#[test]
fn a_slip_in_the_digits_shuts_none_out() {
    for (config, used) in [
        ("", Used::NotYet),
        ("", Used::Before),
        (APP_PASSWORDS_ALONE, Used::NotYet),
        (APP_PASSWORDS_ALONE, Used::Before),
    ] {
        let site = site(config, used);
        for wrong in ["device999999", "device999998", "999999", "device"] {
            assert!(!Ask::of("anna", wrong).decide(&site).unwrap().is_grant(), "{wrong}");
        }
        for secret in SECRETS {
            Ask::of("anna", secret).passes(&site);
        }
    }
}

#[test]
fn each_guess_counts_whatever_its_digits() {
    for (config, used, before) in [
        ("", Used::NotYet, "device"),
        ("", Used::NotYet, ""),
        ("", Used::Before, "device"),
        (APP_PASSWORDS_ALONE, Used::Before, ""),
    ] {
        let (site, at) = (site(config, used), now());
        let is_granted =
            |secret: &str| Ask { at, ..Ask::of("anna", secret) }.decide(&site).unwrap().is_grant();
        for digits in 0..6 {
            let guess = format!("{before}{digits:06}");
            assert!(!is_granted(&guess) && !is_granted(&guess), "{guess}");
        }
        // The right one must wait with the others; elsewhere it need not.
        assert!(!is_granted("device123456"), "{config} {before}");
        Ask { at, remote: "192.0.2.2", ..Ask::of("anna", "device123456") }.passes(&site);
    }
}

#[test]
fn the_primary_before_them_is_asked_for_once() {
    let site = site("", Used::NotYet);
    Ask::of("anna", "wrong horse000001").fails(&site, Denial::WrongPrimary);
    Ask::of("anna", "wrong horse000001").fails(&site, Denial::Repeated);
    Ask::of("anna", "wrong horse000002").fails(&site, Denial::Repeated);
    Ask::of("anna", "wrong horse").fails(&site, Denial::Repeated);
}

/// Some stacks take an empty password for an account without one; here PAM is not to be asked at all.
#[test]
fn digits_alone_leave_no_primary_to_ask_for() {
    let site = Site::new();
    imported(&site, "account,primary\nanna,pam\n", Format::Csv);
    imported(&site, &format!("account,label,hash\nanna,short,{}\n", HASHES[1]), Format::Csv);
    Ask::of("anna", "999999").fails(&site, Denial::EmptyPrimary);
}
