//! A store, key or configuration that cannot be used refuses every login, says what to do, and heals when mended.

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::Fact;
use crate::support::change::with_spoiled;
use crate::support::clients::Protocol;
use crate::support::command::{must, run};
use crate::support::people::PRIMARY;
use crate::support::rig::{Rig, everywhere};

pub const FACTS: &[Fact] = &[
    ("a_missing_store_refuses", |rig| refuses(rig, &format!("rm {STORE}"))),
    ("an_empty_store_refuses", |rig| refuses(rig, &format!(": >{STORE}"))),
    ("a_foreign_database_refuses", |rig| refuses(rig, FOREIGN)),
    ("a_store_that_is_no_database_refuses", |rig| refuses(rig, &format!("seq 9999 >{STORE}"))),
    ("a_truncated_store_refuses", |rig| refuses(rig, &format!("truncate -s 5000 {STORE}"))),
    ("a_newer_store_refuses", |rig| refuses(rig, &format!("sqlite3 {STORE} 'PRAGMA user_version = 999'"))),
    ("a_store_that_is_a_directory_refuses", |rig| refuses(rig, &format!("rm {STORE} && mkdir {STORE}"))),
    ("a_store_that_others_may_read_refuses", |rig| refuses(rig, &format!("chmod 644 {STORE}"))),
    ("a_store_of_somebody_else_refuses", |rig| refuses(rig, &format!("chown rigmail {STORE}"))),
    ("a_missing_key_refuses", |rig| refuses(rig, &format!("rm {KEY}"))),
    ("an_empty_key_refuses", |rig| refuses(rig, &format!(": >{KEY}"))),
    ("a_wrong_key_refuses", |rig| refuses(rig, &format!("head -c 32 /dev/urandom >{KEY}"))),
    ("a_key_that_others_may_read_refuses", |rig| refuses(rig, &format!("chmod 644 {KEY}"))),
    ("a_key_of_somebody_else_refuses", |rig| refuses(rig, &format!("chown rigmail {KEY}"))),
    ("a_configuration_with_an_unknown_key_refuses", |rig| {
        refuses(rig, &format!("echo 'sotre = 1' >{CONFIG}"))
    }),
    ("a_configuration_that_is_no_toml_refuses", |rig| refuses(rig, &format!("echo '[[[' >>{CONFIG}"))),
    ("a_configuration_that_others_may_write_refuses", |rig| refuses(rig, &format!("chmod 666 {CONFIG}"))),
    ("a_locked_store_refuses_in_time", a_locked_store_refuses_in_time),
];

const STORE: &str = "/var/lib/postern/store.db";
const KEY: &str = "/etc/postern/key";
const CONFIG: &str = "/etc/postern/postern.toml";
const FOREIGN: &str =
    "rm /var/lib/postern/store.db && sqlite3 /var/lib/postern/store.db 'CREATE TABLE account (id)' &&
    chmod 600 /var/lib/postern/store.db";

fn refuses(rig: &mut Rig, spoil: &str) {
    let alice = rig.virtual_person();
    let app_password = alice.app_password("phone");
    let with_code = format!("{PRIMARY}{}", alice.enroll_totp().fresh_code());
    with_spoiled(&[STORE, KEY, CONFIG], || {
        must(spoil);
        everywhere(|protocol| {
            let secret = if protocol == Protocol::Sieve { &with_code } else { &app_password };
            rig.login(protocol, &alice.name, secret).unavailable();
        });
    });
    rig.login(Protocol::Imap, &alice.name, &app_password).granted("app-password");
    rig.login(Protocol::Submission, &alice.name, &with_code).granted("primary+code");
}

/// Our own work in a login is bounded by five seconds, whatever another process does to the store.
fn a_locked_store_refuses_in_time(rig: &mut Rig) {
    let alice = rig.virtual_person();
    let app_password = alice.app_password("phone");
    let lock =
        format!("{{ echo 'BEGIN EXCLUSIVE; SELECT 1;'; sleep 60; }} | sqlite3 {STORE} >/run/rig/locked");
    let mut locker = Command::new("setsid").args(["sh", "-c", &lock]).stdin(Stdio::null()).spawn().unwrap();
    while must("cat /run/rig/locked 2>/dev/null || :").is_empty() {
        thread::sleep(Duration::from_millis(10));
    }
    let start = Instant::now();
    let attempt = rig.login(Protocol::Imap, &alice.name, &app_password);
    let took = start.elapsed();
    let group = format!("-{}", locker.id());
    run("kill", &["-KILL", "--", &group], "");
    must("rm /run/rig/locked");
    locker.wait().unwrap();
    attempt.unavailable();
    assert!(took < Duration::from_secs(6), "{took:?}");
    rig.login(Protocol::Imap, &alice.name, &app_password).granted("app-password");
}
