//! Volumes: the tickets that each counted lately, and which of them last.

use jiff::{SignedDuration, Timestamp};

use super::{
    Store, StoreError, Tx,
    db::{Row, query, query_scalar},
    snapshot::Snapshot,
    time, times,
};
use crate::desk::TicketId;

/// A volume that lasts.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct LastingVolume {
    /// Its title.
    pub volume: String,
    /// The ticket with which it started.
    pub ticket: TicketId,
    /// When it started.
    pub since: Timestamp,
    /// The whole minute on which it ends, unless more tickets are counted.
    pub ends_at: Timestamp,
}

fn lasting(row: &Row) -> Result<LastingVolume, StoreError> {
    Ok(LastingVolume {
        volume: row.try_get(0)?,
        ticket: TicketId(row.try_get(1)?),
        since: time(row.try_get(2)?)?,
        ends_at: time(row.try_get(3)?)?,
    })
}

impl Store {
    /// When the first volume that lasts ends.
    pub async fn next_end_of_volume(&self) -> Result<Option<Timestamp>, StoreError> {
        times(query_scalar("SELECT min(ends_at) FROM volume").fetch_one(&self.reader).await?)
    }
}

impl Tx {
    /// The volumes that last, by title.
    pub async fn lasting_volumes(&mut self) -> Result<Vec<LastingVolume>, StoreError> {
        let rows =
            query("SELECT title, ticket, since, ends_at FROM volume ORDER BY title").fetch_all(&mut self.conn).await?;
        rows.iter().map(lasting).collect()
    }

    /// The first of the volumes that end by a time.
    pub async fn ending_volume(&mut self, by: Timestamp) -> Result<Option<LastingVolume>, StoreError> {
        let ending = query(
            "SELECT title, ticket, since, ends_at FROM volume WHERE ends_at <= $1 ORDER BY ends_at, title LIMIT 1",
        );
        let row = ending.bind(by.as_millisecond()).fetch_optional(&mut self.conn).await?;
        row.as_ref().map(lasting).transpose()
    }

    /// When a volume last counted each ticket but this one and the target of its merge, in order: those nearer to a time than
    /// a length of time.
    pub async fn counted_near(
        &mut self,
        volume: &str,
        (ticket, target): (TicketId, Option<TicketId>),
        at: Timestamp,
        within: SignedDuration,
    ) -> Result<Vec<Timestamp>, StoreError> {
        let from = at.saturating_sub(within).unwrap_or(Timestamp::MIN);
        let to = at.saturating_add(within).unwrap_or(Timestamp::MAX);
        let counted: Vec<i64> = query_scalar(
            "SELECT at FROM volume_ticket WHERE volume = $1 AND at >= $2 AND at <= $3
               AND ticket NOT IN ($4, $5, coalesce((SELECT merged_into FROM ticket WHERE id = $4), $4)) ORDER BY at",
        )
        .bind(volume)
        .bind(from.as_millisecond())
        .bind(to.as_millisecond())
        .bind(ticket.0)
        .bind(target.unwrap_or(ticket).0)
        .fetch_all(&mut self.conn)
        .await?;
        counted.into_iter().map(time).collect()
    }

    /// Records that a volume counted a ticket; one that was merged, with the one that took it over. Of what it counted before, keeps `most` tickets, and those within twice its
    /// time that messages which come late may still complete.
    pub async fn count_in_volume(
        &mut self,
        volume: &str,
        ticket: TicketId,
        at: Timestamp,
        (within, most): (SignedDuration, u32),
    ) -> Result<(), StoreError> {
        query(
            "INSERT INTO volume_ticket (volume, ticket, at)
             VALUES ($1, coalesce((SELECT merged_into FROM ticket WHERE id = $2), $2), $3)
             ON CONFLICT (volume, ticket) DO UPDATE SET at = CASE WHEN excluded.at > volume_ticket.at
               THEN excluded.at ELSE volume_ticket.at END",
        )
        .bind(volume)
        .bind(ticket.0)
        .bind(at.as_millisecond())
        .execute(&mut self.conn)
        .await?;
        let old = at.saturating_sub(within.saturating_mul(2)).unwrap_or(Timestamp::MIN);
        query("DELETE FROM volume_ticket WHERE volume = $1 AND at <= $2")
            .bind(volume)
            .bind(old.as_millisecond())
            .execute(&mut self.conn)
            .await?;
        if let Some(last) = self.counted_last(volume, most.saturating_mul(2)).await? {
            query("DELETE FROM volume_ticket WHERE volume = $1 AND at < $2")
                .bind(volume)
                .bind(last.as_millisecond())
                .execute(&mut self.conn)
                .await?;
        }
        Ok(())
    }

