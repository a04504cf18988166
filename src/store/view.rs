//! Views translated to SQL. They return the same tickets in the same order as [`engine::view`] in memory.
//!
//! The SQL of a predicate is never NULL: missing values are tested for first.
//! A predicate that SQL cannot express exactly (such as whole words with Unicode boundaries) is *over-approximated*, so
//! that no ticket is missed, or, below a `not`, *under-approximated*; the evaluator then filters the tickets found.
//!
//! Texts and names are compared byte by byte, as in memory: on PostgreSQL through the collation `C` of each column.

mod time;

use std::slice::from_ref;

use jiff::Timestamp;

use super::{
    StoreError,
    custom::column,
    db::{Builder, Connection, Dialect},
    snapshot::{Snapshot, push_seen},
    ticket::tickets,
};
use crate::{
    desk::{
        CustomField, CustomKind, Declarations, Facts, FieldRef, Hours, Kind, Owner, Status, Ticket, Viewer,
        field::{Field, Scope},
    },
    engine::{self, evaluate, holds},
    lang::rules::{Comparison, Condition, ConditionKind, Folded, Literal, Op, Predicate, Relation, Sort, View},
};

/// The maximum number of predicates and values in one statement; the evaluator checks the rest. Databases limit the
/// length of a statement, and named conditions can expand a short rule to a very long one.
const MAX_TERMS: usize = 2_000;
/// The maximum number of values with a parameter each. More values are one parameter, a JSON array; more needles and
/// more tags that are all required are left to the evaluator.
const MAX_PARAMETERS: usize = 100;
/// The maximum nesting depth of conditions in a statement.
const MAX_DEPTH: usize = 60;
/// Batch size, in tickets, for reading candidates that the evaluator filters.
const CHUNK: usize = 500;

const TRUE: &str = "1 = 1";
const FALSE: &str = "1 = 0";

impl Snapshot<'_> {
    /// The tickets of a view: at most `limit`, after skipping `offset`.
    pub async fn view(
        &mut self,
        view: &View,
        desk: &Declarations,
        now: Timestamp,
        limit: u32,
        offset: u32,
    ) -> Result<Vec<Ticket>, StoreError> {
        let mut tickets = self.matching(view, desk, now, limit, offset).await?;
        self.hide_problems(&mut tickets).await?;
        Ok(tickets)
    }

    async fn matching(
        &mut self,
        view: &View,
        desk: &Declarations,
        now: Timestamp,
        limit: u32,
        offset: u32,
    ) -> Result<Vec<Ticket>, StoreError> {
        let (viewer, reader) = (self.viewer, &mut *self.conn);
        let view = &View { filter: view.filter.read_by(viewer).into_owned(), ..view.clone() };
        let sorts = || [&view.group_by, &view.sort_by].into_iter().flatten();
        let people = sorts().any(|sort| asks_about_people(&sort.by));
        let mut query = Query::with(reader.dialect(), "SELECT t.id", people, viewer, &view.filter, desk, now);
        query.sql.push(" ORDER BY ");
        for sort in sorts() {
            query.order(sort);
        }
        query.sql.push("t.id");
        if query.exact {
            query.sql.push(" LIMIT ").push_bind(i64::from(limit)).push(" OFFSET ").push_bind(i64::from(offset));
            let ids: Vec<i64> = query.sql.build_query_scalar().fetch_all(&mut *reader).await?;
            return tickets(reader, &ids).await;
        }
        let found = query.candidates_that_hold(reader, &view.filter).await?;
        let shown = engine::view(view, &found, desk, now).into_iter();
        Ok(shown.skip(offset as usize).take(limit as usize).cloned().collect())
    }

    /// The number of tickets that satisfy a condition.
    pub async fn count(&mut self, filter: &Condition, desk: &Declarations, now: Timestamp) -> Result<u64, StoreError> {
        let (viewer, reader) = (self.viewer, &mut *self.conn);
        let filter = &*filter.read_by(viewer);
        let query = Query::of(reader.dialect(), "SELECT count(*)", viewer, filter, desk, now);
        if query.exact {
            let count: i64 = query.sql.build_query_scalar().fetch_one(&mut *reader).await?;
            return Ok(count.unsigned_abs());
        }
        let query = Query::of(reader.dialect(), "SELECT t.id", viewer, filter, desk, now);
        Ok(query.candidates_that_hold(reader, filter).await?.len() as u64)
    }
}

