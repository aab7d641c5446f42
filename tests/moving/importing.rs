//! Hashes that were brought along: they log in, they are replaced, and alone they say nothing.

use postern::domain::throttle::Source;
use postern::domain::verdict::Denial;
use postern::enrollment::NewPrimary;
use postern::moving::Format;
use postern::verifier::Spending;

use super::site::{Site, code_at, name, now};
use super::{Ask, database, imported, plan, value};

pub const SECRET: &str = "correct horse battery";

/// A passwd-file as a Dovecot server has it; the hashes are of `SECRET`, from `doveadm pw -s SCHEME -p SECRET`.
pub const PASSWD_FILE: &str = "\
# user:password:uid:gid:gecos:home:shell:extra
anna@example.org:{SSHA256}RdUaSRZLcL8ZfgHbZTtfuGN3+V3Xc1UngDMoVCHSbdmfGnBE:5000:5000::/srv/mail/anna::
Bert@example.org:{BLF-CRYPT}$2y$05$u3vGx.E19oVKPl7.8VV3iOQbfsnLtsh1JMH9yjshy1eGj.Byofa1.:5000:5000:::::userdb_quota_rule=*:storage=1G
carl@example.org:$6$kZA0csV6QrjuaJxs$pem.lgCpFLErU45hwzJAjLpSCC2ekajjcFbfwlgjNKeLXIvTcvv6hSibnrB.FfIERwTALKj5wCyAWC.ShVnK4.
dora@example.org:{ARGON2I}$argon2i$v=19$m=32768,t=4,p=1$QHR3nrgSE5MuUkXdAxtVSQ$JJZRbGbY8Nday+ZBD4ED44HetTHPdPCXFs9I+5XbC/g::::::
emil@example.org:{PLAIN}correct horse battery::::::
fred@example.org:{PBKDF2}$1$Ak6jiodPAqQylPnk$5000$1e8d8dcff35b0b4f210ce86653cc3619bcb1a097::::::
gone@example.org:!{SSHA}bfOK3LGSvb5AnmOr6SHyVX3/GtW7nPZp::::::
shut@example.org:{CRYPT}!$1$6JeCGzZQ$tn6dWSkglHjXfsBpIwlvZ/::::::
";

/// What mailcow's table `app_passwd` gives, with mailcow's bcrypt; the password is `SECRET`.
pub const MAILCOW: &str = "\
account,label,hash,scope
anna@example.org,Thunderbird,{BLF-CRYPT}$2y$05$qQfw0kLvO9nHB02rn/JUUOqdZsw0cvDaZlhDNmbQglV.NkS9.tK72,\"imap,smtp\"
";

/// What Mailu's table `token` gives: passlib's PBKDF2 with one round, since the token is random, and its addresses.
const MAILU: &str = "\
account,label,networks,hash
anna@example.org,scanner,192.0.2.0/24,$pbkdf2-sha256$1$GyPEuHduTWltDeEcQyillA$j9ZpHDiAUtGzcR5q5apZuXRvSGgJzdrXtfyRmKuvOOs
";

fn with_accounts() -> Site {
    let site = Site::new();
    let tally = imported(&site, PASSWD_FILE, Format::Dovecot);
    assert_eq!((tally.accounts, tally.disabled, tally.rehashed_at_first_use), (8, 2, 7));
    site
}

fn hash_of(site: &Site, account: &str) -> String {
    value(site, &format!("SELECT primary_hash FROM account WHERE name = '{account}'"))
}

