//! Days on which a desk is closed: dates, ranges of dates, and the all-day events of calendar files.

use std::collections::{BTreeSet, HashMap};

use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};

use super::moment::{self, NoMoment};

/// Maximum length of a range, in days; a longer one is taken for a mistyped year.
const MAX_RANGE_DAYS: i32 = 366;
/// Last year for which yearly events are expanded.
const LAST_YEAR: i16 = 2100;

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
    #[error("not a valid iCalendar file: line {0}: {1}")]
    NoCalendar(usize, String),
    /// An event of a calendar whose days are unclear.
    #[error("line {line}: the event \"{summary}\" {problem}")]
    Event {
        /// The line of the mistake, counted from 1.
        line: usize,
        /// The event's summary.
        summary: String,
        /// What is wrong, and the way out.
        problem: String,
    },
    /// A calendar without holidays.
    #[error(
        "the calendar has no all-day event: add one, as `DTSTART;VALUE=DATE:20261224`, or delete it from `calendars`"
    )]
    NoDays,
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
    /// If it is not an iCalendar file, has no all-day event, or one whose days are unclear.
    pub fn add_calendar(&mut self, text: &str) -> Result<(), HolidaysError> {
        let events = events(text)?;
        // Instances that were moved or cancelled one by one, by the `UID` of their series.
        let mut replaced: HashMap<&str, Vec<&Line>> = HashMap::new();
        for event in &events {
            if let Some(instance) = event.find("RECURRENCE-ID") {
                let uid =
                    event.find("UID").ok_or_else(|| event.wrong(instance, "has a `RECURRENCE-ID` but no `UID`"))?;
                if instance.parameters.contains("RANGE=") {
                    return Err(event.wrong(
                        instance,
                        "changes a range of instances, which is not supported: end the \
                                                      series by `UNTIL`, and add another",
                    ));
                }
                replaced.entry(&uid.value).or_default().push(instance);
            }
        }
        let mut found = false;
        for event in &events {
            found |= self.add_event(event, &replaced)?;
        }
        if found { Ok(()) } else { Err(HolidaysError::NoDays) }
    }

    /// Adds the days of an event; whether it is an all-day event.
    fn add_event(&mut self, event: &Event, replaced: &HashMap<&str, Vec<&Line>>) -> Result<bool, HolidaysError> {
        if event.find("STATUS").is_some_and(|line| line.value.eq_ignore_ascii_case("CANCELLED")) {
            return Ok(false);
        }
        let Some(from) = event.start()? else { return Ok(false) };
        let days = event.days_after(from)?;
        let mut starts: BTreeSet<Date> = match event.find("RRULE") {
            None => [from].into(),
            Some(line) => every_year(from, &line.value.to_ascii_uppercase())
                .ok_or_else(|| {
                    let rule = short(&line.value);
                    event.wrong(line, format!("repeats by `{rule}`, which is not supported: list its dates in `RDATE`"))
                })?
                .into_iter()
                .collect(),
        };
        if let Some(line) = event.all("EXRULE").chain(event.all("RRULE").skip(1)).next() {
            let name = &line.name;
            return Err(
                event.wrong(line, format!("has an `{name}` that is not supported: list dates in `RDATE` or `EXDATE`"))
            );
        }
        for line in event.all("RDATE") {
            starts.extend(event.dates(line)?);
        }
        let instances = match event.find("RECURRENCE-ID") {
            None => event.find("UID").and_then(|uid| replaced.get(&*uid.value)),
            Some(_) => None,
        };
        for line in event.all("EXDATE").chain(instances.into_iter().flatten().copied()) {
            for left_out in event.dates(line)? {
                starts.remove(&left_out);
            }
        }
        for start in starts {
            for n in 0..=days {
                self.0.extend(start.checked_add(jiff::Span::new().days(n)));
            }
        }
        Ok(true)
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

/// A line of a calendar file: `DTSTART;VALUE=DATE:20261225`.
#[derive(Debug)]
struct Line {
    /// Counted from 1.
    number: usize,
    /// In upper case, as RFC 5545 compares without case.
    name: String,
    /// In upper case.
    parameters: String,
    value: String,
}

impl Line {
    fn parse(number: usize, text: &str) -> Option<Self> {
        let mut quoted = false;
        let colon = text.find(|c| {
            quoted ^= c == '"';
            c == ':' && !quoted
        })?;
        let (head, value) = (text.get(..colon)?, text.get(colon + 1..)?);
        let (name, parameters) = head.split_once(';').unwrap_or((head, ""));
        let [name, parameters] = [name, parameters].map(|text| text.trim().to_ascii_uppercase());
        Some(Self { number, name, parameters, value: value.trim().to_owned() })
    }
}

/// The properties of a `VEVENT`, without those of its alarms.
#[derive(Debug)]
struct Event {
    begin: Line,
    lines: Vec<Line>,
}

impl Event {
    fn all(&self, name: &str) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(move |line| line.name == name)
    }

    fn find(&self, name: &str) -> Option<&Line> {
        self.all(name).next()
    }

    fn wrong(&self, line: &Line, problem: impl Into<String>) -> HolidaysError {
        let summary = short(self.find("SUMMARY").map_or("without a name", |line| &line.value));
        HolidaysError::Event { line: line.number, summary, problem: problem.into() }
    }

    /// The first day; `None` if the event starts at a time of day.
    fn start(&self) -> Result<Option<Date>, HolidaysError> {
        let line = self.find("DTSTART").ok_or_else(|| {
            self.wrong(&self.begin, "has no `DTSTART`: add it, as `DTSTART;VALUE=DATE:20261224`, or delete the event")
        })?;
        // Outlook writes all-day events from midnight to midnight.
        let marked = self.find("X-MICROSOFT-CDO-ALLDAYEVENT").is_some_and(|l| l.value.eq_ignore_ascii_case("TRUE"));
        match date_time(&line.value) {
            Some((_, Some(_))) if !marked => Ok(None),
            _ => Ok(self.dates(line)?.first().copied()),
        }
    }

    /// The number of days after the first.
    fn days_after(&self, from: Date) -> Result<i32, HolidaysError> {
        let (line, days) = match (self.find("DTEND"), self.find("DURATION")) {
            (None, None) => return Ok(0),
            (Some(_), Some(line)) => return Err(self.wrong(line, "has both `DTEND` and `DURATION`: delete one")),
            // `DTEND` is exclusive; some programs write the day itself.
            (Some(line), None) => match self.dates(line)?[..] {
                [end] if end == from => (line, Some(1)),
                [end] => (line, Some((end - from).get_days())),
                _ => (line, None),
            },
            (None, Some(line)) => (line, duration_days(&line.value)),
        };
        days.filter(|days| (1..=MAX_RANGE_DAYS).contains(days)).map(|days| days - 1).ok_or_else(|| {
            let (name, value) = (&line.name, short(&line.value));
            self.wrong(
                line,
                format!("has the invalid `{name}` `{value}`: it must last whole days, at least one and at most a year"),
            )
        })
    }

    /// The dates of a line. Midnight counts as its day.
    fn dates(&self, line: &Line) -> Result<Vec<Date>, HolidaysError> {
        let day = |text| match date_time(text) {
            Some((day, None | Some("000000"))) => Ok(day),
            _ => {
                let (name, text) = (&line.name, short(text));
                Err(self.wrong(
                    line,
                    format!("has the invalid `{name}` `{text}`: write a date, as `{name};VALUE=DATE:20261224`"),
                ))
            }
        };
        line.value.split(',').map(day).collect()
    }
}