/// A SQL query over tickets under construction.
pub(super) struct Query<'a> {
    pub(super) sql: Builder<'static>,
    desk: &'a Declarations,
    now: Timestamp,
    /// Whether the SQL is exact in filter and order; if not, the evaluator must filter and sort the tickets found.
    pub(super) exact: bool,
    /// The remaining budget of predicates and values, see [`MAX_TERMS`].
    left: usize,
}

impl<'a> Query<'a> {
    /// A query over the tickets that the viewer sees, joined with their requesters if `select` or `filter` uses columns
    /// of people.
    pub(super) fn of(
        dialect: Dialect,
        select: &str,
        viewer: Viewer<'_>,
        filter: &Condition,
        desk: &'a Declarations,
        now: Timestamp,
    ) -> Self {
        Self::with(dialect, select, false, viewer, filter, desk, now)
    }

    /// As [`Self::of`], but `people` forces the join, for columns used in SQL that is pushed later.
    pub(super) fn with(
        dialect: Dialect,
        select: &str,
        people: bool,
        viewer: Viewer<'_>,
        filter: &Condition,
        desk: &'a Declarations,
        now: Timestamp,
    ) -> Self {
        let mut people = people || select.contains("p.");
        filter.predicates(&mut |predicate, _| people |= predicate.fields().any(asks_about_people));
        let mut sql = Builder::new(dialect, select);
        sql.push(" FROM ticket t")
            .push(if people { " LEFT JOIN person p ON p.id = t.requester" } else { "" })
            .push(" WHERE ");
        push_seen(&mut sql, viewer);
        sql.push(" AND ");
        let mut query = Self { sql, desk, now, exact: true, left: MAX_TERMS };
        query.condition(filter, true, MAX_DEPTH);
        query
    }

    /// Reads the candidates and keeps those that satisfy the condition.
    async fn candidates_that_hold(
        self,
        reader: &mut Connection,
        filter: &Condition,
    ) -> Result<Vec<Ticket>, StoreError> {
        let Self { sql, desk, now, .. } = self;
        let ids: Vec<i64> = sql.build_query_scalar().fetch_all(&mut *reader).await?;
        let mut found = Vec::new();
        for ids in ids.chunks(CHUNK) {
            let read = tickets(reader, ids).await?;
            found.extend(read.into_iter().filter(|ticket| holds(filter, Facts { ticket, event: None, now, desk })));
        }
        Ok(found)
    }

    /// Pushes a condition. If it cannot be expressed exactly, it is over-approximated if `over`, else
    /// under-approximated.
    fn condition(&mut self, condition: &Condition, over: bool, depth: usize) {
        if depth == 0 {
            return self.unsaid(over);
        }
        match &condition.kind {
            ConditionKind::All(parts) => self.join(parts, " AND ", TRUE, over, depth),
            ConditionKind::Any(parts) => self.join(parts, " OR ", FALSE, over, depth),
            ConditionKind::Not(inner) => {
                self.sql.push("NOT (");
                self.condition(inner, !over, depth - 1);
                self.sql.push(")");
            }
            ConditionKind::Let(named) => self.condition(&named.condition, over, depth - 1),
            ConditionKind::Predicate(predicate) => self.predicate(predicate, over),
        }
    }

    /// Joins conditions as a balanced tree: databases limit the depth of expressions, and a chain of n is n deep.
    fn join(&mut self, parts: &[Condition], with: &str, none: &str, over: bool, depth: usize) {
        match parts {
            [] => {
                self.sql.push(none);
            }
            [one] => self.condition(one, over, depth - 1),
            _ => {
                let (first, second) = parts.split_at(parts.len() / 2);
                self.sql.push("(");
                self.join(first, with, none, over, depth);
                self.sql.push(with);
                self.join(second, with, none, over, depth);
                self.sql.push(")");
            }
        }
    }

