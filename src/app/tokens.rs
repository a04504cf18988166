//! The tokens of a connected account in the store, encrypted.

use crate::{
    desk::{Tokens, XId},
    store::{Key, Store, StoreError},
    x::{Asked, TokenError, TokenStore},
};

/// The stored tokens of one account.
#[derive(Debug)]
pub struct StoredTokens {
    /// The store that holds them.
    pub store: Store,
    /// The key that encrypts them.
    pub key: Key,
    /// The account.
    pub account: XId,
}

impl TokenStore for StoredTokens {
    fn load(&self) -> Asked<'_, Option<Tokens>> {
        Box::pin(async { self.store.tokens(&self.key, &self.account).await.map_err(|e| failed(e, "")) })
    }

    fn save<'a>(&'a self, tokens: &'a Tokens) -> Asked<'a, ()> {
        Box::pin(async {
            let saved = self.store.save_tokens(&self.key, &self.account, tokens).await;
            saved.map_err(|e| failed(e, "cannot store the new tokens: "))
        })
    }

    fn check_lease(&self) -> Asked<'_, ()> {
        Box::pin(async { self.store.check_lease().await.map_err(|e| failed(e, "")) })
    }
}

fn failed(error: StoreError, doing: &str) -> TokenError {
    match error {
        StoreError::Superseded => TokenError::Superseded,
        StoreError::Key(why) => TokenError::Key(why),
        other => TokenError::Storage(format!("{doing}{other}")),
    }
}
