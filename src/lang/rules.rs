//! Checked rules: names are resolved and types are correct, ready to be evaluated, compiled, or turned into SQL.
//!
//! This is the interface of the language to the engine and the store. The checker creates these values; tests may
//! also build them by hand.

mod action;
mod cap;
mod capture;
mod last_days;
mod me;
mod pattern;
mod report;
mod sla;
mod template;
mod test;
mod texts;
mod volume;

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use jiff::SignedDuration;

use crate::desk::{
    Decimal, Declarations, Event, FieldRef, Hours, Kind, Reached, Repeat, Scope, Status, TimeOfDay, Value, field,
    text::{fold, fold_needle},
};

pub(crate) use self::me::is_of_agent;
pub use self::{
    action::{Action, ActionKind, Member, PreferLast, SetTo},
    cap::{Cap, MAX_CAPS, MAX_TIMES},
    capture::Capture,
    last_days::LastDays,
    pattern::{InvalidPattern, Pattern},
    report::{Aggregate, Calendar, Chart, Measure, Over, Period, PeriodUnit, Quantity, Report, Split},
    sla::{Sla, SlaTime},
    template::{Filter, Part, Template},
    test::{EffectKind, Expect, ExpectKind, GivenAgent, GivenFired, GivenVolume, RuleTest, Step, TestComment, When},
    texts::{Taken, Texts},
    volume::Volume,
};
pub use super::span::{SourceFile, Span};
pub use crate::desk::Choosing;

/// A rule set: all items that were checked together, in order of evaluation.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The declarations the rules were checked against.
    pub desk: Arc<Declarations>,
    /// The version of the rule set.
    pub version: Version,
    /// The source files.
    pub files: Arc<Files>,
    /// Triggers in order: files by path, items in file order.
    pub triggers: Vec<Arc<Trigger>>,
    /// Automations in order.
    pub automations: Vec<Arc<Automation>>,
    /// Macros in order.
    pub macros: Vec<Arc<Macro>>,
    /// Reports in order.
    pub reports: Vec<Arc<Report>>,
    /// Views in order.
    pub views: Vec<Arc<View>>,
    /// Service level agreements in order: the first that holds applies.
    pub slas: Vec<Arc<Sla>>,
    /// Volumes in order.
    pub volumes: Vec<Arc<Volume>>,
    /// Tests in order.
    pub tests: Vec<Arc<RuleTest>>,
    /// Named conditions in order, for listings. Conditions that refer to them hold their own `Arc`.
    pub lets: Vec<Arc<Let>>,
    /// Named lists in order, for listings. Predicates that refer to them hold their values.
    pub lists: Vec<List>,
}

impl Rules {
    /// All conditions, as written: of triggers, automations, views, reports, service level agreements and volumes. Those of
    /// `let`s are in the conditions that refer to them.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        let triggers = self.triggers.iter().map(|trigger| &trigger.when);
        let automations = self.automations.iter().map(|automation| &automation.when);
        let views = self.views.iter().map(|view| &view.filter);
        let reports = self.reports.iter().map(|report| &report.filter);
        let slas = self.slas.iter().flat_map(|sla| sla.conditions());
        let volumes = self.volumes.iter().map(|volume| &volume.when);
        triggers.chain(automations).chain(views).chain(reports).chain(slas).chain(volumes)
    }

    /// Number of items without named conditions, named lists and tests.
    pub fn items(&self) -> usize {
        self.triggers.len()
            + self.automations.len()
            + self.macros.len()
            + self.views.len()
            + self.reports.len()
            + self.slas.len()
            + self.volumes.len()
    }

    /// Number of items of any kind: zero if the files contain only comments.
    pub fn declarations(&self) -> usize {
        self.items() + self.lets.len() + self.lists.len() + self.tests.len()
    }

    /// Whether one of these fields is read after a ticket was opened: by a rule that runs on updates or as time passes, or
    /// by a view.
    pub fn read_later(&self, fields: &[&str]) -> bool {
        let is_read = |field: &FieldRef| fields.contains(&&*field.name());
        let asks = |condition: &Condition| condition.any(|predicate| predicate.fields().any(is_read));
        let is_live = |mode: Mode| mode != Mode::Disabled;
        let shows = |view: &View| {
            let orders = view.group_by.iter().chain(&view.sort_by).map(|sort| &sort.by);
            asks(&view.filter) || view.columns.iter().chain(orders).any(is_read)
        };
        self.triggers.iter().any(|t| is_live(t.mode) && t.on.updated && asks(&t.when))
            || self.automations.iter().any(|a| is_live(a.mode) && asks(&a.when))
            || self.slas.iter().any(|sla| is_live(sla.mode) && sla.conditions().any(asks))
            || self.volumes.iter().any(|v| is_live(v.mode) && v.on.updated && asks(&v.when))
            || self.views.iter().any(|view| is_live(view.mode) && shows(view))
    }
}

