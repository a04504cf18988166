//! Tickets, the people they belong to, and the links between them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    Store, StoreError, Tx,
    db::{Builder, Connection, Query, Row, query, query_scalar},
    stored, time, times, word, words,
    write_buffer::FieldRow,
};
use crate::desk::{CustomValue, Person, PostFacts, Status, Ticket, TicketId, XId, text::fold};
use crate::engine::minute;

/// What makes a ticket the only open one of its kind.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TicketKey {
    /// The connected account.
    pub account: XId,
    /// The conversation.
    pub conversation: String,
    /// The person.
    pub person: XId,
}

/// As much of a ticket as it takes to decide what belongs on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketHead {
    /// Its number.
    pub id: TicketId,
    /// How far it has come.
    pub status: Status,
    /// When it was closed.
    pub closed: Option<Timestamp>,
    /// The message that opened it.
    pub opened_by: XId,
    /// Whether it is of another conversation, and stands for one that was merged into it.
    pub merged: bool,
}

impl Store {
    /// A whole ticket.
    pub async fn ticket(&self, id: TicketId) -> Result<Option<Ticket>, StoreError> {
        let mut connection = self.reader.acquire().await?;
        ticket(&mut connection, id).await
    }

    /// The version of a ticket: every write raises it.
    pub async fn ticket_version(&self, id: TicketId) -> Result<i64, StoreError> {
        Ok(query_scalar("SELECT version FROM ticket WHERE id = $1").bind(id.0).fetch_one(&self.reader).await?)
    }

    /// How many messages were not imported into a ticket because it was full.
    pub async fn left_out(&self, id: TicketId) -> Result<i64, StoreError> {
        Ok(query_scalar("SELECT not_imported FROM ticket WHERE id = $1").bind(id.0).fetch_one(&self.reader).await?)
    }

    /// The tickets a ticket is linked with, and why.
    pub async fn links(&self, id: TicketId) -> Result<Vec<(TicketId, String)>, StoreError> {
        let rows = query(
            "SELECT CASE WHEN one = $1 THEN other ELSE one END AS linked, why FROM ticket_link
             WHERE one = $1 OR other = $1 ORDER BY linked",
        )
        .bind(id.0)
        .fetch_all(&self.reader)
        .await?;
        rows.iter().map(|row| Ok((TicketId(row.try_get(0)?), row.try_get(1)?))).collect()
    }
}

impl Tx {
    /// A whole ticket.
    pub async fn ticket(&mut self, id: TicketId) -> Result<Option<Ticket>, StoreError> {
        if let Some(known) = self.cache.ticket(id) {
            return Ok(Some(known.clone()));
        }
        let found = ticket(&mut self.conn, id).await?;
        if let Some(ticket) = &found {
            self.cache.keep_ticket(ticket.clone());
        }
        Ok(found)
    }

    /// The version of a ticket: every write raises it.
    pub async fn ticket_version(&mut self, id: TicketId) -> Result<i64, StoreError> {
        if let Some(version) = self.cache.ticket_version(id) {
            return Ok(version);
        }
        let version = query_scalar("SELECT version FROM ticket WHERE id = $1");
        let version = version.bind(id.0).fetch_one(&mut self.conn).await?;
        self.cache.keep_ticket_version(id, version);
        Ok(version)
    }

