//! A moment that has been.

use std::ffi::OsStr;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan};

use crate::cli::failure::Failure;
use crate::domain::time::UnixTime;

/// Which end of a day is meant by its name.
#[derive(Clone, Copy)]
pub(super) enum Edge {
    Begin,
    End,
}

/// Reads a span before now, a day or a time; in seconds of Unix time.
pub(super) fn read(typed: &OsStr, now: UnixTime, edge: Edge) -> Result<i64, Failure> {
    let moment = typed.to_str().and_then(|text| moment(text, now, edge, &TimeZone::system()));
    moment.map(Timestamp::as_second).ok_or_else(|| {
        let what = "a moment is a span before now, a day, or a day and a time".to_owned();
        Failure::Usage(what, "such as 2h, 7d, 2030-12-31 or '2030-12-31 18:00'")
    })
}

fn moment(text: &str, now: UnixTime, edge: Edge, zone: &TimeZone) -> Option<Timestamp> {
    if let Ok(span) = text.parse::<Span>() {
        let now = Timestamp::from_second(i64::try_from(now.0).ok()?).ok()?;
        return Some(now.to_zoned(zone.clone()).checked_sub(span.abs()).ok()?.timestamp());
    }
    // A day with a time would be taken for the whole day.
    if text.contains(':') {
        let local = || text.parse::<DateTime>().ok()?.to_zoned(zone.clone()).ok();
        return text.parse().ok().or_else(|| local().map(|zoned| zoned.timestamp()));
    }
    let day = text.parse::<Date>().ok()?;
    let begin = |day: Date| day.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp());
    match edge {
        Edge::Begin => begin(day),
        Edge::End => begin(day.tomorrow().ok()?)?.checked_sub(1.second()).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_in_the_zone_of_the_reader() {
        let now = UnixTime(1_700_000_000); // 2023-11-14T22:13:20Z
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        for (text, begin, end) in [
            ("2h", 1_699_992_800, 1_699_992_800),
            ("2h ago", 1_699_992_800, 1_699_992_800),
            ("7d", 1_699_395_200, 1_699_395_200),
            ("2023-11-14", 1_699_916_400, 1_700_002_799),
            ("2023-11-14 23:13", 1_699_999_980, 1_699_999_980),
            ("2023-11-14T23:13:20", 1_700_000_000, 1_700_000_000),
            ("2023-11-14T22:13:20Z", 1_700_000_000, 1_700_000_000),
        ] {
            let read = |edge| moment(text, now, edge, &zone).map(Timestamp::as_second);
            assert_eq!((read(Edge::Begin), read(Edge::End)), (Some(begin), Some(end)), "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in ["", "soon", "12", "2023-02-30", "2023-11-14 25:00", ":", "999999999y", "yesterday\n"] {
            assert!(read(OsStr::new(text), UnixTime(1_700_000_000), Edge::Begin).is_err(), "{text}");
        }
    }
}
