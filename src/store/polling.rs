//! How far each of X's endpoints was read, and which of them stand still.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    IncomingKind, Store, StoreError, Tx,
    db::{Builder, query, query_scalar},
    times, word,
};
use crate::desk::XId;

/// How the reading of an endpoint stands.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Polling {
    /// The account that is read.
    pub account: XId,
    /// What is read: `mentions`, `own posts`, `likes` or `direct messages`.
    pub endpoint: String,
    /// Why it is not read now.
    pub stalled: Option<String>,
    /// Since when it is not.
    pub since: Option<Timestamp>,
    /// When X is asked next.
    pub next: Option<Timestamp>,
}

/// What X showed no more when an endpoint was read, so that it may be missing here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The account that is read.
    pub account: XId,
    /// What is read.
    pub endpoint: String,
    /// The newest message below it.
    pub known: XId,
    /// The oldest message above it.
    pub lowest: XId,
}

impl Gap {
    /// In one line, for a person.
    pub fn line(&self) -> String {
        let when = |id: &XId| {
            let made = id.made_at_millis().and_then(|millis| Timestamp::from_millisecond(millis).ok());
            made.map_or_else(|| id.to_string(), |made| made.to_string())
        };
        let (known, lowest) = (when(&self.known), when(&self.lowest));
        format!("posts from {known} to {lowest} may be missing: X does not return them")
    }
}

impl Store {
    /// How the reading of each endpoint stands.
    pub async fn polling(&self) -> Result<Vec<Polling>, StoreError> {
        let rows = query("SELECT account, endpoint, stalled, since, next FROM polling ORDER BY account, endpoint")
            .fetch_all(&self.reader)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Polling {
                    account: word(row.try_get("account")?)?,
                    endpoint: row.try_get("endpoint")?,
                    stalled: row.try_get("stalled")?,
                    since: times(row.try_get("since")?)?,
                    next: times(row.try_get("next")?)?,
                })
            })
            .collect()
    }

    /// How far an endpoint was read, in the words of whoever reads it.
    pub async fn position(&self, account: &XId, endpoint: &str) -> Result<Option<String>, StoreError> {
        let position = query_scalar("SELECT position FROM polling WHERE account = $1 AND endpoint = $2")
            .bind(account.as_str())
            .bind(endpoint)
            .fetch_optional(&self.reader)
            .await?;
        Ok(position.flatten())
    }

    /// Notes that an endpoint stands still, why, and when X is asked next; or, with nothing, that it is read again.
    pub async fn stalled(
        &self,
        account: &XId,
        endpoint: &str,
        why: Option<(&str, Timestamp)>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(
            query(
                "INSERT INTO polling (account, endpoint, stalled, since, next) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (account, endpoint) DO UPDATE SET stalled = excluded.stalled, next = excluded.next,
                   since = CASE WHEN excluded.stalled IS NULL THEN NULL ELSE coalesce(polling.since, excluded.since) END",
            )
            .bind(account.as_str())
            .bind(endpoint)
            .bind(why.map(|(why, _)| why))
            .bind(why.map(|_| now.as_millisecond()))
            .bind(why.map(|(_, next)| next.as_millisecond())),
        )
        .await?;
        Ok(())
    }

    /// Notes what X showed no more.
    pub async fn missed(&self, gap: &Gap) -> Result<(), StoreError> {
        self.write(
            query(
                "INSERT INTO gap (account, endpoint, known, lowest) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (account, endpoint, known) DO UPDATE SET lowest = excluded.lowest",
            )
            .bind(gap.account.as_str())
            .bind(&gap.endpoint)
            .bind(gap.known.as_str())
            .bind(gap.lowest.as_str()),
        )
        .await?;
        Ok(())
    }

    /// All that X showed no more, the latest first.
    pub async fn gaps(&self) -> Result<Vec<Gap>, StoreError> {
        let rows = query("SELECT account, endpoint, known, lowest FROM gap ORDER BY account, endpoint, length(known) DESC, known DESC")
            .fetch_all(&self.reader)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Gap {
                    account: word(row.try_get("account")?)?,
                    endpoint: row.try_get("endpoint")?,
                    known: word(row.try_get("known")?)?,
                    lowest: word(row.try_get("lowest")?)?,
                })
            })
            .collect()
    }

    /// The last row of the inbox.
    pub async fn last_received(&self) -> Result<i64, StoreError> {
        Ok(query_scalar("SELECT coalesce(max(id), 0) FROM inbox").fetch_one(&self.reader).await?)
    }

    /// Which versions of these messages were accepted for an account, each with its row of the inbox.
    pub async fn received(
        &self,
        account: &XId,
        kind: IncomingKind,
        ids: impl IntoIterator<Item = &XId>,
    ) -> Result<BTreeMap<(XId, String), i64>, StoreError> {
        let mut query = Builder::new(self.reader.dialect(), "SELECT x_id, version, id FROM inbox WHERE x_id");
        query.push_in_texts(ids.into_iter().map(XId::as_str).collect());
        query.push(" AND account = ").push_bind(account.as_str()).push(" AND kind = ").push_bind(kind.as_str());
        let rows = query.build().fetch_all(&self.reader).await?;
        rows.iter().map(|row| Ok(((word(row.try_get(0)?)?, row.try_get(1)?), row.try_get(2)?))).collect()
    }
}

impl Tx {
    /// Keeps how far an endpoint was read.
    pub(super) async fn put_position(
        &mut self,
        account: &XId,
        endpoint: &str,
        position: &str,
    ) -> Result<(), StoreError> {
        query(
            "INSERT INTO polling (account, endpoint, position) VALUES ($1, $2, $3)
             ON CONFLICT (account, endpoint) DO UPDATE SET position = excluded.position",
        )
        .bind(account.as_str())
        .bind(endpoint)
        .bind(position)
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }
}