/// The version of a rule set, recorded with each decision.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Version {
    /// SHA-256 over the names and contents of all files, in hexadecimal.
    pub hash: String,
    /// The git commit, followed by `+` if there are uncommitted changes; `None` outside git.
    pub commit: Option<String>,
}

/// The source files of a rule set, from which it can be rebuilt later.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Files {
    /// `twite.toml`, if there is one.
    pub config: Option<SourceFile>,
    /// The calendar files that `twite.toml` refers to, with names as written there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calendars: Vec<SourceFile>,
    /// The rule files, in order.
    pub rules: Vec<SourceFile>,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.hash.get(..12).unwrap_or(&self.hash))?;
        match &self.commit {
            Some(commit) => {
                let (id, changed) = commit.strip_suffix('+').map_or((commit.as_str(), ""), |id| (id, "+"));
                write!(f, " (commit {}{changed})", id.get(..12).unwrap_or(id))
            }
            None => Ok(()),
        }
    }
}

/// The mode of an item.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// In effect.
    #[default]
    Live,
    /// Checked but not used.
    Disabled,
    /// Evaluated and recorded, without any change to tickets.
    Shadow,
}

/// A named condition.
#[derive(Debug, PartialEq)]
pub struct Let {
    /// Its name.
    pub name: String,
    /// Its documentation.
    pub doc: Option<String>,
    /// The condition it names.
    pub condition: Condition,
    /// Its source span.
    pub span: Span,
}

/// A named list.
#[derive(Debug, Clone, PartialEq)]
pub struct List {
    /// Its name.
    pub name: String,
    /// Its documentation.
    pub doc: Option<String>,
    /// Its entries, as they are written in a rule file.
    pub entries: Vec<String>,
    /// Its source span.
    pub span: Span,
}

/// A rule that is evaluated when an event happens to a ticket.
#[derive(Debug, PartialEq)]
pub struct Trigger {
    /// Its title, unique among triggers.
    pub title: String,
    /// Its documentation.
    pub doc: Option<String>,
    /// Its mode.
    pub mode: Mode,
    /// The events it is evaluated on.
    pub on: On,
    /// Its condition; [`Condition::always`] if there is none.
    pub when: Condition,
    /// How often it may fire.
    pub caps: Vec<Cap>,
    /// Its actions, in order.
    pub then: Vec<Action>,
    /// Its source span.
    pub span: Span,
}

/// The events a trigger is evaluated on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct On {
    /// When a ticket is created.
    pub created: bool,
    /// When a ticket is updated.
    pub updated: bool,
}

impl On {
    /// Whether the trigger is evaluated on this event.
    pub fn covers(self, event: &Event) -> bool {
        if event.before().is_none() { self.created } else { self.updated }
    }
}

/// A rule that is evaluated as time passes.
#[derive(Debug, PartialEq)]
pub struct Automation {
    /// Its title, unique among automations.
    pub title: String,
    /// Its documentation.
    pub doc: Option<String>,
    /// Its mode.
    pub mode: Mode,
    /// Its condition. Fires when a ticket starts to satisfy it. Contains no predicates on events.
    pub when: Condition,
    /// Whether it fires again while its condition holds.
    pub every: Option<Every>,
    /// How often it may fire.
    pub caps: Vec<Cap>,
    /// Its actions, in order.
    pub then: Vec<Action>,
    /// Whether its actions start a run of the triggers.
    pub runs_triggers: bool,
    /// Its source span.
    pub span: Span,
}

