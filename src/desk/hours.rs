//! Opening hours.

use std::{collections::BTreeSet, str::FromStr};

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Weekday},
    tz::{Offset, TimeZone},
};
use serde::{Deserialize, Serialize};

use super::{Holidays, TimeOfDay};

/// The weekly opening hours of a desk in its time zone, and its holidays.
///
/// Without any interval, the desk is open at all hours except on holidays. In `twite.toml`:
///
/// ```toml
/// [hours]
/// zone = "Europe/Paris"
/// monday = ["09:00-12:00", "13:00-17:30"]
/// saturday = []
/// holidays = ["2026-12-24 to 2027-01-01"]
/// calendars = ["holidays.ics"]
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hours {
    /// The time zone, by its IANA name.
    #[serde(with = "zone_name")]
    pub zone: TimeZone,
    /// Open on Mondays.
    pub monday: OpenDay,
    /// Open on Tuesdays.
    pub tuesday: OpenDay,
    /// Open on Wednesdays.
    pub wednesday: OpenDay,
    /// Open on Thursdays.
    pub thursday: OpenDay,
    /// Open on Fridays.
    pub friday: OpenDay,
    /// Open on Saturdays.
    pub saturday: OpenDay,
    /// Open on Sundays.
    pub sunday: OpenDay,
    /// Days on which the desk is closed.
    pub holidays: Holidays,
    /// Calendar files whose all-day events are holidays too, relative to `twite.toml`.
    pub calendars: Vec<String>,
}

impl Default for Hours {
    fn default() -> Self {
        Self {
            zone: TimeZone::UTC,
            monday: OpenDay::default(),
            tuesday: OpenDay::default(),
            wednesday: OpenDay::default(),
            thursday: OpenDay::default(),
            friday: OpenDay::default(),
            saturday: OpenDay::default(),
            sunday: OpenDay::default(),
            holidays: Holidays::default(),
            calendars: vec![],
        }
    }
}

/// Maximum number of days that are counted at once, a multiple of 7.
const CHUNK_DAYS: i32 = 53 * 7;

/// A half-open interval of the day: `09:00-17:30`. `24:00` is the end of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Interval {
    /// Start, in minutes after midnight.
    from: u16,
    /// End (exclusive), in minutes after midnight, at most 1440.
    to: u16,
}

impl Interval {
    fn length(&self) -> SignedDuration {
        SignedDuration::from_mins(i64::from(self.to) - i64::from(self.from))
    }
}

/// The open intervals of a day, in order, without overlaps.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Interval>", into = "Vec<Interval>")]
pub struct OpenDay(Vec<Interval>);

impl TryFrom<Vec<Interval>> for OpenDay {
    type Error = HoursError;

    fn try_from(mut intervals: Vec<Interval>) -> Result<Self, HoursError> {
        intervals.sort();
        match intervals.iter().zip(intervals.iter().skip(1)).find(|(a, b)| b.from < a.to) {
            Some((a, b)) => Err(HoursError::Overlap((*a).into(), (*b).into())),
            None => Ok(Self(intervals)),
        }
    }
}

impl From<OpenDay> for Vec<Interval> {
    fn from(day: OpenDay) -> Self {
        day.0
    }
}

/// Why opening hours cannot be parsed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HoursError {
    /// Not of the form `09:00-17:30`.
    #[error("`{0}` is not a valid interval: write it as `09:00-17:30`, with the end after the start")]
    Interval(String),
    /// Two intervals of a day overlap.
    #[error("intervals `{0}` and `{1}` overlap")]
    Overlap(String, String),
}

impl FromStr for Interval {
    type Err = HoursError;

    fn from_str(text: &str) -> Result<Self, HoursError> {
        fn minutes(text: &str) -> Option<u16> {
            let (h, m) = text.trim().split_once(':')?;
            if h.is_empty() || h.len() > 2 || m.len() != 2 {
                return None;
            }
            let (h, m): (u16, u16) = (h.parse().ok()?, m.parse().ok()?);
            (m < 60 && (h < 24 || (h == 24 && m == 0))).then_some(h * 60 + m)
        }
        text.split_once('-')
            .and_then(|(from, to)| Some(Self { from: minutes(from)?, to: minutes(to)? }))
            .filter(|i| i.from < i.to)
            .ok_or_else(|| HoursError::Interval(text.chars().take(40).collect()))
    }
}

impl TryFrom<String> for Interval {
    type Error = HoursError;

    fn try_from(text: String) -> Result<Self, HoursError> {
        text.parse()
    }
}

