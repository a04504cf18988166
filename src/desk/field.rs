//! The table of fields.
//!
//! Every built-in field is declared once, in the file of what it is about: its name, type, meaning, SQL expression, name
//! in Zendesk's JSON, and how to read and write it. The checker, completion, hover, the documentation, placeholders, the evaluator, the index and
//! the compilation to SQL all read [`FIELDS`].

mod clock;
mod comment;
mod history;
mod post;
mod reference;
mod requester;
mod satisfaction;
mod shown;
mod sla;
mod ticket;

use std::{collections::BTreeSet, fmt, sync::LazyLock};

use jiff::Timestamp;

pub use self::reference::FieldRef;
use super::{Actor, Declarations, Event, Hours, Ticket, Value, Words, declarations::Agent, text::is_blank};

/// The type of a field, which decides the operators that apply to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A boolean; a condition by itself.
    YesNo,
    /// A whole number; may be unknown.
    Number,
    /// A decimal number; may be unknown.
    Decimal,
    /// A word of a closed vocabulary; may be empty.
    Words(Words),
    /// A name declared in `twite.toml`; may be empty.
    Declared(Declared),
    /// Free text, compared folded; may be empty.
    Text,
    /// A set of tags or of declared names.
    Set(Members),
    /// An instant, for `time since` and `time until`; may be unknown.
    Time,
    /// A time of day, to the minute.
    TimeOfDay,
    /// A date; may be unknown.
    Date,
}

/// What a set consists of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Members {
    /// Tags.
    Tags,
    /// Names of a declaration: agents, or the `choices` of a declared field.
    Declared(Declared),
    /// Words of a closed vocabulary.
    Words(Words),
}

/// Which declaration a name must come from: in `twite.toml`, or an item of the rules.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Declared {
    /// `[[group]]`
    Group,
    /// `[[agent]]`
    Agent,
    /// `[[account]]`
    Account,
    /// `[[brand]]`
    Brand,
    /// `[[organisation]]`
    Organisation,
    /// `[[schedule]]`
    Schedule,
    /// An `sla` of the rules.
    Sla,
    /// The `choices` of the custom field with this name in rules.
    Choice(String),
}

impl Kind {
    /// Whether a value may be unknown, so that it is not known whether it differs from another.
    pub const fn may_be_unknown(&self) -> bool {
        matches!(self, Self::Number | Self::Decimal | Self::Time | Self::Date)
    }

    /// Whether values have an order that conditions compare.
    pub const fn is_ordered(&self) -> bool {
        match self {
            Self::Number | Self::Decimal | Self::Time | Self::TimeOfDay | Self::Date => true,
            Self::Words(words) => words.ordered,
            Self::YesNo | Self::Declared(_) | Self::Text | Self::Set(_) => false,
        }
    }

    /// Whether a value of this kind can equal one of the other.
    pub fn compares_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::YesNo | Self::Set(_), _) => false,
            (Self::Declared(Declared::Choice(_)), Self::Declared(Declared::Choice(_))) => true,
            _ => self == other,
        }
    }

    /// Whether it is a set.
    pub const fn is_set(&self) -> bool {
        matches!(self, Self::Set(_))
    }
}

impl fmt::Display for Kind {
    /// The type as error messages name it: "a whole number".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::YesNo => "yes or no",
            Self::Number => "a whole number",
            Self::Decimal => "a decimal number",
            Self::Words(_) => "a keyword",
            Self::Declared(Declared::Group) => "a declared group",
            Self::Declared(Declared::Agent) => "a declared agent",
            Self::Declared(Declared::Account) => "a declared account",
            Self::Declared(Declared::Brand) => "a declared brand",
            Self::Declared(Declared::Organisation) => "a declared organisation",
            Self::Declared(Declared::Schedule) => "a declared schedule",
            Self::Declared(Declared::Sla) => "the title of an `sla`",
            Self::Declared(Declared::Choice(_)) => "one of the declared choices",
            Self::Text => "text",
            Self::Set(Members::Tags) => "a set of tags",
            Self::Set(Members::Declared(Declared::Choice(_))) => "a set of the declared choices",
            Self::Set(Members::Declared(_)) => "a set of declared agents",
            Self::Set(Members::Words(_)) => "a set of keywords",
            Self::Time => "a time",
            Self::TimeOfDay => "a time of day",
            Self::Date => "a date",
        })
    }
}

/// What a field belongs to, which decides where it can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The ticket: usable everywhere.
    Ticket,
    /// The event of a run: not in views, reports and automations.
    Event,
    /// The current time: usable in every condition.
    Clock,
    /// Display only, in columns and placeholders: not usable in conditions.
    Shown,
}

