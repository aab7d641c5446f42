//! How many app passwords there may be, and for how long.

use super::home::{Home, finish};

#[test]
fn of_many_that_add_at_once_as_many_succeed_as_there_may_be() {
    let home = Home::with_alice();
    home.configure("[policy]\nmax_app_passwords = 3");
    home.app_password("first");
    let add = |number| home.command(["app", "add", "alice", "--label", &format!("device {number}")]);
    let children: Vec<_> = (0..8).map(|number| add(number).spawn().unwrap()).collect();
    let ends: Vec<_> = children.into_iter().map(|child| finish(child, "")).collect();
    assert_eq!(ends.iter().filter(|done| done.code == 0).count(), 2, "{ends:?}");
    for done in ends.iter().filter(|done| done.code != 0) {
        done.refused(1, "3 live app passwords");
        assert!(done.err.contains("`postern app list --live alice`"), "{done:?}");
    }
    assert_eq!(home.run(["account", "list", "--json"], "").json()[0]["app_passwords"], 3);
}

#[test]
fn what_is_revoked_or_over_counts_for_no_limit() {
    let home = Home::with_alice();
    home.configure("[policy]\nmax_app_passwords = 1");
    home.app_password("phone");
    let second = ["app", "add", "alice", "--label", "second"];
    home.run(second, "").refused(1, "1 live app password");
    home.run(["app", "revoke", "alice", "phone"], "").is(0);
    home.run(second, "").is(0);
    home.database("UPDATE app_password SET expires_at = created_at");
    home.app_password("third");
    let counted = || home.run(["account", "list", "--json"], "").json()[0]["app_passwords"].clone();
    assert_eq!(counted(), 1);
    home.run(["app", "add", "alice", "--label", "fourth"], "").refused(1, "1 live app password");
    home.database("UPDATE app_password SET created_at = 1");
    home.configure("longest_lifetime_days = 30");
    assert_eq!(counted(), 0);
    home.app_password("fourth");
}

#[test]
fn a_longest_life_is_given_without_asking_and_never_passed() {
    let home = Home::with_alice();
    home.configure("[policy]\nlongest_lifetime_days = 30");
    let add = |label: &str, more: &[&str]| {
        home.run([&["app", "add", "alice", "--label", label], more].concat(), "")
    };
    let done = add("unasked", &[]);
    done.is(0);
    assert!(done.err.contains(" until 2"), "{done:?}");
    for span in ["31d", "1y", "9998-01-01"] {
        add("long", &["--expires", span]).refused(2, "30 days");
    }
    add("whole", &["--expires", "30d"]).is(0);
    add("short", &["--expires", "7d"]).is(0);
    let listed = home.run(["app", "list", "alice", "--json"], "").json();
    let life = |index: usize| {
        let at = |field: &str| listed[index][field].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        at("expires_at").as_second() - at("created_at").as_second()
    };
    assert_eq!([life(0), life(1), life(2)].map(|life| life / 86_400), [30, 30, 7]);
}

#[test]
fn one_that_the_policy_ends_gives_its_label_away() {
    let home = Home::with_alice();
    home.app_password("phone");
    home.configure("[policy]\nlongest_lifetime_days = 30");
    home.database("UPDATE app_password SET created_at = 1");
    assert_eq!(home.run(["app", "list", "alice", "--json"], "").json()[0]["state"], "expired");
    home.app_password("phone");
    home.database("UPDATE app_password SET created_at = 1 WHERE revoked_at IS NULL");
    home.app_password("laptop");
    home.run(["app", "rename", "alice", "laptop", "phone"], "").is(0);
}

#[test]
fn what_an_app_password_is_good_for_can_be_changed_at_once() {
    let home = Home::with_alice();
    let phone = home.app_password("phone");
    let attempt =
        |service: &str| home.run(["try", "alice", "--service", service, "--rhost", "192.0.2.7"], &phone).code;
    let limit = |words: &[&str]| home.run([&["app", "limit", "alice", "phone"], words].concat(), "");
    assert_eq!([attempt("imap"), attempt("smtp")], [0, 0]);
    limit(&["--scope", "smtp"]).is(0);
    assert_eq!([attempt("imap"), attempt("smtp")], [1, 0]);
    limit(&["--network", "198.51.100.0/24"]).is(0);
    assert_eq!(attempt("smtp"), 1);
    limit(&["--network", "any", "--scope", "imap,smtp", "--expires", "90d"]).is(0);
    assert_eq!([attempt("imap"), attempt("smtp")], [0, 0]);
    let shown = home.run(["app", "list", "alice", "--json"], "").json();
    assert_eq!(shown[0]["scope"], serde_json::json!(["imap", "smtp"]));
    assert!(shown[0]["expires_at"].is_string() && shown[0]["networks"].as_array().unwrap().is_empty());
    limit(&[]).is(2);
    limit(&["--scope", "im ap!"]).refused(2, "scope");
    limit(&["--scope", "mail"]).refused(2, "service mail");
    let told = limit(&["--scope", "imap,smtp"]);
    assert!(told.err.contains("\"phone\" logs alice in to imap,smtp until "), "{told:?}");
    limit(&["--network", "nowhere"]).refused(2, "networks");
    home.run(["app", "limit", "alice", "tablet", "--scope", "imap"], "").refused(3, "tablet");
    home.run(["app", "revoke", "alice", "phone"], "").is(0);
    limit(&["--scope", "imap"]).refused(3, "phone");
    let log = home.run(["log", "--event", "app.limit"], "");
    assert!(log.out.contains("scope=smtp") && log.out.contains("networks=any"), "{log:?}");
}
