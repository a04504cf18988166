//! Reports translated to SQL. They give the same numbers as [`crate::engine::report`] in memory.
//!
//! The database filters, groups and aggregates. Time zones are passed to it as a list of UTC offsets, one for each
//! period between two transitions. Reports that SQL cannot express exactly, and those that measure business hours, are
//! computed in memory from the tickets that the database finds.

use std::{collections::HashMap, fmt::Write as _};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{
    StoreError,
    db::{Builder, Connection, Dialect, Row},
    snapshot::Snapshot,
    ticket::tickets,
    time,
    view::{Query, SetTable, asks_about_people, fields_of, list_of, past_time_in},
};
use crate::{
    desk::{
        Declarations, FieldRef, Kind, Value, Viewer,
        field::{Field, known},
    },
    engine::report::{Interval, Key, ReportTable, Tally, band_key, fill, frame, value_key},
    lang::rules::{Aggregate, Calendar, Measure, Quantity, Report, Split},
};

/// Batch size, in tickets, for reports computed in memory.
const CHUNK: usize = 500;
/// The maximum number of months in one statement.
const MAX_MONTHS: usize = 600;

type Counted = HashMap<(bool, Vec<Key>), Vec<Option<f64>>>;

impl Snapshot<'_> {
    /// Computes a report.
    pub async fn report(
        &mut self,
        report: &Report,
        desk: &Declarations,
        now: Timestamp,
    ) -> Result<ReportTable, StoreError> {
        let (viewer, reader) = (self.viewer, &mut *self.conn);
        let report = &Report { filter: report.filter.read_by(viewer).into_owned(), ..report.clone() };
        let table = frame(report, desk, now);
        let statement = Statement { dialect: reader.dialect(), viewer, report, desk, now, table: &table };
        if !statement.can_count() {
            return statement.in_memory(reader).await;
        }
        let local = match statement.local(reader).await? {
            Some(local) => local,
            None => return statement.in_memory(reader).await,
        };
        let mut counted = Counted::new();
        if !report.by.is_empty() {
            statement.count(reader, &local, false, &mut counted).await?;
        }
        if !statement.add_up(&mut counted) {
            statement.count(reader, &local, true, &mut counted).await?;
        }
        Ok(fill(report, desk, now, table, counted))
    }
}

/// Calendar data for splits by time: UTC offsets as (start instant, offset), both in milliseconds, latest first; and
/// the first days of the months.
struct Local {
    offsets: Vec<(i64, i64)>,
    months: Vec<Date>,
}

struct Statement<'a> {
    dialect: Dialect,
    viewer: Viewer<'a>,
    report: &'a Report,
    desk: &'a Declarations,
    now: Timestamp,
    table: &'a ReportTable,
}

