//! From the inbox to committed decisions, many messages in one transaction.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    App, Intake,
    message::{Message, read},
};
use crate::{
    desk::XId,
    store::{InboxItem, IncomingKind, StoreError, StoredPost},
    x::{Post, Unreadable, poll::incoming_post},
};

/// The most messages that are taken in with one transaction.
const MAX_BATCH_MESSAGES: i64 = 100;
/// After this long, a transaction takes in no further message: whoever else writes waits no longer than that.
const LONG_ENOUGH: Duration = Duration::from_millis(50);

impl App {
    /// Takes in the next messages that wait, as many as there are and one transaction takes. Returns whether there were any.
    /// A message that cannot be read, or whose outcome cannot be stored, is set aside, visibly, and never stops the next.
    ///
    /// # Errors
    /// When the store fails: what is not taken in stays where it was.
    pub async fn take_next(&self) -> Result<bool, StoreError> {
        let items = self.store.pending(MAX_BATCH_MESSAGES).await?;
        if items.is_empty() {
            return Ok(false);
        }
        match self.take_together(&items).await {
            Err(error) if items.len() > 1 => {
                // What is about the moment and not about a message is told where it fails again.
                if error.is_about_data() {
                    tracing::warn!("a batch of messages failed, so each is processed separately: {error}");
                }
                self.take_alone(&items).await?;
            }
            taken => drop(taken?),
        }
        Ok(true)
    }

    /// Takes a message that came by another way than X: from a file, in the demo and in tests.
    pub async fn feed(&self, account: &XId, posts: Vec<Post>) -> Result<usize, StoreError> {
        let items: Vec<_> = posts.into_iter().map(|post| incoming_post(post, IncomingKind::Post)).collect();
        let accepted = self.store.accept(account, &items, None, self.clock.now()).await?;
        self.wake.inbox.notify_one();
        Ok(accepted.new)
    }

    /// Takes messages in with one transaction: all that each of them leads to is in it, or none of any. It ends before the
    /// last of them where it takes long. Returns how many of them could be read.
    async fn take_together(&self, items: &[InboxItem]) -> Result<usize, StoreError> {
        let mut messages: Vec<_> = items.iter().map(read).collect();
        let accounts = self.store.accounts().await?;
        let mut intake = Intake { unit: self.begin().await?, accounts: &accounts };
        let begun = Instant::now();
        intake.unit.tx.prefetch_versions(&posts(&messages)).await?;
        for message in messages.iter_mut().flatten().flatten() {
            intake.unit.tx.by_first_ids(&mut message.post);
        }
        intake.unit.tx.prefetch(&posts(&messages)).await?;
        let mut done = vec![];
        for (item, message) in items.iter().zip(&mut messages) {
            match message {
                Ok(message) => {
                    if let Some(message) = message {
                        intake.message(message).await?;
                    }
                    done.push(item.id);
                }
                Err(unreadable) => intake.set_aside(item.id, unreadable.reason.clone()).await?,
            }
            if begun.elapsed() > LONG_ENOUGH {
                break;
            }
        }
        intake.unit.tx.finish(&done).await?;
        intake.unit.commit().await?;
        Ok(done.len())
    }

    /// Takes messages in one by one. What fails for its own sake is passed by, as which ticket a message belongs to does not
    /// depend on their order, and set aside once another has shown that the store works.
    async fn take_alone(&self, items: &[InboxItem]) -> Result<(), StoreError> {
        let mut read = 0;
        let mut failed = None;
        let mut aside = vec![];
        for item in items {
            match self.take_together(std::slice::from_ref(item)).await {
                Ok(some) => read += some,
                Err(error) if error.is_about_data() => {
                    aside.push((item.id, error.to_string()));
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

    async fn set_aside(&self, items: Vec<(i64, String)>) -> Result<(), StoreError> {
        let mut intake = Intake { unit: self.begin().await?, accounts: &[] };
        for (id, reason) in items {
            intake.set_aside(id, reason).await?;
        }
        intake.unit.commit().await
    }
}

fn posts(messages: &[Result<Option<Message>, Unreadable>]) -> Vec<&StoredPost> {
    messages.iter().flatten().flatten().map(|message| &message.post).collect()
}
