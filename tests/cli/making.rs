//! What is made, kept, changed and refused.

use serde_json::json;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use super::home::{Home, PRIMARY, command, finish};

#[test]
fn init_makes_what_is_missing_and_then_nothing() {
    let home = Home::bare();
    let first = home.run(["init"], "");
    first.is(0);
    assert_eq!(first.out, "");
    for (word, number) in [(": made", 4), (": kept", 1), ("Keep a copy of the key", 1)] {
        assert_eq!(first.err.matches(word).count(), number, "{first:?}");
    }
    for (name, mode) in
        [("etc/key", 0o600), ("var", 0o700), ("var/store.db", 0o600), ("etc/pam.d/primary", 0o644)]
    {
        assert_eq!(home.mode(name), mode, "{name}");
    }
    let before = home.content();
    let second = home.run(["init"], "");
    second.is(0);
    assert_eq!(second.err.matches(": kept").count(), 5, "{second:?}");
    assert_eq!(home.content(), before);
}

#[test]
fn init_makes_the_shipped_configuration_whatever_the_umask() {
    let home = Home::bare();
    let (binary, config) = (home.binary_for_all(), home.path("new/postern.toml"));
    fs::set_permissions(home.path("."), Permissions::from_mode(0o777)).unwrap();
    // What else the shipped configuration names is root's, and a user gets no further.
    let shell = command(Path::new("/bin/sh"))
        .args(["-c", r#"umask 077; exec "$0" --config "$1" init"#])
        .args([&binary, &config])
        .as_user_without_rights()
        .spawn();
    finish(shell.unwrap(), "").is(6);
    assert_eq!(fs::read_to_string(&config).unwrap(), postern::config::SHIPPED);
    assert_eq!((home.mode("new"), home.mode("new/postern.toml")), (0o755, 0o644));
}

#[test]
fn init_goes_on_where_another_was_interrupted() {
    let home = Home::with_alice();
    fs::remove_file(home.path("etc/key")).unwrap();
    fs::write(home.path("var/store.db"), "").unwrap();
    home.run(["init"], "").is(0);
    home.run(["account", "list"], "").is(0);
}

#[test]
fn init_makes_nothing_where_a_store_would_lie_open() {
    let home = Home::bare();
    fs::create_dir(home.path("var")).unwrap();
    fs::set_permissions(home.path("var"), Permissions::from_mode(0o755)).unwrap();
    let done = home.run(["init"], "");
    done.is(5);
    assert!(done.err.contains("its mode must be 0700"), "{done:?}");
    assert!(!home.path("var/store.db").exists() && !home.path("etc/key").exists());
    fs::set_permissions(home.path("var"), Permissions::from_mode(0o700)).unwrap();
    home.run(["init"], "").is(0);
}

#[test]
fn init_never_makes_a_key_for_a_store_that_has_one() {
    let home = Home::with_alice();
    fs::rename(home.path("etc/key"), home.path("away")).unwrap();
    let done = home.run(["init"], "");
    done.is(5);
    assert!(done.err.contains("its key") && done.err.contains("restore the key"), "{done:?}");
    assert!(!home.path("etc/key").exists());
    fs::rename(home.path("away"), home.path("etc/key")).unwrap();
    home.run(["init"], "").is(0);
    home.run(["account", "list"], "").is(0);
}

#[test]
fn init_warns_of_a_key_without_its_store() {
    let home = Home::with_alice();
    fs::remove_file(home.path("var/store.db")).unwrap();
    let done = home.run(["init"], "");
    done.is(0);
    assert!(done.err.contains("Warning") && done.err.contains("backup"), "{done:?}");
    assert_eq!(home.run(["account", "list", "--json"], "").json(), serde_json::json!([]));
}

#[test]
fn a_name_that_the_system_does_not_know_is_added_on_request_alone() {
    let home = Home::ready();
    let user = String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap();
    let user = user.trim().to_owned();
    home.run(["account", "add", user.as_str(), "--primary", "pam"], "").is(0);
    let slip = home.run(["account", "add", "a slip", "--primary", "pam"], "");
    slip.refused(3, "no user a slip; nothing was added");
    assert!(slip.err.contains("add --primary pam --allow-unknown-user 'a slip'`"), "{slip:?}");
    home.run(["account", "show", "a slip"], "").is(3);
    let added = home.run(["account", "add", "a slip", "--primary", "pam", "--allow-unknown-user"], "");
    added.is(0);
    assert!(added.err.contains("Warning: this system has no user a slip"), "{added:?}");
    home.run(["account", "add", "bob", "--primary", "store", "--allow-unknown-user"], PRIMARY)
        .refused(2, "--primary store");
}

#[test]
fn every_exit_code_has_its_case() {
    let home = Home::with_alice();
    home.run(["account", "list"], "").is(0);
    home.run(["try", "alice", "--service", "imap"], "wrong one").is(1);
    home.run(["account", "list", "extra"], "").is(2);
    home.run(["app", "list", "bob"], "").refused(3, "bob");
    home.run(["app", "revoke", "alice", "phone"], "").refused(3, "phone");
    home.run(["totp", "remove", "alice", "totp"], "").refused(3, "totp");
    home.run(["account", "disable", "bob"], "").refused(3, "bob");
    home.run(["account", "passwd", "bob"], PRIMARY).refused(3, "bob");
    home.run(["account", "add", "alice", "--primary", "pam"], "").refused(4, "alice");
    home.app_password("phone");
    home.run(["app", "add", "alice", "--label", "phone"], "").refused(4, "phone");
    fs::remove_file(home.path("etc/key")).unwrap();
    home.run(["account", "list"], "").refused(5, "key");
    home.run(["try", "alice", "--service", "imap"], PRIMARY).refused(5, "key");
    fs::write(home.path("postern.toml"), "store = 1\n").unwrap();
    home.run(["config", "check"], "").refused(5, "postern.toml:1: ");
    fs::remove_file(home.path("postern.toml")).unwrap();
    home.run(["account", "list"], "").refused(5, "missing");
}

#[test]
fn who_may_not_read_the_files_is_told_that_it_needs_root() {
    let home = Home::with_alice();
    let ours = home.binary_for_all();
    let run = |arguments: &[&str]| {
        let mut child = command(&ours);
        child.arg("--config").arg(home.path("postern.toml")).args(arguments);
        finish(child.as_user_without_rights().spawn().unwrap(), PRIMARY)
    };
    fs::set_permissions(home.path("etc/key"), Permissions::from_mode(0o200)).unwrap();
    for arguments in [
        &["account", "list"] as &[&str],
        &["app", "rename", "alice", "phone", "tablet"],
        &["try", "alice", "--service", "imap"],
    ] {
        let done = run(arguments);
        done.refused(6, "Permission denied");
        assert!(done.err.contains("sudo"), "{done:?}");
    }
    // What users may do, they do for themselves alone, and through posternd.
    let done = run(&["app", "add", "alice", "--label", "phone"]);
    done.refused(6, "not your account");
    assert!(done.err.contains("sudo"), "{done:?}");
    run(&["app", "revoke", "--all"]).refused(6, "selection");
    home.configure(&format!("[daemon]\nmanage = [{:?}]", home.path("nobody/listens")));
    for arguments in [
        &["app", "add", "--label", "phone"] as &[&str],
        &["app", "list"],
        &["app", "revoke", "phone"],
        &["totp", "enroll"],
        &["recovery", "new"],
        &["recovery", "show"],
    ] {
        let done = run(arguments);
        done.refused(5, "posternd");
        assert!(done.err.contains("administrator"), "{done:?}");
    }
}

#[test]
fn of_ten_that_add_one_label_at_once_one_succeeds() {
    let home = Home::with_alice();
    let children: Vec<_> =
        (0..10).map(|_| home.command(["app", "add", "alice", "--label", "phone"]).spawn().unwrap()).collect();
    let mut ends: Vec<_> = children.into_iter().map(|child| finish(child, "")).collect();
    ends.sort_by_key(|done| done.code);
    ends[0].is(0);
    for done in &ends[1..] {
        done.refused(4, "phone");
    }
    assert_eq!(home.run(["app", "list", "alice", "--json"], "").json().as_array().unwrap().len(), 1);
}

#[test]
fn a_primary_password_that_looks_generated_or_short_is_refused() {
    let home = Home::with_alice();
    let before = home.content();
    for (secret, word) in [
        ("x7qm-2x9d-r4fw-8hzn-pt3c", "app password"),
        ("short", "fewer than 8"),
        (&"y".repeat(600), "more than"),
        ("tab\tinside", "control character"),
    ] {
        home.run(["account", "passwd", "alice"], secret).refused(2, word);
        home.run(["account", "add", "bob", "--primary", "store"], secret).refused(2, word);
    }
    home.run(["account", "passwd", "alice"], "").refused(2, "no secret");
    assert_eq!(home.content(), before);
}

#[test]
fn a_primary_password_is_changed_by_line_or_descriptor() {
    let home = Home::with_alice();
    let why = |secret: &str| home.run(["try", "alice", "--service", "imap"], secret).out;
    assert_eq!(why(PRIMARY), "denied path=primary why=no-second-factor\n");
    fs::write(home.path("secret"), "another good one\nsecond line\n").unwrap();
    let script = r#"exec "$0" --config "$1" account passwd alice --secret-fd 7 7<"$2""#;
    let shell = command(Path::new("sh"))
        .args(["-c", script, env!("CARGO_BIN_EXE_postern")])
        .args([home.path("postern.toml"), home.path("secret")])
        .spawn();
    finish(shell.unwrap(), "this line is not read").is(0);
    assert_eq!(why(PRIMARY), "denied path=primary why=wrong-primary\n");
    assert_eq!(why("another good one"), "denied path=primary why=no-second-factor\n");
    home.run(["account", "passwd", "alice", "--secret-fd", "77"], "").refused(2, "descriptor 77");
    home.run(["account", "add", "bob", "--primary", "pam", "--allow-unknown-user"], "").is(0);
    home.run(["account", "passwd", "bob"], PRIMARY).refused(1, "PAM");
}

#[test]
fn who_checks_a_primary_password_changes_and_what_the_account_has_stays() {
    let home = Home::with_alice();
    let phone = home.app_password("phone");
    let why = |secret: &str| home.run(["try", "alice", "--service", "imap"], secret).out;
    let checked = || home.run(["account", "show", "alice", "--json"], "").json()["primary"].clone();
    let moved = home.run(["account", "passwd", "alice", "--primary", "pam"], "");
    moved.is(0);
    assert!(moved.err.contains("Warning: this system has no user alice"), "{moved:?}");
    assert_eq!(checked(), "pam");
    assert!(!why(PRIMARY).contains("no-second-factor"), "the old hash is gone");
    let back = || home.run(["account", "passwd", "alice", "--primary", "store"], "another good one");
    back().refused(1, "the system has closed");
    home.run(["account", "disable", "alice"], "").is(0);
    back().is(0);
    home.run(["account", "enable", "alice"], "").is(0);
    assert_eq!(checked(), "store");
    assert_eq!(why("another good one"), "denied path=primary why=no-second-factor\n");
    assert!(why(&phone).starts_with("granted path=app-password"), "{}", why(&phone));
    let told = home.run(["log", "--event", "account.passwd", "--json"], "").out;
    assert!(told.contains("primary=pam") && told.contains("primary=store"), "{told}");
}

#[test]
fn an_app_password_that_nobody_saw_is_not_good() {
    let home = Home::with_alice();
    let mut child = home.command(["app", "add", "alice", "--label", "phone"]);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let done = finish(child.stdout(full).spawn().unwrap(), "");
    done.refused(5, "could not be shown");
    let listed = home.run(["app", "list", "alice", "--json"], "").json();
    assert_eq!(listed[0]["state"], "revoked");
    home.app_password("phone");
}

#[test]
fn where_nobody_reads_no_app_password_is_made() {
    let home = Home::with_alice();
    for nowhere in [">&-", ">/dev/null"] {
        let script = format!(r#"exec "$0" --config "$1" app add alice --label phone {nowhere}"#);
        let shell = command(Path::new("sh"))
            .args(["-c", &script, env!("CARGO_BIN_EXE_postern")])
            .arg(home.path("postern.toml"))
            .spawn();
        finish(shell.unwrap(), "").refused(5, "could not be shown");
    }
    assert_eq!(home.run(["app", "list", "alice", "--json"], "").out, "[]\n");
}

#[test]
fn config_check_looks_at_the_files_too() {
    let home = Home::with_alice();
    let done = home.run(["config", "check"], "");
    done.is(0);
    assert!(done.out.contains("postern.toml can be read") && done.out.contains("1 account."), "{done:?}");
    assert_eq!(done.err, "");
    assert_eq!(home.run(["config", "check", "--json"], "").json()["accounts"], 1);
    fs::remove_file(home.path("etc/pam.d/primary")).unwrap();
    home.run(["config", "check"], "").is(0);
    home.run(["account", "add", "bob", "--primary", "pam", "--allow-unknown-user"], "").is(0);
    let done = home.run(["config", "check", "--json"], "");
    done.refused(5, "primary");
    let other = Home::ready();
    fs::copy(other.path("etc/key"), home.path("etc/key")).unwrap();
    home.run(["config", "check", "--json"], "").refused(5, "another key");
}

#[test]
fn config_check_contradicts_itself_nowhere() {
    let home = Home::with_alice();
    home.configure(
        "[policy]\nprimary_alone_from = [\"192.0.2.0/24\"]\n[services]\nwebmail = [\"primary\", \"primary+code\"]",
    );
    let done = home.run(["config", "check"], "");
    done.is(0);
    for sentence in [
        "everybody needs one for the primary password, but for logins on webmail, from 192.0.2.0/24.",
        "On webmail: the primary password, with or without a code.",
    ] {
        assert!(done.out.contains(sentence), "{sentence}: {done:?}");
    }
    fs::remove_file(home.path("etc/pam.d/primary")).unwrap();
    let missing = home.run(["config", "check"], "");
    assert!(missing.out.contains("etc/pam.d/primary, which is not there."), "{missing:?}");
}

#[test]
fn config_check_judges_what_posternd_is_told() {
    let home = Home::with_alice();
    let told = "[daemon]\nverify = [\"/run/a\"]\n[[daemon.permit]]\nuser = 4242\nservices = [\"smtp\"]\n";
    home.configure(told);
    let sound = home.run(["config", "check"], "");
    sound.is(0);
    for sentence in [
        "posternd listens: for modules and plug-ins on /run/a.",
        "posternd answers uid 4242: about smtp; the client address that it reports is ignored.",
        "posternd answers: nobody else but root about other people's logins.",
    ] {
        assert!(sound.out.contains(sentence), "{sentence}: {sound:?}");
    }
    let json = home.run(["config", "check", "--json"], "").json();
    assert_eq!((&json["daemon"]["permits"][0]["user"], &json["faults"]), (&json!("4242"), &json!([])));
    let long = "l".repeat(101);
    for (more, word) in [
        ("[[daemon.permit]]\nuser = \"no-such-user\"", "no user no-such-user"),
        ("[[daemon.permit]]\nuser = 4242", "4242 is there twice"),
        ("[[daemon.permit]]\nuser = 7\nservices = []", "may ask about no service"),
    ] {
        let home = Home::with_alice();
        home.configure(&format!("{told}{more}"));
        judged(&home, word);
    }
    for (tables, word) in [
        ("[daemon]\nverify = [\"/run/a\"]\nmanage = [\"/run/a\"]", "/run/a is there twice"),
        (&format!("[daemon]\nverify = [\"/run/{long}/s\"]"), "longer than"),
        ("[daemon]\nmanage = [\"/run/m\"]\n[services]\nmanage = [\"app-password\"]", "can prove who he is"),
    ] {
        let home = Home::with_alice();
        home.configure(tables);
        judged(&home, word);
    }
}

#[test]
fn config_check_judges_the_directory_of_pam() {
    let home = Home::with_alice();
    let primary = home.path("etc/pam.d/primary");
    fs::remove_file(home.path("etc/pam.d/other")).unwrap();
    judged(&home, "other is missing");
    home.run(["init"], "").is(0);
    fs::set_permissions(&primary, Permissions::from_mode(0o666)).unwrap();
    judged(&home, "primary");
    fs::set_permissions(&primary, Permissions::from_mode(0o644)).unwrap();
    fs::write(&primary, "auth required pam_postern.so\n").unwrap();
    judged(&home, "asks pam_postern");
}

/// No, with the reason on stderr and in JSON.
#[track_caller]
fn judged(home: &Home, word: &str) {
    let done = home.run(["config", "check"], "");
    done.is(1);
    assert!(done.err.contains(word) && done.err.contains("  hint: "), "{word}: {done:?}");
    let json = home.run(["config", "check", "--json"], "");
    json.is(1);
    assert!(json.out.contains(word), "{json:?}");
}

trait WithoutRights {
    fn as_user_without_rights(&mut self) -> &mut Self;
}

impl WithoutRights for std::process::Command {
    /// Root's rights reach everywhere, so root becomes somebody else; others stay who they are.
    fn as_user_without_rights(&mut self) -> &mut Self {
        if fs::metadata("/proc/self").unwrap().uid() == 0 {
            self.uid(65534).gid(65534);
        }
        self
    }
}

#[test]
fn a_scope_beyond_mail_is_made_with_a_note_if_anything_asks_about_it() {
    let home = Home::with_alice();
    let add =
        |label: &str, scope: &str| home.run(["app", "add", "alice", "--label", label, "--scope", scope], "");
    let mail = add("one", "imap,submission");
    mail.is(0);
    assert!(!mail.err.contains("Note:"), "{mail:?}");
    for (slip, said) in [
        ("imapp", "is imap meant?"),
        ("imaps", "is imap meant?"),
        ("mail", "service mail"),
        ("all", "service all"),
    ] {
        add("two", slip).refused(2, said);
    }
    add("two", "xyzzy").refused(2, "service xyzzy");
    home.configure("[services]\nxyzzy = [\"app-password\"]");
    let named = add("two", "xyzzy");
    named.is(0);
    assert!(named.err.contains("Note: xyzzy is none of mail's services"), "{named:?}");
    // A PAM service of the machine is known by its file.
    add("three", "other").is(0);
}

#[test]
fn an_app_password_gets_its_networks_and_its_end() {
    let home = Home::with_alice();
    let add = |more: &[&str]| home.run([&["app", "add", "alice", "--label", "one"], more].concat(), "");
    for (more, word) in [
        (["--expires", "yesterday"], "an expiry"),
        (["--expires", "0d"], "an expiry"),
        (["--expires", "2020-01-01"], "an expiry"),
        (["--network", "office"], "networks are"),
        (["--network", "192.0.2.0/33"], "networks are"),
        (["--network", ""], "networks are"),
    ] {
        let done = add(&more);
        done.is(2);
        assert!(done.err.contains(word) && done.out.is_empty(), "{done:?}");
    }
    let done = add(&["--network", "192.0.2.0/24,2001:db8::1", "--expires", "90d"]);
    done.is(0);
    assert!(done.err.contains("from 192.0.2.0/24,2001:db8::1/128 until 2"), "{done:?}");
    let listed = home.run(["app", "list", "alice", "--json"], "").json();
    assert_eq!(listed[0]["networks"], serde_json::json!(["192.0.2.0/24", "2001:db8::1/128"]));
    assert_eq!(listed[0]["state"], "live");
    assert!(listed[0]["expires_at"].as_str().is_some_and(|end| end.ends_with('Z')), "{listed}");
    let shown = home.run(["app", "list", "alice"], "");
    assert!(shown.out.contains("until 2") && shown.out.contains("from 192.0.2.0/24"), "{shown:?}");
}

#[test]
fn an_end_is_shown_as_the_last_day_that_was_asked_for() {
    let home = Home::with_alice();
    let done = home.run(["app", "add", "alice", "--label", "one", "--expires", "2999-12-31"], "");
    assert!(done.err.contains("until 2999-12-31 23:59."), "{done:?}");
    for shown in [["app", "list", "alice"].as_slice(), &["app", "show", "alice", "one"], &["export"]] {
        let out = home.run(shown, "").out;
        assert!(out.contains("2999-12-31") && !out.contains("3000"), "{out}");
    }
    let json = home.run(["app", "list", "alice", "--json"], "").json();
    assert_eq!(json[0]["expires_at"], "3000-01-01T00:00:00Z");
    home.database("UPDATE app_password SET expires_at = unixepoch('2020-03-01')");
    let list = home.run(["app", "list", "alice"], "").out;
    assert!(list.contains("expired 2020-02-29"), "{list}");
}

#[test]
fn an_app_password_is_renamed_and_stays_what_it_is() {
    let home = Home::with_alice();
    let phone = home.app_password("phone");
    home.app_password("laptop");
    let rename = |from: &str, to: &str| home.run(["app", "rename", "alice", from, to], "");
    rename("phone", "laptop").refused(4, "laptop");
    rename("tablet", "desk").refused(3, "tablet");
    rename("phone", "old phone").is(0);
    let tried = home.run(["try", "alice", "--service", "imap"], &phone);
    assert_eq!(tried.out, "granted path=app-password label=\"old phone\"\n");
    home.run(["app", "revoke", "alice", "old phone"], "").is(0);
    rename("old phone", "phone").refused(3, "old phone");
}

#[test]
fn config_check_says_in_sentences_what_a_site_asks_for() {
    let home = Home::with_alice();
    let by_default = home.run(["config", "check"], "");
    for sentence in [
        "Second factor: everybody needs one for the primary password.",
        "Trusted networks: none; no network spares anybody the code.",
        "On every service: app passwords; the primary password with a code.",
    ] {
        assert!(by_default.out.contains(sentence), "{sentence}: {by_default:?}");
    }
    home.configure(
        "[policy]\nsecond_factor = \"when-enrolled\"\nprimary_alone_from = [\"192.0.2.0/24\"]\nmax_app_passwords = 5\n\
         longest_lifetime_days = 30\n[services]\npop3 = []\nsubmission = [\"app-password\"]\n",
    );
    let done = home.run(["config", "check"], "");
    for sentence in [
        "unknown ones included, log in with the primary password alone.",
        "Trusted networks: from 192.0.2.0/24 the primary password alone is enough.",
        "at most 5 live ones for each account, for 30 days at most; a revocation may be taken back for 24 hours.",
        "On pop3: nothing is accepted: it is closed.",
        "On smtp: app passwords.",
    ] {
        assert!(done.out.contains(sentence), "{sentence}: {done:?}");
    }
    let json = home.run(["config", "check", "--json"], "").json();
    assert_eq!(json["services"]["pop3"], json!([]));
    assert_eq!(json["services"]["default"], json!(["app-password", "primary+code"]));
    assert_eq!(json["primary_alone_from"], json!(["192.0.2.0/24"]));
}
