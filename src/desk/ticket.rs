//! A ticket: a conversation of one person with one account.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Actor, Author, Channel, CustomValue, EventComment, MediaKind, MessageFacts, PastStatus, Person, Priority, RatedBy,
    Satisfaction, Status, TicketId, TicketType,
    post_text::{link_count, mention_count, weighted_length},
    text::headline,
};

/// A ticket, with all fields that conditions can read.
///
/// The default is a new ticket from a public post, created at the Unix epoch, with no other facts. Also the format of a
/// line of `twite eval --tickets`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ticket {
    /// Its number; zero if it has none yet.
    pub id: TicketId,
    /// The channel it came from.
    pub channel: Channel,
    /// The handle of the connected account that it was addressed to.
    pub account: Option<String>,
    /// The brand it belongs to.
    pub brand: Option<String>,
    /// Its status, from new to closed.
    pub status: Status,
    /// How urgent it is.
    pub priority: Option<Priority>,
    /// The kind of request.
    #[serde(rename = "type")]
    pub kind: Option<TicketType>,
    /// Its subject, one line.
    pub subject: String,
    /// The text that opened it.
    pub description: String,
    /// Its tags, folded.
    pub tags: BTreeSet<String>,
    /// The group it is assigned to.
    pub group: Option<String>,
    /// The agent it is assigned to.
    pub assignee: Option<String>,
    /// The agents who follow it.
    pub watchers: BTreeSet<String>,
    /// The problem that it is an incident of: the number of another ticket.
    pub problem: Option<TicketId>,
    /// When that problem was last solved; `None` if it is not.
    pub problem_solved: Option<Timestamp>,
    /// The requester: the author of the message that opened it.
    pub requester: Person,
    /// Language of the post that opened it.
    pub language: Option<String>,
    /// Facts about the post that opened it.
    pub post: PostFacts,
    /// Number of public comments by agents.
    pub replies: i64,
    /// Number of times it was reopened after it was solved.
    pub reopens: i64,
    /// Number of comments and updates by agents.
    pub agent_touches: i64,
    /// Number of comments of every kind.
    pub comments: i64,
    /// When it was opened.
    pub created: Timestamp,
    /// When the requester's ticket before this one was opened.
    pub previous_ticket: Option<Timestamp>,
    /// When it last changed.
    pub updated: Timestamp,
    /// When its status last changed; at first, when it was opened.
    pub status_changed: Timestamp,
    /// The statuses that it had before, from the one it was opened with; see [`Self::spells`].
    pub past_statuses: Vec<PastStatus>,
    /// When it was last solved.
    pub solved: Option<Timestamp>,
    /// When it was last assigned to an agent.
    pub assigned: Option<Timestamp>,
    /// When it is due.
    pub due: Option<Timestamp>,
    /// Until when it is snoozed.
    pub snoozed: Option<Timestamp>,
    /// When its requester last wrote.
    pub requester_updated: Option<Timestamp>,
    /// When an agent first answered in public.
    pub first_reply: Option<Timestamp>,
    /// When an agent last answered in public.
    pub last_reply: Option<Timestamp>,
    /// The agent who did; `None` if that is not known, such as for an answer from X's own app.
    pub last_replier: Option<String>,
    /// When its requester wrote what no agent has answered in public yet.
    pub waiting_since: Option<Timestamp>,
    /// The service level agreement that applies to it.
    pub sla: Option<String>,
    /// When the next of its targets is due; `None` if none is, or while its clock stands still.
    pub breach: Option<Timestamp>,
    /// When the first reply is due, or was.
    pub first_reply_due: Option<Timestamp>,
    /// When the next reply is due.
    pub next_reply_due: Option<Timestamp>,
    /// When the next update is due.
    pub update_due: Option<Timestamp>,
    /// When the solution is due, or was.
    pub solve_due: Option<Timestamp>,
    /// What its requester thinks of the help; `None` if nobody asked.
    pub satisfaction: Option<Satisfaction>,
    /// What was said with the rating.
    pub satisfaction_comment: Option<String>,
    /// When its requester was asked.
    pub satisfaction_offered: Option<Timestamp>,
    /// When it was rated.
    pub satisfaction_rated: Option<Timestamp>,
    /// Who rated it.
    pub satisfaction_by: Option<RatedBy>,
    /// The text of the latest comment.
    pub latest_comment: Option<String>,
    /// The text of the latest comment that the requester can see.
    pub latest_public_comment: Option<String>,
    /// Values of custom fields, by name.
    pub custom: BTreeMap<String, CustomValue>,
}

