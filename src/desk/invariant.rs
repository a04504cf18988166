//! Invariants of tickets, as data. Tests check them after every decision; tickets in files are checked for
//! contradictions.

use super::{Channel, CustomValue, Status, Ticket, normalize, text::is_blank};

/// A condition that holds for every ticket.
#[derive(Debug)]
pub struct Invariant {
    /// The fields it reads, most likely culprit first.
    pub fields: &'static [&'static str],
    /// Its message, without a full stop.
    pub says: &'static str,
    holds: fn(&Ticket) -> bool,
}

impl Invariant {
    /// Whether it holds for a ticket.
    pub fn holds(&self, ticket: &Ticket) -> bool {
        (self.holds)(ticket)
    }
}

/// The invariants that a ticket violates.
pub fn broken(ticket: &Ticket) -> impl Iterator<Item = &'static Invariant> {
    INVARIANTS.iter().filter(move |invariant| !invariant.holds(ticket))
}

/// All invariants.
static INVARIANTS: &[Invariant] = &[
    Invariant {
        fields: &["updated", "created"],
        says: "`created` cannot be after `updated`",
        holds: |ticket| ticket.created <= ticket.updated,
    },
    Invariant {
        fields: &["solved", "status"],
        says: "`solved` must be set if and only if `status` is `solved` or `closed`",
        holds: |ticket| ticket.solved.is_some() == (ticket.status >= Status::Solved),
    },
    Invariant {
        fields: &["assigned", "assignee"],
        says: "`assigned` must be set if and only if `assignee` is set",
        holds: |ticket| ticket.assigned.is_some() == ticket.assignee.is_some(),
    },
    Invariant {
        fields: &["snoozed", "status"],
        says: "`snoozed` requires `status` to be `hold`",
        holds: |ticket| ticket.snoozed.is_none() || ticket.status == Status::Hold,
    },
    Invariant {
        fields: &["first_reply", "replies"],
        says: "`first_reply` must be set if and only if `replies` is above 0",
        holds: |ticket| ticket.first_reply.is_some() == (ticket.replies > 0),
    },
    Invariant {
        fields: &["replies", "agent_touches", "comments"],
        says: "`replies` cannot exceed `comments` or `agent_touches`",
        holds: |ticket| ticket.replies <= ticket.comments && ticket.replies <= ticket.agent_touches,
    },
    Invariant {
        fields: &["replies", "reopens", "agent_touches", "comments"],
        says: "counts cannot be negative",
        holds: |ticket| [ticket.replies, ticket.reopens, ticket.agent_touches, ticket.comments].iter().all(|n| *n >= 0),
    },
    Invariant {
        fields: &[
            "requester.followers",
            "requester.following",
            "requester.tweets",
            "requester.listed",
            "post.likes",
            "post.reposts",
            "post.replies",
        ],
        says: "counts from X cannot be negative",
        holds: |ticket| x_counts(ticket).iter().flatten().all(|n| *n >= 0),
    },
    Invariant {
        fields: &[
            "requester.followers",
            "requester.following",
            "requester.tweets",
            "requester.listed",
            "requester.verified",
            "requester.verified_type",
            "channel",
        ],
        says: "only a requester with an X account can have followers, posts or a verification mark; for other \
               channels, also give `requester.handle`",
        holds: |ticket| {
            let person = &ticket.requester;
            from_x(ticket.channel)
                || person.handle.is_some()
                || person.id.is_some()
                || person.followers.or(person.following).or(person.tweets).or(person.listed).is_none()
                    && person.verified.is_none()
                    && person.verified_type.is_none()
        },
    },
    Invariant {
        fields: &[
            "post.likes",
            "post.reposts",
            "post.replies",
            "post.is_reply",
            "post.hashtags",
            "post.has_media",
            "channel",
        ],
        says: "only a ticket from X can have a post",
        holds: |ticket| from_x(ticket.channel) || ticket.post == Default::default(),
    },
    Invariant {
        fields: &["post.likes", "post.reposts", "post.replies", "channel"],
        says: "a direct message cannot have likes, reposts or replies",
        holds: |ticket| {
            let post = &ticket.post;
            ticket.channel != Channel::TwitterDm || post.likes.or(post.reposts).or(post.replies).is_none()
        },
    },
    Invariant {
        fields: &["tags", "post.hashtags"],
        says: "tags must be folded and without `#`",
        holds: |ticket| {
            ticket.tags.iter().chain(&ticket.post.hashtags).all(|tag| normalize::tag(tag) == *tag && !tag.is_empty())
        },
    },
    Invariant {
        fields: &[],
        says: "a blank text must be left out",
        holds: |ticket| {
            let person = &ticket.requester;
            let texts = [
                &ticket.account,
                &ticket.brand,
                &ticket.group,
                &ticket.assignee,
                &ticket.language,
                &person.handle,
                &person.name,
                &person.email,
                &person.language,
                &person.location,
            ];
            let custom = ticket.custom.values().filter_map(|value| match value {
                CustomValue::Text(text) => Some(text),
                _ => None,
            });
            !texts.into_iter().flatten().chain(custom).any(|text| is_blank(text))
        },
    },
];

fn from_x(channel: Channel) -> bool {
    matches!(channel, Channel::Twitter | Channel::TwitterDm | Channel::TwitterLike)
}

fn x_counts(ticket: &Ticket) -> [Option<i64>; 7] {
    let (person, post) = (&ticket.requester, &ticket.post);
    [person.followers, person.following, person.tweets, person.listed, post.likes, post.reposts, post.replies]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::{FieldRef, Kind, Scope, field::FIELDS};

    #[test]
    fn a_new_ticket_breaks_none() {
        assert_eq!(broken(&Ticket::default()).map(|invariant| invariant.says).collect::<Vec<_>>(), [""; 0]);
    }

    #[test]
    fn a_number_outside_its_domain_breaks_one() {
        for field in FIELDS.iter().filter(|field| field.kind == Kind::Number && field.scope == Scope::Ticket) {
            let least = *FieldRef::Known(field).domain().start();
            let given = |number: i64| {
                let mut ticket = serde_json::to_value(Ticket::default()).unwrap();
                let (of, name) = match field.name.split_once('.') {
                    Some((of, name)) => (&mut ticket[of], name),
                    None => (&mut ticket, field.name),
                };
                assert!(of.get(name).is_some() || field.name.contains('.'), "{}", field.name);
                of[name] = number.into();
                serde_json::from_value::<Ticket>(ticket).unwrap()
            };
            let breaks =
                |ticket: &Ticket| broken(ticket).any(|invariant| invariant.says.contains("cannot be negative"));
            assert!(breaks(&given(least - 1)) && !breaks(&given(least)), "{}", field.name);
        }
    }

    #[test]
    fn they_are_about_fields_there_are() {
        for field in INVARIANTS.iter().flat_map(|invariant| invariant.fields) {
            assert!(FieldRef::find(field, &crate::desk::Declarations::default()).is_some(), "{field}");
        }
    }
}
