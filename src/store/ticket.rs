//! Tickets, with their tags, hashtags, kinds of media, watchers and declared fields.

use std::{collections::BTreeMap, sync::LazyLock};

use jiff::Timestamp;

use super::{
    StoreError, Tx,
    column::{self, Column, columns},
    custom::{CustomColumns, custom},
    db::{Builder, Connection, Query, Row, query, query_scalar},
    number::Numbered,
    person::PERSON,
    stored, time, times, word,
    write_buffer::{FieldRow, HashtagRow, MediaRow, PastStatusRow, TagRow, WatcherRow},
};
use crate::desk::{MediaKind, PastStatus, SourceId, Status, Ticket, TicketId, TicketType, XId};
use crate::engine::minute;

/// The key under which at most one ticket is open.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TicketKey {
    /// The connected account.
    pub account: XId,
    /// The id of the conversation at X.
    pub conversation: String,
    /// The person who talks with the account.
    pub person: SourceId,
}

/// The part of a ticket that is needed to decide whether a post belongs on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketHead {
    /// Its number.
    pub id: TicketId,
    /// Its status.
    pub status: Status,
    /// When it was closed.
    pub closed: Option<Timestamp>,
    /// The message that opened it.
    pub opened_by: XId,
    /// Whether it was found through a ticket that was merged into it, rather than by its own key.
    pub merged: bool,
}

impl Tx {
    /// A ticket with all its fields.
    pub async fn ticket(&mut self, id: TicketId) -> Result<Option<Ticket>, StoreError> {
        if let Some(known) = self.conn.cache.ticket(id) {
            return Ok(Some(known.clone()));
        }
        // A ticket with buffered rows is in the cache.
        let found = ticket(self.conn.past_buffer(), id).await?;
        if let Some(ticket) = &found {
            self.conn.cache.keep_ticket(ticket.clone());
        }
        Ok(found)
    }

    /// The version of a ticket, which is incremented when the ticket is changed.
    pub async fn ticket_version(&mut self, id: TicketId) -> Result<i64, StoreError> {
        if let Some(version) = self.conn.cache.ticket_version(id) {
            return Ok(version);
        }
        let version = query_scalar("SELECT version FROM ticket WHERE id = $1");
        let version = version.bind(id.0).fetch_one(&mut self.conn).await?;
        self.conn.cache.keep_ticket_version(id, version);
        Ok(version)
    }

    /// The tickets of a person in a conversation, each with its account: first those found through merged tickets, then
    /// the others, each by id.
    pub async fn tickets_of(
        &mut self,
        conversation: &str,
        person: &SourceId,
    ) -> Result<Vec<(XId, TicketHead)>, StoreError> {
        let rows = query(
            // A merged ticket is replaced by its target. `CROSS JOIN` makes SQLite start with the few accounts.
            "SELECT DISTINCT t.key_account, i.id, i.status, i.closed, i.opened_by,
               t.merged_into IS NOT NULL
             FROM account a CROSS JOIN ticket t JOIN ticket i ON i.id = coalesce(t.merged_into, t.id)
             WHERE t.key_account = a.x_id AND t.key_conversation = $1 AND t.key_person = $2
             ORDER BY 6 DESC, 2",
        )
        .bind(conversation)
        .bind(person.as_str())
        .fetch_all(&mut self.conn)
        .await?;
        rows.iter()
            .map(|row| {
                let head = TicketHead {
                    id: TicketId(row.try_get(1)?),
                    status: word(row.try_get(2)?)?,
                    closed: times(row.try_get(3)?)?,
                    opened_by: word(row.try_get(4)?)?,
                    merged: row.try_get(5)?,
                };
                Ok((word(row.try_get(0)?)?, head))
            })
            .collect()
    }

    /// The tickets of an account in a conversation.
    pub async fn tickets_in(&mut self, account: &XId, conversation: &str) -> Result<Vec<TicketId>, StoreError> {
        let ids: Vec<i64> =
            query_scalar("SELECT id FROM ticket WHERE key_account = $1 AND key_conversation = $2 ORDER BY id")
                .bind(account.as_str())
                .bind(conversation)
                .fetch_all(&mut self.conn)
                .await?;
        Ok(ids.into_iter().map(TicketId).collect())
    }

