//! What is to be sent, each thing under its own key.

use jiff::Timestamp;

use super::{
    Store, StoreError, StoredPost, Tx,
    db::{Connection, query, query_scalar},
    time, times, word, words,
    write_buffer::OutboxRow,
};
use crate::{
    desk::{Actor, Destination, Effect, Reason, ReasonKind, TicketId, XId, post_text::is_same_post},
    engine::minute,
};

/// Something to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Its key: the same key is the same thing, and is sent once.
    pub key: String,
    /// The ticket it is about; `None` where it is about an account.
    pub ticket: Option<TicketId>,
    /// Who asked for it.
    pub by: Actor,
    /// What to send.
    pub effect: Effect,
    /// Where to.
    pub destination: Destination,
    /// The comment that a reply answers.
    pub answers: Option<i64>,
    /// The key of the part of the same reply before this one.
    pub follows: Option<String>,
    /// When it was asked for.
    pub made: Timestamp,
    /// Not before this.
    pub due: Timestamp,
}

/// Something on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxItem {
    /// The store's number for it.
    pub id: i64,
    /// Its key.
    pub key: String,
    /// The ticket it is about.
    pub ticket: Option<TicketId>,
    /// The rule that asked for it.
    pub rule: Option<String>,
    /// What to send.
    pub effect: Effect,
    /// Where to.
    pub destination: Destination,
    /// The comment that a reply answers.
    pub answers: Option<i64>,
    /// The key of the part of the same reply before this one.
    pub follows: Option<String>,
    /// How often it was sent, this time included.
    pub sends: i64,
    /// How often it was looked up since it was last sent, this time included.
    pub lookups: i64,
    /// Whether the last send may have arrived: this time it is looked up, else sent.
    pub possibly_sent: bool,
    /// How many sends may have arrived when their answers were lost.
    pub answers_lost: i64,
    /// When it was first sent.
    pub first_send: Timestamp,
}

/// What becomes of something that did not arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It is sent at a time.
    Send(Timestamp),
    /// It may have arrived, and is looked up at a time.
    LookUp(Timestamp),
    /// It waits as if this time had not been.
    Wait,
    /// Nothing: it was refused.
    Refused,
    /// Nothing: nobody knows whether it arrived.
    Unknown,
}

/// What became of something that was to be sent.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct DeliveryStatus {
    /// The store's number for it.
    pub id: i64,
    /// The rule that asked for it; `None` for a person.
    pub rule: Option<String>,
    /// Who asked for it.
    pub by: Actor,
    /// What it is.
    #[serde(flatten)]
    pub effect: Effect,
    /// `waiting`, `sending`, `sent`, `refused`, `unknown` or `withdrawn`.
    pub state: String,
    /// What kind of reason there is that it is not sent.
    pub reason_kind: Option<ReasonKind>,
    /// Why it is not sent, in words, X's own where X says so.
    pub reason: Option<String>,
    /// When it was sent.
    pub sent: Option<Timestamp>,
}

/// The part of a reply before another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierPart {
    /// What became of it.
    pub state: String,
    /// Why it is not sent.
    pub reason: Option<String>,
    /// The comment that shows it.
    pub shown: Option<i64>,
}

/// How many replies rules sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RepliesSince {
    /// To one person.
    pub to_person: i64,
    /// From one account.
    pub from_account: i64,
}