impl From<Interval> for String {
    fn from(i: Interval) -> Self {
        format!("{:02}:{:02}-{:02}:{:02}", i.from / 60, i.from % 60, i.to / 60, i.to % 60)
    }
}

impl Hours {
    /// Whether no interval is declared: the desk is open at all hours except on holidays.
    pub(crate) fn is_always_open(&self) -> bool {
        Weekday::Monday.cycle_forward().take(7).all(|d| self.on(d).is_empty())
    }

    /// Whether the desk is open at an instant.
    pub fn is_open(&self, at: Timestamp) -> bool {
        if self.is_always_open() {
            return !self.holidays.contains(at.to_zoned_datetime(self.zone.clone()).date());
        }
        self.open_on(at.to_zoned_datetime(self.zone.clone()).date()).any(|(from, to)| from <= at && at < to)
    }

    /// The day of the week at an instant, counted from Monday as 0.
    pub fn weekday(&self, at: Timestamp) -> usize {
        usize::from(self.date(at).weekday().to_monday_zero_offset().unsigned_abs())
    }

    /// The time on the clock at an instant.
    pub fn time_of_day(&self, at: Timestamp) -> TimeOfDay {
        let time = self.zone.to_datetime(at).time();
        TimeOfDay::new(time.hour().unsigned_abs(), time.minute().unsigned_abs()).unwrap_or(TimeOfDay::LAST)
    }

    /// The next instant after `at` at which the clock shows midnight or one of these minutes of the day, or is changed.
    pub fn next_time(&self, at: Timestamp, minutes: impl IntoIterator<Item = u16>) -> Option<Timestamp> {
        let (today, offset) = (self.date(at), self.zone.to_offset(at));
        let midnights = [today, after_days(today, 1)].map(|day| offset.to_timestamp(day.at(0, 0, 0, 0)).ok());
        let minutes: Vec<_> = minutes.into_iter().chain([0]).collect();
        let shown = midnights.into_iter().flatten().flat_map(|midnight| {
            minutes
                .iter()
                .filter_map(move |minute| midnight.checked_add(SignedDuration::from_mins((*minute).into())).ok())
        });
        let changed = self.zone.following(at).next().map(|change| change.timestamp());
        shown.filter(|time| *time > at).chain(changed).min()
    }

    /// Whether the day of an instant is a holiday.
    pub fn is_holiday(&self, at: Timestamp) -> bool {
        self.holidays.contains(self.date(at))
    }

    /// The start of the day after an instant.
    pub fn next_day(&self, at: Timestamp) -> Option<Timestamp> {
        let tomorrow = self.date(at).tomorrow().ok()?;
        Some(tomorrow.to_zoned_datetime(self.zone.clone()).ok()?.timestamp())
    }

    /// Open time of a week without holidays and clock changes.
    pub fn business_week(&self) -> SignedDuration {
        match self.is_always_open() {
            true => SignedDuration::from_hours(7 * 24),
            false => self.open_days().map(|(_, length)| length).sum(),
        }
    }

    /// Mean open time of the weekdays on which the desk opens.
    pub fn business_day(&self) -> SignedDuration {
        match i32::try_from(self.open_days().count()) {
            Ok(days @ 1..) => self.business_week() / days,
            _ => SignedDuration::from_hours(24),
        }
    }

    /// Two weekdays on which the desk opens for different lengths of time, with those lengths.
    pub fn uneven_days(&self) -> Option<[(Weekday, SignedDuration); 2]> {
        let first = self.open_days().next()?;
        let other = self.open_days().find(|day| day.1 != first.1)?;
        Some([first, other])
    }