    /// The people with tickets in a conversation, for all accounts.
    pub async fn people_in(&mut self, conversation: &str) -> Result<Vec<SourceId>, StoreError> {
        let people: Vec<String> =
            query_scalar("SELECT DISTINCT key_person FROM ticket WHERE key_conversation = $1 ORDER BY key_person")
                .bind(conversation)
                .fetch_all(&mut self.conn)
                .await?;
        people.iter().map(|person| word(person)).collect()
    }

    /// Allocates the id of the next ticket.
    pub async fn next_ticket(&mut self) -> Result<TicketId, StoreError> {
        self.next_number(Numbered::Ticket).await.map(TicketId)
    }

    /// Inserts a ticket whose id is allocated already, and which its requester's counts include. Automations evaluate it
    /// from `since` on.
    pub async fn open(
        &mut self,
        ticket: &Ticket,
        key: &TicketKey,
        opened_by: &XId,
        since: Timestamp,
    ) -> Result<(), StoreError> {
        let requester = self.keep_requester(&ticket.requester, since).await?;
        let opened = query(&OPEN)
            .bind(key.account.as_str())
            .bind(&key.conversation)
            .bind(key.person.as_str())
            .bind(opened_by.as_str())
            .bind(requester)
            .bind(closed_at(ticket))
            .bind(next_check(ticket, since));
        let opened = column::bind(column::bind(opened, FIXED, ticket), CHANGING, ticket);
        opened.execute(self.conn.past_cache()).await?;
        self.save_sets(&Ticket::default(), ticket).await?;
        self.conn.cache.keep_ticket_version(ticket.id, 1);
        self.conn.cache.keep_ticket(as_stored(ticket.clone()));
        Ok(())
    }

    /// Changes the message that opened a ticket, after an older one was received.
    pub async fn opened_by(&mut self, id: TicketId, post: &XId) -> Result<(), StoreError> {
        query("UPDATE ticket SET opened_by = $1 WHERE id = $2")
            .bind(post.as_str())
            .bind(id.0)
            .execute(self.conn.past_cache())
            .await?;
        Ok(())
    }

    /// Whether a ticket was opened by this message.
    pub async fn is_opened_by(&mut self, id: TicketId, post: &XId) -> Result<bool, StoreError> {
        let opener: Option<String> =
            query_scalar("SELECT opened_by FROM ticket WHERE id = $1").bind(id.0).fetch_one(&mut self.conn).await?;
        Ok(opener.as_deref() == Some(post.as_str()))
    }

    /// Counts a message that was not imported because the ticket is full. Returns whether it is the first.
    pub async fn not_imported(&mut self, id: TicketId) -> Result<bool, StoreError> {
        let counted: i64 = query_scalar(
            "UPDATE ticket SET not_imported = not_imported + 1, version = version + 1 WHERE id = $1 RETURNING not_imported",
        )
        .bind(id.0)
        .fetch_one(self.conn.past_cache())
        .await?;
        self.conn.cache.raise_ticket_version(id);
        Ok(counted == 1)
    }

    /// Updates a ticket and what the desk keeps about its requester, but not the requester's profile, the channel or the
    /// key. Schedules an evaluation of its automations, and of those of the requester's other tickets if something kept
    /// about the requester changed.
    pub async fn save(&mut self, ticket: &Ticket, now: Timestamp) -> Result<(), StoreError> {
        let Some(before) = self.ticket(ticket.id).await? else { return Ok(()) };
        let ticket = self.with_problem(ticket).await?;
        let ticket = &*ticket;
        let mut requester = before.requester.clone();
        requester.take_kept(&ticket.requester);
        // Not as the ticket has it: other tickets of the person may have been counted since it was read.
        requester.count_unsolved(before.status < Status::Solved, ticket.status < Status::Solved);
        if let (Some(rating), Some(at)) = (ticket.requester.satisfaction, ticket.requester.satisfaction_rated) {
            requester.rate(rating, at);
        }
        if requester != before.requester {
            let number = query_scalar("SELECT requester FROM ticket WHERE id = $1").bind(ticket.id.0);
            let number = number.fetch_one(&mut self.conn).await?;
            self.change_person(number, &before.requester, &requester, now).await?;
        }
        self.keep_field_versions(&before, ticket).await?;
        let saved = query(&SAVE).bind(ticket.id.0).bind(closed_at(ticket)).bind(next_check(ticket, now));
        column::bind(saved, CHANGING, ticket).execute(self.conn.past_cache()).await?;
        self.save_sets(&before, ticket).await?;
        self.conn.cache.raise_ticket_version(ticket.id);
        let kept = Ticket { requester, channel: before.channel, ..ticket.clone() };
        self.conn.cache.keep_ticket(as_stored(kept));
        if before.kind == Some(TicketType::Problem) || ticket.kind == Some(TicketType::Problem) {
            self.tell_incidents(ticket, now).await?;
        }
        Ok(())
    }

