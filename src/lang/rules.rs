//! Checked rules: names resolved, types right, ready to be evaluated, compiled, or turned into SQL.
//!
//! This is the only thing the engine and the store see of the language. A value of these types came
//! through the checker (or was built by hand in a test with the same care).

mod pattern;
mod report;
mod test;

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use jiff::SignedDuration;

use crate::desk::{
    Declarations, Event, FieldRef, Hours, Reached, Recipient, Scope, Value,
    text::{fold, fold_needle},
};

pub use self::{
    pattern::Pattern,
    report::{Aggregate, Calendar, Chart, Measure, Over, Period, PeriodUnit, Quantity, Report, Split},
    test::{EffectKind, Expect, ExpectKind, RuleTest, Step, TestComment, When},
};
pub use super::span::{SourceFile, Span};
pub use crate::desk::Choosing;

/// A rule set: everything that was checked together, in the order in which it is tried.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The declarations the rules were checked against.
    pub desk: Arc<Declarations>,
    /// Which rule set this is.
    pub version: Version,
    /// The files they were made of.
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
    /// Tests in order.
    pub tests: Vec<Arc<RuleTest>>,
    /// Named conditions in order, for listings; uses hold their own pointer.
    pub lets: Vec<Arc<Let>>,
}

impl Rules {
    /// How many things they hold that do something: not named conditions, and not tests.
    pub fn items(&self) -> usize {
        self.triggers.len() + self.automations.len() + self.macros.len() + self.views.len() + self.reports.len()
    }

    /// How many things of any kind they hold: zero where the files have comments only.
    pub fn declarations(&self) -> usize {
        self.items() + self.lets.len() + self.tests.len()
    }
}

/// What a decision names as its rule set.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Version {
    /// SHA-256 over the names and contents of all files, in hexadecimal.
    pub hash: String,
    /// The git commit the rules lie in, with `+` behind it where they were changed since; `None` outside git.
    pub commit: Option<String>,
}

/// The files a rule set was made of: with them it can be made again when it is long gone.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Files {
    /// `twite.toml`, where there is one.
    pub config: Option<SourceFile>,
    /// The calendar files that `twite.toml` names, under the names it uses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calendars: Vec<SourceFile>,
    /// The rule files in their order.
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

/// How an item takes part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Like any other.
    #[default]
    Live,
    /// Checked, and otherwise left out.
    Disabled,
    /// Evaluated and recorded; changes nothing.
    Shadow,
}

/// A named condition.
#[derive(Debug, PartialEq)]
pub struct Let {
    /// Its name.
    pub name: String,
    /// Its documentation.
    pub doc: Option<String>,
    /// What it stands for.
    pub condition: Condition,
    /// Where it is declared.
    pub span: Span,
}

/// A rule about events.
#[derive(Debug, PartialEq)]
pub struct Trigger {
    /// Its title, unique among triggers.
    pub title: String,
    /// Its documentation.
    pub doc: Option<String>,
    /// How it takes part.
    pub mode: Mode,
    /// Which events it is about.
    pub on: On,
    /// When it fires. [`Condition::always`] where nothing is asked.
    pub when: Condition,
    /// What it does, in order.
    pub then: Vec<Action>,
    /// Where it stands.
    pub span: Span,
}

/// Which events a trigger is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct On {
    /// Tickets that were created.
    pub created: bool,
    /// Tickets that were updated.
    pub updated: bool,
}

impl On {
    /// Whether this event is among them.
    pub fn covers(self, event: &Event) -> bool {
        if event.before().is_none() { self.created } else { self.updated }
    }
}

/// A rule about time passing.
#[derive(Debug, PartialEq)]
pub struct Automation {
    /// Its title, unique among automations.
    pub title: String,
    /// Its documentation.
    pub doc: Option<String>,
    /// How it takes part.
    pub mode: Mode,
    /// When it fires: once a ticket comes to satisfy this. Never asks about an event.
    pub when: Condition,
    /// What it does, in order.
    pub then: Vec<Action>,
    /// Whether what it does starts a run of the triggers.
    pub runs_triggers: bool,
    /// Where it stands.
    pub span: Span,
}

/// What an agent applies to tickets by hand.
#[derive(Debug, PartialEq)]
pub struct Macro {
    /// Its title, unique among macros.
    pub title: String,
    /// Its documentation.
    pub doc: Option<String>,
    /// How it takes part; a disabled one cannot be applied.
    pub mode: Mode,
    /// What it does, in order.
    pub then: Vec<Action>,
    /// Who may apply it; nobody named means everybody.
    pub visible_to: Vec<Audience>,
    /// Where it stands.
    pub span: Span,
}

