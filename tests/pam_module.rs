//! The module as a PAM application meets it: the built file, loaded by the real libpam.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

#[path = "support/site.rs"]
mod site;

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use site::{PRIMARY, Site, authenticate_code, code_at, module, now};

const SUCCESS: i32 = 0;
const SYSTEM_ERR: i32 = 4;
const AUTH_ERR: i32 = 7;
const AUTHINFO_UNAVAIL: i32 = 9;
const MAXTRIES: i32 = 11;
const CONV_ERR: i32 = 19;

const MAIL: &str = "imap,pop3,smtp,sieve";

#[test]
fn it_exports_what_its_hosts_call_and_nothing_else() {
    let output = Command::new("nm").args(["-D", "--defined-only"]).arg(module()).output().unwrap();
    let listed = String::from_utf8(output.stdout).unwrap();
    let mut names: Vec<&str> = listed.lines().filter_map(|line| line.split(' ').next_back()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "pam_sm_acct_mgmt",
            "pam_sm_authenticate",
            "pam_sm_setcred",
            "postern_close",
            "postern_open",
            "postern_reason",
            "postern_verify",
            "sasl_server_plug_init"
        ]
    );
}

#[test]
fn it_stays_loaded_binds_at_once_and_links_little() {
    let output = Command::new("readelf").args(["-d", "-W"]).arg(module()).output().unwrap();
    let dynamic = String::from_utf8(output.stdout).unwrap();
    assert!(dynamic.contains("NODELETE") && dynamic.contains("NOW"), "{dynamic}");
    let mut needed: Vec<&str> = dynamic
        .lines()
        .filter(|line| line.contains("(NEEDED)"))
        .filter_map(|line| line.split(['[', ']']).nth(1)?.split(".so").next())
        .filter(|name| !name.starts_with("ld-linux"))
        .collect();
    needed.sort_unstable();
    assert_eq!(needed, ["libc", "libcrypt", "libgcc_s", "libpam", "libsqlite3"]);
    assert!(fs::metadata(module()).unwrap().len() <= 2 * 1024 * 1024);
}

#[test]
fn an_app_password_passes_in_its_scope_until_it_is_revoked() {
    let site = Site::with_alice();
    site.service("postern-imap", "");
    site.service("postern-smtp", "");
    site.service("dovecot", "");
    let phone = site.app_password("alice", "phone", "imap");
    let laptop = site.app_password("alice", "laptop", MAIL);
    assert_eq!(site.login("postern-imap", "alice", &phone), SUCCESS);
    assert_eq!(site.login("postern-imap", "ALICE", &phone.to_uppercase().replace('-', " ")), SUCCESS);
    assert_eq!(site.login("postern-smtp", "alice", &phone), AUTH_ERR);
    assert_eq!(site.login("dovecot", "alice", &phone), AUTH_ERR);
    assert_eq!(site.login("dovecot", "alice", &laptop), SUCCESS);
    site.revoke("alice", "phone");
    assert_eq!(site.login("postern-imap", "alice", &phone), AUTH_ERR);
    assert_eq!(site.login("postern-imap", "alice", &laptop), SUCCESS);
}

#[test]
fn a_primary_passes_only_with_a_code_and_a_code_passes_once() {
    let site = Site::with_alice();
    site.service("postern-imap", "");
    let code = code_at(now());
    assert_eq!(site.login("postern-imap", "alice", PRIMARY), AUTH_ERR);
    assert_eq!(site.login("postern-imap", "alice", &format!("wrong horse{code}")), AUTH_ERR);
    assert_eq!(site.login("postern-imap", "alice", &code), AUTH_ERR);
    assert_eq!(site.login("postern-imap", "alice", &format!("{PRIMARY}{code}")), SUCCESS);
    assert_eq!(site.login("postern-imap", "alice", &format!("{PRIMARY}{code}")), AUTH_ERR);
}

#[test]
fn of_64_processes_with_one_code_exactly_one_passes() {
    let site = Site::with_alice();
    one_of_64_passes(&site, &format!("{PRIMARY}{}", code_at(now())));
}

#[test]
fn of_64_processes_with_one_recovery_code_exactly_one_passes() {
    let site = Site::with_alice();
    one_of_64_passes(&site, &format!("{PRIMARY} {}", site.recovery_codes("alice")[0]));
}

