//! Manual interventions of agents in the outbox: withdrawing items or sending them again.

use jiff::Timestamp;

use super::{
    Store, StoreError, Tx,
    db::{Builder, Row, query},
    snapshot::{SeenTicket, Snapshot, push_seen},
    time, word, words,
};
use crate::desk::{Act, Destination, Effect, ReasonKind, TicketId, Viewer, text::is_blank};

/// A recorded intervention of an agent in the outbox.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Intervention {
    /// The row id of the outbox item.
    pub item: i64,
    /// When it was done.
    pub made: Timestamp,
    /// What was done.
    pub act: Act,
    /// Who did it.
    pub actor: String,
    /// The reason given by the actor.
    pub reason: Option<String>,
    /// The previous state of the item.
    pub was: String,
    /// Whether an earlier send attempt may have succeeded.
    pub possibly_sent: bool,
    /// The effect of the item.
    #[serde(flatten)]
    pub effect: Effect,
}

/// An outbox item that is waiting, being sent, or of unknown delivery.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Queued {
    /// Its row id.
    pub id: i64,
    /// Its ticket.
    pub ticket: Option<TicketId>,
    /// The title of the rule that caused it; `None` if no rule did.
    pub rule: Option<String>,
    /// The effect.
    #[serde(flatten)]
    pub effect: Effect,
    /// Its destination.
    #[serde(serialize_with = "as_text")]
    pub destination: Destination,
    /// `waiting`, `sending` or `unknown`.
    pub state: String,
    /// When it was added.
    pub since: Timestamp,
    /// The earliest time to send it.
    pub due: Timestamp,
    /// The number of send attempts.
    pub sends: i64,
    /// Whether a send attempt may have succeeded.
    pub possibly_sent: bool,
    /// The kind of reason why it is not sent.
    pub reason_kind: Option<ReasonKind>,
    /// Why the last attempt failed, as given by X if it gave a reason.
    pub reason: Option<String>,
    /// The row id of the earlier item for which it waits.
    pub behind: Option<i64>,
}

/// Why an intervention is rejected.
#[derive(Debug, thiserror::Error)]
pub enum NotPossible {
    /// There is no outbox item with this id.
    #[error("no effect {0} in the outbox")]
    NoSuch(i64),
    /// A running daemon is sending it.
    #[error("{0} is being sent now; try again in a minute")]
    UnderWay(i64),
    /// It was being sent when the daemon ended.
    #[error("{0} was being sent when the daemon ended; the next daemon checks whether it arrived")]
    Interrupted(i64),
    /// Its state does not allow the intervention any more.
    #[error("{0} was already {1}")]
    Ended(i64, String),
    /// There is nothing in it to send.
    #[error("{0} cannot be sent: its text is empty")]
    Empty(i64),
    /// It took place on the ticket, or could not, when it was decided; nothing of it is sent.
    #[error("{0} is nothing that is sent; update the ticket instead")]
    OnTicket(i64),
    /// The store failed; nothing was changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for NotPossible {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Store {
    /// Withdraws an outbox item that the viewer sees or sends it again, and records the actor and the reason.
    ///
    /// # Errors
    /// If the viewer sees no such item, if it is being sent or was delivered, or if the store fails. Nothing is changed then.
    pub async fn intervene(
        &self,
        viewer: Viewer<'_>,
        item: i64,
        act: Act,
        actor: &str,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<Intervention, NotPossible> {
        let mut tx = self.begin().await?;
        let done = tx.intervene(viewer, item, act, actor, reason, now).await?;
        tx.commit().await?;
        Ok(done)
    }
}

impl Snapshot<'_> {
    /// Items that are waiting, being sent or of unknown delivery, in the order of their ids. Items without a ticket are
    /// seen by those who see all tickets.
    pub async fn queued(&mut self) -> Result<Vec<Queued>, StoreError> {
        let mut sql = Builder::new(
            self.conn.dialect(),
            "SELECT o.id, o.ticket, o.rule, o.effect, o.destination, o.state, o.made, o.due, o.sends, o.answers_lost, o.reason_kind,
               o.reason, CASE WHEN o.state = 'waiting' THEN (SELECT max(e.id) FROM outbox e WHERE e.ticket = o.ticket AND e.id < o.id
                      AND e.state IN ('waiting', 'sending') AND e.kind <> 'remind'
                      AND (e.destination = o.destination OR e.kind = 'reply' AND o.kind = 'reply')) END AS behind
             FROM outbox o LEFT JOIN ticket t ON t.id = o.ticket WHERE o.state IN ('waiting', 'sending', 'unknown') AND ",
        );
        push_seen(&mut sql, self.viewer);
        sql.push(" ORDER BY o.id");
        sql.build().fetch_all(&mut self.conn).await?.iter().map(queued).collect()
    }

    /// The interventions in outbox items of a ticket, oldest first.
    pub async fn interventions(&mut self, ticket: &SeenTicket) -> Result<Vec<Intervention>, StoreError> {
        let rows = query(
            "SELECT i.item, i.made, i.act, i.actor, i.reason, i.was, i.possibly_sent, o.effect
             FROM intervention i JOIN outbox o ON o.id = i.item WHERE o.ticket = $1 ORDER BY i.id",
        )
        .bind(ticket.id().0)
        .fetch_all(&mut self.conn)
        .await?;
        rows.iter().map(read).collect()
    }
}

