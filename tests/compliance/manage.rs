//! Unix users who help themselves, through posternd's manage socket.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Fact;
use crate::support::change::and_then;
use crate::support::clients::Protocol;
use crate::support::command::{Run, must, must_with, run};
use crate::support::namespaces::WORK;
use crate::support::people::{PRIMARY, Person, Totp, postern, slip};
use crate::support::rig::Rig;
use crate::support::servers::Posternd;

pub const FACTS: &[Fact] = facts![
    a_user_enrolls_alone_and_logs_in_with_all_that_it_gave,
    another_app_password_takes_a_code_and_each_code_is_good_once,
    a_terminal_shows_neither_password_nor_code,
    a_device_that_is_found_makes_no_other,
    nobody_manages_the_account_of_somebody_else,
    a_name_that_goes_to_another_user_takes_no_account_along,
    who_guesses_at_home_closes_no_other_door,
    a_unix_account_that_is_locked_proves_nothing,
    without_posternd_a_user_is_sent_to_the_administrator,
    users_reach_posternd_where_a_login_came_before_it,
    a_socket_of_somebody_else_gets_no_password,
    words_that_nobody_means_well_with_are_refused,
];

/// A first enrolment by `app add` or `totp enroll`, with the key that was scanned from its first line.
fn enroll(person: &Person, arguments: &[&str]) -> (Totp, Vec<String>) {
    let mut command = Command::new("runuser");
    command.args(["-u", &person.name, "--", "postern"]).args(arguments);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut typed = child.stdin.take().unwrap();
    writeln!(typed, "{PRIMARY}").unwrap();
    let mut shown = BufReader::new(child.stdout.take().unwrap());
    let mut uri = String::new();
    shown.read_line(&mut uri).unwrap();
    assert!(uri.starts_with("otpauth://totp/"), "{uri}");
    let totp = Totp::scanned(uri.trim_end());
    writeln!(typed, "{}", totp.first_code()).unwrap();
    drop(typed);
    let mut rest = String::new();
    shown.read_to_string(&mut rest).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (totp, rest.lines().map(str::to_owned).collect())
}

fn uid_of(person: &Person) -> String {
    must(&format!("id -u {}", person.name)).trim().to_owned()
}

/// Failed with this code, in two lines: what, and what to do about it; nothing on stdout.
#[track_caller]
fn is_refused(done: &Run, status: i32, what: &str, hint: &str) {
    assert_eq!(done.status, status, "{done:?}");
    assert_eq!(done.stdout, "", "{done:?}");
    let said = done.stderr.lines().rev().take(2).collect::<Vec<_>>();
    assert!(said[1].contains("postern: ") && said[1].contains(what), "{done:?}");
    assert!(said[0].starts_with("  hint: ") && said[0].contains(hint), "{done:?}");
}

fn a_user_enrolls_alone_and_logs_in_with_all_that_it_gave(rig: &mut Rig) {
    for arguments in [&["app", "add", "--label", "phone"] as &[&str], &["totp", "enroll"]] {
        let bob = rig.system_person();
        let mark = rig.log.mark();
        let (totp, shown) = enroll(&bob, arguments);
        assert_eq!(shown.len(), 11, "ten recovery codes and an app password: {shown:?}");
        rig.login(Protocol::Imap, &bob.name, &shown[10]).granted("app-password");
        rig.login(Protocol::Imap, &bob.name, PRIMARY).denied("second-factor-missing");
        rig.login(Protocol::Imap, &bob.name, &format!("{PRIMARY}{}", totp.first_code())).denied("code-spent");
        rig.login(Protocol::Imap, &bob.name, &format!("{PRIMARY}{}", totp.fresh_code()))
            .granted("primary+code");
        rig.login(Protocol::Imap, &bob.name, &format!("{PRIMARY} {}", shown[0])).granted("primary+recovery");
        for event in ["totp.enroll", "recovery.new", "app.add"] {
            let told = format!("changed event={event} account=\"{}\"", bob.name);
            let line = rig.log.find(mark, |line| line.contains(&told)).unwrap_or_else(|| panic!("{told}"));
            assert!(line.contains(&format!(" by={} anchor=", uid_of(&bob))), "{line}");
        }
        let left = bob.runs(&["recovery", "show"], &[]).result();
        assert!(left.contains(" 9 of 10 "), "{left}");
    }
    postern(&["log", "verify"], "").result();
}

