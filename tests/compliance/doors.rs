//! One list of cases through every door, each on its own copy of the store: the same verdict, for the same reason.

use std::fs;
use std::path::Path;

use postern::config::{Config, DEFAULT_PATH, Owner};
use postern::crypto::otp::{self, Code};
use postern::crypto::secret::Secret;
use postern::domain::account::{AccountName, AccountState};
use postern::domain::app_password::Label;
use postern::domain::network::Networks;
use postern::domain::service::Scope;
use postern::domain::time::UnixTime;
use postern::domain::totp::{Period, Totp};
use postern::enrollment::{Enrollment, NewPrimary, Wanted};
use postern::store::{Made, Restorable};
use postern::verifier::Vault;

use crate::Fact;
use crate::support::change::with_spoiled;
use crate::support::clients::{self, Login, Protocol};
use crate::support::command::{Run, must, run};
use crate::support::people::{PRIMARY, now};
use crate::support::rig::{Rig, all_at_once};
use crate::support::syslog::audit;

pub const FACTS: &[Fact] = facts![every_door_gives_the_same_verdict_for_the_same_reason];

const STORE: &str = "/var/lib/postern/store.db";
const KEPT: &str = "/run/rig/store-of-cases.db";

/// What is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    AppPassword,
    Mistyped,
    Unknown,
    OfAnother,
    Revoked,
    Expired,
    Narrow,
    HereOnly,
    ElsewhereOnly,
    Primary,
    WrongPrimary,
    PrimaryAndCode,
    PrimaryAndOldCode,
    WrongPrimaryAndCode,
    PrimaryAndRecovery,
    PrimaryAndRetired,
    Nothing,
}

const SHOWN: [Shown; 17] = [
    Shown::AppPassword,
    Shown::Mistyped,
    Shown::Unknown,
    Shown::OfAnother,
    Shown::Revoked,
    Shown::Expired,
    Shown::Narrow,
    Shown::HereOnly,
    Shown::ElsewhereOnly,
    Shown::Primary,
    Shown::WrongPrimary,
    Shown::PrimaryAndCode,
    Shown::PrimaryAndOldCode,
    Shown::WrongPrimaryAndCode,
    Shown::PrimaryAndRecovery,
    Shown::PrimaryAndRetired,
    Shown::Nothing,
];

/// Whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Active,
    Disabled,
    WithoutKey,
}

/// One attempt; no other has its account.
struct Case {
    shown: Shown,
    state: State,
    service: &'static str,
    account: String,
    secret: String,
    from: String,
}

/// What a door said, and the word for it in the log.
type Answer = (bool, String);

struct Cases {
    vault: Vault,
    made: Made,
    totp: Totp,
}

impl Cases {
    fn build() -> Vec<Case> {
        let config = Config::read(Path::new(DEFAULT_PATH), Owner(0)).unwrap();
        let vault = Vault::open(&config, Owner(0)).unwrap();
        // Codes that are good for ten minutes: the doors take turns.
        let period = Period::new(300).unwrap();
        let totp = Totp { period, ..Totp::with_key(Secret::copy_of(b"12345678901234567890")) };
        let this = Self { vault, made: Made { at: UnixTime(now() - 7200), by: 0 }, totp };
        let mut cases = Vec::new();
        for state in [State::Active, State::Disabled, State::WithoutKey] {
            for service in ["imap", "smtp"] {
                for shown in SHOWN {
                    for _address in 0..2 {
                        cases.push(this.case(cases.len(), shown, state, service));
                    }
                }
            }
        }
        cases
    }

    fn case(&self, number: usize, shown: Shown, state: State, service: &'static str) -> Case {
        // Mailboxes that the rig's Dovecot knows from the start.
        let account = format!("carol{}@example.org", number + 200);
        let name = name(&account);
        let enrollment = Enrollment::new(&self.vault);
        let primary = Secret::copy_of(PRIMARY.as_bytes());
        enrollment.add_account(&name, &NewPrimary::Store(&primary), self.made).unwrap();
        if state != State::WithoutKey {
            let code = self.code(self.made.at);
            let code = Code::parse(code.as_bytes(), self.totp.digits).unwrap();
            enrollment.confirm_totp(&name, &label("totp"), &self.totp, code, self.made).unwrap();
        }
        let from = format!("127.{}.{}.{}", 100 + number % 2, number / 200, 2 + number % 200);
        let secret = self.secret(&name, shown, service);
        if state == State::Disabled {
            enrollment.set_state(&name, AccountState::Disabled, self.made).unwrap();
        }
        Case { shown, state, service, account, secret, from }
    }