    /// Writes the differences in tags, hashtags, kinds of media, watchers and declared fields. Deletes at once; inserts are
    /// buffered.
    async fn save_sets(&mut self, before: &Ticket, ticket: &Ticket) -> Result<(), StoreError> {
        let id = ticket.id.0;
        let tags = before.tags.difference(&ticket.tags);
        let hashtags = before.post.hashtags.difference(&ticket.post.hashtags);
        let media = before.post.media.difference(&ticket.post.media).map(|kind| kind.as_str());
        let watchers = before.watchers.difference(&ticket.watchers);
        let fields = before.custom.iter().filter(|(name, value)| ticket.custom.get(*name) != Some(*value));
        self.save_past_statuses(before, ticket).await?;
        let gone: Vec<_> = tags
            .map(|tag| ("DELETE FROM ticket_tag WHERE ticket = $1 AND tag = $2", tag.as_str()))
            .chain(hashtags.map(|tag| ("DELETE FROM ticket_hashtag WHERE ticket = $1 AND tag = $2", tag.as_str())))
            .chain(media.map(|kind| ("DELETE FROM ticket_media WHERE ticket = $1 AND tag = $2", kind)))
            .chain(watchers.map(|name| ("DELETE FROM ticket_watcher WHERE ticket = $1 AND agent = $2", name.as_str())))
            .chain(fields.map(|(name, _)| ("DELETE FROM ticket_field WHERE ticket = $1 AND name = $2", name.as_str())))
            .collect();
        for (delete, what) in gone {
            query(delete).bind(id).bind(what).execute(self.conn.past_cache()).await?;
        }
        let new = ticket.tags.difference(&before.tags);
        self.conn.buffer.tags.extend(new.map(|tag| TagRow { ticket: id, tag: tag.clone() }));
        let new = ticket.post.hashtags.difference(&before.post.hashtags);
        self.conn.buffer.hashtags.extend(new.map(|tag| HashtagRow { ticket: id, tag: tag.clone() }));
        let new = ticket.post.media.difference(&before.post.media);
        self.conn.buffer.media.extend(new.map(|kind| MediaRow { ticket: id, tag: kind.as_str() }));
        let new = ticket.watchers.difference(&before.watchers);
        self.conn.buffer.watchers.extend(new.map(|agent| WatcherRow { ticket: id, agent: agent.clone() }));
        let fields = ticket.custom.iter().filter(|(name, value)| before.custom.get(*name) != Some(*value));
        self.conn.buffer.fields.extend(fields.map(|(name, value)| {
            let CustomColumns { kind, number, text, folded } = value.into();
            FieldRow { ticket: id, name: name.clone(), kind, number, text, folded }
        }));
        Ok(())
    }

    /// Writes the past statuses from the first that is new or changed.
    async fn save_past_statuses(&mut self, before: &Ticket, ticket: &Ticket) -> Result<(), StoreError> {
        let (was, is) = (past_spells(before), past_spells(ticket));
        let same = was.iter().zip(&is).take_while(|(was, is)| was == is).count();
        if same < was.len() {
            query("DELETE FROM past_status WHERE ticket = $1 AND place >= $2")
                .bind(ticket.id.0)
                .bind(i64::try_from(same).unwrap_or(i64::MAX))
                .execute(self.conn.past_cache())
                .await?;
        }
        let rows = (0_i64..).zip(is).skip(same).map(|(place, (status, began, ended))| PastStatusRow {
            ticket: ticket.id.0,
            place,
            status: status.as_str(),
            began,
            ended,
        });
        self.conn.buffer.past_statuses.extend(rows);
        Ok(())
    }
}

/// The past statuses of a ticket, each with its start and its end in milliseconds.
fn past_spells(ticket: &Ticket) -> Vec<(Status, i64, i64)> {
    let spells = ticket.spells().filter_map(|spell| Some((spell.status, spell.since, spell.until?)));
    spells.map(|(status, since, until)| (status, since.as_millisecond(), until.as_millisecond())).collect()
}

