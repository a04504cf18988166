//! Rate limits and waits from response headers, with implausible values dropped.

use std::time::Duration;

use jiff::{Timestamp, fmt::rfc2822};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// Maximum wait accepted from a server: a day, X's longest rate limit window.
pub const MAX_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// Rate limit state from the headers of a response.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Calls allowed per window.
    pub limit: Option<u64>,
    /// Calls left in the current window.
    pub remaining: Option<u64>,
    /// How long until the next window starts: from a second to [`MAX_WAIT`].
    pub resets_in: Option<Duration>,
}

impl Limits {
    /// Parses X's rate limit headers. Reset times are relative to the response's own `Date`, so a skewed local clock
    /// does not matter; without a `Date`, to `now`.
    pub fn read(headers: &HeaderMap, now: Timestamp) -> Self {
        let now = answered_at(headers).unwrap_or(now);
        let window = |prefix: &str| {
            let number = |name: &str| text(headers, &format!("{prefix}{name}"))?.parse::<u64>().ok();
            let reset = number("reset").and_then(|s| Timestamp::from_second(i64::try_from(s).ok()?).ok());
            Self {
                limit: number("limit"),
                remaining: number("remaining"),
                resets_in: reset.and_then(|reset| until(reset, now)),
            }
        };
        // A used-up daily cap takes precedence over the short window.
        ["x-app-limit-24hour-", "x-user-limit-24hour-"]
            .map(window)
            .into_iter()
            .find(|day| day.remaining == Some(0))
            .unwrap_or_else(|| window("x-rate-limit-"))
    }
}

/// The wait that `Retry-After` asks for, given in seconds or as a date.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = text(headers, RETRY_AFTER.as_str())?;
    match value.parse() {
        Ok(seconds) => believed(Duration::from_secs(seconds)),
        Err(_) => until(date(value)?, answered_at(headers).unwrap_or(now)),
    }
}

/// The time of the response by the server's clock (`Date`).
pub fn answered_at(headers: &HeaderMap) -> Option<Timestamp> {
    date(text(headers, DATE.as_str())?)
}

/// Time until `at`; `None` if it has passed or is implausibly far ahead.
fn until(at: Timestamp, now: Timestamp) -> Option<Duration> {
    believed(Duration::try_from(now.duration_until(at)).ok()?)
}

fn believed(wait: Duration) -> Option<Duration> {
    (!wait.is_zero() && wait <= MAX_WAIT).then(|| wait.max(Duration::from_secs(1)))
}

fn date(value: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_timestamp(value).ok()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_reset_that_makes_no_sense_is_not_believed() {
        let second = Some(Duration::from_secs(1));
        for (reset, wait) in [
            ("1800000600", Some(Duration::from_secs(600))),
            ("1800086400", Some(MAX_WAIT)),
            (" 1800000001 ", second),
            ("1800086401", None),
            // Milliseconds instead of seconds; the year 5138; an integer overflow.
            ("1800000600000", None),
            ("99999999999", None),
            ("99999999999999999999999", None),
            ("1800000000", None),
            ("1799999999", None),
            ("0", None),
            ("-5", None),
            ("600.5", None),
            ("abc", None),
            ("", None),
        ] {
            let read = Limits::read(&headers(&[("x-rate-limit-remaining", "0"), ("x-rate-limit-reset", reset)]), NOW);
            assert_eq!(read, Limits { limit: None, remaining: Some(0), resets_in: wait }, "{reset}");
        }
    }

    #[test]
    fn a_cap_for_the_day_counts_once_it_is_used_up() {
        let day = |remaining| {
            let read = headers(&[
                ("x-rate-limit-limit", "15"),
                ("x-rate-limit-remaining", "14"),
                ("x-rate-limit-reset", "1800000600"),
                ("x-user-limit-24hour-remaining", remaining),
                ("x-user-limit-24hour-reset", "1800040000"),
            ]);
            Limits::read(&read, NOW).resets_in.map(|wait| wait.as_secs())
        };
        assert_eq!((day("3"), day("0")), (Some(600), Some(40_000)));
    }

    #[test]
    fn times_count_from_the_clock_that_names_them() {
        let late = [("date", "Fri, 15 Jan 2027 09:00:00 GMT"), ("x-rate-limit-reset", "1800003660")];
        assert_eq!(Limits::read(&headers(&late), NOW).resets_in, Some(Duration::from_secs(60)));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        for (value, wait) in [
            ("2", Some(2)),
            ("Fri, 15 Jan 2027 08:00:30 GMT", Some(30)),
            ("Fri, 15 Jan 2027 07:00:00 GMT", None),
            ("Fri, 15 Jan 2077 08:00:00 GMT", None),
            ("0", None),
            ("-1", None),
            ("99999999999", None),
            ("soon", None),
        ] {
            let read = retry_after(&headers(&[("retry-after", value)]), NOW);
            assert_eq!(read, wait.map(Duration::from_secs), "{value}");
        }
    }
}
