//! Who gets in, with which code, and what the client is told.

use std::fs;

use crate::host::{ASKS, BADAUTH, BADPROT, Host, OK, Plugins, SHIPPED, TRYAGAIN, UNAVAIL};
use crate::site::{PRIMARY, Site, code_at, now};

const MAIL: &str = "imap,pop3,smtp,sieve";

#[test]
fn both_mechanisms_take_a_login_with_and_without_an_initial_response() {
    let host = Host::with_alice();
    let phone = host.site.app_password("alice", "phone", "smtp");
    let plain = format!("\0alice\0{phone}");
    let login = [b"alice".as_slice(), phone.as_bytes()];
    for (words, messages, asked) in [
        (&["PLAIN", "initial"][..], &[plain.as_bytes()][..], ""),
        (&["PLAIN"], &[plain.as_bytes()], "[]"),
        (&["plain", "initial"], &[plain.as_bytes()], ""),
        (&["LOGIN"], &login, "[Username:][Password:]"),
        (&["LOGIN", "initial"], &login, "[Password:]"),
        (&["LOGIN", "initial"], &[b"", login[0], login[1]], "[Username:][Password:]"),
    ] {
        let said = host.converse(Plugins::StockFirst, words, messages);
        assert_eq!((said.code, said.asked.as_str()), (OK, asked), "{words:?} {said:?}");
        assert_eq!((said.user.as_str(), said.authid.as_str()), ("alice", "alice"), "{words:?}");
    }
}

#[test]
fn every_denial_looks_alike() {
    let host = Host::with_alice();
    let site = &host.site;
    let (lost, imap) = (site.app_password("alice", "lost", MAIL), site.app_password("alice", "imap", "imap"));
    site.revoke("alice", "lost");
    let mistyped = format!("{}0", &lost[..lost.len() - 1]);
    let told = host.plain("alice", "wrong").detail;
    for (account, secret) in [
        ("alice", PRIMARY),
        ("alice", lost.as_str()),
        ("alice", &mistyped),
        ("alice", &imap),
        ("alice", ""),
        ("alice", "wrong\u{1}"),
        ("alice", &format!("{PRIMARY}000000")),
        ("bob", &imap),
        ("nobody", PRIMARY),
        ("no\u{1}body", PRIMARY),
        (" ", PRIMARY),
        ("'; DROP TABLE account; --", PRIMARY),
    ] {
        let said = host.plain(account, secret);
        assert_eq!((said.code, &said.detail), (BADAUTH, &told), "{account:?} {secret:?}: {said:?}");
        assert!(said.user.is_empty() && !said.log.contains(PRIMARY), "{said:?}");
    }
    let not_text = host.converse(Plugins::StockFirst, &["PLAIN", "initial"], &[b"\0al\xffice\0\xfe"]);
    assert_eq!((not_text.code, not_text.detail), (BADAUTH, told));
}

#[test]
fn a_primary_passes_only_with_a_code_and_a_code_passes_once() {
    let host = Host::with_alice();
    let field = format!("{PRIMARY}{}", code_at(now()));
    assert_eq!(host.plain("alice", PRIMARY).code, BADAUTH);
    assert_eq!(host.plain("alice", &field).code, OK);
    assert_eq!(host.plain("alice", &field).code, BADAUTH);
}

#[test]
fn nobody_acts_as_somebody_else_and_trying_spends_no_code() {
    let host = Host::with_alice();
    host.site.account("bob", PRIMARY);
    let field = format!("{PRIMARY}{}", code_at(now()));
    let login = |authzid: &str| {
        let message = format!("{authzid}\0alice\0{field}");
        host.converse(Plugins::StockFirst, &["PLAIN", "initial"], &[message.as_bytes()])
    };
    for other in ["bob", "alicia", "alice@mail.example.org", "Alice", " ", "\u{e9}"] {
        let said = login(other);
        assert_eq!(said.code, BADAUTH, "{other}: {said:?}");
        assert!(said.user.is_empty());
    }
    // libsasl's canonical form has no blanks around it.
    let said = login(" alice ");
    assert_eq!((said.code, said.user.as_str(), said.authid.as_str()), (OK, "alice", "alice"), "{said:?}");
    let phone = host.site.app_password("alice", "phone", "smtp");
    let message = format!("alice\0alice\0{phone}");
    let said = host.converse(Plugins::StockFirst, &["PLAIN", "initial"], &[message.as_bytes()]);
    assert_eq!((said.code, said.user.as_str()), (OK, "alice"));
}

#[test]
fn the_realm_of_the_application_belongs_to_the_name() {
    let host = Host::new(Site::new());
    host.site.account("alice@example.org", PRIMARY);
    let phone = host.site.app_password("alice@example.org", "phone", "smtp");
    let said = host.plain_with(&["realm=example.org"], "alice", &phone);
    assert_eq!((said.code, said.user.as_str()), (OK, "alice@example.org"));
    assert_eq!(host.plain("alice", &phone).code, BADAUTH);
    assert_eq!(host.plain_with(&["realm=example.com"], "alice", &phone).code, BADAUTH);
    let long = format!("realm={}", "a".repeat(900));
    assert_eq!(host.plain_with(&[&long], "alice", &phone).code, BADAUTH);
}

