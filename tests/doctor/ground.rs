//! A mail server with nothing wrong about it, and the doctor on top of it.

use std::fs;

use crate::support::change::and_then;
use crate::support::command::{Run, must, run};
use crate::support::namespaces::{self, WORK};
use crate::support::people::Person;
use crate::support::servers::{self, Posternd};

const CHECKOUT: &str = env!("CARGO_MANIFEST_DIR");

/// Everything that a site may change.
const PLACES: &str = "/etc/dovecot /etc/postfix /etc/pam.d /etc/postern /etc/ssh /etc/default /etc/sasl2 /var/lib/postern \
    /usr/local/bin /usr/lib/pam.d /usr/share/doc/postern /run/dovecot /usr/lib/x86_64-linux-gnu/security/pam_postern.so /usr/lib/x86_64-linux-gnu/sasl2/libpostern.so";

/// Answers for adjtimex(2), since the clock of the machine is not ours to change.
const CLOCK: &str = "#include <stdlib.h>\n#include <string.h>\n#include <sys/timex.h>\n\
    int adjtimex(struct timex *clock) { memset(clock, 0, sizeof *clock);\n\
    clock->status = getenv(\"RIG_CLOCK_ALONE\") ? STA_UNSYNC : 0; return 0; }\n";

pub fn furnish() -> Posternd {
    namespaces::furnish();
    servers::furnish();
    fs::write(format!("{WORK}/clock.c"), CLOCK).unwrap();
    let (postern, posternd) = (env!("CARGO_BIN_EXE_postern"), env!("CARGO_BIN_EXE_posternd"));
    must(&format!(
        "cc -shared -fPIC -o {WORK}/clock.so {WORK}/clock.c
        install -m 755 {postern} /usr/bin/postern
        install -m 755 {posternd} /usr/sbin/posternd
        : What is in the modules does not matter here, since nobody logs in.
        touch /usr/lib/x86_64-linux-gnu/security/pam_postern.so /usr/lib/x86_64-linux-gnu/sasl2/libpostern.so
        mkdir -p /usr/local/bin /etc/sasl2
        install -m 644 {CHECKOUT}/packaging/etc/pam.d/* /etc/pam.d/
        mkdir -p /usr/lib/pam.d /usr/share/doc/postern /run/dovecot
        install -m 644 {CHECKOUT}/packaging/etc/pam.d/* /usr/lib/pam.d/
        rm -f /etc/ssh/ssh_host_*
        ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
        mkdir -p -m 755 /run/sshd
        printf '%s\\n' 'UsePAM yes' 'KbdInteractiveAuthentication no' 'PasswordAuthentication no' >/etc/ssh/sshd_config
        postern init 2>/dev/null
        cp /etc/postern/key {WORK}/key-copy && postern key verify {WORK}/key-copy 2>/dev/null
        cd {CHECKOUT}
        install -m 644 packaging/examples/dovecot-2.3/auth-postern.conf.ext /etc/dovecot/conf.d/
        sed -i 's/^!include auth-system.conf.ext/!include auth-postern.conf.ext/' /etc/dovecot/conf.d/10-auth.conf
        install -m 644 packaging/examples/dovecot-2.3/20-postfix-auth.conf /etc/dovecot/conf.d/
        sh packaging/examples/postfix/submission >/dev/null
        sed -i 's|^verify = .*|verify = [\"/run/postern/verify\", \"/var/spool/postfix/postern/verify\"]|' /etc/postern/postern.toml
        sed -i 's|^#saslauthd = .*|saslauthd = [\"/var/spool/postfix/postern/mux\"]|' /etc/postern/postern.toml
        sed -i '/^#..daemon.permit/,$ s/^#//' /etc/postern/postern.toml"
    ));
    enrolled(&Person::in_store("alice1@example.org"));
    enrolled(&Person::in_system("bob"));
    must(&format!("tar -cPf {WORK}/good.tar {PLACES}"));
    Posternd::start()
}

fn enrolled(person: &Person) {
    person.enroll_totp();
    person.app_password("phone");
}

/// Changes the machine by a shell command, looks, and puts it back.
pub fn on(change: &str, look: impl FnOnce()) {
    let looked = || {
        must(&format!("CHECKOUT={CHECKOUT}\n{change}"));
        look();
    };
    and_then(looked, || {
        must(&format!("rm -rf {PLACES}; tar -xPpf {WORK}/good.tar"));
    });
}

pub fn doctor(arguments: &[&str]) -> Run {
    let preload = format!("LD_PRELOAD={WORK}/clock.so");
    run("env", &[&[&preload, "postern", "doctor"], arguments].concat(), "")
}

/// What a run has found, in order; the exit code must fit.
#[track_caller]
pub fn ids(done: &Run) -> Vec<String> {
    let report: serde_json::Value = serde_json::from_str(&done.stdout).unwrap_or_else(|_| panic!("{done:?}"));
    let findings = report["findings"].as_array().unwrap();
    let bad = findings.iter().any(|finding| finding["severity"] != "notice");
    assert_eq!(done.status, i32::from(bad), "{done:?}");
    findings.iter().map(|finding| finding["id"].as_str().unwrap().to_owned()).collect()
}

/// What is to be pasted.
pub struct Remedy {
    pub place: String,
    pub lines: Vec<String>,
    pub then: Vec<String>,
}

/// What is advised, by the ids of the rules.
pub fn remedies(done: &Run) -> impl Iterator<Item = (String, Remedy)> {
    let report: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
    let words = |list: &serde_json::Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
    };
    let remedy = move |finding: &serde_json::Value| {
        let remedy = &finding["remedy"];
        let place = remedy["place"].as_str().unwrap().to_owned();
        let (lines, then) = (words(&remedy["lines"]), words(&remedy["then"]));
        (finding["id"].as_str().unwrap().to_owned(), Remedy { place, lines, then })
    };
    report["findings"].as_array().unwrap().iter().map(remedy).collect::<Vec<_>>().into_iter()
}
