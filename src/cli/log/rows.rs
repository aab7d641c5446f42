//! The rows that are asked for, newest last.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;
use serde::Serialize;

use crate::cli::Exit;
use crate::cli::failure::Failure;
use crate::cli::log::filter::{Filter, FilterArguments};
use crate::cli::log::follow;
use crate::cli::log::probes::Probes;
use crate::cli::progress::Progress;
use crate::cli::site::Site;
use crate::cli::{table, text};
use crate::domain::time::UnixTime;
use crate::store::{AuditRow, Store, StoreError};

#[derive(Args)]
pub(super) struct RowsCommand {
    #[command(flatten)]
    filter: FilterArguments,
    /// How many rows at most, the newest of those that fit.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    limit: u32,
    /// Leave nothing out. Else a table without --account, --event and --label has one row of each probe, its last.
    #[arg(long)]
    all: bool,
    /// Print JSON, one object on each line.
    #[arg(long)]
    json: bool,
    /// Go on with every row that is added, until Ctrl-C.
    #[arg(long, short)]
    follow: bool,
}

pub(super) fn run(site: &Site<'_>, command: &RowsCommand) -> Result<Exit, Failure> {
    let filter = Filter::read(site, &command.filter)?;
    let form = match (command.json, command.follow) {
        (true, _) => Form::Json,
        (false, true) => Form::Columns,
        (false, false) => Form::Table,
    };
    let store = site.vault()?.store;
    let newest = store.audit_rows_below(i64::MAX, 1)?.first().map_or(0, |row| row.id);
    let mut probes = Probes::default();
    let folds = form == Form::Table && !command.all && !filter.names_something();
    let mut fits = |row: &AuditRow| !(folds && probes.leaves_out(row)) && filter.fits(row);
    let rows = newest_that_fit(&store, newest, &mut fits, command.limit, &mut Progress::new(site.world))?;
    drop(store);
    if command.follow {
        return follow::run(site, &filter, form, &rows, newest);
    }
    form.print(site, &rows)?;
    if rows.is_empty() && form == Form::Table {
        text::note("No row fits. Leave filters out, or see `postern log --help` for what they take.");
    }
    if 0 < probes.left_out() {
        text::note(&format!(
            "Left out: {} of probes, which --all shows.",
            text::counted(probes.left_out(), "row")
        ));
    }
    Ok(Exit::Ok)
}

/// Rows that are read at once.
pub(super) const PAGE: u32 = 1000;

/// Backwards from a row, so that a long log is not read from its beginning.
fn newest_that_fit(
    store: &Store,
    newest: i64,
    fits: &mut dyn FnMut(&AuditRow) -> bool,
    limit: u32,
    progress: &mut Progress<'_>,
) -> Result<Vec<AuditRow>, StoreError> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut fitting = Vec::new();
    let mut below = newest.saturating_add(1);
    loop {
        let page = store.audit_rows_below(below, PAGE)?;
        let Some(oldest) = page.last().map(|row| row.id) else {
            break;
        };
        fitting.extend(page.into_iter().filter(|row| fits(row)).take(limit - fitting.len()));
        if fitting.len() == limit {
            break;
        }
        below = oldest;
        progress.tell(&format!("searching, at row {below}"));
    }
    fitting.reverse();
    Ok(fitting)
}

/// How rows are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As wide as these rows need.
    Table,
    /// With columns that stay where they are when more rows come.
    Columns,
    /// One object on each line.
    Json,
}

const HEADINGS: [&str; 7] = ["ROW", "WHEN", "BY", "EVENT", "ACCOUNT", "LABEL", "DETAIL"];
const WIDTHS: [u16; 7] = [6, 19, 8, 16, 16, 12, 0];

impl Form {
    pub(super) fn print(self, site: &Site<'_>, rows: &[AuditRow]) -> Result<(), Failure> {
        let names = names(site, rows);
        let cells = || rows.iter().map(|row| cells(row, &names)).collect::<Vec<_>>();
        match self {
            Self::Table => table::print(HEADINGS, &cells()),
            Self::Columns => table::print_columns(WIDTHS, &cells()),
            Self::Json => rows.iter().try_for_each(|row| text::json_line(&Told::new(row, &names))),
        }
    }

    /// What stands above the rows, where more may come.
    pub(super) fn print_headings(self) -> Result<(), Failure> {
        match self {
            Self::Columns => table::print_columns(WIDTHS, &[HEADINGS.map(str::to_owned)]),
            Self::Table | Self::Json => Ok(()),
        }
    }
}

/// One row of `log --json`.
#[derive(Serialize)]
struct Told<'a> {
    row: i64,
    at: Option<String>,
    by: i64,
    by_name: Option<&'a str>,
    event: &'a str,
    account: Option<&'a str>,
    label: Option<&'a str>,
    detail: Option<&'a str>,
    anchor: String,
}

impl<'a> Told<'a> {
    fn new(row: &'a AuditRow, names: &'a Names) -> Self {
        Self {
            row: row.id,
            at: moment(row.at).map(table::rfc3339),
            by: row.by,
            by_name: names.get(&row.by).map(String::as_str),
            event: &row.event,
            account: row.account.as_deref(),
            label: row.label.as_deref(),
            detail: row.detail.as_deref(),
            anchor: row.anchor.to_string(),
        }
    }
}

/// What the system calls the users who did something, each asked for once.
type Names = BTreeMap<i64, String>;

fn names(site: &Site<'_>, rows: &[AuditRow]) -> Names {
    let uids: BTreeSet<i64> = rows.iter().map(|row| row.by).collect();
    let name = |uid: i64| Some((uid, (site.world.name_of)(u32::try_from(uid).ok()?)?));
    uids.into_iter().filter_map(name).collect()
}

fn cells(row: &AuditRow, names: &Names) -> [String; 7] {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| table::NOTHING.to_owned());
    [
        row.id.to_string(),
        moment(row.at).map_or_else(|| table::NOTHING.to_owned(), table::to_the_second),
        names.get(&row.by).cloned().unwrap_or_else(|| row.by.to_string()),
        row.event.clone(),
        text(&row.account),
        text(&row.label),
        row.detail.as_deref().map(readable).unwrap_or_default(),
    ]
}

/// A detail with its ends as the reader's clock shows them; the row itself keeps seconds.
fn readable(detail: &str) -> String {
    let word = |word: &str| {
        let end = word.split_once('=').filter(|(name, _)| ["expires", "until"].contains(name));
        let end = end.and_then(|(name, secs)| Some((name, UnixTime(secs.parse().ok()?))));
        end.map_or_else(|| word.to_owned(), |(name, end)| format!("{name}={}", table::until(end)))
    };
    detail.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// None where somebody has written what is no time of ours.
pub(super) fn moment(at: i64) -> Option<UnixTime> {
    u64::try_from(at).ok().map(UnixTime)
}
