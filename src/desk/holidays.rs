//! Days on which a desk is closed: dates, ranges of dates, and the all-day events of calendar files.

use std::collections::BTreeSet;

use icalendar::parser::{Component, read_calendar, unfold};
use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};

use super::moment::{self, NoMoment};

/// Maximum length of a range, in days; a longer one is taken for a mistyped year.
const MAX_RANGE_DAYS: i32 = 366;
/// Last year for which yearly events are expanded.
const LAST_YEAR: i16 = 2100;
/// Maximum nesting depth of components in a calendar file.
const MAX_DEPTH: usize = 8;

/// Days on which a desk is closed.
///
/// In `twite.toml` a list of days, `"2026-12-25"`, and of ranges, `"2026-12-24 to 2027-01-01"`, both ends included.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Holidays(BTreeSet<Date>);

/// Why holidays cannot be parsed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HolidaysError {
    /// Neither a day nor a range.
    #[error("`{0}` is not a valid date: {1}; write a range as `2026-12-24 to 2027-01-01`")]
    Day(String, NoMoment),
    /// A range that ends before it starts, or is too long.
    #[error("`{0}` is not a valid range of dates: the second must be after the first, within a year")]
    Range(String),
    /// Not an iCalendar file.
    #[error("not a valid iCalendar file: {0}")]
    NoCalendar(String),
    /// An event with an unsupported recurrence rule.
    #[error("the event \"{summary}\" repeats by `{rule}`, which is not supported: list its dates instead")]
    Rule {
        /// The event's summary.
        summary: String,
        /// Its `RRULE`.
        rule: String,
    },
}

impl<const N: usize> From<[Date; N]> for Holidays {
    fn from(days: [Date; N]) -> Self {
        Self(days.into())
    }
}

impl TryFrom<Vec<String>> for Holidays {
    type Error = HolidaysError;

    fn try_from(texts: Vec<String>) -> Result<Self, HolidaysError> {
        let mut holidays = Self::default();
        for text in &texts {
            let day = |text: &str| moment::day(text.trim()).map_err(|why| HolidaysError::Day(short(text), why));
            match text.split_once(" to ") {
                None => {
                    holidays.0.insert(day(text)?);
                }
                Some((from, to)) => holidays.range(day(from)?, day(to)?).ok_or(HolidaysError::Range(short(text)))?,
            }
        }
        Ok(holidays)
    }
}

impl From<Holidays> for Vec<String> {
    fn from(holidays: Holidays) -> Self {
        holidays.0.iter().map(ToString::to_string).collect()
    }
}

impl Holidays {
    /// Whether the desk is closed on a day.
    pub fn contains(&self, day: Date) -> bool {
        self.0.contains(&day)
    }

    /// The holidays from `from` up to, not including, `to`.
    pub(super) fn between(&self, from: Date, to: Date) -> impl Iterator<Item = Date> + '_ {
        self.0.range(from..to).copied()
    }

    /// Adds a day.
    #[cfg(test)]
    pub(super) fn insert(&mut self, day: Date) {
        self.0.insert(day);
    }

    /// Whether there are no holidays.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the all-day events of an iCalendar file. Events with a time of day are ignored.
    ///
    /// # Errors
    /// If it is not an iCalendar file, or an event has an unsupported recurrence rule.
    pub fn add_calendar(&mut self, text: &str) -> Result<(), HolidaysError> {
        let mut depth = 0_usize;
        for line in text.lines() {
            match line.get(..4).map(str::to_ascii_uppercase).as_deref() {
                Some("BEGI") => depth += 1,
                Some("END:") => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth > MAX_DEPTH {
                return Err(HolidaysError::NoCalendar("its parts nest too deeply".into()));
            }
        }
        let unfolded = unfold(text);
        let calendar = read_calendar(&unfolded)
            .map_err(|error| HolidaysError::NoCalendar(short(error.lines().next().unwrap_or("it cannot be read"))))?;
        calendar.components.iter().filter(|c| c.name == "VEVENT").try_for_each(|event| self.add_event(event))
    }

    fn add_event(&mut self, event: &Component<'_>) -> Result<(), HolidaysError> {
        let value = |name: &str| event.find_prop(name).map(|p| p.val.as_str());
        let (Some(from), false) = (value("DTSTART").and_then(date), value("STATUS") == Some("CANCELLED")) else {
            return Ok(());
        };
        // `DTEND` of an all-day event is exclusive.
        let last = value("DTEND").and_then(date).and_then(|end| end.yesterday().ok()).unwrap_or(from).max(from);
        let days = (last - from).get_days().min(MAX_RANGE_DAYS);
        let starts = match value("RRULE") {
            None => vec![from],
            Some(rule) => every_year(from, rule).ok_or_else(|| HolidaysError::Rule {
                summary: short(value("SUMMARY").unwrap_or("without a name")),
                rule: short(rule),
            })?,
        };
        let left_out: Vec<_> = event.properties.iter().filter(|p| p.name == "EXDATE").collect();
        for start in starts {
            if left_out.iter().any(|p| p.val.as_str().split(',').any(|d| date(d) == Some(start))) {
                continue;
            }
            for n in 0..=days {
                self.0.extend(start.checked_add(jiff::Span::new().days(n)));
            }
        }
        Ok(())
    }

    fn range(&mut self, from: Date, to: Date) -> Option<()> {
        let days = (to - from).get_days();
        if !(0..=MAX_RANGE_DAYS).contains(&days) {
            return None;
        }
        self.0.extend(from.series(jiff::Span::new().days(1)).take_while(|day| *day <= to));
        Some(())
    }
}

/// Parses an iCalendar date without a time: `20261225`.
fn date(text: &str) -> Option<Date> {
    let digits = text.trim();
    (digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_digit())).then(|| Date::strptime("%Y%m%d", digits).ok())?
}