impl Ticket {
    /// Makes it an incident of a problem, or of none.
    pub fn set_problem(&mut self, problem: Option<TicketId>) {
        if self.problem != problem {
            (self.problem, self.problem_solved) = (problem, None);
        }
    }

    /// When it was solved, if it is a problem: what its incidents are told.
    pub fn solved_as_problem(&self) -> Option<Timestamp> {
        self.solved.filter(|_| self.kind == Some(TicketType::Problem))
    }

    /// Sets the status, and updates the times of the change and the solution, the reopen count, the snooze and the
    /// requester's unsolved tickets accordingly.
    pub fn set_status(&mut self, status: Status, now: Timestamp) {
        if self.status >= Status::Solved && status < Status::Solved {
            self.reopens = self.reopens.saturating_add(1);
            self.solved = None;
        }
        if self.status < Status::Solved && status >= Status::Solved {
            self.solved = Some(now);
        }
        // A change to any status but hold ends the snooze.
        if status != Status::Hold {
            self.snoozed = None;
        }
        self.requester.count_unsolved(self.status < Status::Solved, status < Status::Solved);
        if self.status != status {
            self.begin_status(status, now);
        }
    }

    /// Snoozes the ticket: puts it on hold until a time. Does nothing to a solved or closed ticket.
    pub fn snooze(&mut self, until: Timestamp, now: Timestamp) {
        if self.status < Status::Solved {
            self.set_status(Status::Hold, now);
            self.snoozed = Some(until);
        }
    }

    /// Opens the ticket again if its snooze time is over; returns whether it was.
    pub fn unsnooze(&mut self, now: Timestamp) -> bool {
        let over = self.snoozed.is_some_and(|until| until <= now);
        if over {
            self.set_status(Status::Open, now);
        }
        over
    }

    /// Sets the description, and derives the subject from it unless a different subject was set.
    pub fn describe(&mut self, text: &str) {
        const SUBJECT: usize = 80;
        if self.subject == headline(&self.description, SUBJECT) {
            self.subject = headline(text, SUBJECT);
        }
        text.clone_into(&mut self.description);
    }

    /// Sets an earlier time at which it was opened, after an older message was received.
    pub fn opened_earlier(&mut self, at: Timestamp) {
        let opened_by_reply = self.is_opened_by_reply();
        self.created = self.created.min(at);
        self.move_status(0, self.created);
        if opened_by_reply {
            self.opened_by_reply();
        }
    }

    /// Lets the first reply open it at the time of that reply, of which an earlier one became known.
    fn opened_by_reply(&mut self) {
        if let Some(reply) = self.first_reply {
            self.move_status(1, reply.max(self.created));
        }
    }

    /// Sets the assignee, and the time of the assignment if it changes.
    pub fn set_assignee(&mut self, agent: Option<String>, now: Timestamp) {
        if self.assignee != agent {
            self.assigned = agent.is_some().then_some(now);
            self.assignee = agent;
        }
    }

    /// Adds a comment to the counts and times, and updates the status. A comment of the requester sets a pending,
    /// solved or snoozed ticket to open; a public comment of an agent sets a new ticket to open.
    ///
    /// Comments are added in order of creation. A late one is counted, but does not reopen a ticket that was solved
    /// after it was written: `app` does, if whoever solved it could not know it.
    pub fn add_comment(&mut self, comment: &EventComment, made: Timestamp) {
        self.add_earlier_comment(comment, made);
        self.latest_comment = Some(comment.text.clone());
        if comment.public {
            self.latest_public_comment = Some(comment.text.clone());
        }
        let waiting = matches!(self.status, Status::Pending | Status::Solved) || self.snoozed.is_some();
        if comment.author == Author::Requester && waiting && self.solved.is_none_or(|solved| solved <= made) {
            self.set_status(Status::Open, made);
        }
    }