impl Tx {
    async fn intervene(
        &mut self,
        viewer: Viewer<'_>,
        item: i64,
        act: Act,
        actor: &str,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<Intervention, NotPossible> {
        let mut sql = Builder::new(
            self.conn.dialect(),
            "SELECT o.state, o.kind, o.answers_lost, o.possibly_sent, o.effect
             FROM outbox o LEFT JOIN ticket t ON t.id = o.ticket WHERE o.id = ",
        );
        sql.push_bind(item).push(" AND ");
        push_seen(&mut sql, viewer);
        let row = sql.build().fetch_optional(&mut self.conn).await?.ok_or(NotPossible::NoSuch(item))?;
        let was: String = row.try_get("state")?;
        // What says something at X can be looked up there.
        let is_said = matches!(row.try_get("kind")?, "reply" | "message");
        let mut lost: i64 = row.try_get("answers_lost")?;
        match (was.as_str(), act) {
            ("waiting" | "unknown", _) | ("refused" | "withdrawn", Act::Resend) => {}
            ("sending", _) => {
                if self.lease().await?.is_some_and(|lease| lease.is_held(now)) {
                    return Err(NotPossible::UnderWay(item));
                }
                if act == Act::Resend {
                    return Err(NotPossible::Interrupted(item));
                }
                lost += i64::from(is_said && row.try_get::<i64, _>("possibly_sent")? == 0);
            }
            _ => return Err(NotPossible::Ended(item, was)),
        }
        let effect: Effect =
            serde_json::from_str(row.try_get("effect")?).map_err(|e| StoreError::Corrupt(e.to_string()))?;
        match &effect {
            Effect::Reply { text, .. } | Effect::Message { text } | Effect::Note { text }
                if act == Act::Resend && is_blank(text) =>
            {
                return Err(NotPossible::Empty(item));
            }
            Effect::Note { .. } | Effect::Assign { .. } | Effect::Merge | Effect::Incident { .. } => {
                return Err(NotPossible::OnTicket(item));
            }
            _ => {}
        }
        let done = Intervention {
            item,
            made: now,
            act,
            actor: actor.to_owned(),
            reason: reason.map(str::to_owned),
            was,
            possibly_sent: is_said && lost > 0,
            effect,
        };
        match act {
            Act::Withdraw => {
                query(
                    "UPDATE outbox SET state = 'withdrawn', possibly_sent = 0, answers_lost = $2, reason_kind = 'withdrawn',
                       reason = $3 WHERE id = $1",
                )
                .bind(item)
                .bind(lost)
                .bind(done.words())
                .execute(&mut self.conn)
                .await?;
                self.forget_idle_destinations().await?;
            }
            Act::Resend => {
                // `answers_lost` and `first_send` are kept, so that an earlier send can be looked up if X rejects this
                // one as a duplicate. All other counters are reset.
                query(
                    "UPDATE outbox SET state = 'waiting', due = $2, sends = 0, lookups = 0, possibly_sent = 0,
                       answers_lost = CASE WHEN answers_lost > 1 THEN 1 ELSE answers_lost END, first_send = CASE WHEN answers_lost > 0 THEN first_send END,
                       reason_kind = NULL, reason = NULL WHERE id = $1",
                )
                .bind(item)
                .bind(now.as_millisecond())
                .execute(&mut self.conn)
                .await?;
                self.retry_destination_of(item, now).await?;
            }
        }
        query(
            "INSERT INTO intervention (item, made, act, actor, reason, was, possibly_sent)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(item)
        .bind(now.as_millisecond())
        .bind(act.as_str())
        .bind(actor)
        .bind(reason)
        .bind(&done.was)
        .bind(i64::from(done.possibly_sent))
        .execute(&mut self.conn)
        .await?;
        self.recount_for(item, now).await?;
        Ok(done)
    }
}

impl Intervention {
    /// The actor and the reason, in words.
    fn words(&self) -> String {
        let reason = self.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let lost = if self.possibly_sent { "; an earlier send may have arrived" } else { "" };
        format!("by {}{reason}{lost}", self.actor)
    }

    /// One line for users.
    pub fn line(&self) -> String {
        let act = match self.act {
            Act::Withdraw => "withdrawn",
            Act::Resend => "sent again",
        };
        format!("{act} {}; it was {}", self.words(), self.was)
    }
}

fn queued(row: &Row) -> Result<Queued, StoreError> {
    Ok(Queued {
        id: row.try_get("id")?,
        ticket: row.try_get::<Option<i64>, _>("ticket")?.map(TicketId),
        rule: row.try_get("rule")?,
        effect: serde_json::from_str(row.try_get("effect")?).map_err(|e| StoreError::Corrupt(e.to_string()))?,
        destination: word(row.try_get("destination")?)?,
        state: row.try_get("state")?,
        since: time(row.try_get("made")?)?,
        due: time(row.try_get("due")?)?,
        sends: row.try_get("sends")?,
        possibly_sent: row.try_get::<i64, _>("answers_lost")? > 0,
        reason_kind: words(row.try_get("reason_kind")?)?,
        reason: row.try_get("reason")?,
        behind: row.try_get("behind")?,
    })
}

fn read(row: &Row) -> Result<Intervention, StoreError> {
    Ok(Intervention {
        item: row.try_get("item")?,
        made: time(row.try_get("made")?)?,
        act: word(row.try_get("act")?)?,
        actor: row.try_get("actor")?,
        reason: row.try_get("reason")?,
        was: row.try_get("was")?,
        possibly_sent: row.try_get::<i64, _>("possibly_sent")? != 0,
        effect: serde_json::from_str(row.try_get("effect")?).map_err(|e| StoreError::Corrupt(e.to_string()))?,
    })
}

fn as_text<T: std::fmt::Display, S: serde::Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}