fn another_app_password_takes_a_code_and_each_code_is_good_once(rig: &mut Rig) {
    let bob = rig.system_person();
    let totp = bob.enroll_totp();
    let recovery = postern(&["recovery", "new", &bob.name], "").result();
    let recovery: Vec<&str> = recovery.lines().collect();
    let add = |label: &str, typed: &[&str]| bob.runs(&["app", "add", "--label", label], typed);
    let code = totp.fresh_code();
    is_refused(&add("phone", &["wrong", &code]), 1, "password or the code", "code");
    is_refused(&add("phone", &[PRIMARY, &totp.stale_code()]), 1, "password or the code", "code");
    is_refused(&add("phone", &[PRIMARY]), 2, "no code", "recovery code");
    let mark = rig.log.mark();
    let phone = add("phone", &[PRIMARY, &code]).result();
    let granted =
        format!("granted account=\"{}\" service=manage rhost=- door=manage path=primary+code", bob.name);
    assert!(rig.log.find(mark, |line| line.contains(&granted)).is_some());
    is_refused(&add("tablet", &[PRIMARY, &code]), 1, "used before", "good once");
    let tablet = add("tablet", &[PRIMARY, recovery[0]]).result();
    is_refused(&add("laptop", &[PRIMARY, recovery[0]]), 1, "used before", "good once");
    for one in [&phone, &tablet] {
        rig.login(Protocol::Imap, &bob.name, one).granted("app-password");
    }
    // The same label again is refused before a code is spent for it.
    is_refused(&add("tablet", &[PRIMARY, recovery[1]]), 4, "label", "another");
    let sheet = bob.runs(&["recovery", "new", "--sheet"], &[PRIMARY, recovery[1]]).result();
    assert_eq!(sheet.lines().filter(|line| line.contains("[ ]")).count(), 10);
    // As root sees it, but by whom.
    let theirs = bob.runs(&["app", "list", "--json"], &[]).result();
    assert_eq!(theirs, postern(&["app", "list", &bob.name, "--json"], "").result());
    let root: Value =
        serde_json::from_str(&postern(&["account", "show", &bob.name, "--json"], "").result()).unwrap();
    let own: Value = serde_json::from_str(&bob.runs(&["account", "show", "--json"], &[]).result()).unwrap();
    for (name, fact) in own.as_object().unwrap() {
        assert_eq!(fact, &root[name], "{name}");
    }
    assert_eq!(own["app_passwords"].as_array().unwrap().len(), 2);
    let shown = bob.runs(&["account", "show"], &[]).result();
    assert!(shown.contains("second factors  1: ") && shown.contains("recovery codes  10 left"), "{shown}");
    bob.runs(&["app", "revoke", "phone"], &[]).result();
    rig.login(Protocol::Imap, &bob.name, &phone).denied("revoked");
    bob.runs(&["app", "revoke", &bob.name, "tablet"], &[]).result();
    rig.login(Protocol::Imap, &bob.name, &tablet).denied("revoked");
    is_refused(&bob.runs(&["app", "revoke", "tablet"], &[]), 3, "label", "app list");
}

