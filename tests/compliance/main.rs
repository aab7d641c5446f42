//! Postern as mail users and attackers meet it: behind the real Dovecot and Postfix, which nothing here imitates.
//!
//! Needs root, for namespaces of its own; without, every trial counts as skipped.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a trial stops at the first surprise"
)]
#![allow(clippy::disallowed_methods, reason = "real servers run by the real clock")]

/// A fact, and what shows it. The names are the documentation.
type Fact = (&'static str, fn(&mut Rig));

macro_rules! facts {
    ($($fact:ident),* $(,)?) => { &[$((stringify!($fact), $fact)),*] };
}

#[path = "../support/mod.rs"]
mod support;
mod logins;
mod side_doors;
mod breakage;
mod disks;
mod hostile;
mod shell;
mod policy;
mod plugin;
mod doors;
mod log;
mod guides;
mod directory;
mod manage;
mod probe;
mod rig_itself;

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::{Arguments, Failed, Trial};
use support::rig::Rig;
use support::{directory as packages, namespaces};

fn main() -> ExitCode {
    if std::env::var_os(rig_itself::HELD).is_some() {
        rig_itself::hold();
    }
    let mut arguments = Arguments::from_args();
    // One machine, one log: one trial at a time.
    arguments.test_threads = Some(1);
    let rig = Arc::new(Mutex::new(None));
    if namespaces::root() && !arguments.list {
        if !namespaces::inside() {
            eprintln!("no namespaces of our own: {}", namespaces::enter());
            return ExitCode::FAILURE;
        }
        *rig.lock().unwrap() = Some(Rig::start());
    }
    let facts = [
        logins::FACTS,
        side_doors::FACTS,
        breakage::FACTS,
        disks::FACTS,
        hostile::FACTS,
        shell::FACTS,
        policy::FACTS,
        plugin::FACTS,
        doors::FACTS,
        log::FACTS,
        guides::FACTS,
        manage::FACTS,
        probe::FACTS,
        if env::var_os("POSTERN_PROOF").is_some() { probe::SLOW_FACTS } else { &[] },
        rig_itself::FACTS,
    ];
    let mut trials: Vec<_> = facts.concat().into_iter().map(|fact| trial(fact, &rig)).collect();
    let skipped = !namespaces::root() || !packages::is_there();
    let slow = if env::var_os("POSTERN_PROOF").is_some() { directory::SLOW_FACTS } else { &[] };
    trials.extend(
        directory::FACTS.iter().chain(slow).map(|fact| trial(*fact, &rig).with_ignored_flag(skipped)),
    );
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(rig.lock().unwrap_or_else(PoisonError::into_inner).take());
    conclusion.exit_code()
}

fn trial((name, show): Fact, rig: &Arc<Mutex<Option<Rig>>>) -> Trial {
    let rig = Arc::clone(rig);
    let run = move || {
        let mut rig = rig.lock().unwrap_or_else(PoisonError::into_inner);
        let rig = rig.as_mut().ok_or("the rig is not up")?;
        let mark = rig.log.mark();
        catch_unwind(AssertUnwindSafe(|| show(rig))).map_err(|panic| {
            let said = panic.downcast_ref::<String>().cloned();
            let said = said.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            Failed::from(format!("{}\nlog:\n{}", said.unwrap_or_default(), rig.log.since(mark).join("\n")))
        })
    };
    Trial::test(name, run).with_ignored_flag(!namespaces::root())
}
