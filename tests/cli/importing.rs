//! `account import`, and the files that nobody means well with.

use std::fs;

use super::home::{Done, Home};

// `doveadm pw -s SSHA256 -p 'correct horse battery'`
const HASH: &str = "{SSHA256}RdUaSRZLcL8ZfgHbZTtfuGN3+V3Xc1UngDMoVCHSbdmfGnBE";

fn import(home: &Home, content: impl AsRef<[u8]>, words: &[&str]) -> Done {
    let file = home.path("import");
    fs::write(&file, content).unwrap();
    let arguments = ["account", "import", file.to_str().unwrap()];
    home.run(arguments.iter().chain(words), "")
}

fn accounts(home: &Home) -> Vec<String> {
    let list = home.run(["account", "list", "--json"], "").json();
    list.as_array().unwrap().iter().map(|each| each["account"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_passwd_file_becomes_accounts_that_log_in() {
    let home = Home::ready();
    fs::write(home.path("postern.toml"), {
        let text = fs::read_to_string(home.path("postern.toml")).unwrap();
        text + "[policy]\nsecond_factor = \"when-enrolled\"\n"
    })
    .unwrap();
    let done = import(&home, format!("alice:{HASH}::::::\n# closed\nbob:!{HASH}\n"), &[]);
    done.is(0);
    assert!(done.out.contains("hash SSHA256") && done.out.contains("disabled"), "{done:?}");
    assert_eq!(accounts(&home), ["alice", "bob"]);
    let login = home.run(["try", "alice", "--service", "imap"], "correct horse battery");
    assert!(login.out.starts_with("granted"), "{login:?}");
    home.run(["try", "bob", "--service", "imap"], "correct horse battery").is(1);
}

#[test]
fn a_dry_run_imports_nothing() {
    let home = Home::ready();
    let before = home.content();
    let done = import(&home, format!("alice:{HASH}\n"), &["--dry-run"]);
    done.is(0);
    assert!(done.out.starts_with("WOULD BE IMPORTED"), "{done:?}");
    assert_eq!(home.content(), before);
}

#[test]
fn a_password_in_the_clear_that_ends_like_a_code_is_a_bad_line() {
    let home = Home::ready();
    let done = import(&home, "alice:{PLAIN}correct horse\nbob:{PLAIN}horse123456\n", &[]);
    done.is(2);
    assert!(done.err.starts_with("line 2: a primary password ends in six digits"), "{done:?}");
    home.run(["account", "add", "bob", "--primary", "store"], "horse123456").refused(2, "six digits");
    home.run(["account", "add", "bob", "--primary", "store"], "horse123456!").is(0);
    home.run(["account", "passwd", "bob"], "horse20301231").refused(2, "six digits");
}

#[test]
fn every_bad_line_is_named_and_nothing_imported() {
    let home = Home::ready();
    let before = home.content();
    let content = format!("alice:{HASH}\nbob:{{SHA}}x\n\nAlice:{HASH}\ncarl\n");
    let done = import(&home, &content, &[]);
    done.is(2);
    let told: Vec<&str> = done.err.lines().collect();
    assert_eq!(told.len(), 5, "{done:?}");
    assert!(told[0].starts_with("line 2: ") && told[2].starts_with("line 5: "), "{done:?}");
    assert_eq!(told[1], "line 4: it names the account of line 1 again");
    assert_eq!(told[3], "postern: 3 lines of the file cannot be imported; nothing was imported");
    assert!(told[4].contains("--skip-bad"), "{done:?}");
    assert_eq!(home.content(), before);
    let json = import(&home, &content, &["--json"]);
    json.is(2);
    let report: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((&report["imported"], &report["bad_lines"][0]["line"]), (&false.into(), &2.into()));
    assert_eq!(home.content(), before);
    import(&home, &content, &["--skip-bad"]).is(0);
    assert_eq!(accounts(&home), ["alice"]);
}

#[test]
fn what_is_there_already_is_refused_or_kept() {
    let home = Home::with_alice();
    let before = home.content();
    let content = format!("account,hash,label\nalice,{HASH},\nbob,{HASH},\nalice,{HASH},phone\n");
    let done = import(&home, &content, &[]);
    done.is(4);
    assert!(done.err.contains("line 2: there is such an account already"), "{done:?}");
    assert_eq!(home.content(), before);
    let kept = import(&home, &content, &["--keep-existing", "--json"]).json();
    assert_eq!((&kept["accounts"], &kept["app_passwords"], &kept["kept"]), (&1.into(), &1.into(), &1.into()));
    import(&home, &content, &[]).is(4);
    let login = home.run(["try", "alice", "--service", "imap"], "correct horse battery");
    assert!(login.out.starts_with("granted") && login.out.contains("phone"), "{login:?}");
}

#[test]
fn a_file_that_nobody_means_well_with_is_refused_by_its_line() {
    let home = Home::ready();
    let before = home.content();
    let long = format!("alice:{HASH}{}\n", "x".repeat(9000));
    let deep = "\"".repeat(8001);
    for (format, content, line) in [
        ("dovecot", b"a:\0\n".to_vec(), 1),
        ("dovecot", b"\n\xff\xfe:x\n".to_vec(), 2),
        ("dovecot", format!("alice:{HASH}\r\n").into_bytes(), 1),
        ("dovecot", format!("\u{feff}alice:{HASH}\n").into_bytes(), 1),
        ("dovecot", b"a\x1b[2Jb:x\n".to_vec(), 1),
        ("dovecot", long.into_bytes(), 1),
        ("dovecot", format!(":{HASH}\n").into_bytes(), 1),
        ("dovecot", format!("{}:{HASH}\n", "a".repeat(321)).into_bytes(), 1),
        ("dovecot", b"alice:{PLAIN}x7qm-2x9d-r4fw-8hzn-pt3c\n".to_vec(), 1),
        ("csv", b"account,hash\nalice,\x00\n".to_vec(), 2),
        ("csv", format!("account,hash\n{deep}\n").into_bytes(), 2),
        ("csv", format!("account,hash\n\"alice,{HASH}\n").into_bytes(), 2),
        ("csv", b"account,hash,hash\nalice,x,x\n".to_vec(), 1),
        ("csv", b"\xff\xd8\xff\xe0binary".to_vec(), 1),
        ("csv", format!("account,hash,label\nnobody,{HASH},phone\n").into_bytes(), 2),
        ("csv", format!("account,hash,label,scope\nnobody,{HASH},phone,';--\n").into_bytes(), 2),
        ("csv", format!("account,hash,label\nnobody,{HASH},{}\n", "l".repeat(65)).into_bytes(), 2),
    ] {
        let done = import(&home, &content, &["--format", format]);
        done.is(2);
        assert!(done.err.starts_with(&format!("line {line}: ")), "{done:?}");
        assert!(done.err.len() < 4096 && done.out.is_empty(), "{done:?}");
        assert!(!done.err.chars().any(|letter| letter.is_control() && letter != '\n'), "{done:?}");
    }
    assert_eq!(home.content(), before);
}

#[test]
fn what_is_no_file_is_refused() {
    let home = Home::ready();
    let place = |name: &str| home.path(name).display().to_string();
    home.run(["account", "import", &place("none")], "").refused(3, "is not there");
    home.run(["account", "import", &place("etc"), "--format", "csv"], "").refused(5, "etc");
    home.run(["account", "import", "-"], "neither this nor that").refused(2, "does not tell");
    home.run(["account", "import", "/dev/zero", "--format", "csv"], "")
        .refused(2, "more than 33554432 octets");
    home.run(["account", "import", "-", "--format", "csv"], "").is(0);
    assert!(accounts(&home).is_empty());
}

#[test]
fn the_first_line_tells_what_a_file_is_where_it_can() {
    let home = Home::ready();
    home.run(["account", "import", "-"], &format!("alice:{HASH}")).is(0);
    home.run(["account", "import", "-"], &format!("\"Account\",hash\nbob,{HASH}")).is(0);
    home.run(["account", "import", "-"], "account:x,hash").is(2);
    assert_eq!(accounts(&home), ["alice", "bob"]);
}