/// A condition with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// What is asked.
    pub kind: ConditionKind,
    /// Where it is asked.
    pub span: Span,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum ConditionKind {
    /// All of these hold; with none, it always holds.
    All(Vec<Condition>),
    /// At least one of these holds; with none, it never does.
    Any(Vec<Condition>),
    /// This does not hold. Plain negation, also where a value is unknown.
    Not(Box<Condition>),
    /// A named condition.
    Let(Arc<Let>),
    /// A question about one field.
    Predicate(Predicate),
}

/// A question about one field.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicate {
    /// The field.
    pub field: FieldRef,
    /// The question.
    pub op: Op,
    /// Both as the formatter writes them, once somebody wanted to read that.
    text: Written,
}

/// A text that is made when it is first read. It follows from what it stands beside, so it makes no difference between
/// two of those.
#[derive(Debug, Clone, Default)]
struct Written(OnceLock<Arc<str>>);

impl PartialEq for Written {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Predicate {
    /// A question about a field.
    pub fn new(field: FieldRef, op: Op) -> Self {
        Self { field, op, text: Written::default() }
    }

    /// The question as the formatter writes it.
    pub fn text(&self) -> &Arc<str> {
        self.text.0.get_or_init(|| self.to_string().into())
    }

    /// Whether the answer hangs on the opening hours of the ticket.
    pub fn asks_hours(&self) -> bool {
        self.field.scope() == Scope::Clock
            || matches!(&self.op, Op::Since(_, span) | Op::Until(_, span) if span.is_business())
    }
}

/// The questions. What each means where there is no value:
///
/// - A number or time that is *unknown* makes every test false but `is empty` and `not (…)`: also
///   `is not` and `not in`, because nobody knows that it differs.
/// - A word, name or text that is *empty* differs from every value: `is not` and `not in` hold.
///   Order needs a value: `<` and its kin are false both ways.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// A yes/no field is yes.
    Holds,
    /// `is V`
    Is(Literal),
    /// `is not V`
    IsNot(Literal),
    /// `< V`, `<= V`, `> V`, `>= V`; numbers and ordered words.
    Compare(Comparison, Literal),
    /// `in (…)`
    In(Vec<Literal>),
    /// `not in (…)`
    NotIn(Vec<Literal>),
    /// `has T` and `has any of (…)`: at least one.
    HasAny(Vec<String>),
    /// `has all of (…)`
    HasAll(Vec<String>),
    /// `has none of (…)`
    HasNone(Vec<String>),
    /// `contains "…"`
    Contains(Folded),
    /// `contains word "…"`
    ContainsWord(Folded),
    /// `starts with "…"`
    StartsWith(Folded),
    /// `matches "regex"`
    Matches(Pattern),
    /// `is empty`; for a number or time: is unknown.
    IsEmpty,
    /// `is set`; for a number or time: is known.
    IsSet,
    /// `changed`, `changed from A`, `changed to B`, `changed from A to B`. A ticket that was just created
    /// changed from nothing, wherever it has a value.
    Changed {
        /// What it was.
        from: Option<Literal>,
        /// What it is now.
        to: Option<Literal>,
    },
    /// `time since F >= 4 days`: how long ago the field's time was. Negative before it.
    Since(Comparison, Duration),
    /// `time until F < 2 hours`: how far off the field's time is. Negative after it.
    Until(Comparison, Duration),
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
    /// Whether two values with this ordering satisfy the comparison.
    pub fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Less => ordering.is_lt(),
            Self::AtMost => ordering.is_le(),
            Self::More => ordering.is_gt(),
            Self::AtLeast => ordering.is_ge(),
        }
    }

    /// The boundary of this comparison with a duration; `None` if it is beyond the calendar.
    pub fn boundary(self, reached: Reached) -> Option<Boundary> {
        let (at, included) = match self {
            Self::AtLeast | Self::Less => (reached.first?, true),
            Self::More | Self::AtMost => (reached.last?, false),
        };
        Some(Boundary { at, included })
    }

    /// Whether it bounds values from below.
    pub const fn is_lower_bound(self) -> bool {
        matches!(self, Self::AtLeast | Self::More)
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

/// The instant at which a comparison of a distance in time with a duration changes its result.
#[derive(Debug, Clone, Copy)]
pub struct Boundary {
    /// The instant.
    pub at: jiff::Timestamp,
    /// Whether it belongs to the far side.
    pub included: bool,
}

/// A value in a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// A whole number.
    Number(i64),
    /// A word of the field's vocabulary, or a declared name. For ordered words, with its rank.
    Word {
        /// The word.
        word: String,
        /// Its place in its vocabulary; `None` for declared names.
        rank: Option<usize>,
    },
    /// A text, with its fold.
    Text(Folded),
    /// `yes` or `no`, in `set` and in tests.
    YesNo(bool),
    /// Tags, in `given` and in `set tags to`.
    Set(Vec<String>),
    /// An instant, in tests.
    Time(jiff::Timestamp),
}