    fn never(&mut self) {
        self.sql.push(FALSE);
    }

    /// Pushes the approximation of a condition that cannot be expressed: true if `over`, else false.
    fn unsaid(&mut self, over: bool) {
        self.exact = false;
        self.sql.push(if over { TRUE } else { FALSE });
    }

    fn predicate(&mut self, predicate: &Predicate, over: bool) {
        if predicate.last_days().is_none() {
            return self.op(predicate, &predicate.op, over);
        }
        let (desk, now) = (self.desk, self.now);
        let today = |hours: &Hours| predicate.op_on(hours.date(now));
        // Schedules are in different time zones, where different entries may count.
        match desk.schedules.iter().all(|schedule| today(&schedule.hours) == today(&desk.hours)) {
            true => self.op(predicate, today(&desk.hours), over),
            false => self.by_schedule(|query, hours| query.op(predicate, today(hours), over)),
        }
    }

    /// Pushes a predicate with the operator that it has now.
    fn op(&mut self, predicate: &Predicate, op: &Op, over: bool) {
        let values = match op.entries() {
            several if several > MAX_PARAMETERS && matches!(op, Op::HasAll(_)) => return self.unsaid(over),
            several if several > MAX_PARAMETERS => 1,
            several => several,
        };
        match self.left.checked_sub(values + 1) {
            Some(left) => self.left = left,
            None => return self.unsaid(over),
        }
        let field = &predicate.field;
        if let Op::Field(relation, other) = op {
            return self.related(field, *relation, other, over);
        }
        match field.scope() {
            Scope::Ticket => {}
            // The result depends only on the opening hours, as views are evaluated without an event: compute it for
            // each schedule.
            Scope::Event | Scope::Clock => {
                return self.by_schedule(|query, hours| {
                    let desk = Declarations { hours: hours.clone(), ..Declarations::default() };
                    let ticket = Ticket::default();
                    let answer = evaluate::predicate_holds(
                        predicate,
                        Facts { ticket: &ticket, event: None, now: query.now, desk: &desk },
                    );
                    query.sql.push(if answer { TRUE } else { FALSE });
                });
            }
            Scope::Shown => return self.unsaid(over),
        }
        let kind = field.kind();
        match op {
            Op::Holds if kind == Kind::YesNo => self.one_of(field, &kind, &[Literal::YesNo(true)], over),
            Op::Is(value) => self.one_of(field, &kind, from_ref(value), over),
            Op::In(values) => self.one_of(field, &kind, values, over),
            Op::IsNot(value) => self.none_of(field, &kind, from_ref(value), over),
            Op::NotIn(values) => self.none_of(field, &kind, values, over),
            Op::Compare(comparison, value) => self.compare(field, &kind, *comparison, value, over),
            Op::HasAny(tags) => self.has_any(field, &kind, tags),
            Op::HasStarting(start) if kind.is_set() => {
                let SetTable { of, owner, table } = SetTable::of(field, self.sql.dialect());
                let length = start.chars().count();
                self.sql.push(format_args!(
                    "({of} IN (SELECT s.{owner} FROM {table} s WHERE substr(s.tag, 1, {length}) = "
                ));
                self.sql.push_bind(start.clone()).push("))");
            }
            Op::HasNone(tags) => {
                self.sql.push("NOT ");
                self.has_any(field, &kind, tags);
            }
            Op::HasAll(tags) if tags.is_empty() => self.never(),
            Op::HasAll(tags) => {
                self.sql.push("(").push(TRUE);
                for tag in &tags[..] {
                    self.sql.push(" AND ");
                    self.has_any(field, &kind, from_ref(tag));
                }
                self.sql.push(")");
            }
            Op::Contains(needles) | Op::StartsWith(needles) | Op::EndsWith(needles) | Op::ContainsWord(needles)
                if needles.len() > MAX_PARAMETERS =>
            {
                self.search(field, &kind, over, |query| query.unsaid(over));
            }
            Op::Contains(needles) => self.search(field, &kind, over, |q| q.found_at(field, needles, "> 0")),
            Op::StartsWith(needles) => self.search(field, &kind, over, |q| q.found_at(field, needles, "= 1")),
            Op::EndsWith(needles) => self.search(field, &kind, over, |q| q.found_at_end(field, needles)),
            Op::ContainsWord(needles) if over => {
                self.exact = false;
                self.search(field, &kind, over, |q| q.found_at(field, needles, "> 0"));
            }
            Op::ContainsWord(_) => self.unsaid(over),
            // SQLite calls the regex library that the evaluator uses. PostgreSQL has another regex syntax.
            Op::Matches(_) if self.sql.dialect() == Dialect::Postgres => {
                self.search(field, &kind, over, |query| query.unsaid(over));
            }
            Op::Matches(pattern) => self.search(field, &kind, over, |q| {
                q.sql.push("regexp(").push_bind(format!("(?i){}", pattern.regex.as_str())).push(", ");
                q.column(field);
                q.sql.push(")");
            }),
            Op::IsEmpty => {
                self.sql.push("NOT ");
                self.present(field, &kind);
            }
            // Without an event, every field that is set counts as changed from empty.
            Op::IsSet | Op::Changed { from: None, to: None } => self.present(field, &kind),
            Op::Changed { from: None, to: Some(value) } => {
                self.sql.push("(");
                self.present(field, &kind);
                self.sql.push(" AND ");
                self.one_of(field, &kind, from_ref(value), over);
                self.sql.push(")");
            }
            Op::Since(comparison, span) if kind == Kind::Date => self.begun(field, *comparison, *span, false, over),
            Op::Until(comparison, span) if kind == Kind::Date => self.begun(field, *comparison, *span, true, over),
            Op::Since(comparison, span) if kind == Kind::Time => self.passed(field, *comparison, *span, false, over),
            Op::Until(comparison, span) if kind == Kind::Time => self.passed(field, *comparison, *span, true, over),
            Op::TimeIn(statuses, comparison, span) => self.time_in(statuses, *comparison, *span, over),
            Op::Holds
            | Op::HasMe
            | Op::HasStarting(_)
            | Op::Field(..)
            | Op::Since(..)
            | Op::Until(..)
            | Op::Changed { .. } => {
                self.sql.push(FALSE);
            }
        }
    }

