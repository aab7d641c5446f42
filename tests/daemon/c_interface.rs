//! include/postern.h, by the example that is shipped with it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::running::Running;
use super::site::{PRIMARY, Site, code_at, module, now};

/// Compiles the example as its comment says, against the built library.
fn example(site: &Site) -> PathBuf {
    let (library, program) = (module(), site.path("login"));
    let status = Command::new("cc")
        .args(["-Wall", "-Wextra", "-Werror", "-std=gnu99", "-Iinclude", "-o"])
        .args([&program, Path::new("packaging/examples/c/login.c"), &library])
        .arg(format!("-Wl,-rpath,{}", library.parent().unwrap().display()))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(status.unwrap().success());
    program
}

fn ask(program: &Path, account: &str, service: &str, choice: &str, secret: &str) -> (i32, String) {
    let mut command = Command::new(program);
    command.args([account, service, choice]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{secret}\n").as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap().trim_end().to_owned())
}

#[test]
fn the_example_gets_the_same_answers_in_process_and_from_the_daemon() {
    let site = Site::with_alice();
    let phone = site.app_password("alice", "phone", "imap");
    let _running = Running::start(&site);
    let program = example(&site);
    let here = format!("config={}", site.path("etc/postern.toml").display());
    let there = format!("socket={}", site.path("run/verify").display());
    for choice in [&here, &there] {
        for (account, service, secret, code, word) in [
            ("alice", "imap", phone.as_str(), 0, "granted"),
            ("alice", "smtp", &phone, 1, "denied"),
            ("nobody", "imap", &phone, 1, "denied"),
            ("alice", "imap", PRIMARY, 1, "denied"),
            ("", "", "", 1, "denied"),
        ] {
            let answer = ask(&program, account, service, choice, secret);
            assert_eq!(answer, (code, word.to_owned()), "{choice} {account} {service}");
        }
    }
    let with_code = format!("{PRIMARY}{}", code_at(now()));
    assert_eq!(ask(&program, "alice", "imap", &there, &with_code), (0, "granted".to_owned()));
    assert_eq!(ask(&program, "alice", "imap", &here, &with_code), (1, "denied".to_owned()));
    let nowhere = (1, "unavailable".to_owned());
    assert_eq!(ask(&program, "alice", "imap", "socket=/nonexistent", &phone), nowhere);
    assert_eq!(ask(&program, "alice", "imap", "config=/nonexistent", &phone), nowhere);
    assert_eq!(ask(&program, "alice", "imap", "sockets=/x", &phone).0, 2);
}
