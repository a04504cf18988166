//! The schedule of automation checks: when each ticket is evaluated next, and which automations are active on it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    Store, StoreError, Tx,
    db::{query, query_scalar},
    time, times,
};
use crate::desk::{Repeat, TicketId};

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
            .execute(self.conn.past_cache())
            .await?;
        Ok(())
    }

    /// Postpones the evaluation of automations on a ticket to this time, if it is due earlier.
    pub async fn check_not_before(&mut self, id: TicketId, at: Timestamp) -> Result<(), StoreError> {
        query("UPDATE ticket SET next_check_at = $2 WHERE id = $1 AND next_check_at < $2")
            .bind(id.0)
            .bind(at.as_millisecond())
            .execute(self.conn.past_cache())
            .await?;
        Ok(())
    }

    /// Postpones to this time the evaluation of automations on tickets that an update of this one changed, as far as it is due
    /// after what the daemon has evaluated: on the one that it was merged into and, if they were `told` that the problem is
    /// solved or no longer is, on its incidents.
    pub async fn check_others_not_before(
        &mut self,
        id: TicketId,
        told: bool,
        evaluated: Timestamp,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let into: Option<Option<i64>> = query_scalar("SELECT merged_into FROM ticket WHERE id = $1")
            .bind(id.0)
            .fetch_optional(&mut self.conn)
            .await?;
        let into = into.flatten();
        if told || into.is_some() {
            // Without a target, `$2` is 0, which is no ticket.
            query(
                "UPDATE ticket SET next_check_at = $4 WHERE (id = $2 OR problem = $1 OR problem = $2)
                   AND next_check_at > $3 AND next_check_at < $4",
            )
            .bind(id.0)
            .bind(into.unwrap_or_default())
            .bind(evaluated.as_millisecond())
            .bind(at.as_millisecond())
            .execute(self.conn.past_cache())
            .await?;
        }
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

    /// The minute of a ticket's last check, the titles of the automations whose conditions held then, and how often those
    /// that repeat have fired since.
    pub async fn active_automations(
        &mut self,
        id: TicketId,
    ) -> Result<(Timestamp, BTreeSet<String>, BTreeMap<String, Repeat>), StoreError> {
        let last_check = query_scalar("SELECT last_check FROM ticket WHERE id = $1").bind(id.0);
        let last_check = time(last_check.fetch_one(&mut self.conn).await?)?;
        let rows = query("SELECT automation, times, last FROM active_automation WHERE ticket = $1")
            .bind(id.0)
            .fetch_all(&mut self.conn)
            .await?;
        let (mut titles, mut repeats) = (BTreeSet::new(), BTreeMap::new());
        for row in &rows {
            let title: String = row.try_get(0)?;
            if let (Some(fired), Some(last)) = (row.try_get::<Option<i64>, _>(1)?, times(row.try_get(2)?)?) {
                repeats.insert(title.clone(), Repeat { times: u32::try_from(fired).unwrap_or(u32::MAX), last });
            }
            titles.insert(title);
        }
        Ok((last_check, titles, repeats))
    }

    /// Records an evaluation of automations on a ticket at a minute: those active before and now, how often those that
    /// repeat have fired, and the time of the next evaluation.
    pub async fn record_check(
        &mut self,
        id: TicketId,
        at: Timestamp,
        before: &BTreeSet<String>,
        active: &BTreeSet<String>,
        repeats: &BTreeMap<String, Repeat>,
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
        for (title, Repeat { times, last }) in repeats {
            query(
                "UPDATE active_automation SET times = $3, last = $4
                 WHERE ticket = $1 AND automation = $2 AND (times IS NULL OR times <> $3 OR last <> $4)",
            )
            .bind(id.0)
            .bind(title)
            .bind(i64::from(*times))
            .bind(last.as_millisecond())
            .execute(&mut self.conn)
            .await?;
        }
        query(
            "UPDATE ticket SET next_check_at = $2, last_check = CASE WHEN last_check < $3 THEN $3 ELSE last_check END WHERE id = $1",
        )
        .bind(id.0)
        .bind(next.map(Timestamp::as_millisecond))
        .bind(at.as_millisecond())
        .execute(self.conn.past_cache())
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
}