/// The events of an iCalendar file, which may hold several calendars.
fn events(text: &str) -> Result<Vec<Event>, HolidaysError> {
    let text = text.trim_start_matches('\u{feff}');
    if text.trim().is_empty() {
        return Err(HolidaysError::NoCalendar(1, "the file is empty".into()));
    }
    // The open components: the line and the name of each.
    let (mut open, mut events): (Vec<(usize, String)>, Vec<Event>) = (vec![], vec![]);
    for (number, text) in unfold(text) {
        let wrong = |expected: &str| {
            HolidaysError::NoCalendar(number, format!("expected `{expected}`, found `{}`", short(&text)))
        };
        let line = Line::parse(number, &text).ok_or_else(|| wrong("NAME:value"))?;
        let component = line.value.to_ascii_uppercase();
        match (&*line.name, open.last(), events.last_mut()) {
            ("BEGIN", None, _) if component == "VCALENDAR" => open.push((number, component)),
            (_, None, _) => return Err(wrong("BEGIN:VCALENDAR")),
            ("BEGIN", Some(_), _) => {
                open.push((number, component));
                if open.len() == 2 && open.iter().any(|(_, name)| name == "VEVENT") {
                    events.push(Event { begin: line, lines: vec![] });
                }
            }
            ("END", Some((_, name)), _) if *name == component => drop(open.pop()),
            ("END", Some((_, name)), _) => return Err(wrong(&format!("END:{name}"))),
            (_, Some((_, name)), Some(event)) if open.len() == 2 && name == "VEVENT" => event.lines.push(line),
            _ => {}
        }
    }
    match open.last() {
        Some((number, name)) => Err(HolidaysError::NoCalendar(*number, format!("`BEGIN:{name}` has no `END:{name}`"))),
        None => Ok(events),
    }
}

