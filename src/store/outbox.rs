//! The outbox: effects to be delivered, each with a unique idempotency key.

use jiff::Timestamp;

use super::{
    NewComment, Receiver, Store, StoreError, StoredPost, Tx,
    db::{Connection, query, query_scalar},
    number::Numbered,
    snapshot::{SeenTicket, Snapshot},
    ticket::ticket,
    time, times, word, words,
    write_buffer::OutboxRow,
};
use crate::{
    desk::{
        Actor, Author, CommentSource, Delivery, Destination, Effect, Reason, ReasonKind, SourceId, Ticket, TicketId,
        XId, post_text::is_same_post,
    },
    engine::minute,
};

/// An effect to be added to the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Its idempotency key, unique in this database and the same on every retry.
    pub key: String,
    /// Its ticket; `None` if it concerns an account.
    pub ticket: Option<TicketId>,
    /// Who caused it.
    pub by: Actor,
    /// The effect.
    pub effect: Effect,
    /// For a reply or message, the handle of the account from which it is sent; `None` if no account may send it.
    pub account: Option<String>,
    /// Its destination.
    pub destination: Destination,
    /// For a reply, the row id of the comment that it answers.
    pub answers: Option<i64>,
    /// For a reply in several parts, the key of the previous part.
    pub follows: Option<String>,
    /// When it was decided.
    pub made: Timestamp,
    /// The earliest time to send it.
    pub due: Timestamp,
}

/// An outbox item that was claimed for delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxItem {
    /// Its row id.
    pub id: i64,
    /// Its idempotency key.
    pub key: String,
    /// Its ticket.
    pub ticket: Option<TicketId>,
    /// The title of the rule that caused it.
    pub rule: Option<String>,
    /// The effect.
    pub effect: Effect,
    /// For a reply or message, the handle of the account from which it is sent; `None` if no account may send it.
    pub account: Option<String>,
    /// Its destination.
    pub destination: Destination,
    /// For a reply, the row id of the comment that it answers.
    pub answers: Option<i64>,
    /// For a reply in several parts, the key of the previous part.
    pub follows: Option<String>,
    /// The number of send attempts, including this one.
    pub sends: i64,
    /// The number of lookups at X since the last send attempt, including this one.
    pub lookups: i64,
    /// Whether the last send attempt may have succeeded. If so, this attempt is a lookup, else a send.
    pub possibly_sent: bool,
    /// The number of send attempts whose response was lost, so that they may have succeeded.
    pub answers_lost: i64,
    /// The time of the first send attempt.
    pub first_send: Timestamp,
}

/// The next state of an outbox item whose attempt did not deliver it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Sent again at this time.
    Send(Timestamp),
    /// May have been delivered: looked up at this time.
    LookUp(Timestamp),
    /// Waiting again; this attempt is not counted.
    Wait,
    /// Refused for good.
    Refused,
    /// Given up; whether it was delivered is unknown.
    Unknown,
}

/// The delivery state of an outbox item.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct DeliveryStatus {
    /// Its row id.
    pub id: i64,
    /// The row id of the decision it is from; `None` if no rule caused it.
    #[serde(skip)]
    pub decision: Option<i64>,
    /// The title of the rule that caused it; `None` if no rule did.
    pub rule: Option<String>,
    /// Who caused it.
    pub by: Actor,
    /// The effect.
    #[serde(flatten)]
    pub effect: Effect,
    /// `waiting`, `sending`, `sent`, `refused`, `unknown` or `withdrawn`.
    pub state: String,
    /// The kind of reason why it is not sent.
    pub reason_kind: Option<ReasonKind>,
    /// The reason why it is not sent, as given by X if it gave one.
    pub reason: Option<String>,
    /// When it was sent.
    pub sent: Option<Timestamp>,
}

/// The state of the previous part of a reply in several parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierPart {
    /// Its delivery state, as in [`DeliveryStatus::state`].
    pub state: String,
    /// The reason why it is not sent.
    pub reason: Option<String>,
    /// The row id of its comment on the ticket, once it is delivered.
    pub shown: Option<i64>,
}

/// An outbox item that appeared at X; see [`Tx::echo_of`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Echo {
    /// Its row id.
    pub item: i64,
    /// Its ticket.
    pub ticket: TicketId,
    /// Whether its response was lost.
    pub was_lost: bool,
    /// Whether it is a reply, rather than a message to somebody who wrote in public.
    pub is_reply: bool,
}

