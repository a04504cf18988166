//! Reports evaluated in memory, the reference for reports in SQL; and the result table that both fill.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{
    Span as Length, Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use serde::{Serialize, Serializer};

use super::evaluate;
use crate::{
    desk::{Decimal, Declarations, Facts, FieldRef, Kind, Rating, Satisfaction, Ticket, Value},
    lang::rules::{Aggregate, Calendar, Measure, Period, PeriodUnit, Quantity, Report, Split},
};

/// Maximum number of calendar keys (days, weeks or months) that a report is filled up with.
const MAX_FILLED_ROWS: usize = 4_000;

/// The result of a report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReportTable {
    /// The report's title.
    pub title: String,
    /// The time zone of its calendar.
    pub zone: String,
    /// Its period; `null` if it is not limited in time.
    pub period: Option<Interval>,
    /// The period it is compared with.
    pub previous: Option<Interval>,
    /// Its splits, as rules write them.
    pub by: Vec<String>,
    /// Its measures, in the order of the values.
    pub measures: Vec<Measured>,
    /// One row for each combination of keys, in order; empty keys last.
    pub rows: Vec<Row>,
    /// The total over all rows.
    pub total: Row,
}

/// A half-open interval of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Interval {
    /// The first instant in it.
    pub from: Timestamp,
    /// The first instant after it.
    pub to: Timestamp,
}

/// A measure with its unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Measured {
    /// Its name, as rules write it.
    pub name: String,
    /// Its unit: `tickets`, `people`, `seconds` or `number`.
    pub unit: &'static str,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// A key for each split.
    pub keys: Vec<Key>,
    /// A value for each measure; `null` if there were no quantities to aggregate.
    pub values: Vec<Option<f64>>,
    /// The values in the previous period, if the report compares.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<Vec<Option<f64>>>,
}

/// The key of a row. As JSON: a string, a number for an hour of the week, or `null`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// The first day of a day, week or month.
    Start(Date),
    /// An hour of the week, from Monday 00:00.
    Hour(i64),
    /// A band, by its start; without a start, all numbers below the first band.
    Band(Option<i64>, Option<i64>),
    /// A keyword, by its rank.
    Word(usize, String),
    /// Any other value.
    Name(String),
    /// No value.
    Empty,
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        let grouped = crate::lang::display::Grouped;
        match self {
            Self::Start(date) => write!(f, "{date}"),
            Self::Hour(hour) => {
                let day = usize::try_from(hour / 24).ok().and_then(|day| DAYS.get(day)).unwrap_or(&"?");
                write!(f, "{day} {:02}:00", hour % 24)
            }
            Self::Band(None, Some(to)) => write!(f, "below {}", grouped(*to)),
            Self::Band(Some(from), None) => write!(f, "{} and more", grouped(*from)),
            Self::Band(Some(from), Some(to)) => write!(f, "{} to {}", grouped(*from), grouped(to - 1)),
            Self::Band(None, None) => f.write_str("all"),
            Self::Word(_, word) => f.write_str(word),
            Self::Name(name) => f.write_str(name),
            Self::Empty => f.write_str("(none)"),
        }
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Empty => s.serialize_none(),
            Self::Hour(hour) => s.serialize_i64(*hour),
            key => s.collect_str(key),
        }
    }
}

impl Period {
    /// The interval of a period, as of now.
    pub fn interval(self, zone: &TimeZone, now: Timestamp) -> Option<Interval> {
        let (from, to) = self.civil(zone, now)?;
        instants(from, to, zone)
    }

    /// The previous interval of the same length.
    pub fn previous(self, zone: &TimeZone, now: Timestamp) -> Option<Interval> {
        let (from, to) = self.civil(zone, now)?;
        let before = match self {
            Self::Last(count, unit) => from.checked_sub(unit.length(count)).ok()?,
            Self::Between(..) => from.checked_sub(Length::new().days((to.date() - from.date()).get_days())).ok()?,
        };
        instants(before, from, zone)
    }

