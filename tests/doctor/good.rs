//! Sites with nothing to be found.

use crate::ground::{doctor, ids, on};
use crate::support::command::{must, must_with};
use crate::support::people::postern;

pub const FACTS: &[(&str, fn())] = &[
    ("good::dovecot_with_postfix_over_it", dovecot_with_postfix_over_it),
    ("good::postfix_with_the_plugin_in_its_jail", postfix_with_the_plugin_in_its_jail),
    (
        "good::postfix_that_asks_posternd_in_saslauthds_language",
        postfix_that_asks_posternd_in_saslauthds_language,
    ),
    ("good::postfix_that_asks_saslauthd_which_asks_pam", postfix_that_asks_saslauthd_which_asks_pam),
    ("good::virtual_users_alone", virtual_users_alone),
    ("good::sshd_that_asks_postern", sshd_that_asks_postern),
    ("good::a_store_of_the_daemons_own_user", a_store_of_the_daemons_own_user),
    ("good::dovecot_as_setup_prints_it", dovecot_as_setup_prints_it),
    ("good::postfix_over_dovecot_as_setup_prints_it", postfix_over_dovecot_as_setup_prints_it),
    ("good::postfix_with_the_plugin_as_setup_prints_it", postfix_with_the_plugin_as_setup_prints_it),
    ("good::postfix_by_saslauthd_as_setup_prints_it", postfix_by_saslauthd_as_setup_prints_it),
    ("good::sshd_as_setup_prints_it", sshd_as_setup_prints_it),
    ("good::dovecot_2_4_as_its_example_says", dovecot_2_4_as_its_example_says),
    ("good::a_dovecot_that_has_read_it", a_dovecot_that_has_read_it),
    ("good::dovecot_as_setup_installs_it", dovecot_as_setup_installs_it),
    ("good::somebody_with_recovery_codes_alone", somebody_with_recovery_codes_alone),
    ("good::neither_dovecot_nor_postfix", neither_dovecot_nor_postfix),
];

#[track_caller]
fn nothing_is_found(change: &str) {
    on(change, || {
        let done = doctor(&["--json"]);
        assert_eq!(ids(&done), [""; 0], "{}", done.stdout);
    });
}

fn dovecot_with_postfix_over_it() {
    nothing_is_found("true");
}

/// By the README's commands.
pub const PLUGIN_IN_JAIL: &str = "cd $CHECKOUT
    install -D -m 644 packaging/examples/postfix/smtpd.conf /etc/postfix/sasl/smtpd.conf
    sh packaging/examples/postfix/submission-cyrus >/dev/null";

fn postfix_with_the_plugin_in_its_jail() {
    nothing_is_found(PLUGIN_IN_JAIL);
}

fn postfix_that_asks_posternd_in_saslauthds_language() {
    nothing_is_found(
        "cd $CHECKOUT
        install -D -m 644 packaging/examples/postfix/smtpd-saslauthd.conf /etc/postfix/sasl/
        sh packaging/examples/postfix/submission-cyrus submission smtpd-saslauthd >/dev/null",
    );
}

/// saslauthd of Debian, but without its cache.
pub const SASLAUTHD: &str = "cd $CHECKOUT
    install -d /etc/postfix/sasl
    printf '%s\\n' 'pwcheck_method: saslauthd' 'mech_list: PLAIN LOGIN' >/etc/postfix/sasl/smtpd.conf
    printf '%s\\n' 'MECHANISMS=\"pam\"' 'OPTIONS=\"-m /var/spool/postfix/var/run/saslauthd\"' >/etc/default/saslauthd
    cp packaging/etc/pam.d/postern-smtp /etc/pam.d/smtp
    sh packaging/examples/postfix/submission-cyrus >/dev/null";

fn postfix_that_asks_saslauthd_which_asks_pam() {
    nothing_is_found(SASLAUTHD);
}

fn virtual_users_alone() {
    nothing_is_found("postern account remove bob --yes >/dev/null 2>&1; rm /etc/ssh/sshd_config");
}

fn sshd_that_asks_postern() {
    nothing_is_found(
        "printf '%s\\n' 'UsePAM yes' 'KbdInteractiveAuthentication yes' 'PasswordAuthentication no' >/etc/ssh/sshd_config
        sed -i 's/^@include common-auth/auth required pam_postern.so prompt/' /etc/pam.d/sshd",
    );
}

/// posternd with less than root, as far as commands see it. The user stays, since others may have it by then.
pub const OWN_USER: &str = "getent passwd _postern >/dev/null || useradd --system --no-log-init _postern
    install -d -o _postern -m 700 /run/postern-own
    sed -i 's|^run = .*|run = \"/run/postern-own\"|' /etc/postern/postern.toml
    chown -R _postern: /var/lib/postern /etc/postern/key";

fn a_store_of_the_daemons_own_user() {
    on(OWN_USER, || {
        let done = doctor(&["--json"]);
        assert_eq!(ids(&done), [""; 0], "{}", done.stdout);
        assert!(
            done.stdout.contains("runuser -u _postern -- postern doctor looks at them"),
            "{}",
            done.stdout
        );
        must("runuser -u _postern -- postern account list --json | grep -q alice1");
    });
}