/// Columns of a ticket that never change.
const FIXED: &[Column<Ticket>] = columns! { Ticket:
    "id" id;
    "channel" channel;
};

/// Columns of a ticket that can change. Tags, hashtags, kinds of media, watchers and declared fields have tables of their
/// own.
pub(super) const CHANGING: &[Column<Ticket>] = columns! { Ticket:
    "account" account;
    "brand" brand;
    "status" status;
    "priority" priority;
    "type" kind;
    "subject" subject folded;
    "description" description folded;
    "group_name" group;
    "assignee" assignee;
    "problem" problem;
    "problem_solved" problem_solved;
    "language" language folded;
    "post_likes" post.likes;
    "post_reposts" post.reposts;
    "post_replies" post.replies;
    "post_has_media" post.has_media;
    "post_is_reply" post.is_reply;
    "post_is_quote" post.is_quote;
    "post_links" post.links;
    "post_mentions" post.mentions;
    "post_length" post.length;
    "replies" replies;
    "reopens" reopens;
    "agent_touches" agent_touches;
    "comments" comments;
    "created" created;
    "previous_ticket" previous_ticket;
    "updated" updated;
    "status_changed" status_changed;
    "solved" solved;
    "assigned" assigned;
    "due" due;
    "snoozed" snoozed;
    "requester_updated" requester_updated;
    "first_reply" first_reply;
    "last_reply" last_reply;
    "last_replier" last_replier;
    "waiting_since" waiting_since;
    "sla" sla;
    "breach" breach;
    "first_reply_due" first_reply_due;
    "next_reply_due" next_reply_due;
    "update_due" update_due;
    "solve_due" solve_due;
    "satisfaction" satisfaction;
    "satisfaction_comment" satisfaction_comment folded;
    "satisfaction_offered" satisfaction_offered;
    "satisfaction_rated" satisfaction_rated;
    "satisfaction_by" satisfaction_by;
    "latest_comment" latest_comment;
    "latest_public_comment" latest_public_comment;
};

static OPEN: LazyLock<String> = LazyLock::new(|| {
    let key = ["key_account", "key_conversation", "key_person", "opened_by", "requester", "closed", "next_check_at"];
    let names = key.map(str::to_owned).into_iter().chain(column::names(FIXED)).chain(column::names(CHANGING));
    column::insert("ticket", &names.collect::<Vec<_>>())
});

static SAVE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "UPDATE ticket SET version = version + 1, closed = CASE WHEN $2 IS NULL THEN NULL ELSE coalesce(closed, $2) END,
           next_check_at = CASE WHEN next_check_at < $3 THEN next_check_at ELSE $3 END, {} WHERE id = $1",
        column::assignments(&column::names(CHANGING), 4)
    )
});

static READ: LazyLock<String> = LazyLock::new(|| {
    let (fixed, changing) = (column::selected(FIXED, "t"), column::selected(CHANGING, "t"));
    let person = column::selected(PERSON, "p");
    format!("SELECT {fixed}, {changing}, {person} FROM ticket t JOIN person p ON p.id = t.requester WHERE t.id")
});

/// When a ticket was closed, in milliseconds: its last update, as a closed ticket does not change.
fn closed_at(ticket: &Ticket) -> Option<i64> {
    (ticket.status == Status::Closed).then(|| ticket.updated.as_millisecond())
}

/// When automations evaluate a changed ticket, in milliseconds; `None` if it is closed.
fn next_check(ticket: &Ticket, now: Timestamp) -> Option<i64> {
    (ticket.status != Status::Closed).then(|| minute(now).as_millisecond())
}

/// A ticket with its values rounded as the database stores them.
fn as_stored(mut ticket: Ticket) -> Ticket {
    column::round(CHANGING, &mut ticket);
    for past in &mut ticket.past_statuses {
        past.since = stored(past.since);
    }
    ticket
}

/// A ticket with all its fields.
pub(super) async fn ticket(connection: &mut Connection, id: TicketId) -> Result<Option<Ticket>, StoreError> {
    Ok(tickets(connection, &[id.0]).await?.pop())
}

