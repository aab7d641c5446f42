//! `totp import` and `export`.

use std::fs;

use data_encoding::BASE32_NOPAD;
use postern::crypto::secret::Secret;

use super::home::{Home, PRIMARY, code, now};

// google-authenticator -t -d -f -r 3 -R 30 -w 3 -q -C, of libpam-google-authenticator 20191231.
const KEY: &str = "YYRIOQO54DQKU46XCXUJQ4XC5Y";
const GOOGLE: &str =
    "\" RATE_LIMIT 3 30\n\" WINDOW_SIZE 3\n\" DISALLOW_REUSE\n\" TOTP_AUTH\n69904582\n69504387\n";

// The line of pam_oath(8); `oathtool --totp KEY` shows the same codes.
const OATH: &str = "HOTP/T30/6\talice\t-\t3132333435363738393031323334353637383930\n";

fn import(home: &Home, content: &str, format: &str) -> super::home::Done {
    fs::write(home.path("keys"), content).unwrap();
    let file = home.path("keys").display().to_string();
    home.run(["totp", "import", &file, "--account", "alice", "--format", format], "")
}

fn login(home: &Home, key: &Secret, at: u64) -> String {
    home.run(["try", "alice", "--service", "imap"], &format!("{PRIMARY}{}", code(key, at))).out
}

#[test]
fn a_key_of_another_module_gives_codes_from_the_next_step_on() {
    for (content, format, key) in [
        (format!("{KEY}\n{GOOGLE}"), "google-authenticator", BASE32_NOPAD.decode(KEY.as_bytes()).unwrap()),
        (OATH.to_owned(), "oath", b"12345678901234567890".to_vec()),
    ] {
        let home = Home::with_alice();
        let done = import(&home, &content, format);
        done.is(0);
        assert_eq!(done.err.contains("scratch codes"), format == "google-authenticator", "{done:?}");
        let key = Secret::new(key);
        let at = now();
        assert!(login(&home, &key, at).contains("code-spent"));
        assert!(login(&home, &key, at + 30).starts_with("granted"));
        // The same key again, and the same label.
        import(&home, &content, format).is(4);
    }
}

#[test]
fn a_file_that_nobody_means_well_with_stores_no_key() {
    let home = Home::with_alice();
    let before = home.content();
    let long = "A".repeat(9000);
    for (format, content, line) in [
        ("google-authenticator", "\0", 1),
        ("google-authenticator", "", 1),
        ("google-authenticator", &long, 1),
        ("google-authenticator", "JBSWY3DPEHPK3PXP\r\n", 1),
        ("google-authenticator", "JBSWY3DPEHPK3PXP\n\" HOTP_COUNTER 1\n", 2),
        ("google-authenticator", "JBSWY3DPEHPK3PXP\n\" STEP_SIZE 99999999999999999999\n", 2),
        ("google-authenticator", "JBSWY3DPEHPK3PXP\n\x1b[2J\n", 2),
        ("oath", "", 1),
        ("oath", "#\nHOTP/T30/6 alice\n", 2),
        ("oath", "HOTP/E/6 alice - 3132333435363738393031323334353637383930", 1),
        ("oath", "HOTP/T30/6 alice - 00", 1),
    ] {
        let done = import(&home, content, format);
        done.refused(2, &format!("line {line}: "));
        assert!(!done.err.chars().any(|letter| letter.is_control() && letter != '\n'), "{done:?}");
    }
    let file = home.path("keys").display().to_string();
    let typed = |words: &[&str]| home.run([["totp", "import"].as_slice(), words].concat(), "");
    typed(&[&file, "--format", "oath"]).is(2);
    typed(&[&file, "--account", "alice"]).is(2);
    typed(&[&file, "--account", "a\nb", "--format", "oath"]).is(2);
    typed(&[&file, "--account", "alice", "--label", "\x1b[2J", "--format", "oath"]).is(2);
    typed(&["/none", "--account", "alice", "--format", "oath"]).refused(3, "is not there");
    typed(&["/dev/zero", "--account", "alice", "--format", "oath"]).refused(2, "more than");
    fs::write(&file, OATH.replace("alice", "nobody")).unwrap();
    typed(&[&file, "--account", "nobody", "--format", "oath"]).refused(3, "no account nobody");
    assert_eq!(home.content(), before);
}

#[test]
fn an_export_tells_everything_but_secrets() {
    let home = Home::with_alice();
    let phone = home.app_password("phone");
    import(&home, OATH, "oath").is(0);
    home.run(["app", "revoke", "alice", "phone"], "").is(0);
    let json = home.run(["export", "--json"], "");
    let person = &json.json()[0];
    assert_eq!((&person["account"], &person["primary"]), (&"alice".into(), &"store".into()));
    assert_eq!(
        (&person["app_passwords"][0]["state"], &person["totp_keys"][0]["period"]),
        (&"revoked".into(), &30.into())
    );
    let table = home.run(["export"], "");
    table.is(0);
    assert!(table.out.contains("revoked") && table.out.contains("totp"), "{table:?}");
    for secret in
        [phone.as_str(), &phone.replace('-', ""), PRIMARY, "$argon2id", "3132333435", "GEZDGNBVGY3TQOJQ"]
    {
        assert!(!json.out.contains(secret) && !table.out.contains(secret), "{secret}");
    }
}
