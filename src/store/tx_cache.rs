//! What a transaction knows: tickets and people as it read or wrote them, and where there is nothing to be found. Nobody
//! else writes while it is open, which its lock sees to, so nothing needs to be asked twice. None of it outlives the transaction.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    StoreError, StoredPost, Tx,
    db::Builder,
    number::Numbered,
    ticket::{PEOPLE, numbered_person, tickets},
    word,
};
use crate::desk::{Person, Ticket, TicketId, XId};

/// What is known, as the database has it.
#[derive(Debug, Default)]
pub(super) struct TxCache {
    tickets: BTreeMap<TicketId, Ticket>,
    ticket_versions: BTreeMap<TicketId, i64>,
    /// Each with the store's number; `None` where there is nobody of that id.
    people: BTreeMap<XId, Option<(i64, Person)>>,
    /// Posts that nothing is below.
    childless: BTreeSet<XId>,
    /// Conversations of which there is no post.
    empty_conversations: BTreeSet<String>,
    /// The first ids of posts, by those of later versions.
    pub(super) versions: BTreeMap<String, XId>,
    /// The last numbers, where they were asked for.
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

    /// The statement just made raised it.
    pub(super) fn raise_ticket_version(&mut self, id: TicketId) {
        if let Some(version) = self.ticket_versions.get_mut(&id) {
            *version += 1;
        }
    }

    pub(super) fn keep_ticket_version(&mut self, id: TicketId, version: i64) {
        self.ticket_versions.insert(id, version);
    }

    /// A ticket was changed by a statement that does not tell how.
    pub(super) fn forget_ticket(&mut self, id: TicketId) {
        self.tickets.remove(&id);
        self.ticket_versions.remove(&id);
    }

    /// Where it is known: the person, or that there is none.
    pub(super) fn person(&self, id: &XId) -> Option<Option<&(i64, Person)>> {
        self.people.get(id).map(Option::as_ref)
    }

    pub(super) fn nobody(&mut self, id: &XId) {
        self.people.insert(id.clone(), None);
    }

    /// Tickets show their requesters, so those change with them.
    pub(super) fn keep_person(&mut self, number: i64, person: &Person) {
        let Some(id) = &person.id else { return };
        for ticket in self.tickets.values_mut().filter(|ticket| ticket.requester.id.as_ref() == Some(id)) {
            ticket.requester.clone_from(person);
        }
        self.people.insert(id.clone(), Some((number, person.clone())));
    }

    /// Whether nothing is below a post, as far as is known.
    pub(super) fn is_childless(&self, id: &XId) -> bool {
        self.childless.contains(id)
    }

    /// Something came to be below a post, and in its conversation.
    pub(super) fn moved_to(&mut self, post: &XId) {
        self.childless.remove(post);
        self.empty_conversations.remove(post.as_str());
    }

    /// A post was added. Returns whether it is known that it is the only one of its conversation.
    pub(super) fn add_post(&mut self, post: &StoredPost) -> bool {
        if let Some(above) = &post.replied_to {
            self.childless.remove(above);
        }
        self.empty_conversations.remove(&post.conversation)
    }
}

impl Tx {
    /// Finds out with a few statements what taking in each of these posts would ask for with several: their authors, their
    /// tickets, and which of them nothing is known around.
    pub async fn prefetch(&mut self, posts: &[&StoredPost]) -> Result<(), StoreError> {
        if posts.is_empty() {
            return Ok(());
        }
        self.flush().await?;
        let authors: BTreeSet<&XId> = posts.iter().map(|post| &post.author).collect();
        for author in &authors {
            self.cache.nobody(author);
        }
        let dialect = self.conn.dialect();
        let mut people = Builder::new(dialect, PEOPLE.as_str());
        people.push_in_texts(authors.into_iter().map(XId::as_str).collect());
        for row in people.build().fetch_all(&mut self.conn).await? {
            let (number, person) = numbered_person(&row)?;
            self.cache.keep_person(number, &person);
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
                self.cache.childless.insert(word(row.try_get(2)?)?);
            }
            if !row.try_get::<bool, _>(1)? {
                self.cache.empty_conversations.insert(row.try_get(3)?);
            }
        }

        let mut keys = BTreeSet::new();
        for post in posts.iter().filter(|post| !self.cache.empty_conversations.contains(&post.conversation)) {
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
        for ticket in tickets(&mut self.conn, &ids).await? {
            self.cache.keep_ticket(ticket);
        }
        Ok(())
    }
}