impl Literal {
    /// As a value to write into a field.
    pub fn value(&self) -> Value<'_> {
        match self {
            Self::Number(n) => Value::Number(*n),
            Self::Word { word, .. } => Value::Word(word.as_str().into()),
            Self::Text(t) => Value::Text(t.written.as_str().into()),
            Self::YesNo(b) => Value::YesNo(*b),
            Self::Set(tags) => Value::Set(std::borrow::Cow::Owned(tags.iter().cloned().collect())),
            Self::Time(t) => Value::Time(*t),
        }
    }
}

/// A text with the form in which it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folded {
    /// As written.
    pub written: String,
    /// As compared, see [`fold`].
    pub folded: String,
}

impl Folded {
    /// A text that is searched for: white space at its ends is a blank there, see [`fold_needle`].
    pub fn needle(text: &str) -> Self {
        Self { written: text.to_owned(), folded: fold_needle(text) }
    }
}

impl From<&str> for Folded {
    fn from(text: &str) -> Self {
        Self { written: text.to_owned(), folded: fold(text).into_owned() }
    }
}

/// A length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Duration {
    /// `90 minutes`, `4 days`: by the clock; a day is 24 hours.
    Clock(SignedDuration),
    /// `2 business hours`: only the time in which the desk is open counts.
    Open(SignedDuration),
    /// `2 business days`: as [`Self::Open`], each as long as the desk is open on a day it opens.
    OpenDays(i64),
    /// `1 business week`: as [`Self::Open`], each as long as the desk is open in a week.
    OpenWeeks(i64),
}

impl Duration {
    /// Whether only the time in which the desk is open counts.
    pub fn is_business(self) -> bool {
        !matches!(self, Self::Clock(_))
    }

    /// How long it is for a ticket with these hours.
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

    /// The first and the last instant at which so long has passed since another: while the desk is closed, the count stands
    /// still.
    pub fn reached_after(self, time: jiff::Timestamp, hours: &Hours) -> Reached {
        let length = self.length(hours);
        if let Self::Clock(_) = self {
            let at = time.checked_add(length).ok();
            return Reached { first: at, last: at };
        }
        let reached = hours.after(time, length);
        // Nothing at all has passed since the desk last closed before it.
        let first = if length.is_zero() { hours.before(time, length).last } else { reached.first };
        Reached { first, ..reached }
    }

    /// As [`Self::reached_after`], back in time: the first is the later one.
    pub fn reached_before(self, time: jiff::Timestamp, hours: &Hours) -> Reached {
        let length = self.length(hours);
        if let Self::Clock(_) = self {
            let at = time.checked_sub(length).ok();
            return Reached { first: at, last: at };
        }
        let reached = hours.before(time, length);
        // Nothing at all is ahead until the desk opens after it.
        let first = if length.is_zero() { hours.after(time, length).last } else { reached.first };
        Reached { first, ..reached }
    }

    /// The moment so long after another, by these hours; `None` is beyond all calendars.
    pub fn after(self, from: jiff::Timestamp, hours: &Hours) -> Option<jiff::Timestamp> {
        match self {
            Self::Clock(length) => from.checked_add(length).ok(),
            _ => hours.after(from, self.length(hours)).first,
        }
    }
}

/// What a trigger does.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// What.
    pub kind: ActionKind,
    /// Where it stands.
    pub span: Span,
}

