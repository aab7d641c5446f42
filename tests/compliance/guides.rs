//! The steps of the guides, taken as they stand there.

use crate::Fact;
use crate::support::change::and_then;
use crate::support::command::{must, run};
use crate::support::people::{PRIMARY, Person};
use crate::support::rig::{Rig, everywhere};

pub const FACTS: &[Fact] = facts![
    virtual_users_of_a_passwd_file_log_in_and_are_found,
    virtual_users_of_a_database_log_in_and_are_found,
    apparmor_takes_what_the_guide_adds,
];

/// Without the userdbs of the rig and of the example, which know everybody.
const NO_USERDB: &str = "
    sed -i '/^userdb/,$d' /etc/dovecot/conf.d/99-rig.conf
    sed -i '/^# Where the mail of system users/,$d' /etc/dovecot/conf.d/auth-postern.conf.ext
";

const PASSWD_FILE: &str = "
    useradd --system --user-group --no-create-home --shell /usr/sbin/nologin vmail
    install -d -o vmail -g vmail -m 700 /var/mail/virtual
    chown -R vmail:vmail /var/mail/virtual
    sed s/:$(id -u rigmail):$(id -g rigmail):/:$(id -u vmail):$(id -g vmail):/ /etc/dovecot/rig-users >/etc/dovecot/users
    install -m 644 packaging/examples/dovecot-2.3/20-virtual-users.conf /etc/dovecot/conf.d/
";

const DATABASE: &str = "
    rm -f /etc/dovecot/users.db
    awk -F: 'BEGIN { print \"CREATE TABLE users (username TEXT PRIMARY KEY, home TEXT, uid INTEGER, gid INTEGER); BEGIN;\" }
        { printf \"INSERT INTO users VALUES (\\047%s\\047, \\047%s\\047, %d, %d);\\n\", $1, $6, $3, $4 } END { print \"COMMIT;\" }' \
        /etc/dovecot/rig-users | sqlite3 /etc/dovecot/users.db
    install -m 644 packaging/examples/dovecot-2.3/20-virtual-users-sql.conf /etc/dovecot/conf.d/
    install -m 600 packaging/examples/dovecot-2.3/dovecot-sql-users.conf.ext /etc/dovecot/
";

fn virtual_users_of_a_passwd_file_log_in_and_are_found(rig: &mut Rig) {
    let alice = rig.virtual_person();
    and_then(
        || rig.with_dovecot(&format!("{NO_USERDB}{PASSWD_FILE}"), |rig| log_in_and_be_found(rig, &alice)),
        || drop(must("chown -R rigmail:rigmail /var/mail/virtual && chmod 755 /var/mail/virtual")),
    );
}

fn virtual_users_of_a_database_log_in_and_are_found(rig: &mut Rig) {
    let alice = rig.virtual_person();
    rig.with_dovecot(&format!("{NO_USERDB}{DATABASE}"), |rig| log_in_and_be_found(rig, &alice));
}

fn log_in_and_be_found(rig: &Rig, alice: &Person) {
    let app_password = alice.app_password("phone");
    everywhere(|protocol| {
        rig.login(protocol, &alice.name, &app_password).granted("app-password");
        rig.login(protocol, &alice.name, PRIMARY).denied("no-second-factor");
    });
    // Delivery looks people up without their password.
    let found = run("doveadm", &["user", "-f", "home", &alice.name], "").result();
    assert!(found.starts_with("/var/mail/virtual/alice"), "{found}");
    assert_ne!(run("doveadm", &["user", "nobody@example.org"], "").status, 0);
}

/// Compiled and not loaded: the profiles are the kernel's, and the kernel is the machine's.
fn apparmor_takes_what_the_guide_adds(_: &mut Rig) {
    let profiles = "/usr/share/apparmor/extra-profiles";
    must("install -m 644 packaging/apparmor/local/usr.lib.dovecot.auth /etc/apparmor.d/local/");
    let compile = |profile: &str| {
        must(&format!("apparmor_parser --skip-kernel-load --skip-cache --debug {profile} 2>&1"))
    };
    let compiled = compile(&format!("{profiles}/usr.lib.dovecot.auth"));
    assert!(compiled.contains("/var/lib/postern/store.db-journal"), "{compiled}");
    must(&format!(
        "sed '/^}}/d' {profiles}/postfix-smtpd >/run/rig/smtpd
        cat packaging/apparmor/local/postfix-smtpd >>/run/rig/smtpd
        echo '}}' >>/run/rig/smtpd"
    ));
    let compiled = compile("/run/rig/smtpd");
    assert!(compiled.contains("postern/verify"), "{compiled}");
}