    /// The tickets of a person in a conversation, oldest first, each with its account. Of each account, at most one of
    /// them is not closed.
    pub async fn tickets_of(&mut self, conversation: &str, person: &XId) -> Result<Vec<(XId, TicketHead)>, StoreError> {
        let rows = query(
            // One that was merged into another stands for that one. The accounts are few, and come first.
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

    /// The number of the next ticket: nobody else opens one meanwhile, and none is ever removed.
    pub async fn next_ticket(&mut self) -> Result<TicketId, StoreError> {
        let next = match self.cache.last_ticket {
            Some(last) => last + 1,
            None => {
                let next = query_scalar("SELECT coalesce(max(id), 0) + 1 FROM ticket");
                next.fetch_one(&mut self.conn).await?
            }
        };
        self.cache.last_ticket = Some(next);
        Ok(TicketId(next))
    }

    /// Opens a ticket that has its number. Automations look at it as of `since`, and from then on.
    pub async fn open(
        &mut self,
        ticket: &Ticket,
        key: &TicketKey,
        opened_by: &XId,
        since: Timestamp,
    ) -> Result<(), StoreError> {
        let known = ticket.requester.id.as_ref().and_then(|id| self.cache.person(id)?);
        let requester = match known.filter(|(_, person)| *person == ticket.requester) {
            Some((number, _)) => *number,
            None => self.put_person(&ticket.requester).await?,
        };
        let query = query(
            "INSERT INTO ticket (account, brand, status, priority, type, subject, subject_folded, description,
               description_folded, group_name, assignee, language, language_folded, post_likes, post_reposts,
               post_replies, post_has_media, post_is_reply, replies, reopens, agent_touches, comments, created, updated,
               solved, assigned, due, snoozed, requester_updated, first_reply, latest_comment, latest_public_comment,
               closed, next_check_at, id, key_account, key_conversation, key_person, opened_by, requester, channel)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
               $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39, $40, $41)",
        );
        bind(query, ticket, since)
            .bind(ticket.id.0)
            .bind(key.account.as_str())
            .bind(&key.conversation)
            .bind(key.person.as_str())
            .bind(opened_by.as_str())
            .bind(requester)
            .bind(ticket.channel.as_str())
            .execute(&mut self.conn)
            .await?;
        self.save_sets(&Ticket::default(), ticket).await?;
        self.cache.keep_ticket_version(ticket.id, 1);
        self.cache.keep_ticket(as_stored(ticket.clone()));
        Ok(())
    }

    /// Notes that an older message than was known opened a ticket.
    pub async fn opened_by(&mut self, id: TicketId, post: &XId) -> Result<(), StoreError> {
        query("UPDATE ticket SET opened_by = $1 WHERE id = $2")
            .bind(post.as_str())
            .bind(id.0)
            .execute(&mut self.conn)
            .await?;
        Ok(())
    }

    /// Whether a ticket was opened by this message.
    pub async fn is_opened_by(&mut self, id: TicketId, post: &XId) -> Result<bool, StoreError> {
        let opener: Option<String> =
            query_scalar("SELECT opened_by FROM ticket WHERE id = $1").bind(id.0).fetch_one(&mut self.conn).await?;
        Ok(opener.as_deref() == Some(post.as_str()))
    }

    /// Counts a message that was not imported, because the ticket has as many as it takes.
    pub async fn not_imported(&mut self, id: TicketId) -> Result<(), StoreError> {
        query("UPDATE ticket SET not_imported = not_imported + 1, version = version + 1 WHERE id = $1")
            .bind(id.0)
            .execute(&mut self.conn)
            .await?;
        self.cache.raise_ticket_version(id);
        Ok(())
    }

    /// Writes a ticket as it is now, except its requester, its channel and what makes its key. As something happened
    /// to it, automations look at it on the next whole minute.
    pub async fn save(&mut self, ticket: &Ticket, now: Timestamp) -> Result<(), StoreError> {
        let Some(before) = self.ticket(ticket.id).await? else { return Ok(()) };
        let query = query(
            "UPDATE ticket SET version = version + 1, account = $1, brand = $2, status = $3, priority = $4, type = $5, subject = $6,
               subject_folded = $7, description = $8, description_folded = $9, group_name = $10, assignee = $11,
               language = $12, language_folded = $13, post_likes = $14, post_reposts = $15, post_replies = $16,
               post_has_media = $17, post_is_reply = $18, replies = $19, reopens = $20, agent_touches = $21,
               comments = $22, created = $23, updated = $24, solved = $25, assigned = $26, due = $27, snoozed = $28,
               requester_updated = $29, first_reply = $30, latest_comment = $31, latest_public_comment = $32,
               closed = CASE WHEN $33 IS NULL THEN NULL ELSE coalesce(closed, $33) END,
               next_check_at = CASE WHEN next_check_at < $34 THEN next_check_at ELSE $34 END
             WHERE id = $35",
        );
        bind(query, ticket, now).bind(ticket.id.0).execute(&mut self.conn).await?;
        self.save_sets(&before, ticket).await?;
        self.cache.raise_ticket_version(ticket.id);
        let kept = Ticket { requester: before.requester, channel: before.channel, ..ticket.clone() };
        self.cache.keep_ticket(as_stored(kept));
        Ok(())
    }