    /// Counts a ticket that is merged into another one with that one, as of the later of both.
    pub(super) async fn move_counted(&mut self, from: TicketId, into: TicketId) -> Result<(), StoreError> {
        query(
            "INSERT INTO volume_ticket (volume, ticket, at) SELECT volume, $2, at FROM volume_ticket WHERE ticket = $1
             ON CONFLICT (volume, ticket) DO UPDATE SET at = CASE WHEN excluded.at > volume_ticket.at
               THEN excluded.at ELSE volume_ticket.at END",
        )
        .bind(from.0)
        .bind(into.0)
        .execute(&mut self.conn)
        .await?;
        query("DELETE FROM volume_ticket WHERE ticket = $1").bind(from.0).execute(&mut self.conn).await?;
        query("UPDATE volume SET ticket = $2 WHERE ticket = $1")
            .bind(from.0)
            .bind(into.0)
            .execute(&mut self.conn)
            .await?;
        Ok(())
    }

    /// When a volume last counted the ticket that has this many counted after it.
    pub async fn counted_last(&mut self, volume: &str, after: u32) -> Result<Option<Timestamp>, StoreError> {
        let last = query_scalar("SELECT at FROM volume_ticket WHERE volume = $1 ORDER BY at DESC LIMIT 1 OFFSET $2");
        times(last.bind(volume).bind(i64::from(after)).fetch_optional(&mut self.conn).await?)
    }

    /// Records that a volume starts.
    pub async fn start_volume(&mut self, started: &LastingVolume) -> Result<(), StoreError> {
        query("INSERT INTO volume (title, ticket, since, ends_at) VALUES ($1, $2, $3, $4)")
            .bind(&*started.volume)
            .bind(started.ticket.0)
            .bind(started.since.as_millisecond())
            .bind(started.ends_at.as_millisecond())
            .execute(&mut self.conn)
            .await?;
        Ok(())
    }

    /// Moves the end of a volume that lasts.
    pub async fn move_end_of_volume(&mut self, volume: &str, ends_at: Timestamp) -> Result<(), StoreError> {
        query("UPDATE volume SET ends_at = $2 WHERE title = $1")
            .bind(volume)
            .bind(ends_at.as_millisecond())
            .execute(&mut self.conn)
            .await?;
        Ok(())
    }

    /// Records that a volume ends.
    pub async fn end_volume(&mut self, volume: &str) -> Result<(), StoreError> {
        query("DELETE FROM volume WHERE title = $1").bind(volume).execute(&mut self.conn).await?;
        Ok(())
    }

    /// Deletes what is kept of a volume.
    pub async fn forget_volume(&mut self, volume: &str) -> Result<(), StoreError> {
        self.end_volume(volume).await?;
        query("DELETE FROM volume_ticket WHERE volume = $1").bind(volume).execute(&mut self.conn).await?;
        Ok(())
    }

    /// The titles of the volumes of which something is kept.
    pub async fn volumes(&mut self) -> Result<Vec<String>, StoreError> {
        query_scalar("SELECT title FROM volume UNION SELECT DISTINCT volume FROM volume_ticket")
            .fetch_all(&mut self.conn)
            .await
            .map_err(StoreError::from)
    }

    /// The ticket that a volume last counted and that is not closed.
    pub async fn open_ticket_of_volume(&mut self, volume: &str) -> Result<Option<TicketId>, StoreError> {
        let id: Option<i64> = query_scalar(
            "SELECT t.id FROM volume_ticket v JOIN ticket t ON t.id = v.ticket
             WHERE v.volume = $1 AND t.status <> 'closed' ORDER BY v.at DESC, t.id DESC LIMIT 1",
        )
        .bind(volume)
        .fetch_optional(&mut self.conn)
        .await?;
        Ok(id.map(TicketId))
    }
}

impl Snapshot<'_> {
    /// The volumes that last, the latest first.
    pub async fn lasting_volumes(&mut self) -> Result<Vec<LastingVolume>, StoreError> {
        let all = query("SELECT title, ticket, since, ends_at FROM volume ORDER BY since DESC, title");
        let rows = all.fetch_all(&mut self.conn).await?;
        rows.iter().map(lasting).collect()
    }
}