impl Statement<'_> {
    /// Whether the database can compute the whole report.
    fn can_count(&self) -> bool {
        let business = |m: &Measure| matches!(m, Measure::Of { quantity, .. } if quantity.is_business());
        let shown = |split: &Split| matches!(split, Split::Field(FieldRef::Known(Field { sql: None, .. })));
        !self.report.measures.iter().any(business)
            && !self.report.by.iter().any(shown)
            && Query::of(self.dialect, "SELECT 1", self.viewer, &self.report.filter, self.desk, self.now).exact
    }

    async fn in_memory(&self, reader: &mut Connection) -> Result<ReportTable, StoreError> {
        let query = self.over("SELECT t.id");
        let ids: Vec<i64> = query.sql.build_query_scalar().fetch_all(&mut *reader).await?;
        let mut tally = Tally::new(self.report, self.desk, self.now);
        for ids in ids.chunks(CHUNK) {
            tickets(reader, ids).await?.iter().for_each(|ticket| tally.add(ticket));
        }
        Ok(tally.finish())
    }

    /// A query over the tickets of the report.
    fn over(&self, select: &str) -> Query<'_> {
        let people = self.report.over.as_ref().is_some_and(|over| asks_about_people(&over.of));
        let mut query =
            Query::with(self.dialect, select, people, self.viewer, &self.report.filter, self.desk, self.now);
        self.period(&mut query.sql);
        query
    }

    /// Pushes ` AND …`, which selects the tickets of the period and of the one it is compared with.
    fn period(&self, sql: &mut Builder<'_>) {
        let (Some(over), Some(period)) = (&self.report.over, self.table.period) else { return };
        let Some(column) = column(&over.of) else { return };
        let from = self.table.previous.map_or(period.from, |previous| previous.from.min(period.from));
        sql.push(format_args!(" AND {column} >= ")).push_bind(millis(from));
        sql.push(format_args!(" AND {column} < ")).push_bind(millis(period.to));
    }

    /// The calendar data for the range of stored times; `None` if it has more than [`MAX_MONTHS`] months.
    async fn local(&self, reader: &mut Connection) -> Result<Option<Local>, StoreError> {
        let zone = &self.desk.hours.zone;
        let mut local = Local { offsets: vec![], months: vec![] };
        for split in &self.report.by {
            let Split::Time { unit, of } = split else { continue };
            let Some(column) = column(of) else { return Ok(None) };
            let query = self.over(&format!("SELECT min({column}), max({column})"));
            let ends = query.sql.build().fetch_one(&mut *reader).await?;
            let (Some(from), Some(to)) = (ends.try_get(0)?, ends.try_get(1)?) else { continue };
            let (from, to) = (time(from)?, time(to)?);
            local.offsets.extend(offsets(zone, Interval { from, to }));
            if *unit == Calendar::Month {
                let first = from.to_zoned_datetime(zone.clone()).date().first_of_month();
                let last = to.to_zoned_datetime(zone.clone()).date();
                let months = first.series(jiff::Span::new().months(1)).take_while(|month| *month <= last);
                local.months.extend(months.take(MAX_MONTHS + 1));
            }
        }
        local.offsets.sort_unstable_by(|a, b| b.cmp(a));
        local.offsets.dedup();
        local.months.sort_unstable();
        local.months.dedup();
        Ok((local.months.len() <= MAX_MONTHS).then_some(local))
    }

    /// `WITH base AS (…)`: one row for each ticket, with its split keys and measured values.
    fn base(&self, local: &Local) -> Builder<'static> {
        // Only needed columns are selected, so that a covering index may suffice.
        let mut select = "WITH base AS (SELECT t.id AS id".to_owned();
        let people = |m: &Measure| matches!(m, Measure::Requesters | Measure::Reach);
        let by_person = |split: &Split| matches!(split, Split::Field(f) if f.kind().is_set() && SetTable::of(f, self.dialect).of_person());
        if self.report.measures.iter().any(people) || self.report.by.iter().any(by_person) {
            select.push_str(", t.requester AS who");
        }
        if self.report.measures.contains(&Measure::Reach) {
            select.push_str(", coalesce(p.followers, 0) AS reach");
        }
        // Writing to a `String` cannot fail.
        if let (Some(over), Some(period), Some(_)) = (&self.report.over, self.table.period, self.table.previous) {
            let column = column(&over.of).unwrap_or_default();
            let _ = write!(select, ", CASE WHEN {column} < {} THEN 1 ELSE 0 END AS earlier", millis(period.from));
        }
        for (n, split) in self.report.by.iter().enumerate() {
            let key = match split {
                Split::Time { of, .. } => local_time(&column(of).unwrap_or_default(), local),
                Split::Bands { field, from } => {
                    let column = column(field).unwrap_or_default();
                    let mut bands = format!("CASE WHEN {column} IS NULL THEN NULL");
                    for (place, start) in from.iter().enumerate() {
                        let _ = write!(bands, " WHEN {column} < {start} THEN {place}");
                    }
                    format!("{bands} ELSE {} END", from.len())
                }
                Split::Field(field) if field.kind().is_set() => continue,
                Split::Field(field) => match field.kind() {
                    // A blank text counts as empty.
                    Kind::Text => {
                        let (text, folded) = (column(field), column_of(field, true));
                        format!("CASE WHEN {} <> '' THEN {} END", folded.unwrap_or_default(), text.unwrap_or_default())
                    }
                    Kind::YesNo => format!("coalesce({}, 0)", column(field).unwrap_or_default()),
                    _ => column(field).unwrap_or_default(),
                },
            };
            let _ = write!(select, ", {key} AS k{n}");
        }
        for (n, measure) in self.report.measures.iter().enumerate() {
            let Measure::Of { quantity, .. } = measure else { continue };
            let quantity = match quantity {
                Quantity::Field(field) => column(field).unwrap_or_default(),
                Quantity::Time { metric, .. } => {
                    let of = |name| known(name).and_then(|f| f.sql).unwrap_or("NULL");
                    format!("({} - {})", of(metric.to), of(metric.from))
                }
                Quantity::InTime(target) => {
                    let column = |name: &str| known(name).and_then(|field| field.sql).unwrap_or("NULL");
                    let due = column(target.due_field());
                    let done = column(target.done_field().unwrap_or_default());
                    let now = -(-self.now.as_nanosecond()).div_euclid(1_000_000);
                    format!(
                        "CASE WHEN {due} IS NULL THEN NULL WHEN {done} <= {due} THEN 100 \
                         WHEN {done} > {due} OR {due} < {now} THEN 0 END"
                    )
                }
                Quantity::SatisfactionScore => {
                    "CASE t.satisfaction WHEN 'good' THEN 100 WHEN 'bad' THEN 0 END".to_owned()
                }
                Quantity::SatisfactionResponse => "CASE WHEN t.satisfaction_offered IS NULL THEN NULL \
                     WHEN t.satisfaction_rated IS NULL THEN 0 ELSE 100 END"
                    .to_owned(),
                Quantity::TimeIn { statuses, .. } => {
                    let now = self.now.as_nanosecond().div_euclid(1_000_000);
                    let current = list_of(statuses);
                    format!(
                        "({} + CASE WHEN t.status IN ({current}) THEN {now} - t.status_changed ELSE 0 END)",
                        past_time_in(statuses)
                    )
                }
            };
            let _ = write!(select, ", {quantity} AS m{n}");
        }
        let mut query = self.over(&select);
        query.sql.push(")");
        query.sql
    }

    /// Computes all measures for each group of the splits, or if `total`, for all tickets together.
    async fn count(
        &self,
        reader: &mut Connection,
        local: &Local,
        total: bool,
        counted: &mut Counted,
    ) -> Result<(), StoreError> {
        let splits: &[Split] = if total { &[] } else { &self.report.by };
        // `earlier` is a key only if periods are compared: grouping by a constant would prevent the use of an index.
        let mut keys: Vec<(usize, String)> =
            self.table.previous.iter().map(|_| (0, "CAST(earlier AS BIGINT)".to_owned())).collect();
        let mut tables = "base".to_owned();
        for (n, split) in splits.iter().enumerate() {
            let key = match split {
                Split::Time { unit, .. } => {
                    format!("CAST({} AS BIGINT)", calendar(&format!("k{n}"), *unit, &local.months))
                }
                Split::Bands { .. } => format!("CAST(k{n} AS BIGINT)"),
                Split::Field(field) if field.kind().is_set() => {
                    let set = SetTable::of(field, self.dialect);
                    let of = if set.of_person() { "who" } else { "id" };
                    let _ = write!(tables, " LEFT JOIN {} s{n} ON s{n}.{} = base.{of}", set.table, set.owner);
                    format!("s{n}.tag")
                }
                _ => format!("k{n}"),
            };
            keys.push((n + 1, key));
        }
        let groups: Vec<_> = keys.iter().map(|(n, _)| format!("g{n}")).collect();
        let by = |words: &str| if groups.is_empty() { String::new() } else { format!("{words} {}", groups.join(", ")) };
        let (grouped, partition) = (by("GROUP BY"), by("PARTITION BY"));
        // Both are prefixes of a longer select list.
        let groups: String = groups.iter().map(|group| format!("{group}, ")).collect();
        let keyed: String = keys.iter().map(|(n, key)| format!("{key} AS g{n}, ")).collect();
        // One statement for all measures that need only a single pass.
        let mut asked = String::new();
        for (n, measure) in self.report.measures.iter().enumerate() {
            let what = match measure {
                Measure::Count => "CAST(count(*) AS DOUBLE PRECISION)".to_owned(),
                Measure::Requesters => "CAST(count(DISTINCT who) AS DOUBLE PRECISION)".to_owned(),
                Measure::Reach => continue,
                Measure::Of { aggregate, .. } => match aggregate {
                    Aggregate::Average => format!("avg(CAST(m{n} AS DOUBLE PRECISION))"),
                    Aggregate::Sum => format!("coalesce(sum(CAST(m{n} AS DOUBLE PRECISION)), 0.0)"),
                    Aggregate::Least => format!("CAST(min(m{n}) AS DOUBLE PRECISION)"),
                    Aggregate::Most => format!("CAST(max(m{n}) AS DOUBLE PRECISION)"),
                    Aggregate::Median | Aggregate::P90 => continue,
                },
            };
            let _ = write!(asked, ", {what} AS v{n}");
        }
        let mut query = self.base(local);
        query.push(format_args!(
            " SELECT {groups}1 AS one{asked} FROM (SELECT {keyed}base.* FROM {tables}) AS split {grouped}"
        ));
        for row in query.build().fetch_all(&mut *reader).await? {
            let values = counted.entry(self.key(&row, splits, local)?).or_insert_with(|| self.nothing());
            for (n, measure) in self.report.measures.iter().enumerate() {
                if let (Ok(value), Some(slot)) =
                    (row.try_get::<Option<f64>, _>(format!("v{n}").as_str()), values.get_mut(n))
                {
                    *slot = value.map(|value| measure.in_unit(value));
                }
            }
        }
        // And one statement for each measure that needs sorted values or distinct people.
        for (n, measure) in self.report.measures.iter().enumerate() {
            let mut query = self.base(local);
            match measure {
                Measure::Reach => query.push(format_args!(
                    " SELECT {groups}coalesce(sum(CAST(reach AS DOUBLE PRECISION)), 0.0) AS v FROM
                       (SELECT DISTINCT {keyed}who, reach FROM {tables}) AS people {grouped}"
                )),
                Measure::Of { aggregate: aggregate @ (Aggregate::Median | Aggregate::P90), .. } => {
                    let places = match aggregate {
                        Aggregate::Median => "place IN ((many + 1) / 2, (many + 2) / 2)",
                        _ => "place = (9 * many + 9) / 10",
                    };
                    query.push(format_args!(
                        " SELECT {groups}avg(CAST(m AS DOUBLE PRECISION)) AS v FROM (SELECT {groups}m,
                             row_number() OVER ({partition} ORDER BY m) AS place, count(*) OVER ({partition}) AS many
                           FROM (SELECT {keyed}m{n} AS m FROM {tables}) AS split WHERE m IS NOT NULL) AS placed
                         WHERE {places} {grouped}"
                    ))
                }
                _ => continue,
            };
            for row in query.build().fetch_all(&mut *reader).await? {
                let value: Option<f64> = row.try_get("v")?;
                let values = counted.entry(self.key(&row, splits, local)?).or_insert_with(|| self.nothing());
                if let Some(slot) = values.get_mut(n) {
                    *slot = value.map(|value| measure.in_unit(value));
                }
            }
        }
        Ok(())
    }

    /// Computes the totals from the groups and returns true. Returns false if that is impossible: a ticket may be in
    /// several groups, or a measure cannot be combined from groups.
    fn add_up(&self, counted: &mut Counted) -> bool {
        let once = |split: &Split| !matches!(split, Split::Field(field) if field.kind().is_set());
        let sums = |measure: &Measure| match measure {
            Measure::Count => true,
            // Fractions do not add up exactly.
            Measure::Of { quantity, aggregate: Aggregate::Sum } if quantity.is_decimal() => false,
            Measure::Of { aggregate, .. } => {
                matches!(aggregate, Aggregate::Sum | Aggregate::Least | Aggregate::Most)
            }
            Measure::Requesters | Measure::Reach => false,
        };
        if self.report.by.is_empty() || !self.report.by.iter().all(once) || !self.report.measures.iter().all(sums) {
            return false;
        }
        for earlier in [false, true] {
            let mut total = self.nothing();
            for (_, values) in counted.iter().filter(|((before, _), _)| *before == earlier) {
                for ((sum, value), measure) in total.iter_mut().zip(values).zip(&self.report.measures) {
                    *sum = match (*sum, *value, measure) {
                        (Some(a), Some(b), Measure::Of { aggregate: Aggregate::Least, .. }) => Some(a.min(b)),
                        (Some(a), Some(b), Measure::Of { aggregate: Aggregate::Most, .. }) => Some(a.max(b)),
                        (Some(a), Some(b), _) => Some(a + b),
                        (a, b, _) => a.or(b),
                    };
                }
            }
            counted.insert((earlier, vec![]), total);
        }
        true
    }

    fn nothing(&self) -> Vec<Option<f64>> {
        self.report.measures.iter().map(Measure::of_nothing).collect()
    }

    /// The group of a row: whether it is of the earlier period, and its keys.
    fn key(&self, row: &Row, splits: &[Split], local: &Local) -> Result<(bool, Vec<Key>), StoreError> {
        let mut keys = vec![];
        for (n, split) in splits.iter().enumerate() {
            let column = format!("g{}", n + 1);
            let column = column.as_str();
            let key = match split {
                Split::Time { unit, .. } => match (row.try_get::<Option<i64>, _>(column)?, unit) {
                    (None, _) => Key::Empty,
                    (Some(hour), Calendar::HourOfWeek) => Key::Hour(hour),
                    (Some(day), Calendar::Day) => Key::Start(day_of(day)?),
                    // 1970-01-01 was a Thursday, so that week 0 starts on Monday, three days before.
                    (Some(week), Calendar::Week) => Key::Start(day_of(week * 7 - 3)?),
                    (Some(place), Calendar::Month) => usize::try_from(place)
                        .ok()
                        .and_then(|place| local.months.get(place))
                        .map_or(Key::Empty, |month| Key::Start(*month)),
                },
                Split::Bands { from, .. } => match row.try_get::<Option<i64>, _>(column)? {
                    None => Key::Empty,
                    Some(0) => band_key(from, i64::MIN),
                    Some(place) => {
                        let start = usize::try_from(place - 1).ok().and_then(|place| from.get(place));
                        start.map_or(Key::Empty, |start| band_key(from, *start))
                    }
                },
                Split::Field(field) if field.kind() == Kind::YesNo => {
                    value_key(&Value::YesNo(row.try_get::<i64, _>(column)? != 0), &Kind::YesNo)
                }
                Split::Field(field) => match row.try_get::<Option<String>, _>(column)? {
                    None => Key::Empty,
                    Some(text) if field.kind().is_set() || field.kind() == Kind::Text => Key::Name(text),
                    Some(word) => value_key(&Value::Word(word.into()), &field.kind()),
                },
            };
            keys.push(key);
        }
        let earlier = self.table.previous.is_some() && row.try_get::<Option<i64>, _>("g0")? == Some(1);
        Ok((earlier, keys))
    }
}