    fn civil(self, zone: &TimeZone, now: Timestamp) -> Option<(DateTime, DateTime)> {
        match self {
            Self::Between(from, to) => Some((from.at(0, 0, 0, 0), to.at(0, 0, 0, 0))),
            Self::Last(count, unit) => {
                let now = now.to_zoned_datetime(zone.clone());
                let today = now.date();
                // The start of the current calendar part.
                let start = match unit {
                    PeriodUnit::Hour => now.date().at(now.hour(), 0, 0, 0),
                    PeriodUnit::Day => today.at(0, 0, 0, 0),
                    PeriodUnit::Week => monday(today)?.at(0, 0, 0, 0),
                    PeriodUnit::Month => today.first_of_month().at(0, 0, 0, 0),
                    PeriodUnit::Year => today.first_of_year().at(0, 0, 0, 0),
                };
                let to = start.checked_add(unit.length(1)).ok()?;
                Some((to.checked_sub(unit.length(count)).ok()?, to))
            }
        }
    }
}

impl PeriodUnit {
    fn length(self, count: i32) -> Length {
        match self {
            Self::Hour => Length::new().hours(count),
            Self::Day => Length::new().days(count),
            Self::Week => Length::new().weeks(count),
            Self::Month => Length::new().months(count),
            Self::Year => Length::new().years(count),
        }
    }
}

fn instants(from: DateTime, to: DateTime, zone: &TimeZone) -> Option<Interval> {
    let at = |civil: DateTime| Some(civil.to_zoned_datetime(zone.clone()).ok()?.timestamp());
    Some(Interval { from: at(from)?, to: at(to)? })
}

fn monday(day: Date) -> Option<Date> {
    day.checked_sub(Length::new().days(i32::from(day.weekday().to_monday_zero_offset()))).ok()
}

/// The calendar key of an instant: its day, week, month or hour of the week.
pub(super) fn calendar_key(unit: Calendar, at: Timestamp, zone: &TimeZone) -> Key {
    let local = at.to_zoned_datetime(zone.clone());
    let day = local.date();
    match unit {
        Calendar::Day => Key::Start(day),
        Calendar::Week => Key::Start(monday(day).unwrap_or(day)),
        Calendar::Month => Key::Start(day.first_of_month()),
        Calendar::HourOfWeek => {
            Key::Hour(i64::from(day.weekday().to_monday_zero_offset()) * 24 + i64::from(local.hour()))
        }
    }
}

/// The band of a number.
pub fn band_key(from: &[i64], number: i64) -> Key {
    let above = from.iter().rposition(|start| *start <= number);
    let next = above.map_or(0, |at| at + 1);
    Key::Band(above.and_then(|at| from.get(at)).copied(), from.get(next).copied())
}

/// The key of a field's value.
pub fn value_key(value: &Value<'_>, kind: &Kind) -> Key {
    match value {
        _ if value.is_empty() => Key::Empty,
        Value::Word(word) => match kind {
            Kind::Words(words) => Key::Word(words.rank(word).unwrap_or(usize::MAX), word.to_string()),
            _ => Key::Name(word.to_string()),
        },
        Value::YesNo(yes) => Key::Word(usize::from(!yes), if *yes { "yes" } else { "no" }.to_owned()),
        Value::Text(text) => Key::Name(text.to_string()),
        value => Key::Name(value.to_string()),
    }
}

/// The empty table of a report: title, period, splits and measures, without rows.
pub fn frame(report: &Report, desk: &Declarations, now: Timestamp) -> ReportTable {
    let zone = &desk.hours.zone;
    let period = report.over.as_ref().and_then(|over| over.period.interval(zone, now));
    let previous = report.over.as_ref().filter(|_| report.compare).and_then(|over| over.period.previous(zone, now));
    let nothing: Vec<_> = report.measures.iter().map(|_| None).collect();
    ReportTable {
        title: report.title.clone(),
        zone: zone.iana_name().unwrap_or("UTC").to_owned(),
        period,
        previous,
        by: report.by.iter().map(ToString::to_string).collect(),
        measures: report
            .measures
            .iter()
            .map(|measure| Measured { name: measure.to_string(), unit: measure.unit() })
            .collect(),
        rows: vec![],
        total: Row { keys: vec![], values: nothing.clone(), previous: report.compare.then_some(nothing) },
    }
}

