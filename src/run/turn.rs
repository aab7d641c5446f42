//! One process at a time, of a kind.

use std::path::Path;

use crate::run::directory::{self, Lock, RunError};

/// The turn of this process, until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct Turn(#[allow(dead_code, reason = "a lock is held, not read")] Lock);

/// Takes the turn of this name; `None` where another process has it.
///
/// # Errors
/// Where the file cannot be used.
pub fn take_turn(run_dir: &Path, owner: u32, name: &str) -> Result<Option<Turn>, RunError> {
    let file = directory::open(run_dir, name, owner)?;
    Ok(directory::lock(&run_dir.join(name), file, 1)?.map(Turn))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn one_has_the_turn_and_then_the_next() {
        let directory = tempfile::tempdir().unwrap();
        let owner = directory.path().metadata().unwrap().uid();
        let take = || take_turn(&directory.path().join("run"), owner, "probe").unwrap();
        let turn = take();
        assert!(turn.is_some() && take().is_none());
        drop(turn);
        assert!(take().is_some());
    }
}
