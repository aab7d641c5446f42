//! Promises that take long to show: many processes at once, kills at any moment, faults that a test must find.
//!
//! `make test` shows each of them in the small. `make proof` sets `POSTERN_PROOF`, which shows them in full and prints
//! what was counted.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a trial stops at the first surprise"
)]
#![allow(clippy::disallowed_methods, reason = "real processes run by the real clock")]

/// A fact, and what shows it and says what it has counted. The names are the documentation.
type Fact = (&'static str, fn(Size) -> String);

macro_rules! facts {
    ($($fact:ident),* $(,)?) => { &[$((stringify!($fact), $fact)),*] };
}

#[path = "../support/site.rs"]
mod site;
mod world;
mod crowd;
mod endings;
mod codes;
mod crashes;
mod residence;
mod faults;
mod workshop;

use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use libtest_mimic::{Arguments, Trial};

/// How much is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Size {
    Small,
    Full,
}

impl Size {
    fn wanted() -> Self {
        if std::env::var_os("POSTERN_PROOF").is_some() { Self::Full } else { Self::Small }
    }

    const fn of(self, small: usize, full: usize) -> usize {
        match self {
            Self::Small => small,
            Self::Full => full,
        }
    }
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Each one keeps the whole machine busy.
    arguments.test_threads = Some(1);
    let (size, figures) = (Size::wanted(), Arc::default());
    let facts = [endings::FACTS, codes::FACTS, crashes::FACTS, residence::FACTS, faults::FACTS];
    let trials = facts.concat().into_iter().map(|fact| trial(fact, size, &figures)).collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    if size == Size::Full {
        println!("{}\n", figures.lock().unwrap().join("\n"));
    }
    conclusion.exit_code()
}

fn trial((name, show): Fact, size: Size, figures: &Arc<Mutex<Vec<String>>>) -> Trial {
    let figures = Arc::clone(figures);
    Trial::test(name, move || {
        let start = Instant::now();
        let counted = show(size);
        let took = start.elapsed().as_secs_f64();
        figures.lock().unwrap().push(format!("{name}: {counted} ({took:.0} s)"));
        Ok(())
    })
}
