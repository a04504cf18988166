//! Agents who are away: to whom no ticket is assigned by `next agent` and the like.

use jiff::Timestamp;
use serde::Serialize;

use super::{
    Store, StoreError, Tx,
    db::{Connection, Row, query},
    time, times, word,
};
use crate::desk::Actor;

/// The absence of an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Absence {
    /// The agent's name.
    pub agent: String,
    /// When it was entered.
    pub since: Timestamp,
    /// When the agent is back; `None` is when somebody says so.
    pub until: Option<Timestamp>,
    /// Who entered it.
    pub by: Actor,
}

impl Tx {
    /// The agents who are away at a time.
    pub async fn absences(&mut self, now: Timestamp) -> Result<Vec<Absence>, StoreError> {
        // Absences are not buffered.
        absences(self.conn.past_buffer(), now).await
    }

    /// Enters an absence, in place of one that the agent has.
    pub async fn enter_absence(&mut self, absence: &Absence) -> Result<(), StoreError> {
        query(
            "INSERT INTO absence (agent, since, until, actor) VALUES ($1, $2, $3, $4)
             ON CONFLICT (agent) DO UPDATE SET since = excluded.since, until = excluded.until, actor = excluded.actor",
        )
        .bind(&absence.agent)
        .bind(absence.since.as_millisecond())
        .bind(absence.until.map(Timestamp::as_millisecond))
        .bind(absence.by.to_string())
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }

    /// Ends the absence of an agent.
    pub async fn end_absence(&mut self, agent: &str) -> Result<(), StoreError> {
        query("DELETE FROM absence WHERE agent = $1").bind(agent).execute(&mut self.conn).await?;
        Ok(())
    }
}

impl Store {
    /// As [`Tx::absences`].
    pub async fn absences(&self, now: Timestamp) -> Result<Vec<Absence>, StoreError> {
        let mut connection = self.reader.acquire().await?;
        absences(&mut connection, now).await
    }
}

async fn absences(connection: &mut Connection, now: Timestamp) -> Result<Vec<Absence>, StoreError> {
    let rows = query("SELECT agent, since, until, actor FROM absence WHERE until IS NULL OR until > $1 ORDER BY agent")
        .bind(now.as_millisecond())
        .fetch_all(connection)
        .await?;
    let absence = |row: &Row| {
        Ok(Absence {
            agent: row.try_get("agent")?,
            since: time(row.try_get("since")?)?,
            until: times(row.try_get("until")?)?,
            by: word(row.try_get("actor")?)?,
        })
    };
    rows.iter().map(absence).collect()
}
