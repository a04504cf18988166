//! The cache of a write transaction: tickets, people and ids that it read or wrote, and what it found to be absent.
//!
//! No statement can leave it stale: one that writes a cached table empties the cache of that table, unless it is run by
//! [`Buffered::past_cache`](super::write_buffer::Buffered::past_cache). Nor can another process: it is dropped with the
//! transaction, and only one transaction writes at a time. Where several write at once, rows are to be locked when they
//! are cached, by [`Tx::ticket`], [`Tx::person`] and [`Tx::prefetch`]. What is absent cannot be locked: that needs a lock of
//! the person or conversation, or must not be cached.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    StoreError, StoredPost, Tx,
    db::Builder,
    number::Numbered,
    person::{PEOPLE, numbered_people},
    ticket::tickets,
    word,
};
use crate::desk::{Person, SourceId, Ticket, TicketId, XId};

/// Tables of which rows are cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cached {
    Tickets,
    People,
    Posts,
}

impl Cached {
    /// Those of this table.
    pub(super) fn of(table: &str) -> Option<Self> {
        match table {
            "ticket" | "ticket_tag" | "ticket_hashtag" | "ticket_media" | "ticket_watcher" | "ticket_field"
            | "past_status" => Some(Self::Tickets),
            "person" | "person_tag" | "person_field" => Some(Self::People),
            "post" => Some(Self::Posts),
            _ => None,
        }
    }
}

/// Cached rows and negative results.
#[derive(Debug, Default)]
pub(super) struct TxCache {
    tickets: BTreeMap<TicketId, Ticket>,
    ticket_versions: BTreeMap<TicketId, i64>,
    /// People with their row ids; `None` if the person is not stored.
    people: BTreeMap<SourceId, Option<(i64, Person)>>,
    /// Posts that have no stored replies.
    childless: BTreeSet<XId>,
    /// Conversations without stored posts.
    empty_conversations: BTreeSet<String>,
    /// Ids of later versions of posts, mapped to the id of the first version. Loaded before the posts are processed.
    pub(super) versions: BTreeMap<String, XId>,
    /// The last allocated id of each table, if this transaction allocated any.
    last_numbers: BTreeMap<Numbered, i64>,
}

impl TxCache {
    pub(super) fn last_number(&self, of: Numbered) -> Option<i64> {
        self.last_numbers.get(&of).copied()
    }

    pub(super) fn keep_last_number(&mut self, of: Numbered, number: i64) {
        self.last_numbers.insert(of, number);
    }

    pub(super) fn ticket(&self, id: TicketId) -> Option<&Ticket> {
        self.tickets.get(&id)
    }

    pub(super) fn keep_ticket(&mut self, ticket: Ticket) {
        self.tickets.insert(ticket.id, ticket);
    }

    pub(super) fn ticket_version(&self, id: TicketId) -> Option<i64> {
        self.ticket_versions.get(&id).copied()
    }

    /// Increments the cached version after a statement that incremented the stored one.
    pub(super) fn raise_ticket_version(&mut self, id: TicketId) {
        if let Some(version) = self.ticket_versions.get_mut(&id) {
            *version += 1;
        }
    }

    pub(super) fn keep_ticket_version(&mut self, id: TicketId, version: i64) {
        self.ticket_versions.insert(id, version);
    }

    /// Forgets the rows of these tables.
    pub(super) fn forget(&mut self, cached: Cached) {
        match cached {
            Cached::Tickets => {
                self.tickets.clear();
                self.ticket_versions.clear();
            }
            // A cached ticket includes its requester.
            Cached::People => {
                self.people.clear();
                self.tickets.clear();
            }
            Cached::Posts => {
                self.childless.clear();
                self.empty_conversations.clear();
            }
        }
    }

    /// The cached person. `Some(None)`: known to be absent. `None`: not cached.
    pub(super) fn person(&self, id: &SourceId) -> Option<Option<&(i64, Person)>> {
        self.people.get(id).map(Option::as_ref)
    }

    pub(super) fn nobody(&mut self, id: &SourceId) {
        self.people.insert(id.clone(), None);
    }