#[track_caller]
fn one_of_64_passes(site: &Site, field: &str) {
    site.service("postern-imap", "");
    let mut hosts: Vec<_> = (0..64).map(|_| site.pam_host("postern-imap", "alice", &[])).collect();
    // All stand ready; the end of stdin lets them go.
    let pipes: Vec<_> = hosts.iter_mut().map(|host| host.stdin.take().unwrap()).collect();
    for mut pipe in pipes {
        pipe.write_all(field.as_bytes()).unwrap();
    }
    let codes: Vec<i32> = hosts
        .iter_mut()
        .map(|host| {
            let mut line = String::new();
            host.stdout.take().unwrap().read_to_string(&mut line).unwrap();
            host.wait().unwrap();
            authenticate_code(&line)
        })
        .collect();
    assert_eq!(codes.iter().filter(|code| **code == SUCCESS).count(), 1, "{codes:?}");
    // Whoever found no slot in time was not looked at.
    let refused = codes.iter().filter(|code| [AUTH_ERR, MAXTRIES].contains(code)).count();
    assert_eq!(refused, 63, "{codes:?}");
}

#[test]
fn a_disabled_account_passes_with_nothing() {
    let site = Site::with_alice();
    site.service("postern-imap", "");
    let phone = site.app_password("alice", "phone", MAIL);
    let disabled = postern::domain::account::AccountState::Disabled;
    postern::enrollment::Enrollment::new(&site.vault())
        .set_state(&site::name("alice"), disabled, site.made())
        .unwrap();
    assert_eq!(
        site.login_with("postern-imap", "alice", phone.as_bytes(), &[]),
        "authenticate=7 account=13 setcred=0 user=alice"
    );
    assert_eq!(site.login("postern-imap", "alice", &format!("{PRIMARY}{}", code_at(now()))), AUTH_ERR);
}

#[test]
fn the_account_phase_stands_alone_and_setcred_succeeds() {
    let site = Site::with_alice();
    site.service("postern-imap", "");
    let phone = site.app_password("alice", "phone", MAIL);
    let line = site.login_with("postern-imap", "alice", phone.as_bytes(), &["setcred", "rhost=192.0.2.1"]);
    assert_eq!(line, "authenticate=0 account=0 setcred=0 user=alice");
    let line = site.login_with("postern-imap", "nobody", phone.as_bytes(), &[]);
    assert_eq!(line, "authenticate=7 account=7 setcred=0 user=nobody");
    // PAM_USER is Dovecot's mailbox owner: it stays as the host wrote it.
    let line = site.login_with("postern-imap", "Alice", phone.as_bytes(), &[]);
    assert_eq!(line, "authenticate=0 account=0 setcred=0 user=Alice");
}

/// The code of pam_acct_mgmt(3), where something happened after a granted authentication.
fn account_after(site: &Site, phone: &str, word: &str) -> String {
    let line = site.login_with("postern-imap", "alice", phone.as_bytes(), &[word]);
    let codes = line.strip_prefix("authenticate=0 account=").unwrap_or_else(|| panic!("{line}"));
    codes.split(' ').next().unwrap().to_owned()
}

#[test]
fn what_was_granted_at_this_moment_is_not_looked_at_again() {
    let site = Site::with_alice();
    site.service("postern-imap", "");
    let phone = site.app_password("alice", "phone", MAIL);
    let store = site.config.store.display();
    let hidden = format!("between=mv {store} {store}.hidden");
    // A busy machine may need more than that moment for the command.
    let passes = (0..10).any(|_| {
        let code = account_after(&site, &phone, &hidden);
        fs::rename(format!("{store}.hidden"), &site.config.store).unwrap();
        code == "0"
    });
    assert!(passes);
}

#[test]
fn the_account_is_looked_at_again_later_and_for_another_name() {
    let site = Site::with_alice();
    site.service("postern-imap", "");
    let phone = site.app_password("alice", "phone", MAIL);
    assert_eq!(account_after(&site, &phone, "becomes=nobody"), AUTH_ERR.to_string());
    let store = site.config.store.display();
    let later = format!("between=sleep 2.1; mv {store} {store}.hidden");
    assert_eq!(account_after(&site, &phone, &later), AUTHINFO_UNAVAIL.to_string());
}