    /// Writes what is different in tags, hashtags and declared fields: what is gone now, and the rest later.
    async fn save_sets(&mut self, before: &Ticket, ticket: &Ticket) -> Result<(), StoreError> {
        let id = ticket.id.0;
        let tags = before.tags.difference(&ticket.tags);
        let hashtags = before.post.hashtags.difference(&ticket.post.hashtags);
        let fields = before.custom.iter().filter(|(name, value)| ticket.custom.get(*name) != Some(*value));
        let gone: Vec<_> = tags
            .map(|tag| ("DELETE FROM ticket_tag WHERE ticket = $1 AND tag = $2", tag))
            .chain(hashtags.map(|tag| ("DELETE FROM ticket_hashtag WHERE ticket = $1 AND tag = $2", tag)))
            .chain(fields.map(|(name, _)| ("DELETE FROM ticket_field WHERE ticket = $1 AND name = $2", name)))
            .collect();
        if !gone.is_empty() {
            self.flush().await?;
        }
        for (delete, what) in gone {
            query(delete).bind(id).bind(what).execute(&mut self.conn).await?;
        }
        let new = |tags: &BTreeSet<String>, before: &BTreeSet<String>| -> Vec<_> {
            tags.difference(before).map(|tag| (id, tag.clone())).collect()
        };
        self.buffer.tags.extend(new(&ticket.tags, &before.tags));
        self.buffer.hashtags.extend(new(&ticket.post.hashtags, &before.post.hashtags));
        let fields = ticket.custom.iter().filter(|(name, value)| before.custom.get(*name) != Some(*value));
        self.buffer.fields.extend(fields.map(|(name, value)| {
            let (kind, number, text) = match value {
                CustomValue::YesNo(yes) => ("yes_no", Some(i64::from(*yes)), None),
                CustomValue::Number(number) => ("number", Some(*number), None),
                CustomValue::Text(text) => ("text", None, Some(text.clone())),
            };
            let folded = text.as_deref().map(|text| fold(text).into_owned());
            FieldRow { ticket: id, name: name.clone(), kind, number, text, folded }
        }));
        Ok(())
    }

    /// Links two tickets. Returns whether that is new.
    pub async fn link(&mut self, a: TicketId, b: TicketId, why: &str) -> Result<bool, StoreError> {
        if a == b {
            return Ok(false);
        }
        let done = query("INSERT INTO ticket_link (one, other, why) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
            .bind(a.min(b).0)
            .bind(a.max(b).0)
            .bind(why)
            .execute(&mut self.conn)
            .await?;
        Ok(done > 0)
    }

    /// A person, by X's id.
    pub async fn person(&mut self, id: &XId) -> Result<Option<Person>, StoreError> {
        if let Some(known) = self.cache.person(id) {
            return Ok(known.map(|(_, person)| person.clone()));
        }
        let row = query("SELECT p.*, p.x_id AS p_x_id FROM person p WHERE x_id = $1")
            .bind(id.as_str())
            .fetch_optional(&mut self.conn)
            .await?;
        let Some(row) = row else {
            self.cache.nobody(id);
            return Ok(None);
        };
        let found = person(&row, "")?;
        self.cache.keep_person(row.try_get("id")?, &found);
        Ok(Some(found))
    }

    /// Writes a person as known now, and returns the store's number.
    pub(super) async fn put_person(&mut self, person: &Person) -> Result<i64, StoreError> {
        let folded = |text: &Option<String>| text.as_deref().map(|t| fold(t).into_owned());
        let number = query_scalar(
            "INSERT INTO person (x_id, handle, handle_folded, name, name_folded, email, email_folded, language,
               language_folded, location, location_folded, joined, followers, following, tweets, listed, verified, verified_type)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
             ON CONFLICT (x_id) DO UPDATE SET handle = excluded.handle, handle_folded = excluded.handle_folded,
               name = excluded.name, name_folded = excluded.name_folded, email = excluded.email,
               email_folded = excluded.email_folded, language = excluded.language,
               language_folded = excluded.language_folded, location = excluded.location,
               location_folded = excluded.location_folded, joined = excluded.joined, followers = excluded.followers,
               following = excluded.following, tweets = excluded.tweets, listed = excluded.listed,
               verified = excluded.verified, verified_type = excluded.verified_type
             RETURNING id",
        )
        .bind(person.id.as_ref().map(XId::as_str))
        .bind(&person.handle)
        .bind(folded(&person.handle))
        .bind(&person.name)
        .bind(folded(&person.name))
        .bind(&person.email)
        .bind(folded(&person.email))
        .bind(&person.language)
        .bind(folded(&person.language))
        .bind(&person.location)
        .bind(folded(&person.location))
        .bind(person.joined.map(Timestamp::as_millisecond))
        .bind(person.followers)
        .bind(person.following)
        .bind(person.tweets)
        .bind(person.listed)
        .bind(person.verified.map(i64::from))
        .bind(person.verified_type.map(|v| v.as_str()))
        .fetch_one(&mut self.conn)
        .await?;
        self.cache.keep_person(number, &Person { joined: person.joined.map(stored), ..person.clone() });
        Ok(number)
    }
}