/// Numbers of replies sent by rules, see [`Store::replies_since`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RepliesSince {
    /// To one person.
    pub to_person: i64,
    /// From one account.
    pub from_account: i64,
}

impl Tx {
    /// Allocates a unique number for the key of the next effect.
    pub async fn next_effect(&mut self) -> Result<i64, StoreError> {
        self.next_number(Numbered::Effect).await
    }

    /// Adds an effect to the outbox.
    ///
    /// # Errors
    /// If the effect cannot be serialised. The commit fails if its key is there already.
    pub fn enqueue(&mut self, outgoing: &Outgoing) -> Result<(), StoreError> {
        let effect = serde_json::to_string(&outgoing.effect).map_err(|e| StoreError::Corrupt(e.to_string()))?;
        let kind = match outgoing.effect {
            Effect::Reply { .. } => "reply",
            Effect::Message { .. } => "message",
            Effect::Note { .. } => "note",
            Effect::Notify { .. } => "notify",
            Effect::Remind { .. } => "remind",
            Effect::Assign { .. } => "assign",
            Effect::Merge => "merge",
            Effect::Incident { .. } => "incident",
            Effect::AtX { .. } => "at_x",
            Effect::Webhook { .. } => "webhook",
        };
        self.conn.buffer.outbox.push(OutboxRow {
            key: outgoing.key.clone(),
            ticket: outgoing.ticket.map(|ticket| ticket.0),
            rule: match &outgoing.by {
                Actor::Rule(title) => Some(title.clone()),
                _ => None,
            },
            actor: outgoing.by.to_string(),
            kind,
            effect,
            account: outgoing.account.clone(),
            destination: outgoing.destination.to_string(),
            answers: outgoing.answers,
            follows: outgoing.follows.clone(),
            made: outgoing.made.as_millisecond(),
            due: outgoing.due.as_millisecond(),
            state: "waiting",
        });
        Ok(())
    }

    /// Adds an effect that this transaction has already carried out, as sent, with its outcome.
    pub async fn carried_out(&mut self, outgoing: &Outgoing, outcome: &str) -> Result<(), StoreError> {
        self.enqueue(outgoing)?;
        query("UPDATE outbox SET state = 'sent', sent = due, reason = $2 WHERE key = $1")
            .bind(&outgoing.key)
            .bind(outcome)
            .execute(&mut self.conn)
            .await?;
        Ok(())
    }

    /// Adds an effect that cannot be carried out, as refused, with the reason.
    pub async fn refused(&mut self, outgoing: &Outgoing, reason: &Reason) -> Result<(), StoreError> {
        self.enqueue(outgoing)?;
        query("UPDATE outbox SET state = 'refused', reason_kind = $2, reason = $3 WHERE key = $1")
            .bind(&outgoing.key)
            .bind(reason.kind.as_str())
            .bind(&reason.words)
            .execute(&mut self.conn)
            .await?;
        Ok(())
    }

    /// Whether this post or message is recorded as the delivery of a reply.
    pub async fn is_sent_reply(&mut self, id: &XId) -> Result<bool, StoreError> {
        let count = query_scalar::<i64>("SELECT count(*) FROM outbox WHERE x_id = $1 AND kind = 'reply'");
        // Buffered effects have not been sent yet.
        Ok(count.bind(id.as_str()).fetch_one(self.conn.past_buffer()).await? > 0)
    }

    /// Who caused the direct message with this id, which Twite sent to somebody who wrote in public, and from which ticket.
    pub async fn message_sent_as(&mut self, id: &XId) -> Result<Option<(Actor, TicketId)>, StoreError> {
        let row = query(
            "SELECT o.actor, coalesce(t.merged_into, t.id) AS ticket FROM outbox o JOIN ticket t ON t.id = o.ticket
             WHERE o.x_id = $1 AND o.kind = 'message'",
        );
        let row = row.bind(id.as_str()).fetch_optional(&mut self.conn).await?;
        row.map(|row| Ok((word(row.try_get("actor")?)?, TicketId(row.try_get("ticket")?)))).transpose()
    }

