//! Rows as they are added.

use std::io::ErrorKind;

use crate::cli::failure::Failure;
use crate::cli::log::filter::Filter;
use crate::cli::log::rows::{Form, PAGE};
use crate::cli::site::Site;
use crate::cli::{Exit, Reader};
use crate::store::{AuditRow, StoreError};
use crate::verifier::Unavailable;

/// Prints `rows`, then all that come after row `seen` and fit, until nobody reads any more. Ctrl-C ends the process,
/// and between two looks it holds nothing.
pub(super) fn run(
    site: &Site<'_>,
    filter: &Filter,
    form: Form,
    rows: &[AuditRow],
    mut seen: i64,
) -> Result<Exit, Failure> {
    let mut printed = form.print_headings().and_then(|()| form.print(site, rows));
    loop {
        match printed {
            Err(Failure::Output(error)) if error.kind() == ErrorKind::BrokenPipe => return Ok(Exit::Ok),
            printed => printed?,
        }
        if (site.world.pause)() == Reader::Gone {
            return Ok(Exit::Ok);
        }
        let added = added(site, seen)?;
        seen = added.last().map_or(seen, |row| row.id);
        printed = form.print(site, &added.into_iter().filter(|row| filter.fits(row)).collect::<Vec<_>>());
    }
}

/// The store is opened anew for each look: it may be another one by now, with another key.
fn added(site: &Site<'_>, seen: i64) -> Result<Vec<AuditRow>, Failure> {
    let looked = site.vault().and_then(|vault| Ok(vault.store.audit_rows_above(seen, PAGE)?));
    match looked {
        // Somebody writes for long; the next look will show what.
        Err(Unavailable::Store(StoreError::Locked)) => Ok(Vec::new()),
        looked => Ok(looked?),
    }
}
