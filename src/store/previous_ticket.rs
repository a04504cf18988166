//! When the ticket before another of the same person was opened, and the person's last tickets were, those apart that were
//! merged into others. Messages may come late, and tickets are merged, so this can change afterwards.

use jiff::Timestamp;

use super::{
    StoreError, Tx,
    db::{query, query_scalar},
    time, times,
};
use crate::desk::{Person, SourceId, TicketId};

impl Tx {
    /// When the person's latest ticket before this time was opened.
    pub async fn previous_ticket(
        &mut self,
        person: &SourceId,
        opened: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let latest: Option<i64> = query_scalar(
            "SELECT max(t.created) FROM person p JOIN ticket t ON t.requester = p.id
             WHERE p.source_id = $1 AND t.created < $2 AND t.merged_into IS NULL",
        )
        .bind(person.as_str())
        .bind(opened.as_millisecond())
        .fetch_one(&mut self.conn)
        .await?;
        times(latest)
    }

    /// When a person's last tickets were opened, the latest first: as many as [`Person::set_latest_tickets`] needs.
    pub async fn latest_tickets(&mut self, person: &SourceId) -> Result<Vec<Timestamp>, StoreError> {
        let opened: Vec<i64> = query_scalar(
            "SELECT t.created FROM person p JOIN ticket t ON t.requester = p.id
             WHERE p.source_id = $1 AND t.merged_into IS NULL ORDER BY t.created DESC LIMIT $2",
        )
        .bind(person.as_str())
        .bind(i64::from(Person::LATEST_TICKETS))
        .fetch_all(&mut self.conn)
        .await?;
        opened.into_iter().map(time).collect()
    }

    /// Corrects when the last tickets of this ticket's requester were opened.
    pub async fn correct_latest_tickets(&mut self, id: TicketId, now: Timestamp) -> Result<(), StoreError> {
        let Some(source) = self.ticket(id).await?.and_then(|ticket| ticket.requester.id) else { return Ok(()) };
        let Some(before) = self.person(&source).await? else { return Ok(()) };
        if before.tickets <= 2 && before.third_last_ticket.is_none() {
            return Ok(());
        }
        let mut person = before.clone();
        person.set_latest_tickets(&self.latest_tickets(&source).await?);
        if person != before {
            self.keep_requester(&person, now).await?;
        }
        Ok(())
    }

    /// The tickets of this ticket's requester that were opened since, as far as what they have of the ticket before is
    /// wrong, each with when that was opened.
    pub async fn wrong_previous_tickets(
        &mut self,
        id: TicketId,
        since: Timestamp,
    ) -> Result<Vec<(TicketId, Option<Timestamp>)>, StoreError> {
        let wrong = query(
            "SELECT id, previous FROM
               (SELECT t.id, t.previous_ticket,
                  (SELECT max(o.created) FROM ticket o
                   WHERE o.requester = t.requester AND o.created < t.created AND o.merged_into IS NULL) AS previous
                FROM ticket t
                WHERE t.requester = (SELECT requester FROM ticket WHERE id = $1) AND t.created >= $2
                  AND t.merged_into IS NULL) found
             WHERE coalesce(previous_ticket, -1) <> coalesce(previous, -1) ORDER BY id",
        )
        .bind(id.0)
        .bind(since.as_millisecond())
        .fetch_all(&mut self.conn)
        .await?;
        wrong.iter().map(|row| Ok((TicketId(row.try_get(0)?), times(row.try_get(1)?)?))).collect()
    }
}