/// Binds everything about a ticket that [`Tx::save`] writes, from `$1` to `$34`.
fn bind<'q>(query: Query<'q>, ticket: &'q Ticket, now: Timestamp) -> Query<'q> {
    let is_closed = ticket.status == Status::Closed;
    query
        .bind(&ticket.account)
        .bind(&ticket.brand)
        .bind(ticket.status.as_str())
        .bind(ticket.priority.map(|p| p.as_str()))
        .bind(ticket.kind.map(|k| k.as_str()))
        .bind(&ticket.subject)
        .bind(fold(&ticket.subject).into_owned())
        .bind(&ticket.description)
        .bind(fold(&ticket.description).into_owned())
        .bind(&ticket.group)
        .bind(&ticket.assignee)
        .bind(&ticket.language)
        .bind(ticket.language.as_deref().map(|l| fold(l).into_owned()))
        .bind(ticket.post.likes)
        .bind(ticket.post.reposts)
        .bind(ticket.post.replies)
        .bind(i64::from(ticket.post.has_media))
        .bind(i64::from(ticket.post.is_reply))
        .bind(ticket.replies)
        .bind(ticket.reopens)
        .bind(ticket.agent_touches)
        .bind(ticket.comments)
        .bind(ticket.created.as_millisecond())
        .bind(ticket.updated.as_millisecond())
        .bind(ticket.solved.map(Timestamp::as_millisecond))
        .bind(ticket.assigned.map(Timestamp::as_millisecond))
        .bind(ticket.due.map(Timestamp::as_millisecond))
        .bind(ticket.snoozed.map(Timestamp::as_millisecond))
        .bind(ticket.requester_updated.map(Timestamp::as_millisecond))
        .bind(ticket.first_reply.map(Timestamp::as_millisecond))
        .bind(&ticket.latest_comment)
        .bind(&ticket.latest_public_comment)
        .bind(is_closed.then(|| ticket.updated.as_millisecond()))
        .bind((!is_closed).then(|| minute(now).as_millisecond()))
}

/// A ticket as it reads when it comes back.
fn as_stored(ticket: Ticket) -> Ticket {
    Ticket {
        created: stored(ticket.created),
        updated: stored(ticket.updated),
        solved: ticket.solved.map(stored),
        assigned: ticket.assigned.map(stored),
        due: ticket.due.map(stored),
        snoozed: ticket.snoozed.map(stored),
        requester_updated: ticket.requester_updated.map(stored),
        first_reply: ticket.first_reply.map(stored),
        ..ticket
    }
}

const TICKET: &str = "SELECT t.*, p.x_id AS p_x_id, p.handle AS p_handle, p.name AS p_name, p.email AS p_email,
    p.language AS p_language, p.location AS p_location, p.joined AS p_joined, p.followers AS p_followers,
    p.following AS p_following, p.tweets AS p_tweets, p.listed AS p_listed, p.verified AS p_verified,
    p.verified_type AS p_verified_type
  FROM ticket t JOIN person p ON p.id = t.requester WHERE t.id";

async fn ticket(connection: &mut Connection, id: TicketId) -> Result<Option<Ticket>, StoreError> {
    Ok(tickets(connection, &[id.0]).await?.pop())
}