/// The days of a yearly recurrence rule, starting with `from`; `None` if the rule is not supported.
fn every_year(from: Date, rule: &str) -> Option<Vec<Date>> {
    let (mut interval, mut count, mut until) = (1, usize::MAX, Date::MAX);
    let (mut month, mut weekday, mut month_day) = (from.month(), None, from.day());
    let mut yearly = false;
    for part in rule.split(';') {
        let (key, value) = part.split_once('=')?;
        match key {
            "FREQ" => yearly = value == "YEARLY",
            "INTERVAL" => interval = value.parse().ok().filter(|n| (1..=100).contains(n))?,
            "COUNT" => count = value.parse().ok()?,
            "UNTIL" => until = date(value.get(..8)?)?,
            "BYMONTH" => month = value.parse().ok().filter(|n| (1..=12).contains(n))?,
            "BYMONTHDAY" => month_day = value.parse().ok().filter(|n| (1..=31).contains(n))?,
            "BYDAY" => weekday = Some(nth_weekday(value)?),
            "WKST" => {}
            _ => return None,
        }
    }
    if !yearly {
        return None;
    }
    let days = (from.year()..=LAST_YEAR).step_by(interval).filter_map(|year| match weekday {
        Some((nth, weekday)) => Date::new(year, month, 1).ok()?.nth_weekday_of_month(nth, weekday).ok(),
        // Years without this day, such as 29 February, are skipped.
        None => Date::new(year, month, month_day).ok(),
    });
    Some(days.filter(|day| *day >= from).take(count).take_while(|day| *day <= until).collect())
}

/// Parses `BYDAY`: `4TH` is the fourth Thursday, `-1MO` the last Monday.
fn nth_weekday(text: &str) -> Option<(i8, Weekday)> {
    let (nth, day) = text.split_at_checked(text.len().checked_sub(2)?)?;
    let weekday = match day {
        "MO" => Weekday::Monday,
        "TU" => Weekday::Tuesday,
        "WE" => Weekday::Wednesday,
        "TH" => Weekday::Thursday,
        "FR" => Weekday::Friday,
        "SA" => Weekday::Saturday,
        "SU" => Weekday::Sunday,
        _ => return None,
    };
    let nth = nth.parse().ok().filter(|n| matches!(n, -5..=-1 | 1..=5))?;
    Some((nth, weekday))
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn days(holidays: &Holidays) -> Vec<String> {
        holidays.clone().into()
    }

    fn of(texts: &[&str]) -> Result<Holidays, HolidaysError> {
        texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>().try_into()
    }

    #[test]
    fn days_and_ranges() {
        let holidays = of(&["2026-12-30 to 2027-01-01", "2026-05-01"]).unwrap();
        assert_eq!(days(&holidays), ["2026-05-01", "2026-12-30", "2026-12-31", "2027-01-01"]);
        for wrong in ["25.12.2026", "2026-02-30", "2026-01-02 to 2026-01-01", "2026-01-01 to 2029-01-01", ""] {
            assert!(of(&[wrong]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn calendars_close_whole_days() {
        let mut holidays = Holidays::default();
        let calendar = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test\r\n\
            BEGIN:VEVENT\r\nUID:1\r\nSUMMARY:New Year\r\nDTSTART;VALUE=DATE:20260101\r\nRRULE:FREQ=YEARLY;COUNT=3\r\nEND:VEVENT\r\n\
            BEGIN:VEVENT\r\nUID:2\r\nSUMMARY:Moving\r\nDTSTART;VALUE=DATE:20260706\r\nDTEND;VALUE=DATE:20260709\r\nEND:VEVENT\r\n\
            BEGIN:VEVENT\r\nUID:3\r\nSUMMARY:Thanksgiving\r\nDTSTART;VALUE=DATE:20261126\r\n\
            RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH;UNTIL=20271231\r\nEND:VEVENT\r\n\
            BEGIN:VEVENT\r\nUID:4\r\nSUMMARY:A talk\r\nDTSTART:20260501T090000Z\r\nEND:VEVENT\r\n\
            BEGIN:VEVENT\r\nUID:5\r\nSUMMARY:Called\r\n  off\r\nSTATUS:CANCELLED\r\nDTSTART;VALUE=DATE:20260601\r\nEND:VEVENT\r\n\
            END:VCALENDAR\r\n";
        holidays.add_calendar(calendar).unwrap();
        assert_eq!(
            days(&holidays),
            [
                "2026-01-01",
                "2026-07-06",
                "2026-07-07",
                "2026-07-08",
                "2026-11-26",
                "2027-01-01",
                "2027-11-25",
                "2028-01-01"
            ]
        );
        assert!(holidays.contains(date(2026, 7, 8)) && !holidays.contains(date(2026, 7, 9)));
    }

    #[test]
    fn what_is_not_understood_is_told() {
        let event = |rule: &str| {
            format!(
                "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Friday\r\nDTSTART;VALUE=DATE:20260102\r\nRRULE:{rule}\r\n\
                 END:VEVENT\r\nEND:VCALENDAR\r\n"
            )
        };
        for rule in ["FREQ=WEEKLY", "FREQ=YEARLY;BYDAY=MO", "FREQ=YEARLY;BYWEEKNO=3", "nonsense"] {
            let error = Holidays::default().add_calendar(&event(rule)).unwrap_err();
            assert!(error.to_string().contains("\"Friday\" repeats by"), "{error}");
        }
        assert!(Holidays::default().add_calendar("hello").is_err());
        let deep = "BEGIN:VEVENT\r\n".repeat(100_000);
        assert!(Holidays::default().add_calendar(&deep).is_err());
    }
}