#[test]
fn the_service_is_the_applications_unless_it_is_named() {
    let host = Host::with_alice();
    let (mail, imap) =
        (host.site.app_password("alice", "mail", "smtp"), host.site.app_password("alice", "imap", "imap"));
    assert_eq!((host.plain("alice", &mail).code, host.plain("alice", &imap).code), (OK, BADAUTH));
    host.configure(&format!("{SHIPPED}\npostern_service: imap"));
    assert_eq!((host.plain("alice", &mail).code, host.plain("alice", &imap).code), (BADAUTH, OK));
}

#[test]
fn the_client_is_where_the_application_says_and_nowhere_else() {
    let host = Host::with_alice();
    let networks = "192.0.2.0/24,2001:db8::/32";
    let office = host.site.limited_app_password("alice", "office", "smtp", networks, None);
    for (remote, code) in [
        ("remote=192.0.2.1;40000", OK),
        ("remote=2001:db8::1;40000", OK),
        ("remote=::ffff:192.0.2.1;40000", OK),
        ("remote=198.51.100.1;40000", BADAUTH),
        ("remote=2001:db9::1;40000", BADAUTH),
    ] {
        let said = host.plain_with(&[remote], "alice", &office);
        assert_eq!(said.code, code, "{remote}: {said:?}");
    }
    assert_eq!(host.plain("alice", &office).code, BADAUTH);
}

#[test]
fn a_throttled_source_is_told_to_come_back() {
    let host = Host::with_alice();
    let phone = host.site.app_password("alice", "phone", "smtp");
    let login = |secret: &str| host.plain_with(&["remote=192.0.2.1;40000"], "alice", secret).code;
    let codes: Vec<i32> = (0..12).map(|number| login(&format!("wrong {number}"))).collect();
    assert_eq!(codes[..6], [BADAUTH; 6], "{codes:?}");
    assert!(codes[6..].contains(&TRYAGAIN), "{codes:?}");
    assert_eq!(login(&phone), OK);
}

#[test]
fn what_is_broken_is_unavailable_and_its_reason_is_the_administrators() {
    let host = Host::with_alice();
    let phone = host.site.app_password("alice", "phone", "smtp");
    let unavailable = |what: &str| {
        let said = host.plain("alice", &phone);
        assert_eq!(said.code, UNAVAIL, "{what}: {said:?}");
        assert!(said.log.contains("unavailable account=\"alice\" service=smtp"), "{what}: {}", said.log);
        assert!(!said.log.contains(&phone), "{what}: {}", said.log);
        assert!(said.detail.ends_with(": logins cannot be checked now"), "{what}: {}", said.detail);
    };
    let store = host.site.path("store/store.db");
    let good = fs::read(&store).unwrap();
    fs::remove_file(&store).unwrap();
    unavailable("no store");
    fs::write(&store, &good[..100]).unwrap();
    unavailable("half a store");
    for lines in [
        "postern_store: no",
        "postern_store: relative/postern.toml",
        "postern_store: /nonexistent/postern.toml",
        "postern_store: /nonexistent\npostern_socket: /nonexistent",
        "postern_socket: relative",
        "postern_socket: /nonexistent",
        "canon_user_plugin: nonexistent",
        "",
    ] {
        host.configure_bare(&format!("{}\n{lines}\n", SHIPPED.replace(ASKS, "")));
        unavailable(lines);
    }
}

#[test]
fn what_is_no_message_of_the_mechanism_is_a_failure_of_the_protocol() {
    let host = Host::with_alice();
    let phone = host.site.app_password("alice", "phone", "smtp");
    let long = "a".repeat(100_000);
    for message in [
        String::new(),
        "alice".to_owned(),
        format!("alice\0{phone}"),
        format!("\0\0{phone}"),
        format!("\0alice\0{phone}\0"),
        format!("\0alice\0{phone}{long}"),
        format!("{long}\0alice\0{phone}"),
        format!("\0{}\0{phone}", &long[..321]),
        format!("\0alice\0{}", &long[..513]),
    ] {
        let said = host.converse(Plugins::StockFirst, &["PLAIN", "initial"], &[message.as_bytes()]);
        assert_eq!(said.code, BADPROT, "{message:.40}: {said:?}");
        assert!(!said.log.contains(&phone) && !said.detail.contains(&phone));
    }
    for messages in [[long.as_str(), &phone], ["al\0ice", &phone], ["alice", &long], ["alice", "\0"]] {
        let said = host.converse(Plugins::StockFirst, &["LOGIN"], &messages.map(str::as_bytes));
        assert_eq!(said.code, BADPROT, "{messages:.40?}: {said:?}");
    }
}

#[test]
fn a_client_that_goes_away_leaves_nothing_to_grant() {
    let host = Host::with_alice();
    for (words, messages, asked) in [
        (&["LOGIN"][..], &[][..], "[Username:]"),
        (&["LOGIN"], &[&b"alice"[..]], "[Username:][Password:]"),
        (&["PLAIN"], &[], "[]"),
    ] {
        let said = host.converse(Plugins::OursFirst, words, messages);
        assert_eq!((said.code, said.asked.as_str()), (1, asked), "{words:?}");
    }
}
