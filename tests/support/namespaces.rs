//! Private mounts, processes and network, so that the rig touches nothing of the machine and dies as a whole.

use std::env;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use super::command::must;

const INSIDE: &str = "POSTERN_RIG_INSIDE";

/// Where everything that the rig makes for itself lies.
pub const WORK: &str = "/run/rig";
/// The machine's own root, as it looks without our overlays.
pub const OUTSIDE: &str = "/run/rig/outside";

pub fn root() -> bool {
    must("id -u").trim() == "0"
}

pub fn inside() -> bool {
    env::var_os(INSIDE).is_some()
}

/// Becomes `unshare`, which runs this program again inside. Returns only if that is not possible.
///
/// Whoever kills `unshare` kills the first process of the namespace, and the kernel then all others.
pub fn enter() -> std::io::Error {
    let me = env::current_exe().expect("the path of this program");
    unshare().arg(me).args(env::args_os().skip(1)).env(INSIDE, "1").exec()
}

/// Process 1 is a shell, because it must collect the daemons that lose their parents.
pub fn unshare() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--pid", "--net", "--fork", "--kill-child", "--mount-proc"]);
    command.args(["sh", "-c", r#"trap 'exit 130' HUP INT TERM; "$@" & wait $!"#, "sh"]);
    command
}

/// Lays private storage over everything that an installation or a running server writes to.
pub fn furnish() {
    must("mount -t tmpfs -o mode=755 rig /run");
    must(&format!("mkdir -p {OUTSIDE} && mount --bind / {OUTSIDE} && mount -o remount,bind,ro {OUTSIDE}"));
    for place in ["/etc", "/usr", "/var/lib"] {
        overlay(place);
    }
    for place in ["/var/lib/postfix", "/var/lib/dovecot", "/var/spool/postfix", "/var/mail"] {
        must(&format!("mkdir -p {place} && mount -t tmpfs -o mode=755 rig {place}"));
    }
    devices();
    must("ip link set lo up");
}

fn overlay(place: &str) {
    let layers = format!("{WORK}/layers{place}");
    must(&format!(
        "mkdir -p {layers}/upper {layers}/work && chmod --reference={place} {layers}/upper &&
        mount -t overlay -o lowerdir={place},upperdir={layers}/upper,workdir={layers}/work rig {place}"
    ));
}

/// An own /dev, for the sake of an own /dev/log: the machine's may be a link into its journal.
fn devices() {
    must(&format!("mkdir {WORK}/dev && mount -t tmpfs -o mode=755 rig {WORK}/dev"));
    for node in ["null", "zero", "full", "random", "urandom", "tty"] {
        must(&format!("touch {WORK}/dev/{node} && mount --bind /dev/{node} {WORK}/dev/{node}"));
    }
    must(&format!(
        "cd {WORK}/dev && mkdir shm pts && chmod 1777 shm && mount --bind /dev/pts pts &&
        ln -s pts/ptmx ptmx && ln -s /proc/self/fd fd && ln -s fd/0 stdin && ln -s fd/1 stdout && ln -s fd/2 stderr &&
        mount --move {WORK}/dev /dev"
    ));
    assert!(!Path::new("/dev/log").exists(), "the machine's syslog is out of sight");
}

/// One line for everything in the machine's configuration that the rig must leave alone.
pub fn fingerprint() -> String {
    must(&format!(
        "cd {OUTSIDE}/etc && {{ find passwd shadow group pam.d dovecot postfix postern -exec stat -c '%n %s %y %a' {{}} + ;
        find passwd shadow group pam.d dovecot postfix -type f -exec sha256sum {{}} + ; ls {OUTSIDE}/var/lib ; }} 2>/dev/null |
        sha256sum"
    ))
}

/// How many processes we see that live in a process namespace below ours.
pub fn processes_further_inside() -> usize {
    let ours = fs::read_link("/proc/self/ns/pid").expect("/proc is mounted");
    let entries = fs::read_dir("/proc").expect("/proc is mounted");
    let namespaces = entries.filter_map(|entry| fs::read_link(entry.ok()?.path().join("ns/pid")).ok());
    namespaces.filter(|theirs| *theirs != ours).count()
}