    /// Pushes the predicate that two fields are related so.
    fn related(&mut self, field: &FieldRef, relation: Relation, other: &FieldRef, over: bool) {
        let kind = field.kind();
        let fits = match relation {
            Relation::Is | Relation::IsNot => true,
            Relation::Compare(_) => kind.is_ordered(),
        };
        if !fits || !kind.compares_with(&other.kind()) {
            return self.never();
        }
        match (field.scope(), other.scope()) {
            (Scope::Ticket, Scope::Ticket) => {}
            (Scope::Ticket, Scope::Clock) => return self.related_to_clock(field, relation, other, over),
            (Scope::Clock, Scope::Ticket) => return self.related_to_clock(other, relation.flipped(), field, over),
            _ => return self.unsaid(over),
        }
        self.sql.push("(CASE WHEN ");
        self.present(field, &kind);
        self.sql.push(" AND ");
        self.present(other, &kind);
        self.sql.push(" THEN ");
        self.sort_key(field, &kind);
        self.sql.push(match relation {
            Relation::Is => " = ",
            Relation::IsNot => " <> ",
            Relation::Compare(comparison) => comparison.as_str(),
        });
        self.sort_key(other, &kind);
        self.sql.push(" ELSE ");
        if relation == Relation::IsNot && !kind.may_be_unknown() {
            self.present(field, &kind);
            self.sql.push(" <> ");
            self.present(other, &kind);
        } else {
            self.never();
        }
        self.sql.push(" END)");
    }

