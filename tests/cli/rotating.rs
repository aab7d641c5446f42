//! `postern app rotate`: what it shows, and what it says about the old one.

use super::home::{Home, command, finish};

#[test]
fn a_successor_is_the_only_line_of_stdout_and_the_old_one_is_told_of() {
    let home = Home::with_alice();
    let old = home.app_password("phone");
    let done = home.run(["app", "rotate", "alice", "phone", "--keep-until", "24h"], "");
    done.is(0);
    let new = done.out.strip_suffix('\n').unwrap();
    assert_eq!((new.len(), new.starts_with('x')), (24, true));
    assert!(!done.err.contains(new), "{done:?}");
    for said in ["\"phone (old)\"", "first used", "app revoke alice 'phone (old)'"] {
        assert!(done.err.contains(said), "{said}: {done:?}");
    }
    let tried = |secret: &str, flag: &[&str]| {
        home.run([&["try", "alice", "--service", "imap"], flag].concat(), secret).out
    };
    assert_eq!(tried(&old, &[]), "granted path=app-password label=\"phone (old)\"\n");
    assert_eq!(tried(new, &["--spend"]), "granted path=app-password label=\"phone\"\n");
    assert_eq!(tried(&old, &[]), "denied path=app-password label=\"phone (old)\" why=revoked\n");
}

#[test]
fn what_cannot_be_rotated_is_refused_with_a_next_step() {
    let home = Home::with_alice();
    home.app_password("phone");
    let rotate = |arguments: &[&str]| home.run([&["app", "rotate", "alice"], arguments].concat(), "");
    rotate(&["tablet"]).refused(3, "tablet");
    for end in ["0d", "yesterday", "2020-01-01", ""] {
        rotate(&["phone", "--keep-until", end]).refused(2, "span");
        rotate(&["phone", "--expires", end]).refused(2, "span");
    }
    rotate(&["phone"]).is(0);
    rotate(&["phone (old)"]).refused(4, "phone");
    home.run(["app", "rotate", "bob", "phone"], "").refused(3, "bob");
}

#[test]
fn a_successor_that_nobody_saw_is_not_good_and_the_old_one_is() {
    let home = Home::with_alice();
    let old = home.app_password("phone");
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let done = finish(home.command(["app", "rotate", "alice", "phone"]).stdout(full).spawn().unwrap(), "");
    done.is(5);
    assert!(done.err.contains("app rotate alice 'phone (old)'"), "{done:?}");
    home.run(["try", "alice", "--service", "imap"], &old).is(0);
    home.run(["app", "rotate", "alice", "phone (old)"], "").is(0);
    let script = r#"exec "$0" --config "$1" app rotate alice phone >&-"#;
    let mut shell = command(std::path::Path::new("sh"));
    shell.args(["-c", script, env!("CARGO_BIN_EXE_postern")]).arg(home.path("postern.toml"));
    let before = home.content();
    finish(shell.spawn().unwrap(), "").refused(5, "could not be shown");
    assert_eq!(home.content(), before);
}
