//! A copy of the sources in which faults are planted and tests are run.
//!
//! Never: touches the tree that it is a copy of, or its build directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::faults::{Fault, Place};

/// Far longer than a build and a test take; a fault that hangs must not hang the proof.
const DEADLINE: &str = "300";

pub struct Workshop {
    tree: PathBuf,
    build: PathBuf,
}

/// How a test ended.
pub enum End {
    Red,
    Green,
    /// It did not come to an end that says anything about the fault.
    Neither(String),
}

impl Workshop {
    /// Both directories stay for the next time, so that only what has changed is built again.
    pub fn open() -> Self {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let (tree, build) = (target.join("faults/tree"), target.join("faults/build"));
        fs::create_dir_all(&tree).unwrap();
        mirror(Path::new(env!("CARGO_MANIFEST_DIR")), &tree);
        Self { tree, build }
    }

    /// Plants a fault, runs its test, and takes it out again.
    pub fn try_out(&self, fault: &Fault) -> End {
        let path = self.tree.join(&fault.file);
        let sound = fs::read_to_string(&path).unwrap();
        fs::write(&path, fault.plant(&sound).unwrap()).unwrap();
        let end = self.run(&fault.test.target, &[&fault.test.name]);
        fs::write(&path, sound).unwrap();
        end
    }

    /// Runs tests of one target, all of which must be there.
    pub fn run(&self, target: &str, names: &[&str]) -> End {
        if Place::of(target).needs_module {
            let built = self
                .cargo("rustc", &["--release", "--lib", "--crate-type", "cdylib", "--no-default-features"]);
            if !built.status {
                return End::Neither(built.said);
            }
        }
        let tests =
            self.cargo("test", &[&Place::of(target).selection()[..], &["--", "--exact"], names].concat());
        let failed = |name: &&str| tests.said.contains(&format!("\ntest {name} ... FAILED\n"));
        let all_passed = tests.said.contains(&format!("test result: ok. {} passed; 0 failed", names.len()));
        match (tests.status, names.iter().any(failed)) {
            (true, _) if all_passed => End::Green,
            (false, true) => End::Red,
            _ => End::Neither(tests.said),
        }
    }

    fn cargo(&self, verb: &str, arguments: &[&str]) -> Said {
        let build = if verb == "rustc" { self.build.join("module") } else { self.build.clone() };
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new("timeout")
            .args([DEADLINE.as_ref(), cargo.as_os_str()])
            .args([verb, "--locked", "--offline"])
            .args(arguments)
            .current_dir(&self.tree)
            .env("CARGO_TARGET_DIR", build)
            .env("RUST_BACKTRACE", "0")
            // Quick to build: nobody looks into these with a debugger, or waits for them in a login.
            .envs([("CARGO_PROFILE_DEV_DEBUG", "0"), ("CARGO_PROFILE_RELEASE_LTO", "off")])
            .envs([
                ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
                ("CARGO_PROFILE_RELEASE_INCREMENTAL", "true"),
            ])
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        Said { status: output.status.success(), said: String::from_utf8_lossy(&said).into_owned() }
    }
}

struct Said {
    status: bool,
    said: String,
}

/// Makes a directory like another, and leaves alone what is so already: cargo goes by the time of a file.
fn mirror(from: &Path, to: &Path) {
    let names = |path: &Path| -> Vec<_> {
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    };
    let wanted = names(from);
    for name in names(to).iter().filter(|name| !wanted.contains(name)) {
        let path = to.join(name);
        if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.unwrap();
    }
    for name in wanted.iter().filter(|name| *name != "target" && *name != ".git") {
        let (source, copy) = (from.join(name), to.join(name));
        if source.is_dir() {
            fs::create_dir_all(&copy).unwrap();
            mirror(&source, &copy);
        } else if fs::read(&source).ok() != fs::read(&copy).ok() {
            fs::copy(&source, &copy).unwrap();
        }
    }
}