/// `every 4 hours while it holds, at most 5 times`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Every {
    /// The time between two firings.
    pub interval: Duration,
    /// How often it fires while its condition holds, the first time included; `None` is without limit.
    pub times: Option<u32>,
}

impl Every {
    /// When it fires again after its last firing; `None` is never.
    pub fn again_at(&self, done: &Repeat, hours: &Hours) -> Option<jiff::Timestamp> {
        if self.times.is_some_and(|times| done.times >= times) {
            return None;
        }
        self.interval.after(done.last, hours)
    }
}

/// A list of actions that an agent applies to a ticket.
#[derive(Debug, PartialEq)]
pub struct Macro {
    /// Its title, unique among macros.
    pub title: String,
    /// Its documentation.
    pub doc: Option<String>,
    /// Its mode; a disabled macro cannot be applied.
    pub mode: Mode,
    /// Its actions, in order.
    pub then: Vec<Action>,
    /// Who can apply it; if empty, every agent.
    pub visible_to: Vec<Audience>,
    /// Its source span.
    pub span: Span,
}

/// A condition with its source span.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// The condition itself.
    pub kind: ConditionKind,
    /// Its source span.
    pub span: Span,
}

/// A condition without its span.
#[derive(Debug, Clone, PartialEq)]
pub enum ConditionKind {
    /// Conjunction; always true if empty.
    All(Vec<Condition>),
    /// Disjunction; always false if empty.
    Any(Vec<Condition>),
    /// Negation. Two-valued: true also if the inner condition is false because a value is unknown.
    Not(Box<Condition>),
    /// A named condition.
    Let(Arc<Let>),
    /// A predicate.
    Predicate(Predicate),
}

/// A predicate: one operator on one field.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicate {
    /// The field it reads.
    pub field: FieldRef,
    /// The operator with its operand. Of a list whose entries have last days, it has all of them, see [`Self::op_on`].
    pub op: Op,
    dated: Option<last_days::Dated>,
    /// See [`Self::asks_me`]; computed once, as lists can be long.
    asks_me: bool,
    /// The predicate as the formatter writes it; computed on first use.
    text: Written,
}

/// A lazily computed text. It is derived from the other fields, so it is ignored in comparisons.
#[derive(Debug, Clone, Default)]
struct Written(OnceLock<Arc<str>>);

impl PartialEq for Written {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Predicate {
    /// Creates a predicate.
    pub fn new(field: FieldRef, op: Op) -> Self {
        let asks_me =
            matches!(field.kind(), Kind::Declared(_) | Kind::Set(field::Members::Declared(_))) && op.asks_me();
        Self { field, op, dated: None, asks_me, text: Written::default() }
    }

    /// The predicate as the formatter writes it.
    pub fn text(&self) -> &Arc<str> {
        self.text.0.get_or_init(|| self.to_string().into())
    }

    /// The field it reads, and the one that it is compared with.
    pub fn fields(&self) -> impl Iterator<Item = &FieldRef> {
        let other = match &self.op {
            Op::Field(_, other) => Some(other),
            _ => None,
        };
        std::iter::once(&self.field).chain(other)
    }

    /// Whether the result depends on who acts or reads.
    pub fn asks_me(&self) -> bool {
        self.asks_me
    }

    /// Whether the result depends on the time of day, the date, or whether the desk is open.
    pub fn asks_clock(&self) -> bool {
        self.dated.is_some() || self.fields().any(|field| field.scope() == Scope::Clock)
    }