/// The lines with their numbers. A line that starts with a blank continues the one before.
fn unfold(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = vec![];
    for (number, line) in (1..).zip(text.lines()) {
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(more), Some((_, line))) => line.push_str(more),
            _ if line.trim().is_empty() => {}
            _ => lines.push((number, line.to_owned())),
        }
    }
    lines
}

/// Parses an iCalendar date, `20261225`, and the digits of its time of day: `20261225T000000Z`.
fn date_time(text: &str) -> Option<(Date, Option<&str>)> {
    let digits = |text: &str, count| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    let (day, time) = match text.trim().split_once(['T', 't']) {
        Some((day, time)) => (day, Some(time.trim_end_matches(['Z', 'z']))),
        None => (text.trim(), None),
    };
    (digits(day, 8) && time.is_none_or(|time| digits(time, 6)))
        .then(|| Some((Date::strptime("%Y%m%d", day).ok()?, time)))?
}

/// Parses a duration of whole days or weeks: `P3D`, `P1W`.
fn duration_days(text: &str) -> Option<i32> {
    let text = text.trim_start_matches('+').to_ascii_uppercase();
    let text = text.strip_prefix('P')?;
    let weeks = text.strip_suffix('W').map(|weeks| (weeks, 7));
    let (number, unit) = weeks.or_else(|| Some((text.strip_suffix('D')?, 1)))?;
    number.parse::<i32>().ok()?.checked_mul(unit)
}