impl Measure {
    /// Its unit.
    pub fn unit(&self) -> &'static str {
        match self {
            Self::Count => "tickets",
            Self::Requesters | Self::Reach => "people",
            Self::Of { quantity, .. } if quantity.is_business() => "business seconds",
            Self::Of { quantity, .. } if quantity.is_time() => "seconds",
            Self::Of { quantity, .. } if quantity.is_share() => "percent",
            Self::Of { .. } => "number",
        }
    }

    /// Its value if there are no tickets.
    pub(crate) fn of_nothing(&self) -> Option<f64> {
        match self {
            Self::Count | Self::Requesters | Self::Reach => Some(0.0),
            Self::Of { aggregate: Aggregate::Sum, .. } => Some(0.0),
            Self::Of { .. } => None,
        }
    }
}

/// Aggregates tickets one by one.
#[derive(Debug)]
pub struct Tally<'a> {
    report: &'a Report,
    desk: &'a Declarations,
    now: Timestamp,
    table: ReportTable,
    /// The groups, by whether they are of the previous period, and by keys. The totals have no keys.
    groups: HashMap<(bool, Vec<Key>), Group>,
}

#[derive(Debug, Default)]
struct Group {
    count: i64,
    /// The followers of each person.
    people: BTreeMap<String, i64>,
    /// The quantities of each measure, as [`quantity_of`] gives them.
    values: Vec<Vec<i64>>,
}

impl<'a> Tally<'a> {
    /// An empty tally.
    pub fn new(report: &'a Report, desk: &'a Declarations, now: Timestamp) -> Self {
        Self { report, desk, now, table: frame(report, desk, now), groups: HashMap::new() }
    }

    /// Adds a ticket, if it satisfies the report's condition.
    pub fn add(&mut self, ticket: &Ticket) {
        let facts = Facts { ticket, event: None, now: self.now, desk: self.desk };
        if !evaluate::holds(&self.report.filter, facts) {
            return;
        }
        let inside = |interval: Option<Interval>| match (&self.report.over, interval) {
            (None, _) => true,
            (Some(over), Some(interval)) => {
                matches!(over.of.read(facts), Value::Time(at) if interval.from <= at && at < interval.to)
            }
            (Some(_), None) => false,
        };
        let previous = match (inside(self.table.period), self.report.compare && inside(self.table.previous)) {
            (true, _) => false,
            (false, true) => true,
            (false, false) => return,
        };
        let keys: Vec<_> = self.report.by.iter().map(|split| keys_of(split, facts, &self.desk.hours.zone)).collect();
        let mut combined: Vec<Vec<Key>> = vec![vec![]];
        for keys in &keys {
            combined = combined
                .iter()
                .flat_map(|c| keys.iter().map(move |k| [c.as_slice(), std::slice::from_ref(k)].concat()))
                .collect();
        }
        let combined: BTreeSet<_> = combined.into_iter().chain([vec![]]).collect();
        let person = &ticket.requester;
        let name = person.id.as_ref().map_or_else(|| format!("{person:?}"), ToString::to_string);
        let values: Vec<_> = self.report.measures.iter().map(|measure| quantity_of(measure, facts)).collect();
        for keys in combined {
            let group = self.groups.entry((previous, keys)).or_default();
            group.count += 1;
            group.people.insert(name.clone(), person.followers.unwrap_or(0));
            group.values.resize(values.len(), vec![]);
            for (all, value) in group.values.iter_mut().zip(&values) {
                all.extend(value);
            }
        }
    }

    /// The table.
    pub fn finish(self) -> ReportTable {
        let mut counted = HashMap::new();
        for (key, mut group) in self.groups {
            let values = self.report.measures.iter().enumerate();
            let values: Vec<_> = values.map(|(n, measure)| group.value(measure, n)).collect();
            counted.insert(key, values);
        }
        fill(self.report, self.desk, self.now, self.table, counted)
    }
}

