//! Dovecot and Postfix as Debian ships them, with Postern put in by the commands of the README.

use std::fs;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::command::{must, run};
use super::namespaces::WORK;
use super::syslog::Syslog;

pub const CERTIFICATE: &str = "/run/rig/certificate.pem";
/// Dovecot's userdb of the virtual accounts. Complete from the start: Dovecot looks for changes once a second.
pub const VIRTUAL_USERS: &str = "/etc/dovecot/rig-users";
/// Where Postfix asks Postern by its own SASL: through the plug-in, and in saslauthd's language.
pub const PLUGIN_PORT: &str = "588";
pub const SASLAUTHD_PORT: &str = "589";
const CHECKOUT: &str = env!("CARGO_MANIFEST_DIR");
const PATIENCE: Duration = Duration::from_secs(10);

/// Waiting for failures to be forgiven is Dovecot's trade, not ours (hosts.md 9, 9a).
const RIG_CONF: &str = "
auth_failure_delay = 0
auth_verbose = yes
mail_location = maildir:~/Maildir
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
userdb {
  driver = passwd-file
  args = /etc/dovecot/rig-users
}
";

/// Debian's own configuration, whatever the machine's says.
pub fn furnish() {
    must(&format!(
        "rm -rf /etc/dovecot /etc/postfix/master.cf /etc/postfix/main.cf /etc/postern /var/lib/postern /etc/pam.d/postern-*
        mkdir -p /etc/dovecot/conf.d /etc/dovecot/private
        cp /usr/share/dovecot/dovecot.conf /etc/dovecot/
        cp /usr/share/dovecot/conf.d/* /etc/dovecot/conf.d/
        cp /usr/share/postfix/master.cf.dist /etc/postfix/master.cf
        grep -v ^smtp_tls_CApath /usr/share/postfix/main.cf.debian >/etc/postfix/main.cf
        chown postfix: /var/lib/postfix
        postconf -e smtpd_tls_cert_file={CERTIFICATE} smtpd_tls_key_file={WORK}/key.pem
        echo '127.0.0.1 localhost' >/etc/hosts
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
            -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout {WORK}/key.pem -out {CERTIFICATE} 2>/dev/null
        ln -s {CERTIFICATE} /etc/dovecot/private/dovecot.pem
        ln -s {WORK}/key.pem /etc/dovecot/private/dovecot.key
        groupadd --system rigmail
        useradd --system --no-log-init --gid rigmail --home-dir /var/mail rigmail
        ids=$(id -u rigmail):$(id -g rigmail)
        for name in alice carol; do for number in $(seq 500); do
            echo $name$number@example.org::$ids::/var/mail/virtual/$name$number::
        done; done >{VIRTUAL_USERS}
        install -d -o rigmail -g rigmail /var/mail/virtual"
    ));
    fs::write("/etc/dovecot/conf.d/99-rig.conf", RIG_CONF).unwrap();
}

/// What the README tells the administrator of a Debian 12 mail server to do.
pub fn install_postern() {
    must(&format!("make --silent --no-print-directory -C {CHECKOUT} install"));
    must("postern init >&2");
    must(&format!(
        "cd {CHECKOUT}
        install -m 644 packaging/examples/dovecot-2.3/auth-postern.conf.ext /etc/dovecot/conf.d/
        sed -i 's/^!include auth-system.conf.ext/!include auth-postern.conf.ext/' /etc/dovecot/conf.d/10-auth.conf
        install -m 644 packaging/examples/dovecot-2.3/20-postfix-auth.conf /etc/dovecot/conf.d/
        sh packaging/examples/postfix/submission
        sed -i 's|^verify = .*|verify = [\"/run/postern/verify\", \"/var/spool/postfix/postern/verify\"]|' /etc/postern/postern.toml
        sed -i '/^#..daemon.permit/,$ s/^#//' /etc/postern/postern.toml
        sed -i 's/^#manage/manage/' /etc/postern/postern.toml
        install -D -m 644 packaging/examples/postfix/smtpd.conf /etc/postfix/sasl/smtpd.conf
        sh packaging/examples/postfix/submission-cyrus {PLUGIN_PORT}
        sed -i 's|^#saslauthd = .*|saslauthd = [\"/var/spool/postfix/postern/mux\"]|' /etc/postern/postern.toml
        install -D -m 644 packaging/examples/postfix/smtpd-saslauthd.conf /etc/postfix/sasl/smtpd-saslauthd.conf
        sh packaging/examples/postfix/submission-cyrus {SASLAUTHD_PORT} smtpd-saslauthd"
    ));
}

/// posternd, as it is installed.
pub struct Posternd(Child);

impl Posternd {
    /// Its sockets lie in Postfix's jail, which must be there.
    pub fn start() -> Self {
        let mut command = Command::new("posternd");
        let mut child = command.stdin(Stdio::null()).spawn().expect("posternd is there");
        let end = Instant::now() + PATIENCE;
        while UnixStream::connect("/var/spool/postfix/postern/mux").is_err() {
            assert!(child.try_wait().unwrap().is_none(), "posternd did not start");
            assert!(Instant::now() < end, "posternd does not listen");
            thread::sleep(Duration::from_millis(10));
        }
        Self(child)
    }

    /// Stops it where it is; it keeps its sockets.
    pub fn pause(&self) {
        run("kill", &["-STOP", &self.0.id().to_string()], "");
    }

    pub fn go_on(&self) {
        run("kill", &["-CONT", &self.0.id().to_string()], "");
    }

    /// Reads the configuration anew.
    pub fn reload(&self) {
        run("kill", &["-HUP", &self.0.id().to_string()], "");
        thread::sleep(Duration::from_millis(300));
    }

    /// Lets it end, and waits for that.
    pub fn stop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            run("kill", &["-TERM", &self.0.id().to_string()], "");
            self.0.wait().unwrap();
        }
    }
}

impl Drop for Posternd {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The first process of a group in which all of Dovecot's stay.
pub struct Dovecot(Child);

impl Dovecot {
    pub fn start() -> Self {
        let mut command = Command::new("dovecot");
        let child =
            command.arg("-F").stdin(Stdio::null()).process_group(0).spawn().expect("dovecot is there");
        let mut started = Self(child);
        for port in [143, 993, 110, 995, 4190] {
            answers(port, || started.0.try_wait().unwrap().is_some());
        }
        started
    }

    /// A reload would be quicker, but nobody could say when it is complete.
    pub fn restart(&mut self) {
        self.stop();
        *self = Self::start();
    }

    /// Dovecot's own shutdown waits five seconds for connections that nobody will close.
    fn stop(&mut self) {
        let group = format!("-{}", self.0.id());
        run("kill", &["-KILL", "--", &group], "");
        self.0.wait().unwrap();
        while run("kill", &["-0", "--", &group], "").status == 0 {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        self.stop();
    }
}

pub struct Postfix;

impl Postfix {
    /// Its jail is filled by Debian's own script, as at every start of the service.
    pub fn start(log: &Syslog) -> Self {
        let mark = log.mark();
        let done = run(
            "sh",
            &["-ec", "/usr/lib/postfix/configure-instance.sh -; postfix start >/dev/null 2>&1"],
            "",
        );
        assert_eq!(done.status, 0, "Postfix did not start: {done:?}\n{}", log.since(mark).join("\n"));
        answers(587, || log.since(mark).iter().any(|line| line.contains("fatal:")));
        Self
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        // `postfix stop` would do the same, and then sleep.
        run("sh", &["-c", "kill -TERM $(cat /var/spool/postfix/pid/master.pid)"], "");
    }
}

fn answers(port: u16, mut gone: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(!gone(), "the server of port {port} did not start");
        assert!(Instant::now() < end, "nobody answers on port {port}");
        thread::sleep(Duration::from_millis(10));
    }
}
