//! A ticket: one account, one conversation, one person.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Author, Channel, CustomValue, EventComment, Person, Priority, Status, TicketId, TicketType, text::headline,
};

/// A ticket with everything conditions can ask about.
///
/// Times are instants; counts start at zero. This is also the shape of a line for `twite eval --tickets`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ticket {
    /// Its number; zero while it has none.
    pub id: TicketId,
    /// Where it came from.
    pub channel: Channel,
    /// The handle of the connected account it came to.
    pub account: Option<String>,
    /// The brand it belongs to.
    pub brand: Option<String>,
    /// How far it has come.
    pub status: Status,
    /// How urgent it is.
    pub priority: Option<Priority>,
    /// What sort of work it is.
    #[serde(rename = "type")]
    pub kind: Option<TicketType>,
    /// A line that says what it is about.
    pub subject: String,
    /// The text that opened it.
    pub description: String,
    /// Its tags, lower case.
    pub tags: BTreeSet<String>,
    /// The group it is assigned to.
    pub group: Option<String>,
    /// The agent it is assigned to.
    pub assignee: Option<String>,
    /// The person it belongs to.
    pub requester: Person,
    /// Language tag of the post that opened it.
    pub language: Option<String>,
    /// The post that opened it.
    pub post: PostFacts,
    /// Public comments by agents.
    pub replies: i64,
    /// Times it went back from solved to open.
    pub reopens: i64,
    /// Comments and updates by agents.
    pub agent_touches: i64,
    /// Comments of every kind.
    pub comments: i64,
    /// When it was opened.
    pub created: Timestamp,
    /// When anything last changed.
    pub updated: Timestamp,
    /// When it was last solved.
    pub solved: Option<Timestamp>,
    /// When it was last assigned to an agent.
    pub assigned: Option<Timestamp>,
    /// When it is due.
    pub due: Option<Timestamp>,
    /// Until when it is put off.
    pub snoozed: Option<Timestamp>,
    /// When its requester last wrote.
    pub requester_updated: Option<Timestamp>,
    /// When an agent first answered in public.
    pub first_reply: Option<Timestamp>,
    /// The text of the latest comment.
    pub latest_comment: Option<String>,
    /// The text of the latest comment its requester can see.
    pub latest_public_comment: Option<String>,
    /// Declared fields, by name.
    pub custom: BTreeMap<String, CustomValue>,
}

impl Default for Ticket {
    /// A new ticket from a public post, opened at the start of 1970, with nothing else known.
    fn default() -> Self {
        Self {
            id: TicketId::default(),
            channel: Channel::Twitter,
            account: None,
            brand: None,
            status: Status::New,
            priority: None,
            kind: None,
            subject: String::new(),
            description: String::new(),
            tags: BTreeSet::new(),
            group: None,
            assignee: None,
            requester: Person::default(),
            language: None,
            post: PostFacts::default(),
            replies: 0,
            reopens: 0,
            agent_touches: 0,
            comments: 0,
            created: Timestamp::UNIX_EPOCH,
            updated: Timestamp::UNIX_EPOCH,
            solved: None,
            assigned: None,
            due: None,
            snoozed: None,
            requester_updated: None,
            first_reply: None,
            latest_comment: None,
            latest_public_comment: None,
            custom: BTreeMap::new(),
        }
    }
}

impl Ticket {
    /// Sets the status and keeps the times that hang on it in step.
    pub fn set_status(&mut self, status: Status, now: Timestamp) {
        if self.status >= Status::Solved && status < Status::Solved {
            self.reopens = self.reopens.saturating_add(1);
            self.solved = None;
        }
        if self.status < Status::Solved && status >= Status::Solved {
            self.solved = Some(now);
        }
        // Whoever moves a ticket on has not put it off any more.
        if status != Status::Hold {
            self.snoozed = None;
        }
        self.status = status;
    }

    /// Puts the ticket off: it is on hold until then. What is solved stays solved.
    pub fn snooze(&mut self, until: Timestamp, now: Timestamp) {
        if self.status < Status::Solved {
            self.set_status(Status::Hold, now);
            self.snoozed = Some(until);
        }
    }

    /// Whether the time it was put off for is over; then it is open again.
    pub fn unsnooze(&mut self, now: Timestamp) -> bool {
        let over = self.snoozed.is_some_and(|until| until <= now);
        if over {
            self.set_status(Status::Open, now);
        }
        over
    }

    /// Describes the ticket by the text that opened it. The subject follows, unless somebody has set another.
    pub fn describe(&mut self, text: &str) {
        const SUBJECT: usize = 80;
        if self.subject == headline(&self.description, SUBJECT) {
            self.subject = headline(text, SUBJECT);
        }
        text.clone_into(&mut self.description);
    }

    /// Sets the agent and the time that hangs on it.
    pub fn set_assignee(&mut self, agent: Option<String>, now: Timestamp) {
        if self.assignee != agent {
            self.assigned = agent.is_some().then_some(now);
            self.assignee = agent;
        }
    }

    /// Counts a comment, and moves the ticket as people expect of a comment: the requester's opens a
    /// pending or solved ticket again, an agent's public one opens a new ticket.
    ///
    /// Comments are added in the order in which they were made. One that turns up late is counted like
    /// any other, but does not open again what was solved after it.
    pub fn add_comment(&mut self, comment: &EventComment, made: Timestamp) {
        self.comments = self.comments.saturating_add(1);
        self.updated = self.updated.max(made);
        self.latest_comment = Some(comment.text.clone());
        if comment.public {
            self.latest_public_comment = Some(comment.text.clone());
        }
        match comment.author {
            Author::Requester => {
                self.requester_updated = self.requester_updated.max(Some(made));
                let waiting = matches!(self.status, Status::Pending | Status::Solved) || self.snoozed.is_some();
                if waiting && self.solved.is_none_or(|solved| solved <= made) {
                    self.set_status(Status::Open, made);
                }
            }
            Author::Agent => {
                self.agent_touches = self.agent_touches.saturating_add(1);
                if comment.public {
                    self.replies = self.replies.saturating_add(1);
                    self.first_reply = Some(self.first_reply.map_or(made, |first| first.min(made)));
                    if self.status == Status::New {
                        self.set_status(Status::Open, made);
                    }
                }
            }
            Author::Rule => {}
        }
    }