    /// The outbox item that appeared at X as this post or message by the account, recognised by text and target. Only
    /// those whose response was lost or is still pending are considered.
    pub async fn echo_of(&mut self, account: &XId, post: &StoredPost) -> Result<Option<Echo>, StoreError> {
        let rows = query(
            "SELECT o.id, o.effect, o.ticket, o.state, o.kind FROM outbox o
             JOIN account a ON lower(a.handle) = lower(o.account)
             LEFT JOIN comment c ON c.id = o.answers LEFT JOIN ticket t ON t.id = o.ticket
             WHERE o.kind IN ('reply', 'message') AND o.state <> 'sent' AND (o.state = 'sending' OR o.answers_lost > 0)
               AND a.x_id = $1 AND (o.kind = 'reply' AND (c.x_id = $2 OR c.with_id = $3)
                                    OR o.kind = 'message' AND t.key_person = $3) ORDER BY o.id",
        )
        .bind(account.as_str())
        .bind(post.replied_to.as_ref().map(XId::as_str))
        .bind(post.direct_with.as_ref().map(XId::as_str))
        // Buffered effects have not been sent yet.
        .fetch_all(self.conn.past_buffer())
        .await?;
        for row in rows {
            let effect: Effect =
                serde_json::from_str(row.try_get("effect")?).map_err(|e| StoreError::Corrupt(e.to_string()))?;
            if effect.said().is_some_and(|text| is_same_post(text, &post.text)) {
                return Ok(Some(Echo {
                    item: row.try_get("id")?,
                    ticket: TicketId(row.try_get("ticket")?),
                    was_lost: row.try_get::<String, _>("state")? != "sending",
                    is_reply: row.try_get::<String, _>("kind")? == "reply",
                }));
            }
        }
        Ok(None)
    }

    /// Records a delivery. A reply is added to its ticket as a comment with its X id, so that it is recognised when it
    /// is received from X. If it was received already, that comment is updated. `said` is the text that was sent, for the
    /// case that it was erased here meanwhile; `but` says whom it did not reach, and why.
    pub async fn sent(
        &mut self,
        id: i64,
        x_id: Option<&XId>,
        said: &str,
        but: Option<&str>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        query(
            "UPDATE outbox SET state = 'sent', sent = $2, x_id = $3, possibly_sent = 0, reason_kind = NULL, reason = $4
             WHERE id = $1",
        )
        .bind(id)
        .bind(now.as_millisecond())
        .bind(x_id.map(XId::as_str))
        .bind(but)
        .execute(&mut self.conn)
        .await?;
        let Some(x_id) = x_id else { return Ok(()) };
        let row = query(
            "SELECT o.ticket, o.effect, o.rule, o.actor, c.with_id,
               (SELECT min(a.x_id) FROM account a WHERE lower(a.handle) = lower(o.account)) AS sender
             FROM outbox o JOIN comment c ON c.id = o.answers WHERE o.id = $1",
        )
        .bind(id)
        .fetch_optional(&mut self.conn)
        .await?;
        let Some(row) = row else { return Ok(()) };
        let effect: Effect = serde_json::from_str(row.try_get(1)?).map_err(|e| StoreError::Corrupt(e.to_string()))?;
        let Effect::Reply { text, .. } = effect else { return Ok(()) };
        let text = if text.is_empty() { said.to_owned() } else { text };
        let ticket: i64 = row.try_get(0)?;
        let by_rule = row.try_get::<Option<String>, _>(2)?.is_some();
        let sent = NewComment {
            ticket: TicketId(ticket),
            source: match words(row.try_get(4)?)? {
                Some(with) => CommentSource::DirectMessage { id: x_id.clone(), with },
                None => CommentSource::Post { id: x_id.clone() },
            },
            author: if by_rule { Author::Rule } else { Author::Agent },
            actor: word(row.try_get("actor")?)?,
            author_id: words(row.try_get("sender")?)?,
            text,
            made: now,
            delivery: Delivery::Sent,
            rating: None,
        };
        let comment = self.add_sent(&sent).await?;
        query("UPDATE outbox SET shown = $2 WHERE id = $1").bind(id).bind(comment).execute(&mut self.conn).await?;
        query(
            "UPDATE ticket SET version = version + 1, comments = comments + $3, latest_comment = $2, latest_public_comment = $2,
               next_check_at = CASE WHEN status = 'closed' THEN NULL WHEN next_check_at < $4 THEN next_check_at ELSE $4 END
             WHERE id = $1",
        )
        .bind(ticket)
        .bind(&sent.text)
        // An agent's reply was counted when it was written.
        .bind(i64::from(by_rule))
        .bind(minute(now).as_millisecond())
        .execute(&mut self.conn)
        .await?;
        // The reply may have been recorded as not delivered, and so no longer be counted.
        self.recount_for(id, now).await
    }
}

