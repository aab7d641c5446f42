//! What breaks becomes "unavailable", in time, and works again once it is mended.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::thread;
use std::time::{Duration, Instant};

use super::impostor::{GRANT, NO_ANSWERS, Stranger, answer_all};
use super::running::{Running, service};
use super::site::{Site, authenticate_code};

const SUCCESS: i32 = 0;
const AUTHINFO_UNAVAIL: i32 = 9;
const MAIL: &str = "imap,pop3,smtp,sieve";

/// A site with one app password, and a service that asks the daemon.
fn prepared() -> (Site, String) {
    let site = Site::with_alice();
    let phone = site.app_password("alice", "phone", MAIL);
    service(&site, "postern-imap");
    (site, phone)
}

#[allow(clippy::disallowed_methods, reason = "a deadline is a fact about the real clock")]
fn within_five_seconds(site: &Site, secret: &str) {
    let start = Instant::now();
    // One call: the account phase is another.
    let line = site.login_with("postern-imap", "alice", secret.as_bytes(), &["authenticate"]);
    assert_eq!(authenticate_code(&line), AUTHINFO_UNAVAIL);
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn without_a_daemon_nothing_is_granted() {
    let (site, phone) = prepared();
    within_five_seconds(&site, &phone);
    let running = Running::start(&site);
    assert_eq!(site.login("postern-imap", "alice", &phone), SUCCESS);
    drop(running);
    within_five_seconds(&site, &phone);
}

#[test]
fn a_daemon_that_is_stopped_is_waited_for_in_vain_and_not_for_long() {
    let (site, phone) = prepared();
    let running = Running::start(&site);
    running.signal("STOP");
    within_five_seconds(&site, &phone);
    running.signal("CONT");
    assert_eq!(site.login("postern-imap", "alice", &phone), SUCCESS);
}

#[test]
fn what_is_no_answer_is_unavailable() {
    let (site, phone) = prepared();
    fs::create_dir(site.path("run")).unwrap();
    answer_all(&site.path("run/verify"), NO_ANSWERS);
    for _ in NO_ANSWERS {
        within_five_seconds(&site, &phone);
    }
    // The same impostor would be believed, were it to say the right thing.
    fs::remove_file(site.path("run/verify")).unwrap();
    answer_all(&site.path("run/verify"), &[&[GRANT]]);
    let line = site.login_with("postern-imap", "alice", phone.as_bytes(), &["authenticate"]);
    assert_eq!(authenticate_code(&line), SUCCESS);
}

#[test]
fn a_socket_of_somebody_else_is_asked_nothing() {
    let (site, phone) = prepared();
    fs::create_dir(site.path("run")).unwrap();
    for (name, mode) in [("", 0o755), ("run", 0o777)] {
        fs::set_permissions(site.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    let stranger = Stranger::listens(&site.path("run/verify"));
    within_five_seconds(&site, &phone);
    let heard = stranger.heard();
    assert!(heard.iter().all(|octets| *octets == 0), "{heard:?}");
}

#[test]
fn a_worker_that_is_killed_is_replaced() {
    let (site, phone) = prepared();
    let running = Running::start(&site);
    assert_eq!(site.login("postern-imap", "alice", &phone), SUCCESS);
    for pid in running.workers() {
        assert!(
            std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap().success()
        );
    }
    thread::sleep(Duration::from_millis(700));
    assert_eq!(site.login("postern-imap", "alice", &phone), SUCCESS);
}

#[test]
fn a_worker_that_hangs_is_ended_at_the_deadline_and_the_next_one_answers() {
    let (site, phone) = prepared();
    let running = Running::start(&site);
    assert_eq!(site.login("postern-imap", "alice", &phone), SUCCESS);
    let hanging = running.workers();
    for pid in &hanging {
        assert!(
            std::process::Command::new("kill").args(["-STOP", &pid.to_string()]).status().unwrap().success()
        );
    }
    within_five_seconds(&site, &phone);
    // Those that had a question are gone; the others hang until they get one.
    assert!(running.workers().iter().any(|pid| !hanging.contains(pid)));
}

#[test]
fn what_is_broken_in_the_store_is_unavailable_through_the_daemon_too() {
    let (site, phone) = prepared();
    let _running = Running::start(&site);
    let key = fs::read(site.path("etc/key")).unwrap();
    fs::remove_file(site.path("etc/key")).unwrap();
    within_five_seconds(&site, &phone);
    fs::write(site.path("etc/key"), key).unwrap();
    std::fs::set_permissions(site.path("etc/key"), std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .unwrap();
    assert_eq!(site.login("postern-imap", "alice", &phone), SUCCESS);
}

#[test]
fn a_broken_configuration_leaves_the_old_one_in_force() {
    let (site, phone) = prepared();
    let running = Running::start(&site);
    let path = site.path("etc/postern.toml");
    let good = fs::read_to_string(&path).unwrap();
    assert_eq!(site.login("postern-imap", "alice", &phone), SUCCESS);
    fs::write(&path, "broken").unwrap();
    running.signal("HUP");
    thread::sleep(Duration::from_millis(300));
    assert_eq!(site.login("postern-imap", "alice", &phone), SUCCESS);
    // Workers that are replaced go by the old one too.
    for pid in running.workers() {
        assert!(
            std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap().success()
        );
    }
    thread::sleep(Duration::from_millis(700));
    assert_eq!(site.login("postern-imap", "alice", &phone), SUCCESS);
    fs::write(&path, good.replacen("[primary]", "[services]\nimap = []\n[primary]", 1)).unwrap();
    running.signal("HUP");
    thread::sleep(Duration::from_millis(300));
    assert_ne!(site.login("postern-imap", "alice", &phone), SUCCESS);
}
