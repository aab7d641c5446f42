//! `postern recovery` and `postern account unlock`.

use serde_json::json;

use super::home::{Home, PRIMARY, code, now};

fn attempt(home: &Home, secret: &str) -> super::home::Done {
    home.run(["try", "alice", "--service", "imap", "--rhost", "192.0.2.1", "--spend"], secret)
}

fn show(home: &Home) -> serde_json::Value {
    home.run(["recovery", "show", "alice", "--json"], "").json()
}

#[test]
fn ten_codes_are_shown_once_and_each_is_good_once() {
    let home = Home::with_alice();
    assert_eq!(show(&home), json!({"account": "alice", "left": 0, "spent": 0, "created_at": null}));
    let made = home.run(["recovery", "new", "alice"], "");
    made.is(0);
    let codes: Vec<&str> = made.out.lines().collect();
    assert_eq!(codes.len(), 10);
    assert!(codes.iter().all(|code| code.starts_with('r') && code.len() == 19), "{codes:?}");
    let secret = format!("{PRIMARY} {}", codes[0]);
    attempt(&home, &secret).is(0);
    let again = attempt(&home, &secret);
    again.is(1);
    assert!(again.out.contains("why=code-spent"), "{again:?}");
    let shown = show(&home);
    assert_eq!((&shown["left"], &shown["spent"]), (&json!(9), &json!(1)));
    let words = home.run(["recovery", "show", "alice"], "");
    assert!(words.out.starts_with("alice has 9 of 10 recovery codes left, made "), "{words:?}");
    home.run(["recovery", "new", "alice"], "").is(0);
    let retired = attempt(&home, &format!("{PRIMARY} {}", codes[1]));
    assert!(retired.out.contains("why=recovery-code-retired"), "{retired:?}");
}

#[test]
fn a_sheet_is_a_page_with_all_that_is_needed() {
    let home = Home::with_alice();
    let done = home.run(["recovery", "new", "alice", "--sheet"], "");
    done.is(0);
    assert!(done.out.starts_with("Postern: recovery codes of alice\nmade "), "{done:?}");
    assert_eq!(done.out.matches("[ ]  r").count(), 10, "{done:?}");
    assert!(done.out.lines().all(|line| line.len() < 100) && done.out.is_ascii(), "{done:?}");
}

#[test]
fn codes_that_nobody_could_read_are_good_for_nothing() {
    let home = Home::with_alice();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let child = home.command(["recovery", "new", "alice"]).stdout(full).spawn().unwrap();
    let done = super::home::finish(child, "");
    done.refused(5, "could not be shown");
    assert_eq!(show(&home)["left"], 0);
}

#[test]
fn unlocking_forgives_codes_and_passwords() {
    let home = Home::with_alice();
    let (key, _) = home.enroll();
    home.database("INSERT INTO code_failure VALUES (1, '198.51.100.1', 100, 0)");
    let secret = format!("{PRIMARY}{}", code(&key, now() + 30));
    let closed = attempt(&home, &secret);
    assert!(closed.out.contains("why=code-path-closed"), "{closed:?}");
    // The waits double: on a machine that takes longer for a guess than the first of them, a later one is met.
    let meets_a_wait = |number| {
        let guess = attempt(&home, &format!("wrong {number}"));
        guess.out.contains("why=throttled-source")
    };
    assert!((0..20).any(meets_a_wait));
    let done = home.run(["account", "unlock", "alice"], "");
    done.is(0);
    assert!(done.err.contains("100 wrong codes"), "{done:?}");
    attempt(&home, &secret).is(0);
    home.run(["account", "unlock", "bob"], "").refused(3, "bob");
    home.run(["try", "bob", "--service", "imap", "--spend"], "wrong").is(1);
    let done = home.run(["account", "unlock", "bob"], "");
    done.is(0);
    assert!(done.err.contains("does not know bob"), "{done:?}");
    home.run(["account", "unlock", "bob"], "").refused(3, "bob");
}

#[test]
fn a_new_primary_is_good_at_once_though_it_was_wrong_before() {
    let home = Home::with_alice();
    let (key, _) = home.enroll();
    let next = "another horse battery";
    attempt(&home, next).is(1);
    let again = attempt(&home, next);
    assert!(again.out.contains("why=repeated"), "{again:?}");
    home.run(["account", "passwd", "alice"], next).is(0);
    attempt(&home, &format!("{next}{}", code(&key, now() + 30))).is(0);
}

#[test]
fn a_change_that_is_made_is_no_failure_where_nothing_can_be_forgotten() {
    let home = Home::with_alice();
    let _ = std::fs::remove_dir_all(home.path("run"));
    std::fs::write(home.path("run"), "no directory").unwrap();
    for words in [
        &["account", "unlock", "alice"][..],
        &["account", "passwd", "alice"],
        &["account", "add", "bob", "--primary", "store"],
        &["account", "compromised", "alice", "--yes"],
        &["account", "remove", "alice", "--yes"],
    ] {
        let done = home.run(words, PRIMARY);
        done.is(0);
        assert!(done.err.contains("Warning: the change is made, but"), "{words:?} {done:?}");
    }
    let left = home.run(["account", "list", "--json"], "").json();
    assert_eq!((left[0]["account"].as_str(), left[1].as_str()), (Some("bob"), None));
}

#[test]
fn a_new_account_inherits_no_refusals() {
    let import = |home: &Home| {
        let file = home.path("import");
        std::fs::write(&file, format!("alice:{{PLAIN}}{PRIMARY}\n")).unwrap();
        home.run(["account", "import", file.to_str().unwrap()], "").is(0);
    };
    let add = |home: &Home| home.run(["account", "add", "alice", "--primary", "store"], PRIMARY).is(0);
    let ways: [&dyn Fn(&Home); 2] = [&import, &add];
    for way in ways {
        let home = Home::ready();
        attempt(&home, PRIMARY).is(1);
        let again = attempt(&home, PRIMARY);
        assert!(again.err.contains("refused moments ago"), "{again:?}");
        way(&home);
        let first = attempt(&home, PRIMARY);
        assert!(!first.err.contains("refused moments ago"), "{first:?}");
    }
}
