//! Floor 2: files <-> meaning.
//!
//! Knows: the configuration file, the key file, and which files may be trusted.
//! Never: what a setting decides, or the store.

mod guarded;
mod file;
mod keys;
mod mistake;
mod policy;
mod daemon;
mod key_file;

pub use daemon::Daemon;
pub use file::{Config, ConfigError, MAX_LEN};
pub use guarded::{FileError, Owner, check};
pub use key_file::{KeyError, KeyFile, create_key, read_key, read_key_copy, replace_key};
pub use mistake::Mistake;

/// Where the configuration lies unless a door names another place.
pub const DEFAULT_PATH: &str = "/etc/postern/postern.toml";

/// The configuration as it is shipped; every value in it is the default.
pub const SHIPPED: &str = include_str!("../../packaging/etc/postern.toml");

/// The service file that checks primary passwords through PAM, as it is shipped.
pub const SHIPPED_PRIMARY: &str = include_str!("../../packaging/etc/primary");

/// What Linux-PAM loads beside it.
pub const SHIPPED_OTHER: &str = include_str!("../../packaging/etc/other");
