//! `postern probe` names the door that is open, on servers that are as they should be and on some that are not.

use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::Fact;
use crate::support::change::with_spoiled;
use crate::support::command::{Run, must, run, run_within};
use crate::support::people::PRIMARY;
use crate::support::rig::Rig;

pub const FACTS: &[Fact] = facts![
    a_good_server_has_no_open_door,
    a_second_passdb_that_takes_the_primary_is_named,
    a_probe_that_is_stopped_leaves_nothing,
    a_probe_that_is_killed_is_cleared_away_by_the_next,
    a_missing_client_closes_no_door,
    a_probe_slows_nobody_down,
];

/// Servers let everybody wait whom they refuse: these take minutes, and are for `make proof`.
pub const SLOW_FACTS: &[Fact] = facts![
    a_protocol_that_asks_pam_without_postern_is_named,
    a_submission_that_asks_sasldb_is_named,
    a_cache_in_front_of_postern_is_named,
    a_sieve_with_a_passdb_of_its_own_is_named,
];

const EXAMPLE: &str = "/etc/dovecot/conf.d/auth-postern.conf.ext";
const ALL: [&str; 8] = [
    "imap 143",
    "imap 993",
    "pop3 110",
    "pop3 995",
    "sieve 4190",
    "submission 587",
    "submission 588",
    "submission 589",
];

/// What a probe has found.
struct Probed {
    done: Run,
    doors: Vec<Value>,
}

/// Some sixty logins, and on eight doors a wait for the next code.
#[track_caller]
fn probe(arguments: &[&str], secret: &str) -> Run {
    run_within("120", "postern", &[&["probe"], arguments].concat(), secret)
}

/// With an account that Postern alone knows.
#[track_caller]
fn probed() -> Probed {
    Probed::of(probe(&["--json"], ""))
}

/// With a Unix user whose password the servers know.
#[track_caller]
fn probed_as(name: &str) -> Probed {
    Probed::of(probe(&["--user", name, "--json"], &format!("{PRIMARY}\n")))
}

impl Probed {
    #[track_caller]
    fn of(done: Run) -> Self {
        no_account_is_left();
        let told: Value = serde_json::from_str(&done.stdout).unwrap_or_else(|_| panic!("{done:#?}"));
        let doors = told["doors"].as_array().unwrap().clone();
        Self { done, doors }
    }

    /// The doors in one state, by protocol and port.
    fn in_state(&self, state: &str) -> Vec<String> {
        let place = |door: &Value| format!("{} {}", door["protocol"].as_str().unwrap(), door["port"]);
        let mut places: Vec<String> =
            self.doors.iter().filter(|door| door["state"] == state).map(place).collect();
        places.sort();
        places
    }

    #[track_caller]
    fn are(&self, state: &str, places: &[&str]) -> &Self {
        assert_eq!(self.in_state(state), places, "{state}: {:#?}", self.done);
        self
    }

    #[track_caller]
    fn ends_with(&self, status: i32) -> &Self {
        assert_eq!(self.done.status, status, "{:#?}", self.done);
        self
    }

    /// What got in at a door and must not, in order.
    fn got_in(&self, place: &str) -> Vec<String> {
        let of = |door: &&Value| format!("{} {}", door["protocol"].as_str().unwrap(), door["port"]) == place;
        let door = self.doors.iter().find(of).unwrap();
        let attempts = door["attempts"].as_array().unwrap().iter();
        let wrong = attempts.filter(|tried| tried["must"] == "fail" && tried["right"] == false);
        let mut kinds: Vec<String> =
            wrong.map(|tried| tried["attempt"].as_str().unwrap().to_owned()).collect();
        kinds.dedup();
        kinds
    }
}

#[track_caller]
fn no_account_is_left() {
    assert_eq!(left(), "", "an account of the probe is left");
}

fn left() -> String {
    must("postern account list --json | grep -E 'postern-probe|frank' || true")
}

