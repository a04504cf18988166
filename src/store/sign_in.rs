//! Sign-ins at X that end at the daemon's callback: begun by one process, and taken up by another, once.
//!
//! A sign-in is found by the hash of its `state`, which has 256 random bits: neither the database nor the time of a
//! query helps to guess one.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use super::{
    Key, Store, StoreError,
    db::{Query, query, query_scalar},
    time, word, words,
};
use crate::desk::{Actor, XId};

/// How long an expired sign-in is kept, so that whoever comes late is told why it fails.
const KEPT: SignedDuration = SignedDuration::from_hours(1);

/// A sign-in that has begun. `Debug` omits the secrets.
#[derive(Clone, PartialEq, Eq)]
pub struct PendingSignIn {
    /// The account that gets new tokens; if `None`, an account is added.
    pub account: Option<XId>,
    /// The handle of the account to add; if `None`, whichever signs in.
    pub handle: Option<String>,
    /// The URL to which X redirects.
    pub redirect: String,
    /// The PKCE verifier.
    pub verifier: String,
    /// Who began it.
    pub by: Actor,
    /// When it expires.
    pub expires: Timestamp,
}

impl fmt::Debug for PendingSignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingSignIn")
            .field("account", &self.account)
            .field("handle", &self.handle)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// Result of taking up a sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TakenSignIn {
    /// It is the caller's, who must record its end.
    Taken(PendingSignIn),
    /// It was taken up before; with its outcome, if it has ended.
    Before(Option<String>),
    /// It has expired.
    Expired,
    /// There is none with this `state`.
    Unknown,
}

/// How far a sign-in is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignInState {
    /// Nobody has come back from X.
    Waiting,
    /// Nobody came back from X in time.
    Expired,
    /// Somebody came back, and it is being completed.
    Taken,
    /// It has ended, with this outcome.
    Ended(String),
}

impl Store {
    /// Stores a sign-in, and removes those that expired long ago.
    pub async fn begin_sign_in(
        &self,
        key: &Key,
        state: &str,
        sign_in: &PendingSignIn,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let hash = hash(state);
        let mut tx = self.begin().await?;
        expired(now).execute(&mut tx.conn).await?;
        query(
            "INSERT INTO sign_in (state_hash, verifier, redirect, account, handle, actor, made, expires)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(&hash)
        .bind(key.seal_bytes(&whose(&hash), sign_in.verifier.as_bytes())?)
        .bind(&sign_in.redirect)
        .bind(sign_in.account.as_ref().map(XId::as_str))
        .bind(&sign_in.handle)
        .bind(sign_in.by.to_string())
        .bind(now.as_millisecond())
        .bind(sign_in.expires.as_millisecond())
        .execute(&mut tx.conn)
        .await?;
        tx.commit().await
    }

    /// Removes the sign-ins that expired long ago.
    pub async fn forget_sign_ins(&self, now: Timestamp) -> Result<(), StoreError> {
        self.write(expired(now)).await?;
        Ok(())
    }

    /// Takes up the sign-in with this `state`: of several callers, one gets it.
    ///
    /// # Errors
    /// Also if its verifier was encrypted with another key; then nobody has taken it up.
    pub async fn take_sign_in(&self, key: &Key, state: &str, now: Timestamp) -> Result<TakenSignIn, StoreError> {
        let hash = hash(state);
        // Read first: whoever knows no `state` does not get to wait for the write lock.
        let known: Option<i64> = query_scalar("SELECT expires FROM sign_in WHERE state_hash = $1")
            .bind(&hash)
            .fetch_optional(&self.reader)
            .await?;
        if known.is_none() {
            return Ok(TakenSignIn::Unknown);
        }
        let mut tx = self.begin().await?;
        let row = query(
            "SELECT verifier, redirect, account, handle, actor, expires, outcome FROM sign_in WHERE state_hash = $1",
        )
        .bind(&hash)
        .fetch_optional(&mut tx.conn)
        .await?;
        let Some(row) = row else { return Ok(TakenSignIn::Unknown) };
        let Some(sealed) = row.try_get::<Option<Vec<u8>>, _>("verifier")? else {
            return Ok(TakenSignIn::Before(row.try_get("outcome")?));
        };
        let expires = time(row.try_get("expires")?)?;
        if expires <= now {
            return Ok(TakenSignIn::Expired);
        }
        let verifier = key.open_bytes(&whose(&hash), &sealed).and_then(|plain| String::from_utf8(plain).ok());
        let pending = PendingSignIn {
            account: words(row.try_get("account")?)?,
            handle: row.try_get("handle")?,
            redirect: row.try_get("redirect")?,
            verifier: verifier.ok_or_else(|| {
                StoreError::Key("the daemon has another key than the command that began the sign-in".to_owned())
            })?,
            by: word(row.try_get("actor")?)?,
            expires,
        };
        query("UPDATE sign_in SET verifier = NULL WHERE state_hash = $1").bind(&hash).execute(&mut tx.conn).await?;
        tx.commit().await?;
        Ok(TakenSignIn::Taken(pending))
    }

    /// Records how a sign-in ended.
    pub async fn end_sign_in(&self, state: &str, outcome: &str) -> Result<(), StoreError> {
        let ended = query("UPDATE sign_in SET verifier = NULL, outcome = $2 WHERE state_hash = $1 AND outcome IS NULL");
        self.write(ended.bind(hash(state)).bind(outcome)).await?;
        Ok(())
    }

    /// How far a sign-in is; `None` if there is none with this `state`.
    pub async fn sign_in_state(&self, state: &str, now: Timestamp) -> Result<Option<SignInState>, StoreError> {
        let row = query("SELECT verifier, expires, outcome FROM sign_in WHERE state_hash = $1")
            .bind(hash(state))
            .fetch_optional(&self.reader)
            .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(match row.try_get::<Option<String>, _>("outcome")? {
            Some(outcome) => SignInState::Ended(outcome),
            None if row.try_get::<Option<Vec<u8>>, _>("verifier")?.is_none() => SignInState::Taken,
            None if time(row.try_get("expires")?)? <= now => SignInState::Expired,
            None => SignInState::Waiting,
        }))
    }
}

/// Deletes the sign-ins that expired long ago.
fn expired(now: Timestamp) -> Query<'static> {
    let before = now.saturating_sub(KEPT).unwrap_or(Timestamp::MIN);
    query("DELETE FROM sign_in WHERE expires < $1").bind(before.as_millisecond())
}

fn hash(state: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(state.as_bytes()))
}

/// What is authenticated with the verifier, so that it decrypts for this sign-in only.
fn whose(hash: &str) -> String {
    format!("sign-in {hash}")
}
