//! What a login costs: through Dovecot's own auth workers, against `pam_permit` on the same Dovecot in one run.
//!
//! Figures are ratios of rates that were measured in turn, so that a machine that slows down slows both.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark stops at the first surprise")]
#![allow(clippy::disallowed_methods, reason = "a benchmark measures by the real clock")]

#[path = "../support/mod.rs"]
mod support;
mod auth_client;
mod chain;

use std::process::ExitCode;
use std::time::Instant;

use auth_client::AuthClient;
use support::command::must;
use support::namespaces;
use support::rig::Rig;

const ROUNDS: usize = 5;
const LOGINS: u32 = 2000;
const DOVECOT_EXAMPLE: &str = "/etc/dovecot/conf.d/auth-postern.conf.ext";
const PERMIT: &str = "passdb {\n driver = pam\n args = permit\n}\nuserdb {\n driver = passwd\n}\n";

fn main() -> ExitCode {
    if !namespaces::root() {
        eprintln!("make bench needs root, for namespaces of its own.");
        return ExitCode::from(2);
    }
    if !namespaces::inside() {
        eprintln!("no namespaces of our own: {}", namespaces::enter());
        return ExitCode::FAILURE;
    }
    chain::measure();
    let mut rig = Rig::start();
    let person = rig.virtual_person();
    let phone = person.app_password("phone");
    let ours = std::fs::read_to_string(DOVECOT_EXAMPLE).unwrap();
    let permit = "auth required pam_permit.so\\naccount required pam_permit.so\\n";
    must(&format!("printf '{permit}' >/etc/pam.d/permit"));
    println!("{LOGINS} logins a round through Dovecot's auth service, {} at a time", auth_client::AT_ONCE);
    println!("round   app password   pam_permit   ratio");
    let mut ratios: Vec<f64> = (1..=ROUNDS)
        .map(|round| {
            let app_password = rate(&mut rig, &ours, &person.name, &phone);
            let pam_permit = rate(&mut rig, PERMIT, &person.name, "anything");
            let ratio = app_password / pam_permit;
            println!("{round:>5} {app_password:>12.0}/s {pam_permit:>10.0}/s {ratio:>7.2}");
            ratio
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    println!("app password against pam_permit, median of {ROUNDS}: {:.2}", ratios.get(ROUNDS / 2).unwrap());
    ExitCode::SUCCESS
}

/// Logins a second with this configuration, after some that do not count.
fn rate(rig: &mut Rig, example: &str, account: &str, secret: &str) -> f64 {
    std::fs::write(DOVECOT_EXAMPLE, example).unwrap();
    let mut rate = 0.0;
    rig.with_dovecot("true", |_| {
        let mut client = AuthClient::connect();
        client.log_in(account, secret, 300);
        let start = Instant::now();
        client.log_in(account, secret, LOGINS);
        rate = f64::from(LOGINS) / start.elapsed().as_secs_f64();
    });
    rate
}