impl Tx {
    /// Puts something into the outbox; a key that is there already is left alone.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub fn enqueue(&mut self, outgoing: &Outgoing) -> Result<(), StoreError> {
        let effect = serde_json::to_string(&outgoing.effect).map_err(|e| StoreError::Corrupt(e.to_string()))?;
        let kind = match outgoing.effect {
            Effect::Reply { .. } => "reply",
            Effect::Note { .. } => "note",
            Effect::Notify { .. } => "notify",
            Effect::Remind { .. } => "remind",
            Effect::Assign { .. } => "assign",
            Effect::Merge => "merge",
            Effect::Webhook { .. } => "webhook",
        };
        self.buffer.outbox.push(OutboxRow {
            key: outgoing.key.clone(),
            ticket: outgoing.ticket.map(|ticket| ticket.0),
            rule: match &outgoing.by {
                Actor::Rule(title) => Some(title.clone()),
                _ => None,
            },
            actor: outgoing.by.to_string(),
            kind,
            effect,
            destination: outgoing.destination.to_string(),
            answers: outgoing.answers,
            follows: outgoing.follows.clone(),
            made: outgoing.made.as_millisecond(),
            due: outgoing.due.as_millisecond(),
        });
        Ok(())
    }

    /// Writes down something that has been carried out in this very transaction, and what came of it.
    pub async fn carried_out(&mut self, outgoing: &Outgoing, outcome: &str) -> Result<(), StoreError> {
        self.enqueue(outgoing)?;
        self.flush().await?;
        query("UPDATE outbox SET state = 'sent', sent = due, reason = $2 WHERE key = $1")
            .bind(&outgoing.key)
            .bind(outcome)
            .execute(&mut self.conn)
            .await?;
        Ok(())
    }

    /// Adds an item to the outbox as refused, with the reason why it cannot be carried out.
    pub async fn refused(&mut self, outgoing: &Outgoing, reason: &Reason) -> Result<(), StoreError> {
        self.enqueue(outgoing)?;
        self.flush().await?;
        query("UPDATE outbox SET state = 'refused', reason_kind = $2, reason = $3 WHERE key = $1")
            .bind(&outgoing.key)
            .bind(reason.kind.as_str())
            .bind(&reason.words)
            .execute(&mut self.conn)
            .await?;
        Ok(())
    }

    /// Whether a message of an account is the end of something in the outbox.
    pub async fn is_accounted_for(&mut self, id: &XId) -> Result<bool, StoreError> {
        // What is written later has not left yet.
        accounted_for(&mut self.conn, id).await
    }

    /// The reply that an own post is, where Twite sent it and does not know that it arrived: an answer was lost, or is not
    /// here yet. With its ticket, and whether the answer was lost.
    pub async fn echo_of(
        &mut self,
        account: &XId,
        post: &StoredPost,
    ) -> Result<Option<(i64, TicketId, bool)>, StoreError> {
        let rows = query(
            "SELECT o.id, o.effect, o.ticket, o.state FROM outbox o
             JOIN comment c ON c.id = o.answers JOIN ticket t ON t.id = o.ticket
             WHERE o.kind = 'reply' AND o.state <> 'sent' AND (o.state = 'sending' OR o.answers_lost > 0)
               AND t.key_account = $1 AND (c.x_id = $2 OR c.with_id = $3) ORDER BY o.id",
        )
        .bind(account.as_str())
        .bind(post.replied_to.as_ref().map(XId::as_str))
        .bind(post.direct_with.as_ref().map(XId::as_str))
        .fetch_all(&mut self.conn)
        .await?;
        for row in rows {
            let effect: Effect =
                serde_json::from_str(row.try_get(1)?).map_err(|e| StoreError::Corrupt(e.to_string()))?;
            if matches!(&effect, Effect::Reply { text } if is_same_post(text, &post.text)) {
                let was_lost = row.try_get::<String, _>(3)? != "sending";
                return Ok(Some((row.try_get(0)?, TicketId(row.try_get(2)?), was_lost)));
            }
        }
        Ok(None)
    }

    /// Notes that something arrived. A reply becomes a comment of its ticket under X's id, so that its echo is
    /// known; where the echo came first, that comment stands for it.
    pub async fn sent(&mut self, id: i64, x_id: Option<&XId>, now: Timestamp) -> Result<(), StoreError> {
        self.flush().await?;
        query("UPDATE outbox SET state = 'sent', sent = $2, x_id = $3, possibly_sent = 0, reason_kind = NULL, reason = NULL
             WHERE id = $1")
            .bind(id)
            .bind(now.as_millisecond())
            .bind(x_id.map(XId::as_str))
            .execute(&mut self.conn)
            .await?;
        let Some(x_id) = x_id else { return Ok(()) };
        let row = query(
            "SELECT o.ticket, o.effect, o.rule, c.kind, c.with_id, t.key_account, o.actor FROM outbox o
             JOIN comment c ON c.id = o.answers JOIN ticket t ON t.id = o.ticket WHERE o.id = $1",
        )
        .bind(id)
        .fetch_optional(&mut self.conn)
        .await?;
        let Some(row) = row else { return Ok(()) };
        let effect: Effect = serde_json::from_str(row.try_get(1)?).map_err(|e| StoreError::Corrupt(e.to_string()))?;
        let Effect::Reply { text } = effect else { return Ok(()) };
        let ticket: i64 = row.try_get(0)?;
        let by_rule = row.try_get::<Option<String>, _>(2)?.is_some();
        let comment: i64 = query_scalar(
            "INSERT INTO comment (ticket, kind, x_id, with_id, author, author_id, text, made, actor, delivery)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'sent')
             ON CONFLICT (ticket, x_id) DO UPDATE
               SET delivery = 'sent', author = excluded.author, actor = excluded.actor RETURNING id",
        )
        .bind(ticket)
        .bind(row.try_get::<String, _>(3)?)
        .bind(x_id.as_str())
        .bind(row.try_get::<Option<String>, _>(4)?)
        .bind(if by_rule { "rule" } else { "agent" })
        .bind(row.try_get::<Option<String>, _>(5)?)
        .bind(&text)
        .bind(now.as_millisecond())
        .bind(row.try_get::<String, _>(6)?)
        .fetch_one(&mut self.conn)
        .await?;
        query("UPDATE outbox SET shown = $2 WHERE id = $1").bind(id).bind(comment).execute(&mut self.conn).await?;
        query(
            "UPDATE ticket SET version = version + 1, comments = comments + $3, latest_comment = $2, latest_public_comment = $2,
               next_check_at = CASE WHEN status = 'closed' THEN NULL WHEN next_check_at < $4 THEN next_check_at ELSE $4 END
             WHERE id = $1",
        )
        .bind(ticket)
        .bind(&text)
        // What an agent says was counted when it was said.
        .bind(i64::from(by_rule))
        .bind(minute(now).as_millisecond())
        .execute(&mut self.conn)
        .await?;
        self.cache.forget_ticket(TicketId(ticket));
        // It may have been taken for lost, and what it was said to count for taken back.
        self.recount_for(id, now).await
    }
}