/// What stands on a terminal where this person runs a command and answers its questions, each when it is hidden.
fn at_terminal(person: &Person, command: &str, answers: &[(&str, &str)]) -> String {
    let line = format!("tty && exec runuser -u {} -- {command}", person.name);
    let mut child = Command::new("timeout")
        .args(["30", "script", "--quiet", "--return", "--command", &line, "/dev/null"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut keys, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut shown = String::new();
    for (question, answer) in answers {
        while !shown.ends_with(question) {
            let mut octet = [0];
            screen.read_exact(&mut octet).unwrap_or_else(|_| panic!("no {question:?}: {shown}"));
            shown.push(char::from(octet[0]));
        }
        let terminal = shown.lines().next().unwrap().to_owned();
        // It asks first, and turns the echo off then.
        while !must(&format!("stty -F {terminal} -a")).split_whitespace().any(|word| word == "-echo") {
            thread::sleep(Duration::from_millis(10));
        }
        writeln!(keys, "{answer}").unwrap();
    }
    screen.read_to_string(&mut shown).unwrap();
    assert!(child.wait().unwrap().success(), "{shown}");
    shown
}

fn a_terminal_shows_neither_password_nor_code(rig: &mut Rig) {
    let bob = rig.system_person();
    let code = bob.enroll_totp().fresh_code();
    let answers = [("Primary password: ", PRIMARY), ("One-time code: ", code.as_str())];
    let shown = at_terminal(&bob, "postern app add --label phone", &answers);
    assert!(!shown.contains(PRIMARY) && !shown.contains(&code), "{shown}");
    let phone = shown.lines().find(|line| line.starts_with('x')).unwrap_or_else(|| panic!("{shown}"));
    rig.login(Protocol::Imap, &bob.name, phone.trim_end()).granted("app-password");
}

fn a_device_that_is_found_makes_no_other(rig: &mut Rig) {
    let bob = rig.system_person();
    let totp = bob.enroll_totp();
    let phone = bob.app_password_for("phone", "imap,manage");
    for shown in [phone.as_str(), &slip(&phone), &phone.to_uppercase()] {
        for _ in 0..4 {
            let typed = [shown, &totp.stale_code()];
            is_refused(&bob.runs(&["app", "add", "--label", "x"], &typed), 1, "app password", "own password");
            is_refused(&bob.runs(&["recovery", "new"], &[PRIMARY, shown]), 1, "app password", "own password");
        }
    }
    // It was counted for nothing.
    bob.runs(&["app", "add", "--label", "tablet"], &[PRIMARY, &totp.fresh_code()]).result();
}

fn nobody_manages_the_account_of_somebody_else(rig: &mut Rig) {
    let (bob, eve) = (rig.system_person(), rig.system_person());
    let totp = bob.enroll_totp();
    bob.app_password("phone");
    for arguments in [
        &["app", "add", bob.name.as_str(), "--label", "x"] as &[&str],
        &["app", "list", &bob.name],
        &["account", "show", &bob.name],
        &["app", "revoke", &bob.name, "phone"],
        &["totp", "enroll", &bob.name],
        &["recovery", "new", &bob.name],
        &["recovery", "show", &bob.name],
        &["app", "list", "root"],
    ] {
        let done = eve.runs(arguments, &[PRIMARY, &totp.fresh_code()]);
        is_refused(&done, 6, "not your account", "leave the name out");
    }
    // For one's own the name may be typed.
    let shown = bob.runs(&["account", "show", &bob.name], &[]).result();
    assert_eq!(shown, bob.runs(&["account", "show"], &[]).result());
    let phone = bob.runs(&["app", "show", "phone"], &[]).result();
    assert!(
        phone.contains("live") && phone == bob.runs(&["app", "show", &bob.name, "phone"], &[]).result(),
        "{phone}"
    );
    is_refused(&eve.runs(&["app", "show", "phone"], &[]), 3, "phone", "app list");
    is_refused(
        &eve.runs(&["app", "show", &bob.name, "phone"], &[]),
        6,
        "not your account",
        "leave the name out",
    );
    is_refused(&bob.runs(&["app", "rotate", "phone"], &[]), 6, "administrator", "app add");
    is_refused(&bob.runs(&["totp", "list"], &[]), 6, "administrator", "account show");
    is_refused(&postern(&["app", "show", "phone"], ""), 2, "no label", "name both");
    is_refused(&eve.runs(&["app", "revoke", "--all", "--yes"], &[]), 6, "selection", "root");
    is_refused(&eve.runs(&["app", "revoke", "--account", &bob.name], &[]), 6, "selection", "root");
    // What stands alone is a label of one's own.
    is_refused(&eve.runs(&["app", "revoke", "phone"], &[]), 3, "label", "app list");
    let theirs = bob.runs(&["app", "list", &bob.name, "--json"], &[]).result();
    assert!(theirs.contains("\"phone\"") && theirs.contains("\"live\""), "{theirs}");
    // The account is nobody's Unix user, or no account at all.
    let dave = rig.unix_user();
    is_refused(&dave.runs(&["app", "list"], &[]), 3, &dave.name, "account add");
    postern(&["account", "add", &dave.name, "--primary", "store"], PRIMARY).result();
    is_refused(&dave.runs(&["app", "list"], &[]), 6, &dave.name, "--primary pam");
    // Root names the account.
    for arguments in [&["app", "list"] as &[&str], &["app", "add", "--label", "x"], &["recovery", "new"]] {
        is_refused(&postern(arguments, ""), 2, "no account is named", "name one");
    }
    is_refused(&postern(&["app", "revoke", &bob.name], ""), 2, "no label", "both");
}

fn a_name_that_goes_to_another_user_takes_no_account_along(rig: &mut Rig) {
    let bob = rig.system_person();
    bob.app_password("phone");
    // Below the uid of another trial: useradd(8) goes on from the highest.
    must(&format!("userdel {0} && useradd --no-log-init --uid 50001 --no-create-home {0}", bob.name));
    must_with("chpasswd", &format!("{}:{PRIMARY}\n", bob.name));
    for arguments in [&["app", "list"] as &[&str], &["app", "revoke", "phone"], &["totp", "enroll"]] {
        is_refused(&bob.runs(arguments, &[PRIMARY]), 6, &bob.name, "administrator");
    }
}

fn who_guesses_at_home_closes_no_other_door(rig: &mut Rig) {
    let bob = rig.system_person();
    let totp = bob.enroll_totp();
    let phone = bob.app_password("phone");
    let add = |typed: &[&str]| bob.runs(&["app", "add", "--label", "x"], typed);
    let guess = |number: u32| add(&[&format!("guess {number}"), "123456"]);
    is_refused(&add(&[PRIMARY, &totp.stale_code()]), 1, "password or the code", "code");
    let throttled = (0..20).map(guess).find(|done| done.stderr.contains("too many wrong passwords"));
    is_refused(&throttled.expect("it is throttled"), 1, "nothing was looked at", "wait");
    let shown = postern(&["account", "show", &bob.name], "").result();
    assert!(shown.contains("1 from commands of that user on this machine, "), "{shown}");
    rig.login(Protocol::Imap, &bob.name, &phone).granted("app-password");
    rig.login(Protocol::Imap, &bob.name, &format!("{PRIMARY}{}", totp.fresh_code())).granted("primary+code");
    // Making something worthless needs no proof, and so no waiting.
    bob.runs(&["app", "revoke", "phone"], &[]).result();
}

fn a_unix_account_that_is_locked_proves_nothing(rig: &mut Rig) {
    let bob = rig.system_person();
    let totp = bob.enroll_totp();
    must(&format!("usermod -L {}", bob.name));
    let typed = [PRIMARY, &totp.fresh_code()];
    is_refused(&bob.runs(&["app", "add", "--label", "x"], &typed), 1, "password or the code", "code");
    must(&format!("usermod -U {0} && usermod --expiredate 1 {0}", bob.name));
    let done = run(
        "setpriv",
        &[&["--reuid", &bob.name, "--clear-groups", "postern", "app", "add", "--label", "x"][..]].concat(),
        &format!("{}\n", typed.join("\n")),
    );
    is_refused(&done, 1, "password or the code", "code");
    assert_eq!(postern(&["app", "list", &bob.name, "--json"], "").result(), "[]");
}

fn without_posternd_a_user_is_sent_to_the_administrator(rig: &mut Rig) {
    let bob = rig.system_person();
    let list = || bob.runs(&["app", "list"], &[]);
    list().result();
    rig.posternd.pause();
    let posternd = &rig.posternd;
    and_then(
        || {
            let start = Instant::now();
            is_refused(&list(), 5, "in time", "app list");
            assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
        },
        || posternd.go_on(),
    );
    list().result();
    must("mv /run/postern/manage /run/postern/away");
    and_then(
        || is_refused(&list(), 5, "cannot be reached", "ask your administrator to start posternd"),
        || {
            must("mv /run/postern/away /run/postern/manage");
        },
    );
    must("chmod 600 /run/postern/manage");
    and_then(
        || is_refused(&list(), 6, "cannot be reached", "let you reach"),
        || {
            must("chmod 666 /run/postern/manage");
        },
    );
    list().result();
}

fn users_reach_posternd_where_a_login_came_before_it(rig: &mut Rig) {
    let bob = rig.system_person();
    rig.posternd.stop();
    let first = format!("rm -r /run/postern; umask 077; postern try {} --service imap || true", bob.name);
    must_with(&first, "wrong\n");
    rig.posternd = Posternd::start();
    bob.runs(&["app", "list"], &[]).result();
}

/// A posternd of somebody else, which ends with the trial.
struct Impostor(Child);

impl Drop for Impostor {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn a_socket_of_somebody_else_gets_no_password(rig: &mut Rig) {
    let (bob, eve) = (rig.system_person(), rig.unix_user());
    let trap = format!("{WORK}/trap");
    must(&format!("rm -rf {trap} && install -d -m 755 -o {} {trap}", eve.name));
    // As root has written it, so that bob believes the file.
    let text = format!(
        "store = \"{trap}/store/store.db\"\nkey = \"{trap}/key\"\nrun = \"{trap}/run\"\n[daemon]\n\
         verify = []\nmanage = [\"{trap}/sockets/manage\"]\n"
    );
    let config = format!("{WORK}/trap.toml");
    fs::write(&config, text).unwrap();
    let as_eve = ["-u", &eve.name, "--", "posternd", "--config", &config];
    let child = Command::new("runuser").args(as_eve).stdin(Stdio::null()).spawn().unwrap();
    let _impostor = Impostor(child);
    for _ in 0..500 {
        if fs::metadata(format!("{trap}/sockets/manage")).is_ok() {
            break;
        }
        thread::sleep(Duration::from_millis(10));
    }
    let add = ["--config", &config, "app", "add", "--label", "x"];
    let done = bob.runs(&add, &[PRIMARY, "123456"]);
    is_refused(&done, 5, &format!("uid {} listens in place of posternd", uid_of(&eve)), "type no password");
}

fn words_that_nobody_means_well_with_are_refused(rig: &mut Rig) {
    let bob = rig.system_person();
    let totp = bob.enroll_totp();
    let long = "a".repeat(65_536);
    for bad in ["", "a\nb", "a\x1b[2Jb", &long, "\t"] {
        for arguments in [
            &["app", "add", "--label", bad] as &[&str],
            &["app", "add", bad, "--label", "x"],
            &["app", "add", "--label", "x", "--scope", bad],
            &["app", "add", "--label", "x", "--network", bad],
            &["app", "add", "--label", "x", "--expires", bad],
            &["app", "revoke", bad],
            &["app", "list", bad],
            &["totp", "enroll", "--label", bad],
            &["recovery", "new", bad],
        ] {
            let done = bob.runs(arguments, &[PRIMARY, &totp.stale_code()]);
            assert_eq!((done.status, done.stdout.as_str()), (2, ""), "{arguments:?} {done:?}");
            assert!(done.stderr.len() < 4096 && !done.stderr.contains('\x1b'), "{done:?}");
        }
    }
    for typed in [&[long.as_str()] as &[&str], &[PRIMARY, &long], &[&long, &long], &["a\u{7}", "1"]] {
        let done = bob.runs(&["app", "add", "--label", "x"], typed);
        assert!((1..=5).contains(&done.status) && done.stdout.is_empty(), "{done:?}");
        assert!(!done.stderr.contains("fault of its own") && done.stderr.len() < 4096, "{done:?}");
    }
    let label = "$(reboot); '\u{202e}'";
    bob.runs(&["app", "add", "--label", label], &[PRIMARY, &totp.fresh_code()]).result();
    let list = bob.runs(&["app", "list"], &[]).result();
    assert!(list.contains("\\u{202e}"), "{list}");
    bob.runs(&["app", "revoke", label], &[]).result();
}
