//! What peers may not do, and how much of what they may.

use std::fs;
use std::thread;
use std::time::Duration;

use rustix::net::{SendFlags, send};

use super::running::{Running, command, service};
use super::site::Site;

const SUCCESS: i32 = 0;
const MAIL: &str = "imap,pop3,smtp,sieve";

#[test]
fn garbage_gets_no_answer_and_hurts_nobody() {
    let site = Site::with_alice();
    let phone = site.app_password("alice", "phone", MAIL);
    let running = Running::start(&site);
    service(&site, "postern-imap");
    for packet in [
        &b"x"[..],
        b"\x01v",
        b"\x02vp\0\0",
        &[0xff; 4000],
        &[0; 4096],
        &[b'a'; 8000],
        b"GET / HTTP/1.1\r\n\r\n",
    ] {
        assert_eq!(running.say(packet), b"", "{packet:?}");
    }
    assert_eq!(site.login("postern-imap", "alice", &phone), SUCCESS);
}

#[test]
fn a_thousand_idle_connections_keep_nobody_out() {
    let site = Site::with_alice();
    let phone = site.app_password("alice", "phone", MAIL);
    let running = Running::start(&site);
    service(&site, "postern-imap");
    let idle: Vec<_> = (0..1000).map(|_| running.connection()).collect();
    assert_eq!(site.login("postern-imap", "alice", &phone), SUCCESS);
    drop(idle);
    assert_eq!(site.login("postern-imap", "alice", &phone), SUCCESS);
}

#[test]
fn whoever_goes_away_or_speaks_twice_leaves_the_others_alone() {
    let site = Site::with_alice();
    let phone = site.app_password("alice", "phone", MAIL);
    let running = Running::start(&site);
    service(&site, "postern-imap");
    for _ in 0..50 {
        let socket = running.connection();
        for _ in 0..3 {
            // Whether it is heard does not matter.
            let _ = send(&socket, b"\x01", SendFlags::NOSIGNAL);
        }
        drop(socket);
    }
    assert_eq!(site.login("postern-imap", "alice", &phone), SUCCESS);
}

#[test]
fn a_second_daemon_at_the_same_socket_does_not_start() {
    let site = Site::with_alice();
    let running = Running::start(&site);
    let second = command(&site).output().unwrap();
    assert_eq!(second.status.code(), Some(5));
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(said.contains("somebody answers") && said.contains("hint: "), "{said}");
    drop(running);
    // A socket that a killed one has left behind is in nobody's way.
    let _third = Running::start(&site);
}

#[test]
fn a_directory_that_others_may_write_to_holds_no_socket() {
    use std::os::unix::fs::PermissionsExt;
    let site = Site::with_alice();
    fs::create_dir(site.path("run")).unwrap();
    fs::set_permissions(site.path("run"), fs::Permissions::from_mode(0o777)).unwrap();
    let text = format!("[daemon]\nverify = [{:?}]\n", site.path("run/verify"));
    let path = site.path("etc/postern.toml");
    fs::write(&path, fs::read_to_string(&path).unwrap() + &text).unwrap();
    let done = command(&site).output().unwrap();
    assert_eq!(done.status.code(), Some(5));
    assert!(String::from_utf8(done.stderr).unwrap().contains("others may write"));
}

#[test]
fn sigterm_ends_it_and_takes_the_socket_along() {
    let site = Site::with_alice();
    let mut running = Running::start(&site);
    running.signal("TERM");
    for _ in 0..300 {
        if let Some(status) = running.child.try_wait().unwrap() {
            assert_eq!(status.code(), Some(0));
            assert!(!site.path("run/verify").exists());
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("it goes on");
}
