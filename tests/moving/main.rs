//! Moving in and out: what was brought along logs in, what was copied is whole, and a new key shuts nobody out.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]

#[path = "../support/site.rs"]
mod site;

mod copying;
mod digits_at_the_end;
mod importing;
mod rekeying;
mod theft;

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use postern::crypto::secret::Secret;
use postern::domain::attempt::{Door, RawAttempt, Shown};
use postern::domain::time::UnixTime;
use postern::domain::verdict::{Denial, Verdict};
use postern::moving::{Existing, Format, Import, Plan, Tally};
use postern::verifier::{Decision, Spending, System, Unavailable, Verifier};
use site::{Site, now};

/// PAM is not asked; crypt(3) is the real one.
const SYSTEM: System<'static> = System {
    check_primary: &|_, _| panic!("PAM is not to be asked for a primary"),
    account_state: &|_, _| panic!("PAM is not to be asked about an account"),
    unix_uid: &|_| Ok(Some(1000)),
    crypt: &postern::ffi::crypt::crypt,
};

/// One attempt, on IMAP if nothing else is said.
struct Ask<'a> {
    account: &'a str,
    secret: &'a str,
    service: &'a str,
    remote: &'a str,
    at: UnixTime,
    spending: Spending,
}

impl<'a> Ask<'a> {
    fn of(account: &'a str, secret: &'a str) -> Self {
        Self { account, secret, service: "imap", remote: "192.0.2.1", at: now(), spending: Spending::Real }
    }

    fn decide(&self, site: &Site) -> Result<Decision, Unavailable> {
        let secret = Secret::copy_of(self.secret.as_bytes());
        let raw = RawAttempt {
            account: self.account.as_bytes(),
            shown: Shown::Field(&secret),
            service: self.service.as_bytes(),
            remote: Some(self.remote.as_bytes()),
            door: Door::Try,
        };
        Verifier::new(&site.config, site.owner(), SYSTEM, self.spending).verify(&raw, &|| self.at)
    }

    #[track_caller]
    fn passes(&self, site: &Site) -> Decision {
        let decision = self.decide(site).unwrap();
        assert!(decision.is_grant(), "{} {}: {:?}", self.account, self.secret, decision.verdict);
        decision
    }

    #[track_caller]
    fn fails(&self, site: &Site, why: Denial) {
        let decision = self.decide(site).unwrap();
        let Verdict::Deny(found) = decision.verdict else { panic!("{} passes", self.secret) };
        assert_eq!(found, why, "{} {}", self.account, self.secret);
    }
}

/// Says that it is over when it is dropped, so that a test that fails does not wait for its threads for ever.
struct Until<'a>(&'a AtomicBool);

impl Drop for Until<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

fn import<'a>(site: &'a Site, vault: &'a postern::verifier::Vault) -> Import<'a> {
    Import {
        vault,
        unix_uid: SYSTEM.unix_uid,
        naming: &site.config.naming,
        limits: &site.config.policy.app_passwords,
        existing: Existing::Refuse,
    }
}

fn plan(site: &Site, content: &str, format: Format) -> Plan {
    let vault = site.vault();
    import(site, &vault).plan(content.as_bytes(), format).unwrap()
}

/// Imports a file without a bad line.
#[track_caller]
fn imported(site: &Site, content: &str, format: Format) -> Tally {
    let vault = site.vault();
    let import = import(site, &vault);
    let plan = import.plan(content.as_bytes(), format).unwrap();
    assert_eq!(plan.bad, [], "{content}");
    import.carry_out(&plan, site.made(), &mut |_| ()).unwrap()
}

fn database(site: &Site) -> rusqlite::Connection {
    rusqlite::Connection::open(site.path("store/store.db")).unwrap()
}

/// The one value that a statement finds.
fn value<T: rusqlite::types::FromSql>(site: &Site, sql: &str) -> T {
    database(site).query_row(sql, [], |row| row.get(0)).unwrap()
}
