//! The audit log: every run with its inputs, so that it can be replayed.

use jiff::Timestamp;

use super::{
    StoreError, Tx,
    db::{query, query_scalar},
    number::Numbered,
    snapshot::{SeenTicket, Snapshot},
    time, word,
    write_buffer::{DecisionRow, FiredRow},
};
use crate::{
    desk::{Actor, Event, Ticket},
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
        self.conn.buffer.decisions.push(DecisionRow {
            id,
            ticket: record.ticket.id.0,
            made: record.now.as_millisecond(),
            actor: record.event.actor.to_string(),
            rules: record.decision.version.hash.clone(),
            commit_id: record.decision.version.commit.clone(),
            before: json(serde_json::to_string(record.ticket))?,
            event: json(serde_json::to_string(record.event))?,
            decision: json(serde_json::to_string(record.decision))?,
        });
        self.conn.buffer.fired.extend((0_i64..).zip(&record.decision.fired).map(|(place, fired)| FiredRow {
            decision: id,
            place,
            rule: fired.rule.clone(),
            shadow: i64::from(fired.shadow),
        }));
        self.add_held_back(record.ticket.id, record.decision, record.now).await?;
        Ok(id)
    }
}

impl Snapshot<'_> {
    /// The decisions recorded for a ticket, oldest first.
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
