//! What goes into the servers' configuration, printed.

use std::fs;
use std::process::Command;

use super::home::Home;

#[test]
fn what_is_printed_is_what_is_shipped() {
    let home = Home::bare();
    for (arguments, files) in [
        (
            &["dovecot", "--release", "2.3"][..],
            &["dovecot-2.3/auth-postern.conf.ext", "dovecot-2.3/20-postfix-auth.conf"][..],
        ),
        (
            &["dovecot", "--release", "2.4"],
            &["dovecot-2.4/auth-postern.conf.ext", "dovecot-2.4/20-postfix-auth.conf"],
        ),
        (&["postfix", "--by", "dovecot"], &["postfix/submission"]),
        (&["postfix", "--by", "plug-in"], &["postfix/smtpd.conf", "postfix/submission-cyrus"]),
        (&["postfix", "--by", "saslauthd"], &["postfix/smtpd-saslauthd.conf", "postfix/submission-cyrus"]),
        (&["sshd"], &["sshd/postern.conf"]),
    ] {
        let done = home.run([&["setup"], arguments].concat(), "");
        done.is(0);
        for file in files {
            let shipped = fs::read_to_string(format!("packaging/examples/{file}")).unwrap();
            let installed = format!("install -D -m 644 /usr/share/doc/postern/examples/{file} ");
            assert!(done.out.contains(&shipped) || done.out.contains(&installed), "{arguments:?}: {file}");
        }
        assert!(done.err.contains("Nothing was changed"), "{done:?}");
    }
}

#[test]
fn a_shell_that_a_script_is_pasted_into_goes_on() {
    let printed = Home::bare().run(["setup", "postfix", "--by", "dovecot"], "").out;
    let (script, _) = printed.split_once("\n## 2.").unwrap();
    let typed = format!("PATH=/nowhere\n{script}\nfalse\necho alive $1");
    let done = Command::new("/bin/bash").args(["-c", &typed, "bash", "as before"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&done.stdout), "alive as before\n");
}

#[test]
fn the_socket_of_saslauthds_language_is_the_one_of_the_readme() {
    let printed = Home::bare().run(["setup", "postfix", "--by", "saslauthd"], "").out;
    let readme = fs::read_to_string("README.md").unwrap();
    let line = readme.lines().find(|line| line.contains("s|^#saslauthd = ")).unwrap();
    assert!(printed.contains(line.trim_start_matches("sudo ")), "{printed}");
    assert!(printed.contains("set -- submission smtpd-saslauthd\n"), "{printed}");
}

#[test]
fn the_permit_that_is_printed_is_the_one_of_the_shipped_configuration() {
    let printed = Home::bare().run(["setup", "postfix", "--by", "plug-in"], "").out;
    let shipped = fs::read_to_string("packaging/etc/postern.toml").unwrap();
    let permit = &shipped[shipped.find("#[[daemon.permit]]").unwrap()..];
    assert!(printed.contains(&permit.replace("\n#", "\n").replacen('#', "", 1)), "{printed}");
}