fn a_good_server_has_no_open_door(rig: &mut Rig) {
    let frank = rig.probed_user();
    for probed in [probed(), probed_as(&frank.name)] {
        probed.ends_with(0).are("sound", &ALL);
    }
    // Whom the servers know gets all the way in, and nothing is left to say.
    let done = probe(&["--user", &frank.name], &format!("{PRIMARY}\n"));
    assert!(done.stdout.ends_with("\n8 doors: 8 sound.\n") && done.stderr.is_empty(), "{done:#?}");
    // Without one, what holds of several doors is said once, and no more is claimed than was tried.
    let done = probe(&[], "");
    let bounds = " for accounts of Postern; users of the system were not tried (--user NAME).\n";
    assert!(done.stdout.ends_with(&format!("\n8 doors: 8 sound{bounds}")), "{done:#?}");
    assert!(done.stdout.lines().all(|line| line.chars().count() < 100), "{done:#?}");
    assert_eq!(done.stderr.lines().count(), 2, "{done:#?}");
    assert!(done.stderr.contains(", and "), "{done:#?}");
    assert!(must("postern log verify").starts_with("All "));
}

fn a_second_passdb_that_takes_the_primary_is_named(rig: &mut Rig) {
    let frank = rig.probed_user();
    let second = r"printf 'passdb {\n driver = pam\n args = other\n}\n' >/etc/dovecot/conf.d/99-second.conf";
    rig.with_dovecot(&format!("{second}; sed -i '/return-fail/d' {EXAMPLE}"), |_| {
        let probed = probed_as(&frank.name);
        probed.ends_with(1).are("open", &ALL[..6]).are("sound", &ALL[6..]);
        assert_eq!(probed.got_in("imap 143"), ["primary-alone"]);
        assert!(probed.done.stderr.contains("result_failure = return-fail"), "{:#?}", probed.done);
    });
    // Behind a denial that is final it is never asked.
    rig.with_dovecot(second, |_| {
        probed_as(&frank.name).ends_with(0);
    });
}

fn a_protocol_that_asks_pam_without_postern_is_named(rig: &mut Rig) {
    let frank = rig.probed_user();
    let without_look =
        format!("sed -i '/^  args = username_format/,/^passdb/d; s/passwd-file/pam/' {EXAMPLE}");
    with_spoiled(&["/etc/pam.d/postern-pop3"], || {
        must("printf '@include common-auth\\n@include common-account\\n' >/etc/pam.d/postern-pop3");
        rig.with_dovecot(&without_look, |_| {
            let (theirs, ours) = (["pop3 110", "pop3 995"], [&ALL[..2], &ALL[4..]].concat());
            probed().ends_with(1).are("unguarded", &theirs).are("sound", &ours);
            probed_as(&frank.name).ends_with(1).are("open", &theirs).are("sound", &ours);
        });
    });
}

fn a_submission_that_asks_sasldb_is_named(rig: &mut Rig) {
    let frank = rig.probed_user();
    with_spoiled(&["/etc/postfix/sasl/smtpd.conf"], || {
        must(&format!(
            "printf 'mech_list: PLAIN LOGIN\\npwcheck_method: auxprop\\nauxprop_plugin: sasldb\\n' >/etc/postfix/sasl/smtpd.conf
            echo '{PRIMARY}' | saslpasswd2 -p -c -f /var/spool/postfix/etc/sasldb2 -u $(postconf -h myhostname) {}
            chown postfix /var/spool/postfix/etc/sasldb2
            postfix reload 2>/dev/null",
            frank.name
        ));
        let others: Vec<&str> = ALL.into_iter().filter(|place| *place != "submission 588").collect();
        probed().ends_with(1).are("unguarded", &["submission 588"]).are("sound", &others);
        probed_as(&frank.name).ends_with(1).are("open", &["submission 588"]).are("sound", &others);
    });
    must("rm /var/spool/postfix/etc/sasldb2; postfix reload 2>/dev/null");
    probed().ends_with(0);
}

