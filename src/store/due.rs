//! The schedule of automation checks: when each ticket is evaluated next, and which automations are active on it.
//! Also assigning agents in turn, and merging tickets.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{
    Store, StoreError, Tx,
    comment::author_word,
    db::{query, query_scalar},
    time, times,
};
use crate::desk::{Author, MovedComments, TicketId};

impl Store {
    /// The earliest time at which automations must be evaluated on any ticket.
    pub async fn next_check(&self) -> Result<Option<Timestamp>, StoreError> {
        let next = query_scalar("SELECT min(next_check_at) FROM ticket WHERE next_check_at IS NOT NULL");
        times(next.fetch_one(&self.reader).await?)
    }

    /// The number of tickets on which automations are due for evaluation.
    pub async fn count_due(&self, now: Timestamp) -> Result<i64, StoreError> {
        Ok(query_scalar("SELECT count(*) FROM ticket WHERE next_check_at <= $1")
            .bind(now.as_millisecond())
            .fetch_one(&self.reader)
            .await?)
    }
}

impl Tx {
    /// Tickets on which automations are due for evaluation, earliest first, at most `most`.
    pub async fn due(&mut self, now: Timestamp, most: u32) -> Result<Vec<(TicketId, Timestamp)>, StoreError> {
        let rows =
            query("SELECT id, next_check_at FROM ticket WHERE next_check_at <= $1 ORDER BY next_check_at, id LIMIT $2")
                .bind(now.as_millisecond())
                .bind(i64::from(most))
                .fetch_all(&mut self.conn)
                .await?;
        rows.iter().map(|row| Ok((TicketId(row.try_get(0)?), time(row.try_get(1)?)?))).collect()
    }

    /// Schedules the evaluation of automations on a ticket at this time, unless it is due earlier.
    pub async fn check_by(&mut self, id: TicketId, at: Timestamp) -> Result<(), StoreError> {
        query("UPDATE ticket SET next_check_at = $2 WHERE id = $1 AND (next_check_at IS NULL OR next_check_at > $2)")
            .bind(id.0)
            .bind(at.as_millisecond())
            .execute(&mut self.conn)
            .await?;
        Ok(())
    }

    /// When automations are evaluated on a ticket next.
    pub async fn next_check_at(&mut self, id: TicketId) -> Result<Option<Timestamp>, StoreError> {
        let at: Option<Option<i64>> = query_scalar("SELECT next_check_at FROM ticket WHERE id = $1")
            .bind(id.0)
            .fetch_optional(&mut self.conn)
            .await?;
        times(at.flatten())
    }

    /// The minute of a ticket's last check, and the titles of the automations whose conditions held then.
    pub async fn active_automations(&mut self, id: TicketId) -> Result<(Timestamp, BTreeSet<String>), StoreError> {
        let last_check = query_scalar("SELECT last_check FROM ticket WHERE id = $1").bind(id.0);
        let last_check = time(last_check.fetch_one(&mut self.conn).await?)?;
        let titles: Vec<String> = query_scalar("SELECT automation FROM active_automation WHERE ticket = $1")
            .bind(id.0)
            .fetch_all(&mut self.conn)
            .await?;
        Ok((last_check, titles.into_iter().collect()))
    }

    /// Records an evaluation of automations on a ticket at a minute: those active before and now, and the time of the
    /// next evaluation.
    pub async fn record_check(
        &mut self,
        id: TicketId,
        at: Timestamp,
        before: &BTreeSet<String>,
        active: &BTreeSet<String>,
        next: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        for title in before.difference(active) {
            query("DELETE FROM active_automation WHERE ticket = $1 AND automation = $2")
                .bind(id.0)
                .bind(title)
                .execute(&mut self.conn)
                .await?;
        }
        for title in active.difference(before) {
            query("INSERT INTO active_automation (ticket, automation) VALUES ($1, $2)")
                .bind(id.0)
                .bind(title)
                .execute(&mut self.conn)
                .await?;
        }
        query(
            "UPDATE ticket SET next_check_at = $2, last_check = CASE WHEN last_check < $3 THEN $3 ELSE last_check END WHERE id = $1",
        )
        .bind(id.0)
        .bind(next.map(Timestamp::as_millisecond))
        .bind(at.as_millisecond())
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }

    /// Unclosed tickets with a higher id than this one, in the order of their ids, at most `most`.
    pub async fn unclosed_after(&mut self, id: TicketId, most: u32) -> Result<Vec<TicketId>, StoreError> {
        let ids: Vec<i64> =
            query_scalar("SELECT id FROM ticket WHERE id > $1 AND status <> 'closed' ORDER BY id LIMIT $2")
                .bind(id.0)
                .bind(i64::from(most))
                .fetch_all(&mut self.conn)
                .await?;
        Ok(ids.into_iter().map(TicketId).collect())
    }