    fn secret(&self, name: &AccountName, shown: Shown, service: &str) -> String {
        let enrollment = Enrollment::new(&self.vault);
        let app =
            |scope: &str, networks: &str, expires_at| self.app_password(name, scope, networks, expires_at);
        let all = "imap,pop3,smtp,sieve";
        match shown {
            Shown::AppPassword => app(all, "", None),
            Shown::Mistyped => crate::support::people::slip(&app(all, "", None)),
            Shown::Unknown | Shown::OfAnother => {
                let secret = app(all, "", None);
                // Removed with its account, or made for the one before.
                if shown == Shown::Unknown {
                    enrollment.remove_account(name, self.made).unwrap();
                    let primary = Secret::copy_of(PRIMARY.as_bytes());
                    enrollment.add_account(name, &NewPrimary::Store(&primary), self.made).unwrap();
                    return secret;
                }
                let other = crate::doors::name(&format!("other-{name}"));
                let primary = Secret::copy_of(PRIMARY.as_bytes());
                enrollment.add_account(&other, &NewPrimary::Store(&primary), self.made).unwrap();
                self.app_password(&other, all, "", None)
            }
            Shown::Revoked => {
                let secret = app(all, "", None);
                enrollment.revoke(name, &label("phone"), Restorable::Never, self.made).unwrap();
                secret
            }
            Shown::Expired => app(all, "", Some(UnixTime(now() - 60))),
            Shown::Narrow => app(if service == "imap" { "smtp" } else { "imap" }, "", None),
            Shown::HereOnly => app(all, "127.100.0.0/16", None),
            Shown::ElsewhereOnly => app(all, "192.0.2.0/24", None),
            Shown::Primary => PRIMARY.to_owned(),
            Shown::WrongPrimary => "no cat at all".to_owned(),
            Shown::PrimaryAndCode => format!("{PRIMARY}{}", self.code(UnixTime(now()))),
            Shown::PrimaryAndOldCode => format!("{PRIMARY}{}", self.code(UnixTime(now() - 3600))),
            Shown::WrongPrimaryAndCode => format!("no cat at all{}", self.code(UnixTime(now()))),
            Shown::PrimaryAndRecovery | Shown::PrimaryAndRetired => {
                let codes = enrollment.renew_recovery_codes(name, self.made).unwrap();
                if shown == Shown::PrimaryAndRetired {
                    enrollment.retire_recovery_codes(name, self.made).unwrap();
                }
                format!("{PRIMARY} {}", text(&codes[0].reveal()))
            }
            Shown::Nothing => " ".to_owned(),
        }
    }

    fn app_password(
        &self,
        name: &AccountName,
        scope: &str,
        networks: &str,
        expires_at: Option<UnixTime>,
    ) -> String {
        let (label, scope) = (label("phone"), Scope::parse(scope).unwrap());
        let networks = Networks::parse(networks).unwrap_or_default();
        let wanted = Wanted { label: &label, scope: &scope, networks: &networks, expires_at };
        let policy = &Config::read(Path::new(DEFAULT_PATH), Owner(0)).unwrap().policy.app_passwords;
        let issued = Enrollment::new(&self.vault).add_app_password(name, &wanted, policy, self.made).unwrap();
        text(&issued.password.reveal())
    }

    fn code(&self, at: UnixTime) -> String {
        let code = otp::hotp(&self.totp.key, self.totp.algorithm, self.totp.digits, at.0 / 300);
        (0..1_000_000)
            .map(|number| format!("{number:06}"))
            .find(|text| {
                Code::parse(text.as_bytes(), self.totp.digits).is_some_and(|guess| guess.matches(code))
            })
            .unwrap()
    }
}

fn name(account: &str) -> AccountName {
    AccountName::parse(account.as_bytes(), &Config::parse(b"").unwrap().naming).unwrap()
}

fn label(text: &str) -> Label {
    Label::parse(text).unwrap()
}

fn text(secret: &Secret) -> String {
    String::from_utf8(secret.expose().to_vec()).unwrap()
}

/// A door: whether it carries a case, and how it is asked.
struct Door {
    name: &'static str,
    carries: fn(&Case) -> bool,
    ask: fn(&Case) -> bool,
}