#[test]
fn each_old_primary_logs_in_and_is_hashed_anew() {
    let site = with_accounts();
    for account in ["anna", "bert", "carl", "dora", "emil", "fred"] {
        let account = format!("{account}@example.org");
        site.totp(&account, "totp");
        let before = hash_of(&site, &account);
        assert_eq!(before.starts_with("$sealed$"), !account.starts_with("emil"), "{before}");
        Ask::of(&account, &format!("wrong horse{}", code_at(now()))).fails(&site, Denial::WrongPrimary);
        Ask::of(&account, SECRET).fails(&site, Denial::SecondFactorMissing);
        assert_eq!(hash_of(&site, &account), before, "a login that is refused changes nothing");
        let decision = Ask::of(&account, &format!("{SECRET}{}", code_at(now()))).passes(&site);
        assert_eq!(decision.hashes, 1, "{account}");
        let after = hash_of(&site, &account);
        assert!(after.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{after}");
        let later = super::UnixTime(now().0 + 60);
        let again = format!("{SECRET}{}", code_at(later));
        Ask { at: later, ..Ask::of(&account, &again) }.passes(&site);
        assert_eq!(hash_of(&site, &account), after, "hashed anew once");
    }
    let rehashed: i64 = value(&site, "SELECT count(*) FROM audit_row WHERE event = 'account.rehash'");
    assert_eq!(rehashed, 5);
}

#[test]
fn a_locked_account_stays_closed() {
    let site = with_accounts();
    for account in ["gone@example.org", "shut@example.org"] {
        Ask::of(account, SECRET).fails(&site, Denial::AccountDisabled);
    }
    Ask::of("shut@example.org", "wrong horse").fails(&site, Denial::WrongPrimary);
}

#[test]
fn an_account_without_a_hash_takes_no_password() {
    let site = Site::new();
    imported(&site, "none:", Format::Dovecot);
    assert_eq!(hash_of(&site, "none"), "!");
    for secret in ["!", "*", "x", SECRET] {
        Ask::of("none", secret).fails(&site, Denial::WrongPrimary);
    }
}

#[test]
fn a_rehearsal_changes_no_hash() {
    let site = with_accounts();
    imported(&site, MAILCOW, Format::Csv);
    site.totp("anna@example.org", "totp");
    let hashes = || -> String {
        value(
            &site,
            "SELECT group_concat(hash) FROM (SELECT primary_hash AS hash FROM account UNION ALL SELECT hash FROM app_password)",
        )
    };
    let before = hashes();
    let primary = format!("{SECRET}{}", code_at(now()));
    for secret in [SECRET, &primary] {
        Ask { spending: Spending::Rehearsal, ..Ask::of("anna@example.org", secret) }.passes(&site);
    }
    assert_eq!(hashes(), before);
}

#[test]
fn a_login_that_is_under_way_survives_another_that_hashes_anew() {
    use postern::domain::totp::TimeStep;
    use postern::store::{Made, Spent, Use};
    let site = with_accounts();
    site.totp("anna@example.org", "totp");
    let vault = site.vault();
    let seen = vault.store.account(&name("anna@example.org")).unwrap().unwrap();
    let keys = vault.store.totp_keys(seen.id).unwrap();
    Ask::of("anna@example.org", &format!("{SECRET}{}", code_at(now()))).passes(&site);
    assert_ne!(hash_of(&site, "anna@example.org"), format!("{:?}", seen.primary));
    let service = postern::domain::service::Service::parse(b"imap").unwrap();
    let by = Use {
        made: Made { at: now(), by: 0 },
        service: &service,
        from: None,
        source: Source::of(None),
        counted: postern::store::Counted::BehindPrimary,
    };
    let step = TimeStep(now().0 / 30 + 5);
    assert_eq!(vault.store.spend_step(&seen, &keys[0], step, &by).unwrap(), Spent::Now);
    // Another password is another matter.
    let secret = super::Secret::copy_of(b"another horse");
    postern::enrollment::Enrollment::new(&vault)
        .set_primary(&name("anna@example.org"), &NewPrimary::Store(&secret), site.made())
        .unwrap();
    let step = TimeStep(step.0 + 1);
    assert_eq!(vault.store.spend_step(&seen, &keys[0], step, &by).unwrap(), Spent::NotForThisAccount);
}

#[test]
fn a_sealed_hash_opens_in_its_own_row_alone() {
    let site = with_accounts();
    database(&site)
        .execute(
            "UPDATE account SET primary_hash = (SELECT primary_hash FROM account WHERE name = 'anna@example.org')
             WHERE name = 'carl@example.org'",
            [],
        )
        .unwrap();
    assert!(Ask::of("carl@example.org", SECRET).decide(&site).is_err());
}

#[test]
fn old_app_passwords_log_in_alone_and_get_a_tag() {
    let site = with_accounts();
    let tally = imported(&site, MAILCOW, Format::Csv);
    assert_eq!((tally.app_passwords, tally.rehashed_at_first_use), (1, 1));
    let ask = Ask::of("anna@example.org", SECRET);
    let decision = ask.passes(&site);
    assert_eq!(
        (decision.label.as_deref(), decision.path.to_string().as_str()),
        (Some("Thunderbird"), "app-password")
    );
    let row = "SELECT hash || ' ' || length(tag) || ' ' || (last_used_at > 0) FROM app_password";
    let after: String = value(&site, row);
    assert!(after.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && after.ends_with(" 16 1"), "{after}");
    assert_eq!(ask.passes(&site).label.as_deref(), Some("Thunderbird"));
    assert_eq!(value::<String>(&site, row), after);
    Ask { service: "pop3", ..Ask::of("anna@example.org", SECRET) }.fails(&site, Denial::OutOfScope);
    Ask::of("carl@example.org", SECRET).fails(&site, Denial::NoSecondFactor);
}

#[test]
fn networks_come_along() {
    let site = with_accounts();
    imported(&site, MAILU, Format::Csv);
    Ask { remote: "198.51.100.1", ..Ask::of("anna@example.org", SECRET) }
        .fails(&site, Denial::OutsideNetworks);
    Ask::of("anna@example.org", SECRET).passes(&site);
    Ask { remote: "198.51.100.1", ..Ask::of("anna@example.org", SECRET) }
        .fails(&site, Denial::OutsideNetworks);
}

#[test]
fn a_revoked_one_is_recognised_with_and_without_a_tag_and_no_primary_is_asked() {
    for first_use in [false, true] {
        let site = Site::new();
        site.pam_account("bob");
        site.write("etc/pam.d/primary", "");
        imported(&site, &MAILCOW.replace("anna@example.org", "bob"), Format::Csv);
        if first_use {
            // A use would ask PAM about the account, so the store is told of it by hand.
            database(&site)
                .execute("UPDATE account SET primary_check = 'store', primary_hash = '!'", [])
                .unwrap();
            Ask::of("bob", SECRET).passes(&site);
            database(&site)
                .execute("UPDATE account SET primary_check = 'pam', primary_hash = NULL", [])
                .unwrap();
        }
        site.revoke("bob", "Thunderbird");
        Ask::of("bob", SECRET).fails(&site, Denial::Revoked);
    }
}

#[test]
fn two_people_with_one_old_password_both_get_a_tag() {
    let site = with_accounts();
    imported(&site, MAILCOW, Format::Csv);
    imported(&site, &MAILCOW.replace("anna", "carl"), Format::Csv);
    for account in ["anna@example.org", "carl@example.org"] {
        Ask::of(account, SECRET).passes(&site);
    }
    assert_eq!(value::<i64>(&site, "SELECT count(DISTINCT tag) FROM app_password"), 2);
}

#[test]
fn old_app_passwords_pass_where_no_primary_does_and_are_counted_like_primaries() {
    let site = Site::configured("[services]\nimap = [\"app-password\"]\n");
    imported(&site, PASSWD_FILE, Format::Dovecot);
    Ask::of("anna@example.org", SECRET).fails(&site, Denial::NotAcceptedHere);
    imported(&site, MAILCOW, Format::Csv);
    Ask::of("anna@example.org", "wrong horse").fails(&site, Denial::NotAcceptedHere);
    // Nothing is known of it where a primary is taken.
    Ask { service: "smtp", ..Ask::of("anna@example.org", "wrong horse") }.fails(&site, Denial::WrongPrimary);
    Ask::of("anna@example.org", SECRET).passes(&site);
}

#[test]
fn at_most_eight_wait_for_their_first_use() {
    let site = with_accounts();
    let header = "account,label,hash\n";
    let line = |label: usize| {
        format!(
            "anna@example.org,device {label},{{SSHA256}}RdUaSRZLcL8ZfgHbZTtfuGN3+V3Xc1UngDMoVCHSbdmfGnBE\n"
        )
    };
    let nine: String = (1..=9).map(line).collect();
    let bad = plan(&site, &format!("{header}{nine}"), Format::Csv).bad;
    assert_eq!(bad.iter().map(|bad| bad.line).collect::<Vec<_>>(), [10]);
    assert!(bad[0].reason.as_str().contains("8 brought along"), "{bad:?}");
    let eight: String = (1..=8).map(line).collect();
    imported(&site, &format!("{header}{eight}"), Format::Csv);
    assert_eq!(plan(&site, &format!("{header}{}", line(10)), Format::Csv).bad.len(), 1);
}

/// Bcrypt at cost 12 is a quarter of a second; nothing of it is computed here.
fn dear(labels: std::ops::RangeInclusive<u32>) -> String {
    let line = |label| {
        format!(
            "anna@example.org,device {label},{{BLF-CRYPT}}$2y$12$qQfw0kLvO9nHB02rn/JUUOqdZsw0cvDaZlhDNmbQglV.NkS9.tK72\n"
        )
    };
    format!("account,label,hash\n{}", labels.map(line).collect::<String>())
}

#[test]
fn an_account_brings_no_more_along_than_a_login_has_time_for() {
    let site = with_accounts();
    let refused = |labels| plan(&site, &dear(labels), Format::Csv).bad;
    let bad = refused(1..=8);
    assert_eq!(bad.iter().map(|bad| bad.line).collect::<Vec<_>>(), [9]);
    assert!(bad[0].reason.as_str().contains("more than 2 seconds"), "{bad:?}");
    imported(&site, &dear(1..=7), Format::Csv);
    assert_eq!(refused(8..=8).len(), 1, "what is there already counts too");
}

#[test]
fn a_machine_that_is_too_slow_cannot_say() {
    let site = with_accounts();
    let cheap = dear(1..=4).replace("$2y$12$", "$2y$05$");
    imported(&site, &cheap, Format::Csv);
    let (slow, asked) = (std::cell::Cell::new(now().0), std::cell::Cell::new(0));
    let crypt = |secret: &super::Secret, setting: &str| {
        slow.set(slow.get() + 2);
        asked.set(asked.get() + 1);
        postern::ffi::crypt::crypt(secret, setting)
    };
    let system = super::System { crypt: &crypt, ..super::SYSTEM };
    let secret = super::Secret::copy_of(b"wrong horse");
    let raw = super::RawAttempt {
        account: b"anna@example.org",
        shown: super::Shown::Field(&secret),
        service: b"imap",
        remote: None,
        door: super::Door::Try,
    };
    let verifier = super::Verifier::new(&site.config, site.owner(), system, Spending::Real);
    let why = verifier.verify(&raw, &|| super::UnixTime(slow.get())).unwrap_err();
    assert!(why.to_string().contains("too long"), "{why}");
    assert_eq!(asked.get(), 2);
}

#[test]
fn many_lines_are_one_transaction() {
    let site = Site::new();
    let hash = "{SSHA256}RdUaSRZLcL8ZfgHbZTtfuGN3+V3Xc1UngDMoVCHSbdmfGnBE";
    let many: String = (0..1_000).map(|number| format!("user{number}@example.org:{hash}::::::\n")).collect();
    assert_eq!(imported(&site, &many, Format::Dovecot).accounts, 1_000);
    let (first, last): (i64, i64) = (
        value(&site, "SELECT min(created_at) FROM account"),
        value(&site, "SELECT max(created_at) FROM account"),
    );
    assert_eq!(first, last);
    // One line that cannot be meant, and nothing of it is there.
    let site = Site::new();
    let vault = site.vault();
    let import = super::import(&site, &vault);
    let plan = import.plan(many.as_bytes(), Format::Dovecot).unwrap();
    site.account("user999@example.org", "correct horse");
    assert!(import.carry_out(&plan, site.made(), &mut |_| ()).is_err());
    assert_eq!(value::<i64>(&site, "SELECT count(*) FROM account"), 1);
}
