//! Builds tickets from some of their fields, for rule tests and ticket files.

use jiff::Timestamp;
use serde_json::{Map, Value as Json};

use super::{
    Author, Declarations, EventComment, FieldRef, PastStatus, Status, Ticket, Value, field::Declared, normalize,
};

/// The error of a field that cannot hold a given value.
#[derive(Debug, thiserror::Error)]
#[error("cannot give `{field}`: {reason}")]
pub struct CannotGive {
    field: String,
    reason: serde_json::Error,
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
        ticket.add_comment(&EventComment { text: text.to_owned(), public: true, author: Author::Requester }, now);
    }
    for (field, value) in fields {
        ticket = give(ticket, field, value)?;
    }
    ticket.normalize(desk);
    ticket.complete(now);
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
            ("requester.organisation", Declared::Organisation, &self.requester.organisation),
        ];
        let names = names.into_iter().filter_map(|(field, declared, name)| {
            let name = name.as_deref().filter(|name| desk.declared_name(&declared, name).is_none())?;
            Some(Unnameable::Name { field, declared, name })
        });
        let tags = self.tags.iter().map(|tag| ("tags", tag));
        let tags = tags.chain(self.requester.tags.iter().map(|tag| ("requester.tags", tag)));
        let tags = tags.chain(self.post.hashtags.iter().map(|tag| ("post.hashtags", tag)));
        let tags = tags.filter(|(_, tag)| !normalize::is_tag(tag)).map(|(field, tag)| Unnameable::Tag { field, tag });
        names.chain(tags).collect()
    }

    /// Fills in the fields that were not given and follow from others.
    ///
    /// `updated` defaults to now, `created` to the earliest of the other times; `solved`, `assigned` and `first_reply`
    /// to `updated` if the ticket is solved, assigned or has replies; `status_changed` to `solved`, to `created` of a new
    /// ticket, and else to `updated`. A ticket whose status changed was new before, a new one open. Counts are raised so
    /// that each reply is a comment, unless they are negative, which is impossible.
    pub fn complete(&mut self, now: Timestamp) {
        const NOT_TOLD: Timestamp = Timestamp::UNIX_EPOCH;
        if self.updated == NOT_TOLD {
            self.updated = now.max(self.created);
        }
        if self.created == NOT_TOLD {
            let times = [self.solved, self.assigned, self.first_reply, self.requester_updated];
            let status_changed = Some(self.status_changed).filter(|told| *told != NOT_TOLD);
            let times = times.into_iter().flatten().chain(status_changed);
            self.created = times.chain([self.updated, now]).min().unwrap_or(now);
        }
        if self.status >= Status::Solved {
            self.solved.get_or_insert(self.updated);
        }
        if self.status_changed == NOT_TOLD {
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
        if self.first_reply.is_some() && self.replies == 0 {
            self.replies = 1;
        }
        if self.replies > 0 {
            self.first_reply.get_or_insert(self.updated);
        }
        for count in [&mut self.agent_touches, &mut self.comments].into_iter().filter(|count| **count >= 0) {
            *count = (*count).max(self.replies);
        }
    }
}
