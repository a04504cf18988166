//! Connected accounts and their tokens, which are encrypted at rest.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, Payload},
};
use hmac::{Hmac, Mac};
use jiff::Timestamp;
use sha2::Sha256;

use super::{
    Store, StoreError, Tx,
    db::{Connection, Row, query, query_scalar},
    time, times, word, words,
};
use crate::desk::{AccountState, Actor, ConnectedAccount, Tokens, XId};

/// The key that encrypts tokens.
#[derive(Clone)]
pub struct Key(chacha20poly1305::Key);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// The length of an XChaCha20 nonce, in bytes.
const NONCE: usize = 24;

impl Key {
    /// A key from the base64 of its 32 bytes.
    ///
    /// # Errors
    /// If it is not the base64 of 32 bytes. The message does not contain the key.
    pub fn from_base64(text: &str) -> Result<Self, StoreError> {
        let bytes = base64::engine::general_purpose::STANDARD.decode(text.trim()).ok();
        let key = bytes.and_then(|b| <[u8; 32]>::try_from(b).ok()).ok_or_else(|| {
            StoreError::Key(
                "the key must be 32 bytes in base64; `head -c 32 /dev/urandom | base64` generates one".to_owned(),
            )
        })?;
        Ok(Self(key.into()))
    }

    /// A random key.
    ///
    /// # Errors
    /// If the operating system provides no random bytes.
    pub fn random() -> Result<Self, StoreError> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|e| StoreError::Key(e.to_string()))?;
        Ok(Self(key.into()))
    }

    /// A secret text that follows from the key and a purpose, and tells nothing of the key: 43 letters, digits, `-` and
    /// `_`.
    pub fn derive(&self, purpose: &str) -> String {
        // HMAC takes a key of any length, so there always is one.
        let mac = Hmac::<Sha256>::new_from_slice(&self.0).map(|mut mac| {
            mac.update(purpose.as_bytes());
            mac.finalize().into_bytes()
        });
        mac.map(|mac| URL_SAFE_NO_PAD.encode(mac)).unwrap_or_default()
    }

    /// Whether both are the same key.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    /// Encrypts tokens. The account id is authenticated too, so that they cannot be decrypted for another account.
    pub(super) fn seal(&self, account: &XId, tokens: &Tokens) -> Result<Vec<u8>, StoreError> {
        let plain = serde_json::to_vec(tokens).map_err(|e| StoreError::Key(e.to_string()))?;
        self.seal_bytes(account.as_str(), &plain)
    }

    pub(super) fn open(&self, account: &XId, sealed: &[u8]) -> Result<Tokens, StoreError> {
        let wrong = || {
            StoreError::Key(
                "its tokens cannot be decrypted, because they were encrypted with another key; set that key, or connect \
                 the account again"
                    .to_owned(),
            )
        };
        let plain = self.open_bytes(account.as_str(), sealed).ok_or_else(wrong)?;
        serde_json::from_slice(&plain).map_err(|_| wrong())
    }

    /// Encrypts a secret, and authenticates whose it is.
    pub(super) fn seal_bytes(&self, whose: &str, plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|e| StoreError::Key(e.to_string()))?;
        let payload = Payload { msg: plain, aad: whose.as_bytes() };
        let sealed = XChaCha20Poly1305::new(&self.0)
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| StoreError::Key("cannot encrypt a secret".to_owned()))?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// Decrypts a secret; `None` if it was encrypted with another key, or is somebody else's.
    pub(super) fn open_bytes(&self, whose: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE)?;
        let nonce = <[u8; NONCE]>::try_from(nonce).ok()?;
        let payload = Payload { msg: sealed, aad: whose.as_bytes() };
        XChaCha20Poly1305::new(&self.0).decrypt(&XNonce::from(nonce), payload).ok()
    }
}

