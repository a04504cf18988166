//! One ticket with everything there is to show of it.

use crate::{
    desk::{Comment, Ticket, TicketId},
    store::{DeliveryStatus, Intervention, StoppedLoop, Store, StoreError, StoredPost},
};

/// A ticket with everything there is to show of it.
#[derive(Debug)]
pub struct TicketSheet {
    /// Its fields.
    pub ticket: Ticket,
    /// Its version: every write raises it.
    pub version: i64,
    /// Tickets that it is linked with, and why.
    pub links: Vec<(TicketId, String)>,
    /// What was said on it, in order.
    pub comments: Vec<Comment>,
    /// Posts by others above its comments, each with the author's handle where that is known.
    pub context: Vec<(StoredPost, Option<String>)>,
    /// How many messages it did not take.
    pub not_imported: i64,
    /// That automations were stopped on it, as they went in circles.
    pub stopped: Option<StoppedLoop>,
    /// Everything that was ever to be sent.
    pub outgoing: Vec<DeliveryStatus>,
    /// What agents did with that by hand.
    pub interventions: Vec<Intervention>,
}

/// Everything there is to show of a ticket, where there is one of that number.
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