/// What a trigger does.
#[derive(Debug, Clone, PartialEq)]
pub enum ActionKind {
    /// `set F to V`, `assign to group "G"`, `assign to agent "A"`. Texts may hold placeholders.
    Set(FieldRef, SetTo),
    /// `clear F`
    Clear(FieldRef),
    /// `add tags a, b`
    AddTags(Vec<String>),
    /// `remove tags a, b`
    RemoveTags(Vec<String>),
    /// `reply "…"`
    Reply(Template),
    /// `note "…"`
    Note(Template),
    /// `notify group "G" { subject "…" body "…" }`
    Notify {
        /// To whom.
        to: Recipient,
        /// The subject.
        subject: Template,
        /// The body.
        body: Template,
    },
    /// `remind group "G" in 2 hours { subject "…" body "…" }`: a notification for later.
    Remind {
        /// To whom.
        to: Recipient,
        /// How long from now.
        after: Duration,
        /// The subject, and the body; where they are not written, those every reminder has.
        subject: Option<Template>,
        /// The body.
        body: Option<Template>,
    },
    /// `assign to next agent of group "G"`, `assign to least busy agent of group "G"`
    Assign {
        /// The group, which the ticket is assigned to at once.
        group: String,
        /// How the agent is chosen when this is carried out.
        choosing: Choosing,
    },
    /// `snooze for 2 hours`: puts the ticket on hold until then.
    Snooze(Duration),
    /// `merge into earlier ticket`
    Merge,
    /// `webhook "W"`, `webhook "W" { body """…""" }`
    Webhook {
        /// Its declared name.
        name: String,
        /// A JSON text; placeholders stand inside strings and are escaped for them.
        body: Option<Template>,
    },
    /// `stop`: ends the run after this trigger.
    Stop,
}

/// What a field is set to.
#[derive(Debug, Clone, PartialEq)]
pub enum SetTo {
    /// A value.
    Literal(Literal),
    /// A text with placeholders.
    Template(Template),
}

/// A text with placeholders, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its parts in order.
    pub parts: Vec<Part>,
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// As it is.
    Text(String),
    /// `{{ticket.requester.name | default: "you"}}`
    Placeholder {
        /// The field whose value stands here. Time fields print as RFC 3339, sets joined with a space.
        field: FieldRef,
        /// What is done to it, in order.
        filters: Vec<Filter>,
    },
}

/// What a placeholder's `|` does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// `default: "…"`, where the value is empty.
    Default(String),
    /// `upcase`
    Upcase,
    /// `downcase`
    Downcase,
    /// `capitalize`
    Capitalize,
    /// `strip_newlines`
    StripNewlines,
    /// `truncate: 40`: at most so many characters as a reader counts them, `…` included.
    Truncate(usize),
    /// `first_word`: up to the first space; for a name, the first name.
    FirstWord,
}

/// A list of tickets.
#[derive(Debug, PartialEq)]
pub struct View {
    /// Its title, unique among views.
    pub title: String,
    /// Its documentation.
    pub doc: Option<String>,
    /// How it takes part; a disabled one is not listed.
    pub mode: Mode,
    /// Which tickets. Never asks about an event.
    pub filter: Condition,
    /// What is shown of each.
    pub columns: Vec<FieldRef>,
    /// What they are grouped by.
    pub group_by: Option<Sort>,
    /// What they are sorted by; then by number.
    pub sort_by: Option<Sort>,
    /// Who sees it; nobody named means everybody.
    pub visible_to: Vec<Audience>,
    /// Where it stands.
    pub span: Span,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    /// By this field. Empty values come last, whatever the direction.
    pub by: FieldRef,
    /// From the highest down.
    pub descending: bool,
}

/// Who sees a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// The members of a declared group.
    Group(String),
    /// A declared agent.
    Agent(String),
}

impl Condition {
    /// A condition that always holds.
    pub fn always(span: Span) -> Self {
        Self { kind: ConditionKind::All(vec![]), span }
    }

    /// Whether it asks nothing.
    pub fn is_always(&self) -> bool {
        matches!(&self.kind, ConditionKind::All(parts) if parts.is_empty())
    }

    /// Calls `visit` for every predicate below, lets included, from left to right.
    pub fn predicates<'a>(&'a self, visit: &mut dyn FnMut(&'a Predicate, &'a Span)) {
        match &self.kind {
            ConditionKind::All(parts) | ConditionKind::Any(parts) => parts.iter().for_each(|c| c.predicates(visit)),
            ConditionKind::Not(inner) => inner.predicates(visit),
            ConditionKind::Let(named) => named.condition.predicates(visit),
            ConditionKind::Predicate(predicate) => visit(predicate, &self.span),
        }
    }
}