/// Fills a table with aggregated values: sorted, with a row for each empty calendar part.
pub fn fill(
    report: &Report,
    desk: &Declarations,
    now: Timestamp,
    mut table: ReportTable,
    mut counted: HashMap<(bool, Vec<Key>), Vec<Option<f64>>>,
) -> ReportTable {
    let nothing: Vec<_> = report.measures.iter().map(Measure::of_nothing).collect();
    let shift = shifts(report, desk, now);
    let mut keys: BTreeSet<Vec<Key>> = BTreeSet::new();
    // Each row of the previous period is joined with the row at the same position in the current period.
    let moved: Vec<_> = counted.keys().filter(|(previous, keys)| *previous && !keys.is_empty()).cloned().collect();
    for key in moved {
        if let Some(values) = counted.remove(&key) {
            let place = key.1.iter().map(|key| shift.get(key).cloned().unwrap_or_else(|| key.clone())).collect();
            counted.insert((true, place), values);
        }
    }
    keys.extend(counted.keys().filter(|(_, keys)| !keys.is_empty()).map(|(_, keys)| keys.clone()));
    if let [split] = report.by.as_slice() {
        let all = calendar_of(split, table.period, &keys, desk);
        keys.extend(all.into_iter().map(|key| vec![key]));
    }
    let mut take =
        |previous: bool, keys: &[Key]| counted.remove(&(previous, keys.to_vec())).unwrap_or_else(|| nothing.clone());
    table.total = Row { keys: vec![], values: take(false, &[]), previous: report.compare.then(|| take(true, &[])) };
    table.rows = keys
        .into_iter()
        .filter(|_| !report.by.is_empty())
        .map(|keys| Row { values: take(false, &keys), previous: report.compare.then(|| take(true, &keys)), keys })
        .collect();
    table
}

/// The calendar keys of a split: all of a period, or without a period, from the first counted key to the last.
fn calendar_of(split: &Split, period: Option<Interval>, counted: &BTreeSet<Vec<Key>>, desk: &Declarations) -> Vec<Key> {
    let Split::Time { unit, .. } = split else { return vec![] };
    if *unit == Calendar::HourOfWeek {
        return (0..168).map(Key::Hour).collect();
    }
    let starts = || {
        counted.iter().filter_map(|keys| match keys.first() {
            Some(Key::Start(start)) => Some(*start),
            _ => None,
        })
    };
    let day = |at: Timestamp| match calendar_key(*unit, at, &desk.hours.zone) {
        Key::Start(start) => Some(start),
        _ => None,
    };
    let ends = match period {
        // The end is exclusive.
        Some(period) => {
            let last = period.to.checked_sub(jiff::SignedDuration::from_nanos(1)).ok();
            (day(period.from), last.and_then(day))
        }
        None => (starts().min(), starts().max()),
    };
    let (Some(from), Some(to)) = ends else { return vec![] };
    from.series(unit.step()).take_while(|start| *start <= to).take(MAX_FILLED_ROWS).map(Key::Start).collect()
}

impl Calendar {
    fn step(self) -> Length {
        match self {
            Self::HourOfWeek | Self::Day => Length::new().days(1),
            Self::Week => Length::new().weeks(1),
            Self::Month => Length::new().months(1),
        }
    }
}

/// Maps each calendar key of the previous period to the key at the same position in the current period.
fn shifts(report: &Report, desk: &Declarations, now: Timestamp) -> HashMap<Key, Key> {
    let (Some(over), true) = (&report.over, report.compare) else { return HashMap::new() };
    let zone = &desk.hours.zone;
    let (period, previous) = (over.period.interval(zone, now), over.period.previous(zone, now));
    let mut shifts = HashMap::new();
    for split in &report.by {
        let of = |interval: Option<Interval>| match interval {
            Some(_) => calendar_of(split, interval, &BTreeSet::new(), desk),
            None => vec![],
        };
        shifts.extend(of(previous).into_iter().zip(of(period)));
    }
    shifts
}

