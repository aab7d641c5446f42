//! Rows of probes, which would bury the others: `postern probe` makes an account, logs in with it thirty times, and
//! removes it.

use std::collections::BTreeSet;

use crate::store::AuditRow;

/// What is left out of a probe: all but its last row.
#[derive(Default)]
pub(super) struct Probes {
    /// The accounts of those whose last row was seen, and whose first was not.
    under_way: BTreeSet<String>,
    left_out: usize,
}

impl Probes {
    /// Whether a row is left out; it takes them from the newest back. Only an account that a probe has made, and removed
    /// again, has these events.
    pub(super) fn leaves_out(&mut self, row: &AuditRow) -> bool {
        let Some(account) = &row.account else {
            return false;
        };
        if row.event == "probe.remove" {
            self.under_way.insert(account.clone());
            return false;
        }
        let is_left_out = self.under_way.contains(account);
        if row.event == "probe.add" {
            self.under_way.remove(account);
        }
        self.left_out += usize::from(is_left_out);
        is_left_out
    }

    /// How many were.
    pub(super) const fn left_out(&self) -> usize {
        self.left_out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::anchor::Anchor;

    fn row(event: &str, account: &str) -> AuditRow {
        let account = Some(account.to_owned()).filter(|account| !account.is_empty());
        let (label, detail, anchor) = (None, None, Anchor::new(1, &[]));
        AuditRow { id: 1, at: 0, by: 0, event: event.to_owned(), account, label, detail, anchor }
    }

    #[test]
    fn of_a_probe_the_last_row_is_left_and_of_anybody_else_every_row() {
        let newest_first = [
            ("probe.add", "under-way", false),
            ("probe.remove", "bob", false),
            ("app.add", "alice", false),
            ("app.add", "bob", true),
            ("store.create", "", false),
            ("probe.add", "bob", true),
            ("account.remove", "bob", false),
            ("probe.add", "killed", false),
        ];
        let mut probes = Probes::default();
        for (event, account, left_out) in newest_first {
            assert_eq!(probes.leaves_out(&row(event, account)), left_out, "{event} {account}");
        }
        assert_eq!(probes.left_out(), 2);
    }
}
