//! What is to leave the house, each thing under its own key.

use jiff::Timestamp;
use sqlx::{Row as _, SqliteConnection};

use super::{KnownPost, Store, StoreError, Tx, later::Leaving, time, times};
use crate::{
    desk::{Effect, TicketId, XId, text::fold},
    engine::minute,
};

/// Something to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Its key: the same key is the same thing, and is sent once.
    pub key: String,
    /// The ticket it is about.
    pub ticket: TicketId,
    /// The rule that asked for it; `None` for a person.
    pub rule: Option<String>,
    /// What to send.
    pub effect: Effect,
    /// The comment that a reply answers.
    pub answers: Option<i64>,
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
    pub ticket: TicketId,
    /// The rule that asked for it.
    pub rule: Option<String>,
    /// What to send.
    pub effect: Effect,
    /// The comment that a reply answers.
    pub answers: Option<i64>,
    /// How often it was claimed, this time included.
    pub tries: i64,
    /// Whether an earlier try may have arrived.
    pub doubt: bool,
    /// When the first try that may have arrived began; without one, when this try began.
    pub claimed: Timestamp,
}

/// What became of something that was to leave the house.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Left {
    /// The rule that asked for it; `None` for a person.
    pub rule: Option<String>,
    /// What it is.
    #[serde(flatten)]
    pub effect: Effect,
    /// `waiting`, `sending`, `sent`, `refused` or `unknown`.
    pub state: String,
    /// Why it is not sent.
    pub reason: Option<String>,
    /// When it was sent.
    pub sent: Option<Timestamp>,
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
        self.2.outbox.push(Leaving {
            key: outgoing.key.clone(),
            ticket: outgoing.ticket.0,
            rule: outgoing.rule.clone(),
            kind,
            effect,
            answers: outgoing.answers,
            due: outgoing.due.as_millisecond(),
        });
        Ok(())
    }

    /// Writes down something that has been carried out in this very transaction, and what came of it.
    ///
    /// # Errors
    /// When the database says no.
    pub async fn carried_out(&mut self, outgoing: &Outgoing, outcome: &str) -> Result<(), StoreError> {
        self.enqueue(outgoing)?;
        self.write_now().await?;
        sqlx::query("UPDATE outbox SET state = 'sent', sent = due, reason = $2 WHERE key = $1")
            .bind(&outgoing.key)
            .bind(outcome)
            .execute(&mut *self.0)
            .await?;
        Ok(())
    }

    /// Whether a message of an account is the end of something in the outbox.
    ///
    /// # Errors
    /// When the database says no.
    pub async fn is_accounted_for(&mut self, id: &XId) -> Result<bool, StoreError> {
        // What is written later has not left yet.
        accounted_for(&mut self.0, id).await
    }

    /// The reply that an own post is, where Twite sent it and does not know that it arrived.
    ///
    /// # Errors
    /// When the database says no.
    pub async fn echo_of(&mut self, account: &XId, post: &KnownPost) -> Result<Option<i64>, StoreError> {
        let rows = sqlx::query(
            "SELECT o.id, o.effect FROM outbox o
             JOIN comment c ON c.id = o.answers JOIN ticket t ON t.id = o.ticket
             WHERE o.kind = 'reply' AND (o.state IN ('sending', 'unknown') OR (o.state = 'waiting' AND o.doubt = 1))
               AND t.key_account = $1 AND (c.x_id = $2 OR c.with_id = $3) ORDER BY o.id",
        )
        .bind(account.as_str())
        .bind(post.replied_to.as_ref().map(XId::as_str))
        .bind(post.direct_with.as_ref().map(XId::as_str))
        .fetch_all(&mut *self.0)
        .await?;
        for row in rows {
            let effect: Effect =
                serde_json::from_str(row.try_get(1)?).map_err(|e| StoreError::Corrupt(e.to_string()))?;
            if matches!(&effect, Effect::Reply { text } if fold(text.trim()) == fold(post.text.trim())) {
                return Ok(Some(row.try_get(0)?));
            }
        }
        Ok(None)
    }

    /// Notes that something arrived. A reply becomes a comment of its ticket under X's id, so that its echo is
    /// known; where the echo came first, that comment stands for it.
    ///
    /// # Errors
    /// When the database says no.
    pub async fn sent(&mut self, id: i64, x_id: Option<&XId>, now: Timestamp) -> Result<(), StoreError> {
        self.write_now().await?;
        sqlx::query("UPDATE outbox SET state = 'sent', sent = $2, x_id = $3, doubt = 0, reason = NULL WHERE id = $1")
            .bind(id)
            .bind(now.as_millisecond())
            .bind(x_id.map(XId::as_str))
            .execute(&mut *self.0)
            .await?;
        let Some(x_id) = x_id else { return Ok(()) };
        let row = sqlx::query(
            "SELECT o.ticket, o.effect, o.rule, c.kind, c.with_id, t.key_account FROM outbox o
             JOIN comment c ON c.id = o.answers JOIN ticket t ON t.id = o.ticket WHERE o.id = $1",
        )
        .bind(id)
        .fetch_optional(&mut *self.0)
        .await?;
        let Some(row) = row else { return Ok(()) };
        let effect: Effect = serde_json::from_str(row.try_get(1)?).map_err(|e| StoreError::Corrupt(e.to_string()))?;
        let Effect::Reply { text } = effect else { return Ok(()) };
        let ticket: i64 = row.try_get(0)?;
        let by_rule = row.try_get::<Option<String>, _>(2)?.is_some();
        let comment: i64 = sqlx::query_scalar(
            "INSERT INTO comment (ticket, kind, x_id, with_id, author, author_id, text, made, delivery)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'sent')
             ON CONFLICT (ticket, x_id) DO UPDATE SET delivery = 'sent', author = excluded.author RETURNING id",
        )
        .bind(ticket)
        .bind(row.try_get::<String, _>(3)?)
        .bind(x_id.as_str())
        .bind(row.try_get::<Option<String>, _>(4)?)
        .bind(if by_rule { "rule" } else { "agent" })
        .bind(row.try_get::<Option<String>, _>(5)?)
        .bind(&text)
        .bind(now.as_millisecond())
        .fetch_one(&mut *self.0)
        .await?;
        sqlx::query("UPDATE outbox SET shown = $2 WHERE id = $1").bind(id).bind(comment).execute(&mut *self.0).await?;
        sqlx::query(
            "UPDATE ticket SET comments = comments + $3, latest_comment = $2, latest_public_comment = $2,
               look_at = CASE WHEN status = 'closed' THEN NULL WHEN look_at < $4 THEN look_at ELSE $4 END
             WHERE id = $1",
        )
        .bind(ticket)
        .bind(&text)
        // What an agent says was counted when it was said.
        .bind(i64::from(by_rule))
        .bind(minute(now).as_millisecond())
        .execute(&mut *self.0)
        .await?;
        self.1.forget_ticket(TicketId(ticket));
        Ok(())
    }
}