    /// Whether the result depends on the business hours that apply to the ticket.
    pub fn asks_hours(&self) -> bool {
        self.asks_clock()
            || matches!(self.op, Op::Since(..) | Op::Until(..)) && self.field.is_declared_date()
            || matches!(&self.op, Op::Since(_, span) | Op::Until(_, span) | Op::TimeIn(_, _, span) if span.is_business())
    }
}

/// An operator with its operand. If the field has no value:
///
/// - For a number, a date or a time, the value is *unknown*: every operator except `is empty` is false, including `is not` and
///   `not in`, because it is not known that the values differ.
/// - A word, name or text is *empty*, and differs from every value: `is not` and `not in` are true. The comparisons
///   `<`, `<=`, `>` and `>=` are false.
///
/// If nobody acts or reads, `me` and `my groups` are unknown: no value equals them, and `is not` and `not in` are false.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// True if a yes/no field is yes.
    Holds,
    /// `is V`
    Is(Literal),
    /// `is not V`
    IsNot(Literal),
    /// `< V`, `<= V`, `> V`, `>= V`; for numbers, ordered words, times of day and dates.
    Compare(Comparison, Literal),
    /// `is F`, `is not F`, `< F`, `<= F`, `> F`, `>= F`: the value of another field of the same kind.
    Field(Relation, FieldRef),
    /// `in (…)`
    In(Values<Literal>),
    /// `not in (…)`
    NotIn(Values<Literal>),
    /// `has T` and `has any of (…)`: at least one.
    HasAny(Values<String>),
    /// `has all of (…)`
    HasAll(Values<String>),
    /// `has none of (…)`
    HasNone(Values<String>),
    /// `has any starting with …`; for tags and hashtags. Folded, as they are.
    HasStarting(String),
    /// `has me`; for sets of agents.
    HasMe,
    /// `contains "…"` and `contains any of (…)`: at least one.
    Contains(Values<Folded>),
    /// `contains word "…"` and `contains word any of (…)`: at least one.
    ContainsWord(Values<Folded>),
    /// `starts with "…"` and `starts with any of (…)`: at least one.
    StartsWith(Values<Folded>),
    /// `ends with "…"` and `ends with any of (…)`: at least one.
    EndsWith(Values<Folded>),
    /// `matches "regex"`
    Matches(Pattern),
    /// `is empty`; for a number or time, that it is unknown.
    IsEmpty,
    /// `is set`; for a number or time, that it is known.
    IsSet,
    /// `changed`, `changed from A`, `changed to B`, `changed from A to B`. When a ticket is created, every field that
    /// has a value counts as changed.
    Changed {
        /// The value before the event.
        from: Option<Literal>,
        /// The value after the event.
        to: Option<Literal>,
    },
    /// `time since F >= 4 days`: the time elapsed since the field's value. Negative if that is in the future.
    Since(Comparison, Duration),
    /// `time until F < 2 hours`: the time remaining until the field's value. Negative if that is in the past.
    Until(Comparison, Duration),
    /// `time in status open > 4 hours`, `time in status (new, open) > 4 hours`: the total time that the ticket has spent
    /// in these statuses until now.
    TimeIn(Statuses, Comparison, Duration),
}

/// How the values of two fields are compared. With no value in either, nothing holds. Where one alone has none, they differ
/// (`is not`), unless it may be any: a number, date or time that is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// `is`
    Is,
    /// `is not`
    IsNot,
    /// `<`, `<=`, `>`, `>=`
    Compare(Comparison),
}

impl Relation {
    /// The relation with its sides exchanged: `a < b` is `b > a`.
    pub(crate) const fn flipped(self) -> Self {
        match self {
            Self::Compare(comparison) => Self::Compare(comparison.flipped()),
            same => same,
        }
    }

    /// As written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Is => "is",
            Self::IsNot => "is not",
            Self::Compare(comparison) => comparison.as_str(),
        }
    }
}

/// Statuses whose time is counted together, in the order in which they are written.
pub type Statuses = Vec<Status>;

/// The values of a list, stored once for all predicates that refer to a named list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Values<T> {
    /// The name of the list; `None` if it is written in the predicate.
    pub name: Option<Arc<str>>,
    /// The values, in order.
    pub items: Arc<[T]>,
}

impl<T> Values<T> {
    /// A single value.
    pub fn one(value: T) -> Self {
        vec![value].into()
    }
}

impl<T> From<Vec<T>> for Values<T> {
    fn from(items: Vec<T>) -> Self {
        Self { name: None, items: items.into() }
    }
}

impl<T> std::ops::Deref for Values<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items
    }
}

/// `<`, `<=`, `>`, `>=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
}

