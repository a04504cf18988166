//! A field that a rule names, whatever declares it.

use std::{
    borrow::Cow,
    fmt,
    ops::RangeInclusive,
    sync::{Arc, LazyLock},
};

use jiff::Timestamp;

use super::{Changes, FIELDS, Facts, Field, Kind, Scope, known};
use crate::desk::{
    CustomField, CustomKind, CustomValue, Declarations, SLA_FIELDS, Sample, Ticket, Value, VolumeAsked,
    declarations::Schedule,
};

/// A resolved field: built-in, custom, a schedule, a sample or a volume.
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
    /// `volume "NAME" starts`
    Volume(Arc<VolumeAsked>),
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
            Self::Volume(asked) => Cow::Owned(format!("volume \"{}\" {}", escaped(&asked.volume), asked.state)),
        }
    }

    /// Its type.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Known(field) => field.kind.clone(),
            Self::Custom(field) => field.kind(),
            Self::Schedule(_) | Self::Sample(_) | Self::Volume(_) => Kind::YesNo,
        }
    }

    /// The range of a number field. Built-in number fields are counts, which are never negative.
    pub fn domain(&self) -> RangeInclusive<i64> {
        match self {
            Self::Known(_) => 0..=i64::MAX,
            Self::Custom(_) | Self::Schedule(_) | Self::Sample(_) | Self::Volume(_) => i64::MIN..=i64::MAX,
        }
    }

    /// Whether it is a date, which begins where the desk is, and so at another moment on another ticket.
    pub fn is_declared_date(&self) -> bool {
        matches!(self, Self::Custom(field) if field.kind == CustomKind::Date)
    }

    /// Its scope.
    pub fn scope(&self) -> Scope {
        match self {
            Self::Known(field) => field.scope,
            Self::Custom(_) | Self::Sample(_) => Scope::Ticket,
            Self::Schedule(_) => Scope::Clock,
            Self::Volume(_) => Scope::Event,
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
            Self::Schedule(_) | Self::Sample(_) | Self::Volume(_) => false,
        }
    }

    /// Whether it follows from the ticket and the service level agreements in the rules.
    pub fn follows_from_sla(&self) -> bool {
        SLA_FIELDS.contains(&&*self.name())
    }

    /// Whether a test gives it with a comment.
    pub fn is_given_with_comment(&self) -> bool {
        ["comment.media", "comment.is_quote", "comment.language"].contains(&&*self.name())
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
            Self::Custom(field) => {
                let value = field.of.custom(facts.ticket).get(&field.name).map(|value| value.value(field.kind));
                value.filter(|value| *value != Value::Empty).unwrap_or_else(|| field.unset())
            }
            Self::Schedule(schedule) => Value::YesNo(schedule.hours.is_open(facts.now)),
            Self::Sample(sample) => Value::YesNo(sample.has(facts.ticket.id)),
            Self::Volume(asked) => Value::YesNo(facts.event.is_some_and(|event| asked.holds(event))),
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
                let custom = field.of.custom_mut(ticket);
                match CustomValue::new(value) {
                    Some(value) => custom.insert(field.name.clone(), value),
                    None => custom.remove(&field.name),
                };
            }
            Self::Schedule(_) | Self::Sample(_) | Self::Volume(_) => {}
        }
    }
}

/// A text as it stands between double quotes.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