impl Store {
    /// Claims the next thing that is due: from now on it counts as on its way, whatever happens to this
    /// process. A later reply on a ticket waits for the earlier one.
    ///
    /// # Errors
    /// When the database says no.
    pub async fn claim(&self, now: Timestamp) -> Result<Option<OutboxItem>, StoreError> {
        let mut tx = self.begin().await?;
        let row = sqlx::query(
            "UPDATE outbox SET state = 'sending', tries = tries + 1,
               claimed = CASE WHEN doubt = 1 THEN claimed ELSE $1 END
             WHERE id = (SELECT o.id FROM outbox o WHERE o.state = 'waiting' AND o.due <= $1
                           AND NOT EXISTS (SELECT 1 FROM outbox e WHERE e.ticket = o.ticket AND e.id < o.id
                                             AND e.kind = 'reply' AND o.kind = 'reply' AND e.state IN ('waiting', 'sending'))
                         ORDER BY o.due, o.id LIMIT 1)
             RETURNING id, key, ticket, rule, effect, answers, tries, doubt, claimed",
        )
        .bind(now.as_millisecond())
        .fetch_optional(&mut *tx.0)
        .await?;
        tx.commit().await?;
        row.map(|row| {
            Ok(OutboxItem {
                id: row.try_get("id")?,
                key: row.try_get("key")?,
                ticket: TicketId(row.try_get("ticket")?),
                rule: row.try_get("rule")?,
                effect: serde_json::from_str(row.try_get("effect")?).map_err(|e| StoreError::Corrupt(e.to_string()))?,
                answers: row.try_get("answers")?,
                tries: row.try_get("tries")?,
                doubt: row.try_get::<i64, _>("doubt")? != 0,
                claimed: time(row.try_get("claimed")?)?,
            })
        })
        .transpose()
    }

    /// What was on its way when an earlier process ended may have arrived: it waits again, in doubt, until a time.
    ///
    /// # Errors
    /// When the database says no.
    pub async fn doubt_what_was_sending(&self, due: Timestamp) -> Result<u64, StoreError> {
        let done = self
            .write(
                sqlx::query("UPDATE outbox SET state = 'waiting', doubt = 1, due = $1 WHERE state = 'sending'")
                    .bind(due.as_millisecond()),
            )
            .await?;
        Ok(done.rows_affected())
    }

