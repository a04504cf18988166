//! The audit log: every run with its inputs, so that it can be replayed.

use jiff::Timestamp;

use super::{
    StoreError, Tx,
    db::{Transaction, query, query_scalar},
    number::Numbered,
    snapshot::{SeenTicket, Snapshot},
    time, word,
    write_buffer::{DecisionRow, FiredRow},
};
use crate::{
    desk::{Actor, Event, EventKind, Ticket, TicketId},
    engine::Decision,
    lang::rules::Version,
};

/// A run to be recorded.
#[derive(Debug)]
pub struct DecisionRecord<'a> {
    /// The ticket as the run found it.
    pub ticket: &'a Ticket,
    /// The event that started the run.
    pub event: &'a Event,
    /// The time of the run.
    pub now: Timestamp,
    /// The decision.
    pub decision: &'a Decision,
}

/// A recorded run.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Its row id.
    pub id: i64,
    /// The time of the run.
    pub now: Timestamp,
    /// Who caused the event that started it.
    pub actor: Actor,
    /// The version of the rule set.
    pub rules: Version,
    /// The titles of the rules that fired, in order, without those in shadow mode.
    pub fired: Vec<String>,
    /// Its inputs and decision; `None` if they were erased because a post was deleted.
    pub run: Option<RecordedRun>,
}

/// The inputs of a run, and its decision.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedRun {
    /// The ticket as the run found it.
    pub ticket: Ticket,
    /// The event that started the run.
    pub event: Event,
    /// The decision, as JSON.
    pub decision: serde_json::Value,
}

impl Tx {
    /// Records a run and returns its id.
    pub async fn record(&mut self, record: &DecisionRecord<'_>) -> Result<i64, StoreError> {
        let json = |value: Result<String, serde_json::Error>| value.map_err(|e| StoreError::Corrupt(e.to_string()));
        let id = self.next_number(Numbered::Decision).await?;
        let version = self.ticket_version(record.ticket.id).await?;
        self.buffer.decisions.push(DecisionRow {
            id,
            ticket: record.ticket.id.0,
            version,
            made: record.now.as_millisecond(),
            actor: record.event.actor.to_string(),
            rules: record.decision.version.hash.clone(),
            commit: record.decision.version.commit.clone(),
            before: json(serde_json::to_string(record.ticket))?,
            event: json(serde_json::to_string(record.event))?,
            decision: json(serde_json::to_string(record.decision))?,
        });
        self.buffer.fired.extend((0_i64..).zip(&record.decision.fired).map(|(place, fired)| FiredRow {
            decision: id,
            place,
            rule: fired.rule.clone(),
            shadow: fired.shadow,
        }));
        Ok(id)
    }

    /// A ticket as it was at a version.
    pub async fn ticket_at(&mut self, id: TicketId, version: i64) -> Result<Earlier, StoreError> {
        self.flush().await?;
        since_version(&mut self.conn, id, version).await
    }
}

/// A ticket as it was at an earlier version.
#[derive(Debug, Clone, PartialEq)]
pub enum Earlier {
    /// The same as now: no run was recorded since.
    Unchanged,
    /// The ticket at that version.
    Ticket(Box<Ticket>),
    /// Erased because a post was deleted.
    Erased,
}

/// Reads a ticket at a version: the state before the event of the first run since then.
async fn since_version(on: &mut Transaction, id: TicketId, version: i64) -> Result<Earlier, StoreError> {
    let corrupt = |e: serde_json::Error| StoreError::Corrupt(e.to_string());
    let row = query("SELECT before, event FROM decision WHERE ticket = $1 AND version >= $2 ORDER BY id LIMIT 1")
        .bind(id.0)
        .bind(version)
        .fetch_optional(on)
        .await?;
    let Some(row) = row else { return Ok(Earlier::Unchanged) };
    let (Some(before), Some(event)) = (row.try_get::<Option<&str>, _>(0)?, row.try_get::<Option<&str>, _>(1)?) else {
        return Ok(Earlier::Erased);
    };
    let event: Event = serde_json::from_str(event).map_err(corrupt)?;
    Ok(Earlier::Ticket(match event.kind {
        EventKind::Updated { before } => before,
        EventKind::Created | EventKind::Due { .. } => Box::new(serde_json::from_str(before).map_err(corrupt)?),
    }))
}

impl Snapshot<'_> {
    /// A ticket as it was at a version.
    pub async fn ticket_at(&mut self, ticket: &SeenTicket, version: i64) -> Result<Earlier, StoreError> {
        since_version(&mut self.conn, ticket.id(), version).await
    }

    /// The runs on a ticket, oldest first.
    pub async fn decisions(&mut self, ticket: &SeenTicket) -> Result<Vec<Recorded>, StoreError> {
        let corrupt = |e: serde_json::Error| StoreError::Corrupt(e.to_string());
        let rows = query(
            "SELECT id, made, actor, rules, commit_id, before, event, decision FROM decision WHERE ticket = $1 ORDER BY id",
        )
        .bind(ticket.id().0)
        .fetch_all(&mut self.conn)
        .await?;
        let mut runs = vec![];
        for row in &rows {
            let id: i64 = row.try_get("id")?;
            let run = match row.try_get::<Option<&str>, _>("before")? {
                None => None,
                Some(before) => Some(RecordedRun {
                    ticket: serde_json::from_str(before).map_err(corrupt)?,
                    event: serde_json::from_str(row.try_get("event")?).map_err(corrupt)?,
                    decision: serde_json::from_str(row.try_get("decision")?).map_err(corrupt)?,
                }),
            };
            let fired = query_scalar("SELECT rule FROM fired WHERE decision = $1 AND shadow = 0 ORDER BY place")
                .bind(id)
                .fetch_all(&mut self.conn)
                .await?;
            let rules = Version { hash: row.try_get("rules")?, commit: row.try_get("commit_id")? };
            let actor = word(row.try_get("actor")?)?;
            runs.push(Recorded { id, now: time(row.try_get("made")?)?, actor, rules, fired, run });
        }
        Ok(runs)
    }
}