    /// Pushes the column or subquery with which a field is compared.
    fn column(&mut self, field: &FieldRef) {
        match field {
            FieldRef::Known(Field { sql: Some(sql), kind, .. }) => match kind {
                Kind::Text => self.sql.push(format_args!("{sql}_folded")),
                Kind::YesNo => self.sql.push(format_args!("coalesce({sql}, 0)")),
                _ => self.sql.push(sql),
            },
            FieldRef::Known(_) | FieldRef::Schedule(_) | FieldRef::Volume(_) => self.sql.push("NULL"),
            FieldRef::Sample(sample) => self.sql.push("(").push(sample.sql("t.id")).push(")"),
            FieldRef::Custom(custom) => {
                let (column, kinds) = column(custom.kind, true);
                let yes_no = custom.kind == CustomKind::YesNo;
                self.sql.push(if yes_no { "coalesce(" } else { "" });
                let of = fields_of(custom.of);
                self.sql.push(format_args!("(SELECT f.{column} FROM {of} AND f.kind IN ({kinds}) AND f.name = "));
                self.sql.push_bind(custom.name.clone()).push(")").push(if yes_no { ", 0)" } else { "" })
            }
        };
    }

    /// Pushes the predicate that a field is not empty.
    fn present(&mut self, field: &FieldRef, kind: &Kind) {
        match kind {
            Kind::YesNo => {
                self.sql.push("(").push(TRUE).push(")");
            }
            Kind::Set(_) => {
                let SetTable { of, owner, table } = SetTable::of(field, self.sql.dialect());
                self.sql.push(format_args!("({of} IN (SELECT s.{owner} FROM {table} s))"));
            }
            Kind::Text => {
                self.sql.push("(coalesce(");
                self.column(field);
                self.sql.push(", '') <> '')");
            }
            Kind::Number
            | Kind::Decimal
            | Kind::Time
            | Kind::TimeOfDay
            | Kind::Date
            | Kind::Words(_)
            | Kind::Declared(_) => {
                self.sql.push("(");
                self.column(field);
                self.sql.push(" IS NOT NULL)");
            }
        }
    }

    /// Pushes the predicate that a field has one of these values.
    fn one_of(&mut self, field: &FieldRef, kind: &Kind, values: &[Literal], over: bool) {
        // Left to the evaluator: stored times have only millisecond precision, and sets are compared as a whole.
        if matches!(kind, Kind::Time | Kind::Set(_)) {
            return self.unsaid(over);
        }
        let words = matches!(kind, Kind::Words(_) | Kind::Declared(_));
        let mut fitting = values.iter().filter(|value| match value {
            Literal::Number(_) => *kind == Kind::Number,
            Literal::Decimal(_) => *kind == Kind::Decimal,
            Literal::Date(_) => *kind == Kind::Date,
            Literal::YesNo(_) => *kind == Kind::YesNo,
            Literal::Text(_) => *kind == Kind::Text,
            Literal::Word { .. } => words,
            Literal::Set(_) | Literal::Time(_) | Literal::TimeOfDay(_) => false,
            // Replaced by names before, see [`Condition::read_by`].
            Literal::Me | Literal::MyGroups => false,
        });
        let Some(first) = fitting.next() else {
            self.sql.push("(").push(FALSE).push(")");
            return;
        };
        self.sql.push("(");
        self.present(field, kind);
        self.sql.push(" AND ");
        self.column(field);
        self.sql.push(" IN (");
        if values.len() > MAX_PARAMETERS {
            let values = std::iter::once(first).chain(fitting).map(|value| match value {
                Literal::Number(number) => (*number).into(),
                Literal::Decimal(decimal) => decimal.units().into(),
                Literal::Date(date) => date.to_string().into(),
                Literal::YesNo(yes) => i64::from(*yes).into(),
                Literal::Word { word, .. } => word.as_str().into(),
                Literal::Text(text) => text.folded.as_str().into(),
                Literal::Set(_) | Literal::Time(_) | Literal::TimeOfDay(_) => serde_json::Value::Null,
                Literal::Me | Literal::MyGroups => serde_json::Value::Null,
            });
            let values = values.collect();
            self.array(values, matches!(kind, Kind::Number | Kind::Decimal | Kind::YesNo));
        } else {
            self.value(first);
            for value in fitting {
                self.sql.push(", ");
                self.value(value);
            }
        }
        self.sql.push("))");
    }

