//! `postern app list`, for oneself.

use crate::cli::failure::Failure;
use crate::cli::own::{Own, unexpected};
use crate::store::{AppPasswordRow, LastUse};
use crate::wire::manage::{Answer, ListedAppPassword, Request};

impl Own<'_> {
    /// All app passwords of the account, live ones first, as root sees them.
    pub(in crate::cli) fn app_passwords(&self) -> Result<Vec<AppPasswordRow>, Failure> {
        let mut rows: Vec<AppPasswordRow> = Vec::new();
        let mut after = 0;
        loop {
            let Answer::AppPasswords(page) = self.ask(&Request::ListAppPasswords { after })? else {
                return Err(unexpected());
            };
            let last = page.rows.last().map(|row| row.id).filter(|last| after < *last);
            rows.extend(page.rows.into_iter().map(row));
            match last {
                Some(last) if !page.is_last => after = last,
                Some(_) | None => break,
            }
        }
        rows.sort_by_key(|row| (row.revoked_at.is_some(), row.created_at, row.id));
        Ok(rows)
    }

    /// The name of the account.
    pub(in crate::cli) fn name(&self) -> Result<String, Failure> {
        Ok(self.account()?.name)
    }
}

fn row(listed: ListedAppPassword) -> AppPasswordRow {
    let (service, from) = (listed.last_used_service, listed.last_used_from);
    let last_use = listed.last_used_at.map(|at| LastUse {
        at,
        service,
        from: Some(from).filter(|from| !from.is_empty()),
    });
    AppPasswordRow {
        id: i64::try_from(listed.id).unwrap_or(i64::MAX),
        label: listed.label,
        scope: listed.scope,
        created_at: listed.created_at,
        created_by: listed.created_by,
        networks: listed.networks,
        revoked_at: listed.revoked_at,
        expires_at: listed.expires_at,
        last_use,
        replaces: None,
        revocation: None,
        restorable_until: None,
    }
}
