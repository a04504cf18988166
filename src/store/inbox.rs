//! The inbox: received messages, each stored once, including those that cannot be decoded.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{
    Store, StoreError, Tx,
    db::{Builder, query},
    time, word,
};
use crate::desk::{Incoming, IncomingKind, Transport, XId};

/// The result of [`Store::accept`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The kinds of the messages that were stored.
    pub new: Vec<IncomingKind>,
    /// The number of messages that were already there.
    pub known: usize,
}

/// A message that is not processed yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxItem {
    /// Its row id.
    pub id: i64,
    /// The account that received it.
    pub account: XId,
    /// Its kind.
    pub kind: IncomingKind,
    /// The id of its first version.
    pub x_id: XId,
    /// How it came.
    pub transport: Transport,
    /// The message as JSON.
    pub payload: String,
    /// When it was received.
    pub received: Timestamp,
}

impl Store {
    /// Stores messages and the new cursor of their endpoint, atomically. Messages that are already there are only
    /// counted.
    pub async fn accept(
        &self,
        account: &XId,
        transport: Transport,
        items: &[Incoming],
        position: Option<(&str, &str)>,
        now: Timestamp,
    ) -> Result<Accepted, StoreError> {
        let mut tx = self.begin().await?;
        let mut new = vec![];
        for item in items {
            let done = query(
                "INSERT INTO inbox (account, kind, x_id, version, transport, payload, received, state)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending') ON CONFLICT DO NOTHING",
            )
            .bind(account.as_str())
            .bind(item.kind.as_str())
            .bind(item.x_id.as_str())
            .bind(item.version.as_str())
            .bind(transport.as_str())
            .bind(&item.payload)
            .bind(now.as_millisecond())
            .execute(&mut tx.conn)
            .await?;
            if done > 0 {
                new.push(item.kind);
            }
        }
        if let Some((endpoint, position)) = position {
            tx.put_position(account, endpoint, position).await?;
        }
        tx.commit().await?;
        Ok(Accepted { known: items.len() - new.len(), new })
    }

    /// Messages that are not processed yet, at most `most`, in the order in which they were stored.
    pub async fn pending(&self, most: i64) -> Result<Vec<InboxItem>, StoreError> {
        query(
            "SELECT id, account, kind, x_id, payload, received, transport FROM inbox WHERE state = 'pending' ORDER BY id LIMIT $1",
        )
        .bind(most)
        .fetch_all(&self.reader)
        .await?
        .iter()
        .map(|row| {
            Ok(InboxItem {
                id: row.try_get(0)?,
                account: word(row.try_get(1)?)?,
                kind: word(row.try_get(2)?)?,
                x_id: word(row.try_get(3)?)?,
                payload: row.try_get(4)?,
                received: time(row.try_get(5)?)?,
                transport: word(row.try_get(6)?)?,
            })
        })
        .collect()
    }

    /// Stores a message that cannot be decoded, as raw bytes. Returns whether it is new: duplicates are detected by the
    /// id, or by a hash of the bytes if the id is unknown.
    pub async fn set_aside_raw(
        &self,
        (account, transport): (&XId, Transport),
        kind: IncomingKind,
        id: Option<&XId>,
        raw: &[u8],
        reason: &str,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let hash = || Sha256::digest(raw).iter().map(|byte| format!("{byte:02x}")).collect();
        let done = self
            .write(
                query(
                    "INSERT INTO inbox (account, kind, x_id, version, transport, payload, raw, received, state, reason)
                     VALUES ($1, $2, $3, 'raw', $4, '', $5, $6, 'set_aside', $7) ON CONFLICT DO NOTHING",
                )
                .bind(account.as_str())
                .bind(kind.as_str())
                .bind(id.map_or_else(hash, XId::to_string))
                .bind(transport.as_str())
                .bind(raw)
                .bind(now.as_millisecond())
                .bind(reason),
            )
            .await?;
        Ok(done > 0)
    }
}

impl Tx {
    /// Marks messages as processed and erases their payloads, which are now stored as posts and comments.
    pub async fn finish(&mut self, ids: &[i64]) -> Result<(), StoreError> {
        if !ids.is_empty() {
            let mut done = Builder::new(self.conn.dialect(), "UPDATE inbox SET state = 'done', payload = '' WHERE id");
            done.push_in_numbers(ids);
            done.build().execute(&mut self.conn).await?;
        }
        Ok(())
    }

    /// Marks a message as set aside: it could not be processed, for this reason.
    pub async fn set_aside(&mut self, id: i64, reason: &str) -> Result<(), StoreError> {
        query("UPDATE inbox SET state = 'set_aside', reason = $1 WHERE id = $2")
            .bind(reason)
            .bind(id)
            .execute(&mut self.conn)
            .await?;
        Ok(())
    }
}