    /// Pushes a subquery for many values, as one parameter.
    fn array(&mut self, values: Vec<serde_json::Value>, numbers: bool) {
        let values = serde_json::Value::Array(values).to_string();
        match self.sql.dialect() {
            Dialect::Sqlite => self.sql.push("SELECT j.value FROM json_each(").push_bind(values).push(") j"),
            Dialect::Postgres => {
                let value = if numbers { "CAST(j.value AS bigint)" } else { "j.value" };
                self.sql.push(format_args!("SELECT {value} FROM json_array_elements_text(CAST("));
                self.sql.push_bind(values).push(" AS json)) AS j(value)")
            }
        };
    }

    fn value(&mut self, value: &Literal) {
        match value {
            Literal::Number(number) => self.sql.push_bind(*number),
            Literal::Decimal(decimal) => self.sql.push_bind(decimal.units()),
            Literal::Date(date) => self.sql.push_bind(date.to_string()),
            Literal::YesNo(yes) => self.sql.push_bind(i64::from(*yes)),
            Literal::Word { word, .. } => self.sql.push_bind(word.clone()),
            Literal::Text(text) => self.sql.push_bind(text.folded.clone()),
            Literal::Set(_) | Literal::Time(_) | Literal::TimeOfDay(_) => self.sql.push("NULL"),
            Literal::Me | Literal::MyGroups => self.sql.push("NULL"),
        };
    }

    /// Pushes the predicate that a field has none of these values. False for a missing number or date, true for an empty
    /// keyword or text.
    fn none_of(&mut self, field: &FieldRef, kind: &Kind, values: &[Literal], over: bool) {
        let unknowable = matches!(kind, Kind::Number | Kind::Decimal | Kind::Date);
        if unknowable {
            self.sql.push("(");
            self.present(field, kind);
            self.sql.push(" AND ");
        }
        match kind {
            Kind::Time => self.unsaid(over),
            _ => {
                self.sql.push("NOT (");
                self.one_of(field, kind, values, !over);
                self.sql.push(")");
            }
        }
        self.sql.push(if unknowable { ")" } else { "" });
    }

    fn compare(&mut self, field: &FieldRef, kind: &Kind, comparison: Comparison, value: &Literal, over: bool) {
        match (kind, value) {
            (Kind::Number, Literal::Number(_))
            | (Kind::Decimal, Literal::Decimal(_))
            | (Kind::Date, Literal::Date(_)) => {
                self.sql.push("(");
                self.present(field, kind);
                self.sql.push(" AND ");
                self.column(field);
                self.sql.push(format_args!(" {} ", comparison.as_str()));
                self.value(value);
                self.sql.push(")");
            }
            // Expanded to the list of matching keywords: ranks are not stored, as a new keyword would shift them.
            (Kind::Words(words), Literal::Word { rank: Some(rank), .. }) => {
                let fitting = words.words.iter().enumerate().filter(|(place, _)| comparison.holds(place.cmp(rank)));
                let fitting: Vec<_> =
                    fitting.map(|(place, word)| Literal::Word { word: (*word).into(), rank: Some(place) }).collect();
                self.one_of(field, kind, &fitting, over);
            }
            (Kind::Time, _) => self.unsaid(over),
            _ => {
                self.sql.push(FALSE);
            }
        }
    }