/// The column or subquery of a field, with the original text.
fn column(field: &FieldRef) -> Option<String> {
    column_of(field, false)
}

/// The column or subquery of a field; for a text, the original or the folded one.
fn column_of(field: &FieldRef, folded: bool) -> Option<String> {
    match field {
        FieldRef::Known(field) => field.sql.map(|sql| format!("{sql}{}", if folded { "_folded" } else { "" })),
        FieldRef::Custom(custom) => {
            let (column, kinds) = super::custom::column(custom.kind, folded);
            // Safe to interpolate: names of fields consist of letters, digits and `_`.
            Some(format!(
                "(SELECT f.{column} FROM {} AND f.kind IN ({kinds}) AND f.name = '{}')",
                fields_of(custom.of),
                custom.name
            ))
        }
        FieldRef::Schedule(_) | FieldRef::Sample(_) | FieldRef::Volume(_) => None,
    }
}

/// SQL that converts a stored time to local time, in milliseconds.
fn local_time(column: &str, local: &Local) -> String {
    let Some(((_, earliest), later)) = local.offsets.split_last() else { return "CAST(NULL AS BIGINT)".to_owned() };
    let mut offset = String::new();
    for (from, millis) in later {
        let _ = write!(offset, " WHEN {column} >= {from} THEN {millis}");
    }
    match offset.is_empty() {
        true => format!("({column} + {earliest})"),
        false => format!("({column} + CASE{offset} ELSE {earliest} END)"),
    }
}

