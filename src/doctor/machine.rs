//! The machine as it is: files, and the hosts' own tools.
//!
//! Knows: that a file or a tool may be missing, or refuse.
//! Never: hands on what a tool said without the caller's choice; it may hold secrets of the host.

use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::time::SystemTime;

use crate::hosts::{NotRun, Program};

/// Longer than any tool takes.
const SECONDS: u16 = 20;

/// Far beyond any configuration.
const MOST: u64 = 4 * 1024 * 1024;

/// Why there is nothing to look at.
#[derive(Debug)]
pub(super) enum Missed {
    /// It is not installed, or not there.
    Absent,
    /// This user may not.
    Forbidden,
    /// It failed, in its own words or the system's.
    Failed(String),
}

impl From<io::Error> for Missed {
    fn from(error: io::Error) -> Self {
        if error.kind() == ErrorKind::NotFound {
            Self::Absent
        } else if error.kind() == ErrorKind::PermissionDenied {
            Self::Forbidden
        } else {
            Self::Failed(error.to_string())
        }
    }
}

/// What a tool prints.
pub(super) fn ask(tool: &str, arguments: &[&str]) -> Result<String, Missed> {
    let program = Program { name: tool, arguments, stdin: None, longest: SECONDS };
    let ended = program.run(&|| false).map_err(|error| match error {
        NotRun::Missing(_) => Missed::Absent,
        NotRun::Io(_, error) => error.into(),
        NotRun::TooLong(_) | NotRun::Stopped => Missed::Failed(error.to_string()),
    })?;
    // Its own words may repeat what it has read.
    ended
        .result()
        .map_err(|_| Missed::Failed(format!("`{tool} {}` fails: run it to see why", arguments.join(" "))))
}

/// The text of a file.
pub(super) fn read(path: impl AsRef<Path>) -> Result<String, Missed> {
    let mut content = Vec::new();
    fs::File::open(path)?.take(MOST).read_to_end(&mut content)?;
    Ok(String::from_utf8_lossy(&content).into_owned())
}

/// When a file's content was last changed.
pub(super) fn changed(path: impl AsRef<Path>) -> Option<SystemTime> {
    fs::metadata(path).and_then(|known| known.modified()).ok()
}

/// The names in a directory, in order; none where it cannot be read.
pub(super) fn names_in(directory: impl AsRef<Path>) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}
