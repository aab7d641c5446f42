//! Changes to the private machine that end with the trial that made them.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use super::command::must;
use super::namespaces::WORK;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// Lets a trial spoil files, and puts them back as they were, owner and mode too, even when the trial fails.
pub fn with_spoiled(paths: &[&str], trial: impl FnOnce()) {
    let saved = format!("{WORK}/saved/{}", NEXT.fetch_add(1, Relaxed));
    for path in paths {
        must(&format!(
            "mkdir -p $(dirname {saved}{path}) && {{ ! test -e {path} || cp -a {path} {saved}{path}; }}"
        ));
    }
    and_then(trial, || {
        for path in paths {
            must(&format!("rm -rf {path} && {{ ! test -e {saved}{path} || cp -a {saved}{path} {path}; }}"));
        }
    });
}

/// Runs `trial`, then `mend`, and only then lets a failure of the trial be seen.
pub fn and_then(trial: impl FnOnce(), mend: impl FnOnce()) {
    let outcome = catch_unwind(AssertUnwindSafe(trial));
    mend();
    outcome.unwrap_or_else(|failure| resume_unwind(failure));
}