/// SQL for the number of the day, week, month or hour of the week of a local time.
fn calendar(local: &str, unit: Calendar, months: &[Date]) -> String {
    const HOUR: i64 = 3_600_000;
    const DAY: i64 = 24 * HOUR;
    match unit {
        Calendar::Day => floor(local, DAY, 0),
        Calendar::Week => floor(local, 7 * DAY, 3 * DAY),
        // 1970-01-01 was a Thursday: 72 hours after the start of its week.
        Calendar::HourOfWeek => format!("((({}) % 168 + 168) % 168)", floor(local, HOUR, 72 * HOUR)),
        Calendar::Month => {
            let mut cases = format!("CASE WHEN {local} IS NULL THEN NULL");
            for (place, month) in months.iter().enumerate().skip(1) {
                let start = days_since_1970(*month) * DAY;
                let _ = write!(cases, " WHEN {local} < {start} THEN {}", place - 1);
            }
            format!("{cases} ELSE {} END", months.len().saturating_sub(1))
        }
    }
}

/// SQL for `(value + plus) / by`, rounded towards negative infinity.
fn floor(value: &str, by: i64, plus: i64) -> String {
    let value = format!("({value} + {plus})");
    format!("(({value} - (({value} % {by}) + {by}) % {by}) / {by})")
}

/// The UTC offsets during an interval, as (start instant, offset), both in milliseconds, latest first.
fn offsets(zone: &TimeZone, over: Interval) -> Vec<(i64, i64)> {
    let offset = |at: Timestamp| i64::from(zone.to_offset(at).seconds()) * 1000;
    let mut offsets = vec![(millis(over.from), offset(over.from))];
    for change in zone.following(over.from) {
        if change.timestamp() > over.to {
            break;
        }
        offsets.push((millis(change.timestamp()), i64::from(change.offset().seconds()) * 1000));
    }
    offsets.reverse();
    offsets
}

fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

fn days_since_1970(day: Date) -> i64 {
    i64::from((day - Date::constant(1970, 1, 1)).get_days())
}

fn day_of(days: i64) -> Result<Date, StoreError> {
    let days = i32::try_from(days).map_err(|_| StoreError::Corrupt(format!("the day {days}")))?;
    Date::constant(1970, 1, 1)
        .checked_add(jiff::Span::new().days(days))
        .map_err(|e| StoreError::Corrupt(format!("the day {days}: {e}")))
}
