//! Builds tickets from some of their fields, for rule tests and ticket files.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, de::IgnoredAny};
use serde_json::{Map, Value as Json};

use super::{
    Author, Declarations, EventComment, FieldRef, PastStatus, Person, RatedBy, Satisfaction, Status, Ticket, Value,
    field::Declared, normalize,
};

/// The error of a field that cannot hold a given value.
#[derive(Debug, thiserror::Error)]
#[error("cannot give `{field}`: {reason}")]
pub struct CannotGive {
    field: String,
    reason: serde_json::Error,
}

/// The derived fields of a ticket that were given, so that they are not derived.
///
/// Deserialises from a ticket, where `null` is no value.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub struct Given {
    /// `created`.
    #[serde(deserialize_with = "is_given")]
    pub created: bool,
    /// `updated`.
    #[serde(deserialize_with = "is_given")]
    pub updated: bool,
    /// `status_changed`.
    #[serde(deserialize_with = "is_given")]
    pub status_changed: bool,
    /// `waiting_since`.
    #[serde(deserialize_with = "is_given")]
    pub waiting_since: bool,
    /// `replies`.
    #[serde(deserialize_with = "is_given")]
    pub replies: bool,
    /// `agent_touches`.
    #[serde(deserialize_with = "is_given")]
    pub agent_touches: bool,
    /// `comments`.
    #[serde(deserialize_with = "is_given")]
    pub comments: bool,
    /// Those of the requester.
    pub requester: GivenPerson,
}

/// The derived fields of a requester that were given.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub struct GivenPerson {
    /// `requester.tickets`.
    #[serde(deserialize_with = "is_given")]
    pub tickets: bool,
    /// `requester.unsolved_tickets`.
    #[serde(deserialize_with = "is_given")]
    pub unsolved_tickets: bool,
}

impl Given {
    /// The fields whose name `is_given`.
    pub fn new(is_given: impl Fn(&str) -> bool) -> Self {
        Self {
            created: is_given("created"),
            updated: is_given("updated"),
            status_changed: is_given("status_changed"),
            waiting_since: is_given("waiting_since"),
            replies: is_given("replies"),
            agent_touches: is_given("agent_touches"),
            comments: is_given("comments"),
            requester: GivenPerson {
                tickets: is_given("requester.tickets"),
                unsolved_tickets: is_given("requester.unsolved_tickets"),
            },
        }
    }
}

fn is_given<'de, D: Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    Ok(Option::<IgnoredAny>::deserialize(value)?.is_some())
}

/// Builds a ticket: opened with this comment, if any, then with the given fields, normalised and completed.
///
/// # Errors
/// If a field cannot hold its value.
pub fn ticket<'a>(
    fields: impl IntoIterator<Item = (&'a FieldRef, Value<'a>)>,
    comment: Option<&str>,
    desk: &Declarations,
    now: Timestamp,
) -> Result<Ticket, CannotGive> {
    let mut ticket = Ticket::default();
    if let Some(text) = comment {
        ticket.describe(text);
        ticket.add_comment(&EventComment::new(Author::Requester, true, text), now);
    }
    let mut names = BTreeSet::new();
    for (field, value) in fields {
        names.insert(field.name());
        ticket = give(ticket, field, value)?;
    }
    ticket.normalize(desk);
    ticket.complete(Given::new(|name| names.contains(name)), now);
    Ok(ticket)
}

/// Sets any field of a ticket, even if rules cannot set it. The field's name is its path in the ticket's JSON.
///
/// # Errors
/// If the field cannot hold the value.
pub fn give(ticket: Ticket, field: &FieldRef, value: Value<'_>) -> Result<Ticket, CannotGive> {
    let name = field.name();
    let cannot = |reason| CannotGive { field: name.to_string(), reason };
    let mut path: Vec<&str> = name.split('.').collect();
    if let FieldRef::Custom(_) = field
        && let [.., table, _] = path.as_mut_slice()
    {
        *table = "custom";
    }
    let mut json = serde_json::to_value(ticket).map_err(cannot)?;
    let mut place = &mut json;
    for step in path {
        if !place.is_object() {
            *place = Json::Object(Map::new());
        }
        place = &mut place[step];
    }
    *place = serde_json::to_value(value).map_err(cannot)?;
    serde_json::from_value(json).map_err(cannot)
}

/// A ticket value that rules cannot refer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unnameable<'t> {
    /// A name that is not declared.
    Name {
        /// The field with the value.
        field: &'static str,
        /// The kind of declaration it lacks.
        declared: Declared,
        /// The name.
        name: &'t str,
    },
    /// A text that is not a valid tag.
    Tag {
        /// The field with the value.
        field: &'static str,
        /// The tag.
        tag: &'t str,
    },
}

