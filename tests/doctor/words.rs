//! What the doctor says, and to whom.

use std::collections::BTreeSet;

use crate::bad::SITES;
use crate::good::OWN_USER;
use crate::ground::{doctor, ids, on, remedies};
use crate::support::command::{Run, must, run};
use crate::support::namespaces::WORK;
use crate::support::people::PRIMARY;

pub const FACTS: &[(&str, fn())] = &[
    ("words::a_clock_that_nothing_keeps", a_clock_that_nothing_keeps),
    ("words::every_rule_has_a_site_that_breaks_it", every_rule_has_a_site_that_breaks_it),
    ("words::no_secret_of_a_host_is_shown", no_secret_of_a_host_is_shown),
    ("words::the_exit_code_is_by_severity", the_exit_code_is_by_severity),
    ("words::a_user_learns_what_it_needs", a_user_learns_what_it_needs),
    ("words::a_name_can_be_copied_to_a_shell", a_name_can_be_copied_to_a_shell),
    ("words::what_is_to_be_pasted_mends_a_service_file", what_is_to_be_pasted_mends_a_service_file),
    ("words::what_is_to_be_pasted_mends_the_guard", what_is_to_be_pasted_mends_the_guard),
    ("words::before_there_is_anything_init_makes_it", before_there_is_anything_init_makes_it),
    ("words::one_line_sums_up", one_line_sums_up),
    ("words::root_is_sent_to_the_user_who_has_the_store", root_is_sent_to_the_user_who_has_the_store),
    ("words::client_settings_name_who_logs_in", client_settings_name_who_logs_in),
    (
        "words::nothing_that_the_owner_of_the_store_puts_there_is_given_away",
        nothing_that_the_owner_of_the_store_puts_there_is_given_away,
    ),
    (
        "words::a_primary_that_posternd_cannot_check_is_not_called_wrong",
        a_primary_that_posternd_cannot_check_is_not_called_wrong,
    ),
];

fn a_clock_that_nothing_keeps() {
    let preload = format!("LD_PRELOAD={WORK}/clock.so");
    let done = run("env", &[&preload, "RIG_CLOCK_ALONE=1", "postern", "doctor", "--json"], "");
    assert_eq!(ids(&done), ["clock-unsynchronised"]);
}

fn every_rule_has_a_site_that_breaks_it() {
    let rules: serde_json::Value = serde_json::from_str(&doctor(&["--explain", "--json"]).result()).unwrap();
    let rules: BTreeSet<&str> =
        rules.as_array().unwrap().iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    let broken: BTreeSet<&str> = SITES
        .iter()
        .flat_map(|site| site.found())
        .chain(["clock-unsynchronised", "primary-out-of-reach"])
        .collect();
    assert_eq!(rules, broken);
}

fn no_secret_of_a_host_is_shown() {
    let change = "sed -i /return-fail/d /etc/dovecot/conf.d/auth-postern.conf.ext
        printf 'passdb {\\n driver = static\\n args = password=TopSecret\\n}\\n' >/etc/dovecot/conf.d/99-second.conf";
    on(change, || {
        for arguments in [&[][..], &["--json"]] {
            let done = doctor(arguments);
            assert!(done.stdout.contains("dovecot-second-passdb"), "{done:?}");
            assert!(!done.stdout.contains("TopSecret") && !done.stderr.contains("TopSecret"), "{done:?}");
        }
    });
    on("echo 'auth_verbose_passwords = TopSecret' >>/etc/dovecot/conf.d/99-rig.conf", || {
        let done = doctor(&["--json"]);
        assert!(done.stdout.contains("run it to see why"), "{done:?}");
        assert!(!done.stdout.contains("TopSecret") && !done.stderr.contains("TopSecret"), "{done:?}");
    });
}

fn a_name_can_be_copied_to_a_shell() {
    on("echo correct horse battery | postern account add \"o'hara smith\" --primary store", || {
        let done = doctor(&["--json"]);
        let report: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
        let lines = report["findings"][0].to_string();
        assert!(lines.contains(r"postern totp enroll 'o'\\''hara smith'"), "{lines}");
    });
}