    /// The weekdays on which the desk opens, with the open time of each.
    fn open_days(&self) -> impl Iterator<Item = (Weekday, SignedDuration)> + '_ {
        let week = Weekday::Monday.cycle_forward().take(7);
        week.map(move |day| (day, self.on(day).iter().map(Interval::length).sum()))
            .filter(|(_, length): &(_, SignedDuration)| !length.is_zero())
    }

    /// The next opening or closing after an instant.
    pub fn turns_after(&self, at: Timestamp) -> Option<Timestamp> {
        if !self.is_open(at) {
            // Until the desk opens, the open time since `at` is zero.
            return self.after(at, SignedDuration::ZERO).last;
        }
        let closes_on = |first: Date, days: usize| {
            let mut days = std::iter::successors(Some(first), |day| day.tomorrow().ok()).take(days);
            // Between adjacent intervals, the desk stays open.
            days.find_map(|day| self.open_on(day).map(|(_, end)| end).find(|end| *end > at && !self.is_open(*end)))
        };
        // A desk that stays open for a week closes only on a holiday.
        let today = self.date(at);
        closes_on(before_days(today, 1), 9).or_else(|| {
            let holiday = self.holidays.between(today, Date::MAX).next()?;
            closes_on(before_days(holiday, 2), 3)
        })
    }

    /// Open time between two instants; zero if `to` is not after `from`.
    pub fn between(&self, from: Timestamp, to: Timestamp) -> SignedDuration {
        self.between_up_to(from, to, SignedDuration::MAX)
    }

    /// As [`Self::between`], but stops once the result exceeds `most`. That is enough to compare with `most`, and
    /// bounds the cost by `most` instead of by the distance of the instants.
    pub fn between_up_to(&self, from: Timestamp, to: Timestamp, most: SignedDuration) -> SignedDuration {
        let mut open = SignedDuration::ZERO;
        if from >= to {
            return open;
        }
        // The days around both ends are counted by interval, as they are cut or their clocks may change; those between
        // by whole days.
        let (first, last) = (around(self.date(from)), around(self.date(to)));
        let (mut day, end) = (*first.start(), *last.end());
        while day <= end && open <= most {
            if *first.end() < day && day < *last.start() {
                let stop = after_days(day, CHUNK_DAYS).min(*last.start());
                open += self.on_days(day, stop);
                day = stop;
                continue;
            }
            for (start, end) in self.open_on(day) {
                let (start, end) = (start.max(from), end.min(to));
                if start < end {
                    open += start.duration_until(end);
                }
            }
            match day.tomorrow() {
                Ok(next) => day = next,
                Err(_) => break,
            }
        }
        open
    }

    /// The first and the last instant at which the open time since `from` equals `length`. They differ if the desk is
    /// closed in between. `None`: beyond the supported range of dates.
    pub fn after(&self, from: Timestamp, length: SignedDuration) -> Reached {
        let mut count = Count::new(from, length);
        let first = around(self.date(from));
        let mut next = Some(*first.start());
        while let Some(day) = next {
            if day > *first.end()
                && let Some(stop) = self.skipped(count.left, |days| day..after_days(day, days), &mut count)
            {
                next = (stop.end < Date::MAX).then_some(stop.end);
                continue;
            }
            for (start, end) in self.open_on(day) {
                let start = start.max(from);
                if start < end
                    && let Some(last) = count.add(start, start.duration_until(end), Timestamp::checked_add)
                {
                    return Reached { first: count.first, last };
                }
            }
            next = day.tomorrow().ok();
        }
        Reached { first: count.first, last: None }
    }

    /// As [`Self::after`], but back in time: the instants from which the open time until `to` equals `length`.
    pub fn before(&self, to: Timestamp, length: SignedDuration) -> Reached {
        let mut count = Count::new(to, length);
        let last = around(self.date(to));
        let mut next = Some(*last.end());
        while let Some(day) = next {
            let end = after_days(day, 1);
            if day < *last.start()
                && let Some(stop) = self.skipped(count.left, |days| before_days(end, days)..end, &mut count)
            {
                next = stop.start.yesterday().ok();
                continue;
            }
            for (start, end) in self.open_on(day).rev() {
                let end = end.min(to);
                if start < end
                    && let Some(first) = count.add(end, start.duration_until(end), Timestamp::checked_sub)
                {
                    return Reached { first: count.first, last: first };
                }
            }
            next = day.yesterday().ok();
        }
        Reached { first: count.first, last: None }
    }

    /// Counts a chunk of days, or else a week, at once if the count does not end in it; returns the range that was
    /// counted.
    fn skipped(
        &self,
        left: SignedDuration,
        range: impl Fn(i32) -> std::ops::Range<Date>,
        count: &mut Count,
    ) -> Option<std::ops::Range<Date>> {
        [CHUNK_DAYS, 7].into_iter().map(range).find(|days| {
            let open = self.on_days(days.start, days.end);
            let skipped = days.start < days.end && (open.is_zero() || open < left);
            if skipped {
                count.left -= open;
            }
            skipped
        })
    }

    /// Open time of the days from `from` up to, not including, `to`: by week, corrected for holidays and days with
    /// clock changes.
    fn on_days(&self, from: Date, to: Date) -> SignedDuration {
        if from >= to {
            return SignedDuration::ZERO;
        }
        let of_week = Weekday::Sunday.cycle_forward().take(7).map(|day| self.regular(day)).collect::<Vec<_>>();
        let regular = |day: Date| {
            let day = usize::try_from(day.weekday().to_sunday_zero_offset()).ok();
            day.and_then(|day| of_week.get(day)).copied().unwrap_or_default()
        };
        let days = from.duration_until(to).as_hours() / 24;
        let weeks = i32::try_from(days / 7).unwrap_or(i32::MAX);
        let rest = std::iter::successors(Some(from), |day| day.tomorrow().ok());
        let mut open = of_week.iter().sum::<SignedDuration>() * weeks;
        open += rest.take(usize::try_from(days % 7).unwrap_or_default()).map(regular).sum::<SignedDuration>();
        let mut irregular: BTreeSet<Date> = self.holidays.between(from, to).collect();
        irregular.extend(self.clock_changes(from, to));
        for day in irregular {
            open -= regular(day);
            open += self.open_on(day).map(|(start, end)| start.duration_until(end)).sum::<SignedDuration>();
        }
        open
    }

    /// Open time of a weekday without holidays and clock changes.
    fn regular(&self, day: Weekday) -> SignedDuration {
        match self.is_always_open() {
            true => SignedDuration::from_hours(24),
            false => self.on(day).iter().map(Interval::length).sum(),
        }
    }

    /// The days from `from` up to, not including, `to` on which the UTC offset changes.
    fn clock_changes(&self, from: Date, to: Date) -> impl Iterator<Item = Date> {
        let midnight = |day: Option<Date>| day.and_then(|day| Offset::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok());
        let start = midnight(Some(before_days(from, 2))).unwrap_or(Timestamp::MIN);
        let end = midnight(Some(after_days(to, 2))).unwrap_or(Timestamp::MAX);
        let mut offset = self.zone.to_offset(start);
        let changes = self.zone.following(start).take_while(move |change| change.timestamp() < end);
        changes
            .flat_map(move |change| {
                let before = std::mem::replace(&mut offset, change.offset());
                let [a, b] = [before, offset].map(|offset| offset.to_datetime(change.timestamp()).date());
                std::iter::successors(Some(a.min(b)), |day| day.tomorrow().ok()).take_while(move |day| *day <= a.max(b))
            })
            .filter(move |day| (from..to).contains(day))
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// The instant at which a date begins; the last one for a date that never does.
    pub fn start_of(&self, date: Date) -> Timestamp {
        date.to_zoned_datetime(self.zone.clone()).map_or(Timestamp::MAX, |start| start.timestamp())
    }

    /// The date at an instant.
    pub fn date(&self, at: Timestamp) -> Date {
        self.zone.to_datetime(at).date()
    }

    /// The open intervals of a day as instants, in order. If clocks go back, a local time can occur twice; if they go
    /// forward, not at all.
    fn open_on(&self, day: Date) -> impl DoubleEndedIterator<Item = (Timestamp, Timestamp)> {
        let all_day = [Interval { from: 0, to: 1440 }];
        let intervals = match (self.holidays.contains(day), self.is_always_open()) {
            (true, _) => &[][..],
            (false, true) => &all_day,
            (false, false) => self.on(day.weekday()),
        };
        let mut open: Vec<(Timestamp, Timestamp)> = vec![];
        for (from, to, offset) in if intervals.is_empty() { vec![] } else { self.steady(day) } {
            let instant = |minutes: u16| {
                let midnight = offset.to_timestamp(day.at(0, 0, 0, 0)).ok()?;
                midnight.checked_add(SignedDuration::from_mins(minutes.into())).ok()
            };
            for interval in intervals {
                let (Some(start), Some(end)) = (instant(interval.from), instant(interval.to)) else { continue };
                let (start, end) = (start.max(from), end.min(to));
                match open.last_mut() {
                    _ if start >= end => {}
                    // A clock change within an interval does not close the desk.
                    Some(last) if last.1 == start => last.1 = end,
                    _ => open.push((start, end)),
                }
            }
        }
        open.into_iter()
    }

    /// Splits a day at its clock changes into ranges, each with its UTC offset. The ranges can include parts of the
    /// adjacent days.
    fn steady(&self, day: Date) -> Vec<(Timestamp, Timestamp, Offset)> {
        // No UTC offset is a whole day or more.
        let utc = |day: Date| Offset::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok();
        let far = |day: Option<Date>| day.and_then(utc);
        let (first, last) = (far(day.yesterday().ok()), far(day.tomorrow().and_then(Date::tomorrow).ok()));
        let first = first.or(utc(day)).unwrap_or(Timestamp::MIN);
        let last = last.unwrap_or(Timestamp::MAX);
        let changes = self.zone.following(first).map(|change| change.timestamp()).take_while(|at| *at < last);
        let mut stretches = vec![];
        let mut from = first;
        for to in changes.chain([last]) {
            stretches.push((from, to, self.zone.to_offset(from)));
            from = to;
        }
        stretches
    }

    fn on(&self, day: Weekday) -> &[Interval] {
        match day {
            Weekday::Monday => &self.monday.0,
            Weekday::Tuesday => &self.tuesday.0,
            Weekday::Wednesday => &self.wednesday.0,
            Weekday::Thursday => &self.thursday.0,
            Weekday::Friday => &self.friday.0,
            Weekday::Saturday => &self.saturday.0,
            Weekday::Sunday => &self.sunday.0,
        }
    }
}

