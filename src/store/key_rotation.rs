//! Changing the key that encrypts tokens.

use jiff::Timestamp;

use super::{Holder, Key, Store, StoreError, db::query, word};
use crate::desk::{Tokens, XId};

/// What became of the tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rotated {
    /// Accounts whose tokens were encrypted anew.
    pub changed: usize,
    /// Accounts whose tokens were encrypted with the new key already.
    pub unchanged: usize,
}

/// Why the key is not changed. All tokens are as they were.
#[derive(Debug, thiserror::Error)]
pub enum NotRotated {
    /// A daemon works with the old key.
    #[error("a daemon works on this database with the old key (process {} on {}); stop it first", .0.pid, .0.host)]
    DaemonRuns(Holder),
    /// The new key is the old one.
    #[error("the new key is the one in use")]
    SameKey,
    /// Neither key decrypts the tokens of an account.
    #[error("neither key decrypts the tokens of @{0}: nothing is changed; reauthorise or unlink that account first")]
    OtherKey(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Encrypts the tokens of every account with a new key, in one transaction: all of them or, if the process is killed,
    /// none.
    pub async fn rotate_key(&self, old: &Key, new: &Key, now: Timestamp) -> Result<Rotated, NotRotated> {
        if old.is(new) {
            return Err(NotRotated::SameKey);
        }
        let mut tx = self.begin().await?;
        // A daemon that starts now waits for this transaction, and then cannot decrypt with the old key.
        if let Some(lease) = tx.lease().await?.filter(|lease| lease.is_held(now)) {
            return Err(NotRotated::DaemonRuns(lease.holder));
        }
        let rows = query("SELECT x_id, handle, tokens FROM account WHERE tokens IS NOT NULL ORDER BY x_id")
            .fetch_all(&mut tx.conn)
            .await
            .map_err(StoreError::from)?;
        let mut rotated = Rotated::default();
        for row in &rows {
            let read =
                || -> Result<(XId, Vec<u8>), StoreError> { Ok((word(row.try_get("x_id")?)?, row.try_get("tokens")?)) };
            let (account, sealed) = read()?;
            let tokens: Tokens = match old.open(&account, &sealed) {
                Ok(tokens) => tokens,
                Err(_) if new.open(&account, &sealed).is_ok() => {
                    rotated.unchanged += 1;
                    continue;
                }
                Err(_) => return Err(NotRotated::OtherKey(row.try_get("handle").map_err(StoreError::from)?)),
            };
            let sealed = new.seal(&account, &tokens)?;
            query("UPDATE account SET tokens = $2 WHERE x_id = $1")
                .bind(account.as_str())
                .bind(sealed)
                .execute(&mut tx.conn)
                .await
                .map_err(StoreError::from)?;
            rotated.changed += 1;
        }
        tx.commit().await?;
        Ok(rotated)
    }
}
