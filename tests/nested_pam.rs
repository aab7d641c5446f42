//! Primary passwords that PAM checks: the nested transaction, with Linux-PAM's own modules in it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

#[path = "support/site.rs"]
mod site;

use std::fs;

use site::{PRIMARY, Site, code_at, module, now};

const SUCCESS: i32 = 0;
const AUTH_ERR: i32 = 7;
const AUTHINFO_UNAVAIL: i32 = 9;
const ACCT_EXPIRED: i32 = 13;

/// `alice`'s primary is checked by the stack `primary`, for which pam_exec runs a script.
fn site(account: &str, stack: &str) -> Site {
    let site = Site::new();
    site.pam_account(account);
    site.totp(account, "totp");
    site.service("postern-imap", "");
    site.script("check", &format!("read -r given\n[ \"$given\" = '{PRIMARY}' ]"));
    site.write("etc/pam.d/primary", &stack.replace("auth ASKS\n", &asks(&site)));
    site
}

/// As Debian's common-auth is built: one module that checks, and a no behind it.
fn asks(site: &Site) -> String {
    format!(
        "auth [success=1 default=ignore] pam_exec.so quiet expose_authtok {}\n\
         auth requisite pam_deny.so\nauth required pam_permit.so\n",
        site.path("check").display()
    )
}

#[track_caller]
fn check(account: &str, stack: &str, expected: i32) {
    let site = site(account, stack);
    let field = format!("{PRIMARY}{}", code_at(now()));
    assert_eq!(site.login("postern-imap", account, &field), expected, "{stack}");
}

#[test]
fn the_stack_decides_about_the_primary_and_the_code_about_the_rest() {
    let site = site("alice", "auth ASKS\naccount required pam_permit.so\n");
    let code = code_at(now());
    assert_eq!(site.login("postern-imap", "alice", PRIMARY), AUTH_ERR);
    assert_eq!(site.login("postern-imap", "alice", &format!("wrong{code}")), AUTH_ERR);
    assert_eq!(site.login("postern-imap", "alice", &code), AUTH_ERR);
    assert_eq!(site.login("postern-imap", "alice", &format!("{PRIMARY}{code}")), SUCCESS);
    assert_eq!(site.login("postern-imap", "alice", &format!("{PRIMARY}{code}")), AUTH_ERR);
}

#[test]
fn a_missing_service_file_does_not_fall_to_another() {
    let site = site("alice", "auth ASKS\naccount required pam_permit.so\n");
    fs::remove_file(site.path("etc/pam.d/primary")).unwrap();
    assert_eq!(
        site.login("postern-imap", "alice", &format!("{PRIMARY}{}", code_at(now()))),
        AUTHINFO_UNAVAIL
    );
}

#[test]
fn a_service_file_that_others_could_have_written_is_not_asked() {
    let site = site("alice", "auth ASKS\naccount required pam_permit.so\n");
    let file = site.path("etc/pam.d/primary");
    let field = format!("{PRIMARY}{}", code_at(now()));
    for (path, bad, good) in [(&file, 0o666, 0o644), (&site.path("etc/pam.d"), 0o777, 0o755)] {
        let mode =
            |mode| fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        mode(bad);
        assert_eq!(site.login("postern-imap", "alice", &field), AUTHINFO_UNAVAIL, "{}", path.display());
        mode(good);
    }
    fs::remove_file(&file).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
    assert_eq!(site.login("postern-imap", "alice", &field), AUTHINFO_UNAVAIL, "a pipe is not waited for");
}

#[test]
fn a_yes_that_came_unasked_proves_nothing() {
    check("alice", "auth required pam_permit.so\naccount required pam_permit.so\n", AUTHINFO_UNAVAIL);
}

#[test]
fn a_missing_module_proves_nothing() {
    check("alice", "auth required pam_none_such.so\naccount required pam_permit.so\n", AUTHINFO_UNAVAIL);
}

#[test]
fn a_second_question_is_not_answered() {
    let stack = "auth ASKS\nauth required pam_ftp.so users=alice\naccount required pam_permit.so\n";
    check("alice", stack, AUTHINFO_UNAVAIL);
}

#[test]
fn a_changed_user_is_not_believed() {
    // pam_ftp takes any mail address from its second name on, and makes it the first.
    let stack = "auth required pam_ftp.so users=bob,alice\naccount required pam_permit.so\n";
    check("alice", stack, AUTHINFO_UNAVAIL);
}

#[test]
fn a_closed_account_is_denied_though_the_primary_is_right() {
    check("alice", "auth ASKS\naccount required pam_deny.so\n", AUTH_ERR);
    check("alice", "auth ASKS\naccount required pam_debug.so acct=authtok_expired\n", AUTH_ERR);
}

#[test]
fn an_app_password_dies_with_the_account_that_pam_keeps() {
    let site = site("alice", "auth ASKS\naccount required pam_permit.so\n");
    let phone = site.app_password("alice", "phone", "imap");
    assert_eq!(site.login("postern-imap", "alice", &phone), SUCCESS);
    for (account, expected) in [
        ("account required pam_deny.so\n", [AUTH_ERR, ACCT_EXPIRED]),
        // What pam_unix and nslcd say of a password that nobody changed in time.
        ("account required pam_debug.so acct=authtok_expired\n", [AUTH_ERR, ACCT_EXPIRED]),
        ("account required pam_none_such.so\n", [AUTHINFO_UNAVAIL; 2]),
    ] {
        let expected = format!("authenticate={} account={}", expected[0], expected[1]);
        site.write("etc/pam.d/primary", &format!("{}{account}", asks(&site)));
        let line = site.login_with("postern-imap", "alice", phone.as_bytes(), &[]);
        assert!(line.starts_with(&expected), "{account}: {line}");
    }
    fs::remove_file(site.path("etc/pam.d/primary")).unwrap();
    assert_eq!(site.login("postern-imap", "alice", &phone), AUTHINFO_UNAVAIL);
}

#[test]
fn meeting_ourselves_again_is_refused_whichever_copy_it_is() {
    let site = site("alice", "");
    let copy = site.path("copy.so");
    fs::copy(module(), &copy).unwrap();
    let field = || format!("{PRIMARY}{}", code_at(now()));
    for ours in [module(), copy] {
        for stack in [
            format!("auth required {}\naccount required pam_permit.so\n", ours.display()),
            // Though what follows would take the password.
            format!("auth sufficient {}\n{}account required pam_permit.so\n", ours.display(), asks(&site)),
        ] {
            site.write("etc/pam.d/primary", &stack);
            assert_eq!(site.login("postern-imap", "alice", &field()), AUTHINFO_UNAVAIL, "{stack}");
        }
    }
}

#[test]
fn an_app_password_never_reaches_the_stack() {
    let site = site("alice", "auth ASKS\naccount required pam_permit.so\n");
    site.script("check", "touch \"$0.ran\"\nfalse");
    let phone = site.app_password("alice", "phone", "imap");
    let slip = format!("{}{}", &phone[..23], if phone.ends_with('7') { '3' } else { '7' });
    assert_eq!(site.login("postern-imap", "alice", &phone), SUCCESS);
    assert_eq!(site.login("postern-imap", "alice", &slip), AUTH_ERR);
    site.revoke("alice", "phone");
    assert_eq!(site.login("postern-imap", "alice", &phone), AUTH_ERR);
    assert!(!site.path("check.ran").exists());
    assert_eq!(site.login("postern-imap", "alice", "wrong"), AUTH_ERR);
    assert!(site.path("check.ran").exists(), "the stack is asked for anything else");
}