/// The data that fields are read from.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The ticket as it is now.
    pub ticket: &'a Ticket,
    /// The event, if there is one.
    pub event: Option<&'a Event>,
    /// The time of the decision.
    pub now: Timestamp,
    /// The declarations.
    pub desk: &'a Declarations,
}

impl<'a> Facts<'a> {
    /// The opening hours for the ticket.
    pub fn hours(&self) -> &'a Hours {
        self.desk.hours_of(self.ticket)
    }

    /// The agent whose update the event is; `None` if it is nobody's who is declared.
    pub fn agent(&self) -> Option<&'a Agent> {
        match &self.event?.actor {
            Actor::Agent(name) => self.desk.agents.iter().find(|agent| agent.name == *name),
            Actor::Rule(_) | Actor::Person | Actor::System | Actor::Owner => None,
        }
    }
}

/// An entry of the table.
pub struct Field {
    /// Its name in rules.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Its scope.
    pub scope: Scope,
    /// What it means, in one line.
    pub doc: &'static str,
    /// SQL expression over `ticket t` and `person p`; `None` if it is not stored.
    pub sql: Option<&'static str>,
    /// Its name in the conditions of Zendesk's JSON.
    pub zendesk: Option<&'static str>,
    /// Reads its value.
    pub read: for<'a> fn(Facts<'a>) -> Value<'a>,
    /// How it changes once the ticket is open.
    pub changes: Changes,
}

/// How a field changes once the ticket is open.
pub enum Changes {
    /// It keeps the value that the ticket was opened with.
    Never,
    /// By lookups at X and by other tickets. Events find it so, and do not change it.
    BetweenEvents,
    /// By comments, updates and time.
    InEvents,
    /// Also by rules and agents.
    ByRules(Write),
}

impl Field {
    /// Whether rules can set it.
    pub const fn is_writable(&self) -> bool {
        self.write().is_some()
    }

    const fn write(&self) -> Option<&Write> {
        match &self.changes {
            Changes::ByRules(write) => Some(write),
            _ => None,
        }
    }
}

/// How a field is set.
pub struct Write {
    set: fn(&mut Ticket, Value<'_>, Timestamp),
    /// The other fields that setting it can change.
    also: &'static [&'static str],
}

impl Write {
    /// Changes no other field.
    const fn alone(set: fn(&mut Ticket, Value<'_>, Timestamp)) -> Self {
        Self { set, also: &[] }
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Field").field(&self.name).finish()
    }
}

/// Every built-in field, in the order in which the documentation lists them.
pub static FIELDS: LazyLock<Vec<Field>> = LazyLock::new(|| {
    let fields = ticket::FIELDS.into_iter().chain(comment::FIELDS).chain(requester::FIELDS).chain(post::FIELDS);
    let fields = fields.chain(history::FIELDS).chain(satisfaction::FIELDS);
    fields.chain(sla::FIELDS).chain(clock::FIELDS).chain(shown::FIELDS).collect()
});

/// The built-in field with this name.
pub fn known(name: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|f| f.name == name)
}

fn word_of<T: std::str::FromStr>(value: &Value<'_>) -> Option<T> {
    match value {
        Value::Word(w) => w.parse().ok(),
        _ => None,
    }
}

fn name_of(value: Value<'_>) -> Option<String> {
    match value {
        Value::Word(w) | Value::Text(w) if !is_blank(&w) => Some(w.into_owned()),
        _ => None,
    }
}

fn members_of(value: Value<'_>) -> BTreeSet<String> {
    match value {
        Value::Set(set) => set.into_owned(),
        _ => BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_there_once_and_reads_by_its_kind() {
        let (ticket, desk) = (Ticket::default(), Declarations::default());
        let facts = Facts { ticket: &ticket, event: None, now: Timestamp::UNIX_EPOCH, desk: &desk };
        let mut names = BTreeSet::new();
        for field in FIELDS.iter() {
            assert!(names.insert(field.name), "{} twice", field.name);
            let fits = match (field.read)(facts) {
                Value::Empty => field.kind != Kind::YesNo && !field.kind.is_set(),
                Value::YesNo(_) => field.kind == Kind::YesNo,
                Value::Number(_) => field.kind == Kind::Number,
                Value::Word(_) => matches!(field.kind, Kind::Words(_) | Kind::Declared(_)),
                Value::Text(_) => field.kind == Kind::Text,
                Value::Decimal(_) => field.kind == Kind::Decimal,
                Value::Set(_) => field.kind.is_set(),
                Value::Time(_) => field.kind == Kind::Time,
                Value::TimeOfDay(_) => field.kind == Kind::TimeOfDay,
                Value::Date(_) => field.kind == Kind::Date,
            };
            assert!(fits, "{} reads as something else than {}", field.name, field.kind);
        }
    }
}
