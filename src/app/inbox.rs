//! Processes inbox items, several per transaction.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    App, Intake,
    message::{Message, read},
};
use crate::{
    desk::{Actor, ConnectedAccount, Incoming, IncomingKind, Transport, XId},
    store::{InboxItem, StoreError, StoredPost},
    x::{Post, Unreadable},
};

/// Maximum number of messages processed per transaction.
const MAX_BATCH_MESSAGES: i64 = 100;
/// Time after which a transaction processes no further message, so that other writers do not wait longer.
const LONG_ENOUGH: Duration = Duration::from_millis(50);

impl App {
    /// Processes the next inbox items, as many as one transaction takes. Returns whether there were any. A message that
    /// cannot be read or stored is set aside with a notice, and does not block later messages.
    ///
    /// # Errors
    /// When the store fails. Messages that were not processed stay in the inbox.
    pub async fn take_next(&self) -> Result<bool, StoreError> {
        let items = self.store.pending(MAX_BATCH_MESSAGES).await?;
        if items.is_empty() {
            return Ok(false);
        }
        match self.take_together(&items).await {
            Err(error) if items.len() > 1 => {
                // Not reported here: the error recurs below, and is reported there.
                tracing::debug!("a batch of messages failed, so each is processed separately: {error}");
                self.take_alone(&items).await?;
            }
            taken => drop(taken?),
        }
        Ok(true)
    }

    /// Adds messages of an account to the inbox, and the new position of the endpoint they come from. Returns how many
    /// were not known before.
    pub(crate) async fn accept(
        &self,
        account: &ConnectedAccount,
        transport: Transport,
        items: &[Incoming],
        position: Option<(&str, &str)>,
    ) -> Result<usize, StoreError> {
        let accepted = self.store.accept(&account.id, transport, items, position, self.clock.now()).await?;
        for kind in &accepted.new {
            self.notices.counters().received(&account.handle, kind.as_str(), transport.as_str());
        }
        if !accepted.new.is_empty() {
            self.wake.inbox.notify_one();
        }
        Ok(accepted.new.len())
    }

    /// Adds messages to the inbox that do not come from X: from a file, in the demo and in tests.
    pub async fn feed(&self, account: &XId, posts: Vec<Post>) -> Result<usize, StoreError> {
        let items: Vec<_> = posts.into_iter().map(|post| post.into_incoming(IncomingKind::Post)).collect();
        let accepted = self.store.accept(account, Transport::File, &items, None, self.clock.now()).await?;
        self.wake.inbox.notify_one();
        Ok(accepted.new.len())
    }

    /// Processes messages in one transaction, all or none. Stops early after `LONG_ENOUGH`; the rest stays in the
    /// inbox. Returns the number of readable messages.
    async fn take_together(&self, items: &[InboxItem]) -> Result<usize, StoreError> {
        let mut messages: Vec<_> = items.iter().map(read).collect();
        let accounts = self.store.accounts().await?;
        let mut intake = Intake { unit: self.begin().await?, accounts: &accounts, by: Actor::Person };
        let begun = Instant::now();
        intake.unit.tx.prefetch_versions(&posts(&messages)).await?;
        for message in messages.iter_mut().flatten().flatten() {
            intake.unit.tx.by_first_ids(&mut message.post);
        }
        intake.unit.tx.prefetch(&posts(&messages)).await?;
        let (mut done, mut made) = (vec![], vec![]);
        for (item, message) in items.iter().zip(&mut messages) {
            match message {
                Ok(message) => {
                    if item.kind == IncomingKind::Deleted {
                        intake.deleted(&item.x_id).await?;
                    }
                    if let Some(message) = message {
                        intake.message(message).await?;
                        made.push((item.transport, message.post.made));
                    }
                    done.push(item.id);
                }
                Err(unreadable) => intake.set_aside(item, &unreadable.reason).await?,
            }
            if begun.elapsed() > LONG_ENOUGH {
                break;
            }
        }
        intake.unit.tx.finish(&done).await?;
        intake.unit.commit().await?;
        let now = self.clock.now();
        for (transport, made) in made {
            // X's clock may be ahead of this machine's.
            let lag = Duration::try_from(now.duration_since(made)).unwrap_or_default();
            self.notices.counters().processed(transport.as_str(), lag);
        }
        if items.iter().any(|item| item.kind == IncomingKind::Deleted) {
            self.store.purge().await?;
        }
        Ok(done.len())
    }

    /// Processes messages one by one. Those with bad data are skipped, which is safe because assignment to tickets does
    /// not depend on order. They are set aside once another message has succeeded, which proves that the store works.
    async fn take_alone(&self, items: &[InboxItem]) -> Result<(), StoreError> {
        let mut read = 0;
        let mut failed = None;
        let mut aside = vec![];
        for item in items {
            match self.take_together(std::slice::from_ref(item)).await {
                Ok(some) => read += some,
                Err(error) if error.is_about_data() => {
                    aside.push((item, error.to_string()));
                    failed = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        match failed {
            None => Ok(()),
            Some(error) if read == 0 => Err(error),
            Some(_) => self.set_aside(aside).await,
        }
    }

    async fn set_aside(&self, items: Vec<(&InboxItem, String)>) -> Result<(), StoreError> {
        let accounts = self.store.accounts().await?;
        let mut intake = Intake { unit: self.begin().await?, accounts: &accounts, by: Actor::Person };
        for (item, reason) in items {
            intake.set_aside(item, &reason).await?;
        }
        intake.unit.commit().await
    }
}

fn posts(messages: &[Result<Option<Message>, Unreadable>]) -> Vec<&StoredPost> {
    messages.iter().flatten().flatten().map(|message| &message.post).collect()
}