#[test]
fn a_broken_conversation_is_no_login_and_no_crash() {
    let site = Site::with_alice();
    site.service("postern-imap", "");
    for mode in ["error", "null-array", "null-text", "none"] {
        let line = site.login_with("postern-imap", "alice", b"x", &[&format!("conversation={mode}")]);
        // Linux-PAM itself refuses to start without a conversation function, or asks and gets nothing.
        assert!(line.starts_with("start=") || authenticate_code(&line) == CONV_ERR, "{mode}: {line}");
    }
}

#[test]
fn arguments_are_understood_or_refuse_every_login() {
    let site = Site::with_alice();
    let phone = site.app_password("alice", "phone", "imap");
    for (words, expected) in [
        ("service=imap", SUCCESS),
        ("service=smtp", AUTH_ERR),
        ("debug service=imap", SUCCESS),
        ("try_first_pass service=imap", SUCCESS),
        ("use_first_pass service=imap", CONV_ERR),
        ("service=imap nullok", AUTHINFO_UNAVAIL),
        ("service=imap prompt second-factor-only", AUTHINFO_UNAVAIL),
        ("service=imap config=/nonexistent", AUTHINFO_UNAVAIL),
    ] {
        site.service("any", words);
        assert_eq!(site.login("any", "alice", &phone), expected, "{words}");
    }
}

#[test]
fn a_host_that_can_ask_asks_the_same_of_everybody() {
    let site = Site::with_alice();
    site.service("sshd", "prompt");
    site.service("later", "second-factor-only service=sshd");
    let ask = |service: &str, account: &str, lines: &str| {
        let line = site.login_with(service, account, lines.as_bytes(), &["lines"]);
        let (_, asked) = line.split_once(" asked=").unwrap();
        (authenticate_code(&line), asked.to_owned())
    };
    let both = "[Password: ][One-time code: ]".to_owned();
    let right = format!("{PRIMARY}\n{}", code_at(now()));
    let app_password = site.app_password("alice", "phone", "sshd");
    for (account, lines, code) in [
        ("alice", right.as_str(), SUCCESS),
        ("alice", &right, AUTH_ERR),
        ("alice", "wrong\n123456", AUTH_ERR),
        ("alice", &app_password, SUCCESS),
        ("alice", "x7qm-2x9d\n", AUTH_ERR),
        ("nobody", &right, AUTH_ERR),
        ("no\u{1}body", &right, AUTH_ERR),
    ] {
        assert_eq!(ask("sshd", account, lines), (code, both.clone()), "{account}: {lines}");
    }
    let recovery = site.recovery_codes("alice");
    for (account, line, code) in [
        ("alice", recovery[0].as_str(), SUCCESS),
        ("alice", &recovery[0], AUTH_ERR),
        ("alice", PRIMARY, AUTH_ERR),
        ("alice", "", AUTH_ERR),
        ("nobody", &recovery[1], AUTH_ERR),
    ] {
        assert_eq!(ask("later", account, line), (code, "[One-time code: ]".to_owned()), "{account}: {line}");
    }
}

#[test]
fn a_throttled_source_is_told_so_by_a_code_of_its_own() {
    let site = Site::with_alice();
    site.service("postern-imap", "");
    let phone = site.app_password("alice", "phone", "imap");
    let login = |secret: &str, from: &str| {
        authenticate_code(&site.login_with("postern-imap", "alice", secret.as_bytes(), &[from]))
    };
    let codes: Vec<i32> =
        (0..12).map(|number| login(&format!("wrong {number}"), "rhost=192.0.2.1")).collect();
    assert_eq!(codes[..6], [AUTH_ERR; 6], "{codes:?}");
    assert!(codes[6..].contains(&MAXTRIES), "{codes:?}");
    assert_eq!(login(&phone, "rhost=192.0.2.1"), SUCCESS);
    assert_eq!(login("wrong 99", "rhost=192.0.2.2"), AUTH_ERR);
}

