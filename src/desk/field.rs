//! The table of fields.
//!
//! Every built-in field is declared here once: its name, type, meaning, SQL expression, name in Zendesk's JSON, and how
//! to read and write it. The checker, completion, hover, the documentation, placeholders, the evaluator, the index and
//! the compilation to SQL all read [`FIELDS`].

use std::{
    borrow::Cow,
    collections::BTreeSet,
    fmt,
    ops::RangeInclusive,
    sync::{Arc, LazyLock},
};

use jiff::Timestamp;

use super::{
    Actor, Author, Channel, CustomValue, Declarations, Event, Hours, Priority, SLA_FIELDS, Sample, Status, Ticket,
    TicketType, Value, VerifiedType, Via, Words,
    declarations::{Agent, CustomField, CustomKind, Schedule},
    text::is_blank,
};

/// The type of a field, which decides the operators that apply to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A boolean; a condition by itself.
    YesNo,
    /// A whole number; may be unknown.
    Number,
    /// A word of a closed vocabulary; may be empty.
    Words(Words),
    /// A name declared in `twite.toml`; may be empty.
    Declared(Declared),
    /// Free text, compared folded; may be empty.
    Text,
    /// A set of tags.
    Set,
    /// An instant, for `time since` and `time until`; may be unknown.
    Time,
    /// A time of day, to the minute.
    TimeOfDay,
    /// A date.
    Date,
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

impl fmt::Display for Kind {
    /// The type as error messages name it: "a whole number".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::YesNo => "yes or no",
            Self::Number => "a whole number",
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
            Self::Set => "a set of tags",
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

/// A resolved field: built-in, custom, a schedule or a sample.
#[derive(Debug, Clone)]
pub enum FieldRef {
    /// One of [`FIELDS`].
    Known(&'static Field),
    /// `field.NAME` or `requester.field.NAME`, declared in `twite.toml`.
    Custom(Arc<CustomField>),
    /// `within "NAME" hours`, declared in `twite.toml`.
    Schedule(Arc<Schedule>),
    /// `in sample "NAME" of 10 percent`
    Sample(Arc<Sample>),
}

impl PartialEq for FieldRef {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for FieldRef {}

impl fmt::Display for FieldRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

impl FieldRef {
    /// The built-in or custom field with this name.
    pub fn find(name: &str, desk: &Declarations) -> Option<Self> {
        match desk.field(name) {
            Some(custom) => Some(Self::Custom(Arc::new(custom.clone()))),
            None => known(name).map(Self::Known),
        }
    }

    /// Its name in rules.
    pub fn name(&self) -> Cow<'static, str> {
        match self {
            Self::Known(field) => Cow::Borrowed(field.name),
            Self::Custom(field) => Cow::Owned(field.full_name()),
            Self::Schedule(schedule) => Cow::Owned(format!("within \"{}\" hours", escaped(&schedule.name))),
            Self::Sample(sample) => {
                Cow::Owned(format!("in sample \"{}\" of {} percent", escaped(&sample.name), sample.percent))
            }
        }
    }

    /// Its type.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Known(field) => field.kind.clone(),
            Self::Custom(field) => field.kind(),
            Self::Schedule(_) | Self::Sample(_) => Kind::YesNo,
        }
    }

    /// The range of a number field. Built-in number fields are counts, which are never negative.
    pub fn domain(&self) -> RangeInclusive<i64> {
        match self {
            Self::Known(_) => 0..=i64::MAX,
            Self::Custom(_) | Self::Schedule(_) | Self::Sample(_) => i64::MIN..=i64::MAX,
        }
    }

    /// Its scope.
    pub fn scope(&self) -> Scope {
        match self {
            Self::Known(field) => field.scope,
            Self::Custom(_) | Self::Sample(_) => Scope::Ticket,
            Self::Schedule(_) => Scope::Clock,
        }
    }

    /// Whether it has a value on every ticket, such as the status.
    pub fn always_has_a_value(&self) -> bool {
        static ALWAYS: LazyLock<Vec<&str>> = LazyLock::new(|| {
            let (ticket, desk) = (Ticket::default(), Declarations::default());
            let facts = Facts { ticket: &ticket, event: None, now: Timestamp::UNIX_EPOCH, desk: &desk };
            FIELDS.iter().filter(|field| !(field.read)(facts).is_empty()).map(|field| field.name).collect()
        });
        ALWAYS.contains(&&*self.name())
    }

    /// Whether it keeps the value that the ticket was opened with.
    pub fn never_changes(&self) -> bool {
        matches!(self, Self::Known(Field { changes: Changes::Never, .. }) | Self::Sample(_))
    }

