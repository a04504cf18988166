//! Recomputes the comment and reply counts of tickets. An agent's reply counts from when it is written, and no longer
//! once it is refused or withdrawn.

use jiff::Timestamp;

use super::{
    StoreError, Tx,
    db::{query, query_scalar},
    times, words,
};
use crate::{
    desk::{Actor, Effect, Question, Satisfaction, Ticket, TicketId, XId},
    engine::minute,
};

impl Tx {
    /// Recomputes the counts and latest comments of a ticket after the delivery state of an agent's reply changed.
    /// Counts the comments, and the replies that wait or may have been delivered. `agent_touches` never decreases.
    pub(super) async fn recount(&mut self, ticket: TicketId, now: Timestamp) -> Result<(), StoreError> {
        // A reply counts from when the agent wrote it, not from when it was delivered.
        let shown = query(
            "SELECT count(*) AS comments,
                    count(CASE WHEN author = 'agent' AND kind <> 'note' THEN 1 END) AS replies,
                    min(reply) AS first, max(reply) AS last, max(made) AS latest
             FROM (SELECT author, kind, made, CASE WHEN author = 'agent' AND kind <> 'note' THEN coalesce(
                     (SELECT min(o.made) FROM outbox o WHERE o.shown = c.id), c.made) END AS reply
                   FROM comment c WHERE ticket = $1) AS shown",
        )
        .bind(ticket.0)
        .fetch_one(&mut self.conn)
        .await?;
        let open = query(
            "SELECT made, effect FROM outbox
             WHERE ticket = $1 AND kind = 'reply' AND rule IS NULL AND shown IS NULL
               AND state IN ('waiting', 'sending', 'unknown') ORDER BY made, id",
        )
        .bind(ticket.0)
        .fetch_all(&mut self.conn)
        .await?;
        let count = i64::try_from(open.len()).unwrap_or(i64::MAX);
        let replies = shown.try_get::<i64, _>("replies")?.saturating_add(count);
        let (mut first, mut last): (Option<i64>, Option<i64>) = (shown.try_get("first")?, shown.try_get("last")?);
        for row in &open {
            let made = row.try_get("made")?;
            first = Some(first.map_or(made, |first| first.min(made)));
            last = last.max(Some(made));
        }
        let waiting_since = self.first_by_requester(ticket, times(last)?).await?;
        let last_replier = self.last_replier(ticket).await?;
        let (mut latest, mut latest_public) =
            (self.latest_text(ticket, true).await?, self.latest_text(ticket, false).await?);
        if let Some(row) = open.last() {
            let effect =
                serde_json::from_str(row.try_get("effect")?).map_err(|e| StoreError::Corrupt(e.to_string()))?;
            let (made, shown): (i64, Option<i64>) = (row.try_get("made")?, shown.try_get("latest")?);
            if let Effect::Reply { text, .. } = effect
                && shown.is_none_or(|shown| shown <= made)
            {
                (latest, latest_public) = (Some(text.clone()), Some(text));
            }
        }
        query(
            "UPDATE ticket SET version = version + 1, comments = $2, replies = $3, first_reply = $4, last_reply = $8,
               last_replier = $10, waiting_since = $9, latest_comment = $5, latest_public_comment = $6,
               agent_touches = CASE WHEN agent_touches < $3 THEN $3 ELSE agent_touches END,
               next_check_at = CASE WHEN status = 'closed' THEN NULL WHEN next_check_at < $7 THEN next_check_at ELSE $7 END
             WHERE id = $1",
        )
        .bind(ticket.0)
        .bind(shown.try_get::<i64, _>("comments")?.saturating_add(count))
        .bind(replies)
        .bind(first)
        .bind(latest)
        .bind(latest_public)
        .bind(minute(now).as_millisecond())
        .bind(last)
        .bind(waiting_since.map(Timestamp::as_millisecond))
        .bind(last_replier)
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }

