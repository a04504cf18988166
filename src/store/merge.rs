//! Merging tickets.

use jiff::Timestamp;

use super::{
    StoreError, Tx,
    comment::author_word,
    db::{query, query_scalar},
};
use crate::desk::{Author, MovedComments, Person, SourceId, Ticket, TicketId};

impl Tx {
    /// The tickets into which this one, which need not be stored yet, can be merged: the earlier unclosed tickets with the
    /// same person, account and channel, latest first.
    pub async fn earlier_tickets(&mut self, of: &Ticket) -> Result<Vec<TicketId>, StoreError> {
        let earlier: Vec<i64> = query_scalar(
            "SELECT id FROM ticket WHERE key_account = coalesce((SELECT key_account FROM ticket WHERE id = $1),
                   (SELECT min(x_id) FROM account WHERE lower(handle) = lower($2)))
               AND key_person = $3 AND channel = $4 AND id <> $1 AND status <> 'closed'
               AND (created < $5 OR (created = $5 AND id < $1))
             ORDER BY created DESC, id DESC LIMIT 100",
        )
        .bind(of.id.0)
        .bind(of.account.as_deref())
        .bind(of.requester.id.as_ref().map(SourceId::as_str))
        .bind(of.channel.as_str())
        .bind(of.created.as_millisecond())
        .fetch_all(&mut self.conn)
        .await?;
        Ok(earlier.into_iter().map(TicketId).collect())
    }

    /// Merges a ticket into another: moves its comments, copies its links and records the target. Does not move notes,
    /// nor posts that are on the target already. The ticket no longer counts among its requester's.
    pub async fn merge(&mut self, from: TicketId, into: TicketId, now: Timestamp) -> Result<MovedComments, StoreError> {
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
        let counted = query_scalar("SELECT requester FROM ticket WHERE id = $1 AND merged_into IS NULL").bind(from.0);
        if let Some(number) = counted.fetch_optional(&mut self.conn).await?
            && let Some(ticket) = self.ticket(from).await?
        {
            let person = Person { tickets: ticket.requester.tickets.saturating_sub(1), ..ticket.requester.clone() };
            self.change_person(number, &ticket.requester, &person, now).await?;
        }
        self.move_incidents(from, into, now).await?;
        self.move_counted(from, into).await?;
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
