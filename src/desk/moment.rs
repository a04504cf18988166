//! Parses timestamps and dates, with errors that say what is wrong.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// Why a text is not a valid timestamp or date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoMoment {
    /// Not in the expected format.
    #[error("{0}")]
    Form(&'static str),
    /// The month is not between 1 and 12.
    #[error("month {0:02} out of range")]
    Month(u8),
    /// The month does not have this day.
    #[error("{month} {year} has {days} days")]
    Day {
        /// The month's name.
        month: &'static str,
        /// The year.
        year: i16,
        /// The number of days of the month.
        days: u8,
    },
    /// The time of day or the UTC offset is out of range.
    #[error("{0}")]
    Time(&'static str),
    /// Later than the latest supported timestamp.
    #[error("the latest timestamp is in December 9999; for \"never\", omit it")]
    Late,
    /// Any other error of the date library.
    #[error("{0}")]
    Other(String),
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Parses a day in a time zone, or a timestamp. Returns when it begins and ends, which for a timestamp is the same; `None` if the
/// text is neither.
pub fn day_or_moment(text: &str, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some((at, at));
    }
    // `Date` also reads the date of a time without a zone.
    let is_day = !text.contains(['T', 't', ':', ' ']);
    let day = text.parse::<Date>().ok().filter(|_| is_day)?;
    let midnight = |day: Date| Some(day.to_zoned_datetime(zone.clone()).ok()?.timestamp());
    Some((midnight(day)?, midnight(day.tomorrow().ok()?)?))
}

/// Parses a timestamp with its time zone: `2026-01-05T12:00:00Z`.
///
/// # Errors
/// If the text is not valid; the error says why.
pub fn moment(text: &str) -> Result<Timestamp, NoMoment> {
    const FORM: NoMoment = NoMoment::Form("write a timestamp with its zone, as `2026-01-05T12:00:00Z`");
    text.parse().map_err(|error: jiff::Error| {
        let Some((date, rest)) = text.split_at_checked(10) else { return FORM };
        let date = match day(date) {
            Err(why) => return why,
            Ok(date) => date,
        };
        let Some(time) = rest.strip_prefix(['T', 't', ' ']) else { return FORM };
        let zone = time.find(|c: char| !(c.is_ascii_digit() || matches!(c, ':' | '.'))).unwrap_or(time.len());
        let (clock, zone) = time.split_at(zone);
        let mut parts = clock.split(':').map(|part| part.split('.').next().and_then(|whole| whole.parse::<u8>().ok()));
        let (hour, minute, second) = (parts.next().flatten(), parts.next().flatten(), parts.next().flatten());
        match (hour, minute, second) {
            (Some(24..), ..) => {
                NoMoment::Time("hours range from 00 to 23; for the end of a day, write 00:00 of the next")
            }
            (_, Some(60..), _) => NoMoment::Time("minutes range from 00 to 59"),
            (_, _, Some(60..)) => NoMoment::Time("seconds range from 00 to 59"),
            (None, ..) | (_, None, _) => FORM,
            _ if zone.is_empty() => {
                NoMoment::Form("missing time zone: write `Z` for UTC, or an offset such as `+01:00`")
            }
            _ if zone.starts_with(['+', '-']) && !is_offset(zone) => {
                NoMoment::Time("the UTC offset must be hours and minutes, less than 26 hours: `+01:00`")
            }
            _ if date >= jiff::civil::date(9999, 12, 30) => NoMoment::Late,
            _ => NoMoment::Other(error.to_string()),
        }
    })
}

/// Parses a date: `2026-01-31`.
///
/// # Errors
/// If the text is not valid; the error says why.
pub fn day(text: &str) -> Result<Date, NoMoment> {
    const FORM: NoMoment = NoMoment::Form("write a date as `2026-01-31`");
    let mut parts = text.split('-');
    let mut part = |length: usize| {
        let part = parts.next().filter(|part| part.len() == length && part.bytes().all(|b| b.is_ascii_digit()))?;
        part.parse::<i16>().ok()
    };
    let (Some(year), Some(month), Some(day)) = (part(4), part(2), part(2)) else { return Err(FORM) };
    if parts.next().is_some() {
        return Err(FORM);
    }
    let (month, day) = (i8::try_from(month).unwrap_or(i8::MAX), i8::try_from(day).unwrap_or(i8::MAX));
    let Ok(first) = Date::new(year, month, 1) else { return Err(NoMoment::Month(month.unsigned_abs())) };
    Date::new(year, month, day).map_err(|_| NoMoment::Day {
        month: usize::try_from(month - 1).ok().and_then(|month| MONTHS.get(month)).copied().unwrap_or_default(),
        year,
        days: first.days_in_month().unsigned_abs(),
    })
}

fn is_offset(zone: &str) -> bool {
    let digits = |text: &str| text.parse::<u8>().ok();
    let zone = zone.get(1..).unwrap_or_default();
    let (hours, minutes) = match zone.split_once(':') {
        Some((hours, minutes)) => (digits(hours), digits(minutes)),
        None => (
            zone.get(..2).and_then(digits),
            zone.get(2..).map_or(Some(0), |m| if m.is_empty() { Some(0) } else { digits(m) }),
        ),
    };
    matches!((hours, minutes), (Some(0..26), Some(0..60)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_moment_says_why() {
        for (text, why) in [
            ("2026-02-30T00:00:00Z", "February 2026 has 28 days"),
            ("2028-02-30T00:00:00Z", "February 2028 has 29 days"),
            ("2026-04-31T00:00:00Z", "April 2026 has 30 days"),
            ("2026-01-00T00:00:00Z", "January 2026 has 31 days"),
            ("2026-13-01T00:00:00Z", "month 13 out of range"),
            ("2026-00-01T00:00:00Z", "month 00 out of range"),
            ("2026-01-07T24:00:00Z", "hours range from 00 to 23; for the end of a day, write 00:00 of the next"),
            ("2026-01-07T12:60:00Z", "minutes range from 00 to 59"),
            ("2026-01-07T12:00:61Z", "seconds range from 00 to 59"),
            ("9999-12-31T23:59:59Z", "the latest timestamp is in December 9999; for \"never\", omit it"),
            ("2026-01-07T12:00:00", "missing time zone: write `Z` for UTC, or an offset such as `+01:00`"),
            ("2026-01-07T12:00:00+26:00", "the UTC offset must be hours and minutes, less than 26 hours: `+01:00`"),
            ("2026-01-07T12:00:00+01:60", "the UTC offset must be hours and minutes, less than 26 hours: `+01:00`"),
            ("2026-01-07", "write a timestamp with its zone, as `2026-01-05T12:00:00Z`"),
            ("2026-01-07Tnoon", "write a timestamp with its zone, as `2026-01-05T12:00:00Z`"),
            ("tomorrow", "write a timestamp with its zone, as `2026-01-05T12:00:00Z`"),
            ("", "write a timestamp with its zone, as `2026-01-05T12:00:00Z`"),
        ] {
            assert_eq!(moment(text).unwrap_err().to_string(), why, "{text}");
        }
        for text in ["2026-01-07T12:00:00Z", "2026-01-07T12:00:00+01:00", "2026-01-07 12:00Z", "9999-12-30T00:00:00Z"] {
            assert!(moment(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_no_day_says_why() {
        for (text, why) in [
            ("2026-02-29", "February 2026 has 28 days"),
            ("2026-13-01", "month 13 out of range"),
            ("2026-1-1", "write a date as `2026-01-31`"),
            ("2026-01-01T00:00:00Z", "write a date as `2026-01-31`"),
            ("2026-01-01-01", "write a date as `2026-01-31`"),
        ] {
            assert_eq!(day(text).unwrap_err().to_string(), why, "{text}");
        }
        assert_eq!(day("9999-12-31"), Ok(jiff::civil::date(9999, 12, 31)));
    }
}