    /// Caches a person, and updates the requester in cached tickets. Does nothing if the person has no id at a source.
    pub(super) fn keep_person(&mut self, number: i64, person: &Person) {
        let Some(id) = &person.id else { return };
        for ticket in self.tickets.values_mut().filter(|ticket| ticket.requester.id.as_ref() == Some(id)) {
            ticket.requester.clone_from(person);
        }
        self.people.insert(id.clone(), Some((number, person.clone())));
    }

    /// Whether a post is known to have no stored replies.
    pub(super) fn is_childless(&self, id: &XId) -> bool {
        self.childless.contains(id)
    }

    /// Updates the cache for an inserted post. Returns whether it is known to be the only post of its conversation.
    pub(super) fn add_post(&mut self, post: &StoredPost) -> bool {
        if let Some(above) = &post.replied_to {
            self.childless.remove(above);
        }
        self.empty_conversations.remove(&post.conversation)
    }
}

impl Tx {
    /// Loads what processing these posts will need, with a few statements instead of several per post: authors,
    /// tickets, and which posts have no stored replies or conversation.
    pub async fn prefetch(&mut self, posts: &[&StoredPost]) -> Result<(), StoreError> {
        if posts.is_empty() {
            return Ok(());
        }
        let authors: BTreeSet<&XId> = posts.iter().map(|post| &post.author).collect();
        for author in &authors {
            self.conn.cache.nobody(&(*author).clone().into());
        }
        let dialect = self.conn.dialect();
        let mut people = Builder::new(dialect, PEOPLE.as_str());
        people.push("p.source_id").push_in_texts(authors.into_iter().map(XId::as_str).collect());
        let people = people.build().fetch_all(&mut self.conn).await?;
        for (number, person) in numbered_people(self.conn.past_buffer(), &people).await? {
            self.conn.cache.keep_person(number, &person);
        }

        let mut around = Builder::new(dialect, "WITH these (post, conversation) AS (");
        around.push_pairs(posts.iter().map(|post| (post.id.as_str(), post.conversation.as_str())));
        around.push(
            ") SELECT EXISTS (SELECT 1 FROM post WHERE replied_to = these.post),
                 EXISTS (SELECT 1 FROM post WHERE post.conversation = these.conversation),
                 post, conversation FROM these",
        );
        for row in around.build().fetch_all(&mut self.conn).await? {
            if !row.try_get::<bool, _>(0)? {
                self.conn.cache.childless.insert(word(row.try_get(2)?)?);
            }
            if !row.try_get::<bool, _>(1)? {
                self.conn.cache.empty_conversations.insert(row.try_get(3)?);
            }
        }

        let mut keys = BTreeSet::new();
        for post in posts.iter().filter(|post| !self.conn.cache.empty_conversations.contains(&post.conversation)) {
            let people = [Some(&post.author), post.answers.as_ref(), post.in_reply_to_user.as_ref()];
            keys.extend(people.into_iter().flatten().map(|person| (person, &post.conversation)));
        }
        if keys.is_empty() {
            return Ok(());
        }
        let mut open = Builder::new(dialect, "WITH these (person, conversation) AS (");
        open.push_pairs(keys.into_iter().map(|(person, conversation)| (person.as_str(), conversation.as_str())));
        open.push(
            ") SELECT DISTINCT i.id FROM these CROSS JOIN account a
               CROSS JOIN ticket t JOIN ticket i ON i.id = coalesce(t.merged_into, t.id)
               WHERE t.key_account = a.x_id AND t.key_conversation = these.conversation AND t.key_person = these.person
                 AND i.status <> 'closed'",
        );
        let ids: Vec<i64> = open.build_query_scalar().fetch_all(&mut self.conn).await?;
        let ids: Vec<_> = ids.into_iter().filter(|id| self.conn.cache.ticket(TicketId(*id)).is_none()).collect();
        for ticket in tickets(self.conn.past_buffer(), &ids).await? {
            self.conn.cache.keep_ticket(ticket);
        }
        Ok(())
    }
}
