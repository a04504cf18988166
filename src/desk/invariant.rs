//! Invariants of tickets, as data. Tests check them after every decision; tickets in files are checked for
//! contradictions.

use std::{borrow::Cow, sync::LazyLock};

use jiff::Timestamp;

use super::{
    Channel, CustomValue, Declarations, FieldRef, Kind, Person, Satisfaction, Scope, Status, Ticket, Value,
    field::{FIELDS, Facts, Field, known},
    normalize,
    text::is_blank,
};

/// An invariant that a ticket violates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The fields it is about, most likely culprit first.
    pub fields: Vec<&'static str>,
    /// Its message, without a full stop.
    pub says: Cow<'static, str>,
}

/// The invariants that a ticket violates. Numbers below the domain of their field are reported one by one.
pub fn broken(ticket: &Ticket) -> Vec<Violation> {
    static DESK: LazyLock<Declarations> = LazyLock::new(Declarations::default);
    static DEFAULT: LazyLock<Ticket> = LazyLock::new(Ticket::default);
    let read =
        |field: &Field, ticket| (field.read)(Facts { ticket, event: None, now: Timestamp::UNIX_EPOCH, desk: &DESK });
    let numbers = FIELDS.iter().filter(|field| field.kind == Kind::Number && field.scope == Scope::Ticket);
    let too_low = numbers.filter_map(|field| {
        let least = *FieldRef::Known(field).domain().start();
        let is_below = matches!(read(field, ticket), Value::Number(number) if number < least);
        is_below.then(|| Violation {
            fields: vec![field.name],
            says: format!("`{}` cannot be below {least}", field.name).into(),
        })
    });
    let is_default = |name: &&str| known(name).is_none_or(|field| read(field, ticket) == read(field, &DEFAULT));
    let contradictions = INVARIANTS.iter().filter(|invariant| !(invariant.holds)(ticket)).map(|invariant| {
        let mut fields = invariant.fields.to_vec();
        // The culprit has a value.
        fields.sort_by_key(is_default);
        Violation { fields, says: invariant.says.into() }
    });
    too_low.chain(contradictions).collect()
}

/// A condition on several fields that holds for every ticket.
struct Invariant {
    /// The fields it reads, most likely culprit first.
    fields: &'static [&'static str],
    says: &'static str,
    holds: fn(&Ticket) -> bool,
}

