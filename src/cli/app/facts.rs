//! What is told of an app password.

use serde::Serialize;

use crate::cli::table;
use crate::domain::policy::AppPasswordPolicy;
use crate::domain::time::UnixTime;
use crate::domain::verdict::Life;
use crate::store::{AppPasswordRow, LastUse};

/// One app password in JSON.
#[derive(Serialize)]
pub(in crate::cli) struct Facts<'a> {
    label: &'a str,
    scope: Vec<&'a str>,
    networks: Vec<String>,
    state: &'static str,
    created_at: String,
    created_by: u32,
    expires_at: Option<String>,
    revoked_at: Option<String>,
    last_used_at: Option<String>,
    last_used_service: Option<&'a str>,
    last_used_from: Option<&'a str>,
}

impl<'a> Facts<'a> {
    pub(in crate::cli) fn new(row: &'a AppPasswordRow, limits: &AppPasswordPolicy, now: UnixTime) -> Self {
        let used = row.last_use.as_ref();
        Self {
            label: &row.label,
            scope: row.scope.services().map(|service| service.as_str()).collect(),
            networks: row.networks.each().collect(),
            state: match row.life_at(now, limits) {
                Life::Live => "live",
                Life::Revoked => "revoked",
                Life::Expired => "expired",
            },
            created_at: table::rfc3339(row.created_at),
            created_by: row.created_by,
            expires_at: limits.end(row.created_at, row.expires_at).map(table::rfc3339),
            revoked_at: row.revoked_at.map(table::rfc3339),
            last_used_at: used.map(|used| table::rfc3339(used.at)),
            last_used_service: used.map(|used| used.service.as_str()),
            last_used_from: used.and_then(|used| used.from.as_deref()),
        }
    }
}

/// Whether it lives, and since or until when.
pub(in crate::cli) fn state(row: &AppPasswordRow, limits: &AppPasswordPolicy, now: UnixTime) -> String {
    let on = |moment: Option<UnixTime>| moment.map_or_else(String::new, |at| format!(" {}", table::day(at)));
    let end = limits.end(row.created_at, row.expires_at).map(table::last_before);
    match (row.life_at(now, limits), end) {
        (Life::Live, None) => "live".to_owned(),
        (Life::Live, end) => format!("until{}", on(end)),
        (Life::Revoked, _) => format!("revoked{}", on(row.revoked_at)),
        (Life::Expired, end) => format!("expired{}", on(end)),
    }
}

/// When, where and from where it was used.
pub(super) fn last_use(used: &LastUse) -> String {
    let from = used.from.as_ref().map_or_else(String::new, |address| format!(" from {address}"));
    format!("{} {}{from}", table::day(used.at), used.service)
}
