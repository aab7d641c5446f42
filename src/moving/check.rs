//! What is looked for before anything is imported.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::domain::account::AccountName;
use crate::domain::app_password::Label;
use crate::moving::Reason;
use crate::moving::import::{BadLine, Existing, Import, ImportError, Item, Plan};
use crate::store::MAX_UNTAGGED;
use crate::verifier::MOST_TRIED;

/// Holds each line against those before it and against the store.
pub(super) struct Check<'c> {
    import: &'c Import<'c>,
    pub plan: Plan,
    accounts: BTreeMap<AccountName, usize>,
    coming: BTreeSet<AccountName>,
    labels: BTreeMap<(AccountName, String), usize>,
    counts: BTreeMap<AccountName, Counts>,
}

/// The app passwords of an account, those to come included.
#[derive(Clone, Default)]
struct Counts {
    labels: BTreeSet<String>,
    live: usize,
    untagged: usize,
    cost: Duration,
}

impl<'c> Check<'c> {
    pub(super) fn new(import: &'c Import<'c>) -> Self {
        let (plan, accounts, coming, labels, counts) = Default::default();
        Self { import, plan, accounts, coming, labels, counts }
    }

    pub(super) fn take(&mut self, line: usize, item: Result<Item, Reason>) -> Result<(), ImportError> {
        let verdict = match &item {
            Err(why) => Line::Bad(why.clone()),
            Ok(Item::Account { name, .. }) => self.account(line, name)?,
            Ok(Item::AppPassword { account, label, hash, .. }) => {
                let cost = Duration::from_millis(hash.millis().into());
                self.app_password(line, account, label, cost)?
            }
        };
        match (verdict, item, self.import.existing) {
            (Line::Good, Ok(item), _) => self.plan.items.push(item),
            (Line::Exists(_), _, Existing::Keep) => self.plan.kept += 1,
            (Line::Exists(reason), _, Existing::Refuse) => {
                self.plan.bad.push(BadLine { line, reason, exists: true });
            }
            (Line::Bad(reason), ..) | (Line::Good, Err(reason), _) => {
                self.plan.bad.push(BadLine { line, reason, exists: false });
            }
        }
        Ok(())
    }

    fn account(&mut self, line: usize, name: &AccountName) -> Result<Line, ImportError> {
        if let Some(before) = self.accounts.get(name) {
            return Ok(Line::Bad(Reason(format!("it names the account of line {before} again"))));
        }
        self.accounts.insert(name.clone(), line);
        if self.import.vault.store.account(name)?.is_some() {
            return Ok(Line::Exists(Reason("there is such an account already".to_owned())));
        }
        self.coming.insert(name.clone());
        Ok(Line::Good)
    }

    fn app_password(
        &mut self,
        line: usize,
        account: &AccountName,
        label: &Label,
        cost: Duration,
    ) -> Result<Line, ImportError> {
        let key = (account.clone(), label.as_str().to_owned());
        if let Some(before) = self.labels.get(&key) {
            return Ok(Line::Bad(Reason(format!("it names the app password of line {before} again"))));
        }
        self.labels.insert(key, line);
        let most = usize::from(self.import.limits.most);
        let Some(counts) = self.counts(account)? else {
            return Ok(Line::Bad(Reason("there is no such account, here or in the store".to_owned())));
        };
        if counts.labels.contains(label.as_str()) {
            return Ok(Line::Exists(Reason("the account has an app password of that label".to_owned())));
        }
        counts.live += 1;
        counts.untagged += 1;
        counts.cost += cost;
        let too_dear = MOST_TRIED < counts.cost;
        let (live, untagged) = (counts.live, counts.untagged);
        Ok(if MAX_UNTAGGED < untagged {
            Line::Bad(Reason(format!(
                "the account has {MAX_UNTAGGED} brought along already, the most there may be"
            )))
        } else if most < live {
            Line::Bad(Reason(format!("the account has {most} app passwords already, the most there may be")))
        } else if too_dear {
            // The next ones may be cheaper.
            counts.cost -= cost;
            Line::Bad(Reason(format!(
                "the account has brought along hashes that take more than {} seconds together",
                MOST_TRIED.as_secs()
            )))
        } else {
            Line::Good
        })
    }

    /// What an account has, or will have by this import.
    fn counts(&mut self, account: &AccountName) -> Result<Option<&mut Counts>, ImportError> {
        if !self.counts.contains_key(account) {
            let store = &self.import.vault.store;
            let counts = match store.account(account)? {
                Some(found) => {
                    let live =
                        store.app_passwords(found.id)?.into_iter().filter(|row| row.revoked_at.is_none());
                    let labels: BTreeSet<String> = live.map(|row| row.label).collect();
                    let cost = self.import.vault.cost_of_untagged(&found)?;
                    Counts { live: labels.len(), untagged: store.untagged(found.id)?, labels, cost }
                }
                None if self.coming.contains(account) => Counts::default(),
                None => return Ok(None),
            };
            self.counts.insert(account.clone(), counts);
        }
        Ok(self.counts.get_mut(account))
    }
}

enum Line {
    Good,
    Bad(Reason),
    Exists(Reason),
}
