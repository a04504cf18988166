//! Messages as they came, each once, and those that cannot be read.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{
    Store, StoreError, Tx,
    db::{Builder, query},
    time, word,
};
use crate::desk::XId;

/// What sort of message came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum IncomingKind {
    /// A post.
    Post,
    /// A post that the account liked.
    Like,
    /// A direct message.
    DirectMessage,
}

impl IncomingKind {
    /// The word under which it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Post => "post",
            Self::Like => "like",
            Self::DirectMessage => "direct_message",
        }
    }
}

impl std::str::FromStr for IncomingKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Post, Self::Like, Self::DirectMessage]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| format!("`{text}` is no kind of message"))
    }
}

/// A message to be accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// What sort of message.
    pub kind: IncomingKind,
    /// Its first id: edits have ids of their own.
    pub x_id: XId,
    /// The id of this version.
    pub version: XId,
    /// The message as JSON, to be decoded when it is taken in.
    pub payload: String,
}

/// What came of accepting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// Messages that were not known.
    pub new: usize,
    /// Messages that were.
    pub known: usize,
}

/// A message that waits to be taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxItem {
    /// The store's number for it.
    pub id: i64,
    /// The account it came to.
    pub account: XId,
    /// What sort of message.
    pub kind: IncomingKind,
    /// The message as JSON.
    pub payload: String,
    /// When it came.
    pub received: Timestamp,
}

impl Store {
    /// Accepts messages and keeps how far their endpoint was read, both or neither. What is known is counted and left alone.
    ///
    /// # Errors
    /// When the store fails: nothing was accepted then, and the position is what it was.
    pub async fn accept(
        &self,
        account: &XId,
        items: &[Incoming],
        position: Option<(&str, &str)>,
        now: Timestamp,
    ) -> Result<Accepted, StoreError> {
        let mut tx = self.begin().await?;
        let mut new = 0;
        for item in items {
            let done = query(
                "INSERT INTO inbox (account, kind, x_id, version, payload, received, state)
                 VALUES ($1, $2, $3, $4, $5, $6, 'pending') ON CONFLICT DO NOTHING",
            )
            .bind(account.as_str())
            .bind(item.kind.as_str())
            .bind(item.x_id.as_str())
            .bind(item.version.as_str())
            .bind(&item.payload)
            .bind(now.as_millisecond())
            .execute(&mut tx.conn)
            .await?;
            new += usize::from(done > 0);
        }
        if let Some((endpoint, position)) = position {
            tx.put_position(account, endpoint, position).await?;
        }
        tx.commit().await?;
        Ok(Accepted { new, known: items.len() - new })
    }

    /// The messages that wait, in the order in which they came.
    pub async fn pending(&self, most: i64) -> Result<Vec<InboxItem>, StoreError> {
        query("SELECT id, account, kind, payload, received FROM inbox WHERE state = 'pending' ORDER BY id LIMIT $1")
            .bind(most)
            .fetch_all(&self.reader)
            .await?
            .iter()
            .map(|row| {
                Ok(InboxItem {
                    id: row.try_get(0)?,
                    account: word(row.try_get(1)?)?,
                    kind: word(row.try_get(2)?)?,
                    payload: row.try_get(3)?,
                    received: time(row.try_get(4)?)?,
                })
            })
            .collect()
    }

    /// Keeps a message that cannot be read, byte for byte. Returns whether it is new: the same is kept once, by its id where
    /// that could be read and by its bytes where not.
    pub async fn set_aside_raw(
        &self,
        account: &XId,
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
                    "INSERT INTO inbox (account, kind, x_id, version, payload, raw, received, state, reason)
                     VALUES ($1, $2, $3, 'raw', '', $4, $5, 'set_aside', $6) ON CONFLICT DO NOTHING",
                )
                .bind(account.as_str())
                .bind(kind.as_str())
                .bind(id.map_or_else(hash, XId::to_string))
                .bind(raw)
                .bind(now.as_millisecond())
                .bind(reason),
            )
            .await?;
        Ok(done > 0)
    }
}

impl Tx {
    /// Marks messages as taken in. What they said lives on in their posts and comments.
    pub async fn finish(&mut self, ids: &[i64]) -> Result<(), StoreError> {
        if !ids.is_empty() {
            let mut done = Builder::new(self.conn.dialect(), "UPDATE inbox SET state = 'done', payload = '' WHERE id");
            done.push_in_numbers(ids);
            done.build().execute(&mut self.conn).await?;
        }
        Ok(())
    }

    /// Puts a waiting message aside, with the reason.
    pub async fn set_aside(&mut self, id: i64, reason: &str) -> Result<(), StoreError> {
        query("UPDATE inbox SET state = 'set_aside', reason = $1 WHERE id = $2")
            .bind(reason)
            .bind(id)
            .execute(&mut self.conn)
            .await?;
        Ok(())
    }
}