/// The keys of a ticket under a split: one, or for a set one per member.
fn keys_of(split: &Split, facts: Facts<'_>, zone: &TimeZone) -> Vec<Key> {
    match split {
        Split::Field(field) => match field.read(facts) {
            Value::Set(tags) if tags.is_empty() => vec![Key::Empty],
            Value::Set(tags) => tags.iter().map(|tag| Key::Name(tag.clone())).collect(),
            value => vec![value_key(&value, &field.kind())],
        },
        Split::Time { unit, of } => match of.read(facts) {
            Value::Time(at) => vec![calendar_key(*unit, at, zone)],
            _ => vec![Key::Empty],
        },
        Split::Bands { field, from } => match field.read(facts) {
            Value::Number(number) => vec![band_key(from, number)],
            _ => vec![Key::Empty],
        },
    }
}

/// The quantity of a ticket that a measure aggregates, if it has one: a number, the units of a decimal
/// number, or a length of time in milliseconds.
/// Integers, so that aggregating in another order, as SQL does, comes to the same.
fn quantity_of(measure: &Measure, facts: Facts<'_>) -> Option<i64> {
    let Measure::Of { quantity, .. } = measure else { return None };
    match quantity {
        Quantity::Field(field) => match field.read(facts) {
            Value::Number(number) => Some(number),
            Value::Decimal(decimal) => Some(decimal.units()),
            _ => None,
        },
        Quantity::Time { metric, business } => {
            let time = |name: &str| match FieldRef::find(name, facts.desk)?.read(facts) {
                Value::Time(at) => Some(at),
                _ => None,
            };
            let (from, to) = (time(metric.from)?, time(metric.to)?);
            let length = match (business, from <= to) {
                (false, _) => from.duration_until(to),
                (true, true) => facts.hours().between(from, to),
                (true, false) => -facts.hours().between(to, from),
            };
            i64::try_from(length.as_millis()).ok()
        }
        Quantity::InTime(target) => target.in_time(facts.ticket, facts.now).map(share),
        Quantity::SatisfactionScore => {
            facts.ticket.satisfaction.and_then(Satisfaction::rating).map(|rating| share(rating == Rating::Good))
        }
        Quantity::SatisfactionResponse => {
            facts.ticket.satisfaction_offered.map(|_| share(facts.ticket.satisfaction_rated.is_some()))
        }
        Quantity::TimeIn { statuses, business } => {
            let time = evaluate::time_in(statuses, *business, facts);
            i64::try_from(time.as_nanos().div_euclid(1_000_000)).ok()
        }
    }
}

/// A ticket's part in a share in percent.
const fn share(counts: bool) -> i64 {
    if counts { 100 } else { 0 }
}

impl Group {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    fn value(&mut self, measure: &Measure, n: usize) -> Option<f64> {
        match measure {
            Measure::Count => Some(self.count as f64),
            Measure::Requesters => Some(self.people.len() as f64),
            Measure::Reach => Some(self.people.values().map(|followers| *followers as f64).sum()),
            Measure::Of { aggregate, .. } => {
                self.values.get_mut(n).and_then(|values| aggregate.of(values)).map(|value| measure.in_unit(value))
            }
        }
    }
}

impl Measure {
    /// Converts an aggregate to the unit that is reported: lengths of time from milliseconds to seconds, and decimal numbers
    /// from their units.
    pub fn in_unit(&self, value: f64) -> f64 {
        match self {
            Self::Of { quantity, .. } if quantity.is_time() => value / 1000.0,
            Self::Of { quantity, .. } if quantity.is_decimal() => Decimal::approximate(value),
            _ => value,
        }
    }
}

impl Aggregate {
    /// Aggregates quantities to one value.
    #[expect(clippy::cast_precision_loss, reason = "counts and milliseconds are far below 2^53")]
    fn of(self, values: &mut [i64]) -> Option<f64> {
        values.sort_unstable();
        let count = values.len();
        let at = |index: usize| values.get(index).map(|value| *value as f64);
        let sum = || values.iter().map(|value| i128::from(*value)).sum::<i128>() as f64;
        match self {
            Self::Sum => Some(sum()),
            Self::Average => (count > 0).then(|| sum() / count as f64),
            Self::Least => at(0),
            Self::Most => at(count.checked_sub(1)?),
            Self::Median => Some((at(count.checked_sub(1)? / 2)? + at(count / 2)?) / 2.0),
            Self::P90 => at((9 * count).div_ceil(10).checked_sub(1)?),
        }
    }
}