impl Store {
    /// Inserts or updates an account without changing its tokens; the time when it was first connected stays. Its
    /// paused calls are retried at once.
    pub async fn connect(&self, account: &ConnectedAccount) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        tx.connect(account).await?;
        tx.commit().await
    }

    /// As [`Self::connect`], with new tokens.
    pub async fn connect_with(&self, account: &ConnectedAccount, key: &Key, tokens: &Tokens) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        tx.connect(account).await?;
        tx.save_tokens(key, &account.id, tokens).await?;
        tx.commit().await
    }

    /// Every account that was ever connected, oldest first.
    pub async fn accounts(&self) -> Result<Vec<ConnectedAccount>, StoreError> {
        let mut connection = self.reader.acquire().await?;
        connected(&mut connection).await
    }

    /// The tokens of an account.
    ///
    /// # Errors
    /// Also if they were encrypted with another key.
    pub async fn tokens(&self, key: &Key, account: &XId) -> Result<Option<Tokens>, StoreError> {
        let sealed = query_scalar(TOKENS).bind(account.as_str()).fetch_optional(&self.reader).await?;
        open(key, account, sealed)
    }

    /// Stores the tokens of an account durably. As a refresh token works only once, new tokens must not be used before
    /// this returns.
    ///
    /// # Errors
    /// Also if the account does not exist.
    pub async fn save_tokens(&self, key: &Key, account: &XId, tokens: &Tokens) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        tx.save_tokens(key, account, tokens).await?;
        tx.commit().await
    }
}

const TOKENS: &str = "SELECT tokens FROM account WHERE x_id = $1";

fn open(key: &Key, account: &XId, sealed: Option<Option<Vec<u8>>>) -> Result<Option<Tokens>, StoreError> {
    sealed.flatten().map(|sealed| key.open(account, &sealed)).transpose()
}

impl Tx {
    /// As [`Store::tokens`].
    pub async fn tokens(&mut self, key: &Key, account: &XId) -> Result<Option<Tokens>, StoreError> {
        let sealed = query_scalar(TOKENS).bind(account.as_str()).fetch_optional(&mut self.conn).await?;
        open(key, account, sealed)
    }

    /// As [`Store::connect`].
    pub async fn connect(&mut self, account: &ConnectedAccount) -> Result<(), StoreError> {
        query(
            "INSERT INTO account (x_id, handle, state, connected_at, capture_from, added, state_by, state_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (x_id) DO UPDATE SET handle = excluded.handle, state = excluded.state, state_why = NULL,
               capture_from = excluded.capture_from, added = excluded.added, state_by = excluded.state_by,
               state_at = excluded.state_at, times_connected = account.times_connected + 1",
        )
        .bind(account.id.as_str())
        .bind(&account.handle)
        .bind(account.state.as_str())
        .bind(account.connected.as_millisecond())
        .bind(account.capture_from.map(Timestamp::as_millisecond))
        .bind(i64::from(account.added))
        .bind(account.state_set.as_ref().map(|(by, _)| by.to_string()))
        .bind(account.state_set.as_ref().map(|(_, at)| at.as_millisecond()))
        .execute(&mut self.conn)
        .await?;
        self.retry_pauses(&account.id).await
    }

    /// As [`Store::save_tokens`].
    pub async fn save_tokens(&mut self, key: &Key, account: &XId, tokens: &Tokens) -> Result<(), StoreError> {
        // A refresh may end after somebody unlinked the account.
        let done = query("UPDATE account SET tokens = $2, scopes = $3 WHERE x_id = $1 AND state <> 'unlinked'")
            .bind(account.as_str())
            .bind(key.seal(account, tokens)?)
            .bind(tokens.scopes.join(" "))
            .execute(&mut self.conn)
            .await?;
        if done == 0 {
            return Err(StoreError::Corrupt(format!("account {account} is not connected")));
        }
        Ok(())
    }

    /// Marks a connected account as unauthorised. One that somebody deactivated or unlinked meanwhile stays so.
    pub async fn unauthorise(&mut self, id: &XId, why: &str) -> Result<(), StoreError> {
        query(
            "UPDATE account SET state = 'unauthorised', state_why = $2, state_by = NULL, state_at = NULL
             WHERE x_id = $1 AND state = 'connected'",
        )
        .bind(id.as_str())
        .bind(why)
        .execute(&mut self.conn)
        .await?;
        Ok(())
    }

