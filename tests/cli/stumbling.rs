//! What newcomers stumble over: each answer sends them on, and none of them back.

use super::home::{Home, PRIMARY};

#[test]
fn a_configuration_that_was_named_is_not_made_by_a_bare_init() {
    let home = Home::ready();
    let missing = home.path("nope").display().to_string();
    let mut command = super::home::command(std::path::Path::new(env!("CARGO_BIN_EXE_postern")));
    let child = command.args(["--config", &missing, "account", "list"]).spawn().unwrap();
    let done = super::home::finish(child, "");
    done.refused(5, "nope is missing");
    assert!(done.err.contains("--config") && !done.err.contains("`postern init`"), "{done:?}");
}

#[test]
fn the_store_is_no_copy_of_itself() {
    let home = Home::with_alice();
    let before = home.content();
    let done = home.run(["restore", &home.path("var/store.db").display().to_string()], "");
    done.refused(1, "the store itself");
    assert_eq!(home.content(), before);
}

#[test]
fn a_restore_that_stops_says_what_it_would_do_and_all_of_it() {
    let home = Home::with_alice();
    home.app_password("phone");
    let copy = home.path("copy.db").display().to_string();
    home.run(["backup", &copy], "").is(0);
    home.run(["app", "revoke", "alice", "phone"], "").is(0);
    home.app_password("tablet");
    let stopped = home.run(["restore", &copy], "");
    stopped.is(1);
    assert!(stopped.err.contains("would be undone: ") && stopped.err.contains("2 changes"), "{stopped:?}");
    assert!(stopped.err.contains("would be undone: 1 change that closed nothing"), "{stopped:?}");
    let forced = home.run(["restore", &copy, "--force-older"], "");
    assert!(forced.err.starts_with("undone: "), "{forced:?}");
}

#[test]
fn a_revocation_has_a_number_and_somebody_who_made_it() {
    let home = Home::with_alice();
    home.app_password("phone");
    home.run(["app", "revoke", "alice", "phone"], "").is(0);
    home.run(["app", "restore", "phone"], "").refused(2, "not the number of a revocation");
    let list = home.run(["app", "restore", "--list"], "");
    let by = std::process::Command::new("id").arg("-un").output().unwrap();
    let by = String::from_utf8(by.stdout).unwrap();
    assert!(list.out.contains(&format!(" {} ", by.trim_end())), "{list:?}");
}

#[test]
fn a_host_name_is_no_address_to_try_from() {
    let home = Home::with_alice();
    home.run(["try", "alice", "--service", "imap", "--rhost", "foo"], PRIMARY).refused(2, "not an address");
}

#[test]
fn an_account_that_is_nearly_right_is_named() {
    let home = Home::with_alice();
    for typed in ["alic", "laice", "alicee"] {
        let done = home.run(["app", "list", typed], "");
        done.refused(3, typed);
        assert!(done.err.contains("did you mean alice?"), "{done:?}");
    }
    let done = home.run(["app", "list", "bob"], "");
    assert!(!done.err.contains("did you mean"), "{done:?}");
}

#[test]
fn recovery_codes_alone_are_said_to_run_out() {
    let home = Home::with_alice();
    let alone = home.run(["recovery", "new", "alice"], "");
    assert!(
        alone.err.contains("no authenticator") && alone.err.contains("postern totp enroll alice"),
        "{alone:?}"
    );
    home.enroll();
    let beside = home.run(["recovery", "new", "alice"], "");
    assert!(!beside.err.contains("no authenticator"), "{beside:?}");
}

#[test]
fn json_has_no_table_beside_it() {
    let home = Home::with_alice();
    let phone = home.app_password("phone");
    let words = home.run(["try", "alice", "--service", "imap"], &phone);
    let json = home.run(["try", "alice", "--service", "imap", "--json"], &phone);
    assert!(words.err.contains("scope") && !json.err.contains("scope"), "{words:?} {json:?}");
}

#[test]
fn a_revoked_one_with_a_live_namesake_is_not_made_once_more() {
    let home = Home::with_alice();
    let old = home.app_password("phone");
    home.run(["app", "revoke", "alice", "phone"], "").is(0);
    let denied = || home.run(["try", "alice", "--service", "imap"], &old);
    assert!(denied().err.contains("`postern app add --label=phone alice`"), "{:?}", denied());
    home.app_password("phone");
    assert!(denied().err.contains("has a live one of that label"), "{:?}", denied());
    assert!(denied().err.contains("`postern app add --label='phone 2' alice`"), "{:?}", denied());
    home.run(["app", "add", "alice", "--label", "phone 2"], "").is(0);
    assert!(denied().err.contains("--label='phone 3'"), "{:?}", denied());
}

#[test]
fn the_first_secret_of_an_account_is_not_called_a_second_factor() {
    let home = Home::with_alice();
    home.app_password("phone");
    let shown = home.run(["account", "show", "alice"], "");
    assert!(shown.out.contains("first secret    2"), "{shown:?}");
}