/// Tickets with all their fields, in the order of these ids.
pub(super) async fn tickets(connection: &mut Connection, ids: &[i64]) -> Result<Vec<Ticket>, StoreError> {
    let mut found: BTreeMap<i64, Ticket> = BTreeMap::new();
    for row in among(connection, &[&READ], ids).fetch_all(&mut *connection).await? {
        let ticket = read(&row)?;
        found.insert(ticket.id.0, ticket);
    }
    let mut past_statuses = BTreeMap::new();
    for row in among(connection, SETS, ids).fetch_all(&mut *connection).await? {
        let Some(ticket) = found.get_mut(&row.try_get("ticket")?) else { continue };
        match row.try_get("place")? {
            "status" => {
                let place = usize::try_from(row.try_get::<i64, _>("nth")?).unwrap_or(usize::MAX);
                let past = PastStatus { status: word(row.try_get("name")?)?, since: time(row.try_get("number")?)? };
                past_statuses.entry(ticket.id).or_insert_with(BTreeMap::new).insert(place, past);
            }
            "tag" => ticket.tags.extend([row.try_get("name")?]),
            "watcher" => ticket.watchers.extend([row.try_get("name")?]),
            "hashtag" => ticket.post.hashtags.extend([row.try_get("name")?]),
            "media" => ticket.post.media.extend([word::<MediaKind>(row.try_get("name")?)?]),
            "person_tag" => ticket.requester.tags.extend([row.try_get("name")?]),
            "person_field" => ticket.requester.custom.extend([custom(&row)?]),
            _ => ticket.custom.extend([custom(&row)?]),
        }
    }
    for (id, past) in past_statuses {
        if let Some(ticket) = found.get_mut(&id.0) {
            ticket.past_statuses = past.into_values().collect();
        }
    }
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// One statement that reads the tables of tags, hashtags, media, watchers, declared fields and past statuses, of tickets and
/// of their requesters.
const SETS: &[&str] = &[
    "SELECT ticket, 'tag' AS place, tag AS name, 'tag' AS kind, CAST(NULL AS BIGINT) AS number, NULL AS text, 0 AS nth
     FROM ticket_tag WHERE ticket",
    " UNION ALL SELECT ticket, 'hashtag', tag, 'tag', CAST(NULL AS BIGINT), NULL, 0 FROM ticket_hashtag WHERE ticket",
    " UNION ALL SELECT ticket, 'media', tag, 'tag', CAST(NULL AS BIGINT), NULL, 0 FROM ticket_media WHERE ticket",
    " UNION ALL SELECT ticket, 'watcher', agent, 'tag', CAST(NULL AS BIGINT), NULL, 0 FROM ticket_watcher WHERE ticket",
    " UNION ALL SELECT ticket, 'field', name, kind, number, text, 0 FROM ticket_field WHERE ticket",
    " UNION ALL SELECT ticket, 'status', status, 'status', began, NULL, place FROM past_status WHERE ticket",
    " UNION ALL SELECT t.id, 'person_tag', s.tag, 'tag', CAST(NULL AS BIGINT), NULL, 0
      FROM ticket t JOIN person_tag s ON s.person = t.requester WHERE t.id",
    " UNION ALL SELECT t.id, 'person_field', s.name, s.kind, s.number, s.text, 0
      FROM ticket t JOIN person_field s ON s.person = t.requester WHERE t.id",
];

/// Concatenates statement parts, each followed by ` IN (ids)`.
pub(super) fn among<'q>(connection: &Connection, parts: &[&str], ids: &'q [i64]) -> Query<'q> {
    let mut statement = Builder::new(connection.dialect(), "");
    for part in parts {
        statement.push(part).push_in_numbers(ids);
    }
    statement.build()
}

fn read(row: &Row) -> Result<Ticket, StoreError> {
    let mut ticket = Ticket::default();
    let at = column::read(FIXED, &mut ticket, row, 0)?;
    let at = column::read(CHANGING, &mut ticket, row, at)?;
    column::read(PERSON, &mut ticket.requester, row, at)?;
    Ok(ticket)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::desk::{Scope, field::FIELDS};

    #[test]
    fn every_field_that_is_asked_for_is_kept() {
        let kept: BTreeSet<_> =
            [column::selected(FIXED, "t"), column::selected(CHANGING, "t"), column::selected(PERSON, "p")]
                .iter()
                .flat_map(|names| names.split(", ").map(str::to_owned).collect::<Vec<_>>())
                .collect();
        for field in FIELDS.iter().filter(|field| field.scope == Scope::Ticket && !field.kind.is_set()) {
            assert!(field.sql.is_none_or(|sql| kept.contains(sql)), "no column keeps {}", field.name);
        }
    }
}