#[test]
fn a_password_that_an_earlier_module_asked_for_is_used() {
    let site = Site::with_alice();
    let phone = site.app_password("alice", "phone", "imap");
    site.service("postern-imap", "use_first_pass");
    let ours = fs::read_to_string(site.path("services/postern-imap")).unwrap();
    // pam_exec asks for the password and leaves it for the modules behind it.
    let asks = "auth required pam_exec.so quiet expose_authtok /bin/true\n";
    site.write("services/postern-imap", &format!("{asks}{ours}"));
    assert_eq!(site.login("postern-imap", "alice", &phone), SUCCESS);
    assert_eq!(site.login("postern-imap", "alice", "wrong"), AUTH_ERR);
}

#[test]
fn what_is_broken_is_unavailable_and_mended_it_works_again() {
    let site = Site::with_alice();
    site.service("postern-imap", "");
    let phone = site.app_password("alice", "phone", "imap");
    let store = site.path("store/store.db");
    let good = fs::read(&store).unwrap();
    let newer = [&good[..60], &9_u32.to_be_bytes(), &good[64..]].concat();
    let foreign = [&good[..68], b"none", &good[72..]].concat();
    let broken: [(&str, Option<&[u8]>); 6] = [
        ("missing", None),
        ("empty", Some(b"")),
        ("no database", Some(b"hello")),
        ("truncated", Some(&good[..good.len() / 2])),
        ("newer", Some(&newer)),
        ("foreign", Some(&foreign)),
    ];
    for (what, content) in broken {
        match content {
            Some(content) => fs::write(&store, content).unwrap(),
            None => fs::remove_file(&store).unwrap(),
        }
        assert_eq!(site.login("postern-imap", "alice", &phone), AUTHINFO_UNAVAIL, "{what}");
        assert_eq!(site.login("postern-imap", "alice", PRIMARY), AUTHINFO_UNAVAIL, "{what}");
        fs::write(&store, &good).unwrap();
        fs::set_permissions(&store, Permissions::from_mode(0o600)).unwrap();
        assert_eq!(site.login("postern-imap", "alice", &phone), SUCCESS, "{what}, mended");
    }
}

#[test]
fn in_a_roll_out_a_broken_store_makes_nobody_unknown() {
    let site = Site::configured("second_factor = \"when-enrolled\"\n");
    site.service("postern-imap", "");
    site.pam_account("alice");
    site.app_password("alice", "phone", MAIL);
    site.script("check", "true");
    let asks = format!("auth required pam_exec.so quiet expose_authtok {}\n", site.path("check").display());
    site.write("etc/pam.d/primary", &format!("{asks}account required pam_permit.so\n"));
    let login = |account: &str| site.login_with("postern-imap", account, PRIMARY.as_bytes(), &[]);
    // A name that every Debian system has, and that the store has never known.
    assert_eq!(authenticate_code(&login("daemon")), SUCCESS);
    assert_eq!(login("alice"), "authenticate=7 account=0 setcred=0 user=alice");
    for content in [None, Some(""), Some("hello")] {
        fs::remove_file(site.path("store/store.db")).unwrap();
        if let Some(content) = content {
            site.write("store/store.db", content);
        }
        for account in ["alice", "daemon"] {
            let expected = format!("authenticate=9 account=9 setcred=0 user={account}");
            assert_eq!(login(account), expected, "{content:?}");
        }
        fs::write(site.path("store/store.db"), "").unwrap();
    }
}

#[test]
fn a_pipe_in_place_of_a_file_keeps_nobody_waiting() {
    for name in ["store/store.db", "store/store.db-journal", "etc/key", "etc/postern.toml"] {
        let site = Site::with_alice();
        site.service("postern-imap", "");
        let phone = site.app_password("alice", "phone", "imap");
        let _ = fs::remove_file(site.path(name));
        assert!(Command::new("mkfifo").args(["-m", "600"]).arg(site.path(name)).status().unwrap().success());
        assert_eq!(site.login("postern-imap", "alice", &phone), AUTHINFO_UNAVAIL, "{name}");
    }
}