/// All invariants on several fields. One with a number below its domain holds, as that is reported by itself.
static INVARIANTS: &[Invariant] = &[
    Invariant {
        fields: &["updated", "created"],
        says: "`created` cannot be after `updated`",
        holds: |ticket| ticket.created <= ticket.updated,
    },
    Invariant {
        fields: &["previous_ticket", "created"],
        says: "`previous_ticket` must be before `created`",
        holds: |ticket| ticket.previous_ticket.is_none_or(|previous| previous < ticket.created),
    },
    Invariant {
        fields: &["status_changed", "created"],
        says: "`status_changed` cannot be before `created`",
        holds: |ticket| ticket.created <= ticket.status_changed,
    },
    Invariant {
        fields: &["status_changed", "created"],
        says: "`past_statuses` must begin at `created`, in order, and end at `status_changed`",
        holds: |ticket| {
            let starts: Vec<_> = ticket.spells().map(|spell| spell.since).collect();
            ticket.status_changed < ticket.created || starts.first() == Some(&ticket.created) && starts.is_sorted()
        },
    },
    Invariant {
        fields: &["status"],
        says: "no status can follow itself in `past_statuses`",
        holds: |ticket| {
            let statuses: Vec<_> = ticket.spells().map(|spell| spell.status).collect();
            statuses.windows(2).all(|two| two.first() != two.last())
        },
    },
    Invariant {
        fields: &["solved", "assigned", "first_reply", "last_reply", "requester_updated", "created"],
        says: "nothing can happen to a ticket before it is `created`",
        holds: |ticket| times(ticket).all(|time| ticket.created <= time),
    },
    Invariant {
        fields: &["solved", "assigned", "first_reply", "last_reply", "requester_updated", "status_changed", "updated"],
        says: "nothing can have happened to a ticket after it was `updated`",
        holds: |ticket| times(ticket).chain([ticket.status_changed]).all(|time| time <= ticket.updated),
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
        fields: &["problem_solved", "problem"],
        says: "`problem_solved` requires a `problem`",
        holds: |ticket| ticket.problem_solved.is_none() || ticket.problem.is_some(),
    },
    Invariant {
        fields: &["first_reply", "replies"],
        says: "`first_reply` must be set if and only if `replies` is above 0",
        holds: |ticket| ticket.replies < 0 || ticket.first_reply.is_some() == (ticket.replies > 0),
    },
    Invariant {
        fields: &["last_reply", "first_reply"],
        says: "`last_reply` must be set if and only if `first_reply` is, and cannot be before it",
        holds: |ticket| {
            ticket.last_reply.is_some() == ticket.first_reply.is_some() && ticket.first_reply <= ticket.last_reply
        },
    },
    Invariant {
        fields: &["last_replier", "last_reply"],
        says: "`last_replier` requires `last_reply`",
        holds: |ticket| ticket.last_replier.is_none() || ticket.last_reply.is_some(),
    },
    Invariant {
        fields: &["waiting_since", "requester_updated", "last_reply"],
        says: "`waiting_since` must be set if and only if `requester_updated` is after `last_reply`, and be between them",
        holds: |ticket| match ticket.waiting_since {
            Some(_) => ticket.last_reply < ticket.waiting_since && ticket.waiting_since <= ticket.requester_updated,
            None => ticket.requester_updated <= ticket.last_reply,
        },
    },
    Invariant {
        fields: &["replies", "agent_touches", "comments"],
        says: "`replies` cannot exceed `comments` or `agent_touches`",
        holds: |ticket| [ticket.comments, ticket.agent_touches].iter().all(|n| *n < 0 || ticket.replies <= *n),
    },
    Invariant {
        fields: &["requester.unsolved_tickets", "requester.tickets"],
        says: "this ticket must be one of the `requester.tickets`, and, unless it is solved, of the \
               `requester.unsolved_tickets`, which are among them",
        holds: |ticket| {
            let Person { tickets, unsolved_tickets, .. } = ticket.requester;
            // A merged ticket is closed, and does not count.
            let (is_unsolved, is_solved) = (ticket.status < Status::Solved, ticket.status == Status::Solved);
            let counted = unsolved_tickets.saturating_add(is_solved.into()) <= tickets;
            let before_it_was_counted = tickets == 0 && unsolved_tickets == 0;
            before_it_was_counted
                || tickets.min(unsolved_tickets) < 0
                || counted && !(is_unsolved && unsolved_tickets == 0)
        },
    },
    Invariant {
        fields: &[
            "requester.tenth_last_ticket",
            "requester.fifth_last_ticket",
            "requester.third_last_ticket",
            "requester.tickets",
        ],
        says: "the third-, fifth- and tenth-last ticket must be among as many `requester.tickets`, none may be missing before \
               one that is known, and none may be older than one after it",
        holds: |ticket| {
            let (tickets, opened) = (ticket.requester.tickets, ticket.requester.latest_tickets());
            // What is not known comes last.
            let is_sorted = opened.iter().is_sorted_by(|(later, _), (earlier, _)| later >= earlier);
            is_sorted && (tickets < 0 || opened.iter().all(|(at, least)| at.is_none() || tickets >= *least))
        },
    },
    Invariant {
        fields: &["satisfaction_offered", "satisfaction"],
        says: "a ticket must have `satisfaction_offered` if `satisfaction` is `offered`, may have it if that is a rating, and cannot otherwise",
        holds: |ticket| match ticket.satisfaction {
            None | Some(Satisfaction::Asking | Satisfaction::Undelivered) => ticket.satisfaction_offered.is_none(),
            Some(Satisfaction::Offered) => ticket.satisfaction_offered.is_some(),
            Some(_) => ticket.satisfaction_offered <= ticket.satisfaction_rated,
        },
    },
    Invariant {
        fields: &["satisfaction_rated", "satisfaction_by", "satisfaction_comment", "satisfaction"],
        says: "`satisfaction_rated` and `satisfaction_by` must be set if and only if `satisfaction` is `good` or `bad`, and \
               `satisfaction_comment` only if it is",
        holds: |ticket| {
            let is_rated = ticket.satisfaction.is_some_and(|satisfaction| satisfaction.rating().is_some());
            ticket.satisfaction_rated.is_some() == is_rated
                && ticket.satisfaction_by.is_some() == is_rated
                && (is_rated || ticket.satisfaction_comment.is_none())
        },
    },
    Invariant {
        fields: &["requester.satisfaction_rated", "requester.satisfaction"],
        says: "`requester.satisfaction_rated` must be set if and only if `requester.satisfaction` is set",
        holds: |ticket| ticket.requester.satisfaction.is_some() == ticket.requester.satisfaction_rated.is_some(),
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
            ticket.channel.is_at_x()
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
            "post.media",
            "post.is_quote",
            "post.links",
            "post.mentions",
            "post.length",
            "channel",
        ],
        says: "only a ticket from X can have a post",
        holds: |ticket| ticket.channel.is_at_x() || ticket.post == Default::default(),
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
        fields: &["post.media", "post.has_media"],
        says: "a post that has `post.media` must have `post.has_media`",
        holds: |ticket| ticket.post.media.is_empty() || ticket.post.has_media,
    },
    Invariant {
        fields: &["tags", "requester.tags", "post.hashtags"],
        says: "tags must be folded and without `#`",
        holds: |ticket| {
            let tags = ticket.tags.iter().chain(&ticket.requester.tags).chain(&ticket.post.hashtags);
            { tags }.all(|tag| normalize::tag(tag) == *tag && !tag.is_empty())
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
                &ticket.last_replier,
                &ticket.language,
                &ticket.satisfaction_comment,
                &person.handle,
                &person.name,
                &person.email,
                &person.language,
                &person.location,
                &person.organisation,
                &person.note,
            ];
            let custom = ticket.custom.values().chain(person.custom.values()).filter_map(|value| match value {
                CustomValue::Text(text) => Some(text),
                _ => None,
            });
            !texts.into_iter().flatten().chain(custom).chain(&ticket.watchers).any(|text| is_blank(text))
        },
    },
];

