//! Faults that somebody could make in one line, and the test that tells of each.
//!
//! The list is `faults.toml`. In the small, each fault still has its place and its test; in full, each is planted and
//! the test must fail.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};

use crate::workshop::{End, Workshop};
use crate::{Fact, Size};

pub const FACTS: &[Fact] = facts![every_planted_fault_is_found_by_its_test];

const LIST: &str = include_str!("faults.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    fault: Vec<Fault>,
}

/// A line of a file that is replaced by another.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What is then wrong.
    what: String,
    pub file: PathBuf,
    /// The line, with those beside it where it stands in the file more than once.
    old: String,
    new: String,
    /// What must fail: `target::path::of::the::test`.
    pub test: Test,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub struct Test {
    pub target: String,
    pub name: String,
}

impl<'de> Deserialize<'de> for Test {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let parts =
            text.split_once("::").ok_or_else(|| serde::de::Error::custom(format!("no test: {text}")))?;
        Ok(Self { target: parts.0.to_owned(), name: parts.1.to_owned() })
    }
}

impl Fault {
    /// The text with the fault in it, if it has its place there, and only one.
    pub fn plant(&self, sound: &str) -> Result<String, String> {
        let (lines, old): (Vec<&str>, Vec<&str>) =
            (sound.lines().collect(), self.old.trim().lines().collect());
        let trimmed = |lines: &[&str]| lines.iter().map(|line| line.trim().to_owned()).collect::<Vec<_>>();
        let wanted = trimmed(&old);
        let places: Vec<usize> = lines
            .windows(old.len())
            .enumerate()
            .filter_map(|(place, window)| (trimmed(window) == wanted).then_some(place))
            .collect();
        let [place] = places[..] else {
            return Err(format!(
                "{}: {} has its line {} times",
                self.what,
                self.file.display(),
                places.len()
            ));
        };
        Ok([&lines[..place], &[self.new.trim()], &lines[place + old.len()..]].concat().join("\n") + "\n")
    }
}

/// How a target of cargo's is selected and what it needs.
pub struct Place<'a> {
    target: &'a str,
    /// Its tests load the module that was built before.
    pub needs_module: bool,
}

impl<'a> Place<'a> {
    pub fn of(target: &'a str) -> Self {
        Self { target, needs_module: ["pam_module", "nested_pam", "sasl_plugin", "memory"].contains(&target) }
    }

    /// Without the programs, unless the tests run them.
    pub fn selection(&self) -> Vec<&'a str> {
        match self.target {
            // The rooms of the command too.
            "lib" => vec!["--lib"],
            "cli" | "moving" | "daemon" => vec!["--test", self.target],
            _ => vec!["--test", self.target, "--no-default-features"],
        }
    }

    fn sources(&self) -> String {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        match self.target {
            "lib" => all_below(&root.join("src")),
            target if root.join("tests").join(target).is_dir() => all_below(&root.join("tests").join(target)),
            target => fs::read_to_string(root.join(format!("tests/{target}.rs"))).unwrap_or_default(),
        }
    }
}

fn all_below(directory: &Path) -> String {
    let paths = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    paths
        .map(|path| if path.is_dir() { all_below(&path) } else { fs::read_to_string(path).unwrap() })
        .collect()
}

fn every_planted_fault_is_found_by_its_test(size: Size) -> String {
    let list: List = toml::from_str(LIST).unwrap();
    assert!(20 <= list.fault.len());
    let lost: Vec<String> = list.fault.iter().filter_map(|fault| misfit(fault).err()).collect();
    assert!(lost.is_empty(), "{lost:#?}");
    match size {
        Size::Small => String::new(),
        Size::Full => plant_all(&list.fault),
    }
}

/// Cheap, so that whoever changes a line learns at once that a fault was made of it.
fn misfit(fault: &Fault) -> Result<(), String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&fault.file);
    let sound = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    if fault.plant(&sound)? == sound {
        return Err(format!("{}: no fault", fault.what));
    }
    let name = fault.test.name.rsplit("::").next().unwrap_or_default();
    let found = Place::of(&fault.test.target).sources().contains(&format!("fn {name}("));
    found.then_some(()).ok_or_else(|| format!("{}: no test {}", fault.what, fault.test.name))
}

fn plant_all(faults: &[Fault]) -> String {
    let workshop = Workshop::open();
    all_green_without(&workshop, faults);
    let mut wrong = 0;
    println!();
    for fault in faults {
        let (target, name) = (&fault.test.target, &fault.test.name);
        let end = match workshop.try_out(fault) {
            End::Red => "red".to_owned(),
            End::Green => "GREEN".to_owned(),
            End::Neither(said) => format!("NEITHER\n{said}"),
        };
        wrong += usize::from(end != "red");
        println!("{} -> {target}::{name} -> {end}", fault.what);
    }
    assert_eq!(wrong, 0, "faults that their tests did not find");
    format!("{} faults planted, {} tests red", faults.len(), faults.len())
}

/// A test that fails anyway finds no fault.
fn all_green_without(workshop: &Workshop, faults: &[Fault]) {
    let mut targets: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for fault in faults {
        targets.entry(&fault.test.target).or_default().insert(&fault.test.name);
    }
    for (target, names) in targets {
        match workshop.run(target, &names.into_iter().collect::<Vec<_>>()) {
            End::Green => {}
            End::Red => panic!("{target} fails without a fault"),
            End::Neither(said) => panic!("{target}: {said}"),
        }
    }
}
