//! When something that is made now shall end.

use std::ffi::OsStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};

use crate::cli::failure::Failure;
use crate::domain::time::UnixTime;

/// Reads a span from now, such as `90d`, `12w` or `1y`, or a date, whose day is the last one.
pub(super) fn read(typed: &OsStr, now: UnixTime) -> Result<UnixTime, Failure> {
    let end = typed.to_str().and_then(|text| end(text, now, TimeZone::system()));
    end.filter(|end| now < *end).ok_or_else(|| {
        let what = "an expiry is a span from now or a date to come".to_owned();
        Failure::Usage(what, "such as 90d, 12w, 1y or 2030-12-31; nothing was made")
    })
}

fn end(text: &str, now: UnixTime, zone: TimeZone) -> Option<UnixTime> {
    let end: Zoned = if let Ok(last_day) = text.parse::<Date>() {
        last_day.tomorrow().ok()?.to_zoned(zone).ok()?
    } else {
        let now = Timestamp::from_second(i64::try_from(now.0).ok()?).ok()?;
        now.to_zoned(zone).checked_add(text.parse::<Span>().ok()?).ok()?
    };
    u64::try_from(end.timestamp().as_second()).ok().map(UnixTime)
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
            ("", None),
            ("2023-02-30", None),
            ("999999999y", None),
        ] {
            assert_eq!(end(text, now, TimeZone::UTC).map(|end| end.0), expected, "{text}");
        }
    }

    #[test]
    fn what_is_over_before_it_begins_is_refused() {
        let now = UnixTime(1_700_000_000);
        for text in ["0d", "-5d", "2023-11-13", "1970-01-01"] {
            assert!(read(OsStr::new(text), now).is_err(), "{text}");
        }
    }
}
