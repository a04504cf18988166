//! A ticket with its comments, links, context and deliveries.

use crate::{
    desk::{Comment, Ticket, TicketId},
    store::{DeliveryStatus, Intervention, StoppedLoop, Store, StoreError, StoredPost},
};

/// A ticket with its comments, links, context and deliveries.
#[derive(Debug)]
pub struct TicketSheet {
    /// Its fields.
    pub ticket: Ticket,
    /// Its version, which every write increments.
    pub version: i64,
    /// Linked tickets, with the reason for each link.
    pub links: Vec<(TicketId, String)>,
    /// Its comments, in order.
    pub comments: Vec<Comment>,
    /// Posts by others above its comments in the reply chain, each with its author's handle if known.
    pub context: Vec<(StoredPost, Option<String>)>,
    /// Number of messages not imported because of the limit of comments per ticket.
    pub not_imported: i64,
    /// Set if automations were stopped on it because they looped.
    pub stopped: Option<StoppedLoop>,
    /// All its outgoing effects, finished or not.
    pub outgoing: Vec<DeliveryStatus>,
    /// Agents' interventions on its outbox items.
    pub interventions: Vec<Intervention>,
}

/// Loads a ticket; `None` if there is no ticket with this number.
pub async fn sheet(store: &Store, id: TicketId) -> Result<Option<TicketSheet>, StoreError> {
    let Some(ticket) = store.ticket(id).await? else { return Ok(None) };
    Ok(Some(TicketSheet {
        ticket,
        version: store.ticket_version(id).await?,
        links: store.links(id).await?,
        comments: store.comments(id).await?,
        context: store.context(id).await?,
        not_imported: store.left_out(id).await?,
        stopped: store.stopped_loop(id).await?,
        outgoing: store.outgoing(id).await?,
        interventions: store.interventions(id).await?,
    }))
}