/// Whole tickets, in the order of these numbers.
pub(super) async fn tickets(connection: &mut Connection, ids: &[i64]) -> Result<Vec<Ticket>, StoreError> {
    let mut found: BTreeMap<i64, Ticket> = BTreeMap::new();
    for row in among(connection, &[TICKET], ids).fetch_all(&mut *connection).await? {
        found.insert(row.try_get("id")?, read(&row)?);
    }
    for row in among(connection, SETS, ids).fetch_all(&mut *connection).await? {
        let Some(ticket) = found.get_mut(&row.try_get("ticket")?) else { continue };
        match row.try_get("kind")? {
            "tag" => ticket.tags.extend([row.try_get("name")?]),
            "hashtag" => ticket.post.hashtags.extend([row.try_get("name")?]),
            _ => ticket.custom.extend([custom(&row)?]),
        }
    }
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// Tags, hashtags and declared fields: three tables, and one statement.
const SETS: &[&str] = &[
    "SELECT ticket, 'tag' AS kind, tag AS name, CAST(NULL AS BIGINT) AS number, NULL AS text FROM ticket_tag WHERE ticket",
    " UNION ALL SELECT ticket, 'hashtag', tag, CAST(NULL AS BIGINT), NULL FROM ticket_hashtag WHERE ticket",
    " UNION ALL SELECT ticket, kind, name, number, text FROM ticket_field WHERE ticket",
];

/// A statement of these parts, each about the tickets of a list.
fn among<'q>(connection: &Connection, parts: &[&str], ids: &'q [i64]) -> Query<'q> {
    let mut statement = Builder::new(connection.dialect(), "");
    for part in parts {
        statement.push(part).push_in_numbers(ids);
    }
    statement.build()
}

fn custom(row: &Row) -> Result<(String, CustomValue), StoreError> {
    let value = match row.try_get("kind")? {
        "yes_no" => CustomValue::YesNo(row.try_get::<i64, _>("number")? != 0),
        "number" => CustomValue::Number(row.try_get("number")?),
        _ => CustomValue::Text(row.try_get("text")?),
    };
    Ok((row.try_get("name")?, value))
}

fn read(row: &Row) -> Result<Ticket, StoreError> {
    Ok(Ticket {
        id: TicketId(row.try_get("id")?),
        channel: word(row.try_get("channel")?)?,
        account: row.try_get("account")?,
        brand: row.try_get("brand")?,
        status: word(row.try_get("status")?)?,
        priority: words(row.try_get("priority")?)?,
        kind: words(row.try_get("type")?)?,
        subject: row.try_get("subject")?,
        description: row.try_get("description")?,
        tags: BTreeSet::new(),
        group: row.try_get("group_name")?,
        assignee: row.try_get("assignee")?,
        requester: person(row, "p_")?,
        language: row.try_get("language")?,
        post: PostFacts {
            likes: row.try_get("post_likes")?,
            reposts: row.try_get("post_reposts")?,
            replies: row.try_get("post_replies")?,
            has_media: row.try_get::<i64, _>("post_has_media")? != 0,
            is_reply: row.try_get::<i64, _>("post_is_reply")? != 0,
            hashtags: BTreeSet::new(),
        },
        replies: row.try_get("replies")?,
        reopens: row.try_get("reopens")?,
        agent_touches: row.try_get("agent_touches")?,
        comments: row.try_get("comments")?,
        created: time(row.try_get("created")?)?,
        updated: time(row.try_get("updated")?)?,
        solved: times(row.try_get("solved")?)?,
        assigned: times(row.try_get("assigned")?)?,
        due: times(row.try_get("due")?)?,
        snoozed: times(row.try_get("snoozed")?)?,
        requester_updated: times(row.try_get("requester_updated")?)?,
        first_reply: times(row.try_get("first_reply")?)?,
        latest_comment: row.try_get("latest_comment")?,
        latest_public_comment: row.try_get("latest_public_comment")?,
        custom: BTreeMap::new(),
    })
}

/// A person from columns whose names start with `prefix`.
pub(super) fn person(row: &Row, prefix: &str) -> Result<Person, StoreError> {
    let column = |name: &str| format!("{prefix}{name}");
    Ok(Person {
        id: words(row.try_get("p_x_id")?)?,
        handle: row.try_get(column("handle").as_str())?,
        name: row.try_get(column("name").as_str())?,
        email: row.try_get(column("email").as_str())?,
        language: row.try_get(column("language").as_str())?,
        location: row.try_get(column("location").as_str())?,
        joined: times(row.try_get(column("joined").as_str())?)?,
        followers: row.try_get(column("followers").as_str())?,
        following: row.try_get(column("following").as_str())?,
        tweets: row.try_get(column("tweets").as_str())?,
        listed: row.try_get(column("listed").as_str())?,
        verified: row.try_get::<Option<i64>, _>(column("verified").as_str())?.map(|v| v != 0),
        verified_type: words(row.try_get(column("verified_type").as_str())?)?,
    })
}