fn a_cache_in_front_of_postern_is_named(rig: &mut Rig) {
    let cached = |key: &str| {
        format!(
            "sed -i 's/args = postern-/args = cache_key={key} postern-/' {EXAMPLE}
            printf 'auth_cache_size = 1M\\n' >/etc/dovecot/conf.d/99-cache.conf"
        )
    };
    rig.with_dovecot(&cached("%u%s"), |_| {
        let probed = probed();
        probed.ends_with(1).are("open", &ALL[..6]).are("sound", &ALL[6..]);
        for place in &ALL[..6] {
            assert!(probed.got_in(place).contains(&"revoked".to_owned()), "{place}");
        }
    });
    // Under a key without the service it also crosses protocols.
    let frank = rig.probed_user();
    rig.with_dovecot(&cached("%u"), |_| {
        let probed = probed_as(&frank.name);
        probed.ends_with(1);
        assert!(probed.got_in("imap 143").contains(&"wrong-scope".to_owned()));
    });
}

fn a_sieve_with_a_passdb_of_its_own_is_named(rig: &mut Rig) {
    let frank = rig.probed_user();
    let own = r"printf 'protocol sieve {\n passdb {\n driver = pam\n args = other\n }\n}\n' >/etc/dovecot/conf.d/99-own.conf";
    rig.with_dovecot(own, |_| {
        let probed = probed_as(&frank.name);
        probed.ends_with(1).are("open", &["sieve 4190"]);
    });
}

/// Starts a probe and waits until its account is there.
fn begun() -> std::process::Child {
    let mut command = Command::new("postern");
    command.arg("probe").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let mut looks = 0;
    while left().is_empty() && looks < 500 {
        thread::sleep(Duration::from_millis(10));
        looks += 1;
    }
    child
}

fn a_probe_that_is_stopped_leaves_nothing(_: &mut Rig) {
    for (signal, wait) in [("TERM", 0), ("INT", 1), ("HUP", 3)] {
        let mut probe = begun();
        thread::sleep(Duration::from_secs(wait));
        run("kill", &[&format!("-{signal}"), &probe.id().to_string()], "");
        assert_eq!(probe.wait().unwrap().code(), Some(5), "{signal}");
        no_account_is_left();
    }
}

fn a_probe_that_is_killed_is_cleared_away_by_the_next(_: &mut Rig) {
    let mut first = begun();
    // Another one waits its turn, and takes nothing away.
    let second = probe(&[], "");
    assert_eq!((second.status, left().is_empty()), (5, false), "{second:#?}");
    first.kill().unwrap();
    first.wait().unwrap();
    assert_ne!(left(), "");
    let probed = probed();
    probed.ends_with(0);
    assert!(probed.done.stderr.contains("which a probe has left that was killed"), "{:#?}", probed.done);
}

fn a_missing_client_closes_no_door(_: &mut Rig) {
    with_spoiled(&["/usr/bin/openssl"], || {
        must("rm /usr/bin/openssl");
        let probed = probed();
        probed.ends_with(5).are("not-probed", &["sieve 4190"]);
        assert!(probed.done.stderr.contains("apt install openssl"), "{:#?}", probed.done);
    });
}

/// Neither Dovecot's memory of addresses nor ours holds anything against anybody afterwards.
fn a_probe_slows_nobody_down(rig: &mut Rig) {
    let alice = rig.virtual_person();
    let phone = alice.app_password("phone");
    let penalty = "printf 'service anvil {\\n unix_listener anvil-auth-penalty {\\n mode = 0600\\n }\\n}\\n' \
                   >/etc/dovecot/conf.d/99-zpenalty.conf";
    rig.with_dovecot(penalty, |_| {
        probed().ends_with(0);
        let config = format!(
            "url = \"imaps://localhost/\"\ninsecure\nuser = \"{}:{phone}\"\nrequest = \"NOOP\"\nmax-time = 1\nsilent\n",
            alice.name
        );
        let done = run("curl", &["--disable", "--config", "-"], &config);
        assert_eq!(done.status, 0, "{done:#?}");
    });
}
