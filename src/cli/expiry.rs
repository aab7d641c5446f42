//! Moments as people write them: ends to come, and days gone by.

use std::ffi::OsStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};

use crate::cli::failure::Failure;
use crate::domain::time::UnixTime;

/// Reads a span from now, such as `12h`, `90d`, `12w` or `1y`, or a date, whose day is the last one.
pub(super) fn read(typed: &OsStr, now: UnixTime) -> Result<UnixTime, Failure> {
    let end = typed.to_str().and_then(|text| end(text, now, TimeZone::system()));
    end.filter(|end| now < *end).ok_or_else(|| {
        let what = "an expiry is a span from now or a date to come".to_owned();
        Failure::Usage(what, "such as 12h, 90d, 12w, 1y or 2030-12-31; nothing was made")
    })
}

/// Reads a span back from now, such as `90d`, or a date, which begins with its day.
pub(super) fn past(typed: &OsStr, now: UnixTime) -> Result<UnixTime, Failure> {
    let start = typed.to_str().and_then(|text| start(text, now, TimeZone::system()));
    start.filter(|start| *start <= now).ok_or_else(|| {
        let what = "that is neither a span back from now nor a day gone by".to_owned();
        Failure::Usage(what, "such as 90d, 12w, 1y or 2024-12-31; nothing was changed")
    })
}

/// Reads a span back from now alone.
pub(super) fn before(typed: &OsStr, now: UnixTime) -> Result<UnixTime, Failure> {
    let start = typed.to_str().and_then(|text| back(text, now, TimeZone::system()));
    start.filter(|start| *start <= now).ok_or_else(|| {
        let what = "an age is a span".to_owned();
        Failure::Usage(what, "such as 90d, 12w or 1y; nothing was changed")
    })
}

fn start(text: &str, now: UnixTime, zone: TimeZone) -> Option<UnixTime> {
    match text.parse::<Date>() {
        Ok(day) => seconds(&day.to_zoned(zone).ok()?),
        Err(_) => back(text, now, zone),
    }
}

fn back(text: &str, now: UnixTime, zone: TimeZone) -> Option<UnixTime> {
    let now = Timestamp::from_second(i64::try_from(now.0).ok()?).ok()?;
    seconds(&now.to_zoned(zone).checked_sub(span(text)?).ok()?)
}

/// A number of hours, days, weeks or years. `m` would be minutes to one and months to another.
fn span(text: &str) -> Option<Span> {
    let written = text.strip_suffix(['h', 'd', 'w', 'y'])?;
    let number = !written.is_empty() && written.bytes().all(|octet| octet.is_ascii_digit());
    number.then(|| text.parse().ok()).flatten()
}

fn seconds(moment: &Zoned) -> Option<UnixTime> {
    u64::try_from(moment.timestamp().as_second()).ok().map(UnixTime)
}

fn end(text: &str, now: UnixTime, zone: TimeZone) -> Option<UnixTime> {
    let end: Zoned = if let Ok(last_day) = text.parse::<Date>() {
        last_day.tomorrow().ok()?.to_zoned(zone).ok()?
    } else {
        let now = Timestamp::from_second(i64::try_from(now.0).ok()?).ok()?;
        now.to_zoned(zone).checked_add(span(text)?).ok()?
    };
    seconds(&end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_counts_from_now_and_a_date_ends_with_its_day() {
        let now = UnixTime(1_700_000_000); // 2023-11-14T22:13:20Z
        let day = 86_400;
        for (text, expected) in [
            ("90d", Some(now.0 + 90 * day)),
            ("2w", Some(now.0 + 14 * day)),
            ("12h", Some(now.0 + day / 2)),
            ("2023-11-15", Some(1_700_092_800)),
            ("soon", None),
            ("3m", None),
            ("3mo", None),
            ("90s", None),
            ("1d3h", None),
            ("P3M", None),
            ("", None),
            ("2023-02-30", None),
            ("999999999y", None),
        ] {
            assert_eq!(end(text, now, TimeZone::UTC).map(|end| end.0), expected, "{text}");
        }
    }

    #[test]
    fn a_span_counts_back_from_now_and_a_date_begins_with_its_day() {
        let now = UnixTime(1_700_000_000); // 2023-11-14T22:13:20Z
        for (text, expected) in [
            ("90d", Some(now.0 - 90 * 86_400)),
            ("12h", Some(now.0 - 43_200)),
            ("2023-11-14", Some(1_699_920_000)),
            ("long", None),
            ("999y", None),
        ] {
            assert_eq!(start(text, now, TimeZone::UTC).map(|start| start.0), expected, "{text}");
        }
        for text in ["-5d", "2023-11-16", ""] {
            assert!(past(OsStr::new(text), now).is_err(), "{text}");
        }
        assert!(before(OsStr::new("2020-01-01"), now).is_err());
        assert!(before(OsStr::new("1y"), now).is_ok());
    }

    #[test]
    fn what_is_over_before_it_begins_is_refused() {
        let now = UnixTime(1_700_000_000);
        for text in ["0d", "-5d", "2023-11-13", "1970-01-01"] {
            assert!(read(OsStr::new(text), now).is_err(), "{text}");
        }
    }
}
