//! Every input that is kept, run once and without a fuzzer: what was found stays mended.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at the first surprise")]

mod targets;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use targets::{TARGETS, Target};

fn main() -> ExitCode {
    let whole = Trial::test("every_corpus_has_its_target", || {
        every_corpus_has_its_target();
        Ok(())
    });
    let replay = |target: &'static Target| Trial::test(target.name, move || replay(target));
    let trials = [whole].into_iter().chain(TARGETS.iter().map(replay)).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn every_corpus_has_its_target() {
    let names: BTreeSet<&str> = TARGETS.iter().map(|target| target.name).collect();
    let kept: Vec<PathBuf> = entries(&corpora());
    let kept: BTreeSet<&str> = kept.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, kept);
}

fn replay(target: &Target) -> Result<(), libtest_mimic::Failed> {
    let inputs = entries(&corpora().join(target.name));
    if inputs.is_empty() {
        return Err("the corpus is empty".into());
    }
    // What no corpus need hold.
    for input in [&b""[..], b"\0", b"\xff", b"\n"] {
        (target.run)(input);
    }
    for input in inputs {
        let content = fs::read(&input).unwrap();
        std::panic::catch_unwind(|| (target.run)(&content)).map_err(|_| input.display().to_string())?;
    }
    Ok(())
}

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus")
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}
