//! State of polling X: the cursor of each endpoint, endpoints that are stalled, and gaps in what was read.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    Store, StoreError, Tx,
    db::{Builder, query, query_scalar},
    times, word,
};
use crate::desk::{IncomingKind, XId};

/// Polling state of one endpoint of one account.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Polling {
    /// The account whose endpoint is polled.
    pub account: XId,
    /// The endpoint: `mentions`, `own posts`, `likes` or `direct messages`.
    pub endpoint: String,
    /// Why polling is stalled; `None` if it works.
    pub stalled: Option<String>,
    /// When it stalled.
    pub since: Option<Timestamp>,
    /// When it is polled next.
    pub next: Option<Timestamp>,
    /// Whether it is stalled only because X's rate limit is used up.
    pub throttled: bool,
}

/// Why polling of an endpoint is stalled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stall<'s> {
    /// The reason, as given by X if it gave one.
    pub why: &'s str,
    /// When it is polled next.
    pub next: Timestamp,
    /// Whether X's rate limit is the reason.
    pub throttled: bool,
}

/// A range of messages that may be missing, because X no longer returned them when the endpoint was polled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The account whose endpoint is polled.
    pub account: XId,
    /// The endpoint.
    pub endpoint: String,
    /// The newest known message before the gap.
    pub known: XId,
    /// The oldest known message after the gap.
    pub lowest: XId,
    /// Who acknowledged it, and when; it is then no longer reported.
    pub acknowledged: Option<Acknowledged>,
}

/// The acknowledgement of a gap.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Acknowledged {
    /// When it was acknowledged.
    pub at: Timestamp,
    /// Who acknowledged it.
    pub by: String,
}

impl Gap {
    /// One line for users.
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
    /// The polling state of every endpoint.
    pub async fn polling(&self) -> Result<Vec<Polling>, StoreError> {
        let rows =
            query("SELECT account, endpoint, stalled, since, next, throttled FROM polling ORDER BY account, endpoint")
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
                    throttled: row.try_get::<i64, _>("throttled")? != 0,
                })
            })
            .collect()
    }

    /// The cursor of an endpoint, in the format of the poller that wrote it.
    pub async fn position(&self, account: &XId, endpoint: &str) -> Result<Option<String>, StoreError> {
        let position = query_scalar("SELECT position FROM polling WHERE account = $1 AND endpoint = $2")
            .bind(account.as_str())
            .bind(endpoint)
            .fetch_optional(&self.reader)
            .await?;
        Ok(position.flatten())
    }

    /// Records that an endpoint is stalled. `None`: it works again.
    pub async fn stalled(
        &self,
        account: &XId,
        endpoint: &str,
        stall: Option<Stall<'_>>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(
            query(
                "INSERT INTO polling (account, endpoint, stalled, since, next, throttled) VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (account, endpoint) DO UPDATE SET stalled = excluded.stalled, next = excluded.next,
                   throttled = excluded.throttled,
                   since = CASE WHEN excluded.stalled IS NULL THEN NULL ELSE coalesce(polling.since, excluded.since) END",
            )
            .bind(account.as_str())
            .bind(endpoint)
            .bind(stall.map(|stall| stall.why))
            .bind(stall.map(|_| now.as_millisecond()))
            .bind(stall.map(|stall| stall.next.as_millisecond()))
            .bind(i64::from(stall.is_some_and(|stall| stall.throttled))),
        )
        .await?;
        Ok(())
    }

    /// Records a gap. One that grows has to be acknowledged again.
    pub async fn missed(&self, gap: &Gap) -> Result<(), StoreError> {
        self.write(
            query(
                "INSERT INTO gap (account, endpoint, known, lowest) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (account, endpoint, known) DO UPDATE SET lowest = excluded.lowest,
                   acknowledged = CASE WHEN excluded.lowest = gap.lowest THEN gap.acknowledged END",
            )
            .bind(gap.account.as_str())
            .bind(&gap.endpoint)
            .bind(gap.known.as_str())
            .bind(gap.lowest.as_str()),
        )
        .await?;
        Ok(())
    }

    /// All gaps, acknowledged or not, by account and endpoint, latest first.
    pub async fn gaps(&self) -> Result<Vec<Gap>, StoreError> {
        let rows = query("SELECT account, endpoint, known, lowest, acknowledged, acknowledged_by FROM gap ORDER BY account, endpoint, length(known) DESC, known DESC")
            .fetch_all(&self.reader)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(Gap {
                    account: word(row.try_get("account")?)?,
                    endpoint: row.try_get("endpoint")?,
                    known: word(row.try_get("known")?)?,
                    lowest: word(row.try_get("lowest")?)?,
                    acknowledged: match times(row.try_get("acknowledged")?)? {
                        Some(at) => {
                            let by: Option<String> = row.try_get("acknowledged_by")?;
                            Some(Acknowledged { at, by: by.unwrap_or_default() })
                        }
                        None => None,
                    },
                })
            })
            .collect()
    }

    /// Acknowledges all gaps of an account that are not acknowledged yet. Returns their number.
    pub async fn acknowledge_gaps(&self, account: &XId, by: &str, now: Timestamp) -> Result<u64, StoreError> {
        self.write(
            query("UPDATE gap SET acknowledged = $2, acknowledged_by = $3 WHERE account = $1 AND acknowledged IS NULL")
                .bind(account.as_str())
                .bind(now.as_millisecond())
                .bind(by),
        )
        .await
    }

    /// The highest row id of the inbox; 0 if it is empty.
    pub async fn last_received(&self) -> Result<i64, StoreError> {
        Ok(query_scalar("SELECT coalesce(max(id), 0) FROM inbox").fetch_one(&self.reader).await?)
    }

    /// The stored versions of these messages of an account: (message id, version) to inbox row id.
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
    /// Stores the cursor of an endpoint.
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
