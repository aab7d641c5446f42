//! A directory of people: Debian's slapd, and the two services that ask it for PAM, nslcd and SSSD.
//!
//! Knows: how a site sets them up, and how slapd logs that somebody has shown it a password.
//! Never: installs them. Their packages would change how the machine itself logs people in; they are unpacked in here.

use std::env;
use std::fs;
use std::net::TcpStream;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::command::{must, must_with, run};
use super::namespaces::WORK;
use super::people::{PRIMARY, Person, postern};
use super::syslog::{Mark, Syslog};

const PATIENCE: Duration = Duration::from_secs(10);
const SUFFIX: &str = "dc=example,dc=org";
/// The administrator is whoever is root on this side of the socket.
const ADMIN: &str = "gidNumber=0+uidNumber=0,cn=peercred,cn=external,cn=auth";

/// Where `tests/support/packages` leaves what is to be unpacked.
fn packages() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    Path::new(env!("CARGO_MANIFEST_DIR")).join(target).join("unpacked")
}

/// Whether the packages could be had.
pub fn is_there() -> bool {
    packages().is_dir()
}

/// Puts the packages' files into the private /usr and /etc, once; their scripts do not run.
pub fn unpack() {
    let (packages, here) = (packages(), format!("{WORK}/directory"));
    if Path::new(&here).exists() {
        return;
    }
    must(&format!(
        "mkdir -p {here}/root && cd {here}/root
        find {} -name '*.deb' -exec dpkg-deb --extract {{}} . ';'
        for place in etc lib sbin usr var/lib; do
            ! test -d $place || cp -a $place/. /$place/
        done
        id nslcd >/dev/null 2>&1 || useradd --system --no-log-init --home-dir /nonexistent nslcd
        echo '127.0.0.1 directory.example.org' >>/etc/hosts
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=directory.example.org \
            -addext subjectAltName=DNS:directory.example.org \
            -keyout {here}/key.pem -out {here}/certificate.pem 2>/dev/null",
        packages.display()
    ));
}

/// slapd with nobody in it yet, and with a password policy that locks after three wrong passwords.
pub struct Slapd {
    child: Child,
    log: Syslog,
}

impl Slapd {
    pub fn start(log: &Syslog) -> Self {
        fs::write(format!("{WORK}/directory/slapd.conf"), configuration()).unwrap();
        must(&format!("rm -rf {WORK}/directory/data && mkdir {WORK}/directory/data"));
        must_with(&format!("slapadd -f {WORK}/directory/slapd.conf"), &first_entries());
        Self { child: serve(), log: log.clone() }
    }

    pub fn stop(&mut self) {
        end(&mut self.child, "TERM");
    }

    pub fn start_again(&mut self) {
        self.child = serve();
    }

    /// It keeps its sockets, and answers nobody.
    pub fn pause(&self) {
        run("kill", &["-STOP", &self.child.id().to_string()], "");
    }

    pub fn go_on(&self) {
        run("kill", &["-CONT", &self.child.id().to_string()], "");
    }

    /// Somebody with a mailbox and an account, whose primary password is the directory's.
    pub fn person(&self, name: &str, number: u32) -> Person {
        let entry = [
            format!("dn: {}", dn(name)),
            "changetype: add\nobjectClass: inetOrgPerson\nobjectClass: posixAccount".to_owned(),
            format!("objectClass: shadowAccount\nuid: {name}\ncn: {name}\nsn: {name}\nuidNumber: {number}"),
            format!("gidNumber: 100\nhomeDirectory: /var/mail/{name}\nuserPassword: {PRIMARY}\n"),
        ];
        modify(&entry.join("\n"));
        must(&format!("install -d -o {number} -g 100 /var/mail/{name}"));
        postern(&["account", "add", name, "--primary", "pam", "--allow-unknown-user"], "").result();
        Person { name: name.to_owned() }
    }

    /// What an administrator of the directory writes into somebody's entry.
    pub fn write(&self, who: &Person, attribute: &str, value: &str) {
        let change = format!("replace: {attribute}\n{attribute}: {value}\n");
        modify(&format!("dn: {}\nchangetype: modify\n{change}", dn(&who.name)));
    }

    /// How often somebody's password, or what was meant as one, was shown to it.
    pub fn binds(&self, since: Mark, who: &Person) -> usize {
        // It logs before it answers, and the log keeps its order.
        let end = self.log.mark();
        UnixDatagram::unbound().unwrap().send_to(b"<142>rig: counted", "/dev/log").unwrap();
        self.log.find(end, |line| line.ends_with("rig: counted")).expect("the log goes on");
        let bind = format!("BIND dn=\"{}\" method=", dn(&who.name));
        self.log.since(since).iter().filter(|line| line.contains(&bind)).count()
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        self.stop();
    }
}

