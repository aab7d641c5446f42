//! Copies of the key file.

use std::fs;

use super::home::Home;

#[test]
fn a_copy_that_is_whole_is_remembered() {
    let home = Home::ready();
    fs::copy(home.path("etc/key"), home.path("copy")).unwrap();
    let copy = home.path("copy");
    let verify = |name: &str| home.run(["key", "verify", home.path(name).to_str().unwrap()], "");
    home.run(["key", "verify", copy.to_str().unwrap()], "").is(0);
    let log = home.run(["log", "--event", "key.verify"], "");
    assert!(log.out.contains("keys=1"), "{log:?}");
    home.run(["log", "verify"], "").is(0);
    verify("etc/key").refused(1, "the key file itself");
    verify("nothing").refused(3, "not there");
    fs::write(home.path("short"), [7; 31]).unwrap();
    verify("short").refused(1, "no copy of a key file");
    fs::write(home.path("other"), [7; 32]).unwrap();
    verify("other").refused(1, "lacks a key");
    verify("").refused(5, "key");
}

#[test]
fn a_new_key_needs_a_new_copy() {
    let home = Home::ready();
    fs::copy(home.path("etc/key"), home.path("copy")).unwrap();
    home.run(["rekey"], "").is(0);
    let copy = home.path("copy").display().to_string();
    home.run(["key", "verify", &copy], "").refused(1, "lacks a key");
    fs::copy(home.path("etc/key"), home.path("copy")).unwrap();
    home.run(["key", "verify", &copy], "").is(0);
    assert!(home.run(["log", "--event", "key.verify"], "").out.contains("keys=2,1"));
}