impl Ticket {
    /// The names and tags of a normalised ticket that rules cannot refer to: undeclared names and invalid tags.
    pub fn unnameable<'t>(&'t self, desk: &Declarations) -> Vec<Unnameable<'t>> {
        let names = [
            ("account", Declared::Account, &self.account),
            ("brand", Declared::Brand, &self.brand),
            ("group", Declared::Group, &self.group),
            ("assignee", Declared::Agent, &self.assignee),
            ("last_replier", Declared::Agent, &self.last_replier),
            ("requester.organisation", Declared::Organisation, &self.requester.organisation),
        ];
        let names = names.into_iter().filter_map(|(field, declared, name)| {
            let name = name.as_deref().filter(|name| desk.declared_name(&declared, name).is_none())?;
            Some(Unnameable::Name { field, declared, name })
        });
        let watchers = self.watchers.iter().filter(|name| desk.declared_name(&Declared::Agent, name).is_none());
        let watchers =
            watchers.map(|name| Unnameable::Name { field: "watchers", declared: Declared::Agent, name: name.as_str() });
        let tags = self.tags.iter().map(|tag| ("tags", tag));
        let tags = tags.chain(self.requester.tags.iter().map(|tag| ("requester.tags", tag)));
        let tags = tags.chain(self.post.hashtags.iter().map(|tag| ("post.hashtags", tag)));
        let tags = tags.filter(|(_, tag)| !normalize::is_tag(tag)).map(|(field, tag)| Unnameable::Tag { field, tag });
        names.chain(watchers).chain(tags).collect()
    }

    /// Fills in the fields that were not given and follow from others.
    ///
    /// `updated` defaults to now, `created` to the earliest of the other times; `solved`, `assigned` and `first_reply`
    /// to `updated` if the ticket is solved, assigned or has replies; `status_changed` to `solved`, to `created` of a new
    /// ticket, and else to `updated`; counts to what makes each reply a comment, and this ticket one of its requester's. A
    /// ticket whose status changed was new before, a new one open. Links, mentions and length of a post follow from its text. What the requester wrote last waits for an answer if no
    /// reply is later. A requester who was asked was asked, and a rating given by the requester, when the ticket was updated.
    pub fn complete(&mut self, given: Given, now: Timestamp) {
        if !given.updated {
            self.updated = now;
        }
        if !given.created {
            let replies = [self.first_reply, self.last_reply];
            let times = [
                self.solved,
                self.assigned,
                self.requester_updated,
                self.waiting_since,
                self.satisfaction_offered,
                self.satisfaction_rated,
            ];
            let status_changed = given.status_changed.then_some(self.status_changed);
            let times = times.into_iter().chain(replies).flatten().chain(status_changed);
            self.created = times.chain([self.updated, now]).min().unwrap_or(now);
        }
        if self.status >= Status::Solved {
            self.solved.get_or_insert(self.updated);
        }
        if !given.status_changed {
            self.status_changed = match self.status {
                Status::New => self.created,
                _ => self.solved.unwrap_or(self.updated).max(self.created),
            };
        }
        if self.past_statuses.is_empty() && self.status_changed > self.created {
            let status = if self.status == Status::New { Status::Open } else { Status::New };
            self.past_statuses.push(PastStatus { status, since: self.created });
        }
        if self.assignee.is_some() {
            self.assigned.get_or_insert(self.updated);
        }
        let is_replied = self.first_reply.or(self.last_reply).is_some() || self.last_replier.is_some();
        if is_replied && !given.replies {
            self.replies = 1;
        }
        if self.replies > 0 {
            let first_reply = *self.first_reply.get_or_insert(self.last_reply.unwrap_or(self.updated));
            self.last_reply.get_or_insert(first_reply);
        }
        if self.requester_updated.is_none() {
            self.requester_updated = self.waiting_since;
        }
        if !given.waiting_since {
            self.waiting_since = self.requester_updated.filter(|wrote| Some(*wrote) > self.last_reply);
        }
        for (count, given) in [(&mut self.agent_touches, given.agent_touches), (&mut self.comments, given.comments)] {
            if !given {
                *count = (*count).max(self.replies);
            }
        }
        if !self.description.is_empty() && self.channel.is_at_x() {
            self.post.complete(&self.description);
        }
        self.post.has_media |= !self.post.media.is_empty();
        if let Some(rating) = self.satisfaction.and_then(Satisfaction::rating) {
            let rated = *self.satisfaction_rated.get_or_insert(self.updated);
            self.satisfaction_by.get_or_insert(RatedBy::Requester);
            self.requester.satisfaction.get_or_insert(rating);
            self.requester.satisfaction_rated.get_or_insert(rated);
        } else if self.satisfaction == Some(Satisfaction::Offered) {
            self.satisfaction_offered.get_or_insert(self.updated);
        }
        if self.requester.satisfaction.is_some() {
            self.requester.satisfaction_rated.get_or_insert(self.updated);
        }
        // Whoever has a tenth-last ticket has a fifth-last one, which is not older.
        let Person { third_last_ticket, fifth_last_ticket, tenth_last_ticket, .. } = &mut self.requester;
        *fifth_last_ticket = fifth_last_ticket.or(*tenth_last_ticket);
        *third_last_ticket = third_last_ticket.or(*fifth_last_ticket);
        let opened = self.requester.latest_tickets().into_iter().filter(|(at, _)| at.is_some()).map(|(_, n)| n).max();
        let Person { tickets, unsolved_tickets, .. } = &mut self.requester;
        let is_solved = self.status >= Status::Solved;
        if !given.requester.unsolved_tickets && !is_solved {
            *unsolved_tickets = (*unsolved_tickets).max(1);
        }
        if !given.requester.tickets {
            let counted = unsolved_tickets.saturating_add(is_solved.into()).max(opened.unwrap_or(1));
            *tickets = (*tickets).max(counted);
        }
    }
}