    fn has_any(&mut self, field: &FieldRef, kind: &Kind, tags: &[String]) {
        self.sql.push("(");
        match tags.split_first() {
            Some((first, others)) if kind.is_set() => {
                let SetTable { of, owner, table } = SetTable::of(field, self.sql.dialect());
                self.sql.push(format_args!("{of} IN (SELECT s.{owner} FROM {table} s WHERE s.tag IN ("));
                if tags.len() > MAX_PARAMETERS {
                    self.array(tags.iter().map(|tag| tag.as_str().into()).collect(), false);
                } else {
                    self.sql.push_bind(first.clone());
                    for tag in others {
                        self.sql.push(", ").push_bind(tag.clone());
                    }
                }
                self.sql.push("))");
            }
            _ => {
                self.sql.push(FALSE);
            }
        }
        self.sql.push(")");
    }

    /// Pushes a text search, which is false for an empty text. Keywords and names have no folded column to search.
    fn search(&mut self, field: &FieldRef, kind: &Kind, over: bool, ask: impl FnOnce(&mut Self)) {
        match kind {
            Kind::Text => {
                self.sql.push("(");
                self.present(field, kind);
                self.sql.push(" AND ");
                ask(self);
                self.sql.push(")");
            }
            Kind::Words(_) | Kind::Declared(_) => self.unsaid(over),
            Kind::YesNo | Kind::Number | Kind::Decimal | Kind::Set(_) | Kind::Time | Kind::TimeOfDay | Kind::Date => {
                self.sql.push(FALSE);
            }
        }
    }

    /// Compares the 1-based position of a substring (0 if absent) with `place`, such as `> 0`; for any of these substrings.
    fn found_at(&mut self, field: &FieldRef, needles: &[Folded], place: &str) {
        let position = match self.sql.dialect() {
            Dialect::Sqlite => "instr(",
            Dialect::Postgres => "strpos(",
        };
        self.sql.push("(").push(FALSE);
        for needle in needles {
            self.sql.push(" OR ").push(position);
            self.column(field);
            self.sql.push(", ").push_bind(needle.folded.clone()).push(") ").push(place);
        }
        self.sql.push(")");
    }

    /// Pushes the predicate that a text ends with one of these.
    fn found_at_end(&mut self, field: &FieldRef, needles: &[Folded]) {
        self.sql.push("(").push(FALSE);
        for needle in needles {
            let length = needle.folded.chars().count();
            self.sql.push(" OR substr(");
            self.column(field);
            self.sql.push(", length(");
            self.column(field);
            // A shorter text gives a shorter part, which differs.
            self.sql.push(format_args!(") + 1 - {length}, {length}) = ")).push_bind(needle.folded.clone());
        }
        self.sql.push(")");
    }

    /// Pushes one sort key; empty values come last in both directions.
    fn order(&mut self, sort: &Sort) {
        let kind = sort.by.kind();
        let direction = if sort.descending { " DESC, " } else { ", " };
        match (&sort.by, sort.by.scope()) {
            (_, Scope::Event) => return,
            // Its value differs between tickets with different schedules.
            (_, Scope::Clock) => return self.exact &= self.desk.schedules.is_empty(),
            (FieldRef::Known(field), Scope::Shown) => {
                let key = match field.name {
                    "id" => "t.id",
                    // Links differ only in the ticket number, and are sorted as text.
                    "link" => "CAST(t.id AS TEXT)",
                    // Their folded text is not stored.
                    _ => return self.exact = false,
                };
                self.sql.push(key).push(direction);
                return;
            }
            _ => {}
        }
        self.sql.push("NOT ");
        self.present(&sort.by, &kind);
        self.sql.push(", ");
        self.sort_key(&sort.by, &kind);
        self.sql.push(direction);
    }

    /// Pushes what orders the values of a field as in memory.
    fn sort_key(&mut self, field: &FieldRef, kind: &Kind) {
        match kind {
            Kind::Words(words) => {
                self.sql.push("CASE ");
                self.column(field);
                for (place, word) in words.words.iter().enumerate() {
                    self.sql.push(format_args!(" WHEN '{word}' THEN {place}"));
                }
                self.sql.push(" END");
            }
            // With a separator that sorts before all other characters, joined texts sort like lists of tags.
            Kind::Set(_) => {
                self.sql.push("(SELECT string_agg(s.tag, ").push_bind("\u{1}");
                let SetTable { of, owner, table } = SetTable::of(field, self.sql.dialect());
                self.sql.push(format_args!(" ORDER BY s.tag) FROM {table} s WHERE s.{owner} = {of})"));
            }
            // NULL and the empty text are equal.
            Kind::Text => {
                self.sql.push("coalesce(");
                self.column(field);
                self.sql.push(", '')");
            }
            _ => self.column(field),
        }
    }
}

