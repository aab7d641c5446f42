//! The slots in which primary passwords are checked.
//!
//! Each check is dear (19 MiB of Argon2id, or a directory). Without a bound, strangers who send nothing but wrong ones
//! keep everybody else waiting.

use std::num::NonZero;
use std::path::Path;
use std::thread;

use crate::run::directory::{self, Lock, RunError};

/// One second in all, then the machine is full. Longer, and the workers of a host would all stand here, with nobody left
/// for app passwords.
const LOOKS: u32 = 200;

/// One place in which a primary password is checked, until it is dropped.
#[derive(Debug)]
pub struct Slot(#[allow(dead_code, reason = "a lock is held, not read")] Lock);

/// Takes a slot; `None` where all stay taken for a second.
///
/// # Errors
/// Where the files cannot be used.
pub fn take_slot(run_dir: &Path, owner: u32) -> Result<Option<Slot>, RunError> {
    directory::patiently(LOOKS, || {
        for number in 0..how_many() {
            let name = format!("slot-{number}");
            let file = directory::open(run_dir, &name, owner)?;
            if let Some(lock) = directory::lock(&run_dir.join(name), file, 1)? {
                return Ok(Some(Slot(lock)));
            }
        }
        Ok(None)
    })
}

/// One for each two processors, so that app passwords always find one free.
fn how_many() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get).div_euclid(2).clamp(1, 8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn there_are_so_many_slots_and_no_more() {
        let directory = tempfile::tempdir().unwrap();
        let owner = directory.path().metadata().unwrap().uid();
        let run = directory.path().join("run");
        let mut taken: Vec<Slot> =
            (0..how_many()).map(|_| take_slot(&run, owner).unwrap().unwrap()).collect();
        assert!(take_slot(&run, owner).unwrap().is_none());
        taken.pop();
        assert!(take_slot(&run, owner).unwrap().is_some());
    }
}