const DOORS: [Door; 6] = [
    Door {
        name: "Dovecot, PAM",
        carries: |case| case.service == "imap",
        ask: |case| over(Protocol::Imap, case),
    },
    Door {
        name: "Postfix, plug-in in its jail",
        carries: |case| case.service == "smtp",
        ask: |case| over(Protocol::Plugin, case),
    },
    Door {
        name: "Postfix, saslauthd's language",
        // It carries no address.
        carries: |case| {
            case.service == "smtp" && ![Shown::HereOnly, Shown::ElsewhereOnly].contains(&case.shown)
        },
        ask: |case| over(Protocol::Saslauthd, case),
    },
    Door {
        name: "Postfix, Dovecot",
        carries: |case| case.service == "smtp",
        ask: |case| over(Protocol::Submission, case),
    },
    Door {
        name: "C interface, posternd",
        carries: |_| true,
        ask: |case| c_interface("socket=/run/postern/verify", case),
    },
    Door {
        name: "C interface, in process",
        carries: |_| true,
        ask: |case| c_interface("config=/etc/postern/postern.toml", case),
    },
];

fn over(protocol: Protocol, case: &Case) -> bool {
    clients::login(protocol, &case.from, &case.account, &case.secret) == Login::Ok
}

fn c_interface(choice: &str, case: &Case) -> bool {
    let arguments = [case.account.as_str(), case.service, choice, &case.from];
    run("/run/rig/login", &arguments, &format!("{}\n", case.secret)).status == 0
}

/// What `postern try` says, which spends like any other door here.
fn attempt(case: &Case) -> Run {
    let arguments =
        ["try", &case.account, "--service", case.service, "--rhost", &case.from, "--spend", "--json"];
    run("postern", &arguments, &format!("{}\n", case.secret))
}

fn every_door_gives_the_same_verdict_for_the_same_reason(rig: &mut Rig) {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/examples/c/login.c");
    must(&format!("cc -Wall -Werror -o /run/rig/login {example} -lpostern"));
    with_spoiled(&[STORE], || {
        let cases = Cases::build();
        assert!(cases.len() >= 200, "{}", cases.len());
        fs::copy(STORE, KEPT).unwrap();
        let expected: Vec<Answer> = asked(rig, &cases, |_| true, |case| attempt(case).status == 0)
            .into_iter()
            .map(Option::unwrap)
            .collect();
        let mut differences = Vec::new();
        for door in &DOORS {
            let answers = asked(rig, &cases, door.carries, door.ask);
            for ((case, expected), answer) in cases.iter().zip(&expected).zip(answers) {
                if answer.as_ref().is_some_and(|answer| answer != expected) {
                    let Case { shown, state, service, from, .. } = case;
                    differences.push(format!(
                        "{}: {shown:?} {state:?} {service} {from}: {answer:?}, not {expected:?}",
                        door.name
                    ));
                }
            }
        }
        assert!(differences.is_empty(), "{differences:#?}");
        // The list is worth something only if it holds both.
        let granted = expected.iter().filter(|(granted, _)| *granted).count();
        assert!((20..100).contains(&granted), "{granted}");
    });
}

/// Asks about each case that a door carries, on a fresh copy of the store.
fn asked(
    rig: &Rig,
    cases: &[Case],
    carries: fn(&Case) -> bool,
    ask: impl Fn(&Case) -> bool + Sync,
) -> Vec<Option<Answer>> {
    fs::copy(KEPT, STORE).unwrap();
    must("rm -f /run/postern/refusals /run/postern/tombstones");
    let mark = rig.log.mark();
    let carried: Vec<&Case> = cases.iter().filter(|case| carries(case)).collect();
    let granted = std::sync::Mutex::new(std::collections::BTreeMap::new());
    for some in carried.chunks(6) {
        all_at_once(some, |case| {
            let answer = ask(case);
            granted.lock().unwrap().insert(case.account.clone(), answer);
        });
    }
    let granted = granted.into_inner().unwrap();
    let reason = |case: &Case| {
        let whose = format!("account=\"{}\" ", case.account);
        let line = rig.log.find(mark, |line| audit(line).is_some_and(|said| said.contains(&whose)));
        let line = line.unwrap_or_else(|| panic!("no audit line for {:?} {:?}", case.shown, case.state));
        let said = audit(&line).unwrap_or_default().to_owned();
        let word = |name: &str| said.split(' ').find_map(|field| field.strip_prefix(name)).map(str::to_owned);
        word("why=").or_else(|| word("path=")).unwrap_or(said)
    };
    let answer = |case: &Case| granted.get(&case.account).map(|granted| (*granted, reason(case)));
    cases.iter().map(answer).collect()
}
