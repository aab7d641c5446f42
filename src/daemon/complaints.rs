//! Complaints about peers, each uid's once in a while.
//!
//! Any local user can ask what is not permitted, as often as they like. A log that is full, or that puts off whoever
//! writes too much (journald.conf(5), RateLimitBurst), would lose the lines about logins.

use std::collections::BTreeMap;

/// Milliseconds in which one uid is complained of once.
const PAUSE: u64 = 60_000;

/// Most uids complained of meanwhile: with subordinate ones (subuid(5)) one person has thousands.
const MOST: usize = 32;

/// When which uid was complained of.
#[derive(Default)]
pub(super) struct Complaints(BTreeMap<u32, u64>);

impl Complaints {
    /// Whether the log is to be told of this uid now; then it is told.
    pub(super) fn is_due(&mut self, uid: u32, now: u64) -> bool {
        self.0.retain(|_, told_at| now < told_at.saturating_add(PAUSE));
        if self.0.contains_key(&uid) || MOST <= self.0.len() {
            return false;
        }
        self.0.insert(uid, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_uid_is_complained_of_once_in_a_while_and_not_too_many() {
        let mut complaints = Complaints::default();
        assert!(complaints.is_due(33, 0) && complaints.is_due(1000, 1));
        assert!(!complaints.is_due(33, PAUSE - 1));
        assert!(complaints.is_due(33, PAUSE));
        let told = (100_000..165_536).filter(|uid| complaints.is_due(*uid, 3 * PAUSE)).count();
        assert_eq!(told, MOST);
        assert!(complaints.is_due(1000, 4 * PAUSE));
    }
}
