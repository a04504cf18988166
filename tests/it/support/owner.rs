//! What the owner of the machine reads of a ticket, for assertions.

use twite::{
    desk::{Comment, Ticket, TicketId, Viewer},
    store::{Counts, DeliveryStatus, Intervention, Queued, Recorded, StoppedLoop, Store, StoreError, StoredPost},
};

/// Declares and implements reads of the details of a ticket, which must exist.
macro_rules! details {
    ($($name:ident: $type:ty;)+) => {
        /// Reads for the owner of the machine, each in a snapshot of its own.
        pub trait OwnerReads {
            async fn ticket(&self, id: TicketId) -> Result<Option<Ticket>, StoreError>;
            async fn ticket_version(&self, id: TicketId) -> Result<i64, StoreError>;
            async fn left_out(&self, id: TicketId) -> Result<i64, StoreError>;
            async fn stopped_loops(&self) -> Result<Vec<StoppedLoop>, StoreError>;
            async fn queued(&self) -> Result<Vec<Queued>, StoreError>;
            async fn counts(&self) -> Result<Counts, StoreError>;
            $(async fn $name(&self, id: TicketId) -> Result<$type, StoreError>;)+
        }

        impl OwnerReads for Store {
            async fn ticket(&self, id: TicketId) -> Result<Option<Ticket>, StoreError> {
                let mut snapshot = self.snapshot(Viewer::Owner).await?;
                let found = snapshot.ticket(id).await?;
                snapshot.close().await?;
                Ok(found.map(|seen| seen.ticket))
            }

            async fn ticket_version(&self, id: TicketId) -> Result<i64, StoreError> {
                let mut snapshot = self.snapshot(Viewer::Owner).await?;
                let seen = snapshot.ticket(id).await?.unwrap();
                snapshot.close().await?;
                Ok(seen.version)
            }

            async fn left_out(&self, id: TicketId) -> Result<i64, StoreError> {
                let mut snapshot = self.snapshot(Viewer::Owner).await?;
                let seen = snapshot.ticket(id).await?.unwrap();
                snapshot.close().await?;
                Ok(seen.not_imported)
            }

            async fn stopped_loops(&self) -> Result<Vec<StoppedLoop>, StoreError> {
                let mut snapshot = self.snapshot(Viewer::Owner).await?;
                let found = snapshot.stopped_loops().await?;
                snapshot.close().await?;
                Ok(found)
            }

            async fn queued(&self) -> Result<Vec<Queued>, StoreError> {
                let mut snapshot = self.snapshot(Viewer::Owner).await?;
                let found = snapshot.queued().await?;
                snapshot.close().await?;
                Ok(found)
            }

            async fn counts(&self) -> Result<Counts, StoreError> {
                let mut snapshot = self.snapshot(Viewer::Owner).await?;
                let found = snapshot.counts().await?;
                snapshot.close().await?;
                Ok(found)
            }

            $(async fn $name(&self, id: TicketId) -> Result<$type, StoreError> {
                let mut snapshot = self.snapshot(Viewer::Owner).await?;
                let seen = snapshot.ticket(id).await?.unwrap();
                let found = snapshot.$name(&seen).await?;
                snapshot.close().await?;
                Ok(found)
            })+
        }
    };
}

details! {
    comments: Vec<Comment>;
    context: Vec<(StoredPost, Option<String>)>;
    decisions: Vec<Recorded>;
    interventions: Vec<Intervention>;
    links: Vec<(TicketId, String)>;
    outgoing: Vec<DeliveryStatus>;
    stopped_loop: Option<StoppedLoop>;
}