/// The first and the last instant at which a certain amount of open time has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// When the amount was reached.
    pub first: Option<Timestamp>,
    /// When open time continues.
    pub last: Option<Timestamp>,
}

/// Counts open time down, interval by interval.
struct Count {
    left: SignedDuration,
    first: Option<Timestamp>,
}

impl Count {
    fn new(from: Timestamp, length: SignedDuration) -> Self {
        Self { left: length, first: length.is_zero().then_some(from) }
    }

    /// Counts an open interval. Returns the instant at which open time continues after the amount was reached, if it
    /// does in this interval; the inner `None` is beyond the supported range of dates.
    fn add<E>(
        &mut self,
        start: Timestamp,
        length: SignedDuration,
        walk: impl Fn(Timestamp, SignedDuration) -> Result<Timestamp, E>,
    ) -> Option<Option<Timestamp>> {
        if self.left.is_zero() {
            return Some(Some(start));
        }
        if length > self.left {
            self.first = walk(start, self.left).ok();
            return Some(self.first);
        }
        self.left -= length;
        if self.left.is_zero() {
            self.first = walk(start, length).ok();
        }
        None
    }
}

/// A day with the days before and after. If clocks change around midnight, an instant can precede one of the day
/// before.
fn around(day: Date) -> std::ops::RangeInclusive<Date> {
    before_days(day, 1)..=after_days(day, 1)
}

