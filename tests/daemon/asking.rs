//! Whoever may ask gets the answer that the same store gives in process.

use super::running::{Running, service};
use super::site::{PRIMARY, Site, code_at, now};

const SUCCESS: i32 = 0;
const AUTH_ERR: i32 = 7;
const MAIL: &str = "imap,pop3,smtp,sieve";

#[test]
fn the_module_across_the_socket_says_what_it_says_in_process() {
    let site = Site::with_alice();
    let phone = site.app_password("alice", "phone", MAIL);
    let (narrow, office) = (
        site.app_password("alice", "narrow", "pop3"),
        site.limited_app_password("alice", "o", MAIL, "192.0.2.0/24", None),
    );
    let _running = Running::start(&site);
    service(&site, "postern-imap");
    let with_code = format!("{PRIMARY}{}", code_at(now()));
    for (account, secret, code) in [
        ("alice", phone.as_str(), SUCCESS),
        ("bob", &phone, AUTH_ERR),
        ("alice", &narrow, AUTH_ERR),
        ("alice", &office, AUTH_ERR),
        ("alice", "wrong", AUTH_ERR),
        ("alice", PRIMARY, AUTH_ERR),
        ("alice", &with_code, SUCCESS),
        ("alice", &with_code, AUTH_ERR),
        ("nobody", PRIMARY, AUTH_ERR),
        ("al\u{1}ice", &phone, AUTH_ERR),
        ("alice", &"a".repeat(513), AUTH_ERR),
    ] {
        assert_eq!(site.login("postern-imap", account, secret), code, "{account}");
    }
    let line = site.login_with("postern-imap", "alice", office.as_bytes(), &["rhost=192.0.2.7"]);
    assert!(line.starts_with("authenticate=0 account=0 "), "{line}");
    let line = site.login_with("postern-imap", "nobody", phone.as_bytes(), &[]);
    assert!(line.starts_with("authenticate=7 account=7 "), "{line}");
    site.revoke("alice", "phone");
    assert_eq!(site.login("postern-imap", "alice", &phone), AUTH_ERR);
}

#[test]
fn programs_that_speak_saslauthd_s_language_get_its_answers() {
    let site = Site::with_alice();
    site.account("carol@example.org", PRIMARY);
    let phone = site.app_password("alice", "phone", "smtp");
    let carol = site.app_password("carol@example.org", "phone", "smtp");
    let running = Running::start(&site);
    for piece in [1, 3, 1000] {
        assert_eq!(running.saslauthd(["alice", &phone, "smtp", ""], piece), "OK");
        assert_eq!(running.saslauthd(["carol", &carol, "submission", "example.org"], piece), "OK");
    }
    assert_eq!(running.saslauthd(["alice", &phone, "imap", ""], 1000), "NO");
    assert_eq!(running.saslauthd(["alice", "wrong", "smtp", ""], 1000), "NO");
    assert_eq!(running.saslauthd(["", "", "", ""], 1000), "NO");
}

#[test]
fn one_connection_may_ask_one_question_after_another() {
    use postern::crypto::secret::Secret;
    use postern::domain::attempt::{Door, RawAttempt, Shown};
    use postern::wire::{Question, decode_reply, encode};
    use rustix::net::{RecvFlags, SendFlags, recv, send};
    let site = Site::with_alice();
    let phone = site.app_password("alice", "phone", MAIL);
    let running = Running::start(&site);
    let socket = running.connection();
    for (secret, granted) in [(phone.as_str(), true), ("wrong", false), (&phone, true)] {
        let secret = Secret::copy_of(secret.as_bytes());
        let shown = Shown::Field(&secret);
        let raw = RawAttempt { account: b"alice", shown, service: b"imap", remote: None, door: Door::C };
        send(&socket, &encode(Question::Verify, &raw).unwrap(), SendFlags::NOSIGNAL).unwrap();
        let mut answer = [0; 16];
        let (_, length) = recv(&socket, &mut answer[..], RecvFlags::empty()).unwrap();
        let reply = decode_reply(&answer[..length]).unwrap();
        assert_eq!(reply == postern::backend::Reply::Granted, granted);
    }
}