    /// Adds a comment older than the latest one: it is counted, but does not become the latest comment, and does not
    /// change the status unless the ticket is new.
    pub fn add_earlier_comment(&mut self, comment: &EventComment, made: Timestamp) {
        self.comments = self.comments.saturating_add(1);
        self.updated = self.updated.max(made);
        match comment.author {
            Author::Requester => {
                self.requester_updated = self.requester_updated.max(Some(made));
                if self.last_reply < Some(made) {
                    self.waiting_since = Some(self.waiting_since.map_or(made, |since| since.min(made)));
                }
            }
            Author::Agent => {
                self.agent_touches = self.agent_touches.saturating_add(1);
                if comment.public {
                    self.replies = self.replies.saturating_add(1);
                    if self.last_reply <= Some(made) {
                        // Who knows the agent sets it.
                        self.last_replier = None;
                    }
                    self.last_reply = self.last_reply.max(Some(made));
                    self.forget_answered();
                    let opened_by_reply = self.is_opened_by_reply();
                    let first = self.first_reply.map_or(made, |first| first.min(made));
                    self.first_reply = Some(first);
                    if self.status == Status::New {
                        self.set_status(Status::Open, made);
                    } else if opened_by_reply {
                        self.opened_by_reply();
                    }
                }
            }
            Author::Rule => {}
        }
    }

    /// Records whose the latest reply is.
    pub fn replied_by(&mut self, actor: &Actor) {
        self.last_replier = match actor {
            Actor::Agent(name) => Some(name.clone()),
            Actor::Rule(_) | Actor::Person | Actor::System | Actor::Owner => None,
        };
    }

    /// Forgets what waited for an answer that has been given. If the requester wrote again since then, only the last time
    /// is known here; who knows the comments sets the first.
    fn forget_answered(&mut self) {
        if self.waiting_since <= self.last_reply {
            self.waiting_since = self.requester_updated.filter(|wrote| Some(*wrote) > self.last_reply);
        }
    }

    /// Merges another ticket of the same requester into this one. The counts of `moved` comments are subtracted from
    /// `other` and added here.
    pub fn take_over(&mut self, other: &mut Self, moved: MovedComments, now: Timestamp) {
        let MovedComments { all, replies } = moved;
        for (ticket, sign) in [(&mut *self, 1), (&mut *other, -1)] {
            ticket.comments = ticket.comments.saturating_add(sign * all).max(0);
            ticket.replies = ticket.replies.saturating_add(sign * replies).max(0);
            ticket.agent_touches = ticket.agent_touches.saturating_add(sign * replies).max(0);
        }
        self.tags.extend(other.tags.iter().cloned());
        self.watchers.extend(other.watchers.iter().cloned());
        self.take_over_satisfaction(other);
        if other.requester_updated > self.requester_updated {
            self.requester_updated = other.requester_updated;
            self.latest_comment.clone_from(&other.latest_comment);
            self.latest_public_comment.clone_from(&other.latest_public_comment);
            // The requester's message still waits for an answer.
            if other.status < Status::Pending && matches!(self.status, Status::Pending | Status::Solved) {
                self.set_status(Status::Open, now);
            }
        }
        if other.last_reply > self.last_reply {
            self.last_replier.clone_from(&other.last_replier);
        }
        self.last_reply = self.last_reply.max(other.last_reply);
        self.waiting_since = match (self.waiting_since, other.waiting_since) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        self.forget_answered();
        let opened_by_reply = self.is_opened_by_reply();
        self.first_reply = match (self.first_reply, other.first_reply) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        match self.first_reply {
            Some(reply) if self.status == Status::New => self.set_status(Status::Open, reply),
            Some(_) if opened_by_reply => self.opened_by_reply(),
            _ => {}
        }
        self.updated = self.updated.max(now);
    }
}

