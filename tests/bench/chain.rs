//! What a long audit chain costs: a walk along all of it, and one more row at its end.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Instant;

use postern::config::{Config, Owner};
use postern::domain::account::{AccountName, AccountState};
use postern::domain::time::UnixTime;
use postern::enrollment::{Enrollment, NewPrimary};
use postern::store::{ChainWalk, Made, Walked};
use postern::verifier::Vault;

const ROWS: i64 = 100_000;

/// In memory, so that the disk is not what is measured.
pub fn measure() {
    let directory = tempfile::tempdir_in("/dev/shm").unwrap();
    let vault = vault(directory.path());
    let made = Made { at: UnixTime(1_700_000_000), by: 0 };
    let name = AccountName::parse(b"alice", &Config::parse(b"").unwrap().naming).unwrap();
    Enrollment::new(&vault).add_account(&name, &NewPrimary::Pam(None), made).unwrap();
    let account = vault.store.account(&name).unwrap().unwrap().id;
    let change = || vault.store.set_account_state(account, AccountState::Active, made).unwrap();
    let start = Instant::now();
    (2..ROWS).for_each(|_| {
        change();
    });
    let each = start.elapsed() / u32::try_from(ROWS).unwrap();
    let start = Instant::now();
    let mut walk = ChainWalk::new(vault.chain_keys().unwrap(), Vec::new());
    let rows = loop {
        match vault.store.walk_chain(&mut walk).unwrap() {
            Walked::Further { .. } => {}
            Walked::Whole(whole) => break whole.rows,
            Walked::Flawed(flaw) => panic!("{flaw}"),
        }
    };
    println!("log verify: {rows} rows in {:.2?}; a change with its row took {each:.0?}", start.elapsed());
}

fn vault(directory: &Path) -> Vault {
    let text = format!("store = \"{0}/var/store.db\"\nkey = \"{0}/key\"\n", directory.display());
    let owner = Owner(fs::metadata(directory).unwrap().uid());
    let made = Made { at: UnixTime(1_700_000_000), by: 0 };
    Vault::create(&Config::parse(text.as_bytes()).unwrap(), owner, made, Box::new(|_| ())).unwrap()
}