    /// The stored progress of the named background job.
    pub async fn progress(&mut self, name: &str) -> Result<Option<String>, StoreError> {
        Ok(query_scalar("SELECT value FROM progress WHERE name = $1").bind(name).fetch_optional(&mut self.conn).await?)
    }

    /// Stores the progress of the named background job.
    pub async fn set_progress(&mut self, name: &str, value: &str) -> Result<(), StoreError> {
        query(
            "INSERT INTO progress (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        )
        .bind(name)
        .bind(value)
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }

    /// Round robin among these agents of a group: chooses and records the first agent who was never chosen, else the
    /// one chosen longest ago.
    pub async fn next_agent(&mut self, group: &str, agents: &[&str]) -> Result<Option<String>, StoreError> {
        let taken = query("SELECT agent, taken FROM round_robin WHERE group_name = $1")
            .bind(group)
            .fetch_all(&mut self.conn)
            .await?;
        let taken: Vec<(String, i64)> =
            taken.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_, StoreError>>()?;
        let last_chosen = |agent: &&&str| taken.iter().find(|(name, _)| name == **agent).map_or(0, |(_, taken)| *taken);
        let Some(agent) = agents.iter().min_by_key(last_chosen) else { return Ok(None) };
        let last = taken.iter().map(|(_, taken)| *taken).max().unwrap_or(0);
        query(
            "INSERT INTO round_robin (group_name, agent, taken) VALUES ($1, $2, $3)
             ON CONFLICT (group_name, agent) DO UPDATE SET taken = excluded.taken",
        )
        .bind(group)
        .bind(*agent)
        .bind(last + 1)
        .execute(&mut self.conn)
        .await?;
        Ok(Some((*agent).to_owned()))
    }

    /// The first of these agents with the fewest unsolved tickets.
    pub async fn least_busy_agent(&mut self, agents: &[&str]) -> Result<Option<String>, StoreError> {
        let mut least: Option<(i64, &str)> = None;
        for agent in agents {
            let open: i64 =
                query_scalar("SELECT count(*) FROM ticket WHERE assignee = $1 AND status NOT IN ('solved', 'closed')")
                    .bind(*agent)
                    .fetch_one(&mut self.conn)
                    .await?;
            if least.is_none_or(|(fewest, _)| open < fewest) {
                least = Some((open, agent));
            }
        }
        Ok(least.map(|(_, agent)| agent.to_owned()))
    }

    /// The ticket into which this one can be merged: the latest earlier unclosed ticket with the same person, account
    /// and channel.
    pub async fn earlier_ticket(&mut self, id: TicketId) -> Result<Option<TicketId>, StoreError> {
        let earlier: Option<i64> = query_scalar(
            "SELECT e.id FROM ticket t JOIN ticket e
               ON e.key_account = t.key_account AND e.key_person = t.key_person AND e.channel = t.channel
             WHERE t.id = $1 AND e.id <> t.id AND e.status <> 'closed'
               AND (e.created < t.created OR (e.created = t.created AND e.id < t.id))
             ORDER BY e.created DESC, e.id DESC LIMIT 1",
        )
        .bind(id.0)
        .fetch_optional(&mut self.conn)
        .await?;
        Ok(earlier.map(TicketId))
    }

    /// Merges a ticket into another: moves its comments, copies its links and records the target. Does not move notes,
    /// nor posts that are on the target already.
    pub async fn merge(&mut self, from: TicketId, into: TicketId) -> Result<MovedComments, StoreError> {
        let authors: Vec<String> = query_scalar(
            "UPDATE comment SET ticket = $2 WHERE ticket = $1 AND x_id IS NOT NULL
               AND NOT EXISTS (SELECT 1 FROM comment o WHERE o.ticket = $2 AND o.x_id = comment.x_id) RETURNING author",
        )
        .bind(from.0)
        .bind(into.0)
        .fetch_all(&mut self.conn)
        .await?;
        query(
            "INSERT INTO ticket_link (one, other, why)
             SELECT CASE WHEN id < $2 THEN id ELSE $2 END, CASE WHEN id < $2 THEN $2 ELSE id END, why FROM
               (SELECT CASE WHEN one = $1 THEN other ELSE one END AS id, why FROM ticket_link
                WHERE (one = $1 OR other = $1) AND why <> 'merged') linked
             WHERE id <> $2 ON CONFLICT DO NOTHING",
        )
        .bind(from.0)
        .bind(into.0)
        .execute(&mut self.conn)
        .await?;
        // Tickets merged into `from` earlier now point to `into`.
        query("UPDATE ticket SET merged_into = $2 WHERE id = $1 OR merged_into = $1")
            .bind(from.0)
            .bind(into.0)
            .execute(&mut self.conn)
            .await?;
        let count = |of: Option<&str>| authors.iter().filter(|author| of.is_none_or(|of| of == *author)).count() as i64;
        Ok(MovedComments { all: count(None), replies: count(Some(author_word(Author::Agent))) })
    }
}
