//! The permit table, by uid.

use std::collections::BTreeMap;

use crate::config::Daemon;
use crate::daemon::{ServeError, World};
use crate::domain::account::{AccountName, Case, DomainRule, Naming};
use crate::domain::permit::{Permit, User};

/// What each uid may ask.
pub(super) struct Permits(BTreeMap<u32, Permit>);

impl Permits {
    /// Looks the names up.
    ///
    /// # Errors
    /// Where the system does not know one, or cannot say.
    pub(super) fn resolve(config: &Daemon, world: &World<'_>) -> Result<Self, ServeError> {
        let named = config.permits.iter().map(|(user, permit)| Ok((uid(user, world)?, permit.clone())));
        named.collect::<Result<_, _>>().map(Self)
    }

    /// Root may ask everything, and so may the user that the daemon runs as.
    pub(super) fn of(&self, uid: u32, owner: u32) -> Option<&Permit> {
        if uid == 0 || uid == owner {
            return Some(&Permit::EVERYTHING);
        }
        self.0.get(&uid)
    }
}

fn uid(user: &User, world: &World<'_>) -> Result<u32, ServeError> {
    let name = match user {
        User::Uid(uid) => return Ok(*uid),
        User::Name(name) => name,
    };
    let naming = Naming { case: Case::Keep, domain: DomainRule::Keep };
    let parsed = AccountName::parse(name.as_bytes(), &naming).ok();
    let found = parsed.and_then(|parsed| (world.uid_of)(&parsed).ok().flatten());
    found.ok_or_else(|| ServeError::NoUser(name.clone()))
}
