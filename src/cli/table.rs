//! Tables and dates.

use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::failure::Failure;
use crate::cli::text;
use crate::domain::time::UnixTime;

/// What a cell shows where there is nothing.
pub(super) const NOTHING: &str = "-";

/// Writes rows under their headings; without rows, nothing.
pub(super) fn print<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> Result<(), Failure> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut table = plain(rows);
    table.set_header(headings);
    text::result(&format!("{}\n", table.trim_fmt()))
}

/// Writes rows whose columns have at least these widths, so that later rows stand below earlier ones.
pub(super) fn print_columns<const N: usize>(widths: [u16; N], rows: &[[String; N]]) -> Result<(), Failure> {
    if rows.is_empty() {
        return Ok(());
    }
    let mut table = plain(rows);
    for (column, width) in table.column_iter_mut().zip(widths) {
        column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width + GAP)));
    }
    text::result(&format!("{}\n", table.trim_fmt()))
}

/// Blanks between two columns.
const GAP: u16 = 2;

fn plain<const N: usize>(rows: &[[String; N]]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    for row in rows {
        table.add_row(row.iter().map(|cell| text::escaped(cell)));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, GAP));
    }
    table
}

/// A moment to the second, as the reader's clock shows it.
pub(super) fn to_the_second(moment: UnixTime) -> String {
    timestamp(moment).to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Writes facts about one thing, each on a line of its own.
pub(super) fn facts(facts: &[(&str, String)]) -> Result<(), Failure> {
    let width = facts.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let line = |(name, fact): &(&str, String)| format!("{name:width$}  {}\n", text::escaped(fact));
    text::result(&facts.iter().map(line).collect::<String>())
}

/// How many there are, and what they are called.
pub(super) fn labels<'a>(labels: impl Iterator<Item = &'a str>) -> String {
    let labels: Vec<&str> = labels.collect();
    if labels.is_empty() { "none".to_owned() } else { format!("{}: {}", labels.len(), labels.join(", ")) }
}

/// A moment as the reader's clock shows it.
pub(super) fn local(moment: UnixTime) -> String {
    in_zone(moment, TimeZone::system())
}

/// The last moment at which something is good that ends then: the end of a day is shown as that day, not as the next.
pub(super) const fn last_before(end: UnixTime) -> UnixTime {
    UnixTime(end.0.saturating_sub(1))
}

/// The same as the reader's clock shows it.
pub(super) fn until(end: UnixTime) -> String {
    local(last_before(end))
}

/// The day of a moment by the reader's clock.
pub(super) fn day(moment: UnixTime) -> String {
    timestamp(moment).to_zoned(TimeZone::system()).strftime("%Y-%m-%d").to_string()
}

/// A moment in UTC, for the name of a file.
pub(super) fn compact(moment: UnixTime) -> String {
    timestamp(moment).strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// A moment in RFC 3339, UTC.
pub(super) fn rfc3339(moment: UnixTime) -> String {
    timestamp(moment).to_string()
}

fn in_zone(moment: UnixTime, zone: TimeZone) -> String {
    timestamp(moment).to_zoned(zone).strftime("%Y-%m-%d %H:%M").to_string()
}

/// A row may hold any number; one beyond the year 9999 becomes the last moment there is.
fn timestamp(moment: UnixTime) -> Timestamp {
    i64::try_from(moment.0).ok().and_then(|secs| Timestamp::from_second(secs).ok()).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_shown_in_the_readers_zone_and_told_in_utc() {
        let moment = UnixTime(1_700_000_000);
        assert_eq!(rfc3339(moment), "2023-11-14T22:13:20Z");
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        assert_eq!(in_zone(moment, zone), "2023-11-15 00:13");
        assert!(rfc3339(UnixTime(u64::MAX)).starts_with("9999-"));
    }
}
