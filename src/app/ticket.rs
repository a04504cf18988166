//! A ticket with its comments, links, context and deliveries.

use crate::{
    desk::{Comment, Ticket, TicketId, Viewer},
    store::{DeliveryStatus, Intervention, StoppedLoop, Store, StoreError, StoredPost},
};

/// A ticket with its comments, links, context and deliveries.
#[derive(Debug)]
pub struct TicketSheet {
    /// Its fields.
    pub ticket: Ticket,
    /// Its version, which every write increments.
    pub version: i64,
    /// Linked tickets that the viewer sees, with the reason for each link.
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

/// Loads a ticket; `None` if the viewer sees no ticket with this number.
pub async fn sheet(store: &Store, viewer: Viewer<'_>, id: TicketId) -> Result<Option<TicketSheet>, StoreError> {
    let mut snapshot = store.snapshot(viewer).await?;
    let sheet = match snapshot.ticket(id).await? {
        Some(seen) => Some(TicketSheet {
            links: snapshot.links(&seen).await?,
            comments: snapshot.comments(&seen).await?,
            context: snapshot.context(&seen).await?,
            stopped: snapshot.stopped_loop(&seen).await?,
            outgoing: snapshot.outgoing(&seen).await?,
            interventions: snapshot.interventions(&seen).await?,
            version: seen.version,
            not_imported: seen.not_imported,
            ticket: seen.ticket,
        }),
        None => None,
    };
    snapshot.close().await?;
    Ok(sheet)
}