    /// Whether events can change it.
    pub fn is_changed_by_events(&self) -> bool {
        let is_fixed = matches!(self, Self::Known(Field { changes: Changes::Never | Changes::BetweenEvents, .. }));
        !is_fixed && !matches!(self, Self::Sample(_))
    }

    /// Whether rules can set it.
    pub fn writable(&self) -> bool {
        match self {
            Self::Known(field) => field.is_writable(),
            Self::Custom(_) => true,
            Self::Schedule(_) | Self::Sample(_) => false,
        }
    }

    /// Whether it follows from the ticket and the service level agreements in the rules.
    pub fn follows_from_sla(&self) -> bool {
        SLA_FIELDS.contains(&&*self.name())
    }

    /// The other fields that setting it can change. The service level agreements in the rules may change more.
    pub fn also_changes(&self) -> &'static [Self] {
        static ALSO: LazyLock<Vec<(&str, Vec<FieldRef>)>> = LazyLock::new(|| {
            let also = |field: &Field| field.write().map_or(&[][..], |write| write.also);
            let refs = |names: &[&str]| names.iter().filter_map(|name| known(name)).map(FieldRef::Known).collect();
            FIELDS.iter().filter(|f| !also(f).is_empty()).map(|f| (f.name, refs(also(f)))).collect()
        });
        let Self::Known(field) = self else { return &[] };
        ALSO.iter().find(|(name, _)| *name == field.name).map_or(&[], |(_, fields)| fields)
    }

    /// Its value.
    pub fn read<'a>(&self, facts: Facts<'a>) -> Value<'a> {
        match self {
            Self::Known(field) => (field.read)(facts),
            Self::Custom(field) => match field.of.custom(facts.ticket).get(&field.name).map(|v| v.value(field.kind)) {
                // An unset boolean is `no`.
                None | Some(Value::Empty) if field.kind == CustomKind::YesNo => Value::YesNo(false),
                value => value.unwrap_or(Value::Empty),
            },
            Self::Schedule(schedule) => Value::YesNo(schedule.hours.is_open(facts.now)),
            Self::Sample(sample) => Value::YesNo(sample.has(facts.ticket.id)),
        }
    }

    /// When the value of a field of the clock can next change, while the ticket stays the same: a lower bound.
    pub fn changes_after(&self, facts: Facts<'_>) -> Option<Timestamp> {
        match self {
            Self::Schedule(schedule) => schedule.hours.turns_after(facts.now),
            Self::Known(Field { name: "within business hours", .. }) => facts.hours().turns_after(facts.now),
            _ => facts.hours().next_day(facts.now),
        }
    }

    /// Sets its value; [`Value::Empty`] clears it. Does nothing if the field is not writable or the value is of another
    /// type, which the checker rejects.
    pub fn write(&self, ticket: &mut Ticket, value: Value<'_>, now: Timestamp) {
        match self {
            Self::Known(field) => {
                if let Some(write) = field.write() {
                    (write.set)(ticket, value, now);
                }
            }
            Self::Custom(field) => {
                let value = match value {
                    Value::YesNo(b) => Some(CustomValue::YesNo(b)),
                    Value::Number(n) => Some(CustomValue::Number(n)),
                    Value::Word(t) | Value::Text(t) if !is_blank(&t) => Some(CustomValue::Text(t.into_owned())),
                    _ => None,
                };
                let custom = field.of.custom_mut(ticket);
                match value {
                    Some(value) => custom.insert(field.name.clone(), value),
                    None => custom.remove(&field.name),
                };
            }
            Self::Schedule(_) | Self::Sample(_) => {}
        }
    }
}

/// A text as it stands between double quotes.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

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

fn tags_of(value: Value<'_>) -> BTreeSet<String> {
    match value {
        Value::Set(tags) => tags.into_owned(),
        _ => BTreeSet::new(),
    }
}