impl Store {
    /// The destinations of waiting items, each with its earliest due time.
    pub async fn destinations(&self) -> Result<Vec<(Destination, Timestamp)>, StoreError> {
        let rows = query(
            "SELECT destination, min(due) FROM outbox WHERE state = 'waiting' GROUP BY destination ORDER BY 2, 1",
        )
        .fetch_all(&self.reader)
        .await?;
        rows.iter().map(|row| Ok((word(row.try_get(0)?)?, time(row.try_get(1)?)?))).collect()
    }

    /// Claims the next due item of a destination. The claim is committed first, so after a crash the item is still
    /// `sending`.
    ///
    /// An item waits until all earlier items of its ticket with the same destination have ended, a reply also for
    /// earlier replies to other destinations. Nothing waits for a reminder.
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
             RETURNING id, key, ticket, rule, effect, account, destination, answers, follows, sends, lookups, possibly_sent,
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
                account: row.try_get("account")?,
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

    /// Crash recovery: `sending` becomes `waiting`, due at `due`. A reply or message may have been delivered, and is looked up
    /// first; other effects are sent again with the same key. Returns the number of items.
    pub async fn doubt_what_was_sending(&self, due: Timestamp) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let done = query(
            "UPDATE outbox SET state = 'waiting', due = $1,
               answers_lost = CASE WHEN kind IN ('reply', 'message') THEN answers_lost + 1 - possibly_sent ELSE answers_lost END,
               possibly_sent = CASE WHEN kind IN ('reply', 'message') THEN 1 ELSE 0 END
             WHERE state = 'sending'",
        )
        .bind(due.as_millisecond())
        .execute(&mut tx.conn)
        .await?;
        tx.commit().await?;
        Ok(done)
    }

    /// Whether this post or message is recorded as the delivery of an outbox item.
    pub async fn is_accounted_for(&self, id: &XId) -> Result<bool, StoreError> {
        let mut connection = self.reader.acquire().await?;
        accounted_for(&mut connection, id).await
    }

    /// As [`Tx::sent`], in its own transaction. Does nothing if that is recorded already, as when it is repeated because the
    /// answer of the database was lost. Returns how often the destination failed before.
    pub async fn sent(
        &self,
        item: &OutboxItem,
        x_id: Option<&XId>,
        said: &str,
        but: Option<&str>,
        now: Timestamp,
    ) -> Result<Option<i64>, StoreError> {
        let mut tx = self.begin().await?;
        let state: String =
            query_scalar("SELECT state FROM outbox WHERE id = $1").bind(item.id).fetch_one(&mut tx.conn).await?;
        if state != "sent" {
            tx.sent(item.id, x_id, said, but, now).await?;
        }
        let mended = tx.works(&item.destination).await?;
        tx.commit().await?;
        Ok(mended)
    }

    /// Records an attempt that did not deliver an item, its next state, and what the attempt says of the destination. Does
    /// nothing if the item is no longer `sending`, such as after a delivery recorded meanwhile. Returns how often the
    /// destination failed before, if it works.
    pub async fn not_sent(
        &self,
        item: &OutboxItem,
        next: Next,
        reason: &Reason,
        receiver: &Receiver,
        now: Timestamp,
    ) -> Result<Option<i64>, StoreError> {
        let looked = i64::from(item.possibly_sent);
        // New state, due time and `possibly_sent`; then what to subtract from `sends` and `lookups`, and to add to
        // `answers_lost`.
        let (state, due, possibly_sent, unsent, unlooked, lost) = match next {
            Next::Send(due) => ("waiting", Some(due), 0, 0, item.lookups, 0),
            Next::LookUp(due) => ("waiting", Some(due), 1, 0, 0, 1 - looked),
            Next::Wait => ("waiting", None, looked, 1 - looked, looked, 0),
            Next::Refused => ("refused", None, 0, 0, 0, 0),
            Next::Unknown => ("unknown", None, 0, 0, 0, 0),
        };
        let mut tx = self.begin().await?;
        let done = query(
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
        let mended = match receiver {
            _ if done == 0 => None,
            Receiver::Works => tx.works(&item.destination).await?,
            Receiver::Fails(failing) => tx.fails(failing).await.map(|()| None)?,
            Receiver::Untried => None,
        };
        if matches!(next, Next::Refused | Next::Unknown) {
            tx.recount_for(item.id, now).await?;
            tx.forget_idle_destinations().await?;
        }
        tx.commit().await?;
        Ok(mended)
    }

    /// The ticket of an item.
    pub async fn ticket_of(&self, item: &OutboxItem) -> Result<Option<Ticket>, StoreError> {
        let Some(id) = item.ticket else { return Ok(None) };
        let mut connection = self.reader.acquire().await?;
        ticket(&mut connection, id).await
    }

    /// The tickets that have the conversation of an item's ticket: itself and, if it was merged, the one that took it over.
    pub async fn tickets_of(&self, item: &OutboxItem) -> Result<Vec<TicketId>, StoreError> {
        let ids: Vec<i64> = query_scalar(
            "SELECT id FROM ticket WHERE id = $1 OR id = (SELECT merged_into FROM ticket WHERE id = $1) ORDER BY id",
        )
        .bind(item.ticket.map(|id| id.0))
        .fetch_all(&self.reader)
        .await?;
        Ok(ids.into_iter().map(TicketId).collect())
    }

    /// The part of a reply with this key.
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

    /// Changes the comment that a reply answers, such as to the comment of its previous part.
    pub async fn answer_instead(&self, item: &OutboxItem, comment: i64) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        query("UPDATE outbox SET answers = $2 WHERE id = $1").bind(item.id).bind(comment).execute(&mut tx.conn).await?;
        tx.commit().await
    }

    /// The earliest due time of a waiting item.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        times(query_scalar("SELECT min(due) FROM outbox WHERE state = 'waiting'").fetch_one(&self.reader).await?)
    }

    /// Counts the replies and messages that rules sent, or may have sent, since a time: to a person, and from an account.
    pub async fn replies_since(
        &self,
        since: Timestamp,
        handle: &str,
        person: Option<&SourceId>,
    ) -> Result<RepliesSince, StoreError> {
        let row = query(
            "SELECT count(CASE WHEN t.key_person = $3 THEN 1 END), count(*)
             FROM outbox o JOIN ticket t ON t.id = o.ticket
             WHERE o.kind IN ('reply', 'message') AND o.rule IS NOT NULL AND lower(o.account) = lower($2)
               AND (o.state = 'sent' AND o.sent > $1
                    -- What may have arrived counts as if it had.
                    OR (o.state = 'waiting' AND o.possibly_sent = 1 OR o.state IN ('unknown', 'withdrawn') AND o.answers_lost > 0)
                       AND o.first_send > $1)",
        )
        .bind(since.as_millisecond())
        .bind(handle)
        .bind(person.map(SourceId::as_str))
        .fetch_one(&self.reader)
        .await?;
        Ok(RepliesSince { to_person: row.try_get(0)?, from_account: row.try_get(1)? })
    }

    /// Counts what rules did since a time at a destination.
    pub async fn actions_since(&self, since: Timestamp, destination: &Destination) -> Result<i64, StoreError> {
        let count = query_scalar(
            "SELECT count(*) FROM outbox
             WHERE kind = 'at_x' AND rule IS NOT NULL AND destination = $2 AND state = 'sent' AND sent > $1",
        );
        Ok(count.bind(since.as_millisecond()).bind(destination.to_string()).fetch_one(&self.reader).await?)
    }
}

impl Snapshot<'_> {
    /// All outbox items of a ticket, delivered or not, in the order of their ids.
    pub async fn outgoing(&mut self, ticket: &SeenTicket) -> Result<Vec<DeliveryStatus>, StoreError> {
        let rows = query(
            "SELECT id, key, rule, actor, effect, state, reason_kind, reason, sent FROM outbox WHERE ticket = $1 ORDER BY id",
        )
        .bind(ticket.id().0)
        .fetch_all(&mut self.conn)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(DeliveryStatus {
                    id: row.try_get("id")?,
                    decision: decision_of(row.try_get("key")?),
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
}

/// The decision in the key of one of its effects, `DECISION/NUMBER`.
fn decision_of(key: &str) -> Option<i64> {
    key.split_once('/')?.0.parse().ok()
}

async fn accounted_for(connection: &mut Connection, id: &XId) -> Result<bool, StoreError> {
    Ok(query_scalar::<i64>("SELECT count(*) FROM outbox WHERE x_id = $1")
        .bind(id.as_str())
        .fetch_one(connection)
        .await?
        > 0)
}
