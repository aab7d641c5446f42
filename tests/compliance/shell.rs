//! Hosts that can ask: sshd and sudo, which show the code at a prompt of its own.

use std::fs;
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::Fact;
use crate::support::change::with_spoiled;
use crate::support::command::{Run, must, run};
use crate::support::namespaces::WORK;
use crate::support::people::{PRIMARY, postern};
use crate::support::rig::Rig;

pub const FACTS: &[Fact] = facts![
    sshd_asks_for_the_password_and_then_for_the_code,
    sshd_asks_strangers_the_same,
    sshd_may_leave_the_password_to_pam_unix,
    sshd_with_one_field_for_both_answers_is_refused,
    sudo_asks_for_the_password_and_then_for_the_code,
];

const QUESTIONS: [&str; 2] = ["Password: ", "One-time code: "];

/// The README's line for `/etc/pam.d/sshd`.
const OURS: &str = "sed -i 's/^@include common-auth/auth required pam_postern.so prompt/' /etc/pam.d/sshd";
/// And the one for stacks in which another module checks the password.
const BEHIND: &str =
    "sed -i '/^@include common-auth/a auth required pam_postern.so second-factor-only' /etc/pam.d/sshd";

/// sshd with a configuration and a key of its own.
struct Sshd(Child);

impl Sshd {
    fn start() -> Self {
        must(&format!(
            "rm -rf {WORK}/ssh && mkdir -p -m 755 {WORK}/ssh /run/sshd
            ssh-keygen -q -t ed25519 -N '' -f {WORK}/ssh/key
            printf '%s\n' 'Port 22' 'ListenAddress 127.0.0.1' 'HostKey {WORK}/ssh/key' 'PidFile none' 'UsePAM yes' \
                'KbdInteractiveAuthentication yes' 'PasswordAuthentication yes' 'LoginGraceTime 20' >{WORK}/ssh/config
            {{ printf '127.0.0.1 '; cat {WORK}/ssh/key.pub; }} >{WORK}/ssh/known_hosts"
        ));
        let mut command = Command::new("/usr/sbin/sshd");
        command.args(["-D", "-f", &format!("{WORK}/ssh/config")]).stdin(Stdio::null()).stderr(Stdio::null());
        let started = Self(command.spawn().unwrap());
        for _ in 0..500 {
            if TcpStream::connect(("127.0.0.1", 22)).is_ok() {
                return started;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("sshd does not answer");
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// One login at sshd's prompts.
fn ssh(user: &str, answers: &[&str]) -> (Run, Vec<String>) {
    ssh_by("keyboard-interactive", user, answers)
}

/// The answers are given in turn by an askpass program, which also writes down the questions.
fn ssh_by(method: &str, user: &str, answers: &[&str]) -> (Run, Vec<String>) {
    let askpass = r#"#!/bin/sh
        cd "${0%/*}" && echo "$1" | sed 's/^(.*) //' >>questions
        sed -n "$(wc -l <questions)p" answers"#;
    fs::write(format!("{WORK}/ssh/answers"), answers.join("\n") + "\n").unwrap();
    fs::write(format!("{WORK}/ssh/questions"), "").unwrap();
    fs::write(format!("{WORK}/ssh/askpass"), askpass).unwrap();
    must(&format!("chmod 700 {WORK}/ssh/askpass"));
    let known = format!("UserKnownHostsFile={WORK}/ssh/known_hosts");
    let done = run(
        "env",
        &[
            &format!("SSH_ASKPASS={WORK}/ssh/askpass"),
            "SSH_ASKPASS_REQUIRE=force",
            "ssh",
            "-F",
            "none",
            "-o",
            &known,
            "-o",
            "StrictHostKeyChecking=yes",
            "-o",
            "NumberOfPasswordPrompts=1",
            "-o",
            &format!("PreferredAuthentications={method}"),
            &format!("{user}@127.0.0.1"),
            "id -un",
        ],
        "",
    );
    let asked = fs::read_to_string(format!("{WORK}/ssh/questions")).unwrap();
    (done, asked.lines().map(str::to_owned).collect())
}

#[track_caller]
fn logs_in(user: &str, answers: &[&str]) {
    let (done, asked) = ssh(user, answers);
    assert_eq!(done.result(), user, "{asked:?}");
}

#[track_caller]
fn is_refused(user: &str, answers: &[&str]) -> Vec<String> {
    let (done, asked) = ssh(user, answers);
    assert_eq!(done.status, 255, "{done:?} {asked:?}");
    asked
}

fn with_sshd(change: &str, trial: impl FnOnce()) {
    with_spoiled(&["/etc/pam.d"], || {
        must(change);
        let _sshd = Sshd::start();
        trial();
    });
}

fn sshd_asks_for_the_password_and_then_for_the_code(rig: &mut Rig) {
    let bob = rig.system_person();
    let totp = bob.enroll_totp();
    let recovery = postern(&["recovery", "new", &bob.name], "").result();
    let recovery = recovery.lines().next().unwrap();
    let shell = bob.app_password_for("shell", "sshd");
    let mail = bob.app_password("phone");
    with_sshd(OURS, || {
        let code = totp.fresh_code();
        is_refused(&bob.name, &[PRIMARY, ""]);
        is_refused(&bob.name, &["wrong", &code]);
        logs_in(&bob.name, &[PRIMARY, &code]);
        is_refused(&bob.name, &[PRIMARY, &code]);
        logs_in(&bob.name, &[PRIMARY, recovery]);
        is_refused(&bob.name, &[PRIMARY, recovery]);
        logs_in(&bob.name, &[&shell, ""]);
        is_refused(&bob.name, &[&mail, ""]);
    });
}

fn sshd_asks_strangers_the_same(rig: &mut Rig) {
    let bob = rig.system_person();
    bob.enroll_totp();
    let known = rig.system_person();
    postern(&["account", "disable", &known.name], "").result();
    with_sshd(OURS, || {
        for user in [bob.name.as_str(), &known.name, "nobody", "no-such-user"] {
            assert_eq!(is_refused(user, &["wrong", "123456"]), QUESTIONS, "{user}");
        }
    });
}

fn sshd_may_leave_the_password_to_pam_unix(rig: &mut Rig) {
    let bob = rig.system_person();
    let totp = bob.enroll_totp();
    with_sshd(BEHIND, || {
        let code = totp.fresh_code();
        is_refused(&bob.name, &["wrong", &code]);
        is_refused(&bob.name, &[PRIMARY, "000000"]);
        is_refused(&bob.name, &[PRIMARY, ""]);
        logs_in(&bob.name, &[PRIMARY, &totp.fresh_code()]);
    });
}

/// sshd then gives the one field that the client sends as the answer to both questions.
fn sshd_with_one_field_for_both_answers_is_refused(rig: &mut Rig) {
    let bob = rig.system_person();
    let totp = bob.enroll_totp();
    with_sshd(OURS, || {
        let code = totp.fresh_code();
        for field in [PRIMARY, &format!("{PRIMARY}{code}"), &code] {
            let (done, asked) = ssh_by("password", &bob.name, &[field]);
            assert_eq!((done.status, asked.len()), (255, 1), "{done:?} {asked:?}");
        }
        logs_in(&bob.name, &[PRIMARY, &code]);
    });
}

fn sudo_asks_for_the_password_and_then_for_the_code(rig: &mut Rig) {
    let bob = rig.system_person();
    let totp = bob.enroll_totp();
    let sudo = |answers: &[&str]| {
        let arguments = ["-u", &bob.name, "--", "sudo", "--stdin", "--reset-timestamp", "id", "-un"];
        run("runuser", &arguments, &(answers.join("\n") + "\n"))
    };
    with_spoiled(&["/etc/pam.d", "/etc/sudoers.d"], || {
        must(&format!(
            "printf '%s\n' '{0} ALL=(root) ALL' 'Defaults:{0} passwd_tries=1' >/etc/sudoers.d/rig
            chmod 440 /etc/sudoers.d/rig
            sed -i 's/^@include common-auth/auth required pam_postern.so prompt/' /etc/pam.d/sudo",
            bob.name
        ));
        let code = totp.fresh_code();
        assert_ne!(sudo(&[PRIMARY, ""]).status, 0);
        assert_ne!(sudo(&["wrong", &code]).status, 0);
        assert_eq!(sudo(&[PRIMARY, &code]).result(), "root");
        assert_ne!(sudo(&[PRIMARY, &code]).status, 0);
    });
}