impl Comparison {
    /// Whether two values ordered this way satisfy the comparison.
    pub fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Less => ordering.is_lt(),
            Self::AtMost => ordering.is_le(),
            Self::More => ordering.is_gt(),
            Self::AtLeast => ordering.is_ge(),
        }
    }

    /// The instant at which this comparison with a duration changes; `None` if it is outside the range of timestamps.
    pub fn boundary(self, reached: Reached) -> Option<Boundary> {
        let (at, included) = match self {
            Self::AtLeast | Self::Less => (reached.first?, true),
            Self::More | Self::AtMost => (reached.last?, false),
        };
        Some(Boundary { at, included })
    }

    /// Whether it is a lower bound: `>` or `>=`.
    pub const fn is_lower_bound(self) -> bool {
        matches!(self, Self::AtLeast | Self::More)
    }

    /// The comparison with its sides exchanged: `a < b` is `b > a`.
    pub(crate) const fn flipped(self) -> Self {
        match self {
            Self::Less => Self::More,
            Self::AtMost => Self::AtLeast,
            Self::More => Self::Less,
            Self::AtLeast => Self::AtMost,
        }
    }

    /// As written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
        }
    }
}

/// The instant at which the result of `time since` or `time until` compared with a duration changes.
#[derive(Debug, Clone, Copy)]
pub struct Boundary {
    /// When `time since` or `time until` equals the duration.
    pub at: jiff::Timestamp,
    /// Whether the comparison has the same result at `at` as for longer times: true for `>=` and `<`.
    pub included: bool,
}

/// A literal value in a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// A whole number.
    Number(i64),
    /// A decimal number.
    Decimal(Decimal),
    /// A word of the field's vocabulary, or a declared name.
    Word {
        /// The word.
        word: String,
        /// Its position in an ordered vocabulary; `None` for unordered words and declared names.
        rank: Option<usize>,
    },
    /// A text.
    Text(Folded),
    /// `yes` or `no`, in `set` and in tests.
    YesNo(bool),
    /// The members of a set, in `given` and in `set tags to`.
    Set(Vec<String>),
    /// An instant, in tests.
    Time(jiff::Timestamp),
    /// A time of day.
    TimeOfDay(TimeOfDay),
    /// A date.
    Date(jiff::civil::Date),
    /// `me`: the agent who acts; in a view or report, the one who reads.
    Me,
    /// `my groups`: the groups of that agent.
    MyGroups,
}

impl Literal {
    /// Converts it into a field value; empty for `me` and `my groups`, which depend on the agent.
    pub fn value(&self) -> Value<'_> {
        match self {
            Self::Number(n) => Value::Number(*n),
            Self::Decimal(d) => Value::Decimal(*d),
            Self::Word { word, .. } => Value::Word(word.as_str().into()),
            Self::Text(t) => Value::Text(t.written.as_str().into()),
            Self::YesNo(b) => Value::YesNo(*b),
            Self::Set(tags) => Value::Set(std::borrow::Cow::Owned(tags.iter().cloned().collect())),
            Self::Time(t) => Value::Time(*t),
            Self::TimeOfDay(t) => Value::TimeOfDay(*t),
            Self::Date(d) => Value::Date(*d),
            Self::Me | Self::MyGroups => Value::Empty,
        }
    }
}

/// A text with its folded form, which is used in comparisons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folded {
    /// As written.
    pub written: String,
    /// The folded form, see [`fold`].
    pub folded: String,
}

impl Folded {
    /// A search text: leading and trailing white space is kept as one blank, see [`fold_needle`].
    pub fn needle(text: &str) -> Self {
        Self { written: text.to_owned(), folded: fold_needle(text) }
    }
}

impl From<&str> for Folded {
    fn from(text: &str) -> Self {
        Self { written: text.to_owned(), folded: fold(text).into_owned() }
    }
}

/// A duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duration {
    /// `90 minutes`, `4 days`: elapsed time; a day is 24 hours.
    Clock(SignedDuration),
    /// `2 business hours`: counts only the time in which the desk is open.
    Open(SignedDuration),
    /// `2 business days`: as [`Self::Open`], with the opening time of one day as the unit.
    OpenDays(i64),
    /// `1 business week`: as [`Self::Open`], with the opening time of one week as the unit.
    OpenWeeks(i64),
}

impl Duration {
    /// Whether it counts only the time in which the desk is open.
    pub fn is_business(self) -> bool {
        !matches!(self, Self::Clock(_))
    }