/// Does what is printed, in order, on a machine without it.
#[track_caller]
fn is_found_good(before: &str, setup: &[&str]) {
    on(before, || {
        must("printf '#!/bin/sh\n' >/usr/local/bin/systemctl && chmod 755 /usr/local/bin/systemctl");
        let printed = postern(&[&["setup"], setup, &["--json"]].concat(), "").result();
        let steps: serde_json::Value = serde_json::from_str(&printed).unwrap();
        for step in steps.as_array().unwrap() {
            let text = |kind: &str, field: &str| step[kind][field].as_str().map(str::to_owned);
            if let Some(path) = text("file", "path") {
                must_with(&format!("install -D -m 644 /dev/stdin {path}"), &text("file", "text").unwrap());
            } else if let Some(script) = text("run", "script") {
                must_with("sh -eu >/dev/null", &script);
            } else {
                let (file, place) = text("lines", "into")
                    .unwrap()
                    .split_once(", ")
                    .map(|(file, place)| (file.to_owned(), place.to_owned()))
                    .unwrap();
                assert_eq!(place, "at its end");
                must_with(&format!("cat >>{file}"), &text("lines", "text").unwrap());
            }
        }
        let done = doctor(&["--json"]);
        assert_eq!(ids(&done), [""; 0], "{}", done.stdout);
    });
}

fn dovecot_as_setup_prints_it() {
    is_found_good(
        "rm /etc/dovecot/conf.d/auth-postern.conf.ext /etc/dovecot/conf.d/20-postfix-auth.conf
        sed -i s/auth-postern/auth-system/ /etc/dovecot/conf.d/10-auth.conf",
        &["dovecot"],
    );
}

fn postfix_over_dovecot_as_setup_prints_it() {
    is_found_good("postconf -MX submission/inet", &["postfix"]);
}

fn postfix_with_the_plugin_as_setup_prints_it() {
    is_found_good(
        "postconf -MX submission/inet; sed -i '/daemon.permit/,$d' /etc/postern/postern.toml",
        &["postfix", "--by", "plug-in"],
    );
}

fn postfix_by_saslauthd_as_setup_prints_it() {
    is_found_good(
        "postconf -MX submission/inet; sed -i '/daemon.permit/,$d' /etc/postern/postern.toml",
        &["postfix", "--by", "saslauthd"],
    );
}

fn sshd_as_setup_prints_it() {
    is_found_good(
        "mkdir -p /etc/ssh/sshd_config.d && echo 'Include /etc/ssh/sshd_config.d/*.conf' >/etc/ssh/sshd_config",
        &["sshd"],
    );
}

/// In the place of a doveconf of 2.4, which Debian 12 does not have: it prints the blocks as they are written.
pub const DOVECOT_2_4: &str =
    "{ printf '#!/bin/sh\\ncat <<\"EOF\"\\n# 2.4.1-4 (7d8c0e5759): /etc/dovecot/dovecot.conf\\n'
    printf 'auth_cache_size = 10M\\nprotocols {\\n  imap = yes\\n  pop3 = yes\\n}\\n'
    cat $CHECKOUT/packaging/examples/dovecot-2.4/auth-postern.conf.ext; echo EOF; } >/usr/local/bin/doveconf
    chmod 755 /usr/local/bin/doveconf";

fn dovecot_2_4_as_its_example_says() {
    nothing_is_found(DOVECOT_2_4);
}

/// Somebody with its name, who has made its sockets and ends by himself.
pub const DOVECOT_RUNS: &str = "cp /bin/sleep /run/dovecot/dovecot
    /run/dovecot/dovecot 9 >/dev/null 2>&1 </dev/null & echo $! >/run/dovecot/master.pid
    touch -d '1 hour ago' /run/dovecot/master.pid; touch /run/dovecot/auth-client; sleep 0.1";

fn a_dovecot_that_has_read_it() {
    nothing_is_found(&format!("touch /etc/dovecot/conf.d/99-rig.conf; sleep 0.1; {DOVECOT_RUNS}"));
    nothing_is_found(&format!(
        "{DOVECOT_RUNS}; touch /etc/dovecot/conf.d/.99-rig.conf.swp /etc/dovecot/users"
    ));
    nothing_is_found("echo 1 >/run/dovecot/master.pid; sleep 0.1; touch /etc/dovecot/dovecot.conf");
}

/// The package brings the examples.
fn dovecot_as_setup_installs_it() {
    is_found_good(
        "cp -r $CHECKOUT/packaging/examples /usr/share/doc/postern/
        rm /etc/dovecot/conf.d/auth-postern.conf.ext /etc/dovecot/conf.d/20-postfix-auth.conf
        sed -i s/auth-postern/auth-system/ /etc/dovecot/conf.d/10-auth.conf",
        &["dovecot"],
    );
}

fn somebody_with_recovery_codes_alone() {
    nothing_is_found(
        "echo correct horse battery | postern account add dora --primary store 2>/dev/null
        postern recovery new dora 2>/dev/null | cat >/run/dovecot/codes",
    );
}

fn neither_dovecot_nor_postfix() {
    must("mkdir -p /run/rig/away && mv /usr/bin/doveconf /usr/sbin/postconf /usr/sbin/sshd /run/rig/away/");
    let done = doctor(&["--json"]);
    let setup = postern(&["setup", "sshd"], "");
    must("cd /run/rig/away && mv doveconf /usr/bin/ && mv postconf sshd /usr/sbin/");
    assert_eq!(ids(&done), [""; 0], "{}", done.stdout);
    let said: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    let missed: Vec<&str> =
        said["not_looked_at"].as_array().unwrap().iter().map(|one| one["why"].as_str().unwrap()).collect();
    assert_eq!(missed, ["doveconf is not installed", "postconf is not installed"]);
    let said = "There is no sshd on this machine";
    assert!(
        setup.stderr.starts_with(said) && !postern(&["setup", "sshd"], "").stderr.contains(said),
        "{setup:?}"
    );
}