fn comment_is(facts: Facts<'_>, ask: impl Fn(&super::EventComment) -> bool) -> Value<'_> {
    Value::YesNo(facts.event.and_then(|e| e.comment.as_ref()).is_some_and(ask))
}

/// The days of the week.
const WEEKDAYS: Words =
    Words { words: &["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"], ordered: false };

/// Every built-in field, in the order in which the documentation lists them.
pub static FIELDS: &[Field] = &[
    Field {
        name: "channel",
        kind: Kind::Words(Channel::WORDS),
        scope: Scope::Ticket,
        doc: "where the ticket came from: a public mention, a direct message, a liked post, or another way",
        sql: Some("t.channel"),
        zendesk: Some("via_id"),
        read: |f| Value::word(Some(f.ticket.channel.as_str())),
        changes: Changes::Never,
    },
    Field {
        name: "updated_via",
        kind: Kind::Words(Via::WORDS),
        scope: Scope::Event,
        doc: "the way this update came in; `rule` where a rule made it",
        sql: None,
        zendesk: Some("current_via_id"),
        read: |f| Value::word(f.event.map(|e| e.via.as_str())),
        changes: Changes::InEvents,
    },
    Field {
        name: "status",
        kind: Kind::Words(Status::WORDS),
        scope: Scope::Ticket,
        doc: "how far the ticket has come, in the order new, open, pending, hold, solved, closed",
        sql: Some("t.status"),
        zendesk: Some("status"),
        read: |f| Value::word(Some(f.ticket.status.as_str())),
        changes: Changes::ByRules(Write {
            set: |t, v, now| {
                if let Some(status) = word_of(&v) {
                    t.set_status(status, now);
                }
            },
            also: &["requester.unsolved_tickets", "reopens", "status_changed", "solved", "snoozed"],
        }),
    },
    Field {
        name: "priority",
        kind: Kind::Words(Priority::WORDS),
        scope: Scope::Ticket,
        doc: "how urgent the ticket is, in the order low, normal, high, urgent; may be empty",
        sql: Some("t.priority"),
        zendesk: Some("priority"),
        read: |f| Value::word(f.ticket.priority.map(Priority::as_str)),
        changes: Changes::ByRules(Write::alone(|t, v, _| t.priority = word_of(&v))),
    },
    Field {
        name: "type",
        kind: Kind::Words(TicketType::WORDS),
        scope: Scope::Ticket,
        doc: "what sort of work the ticket is; may be empty",
        sql: Some("t.type"),
        zendesk: Some("type"),
        read: |f| Value::word(f.ticket.kind.map(TicketType::as_str)),
        changes: Changes::ByRules(Write::alone(|t, v, _| t.kind = word_of(&v))),
    },
    Field {
        name: "subject",
        kind: Kind::Text,
        scope: Scope::Ticket,
        doc: "a line that says what the ticket is about",
        sql: Some("t.subject"),
        zendesk: Some("subject_includes_word"),
        read: |f| Value::text(Some(&f.ticket.subject)),
        changes: Changes::ByRules(Write::alone(|t, v, _| t.subject = name_of(v).unwrap_or_default())),
    },
    Field {
        name: "description",
        kind: Kind::Text,
        scope: Scope::Ticket,
        doc: "the text that opened the ticket",
        sql: Some("t.description"),
        zendesk: Some("description_includes_word"),
        read: |f| Value::text(Some(&f.ticket.description)),
        changes: Changes::InEvents,
    },
    Field {
        name: "comment.text",
        kind: Kind::Text,
        scope: Scope::Event,
        doc: "the comment of this event; empty where it has none",
        sql: None,
        zendesk: Some("comment_includes_word"),
        read: |f| Value::text(f.event.and_then(|e| e.comment.as_ref()).map(|c| c.text.as_str())),
        changes: Changes::InEvents,
    },
    Field {
        name: "comment.public",
        kind: Kind::YesNo,
        scope: Scope::Event,
        doc: "whether the event has a comment that its requester can see",
        sql: None,
        zendesk: Some("comment_is_public"),
        read: |f| comment_is(f, |c| c.public),
        changes: Changes::InEvents,
    },
    Field {
        name: "comment.by_requester",
        kind: Kind::YesNo,
        scope: Scope::Event,
        doc: "whether the event has a comment by the requester",
        sql: None,
        zendesk: None,
        read: |f| comment_is(f, |c| c.author == Author::Requester),
        changes: Changes::InEvents,
    },
    Field {
        name: "comment.by_agent",
        kind: Kind::YesNo,
        scope: Scope::Event,
        doc: "whether the event has a comment by an agent",
        sql: None,
        zendesk: None,
        read: |f| comment_is(f, |c| c.author == Author::Agent),
        changes: Changes::InEvents,
    },
    Field {
        name: "agent.name",
        kind: Kind::Declared(Declared::Agent),
        scope: Scope::Event,
        doc: "the agent whose update it is; empty where it is nobody's who is declared",
        sql: None,
        zendesk: None,
        read: |f| Value::word(f.agent().map(|agent| agent.name.as_str())),
        changes: Changes::InEvents,
    },
    Field {
        name: "agent.email",
        kind: Kind::Text,
        scope: Scope::Event,
        doc: "the email address of that agent, where one is declared",
        sql: None,
        zendesk: None,
        read: |f| Value::text(f.agent().and_then(|agent| agent.email.as_deref())),
        changes: Changes::InEvents,
    },
    Field {
        name: "tags",
        kind: Kind::Set,
        scope: Scope::Ticket,
        doc: "the tags of the ticket",
        sql: Some("ticket_tag"),
        zendesk: Some("current_tags"),
        read: |f| Value::set(&f.ticket.tags),
        changes: Changes::ByRules(Write::alone(|t, v, _| t.tags = tags_of(v))),
    },
    Field {
        name: "group",
        kind: Kind::Declared(Declared::Group),
        scope: Scope::Ticket,
        doc: "the group the ticket is assigned to; may be empty",
        sql: Some("t.group_name"),
        zendesk: Some("group_id"),
        read: |f| Value::word(f.ticket.group.as_deref()),
        changes: Changes::ByRules(Write::alone(|t, v, _| t.group = name_of(v))),
    },
    Field {
        name: "assignee",
        kind: Kind::Declared(Declared::Agent),
        scope: Scope::Ticket,
        doc: "the agent the ticket is assigned to; may be empty",
        sql: Some("t.assignee"),
        zendesk: Some("assignee_id"),
        read: |f| Value::word(f.ticket.assignee.as_deref()),
        changes: Changes::ByRules(Write { set: |t, v, now| t.set_assignee(name_of(v), now), also: &["assigned"] }),
    },
    Field {
        name: "account",
        kind: Kind::Declared(Declared::Account),
        scope: Scope::Ticket,
        doc: "the connected X account the ticket came to; may be empty",
        sql: Some("t.account"),
        zendesk: None,
        read: |f| Value::word(f.ticket.account.as_deref()),
        changes: Changes::Never,
    },
    Field {
        name: "brand",
        kind: Kind::Declared(Declared::Brand),
        scope: Scope::Ticket,
        doc: "the brand the ticket belongs to; may be empty",
        sql: Some("t.brand"),
        zendesk: Some("brand_id"),
        read: |f| Value::word(f.ticket.brand.as_deref()),
        changes: Changes::ByRules(Write::alone(|t, v, _| t.brand = name_of(v))),
    },
    Field {
        name: "requester.followers",
        kind: Kind::Number,
        scope: Scope::Ticket,
        doc: "how many people follow the requester; may be unknown",
        sql: Some("p.followers"),
        zendesk: Some("requester_twitter_followers_count"),
        read: |f| Value::number(f.ticket.requester.followers),
        changes: Changes::BetweenEvents,
    },
    Field {
        name: "requester.following",
        kind: Kind::Number,
        scope: Scope::Ticket,
        doc: "how many people the requester follows; may be unknown",
        sql: Some("p.following"),
        zendesk: None,
        read: |f| Value::number(f.ticket.requester.following),
        changes: Changes::BetweenEvents,
    },
    Field {
        name: "requester.tweets",
        kind: Kind::Number,
        scope: Scope::Ticket,
        doc: "how many posts the requester has written; may be unknown",
        sql: Some("p.tweets"),
        zendesk: Some("requester_twitter_statuses_count"),
        read: |f| Value::number(f.ticket.requester.tweets),
        changes: Changes::BetweenEvents,
    },
    Field {
        name: "requester.listed",
        kind: Kind::Number,
        scope: Scope::Ticket,
        doc: "how many lists the requester is on; may be unknown",
        sql: Some("p.listed"),
        zendesk: None,
        read: |f| Value::number(f.ticket.requester.listed),
        changes: Changes::BetweenEvents,
    },
    Field {
        name: "requester.verified",
        kind: Kind::YesNo,
        scope: Scope::Ticket,
        doc: "whether X shows a verification mark beside the requester's name",
        sql: Some("p.verified"),
        zendesk: Some("requester_twitter_verified"),
        read: |f| Value::YesNo(f.ticket.requester.verified.unwrap_or(false)),
        changes: Changes::BetweenEvents,
    },
    Field {
        name: "requester.verified_type",
        kind: Kind::Words(VerifiedType::WORDS),
        scope: Scope::Ticket,
        doc: "which verification mark: none, blue, business or government; may be empty",
        sql: Some("p.verified_type"),
        zendesk: None,
        read: |f| Value::word(f.ticket.requester.verified_type.map(VerifiedType::as_str)),
        changes: Changes::BetweenEvents,
    },
    Field {
        name: "requester.handle",
        kind: Kind::Text,
        scope: Scope::Ticket,
        doc: "the requester's handle on X, without `@`",
        sql: Some("p.handle"),
        zendesk: None,
        read: |f| Value::text(f.ticket.requester.handle.as_deref()),
        changes: Changes::BetweenEvents,
    },
    Field {
        name: "requester.name",
        kind: Kind::Text,
        scope: Scope::Ticket,
        doc: "the requester's name",
        sql: Some("p.name"),
        zendesk: None,
        read: |f| Value::text(f.ticket.requester.name.as_deref()),
        changes: Changes::BetweenEvents,
    },
    Field {
        name: "requester.email",
        kind: Kind::Text,
        scope: Scope::Ticket,
        doc: "the requester's email address, where one was given",
        sql: Some("p.email"),
        zendesk: None,
        read: |f| Value::text(f.ticket.requester.email.as_deref()),
        changes: Changes::BetweenEvents,
    },
    Field {
        name: "requester.language",
        kind: Kind::Text,
        scope: Scope::Ticket,
        doc: "the language tag of the requester's profile",
        sql: Some("p.language"),
        zendesk: Some("locale_id"),
        read: |f| Value::text(f.ticket.requester.language.as_deref()),
        changes: Changes::BetweenEvents,
    },
    Field {
        name: "requester.location",
        kind: Kind::Text,
        scope: Scope::Ticket,
        doc: "the place the requester's profile names",
        sql: Some("p.location"),
        zendesk: None,
        read: |f| Value::text(f.ticket.requester.location.as_deref()),
        changes: Changes::BetweenEvents,
    },
    Field {
        name: "requester.joined",
        kind: Kind::Time,
        scope: Scope::Ticket,
        doc: "when the requester joined X",
        sql: Some("p.joined"),
        zendesk: None,
        read: |f| Value::time(f.ticket.requester.joined),
        changes: Changes::BetweenEvents,
    },
    Field {
        name: "requester.tags",
        kind: Kind::Set,
        scope: Scope::Ticket,
        doc: "the tags of the requester, which are the same on all tickets of this person",
        sql: Some("person_tag"),
        zendesk: None,
        read: |f| Value::set(&f.ticket.requester.tags),
        changes: Changes::ByRules(Write::alone(|t, v, _| t.requester.tags = tags_of(v))),
    },
    Field {
        name: "requester.organisation",
        kind: Kind::Declared(Declared::Organisation),
        scope: Scope::Ticket,
        doc: "the organisation the requester belongs to; may be empty",
        sql: Some("p.organisation"),
        zendesk: Some("organization_id"),
        read: |f| Value::word(f.ticket.requester.organisation.as_deref()),
        changes: Changes::ByRules(Write::alone(|t, v, _| t.requester.organisation = name_of(v))),
    },
    Field {
        name: "requester.note",
        kind: Kind::Text,
        scope: Scope::Ticket,
        doc: "what agents should know about the requester; may be empty",
        sql: Some("p.note"),
        zendesk: None,
        read: |f| Value::text(f.ticket.requester.note.as_deref()),
        changes: Changes::ByRules(Write::alone(|t, v, _| t.requester.note = name_of(v))),
    },
    Field {
        name: "requester.tickets",
        kind: Kind::Number,
        scope: Scope::Ticket,
        doc: "how many tickets the requester ever opened, this one among them; merged ones do not count",
        sql: Some("p.tickets"),
        zendesk: None,
        read: |f| Value::Number(f.ticket.requester.tickets),
        changes: Changes::BetweenEvents,
    },
    Field {
        name: "requester.unsolved_tickets",
        kind: Kind::Number,
        scope: Scope::Ticket,
        doc: "how many of these are neither solved nor closed",
        sql: Some("p.unsolved_tickets"),
        zendesk: None,
        read: |f| Value::Number(f.ticket.requester.unsolved_tickets),
        changes: Changes::InEvents,
    },
    Field {
        name: "language",
        kind: Kind::Text,
        scope: Scope::Ticket,
        doc: "the language tag X gave the post that opened the ticket",
        sql: Some("t.language"),
        zendesk: None,
        read: |f| Value::text(f.ticket.language.as_deref()),
        changes: Changes::Never,
    },
    Field {
        name: "post.likes",
        kind: Kind::Number,
        scope: Scope::Ticket,
        doc: "likes of the post that opened the ticket, when last seen; may be unknown",
        sql: Some("t.post_likes"),
        zendesk: None,
        read: |f| Value::number(f.ticket.post.likes),
        changes: Changes::Never,
    },
    Field {
        name: "post.reposts",
        kind: Kind::Number,
        scope: Scope::Ticket,
        doc: "reposts of the post that opened the ticket; may be unknown",
        sql: Some("t.post_reposts"),
        zendesk: None,
        read: |f| Value::number(f.ticket.post.reposts),
        changes: Changes::Never,
    },
    Field {
        name: "post.replies",
        kind: Kind::Number,
        scope: Scope::Ticket,
        doc: "replies to the post that opened the ticket; may be unknown",
        sql: Some("t.post_replies"),
        zendesk: None,
        read: |f| Value::number(f.ticket.post.replies),
        changes: Changes::Never,
    },
    Field {
        name: "post.has_media",
        kind: Kind::YesNo,
        scope: Scope::Ticket,
        doc: "whether the post that opened the ticket carries a picture, a video or a GIF",
        sql: Some("t.post_has_media"),
        zendesk: None,
        read: |f| Value::YesNo(f.ticket.post.has_media),
        changes: Changes::Never,
    },
    Field {
        name: "post.is_reply",
        kind: Kind::YesNo,
        scope: Scope::Ticket,
        doc: "whether the post that opened the ticket answers another post",
        sql: Some("t.post_is_reply"),
        zendesk: None,
        read: |f| Value::YesNo(f.ticket.post.is_reply),
        changes: Changes::Never,
    },
    Field {
        name: "post.hashtags",
        kind: Kind::Set,
        scope: Scope::Ticket,
        doc: "the hashtags of the post that opened the ticket, without `#`",
        sql: Some("ticket_hashtag"),
        zendesk: None,
        read: |f| Value::set(&f.ticket.post.hashtags),
        changes: Changes::Never,
    },
    Field {
        name: "replies",
        kind: Kind::Number,
        scope: Scope::Ticket,
        doc: "how many public comments agents made",
        sql: Some("t.replies"),
        zendesk: Some("replies"),
        read: |f| Value::Number(f.ticket.replies),
        changes: Changes::InEvents,
    },
    Field {
        name: "reopens",
        kind: Kind::Number,
        scope: Scope::Ticket,
        doc: "how often the ticket went back from solved to open",
        sql: Some("t.reopens"),
        zendesk: Some("reopens"),
        read: |f| Value::Number(f.ticket.reopens),
        changes: Changes::InEvents,
    },
    Field {
        name: "agent_touches",
        kind: Kind::Number,
        scope: Scope::Ticket,
        doc: "how many comments and updates agents made",
        sql: Some("t.agent_touches"),
        zendesk: Some("agent_stations"),
        read: |f| Value::Number(f.ticket.agent_touches),
        changes: Changes::InEvents,
    },
    Field {
        name: "comments",
        kind: Kind::Number,
        scope: Scope::Ticket,
        doc: "how many comments the ticket has",
        sql: Some("t.comments"),
        zendesk: None,
        read: |f| Value::Number(f.ticket.comments),
        changes: Changes::InEvents,
    },
    Field {
        name: "created",
        kind: Kind::Time,
        scope: Scope::Ticket,
        doc: "when the ticket was opened",
        sql: Some("t.created"),
        zendesk: Some("NEW"),
        read: |f| Value::Time(f.ticket.created),
        changes: Changes::Never,
    },
    Field {
        name: "previous_ticket",
        kind: Kind::Time,
        scope: Scope::Ticket,
        doc: "when the requester's ticket before this one was opened; unknown on the first",
        sql: Some("t.previous_ticket"),
        zendesk: None,
        read: |f| Value::time(f.ticket.previous_ticket),
        changes: Changes::BetweenEvents,
    },
    Field {
        name: "updated",
        kind: Kind::Time,
        scope: Scope::Ticket,
        doc: "when anything last changed",
        sql: Some("t.updated"),
        zendesk: Some("updated_at"),
        read: |f| Value::Time(f.ticket.updated),
        changes: Changes::InEvents,
    },
    Field {
        name: "status_changed",
        kind: Kind::Time,
        scope: Scope::Ticket,
        doc: "when the status last changed; at first, when the ticket was opened",
        sql: Some("t.status_changed"),
        zendesk: None,
        read: |f| Value::Time(f.ticket.status_changed),
        changes: Changes::InEvents,
    },
    Field {
        name: "solved",
        kind: Kind::Time,
        scope: Scope::Ticket,
        doc: "when the ticket was last solved; unknown while it is not",
        sql: Some("t.solved"),
        zendesk: Some("SOLVED"),
        read: |f| Value::time(f.ticket.solved),
        changes: Changes::InEvents,
    },
    Field {
        name: "assigned",
        kind: Kind::Time,
        scope: Scope::Ticket,
        doc: "when the ticket was last assigned to an agent",
        sql: Some("t.assigned"),
        zendesk: Some("assigned_at"),
        read: |f| Value::time(f.ticket.assigned),
        changes: Changes::InEvents,
    },
    Field {
        name: "due",
        kind: Kind::Time,
        scope: Scope::Ticket,
        doc: "when the ticket is due",
        sql: Some("t.due"),
        zendesk: Some("due_date"),
        read: |f| Value::time(f.ticket.due),
        changes: Changes::InEvents,
    },
    Field {
        name: "snoozed",
        kind: Kind::Time,
        scope: Scope::Ticket,
        doc: "until when the ticket is put off; unknown while it is not",
        sql: Some("t.snoozed"),
        zendesk: None,
        read: |f| Value::time(f.ticket.snoozed),
        changes: Changes::InEvents,
    },
    Field {
        name: "requester_updated",
        kind: Kind::Time,
        scope: Scope::Ticket,
        doc: "when the requester last wrote",
        sql: Some("t.requester_updated"),
        zendesk: Some("requester_updated_at"),
        read: |f| Value::time(f.ticket.requester_updated),
        changes: Changes::InEvents,
    },
    Field {
        name: "first_reply",
        kind: Kind::Time,
        scope: Scope::Ticket,
        doc: "when an agent first answered in public",
        sql: Some("t.first_reply"),
        zendesk: None,
        read: |f| Value::time(f.ticket.first_reply),
        changes: Changes::InEvents,
    },
    Field {
        name: "last_reply",
        kind: Kind::Time,
        scope: Scope::Ticket,
        doc: "when an agent last answered in public",
        sql: Some("t.last_reply"),
        zendesk: None,
        read: |f| Value::time(f.ticket.last_reply),
        changes: Changes::InEvents,
    },
    Field {
        name: "waiting_since",
        kind: Kind::Time,
        scope: Scope::Ticket,
        doc: "when the requester wrote what no agent has answered in public yet; unknown if everything is answered",
        sql: Some("t.waiting_since"),
        zendesk: None,
        read: |f| Value::time(f.ticket.waiting_since),
        changes: Changes::InEvents,
    },
    Field {
        name: "sla",
        kind: Kind::Declared(Declared::Sla),
        scope: Scope::Ticket,
        doc: "the service level agreement that applies to the ticket; may be empty",
        sql: Some("t.sla"),
        zendesk: None,
        read: |f| Value::word(f.ticket.sla.as_deref()),
        changes: Changes::InEvents,
    },
    Field {
        name: "breach",
        kind: Kind::Time,
        scope: Scope::Ticket,
        doc: "when the next target of the `sla` is due; unknown if none is, and while its clock stands still",
        sql: Some("t.breach"),
        zendesk: None,
        read: |f| Value::time(f.ticket.breach),
        changes: Changes::InEvents,
    },
    Field {
        name: "first_reply_due",
        kind: Kind::Time,
        scope: Scope::Ticket,
        doc: "when the first reply is due by the `sla`, or was",
        sql: Some("t.first_reply_due"),
        zendesk: None,
        read: |f| Value::time(f.ticket.first_reply_due),
        changes: Changes::InEvents,
    },
    Field {
        name: "next_reply_due",
        kind: Kind::Time,
        scope: Scope::Ticket,
        doc: "when the reply to what the requester wrote is due by the `sla`, after the first reply",
        sql: Some("t.next_reply_due"),
        zendesk: None,
        read: |f| Value::time(f.ticket.next_reply_due),
        changes: Changes::InEvents,
    },
    Field {
        name: "update_due",
        kind: Kind::Time,
        scope: Scope::Ticket,
        doc: "when the next public answer is due by the `sla`, whether or not the requester wrote",
        sql: Some("t.update_due"),
        zendesk: None,
        read: |f| Value::time(f.ticket.update_due),
        changes: Changes::InEvents,
    },
    Field {
        name: "solve_due",
        kind: Kind::Time,
        scope: Scope::Ticket,
        doc: "when the solution is due by the `sla`, or was",
        sql: Some("t.solve_due"),
        zendesk: None,
        read: |f| Value::time(f.ticket.solve_due),
        changes: Changes::InEvents,
    },
    Field {
        name: "within business hours",
        kind: Kind::YesNo,
        scope: Scope::Clock,
        doc: "whether the desk is open at the moment of the decision, by the schedule of the ticket's group or account",
        sql: None,
        zendesk: Some("in_business_hours"),
        read: |f| Value::YesNo(f.hours().is_open(f.now)),
        changes: Changes::InEvents,
    },
    Field {
        name: "time of day",
        kind: Kind::TimeOfDay,
        scope: Scope::Clock,
        doc: "the time on the clock at the moment of the decision, to the minute, in the time zone of the same schedule",
        sql: None,
        zendesk: None,
        read: |f| Value::TimeOfDay(f.hours().time_of_day(f.now)),
        changes: Changes::InEvents,
    },
    Field {
        name: "date",
        kind: Kind::Date,
        scope: Scope::Clock,
        doc: "the date there",
        sql: None,
        zendesk: None,
        read: |f| Value::Date(f.hours().date(f.now)),
        changes: Changes::InEvents,
    },
    Field {
        name: "weekday",
        kind: Kind::Words(WEEKDAYS),
        scope: Scope::Clock,
        doc: "the day of the week there",
        sql: None,
        zendesk: None,
        read: |f| Value::word(WEEKDAYS.words.get(f.hours().weekday(f.now)).copied()),
        changes: Changes::InEvents,
    },
    Field {
        name: "on_holiday",
        kind: Kind::YesNo,
        scope: Scope::Clock,
        doc: "whether that day is a holiday, by the same schedule",
        sql: None,
        zendesk: None,
        read: |f| Value::YesNo(f.hours().is_holiday(f.now)),
        changes: Changes::InEvents,
    },
    Field {
        name: "id",
        kind: Kind::Number,
        scope: Scope::Shown,
        doc: "the ticket's number",
        sql: Some("t.id"),
        zendesk: None,
        read: |f| Value::Number(f.ticket.id.0),
        changes: Changes::Never,
    },
    Field {
        name: "requester",
        kind: Kind::Text,
        scope: Scope::Shown,
        doc: "the requester's name, or handle",
        sql: Some("coalesce(p.name, p.handle)"),
        zendesk: None,
        read: |f| Value::text(Some(f.ticket.requester.label())),
        changes: Changes::InEvents,
    },
    Field {
        name: "latest_comment",
        kind: Kind::Text,
        scope: Scope::Shown,
        doc: "the text of the latest comment",
        sql: Some("t.latest_comment"),
        zendesk: None,
        read: |f| Value::text(f.ticket.latest_comment.as_deref()),
        changes: Changes::InEvents,
    },
    Field {
        name: "latest_public_comment",
        kind: Kind::Text,
        scope: Scope::Shown,
        doc: "the text of the latest comment its requester can see",
        sql: Some("t.latest_public_comment"),
        zendesk: None,
        read: |f| Value::text(f.ticket.latest_public_comment.as_deref()),
        changes: Changes::InEvents,
    },
    Field {
        name: "link",
        kind: Kind::Text,
        scope: Scope::Shown,
        doc: "the address of the ticket's page, where `url` is declared",
        sql: None,
        zendesk: None,
        read: |f| match &f.desk.url {
            Some(url) => Value::Text(Cow::Owned(format!("{}/tickets/{}", url.trim_end_matches('/'), f.ticket.id))),
            None => Value::Text(Cow::Owned(format!("ticket #{}", f.ticket.id))),
        },
        changes: Changes::InEvents,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_there_once_and_reads_by_its_kind() {
        let (ticket, desk) = (Ticket::default(), Declarations::default());
        let facts = Facts { ticket: &ticket, event: None, now: Timestamp::UNIX_EPOCH, desk: &desk };
        let mut names = BTreeSet::new();
        for field in FIELDS {
            assert!(names.insert(field.name), "{} twice", field.name);
            let fits = match (field.read)(facts) {
                Value::Empty => field.kind != Kind::YesNo && field.kind != Kind::Set,
                Value::YesNo(_) => field.kind == Kind::YesNo,
                Value::Number(_) => field.kind == Kind::Number,
                Value::Word(_) => matches!(field.kind, Kind::Words(_) | Kind::Declared(_)),
                Value::Text(_) => field.kind == Kind::Text,
                Value::Set(_) => field.kind == Kind::Set,
                Value::Time(_) => field.kind == Kind::Time,
                Value::TimeOfDay(_) => field.kind == Kind::TimeOfDay,
                Value::Date(_) => field.kind == Kind::Date,
            };
            assert!(fits, "{} reads as something else than {}", field.name, field.kind);
        }
    }
}
