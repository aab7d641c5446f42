//! What every proof uses: the command in a process of its own, and a look into the store.

use std::process::{Command, Output, Stdio};

use crate::site::Site;

pub const SUCCESS: i32 = 0;
pub const AUTH_ERR: i32 = 7;
pub const AUTHINFO_UNAVAIL: i32 = 9;
pub const MAXTRIES: i32 = 11;
pub const MAIL: &str = "imap,pop3,smtp,sieve";
pub const IMAP: &str = "postern-imap";

/// The command on this site, with nothing to read.
pub fn command(site: &Site, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_postern"));
    command.env_clear().arg("--config").arg(site.path("etc/postern.toml")).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the command, which must succeed; what it printed. Where others kept the store busy for too long, it is run again.
#[track_caller]
pub fn postern(site: &Site, arguments: &[&str]) -> String {
    const UNAVAILABLE: i32 = 5;
    for _ in 0..5 {
        let Output { status, stdout, stderr } = command(site, arguments).output().unwrap();
        let said = String::from_utf8_lossy(&stderr);
        if status.success() {
            return String::from_utf8(stdout).unwrap().trim_end().to_owned();
        }
        let busy = status.code() == Some(UNAVAILABLE) && said.contains("locked by another writer");
        assert!(busy, "{arguments:?}: {status}: {said}");
    }
    panic!("{arguments:?}: the store is locked all the time");
}

/// One number that the store answers.
pub fn count(site: &Site, sql: &str) -> i64 {
    let store = rusqlite::Connection::open(site.path("store/store.db")).unwrap();
    store.query_row(sql, [], |row| row.get(0)).unwrap()
}
