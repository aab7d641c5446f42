//! Names and secrets that were never meant to be any.

use crate::Fact;
use crate::support::clients::{Login, Protocol};
use crate::support::people::postern;
use crate::support::rig::{Rig, all_at_once};
use crate::support::syslog::audit;

pub const FACTS: &[Fact] = facts![
    a_hostile_name_is_refused_and_forges_no_line,
    a_hostile_name_is_refused_over_imap,
    a_hostile_secret_is_refused,
    a_primary_may_hold_any_printable_character,
    a_secret_never_stands_in_the_log,
];

fn hostile_names(real: &str) -> Vec<String> {
    let mut names: Vec<String> = [
        "",
        " ",
        "%s%n%n",
        "../../etc/shadow",
        "-h",
        "$(reboot)",
        "';DROP TABLE account;--",
        "a\tb",
        "\u{202e}ecila",
        "x\ngranted account=\"root\" service=imap rhost=127.0.0.1 door=pam path=app-password",
        "x\" path=app-password label=\"phone",
        "\u{1b}[2Jx",
        "<>",
        "@",
        "@example.org",
    ]
    .map(str::to_owned)
    .to_vec();
    names.extend(["a".repeat(321), "a".repeat(4000)]);
    names.extend(["\n", " ", "\t", "\u{a0}", "\u{301}"].map(|tail| format!("{real}{tail}")));
    names.extend([format!(" {real}"), format!("{real}@"), real.replace('a', "\u{430}")]);
    names
}

fn a_hostile_name_is_refused_and_forges_no_line(rig: &mut Rig) {
    let alice = rig.virtual_person();
    let app_password = alice.app_password("phone");
    for name in hostile_names(&alice.name) {
        let attempt = rig.pam("postern-imap", &name, &app_password);
        attempt.refused();
        let lines = rig.log.since(attempt.since());
        assert!(lines.iter().all(|line| !line.contains('\n')), "{lines:?}");
        let verdicts: Vec<&str> = lines.iter().filter_map(|line| audit(line)).collect();
        assert!(verdicts.iter().all(|said| said.starts_with("denied ")), "{verdicts:?}");
    }
    rig.pam("postern-imap", &alice.name, &app_password).granted("app-password");
}

fn a_hostile_name_is_refused_over_imap(rig: &mut Rig) {
    let alice = rig.virtual_person();
    let app_password = alice.app_password("phone");
    let long = "a".repeat(400);
    all_at_once(&["root", "*", "alice*", "alice%", "a b", "'or'1", "\u{e9}", &long], |name| {
        rig.login(Protocol::Imap, name, &app_password).refused();
    });
    rig.login(Protocol::Imap, &alice.name, &app_password).granted("app-password");
}

fn a_hostile_secret_is_refused(rig: &mut Rig) {
    let alice = rig.virtual_person();
    let app_password = alice.app_password("phone");
    let totp = alice.enroll_totp();
    let mut secrets: Vec<String> =
        ["", " ", "0", "%s%n", "x", "xxxx-xxxx-xxxx-xxxx-xxxx", "000000", "r7qm-2x9d-r4fw-8hzn"]
            .map(str::to_owned)
            .to_vec();
    secrets.extend([511, 512, 513, 4000].map(|length| "x".repeat(length)));
    secrets.extend([512, 513].map(|octets| "\u{e9}".repeat(octets / 2)));
    secrets.extend([
        totp.fresh_code(),
        format!("x{}", app_password),
        format!("{app_password}{app_password}"),
    ]);
    secrets.extend([format!("{app_password}{}", totp.fresh_code()), format!("{app_password}\u{301}")]);
    all_at_once(&secrets, |secret| {
        let attempt = rig.login(Protocol::Imap, &alice.name, secret);
        let refused = matches!(attempt.login, Login::Refused(_));
        assert!(refused, "{} octets: {}", secret.len(), attempt.lines());
    });
    rig.login(Protocol::Imap, &alice.name, &app_password).granted("app-password");
}

fn a_primary_may_hold_any_printable_character(rig: &mut Rig) {
    for primary in ["p\"q\\ur'$(x)%s `~", " Gr\u{fc}\u{df}e \u{1f511} ", "only 1234567 digits 54321"] {
        let person = rig.stranger();
        let name = person.name.clone();
        postern(&["account", "add", &name, "--primary", "store"], primary).result();
        let code = person.enroll_totp().fresh_code();
        rig.login(Protocol::Imap, &name, &format!("{primary}{code}")).granted("primary+code");
    }
}

fn a_secret_never_stands_in_the_log(rig: &mut Rig) {
    let alice = rig.virtual_person();
    let app_password = alice.app_password("phone");
    let code = alice.enroll_totp().fresh_code();
    let start = rig.log.mark();
    for secret in [&app_password, &format!("Seven lives{code}"), &format!("{app_password}{code}")] {
        all_at_once(&Protocol::ALL, |protocol| {
            rig.login(*protocol, &alice.name, secret).audit();
        });
    }
    let log = rig.log.since(start).join("\n");
    for secret in [app_password.as_str(), &app_password.replace('-', ""), "Seven lives", &code] {
        assert!(!log.contains(secret), "{log}");
    }
}