fn the_exit_code_is_by_severity() {
    on("echo 'disable_plaintext_auth = no' >>/etc/dovecot/conf.d/99-rig.conf", || {
        assert_eq!(doctor(&[]).status, 1);
        assert_eq!(doctor(&["--fail-on", "error"]).status, 0);
        assert_eq!(doctor(&["--ignore", "dovecot-cleartext"]).status, 0);
        assert_eq!(doctor(&["--ignore", "dovecot-clear"]).status, 2);
    });
    on("sed -i 's/^second_factor = .*/second_factor = \"when-enrolled\"/' /etc/postern/postern.toml", || {
        assert_eq!(doctor(&[]).status, 0);
        assert_eq!(doctor(&["--fail-on", "notice"]).status, 1);
    });
}

fn a_user_learns_what_it_needs() {
    let done =
        run("setpriv", &["--reuid", "65534", "--regid", "65534", "--clear-groups", "postern", "doctor"], "");
    assert!(done.stdout.contains("the store and its key: only root may read it"), "{done:?}");
    let done = run(
        "setpriv",
        &[
            "--reuid",
            "65534",
            "--regid",
            "65534",
            "--clear-groups",
            "postern",
            "doctor",
            "--fail-on",
            "error",
        ],
        "",
    );
    assert_eq!(done.status, 6, "{done:?}");
    assert!(done.stderr.contains("hint: run it with sudo"), "{done:?}");
}

fn what_is_to_be_pasted_mends_a_service_file() {
    let broken = [
        "rm /etc/pam.d/postern-pop3",
        "sed -i 's/\\t/ /g' /etc/pam.d/postern-pop3",
        "echo 'auth required pam_deny.so' >/etc/pam.d/postern-pop3",
    ];
    for change in broken {
        is_mended(change);
        is_mended(&format!("rm -r /usr/lib/pam.d; {change}"));
    }
    // As a remedy once said: put one more before the others.
    is_mended("sed -i '2i auth required pam_postern.so' /etc/pam.d/postern-doveadm");
}

fn before_there_is_anything_init_makes_it() {
    let advised = || remedies(&doctor(&["--json"])).flat_map(|(_, remedy)| remedy.lines).collect::<Vec<_>>();
    on("rm /etc/postern/key /var/lib/postern/store.db*", || {
        assert_eq!(advised(), ["postern init"]);
        must("postern init 2>/dev/null");
        assert_eq!(ids(&doctor(&["--json"])), ["key-not-backed-up"]);
    });
    on("rm /etc/postern/key", || {
        assert_eq!(advised(), ["install -o root -m 600 YOUR-COPY /etc/postern/key"])
    });
}

fn what_is_to_be_pasted_mends_the_guard() {
    let example = "/etc/dovecot/conf.d/auth-postern.conf.ext";
    on(
        &format!("echo '# my own' >>{example}; cp {example} /run/dovecot/; sed -i 's/\\t/ /g' {example}"),
        || {
            let lines = pasted(&doctor(&["--json"]));
            must(&format!("{}; cmp {example} /run/dovecot/auth-postern.conf.ext", lines[0]));
        },
    );
    let other = format!(
        "cp -r $CHECKOUT/packaging/examples /usr/share/doc/postern/; sed -i s/username_format=[^\\ ]*// {example}"
    );
    on(&other, || {
        let lines = pasted(&doctor(&["--json"]));
        assert!(lines[0].starts_with("install -m 644 "), "{lines:?}");
        must(&lines[0]);
        assert_eq!(ids(&doctor(&["--json"])), [""; 0]);
    });
}

fn pasted(done: &Run) -> Vec<String> {
    assert_eq!(ids(done), ["dovecot-guard-mangled"]);
    remedies(done).flat_map(|(_, remedy)| remedy.lines).collect()
}

/// By what the terminal shows, with everything else that it shows taken away.
#[track_caller]
fn is_mended(change: &str) {
    on(change, || {
        let done = doctor(&["--json"]);
        let [(_, remedy)] = &*remedies(&done).collect::<Vec<_>>() else { panic!("{change}: {done:?}") };
        assert_eq!(remedy.place, "As root");
        let shown = doctor(&[]).stdout;
        for line in &remedy.lines {
            let shown = shown.lines().map(str::trim).find(|shown| shown == line);
            must(shown.unwrap_or_else(|| panic!("{line}: {done:?}")));
        }
        assert_eq!(ids(&doctor(&["--json"])), [""; 0], "{change}");
    });
}