    /// Its length with these business hours.
    pub fn length(self, hours: &Hours) -> SignedDuration {
        let times = |length: SignedDuration, count: i64| {
            length.as_secs().checked_mul(count).map_or(SignedDuration::MAX, SignedDuration::from_secs)
        };
        match self {
            Self::Clock(length) | Self::Open(length) => length,
            Self::OpenDays(count) => times(hours.business_day(), count),
            Self::OpenWeeks(count) => times(hours.business_week(), count),
        }
    }

    /// The first and the last instant at which exactly this duration has elapsed since `time`. In business time they
    /// can differ, because no time elapses while the desk is closed.
    pub fn reached_after(self, time: jiff::Timestamp, hours: &Hours) -> Reached {
        let length = self.length(hours);
        if let Self::Clock(_) = self {
            let at = time.checked_add(length).ok();
            return Reached { first: at, last: at };
        }
        let reached = hours.after(time, length);
        // No time elapses while the desk is closed, so for a zero duration this is when it last closed before `time`.
        let first = if length.is_zero() { hours.before(time, length).last } else { reached.first };
        Reached { first, ..reached }
    }

    /// The instants from which exactly this duration elapses until `time`, going back in time: `first` is the later
    /// one.
    pub fn reached_before(self, time: jiff::Timestamp, hours: &Hours) -> Reached {
        let length = self.length(hours);
        if let Self::Clock(_) = self {
            let at = time.checked_sub(length).ok();
            return Reached { first: at, last: at };
        }
        let reached = hours.before(time, length);
        // No time elapses while the desk is closed, so for a zero duration this is when it next opens after `time`.
        let first = if length.is_zero() { hours.after(time, length).last } else { reached.first };
        Reached { first, ..reached }
    }

    /// The first instant this duration after `from`; `None` if it is outside the range of timestamps.
    pub fn after(self, from: jiff::Timestamp, hours: &Hours) -> Option<jiff::Timestamp> {
        match self {
            Self::Clock(length) => from.checked_add(length).ok(),
            _ => hours.after(from, self.length(hours)).first,
        }
    }
}

/// A view: a filtered, sorted list of tickets.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// Its title, unique among views.
    pub title: String,
    /// Its documentation.
    pub doc: Option<String>,
    /// Its mode; a disabled view is not listed.
    pub mode: Mode,
    /// The tickets it lists. Contains no predicates on events.
    pub filter: Condition,
    /// The fields shown for each ticket.
    pub columns: Vec<FieldRef>,
    /// The grouping.
    pub group_by: Option<Sort>,
    /// The sort order; ties are sorted by ticket number.
    pub sort_by: Option<Sort>,
    /// Who can see it; if empty, every agent.
    pub visible_to: Vec<Audience>,
    /// Its source span.
    pub span: Span,
}

/// A sort order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    /// The sort field. Empty values come last in both directions.
    pub by: FieldRef,
    /// Whether the order is descending.
    pub descending: bool,
}

/// Who can see a view or report, or apply a macro.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// The members of a declared group.
    Group(String),
    /// A declared agent.
    Agent(String),
}

impl Condition {
    /// A condition that is always true.
    pub fn always(span: Span) -> Self {
        Self { kind: ConditionKind::All(vec![]), span }
    }

    /// Whether it is the empty conjunction.
    pub fn is_always(&self) -> bool {
        matches!(&self.kind, ConditionKind::All(parts) if parts.is_empty())
    }

    /// Whether it has such a predicate.
    pub fn any(&self, such: impl Fn(&Predicate) -> bool) -> bool {
        let mut any = false;
        self.predicates(&mut |predicate, _| any |= such(predicate));
        any
    }

    /// Calls `visit` for every predicate in it, including those of named conditions, from left to right.
    pub fn predicates<'a>(&'a self, visit: &mut dyn FnMut(&'a Predicate, &'a Span)) {
        match &self.kind {
            ConditionKind::All(parts) | ConditionKind::Any(parts) => parts.iter().for_each(|c| c.predicates(visit)),
            ConditionKind::Not(inner) => inner.predicates(visit),
            ConditionKind::Let(named) => named.condition.predicates(visit),
            ConditionKind::Predicate(predicate) => visit(predicate, &self.span),
        }
    }
}