impl Store {
    /// Where something waits to be sent, with when the first of it is due.
    pub async fn destinations(&self) -> Result<Vec<(Destination, Timestamp)>, StoreError> {
        let rows = query(
            "SELECT destination, min(due) FROM outbox WHERE state = 'waiting' GROUP BY destination ORDER BY 2, 1",
        )
        .fetch_all(&self.reader)
        .await?;
        rows.iter().map(|row| Ok((word(row.try_get(0)?)?, time(row.try_get(1)?)?))).collect()
    }

    /// Claims the next thing that is due for a destination: from now on it counts as on its way, whatever happens to this
    /// process. A later reply on a ticket waits for the earlier one, as does whatever else goes to the same
    /// destination for the same ticket.
    pub async fn claim(&self, destination: &Destination, now: Timestamp) -> Result<Option<OutboxItem>, StoreError> {
        let mut tx = self.begin().await?;
        let next = query_scalar::<i64>(
            "SELECT o.id FROM outbox o WHERE o.state = 'waiting' AND o.destination = $2 AND o.due <= $1
               AND NOT EXISTS (SELECT 1 FROM outbox e WHERE e.ticket = o.ticket AND e.id < o.id
                                 AND e.state IN ('waiting', 'sending') AND e.kind <> 'remind'
                                 AND (e.destination = o.destination OR e.kind = 'reply' AND o.kind = 'reply'))
             ORDER BY o.due, o.id LIMIT 1",
        )
        .bind(now.as_millisecond())
        .bind(destination.to_string())
        .skip_locked("o")
        .fetch_optional(&mut tx.conn)
        .await?;
        let Some(next) = next else {
            tx.commit().await?;
            return Ok(None);
        };
        let row = query(
            "UPDATE outbox SET state = 'sending', sends = sends + 1 - possibly_sent, lookups = lookups + possibly_sent,
               first_send = coalesce(first_send, $1) WHERE id = $2
             RETURNING id, key, ticket, rule, effect, destination, answers, follows, sends, lookups, possibly_sent,
               answers_lost, first_send",
        )
        .bind(now.as_millisecond())
        .bind(next)
        .fetch_optional(&mut tx.conn)
        .await?;
        tx.commit().await?;
        row.map(|row| {
            Ok(OutboxItem {
                id: row.try_get("id")?,
                key: row.try_get("key")?,
                ticket: row.try_get::<Option<i64>, _>("ticket")?.map(TicketId),
                rule: row.try_get("rule")?,
                effect: serde_json::from_str(row.try_get("effect")?).map_err(|e| StoreError::Corrupt(e.to_string()))?,
                destination: word(row.try_get("destination")?)?,
                answers: row.try_get("answers")?,
                follows: row.try_get("follows")?,
                sends: row.try_get("sends")?,
                lookups: row.try_get("lookups")?,
                possibly_sent: row.try_get::<i64, _>("possibly_sent")? != 0,
                answers_lost: row.try_get("answers_lost")?,
                first_send: time(row.try_get("first_send")?)?,
            })
        })
        .transpose()
    }