/// Numbers of comments that moved from one ticket to another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MovedComments {
    /// All comments.
    pub all: i64,
    /// Comments by agents that the requester can see.
    pub replies: i64,
}

/// Facts about the post that opened a ticket; all unknown if it was not a post.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PostFacts {
    /// Number of likes when last fetched.
    pub likes: Option<i64>,
    /// Number of reposts when last fetched.
    pub reposts: Option<i64>,
    /// Number of replies when last fetched.
    pub replies: Option<i64>,
    /// Whether it has a picture, a video or a GIF.
    pub has_media: bool,
    /// What it shows, as far as that is known.
    pub media: BTreeSet<MediaKind>,
    /// Whether it is a reply to another post.
    pub is_reply: bool,
    /// Whether it quotes another post.
    pub is_quote: bool,
    /// Number of links in its text; see [`link_count`].
    pub links: Option<i64>,
    /// Number of handles that its text mentions.
    pub mentions: Option<i64>,
    /// The weighted length of its text.
    pub length: Option<i64>,
    /// Its hashtags, without `#`, folded.
    pub hashtags: BTreeSet<String>,
}

impl PostFacts {
    /// The fields with what other people do with the post, which grows as long as it stands.
    pub const COUNTS: [&'static str; 3] = ["post.likes", "post.reposts", "post.replies"];

    /// Follows an edit of the post.
    pub fn edited(&mut self, text: &str, facts: &MessageFacts) {
        self.media.clone_from(&facts.media);
        self.is_quote = facts.is_quote;
        (self.links, self.mentions, self.length) = (None, None, None);
        self.complete(text);
    }

    /// Fills in what follows from the text, and from what it shows.
    pub fn complete(&mut self, text: &str) {
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let is_quote = self.is_quote;
        self.links.get_or_insert_with(|| count(link_count(text, is_quote)));
        self.mentions.get_or_insert_with(|| count(mention_count(text)));
        self.length.get_or_insert_with(|| count(weighted_length(text)));
        self.has_media |= !self.media.is_empty();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comment(author: Author, public: bool) -> EventComment {
        EventComment::new(author, public, "hello")
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
    fn the_time_of_a_status_is_that_of_its_last_change() {
        let mut ticket = Ticket { created: second(2), status_changed: second(2), ..Ticket::default() };
        ticket.set_status(Status::New, second(3));
        assert_eq!(ticket.status_changed, second(2), "it is the same");
        ticket.opened_earlier(second(1));
        assert_eq!(ticket.status_changed, second(1), "it never changed");
        ticket.add_comment(&comment(Author::Agent, true), second(6));
        ticket.add_earlier_comment(&comment(Author::Agent, true), second(5));
        assert_eq!((ticket.status, ticket.status_changed), (Status::Open, second(5)), "opened by the first reply");
        ticket.snooze(second(9), second(7));
        ticket.snooze(second(10), second(8));
        assert_eq!(ticket.status_changed, second(7), "it was on hold already");
        assert!(ticket.unsnooze(second(10)));
        assert_eq!(ticket.status_changed, second(10));
        ticket.add_earlier_comment(&comment(Author::Agent, true), second(4));
        ticket.opened_earlier(second(0));
        assert_eq!(ticket.status_changed, second(10), "no earlier message changes it");
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

    #[test]
    fn an_edited_post_has_the_facts_of_its_new_text() {
        let mut post = PostFacts { likes: Some(3), ..PostFacts::default() };
        post.complete("hello");
        post.edited("@acme see acme.com", &MessageFacts { is_quote: true, ..MessageFacts::default() });
        assert_eq!((post.links, post.mentions, post.is_quote, post.likes), (Some(1), Some(1), true, Some(3)));
        post.edited("hello", &MessageFacts::default());
        assert_eq!((post.links, post.mentions, post.is_quote), (Some(0), Some(0), false));
    }
}