    /// Sets the state of an account, with who does so.
    pub async fn set_account_state(
        &mut self,
        id: &XId,
        state: AccountState,
        by: &Actor,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        query("UPDATE account SET state = $2, state_why = NULL, state_by = $3, state_at = $4 WHERE x_id = $1")
            .bind(id.as_str())
            .bind(state.as_str())
            .bind(by.to_string())
            .bind(now.as_millisecond())
            .execute(&mut self.conn)
            .await?;
        Ok(())
    }

    /// Changes what `twite.toml`, rules and tickets call an account, on its tickets and waiting effects too.
    pub async fn rename_account(&mut self, account: &ConnectedAccount, handle: &str) -> Result<(), StoreError> {
        let id = account.id.as_str();
        query("UPDATE account SET handle = $2 WHERE x_id = $1").bind(id).bind(handle).execute(&mut self.conn).await?;
        query("UPDATE ticket SET account = $2, version = version + 1 WHERE key_account = $1")
            .bind(id)
            .bind(handle)
            .execute(&mut self.conn)
            .await?;
        query("UPDATE outbox SET account = $2 WHERE lower(account) = lower($1)")
            .bind(&account.handle)
            .bind(handle)
            .execute(&mut self.conn)
            .await?;
        for kind in ["posts", "messages", "actions"] {
            let destination = |handle: &str| format!("{kind}/{}", handle.to_ascii_lowercase());
            query("UPDATE outbox SET destination = $2 WHERE destination = $1")
                .bind(destination(&account.handle))
                .bind(destination(handle))
                .execute(&mut self.conn)
                .await?;
        }
        Ok(())
    }

    /// Unlinks an account: deletes its tokens, switches and pauses. Its tickets, and how far it was read, stay.
    pub async fn unlink(&mut self, id: &XId, by: &Actor, now: Timestamp) -> Result<(), StoreError> {
        self.set_account_state(id, AccountState::Unlinked, by, now).await?;
        for statement in [
            "UPDATE account SET tokens = NULL, scopes = '', added = 0 WHERE x_id = $1",
            "DELETE FROM pause WHERE account = $1",
            "UPDATE polling SET stalled = NULL, since = NULL, next = NULL WHERE account = $1",
        ] {
            query(statement).bind(id.as_str()).execute(&mut self.conn).await?;
        }
        self.forget_switches(id).await
    }
}

/// Every account that was ever connected, oldest first.
pub(super) async fn connected(connection: &mut Connection) -> Result<Vec<ConnectedAccount>, StoreError> {
    let rows = query(
        "SELECT a.x_id, a.handle, p.handle AS at_x, a.added, a.state, a.state_by, a.state_at, a.connected_at, a.capture_from,
           a.scopes, a.times_connected
         FROM account a LEFT JOIN person p ON p.source_id = a.x_id ORDER BY a.connected_at, a.x_id",
    )
    .fetch_all(connection)
    .await?;
    let account = |row: &Row| {
        let handle: String = row.try_get("handle")?;
        let at_x: Option<String> = row.try_get("at_x")?;
        Ok(ConnectedAccount {
            id: word(row.try_get("x_id")?)?,
            handle_at_x: at_x.filter(|at_x| !at_x.eq_ignore_ascii_case(&handle)),
            handle,
            added: row.try_get::<i64, _>("added")? != 0,
            state: word(row.try_get("state")?)?,
            state_set: words(row.try_get("state_by")?)?.zip(times(row.try_get("state_at")?)?),
            connected: time(row.try_get("connected_at")?)?,
            capture_from: times(row.try_get("capture_from")?)?,
            scopes: row.try_get::<String, _>("scopes")?.split_whitespace().map(str::to_owned).collect(),
            times_connected: row.try_get("times_connected")?,
        })
    };
    rows.iter().map(account).collect()
}
