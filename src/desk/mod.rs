//! The domain model of the help desk, as plain data: tickets, people, comments, accounts, events, effects, and the
//! table of fields.
//!
//! Nothing here does I/O, is async, or depends on SQL or the rule language, so tests can build every value directly.

pub(crate) mod account;
mod actor;
mod comment;
mod connected_account;
mod custom;
mod decimal;
pub mod declarations;
mod destination;
mod effect;
mod entities;
mod event;
pub mod field;
mod fired_before;
mod fold;
pub mod given;
mod holidays;
mod hours;
mod ids;
mod incoming;
pub mod invariant;
pub mod metric;
pub mod moment;
pub mod normalize;
mod not_captured;
mod owner;
mod past_status;
mod person;
pub mod post_text;
mod reason;
mod recipient;
mod reply;
mod sample;
mod satisfaction;
mod sla_target;
mod source;
pub(crate) mod switch;
pub mod text;
mod ticket;
mod time_of_day;
mod tokens;
mod value;
mod viewer;
pub mod visible;
mod volume;
mod words;
mod x_action;

pub use account::{Account, Accounts, Receives, WhenFull};
pub use actor::Actor;
pub use comment::{Author, Comment, CommentSource, Delivery};
pub use connected_account::{AccountState, ConnectedAccount};
pub use custom::{CustomField, CustomKind, CustomValue};
pub use decimal::{Decimal, NotADecimal};
pub use declarations::Declarations;
pub use destination::Destination;
pub use effect::{Change, Choosing, Effect, LastAgent};
pub use entities::{Entities, Entity, EntityKind, Media};
pub use event::{Cause, Event, EventComment, EventKind, MessageFacts, Repeat};
pub use field::{Facts, Field, FieldRef, Kind, Scope};
pub use fired_before::{FiredBefore, Per};
pub use holidays::{Holidays, HolidaysError};
pub use hours::{Hours, HoursError, Interval, OpenDay, Reached};
pub use ids::{TicketId, XId};
pub use incoming::{Incoming, IncomingKind, Transport};
pub use metric::Metric;
pub use not_captured::NotCaptured;
pub use owner::Owner;
pub use past_status::{MAX_PAST_STATUSES, PastStatus, Spell};
pub use person::Person;
pub use reason::Reason;
pub use recipient::Recipient;
pub use reply::{DirectReply, NotAnswerable, PublicReply, Reply};
pub use sample::Sample;
pub(crate) use satisfaction::plain as plain_rating;
pub use satisfaction::{Question, RatingWords};
pub use sla_target::{SLA_FIELDS, SlaTarget};
pub use source::{MailAddress, NotASource, NotAnAddress, SourceId};
pub use switch::{Breach, Effective, Overruled, StoredAccounts, StoredSwitch, Switch, breaches, effective, sum};
pub use ticket::{MovedComments, PostFacts, Ticket};
pub use time_of_day::TimeOfDay;
pub use tokens::Tokens;
pub use value::Value;
pub use viewer::Viewer;
pub use volume::{VolumeAsked, VolumeAt, VolumeState};
pub use words::{
    Act, Channel, MediaKind, Priority, RatedBy, Rating, ReasonKind, Satisfaction, Status, TicketType, VerifiedType,
    Via, Words,
};
pub use x_action::XAction;