/// The days of a yearly recurrence rule, starting with `from`; `None` if the rule is not supported.
fn every_year(from: Date, rule: &str) -> Option<Vec<Date>> {
    let (mut interval, mut count, mut until) = (1, usize::MAX, Date::MAX);
    let (mut month, mut weekday, mut month_day) = (None, None, None);
    let mut yearly = false;
    for part in rule.split(';') {
        let (key, value) = part.split_once('=')?;
        match key {
            "FREQ" => yearly = value == "YEARLY",
            "INTERVAL" => interval = value.parse().ok().filter(|n| (1..=100).contains(n))?,
            "COUNT" => count = value.parse().ok().filter(|n| *n > 0)?,
            "UNTIL" => until = date_time(value)?.0,
            "BYMONTH" => month = Some(value.parse().ok().filter(|n| (1..=12).contains(n))?),
            "BYMONTHDAY" => month_day = Some(value.parse().ok().filter(|n| (1..=31).contains(n))?),
            "BYDAY" => weekday = Some(nth_weekday(value)?),
            "WKST" => {}
            _ => return None,
        }
    }
    // Without a month these mean each month, or the weekdays of the year.
    let of_month = usize::from(month_day.is_some()) + usize::from(weekday.is_some());
    if !yearly || of_month > usize::from(month.is_some()) {
        return None;
    }
    let (month, month_day) = (month.unwrap_or(from.month()), month_day.unwrap_or(from.day()));
    let days = (from.year()..=LAST_YEAR.max(from.year())).step_by(interval).filter_map(|year| match weekday {
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

    /// A calendar with one event of these lines, separated by blanks.
    fn calendar(lines: &str) -> String {
        let lines = lines.replace(' ', "\r\n");
        format!(
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nSUMMARY:Friday\r\n{lines}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        )
    }

    #[test]
    fn events_last_the_days_they_say() {
        const SERIES: &str = "UID:1 DTSTART;VALUE=DATE:20251225 RRULE:FREQ=YEARLY;COUNT=2";
        for (lines, expected) in [
            ("DTSTART;VALUE=DATE:20261221 DURATION:P3D", "2026-12-21 2026-12-22 2026-12-23"),
            ("DTSTART;VALUE=DATE:20261221 DTEND;VALUE=DATE:20261221", "2026-12-21"),
            ("DTSTART;VALUE=DATE:20261221 BEGIN:VALARM DURATION:PT5M END:VALARM", "2026-12-21"),
            ("DTSTART;VALUE=DATE:20261221 RDATE;VALUE=DATE:20261228,20261230", "2026-12-21 2026-12-28 2026-12-30"),
            ("dtstart;value=date:20261224 rrule:freq=yearly;count=2", "2026-12-24 2027-12-24"),
            ("DTSTART:20261224T000000 DTEND:20261225T000000 X-MICROSOFT-CDO-ALLDAYEVENT:TRUE", "2026-12-24"),
            (&format!("{SERIES} EXDATE:20261225T000000Z"), "2025-12-25"),
            (
                &format!(
                    "{SERIES} END:VEVENT BEGIN:VEVENT UID:1 RECURRENCE-ID;VALUE=DATE:20261225 DTSTART;VALUE=DATE:20261228"
                ),
                "2025-12-25 2026-12-28",
            ),
            (
                &format!("{SERIES} END:VEVENT BEGIN:VEVENT UID:1 RECURRENCE-ID;VALUE=DATE:20261225 STATUS:CANCELLED"),
                "2025-12-25",
            ),
            (
                "DTSTART;VALUE=DATE:20261221 END:VEVENT END:VCALENDAR BEGIN:VCALENDAR BEGIN:VEVENT DTSTART;VALUE=DATE:20261224",
                "2026-12-21 2026-12-24",
            ),
        ] {
            for text in
                [calendar(lines), format!("\u{feff}{}", calendar(lines)), calendar(lines).replace("VEVENT", "vevent")]
            {
                let mut holidays = Holidays::default();
                holidays.add_calendar(&text).unwrap();
                assert_eq!(days(&holidays).join(" "), expected, "{text}");
            }
        }
    }

    #[test]
    fn what_is_not_understood_is_told() {
        const DAY: &str = "DTSTART;VALUE=DATE:20260102";
        for (lines, expected) in [
            (&*format!("{DAY} RRULE:FREQ=WEEKLY"), "line 6: the event \"Friday\" repeats by `FREQ=WEEKLY`"),
            (&format!("{DAY} RRULE:FREQ=YEARLY;BYDAY=MO"), "repeats by"),
            (&format!("{DAY} RRULE:FREQ=YEARLY;BYDAY=1MO"), "repeats by"),
            (&format!("{DAY} RRULE:FREQ=YEARLY;BYMONTHDAY=2"), "repeats by"),
            (&format!("{DAY} RRULE:FREQ=YEARLY;BYWEEKNO=3"), "repeats by"),
            (&format!("{DAY} RRULE:nonsense"), "repeats by"),
            (&format!("{DAY} EXRULE:FREQ=YEARLY"), "line 6: the event \"Friday\" has an `EXRULE`"),
            (&format!("{DAY} RDATE;VALUE=PERIOD:20260105T000000Z/P1D"), "has the invalid `RDATE`"),
            (&format!("{DAY} EXDATE:20260101T230000Z"), "has the invalid `EXDATE`"),
            (&format!("{DAY} DTEND;VALUE=DATE:20261327"), "has the invalid `DTEND` `20261327`: write a date"),
            (&format!("{DAY} DTEND;VALUE=DATE:20260101"), "has the invalid `DTEND` `20260101`: it must last"),
            (&format!("{DAY} DTEND;VALUE=DATE:20290101"), "has the invalid `DTEND`"),
            (&format!("{DAY} DURATION:PT5H"), "has the invalid `DURATION` `PT5H`"),
            (&format!("{DAY} DTEND;VALUE=DATE:20260103 DURATION:P1D"), "has both"),
            (&format!("{DAY} RECURRENCE-ID:20260102"), "no `UID`"),
            (&format!("{DAY} UID:1 RECURRENCE-ID;RANGE=THISANDFUTURE:20260102"), "a range of instances"),
            ("DTSTART;VALUE=DATE:2026-12-24", "line 5: the event \"Friday\" has the invalid `DTSTART` `2026-12-24`"),
            ("DTSTART;VALUE=DATE:20261324", "has the invalid `DTSTART`"),
            ("UID:1", "line 3: the event \"Friday\" has no `DTSTART`"),
            ("DTSTART:20261223T230000Z X-MICROSOFT-CDO-ALLDAYEVENT:TRUE", "has the invalid `DTSTART`"),
            ("DTSTART:20261224T000000", "the calendar has no all-day event"),
            ("hello", "line 5: expected `NAME:value`, found `hello`"),
            ("END:VALARM", "line 5: expected `END:VEVENT`, found `END:VALARM`"),
        ] {
            let error = Holidays::default().add_calendar(&calendar(lines)).unwrap_err().to_string();
            assert!(error.contains(expected), "{lines}: {error}");
        }
        for (text, expected) in [
            ("", "line 1: the file is empty"),
            ("a:b", "line 1: expected `BEGIN:VCALENDAR`, found `a:b`"),
            ("BEGIN:VCALENDAR\nEND:VCALENDAR", "no all-day event"),
            (&"BEGIN:VCALENDAR\n".repeat(60_000), "has no `END:VCALENDAR`"),
        ] {
            let error = Holidays::default().add_calendar(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