#[test]
fn where_no_file_may_grow_app_passwords_pass_and_codes_are_unavailable() {
    let site = Site::with_alice();
    site.service("postern-imap", "");
    let phone = site.app_password("alice", "phone", "imap");
    let coded = format!("{PRIMARY}{}", code_at(now()));
    for (secret, expected) in [(&phone, SUCCESS), (&coded, AUTHINFO_UNAVAIL)] {
        let mut host = site.pam_host_in("ulimit -f 0", "postern-imap", "alice", &[]);
        host.stdin.take().unwrap().write_all(secret.as_bytes()).unwrap();
        let output = host.wait_with_output().unwrap();
        assert!(output.status.success(), "the host died: {:?}", output.status);
        assert_eq!(authenticate_code(&String::from_utf8_lossy(&output.stdout)), expected);
    }
    assert_eq!(site.login("postern-imap", "alice", &coded), SUCCESS, "the code was not spent");
}

#[test]
fn modes_that_let_others_in_and_wrong_keys_are_unavailable() {
    let site = Site::with_alice();
    site.service("postern-imap", "");
    let phone = site.app_password("alice", "phone", "imap");
    for (name, bad, good) in [
        ("store/store.db", 0o640, 0o600),
        ("store", 0o755, 0o700),
        ("etc/key", 0o644, 0o600),
        ("etc/postern.toml", 0o666, 0o644),
    ] {
        fs::set_permissions(site.path(name), Permissions::from_mode(bad)).unwrap();
        assert_eq!(site.login("postern-imap", "alice", &phone), AUTHINFO_UNAVAIL, "{name}");
        fs::set_permissions(site.path(name), Permissions::from_mode(good)).unwrap();
        assert_eq!(site.login("postern-imap", "alice", &phone), SUCCESS, "{name}, mended");
    }
    let key = fs::read(site.path("etc/key")).unwrap();
    for content in [&[7; 32][..], &key[..31], b""] {
        fs::write(site.path("etc/key"), content).unwrap();
        assert_eq!(site.login("postern-imap", "alice", &phone), AUTHINFO_UNAVAIL);
    }
    fs::remove_file(site.path("etc/key")).unwrap();
    assert_eq!(site.login("postern-imap", "alice", &phone), AUTHINFO_UNAVAIL);
}

#[test]
fn a_broken_configuration_is_unavailable() {
    let site = Site::with_alice();
    site.service("postern-imap", "");
    let phone = site.app_password("alice", "phone", "imap");
    let good = fs::read_to_string(site.path("etc/postern.toml")).unwrap();
    for bad in
        ["nonsense = 1\n", "store = 3\n", "store = \"\"\n", "[accounts]\nfold_case = \"no\"\n", "\0", "[["]
    {
        site.write("etc/postern.toml", &format!("{bad}{good}"));
        assert_eq!(site.login("postern-imap", "alice", &phone), AUTHINFO_UNAVAIL, "{bad}");
    }
    fs::remove_file(site.path("etc/postern.toml")).unwrap();
    assert_eq!(site.login("postern-imap", "alice", &phone), AUTHINFO_UNAVAIL);
}

#[test]
fn hostile_text_is_denied_like_anything_else() {
    let site = Site::with_alice();
    site.service("postern-imap", "");
    let long = "a".repeat(65_536);
    let hostile = [
        "'; DROP TABLE account; --",
        "%s%n%u",
        "../../etc/shadow",
        "a\nb",
        "a\tb",
        "\u{202e}ecila",
        "alice ",
        &long,
    ];
    for text in hostile {
        assert_eq!(site.login("postern-imap", text, PRIMARY), AUTH_ERR, "account {text:.20}");
        assert_eq!(site.login("postern-imap", "alice", text), AUTH_ERR, "secret {text:.20}");
        let line = site.login_with("postern-imap", "alice", PRIMARY.as_bytes(), &[&format!("rhost={text}")]);
        // As root, libpam's own audit call fails on a host name of 64 KiB, whatever the modules say.
        let refused = if text == long { vec![AUTH_ERR, SYSTEM_ERR] } else { vec![AUTH_ERR] };
        assert!(refused.contains(&authenticate_code(&line)), "rhost {text:.20}: {line}");
    }
    for bytes in [&b"\xff\xfe"[..], b"\xc3", b"alice\0x", b"", b"\x08\n\r\x7fINCORRECT"] {
        assert_eq!(authenticate_code(&site.login_with("postern-imap", "alice", bytes, &[])), AUTH_ERR);
    }
    let phone = site.app_password("alice", "phone", "imap");
    assert_eq!(site.login("postern-imap", "alice", &phone), SUCCESS, "the store is as it was");
}