    /// Takes over what was said on another ticket of the same person that is merged into this one. Only comments that
    /// moved are counted here, and no longer there.
    pub fn take_over(&mut self, other: &mut Self, moved: MovedComments, now: Timestamp) {
        let MovedComments { all, replies } = moved;
        for (ticket, sign) in [(&mut *self, 1), (&mut *other, -1)] {
            ticket.comments = ticket.comments.saturating_add(sign * all).max(0);
            ticket.replies = ticket.replies.saturating_add(sign * replies).max(0);
            ticket.agent_touches = ticket.agent_touches.saturating_add(sign * replies).max(0);
        }
        self.tags.extend(other.tags.iter().cloned());
        if other.requester_updated > self.requester_updated {
            self.requester_updated = other.requester_updated;
            self.latest_comment.clone_from(&other.latest_comment);
            self.latest_public_comment.clone_from(&other.latest_public_comment);
            // The person has said something that waits for an answer.
            if other.status < Status::Pending && matches!(self.status, Status::Pending | Status::Solved) {
                self.set_status(Status::Open, now);
            }
        }
        self.first_reply = match (self.first_reply, other.first_reply) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        self.updated = self.updated.max(now);
    }

    /// Takes in a comment that is older than the latest one: it counts, and neither becomes the latest nor
    /// opens again what was solved or put off since.
    pub fn add_earlier_comment(&mut self, comment: &EventComment, made: Timestamp) {
        let latest = (self.latest_comment.clone(), self.latest_public_comment.clone());
        let (status, solved, reopens, snoozed) = (self.status, self.solved, self.reopens, self.snoozed);
        self.add_comment(comment, made);
        (self.latest_comment, self.latest_public_comment) = latest;
        if status != Status::New {
            (self.status, self.solved, self.reopens, self.snoozed) = (status, solved, reopens, snoozed);
        }
    }
}

/// How many comments moved from one ticket to another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MovedComments {
    /// All of them.
    pub all: i64,
    /// Those of agents that the requester can see.
    pub replies: i64,
}

/// What is known of the post that opened a ticket. Unknown where it was no post.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PostFacts {
    /// Likes it had when last seen.
    pub likes: Option<i64>,
    /// Reposts it had.
    pub reposts: Option<i64>,
    /// Replies it had.
    pub replies: Option<i64>,
    /// Whether it carries a picture, a video or a GIF.
    pub has_media: bool,
    /// Whether it answers another post.
    pub is_reply: bool,
    /// Its hashtags, without `#`, folded.
    pub hashtags: BTreeSet<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comment(author: Author, public: bool) -> EventComment {
        EventComment { text: "hello".into(), public, author }
    }

    fn second(n: i64) -> Timestamp {
        Timestamp::from_second(n).unwrap()
    }

    #[test]
    fn comments_are_counted_by_who_made_them() {
        let mut ticket = Ticket::default();
        ticket.add_comment(&comment(Author::Requester, true), second(1));
        assert_eq!((ticket.comments, ticket.status, ticket.requester_updated), (1, Status::New, Some(second(1))));
        ticket.add_comment(&comment(Author::Agent, false), second(2));
        assert_eq!((ticket.replies, ticket.agent_touches, ticket.status), (0, 1, Status::New));
        ticket.add_comment(&comment(Author::Agent, true), second(3));
        ticket.add_comment(&comment(Author::Agent, true), second(4));
        assert_eq!((ticket.replies, ticket.agent_touches, ticket.status), (2, 3, Status::Open));
        assert_eq!((ticket.first_reply, ticket.updated), (Some(second(3)), second(4)));
        ticket.add_comment(&comment(Author::Rule, false), second(5));
        assert_eq!((ticket.comments, ticket.replies, ticket.agent_touches), (5, 2, 3));
    }

    #[test]
    fn the_requester_opens_what_waits_and_nothing_else() {
        for (status, then, reopens) in [
            (Status::New, Status::New, 0),
            (Status::Open, Status::Open, 0),
            (Status::Pending, Status::Open, 0),
            (Status::Hold, Status::Hold, 0),
            (Status::Solved, Status::Open, 1),
            (Status::Closed, Status::Closed, 0),
        ] {
            let mut ticket = Ticket::default();
            ticket.set_status(status, second(5));
            ticket.add_comment(&comment(Author::Requester, true), second(6));
            assert_eq!((ticket.status, ticket.reopens), (then, reopens), "{status}");
        }
    }

    #[test]
    fn an_earlier_comment_leaves_what_is_put_off_as_it_is() {
        let mut ticket = Ticket::default();
        ticket.set_status(Status::Open, second(1));
        ticket.snooze(second(90), second(2));
        ticket.add_earlier_comment(&comment(Author::Requester, true), second(0));
        assert_eq!((ticket.status, ticket.snoozed), (Status::Hold, Some(second(90))));
    }

    #[test]
    fn a_late_find_does_not_open_what_was_solved_after_it() {
        let mut ticket = Ticket::default();
        ticket.set_status(Status::Solved, second(5));
        ticket.add_comment(&comment(Author::Requester, true), second(4));
        assert_eq!((ticket.status, ticket.comments), (Status::Solved, 1));
    }
}