fn configuration() -> String {
    let schemas = ["core", "cosine", "nis", "inetorgperson"];
    let schemas = schemas.map(|name| format!("include /etc/ldap/schema/{name}.schema\n")).concat();
    format!(
        "{schemas}modulepath /usr/lib/ldap
moduleload back_mdb
moduleload ppolicy
TLSCertificateFile {WORK}/directory/certificate.pem
TLSCertificateKeyFile {WORK}/directory/key.pem
loglevel stats
database mdb
suffix {SUFFIX}
rootdn {ADMIN}
directory {WORK}/directory/data
overlay ppolicy
ppolicy_default cn=policy,{SUFFIX}
access to attrs=userPassword by anonymous auth
access to * by * read
"
    )
}

fn first_entries() -> String {
    format!(
        "dn: {SUFFIX}\nobjectClass: dcObject\nobjectClass: organization\no: Example\n
dn: cn=policy,{SUFFIX}\nobjectClass: device\nobjectClass: pwdPolicy\npwdAttribute: userPassword
pwdMustChange: TRUE\npwdLockout: TRUE\npwdMaxFailure: 3\n"
    )
}

fn serve() -> Child {
    let configuration = format!("{WORK}/directory/slapd.conf");
    let addresses = "ldaps://directory.example.org/ ldapi://%2Frun%2Frig%2Fdirectory%2Fldapi";
    let child = quiet(&["slapd", "-d", "0", "-f", &configuration, "-h", addresses]);
    wait_for("slapd", || TcpStream::connect(("127.0.0.1", 636)).is_ok());
    child
}

fn dn(name: &str) -> String {
    format!("uid={name},{SUFFIX}")
}

/// The relaxed rules let an administrator write what the policy else writes itself.
fn modify(change: &str) {
    let socket = "ldapi://%2Frun%2Frig%2Fdirectory%2Fldapi";
    must_with(&format!("ldapmodify -Q -Y EXTERNAL -e relax -H {socket} >/dev/null"), change);
}

/// Who asks the directory on PAM's behalf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    Nslcd,
    Sssd,
}

impl Service {
    pub const BOTH: [Self; 2] = [Self::Nslcd, Self::Sssd];

    /// What a site writes into its files.
    pub fn set_up(self) {
        let certificate = format!("{WORK}/directory/certificate.pem");
        match self {
            Self::Nslcd => must_with(
                "cat >/etc/nslcd.conf; install -d -o nslcd /run/nslcd",
                &format!(
                    "uid nslcd\ngid nslcd\nuri ldaps://directory.example.org/\nbase {SUFFIX}
tls_reqcert demand\ntls_cacertfile {certificate}\nreconnect_sleeptime 1\nreconnect_retrytime 1\n"
                ),
            ),
            Self::Sssd => must_with(
                "mkdir -p /etc/sssd/conf.d; umask 077; rm -rf /var/lib/sss/db/*; cat >/etc/sssd/sssd.conf",
                &format!(
                    "[sssd]\nservices = nss, pam\ndomains = example.org\n\n[pam]\npam_id_timeout = 0\n\n[domain/example.org]\nid_provider = ldap
ldap_uri = ldaps://directory.example.org/\nldap_search_base = {SUFFIX}\nldap_tls_cacert = {certificate}\ncache_credentials = true\n"
                ),
            ),
        };
    }

    pub fn start(self) -> Running {
        let (words, socket): (&[&str], _) = match self {
            Self::Nslcd => (&["nslcd", "--nofork"], "/run/nslcd/socket"),
            Self::Sssd => (&["sssd", "--interactive", "--logger=stderr"], "/var/lib/sss/pipes/pam"),
        };
        let child = quiet(words);
        wait_for(words[0], || UnixStream::connect(socket).is_ok());
        Running { child, service: self }
    }

    /// The line of nsswitch.conf(5) that makes people of the directory users of this system.
    pub fn source(self) -> &'static str {
        match self {
            Self::Nslcd => "ldap",
            Self::Sssd => "sss",
        }
    }
}

/// nslcd or SSSD; dropping it ends it.
pub struct Running {
    child: Child,
    service: Service,
}

impl Drop for Running {
    fn drop(&mut self) {
        match self.service {
            // Asked to, it waits for threads that have nothing to do.
            Service::Nslcd => end(&mut self.child, "KILL"),
            // It has processes of its own to end.
            Service::Sssd => end(&mut self.child, "TERM"),
        }
    }
}

fn quiet(words: &[&str]) -> Child {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap_or_else(|error| panic!("{}: {error}", words[0]))
}

fn wait_for(what: &str, answers: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !answers() {
        assert!(Instant::now() < end, "{what} does not answer");
        thread::sleep(Duration::from_millis(10));
    }
}

fn end(child: &mut Child, signal: &str) {
    if matches!(child.try_wait(), Ok(None)) {
        run("kill", &["-s", signal, &child.id().to_string()], "");
        child.wait().unwrap();
    }
}
