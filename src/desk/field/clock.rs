//! Fields of the clock, where the desk is.

use super::{Changes, Field, Kind, Scope};
use crate::desk::{Value, Words};

/// The days of the week.
const WEEKDAYS: Words =
    Words { words: &["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"], ordered: false };

pub(super) const FIELDS: [Field; 5] = [
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
];