    /// Whether a message of the account is the end of something in the outbox already.
    ///
    /// # Errors
    /// When the database says no.
    pub async fn is_accounted_for(&self, id: &XId) -> Result<bool, StoreError> {
        let mut connection = self.reader.acquire().await?;
        accounted_for(&mut connection, id).await
    }

    /// Notes that something arrived.
    ///
    /// # Errors
    /// When the database says no.
    pub async fn sent(&self, id: i64, x_id: Option<&XId>, now: Timestamp) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        tx.sent(id, x_id, now).await?;
        tx.commit().await
    }

    /// Puts something back, to be tried again at a time; with `doubt` where this try may have arrived.
    ///
    /// # Errors
    /// When the database says no.
    pub async fn retry(&self, id: i64, due: Timestamp, why: &str, doubt: bool) -> Result<(), StoreError> {
        self.write(sqlx::query("UPDATE outbox SET state = 'waiting', due = $2, reason = $3, doubt = $4 WHERE id = $1 AND state = 'sending'")
            .bind(id)
            .bind(due.as_millisecond())
            .bind(why)
            .bind(i64::from(doubt)))
.await?;
        Ok(())
    }

    /// Notes that something was refused for good.
    ///
    /// # Errors
    /// When the database says no.
    pub async fn refused(&self, id: i64, why: &str) -> Result<(), StoreError> {
        self.end(id, "refused", why).await
    }

    /// Notes that nobody knows whether something arrived, and nobody will find out.
    ///
    /// # Errors
    /// When the database says no.
    pub async fn unknown(&self, id: i64, why: &str) -> Result<(), StoreError> {
        self.end(id, "unknown", why).await
    }

    async fn end(&self, id: i64, state: &str, why: &str) -> Result<(), StoreError> {
        self.write(
            sqlx::query("UPDATE outbox SET state = $2, reason = $3 WHERE id = $1 AND state = 'sending'")
                .bind(id)
                .bind(state)
                .bind(why),
        )
        .await?;
        Ok(())
    }

    /// All that left the house, or is to, about a ticket, in order.
    ///
    /// # Errors
    /// When the database says no.
    pub async fn outgoing(&self, ticket: TicketId) -> Result<Vec<Left>, StoreError> {
        let rows = sqlx::query("SELECT rule, effect, state, reason, sent FROM outbox WHERE ticket = $1 ORDER BY id")
            .bind(ticket.0)
            .fetch_all(&self.reader)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Left {
                    rule: row.try_get("rule")?,
                    effect: serde_json::from_str(row.try_get("effect")?)
                        .map_err(|e| StoreError::Corrupt(e.to_string()))?,
                    state: row.try_get("state")?,
                    reason: row.try_get("reason")?,
                    sent: times(row.try_get("sent")?)?,
                })
            })
            .collect()
    }

    /// When the next thing that waits is due.
    ///
    /// # Errors
    /// When the database says no.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        times(sqlx::query_scalar("SELECT min(due) FROM outbox WHERE state = 'waiting'").fetch_one(&self.reader).await?)
    }

    /// How many replies rules sent, or are about to, since a time: to a person, and from an account.
    ///
    /// # Errors
    /// When the database says no.
    pub async fn replies_since(
        &self,
        since: Timestamp,
        handle: &str,
        person: Option<&XId>,
    ) -> Result<RepliesSince, StoreError> {
        let row = sqlx::query(
            "SELECT coalesce(sum(CASE WHEN t.key_person = $3 THEN 1 ELSE 0 END), 0), count(*)
             FROM outbox o JOIN ticket t ON t.id = o.ticket
             WHERE o.kind = 'reply' AND o.rule IS NOT NULL AND t.account = $2
               AND (o.state = 'unknown' OR (o.state = 'waiting' AND o.doubt = 1) OR (o.state = 'sent' AND o.sent > $1))",
        )
        .bind(since.as_millisecond())
        .bind(handle)
        .bind(person.map(XId::as_str))
        .fetch_one(&self.reader)
        .await?;
        Ok(RepliesSince { to_person: row.try_get(0)?, from_account: row.try_get(1)? })
    }
}

async fn accounted_for(connection: &mut SqliteConnection, id: &XId) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar::<_, i64>("SELECT count(*) FROM outbox WHERE x_id = $1")
        .bind(id.as_str())
        .fetch_one(connection)
        .await?
        > 0)
}
