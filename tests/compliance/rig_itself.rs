//! The rig keeps its promises to the machine it runs on.

use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use crate::Fact;
use crate::support::command::must;
use crate::support::namespaces;
use crate::support::rig::Rig;
use crate::support::servers::Dovecot;

pub const FACTS: &[Fact] = facts![a_killed_rig_leaves_no_process, the_machine_keeps_its_own_files,];

/// Set for a second rig, that starts Dovecot and then waits to be killed.
pub const HELD: &str = "POSTERN_RIG_HELD";
const UP: &str = "/run/rig/held-is-up";

fn a_killed_rig_leaves_no_process(_: &mut Rig) {
    let mut held = namespaces::unshare();
    held.arg(std::env::current_exe().unwrap()).env(HELD, "1").stdout(Stdio::null());
    let mut held = held.spawn().unwrap();
    wait_until("the second rig is up", || fs::exists(UP).unwrap());
    assert!(3 < namespaces::processes_further_inside(), "a shell, the trial program, Dovecot's own");
    held.kill().unwrap();
    held.wait().unwrap();
    wait_until("all its processes are gone", || namespaces::processes_further_inside() == 0);
}

/// The other side of the trial above: same namespaces, the same Dovecot.
pub fn hold() -> ! {
    must("mount -t tmpfs -o mode=755 held /run/dovecot && ip link set lo up");
    must("mount -t tmpfs -o mode=755 held /var/spool/postfix && mkdir /var/spool/postfix/private");
    let _dovecot = Dovecot::start();
    fs::write(UP, "").unwrap();
    loop {
        thread::park();
    }
}

fn the_machine_keeps_its_own_files(rig: &mut Rig) {
    assert_eq!(namespaces::fingerprint(), rig.outside);
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..500 {
        if done() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("in vain: {what}");
}
