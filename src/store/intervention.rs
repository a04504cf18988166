//! What agents do with the outbox by hand: withdraw what waits, or send it again.

use jiff::Timestamp;

use super::{
    Store, StoreError, Tx,
    db::{Row, query},
    time, word, words,
};
use crate::desk::{Act, Destination, Effect, ReasonKind, TicketId};

/// Something that an agent did with the outbox.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Intervention {
    /// What it was done to: its number in the outbox.
    pub item: i64,
    /// When.
    pub made: Timestamp,
    /// What.
    pub act: Act,
    /// Who.
    pub actor: String,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// The state it was in.
    pub was: String,
    /// Whether an earlier send may have arrived.
    pub possibly_sent: bool,
    /// What it was done to.
    #[serde(flatten)]
    pub effect: Effect,
}

/// Something in the outbox that has not ended: it waits, is being sent, or nobody knows whether it arrived.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Queued {
    /// The store's number for it.
    pub id: i64,
    /// The ticket it is about.
    pub ticket: Option<TicketId>,
    /// The rule that asked for it; `None` for a person.
    pub rule: Option<String>,
    /// What it is.
    #[serde(flatten)]
    pub effect: Effect,
    /// Where to.
    #[serde(serialize_with = "as_text")]
    pub destination: Destination,
    /// `waiting`, `sending` or `unknown`.
    pub state: String,
    /// Since when it is there.
    pub since: Timestamp,
    /// Not before this.
    pub due: Timestamp,
    /// How often it was sent.
    pub sends: i64,
    /// Whether a send may have arrived.
    pub possibly_sent: bool,
    /// What kind of reason there is that it is not sent.
    pub reason_kind: Option<ReasonKind>,
    /// What the last try came to, in words, X's own where X says so.
    pub reason: Option<String>,
    /// The one that it waits behind.
    pub behind: Option<i64>,
}

/// Why an agent cannot do that.
#[derive(Debug, thiserror::Error)]
pub enum NotPossible {
    /// There is none of that number.
    #[error("no effect {0} in the outbox")]
    NoSuch(i64),
    /// A daemon has it in its hands.
    #[error("{0} is being sent now; try again in a minute")]
    UnderWay(i64),
    /// A daemon had it in its hands when it ended.
    #[error("{0} was being sent when the daemon ended; the next daemon checks whether it arrived")]
    Interrupted(i64),
    /// It has ended.
    #[error("{0} was already {1}")]
    Ended(i64, String),
    /// The store failed: nothing was done.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for NotPossible {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Store {
    /// What has not ended, in order.
    pub async fn queued(&self) -> Result<Vec<Queued>, StoreError> {
        let rows = query(
            "SELECT o.id, o.ticket, o.rule, o.effect, o.destination, o.state, o.made, o.due, o.sends, o.answers_lost, o.reason_kind,
               o.reason, CASE WHEN o.state = 'waiting' THEN (SELECT max(e.id) FROM outbox e WHERE e.ticket = o.ticket AND e.id < o.id
                      AND e.state IN ('waiting', 'sending') AND e.kind <> 'remind'
                      AND (e.destination = o.destination OR e.kind = 'reply' AND o.kind = 'reply')) END AS behind
             FROM outbox o WHERE o.state IN ('waiting', 'sending', 'unknown') ORDER BY o.id",
        )
        .fetch_all(&self.reader)
        .await?;
        rows.iter().map(queued).collect()
    }

    /// What agents did with what is to be sent about a ticket, in order.
    pub async fn interventions(&self, ticket: TicketId) -> Result<Vec<Intervention>, StoreError> {
        let rows = query(
            "SELECT i.item, i.made, i.act, i.actor, i.reason, i.was, i.possibly_sent, o.effect
             FROM intervention i JOIN outbox o ON o.id = i.item WHERE o.ticket = $1 ORDER BY i.id",
        )
        .bind(ticket.0)
        .fetch_all(&self.reader)
        .await?;
        rows.iter().map(read).collect()
    }

    /// Withdraws something from the outbox or sends it again, on behalf of somebody, and keeps who it was and why.
    ///
    /// # Errors
    /// When a daemon is sending it, it has arrived, or the store fails: then nothing was done.
    pub async fn intervene(
        &self,
        item: i64,
        act: Act,
        actor: &str,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<Intervention, NotPossible> {
        let mut tx = self.begin().await?;
        let done = tx.intervene(item, act, actor, reason, now).await?;
        tx.commit().await?;
        Ok(done)
    }
}

impl Tx {
    async fn intervene(
        &mut self,
        item: i64,
        act: Act,
        actor: &str,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<Intervention, NotPossible> {
        let row = query("SELECT state, kind, answers_lost, possibly_sent, effect FROM outbox WHERE id = $1")
            .bind(item)
            .fetch_optional(&mut self.conn)
            .await?
            .ok_or(NotPossible::NoSuch(item))?;
        let was: String = row.try_get("state")?;
        let is_reply = row.try_get::<String, _>("kind")? == "reply";
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
                lost += i64::from(is_reply && row.try_get::<i64, _>("possibly_sent")? == 0);
            }
            _ => return Err(NotPossible::Ended(item, was)),
        }
        let effect = serde_json::from_str(row.try_get("effect")?).map_err(|e| StoreError::Corrupt(e.to_string()))?;
        let done = Intervention {
            item,
            made: now,
            act,
            actor: actor.to_owned(),
            reason: reason.map(str::to_owned),
            was,
            possibly_sent: is_reply && lost > 0,
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
            }
            Act::Resend => {
                // An earlier send of a reply is still looked for, should X call this one a duplicate. Everything else begins anew.
                query(
                    "UPDATE outbox SET state = 'waiting', due = $2, sends = 0, lookups = 0, possibly_sent = 0,
                       answers_lost = CASE WHEN answers_lost > 1 THEN 1 ELSE answers_lost END, first_send = CASE WHEN answers_lost > 0 THEN first_send END,
                       reason_kind = NULL, reason = NULL WHERE id = $1",
                )
                .bind(item)
                .bind(now.as_millisecond())
                .execute(&mut self.conn)
                .await?;
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
    /// By whom, and why.
    fn words(&self) -> String {
        let reason = self.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        let lost = if self.possibly_sent { "; an earlier send may have arrived" } else { "" };
        format!("by {}{reason}{lost}", self.actor)
    }

    /// In one line, for a person.
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