fn one_line_sums_up() {
    let done = doctor(&[]);
    assert_eq!((done.status, done.stdout.as_str()), (0, ""), "{done:?}");
    let last = done.stderr.lines().last().unwrap();
    assert!(last.starts_with("Nothing to mend. Looked at: "), "{done:?}");
    assert!(last.contains("the store, with 2 accounts") && last.contains("Dovecot 2.3"), "{done:?}");
    assert!(!last.contains('\x1b'), "{done:?}");
}

fn as_daemon(arguments: &[&str], stdin: &str) -> Run {
    run("runuser", &[&["-u", "_postern", "--", "postern"], arguments].concat(), stdin)
}

fn root_is_sent_to_the_user_who_has_the_store() {
    on(OWN_USER, || {
        let done = run("postern", &["app", "list", "bob"], "");
        assert!(done.stderr.contains("`runuser -u _postern -- postern app list bob`"), "{done:?}");
        // With the key as a credential, the store is the first thing that is not root's.
        must("chown root: /etc/postern/key");
        let done = run("postern", &["app", "list", "bob"], "");
        assert!(done.stderr.contains("`runuser -u _postern -- postern app list bob`"), "{done:?}");
        must("chown _postern: /etc/postern/key");
        let copy = format!("{WORK}/key-copy");
        must(&format!("chmod 600 {copy}"));
        let done = as_daemon(&["key", "verify", &copy], "");
        assert!(
            done.stderr.contains(&format!("`runuser -u _postern -- postern key verify - <{copy}`")),
            "{done:?}"
        );
        must(&format!("runuser -u _postern -- postern key verify - <{copy}"));
    });
}

fn nothing_that_the_owner_of_the_store_puts_there_is_given_away() {
    on(OWN_USER, || {
        let remedy = || {
            let report: serde_json::Value =
                serde_json::from_str(&as_daemon(&["doctor", "--json"], "").stdout).unwrap();
            assert_eq!(report["findings"][0]["id"], "store-unusable", "{report}");
            report["findings"][0]["remedy"]["lines"].to_string()
        };
        must("chmod 644 /var/lib/postern/store.db");
        let lines = remedy();
        assert!(lines.contains("runuser -u _postern -- chmod 600 /var/lib/postern/store.db"), "{lines}");
        assert!(!lines.replace("chown -h ", "").contains("chown"), "{lines}");
        must(
            "cd /var/lib/postern && mv store.db kept && ln -s /etc/shadow store.db && chown -h _postern: store.db",
        );
        assert_eq!(remedy(), r#"["ls -la /var/lib/postern"]"#);
        must("cd /var/lib/postern && mv -f kept store.db");
    });
}

fn a_primary_that_posternd_cannot_check_is_not_called_wrong() {
    on(OWN_USER, || {
        let done = as_daemon(&["try", "bob", "--service", "imap"], &format!("{PRIMARY}123456"));
        assert_eq!(done.status, 5, "{done:?}");
        assert!(done.stderr.contains("shadow entry cannot be read"), "{done:?}");
        let report: serde_json::Value =
            serde_json::from_str(&as_daemon(&["doctor", "--json"], "").stdout).unwrap();
        let found = &report["findings"][0];
        assert_eq!(found["id"], "primary-out-of-reach", "{report}");
        let remedy = &found["remedy"]["lines"][0];
        assert_eq!(remedy, "runuser -u _postern -- postern account passwd --primary store bob", "{report}");
    });
}

fn client_settings_name_who_logs_in() {
    for (typed, name, said) in [
        ("bob", "bob", ""),
        ("bob@example.org", "bob", "the store has no account bob@example.org, but bob"),
        ("alice1@example.org", "alice1@example.org", ""),
        ("nobody@example.org", "nobody@example.org", "nobody logs in by that name"),
    ] {
        let done = run("postern", &["client-settings", typed, "--host", "mail.example.org", "--json"], "");
        let settings: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
        assert_eq!(settings["username"], name, "{done:?}");
        assert!(done.stderr.contains(said) && said.is_empty() != done.stderr.contains("store"), "{done:?}");
    }
}