/// SQL for the total time that a ticket spent in past statuses, in milliseconds.
pub(super) fn past_time_in(statuses: &[Status]) -> String {
    format!(
        "CAST(coalesce((SELECT sum(s.ended - s.began) FROM past_status s WHERE s.ticket = t.id AND s.status IN ({})), 0) \
         AS BIGINT)",
        list_of(statuses)
    )
}

/// A list of statuses in SQL.
pub(super) fn list_of(statuses: &[Status]) -> String {
    let words: Vec<_> = statuses.iter().map(|status| format!("'{status}'")).collect();
    words.join(", ")
}

/// Whether a field is a column of the requester's row.
pub(super) fn asks_about_people(field: &FieldRef) -> bool {
    matches!(field, FieldRef::Known(Field { sql: Some(sql), .. }) if sql.contains("p."))
}

/// The table that stores a set field.
pub(super) struct SetTable {
    /// The column of `ticket t` that the owner of the set is named by.
    pub(super) of: &'static str,
    /// The column of the table that names the owner.
    pub(super) owner: &'static str,
    /// The table, or a subquery, with the column `tag` for the members.
    pub(super) table: String,
}

impl SetTable {
    pub(super) fn of(field: &FieldRef, dialect: Dialect) -> Self {
        let (of, table) = match field {
            FieldRef::Custom(custom) => (custom.of, choices(custom, dialect)),
            FieldRef::Known(Field { sql: Some("person_tag"), .. }) => (Owner::Requester, "person_tag".to_owned()),
            FieldRef::Known(Field { sql: Some("ticket_watcher"), .. }) => {
                (Owner::Ticket, "(SELECT w.ticket, w.agent AS tag FROM ticket_watcher w)".to_owned())
            }
            FieldRef::Known(Field { sql: Some(table), .. }) => (Owner::Ticket, (*table).to_owned()),
            _ => (Owner::Ticket, "ticket_tag".to_owned()),
        };
        match of {
            Owner::Requester => Self { of: "t.requester", owner: "person", table },
            Owner::Ticket => Self { of: "t.id", owner: "ticket", table },
        }
    }

    /// Whether the owner is the requester.
    pub(super) fn of_person(&self) -> bool {
        self.owner == "person"
    }
}

/// A subquery with a row for each choice of a declared field.
fn choices(field: &CustomField, dialect: Dialect) -> String {
    let (table, owner) = match field.of {
        Owner::Ticket => ("ticket_field", "ticket"),
        Owner::Requester => ("person_field", "person"),
    };
    let (kind, name) = ("f.kind = 'choices'", &field.name);
    let text = format!("CASE WHEN {kind} THEN f.text ELSE '[]' END");
    // Safe to interpolate: names of fields consist of letters, digits and `_`.
    match dialect {
        Dialect::Sqlite => format!(
            "(SELECT f.{owner}, j.value AS tag FROM {table} f, json_each({text}) j WHERE {kind} AND f.name = '{name}')"
        ),
        Dialect::Postgres => format!(
            "(SELECT f.{owner}, j.value COLLATE \"C\" AS tag \
             FROM {table} f, json_array_elements_text(CAST({text} AS json)) AS j(value) \
             WHERE {kind} AND f.name = '{name}')"
        ),
    }
}

/// The table of declared fields as `f`, limited to those of the ticket `t` or of its requester.
pub(super) const fn fields_of(owner: Owner) -> &'static str {
    match owner {
        Owner::Ticket => "ticket_field f WHERE f.ticket = t.id",
        Owner::Requester => "person_field f WHERE f.person = t.requester",
    }
}