    /// Crash recovery: `sending` becomes `waiting`. A reply may have arrived, and is looked up from a time on; mails and
    /// calls are sent again under the same key. Returns how many there were.
    pub async fn doubt_what_was_sending(&self, due: Timestamp) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let done = query(
            "UPDATE outbox SET state = 'waiting', due = $1,
               answers_lost = CASE WHEN kind = 'reply' THEN answers_lost + 1 - possibly_sent ELSE answers_lost END,
               possibly_sent = CASE WHEN kind = 'reply' THEN 1 ELSE 0 END
             WHERE state = 'sending'",
        )
        .bind(due.as_millisecond())
        .execute(&mut tx.conn)
        .await?;
        tx.commit().await?;
        Ok(done)
    }

    /// Whether a message of the account is the end of something in the outbox already.
    pub async fn is_accounted_for(&self, id: &XId) -> Result<bool, StoreError> {
        let mut connection = self.reader.acquire().await?;
        accounted_for(&mut connection, id).await
    }

    /// Notes that something arrived.
    pub async fn sent(&self, id: i64, x_id: Option<&XId>, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        tx.sent(id, x_id, now).await?;
        tx.commit().await
    }

    /// Notes that something did not arrive, and what becomes of it. What has arrived meanwhile stays so.
    pub async fn not_sent(
        &self,
        item: &OutboxItem,
        next: Next,
        reason: &Reason,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let looked = i64::from(item.possibly_sent);
        // The state, when it is due, whether the last send may have arrived, and which counts are taken back.
        let (state, due, possibly_sent, unsent, unlooked, lost) = match next {
            Next::Send(due) => ("waiting", Some(due), 0, 0, item.lookups, 0),
            Next::LookUp(due) => ("waiting", Some(due), 1, 0, 0, 1 - looked),
            Next::Wait => ("waiting", None, looked, 1 - looked, looked, 0),
            Next::Refused => ("refused", None, 0, 0, 0, 0),
            Next::Unknown => ("unknown", None, 0, 0, 0, 0),
        };
        let mut tx = self.begin().await?;
        query(
            "UPDATE outbox SET state = $2, due = coalesce($3, due), possibly_sent = $4, sends = sends - $5,
               lookups = lookups - $6, answers_lost = answers_lost + $7, reason_kind = $8, reason = $9
             WHERE id = $1 AND state = 'sending'",
        )
        .bind(item.id)
        .bind(state)
        .bind(due.map(Timestamp::as_millisecond))
        .bind(possibly_sent)
        .bind(unsent)
        .bind(unlooked)
        .bind(lost)
        .bind(reason.kind.as_str())
        .bind(&reason.words)
        .execute(&mut tx.conn)
        .await?;
        if next == Next::Refused {
            tx.recount_for(item.id, now).await?;
        }
        tx.commit().await
    }

    /// The part of a reply with a key.
    pub async fn earlier_part(&self, key: &str) -> Result<Option<EarlierPart>, StoreError> {
        let row = query("SELECT state, reason, shown FROM outbox WHERE key = $1")
            .bind(key)
            .fetch_optional(&self.reader)
            .await?;
        row.map(|row| {
            Ok(EarlierPart {
                state: row.try_get("state")?,
                reason: row.try_get("reason")?,
                shown: row.try_get("shown")?,
            })
        })
        .transpose()
    }

    /// Makes a reply answer another comment: the part before it.
    pub async fn answer_instead(&self, item: &OutboxItem, comment: i64) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        query("UPDATE outbox SET answers = $2 WHERE id = $1").bind(item.id).bind(comment).execute(&mut tx.conn).await?;
        tx.commit().await
    }

    /// All that was sent, or is to be, about a ticket, in order.
    pub async fn outgoing(&self, ticket: TicketId) -> Result<Vec<DeliveryStatus>, StoreError> {
        let rows = query(
            "SELECT id, rule, actor, effect, state, reason_kind, reason, sent FROM outbox WHERE ticket = $1 ORDER BY id",
        )
        .bind(ticket.0)
        .fetch_all(&self.reader)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(DeliveryStatus {
                    id: row.try_get("id")?,
                    rule: row.try_get("rule")?,
                    by: word(row.try_get("actor")?)?,
                    effect: serde_json::from_str(row.try_get("effect")?)
                        .map_err(|e| StoreError::Corrupt(e.to_string()))?,
                    state: row.try_get("state")?,
                    reason_kind: words(row.try_get("reason_kind")?)?,
                    reason: row.try_get("reason")?,
                    sent: times(row.try_get("sent")?)?,
                })
            })
            .collect()
    }

    /// When the next thing that waits is due.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        times(query_scalar("SELECT min(due) FROM outbox WHERE state = 'waiting'").fetch_one(&self.reader).await?)
    }

    /// How many replies rules sent, or are about to, since a time: to a person, and from an account.
    pub async fn replies_since(
        &self,
        since: Timestamp,
        handle: &str,
        person: Option<&XId>,
    ) -> Result<RepliesSince, StoreError> {
        let row = query(
            "SELECT count(CASE WHEN t.key_person = $3 THEN 1 END), count(*)
             FROM outbox o JOIN ticket t ON t.id = o.ticket
             WHERE o.kind = 'reply' AND o.rule IS NOT NULL AND t.account = $2
               AND (o.state = 'sent' AND o.sent > $1
                    -- What may have arrived counts as if it had.
                    OR (o.state = 'waiting' AND o.possibly_sent = 1 OR o.state IN ('unknown', 'withdrawn') AND o.answers_lost > 0)
                       AND o.first_send > $1)",
        )
        .bind(since.as_millisecond())
        .bind(handle)
        .bind(person.map(XId::as_str))
        .fetch_one(&self.reader)
        .await?;
        Ok(RepliesSince { to_person: row.try_get(0)?, from_account: row.try_get(1)? })
    }
}

async fn accounted_for(connection: &mut Connection, id: &XId) -> Result<bool, StoreError> {
    Ok(query_scalar::<i64>("SELECT count(*) FROM outbox WHERE x_id = $1")
        .bind(id.as_str())
        .fetch_one(connection)
        .await?
        > 0)
}