/// The day `days` later, or the last supported one.
fn after_days(day: Date, days: i32) -> Date {
    day.saturating_add(jiff::Span::new().days(days))
}

/// The day `days` earlier, or the first supported one.
fn before_days(day: Date, days: i32) -> Date {
    day.saturating_sub(jiff::Span::new().days(days))
}

mod zone_name {
    use jiff::tz::TimeZone;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(zone: &TimeZone, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(zone.iana_name().unwrap_or("UTC"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<TimeZone, D::Error> {
        let name = String::deserialize(d)?;
        TimeZone::get(&name).map_err(|_| {
            D::Error::custom(format!("unknown time zone `{name}`; use an IANA name such as `Europe/Paris`"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn paris() -> Hours {
        let day = |interval: &str| OpenDay::try_from(vec![interval.parse().unwrap()]).unwrap();
        let nine_to_five = day("09:00-17:00");
        Hours {
            zone: TimeZone::get("Europe/Paris").unwrap(),
            monday: nine_to_five.clone(),
            friday: nine_to_five,
            sunday: day("00:00-24:00"),
            holidays: [jiff::civil::date(2026, 12, 25)].into(),
            ..Hours::default()
        }
    }

    #[test]
    fn the_clock_shows_a_time_next() {
        let next = |from: &str, minutes: &[u16]| paris().next_time(at(from), minutes.iter().copied()).unwrap();
        assert_eq!(next("2026-07-06T07:00:00Z", &[9 * 60, 18 * 60]), at("2026-07-06T16:00:00Z"));
        assert_eq!(next("2026-07-06T16:00:00Z", &[18 * 60]), at("2026-07-06T22:00:00Z"), "at midnight");
        assert_eq!(next("2026-07-06T21:59:30Z", &[1440]), at("2026-07-06T22:00:00Z"));
        // From 02:00 to 03:00 in March, and from 03:00 back to 02:00 in October.
        assert_eq!(next("2026-03-29T00:30:00Z", &[150]), at("2026-03-29T01:00:00Z"));
        assert_eq!(next("2026-10-25T00:30:00Z", &[150]), at("2026-10-25T01:00:00Z"));
        assert_eq!(next("2026-10-25T01:00:00Z", &[150]), at("2026-10-25T01:30:00Z"));
        assert_eq!(paris().time_of_day(at("2026-10-25T01:30:59Z")).to_string(), "02:30");
    }

    #[test]
    fn open_by_the_local_clock() {
        // Summer: Paris is two hours ahead of UTC.
        assert!(paris().is_open(at("2026-07-06T07:00:00Z")));
        assert!(!paris().is_open(at("2026-07-06T06:59:59Z")));
        assert!(!paris().is_open(at("2026-07-06T15:00:00Z")));
        // A Friday, and a holiday.
        assert!(!paris().is_open(at("2026-12-25T10:00:00Z")));
        assert!(Hours::default().is_open(at("2026-12-25T10:00:00Z")));
    }

    #[test]
    fn time_is_counted_while_open() {
        let hours = |a, b| paris().between(at(a), at(b)).as_hours();
        assert_eq!(hours("2026-07-06T08:00:00Z", "2026-07-10T08:00:00Z"), 7 + 1);
        // The Sunday on which the clocks go back has 25 hours.
        assert_eq!(hours("2026-10-24T00:00:00Z", "2026-10-26T00:00:00Z"), 25);
        assert_eq!(hours("2026-07-10T08:00:00Z", "2026-07-06T08:00:00Z"), 0);
    }

    #[test]
    fn an_hour_that_comes_twice_counts_twice_and_one_that_is_left_out_not_at_all() {
        let sunday =
            |interval: &str| Hours { sunday: OpenDay::try_from(vec![interval.parse().unwrap()]).unwrap(), ..paris() };
        // Clocks go back from 3:00 to 2:00 on 25 October 2026, and forward from 2:00 to 3:00 on 29 March.
        for (interval, autumn, spring) in [
            ("02:15-02:45", 60, 0),
            ("02:00-03:00", 120, 0),
            ("01:00-02:30", 120, 60),
            ("02:30-04:00", 120, 60),
            ("00:00-24:00", 25 * 60, 23 * 60),
            ("03:00-04:00", 60, 60),
        ] {
            let minutes = |a, b| sunday(interval).between(at(a), at(b)).as_mins();
            assert_eq!(minutes("2026-10-24T21:00:00Z", "2026-10-25T23:00:00Z"), autumn, "{interval} in autumn");
            assert_eq!(minutes("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"), spring, "{interval} in spring");
        }
        // Closed between the two occurrences of 2:15 to 2:45.
        let desk = sunday("02:15-02:45");
        assert!(desk.is_open(at("2026-10-25T00:20:00Z")) && desk.is_open(at("2026-10-25T01:20:00Z")));
        assert!(!desk.is_open(at("2026-10-25T00:50:00Z")));
        assert_eq!(desk.turns_after(at("2026-10-25T00:45:00Z")), Some(at("2026-10-25T01:15:00Z")));
        let half = SignedDuration::from_mins(45);
        assert_eq!(desk.after(at("2026-10-25T00:00:00Z"), half).first, Some(at("2026-10-25T01:30:00Z")));
        assert_eq!(desk.before(at("2026-10-25T02:00:00Z"), half).first, Some(at("2026-10-25T00:30:00Z")));
    }

    #[test]
    fn the_next_opening_or_closing_is_found_however_far_it_is() {
        let always = Hours { holidays: ["2046-08-01".parse().unwrap()].into(), ..Hours::default() };
        assert_eq!(always.turns_after(at("2026-11-26T12:00:00Z")), Some(at("2046-08-01T00:00:00Z")));
        assert_eq!(always.turns_after(at("2046-08-01T12:00:00Z")), Some(at("2046-08-02T00:00:00Z")));
        assert_eq!(always.turns_after(at("2046-08-02T00:00:00Z")), None);
        // Closed for ten years.
        let open = OpenDay::try_from(vec!["09:00-17:00".parse().unwrap()]).unwrap();
        let mut closed = Hours { sunday: open, ..paris() };
        for day in std::iter::successors(Some(jiff::civil::date(2026, 11, 23)), |day| day.tomorrow().ok()).take(3653) {
            closed.holidays.insert(day);
        }
        assert_eq!(closed.turns_after(at("2026-11-23T00:00:00Z")), Some(at("2036-11-23T08:00:00Z")));
    }

    #[test]
    fn counting_stops_once_it_is_more_than_asked() {
        let day = jiff::SignedDuration::from_hours(24);
        let counted = Hours::default().between_up_to(at("0001-01-01T00:00:00Z"), at("9999-01-01T00:00:00Z"), day);
        assert!(counted > day && counted <= day * 400);
    }

    #[test]
    fn the_count_stands_still_while_closed() {
        let hour = SignedDuration::from_hours(1);
        let reached = |first: &str, last: &str| Reached { first: Some(at(first)), last: Some(at(last)) };
        // A Monday: open from 7:00 to 15:00 in UTC; then on Friday.
        let monday = at("2026-07-06T06:00:00Z");
        assert_eq!(paris().after(monday, hour), reached("2026-07-06T08:00:00Z", "2026-07-06T08:00:00Z"));
        assert_eq!(paris().after(monday, hour * 8), reached("2026-07-06T15:00:00Z", "2026-07-10T07:00:00Z"));
        assert_eq!(
            paris().after(monday, SignedDuration::ZERO),
            reached("2026-07-06T06:00:00Z", "2026-07-06T07:00:00Z")
        );
        let friday = at("2026-07-10T08:00:00Z");
        assert_eq!(paris().before(friday, hour), reached("2026-07-10T07:00:00Z", "2026-07-06T15:00:00Z"));
        assert_eq!(paris().before(friday, hour * 2), reached("2026-07-06T14:00:00Z", "2026-07-06T14:00:00Z"));
        // A hundred years are within the supported range of dates, ten thousand are not.
        assert!(paris().after(monday, hour * 24 * 36_500).first.is_some());
        assert_eq!(paris().after(monday, SignedDuration::MAX), Reached { first: None, last: None });
    }

    /// Reference implementation: the sum of all intervals, day by day. Checked against local time by the test below.
    fn day_by_day(hours: &Hours, from: Timestamp, to: Timestamp) -> SignedDuration {
        let days = std::iter::successors(Some(hours.date(from)), |day| day.tomorrow().ok());
        let days = days.take_while(|day| *day <= hours.date(to));
        let cut = days.flat_map(|day| hours.open_on(day)).map(|(start, end)| (start.max(from), end.min(to)));
        cut.filter(|(start, end)| start < end).map(|(start, end)| start.duration_until(end)).sum()
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config { cases: 64, failure_persistence: None, ..Default::default() })]

        /// Over years with holidays, in zones that skip a day, change at midnight, or change four times a year.
        #[test]
        fn long_times_are_as_counted_day_by_day(
            zone in proptest::sample::select(vec![
                "Europe/Paris", "America/New_York", "Pacific/Apia", "Africa/Casablanca", "America/Havana",
                "Australia/Lord_Howe", "America/Sao_Paulo", "UTC",
            ]),
            days in proptest::collection::vec(proptest::option::of((0_u16..20, 1_u16..30)), 7),
            holidays in proptest::collection::btree_set(0_i32..7_000, 0..80),
            (from, minutes) in (0_i64..4_000_000, 0_i64..6_000_000),
            part in 0_i32..100,
        ) {
            let open = |halves: &Option<(u16, u16)>| {
                OpenDay(halves.iter().map(|(from, length)| Interval { from: from * 30, to: ((from + length) * 30).min(1440) }).collect())
            };
            let start = jiff::civil::date(2008, 1, 1);
            let [monday, tuesday, wednesday, thursday, friday, saturday, sunday] =
                <[OpenDay; 7]>::try_from(days.iter().map(open).collect::<Vec<_>>()).unwrap();
            let mut hours = Hours {
                zone: TimeZone::get(zone).unwrap(), monday, tuesday, wednesday, thursday, friday, saturday, sunday,
                ..Hours::default()
            };
            for day in holidays {
                hours.holidays.insert(after_days(start, day));
            }
            let from = at("2008-01-01T00:00:00Z") + SignedDuration::from_mins(from);
            let to = from + SignedDuration::from_mins(minutes);
            let counted = hours.between(from, to);
            proptest::prop_assert_eq!(counted, day_by_day(&hours, from, to));
            let length = SignedDuration::from_secs(counted.as_secs() / 100 * i64::from(part));
            let second = SignedDuration::from_secs(1);
            let (after, before) = (hours.after(from, length), hours.before(to, length));
            let first = after.first.unwrap();
            proptest::prop_assert_eq!(day_by_day(&hours, from, first), length);
            proptest::prop_assert!(length.is_zero() || day_by_day(&hours, from, first - second) < length);
            let first = before.first.unwrap();
            proptest::prop_assert_eq!(day_by_day(&hours, first, to), length);
            proptest::prop_assert!(length.is_zero() || day_by_day(&hours, first + second, to) < length);
            if let Some(last) = after.last {
                proptest::prop_assert_eq!(day_by_day(&hours, from, last), length);
                proptest::prop_assert!(day_by_day(&hours, from, last + second) > length);
            }
            if let Some(last) = before.last {
                proptest::prop_assert_eq!(day_by_day(&hours, last, to), length);
                proptest::prop_assert!(day_by_day(&hours, last - second, to) > length);
            }
        }
    }

    #[test]
    fn a_day_is_in_order_and_none_of_it_is_counted_twice() {
        let day =
            |intervals: &[&str]| OpenDay::try_from(intervals.iter().map(|i| i.parse().unwrap()).collect::<Vec<_>>());
        assert_eq!(day(&["13:00-17:00", "09:00-12:00"]), day(&["09:00-12:00", "13:00-17:00"]));
        assert!(day(&["09:00-12:00", "12:00-17:00"]).is_ok());
        let error = day(&["09:00-13:00", "12:00-17:00"]).unwrap_err();
        assert_eq!(error.to_string(), "intervals `09:00-13:00` and `12:00-17:00` overlap");
    }

    /// Reference implementation: checks local time minute by minute.
    fn minutes_open(hours: &Hours, from: Timestamp, to: Timestamp) -> i64 {
        let mut open = 0;
        let mut at = from;
        while at < to {
            let local = at.to_zoned_datetime(hours.zone.clone());
            let minute = u16::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute())).unwrap();
            let inside = hours.on(local.weekday()).iter().any(|i| i.from <= minute && minute < i.to);
            open += i64::from((inside || hours.is_always_open()) && !hours.holidays.contains(local.date()));
            at += SignedDuration::from_mins(1);
        }
        open
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

        /// Around clock changes, holidays and leap days; with intervals in local times that occur twice, or not at all.
        #[test]
        fn as_counted_minute_by_minute(
            zone in proptest::sample::select(vec!["Europe/Paris", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]),
            days in proptest::collection::vec(proptest::collection::vec((0_u16..48, 1_u16..20), 0..4), 7),
            start in proptest::sample::select(vec!["2026-03-06", "2026-03-27", "2026-10-02", "2026-10-23", "2028-02-27"]),
            (from, length, split) in (0_i64..2_000, 0_i64..14_000, 0_i64..14_000),
            holiday in 0_i32..12,
        ) {
            let mut hours = Hours { zone: TimeZone::get(zone).unwrap(), ..Hours::default() };
            let open = |halves: &Vec<(u16, u16)>| {
                let all = halves.iter().map(|(from, length)| Interval { from: from * 30, to: ((from + length) * 30).min(1440) });
                // Overlapping intervals are left out.
                all.fold(OpenDay::default(), |day, i| {
                    OpenDay::try_from([day.0.clone(), vec![i]].concat()).unwrap_or(day)
                })
            };
            for (day, halves) in [
                &mut hours.monday, &mut hours.tuesday, &mut hours.wednesday, &mut hours.thursday, &mut hours.friday,
                &mut hours.saturday, &mut hours.sunday,
            ].into_iter().zip(&days) {
                *day = open(halves);
            }
            let start: Date = start.parse().unwrap();
            hours.holidays = [start.checked_add(jiff::Span::new().days(holiday)).unwrap()].into();
            let minute = SignedDuration::from_mins(1);
            let from = start.at(0, 0, 0, 0).to_zoned_datetime(TimeZone::UTC).unwrap().timestamp() + minute * i32::try_from(from).unwrap();
            let to = from + minute * i32::try_from(length).unwrap();
            let counted = minutes_open(&hours, from, to);
            proptest::prop_assert_eq!(hours.between(from, to), minute * i32::try_from(counted).unwrap());
            // `between` confirms the result of `after` and `before`.
            let length = minute * i32::try_from(split.min(counted)).unwrap();
            let reached = hours.after(from, length);
            if let Some(first) = reached.first {
                proptest::prop_assert_eq!(hours.between(from, first), length);
                let before = first - minute;
                proptest::prop_assert!(length.is_zero() || hours.between(from, before) < length);
            }
            if let Some(last) = reached.last {
                proptest::prop_assert_eq!(hours.between(from, last), length);
                proptest::prop_assert!(hours.between(from, last + minute) > length);
            }
            let back = hours.before(to, length);
            if let Some(first) = back.first {
                proptest::prop_assert_eq!(hours.between(first, to), length);
            }
            // `is_open` does not change before the next opening or closing.
            if let Some(turn) = hours.turns_after(from) {
                proptest::prop_assert_ne!(hours.is_open(from), hours.is_open(turn));
                let minutes = from.duration_until(turn).as_mins();
                if minutes < 3_000 {
                    let open = minutes_open(&hours, from, turn);
                    proptest::prop_assert_eq!(open, if hours.is_open(from) { minutes } else { 0 });
                }
            }
        }
    }

    #[test]
    fn what_is_no_interval_is_refused() {
        for text in ["", "9-5", "09:00-09:00", "17:00-09:00", "09:00-25:00", "09:00-24:01", "a:00-b:00"] {
            assert!(text.parse::<Interval>().is_err(), "{text}");
        }
    }
}