/// When something happened to a ticket, as far as it did.
fn times(ticket: &Ticket) -> impl Iterator<Item = Timestamp> {
    // Not `waiting_since`: a message can arrive late that is older than the one that opened the ticket.
    let satisfaction = [ticket.satisfaction_offered, ticket.satisfaction_rated];
    [ticket.solved, ticket.assigned, ticket.first_reply, ticket.last_reply, ticket.requester_updated]
        .into_iter()
        .chain(satisfaction)
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::given::Given;

    #[test]
    fn a_new_ticket_breaks_none() {
        assert_eq!(broken(&Ticket::default()), []);
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
            let now = Timestamp::UNIX_EPOCH;
            let fields = |number| {
                let mut ticket = given(number);
                ticket.complete(Given::new(|name| known(name).is_some_and(|field| field.kind == Kind::Number)), now);
                broken(&ticket).into_iter().map(|violation| violation.fields).collect::<Vec<_>>()
            };
            // A number of the post is impossible on a ticket that is not from X.
            let below = fields(least - 1);
            assert_eq!(below.first(), Some(&vec![field.name]), "{}", field.name);
            assert_eq!(below.get(1..), Some(&*fields(least)), "{}", field.name);
        }
    }

    #[test]
    fn they_are_about_fields_there_are() {
        for field in INVARIANTS.iter().flat_map(|invariant| invariant.fields) {
            assert!(FieldRef::find(field, &crate::desk::Declarations::default()).is_some(), "{field}");
        }
    }
}
