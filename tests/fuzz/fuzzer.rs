//! One program for every target, under libFuzzer; `POSTERN_FUZZ` names the one to run. `tests/fuzz/run` builds it.
#![no_main]

mod targets;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use targets::{TARGETS, Target};

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let wanted = std::env::var("POSTERN_FUZZ").unwrap_or_default();
    let known = || TARGETS.iter().map(|target| target.name).collect::<Vec<_>>().join(" ");
    TARGETS
        .iter()
        .find(|target| target.name == wanted)
        .unwrap_or_else(|| panic!("POSTERN_FUZZ is to be one of: {}", known()))
});

fuzz_target!(|input: &[u8]| (TARGET.run)(input));