    /// The agent whose the latest reply is, among those that [`Self::recount`] counts; `None` if that is not known.
    async fn last_replier(&mut self, ticket: TicketId) -> Result<Option<String>, StoreError> {
        let actor: Option<String> = query_scalar(
            "SELECT actor FROM (
               SELECT c.actor AS actor, coalesce((SELECT min(o.made) FROM outbox o WHERE o.shown = c.id), c.made) AS made,
                      0 AS open, c.id AS id
               FROM comment c WHERE c.ticket = $1 AND c.author = 'agent' AND c.kind <> 'note'
               UNION ALL SELECT actor, made, 1, id FROM outbox
               WHERE ticket = $1 AND kind = 'reply' AND rule IS NULL AND shown IS NULL
                 AND state IN ('waiting', 'sending', 'unknown')) AS replies
             ORDER BY made DESC, open DESC, id DESC LIMIT 1",
        )
        .bind(ticket.0)
        .fetch_optional(&mut self.conn)
        .await?;
        Ok(match words::<Actor>(actor.as_deref())? {
            Some(Actor::Agent(name)) => Some(name),
            _ => None,
        })
    }

    /// Follows a change of an outbox item's delivery state on its ticket: [`Tx::recount`] if it is an agent's reply,
    /// and whether the requester was asked to rate the help.
    pub(super) async fn recount_for(&mut self, item: i64, now: Timestamp) -> Result<(), StoreError> {
        let ticket =
            "SELECT ticket FROM outbox WHERE id = $1 AND kind = 'reply' AND rule IS NULL AND ticket IS NOT NULL";
        if let Some(ticket) = query_scalar(ticket).bind(item).fetch_optional(&mut self.conn).await? {
            self.recount(TicketId(ticket), now).await?;
        }
        self.follow_question(item, now).await
    }

    /// Follows what became of an outbox item that asks a ticket's requester to rate the help, on the ticket, or on the one
    /// that it was merged into. It counts as asked from its delivery; what X never confirmed may have arrived.
    async fn follow_question(&mut self, item: i64, now: Timestamp) -> Result<(), StoreError> {
        let row = query(
            "SELECT coalesce(t.merged_into, t.id) AS ticket, o.effect, o.state, o.x_id, o.sent, o.first_send
             FROM outbox o JOIN ticket t ON t.id = o.ticket WHERE o.id = $1 AND o.kind = 'reply'",
        );
        let Some(row) = row.bind(item).fetch_optional(&mut self.conn).await? else { return Ok(()) };
        let effect: Effect =
            serde_json::from_str(row.try_get("effect")?).map_err(|e| StoreError::Corrupt(e.to_string()))?;
        if !effect.asks() {
            return Ok(());
        }
        let question = match row.try_get::<&str, _>("state")? {
            "waiting" | "sending" => Question::Waits,
            "sent" => {
                // By X's clock, as the answers.
                let x_id = words::<XId>(row.try_get("x_id")?)?.and_then(|id| id.made_at_millis());
                Question::Arrives(times(x_id.or(row.try_get("sent")?))?.unwrap_or(now))
            }
            "unknown" => Question::Arrives(times(row.try_get("first_send")?)?.unwrap_or(now)),
            _ => Question::Fails,
        };
        let Some(before) = self.ticket(TicketId(row.try_get("ticket")?)).await? else { return Ok(()) };
        let mut ticket = before.clone();
        ticket.follow_question(question);
        if ticket == before { Ok(()) } else { self.save(&ticket, now).await }
    }

    /// The question to rate the help that may have arrived, though X never confirmed it, on a ticket or one that was merged
    /// into it: from its first send.
    pub(crate) async fn possible_question(&mut self, ticket: &Ticket) -> Result<Option<Question>, StoreError> {
        if !matches!(ticket.satisfaction, Some(Satisfaction::Asking | Satisfaction::Undelivered)) {
            return Ok(None);
        }
        let rows = query(
            "SELECT o.effect, o.first_send FROM ticket i
               JOIN ticket t ON t.key_account = i.key_account AND t.key_person = i.key_person
               JOIN outbox o ON o.ticket = t.id
             WHERE i.id = $1 AND coalesce(t.merged_into, t.id) = i.id AND o.kind = 'reply' AND o.first_send IS NOT NULL
               AND (o.state = 'sending' OR o.answers_lost > 0) ORDER BY o.first_send",
        )
        .bind(ticket.id.0)
        // Buffered effects have not been sent yet.
        .fetch_all(self.conn.past_buffer())
        .await?;
        for row in rows {
            let effect: Effect =
                serde_json::from_str(row.try_get("effect")?).map_err(|e| StoreError::Corrupt(e.to_string()))?;
            if effect.asks() {
                return Ok(times(row.try_get("first_send")?)?.map(Question::Arrives));
            }
        }
        Ok(None)
    }
}
